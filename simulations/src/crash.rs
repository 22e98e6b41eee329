//! Power cuts and failing disks below the store of a node: the real engine on real SQLite, on a
//! disk in memory.
//!
//! [`images`] records once every change that a fixed workload asks of the disk, and then, for
//! cuts after each of them, builds what may be left, opens it, and compares it with what had been
//! acknowledged; a [`Campaign`] does so on all cores. [`failing`](fn@failing) has the n-th operation fail, for one n after the other.
//!
//! # What a disk is here
//!
//! - A **write** changes bytes of a file and becomes durable with the next sync of that file. Until
//!   then each of its sectors of 512 bytes may be there or not, in any order with all other changes
//!   to that file and to others; the last write may also end in the midst of a sector.
//! - A file's **size** follows from the writes and truncations that came through. A sector of a new
//!   part of a file that did not come through holds zeros, or bytes that somebody else once wrote.
//! - A **name** is created or deleted with the next sync of the directory. That comes, as in
//!   SQLite's `os_unix.c`, with the first sync of a journal or WAL by whoever created it; a
//!   deletion
//!   asks for one or not. A file that was synced and has no durable name is gone.
//! - What **is durable** stays: it is read back as it was written.
//!
//! Not covered: bytes that rot, sectors that are torn themselves except in the last write, a write
//! that damages its neighbours (SQLite is told, as `os_unix.c` tells it, that none does), a disk
//! that answers a sync and does not do it ([`images_of_a_lying_disk`] shows what it does to us),
//! syncs that fail once and pass when asked again although pages were dropped, files of a node
//! other than its database, and whoever reads the database while the node writes it, since the lock
//! is exclusive.

mod campaign;
mod check;
mod disk;
mod failing;
mod image;
mod network;
mod recording;
mod vfs;
mod witness;
mod workload;

use std::collections::BTreeMap;

pub use campaign::Campaign;
pub use disk::Trouble;
pub use failing::{Faults, failing};
pub use image::Variant;

use crate::run::said;
use image::{Cut, below};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use recording::Recording;
use serde::Serialize;

/// Whatever stops a run that is not a finding: the harness itself failed.
pub type Problem = Box<dyn std::error::Error + Send + Sync>;

/// What a campaign of images saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Images that were checked, by variant.
    pub images: BTreeMap<Variant, u64>,
    /// Changes on the tape: a cut was possible after each.
    pub changes: u64,
    /// Transactions that were acknowledged.
    pub commits: u64,
    /// How often SQLite moved the WAL into the database while the node ran.
    pub checkpoints: u64,
    /// Images that failed: [`images`] ends with the first, a [`Campaign`] goes on.
    pub failures: Vec<Failure>,
}

impl Report {
    /// Images that were checked, of all variants.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.images.values().sum()
    }
}

/// An image that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error(
    "image {image} failed: power cut after change {prefix} of {changes} (in step {step}), variant \
     {variant:?}, seed {seed}: {why}"
)]
pub struct Failure {
    /// Which image of the campaign.
    pub image: u64,
    /// So many changes had been asked of the disk.
    pub prefix: u64,
    /// Of so many.
    pub changes: u64,
    /// What the site was doing.
    pub step: String,
    /// What was kept of that which was not durable.
    pub variant: Variant,
    /// The seed of that image.
    pub seed: u64,
    /// What was found.
    pub why: String,
}

/// Why a campaign ended early.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// An image failed.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The harness failed.
    #[error("the harness itself failed: {0}")]
    Problem(#[from] Problem),
}

