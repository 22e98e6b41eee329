//! Goal: a run that two copies of one machine went on with, or that a liar forked, ends the same
//! everywhere: both branches are held, ordinary events of both count once, what is at stake waits,
//! and one meeting is enough.
//! Method: machines that draw the same bytes, and a liar's segments signed by hand, given to sound
//! engines in different orders, by exchange and by bundle.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::network;

use std::collections::BTreeSet;

use network::officers::{appoint, sign};
use network::people::newcomer;
use network::{DGP, Network, Node, export, fold, identity, import, items, lend, site};
use spean_protocol::catalogue::{ModuleId, ProgrammeId, Scope};
use spean_protocol::control::Entry;
use spean_protocol::event::{Body, Destination, Event, EventId, ExamOutcome, RetractionReason};
use spean_protocol::id::{Hash, Label, LearnerId, RunId};
use spean_protocol::limits::BRANCHES_MAX;
use spean_protocol::officer::Office;
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::session::{Frame, Host};
use spean_protocol::totals::Query;

const LIAR: usize = 3;

fn admit(node: &mut Node, given: &str) -> LearnerId {
    let learner = node.add_learner(&newcomer(given)).unwrap();
    node.flush().unwrap();
    learner
}

fn write(node: &mut Node, learner: LearnerId, body: Body) {
    let date = "2025-03-05".parse().unwrap();
    let event = Event::new(body).on(date);
    node.append(learner, &[(None, event)]).unwrap();
    node.flush().unwrap();
}

/// A network whose first prison is two machines, the second one last: both in the midst of one run,
/// in which a loan is sealed that both know. The others have what was before.
fn twins(prisons: usize) -> (Network, LearnerId, usize) {
    let mut network = Network::new(prisons);
    let learner = admit(&mut network.nodes[1], "Dara");
    network.settle();
    let store = network.nodes[1].store().clone();
    let [first, second] = [(); 2].map(|()| {
        let mut twin = network.start_like(1, store.clone(), 77);
        lend(&mut twin, learner, 0);
        twin
    });
    network.nodes[1] = first;
    network.nodes.push(second);
    let last = network.nodes.len() - 1;
    (network, learner, last)
}

fn heads_agree(network: &Network, places: &[usize], of: usize) {
    let heads = |at: &usize| network.nodes[*at].skeleton().heads(site(of));
    let all: BTreeSet<_> = places.iter().map(heads).collect();
    assert_eq!(all.len(), 1, "heads of site {of}: {all:?}");
}

fn digests_agree(network: &Network, places: &[usize]) {
    let all: BTreeSet<_> = places
        .iter()
        .map(|at| network.nodes[*at].digest())
        .collect();
    assert_eq!(all.len(), 1, "digests");
}

/// Two branches of equal or of different length, of which neither node knows the other's.
#[test]
fn one_exchange_heals_both_whoever_dials() {
    for lengths in [(1, 1), (3, 3), (1, 4), (4, 1), (6, 5)] {
        for two_dials in [true, false] {
            let (mut network, learner, last) = twins(3);
            for item in 0..lengths.0 {
                lend(&mut network.nodes[1], learner, 100 + item);
            }
            for item in 0..lengths.1 {
                lend(&mut network.nodes[last], learner, 200 + item);
            }
            network.exchange(1, 2, None);
            network.exchange(last, 3, None);
            let (two, three) = if two_dials {
                network.exchange(2, 3, None)
            } else {
                let (three, two) = network.exchange(3, 2, None);
                (two, three)
            };
            assert!(two.complete && three.complete);
            heads_agree(&network, &[2, 3], 1);
            for at in [2, 3] {
                assert_eq!(network.nodes[at].status().unwrap().forks, 1);
            }
            let (again, _) = network.exchange(2, 3, None);
            assert_eq!((again.sent, again.refused), (0, 0), "nothing is sent twice");
            let expected: Vec<u32> = std::iter::once(0)
                .chain((0..lengths.0).map(|item| 100 + item))
                .chain((0..lengths.1).map(|item| 200 + item))
                .collect();
            network.exchange(3, DGP, None);
            fold(&mut network.nodes[DGP]);
            assert_eq!(items(&mut network.nodes[DGP], learner), expected);
            network.settle();
        }
    }
}

