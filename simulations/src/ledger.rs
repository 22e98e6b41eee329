//! What truly happened: every event that a machine acknowledged, where it went, and who may know of
//! it. The checkers hold the nodes against this; it never asks a node what to believe, only how far
//! the logs reach.

use std::collections::{BTreeMap, BTreeSet};

use spean_protocol::event::Event;
use spean_protocol::id::{Hash, LearnerId, RunId, SiteId, StayId};

/// An event that was acknowledged.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Whose, as a number of the world's people.
    pub person: usize,
    /// Under which id.
    pub learner: LearnerId,
    /// Where it was recorded.
    pub site: SiteId,
    /// When: seconds of the world.
    pub at: u64,
    /// What.
    pub event: Event,
    /// The row of the site's register, where it came from one.
    pub row: Option<u32>,
    /// The sealing that it is in, once it is sealed.
    pub sealing: Option<usize>,
    /// The machine that had it in store before it was sealed was lost.
    pub lost: bool,
}

/// Where a sealing ends: a segment of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The run.
    pub run: RunId,
    /// The height of its last segment.
    pub height: u32,
    /// That segment's hash.
    pub hash: Hash,
}

/// What one flush sealed.
#[derive(Clone, Debug)]
pub struct Sealing {
    /// Whose.
    pub site: SiteId,
    /// When.
    pub at: u64,
    /// The segments up to which a node must have the log to have all of it.
    pub places: Vec<Place>,
    /// Sites of which it was said that they have it: its own, and those whose receipts came to it.
    pub keepers: BTreeSet<SiteId>,
    /// The facts.
    pub facts: Vec<usize>,
    /// The head office had it at this second.
    pub known_at: Option<u64>,
}

/// A departure that a site's log tells of.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    /// The site.
    pub site: SiteId,
    /// Who left.
    pub person: usize,
    /// The run.
    pub run: RunId,
    /// Data segments of it with which it is told.
    pub length: u32,
    /// When.
    pub recorded: u64,
}

/// What the head office knows of departures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Closed {
    /// How many there are.
    pub departures: usize,
    /// When the newest was recorded.
    pub recorded: u64,
    /// When the head office heard of it.
    pub heard: u64,
}

/// How often an event of these bytes was tried and acknowledged for one learner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// Acknowledged and not lost since.
    pub kept: u32,
    /// Tried, whatever the answer.
    pub tried: u32,
}

/// The truth.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Every acknowledged event.
    pub facts: Vec<Fact>,
    /// Every flush.
    pub sealings: Vec<Sealing>,
    /// Events tried without an answer, by learner: perhaps they were kept.
    pub unanswered: Vec<(LearnerId, Event)>,
    /// For each site and row of its register, the fact.
    pub rows: BTreeMap<(SiteId, u32), usize>,
    /// How far each run was ever written by its own site.
    pub written: BTreeMap<RunId, u32>,
    /// When each stay began, in the order of all that happened.
    pub stays: BTreeMap<(SiteId, LearnerId, StayId), u64>,
    /// Up to when a site may know the keys of a person's stays: he was sent there, or came.
    pub may_read: BTreeMap<(SiteId, usize), u64>,
    /// Departures that the head office has not heard of.
    pub closing: Vec<Closing>,
    /// Departures of a person from a site that the head office knows of.
    pub closed: BTreeMap<(SiteId, usize), Closed>,
    /// When a site last recorded that a learner left it.
    pub left: BTreeMap<(SiteId, LearnerId), u64>,
    /// When a site last admitted a person without a slip, and so asked the head office for keys.
    pub asked: BTreeMap<(SiteId, usize), u64>,
    /// Sites whose keys a bad node has.
    pub bad: BTreeSet<SiteId>,
    /// A bad node sent something, and nobody saw whether it was taken.
    pub perhaps_lied: bool,
    /// Runs that a bad node forked.
    pub forked: BTreeSet<RunId>,
    /// Learner ids that the head office found to be one person.
    pub joined: Vec<(LearnerId, LearnerId)>,
    /// Sealings of which the head office has not all, as far as is known.
    pub unknown: BTreeSet<usize>,
    order: u64,
}

