//! Ids, counted by table from where a busy site would be, so that no id is right by chance where it
//! is another table's.

use std::collections::BTreeMap;

/// What has ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    User,
    Course,
    Section,
    Module,
    Page,
    Quiz,
    Context,
    GradeItem,
    Attempt,
    QuizGrade,
    Badge,
}

impl Table {
    /// The first id of a site without an offset.
    const fn first(self) -> u64 {
        match self {
            Self::User | Self::Course | Self::QuizGrade => 3,
            Self::Section | Self::Attempt => 5,
            Self::Module => 26,
            Self::Page => 8,
            Self::Quiz => 2,
            Self::Context => 39,
            Self::GradeItem => 4,
            Self::Badge => 1,
        }
    }
}

/// The guest's id, on every site.
pub(crate) const GUEST: u64 = 1;
/// The administrator's id, on every site.
pub(crate) const ADMIN: u64 = 2;
/// The id of the course that is the front page, on every site.
pub(crate) const SITE_COURSE: u64 = 1;

/// Who counts them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids {
    offset: u64,
    given: BTreeMap<Table, u64>,
}

impl Ids {
    pub(crate) fn from(offset: u64) -> Self {
        Self {
            offset,
            given: BTreeMap::new(),
        }
    }

    pub(crate) fn next(&mut self, table: Table) -> u64 {
        let given = self.given.entry(table).or_default();
        *given += 1;
        self.offset + table.first() + *given - 1
    }
}
