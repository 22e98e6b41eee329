//! A prison's keys of the restricted stream, given back by officials after its computer was lost: besides
//! the prison only the escrow opens them. Two small files, carried by hand: the prison's wraps, as its own
//! log has them, and the keys, sealed to the box key that the roster lists for its next computer. What the
//! roster does not list gets nothing, whoever asks.

use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};
use crate::control::{Recipient, Wrap};
use crate::id::{SiteId, Stream};
use crate::limits::{ASKED_BYTES_MAX, ASKED_WRAPS_MAX};
use crate::seal::{self, BoxKey, SealError, Secret};
use crate::stay::CustodyKey;

/// How a file that asks begins, with its version.
pub const ASKED_MAGIC: [u8; 8] = *b"SPEANQ01";

/// How a file with keys begins, with its version.
pub const GIVEN_MAGIC: [u8; 8] = *b"SPEANG01";

/// What a prison asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Which prison.
    pub site: SiteId,
    /// Its restricted custody keys, as they are wrapped to the escrow.
    pub wraps: Vec<Wrap>,
}

impl Asked {
    /// The file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&ASKED_MAGIC[..], &codec::encode(self)].concat()
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`DecodeError`], also for more than `limits` allows and for wraps of another kind.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let asked: Self = codec::decode(body(bytes, ASKED_MAGIC)?)?;
        codec::at_most(asked.wraps.len(), ASKED_WRAPS_MAX)?;
        let is_it =
            |wrap: &Wrap| wrap.recipient == Recipient::Escrow && wrap.stream == Stream::Restricted;
        if !asked.wraps.iter().all(is_it) {
            return Err(DecodeError::Malformed);
        }
        Ok(asked)
    }

    /// The keys that the escrow's keys open.
    #[must_use]
    pub fn open(&self, escrow: &[Secret]) -> Vec<CustodyKey> {
        let wraps = self.wraps.iter();
        wraps
            .filter_map(|wrap| wrap.open(self.site, escrow))
            .collect()
    }
}

/// The file with these keys, for the computer of `site` with that box key.
///
/// # Errors
/// [`SealError`] for a box key that is none.
pub fn seal_given(
    keys: &[CustodyKey],
    site: SiteId,
    to: &BoxKey,
    entropy: [u8; 32],
) -> Result<Vec<u8>, SealError> {
    let content = zeroize::Zeroizing::new(codec::encode(&keys));
    let sealed = seal::box_seal(to, &info(site), &content, entropy)?;
    Ok([&GIVEN_MAGIC[..], &sealed].concat())
}

/// Reads a file with keys by one of these seeds; none where no seed opens it.
///
/// # Errors
/// [`DecodeError`] for a file of another kind, and for what does not read inside.
pub fn open_given(
    bytes: &[u8],
    site: SiteId,
    seeds: &[Secret],
) -> Result<Option<Vec<CustodyKey>>, DecodeError> {
    let sealed = body(bytes, GIVEN_MAGIC)?;
    let opened = seeds
        .iter()
        .find_map(|seed| seal::box_open(seed, &info(site), sealed).ok());
    let Some(content) = opened else {
        return Ok(None);
    };
    let keys: Vec<CustodyKey> = codec::decode(&content)?;
    codec::at_most(keys.len(), ASKED_WRAPS_MAX)?;
    Ok(Some(keys))
}

fn info(site: SiteId) -> Vec<u8> {
    [
        b"spean restricted keys v1".as_slice(),
        &site.0.to_le_bytes(),
    ]
    .concat()
}

/// What follows a file's beginning.
fn body(bytes: &[u8], magic: [u8; 8]) -> Result<&[u8], DecodeError> {
    codec::at_most(bytes.len(), ASKED_BYTES_MAX)?;
    bytes.strip_prefix(&magic).ok_or(DecodeError::Malformed)
}
