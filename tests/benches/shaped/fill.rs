//! The first fill of a new site: from a site of ordinary size, without a cut, cut half-way by a
//! blackout that outlasts the connection, and by the death of the new site's process.

use crate::ground::Ground;
use crate::ground::lines::until;
use crate::pair::{PATIENCE, Pair, THIN};
use crate::table::Table;
use crate::{Scale, at_once, spread};

/// Lines for each way of being cut: these take a minute or two each.
const LINES: u64 = 3;

/// What cuts a fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    None,
    Blackout,
    Death,
}

/// What one fill cost.
struct Filled {
    cut: Cut,
    /// Of the whole exchange, without the handshake.
    seconds: f64,
    /// Handed to the line, both ways, all attempts.
    sent: u64,
    /// Came to the new site, all attempts.
    arrived: u64,
    /// Pieces that the second attempt brought once more.
    again: u64,
}

pub fn measure(table: &mut Table, driver: &'static str, scale: Scale) {
    let lines = LINES.min(scale.seeds);
    let all: Vec<_> = [Cut::None, Cut::Blackout, Cut::Death]
        .into_iter()
        .filter(|cut| scale.patient || *cut != Cut::Blackout)
        .flat_map(|cut| (0..lines).map(move |seed| (cut, seed)))
        .collect();
    let pairs = at_once(all, |(cut, seed)| (cut, prepare(driver, seed, scale)));
    // Half of what an uncut fill brings is known only when one has ended.
    let (uncut, cut): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(cut, _)| *cut == Cut::None);
    let uncut = at_once(uncut, |(cut, pair)| fill(pair, cut, 0));
    let mut arrived: Vec<u64> = uncut.iter().map(|filled| filled.arrived).collect();
    arrived.sort_unstable();
    let usual = arrived[arrived.len() / 2];
    let cut = at_once(cut, |(cut, pair)| fill(pair, cut, usual / 2));

    let learners = scale.learners;
    let name = format!("{driver}: first fill, {learners} learners, bytes");
    let sent = uncut.iter().map(|filled| filled.sent as f64).collect();
    spread(table, &name, sent, "B", None);
    let name = format!("{driver}: first fill, from the open connection");
    let seconds = uncut.iter().map(|filled| filled.seconds).collect();
    spread(table, &name, seconds, "s", None);
    let share = |filled: &Filled| {
        let carried = filled.arrived as f64 * 8.0 / filled.seconds;
        100.0 * (1.0 - carried / THIN.bits_per_second as f64)
    };
    let name = format!("{driver}: first fill, the line's rate left unused");
    spread(table, &name, uncut.iter().map(share).collect(), "%", None);
    for (how, words) in [(Cut::Blackout, "a blackout"), (Cut::Death, "a kill")] {
        let these = || cut.iter().filter(move |filled| filled.cut == how);
        if these().next().is_none() {
            continue;
        }
        let name = format!("{driver}: cut half-way by {words}, bytes beyond an uncut fill");
        let beyond = these()
            .map(|filled| filled.arrived as f64 - usual as f64)
            .collect();
        spread(table, &name, beyond, "B", Some(65_536.0));
        let again = these().map(|filled| filled.again).max().unwrap();
        table.add("  whole segments sent anew, worst", again as f64, "", None);
    }
}

/// An old site with a log, and a new one that has not been started.
fn prepare(driver: &'static str, seed: u64, scale: Scale) -> Pair {
    let ground = Ground::of(&["OLD", "NEW"]);
    ground.import_learners("OLD", scale.learners);
    ground.import_events("OLD", scale.learners, 0..19 * scale.learners);
    Pair::new(ground, "NEW", ("OLD", "OLD"), driver, seed)
}

fn fill(mut pair: Pair, cut: Cut, half: u64) -> Filled {
    pair.start();
    let half_is_there = |pair: &Pair| {
        until("half of the fill", PATIENCE, || {
            pair.line.down().delivered.bytes > half
        });
        assert_eq!(pair.ground.dialled("NEW"), [], "cut before its end");
    };
    match cut {
        Cut::None => {}
        Cut::Blackout => {
            half_is_there(&pair);
            pair.line.darken(true);
            assert!(!pair.ended(1).whole);
            pair.line.darken(false);
        }
        Cut::Death => {
            half_is_there(&pair);
            pair.kill();
            pair.start();
        }
    }
    let whole = pair.whole();
    pair.settled();
    let filled = Filled {
        cut,
        seconds: whole.exchange_ms as f64 / 1_000.0,
        sent: pair.line.sent_bytes(),
        arrived: pair.line.down().delivered.bytes,
        again: whole.refused,
    };
    pair.level();
    pair.assert_level();
    filled
}
