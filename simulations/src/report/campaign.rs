//! The campaign: the same seeds for every combination, on all cores, until there are enough
//! transfers. Whole seeds only, so that the same command plays the same ones however fast the
//! machine is.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::report::played::{Played, play};
use crate::scenario::Scenario;

/// Shares of transfers with a slip.
pub const SLIPS: [f64; 3] = [0.1, 0.5, 0.9];
/// Shares of transfers in whose van a stick goes along.
pub const VANS: [f64; 2] = [0.0, 1.0];
/// Combinations of both.
pub const COMBINATIONS: usize = SLIPS.len() * VANS.len();
/// Seeds at most, however few transfers they bring.
const SEEDS_MAX: usize = 400;

/// The slip share and the van share of a combination.
#[must_use]
pub fn shares(combination: usize) -> (f64, f64) {
    let slips = SLIPS[combination % SLIPS.len()];
    let vans = VANS[combination / SLIPS.len() % VANS.len()];
    (slips, vans)
}

/// The scenario of a combination.
#[must_use]
pub fn scenario_of(base: &Scenario, combination: usize) -> Scenario {
    let mut scenario = base.clone();
    (scenario.people.slip, scenario.sticks.in_van) = shares(combination);
    scenario
}

/// By seed, from 1 on, what each combination brought.
pub type Seeds = BTreeMap<u64, [Played; COMBINATIONS]>;

/// Plays seeds from 1 on, on so many threads, until so many transfers count. `progress` hears after
/// each one how many there are.
pub fn campaign(
    base: &Scenario,
    transfers: u64,
    threads: usize,
    progress: &(dyn Fn(u64) + Sync),
) -> Seeds {
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, Played>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let enough = |done: &_| enough(done, transfers).is_some();
                    if number >= SEEDS_MAX * COMBINATIONS || done.lock().is_ok_and(|d| enough(&d)) {
                        return;
                    }
                    let seed = (number / COMBINATIONS) as u64 + 1;
                    let played = play(&scenario_of(base, number % COMBINATIONS), seed);
                    let Ok(mut done) = done.lock() else {
                        return;
                    };
                    done.insert(number, played);
                    progress(done.values().map(counted).sum());
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_default();
    let seeds = enough(&done, transfers).unwrap_or(done.len() / COMBINATIONS);
    whole_seeds(done, seeds)
}

fn counted(played: &Played) -> u64 {
    played.counted().count() as u64
}

/// How many whole seeds from the first on bring so many transfers.
fn enough(done: &BTreeMap<usize, Played>, transfers: u64) -> Option<usize> {
    let mut sum = 0;
    for number in 0.. {
        sum += counted(done.get(&number)?);
        if (number + 1) % COMBINATIONS == 0 && sum >= transfers {
            return Some((number + 1) / COMBINATIONS);
        }
    }
    None
}

fn whole_seeds(done: BTreeMap<usize, Played>, seeds: usize) -> Seeds {
    let mut found = Seeds::new();
    for (number, played) in done {
        let (seed, combination) = (number / COMBINATIONS, number % COMBINATIONS);
        if seed < seeds {
            let of_seed = found.entry(seed as u64 + 1).or_default();
            of_seed[combination] = played;
        }
    }
    found
}
