//! Officers of a network of engines, and what they sign.

use ed25519_dalek::SigningKey;
use spean::engine::EngineError;
use spean::engine::officers::SealedKey;
use spean::engine::signatures::ToSign;
use spean_protocol::control::Entry;
use spean_protocol::id::Label;
use spean_protocol::officer::{Office, Signature};
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::session::{Frame, Host};

use super::{Node, fold, identity, place_of};

pub fn officer_key(number: u16) -> SigningKey {
    SigningKey::from_bytes(&[u8::try_from(number).unwrap(); 32])
}

/// Makes somebody an officer; his passphrase is no matter of the engine.
pub fn appoint(node: &mut Node, number: u16, office: Office) -> Result<(), EngineError> {
    let sealed = SealedKey {
        number,
        key: officer_key(number).verifying_key().to_bytes(),
        salt: [0; 32],
        sealed: Vec::new(),
    };
    node.add_officer(office, sealed)
}

/// Signs all that waits for an officer at a node; how much it was.
pub fn sign(node: &mut Node, number: u16) -> usize {
    let (_, open) = node.to_sign(number).unwrap();
    let of = |one: &ToSign| Signature::sign(&one.subject, number, &officer_key(number));
    let signatures: Vec<Signature> = open.iter().map(of).collect();
    node.sign_events(number, &signatures).unwrap();
    fold(node);
    open.len()
}

/// Signs a control segment with these entries, as whoever runs a node can with another program.
pub fn post(node: &mut Node, entries: &[Entry]) {
    let run = node.skeleton().runs(node.site()).next_back();
    let (run, held) = run.unwrap();
    let header = Header {
        log: Log::Control,
        site: node.site(),
        run,
        height: held.control,
        previous: held.control_tip,
        control: held.control,
        cohort: 1,
        stamp: 1,
        lines: Vec::new(),
    };
    let entry = |entry: &Entry| (Label([0; 16]), entry.encode());
    let parcels = entries.iter().map(entry).collect();
    let segment = Segment::sign(header, parcels, &identity(place_of(node)).signing).unwrap();
    let taken = node.take_all(vec![Frame::Segment(segment.encode())]);
    assert_eq!(taken.unwrap(), [true]);
    fold(node);
}

/// What stands in a node's own control log.
pub fn posted(node: &Node) -> Vec<Entry> {
    let (run, held) = node.skeleton().runs(node.site()).next_back().unwrap();
    let at = |height| {
        let bytes = node.segment(run, Log::Control, height).unwrap().unwrap();
        let parcels = Segment::decode(&bytes).unwrap().parcels;
        parcels
            .into_iter()
            .flatten()
            .map(|one| Entry::decode(&one).unwrap())
            .collect::<Vec<_>>()
    };
    (0..held.control).flat_map(at).collect()
}
