//! Goal: in every move that a prisoner makes, tidy or not, he works where he is on the day he
//! arrives, keeps what he achieved, and is counted once; each side reads in plain words how it
//! stands, and nobody else reads anything (P4, P7).
//! Method: sound engines in memory, one test for each move, named as the move; exchanges only where
//! the story says so. The same moves on real processes: tests/tests/moves.rs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::network;

use network::people::{
    MODULE, arrives, attends, day, learner, leaves, newcomer, sessions, states, to,
};
use network::{DGP, Network, Node, export, import, site};
use spean::engine::depart::{Departure, Moved};
use spean::engine::state::State;
use spean::qr::Qr;
use spean_protocol::catalogue::{ProgrammeId, Scope};
use spean_protocol::custody::CustodyState;
use spean_protocol::event::{Body, Destination, Event, LinkReason};
use spean_protocol::id::{LearnerId, QuestionId};
use spean_protocol::limits::SLIP_BYTES_MAX;
use spean_protocol::segment::{Log, Segment};
use spean_protocol::session::{Frame, Host};
use spean_protocol::totals::Query;
use spean_protocol::view::LearnerView;

fn is_open(network: &mut Network, at: usize, learner: LearnerId) -> bool {
    matches!(states(network, at, learner)[..], [State::Open { .. }])
}

/// The DGP counts so many persons, and this learner at that site.
fn counted(network: &mut Network, persons: u64, learner: LearnerId, at: usize) {
    network.settle();
    let dgp = &network.nodes[DGP];
    assert_eq!(
        dgp.totals(Query::ALL).unwrap().figures.beneficiaries,
        persons
    );
    let view = dgp.view(learner).unwrap().unwrap();
    let place = CustodyState::of(&view, site(DGP));
    assert_eq!(place, CustodyState::Elsewhere { site: site(at) });
}

/// No prison but that one reads anything of him.
fn read_only_at(network: &mut Network, learner: LearnerId, at: usize) {
    for place in 1..network.nodes.len() {
        let reads = network.nodes[place].view(learner).unwrap().is_some();
        assert_eq!(reads, place == at, "at {place}");
    }
}

/// Somebody sent without a word and without a slip: he works at once, a question goes to the DGP
/// with the next exchange, its answer opens his past.
#[test]
fn without_notice_and_without_slip() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    // Nobody recorded that he left.
    let arrival = arrives(&mut network, 2, dara);
    assert_eq!(arrival.states, [State::WaitingForKey]);
    attends(&mut network.nodes[2], dara, 2);
    assert_eq!(sessions(&mut network.nodes[2], dara), [2]);
    network.exchange(2, DGP, None);
    sessions(&mut network.nodes[DGP], dara);
    network.exchange(2, DGP, None);
    assert_eq!(
        sessions(&mut network.nodes[2], dara),
        [1, 2],
        "the past joined"
    );
    assert!(is_open(&mut network, 2, dara));
    network.settle();
    // The old site is told, and may dispute; it blocks nothing.
    let said = State::SaidElsewhere { site: "S2".into() };
    assert!(states(&mut network, 1, dara).contains(&said));
    network.nodes[1].dispute(dara).unwrap();
    network.settle();
    let disputed = |site: &str| State::Disputed { site: site.into() };
    assert!(states(&mut network, 1, dara).contains(&disputed("S2")));
    assert!(
        states(&mut network, 2, dara).contains(&disputed("S1")) || {
            // The new site does not know who disputes where nobody said where he came from.
            states(&mut network, 2, dara).contains(&disputed(""))
        }
    );
    let kinds: Vec<String> = network.nodes[DGP]
        .worklist()
        .unwrap()
        .into_iter()
        .map(|line| line.kind)
        .collect();
    assert!(kinds.contains(&"dispute".to_owned()), "{kinds:?}");
    // It records the departure after all.
    leaves(&mut network, 1, dara, to(2));
    counted(&mut network, 1, dara, 2);
    read_only_at(&mut network, dara, 2);
}

