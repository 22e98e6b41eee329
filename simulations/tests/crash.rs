//! Goal: whatever a power cut leaves of the database, a node opens it and holds all that it had
//! acknowledged; whatever operation of the disk fails, it says so and goes on.
//! Method: a few hundred images spread over all moments of a fixed workload, and some n of all
//! failing operations; the program `spean-simulations` runs many more. A disk that lies must be
//! found out, else the checks would see nothing at all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Instant;

use spean_simulations::crash::{self, Stopped, Variant};

#[test]
fn what_was_acknowledged_is_in_every_image() {
    let report = crash::images(300, 1, &mut |_, _| {}).unwrap_or_else(|stop| panic!("{stop}"));
    println!("{report:?}");
    assert_eq!(report.images.values().sum::<u64>(), 300);
    for variant in Variant::ALL {
        assert!(report.images[&variant] > 20, "{variant:?}: {report:?}");
    }
    // Without these the images would say little of the WAL's second life.
    assert!(report.checkpoints > 1, "{report:?}");
}

/// With syncs that are not done, as with `synchronous=OFF`, acknowledged work is found missing.
#[test]
fn a_disk_that_lies_is_found_out() {
    let stop = crash::images_of_a_lying_disk(400, 1, &mut |_, _| {}).unwrap_err();
    let Stopped::Failed(failure) = stop else {
        panic!("{stop}");
    };
    println!("{failure}");
}

#[test]
fn every_failing_operation_is_answered_and_forgotten() {
    let all = crash::failing(1, 2999, &mut |_, _, _| {}).unwrap_or_else(|error| panic!("{error}"));
    println!("{all:#?}");
    for ((trouble, lasting), faults) in all {
        assert!(faults.runs > 0, "{trouble:?} {lasting}: {faults:?}");
        assert!(faults.answered > 0, "{trouble:?} {lasting}: {faults:?}");
    }
}

/// As many images as `SPEAN_CRASH_IMAGES` says, else 5,000, with the seed `SPEAN_CRASH_SEED`, else
/// 1.
#[test]
#[ignore = "a long campaign"]
fn image_campaign() {
    let begun = Instant::now();
    let images = number("SPEAN_CRASH_IMAGES", 5_000);
    let report = crash::images(images, number("SPEAN_CRASH_SEED", 1), &mut |_, _| {});
    let report = report.unwrap_or_else(|stop| panic!("{stop}"));
    println!("{:?}: {report:?}", begun.elapsed());
}

/// Every n-th failing operation, as `SPEAN_CRASH_STRIDE` says, else all of them.
#[test]
#[ignore = "a long campaign"]
fn failing_campaign() {
    let begun = Instant::now();
    let (first, stride) = (
        number("SPEAN_CRASH_FIRST", 0),
        number("SPEAN_CRASH_STRIDE", 1),
    );
    let all = crash::failing(first, stride, &mut |_, _, _| {});
    let all = all.unwrap_or_else(|error| panic!("{error}"));
    println!("{:?}: {all:#?}", begun.elapsed());
}

fn number(name: &str, or: u64) -> u64 {
    std::env::var(name).map_or(or, |text| text.parse().unwrap())
}
