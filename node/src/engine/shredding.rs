//! The keys of a cohort are destroyed when its time is over: what only they open is gone then, from old
//! sticks, backups and stolen disks alike. Whoever is still in prison, or left too lately, stays readable:
//! his keys were written on under those of a later cohort.
//!
//! 1. Each site, when a cohort begins, writes the keys of everybody who is there once more (`renew`).
//! 2. The DGP erases who is due. Whoever is left anywhere, in prison or not, is kept.
//! 3. A roster orders it. Then the DGP writes on the keys of whom no later keyring of its own covers, and each
//!    prison the restricted ones of those who left it.
//! 4. Each node destroys its own, once others hold what it wrote in 1 and 3, and says so. The officials
//!    take the escrow's out of their sticks.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::control::Entry;
use spean_protocol::frontier::HeadMark;
use spean_protocol::id::{LearnerId, RunId, SiteId, Stream};
use spean_protocol::log::Head;
use spean_protocol::parcel::{self, Kind};
use spean_protocol::seal::derive;
use spean_protocol::segment::Log;
use spean_protocol::stay::{CustodyKey, HeldKey, Keyring};

use super::keys::{held_key, learner_of};
use super::write::OwnStay;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Where it is kept in which cohort this site's people were written on last.
const RENEWED: &[u8] = b"keys renewed";
/// Where it is kept up to which cohort keys were destroyed in the store.
const DESTROYED: &[u8] = b"keys destroyed";
/// Where it is kept up to which cohort they were destroyed outside of it, too.
const GONE: &[u8] = b"keys gone";
/// Other sites that must hold what was written anew, besides the DGP, if there are so many.
const HOLDERS: usize = 2;

/// When this site's people were written on.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Renewed {
    /// Under keys of that cohort.
    cohort: u16,
    /// Also whoever has left, for the order to destroy the keys of that cohort and those before it.
    ordered: u16,
    /// The site's log with all of it.
    pub log: Vec<HeadMark>,
}

/// A learner's keys here, each with its cohort, as far as that is known.
pub(super) type KeysOf = BTreeMap<LearnerId, Vec<(Option<u16>, HeldKey)>>;

pub(super) fn done_id(cohort: u16) -> [u8; 16] {
    let hidden = derive(
        "spean 2026 keys of a cohort destroyed v1",
        &[&cohort.to_le_bytes()],
    );
    let mut id = [0; 16];
    id.copy_from_slice(&hidden[..16]);
    id
}

impl<S: Store> Engine<S> {
    /// Has the keys of everybody who is here written on, where they stand under none of a cohort that
    /// stays; `true` where [`Engine::note_renewed`] is to follow. Once for a cohort and once for an order:
    /// what comes later is written under keys of the cohort in force anyway.
    pub(super) fn renew(&mut self) -> Result<bool, EngineError> {
        let (cohort, order) = (self.roster.cohort_of(self.site), self.roster.shredded);
        let known = self.renewed()?;
        let begins = known.as_ref().is_none_or(|known| known.cohort < cohort);
        let ordered = known.as_ref().is_none_or(|known| known.ordered < order);
        if !(begins || ordered) || self.may_write().is_err() {
            return Ok(false);
        }
        if known.is_some() && begins {
            // Also where nobody is to be written on, the log goes on in this cohort, and so says it.
            self.run = None;
            self.own_run()?;
        }
        let floor = if begins { cohort } else { order + 1 };
        let mut custody = Vec::new();
        for key in self.custody_keys(self.site)? {
            // Of the machine before: what it wrote under it may not have come whole.
            if !self.is_returned(&key)? {
                custody.push(key);
            }
        }
        for (key, row) in self.store.scan(Table::Stay, &[], &[], usize::MAX)? {
            let (learner, own): (_, OwnStay) = (learner_of(&key)?, codec::decode(&row)?);
            let keys = if own.open {
                self.keys_of(learner)?
            } else {
                Vec::new()
            };
            let here = (self.site, own.stay);
            let later = |key: &HeldKey| {
                let mut of_it = custody.iter().filter(|one| one.cohort >= floor);
                (key.site, key.stay) == here && of_it.any(|one| one.stay_key(own.stay) == key.key)
            };
            for stream in Stream::ALL {
                let mut of_stream = keys.iter().filter(|key| key.stream == stream).peekable();
                if of_stream.peek().is_some() && !of_stream.any(later) {
                    self.keep_pending(learner, stream, None)?;
                }
            }
        }
        if ordered && order > 0 {
            self.keep_readable(order)?;
        }
        Ok(true)
    }

