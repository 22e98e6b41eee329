//! The same exchange as a file on a stick: the frames that a session would send, in the same
//! order, in chunks that are each sealed and verify by themselves. A file that ends early is simply
//! a shorter one, and says so.
//!
//! ```text
//! "SPEANB01" | bundle id (16) | chunk ...
//! chunk = length (4, little-endian; highest bit: the last chunk) | sealed
//! sealed under derive("bundle", carrier key | bundle id | number | last)
//! ```
//! The carrier key is shared by all sites of the roster: a finder of the stick learns no author
//! and no count. What it carries can be listed on any node, for the guards' register.

use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};
use crate::id::SiteId;
use crate::limits::{FRAME_BYTES_MAX, SITES_MAX};
use crate::seal::{self, SealError, Secret, TAG_BYTES, derive};
use crate::session::Frame;

/// What a bundle file starts with.
pub const MAGIC: [u8; 8] = *b"SPEANB01";

const LAST: u32 = 1 << 31;

/// What a manifest may say of who carries the stick.
const CARRIER_BYTES_MAX: usize = 64;

/// Why a bundle, or the rest of one, was refused. The chunks before are good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// It does not start like a bundle.
    #[error("this file is not a Spean bundle")]
    NotABundle,
    /// A later version of the format.
    #[error("this bundle was written by a newer program: update this node")]
    Newer,
    /// The chunk was changed, or the file is of another network.
    #[error("chunk {0} is damaged, or the stick is of another network")]
    Damaged(u64),
    /// The file stops before its last chunk: the stick was pulled early.
    #[error("the file ends early, after chunk {0}: what came before is good; copy it again")]
    EndsEarly(u64),
    /// A chunk holds something else than frames.
    #[error("chunk {0}: {1}")]
    Decode(u64, DecodeError),
    /// There is something after the last chunk.
    #[error("there is something after the last chunk")]
    LeftOver,
}

/// The first chunk: what the guards' register asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The node that wrote the bundle.
    pub source: SiteId,
    /// For whom it was packed; empty: for anyone.
    pub destinations: Vec<SiteId>,
    /// The writer's wall clock, seconds since 1970.
    pub stamp: u64,
    /// Who carries it, as the officer wrote it: at most 64 bytes.
    pub carrier: String,
}

/// Writes a bundle: each call returns the bytes to append to the file.
#[derive(Debug)]
pub struct Writer {
    key: [u8; 32],
    number: u64,
    chunk: Vec<u8>,
}

impl Writer {
    /// Starts a bundle. `id` must be fresh and random.
    #[must_use]
    pub fn start(carrier: &Secret, id: [u8; 16], manifest: &Manifest) -> (Self, Vec<u8>) {
        let mut writer = Self {
            key: bundle_key(carrier, &id),
            number: 0,
            chunk: Vec::new(),
        };
        let mut out = [MAGIC.as_slice(), &id].concat();
        writer.chunk = codec::encode(manifest);
        out.extend(writer.flush(false));
        (writer, out)
    }

    /// Adds a frame; returns a chunk when one is full.
    pub fn add(&mut self, frame: &Frame) -> Vec<u8> {
        self.add_piece(&frame.encode())
    }

    /// Adds a piece as it is, of whatever version: a reader that does not know it counts it.
    pub fn add_piece(&mut self, bytes: &[u8]) -> Vec<u8> {
        let full = self.chunk.len() + bytes.len() + 5 > FRAME_BYTES_MAX;
        let out = if full { self.flush(false) } else { Vec::new() };
        self.chunk.extend(codec::encode(&bytes));
        out
    }

    /// Ends the bundle.
    #[must_use]
    pub fn finish(&mut self) -> Vec<u8> {
        self.flush(true)
    }

    /// Ends the bundle before the chunk that was returned last: it did not fit.
    #[must_use]
    pub fn finish_before(mut self) -> Vec<u8> {
        self.number -= 1;
        self.chunk.clear();
        self.flush(true)
    }

    fn flush(&mut self, last: bool) -> Vec<u8> {
        let key = chunk_key(&self.key, self.number, last);
        self.number += 1;
        let chunk = std::mem::take(&mut self.chunk);
        // A chunk is far below what the cipher takes, so sealing cannot fail.
        let sealed = seal::seal_once(&key, &[], &chunk).unwrap_or_default();
        let length = u32::try_from(sealed.len()).unwrap_or(0) | if last { LAST } else { 0 };
        [length.to_le_bytes().as_slice(), &sealed].concat()
    }
}

/// Reads a bundle from whatever gives bytes, chunk by chunk.
#[derive(Debug)]
pub struct Reader {
    key: [u8; 32],
    number: u64,
    ended: bool,
    unread: u64,
}

