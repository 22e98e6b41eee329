//! Makes the mean gain of the published universe exactly 30 points of 100 by moving post-tests up
//! or down by single points. It makes and drops no test.

use std::collections::BTreeMap;

use super::draw::Draw;
use super::learner::Learner;
use super::plan::settle;
use super::programmes::{TEST_POINTS, TRIAL};
use super::quota::{PILOTS, UNIVERSE_END};

/// Points of 20 that the mean gain must have: 6, which is 30 of 100.
const MEAN_GAIN_POINTS: i32 = 6;

/// What a corrected pair may gain, in points of 20.
const GAIN_POINTS: (i32, i32) = (-3, 12);

/// Where a test is: index of the learner's row, index of the event, points.
type Place = (usize, usize, i32);

/// The tests of one person, module and version.
#[derive(Default)]
struct Pair {
    before: Option<Place>,
    after: Option<Place>,
}

/// Settles the gains of the pilot sites' pairs to the end of 2025. The micro-business and the trial
/// module keep theirs, so that each stays above the others.
pub(super) fn settle_gains(learners: &mut [Learner], draw: &mut Draw) {
    let (mut pairs, mut kept_points) = (Vec::new(), 0);
    for ((_, module, _), pair) in pairs_of(learners) {
        let (Some((.., before)), Some((learner, event, after))) = (pair.before, pair.after) else {
            continue;
        };
        if matches!(module, "micro-business" | TRIAL) {
            kept_points += after - before - MEAN_GAIN_POINTS;
        } else {
            pairs.push((learner, event, before, after));
        }
    }
    draw.shuffle(&mut pairs);
    let mut gains: Vec<i32> = pairs
        .iter()
        .map(|&(.., before, after)| after - before)
        .collect();
    let mean_sum = gains.iter().map(|_| MEAN_GAIN_POINTS).sum::<i32>();
    settle(&mut gains, mean_sum - kept_points, |nth| {
        let before = pairs[nth].2;
        (
            GAIN_POINTS.0.max(-before),
            GAIN_POINTS.1.min(TEST_POINTS - before),
        )
    });
    for (&(learner, event, before, _), gain) in pairs.iter().zip(gains) {
        learners[learner].events[event].score = Some((before + gain, TEST_POINTS));
    }
}

fn pairs_of(learners: &[Learner]) -> BTreeMap<(usize, &'static str, String), Pair> {
    let mut pairs: BTreeMap<_, Pair> = BTreeMap::new();
    for (row, learner) in learners.iter().enumerate() {
        for (nth, event) in learner.events.iter().enumerate() {
            let counts = event.day.is_some_and(|day| day <= UNIVERSE_END);
            let Some((points, _)) = event
                .score
                .filter(|_| counts && learner.site < PILOTS.len())
            else {
                continue;
            };
            let key = (learner.person, event.module, event.version.clone());
            match event.kind {
                "pre-test" => pairs.entry(key).or_default().before = Some((row, nth, points)),
                "post-test" => pairs.entry(key).or_default().after = Some((row, nth, points)),
                _ => {}
            }
        }
    }
    pairs
}
