//! Goal: what a revoked key signed beyond its cut is read by nobody, wherever and whenever it comes,
//! and everything below the cut, and what the next machine writes, counts as before.
//! Method: a prison's machine is copied, the copy goes on to write, and the rest of the network gets
//! its pieces before and after the roster, by exchange and by bundle; one node begins with nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::network;

use std::collections::BTreeSet;

use ed25519_dalek::SigningKey;
use network::people::newcomer;
use network::{DGP, Network, Node, export, fold, identity, import, items, lend, loan, site};
use spean::engine::{Engine, EngineError, Identity, install_roster};
use spean::store::memory::Memory;
use spean::world::Machine;
use spean_protocol::codec;
use spean_protocol::event::Destination;
use spean_protocol::id::{LearnerId, RunId};
use spean_protocol::limits::BEYOND_CUT_SEGMENTS_MAX;
use spean_protocol::log::{ForkProof, Head};
use spean_protocol::roster::{Revocation, Roster};
use spean_protocol::seal::{Secret, box_key};
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::session::{Frame, Host};
use spean_protocol::totals::Query;

/// The prison whose machine is stolen.
const STOLEN: usize = 1;

fn stolen_key() -> [u8; 32] {
    identity(STOLEN).signing.verifying_key().to_bytes()
}

/// Takes the stolen machine's key out of the roster; what counts of it is below the cut.
fn revoke(roster: &mut Roster, cut: Vec<Head>) {
    let (site, key) = (site(STOLEN), stolen_key());
    roster.sites[STOLEN].keys.retain(|known| *known != key);
    roster.revoked.retain(|known| known.key != key);
    roster.revoked.push(Revocation { site, key, cut });
}

/// All that the DGP has of the stolen machine.
fn cut_at(node: &Node) -> Vec<Head> {
    node.whole_cut(site(STOLEN), &stolen_key()).unwrap()
}

/// Three prisons and the DGP, which all have two loans of the learner at the first; and the thief's
/// copy of that machine.
fn theft() -> (Network, Node, LearnerId) {
    let mut network = Network::new(3);
    let learner = network.nodes[STOLEN]
        .add_learner(&newcomer("Dara"))
        .unwrap();
    lend(&mut network.nodes[STOLEN], learner, 0);
    network.settle();
    network.restart(STOLEN);
    lend(&mut network.nodes[STOLEN], learner, 1);
    network.settle();
    let store = network.nodes[STOLEN].store().clone();
    let thief = network.start(STOLEN, store);
    (network, thief, learner)
}

fn same_everywhere(network: &mut Network, of: &[usize]) {
    for at in of {
        fold(&mut network.nodes[*at]);
    }
    let digests: BTreeSet<_> = of.iter().map(|at| network.nodes[*at].digest()).collect();
    assert_eq!(digests.len(), 1, "digests");
}

/// A new DGP that gets everything from another prison shows what the old one does.
fn same_from_nothing(network: &mut Network, from: usize) {
    let mut fresh = network.fresh(DGP);
    fresh
        .take_roster(&network.signed)
        .or_else(|error| match error {
            EngineError::Roster(_) => Ok(()),
            other => Err(other),
        })
        .unwrap();
    let file = export(&mut network.nodes[from], &[]);
    for _ in 0..3 {
        assert!(import(&mut fresh, &file));
        fold(&mut fresh);
    }
    let shown = |node: &Node| format!("{:?}", node.totals(Query::ALL).unwrap().figures);
    assert_eq!(shown(&fresh), shown(&network.nodes[DGP]));
    assert_eq!(fresh.digest(), network.nodes[from].digest());
}

