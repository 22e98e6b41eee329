//! Goal: a stick carries the most useful part of what fits, whole, and nothing twice; what a tour
//! brings home is every site's news, and receipts that say who has what.
//! Method: bundles of sound engines in memory, written to "sticks" that are full after so many bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::network;

use std::io::{Error, ErrorKind};

use network::people::newcomer;
use network::{DGP, Network, Node, import, loan, site};
use spean::engine::carry::Contents;
use spean::engine::import::Import;
use spean::register::LearnerRow;
use spean_protocol::bundle::Manifest;
use spean_protocol::id::{LearnerId, SiteId};

fn row(number: usize) -> LearnerRow {
    LearnerRow {
        row: number.to_string(),
        ..newcomer(&format!("Dara {number}"))
    }
}

fn learner(network: &mut Network, at: usize) -> LearnerId {
    network.nodes[at].add_learner(&row(0)).unwrap()
}

/// A bundle on a stick with room for so many bytes.
fn export(node: &mut Node, to: &[SiteId], room: usize) -> (Vec<u8>, Contents) {
    let mut file = Vec::new();
    let mut append = |bytes: &[u8]| {
        if file.len() + bytes.len() > room {
            return Err(Error::from(ErrorKind::StorageFull));
        }
        file.extend_from_slice(bytes);
        Ok(())
    };
    let contents = node.export(to, "test", &mut append).unwrap().unwrap();
    (file, contents)
}

/// The manifest of a bundle of which everything is here.
fn holds(node: &Node, file: &[u8]) -> Option<Manifest> {
    let mut rest = file;
    let mut read = |wanted: usize| {
        let (now, later) = rest.split_at(wanted.min(rest.len()));
        rest = later;
        Ok(now.to_vec())
    };
    node.holds_bundle(&mut read).unwrap()
}

/// Whatever room there is: the bundle is whole, and what is on it comes across; with ever more
/// room, ever more; keys come before days.
#[test]
fn a_full_stick_is_the_most_useful_prefix() {
    let mut network = Network::new(2);
    let rows: Vec<LearnerRow> = (0..900).map(row).collect();
    for part in rows.chunks(90) {
        network.nodes[1]
            .import_learners(&Import::of("register"), part)
            .unwrap();
    }
    let pieces = |of: &Contents| {
        of.control_segments + of.data_segments + of.receipts + of.rosters + of.fork_proofs
    };
    let (all, whole) = export(&mut network.nodes[1], &[site(DGP)], usize::MAX);
    assert!(whole.left_out == 0 && all.len() > 150_000, "{}", all.len());
    let mut before = 0;
    for part in 1..=8 {
        let (file, contents) = export(&mut network.nodes[1], &[site(DGP)], all.len() * part / 8);
        assert_eq!(contents.left_out == 0, part == 8, "{contents:?}");
        assert_eq!(contents.bytes, file.len() as u64);
        assert_eq!(contents.left_out, pieces(&whole) - pieces(&contents));
        let mut dgp = network.fresh(DGP);
        assert!(import(&mut dgp, &file), "it ends as it should");
        while dgp.fold(99).unwrap().more {}
        let found = dgp.find("sok", 1_000).unwrap().len();
        assert!(found >= before, "{found} after {before}");
        assert!(part < 4 || found > 0, "its keys came along");
        before = found;
    }
    assert_eq!(before, 900);
}

/// No room for anything: the store is not harmed, and the refusal is the stick's.
#[test]
fn a_stick_without_any_room() {
    let mut network = Network::new(1);
    let dara = learner(&mut network, 1);
    let mut append = |_: &[u8]| Err(Error::from(ErrorKind::StorageFull));
    let refused = network.nodes[1].export(&[], "test", &mut append).unwrap();
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::StorageFull);
    network.settle();
    assert!(network.nodes[DGP].view(dara).unwrap().is_some());
}

/// Who has what comes home with the stick: the first stop learns that the last one has its days.
#[test]
fn receipts_come_home() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1);
    network.nodes[1].append(dara, &loan(1)).unwrap();
    for (from, stop) in [(1, 2), (2, 3), (3, DGP), (DGP, 1)] {
        let (file, _) = export(&mut network.nodes[from], &[], usize::MAX);
        assert!(import(&mut network.nodes[stop], &file));
    }
    let held = network.nodes[1].status().unwrap().held_by;
    assert_eq!(held, ["S0", "S2", "S3"]);
}

/// What is on the stick and written anew need not stay on it; what is not held here does.
#[test]
fn only_what_is_held_is_superseded() {
    let mut network = Network::new(2);
    learner(&mut network, 1);
    let (file, _) = export(&mut network.nodes[1], &[site(2), site(DGP)], usize::MAX);
    assert_eq!(holds(&network.nodes[2], &file), None, "not yet");
    assert!(import(&mut network.nodes[2], &file));
    let manifest = holds(&network.nodes[2], &file).unwrap();
    assert_eq!(manifest.destinations, [site(2), site(DGP)]);
    assert_eq!(
        holds(&network.nodes[2], &file[..file.len() - 9]),
        None,
        "cut"
    );
}

/// A bundle with a later roster than is known here may be the only copy of it: it is not
/// superfluous, though everything else in it is here.
#[test]
fn a_later_roster_is_not_superfluous() {
    let mut network = Network::new(2);
    learner(&mut network, 1);
    network.settle();
    let newer = network.change_roster(&[DGP], |_| {});
    let (file, _) = export(&mut network.nodes[DGP], &[site(1), site(2)], usize::MAX);
    assert_eq!(holds(&network.nodes[1], &file), None);
    network.nodes[1].take_roster(&newer).unwrap();
    network.settle();
    let (file, _) = export(&mut network.nodes[DGP], &[], usize::MAX);
    assert!(holds(&network.nodes[1], &file).is_some(), "known by now");
}