/// A long common part is not sent again.
#[test]
fn a_divergence_costs_about_its_own_length() {
    let (mut network, learner, last) = twins(3);
    for item in 1..80 {
        for at in [1, last] {
            lend(&mut network.nodes[at], learner, item);
        }
    }
    for (at, first) in [(1, 100), (last, 200)] {
        lend(&mut network.nodes[at], learner, first);
        lend(&mut network.nodes[at], learner, first + 1);
    }
    network.exchange(1, 2, None);
    network.exchange(last, 3, None);
    let (two, three) = network.exchange(2, 3, None);
    let sent = [two, three].map(|outcome| outcome.sent);
    assert!(sent.iter().all(|sent| (2..=9).contains(sent)), "{sent:?}");
    heads_agree(&network, &[2, 3], 1);
}

#[test]
fn bundles_alone_heal_within_two_rounds() {
    for named in [true, false] {
        let (mut network, learner, last) = twins(3);
        lend(&mut network.nodes[1], learner, 100);
        lend(&mut network.nodes[last], learner, 200);
        network.exchange(1, 2, None);
        network.exchange(last, 3, None);
        for _ in 0..2 {
            for (from, to) in [(2, 3), (3, 2)] {
                let to_site = [site(to)];
                let to_all: &[_] = if named { &to_site } else { &[] };
                let file = export(&mut network.nodes[from], to_all);
                assert!(import(&mut network.nodes[to], &file));
            }
        }
        heads_agree(&network, &[2, 3], 1);
        digests_agree(&network, &[2, 3]);
        network.settle();
        assert_eq!(items(&mut network.nodes[DGP], learner), [0, 100, 200]);
    }
}

/// The control chains differ: the custody key of each branch is wrapped in that branch alone, and a
/// grant is in one of them. All of it reaches whom it is for.
#[test]
fn keys_of_both_branches_arrive() {
    let mut network = Network::new(3);
    let store = network.nodes[1].store().clone();
    let mut first = network.start_like(1, store.clone(), 77);
    // Alike until the run is opened, and not when the custody key is minted.
    let mut second = network.start_alike_for(1, store, 77, 2);
    let dara = admit(&mut first, "Dara");
    let rith = admit(&mut second, "Rith");
    assert_ne!(dara, rith, "two people, although the same bytes were drawn");
    lend(&mut first, dara, 1);
    lend(&mut second, rith, 2);
    network.nodes[1] = first;
    network.nodes.push(second);
    let last = network.nodes.len() - 1;
    network.exchange(1, 2, None);
    network.exchange(1, DGP, None);
    let left = network.nodes[last]
        .transfer_out(rith, Destination::Site(site(3)), None, false)
        .unwrap();
    assert!(left.slip.is_some());
    // He arrives with nothing but his card: key and past come through the log.
    network.nodes[3].admit(rith, None).unwrap();
    network.exchange(last, 2, None);
    network.exchange(2, DGP, None);
    network.exchange(2, 3, None);
    for at in [DGP, 3] {
        fold(&mut network.nodes[at]);
        assert_eq!(items(&mut network.nodes[at], rith), [2], "at {at}");
    }
    let dgp = network.nodes[DGP].skeleton();
    let run = dgp.bases(site(1)).next().unwrap();
    assert_eq!(dgp.chains(run, Log::Control).count(), 2);
    assert_eq!(items(&mut network.nodes[DGP], dara), [1]);
    network.settle();
    assert_eq!(items(&mut network.nodes[DGP], rith), [2]);
    assert!(network.nodes[1].learner(dara).unwrap().unwrap().here);
}

fn exam() -> Body {
    let module = ModuleId {
        programme: ProgrammeId::BEEP,
        number: 2,
    };
    Body::ExamResult {
        scope: Scope::Module(module),
        sitting: None,
        outcome: ExamOutcome::Passed,
        score: None,
    }
}

