//! A learner's record: one Automerge document per learner and stream, holding events and nothing
//! else. Each event is one `put` at the document's root under a key of its own. No map or list is
//! ever created, so two sites that have never met write into the same document without loss.
//!
//! The Automerge actor is the parcel label, which is new for each (stay, run): a change depends
//! only on the same label's earlier change, so no site waits for another's, and its header need
//! not travel: a parcel carries a [`Batch`] and the change is rebuilt from it, byte for byte.
//! What the events mean is `view`'s business.

mod batch;

use std::num::NonZeroU64;

pub use automerge::Change;
use automerge::legacy::{Key, ObjectId, Op, OpType};
use automerge::{ActorId, Automerge, ChangeHash, ExpandedChange, ReadDoc, ScalarValue};
use serde::{Deserialize, Serialize};

pub use self::batch::{Batch, Draft};
use crate::codec::DecodeError;
use crate::event::EventId;
use crate::id::{Label, RunId};
use crate::seal::derive;

/// Why a batch did not become part of a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The bytes are not a batch.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The batch does not continue the chain: an earlier parcel of its label is not here yet.
    #[error("change {found} of its label, but {expected} comes next: an earlier parcel is missing")]
    OutOfOrder {
        /// The sequence number that comes next.
        expected: u64,
        /// The one that the batch has.
        found: u64,
    },
    /// Automerge refused it; what it said.
    #[error("automerge: {0}")]
    Automerge(String),
}

/// How far one label's changes have come in a document, and where in the log each was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Hash of the newest change; `None` before the first.
    last: Option<[u8; 32]>,
    /// For each change its first operation (from 1) and the height of its segment.
    changes: Vec<(u64, u32)>,
    /// The operation that comes next.
    next_op: u64,
    /// How many changes the chain below a fork has, which this one goes on from.
    below: u64,
    /// Above a fork, the actor: two branches of one label must not share it.
    actor: Option<Label>,
}

impl Chain {
    /// The chain of the same label that goes on from this one above a fork, in the piece of the run
    /// that all nodes call `name`.
    #[must_use]
    pub fn branch(&self, label: Label, name: RunId) -> Self {
        Self {
            last: self.last,
            changes: Vec::new(),
            next_op: self.next_op,
            below: self.next_seq() - 1,
            actor: Some(branch_actor(label, name)),
        }
    }

    /// The sequence number of the change that comes next, from 1.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.below + self.changes.len() as u64 + 1
    }

    /// The height of the newest change's segment; `None` before the first.
    #[must_use]
    pub fn height(&self) -> Option<u32> {
        self.changes.last().map(|change| change.1)
    }

    /// The height of the segment that brought operation `op`.
    #[must_use]
    pub fn height_of(&self, op: u64) -> Option<u32> {
        let after = self.changes.partition_point(|change| change.0 <= op);
        Some(self.changes.get(after.checked_sub(1)?)?.1)
    }

    /// The key that the event `ahead` places after the next one gets, if it has none of its own.
    #[must_use]
    pub fn key_ahead(&self, label: Label, ahead: u64) -> EventId {
        placed_id(label, self.next_op.max(1).saturating_add(ahead))
    }

    /// Rebuilds the change that `batch` stands for and moves the chain past it. `height` is that
    /// of the segment that carries it.
    ///
    /// # Errors
    /// [`RecordError::OutOfOrder`] when the batch is not the next of its label.
    pub fn advance(
        &mut self,
        label: Label,
        batch: &Batch,
        height: u32,
    ) -> Result<Change, RecordError> {
        if batch.seq != self.next_seq() {
            return Err(RecordError::OutOfOrder {
                expected: self.next_seq(),
                found: batch.seq,
            });
        }
        let first = self.next_op.max(1);
        let start_op = NonZeroU64::new(first).unwrap_or(NonZeroU64::MIN);
        let operations = (first..)
            .zip(&batch.events)
            .map(|(op, draft)| {
                let id = draft.id.clone().unwrap_or_else(|| placed_id(label, op));
                put(id, &draft.bytes)
            })
            .collect();
        let change = Change::from(ExpandedChange {
            operations,
            actor_id: ActorId::from(self.actor.unwrap_or(label).0),
            hash: None,
            seq: batch.seq - self.below,
            start_op,
            time: 0,
            message: None,
            deps: self.last.iter().map(|hash| ChangeHash(*hash)).collect(),
            extra_bytes: Vec::new(),
            author: None,
        });
        self.last = Some(change.hash().0);
        self.changes.push((first, height));
        self.next_op = first + batch.events.len() as u64;
        Ok(change)
    }
}

