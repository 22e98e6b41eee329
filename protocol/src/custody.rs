//! Where a learner is, and what was written about him too late. Computed from arrivals, departures
//! and the causal order of the logs; no clock takes part. It decides nothing about keys: those are
//! `stay`'s. It blocks nobody: a site may always admit, and two arrivals at once are shown.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::event::{ArrivalReason, Body, Date, DepartureReason, Destination, EventId};
use crate::id::{Position, SiteId, StayId};
use crate::view::{Entry, InEffect, LearnerView};

/// What is known of the order of segments; the caller has the logs.
pub trait Causality {
    /// Whether whoever wrote `later` had `earlier` already: the same run at a smaller height, or
    /// a run or site that its heads lead back to. `false` when they are equal, and when it is not
    /// known.
    fn is_ancestor(&self, earlier: Position, later: Position) -> bool;
}

/// One stay of a learner, as its arrivals and departures tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
    /// The stay.
    pub stay: StayId,
    /// Usually one; none while only the departure is here.
    pub arrivals: Vec<Arrival>,
    /// None while the learner is there; two when copies of a machine each recorded one.
    pub departures: Vec<Departure>,
}

/// An arrival.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// The event.
    pub event: EventId,
    /// Where.
    pub site: SiteId,
    /// When, as somebody wrote it down.
    pub date: Option<Date>,
    /// Where from, if that is a site of the roster and known.
    pub from: Option<SiteId>,
    /// Why.
    pub reason: ArrivalReason,
}

/// A departure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// The event.
    pub event: EventId,
    /// The site that recorded it.
    pub site: SiteId,
    /// When, as somebody wrote it down.
    pub date: Option<Date>,
    /// Where to.
    pub to: Destination,
    /// Why.
    pub reason: DepartureReason,
    /// The learner is known to have been somewhere else after it.
    pub answered: bool,
}

impl Stay {
    /// Whether the learner arrived and has not left.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.arrivals.is_empty() && self.departures.is_empty()
    }
}

/// Where a learner is, as one site sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CustodyState {
    /// At the site that asks, and nowhere else.
    Here,
    /// On the way, or at a prison without a node, or nobody said where.
    Departed {
        /// Where to. Never `Released`.
        to: Destination,
    },
    /// At another site.
    Elsewhere {
        /// The site.
        site: SiteId,
    },
    /// Two or more sites say that he is there: each of them and the DGP is shown this.
    SeveralSites(Vec<SiteId>),
    /// Out of prison.
    Released,
    /// No arrival is here, or departures contradict each other.
    Unknown,
}

impl CustodyState {
    /// Where the learner of `view` is, as `site` sees it.
    #[must_use]
    pub fn of(view: &LearnerView, site: SiteId) -> Self {
        let open: Vec<SiteId> = open_sites(&view.stays).into_iter().collect();
        match open[..] {
            [one] if one == site => Self::Here,
            [one] => Self::Elsewhere { site: one },
            [] => match last_destination(&view.stays) {
                Some(Destination::Released) => Self::Released,
                Some(to) => Self::Departed { to },
                None => Self::Unknown,
            },
            _ => Self::SeveralSites(open),
        }
    }
}

/// The sites of all open stays.
#[must_use]
pub fn open_sites(stays: &[Stay]) -> BTreeSet<SiteId> {
    let open = stays.iter().filter(|stay| stay.is_open());
    open.flat_map(|stay| stay.arrivals.iter().map(|arrival| arrival.site)).collect()
}

/// The departures after which the learner is not known to have been anywhere. More than one only
/// where copies of a machine, or sites that know little of each other, each recorded one.
pub fn newest_departures(stays: &[Stay]) -> impl Iterator<Item = &Departure> {
    stays.iter().flat_map(|stay| &stay.departures).filter(|departure| !departure.answered)
}

/// Where the newest departure leads, if its records agree.
fn last_destination(stays: &[Stay]) -> Option<Destination> {
    let unanswered: BTreeSet<Destination> =
        newest_departures(stays).map(|departure| departure.to).collect();
    if unanswered.len() == 1 { unanswered.first().copied() } else { None }
}

