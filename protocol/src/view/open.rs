//! What of a learner is open, and so moves with him: his seat in a cohort, exams that he is
//! registered for, library items that he has, and modules of his pathway that are due.

use serde::{Deserialize, Serialize};

use super::LearnerView;
use crate::catalogue::{ModuleId, Scope};
use crate::event::{Date, Sitting};

/// What moves with a learner. Both ends print it on the receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenItems {
    /// Programmes and modules that he is enrolled in and has not finished, each with the cohort at
    /// the site that enrolled him: the next site gives him a seat in one of its own.
    pub seats: Vec<(Scope, Option<u16>)>,
    /// Exams that he is registered for and that have no result.
    pub exams: Vec<(Scope, Option<Sitting>)>,
    /// Library items that he has not brought back, by the lending library's numbers.
    pub loans: Vec<u32>,
    /// Modules of his pathway that are not done, with their due dates.
    pub due: Vec<(ModuleId, Option<Date>)>,
}

impl OpenItems {
    /// What is open in a record.
    #[must_use]
    pub fn of(view: &LearnerView) -> Self {
        let progress = &view.progress;
        let done = |module: ModuleId| progress.module(module).is_some_and(|known| known.done);
        let finished = |scope: Scope| match scope {
            Scope::Module(module) => done(module),
            Scope::Programme(programme) => {
                let mut modules = programme.modules().peekable();
                modules.peek().is_some() && modules.all(done)
            }
        };
        let mut items = Self {
            loans: view.registers.loans_open.clone(),
            ..Self::default()
        };
        for programme in &progress.programmes {
            if !programme.withdrawals.is_empty() {
                continue;
            }
            let seats = programme.enrolments.iter();
            let open = seats.filter(|seat| !finished(seat.scope));
            items
                .seats
                .extend(open.map(|seat| (seat.scope, seat.cohort)));
        }
        items.seats.sort_unstable();
        items.seats.dedup();
        let exams = progress.exams.iter();
        let open = exams.filter(|exam| exam.outcomes.is_empty());
        items.exams = open.map(|exam| (exam.scope, exam.sitting)).collect();
        for claim in &view.profile.pathway {
            let steps = claim.value.iter();
            let open = steps.filter(|step| !done(step.module));
            items.due.extend(open.map(|step| (step.module, step.due)));
        }
        items.due.sort_unstable();
        items.due.dedup();
        items
    }

    /// Whether nothing is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
