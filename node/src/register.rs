//! What files of a site's registers say, before anybody knows whose it is: rows of learners, and rows of what
//! they did. Where rows come from does not matter here: a spreadsheet, a tablet's form, another platform.

pub mod kind;
pub mod layout;
pub mod value;

use serde::{Deserialize, Serialize};
use spean_protocol::event::{Body, CsvRow, Date, Language, Languages, NamePart, Script};
use spean_protocol::id::LearnerId;

/// Whom a row is about, as it was written. What of it is known decides nothing by itself: a name alone never
/// makes a row somebody's.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Who {
    /// What stands for him: the digits of his card, his user name here, or his row's key in a file of learners
    /// of the same source. Empty where there is a name instead.
    pub learner: String,
    /// His whole name in one script, the family name first.
    pub name: String,
    /// `F` or `M`; empty where nobody says.
    pub sex: String,
    /// When he was born, as far as it is known; empty where nobody says.
    pub born: String,
}

impl Who {
    /// Somebody by what stands for him.
    #[must_use]
    pub fn of(learner: &str) -> Self {
        Self {
            learner: learner.to_owned(),
            ..Self::default()
        }
    }

    /// What is remembered when an officer says who it is.
    #[must_use]
    pub fn key(&self) -> String {
        match self.learner.as_str() {
            "" => format!("\u{1f}{}\u{1f}{}\u{1f}{}", self.name, self.sex, self.born),
            learner => learner.to_owned(),
        }
    }

    /// Whether it names nobody at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.learner.is_empty() && self.name.is_empty()
    }

    /// What an officer reads.
    #[must_use]
    pub fn shown(&self) -> String {
        let parts = [&self.learner, &self.name, &self.sex, &self.born];
        let parts = parts.map(String::as_str).into_iter();
        let said: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        said.join(", ")
    }

    /// The row of a new learner that is made of it: the name is divided at its first blank.
    #[must_use]
    pub fn newcomer(&self) -> LearnerRow {
        let (family, given) = self.name.split_once(' ').unwrap_or((&self.name, ""));
        let mut fields: [String; 10] = Default::default();
        let at = match script_of(&self.name) {
            Script::Khmer => 0,
            _ => 2,
        };
        fields[at] = family.to_owned();
        fields[at + 1] = given.trim().to_owned();
        fields[4].clone_from(&self.sex);
        fields[5].clone_from(&self.born);
        LearnerRow {
            row: self.key(),
            fields,
        }
    }
}

/// The script that a name is written in.
#[must_use]
pub fn script_of(name: &str) -> Script {
    match name
        .chars()
        .any(|one| ('\u{1780}'..='\u{17ff}').contains(&one))
    {
        true => Script::Khmer,
        false => Script::Latin,
    }
}

/// One thing that somebody did, of any register.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The row's key in its source: the same again is the same event.
    pub key: String,
    /// Whom it is about.
    pub who: Who,
    /// When it happened; `None` when nobody knows.
    pub date: Option<Date>,
    /// Columns `kind`, `programme`, `module`, `session`, `score`, `max`, `version`, `value`.
    pub fields: [String; 8],
}

impl Row {
    /// Its columns by their names.
    pub(crate) fn columns(&self) -> CsvRow<'_> {
        self.fields.each_ref().map(String::as_str).into()
    }
}

/// A row of a file of learners, as text: `ref`, `family_km`, `given_km`, `family_latin`,
/// `given_latin`, `sex`, `born`, `education`, `languages`, `arrived`, `card`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnerRow {
    /// The row's key in its source: the first column.
    pub row: String,
    /// The other columns.
    pub fields: [String; 10],
}

/// A row of a catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRow {
    /// The item's number, as text: the one on its label.
    pub item: String,
    /// Title, author, language and copies, as text.
    pub fields: [String; 4],
}

/// What a row of a file of learners says.
pub(crate) struct Newcomer {
    pub(crate) card: Option<LearnerId>,
    pub(crate) arrived: Option<Date>,
    pub(crate) profile: Vec<Body>,
}

impl LearnerRow {
    /// Reads the columns.
    ///
    /// # Errors
    /// Why it is of no use, with the column.
    pub(crate) fn read(&self) -> Result<Newcomer, String> {
        let [
            family_km,
            given_km,
            family_latin,
            given_latin,
            sex,
            born,
            education,
            languages,
            arrived,
            card,
        ] = self.fields.each_ref().map(|field| field.trim());
        let mut profile = Vec::new();
        for (script, family, given) in [
            (Script::Khmer, family_km, given_km),
            (Script::Latin, family_latin, given_latin),
        ] {
            if !(family.is_empty() && given.is_empty()) {
                let part = |text| NamePart::new(text).map_err(|error| format!("name: {error}"));
                profile.push(Body::Name {
                    script,
                    family: part(family)?,
                    given: part(given)?,
                });
            }
        }
        if profile.is_empty() {
            return Err("no name: fill in a Khmer or a Latin name".to_owned());
        }
        if !sex.is_empty() {
            profile.push(Body::Sex {
                sex: read("sex", sex, "F or M")?,
            });
        }
        if !born.is_empty() {
            profile.push(Body::Birth {
                birth: read("born", born, "1990, 1990-05 or 1990-05-17")?,
            });
        }
        if !education.is_empty() {
            let hint = "none, primary, lower-secondary, upper-secondary or higher";
            profile.push(Body::Education {
                level: read("education", education, hint)?,
            });
        }
        if !languages.is_empty() {
            let list = languages
                .split_whitespace()
                .map(|code| read("languages", code, "km fr en"));
            let list = list.collect::<Result<Vec<Language>, String>>()?;
            let languages = Languages::new(list).map_err(|error| format!("languages: {error}"))?;
            profile.push(Body::Languages { languages });
        }
        let optional_date = |text: &str| match text {
            "" => Ok(None),
            text => read("arrived", text, "a day such as 2025-03-31").map(Some),
        };
        let card = match card {
            "" => None,
            text => Some(read("card", text, "the 32 digits on the card")?),
        };
        Ok(Newcomer {
            card,
            arrived: optional_date(arrived)?,
            profile,
        })
    }
}

fn read<T: std::str::FromStr>(column: &str, text: &str, hint: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("{column}: '{}' is not {hint}", value::shortened(text)))
}
