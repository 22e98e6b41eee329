//! The workload, run once on a disk that keeps its tape: what was asked of the disk, and what had
//! been acknowledged at each place of it.

use std::sync::{Arc, Mutex};

use spean::engine::install_roster;
use spean_protocol::id::LearnerId;

use super::disk::{Disk, lock};
use super::image::{Change, Platter};
use super::network::{HERE, roster, start};
use super::witness::{Commit, Witness};
use super::workload::{Facts, Others, Stage, steps};
use super::{Problem, Report};

/// A step that was acknowledged.
pub(super) struct Done {
    /// So many changes had been made on the disk.
    pub position: usize,
    pub step: String,
    /// What the site held then.
    pub facts: Facts,
}

/// A tape and what is to be held against its images.
pub(super) struct Recording {
    pub tape: Vec<Change>,
    /// All transactions in order; the first is the schema of an empty database.
    pub commits: Vec<Commit>,
    /// All steps in order; the first is the roster.
    pub done: Vec<Done>,
    /// The learners whose loans are told.
    pub learners: Vec<LearnerId>,
}

impl Recording {
    pub(super) fn of(lies: bool) -> Result<Self, Problem> {
        let disk = Arc::new(Disk::new(Platter::default())?);
        if lies {
            disk.lie();
        }
        let commits = Arc::new(Mutex::new(Vec::new()));
        let mut store = Witness::new(disk.store()?, disk.clone(), commits.clone())?;
        install_roster(&mut store, &roster()?)?;
        let mut done = vec![Done {
            position: disk.position(),
            step: "the roster".to_owned(),
            facts: Facts::default(),
        }];
        let mut stage = Stage::new(start(HERE, store, 1)?, &Others::new()?)?;
        for step in steps() {
            stage.run(step)?;
            let position = disk.position();
            let facts = Facts::of(&mut stage.here, &stage.learners)?;
            let step = format!("{step:?}");
            done.push(Done {
                position,
                step,
                facts,
            });
        }
        let learners = stage.learners.clone();
        // To close is work too: the last checkpoint, and the WAL goes.
        drop(stage);
        let commits = lock(&commits).clone();
        Ok(Self {
            tape: disk.take_tape(),
            commits,
            done,
            learners,
        })
    }

    /// What the site was doing when so many changes had been made.
    pub(super) fn step_at(&self, position: usize) -> String {
        let under_way = self.done.iter().find(|done| done.position > position);
        under_way.map_or_else(|| "closing".to_owned(), |done| done.step.clone())
    }

    /// What can be said before any image was checked.
    pub(super) fn report(&self) -> Report {
        let closing = self.done.last().map_or(0, |done| done.position);
        // The database is the first file. With a WAL, only a checkpoint syncs it, once.
        let of_database = |change: &&Change| matches!(change, Change::Sync { file: Some(0), .. });
        let started = self.commits.first().map_or(0, |commit| commit.position);
        let running = &self.tape[started.min(closing)..closing];
        Report {
            changes: self.tape.len() as u64,
            commits: self.commits.len() as u64,
            checkpoints: running.iter().filter(of_database).count() as u64,
            ..Report::default()
        }
    }
}
