//! A disk that fails as the world says: the store of one machine. What was committed outlives the
//! power; an operation may fail, all may fail until there is room again, and the power may go
//! inside any of them, also between keeping a commit and saying so.

use std::cell::{RefCell, RefMut};
use std::rc::Rc;

use spean::store::memory::Memory;
use spean::store::{LearnerRow, Row, Store, StoreError, Table};
use spean_protocol::id::LearnerId;
use spean_protocol::totals::{Contribution, LearnerFacts};

/// What fails, once so many operations are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// The power goes, or after the next commit was kept and before anybody was told.
    Power {
        /// A commit is waited for, and kept.
        kept: bool,
    },
    /// One operation fails.
    Error,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Write,
    Commit,
}

#[derive(Debug, Default)]
struct Inner {
    memory: Memory,
    armed: Option<(u64, Failing)>,
    dead: bool,
    full: bool,
    /// What hit since somebody looked.
    hit: Option<Failing>,
    kept_unsaid: bool,
    quiet: bool,
}

/// A handle of a disk. The machine's engine has another.
#[derive(Clone, Debug, Default)]
pub struct Disk(Rc<RefCell<Inner>>);

impl Disk {
    /// A disk with that on it.
    #[must_use]
    pub fn of(memory: Memory) -> Self {
        let disk = Self::default();
        disk.inner().memory = memory;
        disk
    }

    fn inner(&self) -> RefMut<'_, Inner> {
        self.0.borrow_mut()
    }

    /// What is on it.
    #[must_use]
    pub fn image(&self) -> Memory {
        self.0.borrow().memory.clone()
    }

    /// Arms a failure after so many operations.
    pub fn arm(&self, operations: u64, failing: Failing) {
        self.inner().armed = Some((operations, failing));
    }

    /// Nothing fails any more.
    pub fn disarm(&self) {
        self.inner().armed = None;
    }

    /// Whether it is full from now on.
    pub fn fill(&self, full: bool) {
        self.inner().full = full;
    }

    /// Whether nothing can be written to it.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.borrow().full
    }

    /// Whether the power went.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.0.borrow().dead
    }

    /// What hit since this was asked last, and whether a commit was kept that nobody was told of.
    pub fn take_hit(&self) -> (Option<Failing>, bool) {
        let mut inner = self.inner();
        (inner.hit.take(), std::mem::take(&mut inner.kept_unsaid))
    }

    /// The power is back: what was not committed is gone.
    pub fn power_on(&self) {
        let mut inner = self.inner();
        inner.memory.rollback();
        inner.dead = false;
    }

    /// The power goes now, between two operations.
    pub fn power_off(&self) {
        self.inner().dead = true;
    }

    /// Whether a failure of the disk may be what the engine answers with.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        let inner = self.0.borrow();
        inner.full || inner.hit == Some(Failing::Error)
    }

    /// Looks at what is on it, as nothing of the machine does.
    pub fn look<T>(&self, see: impl FnOnce(&Memory) -> T) -> T {
        see(&self.0.borrow().memory)
    }

    /// Bytes of keys and values in a table.
    #[must_use]
    pub fn bytes(&self, table: Table) -> u64 {
        let rows = self.look(|memory| memory.scan(table, &[], &[], usize::MAX));
        let length = |(key, value): &Row| (key.len() + value.len()) as u64;
        rows.unwrap_or_default().iter().map(length).sum()
    }

    /// The same of all tables.
    #[must_use]
    pub fn bytes_of_all(&self) -> u64 {
        Table::ALL.iter().map(|table| self.bytes(*table)).sum()
    }

    /// Does something for a checker: meanwhile nothing fails, and nothing counts as an operation.
    pub fn quietly<T>(&self, work: impl FnOnce() -> T) -> T {
        self.inner().quiet = true;
        let done = work();
        self.inner().quiet = false;
        done
    }

    /// Runs an operation, or fails as armed.
    fn operate<T>(
        &self,
        kind: Kind,
        work: impl FnOnce(&mut Memory) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut inner = self.inner();
        if inner.quiet {
            return work(&mut inner.memory);
        }
        if inner.dead {
            return Err(no_power());
        }
        match inner.armed {
            // It is to hit the next commit.
            Some((0, Failing::Power { kept: true })) if kind != Kind::Commit => {}
            Some((0, failing)) => {
                inner.armed = None;
                inner.hit = Some(failing);
                match failing {
                    Failing::Power { kept } => {
                        inner.dead = true;
                        if kept {
                            work(&mut inner.memory)?;
                            inner.kept_unsaid = true;
                        }
                        return Err(no_power());
                    }
                    Failing::Error => return Err(failed()),
                }
            }
            Some((left, failing)) => inner.armed = Some((left - 1, failing)),
            None => {}
        }
        if kind != Kind::Read && inner.full {
            return Err(StoreError::Full);
        }
        work(&mut inner.memory)
    }
}

fn no_power() -> StoreError {
    StoreError::Other("no power".to_owned())
}

fn failed() -> StoreError {
    StoreError::Other("input or output failed".to_owned())
}

impl Store for Disk {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.operate(Kind::Read, Memory::begin)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.operate(Kind::Commit, Memory::commit)
    }

    fn rollback(&mut self) {
        let mut inner = self.inner();
        if !inner.dead {
            inner.memory.rollback();
        }
    }

    fn read(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.operate(Kind::Read, |memory| memory.read(table, key))
    }

    fn write(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.operate(Kind::Write, |memory| memory.write(table, key, value))
    }

    fn remove(&mut self, table: Table, key: &[u8]) -> Result<(), StoreError> {
        self.operate(Kind::Write, |memory| memory.remove(table, key))
    }

    fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.operate(Kind::Read, |memory| memory.scan(table, prefix, from, limit))
    }

    fn put_learner(
        &mut self,
        row: &LearnerRow,
        contributions: &[Contribution],
    ) -> Result<(), StoreError> {
        self.operate(Kind::Write, |memory| memory.put_learner(row, contributions))
    }

    fn close_learner(&mut self, learner: LearnerId) -> Result<(), StoreError> {
        self.operate(Kind::Write, |memory| memory.close_learner(learner))
    }

    fn remove_learner(&mut self, learner: LearnerId) -> Result<(), StoreError> {
        self.operate(Kind::Write, |memory| memory.remove_learner(learner))
    }

    fn learner(&self, learner: LearnerId) -> Result<Option<LearnerRow>, StoreError> {
        self.operate(Kind::Read, |memory| memory.learner(learner))
    }

    fn find(
        &self,
        needle: &str,
        here_only: bool,
        limit: usize,
    ) -> Result<Vec<LearnerRow>, StoreError> {
        self.operate(Kind::Read, |memory| memory.find(needle, here_only, limit))
    }

    fn count_learners(&self, here_only: bool) -> Result<u64, StoreError> {
        self.operate(Kind::Read, |memory| memory.count_learners(here_only))
    }

    fn contributions(
        &self,
        each: &mut dyn FnMut(LearnerId, LearnerFacts, Vec<Contribution>),
    ) -> Result<(), StoreError> {
        self.operate(Kind::Read, |memory| memory.contributions(each))
    }
}
