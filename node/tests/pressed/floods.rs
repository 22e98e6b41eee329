//! Goal: one bad site fills nobody's lists and takes over nobody's words.
//! Method: as in pressed.rs; announcements, questions and segments by the hundred, signed by a rostered prison.

use crate::network::people::{arrives, learner, leaves, sessions, states, to};
use crate::network::{DGP, Network, site};
use spean::engine::state::State;
use spean::store::{Store, Table};
use spean_protocol::event::Destination;
use spean_protocol::event::LinkReason;
use spean_protocol::id::{LearnerId, QuestionId, StayId};
use spean_protocol::letter::{About, Announced, Arrived, Letter, Question};

use super::{forged, forged_ahead, held, letter};

/// A third prison announces whom another has announced.
#[test]
fn a_third_prison_takes_over_an_announcement() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    let one = Announced {
        learner: dara,
        date: None,
        names: Vec::new(),
        sex: None,
        birth: None,
        withheld: false,
    };
    let lie = letter(&network, 3, 2, &Letter::Announced(vec![one]));
    network.nodes[2]
        .take_all(vec![forged(3, 7, 1, &[lie])])
        .unwrap();
    assert_eq!(
        network.nodes[2].announced_by(site(1)).unwrap().len(),
        1,
        "no longer on 1's list"
    );
}

/// P8: one bad site fills the list of those who are expected.
#[test]
fn a_flood_of_announcements() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    let mut number = 0_u32;
    for height in 1..=63 {
        let list = (0..64)
            .map(|_| {
                number += 1;
                let id = *blake3::hash(&number.to_le_bytes()).as_bytes();
                Announced {
                    learner: LearnerId(id[..16].try_into().unwrap()),
                    date: None,
                    names: Vec::new(),
                    sex: None,
                    birth: None,
                    withheld: false,
                }
            })
            .collect();
        let lie = letter(&network, 3, 2, &Letter::Announced(list));
        network.nodes[2]
            .take_all(vec![forged(3, 7, height, &[lie])])
            .unwrap();
    }
    leaves(&mut network, 1, dara, to(2));
    network.exchange(1, 2, None);
    assert_eq!(
        network.nodes[2].announced_by(site(1)).unwrap().len(),
        1,
        "1's own is lost"
    );
}

/// P8: one bad site fills the head office's list.
#[test]
fn a_flood_of_questions() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, Destination::WithoutNode);
    network.settle();
    let question = Question {
        id: QuestionId([1; 16]),
        learner: LearnerId([8; 16]),
        stay: StayId([8; 16]),
        about: About::Card,
        reason: LinkReason::Card,
    };
    let lie = letter(&network, 3, DGP, &Letter::Question(question));
    network.nodes[DGP]
        .take_all(vec![forged(3, 7, 1, &[lie])])
        .unwrap();
    // 19,999 more of the kind, written straight into the store to save time.
    let mut store = network.nodes[DGP].store().clone();
    let row = store.scan(Table::Work, &[], &[], 1).unwrap().remove(0).1;
    store.begin().unwrap();
    for number in 0..19_999_u32 {
        let id = *blake3::hash(&number.to_le_bytes()).as_bytes();
        store.write(Table::Work, &id[..16], &row).unwrap();
    }
    store.commit().unwrap();
    network.nodes[DGP] = network.start(DGP, store);
    network.nodes[DGP].flush().unwrap();
    arrives(&mut network, 2, dara);
    network.exchange(2, DGP, None);
    sessions(&mut network.nodes[DGP], dara);
    network.exchange(2, DGP, None);
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
}

/// P8: one bad site ends the reading ahead for all, for ever.
#[test]
fn a_flood_ahead() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    for height in 1..=300 {
        network.nodes[2]
            .take_all(vec![forged_ahead(3, 7, height, &[])])
            .unwrap();
    }
    let one = Announced {
        learner: dara,
        date: None,
        names: Vec::new(),
        sex: None,
        birth: None,
        withheld: false,
    };
    let entry = letter(&network, 1, 2, &Letter::Announced(vec![one]));
    let taken = network.nodes[2]
        .take_all(vec![forged_ahead(1, 7, 1, &[entry])])
        .unwrap();
    assert_eq!(taken, [true]);
}

/// A third prison says that he arrived there: the old one can send him nowhere else.
#[test]
fn a_third_prison_says_that_he_arrived() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    let arrived = Arrived {
        learner: dara,
        site: site(3),
        stay: StayId([9; 16]),
        date: None,
    };
    let lie = letter(&network, 3, 1, &Letter::Arrived(arrived));
    network.nodes[1]
        .take_all(vec![forged(3, 7, 1, &[lie])])
        .unwrap();
    let undone = network.nodes[1].undo(dara);
    assert!(undone.is_ok(), "{undone:?}");
}

/// A third prison announces somebody who is here.
#[test]
fn somebody_here_is_announced() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    let one = Announced {
        learner: dara,
        date: None,
        names: Vec::new(),
        sex: None,
        birth: None,
        withheld: false,
    };
    let lie = letter(&network, 3, 1, &Letter::Announced(vec![one]));
    network.nodes[1]
        .take_all(vec![forged(3, 7, 1, &[lie])])
        .unwrap();
    let found = states(&mut network, 1, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
}

/// After a question was answered by rule, a grant of the old site may still bring more; the
/// question of a site that is gone on is dropped. What a bad site asks of somebody whom it never
/// admitted stays for ever.
#[test]
fn questions_without_an_arrival_stay() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    let question = Question {
        id: QuestionId([1; 16]),
        learner: dara,
        stay: StayId([8; 16]),
        about: About::Card,
        reason: LinkReason::Card,
    };
    let lie = letter(&network, 2, DGP, &Letter::Question(question));
    network.nodes[DGP]
        .take_all(vec![forged(2, 7, 1, &[lie])])
        .unwrap();
    network.settle();
    assert_eq!(held(&network, 2, dara, site(1)), 0);
}

/// A made-up announcement becomes part of the record: the office no longer knows where he went.
#[test]
fn a_made_up_announcement_in_the_record() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    let one = Announced {
        learner: dara,
        date: None,
        names: Vec::new(),
        sex: None,
        birth: None,
        withheld: false,
    };
    let lie = letter(&network, 3, 2, &Letter::Announced(vec![one]));
    network.nodes[2]
        .take_all(vec![forged(3, 7, 1, &[lie])])
        .unwrap();
    let arrival = arrives(&mut network, 2, dara);
    network.settle();
    println!(
        "from {:?}; at 1 {:?}",
        arrival.from,
        states(&mut network, 1, dara)
    );
    leaves(&mut network, 2, dara, to(3));
    network.settle();
    let view = network.nodes[DGP].view(dara).unwrap().unwrap();
    let place = spean_protocol::custody::CustodyState::of(&view, site(DGP));
    assert_eq!(
        place,
        spean_protocol::custody::CustodyState::Departed { to: to(3) }
    );
}
