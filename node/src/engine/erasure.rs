//! Erasure of a person: two officers of the DGP decide it, every node deletes his parcels and says so,
//! and no old stick brings them back. What he added to the figures stays, without him.
//!
//! Only the DGP's log erases. A prison's restricted parcels are not the DGP's to read, so the prison that holds
//! their keys names them to it in a letter; of what the DGP reads, or another wrote, it erases nothing for it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::control::Entry;
use spean_protocol::custody::CustodyState;
use spean_protocol::erasure::{ErasedParcel, Erasure};
use spean_protocol::event::Destination;
use spean_protocol::id::{LearnerId, RunId, SiteId, StayId};
use spean_protocol::letter::Letter;
use spean_protocol::limits::{ERASURE_PARCELS_MAX, LETTER_LEARNERS_MAX, TO_ERASE_MAX};
use spean_protocol::officer::{Signature, Subject};
use spean_protocol::seal::derive;
use spean_protocol::segment::{Line, Segment};

use super::import::imported::Brought;
use super::keys::{Opener, key_of, learner_of};
use super::questions::Work;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Persons that are erased together. Control logs go ahead of everything else, and an erasure takes 32 bytes
/// of them for each parcel.
pub const ERASED_TOGETHER_MAX: usize = 1_000;
/// Where it is kept that this node has done an erasure and not said so yet.
const UNTOLD: &[u8] = b"erasure untold";
/// Where it is kept what prisons ask to have erased.
const TO_ERASE: &[u8] = b"to be erased of";
/// Where it is kept that somebody was erased: nothing of him is learnt again.
const PERSON: &[u8] = b"erased person";

/// An erasure, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureLine {
    /// Its id.
    pub id: String,
    /// How many parcels it names.
    pub parcels: u64,
    /// The codes of the sites that have said that they did it.
    pub done: Vec<String>,
    /// Those that have not.
    pub waits: Vec<String>,
}

/// What became of an officer's decision to erase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasing {
    /// The learners, with the other ids of the same persons.
    pub learners: Vec<LearnerId>,
    /// The erasure; none while a second officer must say the same.
    pub erasure: Option<ErasureLine>,
}

/// A parcel that is kept: its number in the segment, its line and its sealed bytes.
type Kept<'a> = (u16, &'a Line, &'a Vec<u8>);

/// What officers sign who erase these learners.
#[must_use]
pub fn subject(learners: &[LearnerId]) -> Subject {
    let mut sorted = learners.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    Subject::of_erasure(&sorted)
}

fn person_key(learner: LearnerId) -> Vec<u8> {
    let hidden = derive("spean 2026 erased person v1", &[&learner.0]);
    key_of(&[PERSON, &hidden[..16]])
}

fn stay_key(learner: LearnerId, stay: StayId) -> Vec<u8> {
    let hidden = derive("spean 2026 erased stay v1", &[&learner.0, &stay.0]);
    key_of(&[PERSON, &hidden[..16]])
}

fn parcel_key((label, half): &ErasedParcel) -> Vec<u8> {
    key_of(&[&label.0, half])
}

impl<S: Store> Engine<S> {
    /// Takes an officer's decision that these learners are erased. It happens with the second one's.
    ///
    /// # Errors
    /// [`EngineError::Refused`] elsewhere than at the DGP, where he may not sign, or where one of them is
    /// still in a prison.
    pub fn erase_by(
        &mut self,
        learners: &[LearnerId],
        by: &Signature,
    ) -> Result<Erasing, EngineError> {
        if !self.is_headquarters() {
            return Err(EngineError::Refused(
                "only the head office erases: ask it".into(),
            ));
        }
        let signed = subject(learners);
        let persons = self.persons_to_erase(learners)?;
        let all: Vec<LearnerId> = persons.iter().flatten().copied().collect();
        // Both officers have said it of the same ids: who was found to be the same person in between is
        // not erased by the first one's signature.
        if !self.signs_second(&signed, &subject(&all), by)? {
            return Ok(Erasing {
                learners: all,
                erasure: None,
            });
        }
        let id = self.input(|engine| engine.erase(&persons))?;
        let line = self.erasures()?.into_iter().find(|line| line.id == id);
        Ok(Erasing {
            learners: all,
            erasure: line,
        })
    }

