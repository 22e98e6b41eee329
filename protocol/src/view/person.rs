//! Which learners are one person: the classes of learners under confirmed links. Nothing is
//! rewritten when two records turn out to be one person's, or not to be.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::InEffect;
use crate::event::{Body, EventId};
use crate::id::LearnerId;

/// What one learner's record says of another learner. A decision to the contrary supersedes the
/// events that it answers; while both are in effect, the two count as two persons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The other learner.
    pub other: LearnerId,
    /// Events that say "one person".
    pub same: Vec<EventId>,
    /// Events that say "two persons".
    pub not_same: Vec<EventId>,
}

/// The persons that some learners are. Computed from all their links at once, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Persons {
    /// Learners that are not their own person's first, with that first.
    first: BTreeMap<LearnerId, LearnerId>,
    /// Pairs on which the records disagree, smaller id first: said to be one and two persons, or
    /// two persons that links by way of others make one. They go to the worklist.
    pub disputed: BTreeSet<(LearnerId, LearnerId)>,
}

impl Persons {
    /// Joins learners by their links. Either one's record is enough for a link, and for its veto.
    pub fn of<'a>(links: impl IntoIterator<Item = (LearnerId, &'a [Link])>) -> Self {
        let (mut same, mut not_same) = (BTreeSet::new(), BTreeSet::new());
        for (learner, links) in links {
            for link in links {
                let pair = (learner.min(link.other), learner.max(link.other));
                if !link.same.is_empty() {
                    same.insert(pair);
                }
                if !link.not_same.is_empty() {
                    not_same.insert(pair);
                }
            }
        }
        let mut persons = Self::default();
        for pair in same.difference(&not_same) {
            persons.join(*pair);
        }
        let apart = |pair: &&(LearnerId, LearnerId)| {
            same.contains(*pair) || persons.person(pair.0) == persons.person(pair.1)
        };
        let disputed = not_same.iter().filter(apart).copied().collect();
        Self {
            disputed,
            ..persons
        }
    }

    /// The learner that stands for the person: the smallest id of the class.
    #[must_use]
    pub fn person(&self, learner: LearnerId) -> LearnerId {
        let mut first = learner;
        while let Some(smaller) = self.first.get(&first) {
            first = *smaller;
        }
        first
    }

    /// Every learner that is not his own person's first, with that first: the rows of a table.
    pub fn joined(&self) -> impl Iterator<Item = (LearnerId, LearnerId)> {
        self.first
            .keys()
            .map(|learner| (*learner, self.person(*learner)))
    }

    /// Each step leads to a smaller id, so `person` ends.
    fn join(&mut self, pair: (LearnerId, LearnerId)) {
        let (one, other) = (self.person(pair.0), self.person(pair.1));
        if one != other {
            self.first.insert(one.max(other), one.min(other));
        }
    }
}

/// What the events in effect say of other learners, in the order of their ids.
pub(super) fn links(in_effect: &InEffect<'_>) -> Vec<Link> {
    let mut links: BTreeMap<LearnerId, Link> = BTreeMap::new();
    for entry in &in_effect.entries {
        let (other, same) = match entry.event.body {
            Body::SamePerson { other, .. } => (other, true),
            Body::NotSame { other, .. } => (other, false),
            _ => continue,
        };
        let new = Link {
            other,
            same: Vec::new(),
            not_same: Vec::new(),
        };
        let link = links.entry(other).or_insert(new);
        let events = if same {
            &mut link.same
        } else {
            &mut link.not_same
        };
        events.push(entry.id.clone());
    }
    links.into_values().collect()
}
