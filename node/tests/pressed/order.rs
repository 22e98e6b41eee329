//! Goal: letters that cross, or that somebody hands over in another order, leave nobody lost.
//! Method: as in pressed.rs; control segments ahead of their turn, turned round, taken back, of a branch.

use crate::network::people::{
    arrives, attends, day, learner, leaves, newcomer, sessions, states, to,
};
use crate::network::{DGP, Network, site};
use spean::engine::state::State;
use spean_protocol::event::LinkReason;
use spean_protocol::id::QuestionId;
use spean_protocol::segment::Log;
use spean_protocol::session::{Frame, Host};

/// Order: letters that cross ahead of their turn overtake those before them. An arrival that was
/// undone counts, and the old site can send him nowhere else.
#[test]
fn not_arrived_overtakes_arrived() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    learner(&mut network, 2, "Before");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    network.settle();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    for turn in 0..6 {
        let other = learner(&mut network, 2, &format!("L{turn}"));
        network.nodes[2]
            .ask_who(other, LinkReason::LearnerSays)
            .unwrap();
    }
    network.nodes[2].undo(dara).unwrap();
    network.exchange(1, 2, None);
    network.settle();
    let out = network.nodes[1].transfer_out(dara, to(3), day(), false);
    assert!(out.is_ok(), "{out:?}");
}

/// The same with a decision that was taken back.
#[test]
fn a_decision_that_was_taken_back_comes_back() {
    for cut in 2..9 {
        taken_back(cut);
    }
}

fn taken_back(cut: usize) {
    let mut network = Network::new(3);
    let old = learner(&mut network, 1, "Dara");
    let rith = learner(&mut network, 1, "Rith");
    network.settle();
    arrives(&mut network, 3, rith);
    network.settle();
    leaves(&mut network, 1, old, to(2));
    let new = learner(&mut network, 2, "Dara");
    network.nodes[2]
        .ask_who(new, LinkReason::LearnerSays)
        .unwrap();
    network.settle();
    let lines = network.nodes[DGP].worklist().unwrap();
    let line = lines.iter().find(|line| line.kind == "person").unwrap();
    let question: QuestionId = line.id.parse().unwrap();
    network.nodes[DGP].decide(question, Some(old)).unwrap();
    for turn in 0..6 {
        let other = learner(&mut network, 1, &format!("L{turn}"));
        network.exchange(1, DGP, None);
        arrives(&mut network, 3, other);
        network.exchange(3, DGP, None);
        sessions(&mut network.nodes[DGP], other);
        network.nodes[DGP].flush().unwrap();
    }
    network.nodes[DGP].undo_decision(question).unwrap();
    // The link is cut after the first frames; the node reads meanwhile, as service.rs does.
    network.exchange(2, DGP, Some(cut));
    sessions(&mut network.nodes[2], new);
    network.nodes[2].flush().unwrap();
    network.settle();
    network.settle();
    let view = network.nodes[DGP].view(new).unwrap().unwrap();
    let same = view
        .links
        .iter()
        .any(|link| !link.same.is_empty() && link.not_same.is_empty());
    assert!(!same, "cut {cut}, the same person again: {:?}", view.links);
}

/// The same with a list.
#[test]
fn not_coming_overtakes_announced() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    leaves(&mut network, 1, dara, to(2));
    for turn in 0..6 {
        let other = learner(&mut network, 1, &format!("L{turn}"));
        leaves(&mut network, 1, other, to(3));
    }
    leaves(&mut network, 1, dara, to(3));
    network.exchange(1, 2, None);
    network.settle();
    let found = states(&mut network, 2, dara);
    assert!(found.is_empty(), "still expected: {found:?}");
}

/// The old site records the departure after the news of the arrival: it is answered.
#[test]
fn departure_after_the_fact_keeps_its_receipt() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    let found = states(&mut network, 1, dara);
    assert!(matches!(found[..], [State::Arrived { .. }]), "{found:?}");
}

