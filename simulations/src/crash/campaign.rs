//! Many images on all cores, a stretch of time after the other. It goes on after a failure: a night
//! that ended with the first one would tell little.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::disk::lock;
use super::recording::Recording;
use super::{Case, Head, Problem, Report, cases};

/// Images of one way along the tape. Who stops early has seen cuts in all parts of the workload, and
/// fewer in each.
const PASS: usize = 1_000;

/// A campaign that can be left and gone on with.
pub struct Campaign {
    recording: Recording,
    /// Pass by pass, each in the order of the tape.
    cases: Vec<Case>,
    next: usize,
    seen: Report,
}

impl Campaign {
    /// The images that [`images`](super::images) checks with that limit and seed.
    ///
    /// # Errors
    /// When the workload cannot be recorded.
    pub fn new(limit: u64, seed: u64) -> Result<Self, Problem> {
        Ok(Self::of(Recording::of(false)?, limit, seed))
    }

    fn of(recording: Recording, limit: u64, seed: u64) -> Self {
        let all = cases(&recording, limit, seed);
        let passes = all.len().div_ceil(PASS);
        let pass = |number| all.iter().skip(number).step_by(passes);
        Self {
            seen: recording.report(),
            cases: (0..passes).flat_map(pass).copied().collect(),
            next: 0,
            recording,
        }
    }

    /// Checks images on so many threads until all are done or the time is over. `progress` hears
    /// after each image how it stands.
    pub fn go_on(
        &mut self,
        time: Option<Duration>,
        threads: usize,
        progress: &(dyn Fn(&Report) + Sync),
    ) {
        let begun = Instant::now();
        let (recording, cases) = (&self.recording, &self.cases);
        let next = AtomicUsize::new(self.next);
        let seen = Mutex::new(&mut self.seen);
        std::thread::scope(|scope| {
            for _ in 0..threads.max(1) {
                scope.spawn(|| {
                    let mut head = Head::new(recording);
                    while time.is_none_or(|time| begun.elapsed() < time) {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(case) = cases.get(number) else {
                            return;
                        };
                        let checked = head.check(number as u64 + 1, *case);
                        let mut seen = lock(&seen);
                        *seen.images.entry(case.variant).or_default() += 1;
                        seen.failures.extend(checked.err());
                        progress(&seen);
                    }
                });
            }
        });
        self.next = next.into_inner();
    }

    /// What it saw so far.
    #[must_use]
    pub const fn seen(&self) -> &Report {
        &self.seen
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;

    /// On a disk that lies many images fail: each is told, once, and the rest is checked too, also
    /// where the time was over in between.
    #[test]
    fn it_goes_on_after_a_failure_and_after_a_pause() {
        let mut campaign = Campaign::of(Recording::of(true).unwrap(), 60, 1);
        campaign.go_on(Some(Duration::ZERO), 2, &|_| {});
        assert_eq!(campaign.seen().total(), 0);
        campaign.go_on(Some(Duration::from_millis(200)), 2, &|_| {});
        campaign.go_on(None, 2, &|_| {});
        let seen = campaign.seen();
        let failed: BTreeSet<u64> = seen.failures.iter().map(|one| one.image).collect();
        assert_eq!(seen.total(), 60);
        assert_eq!(failed.len(), seen.failures.len());
        assert!((2..60).contains(&failed.len()), "{seen:?}");
    }
}
