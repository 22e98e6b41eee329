//! The keys of a cohort are destroyed when its time is over: what only they open is gone then, from old
//! sticks, backups and stolen disks alike. Whoever is still in prison, or left too lately, stays readable:
//! his keys were written on under those of a later cohort.
//!
//! 1. Each site, when a cohort begins, writes the keys of everybody who is there once more (`renew`).
//! 2. The DGP erases who is due, and writes the keys of whoever is not, and whom no later keyring covers
//!    ([`Engine::keep_sealed`]): those who left and are nowhere.
//! 3. A roster says so. Its officials take the escrow's keys out of their sticks.
//! 4. Each node destroys its own, once others hold what it wrote in 1 or 2, and says so.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::control::Entry;
use spean_protocol::custody::CustodyState;
use spean_protocol::frontier::HeadMark;
use spean_protocol::id::{LearnerId, RunId, SiteId, Stream};
use spean_protocol::log::{HashAt, Head};
use spean_protocol::parcel::{self, Kind};
use spean_protocol::roster::{COHORTS_KEPT, Site};
use spean_protocol::seal::derive;
use spean_protocol::segment::Log;
use spean_protocol::session::Host;
use spean_protocol::stay::{CustodyKey, HeldKey, Keyring};

use super::keys::{held_key, key_of, learner_of};
use super::write::OwnStay;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Where it is kept in which cohort this site's people were written on last.
const RENEWED: &[u8] = b"keys renewed";
/// Where it is kept up to which cohort keys were destroyed in the store.
const DESTROYED: &[u8] = b"keys destroyed";
/// Where it is kept up to which cohort they were destroyed outside of it, too.
const GONE: &[u8] = b"keys gone";
/// Where the DGP keeps in which cohort what remains of erased people was sealed last.
const REPOSTED: &[u8] = b"remains sealed";
/// Other sites that must hold what was written anew, besides the DGP, if there are so many.
const HOLDERS: usize = 2;

/// When this site's people were written on.
#[derive(Serialize, Deserialize)]
struct Renewed {
    /// Under keys of that cohort.
    cohort: u16,
    /// The site's log with all of it.
    log: Vec<HeadMark>,
}

/// What destroying the keys of a cohort means, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shredding {
    /// Keys of that cohort and those before it.
    pub cohort: u16,
    /// The cohort in force.
    pub in_force: u16,
    /// The latest cohort that may go by now.
    pub latest: u16,
    /// Who is due: released, and nothing was written of him in a later cohort.
    pub due: Vec<LearnerId>,
    /// Records that go on, and were begun in that cohort or before.
    pub kept: u64,
    /// Those of them that nothing later opens yet.
    pub unsealed: u64,
    /// What was written anew here is not held by enough others.
    pub unheld: bool,
    /// Codes of sites that have written nothing in a later cohort that is here.
    pub behind: Vec<String>,
    /// Codes of sites that have written something that is not here.
    pub incomplete: Vec<String>,
    /// The roster in force says so.
    pub ordered: bool,
    /// Codes of the sites whose nodes have destroyed their keys.
    pub done: Vec<String>,
    /// Codes of those that have not.
    pub waits: Vec<String>,
    /// Codes of sites that had a node whose key is revoked: it has its keys, wherever it is.
    pub unreachable: Vec<String>,
}

impl Shredding {
    /// Whether a roster may say so.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.cohort <= self.latest
            && self.due.is_empty()
            && self.unsealed == 0
            && !self.unheld
            && self.behind.is_empty()
            && self.incomplete.is_empty()
    }
}

/// A learner's keys here, each with its cohort, as far as that is known.
type KeysOf = BTreeMap<LearnerId, Vec<(Option<u16>, HeldKey)>>;

