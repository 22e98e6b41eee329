//! Goal: a prison gets the keys of those who came to it, and no other.
//! Method: as in pressed.rs; prisons that record no departure, ask again, or make up letters and keys.

use crate::network::people::{arrives, attends, day, learner, leaves, sessions, states, to};
use crate::network::{DGP, Network, site};
use spean::engine::state::State;
use spean::store::{Store, Table};
use spean_protocol::control::Entry;
use spean_protocol::event::{Body, Destination, Event, LinkReason};
use spean_protocol::id::{LearnerId, RunId, StayId, Stream};
use spean_protocol::letter::{Arrived, Letter};
use spean_protocol::seal::{self};
use spean_protocol::slip::grant_info;
use spean_protocol::stay::{GrantContent, HeldKey};

use super::{forged, grant, held, junk, letter, person};

/// P7: a prison that once asked, and never records that he left, is given the key of every later
/// stay elsewhere, while it is open.
#[test]
fn a_former_prison_that_records_no_departure_reads_what_follows() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    // By card, without its list: as somebody who lies would.
    arrives(&mut network, 2, dara);
    network.settle();
    // He goes on to 3; 2 records nothing.
    arrives(&mut network, 3, dara);
    network.settle();
    attends(&mut network.nodes[3], dara, 33);
    network.settle();
    assert_eq!(
        held(&network, 2, dara, site(3)),
        0,
        "2 has the key of his open stay at 3"
    );
    assert!(!sessions(&mut network.nodes[2], dara).contains(&33));
}

/// The same with a question that is asked (nothing announced).
#[test]
fn the_same_without_any_announcement() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    arrives(&mut network, 3, dara);
    network.settle();
    attends(&mut network.nodes[3], dara, 33);
    network.settle();
    assert!(!sessions(&mut network.nodes[2], dara).contains(&33));
    assert_eq!(
        held(&network, 2, dara, site(3)),
        0,
        "2 has the key of his open stay at 3"
    );
}

/// P7: two letters of any prison, and the key of an open stay is granted to it.
#[test]
fn a_letter_and_a_junk_grant_fetch_the_key_of_an_open_stay() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    let arrived = Arrived {
        learner: dara,
        site: site(3),
        stay: StayId([9; 16]),
        date: None,
    };
    let lie = letter(&network, 3, 1, &Letter::Arrived(arrived));
    let bait = grant(&network, 3, 1, dara, vec![junk(2, 1)]);
    network.nodes[1]
        .take_all(vec![forged(3, 7, 1, &[lie, bait])])
        .unwrap();
    network.settle();
    assert_eq!(
        held(&network, 3, dara, site(1)),
        0,
        "3 was given the key of his open stay at 1"
    );
}

/// P8: 24 keys that a third prison makes up, and the head office's true answer is refused.
#[test]
fn made_up_keys_shut_out_the_answer() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, Destination::WithoutNode);
    network.settle();
    let keys = (1..=24).map(|number| junk(1, number)).collect();
    let lie = grant(&network, 3, 2, dara, keys);
    network.nodes[2]
        .take_all(vec![forged(3, 7, 1, &[lie])])
        .unwrap();
    arrives(&mut network, 2, dara);
    network.settle();
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
}

/// One key that a third prison makes up, and the record is never shown as open.
#[test]
fn one_made_up_key_and_the_record_is_never_open() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, Destination::WithoutNode);
    network.settle();
    let lie = grant(&network, 3, 2, dara, vec![junk(1, 1)]);
    network.nodes[2]
        .take_all(vec![forged(3, 7, 1, &[lie])])
        .unwrap();
    arrives(&mut network, 2, dara);
    network.settle();
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
    let found = states(&mut network, 2, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
}

