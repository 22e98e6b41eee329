//! Goal: what a liar or a relay does to a log harms the liar's own log at most.
//! Method: pieces taken apart or signed by hand, given to sound engines.

use std::collections::BTreeSet;

use spean_protocol::control::Entry;
use spean_protocol::event::{Body, Event, EventId, Sex};
use spean_protocol::id::{Hash, Label, LearnerId, RunId};
use spean_protocol::limits::HEADS_MAX;
use spean_protocol::log::ForkProof;
use spean_protocol::record::imported_id;
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::session::{Frame, Host};

use super::{admit, fold, segments, transfer, write};
use crate::network::{DGP, Network, identity, items, loan, site};

const LIAR: usize = 3;

/// A relay leaves the contents out and passes the signed headers on.
#[test]
fn a_stripped_control_segment_is_refused_and_the_whole_one_taken() {
    let mut network = Network::new(2);
    let learner = admit(&mut network, 1, "Dara");
    write(&mut network, 1, learner, vec![Body::LoanOut { item: 7 }]);
    let strip = |frame: &Frame| {
        let Frame::Segment(bytes) = frame else {
            panic!("no segment")
        };
        let mut segment = Segment::decode(bytes).unwrap();
        segment.parcels.fill(None);
        Frame::Segment(segment.encode())
    };
    let control: Vec<Frame> = segments(&network.nodes[1], site(1))
        .into_iter()
        .filter_map(|(log, _, frame)| (log == Log::Control).then_some(frame))
        .collect();
    let opening = control[..1].to_vec();
    let stripped: Vec<Frame> = control.iter().map(strip).collect();
    assert!(stripped.len() > 1, "there is one with keys");
    let dgp = &mut network.nodes[DGP];
    let none = vec![false; stripped.len()];
    assert_eq!(
        dgp.take_all(stripped.clone()).unwrap(),
        none,
        "without an opening"
    );
    assert_eq!(dgp.take_all(opening).unwrap(), [true]);
    // The opening is there by now; of the others, the first could join it.
    assert_eq!(dgp.take_all(stripped).unwrap(), none);
    let reasons = dgp.status().unwrap().set_aside_reasons;
    assert!(
        reasons
            .iter()
            .any(|reason| reason.ends_with("a parcel is absent")),
        "{reasons:?}"
    );
    network.settle();
    assert_eq!(items(&mut network.nodes[DGP], learner), [7]);
    assert_eq!(network.nodes[DGP].digest(), network.nodes[1].digest());
}

/// What of a learner must not change at a machine, whatever others write: his own site's events.
fn own_part(network: &mut Network, at: usize, learner: LearnerId) -> impl PartialEq + use<> {
    let node = &mut network.nodes[at];
    let view = node.view(learner).unwrap().unwrap();
    (
        node.learner(learner).unwrap().map(|row| row.here),
        view.stays,
        view.profile.names,
    )
}

/// A former site writes under the keys of all that his new one wrote, and of what it will import.
#[test]
fn nobody_writes_over_the_events_of_another_site() {
    let mut network = Network::new(2);
    let learner = admit(&mut network, 1, "Dara");
    transfer(&mut network, learner, 1, 2, false);
    let imported = |row| imported_id(&identity(2).secret.0, "register", row);
    let lent = |id: EventId, item| (Some(id), loan(item)[0].1.clone());
    network.nodes[2].append(learner, &loan(5)).unwrap();
    network.nodes[2]
        .append(learner, &[lent(imported("1"), 6)])
        .unwrap();
    network.nodes[2].flush().unwrap();
    network.settle();
    let before = [2, DGP].map(|at| own_part(&mut network, at, learner));

    let longest = EventId("!".repeat(EventId::BYTES_MAX));
    let as_shown = EventId(format!("{}@{}", imported("1"), site(2).0));
    let mut keys = BTreeSet::from([imported("1"), imported("2"), as_shown, longest]);
    for (log, _, frame) in segments(&network.nodes[1], site(2)) {
        let Frame::Segment(bytes) = frame else {
            panic!("no segment")
        };
        let lines = Segment::decode(&bytes).unwrap().header.lines;
        for line in lines.iter().filter(|_| log == Log::Data) {
            let label = data_encoding::BASE64URL_NOPAD.encode(&line.label.0);
            keys.extend((1..4).map(|op| EventId(format!("{label}.{op}"))));
        }
    }
    assert!(keys.len() > 6, "it has learnt the labels");
    // In the order of bytes it comes before what the other wrote.
    let male = |id: &EventId| (Some(id.clone()), Event::new(Body::Sex { sex: Sex::Male }));
    let events: Vec<_> = keys.iter().map(male).collect();
    assert_eq!(
        network.nodes[1].append(learner, &events).unwrap(),
        keys.len() as u64
    );
    network.settle();
    for (at, before) in [2, DGP].into_iter().zip(before) {
        assert!(
            own_part(&mut network, at, learner) == before,
            "changed at {at}"
        );
        assert_eq!(items(&mut network.nodes[at], learner), [5, 6]);
        let view = network.nodes[at].view(learner).unwrap().unwrap();
        assert_eq!(view.notices.disputed_ids, 0);
        let claims = view
            .profile
            .sex
            .into_iter()
            .find(|claim| claim.value == Sex::Male);
        assert_eq!(
            claims.unwrap().events.len(),
            keys.len(),
            "they count as its own"
        );
    }
    // A row is known where this site imported it, not where another took its key.
    let rows = [lent(imported("1"), 6), lent(imported("2"), 8)];
    assert_eq!(network.nodes[2].append(learner, &rows).unwrap(), 1);
    network.settle();
    for at in [2, DGP] {
        assert_eq!(items(&mut network.nodes[at], learner), [5, 6, 8]);
    }
}

