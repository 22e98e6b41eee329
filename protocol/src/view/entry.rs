//! An event with where it came from, and which events of a learner are in effect: the step before
//! every fold. The answer depends on the set of entries alone, never on their order or number.
//!
//! - One id counts once, however often and by whatever way it came.
//! - A late high-stakes event waits for a person; it neither counts nor takes another's place. So
//!   does one in a branch of a forked run, but for arrivals and departures: each site speaks only of
//!   its own stays, and without them a learner would be lost.
//! - An exam result or a certificate is provisional until two persons have signed it, and so is what
//!   would take the place of one that counts: see [`crate::officer`].
//! - What another event retracts or supersedes does not count. A late one may do so only to
//!   ordinary events; and when the superseding event is retracted, the superseded one is back.
//! - A retraction stands: it is neither retracted nor superseded.
//! - What a site says of its own arrivals and departures, only the same site takes back.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Body, Event, EventId};
use crate::id::{Position, SiteId, StayId};
use crate::officer::PERSONS_MIN;

/// Where in the logs an event was written, and under which stay's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The segment.
    pub position: Position,
    /// The stay.
    pub stay: StayId,
}

/// One event of a learner with its origin and what [`crate::custody::mark_late`] found of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The event's key.
    pub id: EventId,
    /// The event.
    pub event: Event,
    /// Where it came from.
    pub origin: Origin,
    /// It was written after its stay had ended, as far as anyone else could know.
    pub late: bool,
    /// It stands in a branch of a forked run: a copy of a machine resumed, or its site lies.
    pub forked: bool,
    /// A departure only: the learner is known to have arrived somewhere after it.
    pub answered: bool,
    /// The number of its operation: the order of what one segment holds of one stay.
    pub op: u64,
    /// How many persons have signed it: only of what needs it, or would overrule such.
    pub persons: u8,
    /// Work only: the site had noted before that the learner's past is open there.
    pub past_open: bool,
}

impl Entry {
    /// An entry that is on time and not answered, until `mark_late` has seen it.
    #[must_use]
    pub fn new(id: EventId, event: Event, origin: Origin) -> Self {
        Self {
            id,
            event,
            origin,
            late: false,
            forked: false,
            answered: false,
            op: 0,
            persons: 0,
            past_open: false,
        }
    }

    /// The same entry as that operation of its label.
    #[must_use]
    pub fn at(mut self, op: u64) -> Self {
        self.op = op;
        self
    }

    /// The same entry, signed by so many persons.
    #[must_use]
    pub fn signed_by(mut self, persons: u8) -> Self {
        self.persons = persons;
        self
    }

    fn is_signed(&self) -> bool {
        self.persons >= PERSONS_MIN
    }

    /// The site whose log brought the event: the one that the work is credited to.
    #[must_use]
    pub fn site(&self) -> SiteId {
        self.origin.position.site
    }

    /// The events whose place this one takes, and the one that it retracts.
    pub fn overrules(&self) -> impl Iterator<Item = &EventId> {
        let retracted = match &self.event.body {
            Body::Retracted { event, .. } => Some(event),
            _ => None,
        };
        self.event
            .supersedes
            .iter()
            .chain(retracted)
            .filter(|id| **id != self.id)
    }

    pub(crate) fn is_retraction(&self) -> bool {
        matches!(self.event.body, Body::Retracted { .. })
    }

    fn is_move(&self) -> bool {
        matches!(
            self.event.body,
            Body::Arrived { .. } | Body::Departed { .. }
        )
    }

    /// The keys that came with different contents.
    pub(crate) fn disputed_ids(entries: &[Self]) -> BTreeSet<&EventId> {
        let mut first: BTreeMap<&EventId, &Event> = BTreeMap::new();
        let mut disputed = BTreeSet::new();
        for entry in entries {
            if **first.entry(&entry.id).or_insert(&entry.event) != entry.event {
                disputed.insert(&entry.id);
            }
        }
        disputed
    }
}

/// The entries of one learner that count, and how many do not, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InEffect<'a> {
    /// What counts, in the order of the keys. Retractions are not in it.
    pub entries: Vec<&'a Entry>,
    /// Late high-stakes events, which wait for a person, in the order of the keys.
    pub waiting: Vec<&'a Entry>,
    /// What needs the signatures of two persons and has not both, in the order of the keys.
    pub provisional: Vec<&'a Entry>,
    /// How many events were retracted.
    pub retracted: u32,
    /// How many others took another's place.
    pub superseded: u32,
    /// How many keys came with different contents. Only a liar writes one key twice.
    pub disputed_ids: u32,
}