/// A key that a prison makes up for the head office withholds nothing: who was admitted by card is
/// told that all is given, also when he asks again.
#[test]
fn a_key_made_up_for_the_head_office_keeps_nobody_waiting() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, Destination::WithoutNode);
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    let lie = grant(&network, 3, DGP, dara, vec![junk(3, 1)]);
    let taken = network.nodes[DGP].take_all(vec![forged(3, 7, 1, &[lie])]);
    assert_eq!(taken.unwrap(), [true]);
    network.settle();
    network.nodes[2]
        .ask_who(dara, LinkReason::LearnerSays)
        .unwrap();
    assert_eq!(states(&mut network, 2, dara), [State::WaitingForKey]);
    network.settle();
    let found = states(&mut network, 2, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
}

/// P7: he goes from a prison by another and back, and on again; what the first grants for its later
/// stay, of which the second knows nothing, does not go on from there before he is known to have come.
#[test]
fn what_a_prison_grants_later_is_not_taken_for_his_past() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    leaves(&mut network, 2, dara, to(3));
    network.exchange(1, 2, None);
    // The van went back. The first prison's next stay ends with a departure for the second, which
    // still says that he is on his way to the third.
    arrives(&mut network, 1, dara);
    attends(&mut network.nodes[1], dara, 21);
    leaves(&mut network, 1, dara, to(2));
    network.exchange(1, 2, None);
    sessions(&mut network.nodes[2], dara);
    network.exchange(2, 3, None);
    assert!(
        !sessions(&mut network.nodes[3], dara).contains(&21),
        "what was written after he had left was granted on"
    );
    let own = network.nodes[1].last_stay(dara).unwrap().unwrap().stay;
    let keys = network.nodes[3]
        .store()
        .scan(Table::StayKey, &site(1).0.to_be_bytes(), &[], 99);
    let later = keys
        .unwrap()
        .iter()
        .any(|(key, _)| key.ends_with(&own.0) || key[19..35] == own.0);
    assert!(!later, "the third has the key of the later stay");
}

/// A third prison's bait of 256 keys for each of many who were joined: the batch is refused whole.
#[test]
fn a_batch_too_large() {
    let mut network = Network::new(12);
    let mut joined = Vec::new();
    for number in 0..4 {
        let old = learner(&mut network, 1, &format!("L{number}"));
        leaves(&mut network, 1, old, to(2));
        let new = learner(&mut network, 2, &format!("L{number}"));
        network.nodes[2]
            .ask_who(new, LinkReason::LearnerSays)
            .unwrap();
        joined.push((old, new));
    }
    network.settle();
    for line in network.nodes[DGP].worklist().unwrap() {
        let (old, _) = joined.iter().find(|(_, new)| *new == line.learner).unwrap();
        network.nodes[DGP]
            .decide(line.id.parse().unwrap(), Some(*old))
            .unwrap();
    }
    network.settle();
    for (at, (old, _)) in joined.iter().enumerate() {
        let keys: Vec<HeldKey> = (1..=12)
            .flat_map(|of| (1..=24).map(move |n| junk(of, n)))
            .collect();
        for part in keys.chunks(200) {
            let lie = grant(&network, 3, 2, *old, part.to_vec());
            let height = 1 + at as u32 * 10 + part[0].site.0 as u32 % 10;
            network.nodes[2]
                .take_all(vec![forged(3, 7, height, &[lie])])
                .unwrap();
        }
    }
    let alone = learner(&mut network, 2, "Alone");
    let mut all: Vec<LearnerId> = joined.iter().map(|(_, new)| *new).collect();
    all.push(alone);
    let out = network.nodes[2].transfer_out_all(&all, to(4), day(), false);
    assert!(out.is_ok(), "{:?}", out.unwrap_err());
}