/// Somebody who says nothing of a card is added as a new person; the DGP's officer finds out who he
/// is, and later that he is not.
#[test]
fn as_a_new_person_joined_later_and_parted_again() {
    let mut network = Network::new(2);
    let old = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, old, to(2));
    let new = learner(&mut network, 2, "Dara");
    network.nodes[2]
        .ask_who(new, LinkReason::LearnerSays)
        .unwrap();
    assert_eq!(states(&mut network, 2, new), [State::Provisional]);
    attends(&mut network.nodes[2], new, 2);
    network.settle();
    let figures = network.nodes[DGP].totals(Query::ALL).unwrap().figures;
    assert_eq!(figures.beneficiaries, 2, "two until somebody decides");
    let lines = network.nodes[DGP].worklist().unwrap();
    let line = lines.iter().find(|line| line.kind == "person").unwrap();
    assert_eq!(line.candidates[0].learner, old, "{line:?}");
    let question: QuestionId = line.id.parse().unwrap();
    network.nodes[DGP].decide(question, Some(old)).unwrap();
    network.settle();
    assert_eq!(
        sessions(&mut network.nodes[2], new),
        [1, 2],
        "one person's record"
    );
    assert!(is_open(&mut network, 2, new));
    let figures = network.nodes[DGP].totals(Query::ALL).unwrap().figures;
    assert_eq!(figures.beneficiaries, 1);
    // He leaves as one person.
    network.nodes[DGP].undo_decision(question).unwrap();
    network.settle();
    assert_eq!(
        sessions(&mut network.nodes[2], new),
        [1, 2],
        "he did attend the first here"
    );
    let figures = network.nodes[DGP].totals(Query::ALL).unwrap().figures;
    assert_eq!(figures.beneficiaries, 2, "nothing was rewritten");
}

/// A joined person moves on: the next site reads both records.
#[test]
fn a_joined_person_moves_on() {
    let mut network = Network::new(3);
    let old = learner(&mut network, 1, "Dara");
    attends(&mut network.nodes[1], old, 7);
    leaves(&mut network, 1, old, to(2));
    let new = learner(&mut network, 2, "Dara");
    network.nodes[2]
        .ask_who(new, LinkReason::LearnerSays)
        .unwrap();
    network.settle();
    let lines = network.nodes[DGP].worklist().unwrap();
    let question: QuestionId = lines[0].id.parse().unwrap();
    network.nodes[DGP].decide(question, Some(old)).unwrap();
    network.settle();
    assert_eq!(sessions(&mut network.nodes[2], new), [1, 7]);
    network.exchange(2, 3, None);
    let left = leaves(&mut network, 2, new, to(3));
    network.nodes[3]
        .transfer_in(&left.slip.unwrap(), day())
        .unwrap();
    assert_eq!(sessions(&mut network.nodes[3], new), [1, 7]);
    counted(&mut network, 1, new, 3);
}

/// Announced, a batch, from one list: out in one command, in with one command.
#[test]
fn a_hundred_in_one_van() {
    let mut network = Network::new(2);
    let hundred: Vec<LearnerId> = (0..100)
        .map(|number| learner(&mut network, 1, &format!("L{number}")))
        .collect();
    let left = network.nodes[1]
        .transfer_out_all(&hundred, to(2), day(), false)
        .unwrap();
    assert_eq!(left.iter().filter_map(Moved::done).count(), 100);
    // The same list again, and somebody unknown in it: each is refused by himself.
    let again = [hundred[0], LearnerId([9; 16])];
    let twice = network.nodes[1]
        .transfer_out_all(&again, to(2), day(), false)
        .unwrap();
    assert_eq!(twice.iter().filter_map(Moved::done).count(), 0);
    network.settle();
    let announced = network.nodes[2].moves().unwrap();
    assert_eq!(announced.len(), 100);
    assert!(announced.iter().all(|line| line.name.starts_with("Sok L")));
    assert!(matches!(&announced[0].states[..], [State::Announced { from, .. }] if from == "S1"));
    let tickets = network.nodes[2].announced_by(site(1)).unwrap();
    let arrived = network.nodes[2].transfer_in_all(&tickets, day()).unwrap();
    for one in &arrived {
        let arrival = one.done().unwrap();
        assert!(
            matches!(arrival.states[..], [State::Open { .. }]),
            "{arrival:?}"
        );
        assert_eq!(arrival.from.as_deref(), Some("S1"));
    }
    assert!(network.nodes[2].moves().unwrap().is_empty());
    network.settle();
    assert!(matches!(&states(&mut network, 1, hundred[0])[..],
        [State::Arrived { site, .. }] if site == "S2"));
    counted(&mut network, 100, hundred[99], 2);
    read_only_at(&mut network, hundred[50], 2);
}

