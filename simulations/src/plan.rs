//! From a scenario and a seed to a plan: everything that will be tried, in order of time. What of it
//! has an effect, the world shows.

use crate::act::{Act, Step};
use crate::dice::Dice;
use crate::faults::{Counts, Fault};
use crate::scenario::Scenario;
use crate::{adversary, clocks, disks, links, people, power, software, sticks};

/// Seconds of an hour.
pub const HOUR: u64 = 3_600;
/// Seconds of a day.
pub const DAY: u64 = 24 * HOUR;

/// A plan under way.
pub struct Planner<'a> {
    /// What it is for.
    pub scenario: &'a Scenario,
    /// What is planned of each kind of misfortune.
    pub planned: Counts,
    steps: Vec<Step>,
    seed: u64,
}

impl Planner<'_> {
    /// A stream of draws for one use.
    #[must_use]
    pub fn dice(&self, of: &str) -> Dice {
        Dice::new(self.seed, of)
    }

    /// Adds an act.
    pub fn add(&mut self, at: u64, act: Act) {
        let salt = Dice::new(self.seed ^ at, &format!("step {}", self.steps.len())).number();
        self.steps.push(Step { at, salt, act });
    }

    /// Adds an act that is a misfortune.
    pub fn mishap(&mut self, fault: Fault, at: u64, act: Act) {
        self.planned.add(fault);
        self.add(at, act);
    }

    /// The steps so far, for who changes some.
    pub fn steps(&mut self) -> &mut [Step] {
        &mut self.steps
    }

    /// Seconds from the beginning to the end.
    #[must_use]
    pub fn end(&self) -> u64 {
        u64::from(self.scenario.days) * DAY
    }

    /// The prisons.
    #[must_use]
    pub fn prisons(&self) -> std::ops::RangeInclusive<usize> {
        1..=self.scenario.sites.len()
    }

    /// Times at which something happens that is expected so often a year.
    pub fn yearly(&self, dice: &mut Dice, rate: f64) -> Vec<u64> {
        let times = dice.times(rate * f64::from(self.scenario.days) / 365.0);
        (0..times).map(|_| dice.below(self.end())).collect()
    }
}

/// The plan of a seed, and what misfortune it holds.
#[must_use]
pub fn plan(scenario: &Scenario, seed: u64) -> (Vec<Step>, Counts) {
    let mut planner = Planner {
        scenario,
        planned: Counts::default(),
        steps: scenario.steps.clone(),
        seed,
    };
    people::plan(&mut planner);
    links::plan(&mut planner);
    sticks::plan(&mut planner);
    power::plan(&mut planner);
    disks::plan(&mut planner);
    clocks::plan(&mut planner);
    software::plan(&mut planner);
    adversary::plan(&mut planner);
    let mut steps = planner.steps;
    steps.sort_by_key(|step| step.at);
    (steps, planner.planned)
}