#[test]
fn what_is_beyond_the_cut_is_read_nowhere_in_whatever_order_it_comes() {
    let (mut network, mut thief, learner) = theft();
    let cut = cut_at(&network.nodes[DGP]);
    for item in [100, 101, 102] {
        lend(&mut thief, learner, item);
    }
    let forged = export(&mut thief, &[]);
    // The DGP and the second prison took it for honest before anybody knew.
    assert!(import(&mut network.nodes[DGP], &forged));
    fold(&mut network.nodes[DGP]);
    assert_eq!(
        items(&mut network.nodes[DGP], learner),
        [0, 1, 100, 101, 102]
    );
    assert!(import(&mut network.nodes[2], &forged));
    let newer = network.change_roster(&[DGP, 2, 3], |roster| revoke(roster, cut));
    network.signed = newer;
    fold(&mut network.nodes[DGP]);
    assert_eq!(items(&mut network.nodes[DGP], learner), [0, 1]);
    // The third hears of the theft first, and of what the thief wrote then.
    assert!(import(&mut network.nodes[3], &forged));
    for (a, b) in [(DGP, 2), (2, 3), (3, DGP)] {
        network.exchange(a, b, None);
    }
    same_everywhere(&mut network, &[DGP, 2, 3]);
    for at in [DGP, 2] {
        // The opening of a run and three segments of loans, which they had before the roster.
        assert_eq!(
            network.nodes[at].beyond_cut(site(STOLEN)).unwrap(),
            4,
            "at {at}"
        );
    }
    same_from_nothing(&mut network, 3);
    // The same after a start.
    for at in [DGP, 2, 3] {
        network.restart(at);
    }
    assert_eq!(items(&mut network.nodes[DGP], learner), [0, 1]);
    same_everywhere(&mut network, &[DGP, 2, 3]);
}

/// What the prison itself wrote before the theft, and only a neighbour had, counts once it is let in.
#[test]
fn a_later_roster_lets_in_what_was_honest() {
    let (mut network, _thief, learner) = theft();
    let cut = cut_at(&network.nodes[DGP]);
    // Written on the last day, taken along by a van, not known to the DGP; with a move in it.
    lend(&mut network.nodes[STOLEN], learner, 2);
    let left = network.nodes[STOLEN]
        .transfer_out(learner, Destination::Site(site(3)), None, false)
        .unwrap();
    let slip = left.slip.unwrap();
    network.exchange(STOLEN, 2, None);
    let newer = network.change_roster(&[DGP, 2, 3], |roster| revoke(roster, cut));
    network.signed = newer;
    // It is no longer part of anybody's log, and goes to the head office on a stick.
    network.exchange(2, DGP, None);
    network.exchange(2, 3, None);
    assert_eq!(network.nodes[DGP].beyond_cut(site(STOLEN)).unwrap(), 0);
    let file = export(&mut network.nodes[2], &[site(DGP)]);
    assert!(import(&mut network.nodes[DGP], &file));
    fold(&mut network.nodes[DGP]);
    assert_eq!(items(&mut network.nodes[DGP], learner), [0, 1]);
    assert!(network.nodes[DGP].beyond_cut(site(STOLEN)).unwrap() > 0);
    // The slip is older than the theft, as far as anybody can tell: his card will do.
    let refused = network.nodes[3].transfer_in(&slip, None).unwrap_err();
    assert!(
        refused.to_string().contains("by the id on his card"),
        "{refused}"
    );
    // A person looks at it, and it is let in.
    let runs = network.nodes[DGP].runs_beyond_cut(site(STOLEN)).unwrap();
    assert_eq!(runs.len(), 1, "{runs:?}");
    let raised = network.nodes[DGP]
        .raised_cut(runs[0].run.parse().unwrap())
        .unwrap();
    let newer = network.change_roster(&[DGP, 2, 3], |roster| revoke(roster, raised.cut));
    network.signed = newer;
    fold(&mut network.nodes[DGP]);
    assert_eq!(items(&mut network.nodes[DGP], learner), [0, 1, 2]);
    assert_eq!(network.nodes[DGP].beyond_cut(site(STOLEN)).unwrap(), 0);
    for (a, b) in [(DGP, 2), (2, 3)] {
        network.exchange(a, b, None);
    }
    // The grant in it is read, too: he arrives with his card alone.
    network.nodes[3].admit(learner, None).unwrap();
    fold(&mut network.nodes[3]);
    assert_eq!(items(&mut network.nodes[3], learner), [0, 1, 2]);
    for (a, b) in [(DGP, 2), (2, 3), (3, DGP), (DGP, 2)] {
        network.exchange(a, b, None);
    }
    same_everywhere(&mut network, &[DGP, 2, 3]);
    same_from_nothing(&mut network, 2);
}