/// The actor of a label's changes in the piece of a forked run that all nodes call `name`.
#[must_use]
pub fn branch_actor(label: Label, name: RunId) -> Label {
    let mut actor = [0; 16];
    let hash = derive("spean 2026 branch label v1", &[&label.0, &name.0]);
    actor.copy_from_slice(&hash[..16]);
    Label(actor)
}

fn put(id: EventId, bytes: &[u8]) -> Op {
    Op {
        action: OpType::Put(ScalarValue::Bytes(bytes.to_vec())),
        obj: ObjectId::Root,
        key: Key::Map(id.0.into()),
        pred: Vec::new().into(),
        insert: false,
    }
}

fn placed_id(label: Label, op: u64) -> EventId {
    EventId(format!(
        "{}.{op}",
        data_encoding::BASE64URL_NOPAD.encode(&label.0)
    ))
}

/// The key of an event that was imported: a keyed hash of its source and row key, so that the
/// same row imported again, even after a restore, is the same event. `secret` is the site's.
#[must_use]
pub fn imported_id(secret: &[u8; 32], source: &str, row: &str) -> EventId {
    let parts: [&[u8]; 3] = [secret, source.as_bytes(), row.as_bytes()];
    let hash = derive("spean 2026 imported event v1", &parts);
    EventId(batch::imported_text(&hash[..16]))
}

/// One event as a record gives it back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stored {
    /// The event's key.
    pub id: EventId,
    /// Its bytes, as they were written.
    pub bytes: Vec<u8>,
    /// The actor whose change brought it: its label, or above a fork one of the branch.
    pub actor: Label,
    /// The operation number within that actor's changes.
    pub op: u64,
}

/// One document. Two records with the same changes give the same events, in whatever order the
/// changes came; their `save` bytes may differ, so compare [`Record::heads`] and folds.
#[derive(Debug, Default)]
pub struct Record {
    document: Automerge,
}

impl Record {
    /// Reads what [`Record::save`] wrote.
    ///
    /// # Errors
    /// [`RecordError::Automerge`] when the bytes are damaged.
    pub fn load(bytes: &[u8]) -> Result<Self, RecordError> {
        let document = Automerge::load(bytes).map_err(automerge_error)?;
        Ok(Self { document })
    }

    /// The document as a file that any Automerge tool opens.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        self.document.save()
    }

    /// Adds changes that [`Chain::advance`] rebuilt. Adding one again changes nothing.
    ///
    /// # Errors
    /// [`RecordError::Automerge`].
    pub fn apply(&mut self, changes: Vec<Change>) -> Result<(), RecordError> {
        self.document
            .apply_changes(changes)
            .map_err(automerge_error)
    }

    /// The hashes of the newest changes, sorted: equal for equal sets of changes.
    #[must_use]
    pub fn heads(&self) -> Vec<[u8; 32]> {
        let mut heads: Vec<_> = self
            .document
            .get_heads()
            .iter()
            .map(|hash| hash.0)
            .collect();
        heads.sort_unstable();
        heads
    }

    /// Every event, in the order of keys; where one key has several values (the same row imported
    /// by two runs, or a key that somebody wrote again) each of them, in byte order.
    #[must_use]
    pub fn events(&self) -> Vec<Stored> {
        let mut out = Vec::new();
        for item in self.document.map_range(automerge::ROOT, ..) {
            let key = item.key.to_string();
            let values = self
                .document
                .get_all(automerge::ROOT, &key)
                .unwrap_or_default();
            let stored = values.into_iter().filter_map(|(value, id)| {
                let bytes = value.as_bytes()?.to_vec();
                let automerge::ObjId::Id(op, actor, _) = id else {
                    return None;
                };
                let actor = Label(actor.to_bytes().try_into().ok()?);
                Some(Stored {
                    id: EventId(key.clone()),
                    bytes,
                    actor,
                    op,
                })
            });
            let mut stored: Vec<Stored> = stored.collect();
            stored.sort_unstable();
            out.append(&mut stored);
        }
        out
    }
}

impl Stored {
    /// The label that the key names, if it is a place: usually the event's own. `None` for the key
    /// of an imported event.
    #[must_use]
    pub fn named_label(&self) -> Option<Label> {
        let (label, op) = self.id.0.split_once('.')?;
        op.parse::<u64>().ok()?;
        let bytes = data_encoding::BASE64URL_NOPAD
            .decode(label.as_bytes())
            .ok()?;
        Some(Label(bytes.try_into().ok()?))
    }
}

fn automerge_error(error: automerge::AutomergeError) -> RecordError {
    RecordError::Automerge(error.to_string())
}
