//! What Kobo gives of a form: submissions, each with its answers. As JSON, from a file or from its server. Pure and
//! bounded; what is no submission is refused by itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::register::value::{cleaned, shortened as shown};

/// Submissions of one file.
pub const SUBMISSIONS_MAX: usize = 100_000;

/// Answers of a submission, entries of its repeats together, and letters of an answer, beyond which nothing is
/// kept: what is longer is nothing that a column can hold.
const ANSWERS_MAX: usize = 2_000;
const ENTRIES_MAX: usize = 2_000;
const LETTERS_MAX: usize = 500;

/// Names of questions of one file.
const ASKED_MAX: usize = 5_000;

/// Letters of a submission's name: a UUID has 36.
const UUID_LETTERS_MAX: usize = 64;

/// Answers by question, whose name has its groups before it: `group/question`.
pub type Answers = BTreeMap<String, String>;

/// A form that somebody filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submission {
    /// Where it stands in the file, from 1.
    pub place: u64,
    /// What tells it from all others, also when it was corrected in Kobo.
    pub uuid: String,
    /// What was answered once.
    pub answers: Answers,
    /// What was answered for each person, by group.
    pub repeats: BTreeMap<String, Vec<Answers>>,
}

/// The submissions of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Export {
    /// Each that could be read.
    pub submissions: Vec<Submission>,
    /// Places of those that could not, and why.
    pub refused: Vec<(u64, String)>,
    /// Every question that the file has.
    pub asked: BTreeSet<String>,
    /// It is a page, after which others come.
    pub more: bool,
    /// What else there is to say of the file.
    pub notes: Vec<String>,
    /// Of a table: where the submission stands that a line of a further sheet calls so.
    pub(super) parents: BTreeMap<String, usize>,
}

impl Export {
    /// Reads an export as JSON: a list of submissions, or an object whose `results` is one.
    ///
    /// # Errors
    /// Why nothing of it can be read.
    pub fn json(bytes: &[u8]) -> Result<Self, String> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let value: Value = serde_json::from_slice(bytes).map_err(|error| {
            format!(
                "this is no JSON, or the end is missing (line {}): export it again",
                error.line()
            )
        })?;
        Self::of(value)
    }

    /// The same of JSON that was read already.
    pub(super) fn of(value: Value) -> Result<Self, String> {
        let more = value.get("next").is_some_and(|next| !next.is_null());
        let list = match value {
            Value::Array(list) => list,
            Value::Object(mut object) => match object.remove("results") {
                Some(Value::Array(list)) => list,
                _ => return Err(no_export()),
            },
            _ => return Err(no_export()),
        };
        let mut export = Self {
            more,
            ..Self::default()
        };
        for (place, value) in (1..).zip(list) {
            if export.submissions.len() >= SUBMISSIONS_MAX {
                return Err(format!(
                    "more than {SUBMISSIONS_MAX} submissions: export fewer days"
                ));
            }
            export.take(place, value);
        }
        Ok(export)
    }

    /// Adds what the next page has.
    pub fn join(&mut self, page: Self) {
        self.submissions.extend(page.submissions);
        self.refused.extend(page.refused);
        self.asked.extend(page.asked);
    }

    /// Counts places on from so many submissions before.
    pub fn count_from(&mut self, before: u64) {
        let submissions = self.submissions.iter_mut().map(|one| &mut one.place);
        let refused = self.refused.iter_mut().map(|(place, _)| place);
        submissions
            .chain(refused)
            .for_each(|place| *place += before);
    }

    fn take(&mut self, place: u64, value: Value) {
        let Value::Object(object) = value else {
            let reason = "this is no submission: export the data of the form as JSON";
            self.refused.push((place, reason.to_owned()));
            return;
        };
        let mut submission = Submission {
            place,
            ..Submission::default()
        };
        let taken = uuid(|name| text_of(object.get(name)?)).and_then(|uuid| {
            submission.uuid = uuid;
            submission.fill("", object)
        });
        match taken {
            Ok(()) => self.keep(submission),
            Err(reason) => self.refused.push((place, reason)),
        }
    }

    /// Keeps a submission and which questions it answers.
    pub(super) fn keep(&mut self, submission: Submission) {
        let entries = submission.repeats.values().flatten();
        let all = entries.chain([&submission.answers]);
        for name in all.flat_map(Answers::keys).chain(submission.repeats.keys()) {
            if self.asked.len() < ASKED_MAX && !self.asked.contains(name) {
                self.asked.insert(name.clone());
            }
        }
        self.submissions.push(submission);
    }
}

fn no_export() -> String {
    "this is no export of Kobo: it must be a list of submissions, or have 'results'".to_owned()
}

impl Submission {
    fn fill(&mut self, group: &str, object: Map<String, Value>) -> Result<(), String> {
        for (name, value) in object {
            // Kobo's own.
            if name.starts_with('_') {
                continue;
            }
            let path = path(group, name);
            match value {
                Value::Object(inner) => self.fill(&path, inner)?,
                Value::Array(list) if list.iter().any(Value::is_object) => {
                    self.repeat(&path, list)?;
                }
                value => insert(&mut self.answers, path, &value)?,
            }
        }
        Ok(())
    }

    fn repeat(&mut self, group: &str, list: Vec<Value>) -> Result<(), String> {
        let before: usize = self.repeats.values().map(Vec::len).sum();
        if before + list.len() > ENTRIES_MAX {
            return Err(format!(
                "'{}' has more than {ENTRIES_MAX} entries",
                shown(group)
            ));
        }
        let entries = self.repeats.entry(group.to_owned()).or_default();
        for value in list {
            let Value::Object(object) = value else {
                continue;
            };
            let mut answers = Answers::new();
            for (name, value) in object {
                if !value.is_object() {
                    insert(&mut answers, path(group, name), &value)?;
                }
            }
            entries.push(answers);
        }
        Ok(())
    }
}