impl Ledger {
    /// Notes that a site admitted a person without a slip.
    pub fn asked(&mut self, site: SiteId, person: usize) {
        let now = self.tick();
        self.asked.insert((site, person), now);
    }

    /// The next place in the order of all that happens.
    pub fn tick(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    /// Notes an acknowledged event; returns its number.
    pub fn note(&mut self, fact: Fact) -> usize {
        if let Some(row) = fact.row {
            // The same row once more, after the machine had lost it: it is the same event.
            if let Some(known) = self.rows.get(&(fact.site, row)) {
                self.facts[*known].lost = false;
                self.facts[*known].sealing = None;
                return *known;
            }
            self.rows.insert((fact.site, row), self.facts.len());
        }
        self.facts.push(fact);
        self.facts.len() - 1
    }

    /// Notes a stay, the first time that it is seen. One that a machine opened which had lost another
    /// of the same site that nobody ended goes on from that.
    pub fn stay(&mut self, site: SiteId, learner: LearnerId, stay: StayId) {
        let now = self.tick();
        let left = self.left.get(&(site, learner)).copied().unwrap_or(0);
        let all = self.stays.iter();
        let there = all.filter(|((at, whose, _), _)| (*at, *whose) == (site, learner));
        let goes_on = there.map(|(_, began)| *began).filter(|began| *began > left);
        let began = goes_on.min().unwrap_or(now);
        self.stays.entry((site, learner, stay)).or_insert(began);
    }

    /// Notes that a site recorded, or may have recorded, that somebody left it.
    pub fn left(&mut self, site: SiteId, learner: LearnerId) {
        let now = self.tick();
        self.left.insert((site, learner), now);
    }

    /// Notes that a site may know the keys of a person's stays so far.
    pub fn may_read(&mut self, site: SiteId, person: usize) {
        let now = self.tick();
        self.may_read.insert((site, person), now);
    }

    /// Notes that a site's log tells of a departure, in so many segments of a run.
    pub fn closing(&mut self, site: SiteId, person: usize, run: RunId, length: u32) {
        let recorded = self.tick();
        self.closing.push(Closing {
            site,
            person,
            run,
            length,
            recorded,
        });
    }

    /// Notes that the head office has heard of a departure.
    pub fn closes(&mut self, left: &Closing) {
        let heard = self.tick();
        let known = self.closed.entry((left.site, left.person)).or_default();
        known.departures += 1;
        if left.recorded > known.recorded {
            (known.recorded, known.heard) = (left.recorded, heard);
        }
    }

    /// Who was asked about at one site may be answered at the next: the question follows him.
    pub fn asked_on_the_way(&mut self, site: SiteId, person: usize) {
        if self.asked.keys().any(|(_, asked)| *asked == person) {
            self.asked(site, person);
        }
    }

    /// Whether an acknowledged event must be found in the end.
    #[must_use]
    pub fn must_be_there(&self, fact: &Fact) -> bool {
        let kept = |sealing: usize| !self.sealings[sealing].keepers.is_empty();
        !fact.lost && fact.sealing.is_none_or(kept)
    }

    /// For each learner and event how often it was tried and must be there.
    #[must_use]
    pub fn tries(&self) -> BTreeMap<LearnerId, BTreeMap<Vec<u8>, Tries>> {
        let mut tries: BTreeMap<LearnerId, BTreeMap<Vec<u8>, Tries>> = BTreeMap::new();
        let mut of = |learner: LearnerId, event: &Event, kept: bool| {
            let of_learner = tries.entry(learner).or_default();
            let one = of_learner.entry(event.encode()).or_default();
            one.tried += 1;
            one.kept += u32::from(kept);
        };
        for fact in &self.facts {
            of(fact.learner, &fact.event, self.must_be_there(fact));
        }
        for (learner, event) in &self.unanswered {
            of(*learner, event, false);
        }
        tries
    }
}
