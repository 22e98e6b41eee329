//! Goal: machines that were lost and sites that left the roster stop nobody.
//! Method: as in pressed.rs; machines filled again from their peers, new box keys, later rosters.

use crate::network::people::{arrives, attends, day, learner, leaves, sessions, states, to};
use crate::network::{DGP, Network, export, identity, site};
use spean::engine::state::State;
use spean_protocol::custody::{newest_departures, open_sites};
use spean_protocol::event::{Body, Destination, Event};
use spean_protocol::seal::{self, Secret};

use super::held;

/// A bundle with a later roster than is known here is not superfluous.
#[test]
fn a_bundle_with_a_later_roster() {
    let mut network = Network::new(2);
    learner(&mut network, 1, "Dara");
    network.settle();
    network.change_roster(&[DGP], |_| {});
    let file = export(&mut network.nodes[DGP], &[site(1), site(2)]);
    // The receipts in it are known as well.
    let mut rest = &file[..];
    let mut read = |wanted: usize| {
        let (now, later) = rest.split_at(wanted.min(rest.len()));
        rest = later;
        Ok(now.to_vec())
    };
    let held = network.nodes[1].holds_bundle(&mut read).unwrap();
    assert!(
        held.is_none(),
        "the only copy of the roster would be deleted"
    );
}

/// A prison is closed and leaves the roster while one of its questions is in the list: the head
/// office goes on.
#[test]
fn a_site_that_left_the_roster() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    arrives(&mut network, 3, dara);
    network.settle();
    network.change_roster(&[DGP, 1, 2], |roster| {
        roster.sites.retain(|one| one.id != site(3));
    });
    arrives(&mut network, 2, dara);
    network.exchange(2, DGP, None);
    while let Ok(folded) = network.nodes[DGP].fold(9) {
        if !folded.more {
            break;
        }
    }
    let flushed = network.nodes[DGP].flush();
    assert!(flushed.is_ok(), "{flushed:?}");
}

/// The world of a machine that is installed anew.
struct Fixed(u64);

impl spean::world::World for Fixed {
    fn wall_seconds(&self) -> u64 {
        1_790_100_000
    }
    fn random(&mut self) -> [u8; 32] {
        self.0 += 1;
        *blake3::hash(&(self.0 + 5_000_000).to_le_bytes()).as_bytes()
    }
}

/// A prison whose machine was lost gets a new one with a new box key; who was there, on a card that
/// was answered before, asks again.
#[test]
fn a_reinstalled_destination_with_a_new_box_key() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, Destination::WithoutNode);
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
    let mut new = identity(2);
    new.boxes = std::collections::BTreeMap::from([(1, Secret([222; 32]))]);
    let key = seal::box_key(&new.boxes[&1]);
    let newer = network.change_roster(&[DGP, 1], |roster| {
        for one in roster.sites.iter_mut().filter(|one| one.id == site(2)) {
            one.boxes = std::collections::BTreeMap::from([(1, key)]);
            one.carrier =
                spean_protocol::roster::wrap_carrier(&Secret([2; 32]), &key, [3; 32]).unwrap();
        }
    });
    let mut store = spean::store::memory::Memory::default();
    spean::engine::install_roster(&mut store, &newer).unwrap();
    network.nodes[2] = spean::engine::Engine::open(store, new, Box::new(Fixed(0))).unwrap();
    arrives(&mut network, 2, dara);
    network.settle();
    network.settle();
    assert_eq!(
        sessions(&mut network.nodes[2], dara),
        [1],
        "{:?}",
        network.nodes[2].states(dara).unwrap()
    );
}

/// The destination has left the roster.
#[test]
fn a_destination_that_left_the_roster() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(3));
    network.change_roster(&[1], |roster| {
        roster.sites.retain(|one| one.id != site(3));
    });
    let undone = network.nodes[1].undo(dara);
    let out = network.nodes[1].transfer_out_all(&[dara], to(2), day(), false);
    assert!(undone.is_ok() || out.is_ok(), "{undone:?} {out:?}");
}

/// A machine that was lost is filled again from its peers: whoever came and left years ago is not
/// announced again.
#[test]
fn a_rebuilt_prison_expects_nobody() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    network.settle();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    network.settle();
    leaves(&mut network, 2, dara, to(3));
    network.settle();
    arrives(&mut network, 3, dara);
    network.settle();
    assert!(network.nodes[2].announced_by(site(1)).unwrap().is_empty());
    network.nodes[2] = network.fresh(2);
    network.settle();
    let again = network.nodes[2].announced_by(site(1)).unwrap();
    assert!(
        again.is_empty(),
        "'transfer in --announced S1' would admit {} again",
        again.len()
    );
}

/// The same machine, and somebody who is there.
#[test]
fn a_rebuilt_prison_knows_who_is_there() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    network.settle();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    network.settle();
    network.nodes[2] = network.fresh(2);
    network.settle();
    let found = states(&mut network, 2, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
}

/// The old prison that was lost and filled again.
#[test]
fn a_rebuilt_prison_and_who_left_it() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    network.nodes[1] = network.fresh(1);
    network.settle();
    network.nodes[1]
        .transfer_out(dara, to(3), day(), false)
        .unwrap();
}