    /// Writes on the keys of whoever is not here and stays readable: at the DGP education, at a prison what
    /// it wrote of the restricted stream; returns of how many learners.
    fn keep_readable(&mut self, cohort: u16) -> Result<u64, EngineError> {
        let stream = match self.is_headquarters() {
            true => Stream::Education,
            false => Stream::Restricted,
        };
        let keys = self.all_keys(stream)?;
        let due = match stream {
            Stream::Education => self.due(cohort, &keys)?,
            Stream::Restricted => Vec::new(),
        };
        let mut uncovered = BTreeMap::new();
        for (learner, keys) in &keys {
            let here = self.own_stay(*learner)?.is_some_and(|own| own.open);
            if !here && due.binary_search(learner).is_err() {
                let keys = self.uncovered(*learner, cohort, keys)?;
                uncovered.extend((!keys.is_empty()).then_some((*learner, keys)));
            }
        }
        self.write_keyrings(stream, &uncovered)?;
        if self.is_headquarters() {
            self.repost_remains(cohort)?;
        }
        Ok(uncovered.len() as u64)
    }

    /// Notes that everybody who is here stands under keys of the cohort in force, once that is sealed.
    pub(super) fn note_renewed(&mut self) -> Result<(), EngineError> {
        let renewed = Renewed {
            cohort: self.roster.cohort_of(self.site),
            ordered: self.roster.shredded,
            log: self.own_marks(),
        };
        Ok(self
            .store
            .write(Table::Meta, RENEWED, &codec::encode(&renewed))?)
    }

    pub(super) fn renewed(&self) -> Result<Option<Renewed>, EngineError> {
        let row = self.store.read(Table::Meta, RENEWED)?;
        Ok(row.map(|bytes| codec::decode(&bytes)).transpose()?)
    }

    pub(super) fn own_marks(&self) -> Vec<HeadMark> {
        let heads = self.skeleton.heads(self.site);
        heads.iter().map(Head::mark).collect()
    }

    /// Up to which cohort keys are destroyed here; 0 for none.
    ///
    /// # Errors
    /// What the store says.
    pub fn destroyed_upto(&self) -> Result<u16, EngineError> {
        self.cohort_at(DESTROYED)
    }

    fn cohort_at(&self, place: &[u8]) -> Result<u16, EngineError> {
        let row = self.store.read(Table::Meta, place)?;
        Ok(row
            .map(|bytes| codec::decode(&bytes))
            .transpose()?
            .unwrap_or(0))
    }

    /// Whether the DGP and two other sites hold so much of this site's log; fewer where there are not so
    /// many.
    pub(super) fn is_held(&self, log: &[HeadMark]) -> bool {
        let holders: BTreeSet<SiteId> = self.holders_of_log(log.to_vec()).collect();
        let headquarters = self.roster.headquarters().map(|site| site.id);
        let counts = |site: SiteId| site != self.site && Some(site) != headquarters;
        let with_node = self
            .roster
            .sites
            .iter()
            .filter(|site| !site.keys.is_empty());
        let others = with_node.filter(|site| counts(site.id)).count();
        let held = holders.iter().filter(|site| counts(**site)).count();
        let at_headquarters =
            headquarters.is_none_or(|site| site == self.site || holders.contains(&site));
        at_headquarters && held >= others.min(HOLDERS)
    }

    /// Destroys the custody keys of cohorts whose time is over, as the roster says: once what opens without
    /// them is held elsewhere. The seeds go when [`Engine::destroyed`] says so. Keys of people's stays remain
    /// with their people: whoever was due has been erased with his.
    pub(super) fn destroy_keys(&mut self) -> Result<(), EngineError> {
        let shredded = self.roster.shredded;
        if shredded <= self.cohort_at(DESTROYED)? {
            return Ok(());
        }
        let Some(renewed) = self.renewed()? else {
            return Ok(());
        };
        let written = renewed.cohort > shredded && renewed.ordered >= shredded;
        if !written || !self.is_held(&renewed.log) {
            return Ok(());
        }
        let sites: Vec<SiteId> = self.roster.sites.iter().map(|site| site.id).collect();
        let mut custody = Vec::new();
        for site in sites {
            custody.extend(self.custody_keys(site)?);
        }
        custody.retain(|key| key.cohort <= shredded);
        for key in &custody {
            self.forget_custody_key(key)?;
        }
        self.openers.clear();
        tracing::info!(
            cohort = shredded,
            keys = custody.len(),
            "keys were destroyed"
        );
        Ok(self
            .store
            .write(Table::Meta, DESTROYED, &codec::encode(&shredded))?)
    }

    /// The cohort of which, and of those before it, the key file must not keep a seed any more. Whoever has
    /// seen to it says so ([`Engine::keys_are_gone`]).
    ///
    /// # Errors
    /// What the store says.
    pub fn destroyed(&self) -> Result<Option<u16>, EngineError> {
        let destroyed = self.cohort_at(DESTROYED)?;
        Ok((destroyed > self.cohort_at(GONE)?).then_some(destroyed))
    }