/// The whole name of a question; Kobo mostly gives it so.
fn path(group: &str, name: String) -> String {
    let whole = name
        .strip_prefix(group)
        .is_some_and(|rest| rest.starts_with('/'));
    if group.is_empty() || whole {
        name
    } else {
        format!("{group}/{name}")
    }
}

fn insert(answers: &mut Answers, path: String, value: &Value) -> Result<(), String> {
    let Some(text) = text_of(value).filter(|text| !text.is_empty()) else {
        return Ok(());
    };
    if answers.len() >= ANSWERS_MAX {
        return Err(format!("it has more than {ANSWERS_MAX} answers"));
    }
    answers.insert(path, text);
    Ok(())
}

/// An answer as text: of a list its words, with a space between.
fn text_of(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(text) => clean(text),
        Value::Number(number) => clean(&number.to_string()),
        Value::Bool(yes) => yes.to_string(),
        Value::Array(list) => {
            let words = list.iter().take(ANSWERS_MAX).filter_map(Value::as_str);
            clean(&words.collect::<Vec<_>>().join(" "))
        }
        Value::Null | Value::Object(_) => return None,
    })
}

/// An answer as the program reads it: a whole number without a fraction, and as every value ([`cleaned`]).
#[must_use]
pub fn clean(text: &str) -> String {
    let text = cleaned(&text.chars().take(LETTERS_MAX).collect::<String>());
    let whole = text.split_once('.').filter(|(whole, rest)| {
        let digits =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        digits(whole) && digits(rest) && rest.bytes().all(|byte| byte == b'0')
    });
    whole.map_or(&*text, |(whole, _)| whole).to_owned()
}

/// What tells a submission from all others: the first that it ever had.
///
/// # Errors
/// That it has none.
pub(super) fn uuid(answer: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let names = ["meta/rootUuid", "_uuid", "meta/instanceID"];
    let found = names
        .into_iter()
        .filter_map(answer)
        .find(|text| !text.is_empty());
    let found = found.unwrap_or_default().to_ascii_lowercase();
    let uuid = found.strip_prefix("uuid:").unwrap_or(&found);
    let fine = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    if uuid.is_empty() || uuid.len() > UUID_LETTERS_MAX || !uuid.chars().all(fine) {
        let reason = "it has no _uuid, without which it could be taken twice: export it with Kobo's own columns";
        return Err(reason.to_owned());
    }
    Ok(uuid.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use proptest::prelude::*;

    use super::*;

    /// Goal: answers are found under their whole names, in whichever form Kobo gives them. Method: one submission
    /// with groups, a repeat, numbers, and digits of Khmer.
    #[test]
    fn a_submission_is_its_answers() {
        let json = r#"{"count": 2, "next": "https://kobo/?start=1", "results": [{
            "_id": 5, "_uuid": "22", "meta/rootUuid": "uuid:11AA", "meta/instanceID": "uuid:33", "_attachments": [{"a": 1}],
            "date": "\u17e2\u17e0\u17e2\u17e6-01-05", "group": {"session": 3.0}, "group/module": "math-1",
            "present": [{"present/card": " 0A "}, {"card": "\u200bb"}], "none": null
        }]}"#;
        let export = Export::json(json.as_bytes()).unwrap();
        let [one] = &export.submissions[..] else {
            panic!()
        };
        assert!(export.more);
        assert_eq!(one.uuid, "11aa");
        let answers: Vec<_> = one
            .answers
            .iter()
            .map(|(a, b)| format!("{a}={b}"))
            .collect();
        assert!(
            answers.contains(&"date=2026-01-05".to_owned()),
            "{answers:?}"
        );
        assert!(answers.contains(&"group/session=3".to_owned()));
        assert!(answers.contains(&"group/module=math-1".to_owned()));
        let present = &one.repeats["present"];
        assert_eq!(present[0]["present/card"], "0A");
        assert_eq!(present[1]["present/card"], "b");
        assert!(export.asked.contains("present/card") && !export.asked.contains("none"));
    }

    /// Goal: the first name that a submission had is its name, and one without any is refused, not taken twice.
    /// Method: each of the three, and none.
    #[test]
    fn the_first_uuid_counts() {
        let of = |json: &str| Export::json(json.as_bytes()).unwrap();
        let uuid = |json: &str| of(json).submissions[0].uuid.clone();
        assert_eq!(uuid(r#"[{"meta/rootUuid": "a", "_uuid": "b"}]"#), "a");
        assert_eq!(
            uuid(r#"[{"_uuid": "b", "meta/instanceID": "uuid:c"}]"#),
            "b"
        );
        assert_eq!(uuid(r#"[{"meta/instanceID": "uuid:c"}]"#), "c");
        let bad = of(r#"[{"date": "x"}, {"_uuid": "a b"}, 7]"#);
        assert_eq!(bad.refused.len(), 3);
        assert!(bad.refused[0].1.contains("_uuid") && bad.refused[2].1.contains("no submission"));
    }

    /// Goal: a file that is no export says so. Method: an error page, a broken end, another list, other JSON.
    #[test]
    fn what_is_no_export_is_refused() {
        for (text, why) in [
            ("<html>", "no JSON"),
            ("[{\"_uuid\": \"a\"}", "the end is missing"),
            ("{\"detail\": \"Not found.\"}", "no export"),
            ("7", "no export"),
        ] {
            let said = Export::json(text.as_bytes()).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }

    proptest! {
        /// Goal: no file makes it panic or keep more than its bounds. Method: any bytes, and any JSON of few names.
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Export::json(&bytes);
            let _ = clean(&String::from_utf8_lossy(&bytes));
        }
    }
}
