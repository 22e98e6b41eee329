//! Contacts with nothing new, and 100 new events of 25 learners, of one site with the head office.

use crate::ground::Ground;
use crate::ground::lines::Dialled;
use crate::pair::Pair;
use crate::table::Table;
use crate::{Scale, at_once, spread};

/// What one line showed.
struct Seen {
    same: Vec<(Dialled, u64)>,
    events: Vec<(Dialled, u64)>,
    ended_early: usize,
}

pub fn measure(table: &mut Table, driver: &'static str, scale: Scale) {
    let seeds = (0..scale.seeds).collect();
    let pairs = at_once(seeds, |seed| prepare(driver, seed));
    let seen = at_once(pairs, |pair| over(&pair, scale));
    let same: Vec<_> = seen.iter().flat_map(|line| &line.same).collect();
    let events: Vec<_> = seen.iter().flat_map(|line| &line.events).collect();
    let limits = match driver {
        "quinn" => (Some(6_144.0), Some(4.0)),
        _ => (None, None),
    };
    let bytes = |of: &[&(Dialled, u64)]| of.iter().map(|(_, bytes)| *bytes as f64).collect();
    let exchange = |of: &[&(Dialled, u64)]| -> Vec<f64> {
        of.iter().map(|(d, _)| seconds(d.exchange_ms)).collect()
    };
    let cold = |of: &[&(Dialled, u64)]| -> Vec<f64> {
        let cold = |d: &Dialled| seconds(d.dial_ms + d.exchange_ms);
        of.iter().map(|(d, _)| cold(d)).collect()
    };
    let name = format!("{driver}: nothing new, cold, bytes");
    spread(table, &name, bytes(&same), "B", limits.0);
    let name = format!("{driver}: nothing new, from the open connection");
    spread(table, &name, exchange(&same), "s", None);
    let name = format!("{driver}: nothing new, with the handshake");
    spread(table, &name, cold(&same), "s", None);
    let name = format!("{driver}: 100 events of 25 learners, cold, bytes");
    spread(table, &name, bytes(&events), "B", None);
    let name = format!("{driver}: 100 events, from the open connection");
    spread(table, &name, exchange(&events), "s", limits.1);
    let name = format!("{driver}: 100 events, with the handshake");
    spread(table, &name, cold(&events), "s", None);
    let early: usize = seen.iter().map(|line| line.ended_early).sum();
    let name = format!("{driver}: of all these, the listener saw end early");
    table.add(name, early as f64, "", None);
}

fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1_000.0
}

/// A site with 48 learners and 1,000 events that the head office knows.
fn prepare(driver: &'static str, seed: u64) -> Pair {
    let ground = Ground::of(&["CC1"]);
    ground.import_learners("CC1", 48);
    ground.import_events("CC1", 48, 0..1_000);
    let mut pair = Pair::new(ground, "CC1", ("dgp", "DGP"), driver, seed);
    pair.start();
    pair.whole();
    pair.level();
    pair
}

fn over(pair: &Pair, scale: Scale) -> Seen {
    let mut seen = Seen {
        same: Vec::new(),
        events: Vec::new(),
        ended_early: 0,
    };
    let early = pair.seen_by_listener().1;
    for round in 0..scale.rounds {
        let first = 1_000 + round * 100;
        pair.ground.import_events("CC1", 25, first..first + 100);
        seen.events.push(pair.contact());
        seen.same.push(pair.level());
    }
    seen.ended_early = pair.seen_by_listener().1 - early;
    assert!(seen.events.iter().all(|(dialled, _)| dialled.whole));
    pair.assert_level();
    assert_eq!(pair.ground.counted("CC1"), pair.ground.counted("dgp"));
    seen
}
