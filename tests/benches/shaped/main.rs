//! What an exchange costs over a bad path: real `spean` processes on both ends of a line of
//! 64 kbit/s, 600 ms round trip and 2 % loss, beside the limits that the project set itself; and
//! fifteen nodes on lines that go dark. `cargo bench -p spean-tests --bench shaped`, with
//! `-- --json` as one object, with `-- --quick` shortened to what shows that it still works, with
//! `-- quinn`, `-- iroh` or `-- fifteen` one part of it.
//!
//! Seconds are those of the node's own log line about each exchange; bytes are IP packets of both
//! directions as the line counts them, lost ones included. Each seed has a line and two processes
//! of its own, and all seeds run side by side: they wait for their lines nearly all the time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fifteen;
mod fill;
#[path = "../../tests/ground/mod.rs"]
mod ground;
mod pair;
mod small;
#[path = "../exchange/table.rs"]
mod table;

use std::thread::ScopedJoinHandle;

use table::Table;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Lines for each driver, each with losses of its own.
    pub seeds: u64,
    /// Contacts, and days, over each line.
    pub rounds: usize,
    /// Learners of a site from which another is filled, with 19 events each beside their names.
    pub learners: usize,
    /// Seconds for which lines go dark in the story of fifteen.
    pub dark_seconds: u64,
    /// Also what waits for a lost connection to be given up.
    pub patient: bool,
}

const FULL: Scale = Scale {
    seeds: 5,
    rounds: 5,
    learners: 400,
    dark_seconds: 90,
    patient: true,
};

const QUICK: Scale = Scale {
    seeds: 1,
    rounds: 3,
    learners: 100,
    dark_seconds: 10,
    patient: false,
};

fn main() {
    let asked = |what: &str| std::env::args().any(|argument| argument == what);
    let all = !["quinn", "iroh", "fifteen"].iter().any(|part| asked(part));
    let scale = if asked("--quick") { QUICK } else { FULL };
    let mut table = Table::begin();
    for driver in ["quinn", "iroh"] {
        if all || asked(driver) {
            small::measure(&mut table, driver, scale);
            fill::measure(&mut table, driver, scale);
        }
    }
    if all || asked("fifteen") {
        fifteen::measure(&mut table, scale);
    }
    table.finish();
}

/// Adds the median and the worst of what was measured; the limit is the median's.
pub fn spread(
    table: &mut Table,
    name: &str,
    mut values: Vec<f64>,
    unit: &'static str,
    limit: Option<f64>,
) {
    values.sort_by(f64::total_cmp);
    let (count, middle) = (values.len(), values[values.len() / 2]);
    table.add(format!("{name}, median of {count}"), middle, unit, limit);
    table.add("  worst", values[count - 1], unit, None);
}

/// Runs the same for each of these side by side.
pub fn at_once<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let work = &work;
    std::thread::scope(|scope| {
        let running: Vec<_> = items
            .into_iter()
            .map(|item| scope.spawn(move || work(item)))
            .collect();
        let ended = running.into_iter().map(ScopedJoinHandle::join);
        ended.map(Result::unwrap).collect()
    })
}
