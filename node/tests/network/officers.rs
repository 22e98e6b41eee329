//! Officers of a network of engines, and what they sign.

use ed25519_dalek::SigningKey;
use spean::engine::EngineError;
use spean::engine::officers::SealedKey;
use spean::engine::signatures::ToSign;
use spean_protocol::officer::{Office, Signature};

use super::{Node, fold};

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
