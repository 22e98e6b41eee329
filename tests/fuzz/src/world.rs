//! A small nation and whatever happens to it: bytes read as acts of the simulated nation, which its
//! own runner plays and all its checkers judge. Where the swarm draws a year of likely misfortune, a
//! fuzzer puts unlikely ones on top of each other: an image restored between two cuts of the power.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use spean_simulations::act::{Act, Evil, Mishap, Step, Way};
use spean_simulations::dice::Dice;
use spean_simulations::faults::{Counts, Fault};
use spean_simulations::plan::{DAY, HOUR};
use spean_simulations::run::play_safely;
use spean_simulations::scenario::Scenario;
use spean_simulations::shrink::{Regression, shrink};

use super::input::Input;

/// Acts of one input, and days of its world: so few that it is played in tens of milliseconds.
const ACTS_MAX: usize = 40;
const DAYS: u32 = 20;

/// Kinds of acts, the frequent ones several times.
const KINDS: u8 = 32;

/// Learners of a prison in the beginning.
const LEARNERS: u32 = 2;

/// Prisons of the first roster, and of the last.
const PRISONS: [usize; 2] = [3, 4];

/// What the ids and keys of all worlds come from: no input can choose them.
const SEED: u64 = 1;

/// Plays of a failing plan, at most, to leave out what it does not need.
const TRIES_MAX: u32 = 400;

/// The nation before anything happens. What its scenario says of chance is for plans that are drawn;
/// here the input is the plan.
static NATION: LazyLock<Scenario> = LazyLock::new(|| {
    let mut nation = Scenario::load("swarm").unwrap();
    nation.name = "fuzz".to_owned();
    nation.days = DAYS;
    nation.sites.truncate(PRISONS[1]);
    nation.sites_at_first = PRISONS[0];
    nation.people.learners = LEARNERS;
    nation
});

/// What hit in the worlds that were played.
static MET: Mutex<Counts> = Mutex::new(Counts(BTreeMap::new()));

/// Kinds of misfortune that hit in no world so far: a corpus whose bytes no longer mean what they
/// meant would show here. No input holds windows without a connection, which change nothing, nor slow
/// disks, which do what a thin line does.
pub fn never_met() -> Vec<Fault> {
    let nothing = [Fault::WindowFailed, Fault::Outage, Fault::DiskSlow];
    let met = MET.lock().unwrap();
    let never = |fault: &Fault| met.of(*fault) == 0 && !nothing.contains(fault);
    Fault::ALL.iter().copied().filter(never).collect()
}

/// No promise is broken. With `SPEAN_WRITE_PLAN=FILE`, the plan of one that was, cut down, is written
/// there, as `spean-simulations replay FILE --trace` reads it.
pub fn world(bytes: &[u8]) {
    let steps = steps(&mut Input(bytes));
    let outcome = play_safely(&NATION, SEED, &steps);
    MET.lock().unwrap().merge(&outcome.happened);
    let Some(failure) = outcome.failure else {
        return;
    };
    if let Some(path) = std::env::var_os("SPEAN_WRITE_PLAN") {
        let promise = failure.promise;
        let (scenario, steps) = shrink(&NATION, SEED, &steps, promise, TRIES_MAX, &mut |_, _| {});
        let plan = Regression {
            why: failure.what.clone(),
            promise,
            seed: SEED,
            scenario,
            steps,
        };
        plan.save(Path::new(&path)).unwrap();
    }
    panic!("{failure:?} in {steps:#?}");
}

/// Acts in the order of time, each with the hours since the one before and with chance of its own:
/// what is changed in one does not change what another draws.
fn steps(input: &mut Input<'_>) -> Vec<Step> {
    let (mut steps, mut at) = (Vec::new(), 0);
    while !input.is_empty() && steps.len() < ACTS_MAX && at < u64::from(DAYS) * DAY {
        at += u64::from(input.byte() % 32) * HOUR;
        let salt = Dice::new(input.number().into(), "fuzz").number();
        let act = act(input);
        steps.push(Step { at, salt, act });
    }
    steps
}

/// Any place: the head office, a prison, one that is not there yet.
fn place(input: &mut Input<'_>) -> usize {
    input.one_of(PRISONS[1] + 1)
}

fn prison(input: &mut Input<'_>) -> usize {
    1 + input.one_of(PRISONS[1])
}

/// From one to so many.
fn some(input: &mut Input<'_>, most: u8) -> u32 {
    1 + u32::from(input.byte() % most)
}

fn signed(input: &mut Input<'_>) -> i64 {
    i16::from_le_bytes([input.byte(), input.byte()]).into()
}

/// Operations of a disk until it fails: few as often as many.
fn operations(input: &mut Input<'_>) -> u64 {
    u64::from(input.byte()) << input.one_of(5)
}