    /// The persons that these learners are, each with all his ids; none of them may be in a prison.
    fn persons_to_erase(&self, learners: &[LearnerId]) -> Result<Vec<Vec<LearnerId>>, EngineError> {
        let all_of = self.people()?;
        let mut persons: Vec<Vec<LearnerId>> = Vec::new();
        for learner in learners {
            if persons.iter().flatten().any(|known| known == learner) {
                continue;
            }
            let mut ids = all_of.ids(*learner);
            // One of which nothing is here, or that was erased, is only said to be his.
            let mut known = Vec::new();
            for id in ids {
                if id == *learner || self.view(id)?.is_some() {
                    known.push(id);
                }
            }
            ids = known;
            for id in &ids {
                let view = self.view(*id)?.ok_or(EngineError::UnknownLearner(*id))?;
                if let Some(stay) = view.stays.iter().find(|stay| stay.is_open()) {
                    return Err(EngineError::Refused(format!(
                        "learner {id} is still at {}: record his departure there first",
                        self.code(stay.site)
                    )));
                }
                if let CustodyState::Departed {
                    to: to @ (Destination::Site(_) | Destination::WithoutNode),
                } = CustodyState::of(&view, self.site)
                {
                    return Err(EngineError::Refused(format!(
                        "learner {id} is on his way, or at a prison without a node ({}): record where he \
                         is first",
                        self.destination_word(to)
                    )));
                }
            }
            persons.push(ids);
        }
        if persons.is_empty() || persons.len() > ERASED_TOGETHER_MAX {
            return Err(EngineError::Refused(format!(
                "name 1 to {ERASED_TOGETHER_MAX} learners at a time"
            )));
        }
        Ok(persons)
    }

    fn erase(&mut self, persons: &[Vec<LearnerId>]) -> Result<String, EngineError> {
        let all: Vec<LearnerId> = persons.iter().flatten().copied().collect();
        let mut parcels = BTreeSet::new();
        let mut sites: BTreeMap<SiteId, Vec<LearnerId>> = BTreeMap::new();
        for learner in &all {
            parcels.extend(self.parcels_of(*learner, None)?.into_keys());
            let stays = self.view(*learner)?.unwrap_or_default().stays;
            let others = stays
                .iter()
                .map(|stay| stay.site)
                .filter(|site| *site != self.site);
            for site in others.collect::<BTreeSet<_>>() {
                sites.entry(site).or_default().push(*learner);
            }
        }
        let id = self.fresh_id("erasure", &codec::encode(&all));
        let mut entries = self.remains_of(persons, id)?;
        entries.extend(parts((id, true), &parcels));
        self.write_control(&entries)?;
        self.forget(&all.into_iter().collect(), false)?;
        let mut mail = Vec::new();
        for (site, learners) in sites {
            for some in learners.chunks(LETTER_LEARNERS_MAX) {
                mail.extend(self.letter(site, &Letter::Erased(some.to_vec()))?);
            }
        }
        self.post(mail)?;
        Ok(data_encoding::HEXLOWER.encode(&id))
    }

    /// Every parcel of a learner that a key here finds, in the logs of one site or of all.
    fn parcels_of(
        &self,
        learner: LearnerId,
        only: Option<SiteId>,
    ) -> Result<BTreeMap<ErasedParcel, Vec<u8>>, EngineError> {
        let mut found = BTreeMap::new();
        let keys = self.keys_of(learner)?.into_iter();
        for held in keys.filter(|held| only.is_none_or(|site| site == held.site)) {
            for run in self.skeleton.bases(held.site) {
                let label = held.key.label(learner, held.stream, run);
                for (key, body) in self.store.scan(Table::Parcel, &label.0, &[], usize::MAX)? {
                    let hash = blake3::hash(&body);
                    found.insert(Erasure::name(label, hash.as_bytes()), key);
                }
            }
        }
        Ok(found)
    }

