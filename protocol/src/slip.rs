//! A transfer slip: a grant for one learner, who is the first in it, that goes with him on paper,
//! or is read over a telephone, or sent as a picture. It opens his record where the ciphertext already is, with no
//! link at all. It is sealed to the destination's box key and signed by its issuer, so a copy is
//! useless elsewhere; it carries no name.
//!
//! ```text
//! version (1) | source (2) | destination (2) | sealed | signature (64) | check (2)
//! ```
//! Every byte is one that somebody may have to type, and makes a code finer that a cheap printer
//! prints: the suite follows from the version, a slip is named by its learner, and
//! `content` says each site and stay once. What does not fit goes on a further slip of his.
//!
//! The check is the first bytes of the BLAKE3 hash of all before it: it tells a typing error from a
//! slip that somebody changed.
//! As text it is Base32 (RFC 4648) without padding, which a QR code holds in its alphanumeric mode
//! and a person can read aloud: capital letters and the digits 2 to 7, in groups of four.

mod content;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::codec::{self, DecodeError};
use crate::id::SiteId;
use crate::limits::SLIP_BYTES_MAX;
use crate::seal::{self, BOX_BYTES, BoxKey, Secret, derive};
use crate::stay::GrantContent;

/// The version of the slip format that this program writes.
pub const VERSION: u8 = 2;
/// Of grants: X25519, HKDF-SHA256, ChaCha20Poly1305. A slip of this version has the same, and Ed25519.
const SUITE: u8 = 1;

/// The bytes of a slip without any content: less was not scanned or typed whole.
const BYTES_MIN: usize = 1 + 4 + BOX_BYTES + 64;

/// Bytes of the check at the end.
const CHECK_BYTES: usize = 2;

fn check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let hash = blake3::hash(bytes);
    [hash.as_bytes()[0], hash.as_bytes()[1]]
}

/// Why a slip was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SlipError {
    /// The text was not typed or scanned whole.
    #[error("this is not a whole slip: check the text, or scan it again")]
    Unreadable,
    /// The check at its end does not fit: somebody mistyped or misread a letter.
    #[error("a letter of this slip is wrong: compare it group by group, or scan it again")]
    Mistyped,
    /// A newer program wrote it.
    #[error("this slip is of version {0}: update this node")]
    NewerVersion(u8),
    /// No key that the roster lists for its issuer made the signature.
    #[error("this slip is not signed by {0}: ask the sending prison or the DGP for a new one")]
    Signature(SiteId),
    /// It is for another prison.
    #[error("this slip is for {0}, not for this prison: ask the sender for one to this prison")]
    Elsewhere(SiteId),
    /// It is for this prison, but none of its keys opens it: the node was reinstalled since.
    #[error("this slip was made for an older key of this prison: ask the DGP for a new one")]
    OldKey,
    /// It opened, but what it holds is not a grant.
    #[error("this slip holds nothing that can be used: ask for a new one")]
    Content,
    /// More than a slip holds.
    #[error("too many keys for one slip: put them on several")]
    TooMany,
}

/// A slip as read: signed and addressed, its content still sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slip {
    /// Who issued it: the old site or the DGP.
    pub source: SiteId,
    /// For whom it is.
    pub destination: SiteId,
    /// HPKE of the content.
    pub sealed: Vec<u8>,
    signature: [u8; 64],
}

/// Binds a sealed grant of the control log to its place: suite, issuer, destination, id.
#[must_use]
pub fn grant_info(source: SiteId, destination: SiteId, id: &[u8; 16]) -> Vec<u8> {
    let (source, destination) = (source.0.to_le_bytes(), destination.0.to_le_bytes());
    [
        b"spean grant v1".as_slice(),
        &[SUITE],
        &source,
        &destination,
        id,
    ]
    .concat()
}

/// Binds what is sealed on a slip to its version, issuer and destination.
fn slip_info(source: SiteId, destination: SiteId) -> Vec<u8> {
    let (source, destination) = (source.0.to_le_bytes(), destination.0.to_le_bytes());
    [b"spean slip".as_slice(), &[VERSION], &source, &destination].concat()
}

impl Slip {
    /// Whether a slip from `source` holds this content: so many bytes at most, and keys that can be
    /// said on one.
    #[must_use]
    pub fn holds(source: SiteId, content: &GrantContent) -> bool {
        content::encode(source, content)
            .is_ok_and(|content| BYTES_MIN + content.len() + CHECK_BYTES <= SLIP_BYTES_MAX)
    }