/// Days that are let in one after the other do not fill a cut: an end gives way to one above it.
#[test]
fn a_cut_is_raised_again_and_again() {
    let (mut network, _thief, learner) = theft();
    let cut = cut_at(&network.nodes[DGP]);
    let mut honest = Vec::new();
    for day in 0..20 {
        network.restart(STOLEN);
        lend(&mut network.nodes[STOLEN], learner, 10 + day);
        honest.push(newest_run(&network.nodes[STOLEN]));
    }
    let file = export(&mut network.nodes[STOLEN], &[]);
    let newer = network.change_roster(&[DGP], |roster| revoke(roster, cut));
    network.signed = newer;
    assert!(import(&mut network.nodes[DGP], &file));
    let beside = network.nodes[DGP].runs_beyond_cut(site(STOLEN)).unwrap();
    let listed: Vec<RunId> = beside.iter().map(|one| one.run.parse().unwrap()).collect();
    assert_eq!(listed, honest, "each after those that it continues");
    for (day, run) in (1..).zip(honest) {
        let raised = network.nodes[DGP].raised_cut(run).unwrap();
        assert_eq!(raised.cut.len(), 1, "day {day}");
        let newer = network.change_roster(&[DGP], |roster| revoke(roster, raised.cut));
        network.signed = newer;
        fold(&mut network.nodes[DGP]);
        assert_eq!(items(&mut network.nodes[DGP], learner).len(), 2 + day);
    }
    assert_eq!(network.nodes[DGP].beyond_cut(site(STOLEN)).unwrap(), 0);
}

/// The prison's next machine, with keys of its own.
fn next_machine(network: &mut Network) -> Node {
    let identity = Identity {
        signing: SigningKey::from_bytes(&[0x77; 32]),
        boxes: [(1, Secret([0x78; 32]))].into(),
        secret: Secret([0x79; 32]),
    };
    let cut = cut_at(&network.nodes[DGP]);
    let carrier = identity.boxes[&1].clone();
    let newer = network.change_roster(&[DGP, 2, 3], |roster| {
        revoke(roster, cut);
        let stolen = &mut roster.sites[STOLEN];
        stolen
            .keys
            .push(identity.signing.verifying_key().to_bytes());
        stolen.boxes.insert(1, box_key(&carrier));
        let wrapped =
            spean_protocol::roster::wrap_carrier(&Secret([2; 32]), &box_key(&carrier), [3; 32]);
        stolen.carrier = wrapped.unwrap();
    });
    network.signed = newer;
    let mut store = Memory::default();
    install_roster(&mut store, &network.signed).unwrap();
    Engine::open(store, identity, Box::new(Machine)).unwrap()
}

