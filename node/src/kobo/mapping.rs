//! Which question of a form gives which column of a register. The pack's own forms have theirs in `pack.toml`; an
//! organisation writes another for the forms that it has already.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::forms::WHICH;
use super::submission::Submission;
use crate::home::read_small;
use crate::register::value::shortened;

/// The mapping of the pack's own forms, as a file.
pub const PACK: &str = include_str!("pack.toml");

/// Bytes of a mapping.
const BYTES_MAX: usize = 256 * 1024;

/// Forms of a mapping, and events of a form.
const FORMS_MAX: usize = 50;
const EVENTS_MAX: usize = 100;

/// The forms of a mapping.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Each form.
    pub form: Vec<FormMapping>,
}

/// What is read of a form.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormMapping {
    /// What it is called here.
    pub kind: String,
    /// The question with the day; without one, what is told has no date.
    pub date: Option<String>,
    /// The group that is asked once for each person.
    pub repeat: Option<String>,
    /// Whom it is about.
    pub who: WhoMapping,
    /// An organisation's words for ours, by question.
    #[serde(default)]
    pub words: BTreeMap<String, BTreeMap<String, String>>,
    /// What it tells.
    pub event: Vec<EventMapping>,
}

/// Questions that say whom a form is about; of several the first that is answered counts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WhoMapping {
    /// A card's digits, an id, a user name.
    pub learner: Questions,
    /// The name, family name first.
    pub name: Questions,
    /// The sex.
    pub sex: Questions,
    /// Year or day of birth.
    pub born: Questions,
}

/// Something that a form tells.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventMapping {
    /// What tells it from all else of a submission, also when the form changes.
    pub key: String,
    /// Columns that always hold the same.
    #[serde(default)]
    pub always: BTreeMap<Column, String>,
    /// Columns that come from questions.
    #[serde(default)]
    pub from: BTreeMap<Column, Questions>,
    /// What becomes of the answers.
    #[serde(default)]
    pub shape: Shape,
}

/// A column of a register, in the order of a row's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Column {
    /// What happened.
    Kind,
    /// The programme.
    Programme,
    /// Its module.
    Module,
    /// The session's number.
    Session,
    /// Points reached.
    Score,
    /// Points that could be reached.
    Max,
    /// The version of a test.
    Version,
    /// Whatever else the kind needs.
    Value,
}

/// What becomes of the answers that a value comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// They are joined, with a space between.
    #[default]
    Joined,
    /// Every chosen word is an event of its own.
    Each,
    /// Two days are a range of months.
    Months,
}

/// Names of questions; in a file one text, with a space between.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Questions(pub Vec<String>);

impl From<String> for Questions {
    fn from(text: String) -> Self {
        Self(text.split_whitespace().map(str::to_owned).collect())
    }
}

impl Mapping {
    /// The mapping of the pack's own forms.
    ///
    /// # Errors
    /// Never for what is in the program; a test reads it.
    pub fn pack() -> Result<Self, String> {
        Self::parse(PACK)
    }

    /// Reads a mapping.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn read(path: &Path) -> Result<Self, String> {
        let said = |error: String| format!("{}: {error}", path.display());
        let bytes = read_small(path, BYTES_MAX).map_err(|error| said(error.to_string()))?;
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| said("not UTF-8 text: save the file as UTF-8".to_owned()))?;
        Self::parse(&text).map_err(said)
    }

    /// The same of a text.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mapping: Self = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            format!(
                "line {line}: {}: compare it with 'spean kobo mapping'",
                error.message()
            )
        })?;
        if mapping.form.is_empty() || mapping.form.len() > FORMS_MAX {
            return Err(format!("it has no [[form]], or more than {FORMS_MAX}"));
        }
        for (place, form) in mapping.form.iter().enumerate() {
            let before = &mapping.form[..place];
            if before.iter().any(|other| other.kind == form.kind) {
                return Err(format!("the form {} stands there twice", form.kind));
            }
            let kind = &form.kind;
            form.check()
                .map_err(|error| format!("the form {kind}: {error}"))?;
        }
        Ok(mapping)
    }

    /// The form of that kind.
    ///
    /// # Errors
    /// Which there are.
    pub fn form(&self, kind: &str) -> Result<&FormMapping, String> {
        self.form
            .iter()
            .find(|form| form.kind == kind)
            .ok_or_else(|| {
                let shown = shortened(kind);
                let all: Vec<&str> = self.form.iter().map(|form| form.kind.as_str()).collect();
                format!("the mapping has no form '{shown}', but {}", all.join(", "))
            })
    }

    /// The form that a submission is of: it says so itself, somebody says so, or there is only one.
    ///
    /// # Errors
    /// Why that is not known.
    pub fn form_of(
        &self,
        submission: &Submission,
        which: Option<&str>,
    ) -> Result<&FormMapping, String> {
        let own = submission.answers.get(WHICH).map(String::as_str);
        match (own, which, &self.form[..]) {
            (Some(own), Some(which), _) if own != which => Err(format!(
                "it is of the form '{}', not '{which}': import it by itself",
                shortened(own)
            )),
            (Some(kind), _, _) | (None, Some(kind), _) => self.form(kind),
            (None, None, [only]) => Ok(only),
            (None, None, _) => {
                Err("it does not say which form it is: name it with --form KIND".to_owned())
            }
        }
    }
}

