//! Goal: a line that loses packets, goes dark in the midst of an exchange, and a machine that loses
//! its power there cost time and nothing else: what was recorded is whole at the other end.
//!
//! Method: a site and the head office as real processes with a shaped line between them. The line
//! goes dark for a while after a third of the site's log has crossed; after two thirds the site's
//! process is killed and started again. Nothing is timed here: `cargo bench --bench shaped` does that.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ground;

use std::time::Duration;

use ground::Ground;
use ground::lines::{Dialled, until};
use spean_tests::shaper::{Line, Shaper};

/// A poor mobile line, so fast that a story is soon told.
const MODERATE: Line = Line {
    bits_per_second: 256_000,
    delay: Duration::from_millis(60),
    lost_per_mille: 10,
    queue: Duration::from_millis(500),
};

const LEARNERS: usize = 200;
const EVENTS: usize = 3_000;
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn nothing_is_lost_on_a_bad_path_by_quinn() {
    cut_twice("quinn", 1);
}

#[test]
fn nothing_is_lost_on_a_bad_path_by_iroh() {
    cut_twice("iroh", 2);
}

fn cut_twice(driver: &str, seed: u64) {
    let ground = Ground::of(&["CC1"]);
    ground.import_learners("CC1", LEARNERS);
    for part in 0..4 {
        let numbers = part * EVENTS / 4..(part + 1) * EVENTS / 4;
        ground.import_events("CC1", LEARNERS, numbers);
    }
    let listening = ground.listen("dgp", &[driver])[0];
    let line = Shaper::before(listening, MODERATE, seed).unwrap();
    ground.dial("CC1", ("DGP", driver), line.address(), 86_400);
    let crossed = |bytes| {
        until("bytes on the line", PATIENCE, || {
            line.up().delivered.bytes > bytes
        });
    };

    let _office = ground.start("dgp");
    let site = ground.start("CC1");
    let (recorded, log_bytes) = (ground.counted("CC1"), 90_000);
    crossed(log_bytes / 3);
    line.darken(true);
    std::thread::sleep(Duration::from_secs(2));
    line.darken(false);
    crossed(log_bytes * 2 / 3);
    assert_eq!(ground.dialled("CC1"), [], "cut in the midst of an exchange");
    drop(site);
    assert!(ground.counted("dgp").1 < recorded.1, "not all had come");

    let _site = ground.start("CC1");
    until("the exchange's end", PATIENCE, || {
        ground.dialled("CC1").iter().any(|dialled| dialled.whole)
    });
    assert_eq!(ground.counted("dgp"), recorded);
    assert_eq!(ground.segments("dgp"), ground.segments("CC1"));
    until("nothing new on either side", PATIENCE, || {
        ground.sync("CC1", "DGP").same
    });
}

#[test]
fn both_sides_see_the_end_of_an_exchange_by_quinn() {
    ends_seen("quinn", 3);
}

#[test]
fn both_sides_see_the_end_of_an_exchange_by_iroh() {
    ends_seen("iroh", 4);
}

/// Goal: who dials does not hang up before the other has its last word, which is a receipt and the
/// end: a line that loses one packet in five must not take it away. Method: some exchanges in which
/// each side has something for the other, and what both logs say of them.
fn ends_seen(driver: &str, seed: u64) {
    let ground = Ground::of(&["CC1"]);
    let line = Line {
        bits_per_second: 1_000_000,
        delay: Duration::from_millis(10),
        lost_per_mille: 200,
        ..MODERATE
    };
    let listening = ground.listen("dgp", &[driver])[0];
    let line = Shaper::before(listening, line, seed).unwrap();
    ground.dial("CC1", ("DGP", driver), line.address(), 86_400);
    let (_office, _site) = (ground.start("dgp"), ground.start("CC1"));
    for number in 0..8 {
        ground.import_learners("CC1", number + 1);
        ground.run("CC1", &["sync", "DGP"]);
    }
    let whole = |dialled: &Dialled| dialled.whole && !dialled.same;
    let seen_here = ground.dialled("CC1").into_iter().filter(whole).count();
    let log = ground.log("dgp");
    let seen_there = log
        .lines()
        .filter(|line| line.contains("same: false, complete: true"));
    assert!(seen_here >= 5, "the line carries: {seen_here}");
    assert_eq!(seen_there.count(), seen_here, "{log}");
}
