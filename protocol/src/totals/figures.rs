//! The figures of a report, each with its query over rows (see [`super::Contribution`]) in words.
//!
//! "Persons" is always `COUNT(DISTINCT person)`. "In" means rows whose month and site the query
//! holds. "By then" means rows of any site whose month is not after the period's last.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Ratio, Share, Standing};
use crate::catalogue::{ModuleId, ProgrammeId};
use crate::event::{Issuer, Month};
use crate::id::SiteId;

/// Pairs that a module needs before it may be named as the one with the largest gain (IND-06).
const GAIN_PAIRS_MIN: u64 = 10;

/// What a report of one period, and of one site or all, says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// IND-01: persons with an `Active` row in.
    pub beneficiaries: u64,
    /// IND-02: of those, the ones whose records all say "female" or nothing. Of beneficiaries.
    pub women: Share,
    /// IND-03: persons with a `Reintegration` row in. Of beneficiaries.
    pub reintegration: Share,
    /// IND-04: for each module, persons with a `Started` row in, by standing.
    pub completion: BTreeMap<ModuleId, Completion>,
    /// IND-05: pairs of all modules.
    pub gain: Gain,
    /// IND-05 by module. Of each person, module and version: the `PreTest` row with the largest
    /// amount, and the `PostTest` row with the largest amount (then the earliest month, the
    /// smallest site); a pair counts if its post-test is in.
    pub gain_by_module: BTreeMap<ModuleId, Gain>,
    /// IND-07: of each person the first `Aspiration` row (by month, site, detail), if it is in:
    /// those whose detail is micro-business, of all.
    pub aspiration: Share,
    /// IND-08: statements in, summed.
    pub who5: Who5Change,
    /// IND-10.
    pub english: English,
    /// IND-11 of the query: persons with an `Enrolled` row of BEEP in.
    pub beep: Beep,
    /// IND-11 for each site: the same with that site as the query's.
    pub beep_by_site: BTreeMap<SiteId, Beep>,
    /// IND-12: persons with a `Reader` row in. A report takes a month's.
    pub readers: Readers,
    /// IND-13, 14, 15: persons with a `Class` row in, by programme.
    pub classes: BTreeMap<ProgrammeId, u64>,
    /// IND-16: `Certificate` rows in.
    pub certificates: Certificates,
    /// IND-17: `Left` rows in, amounts summed, by month and detail.
    pub turnover: BTreeMap<Month, Turnover>,
    /// IND-18: transfers, each credited to the receiving site and the month of the arrival.
    pub continuity: Continuity,
    /// `Provisional` rows in, amounts summed: exam results and certificates that a second person has not
    /// signed yet. No other figure counts them.
    pub provisional: u64,
    /// How IND-01 of the sites and of the nation go together.
    pub bridge: Bridge,
}

impl Figures {
    /// IND-06: the module with the largest mean gain of those with at least ten pairs. Of equal
    /// ones, the first in the catalogue.
    #[must_use]
    pub fn largest_gain(&self) -> Option<ModuleId> {
        let enough = self
            .gain_by_module
            .iter()
            .filter(|(_, gain)| gain.pairs >= GAIN_PAIRS_MIN);
        let larger = |one: &Gain, other: &Gain| {
            let cross = |a: &Gain, b: &Gain| i128::from(a.sum) * i128::from(b.pairs);
            cross(one, other) > cross(other, one)
        };
        let best = enough.reduce(|best, next| if larger(next.1, best.1) { next } else { best });
        best.map(|(module, _)| *module)
    }
}

/// Persons who began a module, by how they stand in it at the period's end. Each person once, by
/// the smallest standing; a standing since a month after the period's last counts as open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// All of them.
    pub started: u64,
    /// Finished, at whatever site.
    pub completed: u64,
    /// Still at it.
    pub open: u64,
    /// Gone to another prison.
    pub moved: u64,
    /// Withdrew.
    pub withdrew: u64,
    /// Released before the end.
    pub released: u64,
    /// Gone, and nobody said where.
    pub unknown: u64,
}

impl Completion {
    pub(super) fn add(&mut self, standing: Standing) {
        self.started += 1;
        *match standing {
            Standing::Completed => &mut self.completed,
            Standing::Open => &mut self.open,
            Standing::Moved => &mut self.moved,
            Standing::Withdrew => &mut self.withdrew,
            Standing::Released => &mut self.released,
            Standing::Unknown => &mut self.unknown,
        } += 1;
    }
}

/// Differences between pre-test and post-test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gain {
    /// Pairs of one person, module and version.
    pub pairs: u64,
    /// Post minus pre, summed over the pairs, in hundredths of a percent.
    pub sum: i64,
    /// Persons, modules and versions with a test in but without its counterpart anywhere.
    pub unpaired: u64,
}

impl Gain {
    /// The mean in percentage points.
    #[must_use]
    pub fn points(&self) -> Ratio {
        Ratio {
            numerator: self.sum,
            denominator: whole(self.pairs).saturating_mul(100),
        }
    }
}

