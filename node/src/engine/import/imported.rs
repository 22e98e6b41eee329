//! Which imports there were, what came with each, and taking one back: what it brought is retracted, nothing is
//! deleted, and the same file can be imported again. The newest thousand are kept; what older ones brought stays.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::event::{Body, Event, EventId, RetractionReason};
use spean_protocol::id::{LearnerId, StayId, Stream};
use spean_protocol::record::Draft;
use spean_protocol::view::InEffect;

use super::library::Item;
use super::{Fate, Gathered, Import, written};
use crate::engine::write::OwnStay;
use crate::engine::{Engine, EngineError};
use crate::lms::MOODLE;
use crate::store::{Store, Table};

/// Imports that are remembered.
const IMPORTS_MAX: usize = 1_000;

/// The counter of imports.
const NUMBER: &[u8] = b"import number";

/// One thing that came with an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Brought {
    /// A row key stands for somebody since.
    Source {
        /// The place of the row key.
        place: [u8; 32],
        /// For whom.
        learner: LearnerId,
    },
    /// A row key is nobody's since.
    Nobody {
        /// The place of the row key.
        place: [u8; 32],
    },
    /// Somebody's stay began with it.
    Stay {
        /// Whose.
        learner: LearnerId,
        /// The stay.
        stay: StayId,
        /// The one before at this site, which had ended.
        before: Option<StayId>,
    },
    /// An event.
    Event {
        /// Whose.
        learner: LearnerId,
        /// Its key.
        event: EventId,
    },
    /// An item of the library, and what it was before.
    Item {
        /// Its number.
        item: u32,
        /// What it was; `None` for a new one.
        before: Option<Item>,
        /// What it is since.
        now: Item,
    },
}

impl Brought {
    /// What a row of the table says; `None` for the head of an import.
    pub(crate) fn of_row(key: &[u8], row: &[u8]) -> Result<Option<Self>, EngineError> {
        match key.len() == head_of(0).len() {
            true => Ok(None),
            false => Ok(Some(codec::decode(row)?)),
        }
    }

    /// Whose it is.
    pub(crate) fn learner(&self) -> Option<LearnerId> {
        match self {
            Self::Source { learner, .. }
            | Self::Stay { learner, .. }
            | Self::Event { learner, .. } => Some(*learner),
            Self::Item { .. } | Self::Nobody { .. } => None,
        }
    }
}

/// An import, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportLine {
    /// Its number at this node.
    pub number: u64,
    /// Its source.
    pub source: String,
    /// What was imported.
    pub what: String,
    /// Seconds since 1970 by this machine's clock, for people only.
    pub stamp: u64,
    /// Rows that were new.
    pub new: u64,
    /// Rows that were known.
    pub known: u64,
    /// Rows that waited for an officer.
    pub waiting: u64,
    /// Rows that were of no use, or said something else than before.
    pub refused: u64,
    /// It was taken back.
    pub undone: bool,
    /// Things that it brought.
    brought: u32,
}

/// What taking back an import came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// Events that no longer count.
    pub events: u64,
    /// Learners who are not here any more, since they came with it.
    pub learners: u64,
    /// Items of the library that are as before.
    pub items: u64,
    /// Rows that no longer wait.
    pub waiting: u64,
    /// Learners who stay as they are, and why.
    pub kept: Vec<(LearnerId, String)>,
}

