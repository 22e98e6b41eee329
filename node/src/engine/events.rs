//! Every event of a learner with its place in the logs and its name.
//!
//! An event's name is its key where that is a place of its own site, otherwise its key and its site:
//! so no site writes over another's. Where the copies of one machine each wrote something else
//! under one key, each content has a name of its own, and what refers to the key means that one
//! which whoever wrote it had. All of it follows from the segments alone, whichever came first.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::custody::{Ancestors, Causality, mark_late};
use spean_protocol::event::{Body, Event, EventId};
use spean_protocol::id::{Label, LearnerId, Position, RunId, SiteId, StayId, Stream};
use spean_protocol::log::{Piece, Skeleton};
use spean_protocol::record::{Chain, Draft, Stored, branch_actor};
use spean_protocol::seal::derive;
use spean_protocol::stay::HeldKey;
use spean_protocol::view::{Entry, Origin};

use super::keys::{Dirty, learner_stream};
use super::write::read_learner_stream;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// What is kept of one label in a record, of each piece of a forked run apart.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LabelChain {
    /// The run as its segments name it.
    base: RunId,
    /// The same, or above a fork the name of the piece.
    run: RunId,
    stay: StayId,
    pub(super) chain: Chain,
}

/// The chains of one document, by actor: each label with how far it has come.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Chains(BTreeMap<Label, LabelChain>);

impl Chains {
    /// How far a label's changes have come in a run that is not forked.
    pub(super) fn chain(&self, label: Label) -> Chain {
        self.0
            .get(&label)
            .map(|known| known.chain.clone())
            .unwrap_or_default()
    }

    pub(super) fn of(&mut self, label: Label, run: RunId, held: &HeldKey) -> &mut LabelChain {
        let new = || LabelChain {
            base: run,
            run,
            stay: held.stay,
            chain: Chain::default(),
        };
        self.0.entry(label).or_insert_with(new)
    }

    /// Takes out a label's chain in one piece of its run, which goes on from that of `below`.
    pub(super) fn take(
        &mut self,
        label: Label,
        piece: &Piece,
        below: Option<Label>,
        (base, held, _): &Dirty,
    ) -> (Label, LabelChain) {
        let whole = piece.name == *base;
        let actor = if whole {
            label
        } else {
            branch_actor(label, piece.name)
        };
        if let Some(known) = self.0.remove(&actor) {
            return (actor, known);
        }
        let below = below.and_then(|below| self.0.get(&below));
        let below = below.map(|known| known.chain.clone()).unwrap_or_default();
        let chain = if whole {
            below
        } else {
            below.branch(label, piece.name)
        };
        let known = LabelChain {
            base: *base,
            run: piece.name,
            stay: held.stay,
            chain,
        };
        (actor, known)
    }

    /// Puts a chain back, if it has anything.
    pub(super) fn put(&mut self, actor: Label, known: LabelChain) {
        if known.chain.height().is_some() {
            self.0.insert(actor, known);
        }
    }

    pub(super) fn origin(&self, stored: &Stored) -> Option<Origin> {
        let known = self.0.get(&stored.actor)?;
        let height = known.chain.height_of(stored.op)?;
        Some(Origin {
            position: Position {
                site: known.base.site(),
                run: known.run,
                height,
            },
            stay: known.stay,
        })
    }

    /// The site whose place an event's key names, if it names one.
    fn home(&self, stored: &Stored, others: &Places) -> Option<SiteId> {
        let label = stored.named_label()?;
        let known = self.0.get(&label).map(|known| known.base.site());
        known.or_else(|| others.get(&label).copied())
    }
}

/// Labels under which nothing is sealed, with their sites: of runs that ended too early, or forked
/// before it.
type Places = BTreeMap<Label, SiteId>;

/// An event before it has its name.
struct Found {
    key: EventId,
    /// Its key is a place of its own site.
    placed: bool,
    bytes: Vec<u8>,
    event: Event,
    origin: Origin,
    /// The number of its operation.
    op: u64,
    forked: bool,
    /// Not sealed yet: the stream, and the row that it waits in.
    waiting: Option<(Stream, usize)>,
}

/// The order that the logs tell.
pub(super) struct Order<'a>(pub(super) &'a Skeleton);

impl Causality for Order<'_> {
    fn is_ancestor(&self, earlier: Position, later: Position) -> bool {
        earlier != later && self.0.is_ancestor(earlier, later)
    }

    fn ancestors_of(&self, later: Position) -> Ancestors<'_> {
        let before = self.0.ancestors_of(later);
        Box::new(move |earlier| earlier != later && before(earlier))
    }
}

impl<S: Store> Engine<S> {
    /// Every event of a learner that is here, sealed or waiting to be.
    pub(super) fn entries(&mut self, learner: LearnerId) -> Result<Vec<Entry>, EngineError> {
        let found = self.found(learner)?;
        let mut entries: Vec<Entry> = named(found, &self.skeleton)
            .into_iter()
            .map(|(_, entry)| entry)
            .collect();
        mark_late(&mut entries, &Order(&self.skeleton));
        self.count_signers(learner, &mut entries)?;
        Ok(entries)
    }