#[test]
fn the_next_machine_works_and_the_thief_cannot_touch_what_it_writes() {
    let (mut network, mut thief, learner) = theft();
    let machine = next_machine(&mut network);
    network.nodes[STOLEN] = machine;
    network.exchange(STOLEN, DGP, None);
    // Its people are there again, by the keys that the DGP gave it back.
    fold(&mut network.nodes[DGP]);
    network.exchange(STOLEN, DGP, None);
    fold(&mut network.nodes[STOLEN]);
    assert_eq!(items(&mut network.nodes[STOLEN], learner), [0, 1]);
    assert!(
        network.nodes[STOLEN]
            .learner(learner)
            .unwrap()
            .unwrap()
            .here
    );
    let rith = network.nodes[STOLEN]
        .add_learner(&newcomer("Rith"))
        .unwrap();
    lend(&mut network.nodes[STOLEN], rith, 7);
    network.exchange(STOLEN, DGP, None);
    fold(&mut network.nodes[DGP]);
    assert_eq!(items(&mut network.nodes[DGP], rith), [7]);
    assert_eq!(items(&mut network.nodes[DGP], learner), [0, 1]);

    // The thief goes on in the run of the new machine, which he got from a stick.
    let run = newest_run(&network.nodes[STOLEN]);
    let forged = continued(&network.nodes[DGP], run, &identity(STOLEN).signing);
    let proof = {
        let mut other = forged.clone();
        other.header.stamp += 1;
        other = Segment::sign(other.header, Vec::new(), &identity(STOLEN).signing).unwrap();
        codec::encode(&ForkProof::of(&forged, &other))
    };
    let before = network.nodes[DGP].digest();
    let pieces = vec![Frame::Segment(forged.encode()), Frame::Fork(proof)];
    let taken = network.nodes[DGP].take_all(pieces).unwrap();
    assert_eq!(
        (taken, network.nodes[DGP].digest()),
        (vec![false; 2], before)
    );
    let aside = network.nodes[DGP].status().unwrap().set_aside_reasons;
    assert!(
        aside
            .iter()
            .any(|reason| reason.contains("a revoked key in the run of another")),
        "{aside:?}"
    );
    // The new machine goes on in its run.
    lend(&mut network.nodes[STOLEN], rith, 8);
    assert_eq!(newest_run(&network.nodes[STOLEN]), run);

    // What it writes from now on the thief does not read, of whomever; not even with a program that
    // takes everybody's segments.
    lend(&mut network.nodes[STOLEN], learner, 9);
    let trusting = network.change_roster(&[], |roster| {
        roster.version += 9;
        roster.revoked.clear();
        let stolen = &mut roster.sites[STOLEN];
        stolen.keys.insert(0, stolen_key());
    });
    thief.take_roster(&trusting).unwrap();
    thief.take_all(segments_of(&network.nodes[STOLEN])).unwrap();
    fold(&mut thief);
    assert_eq!(items(&mut thief, learner), [0, 1]);
    assert!(items(&mut thief, rith).is_empty());
    network.exchange(STOLEN, DGP, None);
    fold(&mut network.nodes[DGP]);
    assert_eq!(items(&mut network.nodes[DGP], learner), [0, 1, 9]);

    // Keys of later stays do not reach the thief: what is sealed to the prison is sealed to the new key.
    let newcomer_at_two = network.nodes[2].add_learner(&newcomer("Sok")).unwrap();
    lend(&mut network.nodes[2], newcomer_at_two, 50);
    let left = network.nodes[2]
        .transfer_out(
            newcomer_at_two,
            Destination::Site(site(STOLEN)),
            None,
            false,
        )
        .unwrap();
    let slip = left.slip.unwrap();
    let everything = export(&mut network.nodes[2], &[]);
    thief.take_all(segments_of(&network.nodes[2])).unwrap();
    fold(&mut thief);
    assert!(thief.transfer_in(&slip, None).is_err());
    assert!(thief.events(newcomer_at_two).unwrap_or_default().is_empty());
    assert!(import(&mut network.nodes[STOLEN], &everything));
    network.nodes[STOLEN].transfer_in(&slip, None).unwrap();
    fold(&mut network.nodes[STOLEN]);
    assert_eq!(items(&mut network.nodes[STOLEN], newcomer_at_two), [50]);
}

/// Every segment that a node holds.
fn segments_of(node: &Node) -> Vec<Frame> {
    let skeleton = node.skeleton();
    let mut pieces = Vec::new();
    for site in skeleton.sites() {
        for log in [Log::Control, Log::Data] {
            for (run, held) in skeleton.runs(site) {
                for height in 0..held.length(log) {
                    let bytes = node.segment(run, log, height).unwrap().unwrap();
                    pieces.push(Frame::Segment(bytes));
                }
            }
        }
    }
    pieces
}

fn newest_run(node: &Node) -> RunId {
    node.skeleton().bases(site(STOLEN)).last().unwrap()
}

/// A segment that continues a run, signed with another key.
fn continued(node: &Node, run: RunId, key: &SigningKey) -> Segment {
    let held = node.skeleton().run(run).unwrap();
    let header = Header {
        log: Log::Data,
        site: site(STOLEN),
        run,
        height: held.data.prefix(),
        previous: held.data_tip,
        control: held.control,
        cohort: 1,
        stamp: 1,
        lines: Vec::new(),
    };
    Segment::sign(header, Vec::new(), key).unwrap()
}

/// So many segments that continue a run, signed with another key.
fn continued_by(node: &Node, run: RunId, count: u64) -> Vec<Frame> {
    let key = identity(STOLEN).signing;
    let mut next = continued(node, run, &key);
    let mut pieces = Vec::new();
    for _ in 0..count {
        pieces.push(Frame::Segment(next.encode()));
        let header = Header {
            height: next.header.height + 1,
            previous: next.header.hash(),
            ..next.header
        };
        next = Segment::sign(header, Vec::new(), &key).unwrap();
    }
    pieces
}