/// A to B to C before A's data or grant reached B: C works, and gains the past when it comes, also
/// where it comes to B first.
#[test]
fn onward_before_the_grant_came() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    arrives(&mut network, 2, dara);
    attends(&mut network.nodes[2], dara, 2);
    let left = leaves(&mut network, 2, dara, to(3));
    network.nodes[3]
        .transfer_in(&left.slip.unwrap(), day())
        .unwrap();
    attends(&mut network.nodes[3], dara, 3);
    network.exchange(2, 3, None);
    assert_eq!(sessions(&mut network.nodes[3], dara), [2, 3]);
    // A's log reaches B only, without the DGP; B grants on.
    network.exchange(1, 2, None);
    network.exchange(2, 3, None);
    network.exchange(2, 3, None);
    assert_eq!(sessions(&mut network.nodes[3], dara), [1, 2, 3]);
    counted(&mut network, 1, dara, 3);
    read_only_at(&mut network, dara, 3);
}

/// A to B and back to A.
#[test]
fn there_and_back_again() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    let left = leaves(&mut network, 1, dara, to(2));
    network.nodes[2]
        .transfer_in(&left.slip.unwrap(), day())
        .unwrap();
    attends(&mut network.nodes[2], dara, 2);
    let left = leaves(&mut network, 2, dara, to(1));
    network.exchange(1, 2, None);
    let arrival = network.nodes[1]
        .transfer_in(&left.slip.unwrap(), day())
        .unwrap();
    assert!(
        matches!(arrival.states[..], [State::Open { .. }]),
        "{arrival:?}"
    );
    attends(&mut network.nodes[1], dara, 3);
    assert_eq!(sessions(&mut network.nodes[1], dara), [1, 2, 3]);
    counted(&mut network, 1, dara, 1);
    read_only_at(&mut network, dara, 1);
}

/// The same without any slip.
#[test]
fn there_and_back_by_card() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    arrives(&mut network, 2, dara);
    attends(&mut network.nodes[2], dara, 2);
    leaves(&mut network, 2, dara, to(1));
    arrives(&mut network, 1, dara);
    attends(&mut network.nodes[1], dara, 3);
    network.settle();
    assert_eq!(sessions(&mut network.nodes[1], dara), [1, 2, 3]);
    assert!(is_open(&mut network, 1, dara));
    counted(&mut network, 1, dara, 1);
}

/// Whoever came by his card and has left again is on his way, not "nowhere": his old departure is
/// known to be answered.
#[test]
fn by_card_and_onward() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    leaves(&mut network, 2, dara, to(3));
    network.settle();
    let view = network.nodes[DGP].view(dara).unwrap().unwrap();
    let on_the_way = CustodyState::Departed { to: to(3) };
    assert_eq!(CustodyState::of(&view, site(DGP)), on_the_way);
    assert_eq!(network.nodes[DGP].moves().unwrap().len(), 1);
    arrives(&mut network, 3, dara);
    network.settle();
    network.nodes[3].undo(dara).unwrap();
    counted_on_the_way(&mut network, dara);
}

