//! Cuts a failing plan down to the few steps that break the promise: steps are dropped in ever
//! smaller pieces as long as the same promise breaks (delta debugging: Zeller and Hildebrandt,
//! "Simplifying and Isolating Failure-Inducing Input", 2002). What is left is kept in a file that
//! needs neither the plan's generator nor its seed.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::act::Step;
use crate::checkers::Promise;
use crate::run::{Outcome, play_safely};
use crate::scenario::Scenario;

/// A failing seed, cut down.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Regression {
    /// What was wrong, in a line.
    pub why: String,
    /// The promise that it broke.
    pub promise: Promise,
    /// The seed that found it.
    pub seed: u64,
    /// The world.
    pub scenario: Scenario,
    /// The steps.
    pub steps: Vec<Step>,
}

impl Regression {
    /// Reads one.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn load(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
        serde_json::from_str(&text).map_err(|error| format!("{shown}: {error}"))
    }

    /// Writes it.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), String> {
        let shown = path.display();
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        std::fs::write(path, text + "\n").map_err(|error| format!("{shown}: {error}"))
    }

    /// Plays it.
    #[must_use]
    pub fn play(&self) -> Outcome {
        play_safely(&self.scenario, self.seed, &self.steps)
    }
}

/// Drops what is not needed for the promise to break. `progress` hears how many steps are left and
/// how many tries were made.
pub fn shrink(
    scenario: &Scenario,
    seed: u64,
    steps: &[Step],
    promise: Promise,
    tries_max: u32,
    progress: &mut dyn FnMut(usize, u32),
) -> (Scenario, Vec<Step>) {
    let mut tries = 0;
    let mut scenario = scenario.clone();
    let breaks = |scenario: &Scenario, steps: &[Step]| {
        let failure = play_safely(scenario, seed, steps).failure;
        failure.is_some_and(|failure| failure.promise == promise)
    };
    let mut steps = steps.to_vec();
    // Days and people first: that makes everything after it quick.
    if let Some(failure) = play_safely(&scenario, seed, &steps).failure {
        let day = u32::try_from(failure.at / 86_400).unwrap_or(u32::MAX) + 1;
        steps.retain(|step| step.at <= failure.at);
        scenario.days = scenario.days.min(day);
    }
    let mut piece = steps.len().div_ceil(2).max(1);
    while tries < tries_max {
        let mut at = 0;
        let before = steps.len();
        while at < steps.len() && tries < tries_max {
            let end = (at + piece).min(steps.len());
            let fewer = [&steps[..at], &steps[end..]].concat();
            tries += 1;
            if breaks(&scenario, &fewer) {
                steps = fewer;
            } else {
                at = end;
            }
            progress(steps.len(), tries);
        }
        if piece == 1 && steps.len() == before {
            break;
        }
        piece = (piece / 2).max(1);
    }
    for learners in [1, 2, 3] {
        let mut smaller = scenario.clone();
        smaller.people.learners = learners;
        tries += 1;
        if learners < scenario.people.learners && breaks(&smaller, &steps) {
            scenario = smaller;
            break;
        }
        progress(steps.len(), tries);
    }
    (scenario, steps)
}
