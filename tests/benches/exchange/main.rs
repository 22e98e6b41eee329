//! What an exchange costs: bytes on the line, seconds, memory, disk, beside the limits that the
//! project set itself. `cargo bench -p spean-tests --bench exchange`, with `-- --json` as one
//! object. Bytes are IP packets of both directions as the dialler counts them, over real QUIC
//! connections on loopback; they are exact. Seconds are this machine's and are only shown.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pair;
mod synthetic;
mod table;

use std::time::Instant;

use pair::{Pair, learners_of};
use table::Table;

fn main() {
    let mut table = Table::begin();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        small(&mut table).await;
        first_fill(&mut table).await;
        million(&mut table).await;
        stick(&mut table).await;
    });
    disk(&mut table);
    idle(&mut table);
    table.finish();
}

/// Contacts and days of one site with the head office.
async fn small(table: &mut Table) {
    let mut pair = Pair::new().await;
    let learners = learners_of(&pair.site, 48).await;
    let cold = pair.cold().await;
    table.add(
        "cold contact by quinn: handshake, nothing new, close",
        cold,
        "B",
        Some(6_144.0),
    );
    pair.connect().await;
    pair.exchange().await;
    record(&pair, &learners, 48, 1_000, 1).await;
    pair.exchange().await;
    let same = pair.nothing_new().await;
    table.add(
        "nothing new, open connection, 1,000 events stored",
        same,
        "B",
        Some(256.0),
    );
    record(&pair, &learners, 25, 100, 1).await;
    let bytes = pair.exchange().await;
    table.add(
        "100 new events of 25 learners, open connection",
        bytes,
        "B",
        Some(5_120.0),
    );
    record(&pair, &learners, 48, 250, 1).await;
    let bytes = pair.exchange().await;
    table.add(
        "a site's day: 250 events, 48 learners, one flush",
        bytes,
        "B",
        Some(10_240.0),
    );
    record(&pair, &learners, 48, 250, 8).await;
    let bytes = pair.exchange().await;
    table.add("the same in eight flushes", bytes, "B", None);
    let (here, there) = pair.events().await;
    assert_eq!(here, there, "the head office counts what the site recorded");
}

/// Records `count` events of the first `spread` learners, in so many flushes.
async fn record(
    pair: &Pair,
    learners: &[spean_protocol::id::LearnerId],
    spread: usize,
    count: usize,
    flushes: usize,
) {
    for part in 0..flushes {
        let range = (part * count / flushes)..((part + 1) * count / flushes);
        pair::record(&pair.site, &learners[..spread], range).await;
        pair::call(&pair.site, |engine| engine.flush().expect("a flush")).await;
    }
}

/// A new site is filled: 22,000 events of 1,000 learners.
async fn first_fill(table: &mut Table) {
    for (flushes, bytes_name, seconds_name, limits) in [
        (
            1,
            "first fill, 22,000 events of 1,000 learners, two parcels a learner",
            "  seconds",
            (Some(1_258_291.0), Some(5.0)),
        ),
        (
            19,
            "the same, twenty parcels a learner",
            "  seconds",
            (None, None),
        ),
    ] {
        let mut pair = Pair::new().await;
        let learners = learners_of(&pair.site, 1_000).await;
        record(&pair, &learners, 1_000, 19_000, flushes).await;
        pair.connect_neighbour().await;
        let begun = Instant::now();
        let bytes = pair.exchange().await;
        table.add(bytes_name, bytes, "B", limits.0);
        table.add(seconds_name, begun.elapsed().as_secs_f64(), "s", limits.1);
    }
}

/// One million events of 28 authors cross from one node to another.
async fn million(table: &mut Table) {
    let mut pair = Pair::new().await;
    let begun = Instant::now();
    let events = synthetic::fill(&pair, 1_000_000).await;
    let loading = begun.elapsed().as_secs_f64();
    table.add(
        "1,000,000 events of 28 authors signed and taken in, prepared",
        loading,
        "s",
        None,
    );
    assert!(events >= 1_000_000);
    pair.connect_neighbour().await;
    let begun = Instant::now();
    let bytes = pair.exchange().await;
    let seconds = begun.elapsed().as_secs_f64();
    table.add(
        "1,000,000 events of 28 authors received",
        seconds,
        "s",
        Some(60.0),
    );
    table.add("  bytes", bytes, "B", None);
    let same = pair.nothing_new().await;
    table.add(
        "nothing new, open connection, 1,000,000 events stored",
        same,
        "B",
        Some(256.0),
    );
}

/// A stick with 1,000 events of 100 learners for the head office.
async fn stick(table: &mut Table) {
    let mut pair = Pair::new().await;
    let learners = learners_of(&pair.site, 100).await;
    pair.connect().await;
    pair.exchange().await;
    record(&pair, &learners, 100, 1_000, 1).await;
    let bytes = pair.bundle().await;
    table.add(
        "stick with 1,000 events of 100 learners",
        bytes,
        "B",
        Some(40_960.0),
    );
}

/// The database of a site with 1,000 learners of 20 events, closed.
fn disk(table: &mut Table) {
    let bytes = pair::database_bytes(1_000, 20);
    table.add(
        "disk for a learner of 20 events, indexes included",
        bytes,
        "B",
        Some(4_096.0),
    );
}

/// The real program, enrolled, listening by both drivers, with nothing to do.
fn idle(table: &mut Table) {
    let resident = pair::idle_resident_bytes();
    table.add(
        "idle node, resident",
        resident / 1_048_576.0,
        "MiB",
        Some(30.0),
    );
}