    /// Issues a slip. `entropy` as for [`seal::box_seal`].
    ///
    /// # Errors
    /// [`SlipError::TooMany`], or [`SlipError::Content`] for an unusable box key.
    pub fn issue(
        (source, destination): (SiteId, SiteId),
        content: &GrantContent,
        to: &BoxKey,
        key: &SigningKey,
        entropy: [u8; 32],
    ) -> Result<Self, SlipError> {
        if !Self::holds(source, content) {
            return Err(SlipError::TooMany);
        }
        let plain = content::encode(source, content).map_err(|_| SlipError::TooMany)?;
        let info = slip_info(source, destination);
        let sealed = seal::box_seal(to, &info, &plain, entropy).map_err(|_| SlipError::Content)?;
        let mut slip = Self {
            source,
            destination,
            sealed,
            signature: [0; 64],
        };
        slip.signature = key.sign(&slip.signed_hash()).to_bytes();
        Ok(slip)
    }

    fn front(&self) -> Vec<u8> {
        let (source, destination) = (
            self.source.0.to_le_bytes(),
            self.destination.0.to_le_bytes(),
        );
        [&[VERSION], source.as_slice(), &destination, &self.sealed].concat()
    }

    fn signed_hash(&self) -> [u8; 32] {
        derive("spean 2026 slip v2", &[&self.front()])
    }

    /// The slip as a code holds it: one run of capital letters and digits.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut bytes = [self.front().as_slice(), &self.signature].concat();
        bytes.extend(check(&bytes));
        data_encoding::BASE32_NOPAD.encode(&bytes)
    }

    /// Reads a slip's text, in either case, with spaces, dashes and line breaks between.
    ///
    /// # Errors
    /// [`SlipError::Unreadable`] or [`SlipError::NewerVersion`].
    pub fn from_text(text: &str) -> Result<Self, SlipError> {
        if text.len() > 4 * SLIP_BYTES_MAX {
            return Err(SlipError::Unreadable);
        }
        let text: String = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .collect();
        let bytes = data_encoding::BASE32_NOPAD
            .decode(text.to_ascii_uppercase().as_bytes())
            .map_err(|_| SlipError::Unreadable)?;
        let whole = bytes.len().checked_sub(CHECK_BYTES);
        let (bytes, found) = bytes.split_at(whole.ok_or(SlipError::Unreadable)?);
        if bytes.len() < BYTES_MIN {
            return Err(SlipError::Unreadable);
        }
        if found != check(bytes) {
            return Err(SlipError::Mistyped);
        }
        Self::decode(bytes).map_err(|error| match error {
            DecodeError::NewerVersion(version) => SlipError::NewerVersion(version),
            _ => SlipError::Unreadable,
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::at_most(bytes.len() + CHECK_BYTES, SLIP_BYTES_MAX)?;
        if bytes.len() < BYTES_MIN {
            return Err(DecodeError::Malformed);
        }
        let (front, rest) = codec::take_bytes(bytes, 1)?;
        if front != [VERSION] {
            return Err(DecodeError::NewerVersion(front[0]));
        }
        let array = |bytes: &[u8]| -> Result<[u8; 2], DecodeError> {
            bytes.try_into().map_err(|_| DecodeError::Malformed)
        };
        let (source, rest) = codec::take_bytes(rest, 2)?;
        let (destination, rest) = codec::take_bytes(rest, 2)?;
        let length = rest.len().checked_sub(64).ok_or(DecodeError::Malformed)?;
        let (sealed, signature) = codec::take_bytes(rest, length)?;
        Ok(Self {
            source: SiteId(u16::from_le_bytes(array(source)?)),
            destination: SiteId(u16::from_le_bytes(array(destination)?)),
            sealed: sealed.to_vec(),
            signature: signature.try_into().map_err(|_| DecodeError::Malformed)?,
        })
    }

    /// Checks the issuer's signature strictly.
    ///
    /// # Errors
    /// [`SlipError::Signature`].
    pub fn verify<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a [u8; 32]>,
    ) -> Result<(), SlipError> {
        let hash = self.signed_hash();
        let signature = Signature::from_bytes(&self.signature);
        let made_by = |key: &[u8; 32]| {
            VerifyingKey::from_bytes(key)
                .is_ok_and(|key| key.verify_strict(&hash, &signature).is_ok())
        };
        if keys.into_iter().any(made_by) {
            Ok(())
        } else {
            Err(SlipError::Signature(self.source))
        }
    }

    /// Opens a verified slip with one of this site's box seeds.
    ///
    /// # Errors
    /// [`SlipError::Elsewhere`], [`SlipError::OldKey`] or [`SlipError::Content`].
    pub fn open<'a>(
        &self,
        here: SiteId,
        seeds: impl IntoIterator<Item = &'a Secret>,
    ) -> Result<GrantContent, SlipError> {
        if self.destination != here {
            return Err(SlipError::Elsewhere(self.destination));
        }
        let info = slip_info(self.source, self.destination);
        let opened = seeds
            .into_iter()
            .find_map(|seed| seal::box_open(seed, &info, &self.sealed).ok());
        let bytes = opened.ok_or(SlipError::OldKey)?;
        content::decode(self.source, &bytes).map_err(|_| SlipError::Content)
    }
}
