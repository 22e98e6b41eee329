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
use crate::event::{ArrivalReason, Body, Date, Month};
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
    let work_at = |stay: &Stay| {
        let work = work.get(&(stay.stay, stay.site));
        work.map_or(&[][..], Vec::as_slice)
    };
    let mut rows = Vec::new();
    // What was begun and what was finished at all stays so far.
    let (mut begun, mut done) = (BTreeSet::new(), BTreeSet::new());
    for (place, stay) in in_their_order(stays).into_iter().enumerate() {
        let work = work_at(stay);
        if let Some(arrival) = transfer(stay).filter(|_| place > 0) {
            let open = begun.difference(&done).copied().collect();
            transfer_rows(stay, arrival, work, &open, &mut rows);
        }
        begun.extend(work.iter().filter_map(|entry| module_of(entry)));
        done.extend(work.iter().filter_map(|entry| match entry.event.body {
            Body::ModuleDone { module } => Some(module),
            _ => None,
        }));
    }
    rows
}

/// A stay whose departure is answered comes before one whose departure is not, and that before one
/// that is open. What is left goes by the dates, as every figure does: sites that did not hear of
/// each other have no other order.
fn in_their_order(stays: &[Stay]) -> Vec<&Stay> {
    let order = |stay: &&Stay| {
        let left = stay.departures.iter().all(|departure| departure.answered);
        let stage = (stay.is_open(), !left);
        let arrived = stay.arrivals.iter().filter_map(|arrival| arrival.date);
        let departed = stay.departures.iter().filter_map(|left| left.date);
        let since = arrived.min().or(departed.min());
        (stage, since.is_none(), since, stay.site, stay.stay)
    };
    let mut stays: Vec<&Stay> = stays.iter().collect();
    stays.sort_by_key(order);
    stays
}

/// The first of a stay's arrivals, if that is one of somebody who was moved.
fn transfer(stay: &Stay) -> Option<&Arrival> {
    let arrivals = stay.arrivals.iter();
    let first = arrivals.min_by_key(|one| (one.date.is_none(), one.date, &one.event))?;
    let moved = [ArrivalReason::Transferred, ArrivalReason::Returned];
    moved.contains(&first.reason).then_some(first)
}

fn transfer_rows(
    stay: &Stay,
    arrival: &Arrival,
    work: &[&Entry],
    open: &BTreeSet<ModuleId>,
    rows: &mut Vec<TransferRow>,
) {
    let mut row = |indicator, detail| {
        rows.push((indicator, stay.site, Month::of(arrival.date), detail));
    };
    let days = |entry: &&&Entry| days_after(arrival.date, entry.event.date);
    let past = match (work.is_empty(), stay.past_open) {
        (true, true) => PastAtWork::OpenUnused,
        (true, false) => PastAtWork::ClosedUnused,
        (false, _) if work.iter().all(|entry| entry.past_open) => PastAtWork::Open,
        (false, _) => PastAtWork::Closed,
    };
    row(Indicator::Transferred, past as u16);
    if !work.is_empty() {
        let first = work.iter().filter_map(|entry| days(&entry)).min();
        row(Indicator::FirstWork, first.unwrap_or(u16::MAX));
    }
    if !open.is_empty() {
        let on_it = |entry: &&&Entry| module_of(entry).is_some_and(|one| open.contains(&one));
        let after: Vec<Option<u16>> = work
            .iter()
            .filter(on_it)
            .map(|entry| days(&entry))
            .collect();
        let in_time = |days: &Option<u16>| days.is_some_and(|days| days <= RESUMED_WITHIN);
        let continued = if after.iter().any(in_time) {
            Continued::InTime
        } else if after.contains(&None) || arrival.date.is_none() {
            Continued::Unknown
        } else {
            Continued::NotInTime
        };
        row(Indicator::Resumed, continued as u16);
    }
}

/// `None` where a date is missing, and where the work is dated before the arrival: neither is
/// guessed.
fn days_after(arrived: Option<Date>, worked: Option<Date>) -> Option<u16> {
    let days = worked?.days() - arrived?.days();
    // The largest number stands for an unknown one.
    (days >= 0).then(|| u16::try_from(days).map_or(u16::MAX - 1, |days| days.min(u16::MAX - 1)))
}

fn module_of(entry: &Entry) -> Option<ModuleId> {
    entry.event.body.scope().and_then(Scope::module)
}