/// The stays that the events in effect tell of, in the order of their ids.
#[must_use]
pub fn stays(in_effect: &InEffect<'_>) -> Vec<Stay> {
    let mut stays: Vec<Stay> = Vec::new();
    for entry in &in_effect.entries {
        let (event, site, date) = (entry.id.clone(), entry.site(), entry.event.date);
        match entry.event.body {
            Body::Arrived { stay, from, reason } => {
                let arrival = Arrival { event, site, date, from, reason };
                stay_of(&mut stays, stay).arrivals.push(arrival);
            }
            Body::Departed { stay, to, reason } => {
                let answered = entry.answered;
                let departure = Departure { event, site, date, to, reason, answered };
                stay_of(&mut stays, stay).departures.push(departure);
            }
            _ => {}
        }
    }
    stays
}

fn stay_of(stays: &mut Vec<Stay>, stay: StayId) -> &mut Stay {
    let place = match stays.binary_search_by_key(&stay, |known| known.stay) {
        Ok(place) => place,
        Err(place) => {
            stays.insert(place, Stay { stay, arrivals: Vec::new(), departures: Vec::new() });
            place
        }
    };
    &mut stays[place]
}

/// Sets `late` and `answered` of every entry of one learner, from nothing but the entries and the
/// causal order. Call it again when more of the logs is here.
///
/// An event is on time if it stands before its stay's departure or in the same segment. Where a
/// stay has several departures, any of them will do. A departure that another event overruled in
/// time ends nothing.
pub fn mark_late(entries: &mut [Entry], causality: &dyn Causality) {
    let moves: Vec<Move> = entries.iter().filter_map(Move::of).collect();
    let late_by = |entry: &Entry, counts: &dyn Fn(&Move) -> bool| {
        let mut ends = moves
            .iter()
            .filter(|end| end.to.is_some() && end.stay == entry.origin.stay && counts(end))
            .peekable();
        let written = entry.origin.position;
        ends.peek().is_some()
            && !ends
                .any(|end| written == end.position || causality.is_ancestor(written, end.position))
    };
    let mut overruled: BTreeSet<&EventId> = BTreeSet::new();
    for entry in entries.iter().filter(|entry| !late_by(entry, &|_| true)) {
        overruled.extend(entry.overrules());
    }
    let standing: Vec<&Move> = moves.iter().filter(|one| !overruled.contains(&one.id)).collect();
    let stands = |end: &Move| !overruled.contains(&end.id);
    let found: Vec<(bool, bool)> = entries
        .iter()
        .map(|entry| {
            let departure = Move::of(entry).filter(|one| one.to.is_some());
            let answered = departure.is_some_and(|one| one.is_answered(&standing, causality));
            (late_by(entry, &stands), answered)
        })
        .collect();
    for (entry, (late, answered)) in entries.iter_mut().zip(found) {
        (entry.late, entry.answered) = (late, answered);
    }
}

/// An arrival (`to` is `None`) or a departure.
struct Move {
    id: EventId,
    stay: StayId,
    position: Position,
    from: Option<SiteId>,
    to: Option<Destination>,
}

impl Move {
    fn of(entry: &Entry) -> Option<Self> {
        let (stay, from, to) = match entry.event.body {
            Body::Arrived { stay, from, .. } => (stay, from, None),
            Body::Departed { stay, to, .. } => (stay, None, Some(to)),
            _ => return None,
        };
        Some(Self { id: entry.id.clone(), stay, position: entry.origin.position, from, to })
    }

    /// Whether this departure is known not to be the newest: somebody who had it already wrote a
    /// later move; or the arrival that it announces is here, from a site that admitted before it
    /// heard. Of several departures from one site to the same other, the first are answered first.
    fn is_answered(&self, moves: &[&Self], causality: &dyn Causality) -> bool {
        let others = || moves.iter().filter(|other| other.stay != self.stay);
        if others().any(|other| causality.is_ancestor(self.position, other.position)) {
            return true;
        }
        let Some(Destination::Site(to)) = self.to else { return false };
        let from = self.position.site;
        let arrived = others().filter(|other| {
            other.to.is_none() && other.position.site == to && other.from == Some(from)
        });
        let left_before = others().filter(|other| {
            other.to == self.to
                && other.position.site == from
                && causality.is_ancestor(other.position, self.position)
        });
        arrived.count() > left_before.count()
    }
}

#[cfg(test)]
mod tests;