/// Checks `limit` images, spread evenly over all cuts and variants; where there are more images
/// than those, more subsets of each cut are drawn. `progress` hears how many are done, and of how
/// many. The same seed gives the same images, but for the salts that SQLite draws for its WAL.
///
/// # Errors
/// [`Stopped::Failed`] names the first image that failed.
pub fn images(
    limit: u64,
    seed: u64,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, Stopped> {
    campaign(&Recording::of(false)?, limit, seed, progress)
}

/// The same on a disk that answers syncs and does not do them, which is also what SQLite makes of
/// any disk with `synchronous=OFF`. It must fail: acknowledged work is missing after a cut.
///
/// # Errors
/// As [`images`].
pub fn images_of_a_lying_disk(
    limit: u64,
    seed: u64,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, Stopped> {
    campaign(&Recording::of(true)?, limit, seed, progress)
}

/// One image of a campaign.
#[derive(Clone, Copy, Debug)]
struct Case {
    prefix: usize,
    variant: Variant,
    seed: u64,
}

/// The cases of a campaign, by prefix.
fn cases(recording: &Recording, limit: u64, seed: u64) -> Vec<Case> {
    let mut slots = Vec::new();
    let mut cut = Cut::new(image::Platter::default());
    for prefix in 0..=recording.tape.len() {
        let has = |variant: &Variant| cut.has(*variant);
        slots.extend(
            Variant::ALL
                .into_iter()
                .filter(has)
                .map(|variant| (prefix, variant)),
        );
        if let Some(change) = recording.tape.get(prefix) {
            cut.advance(change);
        }
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut chosen = if limit < slots.len() {
        // The offset differs by seed, so that campaigns with few images see other cuts.
        let offset = below(&mut ChaCha8Rng::seed_from_u64(seed), slots.len());
        let place = |number| (offset + number * slots.len() / limit) % slots.len();
        (0..limit).map(|number| slots[place(number)]).collect()
    } else {
        let drawn =
            |(_, variant): &&(usize, Variant)| !matches!(variant, Variant::Dropped | Variant::Kept);
        let more: Vec<(usize, Variant)> = slots.iter().filter(drawn).copied().collect();
        let missing = limit - slots.len();
        let again = (0..missing).map(|number| more[number * more.len() / missing % more.len()]);
        let again: Vec<(usize, Variant)> = again.collect();
        [slots, again].concat()
    };
    chosen.sort_unstable();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let case = |(prefix, variant)| Case {
        prefix,
        variant,
        seed: random.next_u64(),
    };
    chosen.into_iter().map(case).collect()
}

/// A way along the tape, and the images that are built on it.
struct Head<'a> {
    recording: &'a Recording,
    cut: Cut,
    position: usize,
}

impl<'a> Head<'a> {
    fn new(recording: &'a Recording) -> Self {
        Self {
            recording,
            cut: Cut::new(image::Platter::default()),
            position: 0,
        }
    }

    /// Checks the image of a case. It is quick where the cases come in the order of the tape; for one
    /// that lies behind, the tape starts again. A panic of the engine is a failure like any other.
    fn check(&mut self, image: u64, case: Case) -> Result<(), Failure> {
        if case.prefix < self.position {
            *self = Self::new(self.recording);
        }
        for change in &self.recording.tape[self.position..case.prefix] {
            self.cut.advance(change);
        }
        self.position = case.prefix;
        let check = || check::check(self.recording, &self.cut, case);
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check));
        let checked = checked.unwrap_or_else(|panic| Err(said(&*panic).into()));
        checked.map_err(|why| Failure {
            image,
            prefix: case.prefix as u64,
            changes: self.recording.tape.len() as u64,
            step: self.recording.step_at(case.prefix),
            variant: case.variant,
            seed: case.seed,
            why: why.to_string(),
        })
    }
}

fn campaign(
    recording: &Recording,
    limit: u64,
    seed: u64,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, Stopped> {
    let cases = cases(recording, limit, seed);
    let all = cases.len() as u64;
    let mut report = recording.report();
    let mut head = Head::new(recording);
    for (image, case) in (1..).zip(cases) {
        head.check(image, case)?;
        *report.images.entry(case.variant).or_default() += 1;
        progress(image, all);
    }
    Ok(report)
}
