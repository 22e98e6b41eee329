//! What erased persons added to the figures: it goes on to count, with nothing that says whose it is. The DGP
//! seals it to itself and to the escrow, so that a head office that begins with nothing has it again.

use std::collections::{BTreeMap, BTreeSet};

use spean_protocol::codec;
use spean_protocol::control::Entry;
use spean_protocol::erasure::{AllRemains, Remains, remains_info};
use spean_protocol::id::{LearnerId, SiteId};
use spean_protocol::limits::ERASED_ROWS_MAX;
use spean_protocol::seal::{self, Secret, derive};

use super::keys::{key_of, learner_of};
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Persons whose remains are sealed together: far less than an entry holds.
const REMAINS_TOGETHER: usize = 4;

impl<S: Store> Engine<S> {
    /// What these persons added to the figures, sealed.
    pub(super) fn remains_of(
        &mut self,
        persons: &[Vec<LearnerId>],
        id: [u8; 16],
    ) -> Result<Vec<Entry>, EngineError> {
        let mut rows = BTreeMap::new();
        let all: BTreeSet<LearnerId> = persons.iter().flatten().copied().collect();
        self.store.contributions(&mut |learner, facts, some| {
            if all.contains(&learner) {
                rows.insert(learner, (facts, some));
            }
        })?;
        let of_person = |ids: &Vec<LearnerId>| -> Remains {
            ids.iter().filter_map(|id| rows.get(id).cloned()).collect()
        };
        let mut entries = Vec::new();
        for some in persons.chunks(REMAINS_TOGETHER) {
            let content = AllRemains(some.iter().map(of_person).collect()).encode();
            // What nobody could read again would be lost to the figures.
            if AllRemains::decode(&content).is_err() {
                return Err(EngineError::Refused(format!(
                    "more remains of a person in the figures than {ERASED_ROWS_MAX} rows of a record"
                )));
            }
            entries.extend(self.sealed_remains(id, &content)?);
        }
        Ok(entries)
    }

    /// Remains for the DGP and for the escrow, under their keys of the cohort in force.
    fn sealed_remains(&mut self, id: [u8; 16], content: &[u8]) -> Result<Vec<Entry>, EngineError> {
        let cohort = self.roster.cohort_of(self.site);
        let own = self.roster.box_key(self.site);
        let readers = [(false, own), (true, self.roster.escrow_key(cohort))];
        let mut entries = Vec::new();
        for (escrow, key) in readers {
            let Some(key) = key else {
                continue;
            };
            let entropy = self.entropy(content);
            let info = remains_info(self.site, &id, escrow);
            let sealed = seal::box_seal(&key, &info, content, entropy)?;
            entries.push(Entry::Remains { id, escrow, sealed });
        }
        Ok(entries)
    }

    /// At the DGP: seals all remains once more, before the keys that they stand under are destroyed.
    pub(super) fn repost_remains(&mut self) -> Result<(), EngineError> {
        let mut entries = Vec::new();
        for (key, content) in self.store.scan(Table::Remains, &[], &[], usize::MAX)? {
            let id = learner_of(&key)?.0;
            entries.extend(self.sealed_remains(id, &content)?);
        }
        match entries.as_slice() {
            [] => Ok(()),
            some => self.write_control(some),
        }
    }

    /// Keeps what learners added to this prison's own figures, each as a person.
    pub(super) fn keep_own_remains(
        &mut self,
        learners: &BTreeSet<LearnerId>,
    ) -> Result<(), EngineError> {
        let mut remains: Vec<(LearnerId, Remains)> = Vec::new();
        self.store.contributions(&mut |one, facts, rows| {
            if learners.contains(&one) && !rows.is_empty() {
                remains.push((one, vec![(facts, rows)]));
            }
        })?;
        for (learner, person) in remains {
            let hidden = self.fresh_id("remains", &learner.0);
            let content = AllRemains(vec![person]).encode();
            self.store.write(Table::Remains, &hidden, &content)?;
        }
        Ok(())
    }

    /// Takes what remains of erased persons, where one of these seeds opens it.
    pub(super) fn read_remains(
        &mut self,
        from: SiteId,
        (id, escrow): ([u8; 16], bool),
        sealed: &[u8],
        seeds: &[Secret],
    ) -> Result<(), EngineError> {
        if self.roster.headquarters().map(|site| site.id) != Some(from) || !self.is_headquarters() {
            return Ok(());
        }
        let info = remains_info(from, &id, escrow);
        let opened = seeds
            .iter()
            .find_map(|seed| seal::box_open(seed, &info, sealed).ok());
        let Some(content) = opened else {
            return Ok(());
        };
        if AllRemains::decode(&content).is_err() {
            return self.set_aside("remains of an erasure that do not read");
        }
        let name = blake3::hash(&content);
        let at = key_of(&[&id, &name.as_bytes()[..8]]);
        Ok(self.store.write(Table::Remains, &at, &content)?)
    }

    /// What erased persons added to the figures here, each as somebody nobody knows.
    pub(super) fn remains(&self) -> Result<Vec<(LearnerId, Remains)>, EngineError> {
        let mut all = Vec::new();
        for (key, content) in self.store.scan(Table::Remains, &[], &[], usize::MAX)? {
            // What came was checked when it came; a prison's own may be more than a message holds.
            let kept: AllRemains = codec::decode(&content)?;
            for (number, person) in (0_u64..).zip(kept.0) {
                let hidden = derive("spean 2026 remains v1", &[&key, &number.to_be_bytes()]);
                let mut id = [0; 16];
                id.copy_from_slice(&hidden[..16]);
                all.push((LearnerId(id), person));
            }
        }
        Ok(all)
    }
}