/// Keys beyond what one grant holds count as given although they were cut off.
#[test]
fn keys_cut_off_count_as_given() {
    let mut network = Network::new(13);
    let dara = learner(&mut network, 13, "Dara");
    leaves(&mut network, 13, dara, Destination::WithoutNode);
    network.settle();
    let keys: Vec<HeldKey> = (1..=12)
        .flat_map(|of| (1..=24).map(move |n| junk(of, n)))
        .collect();
    for (at, part) in keys.chunks(200).enumerate() {
        let lie = grant(&network, 3, DGP, dara, part.to_vec());
        network.nodes[DGP]
            .take_all(vec![forged(3, 7, 1 + at as u32, &[lie])])
            .unwrap();
    }
    arrives(&mut network, 2, dara);
    network.settle();
    assert_eq!(
        sessions(&mut network.nodes[2], dara),
        [1],
        "{:?}",
        network.nodes[2].states(dara).unwrap()
    );
}

/// A slip of somebody who was at the destination before.
#[test]
fn restricted_keys_stay() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    let restricted = |network: &Network, at: usize, of: usize| {
        let prefix = [
            &site(of).0.to_be_bytes()[..],
            &dara.0,
            &[Stream::Restricted.byte()],
        ]
        .concat();
        network.nodes[at]
            .store()
            .scan(Table::StayKey, &prefix, &[], usize::MAX)
            .unwrap()
            .len()
    };
    let moment = spean_protocol::event::Who5Moment::Start;
    let event = Event::new(Body::Who5 {
        moment,
        answers: [1_u8; 5].try_into().unwrap(),
    });
    network.nodes[1].append(dara, &[(None, event)]).unwrap();
    network.nodes[1].flush().unwrap();
    // He agrees for 2, the van goes to 3, where he does not.
    network.nodes[1]
        .transfer_out(dara, to(2), day(), true)
        .unwrap();
    let slip = network.nodes[1]
        .transfer_out(dara, to(3), day(), false)
        .unwrap()
        .slip
        .unwrap();
    network.nodes[3].transfer_in(&slip, day()).unwrap();
    network.settle();
    let slip = leaves(&mut network, 3, dara, to(2)).slip.unwrap();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    network.settle();
    assert_eq!(restricted(&network, 3, 1), 0);
    assert_eq!(restricted(&network, DGP, 1), 0);
}

/// He was joined, the decision was taken back; he leaves: the other's keys do not go along.
#[test]
fn keys_of_who_was_parted() {
    let mut network = Network::new(3);
    let (old, new, question) = person(&mut network);
    network.nodes[DGP].decide(question, Some(old)).unwrap();
    network.settle();
    network.nodes[DGP].undo_decision(question).unwrap();
    network.settle();
    let slip = leaves(&mut network, 2, new, to(3)).slip.unwrap();
    network.nodes[3].transfer_in(&slip, day()).unwrap();
    network.settle();
    assert_eq!(held(&network, 3, old, site(1)), 0);
}

/// A prison that forgot to record that he left asks once more.
#[test]
fn a_second_question_brings_nothing_new() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    arrives(&mut network, 2, dara);
    network.settle();
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
    arrives(&mut network, 3, dara);
    attends(&mut network.nodes[3], dara, 9);
    network.settle();
    network.nodes[2]
        .ask_who(dara, LinkReason::LearnerSays)
        .unwrap();
    network.settle();
    assert_eq!(held(&network, 2, dara, site(3)), 0);
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
}

/// A third prison's grant says for what to wait.
#[test]
fn a_grant_that_waits_for_ever() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    network.settle();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    let key = network.nodes[3].roster().box_key(site(2)).unwrap();
    let content = GrantContent {
        upto: Some((RunId::of(site(3), [1; 16]), u32::MAX)),
        learners: vec![(dara, Vec::new())],
    };
    let info = grant_info(site(3), site(2), &[9; 16]);
    let sealed = seal::box_seal(&key, &info, &content.encode(), [6; 32]).unwrap();
    let entry = Entry::Grant {
        id: [9; 16],
        sealed,
    };
    network.nodes[2]
        .take_all(vec![forged(3, 7, 1, &[entry])])
        .unwrap();
    let found = states(&mut network, 2, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
}