    /// Does what a control log says of an erasure.
    pub(super) fn read_erasure(
        &mut self,
        from: SiteId,
        erasure: &Erasure,
    ) -> Result<(), EngineError> {
        if self.roster.headquarters().map(|site| site.id) != Some(from) {
            let code = self.code(from);
            return self.set_aside(&format!("{code} erases: only the head office does"));
        }
        let numbers = self.chain_numbers();
        let mut learners = BTreeSet::new();
        for parcel in &erasure.parcels {
            self.store.write(Table::Erased, &parcel_key(parcel), &[])?;
            for (key, run) in self.stored(parcel, &numbers)? {
                if let Some(Opener::Stay(learner, _)) = self.openers(run)?.get(&parcel.0) {
                    learners.insert(*learner);
                }
                self.store.remove(Table::Parcel, &key)?;
            }
        }
        if erasure.persons {
            self.forget(&learners, !self.is_headquarters())?;
        } else {
            for learner in learners {
                if self.own_stay(learner)?.is_some_and(|own| own.open) {
                    self.read_anew(learner)?;
                }
            }
        }
        let untold = key_of(&[UNTOLD, &erasure.id]);
        self.store.write(Table::Meta, &untold, &[])?;
        let row = key_of(&[&erasure.id, b"parcels"]);
        let count = self.counter_of(&row)? + erasure.parcels.len() as u64;
        Ok(self
            .store
            .write(Table::Erasure, &row, &count.to_be_bytes())?)
    }

    fn counter_of(&self, row: &[u8]) -> Result<u64, EngineError> {
        let value = self.store.read(Table::Erasure, row)?;
        let count = value.and_then(|bytes| bytes.try_into().ok());
        Ok(count.map_or(0, u64::from_be_bytes))
    }

    /// Whether a line's parcel is erased.
    fn is_erased(&self, line: &Line) -> Result<bool, EngineError> {
        let at = parcel_key(&Erasure::name(line.label, &line.hash.0));
        Ok(self.store.read(Table::Erased, &at)?.is_some())
    }

    /// The runs by the numbers under which parcels are kept: a branch of a forked run has its own.
    fn chain_numbers(&self) -> BTreeMap<[u8; 4], RunId> {
        let mut numbers = BTreeMap::new();
        for site in self.skeleton.sites() {
            let chains = self.skeleton.runs(site);
            numbers.extend(chains.map(|(_, held)| (held.number.to_be_bytes(), held.base)));
        }
        numbers
    }

    /// Where a parcel is kept here, and of which run it is.
    fn stored(
        &self,
        parcel: &ErasedParcel,
        numbers: &BTreeMap<[u8; 4], RunId>,
    ) -> Result<Vec<(Vec<u8>, RunId)>, EngineError> {
        let rows = self
            .store
            .scan(Table::Parcel, &parcel.0.0, &[], usize::MAX)?;
        let place = |(key, body): (Vec<u8>, Vec<u8>)| {
            let named = Erasure::name(parcel.0, blake3::hash(&body).as_bytes()) == *parcel;
            let number: [u8; 4] = key.get(16..20)?.try_into().ok()?;
            let run = numbers.get(&number).copied().filter(|_| named)?;
            Some((key, run))
        };
        Ok(rows.into_iter().filter_map(place).collect())
    }

