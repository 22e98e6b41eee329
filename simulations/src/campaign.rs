//! A night: seeds of the swarm and crash images of the store, until the time is over or both are
//! done.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::crash::{self, Problem};
use crate::faults::{Counts, Fault};
use crate::scenario::Scenario;
use crate::swarm::{Swarm, swarm};

/// The images have this part of the time first, so that a night that is cut short has both; what
/// the seeds leave is theirs again.
const IMAGES_PART: u32 = 10;

/// With more seeds than these, every kind of misfortune that was planned must have hit.
const ALL_HIT_FROM: u64 = 300;

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The first seed; the images are drawn from it too, so that another night sees others.
    pub first: u64,
    /// Seeds at most.
    pub seeds: u64,
    /// Images at most.
    pub images: u64,
    /// When no further seed or image is begun.
    pub time: Duration,
    /// On so many threads.
    pub threads: usize,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Campaign {
    /// The first seed.
    pub first: u64,
    /// Seconds that it took.
    pub seconds: u64,
    /// The seeds.
    pub swarm: Swarm,
    /// Misfortunes by class: how many were planned, and how many hit.
    pub classes: BTreeMap<&'static str, Hits>,
    /// All of them.
    pub faults: Hits,
    /// Kinds that were planned and never hit, where there were seeds enough to tell.
    pub missed: Vec<Fault>,
    /// The images of the store.
    pub crash: crash::Report,
    /// Those that were checked.
    pub images: u64,
    /// Every promise and every image held, and every planned kind of misfortune hit.
    pub good: bool,
}

/// Misfortunes, counted twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Hits {
    /// How many were planned.
    pub planned: u64,
    /// How many hit.
    pub happened: u64,
}

impl Campaign {
    fn of(first: u64, swarm: Swarm, crash: crash::Report) -> Self {
        let missed = if swarm.seeds > ALL_HIT_FROM {
            swarm.missed()
        } else {
            Vec::new()
        };
        let held = swarm.failures.is_empty() && crash.failures.is_empty();
        Self {
            first,
            seconds: 0,
            classes: hits(&swarm.planned, &swarm.happened),
            faults: Hits {
                planned: swarm.planned.total(),
                happened: swarm.happened.total(),
            },
            good: held && missed.is_empty(),
            missed,
            images: crash.total(),
            swarm,
            crash,
        }
    }
}

/// What was planned and what hit, by class.
#[must_use]
pub fn hits(planned: &Counts, happened: &Counts) -> BTreeMap<&'static str, Hits> {
    let happened = happened.by_class();
    let both = |(class, planned)| {
        let happened = happened.get(class).copied().unwrap_or(0);
        (class, Hits { planned, happened })
    };
    planned.by_class().into_iter().map(both).collect()
}

/// Plays and checks. `progress` hears after each seed and each image how both stand.
///
/// # Errors
/// When the workload of the images cannot be recorded.
pub fn campaign(
    base: &Scenario,
    wanted: &Wanted,
    progress: &(dyn Fn(&Swarm, &crash::Report) + Sync),
) -> Result<Campaign, Problem> {
    let begun = Instant::now();
    let left = || Some(wanted.time.saturating_sub(begun.elapsed()));
    let threads = wanted.threads;
    let none = Swarm::default();
    let mut images = crash::Campaign::new(wanted.images, wanted.first)?;
    images.go_on(Some(wanted.time / IMAGES_PART), threads, &|crash| {
        progress(&none, crash);
    });
    let seeds = (wanted.first, wanted.seeds);
    let swarm = swarm(base, seeds, left(), threads, &|swarm| {
        progress(swarm, images.seen());
    });
    images.go_on(left(), threads, &|crash| progress(&swarm, crash));
    let mut campaign = Campaign::of(wanted.first, swarm, images.seen().clone());
    campaign.seconds = begun.elapsed().as_secs();
    Ok(campaign)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Few seeds cannot show that a kind of misfortune never hits; many can.
    #[test]
    fn what_never_hits_fails_a_long_campaign_only() {
        let mut swarm = Swarm {
            seeds: ALL_HIT_FROM,
            ..Swarm::default()
        };
        swarm.planned.add(Fault::DiskFull);
        let of = |swarm: &Swarm| Campaign::of(1, swarm.clone(), crash::Report::default());
        assert!(of(&swarm).good);
        swarm.seeds += 1;
        let campaign = of(&swarm);
        assert_eq!(campaign.missed, [Fault::DiskFull]);
        assert!(!campaign.good);
        let disks = Hits {
            planned: 1,
            happened: 0,
        };
        assert_eq!((campaign.classes["disks"], campaign.faults), (disks, disks));
    }
}
