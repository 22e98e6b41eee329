//! What entries of control logs and registers mean to this node: keys that it can open. Whatever
//! does not open is for somebody else, or is set aside.

use std::collections::{BTreeMap, BTreeSet};

use spean_protocol::control::{Recipient, Wrap};
use spean_protocol::id::{Label, LearnerId, RunId, SiteId, Stream};
use spean_protocol::parcel::{self, Kind};
use spean_protocol::seal::{self, Secret};
use spean_protocol::segment::Log;
use spean_protocol::slip::grant_info;
use spean_protocol::stay::{CustodyKey, GrantContent, HeldKey, Register};

use super::{Engine, EngineError};
use crate::store::Store;

/// Keys of one learner, site and stream that are taken from grants and keyrings: a stay each year,
/// and returns. More is what somebody made up.
pub(super) const KEYS_OF_SITE_MAX: usize = 24;

impl<S: Store> Engine<S> {
    pub(super) fn open_wrap(&mut self, site: SiteId, wrap: &Wrap) -> Result<(), EngineError> {
        let mine = match wrap.recipient {
            Recipient::Itself => site == self.site,
            Recipient::Headquarters => self.is_headquarters(),
            Recipient::Escrow => false,
        };
        let known = self
            .custody_keys(site)?
            .iter()
            .any(|key| key.id() == wrap.custody);
        // Of a cohort whose keys are destroyed there is nothing to open any more.
        if !mine || known || wrap.cohort <= self.destroyed_upto()? {
            return Ok(());
        }
        let seeds: Vec<Secret> = self.identity.boxes.values().cloned().collect();
        match wrap.open(site, &seeds) {
            Some(key) => {
                if self.keep_custody_key(&key)? {
                    self.read_registers(&key)?;
                }
                Ok(())
            }
            None => self.set_aside(&format!("a custody key of {site} that does not open")),
        }
    }

    /// Tries a grant: it names no recipient, so every site does.
    pub(super) fn open_grant(
        &mut self,
        source: SiteId,
        id: [u8; 16],
        sealed: &[u8],
    ) -> Result<(), EngineError> {
        if source == self.site {
            return Ok(());
        }
        let info = grant_info(source, self.site, &id);
        let seeds = self.identity.boxes.values();
        let Some(bytes) = seeds
            .into_iter()
            .find_map(|s| seal::box_open(s, &info, sealed).ok())
        else {
            return Ok(());
        };
        match GrantContent::decode(&bytes) {
            Ok(content) => self.keep_grant(&content, source),
            Err(error) => self.set_aside(&format!("a grant of {source}: {error}")),
        }
    }

    /// Keeps keys of earlier stays, from a grant of `source` or a keyring. Whoever made keys up in
    /// another site's name leaves room for those that this site itself grants. `true` if any was
    /// new.
    pub(super) fn keep_keys(
        &mut self,
        learner: LearnerId,
        keys: &[HeldKey],
        source: Option<SiteId>,
    ) -> Result<bool, EngineError> {
        let mut streams = BTreeSet::new();
        let headquarters = self.roster.headquarters().map(|site| site.id);
        let mut counts: BTreeMap<(SiteId, Stream), usize> = BTreeMap::new();
        for known in self.keys_of(learner)? {
            *counts.entry((known.site, known.stream)).or_default() += 1;
        }
        for key in keys {
            if self.roster.site(key.site).is_none() {
                continue;
            }
            let count = counts.entry((key.site, key.stream)).or_default();
            // What this site itself or the DGP grants has room beside what others make up.
            let its_own = source == Some(key.site) || source == headquarters;
            let its_own = usize::from(source.is_some() && its_own);
            if *count >= KEYS_OF_SITE_MAX * (1 + its_own) {
                let code = self.code(key.site);
                self.set_aside(&format!(
                    "more keys of {code} than a learner can have there"
                ))?;
            } else if self.keep_stay_key(learner, key)? {
                *count += 1;
                streams.insert(key.stream);
            }
        }
        let here = self.own_stay(learner)?.is_some_and(|stay| stay.open);
        for stream in streams.iter().filter(|_| here) {
            self.keep_pending(learner, *stream, None)?;
        }
        Ok(!streams.is_empty())
    }

    /// Opens the register parcels of a label from `height` on and derives the keys they list.
    pub(super) fn read_register(
        &mut self,
        custody: &CustodyKey,
        secret: &Secret,
        run: RunId,
        label: Label,
        height: u32,
    ) -> Result<(), EngineError> {
        let chains = self.skeleton.chains(run, Log::Data);
        let chains: Vec<RunId> = chains.map(|(id, _)| id).collect();
        let mut parcels = Vec::new();
        for chain in chains {
            parcels.append(&mut self.parcels((chain, label), height..u32::MAX)?);
        }
        for (place, body) in parcels {
            let content = match parcel::open(secret, place, label, &body) {
                Ok((Kind::Register, content)) => Register::decode(&content),
                Ok(_) => continue,
                Err(error) => {
                    self.set_aside(&format!("a register of {}: {error}", custody.site))?;
                    continue;
                }
            };
            let Ok(register) = content else {
                self.set_aside(&format!("a register of {}: malformed", custody.site))?;
                continue;
            };
            for (learner, stay) in register.0 {
                let key = custody.stay_key(stay);
                let held = HeldKey {
                    site: custody.site,
                    stream: custody.stream,
                    stay,
                    key,
                };
                if self.keep_stay_key(learner, &held)? && custody.site == self.site {
                    self.own_key_came_back(learner, &held)?;
                }
            }
        }
        Ok(())
    }
}
