//! Exports of Kobo as a sheet: a line for each submission. Headers and answers may be XML names, or labels in any
//! of the three languages.

use std::collections::BTreeMap;

use super::forms::{Answer, Question, WHICH, pack};
use super::lists::List;
use super::submission::{Answers, Export, Submission, clean, uuid};
use crate::locale::{self, Language};
use crate::register::value::shortened as shown;
use crate::sheet::Sheet;

impl Export {
    /// Reads a sheet. `which` is the form that it is said to be, if anybody says so; the pack's own say it.
    #[must_use]
    pub fn sheet(sheet: Sheet, which: Option<&str>) -> Self {
        let headers = cleaned(&sheet);
        let own = headers
            .iter()
            .position(|header| last(header) == WHICH)
            .and_then(|place| {
                let cells = sheet.rows.iter().filter_map(|row| row.cells.get(place));
                cells.map(|cell| clean(cell)).find(|cell| !cell.is_empty())
            });
        let labels = Labels::of(which.or(own.as_deref()));
        let names: Vec<String> = headers.iter().map(|header| labels.name(header)).collect();
        let mut export = Self {
            refused: sheet.refused,
            notes: sheet.notes,
            ..Self::default()
        };
        export
            .asked
            .extend(names.iter().filter(|name| !name.starts_with('_')).cloned());
        for row in sheet.rows {
            let mut answers = Answers::new();
            let mut kobo: BTreeMap<&str, String> = BTreeMap::new();
            let mut problem = None;
            for (name, cell) in names.iter().zip(&row.cells) {
                let text = clean(cell);
                if text.is_empty() {
                    continue;
                }
                match last(name) {
                    own @ ("_uuid" | "rootUuid" | "instanceID" | "_index") => {
                        kobo.insert(own, text);
                    }
                    _ if name.starts_with('_') => {}
                    _ => match labels.answer(name, &text) {
                        Ok(answer) => {
                            answers.entry(name.clone()).or_insert(answer);
                        }
                        Err(reason) => problem = Some(reason),
                    },
                }
            }
            if answers.is_empty() && kobo.is_empty() {
                continue;
            }
            let named = uuid(|name| kobo.get(last(name)).cloned());
            match (named, problem) {
                (Ok(uuid), None) => {
                    let at = export.submissions.len();
                    for own in ["_uuid", "_index"] {
                        let name = kobo.get(own).cloned();
                        export.parents.extend(name.map(|name| (name, at)));
                    }
                    export.keep(Submission {
                        place: row.line,
                        uuid,
                        answers,
                        repeats: BTreeMap::new(),
                    });
                }
                (Err(reason), _) | (_, Some(reason)) => export.refused.push((row.line, reason)),
            }
        }
        export
    }
}

impl Export {
    /// Whether a sheet of that name holds the people of a group of a form.
    #[must_use]
    pub fn is_of(kind: &str, group: &str, name: &str) -> bool {
        // Kobo cuts long names.
        let group = last(group);
        let name = clean(name);
        !name.is_empty()
            && (group.starts_with(&name) || Labels::of(Some(kind)).name(&name) == group)
    }

    /// Adds the people of a group, one a line, to the submissions of the first sheet.
    pub fn people(&mut self, sheet: Sheet, kind: &str, group: &str) {
        self.notes.clear();
        let labels = Labels::of(Some(kind));
        let headers = cleaned(&sheet);
        let names: Vec<String> = headers.iter().map(|header| labels.name(header)).collect();
        let part = format!("{group}/");
        let whole = |name: &str| match name.starts_with(&part) {
            true => name.to_owned(),
            false => format!("{part}{}", last(name)),
        };
        self.asked.insert(group.to_owned());
        let asked = names.iter().filter(|name| !name.starts_with('_'));
        self.asked.extend(asked.map(|name| whole(name)));
        self.refused.extend(sheet.refused);
        for row in sheet.rows {
            let cells = || names.iter().zip(&row.cells);
            let named = |name: &str| cells().find(|(own, _)| *own == name);
            let parent = ["_submission__uuid", "_parent_index"]
                .into_iter()
                .find_map(|name| self.parents.get(&clean(named(name)?.1)).copied());
            let Some(submission) = parent.and_then(|at| self.submissions.get_mut(at)) else {
                let reason = format!(
                    "sheet '{}': the submission that it belongs to is not in the first sheet",
                    last(group)
                );
                self.refused.push((row.line, reason));
                continue;
            };
            let mut answers = Answers::new();
            let mut problem = None;
            for (name, cell) in cells().filter(|(name, _)| !name.starts_with('_')) {
                match labels.answer(last(name), &clean(cell)) {
                    Ok(answer) if answer.is_empty() => {}
                    Ok(answer) => {
                        answers.insert(whole(name), answer);
                    }
                    Err(reason) => problem = Some(reason),
                }
            }
            match problem {
                None => submission
                    .repeats
                    .entry(group.to_owned())
                    .or_default()
                    .push(answers),
                Some(reason) => self
                    .refused
                    .push((row.line, format!("sheet '{}': {reason}", last(group)))),
            }
        }
    }
}

