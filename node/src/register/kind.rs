//! The registers that a site keeps as files, and their columns. A column may be called by its name here, or by its
//! title in any language of the screens; columns may come in any order, and others may stand between.

use spean_protocol::catalogue::{ModuleId, ProgrammeId};
use spean_protocol::event::{AssessmentKind, EducationLevel, ExamOutcome, Provider, Sex};
use spean_protocol::seal::derive;

use super::value::{date, is_rounded};
use super::{ItemRow, LearnerRow, Row, Who};
use crate::locale::{self, Language};
use crate::sheet::{Sheet, SheetRow};

/// A kind of register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
#[value(rename_all = "kebab-case")]
pub enum Kind {
    /// The centre's learners.
    Learners,
    /// Anything that can be recorded, by its kind; also what another learning platform tells.
    Events,
    /// Who came to which session of the centre's programmes.
    Attendance,
    /// Who came to classes of outside providers: literacy, vocational training, orientation.
    Classes,
    /// Results of tests before, within and after a module.
    Tests,
    /// Results of official exams.
    Exams,
    /// Loans of the library.
    Loans,
    /// Visits of the library.
    Visits,
    /// The library's catalogue.
    Catalogue,
    /// The prison's own list of prisoners: who of the learners is still there, and until when.
    Population,
}

/// A column of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Whether a file must have it.
    pub needed: bool,
}

const fn must(name: &'static str) -> Column {
    Column { name, needed: true }
}

const fn may(name: &'static str) -> Column {
    Column {
        name,
        needed: false,
    }
}

/// Columns that say whose a row is: `learner`, or `name` with what helps to find him.
const WHO: [Column; 4] = [may("learner"), may("name"), may("sex"), may("born")];

/// What a row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Of a learner himself, with the name with which he signs in to the Moodle that was here before.
    Learner(LearnerRow, String),
    /// What somebody did.
    Events(Vec<Row>),
    /// That somebody is in the prison, and perhaps until when.
    Present(Who, Option<Row>),
    /// Of an item of the library.
    Item(ItemRow),
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Learners,
        Self::Events,
        Self::Attendance,
        Self::Classes,
        Self::Tests,
        Self::Exams,
        Self::Loans,
        Self::Visits,
        Self::Catalogue,
        Self::Population,
    ];

    /// Its name in commands.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Learners => "learners",
            Self::Events => "events",
            Self::Attendance => "attendance",
            Self::Classes => "classes",
            Self::Tests => "tests",
            Self::Exams => "exams",
            Self::Loans => "loans",
            Self::Visits => "visits",
            Self::Catalogue => "catalogue",
            Self::Population => "population",
        }
    }

    /// Its columns, in the order of its template.
    #[must_use]
    pub fn columns(self) -> Vec<Column> {
        let own: &[Column] = match self {
            Self::Learners => {
                return vec![
                    must("ref"),
                    may("family_km"),
                    may("given_km"),
                    may("family_latin"),
                    may("given_latin"),
                    may("sex"),
                    may("born"),
                    may("education"),
                    may("languages"),
                    may("arrived"),
                    may("card"),
                    may("username"),
                ];
            }
            Self::Catalogue => {
                return vec![
                    must("item"),
                    must("title"),
                    may("author"),
                    may("language"),
                    may("copies"),
                ];
            }
            Self::Events => &[
                may("date"),
                must("kind"),
                may("programme"),
                may("module"),
                may("session"),
                may("score"),
                may("max"),
                may("version"),
                may("value"),
            ],
            Self::Attendance => &[
                must("date"),
                must("programme"),
                must("module"),
                must("session"),
            ],
            Self::Classes => &[must("date"), must("programme"), must("provider")],
            Self::Tests => &[
                must("date"),
                must("test"),
                must("programme"),
                must("module"),
                must("version"),
                must("score"),
                must("max"),
            ],
            Self::Exams => &[
                must("date"),
                must("programme"),
                may("module"),
                may("sitting"),
                must("outcome"),
                may("score"),
                may("max"),
            ],
            Self::Loans => &[must("item"), must("lent"), may("returned")],
            Self::Visits => &[must("date")],
            Self::Population => &[may("release_from"), may("release_to")],
        };
        [&[may("ref")][..], &WHO, own].concat()
    }

    /// What a column of a file of events is called in this register.
    #[must_use]
    pub fn calls(self, column: &str) -> &str {
        match (self, column) {
            (Self::Classes, "value") => "provider",
            (Self::Tests, "kind") => "test",
            (Self::Exams, "version") => "sitting",
            (Self::Exams, "value") => "outcome",
            (Self::Loans, "value") => "item",
            (Self::Population, "value") => "release_from",
            (_, column) => column,
        }
    }
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

