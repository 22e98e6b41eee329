//! A store in memory: the reference for the contract, and what the simulator runs on.

use std::collections::BTreeMap;
use std::ops::Bound;

use spean_protocol::id::LearnerId;
use spean_protocol::totals::{Contribution, LearnerFacts};

use super::{LearnerRow, Row, Store, StoreError, Table};

type Learner = (LearnerRow, Vec<Contribution>);

/// What a transaction changed, with what was there before.
#[derive(Clone, Debug)]
enum Undo {
    Value(Table, Vec<u8>, Option<Vec<u8>>),
    Learner(LearnerId, Option<Box<Learner>>),
}

/// Everything in maps, and a list of what to put back if a transaction fails.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    tables: BTreeMap<(Table, Vec<u8>), Vec<u8>>,
    learners: BTreeMap<LearnerId, Learner>,
    undo: Vec<Undo>,
}

impl Memory {
    fn set(&mut self, table: Table, key: &[u8], value: Option<&[u8]>) {
        let place = (table, key.to_vec());
        let before = match value {
            Some(value) => self.tables.insert(place, value.to_vec()),
            None => self.tables.remove(&place),
        };
        self.undo.push(Undo::Value(table, key.to_vec(), before));
    }
}

impl Store for Memory {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.undo.clear();
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.undo.clear();
        Ok(())
    }

    fn rollback(&mut self) {
        for undo in std::mem::take(&mut self.undo).into_iter().rev() {
            match undo {
                Undo::Value(table, key, Some(value)) => {
                    self.tables.insert((table, key), value);
                }
                Undo::Value(table, key, None) => {
                    self.tables.remove(&(table, key));
                }
                Undo::Learner(id, Some(learner)) => {
                    self.learners.insert(id, *learner);
                }
                Undo::Learner(id, None) => {
                    self.learners.remove(&id);
                }
            }
        }
    }

    fn read(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.tables.get(&(table, key.to_vec())).cloned())
    }

    fn write(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.set(table, key, Some(value));
        Ok(())
    }

    fn remove(&mut self, table: Table, key: &[u8]) -> Result<(), StoreError> {
        self.set(table, key, None);
        Ok(())
    }

    fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let start = (table, prefix.max(from).to_vec());
        let rows = self
            .tables
            .range((Bound::Included(start), Bound::Unbounded));
        Ok(rows
            .take_while(|((of, key), _)| *of == table && key.starts_with(prefix))
            .take(limit)
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect())
    }

    fn put_learner(
        &mut self,
        row: &LearnerRow,
        contributions: &[Contribution],
    ) -> Result<(), StoreError> {
        let before = self
            .learners
            .insert(row.learner, (row.clone(), contributions.to_vec()));
        self.undo
            .push(Undo::Learner(row.learner, before.map(Box::new)));
        Ok(())
    }

    fn close_learner(&mut self, learner: LearnerId) -> Result<(), StoreError> {
        if let Some(entry) = self.learners.get_mut(&learner) {
            self.undo
                .push(Undo::Learner(learner, Some(Box::new(entry.clone()))));
            entry.0.here = false;
            entry.0.view.clear();
            entry.0.search.clear();
            entry.0.name.clear();
        }
        Ok(())
    }

    fn remove_learner(&mut self, learner: LearnerId) -> Result<(), StoreError> {
        if let Some(entry) = self.learners.remove(&learner) {
            self.undo
                .push(Undo::Learner(learner, Some(Box::new(entry))));
        }
        Ok(())
    }

    fn learner(&self, learner: LearnerId) -> Result<Option<LearnerRow>, StoreError> {
        Ok(self.learners.get(&learner).map(|(row, _)| row.clone()))
    }

    fn find(
        &self,
        needle: &str,
        here_only: bool,
        limit: usize,
    ) -> Result<Vec<LearnerRow>, StoreError> {
        let fits = |row: &&LearnerRow| {
            (row.here || !here_only) && (needle.is_empty() || row.search.contains(needle))
        };
        let rows = self.learners.values().map(|(row, _)| row).filter(fits);
        let mut rows: Vec<_> = rows.cloned().collect();
        rows.sort_by(|a, b| (&a.name, a.learner).cmp(&(&b.name, b.learner)));
        rows.truncate(limit);
        Ok(rows)
    }

    fn count_learners(&self, here_only: bool) -> Result<u64, StoreError> {
        let counts = |(row, _): &&Learner| row.here || !here_only;
        Ok(self.learners.values().filter(counts).count() as u64)
    }

    fn contributions(
        &self,
        each: &mut dyn FnMut(LearnerId, LearnerFacts, Vec<Contribution>),
    ) -> Result<(), StoreError> {
        for (learner, (row, contributions)) in &self.learners {
            each(*learner, row.facts, contributions.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_the_contract() {
        super::super::contract::passes(Memory::default);
    }
}
