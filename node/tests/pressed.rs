//! Goal: what once went wrong around moves does not go wrong again: letters out of order or made
//! up, keys that a prison must not get, sites that left, machines that were lost, one bad site
//! among good ones, officers who undo and change their minds (P2, P4, P7, P8).
//! Method: as in moves.rs; what a bad site writes is signed with its own key and nobody else's.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

use crate::network;

mod floods;
mod keys;
mod machines;
mod order;
mod persons;
mod told;
mod undone;

use network::people::{attends, learner, leaves, to};
use network::{DGP, Network, identity, site};
use spean::store::{Store, Table};
use spean_protocol::control::Entry;
use spean_protocol::event::LinkReason;
use spean_protocol::id::{Hash, Label, LearnerId, QuestionId, RunId, SiteId, StayId, Stream};
use spean_protocol::letter::{Letter, letter_info};
use spean_protocol::seal::{self, Secret};
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::session::Frame;
use spean_protocol::slip::grant_info;
use spean_protocol::stay::{GrantContent, HeldKey, StayKey};

/// Keys of a site's stays that a machine holds of a learner.
fn held(network: &Network, at: usize, learner: LearnerId, of: SiteId) -> usize {
    let prefix = [
        &of.0.to_be_bytes()[..],
        &learner.0,
        &[Stream::Education.byte()],
    ]
    .concat();
    let store = network.nodes[at].store();
    store
        .scan(Table::StayKey, &prefix, &[], usize::MAX)
        .unwrap()
        .len()
}

/// A control segment that a rostered site signs: the first of a run of its own.
fn forged(from: usize, run: u8, number: u32, entries: &[Entry]) -> Frame {
    Frame::Segment(signed_by(from, (run, number), 0, entries).encode())
}

/// The same, handed over ahead of its turn.
fn forged_ahead(from: usize, run: u8, number: u32, entries: &[Entry]) -> Frame {
    Frame::Ahead(signed_by(from, (run, 0), number, entries).encode())
}

fn signed_by(from: usize, (run, number): (u8, u32), height: u32, entries: &[Entry]) -> Segment {
    let mut id = [run; 16];
    id[2..6].copy_from_slice(&number.to_be_bytes());
    let header = Header {
        log: Log::Control,
        site: site(from),
        run: RunId::of(site(from), id),
        height,
        previous: Hash::ZERO,
        control: 0,
        cohort: 1,
        stamp: 0,
        lines: Vec::new(),
    };
    let opening = Entry::Opening(Vec::new()).encode();
    let first = std::iter::once(opening).filter(|_| height == 0);
    let parcels = first.chain(entries.iter().map(Entry::encode));
    let parcels = parcels.map(|parcel| (Label([0; 16]), parcel));
    let signing = identity(from).signing;
    Segment::sign(header, parcels.collect(), &signing).unwrap()
}

fn letter(network: &Network, from: usize, to: usize, letter: &Letter) -> Entry {
    let key = network.nodes[from].roster().box_key(site(to)).unwrap();
    let info = letter_info(site(from), site(to));
    let sealed = seal::box_seal(&key, &info, &letter.encode(), [5; 32]).unwrap();
    Entry::Letter { sealed }
}

fn grant(
    network: &Network,
    from: usize,
    to: usize,
    learner: LearnerId,
    keys: Vec<HeldKey>,
) -> Entry {
    let key = network.nodes[from].roster().box_key(site(to)).unwrap();
    let id = [from as u8; 16];
    let info = grant_info(site(from), site(to), &id);
    let content = GrantContent {
        upto: None,
        learners: vec![(learner, keys)],
    };
    let sealed = seal::box_seal(&key, &info, &content.encode(), [6; 32]).unwrap();
    Entry::Grant { id, sealed }
}

fn junk(of: usize, number: u8) -> HeldKey {
    HeldKey {
        site: site(of),
        stream: Stream::Education,
        stay: StayId([number; 16]),
        key: StayKey(Secret(*blake3::hash(&[of as u8, number]).as_bytes())),
    }
}

/// One whom a prison left, added anew at the next, and the question about him.
fn person(network: &mut Network) -> (LearnerId, LearnerId, QuestionId) {
    let old = learner(network, 1, "Dara");
    attends(&mut network.nodes[1], old, 7);
    leaves(network, 1, old, to(2));
    let new = learner(network, 2, "Dara");
    network.nodes[2]
        .ask_who(new, LinkReason::LearnerSays)
        .unwrap();
    network.settle();
    let line = network.nodes[DGP].worklist().unwrap().remove(0);
    (old, new, line.id.parse().unwrap())
}
