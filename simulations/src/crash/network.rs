//! Three sites in memory: the head office, the prison whose disk is watched, and its neighbour; and
//! exchanges between their engines as a link has them.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};

use ed25519_dalek::SigningKey;
use spean::engine::{Engine, EngineError, Identity};
use spean::store::Store;
use spean::world::World;
use spean_protocol::id::SiteId;
use spean_protocol::roster::{Role, Roster, SignedRoster, Site, wrap_carrier};
use spean_protocol::seal::{Secret, box_key};
use spean_protocol::session::{Frame, Session, SessionError, Step};

use super::Problem;

/// The head office.
pub(super) const HEADQUARTERS: u8 = 1;
/// The prison whose disk is watched.
pub(super) const HERE: u8 = 2;
/// Another prison.
pub(super) const NEIGHBOUR: u8 = 3;

/// A clock that goes on by a minute, and bytes that follow from a number and repeat for nobody.
struct Counted {
    start: u64,
    draws: u64,
    minutes: Cell<u64>,
}

impl World for Counted {
    fn wall_seconds(&self) -> u64 {
        self.minutes.set(self.minutes.get() + 1);
        1_790_000_000 + 60 * self.minutes.get()
    }

    fn random(&mut self) -> [u8; 32] {
        self.draws += 1;
        let seed = [self.start.to_le_bytes(), self.draws.to_le_bytes()].concat();
        *blake3::hash(&seed).as_bytes()
    }
}

pub(super) fn site(number: u8) -> SiteId {
    SiteId(number.into())
}

fn identity(number: u8) -> Identity {
    Identity {
        signing: SigningKey::from_bytes(&[number + 100; 32]),
        boxes: BTreeMap::from([(1, Secret([number + 50; 32]))]),
        secret: Secret([number + 150; 32]),
    }
}

/// The roster of the three.
///
/// # Errors
/// When it cannot be sealed or signed.
pub(super) fn roster() -> Result<SignedRoster, Problem> {
    let root = SigningKey::from_bytes(&[1; 32]);
    let carrier = Secret([2; 32]);
    let mut sites = Vec::new();
    for number in [HEADQUARTERS, HERE, NEIGHBOUR] {
        let Identity { signing, boxes, .. } = identity(number);
        let key = box_key(&boxes[&1]);
        sites.push(Site {
            id: site(number),
            code: format!("S{number}"),
            name: format!("Site {number}"),
            role: if number == HEADQUARTERS {
                Role::Headquarters
            } else {
                Role::Prison
            },
            keys: vec![signing.verifying_key().to_bytes()],
            boxes: BTreeMap::from([(1, key)]),
            carrier: wrap_carrier(&carrier, &key, [3; 32])?,
        });
    }
    let mut signed = SignedRoster::propose(&Roster {
        version: 1,
        cohort: 1,
        threshold: 1,
        roots: vec![root.verifying_key().to_bytes()],
        escrow: BTreeMap::new(),
        sites,
        revoked: Vec::new(),
        shredded: 0,
    });
    signed.sign(&root)?;
    Ok(signed)
}

/// Starts a site's engine; two starts with different numbers draw different bytes.
///
/// # Errors
/// What the engine says.
pub(super) fn start<S: Store>(number: u8, store: S, start: u64) -> Result<Engine<S>, EngineError> {
    let world = Counted {
        start,
        draws: 0,
        minutes: Cell::new(0),
    };
    Engine::open(store, identity(number), Box::new(world))
}

/// Reads all that came.
///
/// # Errors
/// What the engine says.
pub(super) fn fold<S: Store>(node: &mut Engine<S>) -> Result<(), EngineError> {
    while node.fold(3)?.more {}
    Ok(())
}

/// Has a whole exchange as a node has it: both seal what waits, then talk.
///
/// # Errors
/// What an engine says, or that one did not understand the other.
pub(super) fn exchange<A: Store, B: Store>(
    a: &mut Engine<A>,
    b: &mut Engine<B>,
) -> Result<(), Problem> {
    a.flush()?;
    b.flush()?;
    let mut dialler = Session::dial(a, a.site(), b.site());
    let mut other = Session::answer(b.site(), a.site());
    let (mut to_b, mut to_a) = (VecDeque::new(), VecDeque::new());
    loop {
        let moved = turn(&mut dialler, a, &mut to_a, &mut to_b)?
            | turn(&mut other, b, &mut to_b, &mut to_a)?;
        if !moved {
            return Ok(());
        }
    }
}

/// Takes one frame that has come, sends all that can be sent; `false` when nothing moved.
fn turn<S: Store>(
    session: &mut Session,
    node: &mut Engine<S>,
    come: &mut VecDeque<Vec<u8>>,
    go: &mut VecDeque<Vec<u8>>,
) -> Result<bool, Problem> {
    let mut moved = false;
    if let Some(bytes) = come.pop_front() {
        let frame = Frame::decode(&bytes)?;
        step(node, |node| session.receive(frame, node))?;
        moved = true;
    }
    while let Step::Send(frame) = step(node, |node| session.next(node))? {
        moved = true;
        go.push_back(frame.encode());
    }
    Ok(moved)
}

fn step<S: Store, T>(
    node: &mut Engine<S>,
    work: impl FnOnce(&mut Engine<S>) -> Result<T, SessionError<EngineError>>,
) -> Result<T, EngineError> {
    node.exchange(|node| match work(node) {
        Ok(value) => Ok(value),
        Err(SessionError::Host(error)) => Err(error),
        Err(error) => Err(EngineError::Refused(error.to_string())),
    })
}