fn counted_on_the_way(network: &mut Network, learner: LearnerId) {
    network.settle();
    let view = network.nodes[DGP].view(learner).unwrap().unwrap();
    let place = CustodyState::of(&view, site(DGP));
    assert!(matches!(place, CustodyState::Departed { .. }), "{place:?}");
}

/// The slip says one prison, the van went to another: the card is enough there.
#[test]
fn a_slip_to_the_wrong_site() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    let refused = network.nodes[3].transfer_in(&slip, day()).unwrap_err();
    assert!(
        refused.to_string().contains("by the id on his card"),
        "{refused}"
    );
    arrives(&mut network, 3, dara);
    attends(&mut network.nodes[3], dara, 2);
    network.settle();
    assert_eq!(sessions(&mut network.nodes[3], dara), [1, 2]);
    counted(&mut network, 1, dara, 3);
    read_only_at(&mut network, dara, 3);
    leaves(&mut network, 3, dara, to(1));
    counted_on_the_way(&mut network, dara);
}

/// The van turned round on the road: the old site records the true destination.
#[test]
fn a_redirected_van() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    network.exchange(1, 2, None);
    assert_eq!(network.nodes[2].moves().unwrap().len(), 1);
    let slip = leaves(&mut network, 1, dara, to(3)).slip.unwrap();
    network.exchange(1, 3, None);
    network.exchange(1, 2, None);
    assert!(
        network.nodes[2].moves().unwrap().is_empty(),
        "no longer announced"
    );
    let arrival = network.nodes[3].transfer_in(&slip, day()).unwrap();
    assert!(
        matches!(arrival.states[..], [State::Open { .. }]),
        "{arrival:?}"
    );
    attends(&mut network.nodes[3], dara, 2);
    assert_eq!(sessions(&mut network.nodes[3], dara), [1, 2]);
    counted(&mut network, 1, dara, 3);
    let turnover = network.nodes[DGP]
        .totals(Query::ALL)
        .unwrap()
        .figures
        .turnover;
    let moved: u64 = turnover.values().map(|month| month.moved).sum();
    assert_eq!(moved, 1, "he left once");
}

/// From there he comes back, and the grant of the prison where the van really went is what answers
/// his card: that he was not moved once explains nothing of where he comes from.
#[test]
fn back_from_where_the_van_was_redirected_to() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    let slip = leaves(&mut network, 1, dara, to(3)).slip.unwrap();
    network.settle();
    network.nodes[3].transfer_in(&slip, day()).unwrap();
    attends(&mut network.nodes[3], dara, 2);
    leaves(&mut network, 3, dara, to(1));
    let arrival = arrives(&mut network, 1, dara);
    assert_eq!(arrival.states, [State::WaitingForKey]);
    network.exchange(3, 1, None);
    assert_eq!(sessions(&mut network.nodes[1], dara), [1, 2]);
    assert!(is_open(&mut network, 1, dara), "without the head office");
    counted(&mut network, 1, dara, 1);
}

/// The same where he had come by his card, and went on before anybody said where from: the stay that
/// led there is no answer to the departure that leads back.
#[test]
fn back_to_where_he_had_come_by_card() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    arrives(&mut network, 2, dara);
    attends(&mut network.nodes[2], dara, 2);
    let slip = leaves(&mut network, 2, dara, to(3)).slip.unwrap();
    network.nodes[3].transfer_in(&slip, day()).unwrap();
    attends(&mut network.nodes[3], dara, 3);
    leaves(&mut network, 3, dara, to(2));
    arrives(&mut network, 2, dara);
    network.exchange(3, 2, None);
    assert_eq!(sessions(&mut network.nodes[2], dara), [2, 3]);
    network.nodes[2].flush().unwrap();
    leaves(&mut network, 1, dara, to(2));
    counted(&mut network, 1, dara, 2);
    assert_eq!(sessions(&mut network.nodes[2], dara), [1, 2, 3]);
    assert!(is_open(&mut network, 2, dara));
}

