//! A frontier: what a node says it has. For each site the heads of what is complete, nearly
//! always one, and what it holds beyond. Eleven bytes a site, whatever the volume behind it.
//! What follows from it (who lacks what) is `log`'s business.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};
use crate::id::{RunId, SiteId};
use crate::limits::{BEYOND_RANGES_MAX, BEYOND_RUNS_MAX, HEADS_MAX, RUN_SEGMENTS_MAX, SITES_MAX};

/// The first eight bytes of a run's id: enough to find it among one site's runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunTag(pub [u8; 8]);

impl From<RunId> for RunTag {
    fn from(run: RunId) -> Self {
        let mut tag = [0; 8];
        tag.copy_from_slice(&run.0[..8]);
        Self(tag)
    }
}

/// A head without its hashes: how far a run is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HeadMark {
    /// The run.
    pub run: RunTag,
    /// Data segments, from height 0.
    pub data: u32,
    /// Control segments, from height 0.
    pub control: u32,
}

/// Parts of a run that are held although something below is missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Beyond {
    /// The run.
    pub run: RunTag,
    /// Control segments, from height 0.
    pub control: u32,
    /// Data segments, as half-open ranges of heights.
    pub ranges: Vec<(u32, u32)>,
}

/// What a node has of one site.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SiteFrontier {
    /// The heads of what is complete: each with all that it descends from.
    pub heads: Vec<HeadMark>,
    /// What is held besides.
    pub beyond: Vec<Beyond>,
}

/// What a node has of every site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frontier(pub BTreeMap<SiteId, SiteFrontier>);

impl Frontier {
    /// Refuses a frontier larger than `limits` allows.
    ///
    /// # Errors
    /// [`DecodeError::TooMany`] or [`DecodeError::Malformed`].
    pub fn check(&self) -> Result<(), DecodeError> {
        codec::at_most(self.0.len(), SITES_MAX)?;
        for site in self.0.values() {
            check_heads(&site.heads)?;
            codec::at_most(site.beyond.len(), BEYOND_RUNS_MAX)?;
            for beyond in &site.beyond {
                codec::at_most(beyond.ranges.len(), BEYOND_RANGES_MAX)?;
                let sound = |range: &(u32, u32)| range.0 < range.1 && range.1 <= RUN_SEGMENTS_MAX;
                if beyond.control > RUN_SEGMENTS_MAX || !beyond.ranges.iter().all(sound) {
                    return Err(DecodeError::Malformed);
                }
            }
        }
        Ok(())
    }
}

/// Refuses heads that no run can have.
///
/// # Errors
/// [`DecodeError::TooMany`] or [`DecodeError::Malformed`].
pub fn check_heads(heads: &[HeadMark]) -> Result<(), DecodeError> {
    codec::at_most(heads.len(), HEADS_MAX)?;
    let sound = |head: &HeadMark| head.data <= RUN_SEGMENTS_MAX && head.control <= RUN_SEGMENTS_MAX;
    if heads.iter().all(sound) {
        Ok(())
    } else {
        Err(DecodeError::Malformed)
    }
}
