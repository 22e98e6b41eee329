//! A set of heights as sorted half-open ranges: what a node holds of one run's data log. Nearly
//! always one range from 0.

use serde::{Deserialize, Serialize};

/// Heights, as sorted, disjoint, non-touching half-open ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    /// The heights from 0 to `end`, exclusive.
    #[must_use]
    pub fn prefix_of(end: u32) -> Self {
        let mut ranges = Self::default();
        ranges.insert(0, end);
        ranges
    }

    /// Adds the heights from `start` to `end`, exclusive.
    pub fn insert(&mut self, start: u32, end: u32) {
        if start >= end {
            return;
        }
        let first = self.0.partition_point(|range| range.1 < start);
        let last = self.0.partition_point(|range| range.0 <= end);
        let merged = self.0[first..last].iter().fold((start, end), |all, range| {
            (all.0.min(range.0), all.1.max(range.1))
        });
        self.0.splice(first..last, [merged]);
    }

    /// Whether `height` is in the set.
    #[must_use]
    pub fn contains(&self, height: u32) -> bool {
        let at = self.0.partition_point(|range| range.1 <= height);
        self.0.get(at).is_some_and(|range| range.0 <= height)
    }

    /// How many heights from 0 on are all here.
    #[must_use]
    pub fn prefix(&self) -> u32 {
        self.0
            .first()
            .filter(|range| range.0 == 0)
            .map_or(0, |range| range.1)
    }

    /// The ranges after the prefix.
    #[must_use]
    pub fn beyond(&self) -> &[(u32, u32)] {
        if self.prefix() == 0 {
            &self.0
        } else {
            &self.0[1..]
        }
    }

    /// The ranges, in order.
    #[must_use]
    pub fn all(&self) -> &[(u32, u32)] {
        &self.0
    }

    /// How many heights are in the set.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0
            .iter()
            .map(|range| u64::from(range.1 - range.0))
            .sum()
    }

    /// What is here and in `other`.
    #[must_use]
    pub fn both(&self, other: &Self) -> Self {
        let mut both = Self::default();
        for &(start, end) in &self.0 {
            let first = other.0.partition_point(|range| range.1 <= start);
            let over = other.0[first..].iter().take_while(|range| range.0 < end);
            over.for_each(|range| both.insert(start.max(range.0), end.min(range.1)));
        }
        both
    }

    /// What is here and not in `other`.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Vec<(u32, u32)> {
        let mut out = Vec::new();
        for &(start, end) in &self.0 {
            let mut from = start;
            let first = other.0.partition_point(|range| range.1 <= start);
            for &(held_from, held_to) in &other.0[first..] {
                if held_from >= end {
                    break;
                }
                if held_from > from {
                    out.push((from, held_from));
                }
                from = from.max(held_to);
            }
            if from < end {
                out.push((from, end));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        /// Goal: the set behaves like a plain set of numbers, which is the reference.
        #[test]
        fn like_a_plain_set(
            mine in prop::collection::vec((0_u32..60, 0_u32..9), 0..12),
            theirs in prop::collection::vec((0_u32..60, 0_u32..9), 0..12),
        ) {
            let build = |spans: &[(u32, u32)]| {
                let (mut ranges, mut plain) = (Ranges::default(), BTreeSet::new());
                for &(start, length) in spans {
                    ranges.insert(start, start + length);
                    plain.extend(start..start + length);
                }
                (ranges, plain)
            };
            let ((a, plain_a), (b, plain_b)) = (build(&mine), build(&theirs));
            let listed: BTreeSet<u32> = a.all().iter().flat_map(|r| r.0..r.1).collect();
            prop_assert_eq!(&listed, &plain_a);
            prop_assert!(a.all().windows(2).all(|pair| pair[0].1 < pair[1].0));
            let minus: BTreeSet<u32> = a.minus(&b).iter().flat_map(|r| r.0..r.1).collect();
            prop_assert_eq!(minus, plain_a.difference(&plain_b).copied().collect());
            let both: BTreeSet<u32> = a.both(&b).all().iter().flat_map(|r| r.0..r.1).collect();
            prop_assert_eq!(both, plain_a.intersection(&plain_b).copied().collect());
            for height in 0..70 {
                prop_assert_eq!(a.contains(height), plain_a.contains(&height));
            }
        }
    }
}