fn done_id(cohort: u16) -> [u8; 16] {
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
    /// stays; `true` where [`Engine::note_renewed`] is to follow.
    pub(super) fn renew(&mut self) -> Result<bool, EngineError> {
        let cohort = self.roster.cohort_of(self.site);
        let known = self.renewed()?;
        let begins = known.is_none_or(|known| known.cohort < cohort);
        let due = self.roster.shredded > self.cohort_at(DESTROYED)?;
        if !(begins || due) || self.may_write().is_err() {
            return Ok(false);
        }
        let floor = if begins {
            cohort
        } else {
            self.roster.shredded + 1
        };
        let custody: Vec<CustodyKey> = self.custody_keys(self.site)?;
        let mut found = false;
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
                    found = true;
                }
            }
        }
        if self.is_headquarters() && due {
            found |= self.keep_sealed_to(self.roster.shredded)? > 0;
        }
        Ok(begins || found)
    }

    /// Notes that everybody who is here stands under keys of the cohort in force, once that is sealed.
    pub(super) fn note_renewed(&mut self) -> Result<(), EngineError> {
        let renewed = Renewed {
            cohort: self.roster.cohort_of(self.site),
            log: self.own_marks(),
        };
        Ok(self
            .store
            .write(Table::Meta, RENEWED, &codec::encode(&renewed))?)
    }

    fn renewed(&self) -> Result<Option<Renewed>, EngineError> {
        let row = self.store.read(Table::Meta, RENEWED)?;
        Ok(row.map(|bytes| codec::decode(&bytes)).transpose()?)
    }

    fn own_marks(&self) -> Vec<HeadMark> {
        let heads = self.skeleton.heads(self.site);
        heads.iter().map(Head::mark).collect()
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
    fn is_held(&self, log: &[HeadMark]) -> bool {
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

    /// Destroys the keys of cohorts whose time is over, as the roster says: once what opens without them
    /// is held elsewhere. The key file's go when [`Engine::destroyed`] says so.
    pub(super) fn destroy_keys(&mut self) -> Result<(), EngineError> {
        let shredded = self.roster.shredded;
        if shredded <= self.cohort_at(DESTROYED)? {
            return Ok(());
        }
        let Some(renewed) = self.renewed()? else {
            return Ok(());
        };
        if renewed.cohort <= shredded || !self.is_held(&renewed.log) {
            return Ok(());
        }
        let sites: Vec<SiteId> = self.roster.sites.iter().map(|site| site.id).collect();
        let mut custody = Vec::new();
        for site in sites {
            custody.extend(self.custody_keys(site)?);
        }
        custody.retain(|key| key.cohort <= shredded);
        if !self.is_headquarters() {
            self.drop_stay_keys(&custody)?;
        }
        for key in &custody {
            self.forget_custody_key(key)?;
        }
        self.identity.boxes.retain(|cohort, _| *cohort > shredded);
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

    /// Drops, at a prison, what it has of people who are not here: of its own the keys that follow from
    /// these, and all of others.
    fn drop_stay_keys(&mut self, custody: &[CustodyKey]) -> Result<(), EngineError> {
        for (place, value) in self.store.scan(Table::StayKey, &[], &[], usize::MAX)? {
            let (learner, held) = held_key(&place, &value)?;
            if self.own_stay(learner)?.is_some_and(|own| own.open) {
                continue;
            }
            // Who is on his way here or from here takes his keys along.
            let moves = self.store.read(Table::Away, &learner.0)?.is_some()
                || !self
                    .store
                    .scan(Table::Expected, &learner.0, &[], 1)?
                    .is_empty();
            let follows = custody.iter().any(|one| {
                (one.site, one.stream) == (held.site, held.stream)
                    && one.stay_key(held.stay) == held.key
            });
            if follows || held.site != self.site && !moves {
                self.store.remove(Table::StayKey, &place)?;
            }
        }
        Ok(())
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

    /// Takes the seeds of destroyed keys out of an identity that was read from an old key file.
    pub(super) fn drop_destroyed_seeds(&mut self) -> Result<(), EngineError> {
        let destroyed = self.cohort_at(DESTROYED)?;
        self.identity.boxes.retain(|cohort, _| *cohort > destroyed);
        Ok(())
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
        })
    }

    /// At the DGP: what destroying the keys of a cohort and of those before it means, if records are kept
    /// for `retention` cohorts after the one in which somebody was released.
    ///
    /// # Errors
    /// [`EngineError::Refused`] elsewhere, and for a cohort that is none.
    pub fn shredding(&self, cohort: u16, retention: u16) -> Result<Shredding, EngineError> {
        if !self.is_headquarters() {
            let why = "what may be destroyed, the head office's node tells";
            return Err(EngineError::Refused(why.into()));
        }
        if cohort == 0 || cohort > self.roster.cohort {
            return Err(EngineError::Refused(format!(
                "there is no cohort {cohort}: {} is in force",
                self.roster.cohort
            )));
        }
        let keys = self.all_keys()?;
        let due = self.due(cohort, &keys)?;
        let old =
            |keys: &Vec<(Option<u16>, HeldKey)>| keys.iter().any(|(of, _)| is_old(*of, cohort));
        let kept = keys
            .iter()
            .filter(|(learner, keys)| old(keys) && due.binary_search(learner).is_err());
        let (mut count, mut unsealed) = (0, 0);
        for (learner, keys) in kept {
            count += 1;
            unsealed += u64::from(!self.is_covered(*learner, cohort, keys)?);
        }
        let own = self.own_marks();
        let sealed = self.renewed()?.map_or(own, |renewed| renewed.log);
        let done = done_id(self.roster.shredded);
        let (mut behind, mut incomplete) = (Vec::new(), Vec::new());
        let (mut has_done, mut waits) = (Vec::new(), Vec::new());
        for site in self
            .roster
            .sites
            .iter()
            .filter(|site| !site.keys.is_empty())
        {
            if !self.has_written_later(site.id, cohort)? {
                behind.push(site.code.clone());
            }
            if !self.has_all_of(site.id) {
                incomplete.push(site.code.clone());
            }
            let row = key_of(&[&done, b"by", &site.id.0.to_be_bytes()]);
            match self.store.read(Table::Erasure, &row)? {
                Some(_) => has_done.push(site.code.clone()),
                None => waits.push(site.code.clone()),
            }
        }
        let ordered = cohort <= self.roster.shredded;
        let lost = |site: &&Site| self.roster.revoked_of(site.id).next().is_some();
        Ok(Shredding {
            cohort,
            in_force: self.roster.cohort,
            latest: self
                .roster
                .cohort
                .saturating_sub(retention.max(COHORTS_KEPT)),
            due,
            kept: count,
            unsealed,
            unheld: !self.is_held(&sealed),
            behind,
            incomplete,
            ordered,
            done: if ordered { has_done } else { Vec::new() },
            waits: if ordered { waits } else { Vec::new() },
            unreachable: self
                .roster
                .sites
                .iter()
                .filter(lost)
                .map(|site| site.code.clone())
                .collect(),
        })
    }

    /// At the DGP: writes on the keys of all who are not due and whose records nothing later opens; returns
    /// of how many.
    ///
    /// # Errors
    /// What the store says.
    pub fn keep_sealed(&mut self, cohort: u16) -> Result<u64, EngineError> {
        self.input(|engine| {
            let written = engine.keep_sealed_to(cohort)?;
            let now = engine.roster.cohort_of(engine.site);
            if engine.cohort_at(REPOSTED)? < now {
                engine.repost_remains()?;
                engine
                    .store
                    .write(Table::Meta, REPOSTED, &codec::encode(&now))?;
            }
            engine.note_renewed()?;
            Ok(written)
        })
    }

    fn keep_sealed_to(&mut self, cohort: u16) -> Result<u64, EngineError> {
        let keys = self.all_keys()?;
        let due = self.due(cohort, &keys)?;
        let mut learners = Vec::new();
        for (learner, keys) in &keys {
            let old = keys.iter().any(|(of, _)| is_old(*of, cohort));
            if old
                && due.binary_search(learner).is_err()
                && !self.is_covered(*learner, cohort, keys)?
            {
                learners.push(*learner);
            }
        }
        self.write_keyrings(&learners)?;
        Ok(learners.len() as u64)
    }

    /// All education keys here, by learner.
    fn all_keys(&self) -> Result<KeysOf, EngineError> {
        let mut custody: BTreeMap<SiteId, Vec<CustodyKey>> = BTreeMap::new();
        let mut keys = KeysOf::new();
        for (place, value) in self.store.scan(Table::StayKey, &[], &[], usize::MAX)? {
            let (learner, held) = held_key(&place, &value)?;
            if held.stream != Stream::Education {
                continue;
            }
            let of_site = match custody.entry(held.site) {
                std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::btree_map::Entry::Vacant(new) => {
                    new.insert(self.custody_keys(held.site)?)
                }
            };
            let its = |one: &&CustodyKey| {
                one.stream == held.stream && one.stay_key(held.stay) == held.key
            };
            let cohort = of_site.iter().find(its).map(|one| one.cohort);
            keys.entry(learner).or_default().push((cohort, held));
        }
        Ok(keys)
    }

    /// Who is due, in order: released under every id that is known to be his, and no site wrote of him in a
    /// later cohort.
    fn due(&self, cohort: u16, keys: &KeysOf) -> Result<Vec<LearnerId>, EngineError> {
        let later = |learner: &LearnerId| {
            let keys = keys.get(learner).into_iter().flatten();
            let mut of_sites = keys.filter(|(_, key)| key.site != self.site);
            of_sites.any(|(of, _)| !is_old(*of, cohort))
        };
        let mut due = BTreeSet::new();
        for learner in keys.keys().filter(|learner| !later(learner)) {
            let mut ids = vec![*learner];
            ids.extend(self.same_as(*learner)?);
            let mut gone = !ids.iter().any(later);
            for id in &ids {
                let view = self.view(*id)?;
                let state = view.map(|view| CustodyState::of(&view, self.site));
                gone &= state == Some(CustodyState::Released);
            }
            if gone {
                due.extend(ids);
            }
        }
        Ok(due.into_iter().collect())
    }

    /// Whether keys of later cohorts lead to all of a learner's older ones that open anything.
    fn is_covered(
        &self,
        learner: LearnerId,
        cohort: u16,
        keys: &[(Option<u16>, HeldKey)],
    ) -> Result<bool, EngineError> {
        let mut needed = BTreeSet::new();
        let mut later = Vec::new();
        for (of, key) in keys {
            if !is_old(*of, cohort) {
                later.push((*of, key.clone()));
            } else if self.opens_something(learner, key)? {
                needed.insert(key.fingerprint());
            }
        }
        // The newest is last: its keyring has the most.
        later.sort_by_key(|(of, _)| *of);
        let mut open: Vec<HeldKey> = later.into_iter().map(|(_, key)| key).collect();
        let mut seen: BTreeSet<[u8; 16]> = open.iter().map(HeldKey::fingerprint).collect();
        while let Some(key) = open.pop() {
            if needed.is_empty() {
                break;
            }
            for other in self.keyrings_under(learner, &key)? {
                needed.remove(&other.fingerprint());
                if seen.insert(other.fingerprint()) {
                    open.push(other);
                }
            }
        }
        Ok(needed.is_empty())
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

    /// Whether a site's own log, as far as it is here, goes on in a cohort later than that.
    fn has_written_later(&self, site: SiteId, cohort: u16) -> Result<bool, EngineError> {
        for (run, held) in self.skeleton.runs(site) {
            let Some(last) = held.control.checked_sub(1) else {
                continue;
            };
            let segment = self.header_at(run, Log::Control, last)?;
            if segment.is_some_and(|segment| segment.header.cohort > cohort) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether all is here that a site says it has written, and nothing is missing in between.
    fn has_all_of(&self, site: SiteId) -> bool {
        let Some((_, said)) = self.receipts.get(&site) else {
            return site == self.site;
        };
        let own = said.complete.get(&site).map_or(&[][..], Vec::as_slice);
        let here: Vec<HeadMark> = self.skeleton.heads(site).iter().map(Head::mark).collect();
        let whole = self.skeleton.frontier(site).beyond.is_empty();
        let hash: HashAt<'_> = &|run, log, height| self.hash(run, log, height);
        whole && self.skeleton.descends(site, &here, own, hash)
    }
}

/// Whether a key's cohort is that or an earlier one. One of which it is not known is of a cohort whose
/// keys are destroyed.
fn is_old(of: Option<u16>, cohort: u16) -> bool {
    of.is_none_or(|of| of <= cohort)
}
