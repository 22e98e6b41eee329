//! Where the columns of a register stand in a file, and what its rows say. A column may be called by its name, or by
//! its title in any language of the screens; columns may come in any order, and others may stand between.

use spean_protocol::event::Date;
use spean_protocol::seal::derive;

use super::kind::{Column, Kind, WHO, title};
use super::value::{date, is_rounded};
use super::{ItemRow, LearnerRow, Row, Who};
use crate::locale::Language;
use crate::sheet::{Sheet, SheetRow};

/// Columns of a file of events, in the order of a row's fields.
const FIELDS: [&str; 8] = [
    "kind",
    "programme",
    "module",
    "session",
    "score",
    "max",
    "version",
    "value",
];

/// Columns of a file of learners, in the order of a row's fields.
const PROFILE: [&str; 10] = [
    "family_km",
    "given_km",
    "family_latin",
    "given_latin",
    "sex",
    "born",
    "education",
    "languages",
    "arrived",
    "card",
];

/// What a row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Of a learner himself, with the name with which he signs in to the Moodle that was here before.
    Learner(LearnerRow, String),
    /// What somebody did.
    Events(Vec<Row>),
    /// That somebody is in the prison, and perhaps until when.
    Present(Who, Option<Row>),
    /// Of an item of the library.
    Item(ItemRow),
}

/// Where the columns of a register stand in a file.
pub struct Layout {
    kind: Kind,
    places: Vec<(&'static str, usize)>,
}

/// A header as it is compared.
fn plain(header: &str) -> String {
    let letters = header
        .chars()
        .filter(|one| one.is_alphanumeric() || is_khmer_sign(*one));
    letters.flat_map(char::to_lowercase).collect()
}

/// Vowels and signs of Khmer are no letters by themselves.
fn is_khmer_sign(one: char) -> bool {
    ('\u{17b4}'..='\u{17d3}').contains(&one)
}

impl Layout {
    /// Finds the columns.
    ///
    /// # Errors
    /// Which are missing, or stand twice.
    pub fn of(kind: Kind, sheet: &Sheet) -> Result<Self, String> {
        let headers: Vec<String> = sheet.headers.iter().map(|header| plain(header)).collect();
        let mut places = Vec::new();
        let mut missing = Vec::new();
        for Column { name, needed } in kind.columns() {
            let mut called = vec![plain(name)];
            called.extend(Language::ALL.map(|language| plain(&title(language, name))));
            let mut found = (0..headers.len()).filter(|at| called.contains(&headers[*at]));
            match (found.next(), found.next()) {
                (Some(at), None) => places.push((name, at)),
                (Some(_), Some(again)) => {
                    return Err(format!(
                        "two columns are '{name}' (the second is '{}'): rename one",
                        sheet.headers[again]
                    ));
                }
                (None, _) if needed => missing.push(name),
                (None, _) => {}
            }
        }
        let layout = Self { kind, places };
        let has = |name: &str| layout.place(name).is_some();
        let whose = kind.columns().contains(&WHO[0]);
        if whose && !has("learner") && !has("name") {
            missing.push("learner");
        }
        match missing.is_empty() {
            true => Ok(layout),
            false => Err(format!(
                "no column '{}': the first line must name {} ('spean import template {}' shows all)",
                missing.join("', '"),
                missing.join(", "),
                kind.name()
            )),
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        let mut places = self.places.iter();
        places
            .find(|(column, _)| *column == name)
            .map(|(_, at)| *at)
    }

    /// Reads a row.
    ///
    /// # Errors
    /// Why it is of no use.
    pub fn read(&self, row: &SheetRow) -> Result<Content, String> {
        let row = Cells { layout: self, row };
        for name in ["card", "learner"] {
            if is_rounded(row.cell(name)) {
                return Err(format!(
                    "{name}: '{}' is a number that the spreadsheet rounded: make the column text, and type the \
                     digits again",
                    row.cell(name)
                ));
            }
        }
        Ok(match self.kind {
            Kind::Learners => Content::Learner(row.learner()?, row.text("username")),
            Kind::Catalogue => Content::Item(ItemRow {
                item: row.text("item"),
                fields: ["title", "author", "language", "copies"].map(|name| row.text(name)),
            }),
            Kind::Population => {
                let (who, until) = (row.who(), row.release());
                let until = until.map(|range| row.event(&who, range)).transpose()?;
                Content::Present(who, until)
            }
            Kind::Loans => {
                let lent = row.event(&row.who(), row.text("item"))?;
                let back = row.day("returned")?.map(|date| row.back(&lent, date));
                Content::Events([Some(lent), back].into_iter().flatten().collect())
            }
            _ => {
                let value = row.text(self.kind.calls("value"));
                Content::Events(vec![row.event(&row.who(), value)?])
            }
        })
    }
}

/// A row by its columns.
struct Cells<'a> {
    layout: &'a Layout,
    row: &'a SheetRow,
}

impl Cells<'_> {
    fn cell(&self, name: &str) -> &str {
        let at = self.layout.place(name);
        let cell = at.and_then(|at| self.row.cells.get(at));
        cell.map(String::as_str).unwrap_or_default()
    }

