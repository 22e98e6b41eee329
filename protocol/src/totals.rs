//! The last noun of the chain: what a learner's events add to the nation's figures. Each record
//! becomes a few rows of small numbers, computed from that record alone; every figure of a period
//! and a site is a count of persons or a sum over such rows. [`Figures`] is the reference for what
//! a database computes from the same rows, figure by figure with its query in words.
//!
//! Three rules: work is credited to the site whose log brought it; a period goes by the events'
//! dates; people are counted as persons, so that a learner at several sites, or with several
//! records, is one. Not here: which records there are, who may see a figure, small-cell rules.

mod continuity;
mod figures;
mod fold;
mod number;
mod query;
mod statement;
mod tally;

use serde::{Deserialize, Serialize};

pub use self::figures::{
    Beep, Bridge, Certificates, Completion, Continuity, DaysToWork, English, Figures, Gain,
    Readers, Turnover, Who5Change,
};
pub use self::fold::contributions;
pub use self::number::{Ratio, Rounding, Share};
pub use self::query::{Period, Query};
pub use self::statement::{Statement, Who5Pair, statements, who5_pair};
use crate::catalogue::Scope;
use crate::event::{Month, Sex};
use crate::id::SiteId;
use crate::view::LearnerView;

/// What a row is about. The number is the format's and the database's; it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
#[repr(u8)]
pub enum Indicator {
    /// Work in a programme of the centre, by site and month. `amount`: sessions, tests, finished
    /// modules and logins. IND-01, IND-02.
    Active = 1,
    /// Sessions of reintegration modules, by site and month. `amount`: how many. IND-03.
    Reintegration = 2,
    /// The first work on a module at a site. `scope`: the module; `detail`: the [`Standing`] in
    /// it; `amount`: the month since which it stands so. IND-04.
    Started = 3,
    /// A finished module, once, where and when it was finished first. IND-04, IND-10, IND-11.
    Completed = 4,
    /// The best pre-test of a module and version. `detail`: the version; `amount`: the share
    /// reached, in hundredths of a percent. IND-05, IND-06.
    PreTest = 5,
    /// The best post-test, likewise.
    PostTest = 6,
    /// The first declared aspiration. `detail`: its code. IND-07.
    Aspiration = 7,
    /// The first trace of a programme of the centre at a site: enrolment, registration for its
    /// exam, or work. `scope`: the programme; `detail`, `amount`: as in `Started`. IND-10, IND-11.
    Enrolled = 8,
    /// The first sitting of a programme's exam. IND-10, IND-11.
    ExamTaken = 9,
    /// The first pass of a programme's exam.
    ExamPassed = 10,
    /// A certificate, once for each scope and issuer. `detail`: the issuer's code. IND-16.
    Certificate = 11,
    /// Classes of an outside provider, by programme, site and month. `amount`: how many.
    /// IND-13, IND-14, IND-15.
    Class = 12,
    /// Departures of a learner with any work, by site and month. `detail`: the [`Standing`] that
    /// the departure left; `amount`: how many. IND-17.
    Left = 13,
    /// Library visits and loans, by site and month. `amount`: how many. IND-12.
    Reader = 14,
    /// Arrivals of learners who were at another stay before, by site and month of the arrival.
    /// `detail`: the `PastAtWork`; `amount`: how many. IND-18.
    Transferred = 15,
    /// Of these, those with work at the stay. `detail`: days from the arrival to the first dated
    /// work; 65,535 where a date is missing or lies before the arrival. `amount`: how many. IND-18.
    FirstWork = 16,
    /// Of these, those with a module begun and not finished at earlier stays. `detail`: the
    /// `Continued`; `amount`: how many. IND-18.
    Resumed = 17,
    /// Exam results and certificates that lack the signature of a second person, by programme or module,
    /// site and month. `amount`: how many.
    Provisional = 18,
}