/// Undone on the same day: a departure that did not happen.
#[test]
fn a_departure_undone() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    assert!(network.nodes[1].view(dara).unwrap().is_none());
    network.nodes[1].undo(dara).unwrap();
    attends(&mut network.nodes[1], dara, 2);
    assert_eq!(sessions(&mut network.nodes[1], dara), [1, 2]);
    counted(&mut network, 1, dara, 1);
    let turnover = network.nodes[DGP]
        .totals(Query::ALL)
        .unwrap()
        .figures
        .turnover;
    assert_eq!(turnover.values().map(|month| month.moved).sum::<u64>(), 0);
    // The slip that was given opens the past, and nothing of what was written since.
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
    assert!(
        network.nodes[1].undo(dara).is_err(),
        "nothing to undo any more"
    );
}

/// An arrival that was none: the wrong person was admitted.
#[test]
fn an_arrival_undone() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    network.settle();
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    network.settle();
    network.nodes[2].undo(dara).unwrap();
    assert!(network.nodes[2].view(dara).unwrap().is_none());
    network.settle();
    assert!(matches!(
        states(&mut network, 1, dara)[..],
        [State::Away { .. } | State::Overdue { .. }]
    ));
    let away = network.nodes[DGP].moves().unwrap();
    assert_eq!(away.len(), 1, "{away:?}");
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    counted(&mut network, 1, dara, 2);
}

/// He left and never came: overdue on the lists of the site and of the DGP.
#[test]
fn a_departure_without_arrival() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    network.settle();
    assert!(matches!(
        states(&mut network, DGP, dara)[..],
        [State::Away { .. }]
    ));
    // The destination tells of days long after, by its own clock, and nothing of him.
    let other = learner(&mut network, 2, "Rith");
    assert!(is_open(&mut network, 2, other));
    network.settle();
    for at in [DGP, 1] {
        let found = states(&mut network, at, dara);
        assert!(matches!(found[..], [State::Overdue { .. }]), "{found:?}");
    }
}

/// Two prisons admit the same card at once: both and the DGP see it.
#[test]
fn two_arrivals_at_once() {
    let mut network = Network::new(3);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    arrives(&mut network, 2, dara);
    arrives(&mut network, 3, dara);
    attends(&mut network.nodes[2], dara, 2);
    attends(&mut network.nodes[3], dara, 3);
    network.settle();
    let view = network.nodes[DGP].view(dara).unwrap().unwrap();
    let several = CustodyState::SeveralSites(vec![site(2), site(3)]);
    assert_eq!(CustodyState::of(&view, site(DGP)), several);
    for (at, other) in [(2, "S3"), (3, "S2")] {
        let said = State::SaidElsewhere { site: other.into() };
        let found = states(&mut network, at, dara);
        assert!(found.contains(&said), "at {at}: {found:?}");
    }
    let figures = network.nodes[DGP].totals(Query::ALL).unwrap().figures;
    assert_eq!(figures.beneficiaries, 1);
    assert_eq!(view.progress.module(MODULE).unwrap().attended.len(), 3);
}

/// What the old site still had to write comes after he left: it counts, and is flagged.
#[test]
fn late_writes_of_the_old_site() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    let slip = leaves(&mut network, 1, dara, to(2)).slip.unwrap();
    attends(&mut network.nodes[1], dara, 9);
    network.nodes[2].transfer_in(&slip, day()).unwrap();
    network.settle();
    assert_eq!(sessions(&mut network.nodes[2], dara), [1, 9]);
    let view: LearnerView = network.nodes[2].view(dara).unwrap().unwrap();
    assert_eq!(view.notices.late.len(), 1);
    counted(&mut network, 1, dara, 2);
}

