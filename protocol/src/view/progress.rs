//! What a learner has done: per module, per programme, and in official exams. Progress only grows:
//! sets of sessions, a flag that nothing clears, the best of several scores.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Entry;
use crate::catalogue::{ModuleId, ProgrammeId, Scope};
use crate::event::{
    AssessmentKind, Body, Date, ExamOutcome, Issuer, Provider, Score, Sitting, WithdrawalReason,
};
use crate::id::SiteId;

/// A learner's work on one module, at whatever sites.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleProgress {
    /// The module.
    pub module: ModuleId,
    /// The sessions at which the learner was present.
    pub attended: BTreeSet<u16>,
    /// The sessions that the learner finished.
    pub sessions_done: BTreeSet<u16>,
    /// Whether the module is finished. Nothing later un-finishes it.
    pub done: bool,
    /// The earliest day on which it was marked as finished.
    pub done_on: Option<Date>,
    /// The best result of each version and kind of test.
    pub results: Vec<Best>,
}

/// The best of several results of one test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Best {
    /// Before, after, or on the way.
    pub kind: AssessmentKind,
    /// The test's version.
    pub version: u16,
    /// The result.
    pub score: Score,
    /// When it was reached first.
    pub date: Option<Date>,
    /// Where.
    pub site: SiteId,
}

impl Best {
    /// The better one first: the higher share, then more points, the earlier day and the
    /// smaller site, so that the choice never depends on which came first.
    fn rank(&self) -> impl Ord {
        let score = self.score;
        let date = super::undated_last(self.date);
        (
            -score.basis_points(),
            u32::MAX - score.points(),
            date,
            self.site,
        )
    }
}

/// A learner's part in one programme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgrammeProgress {
    /// The programme.
    pub programme: ProgrammeId,
    /// Enrolments, in the programme or in single modules of it, in the order of the events' keys.
    pub enrolments: Vec<Enrolment>,
    /// Withdrawals. A later enrolment supersedes them; while one is here, the learner is out.
    pub withdrawals: Vec<WithdrawalReason>,
    /// Days with work at a PC.
    pub logins: u32,
    /// Classes of an outside provider.
    pub classes: u32,
    /// Who held them.
    pub providers: BTreeSet<Provider>,
}

/// One enrolment: cohorts are numbered by each site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// The programme or module.
    pub scope: Scope,
    /// Where.
    pub site: SiteId,
    /// The cohort's number there.
    pub cohort: Option<u16>,
    /// Since when.
    pub date: Option<Date>,
}

/// One sitting, or one result without a known sitting, of an official exam.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exam {
    /// The programme or module.
    pub scope: Scope,
    /// Which session.
    pub sitting: Option<Sitting>,
    /// The outcomes: none while the result is open, two while two sites disagree.
    pub outcomes: BTreeSet<ExamOutcome>,
    /// The marks, if they are known.
    pub scores: BTreeSet<Score>,
}

/// A certificate: one for each scope and issuer, however often it was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The programme or module.
    pub scope: Scope,
    /// Who issued it.
    pub issuer: Issuer,
    /// The earliest day.
    pub date: Option<Date>,
}

/// All that a learner has done, each list in the order of its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Modules with any work.
    pub modules: Vec<ModuleProgress>,
    /// Programmes with any trace.
    pub programmes: Vec<ProgrammeProgress>,
    /// Exams that the learner is registered for or sat.
    pub exams: Vec<Exam>,
    /// Certificates.
    pub certificates: Vec<Certificate>,
}

impl Progress {
    /// The work on one module.
    #[must_use]
    pub fn module(&self, module: ModuleId) -> Option<&ModuleProgress> {
        self.modules.iter().find(|known| known.module == module)
    }

    /// The part in one programme.
    #[must_use]
    pub fn programme(&self, programme: ProgrammeId) -> Option<&ProgrammeProgress> {
        self.programmes
            .iter()
            .find(|known| known.programme == programme)
    }

    /// Registrations that have no result yet: they move with the learner.
    pub fn open_exams(&self) -> impl Iterator<Item = &Exam> {
        self.exams.iter().filter(|exam| exam.outcomes.is_empty())
    }

