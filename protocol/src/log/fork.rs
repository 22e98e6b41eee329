//! The proof that a run is forked: two signed segments that one honest author never wrote.

use serde::{Deserialize, Serialize};

use crate::codec::DecodeError;
use crate::id::{RunId, SiteId};
use crate::segment::{Header, Segment, SegmentError};

/// Two signed segments that one author could not have written in one run: it proves itself.
/// Either two at one height, or one whose `previous` is not the one below.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkProof {
    /// Header and signature of one.
    pub one: (Vec<u8>, Vec<u8>),
    /// Header and signature of the other, at the same height or the next.
    pub other: (Vec<u8>, Vec<u8>),
}

impl ForkProof {
    /// Builds the proof of two segments that clash.
    #[must_use]
    pub fn of(one: &Segment, other: &Segment) -> Self {
        let part = |s: &Segment| (s.header.encode(), s.signature.to_vec());
        Self {
            one: part(one),
            other: part(other),
        }
    }

    /// The run that is said to be forked; nothing is checked.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn run(&self) -> Result<RunId, DecodeError> {
        Ok(Header::decode(&self.one.0)?.run)
    }

    /// Checks the proof against the keys of the site and returns the run that is forked.
    ///
    /// # Errors
    /// [`SegmentError`] when the two do not clash or are not signed.
    pub fn verify<'a>(
        &self,
        keys: impl Fn(SiteId) -> Vec<&'a [u8; 32]>,
    ) -> Result<RunId, SegmentError> {
        let part = |(header, signature): &(Vec<u8>, Vec<u8>)| {
            let header = Header::decode(header)?;
            let signature = signature
                .as_slice()
                .try_into()
                .map_err(|_| DecodeError::Malformed)?;
            let segment = Segment {
                header,
                signature,
                parcels: Vec::new(),
            };
            segment.verify(keys(segment.header.site))?;
            Ok::<Header, SegmentError>(segment.header)
        };
        let (one, other) = (part(&self.one)?, part(&self.other)?);
        if Self::shows(&one, &other) {
            Ok(one.run)
        } else {
            Err(DecodeError::Malformed.into())
        }
    }

    /// Whether two signed headers clash: `other` is at the same height as `one`, or at the next.
    #[must_use]
    pub fn shows(one: &Header, other: &Header) -> bool {
        let same_chain = one.site == other.site && one.run == other.run && one.log == other.log;
        let same_place = one.height == other.height && one.hash() != other.hash();
        let no_join =
            Some(other.height) == one.height.checked_add(1) && other.previous != one.hash();
        same_chain && (same_place || no_join)
    }
}
