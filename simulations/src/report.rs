//! The report about the simulated nation: a [`campaign`] plays seeds of one scenario with different
//! shares of slips and of sticks in vans, `numbers` makes one object of it, and [`page`] shows that
//! with [`charts`]. This file is the object; the page says nothing that is not in it.

pub mod campaign;
pub mod charts;
mod numbers;
pub mod page;
mod past;
pub mod played;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

/// The scenario that is played.
pub const SCENARIO: &str = "continuity";
/// What the head office is called among the classes of sites.
pub const HEAD_OFFICE: &str = "head office";

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// So many.
    pub n: u64,
    /// Of so many.
    pub of: u64,
}

impl Share {
    /// Counts one that is, or is not.
    pub fn count(&mut self, is: bool) {
        self.n += u64::from(is);
        self.of += 1;
    }

    /// From 0 to 100; `None` of none.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        (self.of > 0).then(|| self.n as f64 * 100.0 / self.of as f64)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} of {}", self.n, self.of)
    }
}

/// Continuity at the receiving sites of one class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Continuity {
    /// The class; `all` in the line of all.
    pub class: String,
    /// Records that were open before the first session.
    pub open: Share,
    /// Those that would have been, had everything gone through the head office.
    pub through_head_office: Share,
    /// Journeys that these transfers were: a batch is one, and shares what happens to it.
    pub journeys: u64,
}

/// One combination of slips and sticks in vans.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Combination {
    /// The planned share of transfers with a slip, 0 to 1.
    pub slips: f64,
    /// The planned share of transfers with a stick in the van, 0 to 1.
    pub vans: f64,
    /// By class of the receiving site, the scenario's order.
    pub classes: Vec<Continuity>,
    /// All of them.
    pub all: Continuity,
    /// Open records of each seed, in order.
    pub by_seed: Vec<Share>,
    /// Transfers that truly had a slip.
    pub with_slip: Share,
    /// Transfers in whose van a stick truly went along.
    pub with_stick: Share,
    /// Transfers of people who were registered anew.
    pub anew: Share,
    /// Transfers that do not count: nothing was recorded of them before.
    pub without_past: u64,
    /// Journeys in which a stick went along.
    pub vans_with_stick: u64,
}

/// Continuity by what went along, over all combinations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Along {
    /// What, in words.
    pub what: String,
    /// Records that were open before the first session.
    pub open: Share,
}

/// How soon the head office knows an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delay {
    /// The class of the site that recorded it.
    pub class: String,
    /// The share of vans with a stick.
    pub vans: f64,
    /// Events.
    pub events: u64,
    /// Of them known when the days were over.
    pub known: Share,
    /// Days until half were known; `None`: not when the days were over.
    pub median: Option<f64>,
    /// Days until nine of ten were known.
    pub ninety: Option<f64>,
    /// Days until the last was known.
    pub worst: Option<f64>,
}

/// Bytes of a site and day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// The class of the site.
    pub class: String,
    /// The share of vans with a stick.
    pub vans: f64,
    /// Days times sites.
    pub site_days: u64,
    /// Bytes over its links, both directions, a site and day.
    pub link: f64,
    /// Bytes that it wrote to sticks, a site and day.
    pub stick: f64,
}

/// How much is in store, at the end of a week, on average.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Week {
    /// The day.
    pub day: u64,
    /// Bytes at the head office.
    pub head_office: f64,
    /// Bytes at the first prison.
    pub prison: f64,
    /// Events of the nation.
    pub events: f64,
}

/// Growth of what is in store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// Runs that were played to their end, and so are in the averages.
    pub runs: u64,
    /// The first prison's code.
    pub prison: String,
    /// Week by week.
    pub weeks: Vec<Week>,
    /// Bytes that an event of the nation adds at the head office.
    pub head_office_per_event: Option<f64>,
    /// Bytes that it adds at the first prison.
    pub prison_per_event: Option<f64>,
}

/// A kind of misfortune.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misfortune {
    /// Its class.
    pub class: String,
    /// In words.
    pub name: String,
    /// How often it was planned; some also come about unplanned.
    pub planned: u64,
    /// How often it hit.
    pub happened: u64,
}

/// A seed that broke a promise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Broken {
    /// The seed.
    pub seed: u64,
    /// The share of slips of its combination.
    pub slips: f64,
    /// The share of vans with a stick.
    pub vans: f64,
    /// The day.
    pub day: u64,
    /// The promise.
    pub promise: String,
    /// How.
    pub what: String,
}

/// A number of the scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// It is our own assumption.
    pub assumed: bool,
    /// What it is in the scenario that this one is based on, where that differs.
    pub instead_of: Option<String>,
}

/// All that the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The program's version.
    pub version: String,
    /// The scenario's name.
    pub scenario: String,
    /// What it is about.
    pub about: String,
    /// What makes the same page again.
    pub command: String,
    /// Days of a run.
    pub days: u32,
    /// Prisons.
    pub prisons: usize,
    /// Seeds, from 1 on.
    pub seeds: u64,
    /// Runs: seeds times combinations.
    pub runs: u64,
    /// Transfers that count.
    pub transfers: u64,
    /// Events that were acknowledged.
    pub events: u64,
    /// Exchanges that were begun.
    pub exchanges: u64,
    /// Sticks put in.
    pub stops: u64,
    /// Seconds that it took.
    pub seconds: u64,
    /// Continuity in each combination.
    pub combinations: Vec<Combination>,
    /// Continuity by what went along.
    pub along: Vec<Along>,
    /// How soon the head office knows.
    pub delays: Vec<Delay>,
    /// Bytes.
    pub traffic: Vec<Traffic>,
    /// Storage.
    pub growth: Growth,
    /// What went wrong and was survived, or not.
    pub misfortunes: Vec<Misfortune>,
    /// Runs that broke a promise.
    pub broken: Vec<Broken>,
    /// The scenario's numbers.
    pub parameters: Vec<Parameter>,
}

impl Report {
    /// Kinds of misfortune that were planned and never hit.
    pub fn missed(&self) -> impl Iterator<Item = &Misfortune> {
        let missed = |one: &&Misfortune| one.planned > 0 && one.happened == 0;
        self.misfortunes.iter().filter(missed)
    }
}