/// A receipt of the stay before comes after he is back.
#[test]
fn back_by_card_before_the_receipt() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    leaves(&mut network, 2, dara, to(1));
    arrives(&mut network, 1, dara);
    network.settle();
    let found = states(&mut network, 1, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
}

/// A relay hands letters over in what order it likes.
#[test]
fn any_peer_can_turn_letters_round() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    leaves(&mut network, 1, dara, to(2));
    leaves(&mut network, 1, dara, to(3));
    use spean_protocol::session::Host;
    let (run, held) = network.nodes[1].skeleton().runs(site(1)).last().unwrap();
    let last = held.control;
    // 3 has it all, and gives 2 the last ones first.
    for height in (0..last).rev() {
        let bytes = network.nodes[1]
            .segment(run, Log::Control, height)
            .unwrap()
            .unwrap();
        network.nodes[2]
            .take_all(vec![Frame::Ahead(bytes)])
            .unwrap();
    }
    network.settle();
    let found = states(&mut network, 2, dara);
    assert!(found.is_empty(), "still expected: {found:?}");
}

/// A letter of a branch of a forked run, handed over again by anybody, is read again.
#[test]
fn a_letter_of_a_branch_is_read_again() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    // Two copies of machine 1 go on in one run: same number, same bytes.
    let number = network.started + 1;
    let store = network.nodes[1].store().clone();
    let mut one = network.start_like(1, store.clone(), number);
    let mut two = network.start_like(1, store, number);
    one.flush().unwrap();
    attends(&mut one, dara, 5);
    one.flush().unwrap();
    attends(&mut two, dara, 5);
    two.flush().unwrap();
    let rith = one.add_learner(&newcomer("Rith")).unwrap();
    one.flush().unwrap();
    one.transfer_out(rith, to(2), day(), false).unwrap();
    two.transfer_out(dara, to(2), day(), false).unwrap();
    network.nodes[1] = one;
    network.nodes.push(two);
    network.settle();
    println!("forks at 2: {}", {
        use spean_protocol::session::Host;
        network.nodes[2].forks().len()
    });
    // 1's copy takes it back.
    network.nodes[4].undo(dara).unwrap();
    network.settle();
    assert!(network.nodes[2].states(dara).unwrap().is_empty());
    use spean_protocol::session::Host;
    let mut frames = Vec::new();
    for (run, held) in network.nodes[2].skeleton().runs(site(1)) {
        for height in 0..held.control {
            frames.push(Frame::Ahead(
                network.nodes[2]
                    .segment(run, Log::Control, height)
                    .unwrap()
                    .unwrap(),
            ));
        }
    }
    let taken = network.nodes[2].take_all(frames).unwrap();
    assert!(taken.iter().all(|new| !new), "read a second time");
}

/// Off the list, before the old site's data are here; the head office is not to be reached.
#[test]
fn admitted_off_the_list_before_the_data() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    // Only the control log crosses: the list and the keys.
    let control: Vec<Frame> = {
        let node = &network.nodes[1];
        let (run, held) = node.skeleton().runs(site(1)).next().unwrap();
        let segment = |height| node.segment(run, Log::Control, height).unwrap().unwrap();
        (0..held.control)
            .map(|height| Frame::Segment(segment(height)))
            .collect()
    };
    network.nodes[2].take_all(control).unwrap();
    arrives(&mut network, 2, dara);
    assert_eq!(states(&mut network, 2, dara), [State::WaitingForKey]);
    network.exchange(1, 2, None);
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
    network.nodes[2].flush().unwrap();
    let found = states(&mut network, 2, dara);
    assert!(matches!(found[..], [State::Open { .. }]), "{found:?}");
    network.exchange(1, 2, None);
    let found = states(&mut network, 1, dara);
    assert!(matches!(found[..], [State::Arrived { .. }]), "{found:?}");
}