impl<'a> InEffect<'a> {
    /// Sorts out one learner's entries, of one stream or of both.
    #[must_use]
    pub fn of(entries: &'a [Entry]) -> Self {
        let disputed_ids = u32::try_from(Entry::disputed_ids(entries).len()).unwrap_or(u32::MAX);
        let mut out = Self {
            disputed_ids,
            ..Self::default()
        };
        let unique = one_for_each_id(entries);
        let waits = |entry: &Entry| {
            let retracts = |stakes: fn(&Entry) -> bool| {
                let mut targets = entry.overrules().filter_map(|id| unique.get(id));
                entry.is_retraction() && targets.any(|target| stakes(target))
            };
            entry.late && (high_stakes(entry) || retracts(high_stakes))
                || entry.forked && (for_a_person(entry) || retracts(for_a_person))
        };
        // Who may overrule: whatever does not wait itself.
        let acting: Vec<&Entry> = unique
            .values()
            .copied()
            .filter(|entry| !waits(entry))
            .collect();
        let may_overrule = |by: &Entry, id: &EventId| {
            unique.get(id).is_some_and(|target| {
                // A move that waits is in nobody's way: whoever has custody may settle it.
                let moved_elsewhere =
                    target.is_move() && !target.late && target.site() != by.site();
                let doubtful = by.late && high_stakes(target) || by.forked && for_a_person(target);
                let signed = counts_as_signed(target) && !by.is_signed();
                let protected = doubtful || moved_elsewhere || signed;
                !protected && !target.is_retraction()
            })
        };
        let mut retracted = BTreeSet::new();
        for entry in acting.iter().filter(|entry| entry.is_retraction()) {
            retracted.extend(entry.overrules().filter(|id| may_overrule(entry, id)));
        }
        let mut superseded = BTreeSet::new();
        for entry in acting.iter().filter(|entry| !retracted.contains(&entry.id)) {
            let ids = entry.overrules().filter(|id| may_overrule(entry, id));
            superseded.extend(ids.filter(|id| !retracted.contains(*id)));
        }
        for entry in unique.values().copied() {
            if retracted.contains(&entry.id) {
                out.retracted += 1;
            } else if superseded.contains(&entry.id) {
                out.superseded += 1;
            } else if waits(entry) {
                out.waiting.push(entry);
            } else {
                let in_the_way = |id| {
                    unique
                        .get(id)
                        .is_some_and(|target| counts_as_signed(target))
                };
                let unsigned =
                    entry.event.body.needs_two_persons() || entry.overrules().any(in_the_way);
                if unsigned && !entry.is_signed() {
                    out.provisional.push(entry);
                }
                let counts = !entry.event.body.needs_two_persons() || entry.is_signed();
                if counts && !entry.is_retraction() {
                    out.entries.push(entry);
                }
            }
        }
        out
    }
}

fn high_stakes(entry: &Entry) -> bool {
    entry.event.body.high_stakes()
}

fn counts_as_signed(entry: &Entry) -> bool {
    entry.event.body.needs_two_persons() && entry.is_signed()
}

/// What nobody takes from a branch of a forked run unseen.
fn for_a_person(entry: &Entry) -> bool {
    high_stakes(entry) && !entry.is_move()
}

/// Where one key came several times, the first stands: on time before late, out of a fork before in
/// one, what two persons have signed before what lacks one, then by bytes and by place. Equal everywhere,
/// whichever came first.
fn one_for_each_id(entries: &[Entry]) -> BTreeMap<&EventId, &Entry> {
    let mut unique: BTreeMap<&EventId, &Entry> = BTreeMap::new();
    for entry in entries {
        let known = unique.entry(&entry.id).or_insert(entry);
        let rank = |e: &Entry| {
            let found = (!e.answered, e.op, !e.past_open);
            let signed = !counts_as_signed(e);
            (e.late, e.forked, signed, e.event.encode(), e.origin, found)
        };
        if entry != *known && rank(entry) < rank(known) {
            *known = entry;
        }
    }
    unique
}