fn head_of(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

fn place_of(number: u64, index: u32) -> Vec<u8> {
    [&number.to_be_bytes()[..], &index.to_be_bytes()].concat()
}

impl<S: Store> Engine<S> {
    /// The imports that can be taken back, or were, the newest first.
    ///
    /// # Errors
    /// What the store says.
    pub fn imports(&self) -> Result<Vec<ImportLine>, EngineError> {
        let mut lines = Vec::new();
        for (key, row) in self.store.scan(Table::Import, &[], &[], usize::MAX)? {
            if key.len() == head_of(0).len() {
                lines.push(codec::decode(&row)?);
            }
        }
        lines.reverse();
        Ok(lines)
    }

    /// Whether an import took accounts of a platform over.
    ///
    /// # Errors
    /// What the store says.
    pub fn is_adoption(&self, number: u64) -> Result<bool, EngineError> {
        let head = self.store.read(Table::Import, &head_of(number))?;
        let line: Option<ImportLine> = head.map(|row| codec::decode(&row)).transpose()?;
        Ok(line.is_some_and(|line| line.source == MOODLE))
    }

    /// Notes what came with an import.
    pub(super) fn note_import(
        &mut self,
        import: &Import,
        number: u64,
        gathered: &Gathered,
    ) -> Result<(), EngineError> {
        let head = self.store.read(Table::Import, &head_of(number))?;
        let mut line: ImportLine = match head {
            Some(row) => codec::decode(&row)?,
            None => ImportLine {
                number,
                source: import.source.clone(),
                what: import.what.clone(),
                stamp: self.world.wall_seconds(),
                ..ImportLine::default()
            },
        };
        for fate in &gathered.fates.fates {
            *match fate {
                Fate::New => &mut line.new,
                Fate::Known | Fate::Stranger => &mut line.known,
                Fate::Waiting(_) => &mut line.waiting,
                Fate::Differs | Fate::Refused(_) => &mut line.refused,
            } += 1;
        }
        for brought in &gathered.brought {
            let place = place_of(number, line.brought);
            self.store
                .write(Table::Import, &place, &codec::encode(brought))?;
            line.brought = line.brought.saturating_add(1);
        }
        Ok(self
            .store
            .write(Table::Import, &head_of(number), &codec::encode(&line))?)
    }

    /// The number of an import. With that of a new one, what came with the oldest is forgotten.
    pub(super) fn number_of(&mut self, import: &Import) -> Result<u64, EngineError> {
        if let Some(number) = import.number {
            return Ok(number);
        }
        let last = self.store.read(Table::Meta, NUMBER)?;
        let last = last.and_then(|bytes| bytes.try_into().ok());
        let number = last.map_or(0, u64::from_be_bytes) + 1;
        self.store
            .write(Table::Meta, NUMBER, &number.to_be_bytes())?;
        if let Some(old) = number.checked_sub(IMPORTS_MAX as u64) {
            for (key, _) in self
                .store
                .scan(Table::Import, &head_of(old), &[], usize::MAX)?
            {
                self.store.remove(Table::Import, &key)?;
            }
        }
        Ok(number)
    }

    /// Takes an import back. Somebody who came with it, and of whom more was recorded since, stays as he is.
    ///
    /// # Errors
    /// [`EngineError::Refused`] for one that there is not, or that was taken back.
    pub fn undo_import(&mut self, number: u64) -> Result<Undone, EngineError> {
        self.input(|engine| {
            let refused = |why: &str| {
                Err(EngineError::Refused(format!(
                    "import {number} {why}: 'spean import list' shows those that can be"
                )))
            };
            let Some(head) = engine.store.read(Table::Import, &head_of(number))? else {
                return refused("is not one that can be taken back");
            };
            let mut line: ImportLine = codec::decode(&head)?;
            if line.undone {
                return refused("was taken back already");
            }
            let mut undone = Undone::default();
            let mut events: BTreeMap<LearnerId, BTreeSet<EventId>> = BTreeMap::new();
            let mut stays: BTreeMap<LearnerId, (StayId, Option<StayId>)> = BTreeMap::new();
            let mut sources = Vec::new();
            let rows = engine
                .store
                .scan(Table::Import, &head_of(number), &[], usize::MAX)?;
            for (key, row) in rows.iter().rev() {
                let Some(brought) = Brought::of_row(key, row)? else {
                    continue;
                };
                match brought {
                    Brought::Event { learner, event } => {
                        events.entry(learner).or_default().insert(event);
                    }
                    Brought::Stay {
                        learner,
                        stay,
                        before,
                    } => {
                        stays.insert(learner, (stay, before));
                    }
                    Brought::Source { place, learner } => sources.push((place, learner)),
                    Brought::Nobody { place } => engine.store.remove(Table::Source, &place)?,
                    Brought::Item { item, before, now } => {
                        // What another catalogue has said since stands.
                        if engine.item(item)? == Some(now) {
                            engine.put_item(item, before.as_ref())?;
                            undone.items += 1;
                        }
                    }
                }
            }
            let mut kept = BTreeSet::new();
            for (learner, (stay, _)) in &stays {
                let brought = events.get(learner).cloned().unwrap_or_default();
                if let Some(why) = engine.stays_although(*learner, *stay, &brought)? {
                    undone.kept.push((*learner, why));
                    kept.insert(*learner);
                }
            }
            events.retain(|learner, _| !kept.contains(learner));
            stays.retain(|learner, _| !kept.contains(learner));
            undone.events = engine.retract_all(&events)?;
            for (learner, (_, before)) in stays {
                // As if he had never been here: else a row with his card would count him again.
                match before {
                    Some(stay) => engine.set_own_stay(learner, OwnStay { stay, open: false })?,
                    None => engine.store.remove(Table::Stay, &learner.0)?,
                }
                engine.refresh(learner)?;
                undone.learners += 1;
            }
            for (place, learner) in sources {
                if !kept.contains(&learner) {
                    engine.store.remove(Table::Source, &place)?;
                    engine
                        .store
                        .remove(Table::SourceOf, &[&learner.0[..], &place].concat())?;
                }
            }
            undone.waiting = engine.forget_waiting_of(number)?;
            // What came with those who stay can be taken back later.
            for (key, row) in &rows {
                let brought = Brought::of_row(key, row)?;
                let stays = brought.and_then(|brought| brought.learner());
                if key.len() > head_of(0).len() && !stays.is_some_and(|one| kept.contains(&one)) {
                    engine.store.remove(Table::Import, key)?;
                }
            }
            line.undone = kept.is_empty();
            engine
                .store
                .write(Table::Import, &head_of(number), &codec::encode(&line))?;
            Ok(undone)
        })
    }

    /// Why somebody who came with an import stays as he is.
    fn stays_although(
        &mut self,
        learner: LearnerId,
        stay: StayId,
        brought: &BTreeSet<EventId>,
    ) -> Result<Option<String>, EngineError> {
        let own = self.own_stay(learner)?;
        if own.is_none_or(|own| own.stay != stay || !own.open) {
            return Ok(Some("he has been moved since".to_owned()));
        }
        let own = self.own_events(learner)?;
        let with_it: BTreeSet<EventId> = brought.iter().map(|key| own.imported(key).0).collect();
        let entries = self.entries(learner)?;
        let in_effect = InEffect::of(&entries);
        let all = [in_effect.entries, in_effect.waiting, in_effect.provisional];
        let more: BTreeSet<&EventId> = all
            .iter()
            .flatten()
            .filter(|entry| {
                // The node's own note, and what was taken back of something that did not come with it.
                !matches!(
                    entry.event.body,
                    Body::RecordOpen { .. } | Body::Retracted { .. }
                )
            })
            .map(|entry| &entry.id)
            .filter(|id| !with_it.contains(*id))
            .collect();
        let more = more.len();
        Ok((more > 0).then(|| {
            format!(
                "{more} more was recorded of him since: undo that first, or let him leave with \
                 'spean transfer out'"
            )
        }))
    }

    /// Retracts events that still count; how many there were.
    fn retract_all(
        &mut self,
        all: &BTreeMap<LearnerId, BTreeSet<EventId>>,
    ) -> Result<u64, EngineError> {
        let mut writes = Vec::new();
        let mut count = 0;
        for (learner, events) in all {
            let own = self.own_events(*learner)?;
            let mut drafts: BTreeMap<Stream, Vec<Draft>> = BTreeMap::new();
            for event in events {
                let Some(bytes) = own.all.get(event) else {
                    continue;
                };
                let (name, None) = own.imported(event) else {
                    continue;
                };
                let stream =
                    Event::decode(bytes).map_or(Stream::Education, |event| event.body.stream());
                let retracted = Event::new(Body::Retracted {
                    event: name,
                    reason: RetractionReason::ImportUndone,
                });
                drafts.entry(stream).or_default().push(Draft {
                    id: None,
                    bytes: retracted.encode(),
                });
                count += 1;
            }
            writes.extend(written(*learner, drafts));
        }
        self.write(writes)?;
        Ok(count)
    }
}
