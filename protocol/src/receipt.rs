//! A receipt: a node's signed statement of what it completely has. A register outside the logs (a
//! receipt must not cause a receipt): the newest of each author counts, and they spread like data,
//! so each node knows at second hand who has what.

use std::collections::BTreeMap;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};
use crate::frontier::{HeadMark, check_heads};
use crate::id::SiteId;
use crate::limits::{RECEIPT_BYTES_MAX, SITES_MAX};
use crate::log::{Head, Skeleton};
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
    /// Its wall clock, seconds since 1970. It is shown, and decides nothing.
    pub stamp: u64,
    /// The heads of what it completely has, by site.
    pub complete: BTreeMap<SiteId, Vec<HeadMark>>,
    /// A digest of the heads with their hashes: which branch of a fork it saw.
    pub tips: [u8; 16],
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
    /// Signs what `heads` says is complete.
    #[must_use]
    pub fn sign(
        site: SiteId,
        stamp: u64,
        heads: &BTreeMap<SiteId, Vec<Head>>,
        key: &SigningKey,
    ) -> Self {
        let digest = derive("spean 2026 receipt tips v1", &[&codec::encode(heads)]);
        let mut tips = [0; 16];
        tips.copy_from_slice(&digest[..16]);
        let complete = heads
            .iter()
            .map(|(site, heads)| (*site, heads.iter().map(Head::mark).collect()))
            .collect();
        let body = codec::encode(&Statement { site, stamp, complete, tips });
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
        statement.complete.values().try_for_each(|heads| check_heads(heads))?;
        Ok((Self { body: body.to_vec(), signature: signature.to_vec() }, statement))
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
        let signature = Signature::from_slice(&self.signature)
            .map_err(|_| ReceiptError::Signature(site))?;
        let made_by = |key: &[u8; 32]| {
            VerifyingKey::from_bytes(key)
                .is_ok_and(|key| key.verify_strict(&hash, &signature).is_ok())
        };
        if keys.into_iter().any(made_by) { Ok(()) } else { Err(ReceiptError::Signature(site)) }
    }

    /// Four bytes that stand for this receipt when two nodes compare what they have.
    #[must_use]
    pub fn tag(&self) -> [u8; 4] {
        let hash = signed_hash(&self.body);
        [hash[0], hash[1], hash[2], hash[3]]
    }
}

fn signed_hash(body: &[u8]) -> [u8; 32] {
    derive("spean 2026 receipt v1", &[body])
}

/// Whether `new` takes the place of `old`, both of one author: only if what it states descends
/// from what the other states, its own log before all. Between siblings (clones of one machine)
/// the greater bytes stand, so that all nodes agree; people are told of the clone in any case.
#[must_use]
pub fn replaces(skeleton: &Skeleton, new: &Statement, old: &Statement) -> bool {
    let own = |s: &Statement| s.complete.get(&s.site).cloned().unwrap_or_default();
    let own_forward = skeleton.descends(new.site, &own(new), &own(old));
    let own_backward = skeleton.descends(new.site, &own(old), &own(new));
    let whole = |a: &Statement, b: &Statement| {
        b.complete.iter().all(|(site, heads)| {
            let mine = a.complete.get(site).map_or(&[][..], Vec::as_slice);
            skeleton.descends(*site, mine, heads)
        })
    };
    match (own_forward, own_backward) {
        (true, false) => true,
        (false, true) => false,
        _ => match (whole(new, old), whole(old, new)) {
            (true, false) => true,
            (false, true) => false,
            _ => codec::encode(new) > codec::encode(old),
        },
    }
}
