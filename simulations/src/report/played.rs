//! One seed of one combination, played and cut down to what a report needs. Measured is what came
//! about in the scenario's days; the rounds without faults that follow, in which all must become
//! the same, are judged and not measured.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::act::Step;
use crate::checkers::{self, Failure, Promise};
use crate::faults::Counts;
use crate::measures::{Measures, Transfer};
use crate::plan::{DAY, plan};
use crate::report::past::{Past, pasts};
use crate::scenario::Scenario;
use crate::world::{World, place_of};

/// Broken promises after which a run is no longer played on.
const BREAKS_MAX: usize = 1_000;

/// A transfer with what was recorded before it.
#[derive(Clone, Debug)]
pub struct Moved {
    /// The transfer.
    pub transfer: Transfer,
    /// Something was recorded of him before he left.
    pub has_past: bool,
    /// His record would have been open by way of the head office.
    pub through_head_office: bool,
}

/// When the head office came to know an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Known {
    /// So many seconds after it was recorded.
    After(u64),
    /// Not when the days were over.
    Never,
}

/// What came of one seed of one combination.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// The seed.
    pub seed: u64,
    /// Days that were played.
    pub days: u64,
    /// The transfers with a first session after them.
    pub transfers: Vec<Moved>,
    /// By place, how soon the head office knew the events of the first half of the days: the second
    /// half is the time they have.
    pub known: BTreeMap<usize, Vec<Known>>,
    /// Everything else that was measured.
    pub measures: Measures,
    /// Events that were acknowledged.
    pub events: u64,
    /// Misfortunes that were planned.
    pub planned: Counts,
    /// Those that hit.
    pub happened: Counts,
    /// The first promise that broke.
    pub failure: Option<Failure>,
}

impl Played {
    /// Transfers that count: of people of whom something was recorded before.
    pub fn counted(&self) -> impl Iterator<Item = &Moved> {
        self.transfers.iter().filter(|one| one.has_past)
    }
}

/// Plays a seed. A panic of the engine is a failure like any other; nothing is measured of it.
#[must_use]
pub fn play(scenario: &Scenario, seed: u64) -> Played {
    let played = catch_unwind(AssertUnwindSafe(|| play_and_measure(scenario, seed)));
    played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Played {
            seed,
            failure: Some(Failure {
                promise: Promise::Unattended,
                at: 0,
                what: format!("panic: {}", text.unwrap_or_default()),
            }),
            ..Played::default()
        }
    })
}

fn play_and_measure(scenario: &Scenario, seed: u64) -> Played {
    let (steps, planned) = plan(scenario, seed);
    let mut world = World::new(scenario, seed);
    let failure = play_on(&mut world, &steps);
    let transfers = pasts(&world)
        .iter()
        .zip(&world.measures.transfers)
        .map(|(past, transfer)| moved(&world.measures, past, *transfer))
        .collect();
    let mut played = Played {
        seed,
        days: world.now / DAY,
        transfers,
        known: known(&world),
        measures: world.measures.clone(),
        events: world.ledger.facts.len() as u64,
        planned,
        happened: world.happened.clone(),
        failure,
    };
    if played.failure.is_none() {
        checkers::finally(&mut world);
        played.failure = world.failures.first().cloned();
    }
    played
}

/// Plays to the end of the days. A world stops at its first broken promise; here it is noted and
/// the world goes on, for what was to be measured happens all the same, and leaving the rest of
/// those runs out would measure the first weeks more than the others. Returns the first that broke.
fn play_on(world: &mut World, steps: &[Step]) -> Option<Failure> {
    world.play(steps, &mut |_| {});
    let first = world.failures.first().cloned();
    // The first learners are there already.
    world.scenario.people.learners = 0;
    for _ in 0..BREAKS_MAX {
        if world.failures.is_empty() {
            break;
        }
        world.failures.clear();
        world.play(&[], &mut |_| {});
    }
    first
}

fn moved(measures: &Measures, past: &Past, transfer: Transfer) -> Moved {
    let (to, by) = (transfer.to, transfer.first_session);
    Moved {
        transfer,
        has_past: !past.is_empty(),
        through_head_office: measures.open_through_head_office(past, to, by),
    }
}

fn known(world: &World) -> BTreeMap<usize, Vec<Known>> {
    let mut known: BTreeMap<usize, Vec<Known>> = BTreeMap::new();
    let early = |at: u64| at <= world.now / 2;
    for fact in world.ledger.facts.iter().filter(|fact| early(fact.at)) {
        let sealing = fact.sealing.map(|number| &world.ledger.sealings[number]);
        let when = match sealing.and_then(|sealing| sealing.known_at) {
            Some(at) => Known::After(at.saturating_sub(fact.at)),
            None => Known::Never,
        };
        known.entry(place_of(fact.site)).or_default().push(when);
    }
    known
}
