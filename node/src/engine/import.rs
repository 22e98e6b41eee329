//! Files of a site's registers become events. Every row has a key of its own in its source, so a
//! file imported twice changes nothing the second time, also after a restore. A row that cannot be
//! used is refused with its reason, one that nobody knows the person of waits for an officer, and the rows
//! around it are kept. An import that is only looked at does all of the same work and writes nothing.

pub mod adopted;
pub mod events;
pub mod imported;
pub mod learners;
pub mod library;
pub mod waiting;
pub mod whose;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spean_protocol::event::{Body, Event, EventId, RetractionReason};
use spean_protocol::id::{LearnerId, SiteId, Stream};
use spean_protocol::record::{Draft, imported_id};
use spean_protocol::seal::derive;

use self::imported::Brought;
use self::waiting::Waited;
use self::whose::Doubt;
use super::events::name_of_unplaced;
use super::keys::key_of;
use super::write::{OwnStay, Write};
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It is new and is kept.
    New,
    /// It was imported before.
    Known,
    /// It was imported before and said something else; the record stays as it is.
    Differs,
    /// Nobody can say whose it is yet: it is kept aside until an officer does.
    Waiting(String),
    /// It is about nobody who learns here, and is not kept.
    Stranger,
    /// It cannot be used; why.
    Refused(String),
}

/// An import, or a further part of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The register: row keys are unique within it.
    pub source: String,
    /// What an officer reads in the list of imports, such as a file's name.
    pub what: String,
    /// Its number, once it has one.
    pub number: Option<u64>,
    /// Whether anything is written.
    pub keep: bool,
    /// Whether a new learner may be somebody who is here already and came by another way: then his row waits.
    pub search: bool,
    /// Whether rows of people whom nobody knows are passed over, and not kept aside.
    pub pass_strangers: bool,
}

impl Import {
    /// Of a register whose rows are kept.
    #[must_use]
    pub fn of(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            what: source.to_owned(),
            number: None,
            keep: true,
            search: false,
            pass_strangers: false,
        }
    }
}

/// What became of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fates {
    /// The import's number; none where nothing was written.
    pub number: Option<u64>,
    /// Of each row, in order.
    pub fates: Vec<Fate>,
    /// Whose each row is, where that is known.
    pub learners: Vec<Option<LearnerId>>,
}

/// What rows bring, before any of it is written.
#[derive(Default)]
struct Gathered {
    writes: Vec<Write>,
    brought: Vec<Brought>,
    /// Rows that wait, with their places among the fates, and why.
    waits: Vec<(usize, Waited, Doubt)>,
    /// Rows that are settled, so that they wait no longer.
    settled: Vec<Waited>,
    opened: Vec<(LearnerId, OwnStay)>,
    sources: Vec<([u8; 32], LearnerId)>,
    /// Keys of rows that are new, and whose they are.
    rows: Vec<(String, LearnerId)>,
    fates: Fates,
}

impl Gathered {
    fn fate(&mut self, fate: Fate, learner: Option<LearnerId>) {
        self.fates.fates.push(fate);
        self.fates.learners.push(learner);
    }
}

/// The events that this site recorded of a learner, sealed or waiting to be.
pub(super) struct OwnEvents {
    site: SiteId,
    /// Their bytes, by their keys.
    pub all: BTreeMap<EventId, Vec<u8>>,
    /// The names of those that this site took back.
    taken_back: BTreeMap<EventId, RetractionReason>,
}

impl OwnEvents {
    pub(super) const fn of(site: SiteId) -> Self {
        Self {
            site,
            all: BTreeMap::new(),
            taken_back: BTreeMap::new(),
        }
    }

    /// The name of an event that was imported, and why it was taken back, if it was.
    fn imported(&self, key: &EventId) -> (EventId, Option<RetractionReason>) {
        let name = name_of_unplaced(key, self.site);
        let reason = self.taken_back.get(&name).copied();
        (name, reason)
    }

    /// Adds one.
    pub(super) fn add(&mut self, id: EventId, bytes: Vec<u8>) {
        if let Ok(Event {
            body: Body::Retracted { event, reason },
            ..
        }) = Event::decode(&bytes)
        {
            self.taken_back.insert(event, reason);
        }
        self.all.insert(id, bytes);
    }

    /// The key that a row's event has: another each time after the import that brought it was undone.
    fn key_of(&self, secret: &[u8; 32], source: &str, row: &str) -> (u32, EventId) {
        let undone = |id: &EventId| self.imported(id).1 == Some(RetractionReason::ImportUndone);
        let mut again = 0;
        loop {
            let id = match again {
                0 => imported_id(secret, source, row),
                _ => imported_id(secret, source, &format!("{row}\u{1f}{again}")),
            };
            if !undone(&id) {
                return (again, id);
            }
            again += 1;
        }
    }
}

impl<S: Store> Engine<S> {
    /// Writes what was gathered, if it is to be kept, and notes what came with which import.
    fn keep_gathered(
        &mut self,
        import: &Import,
        mut gathered: Gathered,
    ) -> Result<Fates, EngineError> {
        if !import.keep {
            return Ok(gathered.fates);
        }
        let nothing =
            gathered.writes.is_empty() && gathered.brought.is_empty() && gathered.waits.is_empty();
        let number = match import.number {
            Some(number) => number,
            // What brings nothing cannot be taken back.
            None if nothing => {
                self.keep_waiting(import, 0, &mut gathered)?;
                return Ok(gathered.fates);
            }
            None => self.next_import()?,
        };
        self.keep_waiting(import, number, &mut gathered)?;
        self.note_import(import, number, &gathered)?;
        for (place, learner) in &gathered.sources {
            self.note_source(&import.source, place, *learner)?;
        }
        for (row, learner) in &gathered.rows {
            let key = imported_id(&self.identity.secret.0, &import.source, row);
            self.store
                .write(Table::RowOf, key.0.as_bytes(), &learner.0)?;
        }
        self.write_gathered(&mut gathered)?;
        gathered.fates.number = Some(number);
        Ok(gathered.fates)
    }

    fn write_gathered(&mut self, gathered: &mut Gathered) -> Result<(), EngineError> {
        for (learner, own) in &gathered.opened {
            self.set_own_stay(*learner, *own)?;
        }
        self.write(std::mem::take(&mut gathered.writes))
    }

    /// Notes for whom a row key stands, and that he has a row of that source.
    pub(super) fn note_source(
        &mut self,
        source: &str,
        place: &[u8; 32],
        learner: LearnerId,
    ) -> Result<(), EngineError> {
        self.store.write(Table::Source, place, &learner.0)?;
        let of = key_of(&[&learner.0, place]);
        Ok(self.store.write(Table::SourceOf, &of, source.as_bytes())?)
    }

    /// The place at which a source's row key stands for somebody.
    pub(super) fn source_key(&self, source: &str, row: &str) -> [u8; 32] {
        let secret = &self.identity.secret.0;
        derive(
            "spean 2026 imported learner v1",
            &[secret, source.as_bytes(), row.as_bytes()],
        )
    }
}

fn written(
    learner: LearnerId,
    drafts: BTreeMap<Stream, Vec<Draft>>,
) -> impl Iterator<Item = Write> {
    drafts.into_iter().map(move |(stream, drafts)| Write {
        learner,
        stream,
        drafts,
        keyring: false,
    })
}