/// The English funnel. The persons are those with an `Enrolled` row of English in; what they
/// reached goes by rows of any site by then, so that who is transferred stays in the funnel.
///
/// `registered` = `exam` + `open` + `moved` + `withdrew` + `released` + `unknown`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct English {
    /// All of them.
    pub registered: u64,
    /// With a `Completed` row of A1 or A2.
    pub attended_all: u64,
    /// With an `ExamTaken` row or a certificate.
    pub exam: u64,
    /// With an `ExamPassed` row or a certificate.
    pub passed: u64,
    /// With a `Certificate` row.
    pub certified: u64,
    /// No exam yet, and still there.
    pub open: u64,
    /// No exam yet, and gone to another prison.
    pub moved: u64,
    /// Withdrew before the exam.
    pub withdrew: u64,
    /// Released before the exam.
    pub released: u64,
    /// Gone before the exam, and nobody said where.
    pub unknown: u64,
    /// Of `released`, those who had attended all: what a transfer or a date could have saved.
    pub released_after_all: u64,
}

/// BEEP. The persons are those with an `Enrolled` row of BEEP in; what they reached goes by rows
/// by then.
///
/// `enrolled` = `completed` + `completed_elsewhere` + `others`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beep {
    /// All of them.
    pub enrolled: u64,
    /// With a `Completed` row of each course, in the catalogue's order.
    pub courses: [u64; 7],
    /// With `Completed` rows of all seven, the last of which (by month, then site) is of the
    /// query's site; of any site if the query has none.
    pub completed: u64,
    /// All seven, but the last one at another site.
    pub completed_elsewhere: u64,
    /// Not all seven.
    pub others: u64,
    /// With an `ExamTaken` row.
    pub exam: u64,
    /// With a `Certificate` row.
    pub certified: u64,
}

/// Certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificates {
    /// Distinct (person, scope, issuer).
    pub valid: u64,
    /// Persons.
    pub persons: u64,
    /// `valid` by issuer.
    pub by_issuer: BTreeMap<Issuer, u64>,
}

/// Continuity after transfer. Transfers are counted, not persons: who was moved twice is two. What
/// two records of one person tell is not joined: a learner registered anew continues nothing.
///
/// `transfers` = `open_before_work.of` + `open_without_work` + `closed_without_work`;
/// `open_before_work.of` = `days.known` + `days.unknown`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continuity {
    /// `Transferred` rows in, amounts summed, as below.
    pub transfers: u64,
    /// Those whose record was open before all their work at the site, of those with work there.
    pub open_before_work: Share,
    /// No work there yet; the record is open.
    pub open_without_work: u64,
    /// No work there yet, and the record is not open.
    pub closed_without_work: u64,
    /// `FirstWork` rows in: from the arrival to the first work there.
    pub days: DaysToWork,
    /// `Resumed` rows in: those who worked on one of their open modules within 30 days of the
    /// arrival, of those who had an open module.
    pub resumed: Share,
    /// Of those who had one, those of whom dates do not tell it. They are in `resumed.of`.
    pub resumed_unknown: u64,
}

/// Days from arrivals to first work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaysToWork {
    /// Transfers of which the days are known.
    pub known: u64,
    /// Their days together.
    pub sum: u64,
    /// The most days of one.
    pub max: u64,
    /// Transfers with work where a date is missing or lies before the arrival.
    pub unknown: u64,
}

impl DaysToWork {
    /// The mean, over those that are known.
    #[must_use]
    pub fn mean(&self) -> Ratio {
        Ratio {
            numerator: whole(self.sum),
            denominator: whole(self.known),
        }
    }
}

/// Departures of one month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turnover {
    /// Out of prison.
    pub released: u64,
    /// To another prison.
    pub moved: u64,
    /// Nobody said where.
    pub unknown: u64,
}

/// Readers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readers {
    /// Persons: IND-12 (a).
    pub persons: u64,
    /// Persons of each site, summed over the sites: IND-12 (b).
    pub sum_of_sites: u64,
}

/// Why the nation's beneficiaries are fewer than those of its sites together.
///
/// `sum_of_sites` - `counted_again` = `national`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bridge {
    /// Persons with an `Active` row in, for each site.
    pub by_site: BTreeMap<SiteId, u64>,
    /// Their sum.
    pub sum_of_sites: u64,
    /// Persons counted at several sites.
    pub at_several: u64,
    /// How often those were counted beyond their first time: more than `at_several` only where
    /// somebody was at three sites.
    pub counted_again: u64,
    /// Persons.
    pub national: u64,
}

/// WHO-5 change, from the sites' statements. A person with two records counts once for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who5Change {
    /// Pairs of interviews.
    pub pairs: u64,
    /// End minus start of each item, summed, in raw points.
    pub sum_delta_items: [i64; 5],
    /// The same of all items together.
    pub sum_delta_total: i64,
}

impl Who5Change {
    /// Mean change of item 1 on the scale of 0 to 100: mood, by assumption.
    #[must_use]
    pub fn mood(&self) -> Ratio {
        self.scaled(self.sum_delta_items[0], 20)
    }

    /// Mean change of item 3 on the scale of 0 to 100: energy, by assumption.
    #[must_use]
    pub fn energy(&self) -> Ratio {
        self.scaled(self.sum_delta_items[2], 20)
    }

    /// Mean change of the whole on the scale of 0 to 100.
    #[must_use]
    pub fn total(&self) -> Ratio {
        self.scaled(self.sum_delta_total, 4)
    }

    fn scaled(&self, sum: i64, scale: i64) -> Ratio {
        Ratio {
            numerator: sum.saturating_mul(scale),
            denominator: whole(self.pairs),
        }
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