/// What a column is called in a language.
#[must_use]
pub fn title(language: Language, column: &str) -> String {
    let key = format!("column-{}", column.replace('_', "-"));
    locale::text(language, &key, &[])
}

/// What stands in a column, in a language.
#[must_use]
pub fn hint(language: Language, column: &str) -> String {
    let key = format!("column-{}-hint", column.replace('_', "-"));
    locale::text(language, &key, &[])
}

/// The words that may stand in a column, where it has a closed list.
#[must_use]
pub fn words(column: &str) -> Vec<String> {
    fn of<T: Copy>(all: &[T], name: fn(T) -> Option<&'static str>) -> Vec<String> {
        let names = all.iter().filter_map(|one| name(*one));
        names.map(str::to_owned).collect()
    }
    match column {
        "provider" => of(Provider::ALL, Provider::name),
        "outcome" => of(ExamOutcome::ALL, ExamOutcome::name),
        "test" => of(AssessmentKind::ALL, AssessmentKind::name),
        "education" => of(EducationLevel::ALL, EducationLevel::name),
        "sex" => of(Sex::ALL, Sex::name),
        "programme" => {
            let names = ProgrammeId::all().filter_map(ProgrammeId::name);
            names.map(str::to_owned).collect()
        }
        "module" => {
            let modules = ProgrammeId::all().flat_map(|programme| {
                let named = programme.name().unwrap_or_default();
                let modules = programme.modules().filter_map(ModuleId::name);
                modules.map(move |module| format!("{named}: {module}"))
            });
            modules.collect()
        }
        _ => Vec::new(),
    }
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
    pub fn read(&self, row: &SheetRow) -> Result<Said, String> {
        let cell = |name: &str| {
            let at = self.place(name).and_then(|at| row.cells.get(at));
            at.map(String::as_str).unwrap_or_default()
        };
        let text = |name: &str| cell(name).to_owned();
        for name in ["card", "learner"] {
            if is_rounded(cell(name)) {
                return Err(format!(
                    "{name}: '{}' is a number that the spreadsheet rounded: make the column text, and type the \
                     digits again",
                    cell(name)
                ));
            }
        }
        let day = |name: &str| date(cell(name)).map_err(|why| format!("{name}: {why}"));
        if self.kind == Kind::Learners {
            if cell("ref").is_empty() {
                return Err("ref is empty: it is the row's key in its register".to_owned());
            }
            let mut fields = [
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
            ]
            .map(text);
            if let Some(arrived) = day("arrived")? {
                fields[8] = arrived.to_string();
            }
            if let Ok(Some(born)) = date(&fields[5]) {
                fields[5] = born.to_string();
            }
            let row = text("ref");
            return Ok(Said::Learner(LearnerRow { row, fields }, text("username")));
        }
        if self.kind == Kind::Catalogue {
            let fields = ["title", "author", "language", "copies"].map(text);
            let item = text("item");
            return Ok(Said::Item(ItemRow { item, fields }));
        }
        let born = match date(cell("born")) {
            Ok(Some(born)) => born.to_string(),
            _ => text("born"),
        };
        let who = Who {
            learner: text("learner"),
            name: cell("name")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
            sex: text("sex"),
            born,
        };
        let empty = String::new;
        let event = |kind: &str, on: &str, rest: [String; 7]| -> Result<Row, String> {
            let [programme, module, session, score, max, version, value] = rest;
            let kind = kind.to_owned();
            let fields = [kind, programme, module, session, score, max, version, value];
            let date = day(on)?;
            let key = match cell("ref") {
                "" => key_of(&who, date, &fields),
                // All registers of a site may count from 1, and a loan is two events.
                key if self.kind == Kind::Events => key.to_owned(),
                key => format!("{}\u{1f}{}\u{1f}{key}", self.kind.name(), fields[0]),
            };
            Ok(Row {
                key,
                who: who.clone(),
                date,
                fields,
            })
        };
        let (programme, module) = (text("programme"), text("module"));
        let events = match self.kind {
            Kind::Events => {
                let rest = ["session", "score", "max", "version", "value"].map(text);
                let [session, score, max, version, value] = rest;
                let rest = [programme, module, session, score, max, version, value];
                vec![event(cell("kind"), "date", rest)?]
            }
            Kind::Attendance => {
                let rest = [
                    programme,
                    module,
                    text("session"),
                    empty(),
                    empty(),
                    empty(),
                    empty(),
                ];
                vec![event("attended", "date", rest)?]
            }
            Kind::Classes => {
                let none = empty();
                let rest = [
                    programme,
                    none,
                    empty(),
                    empty(),
                    empty(),
                    empty(),
                    text("provider"),
                ];
                vec![event("class", "date", rest)?]
            }
            Kind::Tests => {
                let [score, max, version] = ["score", "max", "version"].map(text);
                let rest = [programme, module, empty(), score, max, version, empty()];
                vec![event(cell("test"), "date", rest)?]
            }
            Kind::Exams => {
                let [score, max, sitting] = ["score", "max", "sitting"].map(text);
                let rest = [
                    programme,
                    module,
                    empty(),
                    score,
                    max,
                    sitting,
                    text("outcome"),
                ];
                vec![event("exam-result", "date", rest)?]
            }
            Kind::Loans => {
                let item =
                    |item: String| [empty(), empty(), empty(), empty(), empty(), empty(), item];
                let mut both = vec![event("loan-out", "lent", item(text("item")))?];
                if day("returned")?.is_some() {
                    let back = event("loan-back", "returned", item(text("item")))?;
                    both.push(back);
                }
                both
            }
            Kind::Visits => {
                let rest: [String; 7] = Default::default();
                vec![event("library-visit", "date", rest)?]
            }
            Kind::Population => {
                let [from, to] = ["release_from", "release_to"].map(|name| month(cell(name)));
                let range = match (from.as_str(), to.as_str()) {
                    ("", "") => return Ok(Said::Present(who, None)),
                    ("", one) | (one, "") => format!("{one}..{one}"),
                    (from, to) => format!("{from}..{to}"),
                };
                let rest = [empty(), empty(), empty(), empty(), empty(), empty(), range];
                let row = event("expected-release", "date", rest)?;
                return Ok(Said::Present(who, Some(row)));
            }
            Kind::Learners | Kind::Catalogue => Vec::new(),
        };
        Ok(Said::Events(events))
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
fn key_of(who: &Who, date: Option<spean_protocol::event::Date>, fields: &[String; 8]) -> String {
    let date = date.map(|date| date.to_string()).unwrap_or_default();
    let who = who.key();
    let mut parts = vec![who.as_bytes(), date.as_bytes()];
    parts.extend(fields.iter().map(String::as_bytes));
    let hash = derive("spean 2026 row without a key v1", &parts);
    data_encoding::HEXLOWER.encode(&hash[..16])
}