/// Released by the old site's books after he was sent on: it is refused where it is known that he
/// arrived, and corrects the destination where nobody has admitted him.
#[test]
fn a_release_recorded_after_a_transfer() {
    let mut network = Network::new(2);
    let [dara, rith] = ["Dara", "Rith"].map(|name| learner(&mut network, 1, name));
    for one in [dara, rith] {
        leaves(&mut network, 1, one, to(2));
    }
    network.settle();
    arrives(&mut network, 2, dara);
    network.settle();
    let released = Destination::Released;
    let refused = network.nodes[1].transfer_out(dara, released, day(), false);
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("S2 has admitted him")
    );
    leaves(&mut network, 1, rith, released);
    network.settle();
    let view = network.nodes[DGP].view(rith).unwrap().unwrap();
    assert_eq!(CustodyState::of(&view, site(DGP)), CustodyState::Released);
    assert!(network.nodes[2].moves().unwrap().is_empty());
}

/// To a prison without a node, and from there, months later, to one that has it.
#[test]
fn by_way_of_a_prison_without_a_node() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, Destination::WithoutNode);
    network.settle();
    let found = states(&mut network, DGP, dara);
    assert!(matches!(&found[..], [State::Away { to, .. }] if to == "without-node"));
    arrives(&mut network, 2, dara);
    network.settle();
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
    assert!(is_open(&mut network, 2, dara));
    counted(&mut network, 1, dara, 2);
}

/// Slips after the fact, of the old site and of the DGP.
#[test]
fn slips_after_the_fact() {
    let mut network = Network::new(3);
    let [dara, rith] = ["Dara", "Rith"].map(|name| learner(&mut network, 1, name));
    for one in [dara, rith] {
        leaves(&mut network, 1, one, to(2));
    }
    network.exchange(1, 2, None);
    network.exchange(1, DGP, None);
    sessions(&mut network.nodes[DGP], rith);
    let slip = |moved: &[Moved<Departure>]| moved[0].done().unwrap().slip.clone().unwrap();
    let of_site = slip(&network.nodes[1].slips(&[dara], None).unwrap());
    network.nodes[2].transfer_in(&of_site, day()).unwrap();
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
    let of_dgp = slip(&network.nodes[DGP].slips(&[rith], Some(site(2))).unwrap());
    let arrival = network.nodes[2].transfer_in(&of_dgp, day()).unwrap();
    assert_eq!(arrival.from.as_deref(), Some("S1"));
    assert_eq!(sessions(&mut network.nodes[2], rith), [1]);
    // Of somebody who has not left, and to another site than he left for, there is none.
    let here = learner(&mut network, 1, "Sopheap");
    for (one, place) in [(here, None), (dara, Some(site(3)))] {
        assert!(
            network.nodes[1].slips(&[one], place).unwrap()[0]
                .done()
                .is_none()
        );
    }
}

/// What is open moves: the seat, the exam, the loan, the pathway.
#[test]
fn everything_open_moves() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    let scope = Scope::Programme(ProgrammeId::BEEP);
    let bodies = [
        Body::Enrolled {
            scope,
            cohort: Some(4),
        },
        Body::ExamRegistered {
            scope,
            sitting: "2026-3".parse().unwrap(),
        },
        Body::LoanOut { item: 77 },
    ];
    let events: Vec<_> = bodies.map(|body| (None, Event::new(body))).into();
    network.nodes[1].append(dara, &events).unwrap();
    network.nodes[1].flush().unwrap();
    network.exchange(1, 2, None);
    let left = leaves(&mut network, 1, dara, to(2));
    assert_eq!(left.moves.seats, [(scope, Some(4))]);
    assert_eq!(left.moves.exams.len(), 1);
    assert_eq!(left.moves.loans, [77]);
    network.exchange(1, 2, None);
    let arrival = network.nodes[2]
        .transfer_in(&left.slip.unwrap(), day())
        .unwrap();
    assert_eq!(arrival.moves, left.moves, "the same on both receipts");
}