impl Indicator {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 18] = [
        Self::Active,
        Self::Reintegration,
        Self::Started,
        Self::Completed,
        Self::PreTest,
        Self::PostTest,
        Self::Aspiration,
        Self::Enrolled,
        Self::ExamTaken,
        Self::ExamPassed,
        Self::Certificate,
        Self::Class,
        Self::Left,
        Self::Reader,
        Self::Transferred,
        Self::FirstWork,
        Self::Resumed,
        Self::Provisional,
    ];

    /// The number in rows.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Indicator> for u8 {
    fn from(indicator: Indicator) -> Self {
        indicator.code()
    }
}

/// A number that is no indicator of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no indicator has the number {0}")]
pub struct UnknownIndicator(pub u8);

impl TryFrom<u8> for Indicator {
    type Error = UnknownIndicator;

    fn try_from(code: u8) -> Result<Self, UnknownIndicator> {
        let known = Self::ALL
            .into_iter()
            .find(|indicator| indicator.code() == code);
        known.ok_or(UnknownIndicator(code))
    }
}

/// How a learner stands in a module or programme that he began. The order is that of the numbers:
/// where a person has several rows, the smallest stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Standing {
    /// Finished.
    Completed = 1,
    /// Still at the site, and not finished.
    Open = 2,
    /// Gone to another prison, where he may go on.
    Moved = 3,
    /// Left the programme.
    Withdrew = 4,
    /// Out of prison.
    Released = 5,
    /// Gone, and nobody said where; or the records contradict each other.
    Unknown = 6,
}

impl Standing {
    /// The number in rows.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The standing of that number; `Unknown` for any other.
    #[must_use]
    pub const fn from_code(code: u16) -> Self {
        match code {
            1 => Self::Completed,
            2 => Self::Open,
            3 => Self::Moved,
            4 => Self::Withdrew,
            5 => Self::Released,
            _ => Self::Unknown,
        }
    }
}

/// Whether a transferred learner's past was open where he worked: as the site's own log tells,
/// whatever the clocks said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum PastAtWork {
    /// Before all work there.
    Open = 1,
    /// After some work there, or not at all.
    Closed = 2,
    /// It is open, and he has not worked there.
    OpenUnused = 3,
    /// Neither.
    ClosedUnused = 4,
}

/// Whether a transferred learner took up a module that was open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Continued {
    /// One of them within 30 days of his arrival.
    InTime = 1,
    /// Later, or not yet, or never.
    NotInTime = 2,
    /// A date that would tell is missing, or lies before the arrival.
    Unknown = 3,
}

/// One row of a learner. No two rows of a learner agree in everything but `amount`, and rows sort
/// in the order of the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Contribution {
    /// What the row is about.
    pub indicator: Indicator,
    /// The programme or module; `None` where the indicator needs none.
    pub scope: Option<Scope>,
    /// The site that it is credited to.
    pub site: SiteId,
    /// The month, or [`Month::UNDATED`].
    pub month: Month,
    /// A small number whose meaning the indicator tells; else 0.
    pub detail: u16,
    /// A small number whose meaning the indicator tells; else 1.
    pub amount: i32,
}

/// What a learner is counted by: one row of a learner beside his contributions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LearnerFacts {
    /// The sex; `None` when nobody said, or sites say different things.
    pub sex: Option<Sex>,
    /// The year of birth, likewise.
    pub birth_year: Option<u16>,
}

impl LearnerFacts {
    /// The facts of one learner.
    #[must_use]
    pub fn of(view: &LearnerView) -> Self {
        let profile = &view.profile;
        Self {
            sex: the_only(profile.sex.iter().map(|claim| claim.value)),
            birth_year: the_only(profile.birth.iter().map(|claim| claim.value.year())),
        }
    }

    /// The facts of a person with several records: what all that know it agree on.
    #[must_use]
    pub fn of_person(records: &[Self]) -> Self {
        Self {
            sex: the_only(records.iter().filter_map(|facts| facts.sex)),
            birth_year: the_only(records.iter().filter_map(|facts| facts.birth_year)),
        }
    }
}

/// The value, if there is one and all are equal.
fn the_only<T: PartialEq>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    if values.all(|value| value == first) {
        Some(first)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