/// A prison loses its machine before anybody else has all of its log, admits its people by their
/// cards, and gets the log back: nobody moved, and whoever left meanwhile takes all of it along.
#[test]
fn admitted_by_card_where_he_always_was() {
    for leaves_before in [false, true] {
        let mut network = Network::new(2);
        let dara = learner(&mut network, 1, "Dara");
        network.exchange(1, 2, None);
        let mut store = spean::store::memory::Memory::default();
        spean::engine::install_roster(&mut store, &network.signed).unwrap();
        let opened = spean::engine::Engine::open(store, identity(1), Box::new(Fixed(9)));
        network.nodes[1] = opened.unwrap();
        arrives(&mut network, 1, dara);
        attends(&mut network.nodes[1], dara, 2);
        network.nodes[1].flush().unwrap();
        if leaves_before {
            leaves(&mut network, 1, dara, to(2));
        }
        network.exchange(1, 2, None);
        network.settle();
        network.nodes[1].flush().unwrap();
        if !leaves_before {
            assert_eq!(sessions(&mut network.nodes[1], dara), [1, 2]);
            let found = states(&mut network, 1, dara);
            assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
            leaves(&mut network, 1, dara, to(2));
        }
        let found = states(&mut network, 1, dara);
        let away = matches!(found[..], [State::Away { .. } | State::Overdue { .. }]);
        assert!(away, "{leaves_before}: {found:?}");
        let slip = network.nodes[1].slips(&[dara], None).unwrap();
        let slip = slip[0].done().unwrap().slip.clone().unwrap();
        network.settle();
        network.nodes[2].transfer_in(&slip, day()).unwrap();
        network.settle();
        assert_eq!(sessions(&mut network.nodes[2], dara), [1, 2]);
        let found = states(&mut network, 2, dara);
        assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
        let found = states(&mut network, 1, dara);
        assert!(matches!(found[..], [State::Arrived { .. }]), "{found:?}");
        let view = network.nodes[DGP].view(dara).unwrap().unwrap();
        let places = open_sites(&view.stays);
        assert_eq!(places, [site(2)].into(), "{:#?}", view.stays);
        assert_eq!(newest_departures(&view.stays).count(), 0);
    }
}

/// A copy of a machine, which another place of the same prison uses, admits him by his card; the
/// machine that he was registered at sends him on. The prison where he is and the copy are told of
/// each other, until the copy records that he left; so too where it takes the arrival back.
#[test]
fn a_copy_of_a_machine_counts_him() {
    for taken_back in [false, true] {
        let mut network = Network::new(2);
        let copied = network.nodes[1].store().clone();
        let copy = network.start(1, copied);
        let dara = learner(&mut network, 1, "Dara");
        let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
        network.nodes[2].transfer_in(&slip, day()).unwrap();
        network.settle();
        network.nodes.push(copy);
        arrives(&mut network, 3, dara);
        attends(&mut network.nodes[3], dara, 5);
        network.settle();
        for (at, other) in [(2, "S1"), (3, "S2")] {
            let said = State::SaidElsewhere { site: other.into() };
            let found = states(&mut network, at, dara);
            assert!(found.contains(&said), "at {at}: {found:?}");
        }
        if taken_back {
            network.nodes[3].undo(dara).unwrap();
        } else {
            leaves(&mut network, 3, dara, to(2));
        }
        network.settle();
        let found = states(&mut network, 2, dara);
        assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
        if !taken_back {
            assert_eq!(sessions(&mut network.nodes[2], dara), [1, 5]);
        }
    }
}

/// A prison that was lost counts him still, under another key; the prison that was granted the first
/// key of that stay is granted the second.
#[test]
fn a_stay_that_goes_on_under_another_key() {
    let mut second = 0;
    for number in 0..8 {
        let mut network = Network::new(2);
        network.started = 100 * number;
        let dara = learner(&mut network, 1, "Dara");
        network.settle();
        network.nodes[1] = network.fresh(1);
        // Before its old log is back.
        arrives(&mut network, 1, dara);
        arrives(&mut network, 2, dara);
        network.exchange(2, DGP, None);
        network.settle();
        attends(&mut network.nodes[1], dara, 7);
        network.settle();
        assert_eq!(sessions(&mut network.nodes[2], dara), [1, 7]);
        second += usize::from(held(&network, 2, dara, site(1)) > 1);
    }
    assert!(second > 0, "no machine went on under its second key");
}

/// A machine is set back to before it sealed what it had recorded, and seals that again: the head
/// office lists it once.
#[test]
fn an_event_that_was_sealed_twice() {
    let mut network = Network::new(1);
    let dara = learner(&mut network, 1, "Dara");
    attends(&mut network.nodes[1], dara, 5);
    let before = network.nodes[1].store().clone();
    network.settle();
    network.nodes[1] = network.start(1, before);
    network.settle();
    let listed = network.nodes[DGP].events(dara).unwrap();
    let five = |event: &Event| matches!(event.body, Body::Attended { session: 5, .. });
    let count = listed.iter().filter(|(_, event)| five(event)).count();
    assert_eq!(count, 1, "{listed:?}");
}