/// By sticks alone: question, answer and past travel as files.
#[test]
fn by_sticks_alone() {
    let mut network = Network::new(2);
    let dara = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, dara, to(2));
    arrives(&mut network, 2, dara);
    let carry = |network: &mut Network, from: usize, places: &[usize]| {
        let file = export(&mut network.nodes[from], &[]);
        for place in places {
            assert!(import(&mut network.nodes[*place], &file));
            while network.nodes[*place].fold(9).unwrap().more {}
        }
    };
    carry(&mut network, 2, &[DGP]);
    carry(&mut network, 1, &[DGP]);
    carry(&mut network, DGP, &[2]);
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
    assert!(is_open(&mut network, 2, dara));
    assert_eq!(network.nodes[2].status().unwrap().set_aside, 0);
    assert_ne!(network.nodes[2].digest(), network.nodes[1].digest());
}

/// IND-18: whose record was open before his first session, and who had to begin without.
#[test]
fn continuity_is_counted() {
    let mut network = Network::new(2);
    let [with_slip, without] = ["Dara", "Rith"].map(|given| learner(&mut network, 1, given));
    network.settle();
    let left = leaves(&mut network, 1, with_slip, to(2));
    network.exchange(1, 2, None);
    let prison = &mut network.nodes[2];
    prison.transfer_in(&left.slip.unwrap(), day()).unwrap();
    attends(prison, with_slip, 2);
    prison.flush().unwrap();
    leaves(&mut network, 1, without, to(2));
    arrives(&mut network, 2, without);
    attends(&mut network.nodes[2], without, 2);
    network.nodes[2].flush().unwrap();
    counted(&mut network, 2, with_slip, 2);
    assert!(is_open(&mut network, 2, without));
    network.nodes[2].flush().unwrap();
    network.settle();
    for at in [2, DGP] {
        let told = network.nodes[at].totals(Query::ALL).unwrap();
        let told = told.figures.continuity;
        assert_eq!(told.transfers, 2);
        let open = told.open_before_work;
        assert_eq!((open.count, open.of), (1, 2));
        assert_eq!((told.days.known, told.days.sum), (2, 0));
        assert_eq!((told.resumed.count, told.resumed.of), (2, 2));
    }
}

/// An answer crosses in the first frames of an exchange, whatever stands before it in the logs; in
/// its turn it is not read a second time.
#[test]
fn an_answer_behind_a_backlog() {
    let mut network = Network::new(4);
    let dara = learner(&mut network, 1, "Dara");
    network.exchange(1, 2, None);
    network.exchange(1, DGP, None);
    // Others' weeks, and letters and grants of the DGP's to others, that site 2 has not got.
    for turn in 0..12 {
        let other = learner(&mut network, 3, &format!("L{turn}"));
        arrives(&mut network, 4, other);
        network.restart(3);
        network.exchange(3, DGP, None);
        network.exchange(4, DGP, None);
        sessions(&mut network.nodes[DGP], other);
        network.nodes[DGP].flush().unwrap();
    }
    arrives(&mut network, 2, dara);
    let question = export(&mut network.nodes[2], &[]);
    assert!(import(&mut network.nodes[DGP], &question));
    sessions(&mut network.nodes[DGP], dara);
    network.nodes[DGP].flush().unwrap();
    let held = |network: &Network, at: usize| -> u32 {
        let runs = network.nodes[at].skeleton().runs(site(DGP));
        runs.map(|(_, run)| run.control).sum()
    };
    assert!(held(&network, DGP) > 12, "much stands before it");
    // Three greetings and what site 2 has to say; then the answer is the first thing that comes.
    network.exchange(2, DGP, Some(8));
    assert_eq!(sessions(&mut network.nodes[2], dara), [1]);
    let come = held(&network, 2);
    assert!(come < 6, "{come}: the office's log has come with it");
    leaves(&mut network, 1, dara, to(2));
    counted(&mut network, 13, dara, 2);
    assert_eq!(network.nodes[2].status().unwrap().set_aside, 0);
    let forged = frame_ahead(&network.nodes[DGP], 1);
    assert_eq!(network.nodes[2].take_all(vec![forged]).unwrap(), [false]);
}

