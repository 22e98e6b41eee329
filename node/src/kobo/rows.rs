//! Submissions become rows of a register, as a mapping says. Pure: the engine judges rows and finds whom they are
//! about.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use spean_protocol::event::{Date, Month};
use spean_protocol::seal::derive;

use super::mapping::{Column, EventMapping, FormMapping, Mapping, Questions, Shape};
use super::submission::{Answers, Export, Submission};
use crate::register::value::{self, shortened as shown};
use crate::register::{Row, Who};

/// Kinds that the moves of learners have, which no form records.
const MOVES: [&str; 2] = ["arrived", "departed"];

/// What an import came to before the engine saw it.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// Submissions that were read.
    pub submissions: u64,
    /// Submissions that stood there again.
    pub repeated: u64,
    /// The rows of each file, with the places of their submissions in it.
    pub rows: Vec<(String, Vec<(u64, Row)>)>,
    /// What cannot be used: the file, the place in it (0 for all of it), and why.
    pub refused: Vec<(String, u64, String)>,
    /// What a reader should know of a file, though nothing is refused for it.
    pub notes: Vec<String>,
    seen: BTreeSet<String>,
}

impl Collected {
    /// Takes an export: `from` is its name for people, `which` the form that it is said to be.
    pub fn take(&mut self, from: &str, export: Export, mapping: &Mapping, which: Option<&str>) {
        let notes = export.notes.iter().map(|note| format!("{from}: {note}"));
        self.notes.extend(notes);
        let mut kept = Vec::new();
        let mut refuse = |place, reason| self.refused.push((from.to_owned(), place, reason));
        for (place, reason) in export.refused {
            refuse(place, reason);
        }
        if export.more {
            let reason = "this is only the first page of the form's data: 'spean kobo pull' reads all of them";
            refuse(0, format!("{from}: {reason}"));
        }
        // Said once for each form, not for each submission.
        let mut judged: BTreeMap<&str, bool> = BTreeMap::new();
        for submission in &export.submissions {
            let form = match mapping.form_of(submission, which) {
                Ok(form) => form,
                Err(reason) => {
                    refuse(submission.place, reason);
                    continue;
                }
            };
            let usable = *judged.entry(&form.kind).or_insert_with(|| {
                let (missing, note) = compare(form, &export.asked);
                let said = |what: String| format!("{from}: the form {}: {what}", form.kind);
                let usable = missing.is_empty();
                missing.into_iter().for_each(|what| refuse(0, said(what)));
                self.notes.extend(note.filter(|_| usable).map(said));
                usable
            });
            if !usable {
                continue;
            }
            if !self.seen.insert(submission.uuid.clone()) {
                self.repeated += 1;
                continue;
            }
            self.submissions += 1;
            let (rows, problems) = rows(form, submission);
            kept.extend(rows.into_iter().map(|row| (submission.place, row)));
            problems
                .into_iter()
                .for_each(|problem| refuse(submission.place, problem));
        }
        self.rows.push((from.to_owned(), kept));
    }
}

/// What a file lacks of the questions of a form: without the first nothing can be read of it, without the others
/// the rest can.
fn compare(form: &FormMapping, asked: &BTreeSet<String>) -> (Vec<String>, Option<String>) {
    let names: Vec<&str> = asked.iter().map(String::as_str).collect();
    let there = |question: &String| {
        let part = format!("{question}/");
        find(&names, question).is_some() || names.iter().any(|name| name.starts_with(&part))
    };
    let next = "export it with XML values and headers, or change the mapping";
    let mut missing = Vec::new();
    if let Some(date) = form.date.as_ref().filter(|date| !there(date)) {
        missing.push(format!(
            "there is no question '{date}', which has the day: {next}"
        ));
    }
    let repeat = form
        .repeat
        .as_ref()
        .filter(|repeat| !names.contains(&repeat.as_str()));
    let who = form.who.learner.0.iter().chain(&form.who.name.0);
    if let Some(repeat) = repeat {
        missing.push(format!(
            "there is no group '{repeat}', which has a row for each person: a CSV has none; export as XLS or JSON, or use 'spean kobo pull'"
        ));
    } else if !who.clone().any(there) {
        let all: Vec<&str> = who.map(String::as_str).collect();
        missing.push(format!(
            "there is none of the questions {}: {next}",
            all.join(", ")
        ));
    }
    let told = form.event.iter().flat_map(|event| event.from.values());
    let absent: BTreeSet<&str> = told
        .flat_map(|asked| &asked.0)
        .filter(|question| !there(question))
        .map(String::as_str)
        .collect();
    let absent: Vec<&str> = absent.into_iter().collect();
    let note = (!absent.is_empty()).then(|| {
        let names = absent.join(", ");
        format!("nobody answers {names}, or the file does not have it")
    });
    (missing, note)
}