    fn text(&self, name: &str) -> String {
        self.cell(name).to_owned()
    }

    fn day(&self, name: &str) -> Result<Option<Date>, String> {
        date(self.cell(name)).map_err(|why| format!("{name}: {why}"))
    }

    /// A day of birth as the record has it, or what stands there: a year is one, too.
    fn born(&self) -> String {
        match date(self.cell("born")) {
            Ok(Some(born)) => born.to_string(),
            _ => self.text("born"),
        }
    }

    fn learner(&self) -> Result<LearnerRow, String> {
        let row = self.text("ref");
        if row.is_empty() {
            return Err("ref is empty: it is the row's key in its register".to_owned());
        }
        let arrived = self.day("arrived")?.map(|day| day.to_string());
        let fields = PROFILE.map(|name| match name {
            "born" => self.born(),
            "arrived" => arrived.clone().unwrap_or_default(),
            name => self.text(name),
        });
        Ok(LearnerRow { row, fields })
    }

    fn who(&self) -> Who {
        let name: Vec<&str> = self.cell("name").split_whitespace().collect();
        Who {
            learner: self.text("learner"),
            name: name.join(" "),
            sex: self.text("sex"),
            born: self.born(),
        }
    }

    /// What the row records of somebody, with that value.
    fn event(&self, who: &Who, value: String) -> Result<Row, String> {
        let kind = self.layout.kind;
        let mut fields = FIELDS.map(|field| self.text(kind.calls(field)));
        if let Some(records) = kind.records() {
            records.clone_into(&mut fields[0]);
        }
        fields[7] = value;
        Ok(self.keyed(who, self.day(kind.calls("date"))?, fields))
    }

    /// That what was lent came back.
    fn back(&self, lent: &Row, date: Date) -> Row {
        let mut fields = lent.fields.clone();
        "loan-back".clone_into(&mut fields[0]);
        self.keyed(&lent.who, Some(date), fields)
    }

    fn keyed(&self, who: &Who, date: Option<Date>, fields: [String; 8]) -> Row {
        let key = match self.cell("ref") {
            "" => key_of(who, date, &fields),
            key if self.layout.kind == Kind::Events => key.to_owned(),
            // All registers of a site may count from 1, and a loan is two events.
            key => format!("{}\u{1f}{}\u{1f}{key}", self.layout.kind.name(), fields[0]),
        };
        Row {
            key,
            who: who.clone(),
            date,
            fields,
        }
    }

    /// The months in which release is expected, if any stand there.
    fn release(&self) -> Option<String> {
        let [from, to] = ["release_from", "release_to"].map(|name| month(self.cell(name)));
        Some(match (from.as_str(), to.as_str()) {
            ("", "") => return None,
            ("", one) | (one, "") => format!("{one}..{one}"),
            (from, to) => format!("{from}..{to}"),
        })
    }
}

/// The month of a day, or what stands there.
fn month(text: &str) -> String {
    match date(text) {
        Ok(Some(day)) => day.to_string().chars().take(7).collect(),
        _ => text.to_owned(),
    }
}

/// The key of a row that has none of its own: it follows from all that the row says, so that the same row in
/// another file is the same thing, and a corrected one another.
fn key_of(who: &Who, date: Option<Date>, fields: &[String; 8]) -> String {
    let date = date.map(|date| date.to_string()).unwrap_or_default();
    let who = who.key();
    let mut parts = vec![who.as_bytes(), date.as_bytes()];
    parts.extend(fields.iter().map(String::as_bytes));
    let hash = derive("spean 2026 row without a key v1", &parts);
    data_encoding::HEXLOWER.encode(&hash[..16])
}