/// What is at stake in a branch waits for a person at all nodes alike; work and moves count.
#[test]
fn an_exam_result_in_a_branch_waits_and_an_attendance_counts() {
    let (mut network, learner, last) = twins(3);
    let module = ModuleId {
        programme: ProgrammeId::BEEP,
        number: 2,
    };
    let attended = |session| Body::Attended { module, session };
    write(&mut network.nodes[1], learner, exam());
    write(&mut network.nodes[1], learner, attended(1));
    write(&mut network.nodes[last], learner, attended(2));
    let to = Destination::Site(site(2));
    let left = network.nodes[last]
        .transfer_out(learner, to, None, false)
        .unwrap();
    network.nodes[2]
        .transfer_in(&left.slip.unwrap(), None)
        .unwrap();
    network.exchange(1, DGP, None);
    fold(&mut network.nodes[DGP]);
    let exams = |node: &Node| node.view(learner).unwrap().unwrap().progress.exams.len();
    for number in [8, 9] {
        appoint(&mut network.nodes[DGP], number, Office::Administrator).unwrap();
        assert_eq!(exams(&network.nodes[DGP]), 0);
        assert_eq!(sign(&mut network.nodes[DGP], number), 1);
    }
    assert_eq!(exams(&network.nodes[DGP]), 1, "before anybody knows");
    network.settle();
    for at in [2, DGP] {
        let view = network.nodes[at].view(learner).unwrap().unwrap();
        assert_eq!(view.notices.waiting.len(), 1, "at {at}");
        assert_eq!(view.progress.exams.len(), 0, "at {at}");
        let sessions = view
            .progress
            .module(module)
            .map(|module| module.attended.len());
        assert_eq!(sessions, Some(2), "at {at}");
        let stays = view.stays.iter().filter(|stay| stay.is_open());
        assert_eq!(
            stays.map(|stay| stay.site).collect::<Vec<_>>(),
            [site(2)],
            "at {at}"
        );
    }
    // Recorded anew, by persons, it counts.
    write(&mut network.nodes[2], learner, exam());
    network.settle();
    for number in [8, 9] {
        sign(&mut network.nodes[DGP], number);
    }
    assert_eq!(exams(&network.nodes[DGP]), 1);
}

/// What a copy of a machine took back is what that copy recorded, not what the other wrote at the
/// same place; also where it is sealed after the fork is known.
#[test]
fn a_correction_means_its_own_branch() {
    for known_before in [false, true] {
        let (mut network, learner, last) = twins(2);
        lend(&mut network.nodes[1], learner, 100);
        lend(&mut network.nodes[last], learner, 200);
        let (id, _) = network.nodes[last]
            .events(learner)
            .unwrap()
            .into_iter()
            .find(|(_, event)| event.body == Body::LoanOut { item: 200 })
            .unwrap();
        let mistake = Event::new(Body::Retracted {
            event: EventId(id),
            reason: RetractionReason::EnteredByMistake,
        });
        let twin = &mut network.nodes[last];
        twin.append(learner, &[(None, mistake)]).unwrap();
        if known_before {
            let file = export(&mut network.nodes[1], &[]);
            assert!(import(&mut network.nodes[last], &file));
            assert_eq!(network.nodes[last].status().unwrap().forks, 1);
        }
        network.settle();
        for at in [1, last, DGP] {
            let view = network.nodes[at].view(learner).unwrap().unwrap();
            assert_eq!(view.registers.loans_open, [0, 100], "at {at}");
            assert_eq!(view.notices.retracted, 1);
        }
    }
}

/// What a prison's machine and copies of it wrote in one run: the loans of each, in order. Where two
/// begin with the same, they are in the same state up to there.
const WRITTEN: [&[u32]; 5] = [
    &[0, 1, 2, 3],
    &[0, 10, 11],
    &[0, 10, 20, 21],
    &[0, 1, 30],
    &[40],
];