    fn found(&mut self, learner: LearnerId) -> Result<Vec<Found>, EngineError> {
        let mut found = Vec::new();
        let own = self.own_stay(learner)?;
        for stream in Stream::ALL {
            let (record, chains) = self.load_record(learner, stream)?;
            let events = record.events();
            let elsewhere = |stored: &Stored| {
                stored
                    .named_label()
                    .is_some_and(|label| !chains.0.contains_key(&label))
            };
            let others = match events.iter().any(elsewhere) {
                true => self.places(learner, stream)?,
                false => Places::new(),
            };
            for stored in events {
                let Some(origin) = chains.origin(&stored) else {
                    continue;
                };
                let site = origin.position.site;
                let event = match Event::decode(&stored.bytes) {
                    Ok(event) => event,
                    Err(error) => {
                        self.set_aside(&format!("an event of {site}: {error}"))?;
                        continue;
                    }
                };
                let known = chains.0.get(&stored.actor);
                found.push(Found {
                    placed: chains.home(&stored, &others) == Some(site),
                    forked: known.is_some_and(|known| known.run != known.base),
                    key: stored.id,
                    bytes: stored.bytes,
                    event,
                    origin,
                    op: stored.op,
                    waiting: None,
                });
            }
            let (Some(own), drafts) = (own, self.pending(learner, stream)?) else {
                continue;
            };
            let position = self.next_position();
            for (op, (number, draft)) in (0..).zip(drafts.into_iter().enumerate()) {
                let (Some(key), Ok(event)) = (draft.id, Event::decode(&draft.bytes)) else {
                    continue;
                };
                let stay = own.stay;
                found.push(Found {
                    placed: true,
                    key,
                    bytes: draft.bytes,
                    event,
                    origin: Origin { position, stay },
                    op,
                    forked: false,
                    waiting: Some((stream, number)),
                });
            }
        }
        Ok(found)
    }

    /// Every label that the learner's keys make with the runs of their sites.
    fn places(&self, learner: LearnerId, stream: Stream) -> Result<Places, EngineError> {
        let mut places = Places::new();
        for held in self
            .keys_of(learner)?
            .into_iter()
            .filter(|held| held.stream == stream)
        {
            let label = |run| held.key.label(learner, stream, run);
            let runs = self.skeleton.bases(held.site);
            places.extend(runs.map(|run| (label(run), held.site)));
        }
        Ok(places)
    }

    /// Where this site's next data segment will stand; where the run is known as forked by now, as
    /// if it went on with the branch of this machine, which is the one that was here first.
    fn next_position(&self) -> Position {
        let run = self.run.unwrap_or(RunId([0; 16]));
        let height = self.skeleton.run(run).map_or(0, |run| run.data.prefix());
        Position {
            site: self.site,
            run: self
                .skeleton
                .name_at(run, spean_protocol::segment::Log::Data, height),
            height,
        }
    }

    /// What waits to be sealed was perhaps recorded in a run in which a copy of this machine wrote
    /// too, and will be sealed in another, which has both below it. So what it refers to is said
    /// exactly now.
    pub(super) fn settle_references(&mut self) -> Result<(), EngineError> {
        let run = self.run.and_then(|run| self.skeleton.run(run));
        if run.is_some_and(|run| !run.forked) {
            return Ok(());
        }
        let rows = self.store.scan(Table::Pending, &[], &[], usize::MAX)?;
        let mut learners = BTreeSet::new();
        for (key, _) in rows {
            learners.insert(read_learner_stream(&key)?.0);
        }
        for learner in learners {
            let mut drafts = BTreeMap::new();
            for stream in Stream::ALL {
                let prefix = learner_stream(learner, stream);
                let rows = self.store.scan(Table::Pending, &prefix, &[], usize::MAX)?;
                let mut number = 0;
                for (key, value) in rows {
                    if let Some(draft) = codec::decode::<Option<Draft>>(&value)? {
                        drafts.insert((stream, number), (key, draft));
                        number += 1;
                    }
                }
            }
            let found = self.found(learner)?;
            for (waiting, entry) in named(found, &self.skeleton) {
                let Some((key, draft)) = waiting.and_then(|place| drafts.remove(&place)) else {
                    continue;
                };
                // An event of a newer version keeps what this program does not read.
                if Event::decode(&draft.bytes).as_ref() != Ok(&entry.event) {
                    let bytes = entry.event.encode();
                    let value = codec::encode(&Some(Draft { bytes, ..draft }));
                    self.store.write(Table::Pending, &key, &value)?;
                }
            }
        }
        Ok(())
    }
}

/// How often references are followed through references: an event that refers to one of two
/// contents is itself one of two.
const ROUNDS: usize = 4;

/// Where an event waits, if it does, and the event under its name.
type Named = (Option<(Stream, usize)>, Entry);

