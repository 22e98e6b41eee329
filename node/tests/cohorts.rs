//! Goal: the network goes on to the next cohort while some sites do not know it yet: learners move on,
//! everything that was readable stays so, and what is written from then on is sealed under new keys.
//! Method: nodes publish box keys ahead; a roster puts the next cohort in force at some of them; the
//! moves of a learner across it, by exchanges.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::network;

use network::people::newcomer;
use network::{DGP, Network, fold, identity, items, lend, site};
use spean::engine::{Engine, EngineError, install_roster};
use spean::store::memory::Memory;
use spean::world::Machine;
use spean_protocol::event::Destination;
use spean_protocol::id::LearnerId;
use spean_protocol::seal::Secret;

fn seed(at: usize) -> Secret {
    Secret([u8::try_from(at).unwrap() + 200; 32])
}

/// Three prisons and the DGP, of which all but the third have published a box key of cohort 2.
fn published() -> Network {
    let mut network = Network::new(3);
    for at in [DGP, 1, 2] {
        network.nodes[at].add_box(2, seed(at));
    }
    network.settle();
    network
}

/// Puts cohort 2 in force at these, as the head office would propose it.
fn next_cohort(network: &mut Network, at: &[usize]) {
    let ahead: Vec<_> = (0..=3)
        .map(|place| network.nodes[DGP].box_ahead(site(place), 2).unwrap())
        .collect();
    assert!(ahead[3].is_none(), "the third has published none");
    let newer = network.change_roster(at, |roster| {
        roster.cohort = 2;
        for (listed, key) in roster.sites.iter_mut().zip(&ahead) {
            listed.boxes.extend(key.as_ref().map(|(key, _)| (2, *key)));
        }
    });
    network.signed = newer;
}

fn move_on(network: &mut Network, learner: LearnerId, from: usize, to: usize) {
    let left = network.nodes[from]
        .transfer_out(learner, Destination::Site(site(to)), None, false)
        .unwrap();
    network.nodes[to]
        .transfer_in(&left.slip.unwrap(), None)
        .unwrap();
}

#[test]
fn a_learner_crosses_into_the_next_cohort() {
    let mut network = published();
    let stays = network.nodes[1].add_learner(&newcomer("Sok")).unwrap();
    let moves = network.nodes[1].add_learner(&newcomer("Dara")).unwrap();
    for learner in [stays, moves] {
        lend(&mut network.nodes[1], learner, 1);
    }
    network.settle();
    // The second prison hears of it last.
    next_cohort(&mut network, &[DGP, 1]);
    for learner in [stays, moves] {
        lend(&mut network.nodes[1], learner, 2);
    }
    let cohort = |network: &Network, at: usize| network.nodes[at].roster().cohort_of(site(at));
    assert_eq!(cohort(&network, 1), 2);
    move_on(&mut network, moves, 1, 2);
    lend(&mut network.nodes[2], moves, 3);
    assert_eq!(network.nodes[2].roster().cohort, 1, "it does not know yet");
    network.settle();
    assert_eq!(network.nodes[2].roster().cohort, 2);
    lend(&mut network.nodes[2], moves, 4);
    // The third has no key of cohort 2, and goes on under its last one.
    move_on(&mut network, moves, 2, 3);
    lend(&mut network.nodes[3], moves, 5);
    assert_eq!(cohort(&network, 3), 1);
    move_on(&mut network, moves, 3, 1);
    lend(&mut network.nodes[1], moves, 6);
    network.settle();
    for at in [DGP, 1] {
        assert_eq!(items(&mut network.nodes[at], moves), [1, 2, 3, 4, 5, 6]);
        assert_eq!(items(&mut network.nodes[at], stays), [1, 2]);
    }
}

/// A prison's machine that is started anew on an old store, and a head office that begins with nothing,
/// read what was written in both cohorts: the seeds are in the key file, the keys in the log.
#[test]
fn keys_of_both_cohorts_are_found_again() {
    let mut network = published();
    let learner = network.nodes[1].add_learner(&newcomer("Dara")).unwrap();
    lend(&mut network.nodes[1], learner, 1);
    network.settle();
    next_cohort(&mut network, &[DGP, 1, 2, 3]);
    lend(&mut network.nodes[1], learner, 2);
    network.settle();
    let mut whole = identity(DGP);
    whole.boxes.insert(2, seed(DGP));
    let store = || {
        let mut store = Memory::default();
        install_roster(&mut store, &network.signed).unwrap();
        store
    };
    let fresh = Engine::open(store(), whole, Box::new(Machine)).unwrap();
    // An old copy of the key file, without the seed of the cohort in force, says so.
    let lacks = Engine::open(store(), identity(DGP), Box::new(Machine)).err();
    assert!(matches!(lacks, Some(EngineError::NoSeed(2))), "{lacks:?}");
    let own = network.nodes.len();
    network.nodes.push(fresh);
    network.exchange(own, 2, None);
    fold(&mut network.nodes[own]);
    assert_eq!(items(&mut network.nodes[own], learner), [1, 2]);
}
