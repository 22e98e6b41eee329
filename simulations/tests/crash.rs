//! Goal: whatever a power cut leaves of the database, a node opens it and holds all that it had
//! acknowledged; whatever operation of the disk fails, it says so and goes on.
//! Method: a few hundred images spread over all moments of a fixed workload, and some n of all
//! failing operations; the program `spean-simulations` runs many more. A disk that lies must be
//! found out, else the checks would see nothing at all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use spean_simulations::crash::{self, Stopped, Trouble, Variant};

#[test]
fn what_was_acknowledged_is_in_every_image() {
    let report = crash::images(400, 1, &mut |_, _| {}).unwrap_or_else(|stop| panic!("{stop}"));
    println!("{report:?}");
    assert_eq!(report.images.values().sum::<u64>(), 400);
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
    let all = crash::failing(3, 601, &mut |_, _, _| {}).unwrap_or_else(|error| panic!("{error}"));
    println!("{all:#?}");
    for ((trouble, lasting), faults) in all {
        let busy = trouble == Trouble::Busy;
        assert!(busy || faults.runs > 3, "{trouble:?} {lasting}: {faults:?}");
        assert!(busy || faults.answered > 0, "{trouble:?} {lasting}: {faults:?}");
    }
}

#[test]
#[ignore = "x"]
fn measure() {
    let begun = std::time::Instant::now();
    let report = crash::images(1, 1, &mut |_, _| {}).unwrap();
    println!("{:?} {report:?}", begun.elapsed());
    let begun = std::time::Instant::now();
    let report = crash::images(1000, 1, &mut |_, _| {}).unwrap();
    println!("{:?} {report:?}", begun.elapsed());
}