/// Who has the key can sign without end, and is kept a bounded part of.
#[test]
fn a_flood_beyond_the_cut_is_bounded() {
    let (mut network, thief, learner) = theft();
    let cut = cut_at(&network.nodes[DGP]);
    let newer = network.change_roster(&[DGP, 2], |roster| revoke(roster, cut));
    network.signed = newer;
    let flood = continued_by(&thief, newest_run(&thief), BEYOND_CUT_SEGMENTS_MAX + 300);
    for some in flood.chunks(100) {
        network.nodes[DGP].take_all(some.to_vec()).unwrap();
    }
    let kept = network.nodes[DGP].beyond_cut(site(STOLEN)).unwrap();
    assert_eq!(kept, BEYOND_CUT_SEGMENTS_MAX);
    // Whom it did not reach goes on to agree, and has nothing to say about it.
    let (outcome, _) = network.exchange(DGP, 2, None);
    assert!(outcome.sent < 3 && outcome.refused == 0, "{outcome:?}");
    assert_eq!(items(&mut network.nodes[DGP], learner), [0, 1]);
}

/// A node whose key is revoked says so, and acknowledges nothing that nobody would take.
#[test]
fn a_revoked_node_says_so() {
    let (mut network, _thief, learner) = theft();
    let cut = cut_at(&network.nodes[DGP]);
    let newer = network.change_roster(&[STOLEN], |roster| revoke(roster, cut));
    let refused = network.nodes[STOLEN].append(learner, &loan(9));
    assert!(matches!(refused, Err(EngineError::Revoked)), "{refused:?}");
    let refused = network.nodes[STOLEN].add_learner(&newcomer("Rith"));
    assert!(matches!(refused, Err(EngineError::Revoked)), "{refused:?}");
    let store = network.nodes[STOLEN].store().clone();
    let opened = Engine::open(store, identity(STOLEN), Box::new(Machine));
    assert!(matches!(opened.err(), Some(EngineError::Revoked)));
    // Nothing that it signs is a receipt any more.
    network.nodes[DGP].take_roster(&newer).unwrap();
    assert!(!network.nodes[DGP].receipts().contains_key(&site(STOLEN)));
}

/// Somebody whom the thief made up before anybody knew of the theft is nobody afterwards.
#[test]
fn whom_a_thief_made_up_is_gone() {
    let (mut network, mut thief, learner) = theft();
    let cut = cut_at(&network.nodes[DGP]);
    let before = format!(
        "{:?}",
        network.nodes[DGP].totals(Query::ALL).unwrap().figures
    );
    let ghost = thief.add_learner(&newcomer("Ghost")).unwrap();
    lend(&mut thief, ghost, 66);
    assert!(import(&mut network.nodes[DGP], &export(&mut thief, &[])));
    fold(&mut network.nodes[DGP]);
    assert!(network.nodes[DGP].learner(ghost).unwrap().is_some());
    let newer = network.change_roster(&[DGP, 2, 3], |roster| revoke(roster, cut));
    network.signed = newer;
    fold(&mut network.nodes[DGP]);
    assert!(network.nodes[DGP].learner(ghost).unwrap().is_none());
    let after = format!(
        "{:?}",
        network.nodes[DGP].totals(Query::ALL).unwrap().figures
    );
    assert_eq!(
        (before, items(&mut network.nodes[DGP], learner)),
        (after, vec![0, 1])
    );
    same_from_nothing(&mut network, DGP);
}

/// An opening that names nothing, signed with the stolen key, of a run with this id.
fn opening(run: RunId) -> Segment {
    let header = Header {
        log: Log::Control,
        site: site(STOLEN),
        run,
        height: 0,
        previous: spean_protocol::id::Hash::ZERO,
        control: 0,
        cohort: 1,
        stamp: 1,
        lines: Vec::new(),
    };
    let entry = spean_protocol::control::Entry::Opening(Vec::new()).encode();
    let parcels = vec![(spean_protocol::id::Label([0; 16]), entry)];
    Segment::sign(header, parcels, &identity(STOLEN).signing).unwrap()
}