/// Branches at different heights, and a fork inside a branch, read in different orders and partly
/// before the rest came: every reader ends with the same, byte for byte.
#[test]
fn a_tree_of_copies_reads_the_same_in_every_order() {
    let mut network = Network::new(1);
    let learner = admit(&mut network.nodes[1], "Dara");
    lend(&mut network.nodes[1], learner, 50);
    let store = network.nodes[1].store().clone();
    let pieces = WRITTEN.map(|loans| {
        let mut twin = network.start_like(1, store.clone(), 77);
        for item in loans {
            lend(&mut twin, learner, *item);
        }
        let mut pieces = Vec::new();
        for log in [Log::Control, Log::Data] {
            for (run, held) in twin.skeleton().runs(site(1)) {
                for height in 0..held.length(log) {
                    let bytes = twin.segment(run, log, height).unwrap().unwrap();
                    pieces.push(Frame::Segment(bytes));
                }
            }
        }
        pieces
    });
    let mut expected: Vec<u32> = WRITTEN.concat();
    expected.push(50);
    expected.sort_unstable();
    expected.dedup();
    let orders = [
        [0, 1, 2, 3, 4],
        [4, 3, 2, 1, 0],
        [2, 0, 4, 1, 3],
        [1, 4, 2, 3, 0],
    ];
    let mut readings = Vec::new();
    for (order, fold_between) in orders.iter().flat_map(|one| [(one, true), (one, false)]) {
        let mut dgp = network.fresh(DGP);
        for which in order {
            dgp.take_all(pieces[*which].clone()).unwrap();
            if fold_between {
                fold(&mut dgp);
            }
        }
        fold(&mut dgp);
        assert_eq!(items(&mut dgp, learner), expected, "{order:?}");
        let row = dgp.learner(learner).unwrap();
        let figures = format!("{:?}", dgp.totals(Query::ALL).unwrap().figures);
        readings.push((row, dgp.skeleton().heads(site(1)), figures, dgp.digest()));
    }
    assert!(readings.iter().all(|reading| *reading == readings[0]));
}

fn signed((log, run, height): (Log, RunId, u32), previous: Hash, stamp: u64) -> (Hash, Frame) {
    let header = Header {
        log,
        site: site(LIAR),
        run,
        height,
        previous,
        control: u32::from(log == Log::Data),
        cohort: 1,
        stamp,
        lines: Vec::new(),
    };
    let opening = (Label([0; 16]), Entry::Opening(Vec::new()).encode());
    let parcels = if log == Log::Control {
        vec![opening]
    } else {
        Vec::new()
    };
    let segment = Segment::sign(header, parcels, &identity(LIAR).signing).unwrap();
    (segment.header.hash(), Frame::Segment(segment.encode()))
}

/// So many data segments from `start` on, on top of `previous`; the hash of each.
fn grow(run: RunId, start: u32, count: u32, mut previous: Hash, stamp: u64) -> Vec<(Hash, Frame)> {
    let mut grown = Vec::new();
    for height in start..start + count {
        let one = signed((Log::Data, run, height), previous, stamp);
        previous = one.0;
        grown.push(one);
    }
    grown
}

/// Three branches that leave at different heights, and one that leaves a branch, seen in every order.
#[test]
fn a_liars_tree_ends_the_same_in_every_order() {
    let run = RunId::of(site(LIAR), [7; 16]);
    let opening = signed((Log::Control, run, 0), Hash::ZERO, 0);
    let trunk = grow(run, 0, 6, Hash::ZERO, 1);
    let low = grow(run, 1, 3, trunk[0].0, 2);
    let high = grow(run, 4, 4, trunk[3].0, 3);
    let inner = grow(run, 3, 2, low[1].0, 4);
    let root = grow(run, 0, 2, Hash::ZERO, 5);
    let frames = |part: &[(Hash, Frame)]| -> Vec<Frame> {
        part.iter().map(|(_, frame)| frame.clone()).collect()
    };
    let whole = |parts: &[&[(Hash, Frame)]]| -> Vec<Frame> {
        let parts = parts.iter().flat_map(|part| frames(part));
        std::iter::once(opening.1.clone()).chain(parts).collect()
    };
    let orders = [
        whole(&[&trunk, &low, &inner, &high, &root]),
        whole(&[&root, &trunk[..1], &low, &trunk[1..], &high, &inner]),
        whole(&[
            &trunk[..1],
            &low[..2],
            &inner,
            &low[2..],
            &root,
            &trunk[1..4],
            &high,
            &trunk[4..],
        ]),
    ];
    for rotate in 0..3 {
        // The liar's machine is not there; its site is in the roster.
        let mut network = Network::new(3);
        network.nodes.remove(LIAR);
        for at in 0..3 {
            let pieces = orders[(at + rotate) % 3].clone();
            let count = pieces.len();
            let taken = network.nodes[at].take_all(pieces).unwrap();
            assert_eq!(
                taken.iter().filter(|new| **new).count(),
                count,
                "order {at}"
            );
        }
        heads_agree(&network, &[0, 1, 2], LIAR);
        network.settle();
        digests_agree(&network, &[0, 1, 2]);
        for at in 0..3 {
            network.restart(at);
        }
        heads_agree(&network, &[0, 1, 2], LIAR);

        // The same, each having one part only, by exchange alone.
        let mut network = Network::new(3);
        network.nodes.remove(LIAR);
        let parts = [
            whole(&[&trunk]),
            whole(&[&trunk[..1], &low, &inner]),
            whole(&[&trunk[..4], &high]),
        ];
        for (at, part) in parts.into_iter().enumerate() {
            network.nodes[(at + rotate) % 3].take_all(part).unwrap();
        }
        network.settle();
        digests_agree(&network, &[0, 1, 2]);
        assert_eq!(network.nodes[0].skeleton().heads(site(LIAR)).len(), 5);
    }
}

