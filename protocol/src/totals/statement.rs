//! WHO-5 change without anybody's answers: a site counts its own pairs of interviews from the
//! restricted stream, which the DGP cannot read, and states only sums. IND-08.
//!
//! The scale (an item by 20, the sum of items by 4) and which item is which are assumptions of the
//! published figures; rows keep raw points, so a correction changes no statement.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Month, Who5Answers, Who5Moment};
use crate::id::SiteId;
use crate::view::LearnerView;

/// The change of one learner between his first interview at the start and his last at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Who5Pair {
    /// The site of the interview at the end.
    pub site: SiteId,
    /// Its month.
    pub month: Month,
    /// End minus start of each item, -5 to 5 points.
    pub delta_items: [i32; 5],
}

/// The sums of one site and month. It names nobody, and replaces the site's earlier statement of
/// the same month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The site.
    pub site: SiteId,
    /// The month of the interviews at the end.
    pub month: Month,
    /// How many learners.
    pub pairs: u32,
    /// End minus start of each item, summed over the learners, in raw points.
    pub sum_delta_items: [i32; 5],
    /// The same of all five items together.
    pub sum_delta_total: i32,
}

/// The pair of a learner, if both interviews are here: the earliest start and the latest end.
/// Undated interviews are taken only where no dated one is.
#[must_use]
pub fn who5_pair(view: &LearnerView) -> Option<Who5Pair> {
    let interviews = &view.restricted.who5;
    let start = interviews
        .iter()
        .find(|interview| interview.value.0 == Who5Moment::Start)?;
    // The list has undated ones last; for the latest end they have to come first.
    let end = interviews
        .iter()
        .filter(|interview| interview.value.0 == Who5Moment::End)
        .max_by_key(|interview| (interview.date, &interview.event))?;
    Some(Who5Pair {
        site: end.site,
        month: Month::of(end.date),
        delta_items: difference(start.value.1, end.value.1),
    })
}

/// What `site` states: one statement for each month with a pair of its own, in order.
#[must_use]
pub fn statements(site: SiteId, pairs: impl IntoIterator<Item = Who5Pair>) -> Vec<Statement> {
    let mut months: BTreeMap<Month, Statement> = BTreeMap::new();
    for pair in pairs.into_iter().filter(|pair| pair.site == site) {
        let new = Statement {
            site,
            month: pair.month,
            pairs: 0,
            sum_delta_items: [0; 5],
            sum_delta_total: 0,
        };
        let statement = months.entry(pair.month).or_insert(new);
        statement.pairs = statement.pairs.saturating_add(1);
        for (sum, delta) in statement.sum_delta_items.iter_mut().zip(pair.delta_items) {
            *sum = sum.saturating_add(delta);
            statement.sum_delta_total = statement.sum_delta_total.saturating_add(delta);
        }
    }
    months.into_values().collect()
}

fn difference(start: Who5Answers, end: Who5Answers) -> [i32; 5] {
    let (start, end) = (<[u8; 5]>::from(start), <[u8; 5]>::from(end));
    let mut delta = [0; 5];
    for (item, (start, end)) in delta.iter_mut().zip(start.into_iter().zip(end)) {
        *item = i32::from(end) - i32::from(start);
    }
    delta
}
