//! Goal: officers who undo, change their minds or forget leave the record right.
//! Method: as in pressed.rs; moves undone, redone and undone again, before and after answers.

use crate::network::people::{arrives, attends, day, learner, leaves, sessions, states, to};
use crate::network::{DGP, Network};
use spean::engine::state::State;
use spean_protocol::event::Destination;

/// A question asked a second time is answered too.
#[test]
fn admitted_again_by_card_after_an_undo() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, Destination::WithoutNode);
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    network.nodes[2].undo(dara).unwrap();
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    let found = states(&mut network, 2, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
}

/// An arrival that was none, at the site that he left: he is on his way as before.
#[test]
fn a_return_undone() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    arrives(&mut network, 1, dara);
    network.nodes[1].undo(dara).unwrap();
    let found = states(&mut network, 1, dara);
    assert!(matches!(found[..], [State::Away { .. }]), "{found:?}");
    network.nodes[1]
        .transfer_out(dara, to(3), day(), false)
        .unwrap();
}

/// Admitted by card; left by mistake and undone before the answer came.
#[test]
fn a_departure_undone_while_a_question_waits() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    attends(&mut network.nodes[1], dara, 7);
    leaves(&mut network, 1, dara, Destination::WithoutNode);
    network.settle();
    arrives(&mut network, 2, dara);
    leaves(&mut network, 2, dara, to(1));
    network.nodes[2].undo(dara).unwrap();
    network.settle();
    network.settle();
    let found = states(&mut network, 2, dara);
    assert_eq!(sessions(&mut network.nodes[2], dara), [1, 7], "{found:?}");
}

/// Admitted by card, and sent on with a slip before the answer came.
#[test]
fn onward_before_the_answer_came() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    attends(&mut network.nodes[1], dara, 7);
    leaves(&mut network, 1, dara, Destination::WithoutNode);
    network.settle();
    arrives(&mut network, 2, dara);
    let slip = leaves(&mut network, 2, dara, to(3)).slip.unwrap();
    network.nodes[3].transfer_in(&slip, day()).unwrap();
    network.settle();
    network.settle();
    let found = states(&mut network, 3, dara);
    assert_eq!(sessions(&mut network.nodes[3], dara), [1, 7], "{found:?}");
}

/// Undone after work was recorded: the work is not lost to him where he really went.
#[test]
fn work_before_an_undone_arrival() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    network.settle();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    attends(&mut network.nodes[2], dara, 22);
    network.settle();
    network.nodes[2].undo(dara).unwrap();
    network.settle();
    let slip = leaves(&mut network, 1, dara, to(3)).slip.unwrap();
    network.nodes[3].transfer_in(&slip, day()).unwrap();
    network.settle();
    assert_eq!(sessions(&mut network.nodes[3], dara), [1, 22]);
}

/// A departure to a site, then undone: the destination, which admitted by the slip meanwhile, and
/// asks by card later.
#[test]
fn release_then_card() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, Destination::Released);
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
    leaves(&mut network, 2, dara, Destination::Released);
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    let found = states(&mut network, 2, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
}

/// Released, and back at the same prison a year later, by his card.
#[test]
fn back_at_the_only_prison() {
    let mut network = Network::new(1);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, Destination::Released);
    network.settle();
    arrives(&mut network, 1, dara);
    network.settle();
    assert_eq!(sessions(&mut network.nodes[1], dara), [1]);
    let found = states(&mut network, 1, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
}

/// Admitted by card, sent on by mistake, taken back, and then taken back once more.
#[test]
fn undone_and_undone_again() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    leaves(&mut network, 2, dara, to(3));
    network.nodes[2].undo(dara).unwrap();
    network.settle();
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
    // He never came.
    network.nodes[2].undo(dara).unwrap();
    network.settle();
    assert!(network.nodes[2].view(dara).unwrap().is_none());
    leaves(&mut network, 1, dara, to(3));
    arrives(&mut network, 3, dara);
    network.settle();
    assert_eq!(sessions(&mut network.nodes[3], dara), [1]);
    let view = network.nodes[DGP].view(dara).unwrap().unwrap();
    assert_eq!(view.stays.iter().filter(|stay| stay.is_open()).count(), 1);
}