    /// Whether every parcel that a segment lacks is erased.
    pub(super) fn lacks_only_erased(&self, segment: &Segment) -> Result<bool, EngineError> {
        let lines = segment.header.lines.iter().zip(&segment.parcels);
        for (line, _) in lines.filter(|(_, parcel)| parcel.is_none()) {
            if !self.is_erased(line)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Which of a segment's parcels are kept: those that are here and are not erased.
    pub(super) fn kept<'a>(&self, segment: &'a Segment) -> Result<Vec<Kept<'a>>, EngineError> {
        let mut kept = Vec::new();
        let lines = segment.header.lines.iter().zip(&segment.parcels);
        for (index, (line, parcel)) in (0_u16..).zip(lines) {
            if let Some(body) = parcel
                && !self.is_erased(line)?
            {
                kept.push((index, line, body));
            }
        }
        Ok(kept)
    }

    /// At a prison: the DGP says that these learners are erased.
    pub(super) fn read_erased_learners(
        &mut self,
        learners: &[LearnerId],
    ) -> Result<(), EngineError> {
        self.forget(&learners.iter().copied().collect(), true)
    }

    /// Names to the DGP what this site wrote of somebody that only its own keys find: the restricted stream.
    fn name_the_rest(&mut self, learner: LearnerId) -> Result<(), EngineError> {
        let Some(to) = self.roster.headquarters().map(|site| site.id) else {
            return Ok(());
        };
        let found = self.parcels_of(learner, Some(self.site))?;
        let parcels: Vec<ErasedParcel> = found.into_keys().collect();
        if parcels.is_empty() || self.may_write().is_err() {
            return Ok(());
        }
        let mut mail = Vec::new();
        for some in parcels.chunks(ERASURE_PARCELS_MAX) {
            mail.extend(self.letter(to, &Letter::ToErase(some.to_vec()))?);
        }
        self.post(mail)
    }

    /// At the DGP: keeps what a prison asks to have erased of its own log, until it is here.
    pub(super) fn keep_to_erase(
        &mut self,
        from: SiteId,
        parcels: &[ErasedParcel],
    ) -> Result<(), EngineError> {
        let of_site = key_of(&[TO_ERASE, &from.0.to_be_bytes()]);
        let held = self
            .store
            .scan(Table::Meta, &of_site, &[], TO_ERASE_MAX)?
            .len();
        if held + parcels.len() > TO_ERASE_MAX {
            let code = self.code(from);
            return self.set_aside(&format!("{code} asks to erase more than a prison can"));
        }
        for parcel in parcels {
            let at = key_of(&[&of_site, &parcel_key(parcel)]);
            self.store.write(Table::Meta, &at, &codec::encode(parcel))?;
        }
        Ok(())
    }

    /// At the DGP: erases what prisons asked for, as far as it is here, is theirs, and is of nobody whom
    /// the DGP reads.
    pub(super) fn erase_for_prisons(&mut self) -> Result<(), EngineError> {
        let rows = self.store.scan(Table::Meta, TO_ERASE, &[], usize::MAX)?;
        if rows.is_empty() || !self.is_headquarters() || self.may_write().is_err() {
            return Ok(());
        }
        let numbers = self.chain_numbers();
        let mut parcels = BTreeSet::new();
        for (key, value) in rows {
            let parcel: ErasedParcel = codec::decode(&value)?;
            let site = key.get(TO_ERASE.len()..TO_ERASE.len() + 2);
            let site = site
                .and_then(|site| site.try_into().ok())
                .map(u16::from_be_bytes);
            let places = self.stored(&parcel, &numbers)?;
            if places.is_empty() {
                continue;
            }
            self.store.remove(Table::Meta, &key)?;
            let mut may = true;
            for (_, run) in places {
                let read = self.openers(run)?.contains_key(&parcel.0);
                may &= !read && Some(run.site().0) == site;
            }
            if may {
                parcels.insert(parcel);
            } else {
                self.set_aside("a prison asks to erase what is not its own, or is read")?;
            }
        }
        if parcels.is_empty() {
            return Ok(());
        }
        let id = self.fresh_id("erasure", &codec::encode(&parcels));
        self.write_control(&parts((id, false), &parcels))
    }

