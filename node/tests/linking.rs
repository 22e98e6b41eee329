//! Goal: a prison that has all ciphertext of two others cannot tell who of those that left the one is who
//! of those that came to the other, better than by chance and by what a size gives away.
//! Method: a batch of people with different pasts moves; the neighbour knows how many, when and from
//! where, and tries each rule that the log offers: the same label, the same order, the same size. What it
//! may find by chance is one of them, whatever their number. The truth is learnt from what is written of
//! each alone afterwards.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::network;

use std::collections::{BTreeMap, BTreeSet};

use network::people::newcomer;
use network::{Network, lend, loan, site};
use spean::engine::arrive::Ticket;
use spean_protocol::event::Destination;
use spean_protocol::id::Label;
use spean_protocol::segment::{Log, Segment};
use spean_protocol::session::Host;

const FROM: usize = 1;
const TO: usize = 2;
const NEIGHBOUR: usize = 3;
const BATCH: usize = 10;
const TRIALS: usize = 24;

/// Every data segment of a prison that the neighbour has, in the order of its log, each with the labels
/// and lengths of its parcels.
fn seen(network: &Network, of: usize) -> Vec<Vec<(Label, u32)>> {
    let node = &network.nodes[NEIGHBOUR];
    let skeleton = node.skeleton();
    let mut all = Vec::new();
    for (run, held) in skeleton.runs(site(of)) {
        for height in 0..held.data.prefix() {
            let bytes = node.segment(run, Log::Data, height).unwrap().unwrap();
            let lines = Segment::decode(&bytes).unwrap().header.lines;
            all.push(lines.iter().map(|line| (line.label, line.length)).collect());
        }
    }
    all
}

/// The labels in the order in which they come first, with all bytes of each.
fn in_order(segments: &[Vec<(Label, u32)>]) -> Vec<(Label, u32)> {
    let mut order: Vec<(Label, u32)> = Vec::new();
    for (label, length) in segments.iter().flatten() {
        match order.iter_mut().find(|(known, _)| known == label) {
            Some((_, bytes)) => *bytes += length,
            None => order.push((*label, *length)),
        }
    }
    order
}

/// A batch of people moves; what the neighbour sees of the day at both prisons, and the truth.
struct Day {
    left: Vec<(Label, u32)>,
    came: Vec<(Label, u32)>,
    truth: BTreeMap<Label, Label>,
    older: BTreeSet<Label>,
}

fn day(trial: usize) -> Day {
    let mut network = Network::new(NEIGHBOUR);
    network.started = 1_000 * trial as u64;
    for at in 0..=NEIGHBOUR {
        network.restart(at);
    }
    let mut batch = Vec::new();
    for person in 0..BATCH {
        let learner = network.nodes[FROM]
            .add_learner(&newcomer(&format!("P{person}")))
            .unwrap();
        // Pasts of different length.
        for item in 0..u32::try_from(person % 4).unwrap() {
            network.nodes[FROM].append(learner, &loan(item)).unwrap();
        }
        batch.push(learner);
    }
    network.nodes[FROM].flush().unwrap();
    network.settle();
    let before = seen(&network, FROM).len();
    let older = in_order(&seen(&network, FROM))
        .into_iter()
        .map(|one| one.0)
        .collect();

    // Both officers work along the same list, each with one command.
    let to = Destination::Site(site(TO));
    let moved = network.nodes[FROM]
        .transfer_out_all(&batch, to, None, false)
        .unwrap();
    let tickets: Vec<Ticket> = moved
        .iter()
        .map(|one| Ticket::Slip(one.done().unwrap().slip.clone().unwrap()))
        .collect();
    network.settle();
    let left = in_order(&seen(&network, FROM)[before..]);
    let arrived = network.nodes[TO].transfer_in_all(&tickets, None).unwrap();
    assert!(arrived.iter().all(|one| one.done().is_some()));
    network.nodes[TO].flush().unwrap();
    network.settle();
    let came = in_order(&seen(&network, TO));

    // Whose label is whose: what is written of one alone.
    let mut truth = BTreeMap::new();
    for (number, learner) in (0..).zip(&batch) {
        let mut alone = |at: usize| {
            let known = seen(&network, at).len();
            lend(&mut network.nodes[at], *learner, 100 + number);
            network.settle();
            let labels = in_order(&seen(&network, at)[known..]);
            assert_eq!(labels.len(), 1);
            labels[0].0
        };
        let old = alone(FROM);
        truth.insert(alone(TO), old);
    }
    Day {
        left,
        came,
        truth,
        older,
    }
}

#[test]
fn a_neighbour_links_nobody_across_a_transfer() {
    let (mut by_label, mut by_order, mut by_size) = (0, 0, 0);
    for trial in 0..TRIALS {
        let Day {
            left,
            came,
            truth,
            older,
        } = day(trial);
        by_label += came
            .iter()
            .filter(|(label, _)| older.contains(label))
            .count();
        let of_batch = |all: &[(Label, u32)], known: &dyn Fn(&Label) -> bool| {
            let some = all.iter().filter(|(label, _)| known(label));
            some.copied().collect::<Vec<_>>()
        };
        // He is given who of all labels belongs to the batch.
        let left = of_batch(&left, &|label| truth.values().any(|old| old == label));
        let came = of_batch(&came, &|label| truth.contains_key(label));
        assert_eq!((left.len(), came.len()), (BATCH, BATCH));
        let hits = |left: &[(Label, u32)], came: &[(Label, u32)]| {
            let pairs = left.iter().zip(came);
            pairs
                .filter(|((old, _), (new, _))| truth[new] == *old)
                .count()
        };
        by_order += hits(&left, &came);
        let sorted = |mut all: Vec<(Label, u32)>| {
            all.sort_by_key(|(label, bytes)| (*bytes, *label));
            all
        };
        by_size += hits(&sorted(left), &sorted(came));
    }
    let share = |hits: usize| hits as f64 / (TRIALS * BATCH) as f64;
    println!(
        "of {} people in batches of {BATCH}: linked by label {by_label}, by order {:.3}, by size {:.3}; \
         by chance {:.3}",
        TRIALS * BATCH,
        share(by_order),
        share(by_size),
        1.0 / BATCH as f64
    );
    assert_eq!(by_label, 0);
    // The hits of chance are one a batch, and vary by one: three deviations of their mean.
    let margin = 3.0 / (TRIALS as f64).sqrt() / BATCH as f64;
    for share in [share(by_order), share(by_size)] {
        assert!(share <= 1.0 / BATCH as f64 + margin, "{share}");
    }
}
