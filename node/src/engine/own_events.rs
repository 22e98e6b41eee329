//! What this site itself recorded of a learner: what makes a row of a register known, and what of it was taken back.

use std::collections::BTreeMap;

use spean_protocol::event::{Body, Event, EventId, RetractionReason};
use spean_protocol::id::{LearnerId, SiteId, Stream};
use spean_protocol::record::imported_id;

use super::events::name_of_unplaced;
use super::{Engine, EngineError};
use crate::store::Store;

/// The events that this site recorded of a learner, sealed or waiting to be.
pub(super) struct OwnEvents {
    site: SiteId,
    /// Their bytes, by their keys.
    pub all: BTreeMap<EventId, Vec<u8>>,
    /// The names of those that this site took back.
    taken_back: BTreeMap<EventId, RetractionReason>,
}

impl OwnEvents {
    fn add(&mut self, id: EventId, bytes: Vec<u8>) {
        if let Ok(Event {
            body: Body::Retracted { event, reason },
            ..
        }) = Event::decode(&bytes)
        {
            self.taken_back.insert(event, reason);
        }
        self.all.insert(id, bytes);
    }

    /// The name of an event that was imported, and why it was taken back, if it was.
    pub(super) fn imported(&self, key: &EventId) -> (EventId, Option<RetractionReason>) {
        let name = name_of_unplaced(key, self.site);
        let reason = self.taken_back.get(&name).copied();
        (name, reason)
    }

    /// The key that a row's event has, and how often it was taken back with its import: it is another each time.
    pub(super) fn key_of(&self, secret: &[u8; 32], source: &str, row: &str) -> (u32, EventId) {
        let mut again = 0;
        loop {
            let id = match again {
                0 => imported_id(secret, source, row),
                _ => imported_id(secret, source, &format!("{row}\u{1f}{again}")),
            };
            if self.imported(&id).1 != Some(RetractionReason::ImportUndone) {
                return (again, id);
            }
            again += 1;
        }
    }
}

impl<S: Store> Engine<S> {
    /// Every event that this site recorded of a learner, sealed or waiting to be.
    pub(super) fn own_events(&mut self, learner: LearnerId) -> Result<OwnEvents, EngineError> {
        let mut own = OwnEvents {
            site: self.site,
            all: BTreeMap::new(),
            taken_back: BTreeMap::new(),
        };
        for stream in Stream::ALL {
            let (record, chains) = self.load_record(learner, stream)?;
            for stored in record.events() {
                let origin = chains.origin(&stored);
                // What another site wrote under a key of ours does not make our row known.
                if origin.is_some_and(|origin| origin.position.site == self.site) {
                    own.add(stored.id, stored.bytes);
                }
            }
            for draft in self.pending(learner, stream)? {
                if let Some(id) = draft.id {
                    own.add(id, draft.bytes);
                }
            }
        }
        Ok(own)
    }
}