/// Gives the events their names.
fn named(found: Vec<Found>, skeleton: &Skeleton) -> Vec<Named> {
    let contents = Contents::of(&found, skeleton);
    let events: Vec<Event> = (0..found.len())
        .map(|at| contents.resolved(at, &found, skeleton))
        .collect();
    let names: Vec<EventId> = (0..found.len())
        .map(|at| contents.name(at, &found))
        .collect();
    let entry = |((one, event), id): ((Found, Event), EventId)| {
        let forked = one.forked;
        let entry = Entry {
            forked,
            ..Entry::new(id, event, one.origin).at(one.op)
        };
        (one.waiting, entry)
    };
    found
        .into_iter()
        .zip(events)
        .zip(names)
        .map(entry)
        .collect()
}

/// What stands under each key of a site's own places.
struct Contents {
    /// For each event a hash of what it says.
    of: Vec<[u8; 32]>,
    /// The keys under which different things stand, with the events there.
    clashing: BTreeMap<EventId, Vec<usize>>,
}

impl Contents {
    fn of(found: &[Found], skeleton: &Skeleton) -> Self {
        let hash = |one: &Found| derive("spean 2026 event content v1", &[&one.bytes]);
        let of: Vec<_> = found.iter().map(hash).collect();
        let clashing = several(found, &of);
        let mut contents = Self { of, clashing };
        for _ in 0..ROUNDS {
            if contents.clashing.is_empty() {
                break;
            }
            let follow = |at: usize| contents.followed(at, found, skeleton);
            let of: Vec<_> = (0..found.len()).map(follow).collect();
            let clashing = several(found, &of);
            contents = Self { of, clashing };
        }
        contents
    }

    /// What an event says, with what those say that it refers to by a key of several.
    fn followed(&self, at: usize, found: &[Found], skeleton: &Skeleton) -> [u8; 32] {
        let one = &found[at];
        let mut parts = vec![one.bytes.clone()];
        for key in references(&one.event) {
            if let Some(meant) = self.meant(at, key, found, skeleton) {
                parts.push(self.of[meant].to_vec());
            }
        }
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        derive("spean 2026 event content v1", &parts)
    }

    /// Which of several events under one key another one means: that which stands at or below it in
    /// the logs, if there it is one.
    fn meant(
        &self,
        by: usize,
        key: &EventId,
        found: &[Found],
        skeleton: &Skeleton,
    ) -> Option<usize> {
        let place = found[by].origin.position;
        let below = |at: &&usize| skeleton.is_ancestor(found[**at].origin.position, place);
        let mut candidates = self.clashing.get(key)?.iter().filter(below);
        let first = *candidates.next()?;
        let same = candidates.all(|other| self.of[*other] == self.of[first]);
        same.then_some(first)
    }

    fn name(&self, at: usize, found: &[Found]) -> EventId {
        let one = &found[at];
        let text = if !one.placed {
            return name_of_unplaced(&one.key, one.origin.position.site);
        } else if self.clashing.contains_key(&one.key) {
            let parts: [&[u8]; 2] = [one.key.0.as_bytes(), &self.of[at]];
            let hash = derive("spean 2026 event of several v1", &parts);
            format!("~{}", data_encoding::BASE64URL_NOPAD.encode(&hash))
        } else {
            return one.key.clone();
        };
        EventId(text)
    }

    /// An event whose references name what it means.
    fn resolved(&self, at: usize, found: &[Found], skeleton: &Skeleton) -> Event {
        let mut event = found[at].event.clone();
        if self.clashing.is_empty() {
            return event;
        }
        let exact = |key: &mut EventId| {
            if let Some(meant) = self.meant(at, key, found, skeleton) {
                *key = self.name(meant, found);
            }
        };
        event.supersedes.iter_mut().for_each(exact);
        if let Body::Retracted { event, .. } = &mut event.body {
            exact(event);
        }
        event
    }
}

/// The name of an event whose key is no place of its site, such as an imported one.
pub(super) fn name_of_unplaced(key: &EventId, site: SiteId) -> EventId {
    // No place holds the sign between, so no made-up key names one.
    let text = format!("{key}@{}", site.0);
    if text.len() <= EventId::BYTES_MAX {
        return EventId(text);
    }
    let hash = derive("spean 2026 long event name v1", &[text.as_bytes()]);
    EventId(format!("@{}", data_encoding::BASE64URL_NOPAD.encode(&hash)))
}

fn references(event: &Event) -> impl Iterator<Item = &EventId> {
    let retracted = match &event.body {
        Body::Retracted { event, .. } => Some(event),
        _ => None,
    };
    event.supersedes.iter().chain(retracted)
}

fn several(found: &[Found], contents: &[[u8; 32]]) -> BTreeMap<EventId, Vec<usize>> {
    let mut all: BTreeMap<&EventId, Vec<usize>> = BTreeMap::new();
    for (at, one) in found.iter().enumerate().filter(|(_, one)| one.placed) {
        all.entry(&one.key).or_default().push(at);
    }
    all.into_iter()
        .filter(|(_, events)| events.iter().any(|at| contents[*at] != contents[events[0]]))
        .map(|(key, events)| (key.clone(), events))
        .collect()
}
