//! Goal: what prisons are told of somebody is what stands, at whatever order it is heard and taken back.
//! Method: as in pressed.rs; receipts taken back, redirected vans, machines lost and copied, stays that a
//! prison makes up.

use crate::network::people::{arrives, attends, day, learner, leaves, sessions, states, to};
use crate::network::{DGP, Network, site};
use spean::engine::state::State;
use spean::store::{Store, Table};
use spean_protocol::event::{
    ArrivalReason, Body, Destination, Event, LinkReason, RetractionReason,
};
use spean_protocol::id::{QuestionId, StayId};
use spean_protocol::letter::{About, Letter, Question};

use super::{forged, held, letter};

/// Admitted at 2 by mistake and at 3 truly, by card; 2 takes it back after the head office has told of 3.
#[test]
fn a_receipt_that_is_taken_back() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    network.settle();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    network.settle();
    arrives(&mut network, 3, dara);
    network.settle();
    network.nodes[2].undo(dara).unwrap();
    network.settle();
    let found = states(&mut network, 1, dara);
    let again = network.nodes[1].transfer_out(dara, Destination::Released, day(), false);
    assert!(again.is_err(), "sent out again, although 3 has him");
    assert!(matches!(found[..], [State::Arrived { .. }]), "{found:?}");
}

/// He is said to be elsewhere; the van of that prison is redirected, back to here.
#[test]
fn a_redirected_van_comes_back() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    let said = State::SaidElsewhere { site: "S2".into() };
    let found = states(&mut network, 1, dara);
    assert!(found.contains(&said), "{found:?}");
    leaves(&mut network, 2, dara, to(3));
    leaves(&mut network, 2, dara, to(1));
    network.settle();
    network.settle();
    let found = states(&mut network, 1, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
}

