//! Which keys this node holds and what each of them opens. Keys come from this site's own custody
//! keys, from wraps, registers, keyrings, grants and slips; whichever it was, the key and the
//! labels that follow from it are all that counts afterwards.

use std::collections::BTreeMap;

use spean_protocol::codec;
use spean_protocol::id::{Label, LearnerId, RunId, SiteId, StayId, Stream};
use spean_protocol::seal::Secret;
use spean_protocol::stay::{CustodyKey, HeldKey, StayKey};

use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Recent runs of which the labels are kept at hand.
const OPENERS_MAX: usize = 64;

/// What opens the parcels of a label.
#[derive(Clone, Debug)]
pub enum Opener {
    /// A learner's stay.
    Stay(LearnerId, HeldKey),
    /// The register of the site, under a custody key.
    Register(CustodyKey, Secret),
}

/// What waits to be folded: the run, the key of the label, and the lowest height that is new.
pub(super) type Dirty = (RunId, HeldKey, u32);

/// Builds a key of several fixed-length parts.
pub fn key_of(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// The learner with whose id a key starts.
pub(super) fn learner_of(key: &[u8]) -> Result<LearnerId, EngineError> {
    let id = key.first_chunk().copied().map(LearnerId);
    id.ok_or(EngineError::Malformed("a learner's id"))
}

/// How keys of a learner's stream start.
pub fn learner_stream(learner: LearnerId, stream: Stream) -> Vec<u8> {
    key_of(&[&learner.0, &[stream.byte()]])
}

impl<S: Store> Engine<S> {
    /// The custody keys of a site that are known here.
    pub(super) fn custody_keys(&self, site: SiteId) -> Result<Vec<CustodyKey>, EngineError> {
        let rows = self
            .store
            .scan(Table::Custody, &site.0.to_be_bytes(), &[], usize::MAX)?;
        rows.iter()
            .map(|(_, value)| Ok(codec::decode(value)?))
            .collect()
    }

    /// Keeps a custody key; `true` if it was new.
    pub(super) fn keep_custody_key(&mut self, key: &CustodyKey) -> Result<bool, EngineError> {
        let place = custody_place(key);
        if self.store.read(Table::Custody, &place)?.is_some() {
            return Ok(false);
        }
        self.store
            .write(Table::Custody, &place, &codec::encode(key))?;
        self.openers.clear();
        Ok(true)
    }

    /// Forgets a custody key, and what was noted of its register.
    pub(super) fn forget_custody_key(&mut self, key: &CustodyKey) -> Result<(), EngineError> {
        let name = key.id();
        self.store.remove(Table::Custody, &custody_place(key))?;
        for (place, _) in self
            .store
            .scan(Table::Registered, &name.0, &[], usize::MAX)?
        {
            self.store.remove(Table::Registered, &place)?;
        }
        Ok(())
    }

    /// Reads the registers that a custody key opens: for a key that came after them.
    pub(super) fn read_registers(&mut self, key: &CustodyKey) -> Result<(), EngineError> {
        let runs: Vec<RunId> = self.skeleton.bases(key.site).collect();
        for run in runs {
            let (secret, label) = key.register(run);
            self.read_register(key, &secret, run, label, 0)?;
        }
        Ok(())
    }

    /// Every key of a learner that is held here.
    pub(super) fn keys_of(&self, learner: LearnerId) -> Result<Vec<HeldKey>, EngineError> {
        let mut keys = Vec::new();
        for site in self.roster.sites.iter().map(|site| site.id) {
            let prefix = key_of(&[&site.0.to_be_bytes(), &learner.0]);
            for (place, value) in self.store.scan(Table::StayKey, &prefix, &[], usize::MAX)? {
                keys.push(held_key(&place, &value)?.1);
            }
        }
        Ok(keys)
    }

    /// Keeps a stay key and marks what it opens; `true` if it was new.
    pub(super) fn keep_stay_key(
        &mut self,
        learner: LearnerId,
        held: &HeldKey,
    ) -> Result<bool, EngineError> {
        let place = key_of(&[
            &held.site.0.to_be_bytes(),
            &learner.0,
            &[held.stream.byte()],
            &held.stay.0,
            &held.fingerprint(),
        ]);
        if self.store.read(Table::StayKey, &place)?.is_some() {
            return Ok(false);
        }
        // Who comes back is somebody to the DGP from his new stay on, and to a prison once he is there.
        let elsewhere = !self.is_headquarters() && self.own_stay(learner)?.is_none();
        if self.was_stay_erased(learner, held.stay)? || elsewhere && self.was_erased(learner)? {
            return Ok(false);
        }
        self.store.write(Table::StayKey, &place, &held.key.0.0)?;
        let runs: Vec<RunId> = self.skeleton.bases(held.site).collect();
        for run in runs {
            let label = held.key.label(learner, held.stream, run);
            if let Some(openers) = self.openers.get_mut(&run) {
                openers.insert(label, Opener::Stay(learner, held.clone()));
            }
            if !self.store.scan(Table::Parcel, &label.0, &[], 1)?.is_empty() {
                self.mark_dirty(learner, held, (run, label), 0)?;
            }
        }
        Ok(true)
    }

    /// What opens which label of a run.
    pub(super) fn openers(&mut self, run: RunId) -> Result<&BTreeMap<Label, Opener>, EngineError> {
        if !self.openers.contains_key(&run) {
            let found = self.find_openers(run)?;
            if self.openers.len() >= OPENERS_MAX {
                self.openers.pop_first();
            }
            self.openers.insert(run, found);
        }
        Ok(self.openers.entry(run).or_default())
    }

    fn find_openers(&self, run: RunId) -> Result<BTreeMap<Label, Opener>, EngineError> {
        let mut found = BTreeMap::new();
        let Some(site) = self.skeleton.run(run).map(|run| run.site) else {
            return Ok(found);
        };
        for (place, value) in
            self.store
                .scan(Table::StayKey, &site.0.to_be_bytes(), &[], usize::MAX)?
        {
            let (learner, held) = held_key(&place, &value)?;
            let label = held.key.label(learner, held.stream, run);
            found.insert(label, Opener::Stay(learner, held));
        }
        for custody in self.custody_keys(site)? {
            let (secret, label) = custody.register(run);
            found.insert(label, Opener::Register(custody, secret));
        }
        Ok(found)
    }

    /// Marks a learner to be folded once more, where nothing of him came: at once where no key of his
    /// is here.
    pub(super) fn fold_again(&mut self, learner: LearnerId) -> Result<(), EngineError> {
        for held in self.keys_of(learner)? {
            let run = self.skeleton.bases(held.site).next();
            if let Some(run) = run {
                let label = held.key.label(learner, held.stream, run);
                return self.mark_dirty(learner, &held, (run, label), u32::MAX);
            }
        }
        self.refresh(learner)
    }

    /// Notes that a label has parcels to fold, the lowest at `height`.
    pub(super) fn mark_dirty(
        &mut self,
        learner: LearnerId,
        held: &HeldKey,
        (run, label): (RunId, Label),
        height: u32,
    ) -> Result<(), EngineError> {
        let place = key_of(&[&learner_stream(learner, held.stream), &label.0]);
        let lowest = match self.store.read(Table::Dirty, &place)? {
            Some(bytes) => codec::decode::<Dirty>(&bytes)?.2.min(height),
            None => height,
        };
        let value = codec::encode(&(run, held, lowest));
        Ok(self.store.write(Table::Dirty, &place, &value)?)
    }
}

fn custody_place(key: &CustodyKey) -> Vec<u8> {
    key_of(&[
        &key.site.0.to_be_bytes(),
        &key.cohort.to_be_bytes(),
        &[key.stream.byte()],
        &key.id().0,
    ])
}

/// Reads a row of [`Table::StayKey`].
pub(super) fn held_key(place: &[u8], value: &[u8]) -> Result<(LearnerId, HeldKey), EngineError> {
    let wrong = || EngineError::Malformed("a stay key");
    let part = |from: usize| -> Option<[u8; 16]> { place.get(from..from + 16)?.try_into().ok() };
    let site = place
        .get(..2)
        .and_then(|b| b.try_into().ok())
        .ok_or_else(wrong)?;
    let stream = match place.get(18) {
        Some(0) => Stream::Education,
        Some(1) => Stream::Restricted,
        _ => return Err(wrong()),
    };
    let key = HeldKey {
        site: SiteId(u16::from_be_bytes(site)),
        stream,
        stay: StayId(part(19).ok_or_else(wrong)?),
        key: StayKey(Secret(value.try_into().map_err(|_| wrong())?)),
    };
    Ok((LearnerId(part(2).ok_or_else(wrong)?), key))
}
