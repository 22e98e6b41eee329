//! The one encoding of everything but an Automerge change: postcard (its published wire format:
//! varints little-endian base 128, structures field by field, sequences with their length first).
//! Decoding reads from a slice that is already bounded, so nothing here can allocate beyond it,
//! and refuses bytes left over: a value has one end.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why bytes were not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not the format that was expected here: cut short, changed, or something else altogether.
    #[error("malformed or cut short")]
    Malformed,
    /// More bytes than the value has.
    #[error("{0} bytes left over after the value")]
    LeftOver(usize),
    /// A list or a text that is longer than `limits` allows.
    #[error("{found} of something, at most {limit} allowed")]
    TooMany {
        /// How many there were.
        found: usize,
        /// How many may be.
        limit: usize,
    },
    /// A format version that this program does not know: it was written by a newer one.
    #[error("format version {0} is newer than this program: update it")]
    NewerVersion(u8),
}

/// Encodes a value.
#[must_use]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // postcard fails only for types with unknown lengths, of which the project has none.
    postcard::to_allocvec(value).unwrap_or_default()
}

/// Decodes a value that must take all of `bytes`.
///
/// # Errors
/// [`DecodeError::Malformed`] or [`DecodeError::LeftOver`].
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let (value, rest) = take(bytes)?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(DecodeError::LeftOver(rest.len()))
    }
}

/// Decodes a value from the front of `bytes` and returns the rest.
///
/// # Errors
/// [`DecodeError::Malformed`].
pub fn take<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, &[u8]), DecodeError> {
    postcard::take_from_bytes(bytes).map_err(|_| DecodeError::Malformed)
}

/// Splits `count` bytes from the front of `bytes`.
///
/// # Errors
/// [`DecodeError::Malformed`] when there are fewer.
pub fn take_bytes(bytes: &[u8], count: usize) -> Result<(&[u8], &[u8]), DecodeError> {
    bytes.split_at_checked(count).ok_or(DecodeError::Malformed)
}

/// Refuses more than `limit` of something.
///
/// # Errors
/// [`DecodeError::TooMany`].
pub fn at_most(found: usize, limit: usize) -> Result<(), DecodeError> {
    if found <= limit {
        Ok(())
    } else {
        Err(DecodeError::TooMany { found, limit })
    }
}