/// Two machines of one prison admit him by card; one of the stays goes on, and is the one that 1 is told of.
#[test]
fn two_machines_admit_him() {
    let mut wrong = Vec::new();
    for number in 0..8 {
        let mut network = Network::new(2);
        network.started = 100 * number;
        let dara = learner(&mut network, 1, "Dara");
        leaves(&mut network, 1, dara, to(2));
        let copied = network.nodes[2].store().clone();
        network.nodes[2] = network.start(2, copied.clone());
        let copy = network.start(2, copied);
        network.nodes.push(copy);
        arrives(&mut network, 2, dara);
        arrives(&mut network, 3, dara);
        network.settle();
        network.settle();
        let found = states(&mut network, 1, dara);
        let view = network.nodes[DGP].view(dara).unwrap().unwrap();
        assert_eq!(view.stays.iter().filter(|stay| stay.is_open()).count(), 1);
        if !matches!(found[..], [State::Arrived { .. }]) {
            wrong.push(number);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// He came by slip; the machine is lost, he is admitted by card, and the log comes back: the first arrival
/// stands.
#[test]
fn the_first_arrival_stands() {
    let mut wrong = Vec::new();
    for number in 0..8 {
        let mut network = Network::new(3);
        network.started = 100 * number;
        network.nodes[2] = network.fresh(2);
        let dara = learner(&mut network, 1, "Dara");
        let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
        network.settle();
        network.nodes[2]
            .transfer_in(&slip, Some("2026-01-01".parse().unwrap()))
            .unwrap();
        attends(&mut network.nodes[2], dara, 2);
        network.settle();
        let facts = network.nodes[DGP].view(dara).unwrap().unwrap();
        let first = facts.stays.iter().find(|s| s.is_open()).unwrap().clone();
        network.nodes[2] = network.fresh(2);
        arrives(&mut network, 2, dara);
        network.settle();
        network.settle();
        let view = network.nodes[DGP].view(dara).unwrap().unwrap();
        let open = view.stays.iter().find(|s| s.is_open()).unwrap();
        if open.stay != first.stay {
            wrong.push(number);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// 3 makes up an arrival under the id of 2's stay, asks, and takes it back: 2's stands.
#[test]
fn a_stay_of_the_same_id_made_up() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    let view = network.nodes[DGP].view(dara).unwrap().unwrap();
    let stay = view.stays.iter().find(|s| s.is_open()).unwrap().stay;
    // 3 has some stay of his of its own to write under.
    arrives(&mut network, 3, dara);
    network.settle();
    let reason = ArrivalReason::NotMoved;
    let body = Body::Arrived {
        stay,
        from: None,
        reason,
    };
    network.nodes[3]
        .append(dara, &[(None, Event::new(body))])
        .unwrap();
    let question = Question {
        id: QuestionId([9; 16]),
        learner: dara,
        stay,
        about: About::Card,
        reason: LinkReason::Card,
    };
    let lie = letter(&network, 3, DGP, &Letter::Question(question));
    network.settle();
    network.nodes[DGP]
        .take_all(vec![forged(3, 7, 1, &[lie])])
        .unwrap();
    network.settle();

    let event = network.nodes[DGP]
        .view(dara)
        .unwrap()
        .unwrap()
        .stays
        .iter()
        .find(|s| s.stay == stay && s.site == site(3))
        .unwrap()
        .arrivals[0]
        .event
        .clone();
    let reason = RetractionReason::EnteredByMistake;
    network.nodes[3]
        .append(
            dara,
            &[(None, Event::new(Body::Retracted { event, reason }))],
        )
        .unwrap();
    network.settle();
    network.nodes[3].undo(dara).unwrap();
    network.settle();
    let found = states(&mut network, 1, dara);
    assert!(matches!(found[..], [State::Arrived { .. }]), "{found:?}");
}

/// 3 makes up seventy stays: where he really arrives is told all the same.
#[test]
fn stays_made_up_silence_nothing() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    arrives(&mut network, 3, dara);
    let reason = ArrivalReason::NotMoved;
    let made_up = |n: u32| {
        let id = *blake3::hash(&n.to_le_bytes()).as_bytes();
        let stay = StayId(id[..16].try_into().unwrap());
        (
            None,
            Event::new(Body::Arrived {
                stay,
                from: None,
                reason,
            }),
        )
    };
    let events: Vec<_> = (0..70).map(made_up).collect();
    network.nodes[3].append(dara, &events).unwrap();
    network.settle();
    leaves(&mut network, 1, dara, Destination::Unknown);
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    let found = states(&mut network, 1, dara);
    assert!(
        found.contains(&State::Arrived {
            site: "S2".into(),
            date: day()
        }),
        "{found:?}"
    );
}

/// 3 makes up that he came, and was granted the key of a stay that is open elsewhere: not that of the next
/// cohort.
#[test]
fn the_key_of_the_next_cohort() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    // 3 makes up that he came.
    arrives(&mut network, 3, dara);
    network.settle();
    network.change_roster(&[DGP, 1, 2, 3], |roster| {
        roster.cohort = 2;
        for site in &mut roster.sites {
            let key = site.boxes[&1];
            site.boxes.insert(2, key);
        }
    });
    attends(&mut network.nodes[1], dara, 9);
    network.settle();
    network.settle();
    assert_eq!(held(&network, 3, dara, site(1)), 1);
    assert_eq!(sessions(&mut network.nodes[3], dara), [1]);
}

/// There, back, and there again; the keys come ahead of the head office's news.
#[test]
fn there_again_and_keys_first() {
    use spean_protocol::segment::Log;
    use spean_protocol::session::{Frame, Host};
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    network.settle();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    network.settle();
    let slip = leaves(&mut network, 2, dara, to(1)).slip.unwrap();
    network.settle();
    network.nodes[1].transfer_in(&slip, day()).unwrap();
    network.exchange(1, DGP, None);
    sessions(&mut network.nodes[DGP], dara);
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    let frames: Vec<Frame> = {
        let node = &network.nodes[1];
        let mut frames = Vec::new();
        for (run, held) in node.skeleton().runs(site(1)) {
            for height in 0..held.control {
                frames.push(Frame::Segment(
                    node.segment(run, Log::Control, height).unwrap().unwrap(),
                ));
            }
        }
        frames
    };
    network.nodes[2].take_all(frames).unwrap();
    network.exchange(2, DGP, None);
    sessions(&mut network.nodes[DGP], dara);
    network.nodes[DGP].flush().unwrap();
    network.exchange(2, DGP, None);
    network.settle();
    network.settle();
    let found = states(&mut network, 2, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
}

/// Of those who were released nothing waits to be told.
#[test]
fn nothing_is_kept_of_who_was_released() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, Destination::WithoutNode);
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    let rows = |network: &Network, table| {
        let store = network.nodes[DGP].store();
        store.scan(table, &[], &[], usize::MAX).unwrap().len()
    };
    assert_eq!(rows(&network, Table::Told), 1);
    leaves(&mut network, 2, dara, Destination::Released);
    network.settle();
    assert_eq!(
        [Table::Told, Table::Work].map(|table| rows(&network, table)),
        [0, 0]
    );
}

/// Where he came from is guessed before the stay between is known. What that one grants after he has
/// left does not go on by itself, for it could be of later: the head office, which sees where each
/// departure led, gives it to where he is.
#[test]
fn a_stay_between_that_is_known_late() {
    let mut network = Network::new(4);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    network.exchange(1, DGP, None);
    arrives(&mut network, 2, dara);
    attends(&mut network.nodes[2], dara, 2);
    arrives(&mut network, 3, dara);
    for _ in 0..3 {
        network.exchange(3, DGP, None);
        sessions(&mut network.nodes[DGP], dara);
        network.nodes[DGP].flush().unwrap();
    }
    assert_eq!(sessions(&mut network.nodes[3], dara), [1]);
    let slip = leaves(&mut network, 3, dara, to(4)).slip.unwrap();
    network.nodes[4].transfer_in(&slip, day()).unwrap();
    leaves(&mut network, 2, dara, to(3));
    network.settle();
    assert_eq!(sessions(&mut network.nodes[4], dara), [1, 2]);
}