fn cleaned(sheet: &Sheet) -> Vec<String> {
    sheet.headers.iter().map(|header| clean(header)).collect()
}

/// A name without its groups.
fn last(name: &str) -> &str {
    name.rsplit('/').next().map_or(name, str::trim)
}

/// The words of one form of the pack: what leads from labels back to names.
#[derive(Default)]
struct Labels {
    questions: BTreeMap<String, String>,
    lists: BTreeMap<String, (List, bool)>,
    choices: BTreeMap<List, BTreeMap<String, String>>,
}

impl Labels {
    fn of(kind: Option<&str>) -> Self {
        let mut labels = Self::default();
        let form = pack().into_iter().find(|form| Some(form.kind) == kind);
        for question in form.into_iter().flat_map(|form| form.questions) {
            labels.add(&question);
        }
        labels
    }

    fn add(&mut self, question: &Question) {
        for language in Language::ALL {
            if let Some(key) = question.key() {
                let label = plain(&locale::text(language, &key, &[]));
                self.questions.insert(label, question.name.clone());
            }
            if let Some(list) = question.list() {
                let words = self.choices.entry(list).or_default();
                for choice in list.choices() {
                    words.insert(plain(&list.label(&choice, language)), choice.name.clone());
                    words.insert(plain(&choice.name), choice.name);
                }
            }
        }
        if let Some(list) = question.list() {
            let several = matches!(question.answer, Answer::Several(_));
            self.lists.insert(question.name.clone(), (list, several));
        }
        self.questions
            .insert(question.name.clone(), question.name.clone());
    }

    /// The name of the question, or of the choice of one, that a header is.
    fn name(&self, header: &str) -> String {
        if let Some(name) = self.questions.get(&plain(header)) {
            return name.clone();
        }
        let Some((before, after)) = header.rsplit_once('/') else {
            return header.to_owned();
        };
        // A choice with a column of its own.
        let question = self.questions.get(&plain(last(before)));
        let list = question.and_then(|question| self.lists.get(question));
        let choices = list.and_then(|(list, _)| self.choices.get(list));
        let choice = choices.and_then(|choices| choices.get(&plain(after)));
        if let (Some(question), Some(choice)) = (question, choice) {
            return format!("{question}/{choice}");
        }
        match self.questions.get(&plain(after)) {
            Some(name) => name.clone(),
            None => header.to_owned(),
        }
    }

    /// The names of what was chosen.
    fn answer(&self, question: &str, text: &str) -> Result<String, String> {
        let Some((list, several)) = self.lists.get(question) else {
            return Ok(text.to_owned());
        };
        let Some(choices) = self.choices.get(list) else {
            return Ok(text.to_owned());
        };
        if text.is_empty() {
            return Ok(String::new());
        }
        if let Some(name) = choices.get(&plain(text)) {
            return Ok(name.clone());
        }
        let mut rest = plain(text);
        let mut names = Vec::new();
        while *several && !rest.is_empty() {
            // Of two words of which one begins the other, the longer is meant.
            let begins = |label: &&String| {
                let after = rest.strip_prefix(label.as_str());
                after.is_some_and(|after| after.is_empty() || after.starts_with([' ', ',', ';']))
            };
            let Some(label) = choices
                .keys()
                .filter(begins)
                .max_by_key(|label| label.len())
            else {
                break;
            };
            names.extend(choices.get(label).cloned());
            rest = rest[label.len()..]
                .trim_start_matches([' ', ',', ';'])
                .to_owned();
        }
        if names.is_empty() || !rest.is_empty() {
            return Err(format!(
                "'{question}': an answer is none of the form's list: export it with XML values and headers, or as JSON \
                 ({})",
                shown(list.name())
            ));
        }
        Ok(names.join(" "))
    }
}