/// What a plan can hold; what follows from it, such as an arrival, the world does itself. People are
/// at prisons and bad nodes are prisons, as in every plan: the checkers build on it.
fn act(input: &mut Input<'_>) -> Act {
    match input.byte() % KINDS {
        0 | 1 => Act::Lab {
            site: prison(input),
            events: some(input, 8),
        },
        2..=4 => Act::Link {
            a: place(input),
            b: place(input),
            bytes: u64::MAX,
            broken: None,
            slow: false,
        },
        5 | 6 => Act::Link {
            a: place(input),
            b: place(input),
            bytes: u64::MAX,
            broken: Some((input.number() % 0x1000).into()),
            slow: false,
        },
        7 => Act::Link {
            a: place(input),
            b: place(input),
            bytes: (input.number() % 0x1000).into(),
            broken: None,
            slow: false,
        },
        8..=10 => moves(input),
        11..=13 => tour(input),
        14 => Act::Again {
            copy: input.one_of(2),
            site: place(input),
        },
        15 => Act::Newcomers {
            site: prison(input),
            count: some(input, 2),
        },
        16 => Act::Rows {
            site: prison(input),
            count: some(input, 8),
        },
        17 => Act::Release {
            site: prison(input),
        },
        18 => Act::Decide,
        19 | 20 => Act::Power {
            site: place(input),
            operations: operations(input),
            kept: input.one_of(2) == 1,
            minutes: some(input, 255),
            again: some(input, 4) - 1,
        },
        21 => Act::Switch {
            site: place(input),
            machine: input.one_of(2),
            on: input.one_of(2) == 1,
        },
        22 => Act::DiskError {
            site: place(input),
            operations: operations(input),
        },
        23 => Act::DiskFull {
            site: place(input),
            hours: some(input, 72),
        },
        24 => Act::Image { site: place(input) },
        25 => Act::RollBack { site: place(input) },
        26 => Act::Snapshot { site: place(input) },
        27 => Act::Resume {
            site: place(input),
            beside: input.one_of(2) == 1,
        },
        28 => machine(input),
        29 => Act::Clock {
            site: place(input),
            ahead: signed(input) * 86_400,
            drift: signed(input),
            forgets: input.one_of(2) == 1,
        },
        30 => program(input),
        _ => Act::Evil {
            author: 1 + input.one_of(PRISONS[0]),
            to: place(input),
            what: evil(input),
        },
    }
}

fn moves(input: &mut Input<'_>) -> Act {
    let flags = input.byte();
    let is = |bit: u8| flags & (1 << bit) != 0;
    let mut way = Way {
        hours: some(input, 96),
        first_session_days: some(input, 3) - 1,
        slip: !is(0),
        van_stick: is(1),
        anew: is(2),
        ..Way::default()
    };
    let (from, to) = (prison(input), prison(input));
    let count = some(input, 3);
    if is(3) {
        way.recorded_after_days = some(input, 8);
    }
    if is(4) {
        way.written = Some(prison(input));
    }
    if is(5) {
        way.onward = Some((prison(input), some(input, 120)));
    } else if is(6) {
        way.released_after_hours = Some(some(input, 120));
    }
    Act::Move {
        from,
        to: (!is(7)).then_some(to),
        count,
        way,
    }
}

fn tour(input: &mut Input<'_>) -> Act {
    let stops = 2 + input.one_of(4);
    let stops: Vec<(usize, u32)> = (0..stops)
        .map(|_| (place(input), some(input, 72)))
        .collect();
    let room = match input.number() {
        0 => u64::MAX,
        room => room.into(),
    };
    let mishaps = (0..input.one_of(4)).map(|_| (input.one_of(stops.len()), mishap(input)));
    Act::Tour {
        mishaps: mishaps.collect(),
        stops,
        room,
    }
}

fn mishap(input: &mut Input<'_>) -> Mishap {
    match input.one_of(8) {
        0 => Mishap::Copied,
        1 => Mishap::Pulled((input.number() % 0x1000).into()),
        2 => Mishap::Rotten,
        3 => Mishap::Astray(place(input)),
        4 => Mishap::Late(some(input, 12)),
        5 => Mishap::Unknown,
        6 => Mishap::Lost,
        _ => Mishap::Forgotten,
    }
}

/// What happens to a whole machine.
fn machine(input: &mut Input<'_>) -> Act {
    let site = place(input);
    match input.one_of(3) {
        0 => Act::Clone { site },
        1 => Act::Lose { site },
        _ => Act::Steal { site },
    }
}

/// What other versions and rosters do.
fn program(input: &mut Input<'_>) -> Act {
    match input.one_of(2) {
        0 => Act::Newer {
            site: prison(input),
        },
        _ => Act::Roster {
            site: place(input),
            prisons: PRISONS[input.one_of(2)],
        },
    }
}

fn evil(input: &mut Input<'_>) -> Evil {
    match input.one_of(5) {
        0 => Evil::Fork,
        1 => Evil::Forge,
        2 => Evil::Flood(some(input, 48)),
        3 => Evil::Replay,
        _ => Evil::BackDate,
    }
}

/// A story around each kind of act: with it acts of the kind before it, such as the image that is
/// then restored, and what any of them needs to matter, in turns.
pub fn worlds() -> Vec<Vec<u8>> {
    let story = |kind: u8| {
        let mut dice = Dice::new(kind.into(), "fuzz seed");
        let turns = [0, 2, 8, 11, 2, kind.saturating_sub(1), kind, 2];
        let mut bytes = Vec::new();
        for turn in turns.repeat(ACTS_MAX / turns.len()) {
            let drawn = dice.bytes();
            bytes.extend([drawn[29] % 24, drawn[30], drawn[31]]);
            let whole = [&[turn][..], &drawn].concat();
            let mut rest = Input(&whole);
            let _ = act(&mut rest);
            bytes.extend(&whole[..whole.len() - rest.0.len()]);
        }
        bytes
    };
    (0..KINDS).map(story).collect()
}
