//! A parcel: one learner's sealed changes of one flush, at one place of one run. Also what else is
//! sealed under a stay's or a register's key: keyrings and registers.
//!
//! ```text
//! sealed    = AES-256-GCM-SIV(derive("parcel", key | place), aad = place | label, plaintext)
//! plaintext = kind (1; high bit: compressed) | length of body (varint) | body | zeros to the ladder
//! ```
//! Nothing here decides who may read; it is either opened by a key that derives its label or not.

use crate::codec::{self, DecodeError};
use crate::id::{Label, RunId};
use crate::limits::{PARCEL_BYTES_MAX, PARCEL_CONTENT_BYTES_MAX};
use crate::seal::{self, SealError, Secret, TAG_BYTES, derive, padded_length};

/// Where a parcel stands. Each place has a key of its own, so none is ever used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The run of the segment.
    pub run: RunId,
    /// The segment's height in the run's data log.
    pub height: u32,
    /// The parcel's index in the segment.
    pub index: u16,
}

impl Place {
    fn bytes(&self) -> [u8; 22] {
        let mut out = [0; 22];
        out[..16].copy_from_slice(&self.run.0);
        out[16..20].copy_from_slice(&self.height.to_le_bytes());
        out[20..].copy_from_slice(&self.index.to_le_bytes());
        out
    }
}

/// What a parcel holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A change to the learner's document, as [`crate::record::Batch`].
    Changes,
    /// A [`crate::stay::Keyring`].
    Keyring,
    /// A [`crate::stay::Register`].
    Register,
    /// Something of a newer version: kept and forwarded, not understood.
    Newer(u8),
}

const COMPRESSED: u8 = 0x80;

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Changes => 1,
            Self::Keyring => 2,
            Self::Register => 3,
            Self::Newer(byte) => byte,
        }
    }

    const fn from_byte(byte: u8) -> Self {
        match byte {
            1 => Self::Changes,
            2 => Self::Keyring,
            3 => Self::Register,
            other => Self::Newer(other),
        }
    }
}

/// Seals `content`. The caller splits what would not fit.
///
/// # Errors
/// [`SealError::TooLarge`] beyond [`PARCEL_CONTENT_BYTES_MAX`] or [`PARCEL_BYTES_MAX`].
pub fn seal(
    key: &Secret,
    place: Place,
    label: Label,
    kind: Kind,
    content: &[u8],
) -> Result<Vec<u8>, SealError> {
    if content.len() > PARCEL_CONTENT_BYTES_MAX {
        return Err(SealError::TooLarge);
    }
    let compressed = seal::compress(content);
    let flag = if compressed.is_some() { COMPRESSED } else { 0 };
    let body = compressed.as_deref().unwrap_or(content);
    let mut plaintext = vec![kind.byte() | flag];
    plaintext.extend_from_slice(&codec::encode(&body.len()));
    plaintext.extend_from_slice(body);
    plaintext.resize(padded_length(plaintext.len()), 0);
    if plaintext.len() + TAG_BYTES > PARCEL_BYTES_MAX {
        return Err(SealError::TooLarge);
    }
    let (key, aad) = key_and_aad(key, place, label);
    seal::seal_once(&key, &aad, &plaintext)
}

/// Opens a parcel with the key that derives its label.
///
/// # Errors
/// [`SealError::Wrong`] for another key or changed bytes; [`SealError::Malformed`] where its
/// author sealed nonsense.
pub fn open(
    key: &Secret,
    place: Place,
    label: Label,
    sealed: &[u8],
) -> Result<(Kind, Vec<u8>), SealError> {
    let (key, aad) = key_and_aad(key, place, label);
    let plaintext = seal::open_once(&key, &aad, sealed)?;
    let malformed = |_: DecodeError| SealError::Malformed;
    let (first, rest) = plaintext.split_first().ok_or(SealError::Malformed)?;
    let (length, rest): (usize, _) = codec::take(rest).map_err(malformed)?;
    let (body, _padding) = codec::take_bytes(rest, length).map_err(malformed)?;
    let kind = Kind::from_byte(first & !COMPRESSED);
    if first & COMPRESSED == 0 {
        return Ok((kind, body.to_vec()));
    }
    Ok((kind, seal::decompress(body)?))
}

fn key_and_aad(key: &Secret, place: Place, label: Label) -> ([u8; 32], Vec<u8>) {
    let place = place.bytes();
    let aad = [place.as_slice(), label.0.as_slice()].concat();
    (derive("spean 2026 parcel key v1", &[&key.0, &place]), aad)
}
