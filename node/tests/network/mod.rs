//! A network of engines in memory: a roster, machines that can be stopped, copied and set back, and
//! exchanges between them that can be cut at any frame. No clock, disk or socket.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

pub mod by_hand;
pub mod officers;
pub mod people;

use std::collections::{BTreeMap, VecDeque};

use ed25519_dalek::SigningKey;
use spean::engine::{Engine, EngineError, Identity, install_roster};
use spean::store::memory::Memory;
use spean::world::World;
use spean_protocol::event::{Body, Event, EventId};
use spean_protocol::id::{LearnerId, SiteId};
use spean_protocol::roster::{Role, Roster, SignedRoster, Site, wrap_carrier};
use spean_protocol::seal::{Secret, box_key};
use spean_protocol::session::{Frame, Host, Outcome, Session, SessionError, Step};

pub type Node = Engine<Memory>;

/// The DGP's place in [`Network::nodes`]; the others are prisons.
pub const DGP: usize = 0;

/// A clock that goes on by a minute, and bytes that repeat for nobody.
struct Counted {
    machine: u64,
    calls: u64,
    /// After so many calls the bytes are others: the machine was given fresh ones.
    same_for: u64,
    minutes: std::cell::Cell<u64>,
}

impl World for Counted {
    fn wall_seconds(&self) -> u64 {
        self.minutes.set(self.minutes.get() + 1);
        1_790_000_000 + 60 * self.minutes.get()
    }

    fn random(&mut self) -> [u8; 32] {
        self.calls += 1;
        let fresh = if self.calls > self.same_for {
            1 << 32
        } else {
            0
        };
        let seed = [
            (self.machine + fresh).to_le_bytes(),
            self.calls.to_le_bytes(),
        ]
        .concat();
        *blake3::hash(&seed).as_bytes()
    }
}

/// All machines, and the paper that enrols them.
pub struct Network {
    pub nodes: Vec<Node>,
    pub signed: SignedRoster,
    pub started: u64,
}

pub fn site(place: usize) -> SiteId {
    SiteId(u16::try_from(place).unwrap() + 1)
}

pub fn identity(place: usize) -> Identity {
    let byte = u8::try_from(place).unwrap();
    Identity {
        signing: SigningKey::from_bytes(&[byte + 100; 32]),
        boxes: BTreeMap::from([(1, Secret([byte + 50; 32]))]),
        secret: Secret([byte + 150; 32]),
    }
}

impl Network {
    /// The DGP and so many prisons, each with an empty store.
    pub fn new(prisons: usize) -> Self {
        let root = SigningKey::from_bytes(&[1; 32]);
        let carrier = Secret([2; 32]);
        let of = |place: usize| {
            let Identity { signing, boxes, .. } = identity(place);
            let key = box_key(&boxes[&1]);
            Site {
                id: site(place),
                code: format!("S{place}"),
                name: format!("Site {place}"),
                role: if place == DGP {
                    Role::Headquarters
                } else {
                    Role::Prison
                },
                keys: vec![signing.verifying_key().to_bytes()],
                boxes: BTreeMap::from([(1, key)]),
                carrier: wrap_carrier(&carrier, &key, [3; 32]).unwrap(),
            }
        };
        let roster = Roster {
            version: 1,
            cohort: 1,
            threshold: 1,
            roots: vec![root.verifying_key().to_bytes()],
            escrow: BTreeMap::new(),
            sites: (0..=prisons).map(of).collect(),
            revoked: Vec::new(),
            shredded: 0,
        };
        let mut signed = SignedRoster::propose(&roster);
        signed.sign(&root).unwrap();
        let mut network = Self {
            nodes: Vec::new(),
            signed,
            started: 0,
        };
        for place in 0..=prisons {
            let node = network.fresh(place);
            network.nodes.push(node);
        }
        network
    }

    /// A later roster, which these machines take.
    pub fn change_roster(
        &mut self,
        takers: &[usize],
        change: impl FnOnce(&mut Roster),
    ) -> SignedRoster {
        let mut roster = self.signed.preview().unwrap();
        roster.version += 1;
        change(&mut roster);
        let mut newer = SignedRoster::propose(&roster);
        newer.sign(&SigningKey::from_bytes(&[1; 32])).unwrap();
        for at in takers {
            self.nodes[*at].take_roster(&newer).unwrap();
        }
        newer
    }

    /// A machine of that site that has nothing but its keys and the roster.
    pub fn fresh(&mut self, place: usize) -> Node {
        let mut store = Memory::default();
        install_roster(&mut store, &self.signed).unwrap();
        self.start(place, store)
    }

    /// A machine of that site that starts with what the store keeps.
    pub fn start(&mut self, place: usize, store: Memory) -> Node {
        self.started += 1;
        self.start_like(place, store, self.started)
    }

    /// The same; two machines that start with the same number draw the same random bytes, as a
    /// virtual machine does that is resumed twice.
    pub fn start_like(&self, place: usize, store: Memory, number: u64) -> Node {
        self.start_alike_for(place, store, number, u64::MAX)
    }

    /// The same, but it draws bytes of its own after so many draws.
    pub fn start_alike_for(&self, place: usize, store: Memory, number: u64, draws: u64) -> Node {
        let world = Counted {
            machine: number,
            calls: 0,
            same_for: draws,
            minutes: 0.into(),
        };
        Engine::open(store, identity(place), Box::new(world)).unwrap()
    }

