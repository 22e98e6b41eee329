//! Officers' own keys: what people sign, beside what their site's node signs for all of them. An exam
//! result or a certificate counts when two persons have signed it; until then it is provisional, which
//! everybody sees, and blocks nothing. A signature stands in the control log of the site where the
//! officer sat, so that the second person can sign at another site or at the DGP, later.
//!
//! What is signed is a hash over the learner, the event's key and the event's bytes. In the log stand
//! its first 16 bytes: who cannot read the event learns from it neither whose it is nor what it says.

use ed25519_dalek::{Signature as Bytes, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::event::EventId;
pub use crate::event::Office;
use crate::id::{LearnerId, QuestionId, SiteId};
use crate::seal::derive;

/// Persons who sign an event of the highest stakes before it counts.
pub const PERSONS_MIN: u8 = 2;

impl Office {
    /// Whether his signature counts for an exam result or a certificate.
    #[must_use]
    pub const fn signs(self) -> bool {
        matches!(self, Self::Director | Self::Officer | Self::Administrator)
    }
}

/// An officer's key. In the log of his site it says that he is one there; in the DGP's, that the DGP
/// knows him.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Officer {
    /// His site.
    pub site: SiteId,
    /// His number in the site's own list: the one that stands in events. No name goes with it.
    pub number: u16,
    /// What he does.
    pub office: Office,
    /// His public key.
    pub key: [u8; 32],
}

/// What an officer signs: a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject(pub [u8; 32]);

/// The bytes of a subject that stand in the log.
pub type SubjectTag = [u8; 16];

impl Subject {
    /// An event of a learner, as its bytes are.
    #[must_use]
    pub fn of_event(learner: LearnerId, id: &EventId, bytes: &[u8]) -> Self {
        Self(derive(
            "spean 2026 officer signs an event v1",
            &[&learner.0, id.0.as_bytes(), bytes],
        ))
    }

    /// A decision of the DGP on a question, as its bytes are.
    #[must_use]
    pub fn of_decision(question: QuestionId, bytes: &[u8]) -> Self {
        Self(derive(
            "spean 2026 officer decides a question v1",
            &[&question.0, bytes],
        ))
    }

    /// That these learners are erased, in the order of their ids.
    #[must_use]
    pub fn of_erasure(learners: &[LearnerId]) -> Self {
        let ids: Vec<u8> = learners.iter().flat_map(|learner| learner.0).collect();
        Self(derive("spean 2026 officer erases v1", &[&ids]))
    }

    /// How the log names it.
    #[must_use]
    pub fn tag(&self) -> SubjectTag {
        let mut tag = [0; 16];
        tag.copy_from_slice(&self.0[..16]);
        tag
    }
}

/// An officer's signature, as a control log has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// What was signed.
    pub subject: SubjectTag,
    /// The officer's number. His site is that of the log.
    pub number: u16,
    /// Ed25519 of the whole [`Subject`]: 64 bytes.
    pub signature: Vec<u8>,
}

impl Signature {
    /// Signs.
    #[must_use]
    pub fn sign(subject: &Subject, number: u16, key: &SigningKey) -> Self {
        Self {
            subject: subject.tag(),
            number,
            signature: key.sign(&message(subject)).to_bytes().to_vec(),
        }
    }

    /// Whether that key made it, of that subject.
    #[must_use]
    pub fn is_of(&self, subject: &Subject, key: &[u8; 32]) -> bool {
        let signature: Option<[u8; 64]> = self.signature.as_slice().try_into().ok();
        let (Some(bytes), Ok(key)) = (signature, VerifyingKey::from_bytes(key)) else {
            return false;
        };
        self.subject == subject.tag()
            && key
                .verify_strict(&message(subject), &Bytes::from_bytes(&bytes))
                .is_ok()
    }
}

/// Says what the key is used for, so that a signature is of nothing else.
fn message(subject: &Subject) -> Vec<u8> {
    [b"spean officer v1".as_slice(), &subject.0].concat()
}

/// Goal: a signature is of one event of one learner and of one officer's key.
/// Method: sign, then change each of what it is of.
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_signature_is_of_one_event_and_one_key() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let id = EventId("event".to_owned());
        let of = |learner, id: &EventId, bytes: &[u8]| {
            Subject::of_event(LearnerId([learner; 16]), id, bytes)
        };
        let subject = of(1, &id, b"passed");
        let signature = Signature::sign(&subject, 3, &key);
        let public = key.verifying_key().to_bytes();
        assert!(signature.is_of(&subject, &public));
        let other = EventId("other".to_owned());
        for wrong in [
            of(2, &id, b"passed"),
            of(1, &other, b"passed"),
            of(1, &id, b"failed"),
        ] {
            assert!(!signature.is_of(&wrong, &public));
            // Also with the tag of the other one.
            let subject = wrong.tag();
            let moved = Signature {
                subject,
                ..signature.clone()
            };
            assert!(!moved.is_of(&wrong, &public));
        }
        let another = SigningKey::from_bytes(&[2; 32]).verifying_key().to_bytes();
        assert!(!signature.is_of(&subject, &another));
        let mut cut = signature;
        cut.signature.pop();
        assert!(!cut.is_of(&subject, &public));
    }
}