/// How many bytes the start of a bundle has.
pub const START_BYTES: usize = 24;
/// How many bytes stand before each chunk.
pub const LENGTH_BYTES: usize = 4;

impl Reader {
    /// Reads the first [`START_BYTES`].
    ///
    /// # Errors
    /// [`BundleError::NotABundle`] or [`BundleError::Newer`].
    pub fn start(carrier: &Secret, bytes: &[u8]) -> Result<Self, BundleError> {
        let id = bytes.get(8..START_BYTES).ok_or(BundleError::NotABundle)?;
        let magic = &bytes[..8];
        if magic[..6] != MAGIC[..6] {
            return Err(BundleError::NotABundle);
        }
        if magic != MAGIC {
            return Err(BundleError::Newer);
        }
        Ok(Self {
            key: bundle_key(carrier, id),
            number: 0,
            ended: false,
            unread: 0,
        })
    }

    /// The length of the chunk that follows these bytes, and whether it is the last.
    ///
    /// # Errors
    /// [`BundleError::LeftOver`] after the last, [`BundleError::Damaged`] for an impossible length.
    pub fn length(&self, bytes: [u8; LENGTH_BYTES]) -> Result<(usize, bool), BundleError> {
        if self.ended {
            return Err(BundleError::LeftOver);
        }
        let word = u32::from_le_bytes(bytes);
        let length = usize::try_from(word & !LAST).map_err(|_| self.damaged())?;
        if !(TAG_BYTES..=FRAME_BYTES_MAX + 8 + TAG_BYTES).contains(&length) {
            return Err(self.damaged());
        }
        Ok((length, word & LAST != 0))
    }

    fn damaged(&self) -> BundleError {
        BundleError::Damaged(self.number)
    }

    /// The error for a file that stops here.
    #[must_use]
    pub fn early(&self) -> BundleError {
        BundleError::EndsEarly(self.number)
    }

    /// Whether the last chunk was read.
    #[must_use]
    pub const fn ended(&self) -> bool {
        self.ended
    }

    /// Frames that this program does not know, or that are malformed.
    #[must_use]
    pub const fn unread(&self) -> u64 {
        self.unread
    }

    fn open(&mut self, sealed: &[u8], last: bool) -> Result<Vec<u8>, BundleError> {
        let key = chunk_key(&self.key, self.number, last);
        let chunk = seal::open_once(&key, &[], sealed)
            .map_err(|_: SealError| BundleError::Damaged(self.number))?;
        self.number += 1;
        self.ended = last;
        Ok(chunk)
    }

    /// Reads the first chunk.
    ///
    /// # Errors
    /// [`BundleError::Damaged`] or [`BundleError::Decode`].
    pub fn manifest(&mut self, sealed: &[u8], last: bool) -> Result<Manifest, BundleError> {
        let chunk = self.open(sealed, last)?;
        let manifest: Manifest = codec::decode(&chunk).map_err(|e| BundleError::Decode(0, e))?;
        codec::at_most(manifest.destinations.len(), SITES_MAX)
            .and_then(|()| codec::at_most(manifest.carrier.len(), CARRIER_BYTES_MAX))
            .map_err(|e| BundleError::Decode(0, e))?;
        // It is shown on a screen: nothing in it may steer one.
        if manifest.carrier.chars().any(char::is_control) {
            return Err(BundleError::Decode(0, DecodeError::Malformed));
        }
        Ok(manifest)
    }

    /// Reads a further chunk.
    ///
    /// # Errors
    /// [`BundleError::Damaged`] or [`BundleError::Decode`].
    pub fn frames(&mut self, sealed: &[u8], last: bool) -> Result<Vec<Frame>, BundleError> {
        let number = self.number;
        let chunk = self.open(sealed, last)?;
        let mut rest = chunk.as_slice();
        let mut frames = Vec::new();
        let wrong = |error| BundleError::Decode(number, error);
        while !rest.is_empty() {
            let (bytes, after): (Vec<u8>, _) = codec::take(rest).map_err(wrong)?;
            // One frame of a newer version does not hide those around it.
            match Frame::decode(&bytes) {
                Ok(frame) => frames.push(frame),
                Err(_) => self.unread += 1,
            }
            rest = after;
        }
        Ok(frames)
    }
}

fn bundle_key(carrier: &Secret, id: &[u8]) -> [u8; 32] {
    derive("spean 2026 bundle v1", &[&carrier.0, id])
}

fn chunk_key(bundle: &[u8; 32], number: u64, last: bool) -> [u8; 32] {
    derive(
        "spean 2026 bundle chunk v1",
        &[bundle, &number.to_le_bytes(), &[u8::from(last)]],
    )
}
