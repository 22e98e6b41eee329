//! The registers that a site keeps as files, and their columns.

use spean_protocol::catalogue::{ModuleId, ProgrammeId};
use spean_protocol::event::{AssessmentKind, EducationLevel, ExamOutcome, Provider, Sex};

use crate::locale::{self, Language};

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
pub(super) const WHO: [Column; 4] = [may("learner"), may("name"), may("sex"), may("born")];

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

    /// What is recorded by this register, where its rows do not say it themselves.
    pub(super) const fn records(self) -> Option<&'static str> {
        match self {
            Self::Attendance => Some("attended"),
            Self::Classes => Some("class"),
            Self::Exams => Some("exam-result"),
            Self::Loans => Some("loan-out"),
            Self::Visits => Some("library-visit"),
            Self::Population => Some("expected-release"),
            Self::Learners | Self::Events | Self::Tests | Self::Catalogue => None,
        }
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
            (Self::Loans, "date") => "lent",
            (Self::Population, "value") => "release_from",
            (_, column) => column,
        }
    }
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
