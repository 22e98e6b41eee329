//! What erased persons added to the figures: it goes on to count, with nothing that says whose it is. The DGP
//! seals it to itself and to the escrow, so that a head office that begins with nothing has it again.

use std::collections::{BTreeMap, BTreeSet};

use spean_protocol::codec;
use spean_protocol::control::Entry;
use spean_protocol::erasure::{AllRemains, Remains, remains_info};
use spean_protocol::id::{LearnerId, SiteId};
use spean_protocol::limits::ERASED_ROWS_MAX;
use spean_protocol::seal::{self, Secret, derive};
use spean_protocol::segment::Log;
use spean_protocol::totals::{Contribution, LearnerFacts};

use super::keys::{key_of, learner_of};
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Persons whose remains are sealed together.
const REMAINS_TOGETHER: usize = 4;

/// Rows of one person that are kept, and of several that are sealed together: what an entry holds. Somebody
/// with a row of every kind in every month has fewer in thirty years.
const ROWS_TOGETHER: usize = 3 * ERASED_ROWS_MAX;

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
        let mut people = Vec::new();
        for ids in persons {
            let of_ids = ids.iter().filter_map(|id| rows.remove(id));
            let (person, left_out) = in_parts(of_ids.collect());
            if left_out > 0 {
                self.set_aside(&format!(
                    "{left_out} rows of an erased person in the figures: more than anybody has"
                ))?;
            }
            people.push(person);
        }
        let mut entries = Vec::new();
        while !people.is_empty() {
            let mut count = 0;
            let fits = people.iter().take_while(|person| {
                count += person.iter().map(|(_, rows)| rows.len()).sum::<usize>();
                count <= ROWS_TOGETHER
            });
            let fits = fits.count().clamp(1, REMAINS_TOGETHER.min(people.len()));
            let content = AllRemains(people.drain(..fits).collect()).encode();
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

    /// At the DGP: seals once more what remains of people under keys of a cohort or of one before it, before
    /// those are destroyed.
    pub(super) fn repost_remains(&mut self, cohort: u16) -> Result<(), EngineError> {
        let seeds: Vec<Secret> = self.identity.boxes.values().cloned().collect();
        let mut later = BTreeSet::new();
        for (at, entry) in self.control_entries(self.site)? {
            if let Entry::Remains {
                id,
                escrow: false,
                sealed,
            } = entry
                && let Some(segment) = self.header_at(at.run, Log::Control, at.height)?
                && segment.header.cohort > cohort
            {
                let info = remains_info(self.site, &id, false);
                let mut opened = seeds
                    .iter()
                    .filter_map(|seed| seal::box_open(seed, &info, &sealed).ok());
                later.extend(
                    opened
                        .next()
                        .map(|content| (id, *blake3::hash(&content).as_bytes())),
                );
            }
        }
        let mut entries = Vec::new();
        for (key, content) in self.store.scan(Table::Remains, &[], &[], usize::MAX)? {
            let id = learner_of(&key)?.0;
            if !later.contains(&(id, *blake3::hash(&content).as_bytes())) {
                entries.extend(self.sealed_remains(id, &content)?);
            }
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

/// A person's rows in parts of which each can be read, and how many were left out.
fn in_parts(records: Vec<(LearnerFacts, Vec<Contribution>)>) -> (Remains, usize) {
    let (mut person, mut room, mut left_out) = (Remains::new(), ROWS_TOGETHER, 0);
    for (facts, rows) in records {
        let kept = rows.len().min(room);
        room -= kept;
        left_out += rows.len() - kept;
        match rows[..kept].chunks(ERASED_ROWS_MAX) {
            parts if parts.len() == 0 => person.push((facts, Vec::new())),
            parts => person.extend(parts.map(|some| (facts, some.to_vec()))),
        }
    }
    (person, left_out)
}
