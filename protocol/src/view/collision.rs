//! What two people picked at once. Nothing that a human picks is unique across sites: two may have
//! given out one user name, or printed cards under one number, while they were apart. A collision
//! never drops anybody. Both live, and the later one is shown with a suffix until a person decides,
//! by an event that supersedes. Nothing is stored: the reader computes it from what he reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Entry, InEffect, LearnerView};
use crate::custody::Causality;
use crate::event::{ArrivalReason, Body, EventId, Username};
use crate::id::{LearnerId, Position, SiteId};

/// What somebody picked, as it is shown at one site.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown<T> {
    /// As it was picked.
    pub picked: T,
    /// 1 for who has it, a larger number for a later one.
    pub nth: u32,
}

impl<T: fmt::Display> fmt::Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nth {
            1 => write!(f, "{}", self.picked),
            nth => write!(f, "{}-{nth}", self.picked),
        }
    }
}

/// How the learners at `site` are shown: each with all his user names, for sites apart may have set
/// several. Who had a name here first keeps it, as the site's own log tells: since he came with it,
/// or since it was set here if that was later; a new password changes nothing. What copies of a
/// machine wrote apart has no order; there the smaller id keeps it. A suffix never makes what
/// somebody else picked.
#[must_use]
pub fn usernames<'a>(
    learners: impl IntoIterator<Item = (LearnerId, &'a LearnerView)>,
    site: SiteId,
    causality: &dyn Causality,
) -> BTreeMap<LearnerId, Vec<Shown<Username>>> {
    let mut picked: BTreeMap<&Username, BTreeMap<LearnerId, Option<Position>>> = BTreeMap::new();
    for (learner, view) in learners {
        let log = OwnLog { site, causality };
        let arrived = log.arrived(view);
        for claim in &view.profile.accounts {
            let since = claim
                .events
                .iter()
                .filter_map(|event| log.since(view, event, arrived))
                .reduce(|one, other| log.earlier(one, other));
            let of_name = picked.entry(&claim.value.username).or_default();
            let known = of_name.entry(learner).or_insert(since);
            let both = (*known).into_iter().chain(since);
            *known = both.reduce(|one, other| log.earlier(one, other));
        }
    }
    let mut taken: BTreeSet<String> = picked.keys().map(ToString::to_string).collect();
    let mut shown: BTreeMap<LearnerId, Vec<Shown<Username>>> = BTreeMap::new();
    for (username, learners) in picked {
        let mut nth = 1;
        for learner in in_order(learners, causality) {
            let mut new = Shown {
                picked: username.clone(),
                nth,
            };
            while new.nth > 1 && !taken.insert(new.to_string()) {
                new.nth += 1;
            }
            nth = new.nth + 1;
            shown.entry(learner).or_default().push(new);
        }
    }
    shown
}

/// How one learner's cards are shown at `site`. Of several printed under one number, those of this
/// site come first, then those of the smaller site.
#[must_use]
pub fn cards(view: &LearnerView, site: SiteId) -> Vec<Shown<u16>> {
    let mut shown = Vec::new();
    for claim in &view.profile.cards {
        let printed = claim.events.iter();
        let printed = printed.filter_map(|event| view.profile.picked_at.get(event)?.first());
        let mut printed: Vec<&Position> = printed.collect();
        printed.sort_unstable_by_key(|at| (at.site != site, **at));
        for (nth, _) in (1..).zip(printed) {
            let picked = claim.value;
            shown.push(Shown { picked, nth });
        }
    }
    shown
}

/// The log of the site where names are shown.
struct OwnLog<'a> {
    site: SiteId,
    causality: &'a dyn Causality,
}

