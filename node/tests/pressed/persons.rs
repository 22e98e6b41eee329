//! Goal: one person under several ids is one person on the way.
//! Method: as in pressed.rs; new persons whom the head office joins, parts and joins again; two prisons that admit one card.

use crate::network::people::{arrives, attends, day, learner, leaves, sessions, states, to};
use crate::network::{DGP, Network, site};
use spean::engine::state::State;
use spean_protocol::event::{Destination, LinkReason};
use spean_protocol::id::QuestionId;

use super::{held, person};

/// A joined person is nowhere on the way.
#[test]
fn a_joined_person_is_not_on_the_way() {
    let mut network = Network::new(2);
    let old = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, old, to(2));
    let new = learner(&mut network, 2, "Dara");
    network.nodes[2]
        .ask_who(new, LinkReason::LearnerSays)
        .unwrap();
    network.settle();
    let line = network.nodes[DGP].worklist().unwrap().remove(0);
    network.nodes[DGP]
        .decide(line.id.parse().unwrap(), Some(old))
        .unwrap();
    network.settle();
    for at in [DGP, 1] {
        let found = states(&mut network, at, old);
        let away = found
            .iter()
            .any(|s| matches!(s, State::Away { .. } | State::Overdue { .. }));
        assert!(!away, "at {at}: {found:?}");
    }
}

/// Decided, taken back and decided again while the prison was away.
#[test]
fn decided_again() {
    let mut network = Network::new(2);
    let (old, new, question) = person(&mut network);
    network.nodes[DGP].decide(question, Some(old)).unwrap();
    network.settle();
    assert_eq!(sessions(&mut network.nodes[2], new), [1, 7]);
    network.nodes[DGP].undo_decision(question).unwrap();
    network.nodes[DGP].decide(question, Some(old)).unwrap();
    network.settle();
    assert_eq!(
        sessions(&mut network.nodes[2], new),
        [1, 7],
        "the head office says: the same"
    );
}

/// A new person moves on before the head office has decided.
#[test]
fn a_new_person_moves_on_before_the_decision() {
    let mut network = Network::new(3);
    let (old, new, question) = person(&mut network);
    let slip = leaves(&mut network, 2, new, to(3)).slip.unwrap();
    network.nodes[3].transfer_in(&slip, day()).unwrap();
    network.settle();
    let _ = network.nodes[DGP].decide(question, Some(old));
    network.settle();
    assert_eq!(sessions(&mut network.nodes[3], new), [1, 7]);
}

/// Whoever was joined to somebody here is not expected here.
#[test]
fn a_joined_record_is_not_announced() {
    let mut network = Network::new(3);
    let (old, new, question) = person(&mut network);
    network.nodes[DGP].decide(question, Some(old)).unwrap();
    network.settle();
    let slip = leaves(&mut network, 2, new, to(3)).slip.unwrap();
    network.nodes[3].transfer_in(&slip, day()).unwrap();
    network.settle();
    let found = network.nodes[3].moves().unwrap();
    assert!(found.is_empty(), "{found:?}");
}

/// A joined person's other record is at a third prison, where he is today: its key goes along.
#[test]
fn the_other_record_is_open_elsewhere() {
    let mut network = Network::new(3);
    // Two persons: one stays at 1, the other is new at 2. The head office errs.
    let old = learner(&mut network, 1, "Dara");
    let new = learner(&mut network, 2, "Dara");
    network.nodes[2]
        .ask_who(new, LinkReason::LearnerSays)
        .unwrap();
    network.settle();
    let line = network.nodes[DGP].worklist().unwrap().remove(0);
    let question: QuestionId = line.id.parse().unwrap();
    network.nodes[DGP].decide(question, Some(old)).unwrap();
    network.settle();
    network.nodes[DGP].undo_decision(question).unwrap();
    network.settle();
    attends(&mut network.nodes[1], old, 44);
    network.settle();
    assert_eq!(
        held(&network, 2, old, site(1)),
        0,
        "granted for one error, and readable for as long as he stays"
    );
}

#[test]
fn a_chain_of_links() {
    let mut network = Network::new(3);
    let (old, new, question) = person(&mut network);
    network.nodes[DGP].decide(question, Some(old)).unwrap();
    network.settle();
    leaves(&mut network, 2, new, Destination::WithoutNode);
    network.settle();
    let third = learner(&mut network, 3, "Dara");
    network.nodes[3]
        .ask_who(third, LinkReason::LearnerSays)
        .unwrap();
    network.settle();
    let lines = network.nodes[DGP].worklist().unwrap();
    let line = lines.iter().find(|line| line.learner == third).unwrap();
    network.nodes[DGP]
        .decide(line.id.parse().unwrap(), Some(new))
        .unwrap();
    network.settle();
    assert_eq!(sessions(&mut network.nodes[3], third), [1, 7]);
}

/// Two prisons admit one card; the head office answers the first before it hears of the second.
#[test]
fn two_arrivals_one_answered_before_the_other() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    arrives(&mut network, 2, dara);
    arrives(&mut network, 3, dara);
    network.exchange(1, DGP, None);
    network.exchange(2, DGP, None);
    sessions(&mut network.nodes[DGP], dara);
    network.nodes[DGP].flush().unwrap();
    network.settle();
    for (at, other) in [(2, "S3"), (3, "S2")] {
        let said = State::SaidElsewhere { site: other.into() };
        let found = states(&mut network, at, dara);
        assert!(found.contains(&said), "at {at}: {found:?}");
    }
}

/// He left before the head office decided who he is: the next prison is told.
#[test]
fn decided_on_the_way() {
    let mut network = Network::new(3);
    let (old, new, question) = person(&mut network);
    let slip = leaves(&mut network, 2, new, to(3)).slip.unwrap();
    network.settle();
    network.nodes[DGP].decide(question, Some(old)).unwrap();
    network.settle();
    network.nodes[3].transfer_in(&slip, day()).unwrap();
    network.settle();
    assert_eq!(sessions(&mut network.nodes[3], new), [1, 7]);
}

/// The same, and the head office has not heard that he left.
#[test]
fn decided_before_the_news() {
    let mut network = Network::new(3);
    let (old, new, question) = person(&mut network);
    let slip = leaves(&mut network, 2, new, to(3)).slip.unwrap();
    network.nodes[DGP].decide(question, Some(old)).unwrap();
    network.nodes[3].transfer_in(&slip, day()).unwrap();
    network.settle();
    network.settle();
    assert_eq!(sessions(&mut network.nodes[3], new), [1, 7]);
}