/// More branches than are kept: refused by name, and not sent again and again.
#[test]
fn countless_branches_of_one_run_stop_nobody() {
    let run = RunId::of(site(LIAR), [7; 16]);
    let opening = signed((Log::Control, run, 0), Hash::ZERO, 0).1;
    let mut network = Network::new(3);
    network.nodes.remove(LIAR);
    let learner = admit(&mut network.nodes[1], "Dara");
    for (at, stamps) in [(1, 0..40_u64), (2, 30..70)] {
        let mut frames = vec![opening.clone()];
        frames.extend(stamps.flat_map(|stamp| {
            grow(run, 0, 3, Hash::ZERO, stamp)
                .into_iter()
                .map(|one| one.1)
        }));
        network.nodes[at].take_all(frames).unwrap();
        let kept = network.nodes[at].skeleton().chains(run, Log::Data).count();
        assert_eq!(kept, BRANCHES_MAX + 1);
    }
    for item in 0..3 {
        lend(&mut network.nodes[1], learner, item);
        for (a, b) in [(1, 2), (2, DGP), (DGP, 1)] {
            let (outcome, other) = network.exchange(a, b, None);
            assert!(outcome.complete && other.complete);
            if item > 0 {
                assert_eq!((outcome.refused, other.refused), (0, 0), "{a} and {b}");
            }
        }
    }
    fold(&mut network.nodes[DGP]);
    assert_eq!(items(&mut network.nodes[DGP], learner), [0, 1, 2]);
}

/// Segments beyond a gap, and then what shows that the run is forked: it all comes again.
#[test]
fn what_was_beyond_a_gap_comes_again_in_its_branch() {
    let (mut network, learner, last) = twins(2);
    for item in 1..6 {
        lend(&mut network.nodes[1], learner, 100 + item);
        lend(&mut network.nodes[last], learner, 200 + item);
    }
    let run = network.nodes[1].skeleton().heads(site(1))[0].run;
    let of = |network: &Network, at: usize, log, height| {
        let bytes = network.nodes[at].segment(run, log, height).unwrap();
        Frame::Segment(bytes.unwrap())
    };
    let own = |network: &Network, at: usize| {
        let run = network.nodes[at].skeleton().run(run).unwrap();
        (run.control, run.data.prefix())
    };
    let (control, data) = own(&network, 1);
    let mut frames: Vec<Frame> = (0..control)
        .map(|height| of(&network, 1, Log::Control, height))
        .collect();
    let seen = [(1, 0), (1, 3), (1, 4), (last, 1)];
    frames.extend(seen.map(|(at, height)| of(&network, at, Log::Data, height)));
    assert_eq!(data, 6);
    let dgp = &mut network.nodes[DGP];
    assert!(dgp.take_all(frames).unwrap().iter().all(|new| *new));
    fold(dgp);
    // The one at height 2 of the other branch clashes with what is beyond the gap.
    let clash = of(&network, last, Log::Data, 2);
    assert_eq!(network.nodes[DGP].take_all(vec![clash]).unwrap(), [true]);
    assert_eq!(network.nodes[DGP].status().unwrap().forks, 1);
    network.settle();
    let expected: Vec<u32> = (0..1).chain(101..106).chain(201..206).collect();
    assert_eq!(items(&mut network.nodes[DGP], learner), expected);
}
