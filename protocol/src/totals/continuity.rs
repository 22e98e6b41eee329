//! IND-18, the figure that this system exists for: does a learner who is moved go on? Of each
//! transfer, whether his record was open before he first worked at the new site, after how many
//! days he did, and whether he took up what he had begun.
//!
//! A transfer is an arrival in effect that says so and before which the learner was somewhere else;
//! who is new to the system has nothing to continue. It is a stay that is counted, not a person.

use std::collections::{BTreeMap, BTreeSet};

use super::{Continued, Indicator, PastAtWork};
use crate::catalogue::{ModuleId, Scope};
use crate::custody::{Arrival, Stay};
use crate::event::{ArrivalReason, Body, Month};
use crate::id::{SiteId, StayId};
use crate::view::{Entry, InEffect};

/// Days from the arrival within which work on an open module resumes it.
pub(super) const RESUMED_WITHIN: u16 = 30;

/// A row of one transfer: its indicator, credited to site and month of the arrival, and detail.
pub(super) type TransferRow = (Indicator, SiteId, Month, u16);

/// The rows of a learner's transfers; equal ones once for each transfer.
pub(super) fn rows(in_effect: &InEffect<'_>, stays: &[Stay]) -> Vec<TransferRow> {
    let mut work: BTreeMap<(StayId, SiteId), Vec<&Entry>> = BTreeMap::new();
    for entry in &in_effect.entries {
        if entry.event.body.work_in().is_some() {
            let place = (entry.origin.stay, entry.site());
            work.entry(place).or_default().push(entry);
        }
    }
    let mut rows = Vec::new();
    // What was begun and what was finished at all stays so far.
    let (mut begun, mut done) = (BTreeSet::new(), BTreeSet::new());
    for (place, visit) in visits(stays).iter().enumerate() {
        let mut here: Vec<Work<'_>> = Vec::new();
        let mut open = false;
        for stay in visit {
            let work = work.get(&(stay.stay, stay.site)).into_iter().flatten();
            here.extend(work.map(|entry| Work {
                entry,
                past_open: open || entry.past_open,
            }));
            open |= stay.past_open;
        }
        if let Some((stay, arrival)) = transfer(visit).filter(|_| place > 0) {
            let unfinished: BTreeSet<ModuleId> = begun.difference(&done).copied().collect();
            let place = (stay.site, Month::of(arrival.date));
            let mut row = |indicator, detail| rows.push((indicator, place.0, place.1, detail));
            row(Indicator::Transferred, past_at_work(&here, open) as u16);
            if !here.is_empty() {
                let days = here.iter().filter_map(|work| work.days_after(arrival));
                row(Indicator::FirstWork, days.min().unwrap_or(u16::MAX));
            }
            if !unfinished.is_empty() {
                let continued = continued(&here, arrival, &unfinished);
                row(Indicator::Resumed, continued as u16);
            }
        }
        begun.extend(here.iter().filter_map(Work::module));
        done.extend(here.iter().filter_map(|work| match work.entry.event.body {
            Body::ModuleDone { module } => Some(module),
            _ => None,
        }));
    }
    rows
}

/// The stays in their order, each with those that go on from it after a departure that did not
/// happen: he was there all the time.
fn visits(stays: &[Stay]) -> Vec<Vec<&Stay>> {
    let mut visits: Vec<Vec<&Stay>> = Vec::new();
    for stay in in_their_order(stays) {
        match visits.last_mut() {
            Some(visit) if stay.was_not_moved() && visit[0].site == stay.site => visit.push(stay),
            _ => visits.push(vec![stay]),
        }
    }
    visits
}

/// What ended before what is open; then by the dates, as every figure goes: sites that did not hear
/// of each other have no other order.
fn in_their_order(stays: &[Stay]) -> Vec<&Stay> {
    let order = |stay: &&Stay| {
        let arrived = stay.arrivals.iter().filter_map(|arrival| arrival.date);
        let departed = stay.departures.iter().filter_map(|left| left.date);
        let since = arrived.min().or(departed.min());
        let unanswered = stay.departures.iter().any(|left| !left.answered);
        let undated = since.is_none();
        (
            stay.is_open(),
            undated,
            since,
            unanswered,
            stay.was_not_moved(),
            stay.site,
            stay.stay,
        )
    };
    let mut stays: Vec<&Stay> = stays.iter().collect();
    stays.sort_by_key(order);
    stays
}

/// The first arrival of a visit, if it is one of somebody who was moved.
fn transfer<'a>(visit: &[&'a Stay]) -> Option<(&'a Stay, &'a Arrival)> {
    let stay = visit.first()?;
    let arrivals = stay.arrivals.iter();
    let first = arrivals.min_by_key(|one| (one.date.is_none(), one.date, &one.event))?;
    let moved = [ArrivalReason::Transferred, ArrivalReason::Returned];
    moved.contains(&first.reason).then_some((stay, first))
}

/// Work during a visit.
struct Work<'a> {
    entry: &'a Entry,
    past_open: bool,
}

impl Work<'_> {
    fn module(&self) -> Option<ModuleId> {
        self.entry.event.body.scope().and_then(Scope::module)
    }

    /// `None` where a date is missing, and where the work is dated before the arrival: neither is
    /// guessed.
    fn days_after(&self, arrival: &Arrival) -> Option<u16> {
        let days = self.entry.event.date?.days() - arrival.date?.days();
        // The largest number stands for an unknown one.
        let days = (days >= 0).then(|| u16::try_from(days).unwrap_or(u16::MAX));
        days.map(|days| days.min(u16::MAX - 1))
    }
}

fn past_at_work(work: &[Work<'_>], open: bool) -> PastAtWork {
    match (work.is_empty(), open) {
        (true, true) => PastAtWork::OpenUnused,
        (true, false) => PastAtWork::ClosedUnused,
        (false, _) if work.iter().all(|work| work.past_open) => PastAtWork::Open,
        (false, _) => PastAtWork::Closed,
    }
}

fn continued(work: &[Work<'_>], arrival: &Arrival, open: &BTreeSet<ModuleId>) -> Continued {
    let on_it = |work: &&Work<'_>| work.module().is_some_and(|module| open.contains(&module));
    let after = work
        .iter()
        .filter(on_it)
        .map(|work| work.days_after(arrival));
    let after: Vec<Option<u16>> = after.collect();
    if after.iter().flatten().any(|days| *days <= RESUMED_WITHIN) {
        Continued::InTime
    } else if after.contains(&None) || arrival.date.is_none() {
        Continued::Unknown
    } else {
        Continued::NotInTime
    }
}
