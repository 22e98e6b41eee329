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
use crate::seal::derive;

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
    /// What a node says that has `heads` completely. The first has number 1.
    #[must_use]
    pub fn of(site: SiteId, number: u64, heads: &BTreeMap<SiteId, Vec<Head>>) -> Self {
        let marks = |heads: &Vec<Head>| heads.iter().map(Head::mark).collect();
        let complete = heads
            .iter()
            .map(|(site, heads)| (*site, marks(heads)))
            .collect();
        Self {
            site,
            number,
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

fn signed_hash(body: &[u8]) -> [u8; 32] {
    derive("spean 2026 receipt v1", &[body])
}
