//! A store that notes of each transaction what the database holds after it, as one hash of all
//! rows,
//! and how far the disk's tape had come when it was acknowledged.

use std::sync::{Arc, Mutex};

use spean::store::sqlite::Sqlite;
use spean::store::{LearnerRow, Row, Store, StoreError, Table};
use spean_protocol::codec;
use spean_protocol::id::LearnerId;
use spean_protocol::totals::{Contribution, LearnerFacts};

use super::disk::{Disk, lock};

/// A hash of all rows of all tables.
pub(super) type Digest = [u8; 32];

/// A transaction that was acknowledged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Commit {
    /// So many changes had been made on the disk.
    pub position: usize,
    pub digest: Digest,
}

/// The store of the recording.
pub(super) struct Witness {
    store: Sqlite,
    disk: Arc<Disk>,
    commits: Arc<Mutex<Vec<Commit>>>,
}

impl Witness {
    pub(super) fn new(
        store: Sqlite,
        disk: Arc<Disk>,
        commits: Arc<Mutex<Vec<Commit>>>,
    ) -> Result<Self, StoreError> {
        let witness = Self {
            store,
            disk,
            commits,
        };
        witness.note()?;
        Ok(witness)
    }

    fn note(&self) -> Result<(), StoreError> {
        let position = self.disk.position();
        let mut commits = lock(&self.commits);
        // A transaction that wrote nothing leaves the database as it is.
        if commits.last().is_none_or(|last| last.position < position) {
            let digest = digest(&self.store)?;
            commits.push(Commit { position, digest });
        }
        Ok(())
    }
}

/// Everything that a store holds.
pub(super) fn digest(store: &impl Store) -> Result<Digest, StoreError> {
    let mut hasher = blake3::Hasher::new();
    for table in Table::ALL {
        for row in store.scan(table, &[], &[], usize::MAX)? {
            hasher.update(&codec::encode(&(table.name(), row)));
        }
    }
    for row in store.find("", false, usize::MAX)? {
        let LearnerRow {
            learner,
            here,
            name,
            search,
            facts: _,
            view,
        } = row;
        hasher.update(&codec::encode(&(learner, here, name, search, view)));
    }
    store.contributions(&mut |learner, facts, rows| {
        hasher.update(format!("{learner} {facts:?} {rows:?}").as_bytes());
    })?;
    Ok(*hasher.finalize().as_bytes())
}

impl Store for Witness {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.store.begin()
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.store.commit()?;
        self.note()
    }

    fn rollback(&mut self) {
        self.store.rollback();
    }

    fn read(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.read(table, key)
    }

    fn write(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.store.write(table, key, value)
    }

    fn remove(&mut self, table: Table, key: &[u8]) -> Result<(), StoreError> {
        self.store.remove(table, key)
    }

    fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.store.scan(table, prefix, from, limit)
    }

    fn put_learner(
        &mut self,
        row: &LearnerRow,
        contributions: &[Contribution],
    ) -> Result<(), StoreError> {
        self.store.put_learner(row, contributions)
    }

    fn close_learner(&mut self, learner: LearnerId) -> Result<(), StoreError> {
        self.store.close_learner(learner)
    }

    fn remove_learner(&mut self, learner: LearnerId) -> Result<(), StoreError> {
        self.store.remove_learner(learner)
    }

    fn learner(&self, learner: LearnerId) -> Result<Option<LearnerRow>, StoreError> {
        self.store.learner(learner)
    }

    fn find(
        &self,
        needle: &str,
        here_only: bool,
        limit: usize,
    ) -> Result<Vec<LearnerRow>, StoreError> {
        self.store.find(needle, here_only, limit)
    }

    fn count_learners(&self, here_only: bool) -> Result<u64, StoreError> {
        self.store.count_learners(here_only)
    }

    fn contributions(
        &self,
        each: &mut dyn FnMut(LearnerId, LearnerFacts, Vec<Contribution>),
    ) -> Result<(), StoreError> {
        self.store.contributions(each)
    }
}