    /// Says in this site's log that its keys of a cohort, and of those before it, are nowhere here.
    ///
    /// # Errors
    /// What the store says.
    pub fn keys_are_gone(&mut self, cohort: u16) -> Result<(), EngineError> {
        self.input(|engine| {
            engine
                .store
                .write(Table::Meta, GONE, &codec::encode(&cohort))?;
            if engine.may_write().is_err() {
                return Ok(());
            }
            engine.write_control(&[Entry::Erased(done_id(cohort))])
        })?;
        self.identity.boxes.retain(|of, _| *of > cohort);
        Ok(())
    }

    /// At the DGP: writes on the keys of all who are not due and whose records nothing later opens; returns
    /// of how many.
    ///
    /// # Errors
    /// What the store says.
    pub fn keep_sealed(&mut self, cohort: u16) -> Result<u64, EngineError> {
        self.input(|engine| {
            let written = engine.keep_readable(cohort)?;
            // An order that has come meanwhile is for another flush.
            let renewed = Renewed {
                log: engine.own_marks(),
                ..engine.renewed()?.unwrap_or_default()
            };
            let row = codec::encode(&renewed);
            engine.store.write(Table::Meta, RENEWED, &row)?;
            Ok(written)
        })
    }

    /// The keys of a stream, by learner: at a prison its own alone.
    pub(super) fn all_keys(&self, stream: Stream) -> Result<KeysOf, EngineError> {
        let mut custody: BTreeMap<SiteId, Vec<CustodyKey>> = BTreeMap::new();
        for site in &self.roster.sites {
            custody.insert(site.id, self.custody_keys(site.id)?);
        }
        let mut keys = KeysOf::new();
        for (place, value) in self.store.scan(Table::StayKey, &[], &[], usize::MAX)? {
            let (learner, held) = held_key(&place, &value)?;
            if held.stream != stream || !self.is_headquarters() && held.site != self.site {
                continue;
            }
            let its = |one: &&CustodyKey| {
                one.stream == held.stream && one.stay_key(held.stay) == held.key
            };
            let mut of_site = custody.get(&held.site).into_iter().flatten();
            let cohort = of_site.find(its).map(|one| one.cohort);
            keys.entry(learner).or_default().push((cohort, held));
        }
        Ok(keys)
    }

    /// Those of a learner's old keys that open something, and to which this site's own keys of later cohorts
    /// do not lead. What another has written of them may be under a key that the escrow does not open.
    pub(super) fn uncovered(
        &self,
        learner: LearnerId,
        cohort: u16,
        keys: &[(Option<u16>, HeldKey)],
    ) -> Result<Vec<HeldKey>, EngineError> {
        let mut needed = BTreeMap::new();
        let mut open = Vec::new();
        for (of, key) in keys {
            if is_old(*of, cohort) {
                if self.opens_anything(learner, key)? {
                    needed.insert(key.fingerprint(), key.clone());
                }
            } else if key.site == self.site {
                open.push(key.clone());
            }
        }
        let mut seen: BTreeSet<[u8; 16]> = open.iter().map(HeldKey::fingerprint).collect();
        while let Some(key) = open.pop().filter(|_| !needed.is_empty()) {
            for other in self.keyrings_under(learner, &key)? {
                needed.remove(&other.fingerprint());
                if seen.insert(other.fingerprint()) {
                    open.push(other);
                }
            }
        }
        Ok(needed.into_values().collect())
    }

    /// The keys in all keyrings that a key opens.
    fn keyrings_under(
        &self,
        learner: LearnerId,
        held: &HeldKey,
    ) -> Result<Vec<HeldKey>, EngineError> {
        let mut found = Vec::new();
        for run in self.skeleton.bases(held.site) {
            let label = held.key.label(learner, held.stream, run);
            let chains: Vec<RunId> = self
                .skeleton
                .chains(run, Log::Data)
                .map(|(id, _)| id)
                .collect();
            for chain in chains {
                for (place, body) in self.parcels((chain, label), 0..u32::MAX)? {
                    if let Ok((Kind::Keyring, content)) =
                        parcel::open(&held.key.0, place, label, &body)
                        && let Ok(keyring) = Keyring::decode(&content)
                    {
                        found.extend(keyring.0);
                    }
                }
            }
        }
        Ok(found)
    }
}

/// Whether a key's cohort is that or an earlier one. One of which it is not known is of a cohort whose
/// keys are destroyed.
pub(super) fn is_old(of: Option<u16>, cohort: u16) -> bool {
    of.is_none_or(|of| of <= cohort)
}
