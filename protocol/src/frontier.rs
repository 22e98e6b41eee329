//! A frontier: what a node says it has. For each site the heads of what is complete, nearly
//! always one, and what it holds beyond. Fifteen bytes a site, whatever the volume behind it.
//! What follows from it (who lacks what) is `log`'s business.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};
use crate::id::{Hash, RunId, SiteId};
use crate::limits::{BEYOND_RANGES_MAX, BEYOND_RUNS_MAX, HEADS_MAX, RUN_SEGMENTS_MAX, SITES_MAX};
use crate::seal::derive;
use crate::segment::Log;

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

/// A head with a tag instead of its hashes: how far a run is held, and of which branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HeadMark {
    /// The run.
    pub run: RunTag,
    /// Data segments, from height 0.
    pub data: u32,
    /// Control segments, from height 0.
    pub control: u32,
    /// See [`HeadMark::tips`].
    pub tips: [u8; 4],
}

impl HeadMark {
    /// The tag of the hashes of the last data and the last control segment.
    #[must_use]
    pub fn tips(data: &Hash, control: &Hash) -> [u8; 4] {
        let [a, b, c, d, ..] = derive("spean 2026 head tips v1", &[&data.0, &control.0]);
        [a, b, c, d]
    }

    /// A mark of one chain alone, as somebody states who knows of a fork.
    #[must_use]
    pub fn of_one(run: RunTag, log: Log, count: u32, tip: &Hash) -> Self {
        let (data, control) = match log {
            Log::Data => ((count, tip), (0, &Hash::ZERO)),
            Log::Control => ((0, &Hash::ZERO), (count, tip)),
        };
        Self {
            run,
            data: data.0,
            control: control.0,
            tips: Self::tips(data.1, control.1),
        }
    }

    /// A mark of no segment: says in a lineage that of this run only what can be checked counts.
    #[must_use]
    pub fn nothing(run: RunTag) -> Self {
        Self::of_one(run, Log::Data, 0, &Hash::ZERO)
    }
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
            check_heads(&site.heads, HEADS_MAX)?;
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

/// Refuses heads that no run can have, and more than `limit`.
///
/// # Errors
/// [`DecodeError::TooMany`] or [`DecodeError::Malformed`].
pub fn check_heads(heads: &[HeadMark], limit: usize) -> Result<(), DecodeError> {
    codec::at_most(heads.len(), limit)?;
    let sound = |head: &HeadMark| head.data <= RUN_SEGMENTS_MAX && head.control <= RUN_SEGMENTS_MAX;
    if heads.iter().all(sound) {
        Ok(())
    } else {
        Err(DecodeError::Malformed)
    }
}
