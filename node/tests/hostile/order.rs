//! Goal: what was said last stands, in whatever order it comes.
//! Method: control segments out of order; a link between learners that is taken back; a machine
//! that stops between an event and what corrects it.

use spean_protocol::event::{Body, LinkReason, RetractionReason, Who5Moment};
use spean_protocol::segment::Log;
use spean_protocol::session::{Frame, Host};
use spean_protocol::totals::Query;

use super::{admit, fold, interview, segments, write};
use crate::network::{DGP, Network, items, loan, site};

fn both_interviews() -> Vec<Body> {
    let of = |moment, answers| interview(moment, answers);
    vec![of(Who5Moment::Start, [1; 5]), of(Who5Moment::End, [2; 5])]
}

/// Two statements, of two runs; the older one comes last.
#[test]
fn the_causally_newest_statement_stands() {
    let mut network = Network::new(2);
    for (count, name) in [(1, "Dara"), (2, "Rith")] {
        let learner = admit(&mut network, 1, name);
        write(&mut network, 1, learner, both_interviews());
        assert_eq!(network.nodes[1].skeleton().runs(site(1)).count(), count);
        network.restart(1);
    }
    let mut control = segments(&network.nodes[1], site(1));
    control.retain(|(log, _, _)| *log == Log::Control);
    let second = control
        .iter()
        .rposition(|(_, height, _)| *height == 0)
        .unwrap();
    assert!(second > 1, "the first run says more than that it opens");
    // The first run's opening, all of the second run, then the rest of the first.
    let newest = control.split_off(second);
    let rest = control.split_off(1);
    let dgp = &mut network.nodes[DGP];
    for part in [control, newest, rest] {
        let frames: Vec<Frame> = part.into_iter().map(|piece| piece.2).collect();
        assert!(dgp.take_all(frames).unwrap().iter().all(|new| *new));
    }
    assert_eq!(dgp.totals(Query::ALL).unwrap().figures.who5.pairs, 2);
    network.settle();
    let dgp = &network.nodes[DGP];
    assert_eq!(dgp.totals(Query::ALL).unwrap().figures.who5.pairs, 2);
}

/// Two records are said to be one person's, and then that this was a mistake.
#[test]
fn a_link_that_was_taken_back_is_gone() {
    let mut network = Network::new(1);
    let learners = ["Dara", "Rith"].map(|name| admit(&mut network, 1, name));
    for learner in learners {
        let programme = spean_protocol::catalogue::ProgrammeId::BEEP;
        write(&mut network, 1, learner, vec![Body::Login { programme }]);
    }
    let persons = |network: &mut Network| {
        network.settle();
        [1, DGP].map(|at| {
            network.nodes[at]
                .totals(Query::ALL)
                .unwrap()
                .figures
                .beneficiaries
        })
    };
    assert_eq!(persons(&mut network), [2, 2]);
    let same = Body::SamePerson {
        other: learners[1],
        reason: LinkReason::Name,
    };
    write(&mut network, 1, learners[0], vec![same.clone()]);
    assert_eq!(persons(&mut network), [1, 1]);
    let events = network.nodes[1].events(learners[0]).unwrap();
    let (id, _) = events
        .into_iter()
        .find(|(_, event)| event.body == same)
        .unwrap();
    let event = spean_protocol::event::EventId(id);
    let reason = RetractionReason::EnteredByMistake;
    write(
        &mut network,
        1,
        learners[0],
        vec![Body::Retracted { event, reason }],
    );
    assert_eq!(persons(&mut network), [2, 2]);
}

/// An event is corrected while it still waits to be sealed, and the machine stops in between: what
/// the correction names is the same event for everybody.
#[test]
fn a_correction_finds_its_event_after_a_restart() {
    let mut network = Network::new(1);
    let learner = admit(&mut network, 1, "Dara");
    network.restart(1);
    for item in [7, 8] {
        network.nodes[1].append(learner, &loan(item)).unwrap();
    }
    let events = network.nodes[1].events(learner).unwrap();
    let wrong = Body::LoanOut { item: 7 };
    let (id, _) = events
        .into_iter()
        .find(|(_, event)| event.body == wrong)
        .unwrap();
    network.restart(1);
    let event = spean_protocol::event::EventId(id);
    let reason = RetractionReason::WrongLearner;
    write(
        &mut network,
        1,
        learner,
        vec![Body::Retracted { event, reason }],
    );
    network.settle();
    for at in [1, DGP] {
        let node = &mut network.nodes[at];
        fold(node);
        assert_eq!(items(node, learner), [7, 8], "both were recorded");
        let view = node.view(learner).unwrap().unwrap();
        assert_eq!(
            view.registers.loans_open,
            [8],
            "and one taken back, at {at}"
        );
        assert_eq!(view.notices.retracted, 1);
    }
}