/// A handful of made-up runs cannot keep the next machine's log from being stated and sent, nor a run
/// under its own name from being taken, whoever came first.
#[test]
fn made_up_runs_do_not_silence_the_next_machine() {
    let (mut network, _thief, learner) = theft();
    let machine = next_machine(&mut network);
    network.nodes[STOLEN] = machine;
    network.exchange(STOLEN, DGP, None);
    let rith = network.nodes[STOLEN]
        .add_learner(&newcomer("Rith"))
        .unwrap();
    lend(&mut network.nodes[STOLEN], rith, 7);
    let run = newest_run(&network.nodes[STOLEN]);
    let mut forged: Vec<Frame> = (0..40)
        .map(|number| opening(RunId::of(site(STOLEN), [number; 16])))
        .map(|segment| Frame::Segment(segment.encode()))
        .collect();
    // The next machine's run under its own name, and another that frontiers could not tell from it.
    forged.push(Frame::Segment(opening(run).encode()));
    let mut alike = run;
    alike.0[15] ^= 1;
    forged.push(Frame::Segment(opening(alike).encode()));
    // A node with nothing, which cannot tell yet what is below the cut, gets them before all else.
    let fresh = network.fresh(3);
    network.nodes[3] = fresh;
    for at in [DGP, 2, 3, STOLEN] {
        network.nodes[at].take_all(forged.clone()).unwrap();
    }
    for (a, b) in [
        (STOLEN, DGP),
        (DGP, 3),
        (DGP, 2),
        (3, 2),
        (STOLEN, DGP),
        (DGP, 3),
        (DGP, 2),
    ] {
        network.exchange(a, b, None);
    }
    for at in [DGP, 2, 3] {
        fold(&mut network.nodes[at]);
        assert!(network.nodes[at].skeleton().run(run).is_some(), "at {at}");
        let heads = network.nodes[at].skeleton().heads(site(STOLEN));
        assert_eq!(heads.len(), 1, "at {at}: {heads:?}");
    }
    assert_eq!(items(&mut network.nodes[DGP], rith), [7]);
    assert_eq!(items(&mut network.nodes[DGP], learner), [0, 1]);
    same_everywhere(&mut network, &[DGP, 2, 3]);
}

/// Another segment at a place of an honest run does not mark it as forked: its exam results go on to
/// count.
#[test]
fn an_honest_run_is_not_forked_afterwards() {
    let (mut network, thief, learner) = theft();
    let cut = cut_at(&network.nodes[DGP]);
    let newer = network.change_roster(&[DGP, 2, 3], |roster| revoke(roster, cut));
    network.signed = newer;
    let before = network.nodes[DGP].digest();
    let key = identity(STOLEN).signing;
    let mut forged = Vec::new();
    for run in thief.skeleton().bases(site(STOLEN)) {
        forged.push(Frame::Segment(opening(run).encode()));
        let mut first = continued(&thief, run, &key).header;
        (first.height, first.previous, first.control) = (0, spean_protocol::id::Hash::ZERO, 1);
        let one = Segment::sign(first.clone(), Vec::new(), &key).unwrap();
        first.stamp += 1;
        let other = Segment::sign(first, Vec::new(), &key).unwrap();
        let proof = codec::encode(&ForkProof::of(&one, &other));
        forged.extend([Frame::Segment(one.encode()), Frame::Fork(proof)]);
    }
    network.nodes[DGP].take_all(forged).unwrap();
    fold(&mut network.nodes[DGP]);
    assert_eq!(network.nodes[DGP].digest(), before);
    assert_eq!(network.nodes[DGP].status().unwrap().forks, 0);
    assert_eq!(items(&mut network.nodes[DGP], learner), [0, 1]);
}

/// Where the honest end of a log is not here yet, the thief's comes first and is believed; once the
/// honest one is here, it alone is.
#[test]
fn a_gap_below_the_cut_ends_the_same() {
    let (mut network, thief, learner) = theft();
    let before = network.nodes[STOLEN].skeleton().heads(site(STOLEN))[0];
    for item in [2, 3, 4] {
        lend(&mut network.nodes[STOLEN], learner, item);
    }
    // The third prison has none of the last three.
    network.exchange(STOLEN, DGP, None);
    network.exchange(DGP, 2, None);
    let cut = cut_at(&network.nodes[DGP]);
    assert_eq!(cut.len(), 1);
    let newer = network.change_roster(&[DGP, 2, 3], |roster| revoke(roster, cut));
    network.signed = newer;
    let forged = continued_by(&thief, before.run, 9);
    network.nodes[3].take_all(forged).unwrap();
    for (a, b) in [(DGP, 3), (3, 2), (2, DGP), (3, DGP), (3, 2), (2, DGP)] {
        network.exchange(a, b, None);
    }
    fold(&mut network.nodes[DGP]);
    assert_eq!(items(&mut network.nodes[DGP], learner), [0, 1, 2, 3, 4]);
    same_everywhere(&mut network, &[DGP, 2, 3]);
    assert_eq!(network.nodes[3].status().unwrap().forks, 0);
    same_from_nothing(&mut network, 3);
}