    /// Forgets everything of learners but what they added to the figures. Whoever is here goes on, with
    /// what is left.
    fn forget(
        &mut self,
        learners: &BTreeSet<LearnerId>,
        keep_rows: bool,
    ) -> Result<(), EngineError> {
        if learners.is_empty() {
            return Ok(());
        }
        self.openers.clear();
        let mut gone = BTreeSet::new();
        for learner in learners {
            if self.own_stay(*learner)?.is_some_and(|own| own.open) {
                self.read_anew(*learner)?;
            } else {
                gone.insert(*learner);
            }
        }
        if keep_rows {
            self.keep_own_remains(&gone)?;
        }
        for learner in &gone {
            if keep_rows {
                self.name_the_rest(*learner)?;
            }
            self.forget_one(*learner)?;
        }
        self.forget_mentions(&gone)
    }

    /// Removes the rows that are found by something else than the learner.
    fn forget_mentions(&mut self, learners: &BTreeSet<LearnerId>) -> Result<(), EngineError> {
        let is_one = |id: Option<&[u8]>| {
            let id = id.and_then(|id| id.try_into().ok()).map(LearnerId);
            id.is_some_and(|id| learners.contains(&id))
        };
        for (key, _) in self.store.scan(Table::Registered, &[], &[], usize::MAX)? {
            if is_one(key.get(32..48)) {
                self.store.remove(Table::Registered, &key)?;
            }
        }
        for table in [Table::Source, Table::RowOf] {
            for (key, value) in self.store.scan(table, &[], &[], usize::MAX)? {
                if is_one(Some(&value)) {
                    self.store.remove(table, &key)?;
                }
            }
        }
        self.forget_waiting_for(learners)?;
        for (key, value) in self.store.scan(Table::Import, &[], &[], usize::MAX)? {
            let his = Brought::of_row(&key, &value)?.and_then(|brought| brought.learner());
            if his.is_some_and(|learner| learners.contains(&learner)) {
                self.store.remove(Table::Import, &key)?;
            }
        }
        for (key, value) in self.store.scan(Table::Work, &[], &[], usize::MAX)? {
            let work: Work = codec::decode(&value)?;
            if learners.iter().any(|learner| work.is_about(*learner)) {
                self.store.remove(Table::Work, &key)?;
            }
        }
        Ok(())
    }

    fn forget_one(&mut self, learner: LearnerId) -> Result<(), EngineError> {
        self.store.write(Table::Meta, &person_key(learner), &[])?;
        for held in self.keys_of(learner)? {
            let stay = stay_key(learner, held.stay);
            self.store.write(Table::Meta, &stay, &[])?;
        }
        for site in self
            .roster
            .sites
            .iter()
            .map(|site| site.id)
            .collect::<Vec<_>>()
        {
            let prefix = key_of(&[&site.0.to_be_bytes(), &learner.0]);
            for (key, _) in self.store.scan(Table::StayKey, &prefix, &[], usize::MAX)? {
                self.store.remove(Table::StayKey, &key)?;
            }
        }
        for table in [
            Table::Stay,
            Table::Pending,
            Table::Dirty,
            Table::Record,
            Table::Link,
            Table::Expected,
            Table::Here,
            Table::Away,
            Table::Given,
            Table::Told,
            Table::Stake,
            Table::Opened,
            Table::Alike,
            Table::SourceOf,
        ] {
            for (key, _) in self.store.scan(table, &learner.0, &[], usize::MAX)? {
                self.store.remove(table, &key)?;
            }
        }
        let pair = key_of(&[b"pair", &learner.0]);
        if let Some(value) = self.store.read(Table::Statement, &pair)? {
            let hidden = self.fresh_id("pair", &learner.0);
            self.store.remove(Table::Statement, &pair)?;
            self.store
                .write(Table::Statement, &key_of(&[b"pair", &hidden]), &value)?;
        }
        Ok(self.store.remove_learner(learner)?)
    }

