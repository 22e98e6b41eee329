//! Where a learner is, and what was written about him too late. Computed from arrivals, departures
//! and the causal order of the logs; no clock takes part. It decides nothing about keys: those are
//! `stay`'s. It blocks nobody: a site may always admit, and two arrivals at once are shown.

mod past;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::event::{ArrivalReason, Body, Date, DepartureReason, Destination, EventId};
use crate::id::{Position, RunId, SiteId, StayId};
use crate::view::{Entry, InEffect, LearnerView, Origin};

/// What is known of the order of segments; the caller has the logs.
pub trait Causality {
    /// Whether whoever wrote `later` had `earlier` already: the same run at a smaller height, or
    /// a run or site that its heads lead back to. `false` when they are equal, and when it is not
    /// known.
    fn is_ancestor(&self, earlier: Position, later: Position) -> bool;

    /// `is_ancestor` for many places and one `later`: whoever walks logs walks them once here.
    fn ancestors_of(&self, later: Position) -> Ancestors<'_> {
        Box::new(move |earlier| self.is_ancestor(earlier, later))
    }
}

/// Whether a place is an ancestor of the one that was asked about.
pub type Ancestors<'a> = Box<dyn Fn(Position) -> bool + 'a>;

/// One stay of a learner, as its arrivals and departures tell. Only the site whose stay it is can
/// begin or end it: what another site says of the same id is a stay of that other site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
    /// The stay.
    pub stay: StayId,
    /// The site whose log tells of it.
    pub site: SiteId,
    /// Usually one; none while only the departure is here.
    pub arrivals: Vec<Arrival>,
    /// None while the learner is there; two when copies of a machine each recorded one.
    pub departures: Vec<Departure>,
    /// The site noted that what he did before he came is open there.
    pub past_open: bool,
}

/// An arrival.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// The event.
    pub event: EventId,
    /// Where.
    pub site: SiteId,
    /// Where in that site's log.
    pub position: Position,
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

    /// Whether it goes on after a departure that did not happen.
    #[must_use]
    pub fn was_not_moved(&self) -> bool {
        self.arrivals
            .iter()
            .any(|arrival| arrival.reason == ArrivalReason::NotMoved)
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
    stays
        .iter()
        .filter(|stay| stay.is_open())
        .map(|stay| stay.site)
        .collect()
}

/// The departures after which the learner is not known to have been anywhere. More than one only
/// where copies of a machine, or sites that know little of each other, each recorded one.
pub fn newest_departures(stays: &[Stay]) -> impl Iterator<Item = &Departure> {
    stays
        .iter()
        .flat_map(|stay| &stay.departures)
        .filter(|departure| !departure.answered)
}

/// Where the newest departure leads, if its records agree.
fn last_destination(stays: &[Stay]) -> Option<Destination> {
    let unanswered: BTreeSet<Destination> = newest_departures(stays)
        .map(|departure| departure.to)
        .collect();
    if unanswered.len() == 1 {
        unanswered.first().copied()
    } else {
        None
    }
}

/// The stays and the sites to which departures lead from a stay, one after the other.
#[must_use]
pub fn led_from<'a>(stays: &'a [Stay], from: &'a Stay) -> (Vec<&'a Stay>, BTreeSet<SiteId>) {
    let (mut reached, mut sites) = (vec![from], BTreeSet::new());
    let mut next = 0;
    while let Some(stay) = reached.get(next).copied() {
        next += 1;
        for left in &stay.departures {
            let Destination::Site(site) = left.to else {
                continue;
            };
            sites.insert(site);
            // Not an earlier stay there, which he came to from elsewhere.
            let follows = |one: &&Stay| {
                let of = |arrival: &Arrival| match arrival.from {
                    Some(from) => from == stay.site || is_guess(stays, from, site),
                    None => arrival.reason != ArrivalReason::Intake,
                };
                one.site == site && one.arrivals.iter().any(of)
            };
            for one in stays.iter().filter(follows) {
                if reached.iter().all(|known| known.stay != one.stay) {
                    reached.push(one);
                }
            }
        }
    }
    (reached, sites)
}

/// Whether a site only seems to be where somebody came from: he left it, and never for `to`. Who comes
/// by his card is said to come from where he was last, and that is all that is known then.
fn is_guess(stays: &[Stay], from: SiteId, to: SiteId) -> bool {
    let mut there = stays.iter().filter(|stay| stay.site == from).peekable();
    let to = Destination::Site(to);
    there.peek().is_some()
        && there.all(|stay| {
            let mut left = stay.departures.iter();
            !stay.departures.is_empty() && left.all(|left| left.to != to)
        })
}