impl OwnLog<'_> {
    /// Where the site noted that he came, if a stay here is open. Who was not moved after all did
    /// not come anew.
    fn arrived(&self, view: &LearnerView) -> Option<Position> {
        let here = || view.stays.iter().filter(|stay| stay.site == self.site);
        let arrivals = here().flat_map(|stay| &stay.arrivals);
        let came = arrivals.filter(|arrival| arrival.reason != ArrivalReason::NotMoved);
        here().find(|stay| stay.is_open())?;
        came.map(|arrival| arrival.position)
            .reduce(|one, other| self.later(one, other))
    }

    /// Since where he has here what the event says: he came with what another site set.
    fn since(
        &self,
        view: &LearnerView,
        event: &EventId,
        arrived: Option<Position>,
    ) -> Option<Position> {
        let places = view.profile.picked_at.get(event).into_iter().flatten();
        let since = places.filter_map(|place| {
            let here = Some(*place).filter(|place| place.site == self.site);
            let both = here.into_iter().chain(arrived);
            both.reduce(|one, other| self.later(one, other))
        });
        since.reduce(|one, other| self.earlier(one, other))
    }

    /// Of two that copies wrote apart either will do, as long as it is always the same.
    fn earlier(&self, one: Position, other: Position) -> Position {
        match self.causality.is_ancestor(one, other) {
            true => one,
            false if self.causality.is_ancestor(other, one) => other,
            false => one.min(other),
        }
    }

    fn later(&self, one: Position, other: Position) -> Position {
        if self.earlier(one, other) == one {
            other
        } else {
            one
        }
    }
}

/// Where in the logs each account and card in effect was set: its own place, and those of the
/// accounts of the same name that it took the place of.
pub(super) fn picked_at(
    in_effect: &InEffect<'_>,
    entries: &[Entry],
) -> BTreeMap<EventId, BTreeSet<Position>> {
    let mut accounts: BTreeMap<&EventId, Vec<(&Username, &Entry)>> = BTreeMap::new();
    for entry in entries {
        if let Body::Account { username, .. } = &entry.event.body {
            accounts
                .entry(&entry.id)
                .or_default()
                .push((username, entry));
        }
    }
    let mut picked_at = BTreeMap::new();
    for entry in &in_effect.entries {
        let mut places = BTreeSet::from([entry.origin.position]);
        match &entry.event.body {
            Body::Card { .. } => {}
            Body::Account { username, .. } => {
                let mut open: Vec<&Entry> = vec![entry];
                let mut seen = BTreeSet::from([&entry.id]);
                while let Some(later) = open.pop() {
                    for id in later.event.supersedes.iter().filter(|id| seen.insert(*id)) {
                        let earlier = accounts.get(id).into_iter().flatten();
                        let earlier = earlier.filter(|(name, _)| *name == username);
                        open.extend(earlier.map(|(_, entry)| *entry));
                    }
                    places.insert(later.origin.position);
                }
            }
            _ => continue,
        }
        picked_at.insert(entry.id.clone(), places);
    }
    picked_at
}

/// Who had it first, second, and so on: of those whom the log puts behind nobody who is left, the
/// smallest id. Each pair is asked about twice.
fn in_order(
    learners: BTreeMap<LearnerId, Option<Position>>,
    causality: &dyn Causality,
) -> Vec<LearnerId> {
    let learners: Vec<(LearnerId, Option<Position>)> = learners.into_iter().collect();
    // Who is not known to have been here at all comes last.
    let before = |one: usize, other: usize| match (learners[one].1, learners[other].1) {
        (Some(one), Some(other)) => causality.is_ancestor(one, other),
        (one, other) => one.is_some() && other.is_none(),
    };
    let all = || 0..learners.len();
    let mut behind: Vec<usize> = all()
        .map(|one| all().filter(|other| before(*other, one)).count())
        .collect();
    let mut free: BTreeSet<usize> = all().filter(|one| behind[*one] == 0).collect();
    let mut order = Vec::new();
    while let Some(first) = free.pop_first() {
        order.push(learners[first].0);
        for other in all().filter(|other| before(first, *other)) {
            behind[other] -= 1;
            if behind[other] == 0 {
                free.insert(other);
            }
        }
    }
    // None, unless the order that the caller tells goes in a circle; nobody is dropped even then.
    let left = all().filter(|one| behind[*one] > 0);
    order.extend(left.map(|one| learners[one].0));
    order
}

#[cfg(test)]
mod tests;