    /// Stops the machine and starts it again.
    pub fn restart(&mut self, at: usize) {
        let (place, store) = (place_of(&self.nodes[at]), self.nodes[at].store().clone());
        self.nodes[at] = self.start(place, store);
    }

    /// A whole exchange between two machines, or one that ends after `cut` frames.
    pub fn exchange(&mut self, a: usize, b: usize, cut: Option<usize>) -> (Outcome, Outcome) {
        let [a, b] = self.nodes.get_disjoint_mut([a, b]).unwrap();
        exchange(a, b, cut)
    }

    /// Exchanges between all machines of different sites until none has anything for another, and
    /// reading what came gives none anything to say.
    pub fn settle(&mut self) {
        for round in 0.. {
            assert!(
                round < 8,
                "after eight rounds there is still something to exchange"
            );
            let mut same = true;
            for a in 0..self.nodes.len() {
                for b in 0..a {
                    if self.nodes[a].site() != self.nodes[b].site() {
                        let (outcome, other) = self.exchange(a, b, None);
                        assert!(outcome.complete && other.complete);
                        same &= outcome.same;
                    }
                }
            }
            for node in &mut self.nodes {
                // What came may ask for something that is written at once.
                let before = node.digest();
                while node.fold(3).unwrap().more {}
                same &= node.status().unwrap().pending == 0 && node.digest() == before;
            }
            if same {
                break;
            }
        }
    }
}

pub fn place_of(node: &Node) -> usize {
    usize::from(node.site().0) - 1
}

/// Has an exchange as `exchange.rs` of the crate does: both seal what waits, then talk.
pub fn exchange(a: &mut Node, b: &mut Node, cut: Option<usize>) -> (Outcome, Outcome) {
    a.flush().unwrap();
    b.flush().unwrap();
    let mut dialler = Session::dial(a, a.site(), b.site());
    let mut other = Session::answer(b.site(), a.site());
    let (mut to_b, mut to_a) = (VecDeque::new(), VecDeque::new());
    let mut left = cut.unwrap_or(usize::MAX);
    loop {
        let moved = turn(&mut dialler, a, &mut to_a, &mut to_b, &mut left)
            | turn(&mut other, b, &mut to_b, &mut to_a, &mut left);
        if !moved {
            return (dialler.outcome(), other.outcome());
        }
    }
}

/// Takes one frame that has come, sends all that can be sent; `false` when nothing moved.
fn turn(
    session: &mut Session,
    node: &mut Node,
    come: &mut VecDeque<Vec<u8>>,
    go: &mut VecDeque<Vec<u8>>,
    left: &mut usize,
) -> bool {
    let mut moved = false;
    if let Some(bytes) = come.pop_front() {
        let frame = Frame::decode(&bytes).unwrap();
        step(node, |node| session.receive(frame, node));
        moved = true;
    }
    while let Step::Send(frame) = step(node, |node| session.next(node)) {
        moved = true;
        if *left > 0 {
            *left -= 1;
            go.push_back(frame.encode());
        }
    }
    moved
}

fn step<T>(
    node: &mut Node,
    work: impl FnOnce(&mut Node) -> Result<T, SessionError<EngineError>>,
) -> T {
    let run = |node: &mut Node| match work(node) {
        Ok(value) => Ok(value),
        Err(SessionError::Host(error)) => Err(error),
        Err(error) => panic!("{error}"),
    };
    node.exchange(run).unwrap()
}

/// A bundle of everything, or of what the destinations lack.
pub fn export(node: &mut Node, to: &[SiteId]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut append = |bytes: &[u8]| {
        file.extend_from_slice(bytes);
        Ok(())
    };
    node.export(to, "test", &mut append).unwrap().unwrap();
    file
}

/// Takes in a bundle; `false` where it ended early or was damaged.
pub fn import(node: &mut Node, file: &[u8]) -> bool {
    let mut rest = file;
    let mut read = |wanted: usize| {
        let (now, later) = rest.split_at(wanted.min(rest.len()));
        rest = later;
        Ok(now.to_vec())
    };
    node.import_bundle(&mut read, &mut |_| {})
        .unwrap()
        .stopped
        .is_none()
}

/// An event that can be told from all others by its number.
pub fn loan(item: u32) -> [(Option<EventId>, Event); 1] {
    [(
        None,
        Event::new(Body::LoanOut { item }).on("2025-03-05".parse().unwrap()),
    )]
}

/// Records a loan of somebody and seals it.
pub fn lend(node: &mut Node, learner: LearnerId, item: u32) {
    node.append(learner, &loan(item)).unwrap();
    node.flush().unwrap();
}

/// Folds all that waits.
pub fn fold(node: &mut Node) {
    while node.fold(9).unwrap().more {}
}

/// The item numbers of all loans in a learner's record here, in order, and as often as they count:
/// what came twice under one key counts once.
pub fn items(node: &mut Node, learner: LearnerId) -> Vec<u32> {
    let events: BTreeMap<String, Event> = node
        .events(learner)
        .unwrap_or_default()
        .into_iter()
        .collect();
    let item = |event: Event| match event.body {
        Body::LoanOut { item } => Some(item),
        _ => None,
    };
    let mut items: Vec<u32> = events.into_values().filter_map(item).collect();
    items.sort_unstable();
    items
}