/// A control segment of the DGP's with one bit of its signature turned.
fn frame_ahead(node: &Node, height: u32) -> Frame {
    let (run, _) = node.skeleton().runs(site(DGP)).next().unwrap();
    let bytes = node.segment(run, Log::Control, height).unwrap().unwrap();
    let mut segment = Segment::decode(&bytes).unwrap();
    segment.header.stamp += 1;
    Frame::Ahead(segment.encode())
}

/// In a nation with many of one family name, and many whose given names are alike, the one who is
/// meant is still among those whom a new person may be, and nobody is there for his birth year only.
#[test]
fn a_candidate_among_many() {
    let mut network = Network::new(2);
    for number in 0..205 {
        for (family, given) in [("Sok", "Aa"), ("Aaa", "Dararith")] {
            let mut row = newcomer(&format!("{given}{number}"));
            row.fields[2] = family.into();
            network.nodes[1].add_learner(&row).unwrap();
        }
    }
    let old = learner(&mut network, 1, "Dara");
    leaves(&mut network, 1, old, Destination::WithoutNode);
    network.settle();
    let new = learner(&mut network, 2, "Dara");
    network.nodes[2]
        .ask_who(new, LinkReason::LearnerSays)
        .unwrap();
    network.settle();
    let line = network.nodes[DGP].worklist().unwrap().remove(0);
    let candidates = line.candidates.iter().map(|one| one.learner);
    assert_eq!(candidates.collect::<Vec<_>>(), [old]);
}

/// Three ids of one person, joined two and two: he came without a card twice. Whoever has the last
/// reads on from the first.
#[test]
fn a_chain_of_joined_ids() {
    let mut network = Network::new(4);
    let old = learner(&mut network, 1, "Dara");
    attends(&mut network.nodes[1], old, 7);
    leaves(&mut network, 1, old, to(3));
    let joined = |network: &mut Network, at: usize, with: LearnerId| -> LearnerId {
        let new = learner(network, at, "Dara");
        network.nodes[at]
            .ask_who(new, LinkReason::LearnerSays)
            .unwrap();
        network.settle();
        let lines = network.nodes[DGP].worklist().unwrap();
        let line = lines.iter().find(|line| line.learner == new).unwrap();
        let question = line.id.parse().unwrap();
        network.nodes[DGP].decide(question, Some(with)).unwrap();
        network.settle();
        new
    };
    let second = joined(&mut network, 2, old);
    assert_eq!(sessions(&mut network.nodes[2], second), [1, 7]);
    leaves(&mut network, 2, second, Destination::WithoutNode);
    network.settle();
    let third = joined(&mut network, 3, second);
    assert_eq!(sessions(&mut network.nodes[3], third), [1, 7]);
    // On paper the keys of all three take a further slip, and each is small enough for a small code.
    // What is not here yet when he leaves: the departure. The rest opens by the slips alone.
    network.nodes[3].flush().unwrap();
    for from in [1, 2, 3] {
        network.exchange(from, 4, None);
    }
    let left = leaves(&mut network, 3, third, to(4));
    let slips: Vec<String> = left.slips().map(str::to_owned).collect();
    assert_eq!(slips.len(), 2);
    for slip in &slips {
        assert!(slip.len() * 5 / 8 <= SLIP_BYTES_MAX, "{}", slip.len());
        assert!(Qr::of(slip).unwrap().version() <= 13);
    }
    // A further one admits nobody, neither before nor again.
    let refused = network.nodes[4].transfer_in(&slips[1], day());
    assert!(refused.unwrap_err().to_string().contains("first slip"));
    network.nodes[4].transfer_in(&slips[0], day()).unwrap();
    network.nodes[4].transfer_in(&slips[1], day()).unwrap();
    assert_eq!(sessions(&mut network.nodes[4], third), [1, 7]);
    for slip in &slips {
        assert!(network.nodes[4].transfer_in(slip, day()).is_err());
    }
}
