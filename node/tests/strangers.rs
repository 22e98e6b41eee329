//! Goal: a machine that writes what it must not, by mistake or on purpose, delays and deceives
//! nobody but itself, and what is honest in its log still arrives (P9).
//! Method: segments signed with a real site's key that no sound engine would write, given to sound
//! engines in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::network;

use network::people::newcomer;
use network::{DGP, Network, identity, items, loan, site};
use spean_protocol::control::Entry;
use spean_protocol::frontier::Frontier;
use spean_protocol::id::{Hash, Label, LearnerId, RunId};
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::session::{Frame, Host};

const LIAR: usize = 3;

fn admit(network: &mut Network, at: usize) -> LearnerId {
    network.nodes[at].add_learner(&newcomer("Dara")).unwrap()
}

/// A control segment of the liar's, as signed as any.
fn signed(run: RunId, height: u32, previous: Hash, entry: &Entry) -> Segment {
    let header = Header {
        log: Log::Control,
        site: site(LIAR),
        run,
        height,
        previous,
        control: height,
        cohort: 1,
        stamp: 0,
        lines: Vec::new(),
    };
    let parcels = vec![(Label([0; 16]), entry.encode())];
    Segment::sign(header, parcels, &identity(LIAR).signing).unwrap()
}

fn run(number: u8) -> RunId {
    RunId::of(site(LIAR), [number; 16])
}

/// A site that opens more runs than anybody can state does not stop others from exchanging.
#[test]
fn countless_runs_of_one_site_do_not_stop_the_others() {
    let mut network = Network::new(3);
    let learner = admit(&mut network, 1);
    let opening = |number| signed(run(number), 0, Hash::ZERO, &Entry::Opening(Vec::new()));
    let frames = (0..100)
        .map(|number| Frame::Segment(opening(number).encode()))
        .collect();
    assert_eq!(network.nodes[2].take_all(frames).unwrap(), [true; 100]);
    for item in 0..3 {
        network.nodes[1].append(learner, &loan(item)).unwrap();
        for (a, b) in [(1, 2), (2, DGP), (DGP, 1)] {
            let (outcome, other) = network.exchange(a, b, None);
            assert!(outcome.complete && other.complete);
        }
    }
    let dgp = &mut network.nodes[DGP];
    while dgp.fold(9).unwrap().more {}
    assert_eq!(items(dgp, learner), [0, 1, 2]);
    let sites = dgp.skeleton().sites();
    let frontier = Frontier(
        sites
            .map(|site| (site, dgp.skeleton().frontier(site)))
            .map(|(site, frontier)| (site, frontier.clone()))
            .collect(),
    );
    assert_eq!(
        frontier.check(),
        Ok(()),
        "what it states of them is within the limits"
    );
}

/// A machine that was resumed from a snapshot writes other segments at the same places. Everybody
/// learns so, keeps what was honest even where the proof came first, and the machine goes on in
/// another run.
#[test]
fn a_resumed_snapshot_is_proved_and_its_honest_part_arrives() {
    let mut network = Network::new(3);
    let learner = admit(&mut network, 1);
    network.exchange(1, DGP, None);
    let store = network.nodes[1].store().clone();
    let mut twins = [(); 2].map(|()| network.start_like(1, store.clone(), 77));
    twins[0].append(learner, &loan(0)).unwrap();
    twins[1].append(learner, &loan(100)).unwrap();
    let [first, second] = twins;
    network.nodes[1] = first;
    network.nodes.push(second);
    // The opening of the run is the same; the segment after it is not.
    network.exchange(1, 2, None);
    for item in 1..4 {
        network.nodes[1].append(learner, &loan(item)).unwrap();
        network.exchange(1, 2, None);
    }
    // The DGP gets the opening and the first segment, then the proof before the rest.
    network.exchange(1, DGP, Some(6));
    let here = network.nodes[DGP].skeleton().heads(site(1));
    assert!(
        here.iter().all(|head| head.data < 4),
        "not the whole branch: {here:?}"
    );
    // The twin meets what clashes with its own, and says so the next time.
    network.exchange(4, 2, None);
    network.exchange(4, 2, None);
    let forks = |network: &Network, at: usize| network.nodes[at].status().unwrap().forks;
    assert_eq!(forks(&network, 2), 1);
    network.exchange(2, DGP, None);
    assert_eq!(forks(&network, DGP), 1);
    let dgp = &mut network.nodes[DGP];
    while dgp.fold(9).unwrap().more {}
    assert_eq!(
        items(dgp, learner),
        [0, 1, 2, 3, 100],
        "all of both branches"
    );

    // The author hears of it, and writes in another run from then on, also after a restart.
    network.exchange(DGP, 1, None);
    assert_eq!(forks(&network, 1), 1);
    let before = network.nodes[1].skeleton().heads(site(1))[0].run;
    network.nodes[1].append(learner, &loan(4)).unwrap();
    network.exchange(1, DGP, None);
    let after = network.nodes[1].skeleton().heads(site(1))[0].run;
    assert_ne!(before, after);
    network.restart(DGP);
    assert_eq!(forks(&network, DGP), 1);
    let dgp = &mut network.nodes[DGP];
    while dgp.fold(9).unwrap().more {}
    assert_eq!(items(dgp, learner), [0, 1, 2, 3, 4, 100]);
}

/// What a site signs for another's run, out of order, or twice is refused by name and harms nothing.
#[test]
fn what_does_not_fit_is_set_aside() {
    let mut network = Network::new(3);
    let learner = admit(&mut network, 1);
    let opening = signed(run(1), 0, Hash::ZERO, &Entry::Opening(Vec::new()));
    let stolen = RunId::of(site(1), [9; 16]);
    let foreign = signed(stolen, 0, Hash::ZERO, &Entry::Opening(Vec::new()));
    let early = signed(run(2), 1, opening.header.hash(), &Entry::Newer(99));
    let no_opening = signed(run(3), 0, Hash::ZERO, &Entry::Newer(99));
    let mut unsigned = signed(run(4), 0, Hash::ZERO, &Entry::Opening(Vec::new()));
    unsigned.signature[5] ^= 1;
    let frames = [&opening, &opening, &foreign, &early, &no_opening, &unsigned]
        .map(|segment| Frame::Segment(segment.encode()));
    let mut frames = frames.to_vec();
    frames.push(Frame::Segment(vec![1, 2, 3]));
    frames.push(Frame::Receipt(vec![7; 80]));
    frames.push(Frame::Fork(Vec::new()));
    frames.push(Frame::Roster(vec![0]));
    frames.push(Frame::Done);
    let taken = network.nodes[2].take_all(frames).unwrap();
    assert_eq!(taken.iter().filter(|new| **new).count(), 1);
    let status = network.nodes[2].status().unwrap();
    assert_eq!(status.set_aside, 9, "{:?}", status.set_aside_reasons);
    network.nodes[1].append(learner, &loan(1)).unwrap();
    network.settle();
}
