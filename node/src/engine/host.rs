//! The engine as the host of a session: what it has, piece by piece.

use std::collections::{BTreeMap, BTreeSet};

use spean_protocol::codec;
use spean_protocol::frontier::RunTag;
use spean_protocol::id::{Hash, RunId, SiteId};
use spean_protocol::log::Skeleton;
use spean_protocol::receipt::{Rank, Receipt, Statement};
use spean_protocol::seal::derive;
use spean_protocol::segment::Log;
use spean_protocol::session::{Frame, Host};

use super::keys::key_of;
use super::receive::Taken;
use super::{Engine, EngineError};
use crate::mutant::{self, Mutant};
use crate::store::{Store, Table};

impl<S: Store> Host for Engine<S> {
    type Error = EngineError;

    fn digest(&self) -> [u8; 16] {
        let mut parts = vec![self.signed_roster.hash().0.to_vec()];
        for site in self.skeleton.sites() {
            let heads = self.skeleton.heads(site);
            let beyond = &self.skeleton.frontier(site).beyond;
            parts.push(codec::encode(&(site, heads, beyond)));
        }
        parts.extend(self.forks.keys().map(|tag| tag.0.to_vec()));
        parts.push(codec::encode(&self.receipts()));
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let mut digest = [0; 16];
        digest.copy_from_slice(&derive("spean 2026 state digest v1", &parts)[..16]);
        digest
    }

    fn skeleton(&self) -> &Skeleton {
        &self.skeleton
    }

    fn urgent(&self, peer: SiteId) -> Vec<(RunId, u32)> {
        // A store that fails here fails the exchange a moment later.
        self.urgent_for(peer).unwrap_or_default()
    }

    fn hash(&self, run: RunId, log: Log, height: u32) -> Option<Hash> {
        match self.header_at(run, log, height) {
            Ok(held) => Some(held?.header.hash()),
            Err(EngineError::Store(error)) => {
                // What could not be read is not what is not there: the input fails.
                self.unread.set(Some(error));
                None
            }
            // A row that is damaged is as good as none.
            Err(_) => None,
        }
    }

    fn roster_version(&self) -> u32 {
        self.roster.version
    }

    fn receipts(&self) -> BTreeMap<SiteId, Rank> {
        let rank = |(receipt, statement): &(Receipt, Statement)| receipt.rank(statement.number);
        self.receipts
            .iter()
            .map(|(site, held)| (*site, rank(held)))
            .collect()
    }

    fn forks(&self) -> BTreeSet<RunTag> {
        self.forks.keys().copied().collect()
    }

    fn roster(&self) -> Result<Vec<u8>, EngineError> {
        Ok(self.signed_roster.encode())
    }

    fn fork(&self, run: RunTag) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.store.read(Table::Fork, &run.0)?)
    }

    fn receipt(&mut self, site: SiteId) -> Result<Option<Vec<u8>>, EngineError> {
        if site == self.site {
            self.renew_receipt()?;
        }
        Ok(self
            .receipts
            .get(&site)
            .map(|(receipt, _)| receipt.encode()))
    }

    fn segment(&self, run: RunId, log: Log, height: u32) -> Result<Option<Vec<u8>>, EngineError> {
        let Some(place) = self.place_of(run, log, height) else {
            return Ok(None);
        };
        if log == Log::Control {
            return Ok(self.store.read(Table::Control, &place)?);
        }
        let Some(mut segment) = self.header_at(run, log, height)? else {
            return Ok(None);
        };
        for (index, line) in (0_u16..).zip(&segment.header.lines) {
            let key = key_of(&[&line.label.0, &place, &index.to_be_bytes()]);
            let body = self.store.read(Table::Parcel, &key)?;
            segment.parcels[usize::from(index)] = body;
        }
        Ok(Some(segment.encode()))
    }

    fn take(&mut self, piece: Frame) -> Result<bool, EngineError> {
        match self.take_piece(&piece)? {
            Taken::New => Ok(true),
            Taken::Known => Ok(false),
            Taken::Refused(mut reason) => {
                if mutant::is_on(Mutant::RefusedKept) {
                    reason = format!("{reason}: {piece:?}");
                }
                self.set_aside(&reason)?;
                Ok(false)
            }
        }
    }
}