/// The name under which a question stands: its own; without its groups, as some exports have it; or, where nobody
/// says in which group it is, in whichever, if there is only one.
fn find<'a>(names: &[&'a str], question: &str) -> Option<&'a str> {
    if let Some(name) = names.iter().find(|name| **name == question) {
        return Some(name);
    }
    if let Some((_, alone)) = question.rsplit_once('/') {
        return names.iter().find(|name| **name == alone).copied();
    }
    let ends_so = |name: &&&str| {
        name.rsplit_once('/')
            .is_some_and(|(_, last)| last == question)
    };
    let mut alike = names.iter().filter(ends_so);
    let found = alike.next()?;
    alike.next().is_none().then_some(found)
}

/// The answers that count for one person: his own, then those of the whole form.
struct Asked<'a> {
    form: &'a FormMapping,
    own: Option<&'a Answers>,
    all: &'a Answers,
}

impl Asked<'_> {
    /// The answer to a question, in our words; empty where there is none.
    fn answer(&self, question: &str) -> String {
        let words = self.form.words.get(question);
        let ours = |text: &str| words.and_then(|words| words.get(text)).cloned();
        // Somebody else's name elsewhere in the form is not his.
        let repeat = self.form.repeat.as_deref();
        let his = repeat.and_then(|repeat| question.strip_prefix(repeat));
        let all = (!his.is_some_and(|rest| rest.starts_with('/'))).then_some(self.all);
        for answers in self.own.into_iter().chain(all) {
            let names: Vec<&str> = answers.keys().map(String::as_str).collect();
            if let Some(text) = find(&names, question).and_then(|name| answers.get(name)) {
                if let Some(ours) = ours(text) {
                    return ours;
                }
                let each = text
                    .split_whitespace()
                    .map(|word| ours(word).unwrap_or(word.to_owned()));
                // A name keeps its spaces.
                return if words.is_some() {
                    each.collect::<Vec<_>>().join(" ")
                } else {
                    text.clone()
                };
            }
            // Several answers, each with a column of its own.
            let part = format!("{question}/");
            let chosen = answers.iter().filter_map(|(name, text)| {
                let choice = name.strip_prefix(&part)?;
                let yes = text == "1" || text.eq_ignore_ascii_case("true");
                yes.then(|| ours(choice).unwrap_or_else(|| choice.to_owned()))
            });
            let chosen: Vec<String> = chosen.collect();
            if !chosen.is_empty() {
                return chosen.join(" ");
            }
        }
        String::new()
    }

    fn first(&self, questions: &Questions) -> String {
        let answers = questions.0.iter().map(|question| self.answer(question));
        answers
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    }

    fn who(&self) -> Who {
        let who = &self.form.who;
        let mut learner = self.first(&who.learner);
        let digits: String = learner.split_whitespace().collect();
        if digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            learner = digits.to_ascii_lowercase();
        }
        Who {
            learner,
            name: self.first(&who.name),
            sex: self.first(&who.sex),
            born: self.first(&who.born),
        }
    }

    /// The rows of one event: their columns, and what tells each from the others.
    fn event(&self, event: &EventMapping) -> Result<Vec<(String, [String; 8])>, String> {
        let mut fields: [String; 8] = Default::default();
        for (column, text) in &event.always {
            fields[*column as usize].clone_from(text);
        }
        let mut answered = event.from.is_empty();
        for (column, questions) in &event.from {
            let answers: Vec<String> = questions
                .0
                .iter()
                .map(|question| self.answer(question))
                .collect();
            let given = answers.iter().filter(|text| !text.is_empty()).count();
            answered |= given > 0;
            let value = *column == Column::Value;
            if value && given > 0 && given < answers.len() {
                let missing = answers
                    .iter()
                    .position(String::is_empty)
                    .unwrap_or_default();
                let question = &questions.0[missing];
                return Err(format!(
                    "{}: '{question}' is not answered, but belongs to it",
                    event.key
                ));
            }
            fields[*column as usize] = match (value, event.shape, &answers[..]) {
                (true, Shape::Months, [from, to]) if given > 0 => {
                    format!("{}..{}", month(&event.key, from)?, month(&event.key, to)?)
                }
                _ => answers.join(" ").trim().to_owned(),
            };
        }
        if !answered {
            return Ok(Vec::new());
        }
        if MOVES.contains(&fields[0].as_str()) {
            let reason = "a form records no arrival and no departure: use 'spean transfer'";
            return Err(format!("{}: {reason}", event.key));
        }
        if event.shape != Shape::Each {
            return Ok(vec![(event.key.clone(), fields)]);
        }
        let chosen: BTreeSet<&str> = fields[7].split_whitespace().collect();
        let one = |word: &str| {
            let mut own = fields.clone();
            word.clone_into(&mut own[7]);
            (format!("{}/{word}", event.key), own)
        };
        Ok(chosen.into_iter().map(one).collect())
    }
}

