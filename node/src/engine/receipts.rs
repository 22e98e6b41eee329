//! What stands outside the logs: receipts, of which the newest of each author counts, and fork
//! proofs, which prove themselves.

use std::collections::BTreeMap;

use spean_protocol::codec;
use spean_protocol::id::SiteId;
use spean_protocol::log::ForkProof;
use spean_protocol::receipt::{self, Receipt, Statement};

use super::receive::Taken;
use super::{Engine, EngineError};
use crate::mutant::{self, Mutant};
use crate::store::{Store, Table};

impl<S: Store> Engine<S> {
    pub(super) fn take_receipt(&mut self, bytes: &[u8]) -> Result<Taken, EngineError> {
        let (receipt, statement) = match Receipt::decode(bytes) {
            Ok(decoded) => decoded,
            Err(error) => return Ok(Taken::Refused(format!("receipt: {error}"))),
        };
        let site = statement.site;
        let held = self
            .receipts
            .get(&site)
            .map(|(held, statement)| held.rank(statement.number));
        // Also of this node's own: then it is a later one than a backup remembers.
        if held >= Some(receipt.rank(statement.number)) {
            return Ok(Taken::Known);
        }
        if let Err(error) = receipt.verify(site, self.roster.keys(site)) {
            return Ok(Taken::Refused(error.to_string()));
        }
        self.keep_receipt(receipt, statement)?;
        Ok(Taken::New)
    }

    /// Takes receipts that came together: new, if any of them is.
    pub(super) fn take_receipts(&mut self, bytes: &[u8]) -> Result<Taken, EngineError> {
        let packed = match receipt::unpack(bytes) {
            Ok(packed) => packed,
            Err(error) => return Ok(Taken::Refused(format!("receipts: {error}"))),
        };
        let mut taken = Taken::Known;
        for bytes in packed {
            match self.take_receipt(&bytes)? {
                Taken::New => taken = Taken::New,
                Taken::Known => {}
                Taken::Refused(reason) => self.set_aside(&reason)?,
            }
        }
        Ok(taken)
    }

    fn keep_receipt(&mut self, receipt: Receipt, statement: Statement) -> Result<(), EngineError> {
        let site = statement.site;
        let place = site.0.to_be_bytes();
        if mutant::is_on(Mutant::ReceiptInTwo) {
            self.store.write(Table::Receipt, &place, &[])?;
            self.store.commit()?;
            self.store.begin()?;
        }
        self.store
            .write(Table::Receipt, &place, &receipt.encode())?;
        self.no_longer_urgent(&statement)?;
        self.receipts.insert(site, (receipt, statement));
        Ok(())
    }

    /// Signs a receipt for what others wrote, where the power went or the line was cut before it was
    /// signed. What this node itself wrote since can wait for an exchange.
    pub(super) fn renew_stale_receipt(&mut self) -> Result<(), EngineError> {
        let Some((_, held)) = self.receipts.get(&self.site) else {
            return Ok(());
        };
        let others = |(site, _): &(&SiteId, _)| **site != self.site;
        let now = self.statement().complete;
        if held
            .complete
            .iter()
            .filter(others)
            .eq(now.iter().filter(others))
        {
            return Ok(());
        }
        self.renew_receipt()
    }

    /// What this node completely has.
    fn statement(&self) -> Statement {
        let sites = self.skeleton.sites();
        let heads: BTreeMap<_, _> = sites
            .map(|site| (site, self.skeleton.heads(site)))
            .collect();
        let held = self.receipts.get(&self.site);
        let number = held.map_or(0, |(_, held)| held.number);
        Statement::of((self.site, number, self.roster.version), &heads)
    }

    /// Signs what this node completely has, if the receipt at hand says something else.
    pub(super) fn renew_receipt(&mut self) -> Result<(), EngineError> {
        let mut statement = self.statement();
        if mutant::is_on(Mutant::ReceiptRepeats) {
            let said = |(site, (_, held)): (&SiteId, &(Receipt, Statement))| {
                Some((*site, held.complete.get(site)?.clone()))
            };
            let others = self.receipts.iter().filter(|(site, _)| **site != self.site);
            statement.complete.extend(others.filter_map(said));
        }
        let held = self.receipts.get(&self.site).map(|(_, held)| held);
        let same = held == Some(&statement) && !mutant::is_on(Mutant::ReceiptAlwaysNew);
        if same || (held.is_some() && mutant::is_on(Mutant::ReceiptNeverRenewed)) {
            return Ok(());
        }
        statement.number = statement.number.saturating_add(1);
        let receipt = Receipt::sign(&statement, &self.identity.signing);
        self.keep_receipt(receipt, statement)
    }

    pub(super) fn take_fork(&mut self, bytes: &[u8]) -> Result<Taken, EngineError> {
        let Ok(proof) = codec::decode::<ForkProof>(bytes) else {
            return Ok(Taken::Refused("fork proof: malformed".to_owned()));
        };
        match self.check_proof(&proof)? {
            Ok(run) if self.forks.contains_key(&run.into()) => Ok(Taken::Known),
            Ok(run) if self.keep_fork(run, bytes)? => Ok(Taken::New),
            Ok(_) => Ok(Taken::Known),
            Err(error) => Ok(Taken::Refused(format!("fork proof: {error}"))),
        }
    }
}