impl FormMapping {
    fn check(&self) -> Result<(), String> {
        if self.who.learner.0.is_empty() && self.who.name.0.is_empty() {
            return Err("who: neither learner nor name has a question".to_owned());
        }
        if self.event.is_empty() || self.event.len() > EVENTS_MAX {
            return Err(format!(
                "it has no [[form.event]], or more than {EVENTS_MAX}"
            ));
        }
        for (place, event) in self.event.iter().enumerate() {
            let key = &event.key;
            if key.is_empty() || self.event[..place].iter().any(|other| other.key == *key) {
                return Err(format!("the key '{key}' is empty, or stands there twice"));
            }
            let has =
                |column| event.always.contains_key(&column) || event.from.contains_key(&column);
            if !has(Column::Kind) {
                return Err(format!("{key}: no column says the kind of event"));
            }
            if let Some((column, _)) = event.from.iter().find(|(_, asked)| asked.0.is_empty()) {
                return Err(format!("{key}: the column {column:?} names no question"));
            }
            let asked = event
                .from
                .get(&Column::Value)
                .map_or(0, |asked| asked.0.len());
            let wrong = match event.shape {
                Shape::Joined => false,
                Shape::Each => asked != 1,
                Shape::Months => asked != 2,
            };
            if wrong {
                return Err(format!(
                    "{key}: 'each' needs one question as value, and 'months' two"
                ));
            }
        }
        Ok(())
    }

    /// Every question that it reads, of what happened and of whom.
    pub fn questions(&self) -> impl Iterator<Item = &str> {
        let who = &self.who;
        let who = [&who.learner, &who.name, &who.sex, &who.born].into_iter();
        let told = self.event.iter().flat_map(|event| event.from.values());
        let all = who.chain(told).flat_map(|asked| &asked.0);
        all.chain(&self.date).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::kobo::forms::pack;

    /// Goal: nothing that is asked is lost, and nothing is read that nobody asks. Method: the questions of the
    /// pack beside those of its mapping, both ways.
    #[test]
    fn every_question_of_the_pack_has_a_mapping() {
        let mapping = Mapping::pack().unwrap();
        assert_eq!(mapping.form.len(), pack().len());
        for form in pack() {
            let mapped = mapping.form(form.kind).unwrap();
            let mut read: Vec<&str> = mapped.questions().collect();
            let of = |name: &String| match name.as_str() {
                "card" | "user_name" | "name" | "sex" | "born" if mapped.repeat.is_some() => {
                    format!("present/{name}")
                }
                name => name.to_owned(),
            };
            let asked = form.questions.iter().filter(|one| one.is_answered());
            let mut asked: Vec<String> = asked.map(|one| of(&one.name)).collect();
            read.sort_unstable();
            asked.sort_unstable();
            assert_eq!(read, asked, "{}", form.kind);
        }
    }

    /// Goal: a mapping that somebody wrote wrongly is refused with where and why. Method: each mistake.
    #[test]
    fn a_wrong_mapping_is_refused_by_name() {
        let event = "[[form.event]]\nkey = 'k'\n";
        let form = "[[form]]\nkind = 'a'\nwho = { name = 'n' }\n";
        for (text, why) in [
            (String::new(), "line 1: missing field `form`"),
            ("[[form]]\nkind = 'a'\n".to_owned(), "missing field `who`"),
            (
                format!("{form}{event}always = {{ kin = 'x' }}"),
                "line 6: unknown variant `kin`",
            ),
            (
                format!("{form}{event}"),
                "the form a: k: no column says the kind",
            ),
            (
                format!("{form}{event}from = {{ kind = '' }}"),
                "names no question",
            ),
            (
                format!("{form}{event}from = {{ kind = 'x' }}\nshape = 'each'"),
                "'each' needs one",
            ),
            (
                format!("{form}{event}from = {{ kind = 'x' }}\n{event}from = {{ kind = 'x' }}"),
                "twice",
            ),
            ("form = []".to_owned(), "it has no [[form]]"),
        ] {
            let said = Mapping::parse(&text).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
        assert!(
            Mapping::pack()
                .unwrap()
                .form("b")
                .unwrap_err()
                .contains("intake, attendance")
        );
    }
}
