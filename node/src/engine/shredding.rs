//! The keys of a cohort are destroyed when its time is over: what only they open is gone then, from old
//! sticks, backups and stolen disks alike. Whoever is still in prison, or left too lately, stays readable:
//! his keys were written on under those of a later cohort.
//!
//! 1. Each site, when a cohort begins, writes the keys of everybody who is there once more (`renew`).
//! 2. The DGP erases who is due. Whoever is left anywhere, in prison or not, is kept.
//! 3. A roster orders it. Then the DGP writes on the keys of whom no later keyring covers, those who left and
//!    are nowhere, and each prison the restricted ones of those who left it.
//! 4. Each node destroys its own, once others hold what it wrote in 1 and 3, and says so. The officials
//!    take the escrow's out of their sticks.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::control::{Entry, Recipient};
use spean_protocol::custody::CustodyState;
use spean_protocol::frontier::{HeadMark, RunTag};
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
/// Other sites that must hold what was written anew, besides the DGP, if there are so many.
const HOLDERS: usize = 2;

/// When this site's people were written on.
#[derive(Serialize, Deserialize)]
struct Renewed {
    /// Under keys of that cohort.
    cohort: u16,
    /// Also whoever has left, for the order to destroy the keys of that cohort and those before it.
    ordered: u16,
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
    /// Codes of sites that have written under a key that does not open here.
    pub unopened: Vec<String>,
    /// Codes of sites that have not said of every erasure that they did it.
    pub unerased: Vec<String>,
    /// The roster in force says so.
    pub ordered: bool,
    /// Codes of the sites whose nodes have destroyed their keys.
    pub done: Vec<String>,
    /// Codes of those that have not.
    pub waits: Vec<String>,
    /// Codes of sites that had another node before: it has its keys, wherever it is.
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
            && self.is_all_here()
            && self.unerased.is_empty()
    }

    /// Whether nobody can be somewhere of which nothing is here.
    #[must_use]
    pub fn is_all_here(&self) -> bool {
        self.behind.is_empty() && self.incomplete.is_empty() && self.unopened.is_empty()
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

    fn renewed(&self) -> Result<Option<Renewed>, EngineError> {
        let row = self.store.read(Table::Meta, RENEWED)?;
        Ok(row.map(|bytes| codec::decode(&bytes)).transpose()?)
    }

    fn own_marks(&self) -> Vec<HeadMark> {
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
        let keys = self.all_keys(Stream::Education)?;
        let due = self.due(cohort, &keys)?;
        let kept = keys.iter().filter(|(learner, keys)| {
            keys.iter().any(|(of, _)| is_old(*of, cohort)) && due.binary_search(learner).is_err()
        });
        let (mut count, mut unsealed) = (0, 0);
        for (learner, keys) in kept {
            count += 1;
            unsealed += u64::from(!self.uncovered(*learner, cohort, keys)?.is_empty());
        }
        let unerased: BTreeSet<String> = self
            .erasures()?
            .into_iter()
            .flat_map(|erasure| erasure.waits)
            .collect();
        let own = self.own_marks();
        let sealed = self.renewed()?.map_or(own, |renewed| renewed.log);
        let done = done_id(self.roster.shredded);
        let (mut behind, mut incomplete, mut unopened) = (Vec::new(), Vec::new(), Vec::new());
        let (mut has_done, mut waits) = (Vec::new(), Vec::new());
        for site in self
            .roster
            .sites
            .iter()
            .filter(|site| !site.keys.is_empty())
        {
            let other = site.id != self.site;
            // Somebody who is due may be there since: what is not recent is not enough.
            let recent = self.roster.cohort.saturating_sub(COHORTS_KEPT).max(cohort);
            if other && !self.has_written_later(site.id, recent)? {
                behind.push(site.code.clone());
            }
            if other && !self.has_all_of(site.id) {
                incomplete.push(site.code.clone());
            }
            if other && !self.opens_all_of(site.id)? {
                unopened.push(site.code.clone());
            }
            let row = key_of(&[&done, b"by", &site.id.0.to_be_bytes()]);
            match self.store.read(Table::Erasure, &row)? {
                Some(_) => has_done.push(site.code.clone()),
                None => waits.push(site.code.clone()),
            }
        }
        let ordered = cohort <= self.roster.shredded;
        let lost = |site: &&Site| site.keys.len() + self.roster.revoked_of(site.id).count() > 1;
        Ok(Shredding {
            cohort,
            in_force: self.roster.cohort,
            latest: self
                .roster
                .cohort
                .saturating_sub(retention.saturating_add(1).max(COHORTS_KEPT)),
            due,
            kept: count,
            unsealed,
            unheld: !self.is_held(&sealed),
            behind,
            incomplete,
            unopened,
            unerased: self
                .roster
                .sites
                .iter()
                .filter(|site| !site.keys.is_empty() && unerased.contains(&site.code))
                .map(|site| site.code.clone())
                .collect(),
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
            let written = engine.keep_readable(cohort)?;
            let known = engine.renewed()?;
            engine.note_renewed()?;
            if let Some(known) = known {
                // An order that has come meanwhile is for another flush.
                let log = engine.own_marks();
                let renewed = codec::encode(&Renewed { log, ..known });
                engine.store.write(Table::Meta, RENEWED, &renewed)?;
            }
            Ok(written)
        })
    }

    /// The keys of a stream, by learner: at a prison its own alone.
    fn all_keys(&self, stream: Stream) -> Result<KeysOf, EngineError> {
        let mut custody: BTreeMap<SiteId, Vec<CustodyKey>> = BTreeMap::new();
        let mut keys = KeysOf::new();
        for (place, value) in self.store.scan(Table::StayKey, &[], &[], usize::MAX)? {
            let (learner, held) = held_key(&place, &value)?;
            if held.stream != stream || !self.is_headquarters() && held.site != self.site {
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

    /// Who is due, in order: released under every id that is his, and no site wrote of him in a later
    /// cohort.
    fn due(&self, cohort: u16, keys: &KeysOf) -> Result<Vec<LearnerId>, EngineError> {
        let all_of = self.people()?;
        let (mut due, mut seen) = (BTreeSet::new(), BTreeSet::new());
        for learner in keys.keys() {
            let mut ids = all_of.ids(*learner);
            if !seen.insert(ids[0]) {
                continue;
            }
            // An id of which there is nothing is nobody's who could be anywhere.
            ids.retain(|id| keys.contains_key(id));
            let mut gone = true;
            for id in &ids {
                let view = self.view(*id)?;
                let state = view.map(|view| CustodyState::of(&view, self.site));
                let keys = keys.get(id).map_or(&[][..], Vec::as_slice);
                gone = gone
                    && state == Some(CustodyState::Released)
                    && !self.is_written_later(*id, cohort, keys)?;
            }
            if gone {
                due.extend(ids);
            }
        }
        Ok(due.into_iter().collect())
    }

    /// Whether a prison wrote of a learner in a later cohort: under a key of it, or, what came late of a
    /// stay that had ended, under that stay's.
    fn is_written_later(
        &self,
        learner: LearnerId,
        cohort: u16,
        keys: &[(Option<u16>, HeldKey)],
    ) -> Result<bool, EngineError> {
        let of_sites = || keys.iter().filter(|(_, key)| key.site != self.site);
        if of_sites().any(|(of, _)| !is_old(*of, cohort)) {
            return Ok(true);
        }
        for (_, key) in of_sites() {
            for run in self.skeleton.bases(key.site) {
                let label = key.key.label(learner, key.stream, run);
                for (chain, _) in self.skeleton.chains(run, Log::Data) {
                    let parcels = self.parcels((chain, label), 0..u32::MAX)?;
                    let Some((place, _)) = parcels.last() else {
                        continue;
                    };
                    let segment = self.header_at(chain, Log::Data, place.height)?;
                    if segment.is_some_and(|segment| segment.header.cohort > cohort) {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// Those of a learner's old keys that open something, and to which this site's own keys of later cohorts
    /// do not lead. What another has written of them may be under a key that the escrow does not open.
    fn uncovered(
        &self,
        learner: LearnerId,
        cohort: u16,
        keys: &[(Option<u16>, HeldKey)],
    ) -> Result<Vec<HeldKey>, EngineError> {
        let mut needed = BTreeMap::new();
        let mut open = Vec::new();
        for (of, key) in keys {
            if is_old(*of, cohort) {
                if self.opens_something(learner, key)? {
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

    /// Whether a site itself says that it has written in a cohort later than that, and what it says is here.
    fn has_written_later(&self, site: SiteId, cohort: u16) -> Result<bool, EngineError> {
        let Some((_, said)) = self.receipts.get(&site) else {
            return Ok(false);
        };
        let heads = said.complete.get(&site).map_or(&[][..], Vec::as_slice);
        if heads.is_empty() && self.skeleton.heads(site).is_empty() {
            // It is a new one.
            return Ok(true);
        }
        for (run, _) in self.skeleton.runs(site) {
            let its = |mark: &&HeadMark| mark.run == RunTag::from(run);
            for mark in heads.iter().filter(its) {
                let Some(last) = mark.control.checked_sub(1) else {
                    continue;
                };
                let segment = self.header_at(run, Log::Control, last)?;
                if segment.is_some_and(|segment| segment.header.cohort > cohort) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Whether all is here that a site, or anybody who has of it, says it has written, and nothing is missing in
    /// between.
    fn has_all_of(&self, site: SiteId) -> bool {
        let here: Vec<HeadMark> = self.skeleton.heads(site).iter().map(Head::mark).collect();
        let whole = self.skeleton.frontier(site).beyond.is_empty();
        let hash: HashAt<'_> = &|run, log, height| self.hash(run, log, height);
        let mut said = self
            .receipts
            .values()
            .filter_map(|(_, said)| said.complete.get(&site));
        let all = said.all(|said| self.skeleton.descends(site, &here, said, hash));
        whole && all && self.receipts.contains_key(&site)
    }

    /// Whether every custody key is here that a site has wrapped for the DGP, of cohorts that are not destroyed.
    fn opens_all_of(&self, site: SiteId) -> Result<bool, EngineError> {
        let held: BTreeSet<_> = self
            .custody_keys(site)?
            .iter()
            .map(CustodyKey::id)
            .collect();
        let destroyed = self.destroyed_upto()?;
        let lacks = |entry: &Entry| match entry {
            Entry::Wrap(wrap) => {
                wrap.recipient == Recipient::Headquarters
                    && wrap.stream == Stream::Education
                    && wrap.cohort > destroyed
                    && !held.contains(&wrap.custody)
            }
            _ => false,
        };
        Ok(!self
            .control_entries(site)?
            .iter()
            .any(|(_, entry)| lacks(entry)))
    }
}

/// Whether a key's cohort is that or an earlier one. One of which it is not known is of a cohort whose
/// keys are destroyed.
fn is_old(of: Option<u16>, cohort: u16) -> bool {
    of.is_none_or(|of| of <= cohort)
}
