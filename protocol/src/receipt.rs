//! A receipt: a node's signed statement of what it completely has. A register outside the logs (a
//! receipt must not cause a receipt): of each author the one with the highest number counts, and
//! they spread like data, so each node knows at second hand who has what.
//!
//! A node whose backup was set back meets its own later receipt at a peer and signs one with a
//! higher number still, that says what it really has. It says no hour: so a machine and a copy of
//! it that have the same state the same, byte for byte.

use std::collections::BTreeMap;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};
use crate::frontier::{HeadMark, check_heads};
use crate::id::SiteId;
use crate::limits::{HEADS_MAX, RECEIPT_BYTES_MAX, SITES_MAX};
use crate::log::Head;
use crate::seal::{self, derive};

/// Why a receipt was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// The bytes are not a receipt.
    #[error("receipt: {0}")]
    Decode(#[from] DecodeError),
    /// No key that the roster lists for its site made the signature.
    #[error("receipt of {0}: signature of no key in the roster")]
    Signature(SiteId),
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The node that has it.
    pub site: SiteId,
    /// Increases by one with each that says something else.
    pub number: u64,
    /// The version of the roster in force there.
    pub roster: u32,
    /// The heads of what it completely has, by site.
    pub complete: BTreeMap<SiteId, Vec<HeadMark>>,
}

/// Which of an author's receipts counts: the greatest. Between copies of one machine the numbers
/// may be equal; then the first bytes of the hash decide, equally everywhere.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Rank {
    /// The receipt's number.
    pub number: u64,
    /// The first bytes of its hash.
    pub tag: [u8; 4],
}

impl Statement {
    /// What a node says that has `heads` completely and a roster of that version. The first has
    /// number 1.
    #[must_use]
    pub fn of(
        (site, number, roster): (SiteId, u64, u32),
        heads: &BTreeMap<SiteId, Vec<Head>>,
    ) -> Self {
        let marks = |heads: &Vec<Head>| heads.iter().map(Head::mark).collect();
        let complete = heads
            .iter()
            .map(|(site, heads)| (*site, marks(heads)))
            .collect();
        Self {
            site,
            number,
            roster,
            complete,
        }
    }
}

/// A signed statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The encoded [`Statement`].
    body: Vec<u8>,
    /// Ed25519 over the body's hash: 64 bytes.
    signature: Vec<u8>,
}

impl Receipt {
    /// Signs a statement.
    #[must_use]
    pub fn sign(statement: &Statement, key: &SigningKey) -> Self {
        let body = codec::encode(statement);
        let signature = key.sign(&signed_hash(&body)).to_bytes().to_vec();
        Self { body, signature }
    }

    /// The receipt's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [self.signature.as_slice(), self.body.as_slice()].concat()
    }

    /// Reads a receipt. The signature is not checked here.
    ///
    /// # Errors
    /// [`DecodeError`] for malformed bytes or more than `limits` allows.
    pub fn decode(bytes: &[u8]) -> Result<(Self, Statement), DecodeError> {
        codec::at_most(bytes.len(), RECEIPT_BYTES_MAX)?;
        let (signature, body) = codec::take_bytes(bytes, 64)?;
        let statement: Statement = codec::decode(body)?;
        codec::at_most(statement.complete.len(), SITES_MAX)?;
        statement
            .complete
            .values()
            .try_for_each(|heads| check_heads(heads, HEADS_MAX))?;
        Ok((
            Self {
                body: body.to_vec(),
                signature: signature.to_vec(),
            },
            statement,
        ))
    }

    /// Checks the signature strictly against the keys that the roster lists for `site`.
    ///
    /// # Errors
    /// [`ReceiptError::Signature`] when none of them made it.
    pub fn verify<'a>(
        &self,
        site: SiteId,
        keys: impl IntoIterator<Item = &'a [u8; 32]>,
    ) -> Result<(), ReceiptError> {
        let hash = signed_hash(&self.body);
        let signature =
            Signature::from_slice(&self.signature).map_err(|_| ReceiptError::Signature(site))?;
        let made_by = |key: &[u8; 32]| {
            VerifyingKey::from_bytes(key)
                .is_ok_and(|key| key.verify_strict(&hash, &signature).is_ok())
        };
        if keys.into_iter().any(made_by) {
            Ok(())
        } else {
            Err(ReceiptError::Signature(site))
        }
    }

    /// What stands for this receipt when two nodes compare what they have. `number` is that of its
    /// statement.
    #[must_use]
    pub fn rank(&self, number: u64) -> Rank {
        let hash = signed_hash(&self.body);
        Rank {
            number,
            tag: [hash[0], hash[1], hash[2], hash[3]],
        }
    }
}

/// Several receipts together, in as many parts as frames need: what one node holds of all authors.
/// They say much the same of much the same sites, so what they say is compressed as one piece.
///
/// ```text
/// count (varint) | signatures, 64 bytes each | 1: compressed, or 0 | for each its body (list of bytes)
/// ```
#[must_use]
pub fn pack(receipts: &[Receipt]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let mut rest = receipts;
    while !rest.is_empty() {
        let mut bodies = Vec::new();
        let fits = rest.iter().take_while(|receipt| {
            let more = codec::encode(&receipt.body);
            let fits = bodies.is_empty() || bodies.len() + more.len() <= PACKED_BYTES;
            if fits {
                bodies.extend(more);
            }
            fits
        });
        let (now, later) = rest.split_at(fits.count());
        rest = later;
        let mut part = codec::encode(&now.len());
        now.iter()
            .for_each(|receipt| part.extend_from_slice(&receipt.signature));
        match seal::compress(&bodies) {
            Some(compressed) => {
                part.push(1);
                part.extend(compressed);
            }
            None => {
                part.push(0);
                part.extend(bodies);
            }
        }
        parts.push(part);
    }
    parts
}

/// Reads a part that [`pack`] made: receipts as [`Receipt::decode`] reads them.
///
/// # Errors
/// [`DecodeError`] for malformed bytes or more than `limits` allows.
pub fn unpack(bytes: &[u8]) -> Result<Vec<Vec<u8>>, DecodeError> {
    let (count, rest): (usize, _) = codec::take(bytes)?;
    codec::at_most(count, SITES_MAX)?;
    let (signatures, rest) = codec::take_bytes(rest, count * 64)?;
    let (compressed, body) = rest.split_first().ok_or(DecodeError::Malformed)?;
    let opened = match compressed {
        0 => body.to_vec(),
        1 => seal::decompress(body).map_err(|_| DecodeError::Malformed)?,
        _ => return Err(DecodeError::Malformed),
    };
    let mut rest = opened.as_slice();
    let mut receipts = Vec::with_capacity(count);
    for signature in signatures.chunks_exact(64) {
        let (body, after): (Vec<u8>, _) = codec::take(rest)?;
        codec::at_most(body.len() + signature.len(), RECEIPT_BYTES_MAX)?;
        receipts.push([signature, &body].concat());
        rest = after;
    }
    if rest.is_empty() {
        Ok(receipts)
    } else {
        Err(DecodeError::LeftOver(rest.len()))
    }
}

/// Bytes of bodies in one part: with their signatures it fits into a frame, compressed or not.
const PACKED_BYTES: usize = 32 * 1024;

fn signed_hash(body: &[u8]) -> [u8; 32] {
    derive("spean 2026 receipt v1", &[body])
}
