//! What is held against one image: it opens, it holds exactly what the database held after the last
//! acknowledged transaction or after the one under way, nobody's events lack or are there twice,
//! the
//! node can go on with it, and SQLite finds it whole.

use spean::engine::EngineError;
use spean::store::Store;
use spean_protocol::id::LearnerId;

use super::disk::Disk;
use super::image::{Cut, Platter, Variant, below};
use super::network::{HERE, start};
use super::recording::Recording;
use super::witness::digest;
use super::workload::{Facts, loans};
use super::{Case, Problem};

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// The item of the loan with which a node goes on.
const NEXT: u32 = 7_000_000;

/// Checks the image of one case.
pub(super) fn check(recording: &Recording, cut: &Cut, case: Case) -> Result<(), Problem> {
    let mut image = cut.image(case.variant, case.seed);
    if case.variant == Variant::Twice {
        image = cut_again(image, case.seed)?;
    }
    let disk = Disk::new(image)?;
    let store = disk.store()?;
    expect_digest(recording, &store, case.prefix)?;
    match start(HERE, store, case.seed | 1 << 63) {
        Ok(mut node) => {
            let learner = expect_facts(recording, &mut node, case.prefix)?;
            if let Some(learner) = learner {
                node.append(learner, &loans(NEXT, 1))?;
                node.flush()?;
                let facts = Facts::of(&mut node, &[learner])?;
                if !facts.items[&learner].contains(&NEXT) {
                    return Err("what is recorded after the cut is not there".into());
                }
            }
        }
        // Before the roster was acknowledged there is no engine.
        Err(EngineError::NotEnrolled) if case.prefix < recording.done[0].position => {}
        Err(error) => return Err(error.into()),
    }
    match disk.integrity()?.as_str() {
        "ok" => Ok(()),
        wrong => Err(format!("integrity check: {wrong}").into()),
    }
}

/// Starts on an image, and cuts the power at some moment of recovering and closing it.
fn cut_again(image: Platter, seed: u64) -> Result<Platter, Problem> {
    let disk = Disk::new(image.clone())?;
    drop(disk.store()?);
    let tape = disk.take_tape();
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 1);
    let position = below(&mut random, tape.len() + 1);
    let mut cut = Cut::new(image);
    for change in &tape[..position] {
        cut.advance(change);
    }
    Ok(cut.image(Variant::Subset, random.next_u64()))
}

/// The database holds what it held after the last transaction that was acknowledged, or after the
/// one that was under way: nothing between, so nothing is half there or there twice.
fn expect_digest(recording: &Recording, store: &impl Store, prefix: usize) -> Result<(), Problem> {
    let found = digest(store)?;
    let commits = &recording.commits;
    let acknowledged = commits.partition_point(|commit| commit.position <= prefix);
    let allowed = acknowledged.saturating_sub(1)..commits.len().min(acknowledged + 1);
    if commits[allowed].iter().any(|commit| commit.digest == found) {
        return Ok(());
    }
    let known = commits.iter().rposition(|commit| commit.digest == found);
    Err(match known {
        Some(older) => format!(
            "{acknowledged} transactions were acknowledged, and the database holds the first {}",
            older + 1
        ),
        None => "the database holds what it never held after a transaction".to_owned(),
    }
    .into())
}

/// Whoever was here has the events that were acknowledged, and none twice; the segments are there.
/// One learner who is here, to go on with: the one with the shortest record.
fn expect_facts<S: Store>(
    recording: &Recording,
    node: &mut spean::engine::Engine<S>,
    prefix: usize,
) -> Result<Option<LearnerId>, Problem> {
    let found = Facts::of(node, &recording.learners)?;
    let acknowledged = recording
        .done
        .partition_point(|done| done.position <= prefix);
    let Some(before) = acknowledged
        .checked_sub(1)
        .map(|last| &recording.done[last].facts)
    else {
        return Ok(None);
    };
    let after = recording
        .done
        .get(acknowledged)
        .map_or(before, |done| &done.facts);
    if !before.segments.is_subset(&found.segments) || !found.segments.is_subset(&after.segments) {
        return Err("segments that were acknowledged are missing, or some are new".into());
    }
    let mut open: Option<(usize, LearnerId)> = None;
    for (learner, items) in &before.items {
        // One who is leaving: his record may have closed.
        let Some(later) = after.items.get(learner) else {
            continue;
        };
        let held = found.items.get(learner).ok_or("a learner is missing")?;
        if held.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(format!("{learner} has an event twice").into());
        }
        let holds = |items: &[u32], of: &[u32]| of.iter().all(|item| items.contains(item));
        if !holds(held, items) || !holds(later, held) {
            return Err(format!("{learner} lacks an event, or has one that nobody gave").into());
        }
        let this = (held.len(), *learner);
        open = Some(open.map_or(this, |shortest| shortest.min(this)));
    }
    Ok(open.map(|(_, learner)| learner))
}