/// The stays that the events in effect tell of, in the order of their ids and sites.
#[must_use]
pub fn stays(in_effect: &InEffect<'_>) -> Vec<Stay> {
    let mut stays: BTreeMap<(StayId, SiteId), Stay> = BTreeMap::new();
    for entry in &in_effect.entries {
        let (event, site, date) = (entry.id.clone(), entry.site(), entry.event.date);
        match entry.event.body {
            Body::Arrived { stay, from, reason } => {
                let arrival = Arrival {
                    event,
                    site,
                    position: entry.origin.position,
                    date,
                    from,
                    reason,
                };
                stay_of(&mut stays, stay, site).arrivals.push(arrival);
            }
            Body::Departed { stay, to, reason } => {
                let answered = entry.answered;
                let departure = Departure {
                    event,
                    site,
                    date,
                    to,
                    reason,
                    answered,
                };
                stay_of(&mut stays, stay, site).departures.push(departure);
            }
            _ => {}
        }
    }
    // After all moves: a note alone makes no stay.
    for entry in &in_effect.entries {
        if let Body::RecordOpen { stay } = entry.event.body
            && stay == entry.origin.stay
            && let Some(stay) = stays.get_mut(&(stay, entry.site()))
        {
            stay.past_open = true;
        }
    }
    stays.into_values().collect()
}

fn stay_of(stays: &mut BTreeMap<(StayId, SiteId), Stay>, stay: StayId, site: SiteId) -> &mut Stay {
    let new = || Stay {
        stay,
        site,
        arrivals: Vec::new(),
        departures: Vec::new(),
        past_open: false,
    };
    stays.entry((stay, site)).or_insert_with(new)
}

/// Sets `late`, `answered` and `past_open` of every entry of one learner, from nothing but the
/// entries and the causal order. Call it again when more of the logs is here.
///
/// An event is on time if it stands before its stay's end or in the same segment. An end is a
/// departure, from the log of the stay's own site, that the same segment does not retract. Where
/// there are several, those that stand after another do not count: who has left cannot make up for
/// it by leaving again. Copies of a machine know nothing of each other; any of their ends will do.
pub fn mark_late(entries: &mut [Entry], causality: &dyn Causality) {
    let first_late = first_late(entries, causality);
    for entry in entries.iter_mut() {
        let Position { run, height, .. } = entry.origin.position;
        let first = first_late.get(&(entry.origin.stay, entry.site(), run));
        entry.late = first.is_some_and(|first| height >= *first);
        entry.answered = false;
        entry.past_open = false;
    }
    let answered = answered(&InEffect::of(entries), causality);
    for entry in entries.iter_mut() {
        let departed = matches!(entry.event.body, Body::Departed { .. });
        entry.answered = departed && answered.contains(&(entry.id.clone(), entry.origin));
    }
    past::mark(entries, causality);
}

/// The lowest height of each run at which a stay's events are late, where any are.
///
/// What is on time in a run is all below it: so the heights are halved, not asked one by one.
fn first_late(
    entries: &[Entry],
    causality: &dyn Causality,
) -> BTreeMap<(StayId, SiteId, RunId), u32> {
    let ends = first_ends(entries, causality);
    let mut heights: BTreeMap<(StayId, SiteId, RunId), BTreeSet<u32>> = BTreeMap::new();
    for Entry {
        origin: Origin { position, stay },
        ..
    } in entries
    {
        let place = (*stay, position.site, position.run);
        heights.entry(place).or_default().insert(position.height);
    }
    let mut first_late = BTreeMap::new();
    for ((stay, site, run), heights) in heights {
        let Some(ends) = ends.get(&(stay, site)) else {
            continue;
        };
        let heights: Vec<u32> = heights.into_iter().collect();
        let on_time = ends.iter().map(|(end, before)| {
            heights.partition_point(|height| {
                let written = Position {
                    site,
                    run,
                    height: *height,
                };
                written == *end || before(written)
            })
        });
        if let Some(height) = on_time.max().and_then(|count| heights.get(count)) {
            first_late.insert((stay, site, run), *height);
        }
    }
    first_late
}

