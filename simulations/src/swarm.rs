//! A swarm: many seeds of a small nation, each with its own mix of misfortunes. Which classes are on,
//! and how strongly, is drawn from the seed, so that no class hides behind another.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::checkers::Failure;
use crate::dice::Dice;
use crate::faults::{Counts, Fault};
use crate::run::{Outcome, run_safely};
use crate::scenario::Scenario;

/// Every so many seeds one is played twice: the traces must be the same.
const TWICE_EVERY: u64 = 100;

/// What came of a swarm.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Swarm {
    /// Seeds that were played.
    pub seeds: u64,
    /// Seeds that were played twice.
    pub twice: u64,
    /// Days of nodes: days times sites.
    pub site_days: u64,
    /// Events that were acknowledged.
    pub events: u64,
    /// Exchanges.
    pub exchanges: u64,
    /// Sticks put in.
    pub stops: u64,
    /// Transfers with a first session after them.
    pub transfers: u64,
    /// Misfortunes that were planned.
    pub planned: Counts,
    /// Those that hit.
    pub happened: Counts,
    /// Seeds that broke a promise.
    pub failures: BTreeMap<u64, Failure>,
    /// Seconds that it took.
    pub seconds: u64,
}

impl Swarm {
    fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.site_days += u64::from(outcome.days) * outcome.sites as u64;
        self.events += outcome.events;
        self.exchanges += outcome.measures.exchanges;
        self.stops += outcome.measures.stops;
        self.transfers += outcome.measures.transfers.len() as u64;
        self.planned.merge(&outcome.planned);
        self.happened.merge(&outcome.happened);
        if let Some(failure) = &outcome.failure {
            self.failures.insert(outcome.seed, failure.clone());
        }
    }

    /// Kinds of misfortune that were planned and never hit in any seed.
    #[must_use]
    pub fn missed(&self) -> Vec<Fault> {
        Counts::never_happened(&self.planned, &self.happened, 1)
    }

    /// Whether every promise held and every planned kind of misfortune hit.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.failures.is_empty() && self.missed().is_empty()
    }
}

/// The scenario of one seed of a swarm.
#[must_use]
pub fn scenario_of(base: &Scenario, seed: u64) -> Scenario {
    let mut dice = Dice::new(seed, "mix");
    let mut scenario = base.clone();
    // Off, as in the scenario, or much more of it.
    let mut strength = || match dice.below(4) {
        0 => 0.0,
        1 | 2 => 1.0,
        _ => 6.0,
    };
    let [
        links,
        sticks,
        power,
        disks,
        clocks,
        people,
        software,
        adversary,
    ] = std::array::from_fn(|_| strength());
    let share = |value: f64, by: f64| (value * by).min(0.6);
    for class in scenario.classes.values_mut() {
        class.fail = share(class.fail, links);
        class.cut = share(class.cut, links * 2.0);
        class.outages_yearly *= links;
    }
    let of = &mut scenario.sticks;
    for value in [
        &mut of.small,
        &mut of.lost,
        &mut of.forgotten,
        &mut of.pulled,
        &mut of.rotten,
        &mut of.astray,
        &mut of.late,
        &mut of.copied,
    ] {
        *value = share(*value, sticks);
    }
    let of = &mut scenario.power;
    of.cut_daily = share(of.cut_daily, power);
    of.again = share(of.again, power * 2.0);
    let of = &mut scenario.disks;
    for value in [
        &mut of.full,
        &mut of.error,
        &mut of.slow,
        &mut of.rolled_back,
        &mut of.resumed,
        &mut of.cloned,
        &mut of.lost,
    ] {
        *value *= disks * 2.0;
    }
    let of = &mut scenario.clocks;
    of.lost *= clocks * 2.0;
    of.forgets = share(of.forgets, clocks);
    let of = &mut scenario.people;
    for value in [
        &mut of.no_notice,
        &mut of.wrong_prison,
        &mut of.anew,
        &mut of.without_node,
        &mut of.moved_on,
        &mut of.back,
        &mut of.released_soon,
    ] {
        *value = share(*value, people);
    }
    of.transfers_monthly *= people.max(0.3);
    let of = &mut scenario.software;
    of.newer_daily *= software * 4.0;
    of.unknown_piece = share(of.unknown_piece, software);
    of.rosters *= software;
    let of = &mut scenario.adversary;
    for value in [
        &mut of.forks,
        &mut of.forges,
        &mut of.floods,
        &mut of.replays,
        &mut of.back_dates,
    ] {
        *value *= adversary;
    }
    scenario
}

/// Plays seeds from `first` on, on so many threads, until so many are done or the time is over.
/// `progress` hears after each seed how it stands.
pub fn swarm(
    base: &Scenario,
    (first, seeds): (u64, u64),
    time: Option<Duration>,
    threads: usize,
    progress: &(dyn Fn(&Swarm) + Sync),
) -> Swarm {
    let begun = Instant::now();
    let next = AtomicU64::new(first);
    let over = AtomicBool::new(false);
    let result = Mutex::new(Swarm::default());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let late = time.is_some_and(|time| begun.elapsed() >= time);
                    if late || seed >= first.saturating_add(seeds) || over.load(Ordering::Relaxed) {
                        return;
                    }
                    let scenario = scenario_of(base, seed);
                    let mut outcome = run_safely(&scenario, seed);
                    let twice = seed.is_multiple_of(TWICE_EVERY);
                    if twice && outcome.failure.is_none() {
                        outcome.failure = differs(&scenario, &outcome);
                    }
                    let Ok(mut result) = result.lock() else {
                        return;
                    };
                    result.add(&outcome);
                    result.twice += u64::from(twice);
                    result.seconds = begun.elapsed().as_secs();
                    progress(&result);
                }
            });
        }
    });
    result.into_inner().unwrap_or_default()
}

/// Plays the seed again; a failure where its trace is another.
fn differs(scenario: &Scenario, outcome: &Outcome) -> Option<Failure> {
    let again = run_safely(scenario, outcome.seed);
    (again.trace != outcome.trace).then(|| Failure {
        promise: crate::checkers::Promise::SameFold,
        at: 0,
        what: format!(
            "played twice, the seed has traces {} and {}",
            outcome.trace, again.trace
        ),
    })
}