/// A label as it is compared.
fn plain(text: &str) -> String {
    clean(text).to_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::sheet::SheetRow;

    fn sheet(headers: &[&str], rows: &[&[&str]]) -> Sheet {
        let own = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
        let row = |(line, cells): (u64, &&[&str])| SheetRow {
            line,
            cells: own(cells),
        };
        Sheet {
            headers: own(headers),
            rows: (2..).zip(rows).map(row).collect(),
            refused: vec![(9, "no row".to_owned())],
            notes: Vec::new(),
        }
    }

    /// Goal: an export with labels says the same as one with names, in each language. Method: every question of
    /// one list or several, every choice of it, of every form that has no list of people.
    #[test]
    fn labels_of_any_language_lead_back_to_names() {
        for form in pack().into_iter().filter(|form| form.kind != "attendance") {
            for language in Language::ALL {
                let said = |key: Option<String>| key.map(|key| locale::text(language, &key, &[]));
                for question in &form.questions {
                    let (Some(list), Some(label)) = (question.list(), said(question.key())) else {
                        continue;
                    };
                    let choices = list.choices();
                    let label = format!("Group / {label}");
                    let labels: Vec<String> = choices
                        .iter()
                        .map(|one| list.label(one, language))
                        .collect();
                    let cells: Vec<[&str; 3]> =
                        labels.iter().map(|one| [form.kind, "u-1", one]).collect();
                    let cells: Vec<&[&str]> = cells.iter().map(|row| &row[..]).collect();
                    let read = Export::sheet(sheet(&[WHICH, "_uuid", &label], &cells), None);
                    assert_eq!(read.refused.len(), 1, "{:?}", read.refused);
                    let got: Vec<&String> = read
                        .submissions
                        .iter()
                        .map(|one| &one.answers[&question.name])
                        .collect();
                    let names: Vec<&String> = choices.iter().map(|one| &one.name).collect();
                    assert_eq!(got, names, "{} {language:?}", question.name);
                    if matches!(question.answer, Answer::Several(_)) {
                        let all = labels.join(" ");
                        let read = Export::sheet(
                            sheet(&[WHICH, "_uuid", &label], &[&[form.kind, "u-1", &all]]),
                            None,
                        );
                        let names: Vec<&str> =
                            choices.iter().map(|one| one.name.as_str()).collect();
                        assert_eq!(read.submissions[0].answers[&question.name], names.join(" "));
                    }
                }
            }
        }
    }

    /// Goal: what a sheet lacks or holds wrongly is refused by line. Method: a line without a UUID, one with a word
    /// of no list, an empty one, and columns for each choice.
    #[test]
    fn a_bad_line_is_refused_and_the_others_are_kept() {
        let headers = [
            WHICH,
            "meta/rootUuid",
            "_uuid",
            "Remarks",
            "handouts/record-copy",
            "_index",
        ];
        let read = Export::sheet(
            sheet(
                &headers,
                &[
                    &["exit", "", "", "good progress", "1", "1"],
                    &["exit", "", "b", "very good", "1", "1"],
                    &["", "", "", "", "", ""],
                    &["exit", "uuid:A", "b", "good progress, needs help", "1", "1"],
                ],
            ),
            None,
        );
        let lines: Vec<u64> = read.refused.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [9, 2, 3]);
        assert!(read.refused[2].1.contains("'remarks'"));
        let [one] = &read.submissions[..] else {
            panic!()
        };
        assert_eq!((one.place, one.uuid.as_str()), (5, "a"));
        assert_eq!(one.answers["remarks"], "good-progress needs-help");
        assert_eq!(one.answers["handouts/record-copy"], "1");
    }
}
