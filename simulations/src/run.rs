//! One run: a scenario and a seed, or a list of steps, played to its end and judged.

use std::any::Any;

use serde::{Deserialize, Serialize};

use crate::act::Step;
use crate::checkers::{self, Failure, Promise};
use crate::faults::{Counts, Fault};
use crate::measures::Measures;
use crate::plan::plan;
use crate::scenario::Scenario;
use crate::world::World;

/// Planned acts of a kind from which on it must have happened in a run of its own.
const OFTEN: u64 = 12;

/// What came of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The scenario's name.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The first promise that was broken.
    pub failure: Option<Failure>,
    /// The hash of all that happened: the same for the same seed.
    pub trace: String,
    /// Days that were played.
    pub days: u32,
    /// Sites with the head office.
    pub sites: usize,
    /// Events that were acknowledged.
    pub events: u64,
    /// Misfortunes that were planned.
    pub planned: Counts,
    /// Those that hit.
    pub happened: Counts,
    /// What was measured.
    pub measures: Measures,
}

impl Outcome {
    /// Kinds of misfortune that were planned often and never hit.
    #[must_use]
    pub fn missed(&self) -> Vec<Fault> {
        Counts::never_happened(&self.planned, &self.happened, OFTEN)
    }
}

/// Plays a seed of a scenario. `progress` hears each day.
pub fn run(scenario: &Scenario, seed: u64, progress: &mut dyn FnMut(u64)) -> Outcome {
    let (steps, planned) = plan(scenario, seed);
    let mut world = World::new(scenario, seed);
    let mut outcome = play(&mut world, &steps, progress);
    outcome.planned = planned;
    outcome
}

/// Plays steps in a world, to the end or to the first failure, and judges it.
pub fn play(world: &mut World, steps: &[Step], progress: &mut dyn FnMut(u64)) -> Outcome {
    world.play(steps, progress);
    if world.failures.is_empty() {
        checkers::finally(world);
    }
    Outcome {
        scenario: world.scenario.name.clone(),
        seed: world.seed,
        failure: world.failures.first().cloned(),
        trace: world.trace.hash(),
        days: world.scenario.days,
        sites: world.listed + 1,
        events: world.ledger.facts.len() as u64,
        planned: Counts::default(),
        happened: world.happened.clone(),
        measures: world.measures.clone(),
    }
}

/// The same; a panic of the engine is a failure like any other.
#[must_use]
pub fn run_safely(scenario: &Scenario, seed: u64) -> Outcome {
    safely(scenario, seed, || run(scenario, seed, &mut |_| {}))
}

/// Plays steps in a new world; a panic is a failure.
#[must_use]
pub fn play_safely(scenario: &Scenario, seed: u64, steps: &[Step]) -> Outcome {
    safely(scenario, seed, || {
        let mut world = World::new(scenario, seed);
        play(&mut world, steps, &mut |_| {})
    })
}

/// What a panic said.
pub(crate) fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    format!("panic: {}", text.unwrap_or_default())
}

fn safely(scenario: &Scenario, seed: u64, work: impl FnOnce() -> Outcome) -> Outcome {
    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    played.unwrap_or_else(|panic| {
        let what = said(&*panic);
        Outcome {
            scenario: scenario.name.clone(),
            seed,
            failure: Some(Failure {
                promise: Promise::Unattended,
                at: 0,
                what,
            }),
            trace: String::new(),
            days: scenario.days,
            sites: scenario.sites_at_first + 1,
            events: 0,
            planned: Counts::default(),
            happened: Counts::default(),
            measures: Measures::default(),
        }
    })
}
