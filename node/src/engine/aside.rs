//! What was refused, for people to read. Nothing here is used again.

use spean_protocol::codec;
use spean_protocol::seal::derive;

use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Refusals that are kept for people to read; older ones make room.
const ASIDE_MAX: usize = 1_000;

/// Number, wall clock, reason and key of something that was refused.
pub(super) type SetAside = (u64, u64, String, Vec<u8>);

impl<S: Store> Engine<S> {
    /// Keeps the reason for which a piece was refused, for people to read: each reason once, the
    /// oldest making room.
    pub(super) fn set_aside(&mut self, reason: &str) -> Result<(), EngineError> {
        let name = derive("spean 2026 reason set aside v1", &[reason.as_bytes()]);
        if self.store.read(Table::Aside, &name[..8])?.is_some() {
            return Ok(());
        }
        tracing::warn!(reason, "set aside");
        let count = self.counter(b"aside")?;
        let mut rows = self.set_aside_rows()?;
        if rows.len() >= ASIDE_MAX {
            rows.sort_unstable();
            if let Some((_, _, _, oldest)) = rows.first() {
                self.store.remove(Table::Aside, oldest)?;
            }
        }
        self.store
            .write(Table::Meta, b"aside", &(count + 1).to_be_bytes())?;
        let row = codec::encode(&(count, self.world.wall_seconds(), reason));
        Ok(self.store.write(Table::Aside, &name[..8], &row)?)
    }

    /// What was set aside: number, wall clock, reason, key.
    pub(super) fn set_aside_rows(&self) -> Result<Vec<SetAside>, EngineError> {
        let rows = self.store.scan(Table::Aside, &[], &[], usize::MAX)?;
        let read = |(key, value): (Vec<u8>, Vec<u8>)| {
            let (number, stamp, reason) = codec::decode(&value)?;
            Ok((number, stamp, reason, key))
        };
        rows.into_iter().map(read).collect()
    }

    pub(super) fn counter(&self, name: &[u8]) -> Result<u64, EngineError> {
        let value = self.store.read(Table::Meta, name)?;
        Ok(value
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(0, u64::from_be_bytes))
    }
}
