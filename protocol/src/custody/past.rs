//! Whether a learner's past was open where he works: what IND-18 asks of a transfer. The site
//! notes in its own log when it is, so the order of that log answers, and no clock does.

use std::collections::{BTreeMap, BTreeSet};

use super::Causality;
use crate::event::Body;
use crate::id::{Position, RunId, SiteId, StayId};
use crate::view::{Entry, InEffect};

/// A stay, of the site whose log tells of it.
type Place = (StayId, SiteId);

/// Sets `past_open` of every entry: work that stands after a note of its own stay, in a later
/// segment or in the same one behind it. What the writer of another run did not know of was not
/// open to him.
pub(super) fn mark(entries: &mut [Entry], causality: &dyn Causality) {
    let notes = notes(&InEffect::of(entries));
    let first_open = first_open(entries, &notes, causality);
    for entry in entries.iter_mut() {
        let Position { site, run, height } = entry.origin.position;
        let place = (entry.origin.stay, site);
        let later = first_open
            .get(&(place, run))
            .is_some_and(|first| height >= *first);
        let note = notes.get(&place).and_then(|runs| runs.get(&run));
        let behind = note.is_some_and(|note| *note < (height, entry.op));
        entry.past_open = entry.event.body.work_in().is_some() && (later || behind);
    }
}

/// The first note of each run: height and operation.
fn notes(in_effect: &InEffect<'_>) -> BTreeMap<Place, BTreeMap<RunId, (u32, u64)>> {
    let mut notes: BTreeMap<Place, BTreeMap<RunId, (u32, u64)>> = BTreeMap::new();
    for entry in &in_effect.entries {
        let Position { site, run, height } = entry.origin.position;
        let Body::RecordOpen { stay } = entry.event.body else {
            continue;
        };
        // Operations are counted for each stay: a note under another stay's key has no place.
        if stay == entry.origin.stay {
            let runs = notes.entry((stay, site)).or_default();
            let first = runs.entry(run).or_insert((height, entry.op));
            *first = (height, entry.op).min(*first);
        }
    }
    notes
}

/// The lowest height of each run that some note precedes: what stands above it does so too, so
/// the heights are halved, not asked one by one.
fn first_open(
    entries: &[Entry],
    notes: &BTreeMap<Place, BTreeMap<RunId, (u32, u64)>>,
    causality: &dyn Causality,
) -> BTreeMap<(Place, RunId), u32> {
    let mut heights: BTreeMap<(Place, RunId), BTreeSet<u32>> = BTreeMap::new();
    for entry in entries {
        let Position { site, run, height } = entry.origin.position;
        let place = (entry.origin.stay, site);
        if notes.contains_key(&place) && entry.event.body.work_in().is_some() {
            heights.entry((place, run)).or_default().insert(height);
        }
    }
    let mut first_open = BTreeMap::new();
    for (((stay, site), run), heights) in heights {
        let heights: Vec<u32> = heights.into_iter().collect();
        let at = |run, height| Position { site, run, height };
        let runs = notes.get(&(stay, site)).into_iter().flatten();
        let closed = runs.map(|(noted_in, (noted, _))| {
            heights.partition_point(|height| {
                !causality.is_ancestor(at(*noted_in, *noted), at(run, *height))
            })
        });
        if let Some(height) = closed.min().and_then(|count| heights.get(count)) {
            first_open.insert(((stay, site), run), *height);
        }
    }
    first_open
}