/// The ends of each stay that no other end precedes: at most one in each run.
fn first_ends<'a>(
    entries: &[Entry],
    causality: &'a dyn Causality,
) -> BTreeMap<(StayId, SiteId), Vec<(Position, Ancestors<'a>)>> {
    // Of a key with two contents, nobody can say that it retracts anything.
    let disputed = Entry::disputed_ids(entries);
    let retractions = entries
        .iter()
        .filter(|one| one.is_retraction() && !disputed.contains(&one.id));
    let retracted: BTreeSet<(Origin, &EventId)> = retractions
        .flat_map(|one| one.overrules().map(|id| (one.origin, id)))
        .collect();
    let mut lowest: BTreeMap<(StayId, SiteId), BTreeMap<RunId, Position>> = BTreeMap::new();
    for entry in entries {
        let Body::Departed { stay, .. } = entry.event.body else {
            continue;
        };
        let position = entry.origin.position;
        if !retracted.contains(&(Origin { position, stay }, &entry.id)) {
            let runs = lowest.entry((stay, position.site)).or_default();
            let known = runs.entry(position.run).or_insert(position);
            *known = position.min(*known);
        }
    }
    let with_ancestors = |ends: BTreeMap<RunId, Position>| {
        let ends: Vec<Position> = ends.into_values().collect();
        let all = ends.iter().map(|end| (*end, causality.ancestors_of(*end)));
        all.filter(|(_, before)| !ends.iter().any(|other| before(*other)))
            .collect()
    };
    lowest
        .into_iter()
        .map(|(stay, ends)| (stay, with_ancestors(ends)))
        .collect()
}

/// The departures that are known not to be the newest: somebody who had one already wrote a later
/// move; or the arrival that it announces is here, from a site that admitted before it heard. Of
/// several departures from one site, the first are answered first.
fn answered(in_effect: &InEffect<'_>, causality: &dyn Causality) -> BTreeSet<(EventId, Origin)> {
    let moves = Moves::of(in_effect, causality);
    let answered = in_effect
        .entries
        .iter()
        .filter(|entry| match entry.event.body {
            Body::Departed { stay, to, .. } => {
                moves.go_on_after(stay, entry.origin.position)
                    || moves.answer(entry.origin.position, to, causality)
            }
            _ => false,
        });
    answered
        .map(|entry| (entry.id.clone(), entry.origin))
        .collect()
}

/// The arrivals and departures in effect.
#[derive(Default)]
struct Moves<'a> {
    /// The last move of each run.
    last: Vec<(StayId, Position, Ancestors<'a>)>,
    /// How many arrivals there are from the first site at the second.
    arrivals: BTreeMap<SiteId, BTreeMap<SiteId, usize>>,
    /// Where a site says that somebody left, by destination; heights in order.
    departures: BTreeMap<SiteId, BTreeMap<Destination, BTreeMap<RunId, Vec<u32>>>>,
}

impl<'a> Moves<'a> {
    fn of(in_effect: &InEffect<'_>, causality: &'a dyn Causality) -> Self {
        let mut moves = Self::default();
        let mut last: BTreeMap<(SiteId, RunId), (StayId, Position)> = BTreeMap::new();
        let mut entries = in_effect.entries.clone();
        entries.sort_by_key(|entry| entry.origin.position);
        for entry in entries {
            let position = entry.origin.position;
            let Position { site, run, height } = position;
            let stay = match entry.event.body {
                Body::Arrived { stay, from, .. } => {
                    if let Some(from) = from.filter(|from| *from != site) {
                        let there = moves.arrivals.entry(from).or_default();
                        *there.entry(site).or_default() += 1;
                    }
                    stay
                }
                Body::Departed { stay, to, .. } => {
                    let left = moves.departures.entry(site).or_default();
                    let runs = left.entry(to).or_default();
                    runs.entry(run).or_default().push(height);
                    stay
                }
                _ => continue,
            };
            last.insert((site, run), (stay, position));
        }
        let last = last.into_values();
        moves.last = last
            .map(|(stay, place)| (stay, place, causality.ancestors_of(place)))
            .collect();
        moves
    }

    /// Whether somebody who had the departure at `position` wrote a move of another stay.
    fn go_on_after(&self, stay: StayId, position: Position) -> bool {
        self.last.iter().any(|(other, place, before)| {
            (*other, place.site) != (stay, position.site) && before(position)
        })
    }

    /// Whether the arrival that the departure at `position` announces is here; or, since vans are
    /// redirected and slips go astray, one from the same site at any other, beyond those that its
    /// earlier departures explain.
    fn answer(&self, position: Position, to: Destination, causality: &dyn Causality) -> bool {
        let site = position.site;
        let (Some(arrivals), Some(departures)) =
            (self.arrivals.get(&site), self.departures.get(&site))
        else {
            return false;
        };
        let before = causality.ancestors_of(position);
        let left_before = |runs: &BTreeMap<RunId, Vec<u32>>| -> usize {
            let runs = runs.iter().map(|(run, heights)| {
                let run = *run;
                heights.partition_point(|height| {
                    let height = *height;
                    before(Position { site, run, height })
                })
            });
            runs.sum()
        };
        if let Destination::Site(there) = to {
            let arrived = arrivals.get(&there).copied().unwrap_or(0);
            if arrived > departures.get(&to).map_or(0, left_before) {
                return true;
            }
        }
        let arrived: usize = arrivals.values().sum();
        arrived > departures.values().map(left_before).sum()
    }
}

#[cfg(test)]
mod tests;