    /// Has a record read anew from what is left of it.
    fn read_anew(&mut self, learner: LearnerId) -> Result<(), EngineError> {
        for (key, _) in self
            .store
            .scan(Table::Record, &learner.0, &[], usize::MAX)?
        {
            self.store.remove(Table::Record, &key)?;
        }
        self.fold_again(learner)
    }

    /// Whether a stay is one of somebody who was erased here: its keys are not learnt again. A later one is
    /// of somebody who has come back.
    pub(super) fn was_stay_erased(
        &self,
        learner: LearnerId,
        stay: StayId,
    ) -> Result<bool, EngineError> {
        let at = stay_key(learner, stay);
        Ok(self.store.read(Table::Meta, &at)?.is_some())
    }

    /// Whether somebody was erased here.
    pub(super) fn was_erased(&self, learner: LearnerId) -> Result<bool, EngineError> {
        Ok(self
            .store
            .read(Table::Meta, &person_key(learner))?
            .is_some())
    }

    /// Says in this site's log which erasures were done here.
    pub(super) fn tell_erased(&mut self) -> Result<(), EngineError> {
        let rows = self.store.scan(Table::Meta, UNTOLD, &[], usize::MAX)?;
        if rows.is_empty() || self.may_write().is_err() {
            return Ok(());
        }
        let id = |key: &[u8]| key.get(UNTOLD.len()..).and_then(|id| id.try_into().ok());
        let ids = rows.iter().filter_map(|(key, _)| id(key));
        let entries: Vec<Entry> = ids.map(Entry::Erased).collect();
        self.write_control(&entries)?;
        for (key, _) in rows {
            self.store.remove(Table::Meta, &key)?;
        }
        Ok(())
    }

    /// Notes that a site has done an erasure.
    pub(super) fn read_erased(&mut self, site: SiteId, id: [u8; 16]) -> Result<(), EngineError> {
        let row = key_of(&[&id, b"by", &site.0.to_be_bytes()]);
        Ok(self.store.write(Table::Erasure, &row, &[])?)
    }

    /// The erasures that are known here, and who has done them.
    ///
    /// # Errors
    /// What the store says.
    pub fn erasures(&self) -> Result<Vec<ErasureLine>, EngineError> {
        let mut parcels: BTreeMap<[u8; 16], u64> = BTreeMap::new();
        let mut done: BTreeMap<[u8; 16], BTreeSet<SiteId>> = BTreeMap::new();
        for (key, value) in self.store.scan(Table::Erasure, &[], &[], usize::MAX)? {
            let id = learner_of(&key)?.0;
            match (&key[16..], <[u8; 8]>::try_from(value.as_slice())) {
                (b"parcels", Ok(count)) => {
                    parcels.insert(id, u64::from_be_bytes(count));
                }
                ([b'b', b'y', high, low], _) => {
                    let site = SiteId(u16::from_be_bytes([*high, *low]));
                    done.entry(id).or_default().insert(site);
                }
                _ => {}
            }
        }
        let line = |(id, parcels): ([u8; 16], u64)| {
            let done = done.get(&id).cloned().unwrap_or_default();
            let sites = || self.roster.sites.iter().map(|site| site.id);
            let codes = |which: bool| {
                let some = sites().filter(|site| done.contains(site) == which);
                some.map(|site| self.code(site)).collect()
            };
            ErasureLine {
                id: data_encoding::HEXLOWER.encode(&id),
                parcels,
                done: codes(true),
                waits: codes(false),
            }
        };
        Ok(parcels.into_iter().map(line).collect())
    }
}

/// The entries of an erasure.
fn parts((id, persons): ([u8; 16], bool), parcels: &BTreeSet<ErasedParcel>) -> Vec<Entry> {
    let all: Vec<ErasedParcel> = parcels.iter().copied().collect();
    let part = |some: &[ErasedParcel]| {
        Entry::Erasure(Erasure {
            id,
            persons,
            parcels: some.to_vec(),
        })
    };
    if all.is_empty() {
        return vec![part(&[])];
    }
    all.chunks(ERASURE_PARCELS_MAX).map(part).collect()
}
