//! A segment: the unit of replication. A signed header lists parcels by label, length and hash;
//! the parcels travel beside it, and one may be absent (not yet here, or erased) while the chain
//! still verifies. The control log is made of the same segments, whose parcels are
//! [`crate::control::Entry`]s under the zero label.
//!
//! On the wire the hash of a parcel that comes along is left out: the reader computes it. Byte
//! tables: docs/protocol.md.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};
use crate::id::{Hash, Label, RunId, SiteId};
use crate::limits::{PARCEL_BYTES_MAX, RUN_SEGMENTS_MAX, SEGMENT_BYTES_MAX, SEGMENT_PARCELS_MAX};
use crate::seal::derive;

/// The version of the segment format that this program writes.
pub const VERSION: u8 = 1;

/// Which of a run's two chains a segment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Log {
    /// Openings of runs, key wraps, grants, statements: small, and sent first.
    Control,
    /// Learners' parcels and registers.
    Data,
}

/// A parcel's line in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What finds the parcel; zero in the control log.
    pub label: Label,
    /// Length of the sealed parcel in bytes.
    pub length: u32,
    /// BLAKE3 of the sealed parcel.
    pub hash: Hash,
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The chain within the run.
    pub log: Log,
    /// Whose log it is.
    pub site: SiteId,
    /// The run.
    pub run: RunId,
    /// Height within the chain, from 0.
    pub height: u32,
    /// Hash of the segment below; zero at height 0.
    pub previous: Hash,
    /// How many control segments of the same run precede this one: it is not complete without.
    pub control: u32,
    /// The cohort under which its parcels are sealed.
    pub cohort: u16,
    /// The writer's wall clock in seconds since 1970. It is shown, and decides nothing.
    pub stamp: u64,
    /// The parcels.
    pub lines: Vec<Line>,
}

/// A signed header with those of its parcels that are here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The header.
    pub header: Header,
    /// Ed25519 over [`Header::hash`].
    pub signature: [u8; 64],
    /// The sealed parcels, one for each line; `None` where it is absent.
    pub parcels: Vec<Option<Vec<u8>>>,
}

/// Why a segment was refused. The sender is told, and the rest of what it sent is kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// The bytes are not a segment.
    #[error("segment: {0}")]
    Decode(#[from] DecodeError),
    /// No key that the roster lists for its site made the signature.
    #[error("segment of {site} {run} at height {height}: signature of no key in the roster")]
    Signature {
        /// The site that it says it is of.
        site: SiteId,
        /// The run.
        run: RunId,
        /// The height.
        height: u32,
    },
    /// A parcel's bytes do not match its line.
    #[error("segment: parcel {0} does not match its line in the header")]
    Parcel(usize),
}

/// The fixed part of the header, in the order of the wire.
#[derive(Serialize, Deserialize)]
struct Front {
    log: Log,
    site: SiteId,
    run: RunId,
    height: u32,
    previous: Hash,
    control: u32,
    cohort: u16,
    stamp: u64,
    count: u16,
}

impl Header {
    /// The signed form: version, fixed part, then each line with its hash.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend(codec::encode(&self.front()));
        for line in &self.lines {
            out.extend_from_slice(&line.label.0);
            out.extend(codec::encode(&line.length));
            out.extend_from_slice(&line.hash.0);
        }
        out
    }

    /// Reads what [`Header::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (front, mut rest) = take_front(bytes)?;
        let mut lines = Vec::with_capacity(usize::from(front.count));
        for _ in 0..front.count {
            let (label, length, after) = take_line(rest)?;
            let (hash, after) = take_hash(after)?;
            lines.push(Line {
                label,
                length,
                hash,
            });
            rest = after;
        }
        if rest.is_empty() {
            Ok(Self::from_front(&front, lines))
        } else {
            Err(DecodeError::LeftOver(rest.len()))
        }
    }

    /// The segment's name: what the next segment and the signature commit to.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash(derive("spean 2026 segment v1", &[&self.encode()]))
    }

    fn front(&self) -> Front {
        Front {
            log: self.log,
            site: self.site,
            run: self.run,
            height: self.height,
            previous: self.previous,
            control: self.control,
            cohort: self.cohort,
            stamp: self.stamp,
            // More lines than that are never built: see `Segment::sign`.
            count: u16::try_from(self.lines.len()).unwrap_or(u16::MAX),
        }
    }

    fn from_front(front: &Front, lines: Vec<Line>) -> Self {
        Self {
            log: front.log,
            site: front.site,
            run: front.run,
            height: front.height,
            previous: front.previous,
            control: front.control,
            cohort: front.cohort,
            stamp: front.stamp,
            lines,
        }
    }
}

