//! Erasure: the parcels of a person are deleted at every node, and stay deleted whatever old stick comes.
//! The DGP names them in its control log by label and hash, so it does not matter where in a run or in
//! which branch they stand. Headers stay, with the hashes of what is gone, and chains verify as before.
//!
//! What he added to the nation's figures stays, without him: rows of numbers, sealed to the DGP and to
//! the escrow.
//!
//! To whoever kept old ciphertext an erasure shows which labels are of the persons in it, and no more.
//! Therefore several are better erased together.

use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};
use crate::id::{Label, SiteId};
use crate::limits::{ERASED_PERSONS_MAX, ERASED_ROWS_MAX, ERASURE_PARCELS_MAX};
use crate::totals::{Contribution, LearnerFacts};

/// A parcel by its label and the first half of the BLAKE3 hash of its sealed bytes: that of its line.
pub type ErasedParcel = (Label, [u8; 16]);

/// Parcels to delete: part of an erasure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Names the erasure; its parts share it.
    pub id: [u8; 16],
    /// Whoever these parcels are of is erased; otherwise only the parcels are.
    pub persons: bool,
    /// At most `limits::ERASURE_PARCELS_MAX`, in order.
    pub parcels: Vec<ErasedParcel>,
}

impl Erasure {
    /// The name of a parcel with that line.
    #[must_use]
    pub fn name(label: Label, hash: &[u8; 32]) -> ErasedParcel {
        let mut half = [0; 16];
        half.copy_from_slice(&hash[..16]);
        (label, half)
    }

    /// Refuses what is too large.
    ///
    /// # Errors
    /// [`DecodeError::TooMany`].
    pub fn checked(self) -> Result<Self, DecodeError> {
        codec::at_most(self.parcels.len(), ERASURE_PARCELS_MAX)?;
        Ok(self)
    }
}

/// What one person added to the figures: facts and rows of each of his records.
pub type Remains = Vec<(LearnerFacts, Vec<Contribution>)>;

/// What remains of the persons of an erasure, before it is sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllRemains(pub Vec<Remains>);

impl AllRemains {
    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads what [`AllRemains::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`], also for more than `limits` allows.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let all: Self = codec::decode(bytes)?;
        codec::at_most(all.0.len(), ERASED_PERSONS_MAX)?;
        for person in &all.0 {
            codec::at_most(person.len(), ERASED_PERSONS_MAX)?;
            for (_, rows) in person {
                codec::at_most(rows.len(), ERASED_ROWS_MAX)?;
            }
        }
        Ok(all)
    }
}

/// Binds sealed remains to their erasure and reader.
#[must_use]
pub fn remains_info(from: SiteId, id: &[u8; 16], escrow: bool) -> Vec<u8> {
    let from = from.0.to_le_bytes();
    [
        b"spean remains v1".as_slice(),
        &from,
        id,
        &[u8::from(escrow)],
    ]
    .concat()
}