/// The month of a day or a month.
fn month(key: &str, text: &str) -> Result<Month, String> {
    let start = text.get(..7).unwrap_or(text);
    start
        .parse()
        .map_err(|_| format!("{key}: '{}' is not a month such as 2026-01", shown(text)))
}

/// The day of a day or a moment.
fn day(text: &str) -> Result<Date, String> {
    match value::date(text) {
        Ok(Some(date)) => Ok(date),
        Ok(None) => Err("the day is missing: fill it in in Kobo, and export again".to_owned()),
        Err(why) => Err(format!("the day: {why}")),
    }
}

/// The rows of a submission, and what of it cannot be used. Keys stay as they are when a form gets more questions,
/// and when entries of a repeat change their places.
#[must_use]
pub fn rows(form: &FormMapping, submission: &Submission) -> (Vec<Row>, Vec<String>) {
    let all = &submission.answers;
    let whole = Asked {
        form,
        own: None,
        all,
    };
    let date = match form
        .date
        .as_ref()
        .map(|date| day(&whole.answer(date)))
        .transpose()
    {
        Ok(date) => date,
        Err(problem) => return (Vec::new(), vec![problem]),
    };
    let people: Vec<Asked<'_>> = match &form.repeat {
        None => vec![whole],
        Some(repeat) => {
            let entries = submission.repeats.get(repeat).into_iter().flatten();
            entries
                .map(|own| Asked {
                    form,
                    own: Some(own),
                    all,
                })
                .collect()
        }
    };
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    let mut namesakes: BTreeMap<String, u32> = BTreeMap::new();
    for (place, person) in (1..).zip(&people) {
        let at = |problem: &str| match form.repeat {
            None => problem.to_owned(),
            Some(ref repeat) => format!("{repeat} {place}: {problem}"),
        };
        let who = person.who();
        if who.learner.is_empty() && who.name.is_empty() {
            problems.push(at("nobody is named: neither card nor user name nor name"));
            continue;
        }
        let own = match form.repeat {
            None => String::new(),
            Some(_) => match name_in_key(&who, &mut namesakes) {
                Some(own) => format!("/{own}"),
                // The same card twice in one list is one person once.
                None => continue,
            },
        };
        for event in &form.event {
            match person.event(event) {
                Ok(told) => rows.extend(told.into_iter().map(|(key, fields)| Row {
                    key: format!("{}#{key}{own}", submission.uuid),
                    who: who.clone(),
                    date,
                    fields,
                })),
                Err(problem) => problems.push(at(&problem)),
            }
        }
    }
    (rows, problems)
}

/// What tells a person from the others of a list, wherever he stands in it, without his name. Two of one name are
/// two; `None` for a card or user name that was there before.
fn name_in_key(who: &Who, namesakes: &mut BTreeMap<String, u32>) -> Option<String> {
    let card = !who.learner.is_empty();
    let parts: &[&[u8]] = if card {
        &[who.learner.as_bytes()]
    } else {
        &[who.name.as_bytes(), who.sex.as_bytes(), who.born.as_bytes()]
    };
    let hash = derive("spean 2026 person of a form v1", parts);
    let name = HEXLOWER.encode(&hash[..8]);
    let count = namesakes.entry(name.clone()).or_insert(0);
    *count += 1;
    match *count {
        1 => Some(name),
        _ if card => None,
        more => Some(format!("{name}-{more}")),
    }
}

#[cfg(test)]
mod tests;
