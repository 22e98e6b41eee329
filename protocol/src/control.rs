//! What the control log says: openings of runs, key wraps, grants, statements, letters, keys to
//! come, officers and what they sign, erasures. Small things that everything else waits for, so they travel first.
//!
//! An entry is a kind byte and a body; a kind that this program does not know is kept, forwarded
//! and counted.

use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};
use crate::erasure::Erasure;
use crate::id::{Hash, SiteId, Stream};
use crate::limits::PARENTS_MAX;
use crate::log::Head;
use crate::officer::{Officer, Signature};
use crate::seal::{self, BoxKey, SealError, Secret};
use crate::stay::CustodyKey;

/// For whom a custody key is wrapped. A grant says no such thing: each site tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recipient {
    /// The site that minted it.
    Itself,
    /// The DGP's node.
    Headquarters,
    /// The escrow, 2 of 3.
    Escrow,
}

/// A custody key, sealed to one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrap {
    /// The custody key's name.
    pub custody: Hash,
    /// Its cohort.
    pub cohort: u16,
    /// Its stream.
    pub stream: Stream,
    /// For whom.
    pub recipient: Recipient,
    /// HPKE of the 32 key bytes.
    pub sealed: Vec<u8>,
}

impl Wrap {
    /// Wraps a custody key for one recipient.
    ///
    /// # Errors
    /// [`SealError`] for a box key that is none.
    pub fn seal(
        key: &CustodyKey,
        recipient: Recipient,
        to: &BoxKey,
        entropy: [u8; 32],
    ) -> Result<Self, SealError> {
        let mut wrap = Self {
            custody: key.id(),
            cohort: key.cohort,
            stream: key.stream,
            recipient,
            sealed: Vec::new(),
        };
        wrap.sealed = seal::box_seal(to, &wrap.info(key.site), &key.secret.0, entropy)?;
        Ok(wrap)
    }

    /// Opens it with one of these seeds, if one fits, and the key is the one that it names.
    #[must_use]
    pub fn open(&self, site: SiteId, seeds: &[Secret]) -> Option<CustodyKey> {
        let info = self.info(site);
        let opened = seeds
            .iter()
            .find_map(|seed| seal::box_open(seed, &info, &self.sealed).ok())?;
        let key = CustodyKey {
            site,
            cohort: self.cohort,
            stream: self.stream,
            secret: Secret(opened.try_into().ok()?),
        };
        (key.id() == self.custody).then_some(key)
    }

    /// Binds it to what it is for.
    fn info(&self, site: SiteId) -> Vec<u8> {
        [
            b"spean custody wrap v1".as_slice(),
            &site.0.to_le_bytes(),
            &self.cohort.to_le_bytes(),
            &[self.stream.byte()],
            &self.custody.0,
        ]
        .concat()
    }
}

/// One entry of the control log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The first of every run: the heads that it continues.
    Opening(Vec<Head>),
    /// A custody key for one recipient.
    Wrap(Wrap),
    /// A [`crate::stay::GrantContent`], sealed to a destination that only trying reveals.
    Grant {
        /// The same as the slip's, where there is one.
        id: [u8; 16],
        /// HPKE of the content.
        sealed: Vec<u8>,
    },
    /// Anonymous sums on restricted data, sealed to the DGP.
    Statement {
        /// HPKE of the statement.
        sealed: Vec<u8>,
    },
    /// A [`crate::letter::Letter`], sealed to a reader that only trying reveals.
    Letter {
        /// HPKE of the letter.
        sealed: Vec<u8>,
    },
    /// The site's box key of a cohort that is still to come, for whoever makes the next roster.
    BoxKey {
        /// The cohort.
        cohort: u16,
        /// The key.
        key: BoxKey,
    },
    /// An officer of this site; in the DGP's log, one of any site whom the DGP knows.
    Officer(Officer),
    /// An officer of this site signs an event.
    Signature(Signature),
    /// Of the DGP: parcels to delete.
    Erasure(Erasure),
    /// Of the DGP: what remains of the persons of an erasure.
    Remains {
        /// The erasure.
        id: [u8; 16],
        /// Sealed to the escrow; otherwise to the DGP.
        escrow: bool,
        /// HPKE of [`crate::erasure::AllRemains`].
        sealed: Vec<u8>,
    },
    /// Of any site: an erasure was done here.
    Erased([u8; 16]),
    /// Of a newer version: kept and forwarded.
    Newer(u8),
}

impl Entry {
    /// The entry as a parcel of a control segment.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (kind, body) = match self {
            Self::Opening(parents) => (1, codec::encode(parents)),
            Self::Wrap(wrap) => (2, codec::encode(wrap)),
            Self::Grant { id, sealed } => (3, codec::encode(&(id, sealed))),
            Self::Statement { sealed } => (4, codec::encode(sealed)),
            Self::Letter { sealed } => (5, codec::encode(sealed)),
            Self::BoxKey { cohort, key } => (6, codec::encode(&(cohort, key))),
            Self::Officer(officer) => (7, codec::encode(officer)),
            Self::Signature(signature) => (8, codec::encode(signature)),
            Self::Erasure(erasure) => (9, codec::encode(erasure)),
            Self::Remains { id, escrow, sealed } => (10, codec::encode(&(id, escrow, sealed))),
            Self::Erased(id) => (11, codec::encode(id)),
            Self::Newer(kind) => (*kind, Vec::new()),
        };
        [&[kind], body.as_slice()].concat()
    }

    /// Reads a parcel of a control segment.
    ///
    /// # Errors
    /// [`DecodeError`] for a known kind with a malformed body.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (kind, body) = bytes.split_first().ok_or(DecodeError::Malformed)?;
        Ok(match kind {
            1 => {
                let parents: Vec<Head> = codec::decode(body)?;
                codec::at_most(parents.len(), PARENTS_MAX)?;
                Self::Opening(parents)
            }
            2 => Self::Wrap(codec::decode(body)?),
            3 => {
                let (id, sealed) = codec::decode(body)?;
                Self::Grant { id, sealed }
            }
            4 => Self::Statement {
                sealed: codec::decode(body)?,
            },
            5 => Self::Letter {
                sealed: codec::decode(body)?,
            },
            6 => {
                let (cohort, key) = codec::decode(body)?;
                Self::BoxKey { cohort, key }
            }
            7 => Self::Officer(codec::decode(body)?),
            8 => Self::Signature(codec::decode(body)?),
            9 => Self::Erasure(codec::decode::<Erasure>(body)?.checked()?),
            10 => {
                let (id, escrow, sealed) = codec::decode(body)?;
                Self::Remains { id, escrow, sealed }
            }
            11 => Self::Erased(codec::decode(body)?),
            other => Self::Newer(*other),
        })
    }
}
