//! The n-th operation of the disk fails, for one n after the other, until the workload passes with
//! the fault untouched: the engine answers with an error, the step is done again after the fault,
//! and in the end all that was acknowledged is there, once, also after a power cut.

use std::collections::BTreeMap;

use spean::engine::{Engine, install_roster};
use spean::store::sqlite::Sqlite;
use spean::store::{Store, Table};
use spean_protocol::id::LearnerId;

use super::Problem;
use super::disk::{Disk, Fault, Trouble};
use super::image::{Cut, Platter, Variant};
use super::network::{HERE, roster, start};
use super::workload::{Facts, Others, Stage, steps};

/// What the runs with one kind of fault saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Runs of the workload in which the fault struck.
    pub runs: u64,
    /// Operations that failed in them.
    pub failed: u64,
    /// Steps that answered with an error and were done again.
    pub answered: u64,
    /// Runs in which no step answered with an error: SQLite did without the operation.
    pub unnoticed: u64,
    /// The first n at which the workload passed untouched.
    pub untouched: u64,
}

/// Runs the workload with the operation failing after `first`, `first + stride`, ... that could
/// have
/// had the same trouble: with each trouble, once for that operation alone and once for all from
/// there on until a step has answered with an error. `progress` hears n after each run.
///
/// # Errors
/// What was wrong, with the run in which it was.
pub fn failing(
    first: u64,
    stride: u64,
    progress: &mut dyn FnMut(Trouble, bool, u64),
) -> Result<BTreeMap<(Trouble, bool), Faults>, Problem> {
    let others = Others::new()?;
    let mut all = BTreeMap::new();
    for trouble in [Trouble::Input, Trouble::Full, Trouble::Busy] {
        for lasting in [false, true] {
            let mut faults = Faults::default();
            for after in (first..).step_by(usize::try_from(stride.max(1))?) {
                let fault = Fault {
                    trouble,
                    after,
                    lasting,
                    failed: 0,
                };
                let run = Run::new(fault)?.through(&others);
                let run =
                    run.map_err(|why| format!("{trouble:?}, lasting {lasting}, n {after}: {why}"))?;
                progress(trouble, lasting, after);
                if run.failed == 0 {
                    faults.untouched = after;
                    break;
                }
                faults.runs += 1;
                faults.failed += run.failed;
                faults.answered += run.answered;
                faults.unnoticed += u64::from(run.answered == 0);
            }
            all.insert((trouble, lasting), faults);
        }
    }
    Ok(all)
}

/// One run of the workload on a disk with a fault.
struct Run {
    disk: Disk,
    failed: u64,
    answered: u64,
}

impl Run {
    fn new(fault: Fault) -> Result<Self, Problem> {
        let disk = Disk::new(Platter::default())?;
        disk.set_fault(Some(fault));
        Ok(Self {
            disk,
            failed: 0,
            answered: 0,
        })
    }

    fn through(mut self, others: &Others) -> Result<Self, Problem> {
        let here = self.insist("opening", |disk| open(disk, 1))?;
        let mut stage = Stage::new(here, others)?;
        for step in steps() {
            self.insist(&format!("{step:?}"), |_| stage.run(step))?;
        }
        self.lift();
        let given = |learner: &LearnerId| {
            let items = stage.given.get(learner)?;
            Some((*learner, items.iter().copied().collect()))
        };
        let given: BTreeMap<_, Vec<u32>> = stage.learners.iter().filter_map(given).collect();
        let learners = stage.learners.clone();
        let same = |when: &str, node: &mut Engine<Sqlite>| -> Result<(), Problem> {
            if Facts::of(node, &learners)?.items == given {
                return Ok(());
            }
            Err(format!("{when}: events that were acknowledged are missing or there twice").into())
        };
        same("before it stops", &mut stage.here)?;
        let mut cut = Cut::new(Platter::default());
        let tape = self.disk.take_tape();
        tape.iter().for_each(|change| cut.advance(change));
        let after = Disk::new(cut.image(Variant::Dropped, 0))?;
        same("after a power cut", &mut open(&after, 2)?)?;
        drop(stage);
        same("after a restart", &mut open(&self.disk, 3)?)?;
        match self.disk.integrity()?.as_str() {
            "ok" => Ok(self),
            wrong => Err(format!("integrity check: {wrong}").into()),
        }
    }

    /// Does something, and once more where it failed because of the fault.
    fn insist<T>(
        &mut self,
        what: &str,
        mut work: impl FnMut(&Disk) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let first = match work(&self.disk) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        if self.lift() == 0 {
            return Err(format!("{what}: {first}").into());
        }
        self.answered += 1;
        work(&self.disk).map_err(|again| format!("{what}: {first}, and once more: {again}").into())
    }

    /// Takes the fault away; how many operations it had failed.
    fn lift(&mut self) -> u64 {
        let failed = self.disk.set_fault(None).map_or(0, |fault| fault.failed);
        self.failed += failed;
        failed
    }
}

/// Opens the node on the disk, as it is after its first installation or later.
fn open(disk: &Disk, number: u64) -> Result<Engine<Sqlite>, Problem> {
    let mut store = disk.store()?;
    if store.read(Table::Meta, b"roster")?.is_none() {
        install_roster(&mut store, &roster()?)?;
    }
    Ok(start(HERE, store, number)?)
}