impl Segment {
    /// Signs a header over `parcels`, all present. The header's lines are made here.
    ///
    /// # Errors
    /// [`DecodeError::TooMany`] when the parcels exceed what one segment holds.
    pub fn sign(
        mut header: Header,
        parcels: Vec<(Label, Vec<u8>)>,
        key: &SigningKey,
    ) -> Result<Self, DecodeError> {
        codec::at_most(parcels.len(), SEGMENT_PARCELS_MAX)?;
        header.lines.clear();
        let mut bodies = Vec::with_capacity(parcels.len());
        for (label, sealed) in parcels {
            codec::at_most(sealed.len(), PARCEL_BYTES_MAX)?;
            let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX);
            let hash = Hash(*blake3::hash(&sealed).as_bytes());
            header.lines.push(Line {
                label,
                length,
                hash,
            });
            bodies.push(Some(sealed));
        }
        let signature = key.sign(&header.hash().0).to_bytes();
        let segment = Self {
            header,
            signature,
            parcels: bodies,
        };
        codec::at_most(segment.encode().len(), SEGMENT_BYTES_MAX)?;
        Ok(segment)
    }

    /// The wire form: version, fixed part, lines (hash only where the parcel is absent),
    /// signature, present parcels.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend(codec::encode(&self.header.front()));
        for (line, parcel) in self.header.lines.iter().zip(&self.parcels) {
            out.extend_from_slice(&line.label.0);
            // The lowest bit says whether the parcel comes along.
            out.extend(codec::encode(
                &((line.length << 1) | u32::from(parcel.is_some())),
            ));
            if parcel.is_none() {
                out.extend_from_slice(&line.hash.0);
            }
        }
        out.extend_from_slice(&self.signature);
        for parcel in self.parcels.iter().flatten() {
            out.extend_from_slice(parcel);
        }
        out
    }

    /// Reads the wire form. The signature is not checked here: see [`Segment::verify`].
    ///
    /// # Errors
    /// [`DecodeError`] for anything that is not exactly one segment within `limits`.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::at_most(bytes.len(), SEGMENT_BYTES_MAX)?;
        let (front, mut rest) = take_front(bytes)?;
        let mut lines = Vec::with_capacity(usize::from(front.count));
        for _ in 0..front.count {
            let (label, length, after) = take_line(rest)?;
            let present = length & 1 == 1;
            let (hash, after) = if present {
                (Hash::ZERO, after)
            } else {
                take_hash(after)?
            };
            lines.push((
                Line {
                    label,
                    length: length >> 1,
                    hash,
                },
                present,
            ));
            rest = after;
        }
        let (signature, mut rest) = codec::take_bytes(rest, 64)?;
        let signature = signature.try_into().map_err(|_| DecodeError::Malformed)?;
        let mut parcels = Vec::with_capacity(lines.len());
        for (line, present) in &mut lines {
            let length = usize::try_from(line.length).map_err(|_| DecodeError::Malformed)?;
            codec::at_most(length, PARCEL_BYTES_MAX)?;
            if !*present {
                parcels.push(None);
                continue;
            }
            let (body, after) = codec::take_bytes(rest, length)?;
            line.hash = Hash(*blake3::hash(body).as_bytes());
            parcels.push(Some(body.to_vec()));
            rest = after;
        }
        if !rest.is_empty() {
            return Err(DecodeError::LeftOver(rest.len()));
        }
        let lines = lines.into_iter().map(|(line, _)| line).collect();
        Ok(Self {
            header: Header::from_front(&front, lines),
            signature,
            parcels,
        })
    }

    /// Checks the signature strictly against the keys that the roster lists for the site.
    ///
    /// # Errors
    /// [`SegmentError::Signature`] when none of them made it.
    pub fn verify<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a [u8; 32]>,
    ) -> Result<(), SegmentError> {
        let hash = self.header.hash();
        let signature = Signature::from_bytes(&self.signature);
        let made_by = |key: &[u8; 32]| {
            VerifyingKey::from_bytes(key)
                .is_ok_and(|key| key.verify_strict(&hash.0, &signature).is_ok())
        };
        if keys.into_iter().any(made_by) {
            return Ok(());
        }
        let Header {
            site, run, height, ..
        } = self.header;
        Err(SegmentError::Signature { site, run, height })
    }
}

fn take_front(bytes: &[u8]) -> Result<(Front, &[u8]), DecodeError> {
    let (version, rest) = bytes.split_first().ok_or(DecodeError::Malformed)?;
    if *version != VERSION {
        return Err(DecodeError::NewerVersion(*version));
    }
    let (front, rest): (Front, _) = codec::take(rest)?;
    codec::at_most(usize::from(front.count), SEGMENT_PARCELS_MAX)?;
    if front.height >= RUN_SEGMENTS_MAX || front.control > RUN_SEGMENTS_MAX {
        return Err(DecodeError::Malformed);
    }
    Ok((front, rest))
}

fn take_line(bytes: &[u8]) -> Result<(Label, u32, &[u8]), DecodeError> {
    let (label, rest) = codec::take_bytes(bytes, 16)?;
    let (length, rest) = codec::take(rest)?;
    Ok((
        Label(label.try_into().map_err(|_| DecodeError::Malformed)?),
        length,
        rest,
    ))
}

fn take_hash(bytes: &[u8]) -> Result<(Hash, &[u8]), DecodeError> {
    let (hash, rest) = codec::take_bytes(bytes, 32)?;
    Ok((
        Hash(hash.try_into().map_err(|_| DecodeError::Malformed)?),
        rest,
    ))
}