fn run(number: u16) -> RunId {
    let mut random = [0; 16];
    random[2..4].copy_from_slice(&number.to_be_bytes());
    RunId::of(site(LIAR), random)
}

/// A segment of the liar's, as signed as any.
fn signed(log: Log, run: RunId, height: u32, previous: Hash, stamp: u64) -> Segment {
    let control = u32::from(log == Log::Data);
    let site = site(LIAR);
    let lines = Vec::new();
    let header = Header {
        log,
        site,
        run,
        height,
        previous,
        control,
        cohort: 1,
        stamp,
        lines,
    };
    let opening = (Label([0; 16]), Entry::Opening(Vec::new()).encode());
    let parcels = if log == Log::Control {
        vec![opening]
    } else {
        Vec::new()
    };
    Segment::sign(header, parcels, &identity(LIAR).signing).unwrap()
}

/// A run that continues none, with so many data segments.
fn parentless(number: u16, data: u32) -> Vec<Frame> {
    let run = run(number);
    let mut frames = vec![Frame::Segment(
        signed(Log::Control, run, 0, Hash::ZERO, 0).encode(),
    )];
    let mut previous = Hash::ZERO;
    for height in 0..data {
        let segment = signed(Log::Data, run, height, previous, 0);
        previous = segment.header.hash();
        frames.push(Frame::Segment(segment.encode()));
    }
    frames
}

/// The honest prison's events reach the DGP by way of the other prison.
fn honest_events_arrive(network: &mut Network, learner: LearnerId, item: u32) {
    write(network, 1, learner, vec![Body::LoanOut { item }]);
    for (a, b) in [(1, 2), (2, DGP)] {
        let (outcome, other) = network.exchange(a, b, None);
        assert!(outcome.complete && other.complete);
    }
    fold(&mut network.nodes[DGP]);
    assert!(items(&mut network.nodes[DGP], learner).contains(&item));
}

/// More forked runs than are worth naming: some machines see them, others are shown the proofs of
/// runs that they do not even know. Everybody ends with the same few.
#[test]
fn countless_forked_runs_do_not_stop_the_others() {
    const SEEN: u16 = 300;
    let mut network = Network::new(3);
    let learner = admit(&mut network, 1, "Dara");
    let twins =
        |number| [0, 1].map(|stamp| signed(Log::Control, run(number), 0, Hash::ZERO, stamp));
    let seen = (0..SEEN)
        .flat_map(twins)
        .map(|twin| Frame::Segment(twin.encode()));
    let taken = network.nodes[DGP].take_all(seen.collect()).unwrap();
    assert_eq!(
        taken.iter().filter(|new| **new).count(),
        usize::from(2 * SEEN),
        "both of each two"
    );
    let shown = (1_000..1_000 + SEEN).map(|number| {
        let [one, other] = twins(number);
        Frame::Fork(postcard::to_allocvec(&ForkProof::of(&one, &other)).unwrap())
    });
    network.nodes[2].take_all(shown.collect()).unwrap();
    let forks = |network: &Network, at: usize| network.nodes[at].status().unwrap().forks;
    for at in [DGP, 2] {
        assert_eq!(forks(&network, at), HEADS_MAX as u64, "at {at}");
    }
    for item in 0..3 {
        honest_events_arrive(&mut network, learner, item);
    }
    network.settle();
    assert_eq!(
        [0, 1, 2].map(|at| forks(&network, at)),
        [HEADS_MAX as u64; 3]
    );
    assert_eq!(network.nodes[2].forks(), network.nodes[DGP].forks());
}

/// More runs than a frontier may state, each of many segments: what both have is not sent again
/// and again.
#[test]
fn countless_long_runs_are_not_sent_again_and_again() {
    let mut network = Network::new(3);
    let learner = admit(&mut network, 1, "Dara");
    let frames = (0..60).flat_map(|number| parentless(number, 40)).collect();
    network.nodes[2].take_all(frames).unwrap();
    for item in 0..4 {
        honest_events_arrive(&mut network, learner, item);
    }
    let (outcome, other) = network.exchange(2, DGP, None);
    assert!(outcome.same && other.same);
    write(&mut network, 1, learner, vec![Body::LoanOut { item: 9 }]);
    network.exchange(1, 2, None);
    let (outcome, other) = network.exchange(2, DGP, None);
    assert_eq!((outcome.refused, other.refused), (0, 0));
}