    /// Adds one event, if it is about work.
    pub(super) fn take(&mut self, entry: &Entry) {
        let date = entry.event.date;
        match &entry.event.body {
            Body::Attended { module, session } => {
                self.module_mut(*module).attended.insert(*session);
            }
            Body::SessionDone { module, session } => {
                self.module_mut(*module).sessions_done.insert(*session);
            }
            Body::ModuleDone { module } => {
                let progress = self.module_mut(*module);
                progress.done = true;
                progress.done_on = earliest(progress.done_on, date);
            }
            Body::Assessed {
                kind,
                module,
                version,
                score,
            } => {
                let site = entry.site();
                let best = Best {
                    kind: *kind,
                    version: *version,
                    score: *score,
                    date,
                    site,
                };
                keep_best(&mut self.module_mut(*module).results, best);
            }
            Body::Enrolled { scope, cohort } => {
                let (scope, cohort, site) = (*scope, *cohort, entry.site());
                let enrolment = Enrolment {
                    scope,
                    site,
                    cohort,
                    date,
                };
                self.programme_mut(scope.programme())
                    .enrolments
                    .push(enrolment);
            }
            Body::Withdrew { programme, reason } => {
                self.programme_mut(*programme).withdrawals.push(*reason);
            }
            Body::Login { programme } => self.programme_mut(*programme).logins += 1,
            Body::Class {
                programme,
                provider,
            } => {
                let progress = self.programme_mut(*programme);
                progress.classes += 1;
                progress.providers.insert(*provider);
            }
            Body::ExamRegistered { scope, sitting } => {
                self.exam_mut(*scope, Some(*sitting));
            }
            Body::ExamResult {
                scope,
                sitting,
                outcome,
                score,
            } => {
                let exam = self.exam_mut(*scope, *sitting);
                exam.outcomes.insert(*outcome);
                exam.scores.extend(score);
            }
            Body::Certificate { scope, issuer } => self.certify(*scope, *issuer, date),
            _ => {}
        }
    }

    fn certify(&mut self, scope: Scope, issuer: Issuer, date: Option<Date>) {
        let new = Certificate {
            scope,
            issuer,
            date,
        };
        let known = at_key(
            &mut self.certificates,
            |known| (known.scope, known.issuer),
            new,
        );
        known.date = earliest(known.date, date);
    }

    fn module_mut(&mut self, module: ModuleId) -> &mut ModuleProgress {
        let new = ModuleProgress {
            module,
            attended: BTreeSet::new(),
            sessions_done: BTreeSet::new(),
            done: false,
            done_on: None,
            results: Vec::new(),
        };
        at_key(&mut self.modules, |known| known.module, new)
    }

    fn programme_mut(&mut self, programme: ProgrammeId) -> &mut ProgrammeProgress {
        let new = ProgrammeProgress {
            programme,
            enrolments: Vec::new(),
            withdrawals: Vec::new(),
            logins: 0,
            classes: 0,
            providers: BTreeSet::new(),
        };
        at_key(&mut self.programmes, |known| known.programme, new)
    }

    fn exam_mut(&mut self, scope: Scope, sitting: Option<Sitting>) -> &mut Exam {
        let new = Exam {
            scope,
            sitting,
            outcomes: BTreeSet::new(),
            scores: BTreeSet::new(),
        };
        at_key(&mut self.exams, |known| (known.scope, known.sitting), new)
    }
}

fn keep_best(results: &mut Vec<Best>, new: Best) {
    let best = at_key(results, |known| (known.kind, known.version), new);
    if new.rank() < best.rank() {
        *best = new;
    }
}

/// The known one with the same key as `new`, or `new` put in its place in the order of keys.
fn at_key<T, K: Ord>(sorted: &mut Vec<T>, key: impl Fn(&T) -> K, new: T) -> &mut T {
    let place = match sorted.binary_search_by_key(&key(&new), &key) {
        Ok(place) => place,
        Err(place) => {
            sorted.insert(place, new);
            place
        }
    };
    &mut sorted[place]
}

/// The earlier of two days; a known one before an unknown one.
fn earliest(one: Option<Date>, other: Option<Date>) -> Option<Date> {
    one.into_iter().chain(other).min()
}
