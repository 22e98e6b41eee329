//! A head office that begins with nothing, after a fire: any prison's stick brings every log, and the
//! escrow, which officials open together, brings the keys. The control logs hold each prison's custody
//! keys sealed to the escrow, too; with those every education record opens. The escrow's own keys are
//! used and not kept.

use spean_protocol::control::{Entry, Recipient, Wrap};
use spean_protocol::id::{SiteId, Stream};
use spean_protocol::seal::Secret;

use super::{Engine, EngineError};
use crate::store::Store;

/// What the escrow's keys opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenedByEscrow {
    /// Custody keys that were not here before.
    pub new: u64,
    /// Custody keys that were here already.
    pub known: u64,
    /// Custody keys of education that none of the escrow's keys opens.
    pub closed: u64,
}

impl<S: Store> Engine<S> {
    /// Takes every prison's custody keys of education out of the control logs that are here, with the
    /// escrow's keys, and marks what they open. May be done again when more of the logs is here.
    ///
    /// # Errors
    /// [`EngineError::Refused`] at a prison's node; what the store says.
    pub fn open_escrow(&mut self, seeds: &[Secret]) -> Result<OpenedByEscrow, EngineError> {
        if !self.is_headquarters() {
            return Err(EngineError::Refused(
                "only the head office's node is rebuilt from the escrow".to_owned(),
            ));
        }
        self.input(|engine| {
            let mut opened = OpenedByEscrow::default();
            for (site, wrap) in engine.wraps_for_escrow(Stream::Education)? {
                let held = engine.custody_keys(site)?;
                if held.iter().any(|key| key.id() == wrap.custody) {
                    opened.known += 1;
                } else if let Some(key) = wrap.open(site, seeds) {
                    engine.keep_custody_key(&key)?;
                    engine.read_registers(&key)?;
                    opened.new += 1;
                } else {
                    opened.closed += 1;
                }
            }
            engine.open_remains(seeds)?;
            Ok(opened)
        })
    }

    /// Takes what remains of erased persons, as it is sealed to the escrow.
    fn open_remains(&mut self, seeds: &[Secret]) -> Result<(), EngineError> {
        let sites: Vec<SiteId> = self.skeleton.sites().collect();
        for site in sites {
            for (_, entry) in self.control_entries(site)? {
                if let Entry::Remains {
                    id,
                    escrow: true,
                    sealed,
                } = entry
                {
                    self.read_remains(site, (id, true), &sealed, seeds)?;
                }
            }
        }
        Ok(())
    }

    /// The custody keys of a stream that are wrapped to the escrow, of cohorts whose keys are there yet.
    pub(super) fn wraps_for_escrow(
        &self,
        stream: Stream,
    ) -> Result<Vec<(SiteId, Wrap)>, EngineError> {
        let destroyed = self.destroyed_upto()?;
        let mut wraps = Vec::new();
        for site in self.skeleton.sites() {
            let entries = self.control_entries(site)?.into_iter();
            wraps.extend(entries.filter_map(|(_, entry)| match entry {
                Entry::Wrap(wrap)
                    if wrap.recipient == Recipient::Escrow
                        && wrap.stream == stream
                        && wrap.cohort > destroyed =>
                {
                    Some((site, wrap))
                }
                _ => None,
            }));
        }
        Ok(wraps)
    }
}
