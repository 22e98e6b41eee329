//! Scenarios as data: who is where, how they are joined, and what goes wrong how often. The numbers
//! stand in `scenarios/*.toml` with their source, the assumed ones listed as assumed, so that every
//! report can say so. A scenario may be written as another one with changes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::act::Step;

/// The scenarios that come with the program, by name.
const SCENARIOS: &[(&str, &str)] = &[
    ("pilot_7", include_str!("../scenarios/pilot_7.toml")),
    ("national_14", include_str!("../scenarios/national_14.toml")),
    ("national_28", include_str!("../scenarios/national_28.toml")),
    ("sticks_only", include_str!("../scenarios/sticks_only.toml")),
    ("monsoon", include_str!("../scenarios/monsoon.toml")),
    (
        "mass_transfer",
        include_str!("../scenarios/mass_transfer.toml"),
    ),
    ("dgp_fire", include_str!("../scenarios/dgp_fire.toml")),
    (
        "cloned_image",
        include_str!("../scenarios/cloned_image.toml"),
    ),
    (
        "stolen_server",
        include_str!("../scenarios/stolen_server.toml"),
    ),
    (
        "fourteen_to_twenty_eight",
        include_str!("../scenarios/fourteen_to_twenty_eight.toml"),
    ),
    ("continuity", include_str!("../scenarios/continuity.toml")),
    ("full_month", include_str!("../scenarios/full_month.toml")),
    ("swarm", include_str!("../scenarios/swarm.toml")),
];

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// None of that name.
    #[error(
        "no scenario '{0}': 'spean-simulations list' shows the names, or give the path of a file"
    )]
    Unknown(String),
    /// It cannot be read.
    #[error("scenario {0}: {1}")]
    Malformed(String, String),
}

/// A world before anything happens, and how likely what is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What it is about, for people.
    pub about: String,
    /// Days that are played before all faults end.
    pub days: u32,
    /// Keys of what is our own estimate, such as `people.transfers_monthly`.
    pub assumed: Vec<String>,
    /// The prisons in order: code and class.
    pub sites: Vec<(String, String)>,
    /// How many of them the first roster lists; the others come later.
    pub sites_at_first: usize,
    /// How sites of a class are joined with the others.
    pub classes: BTreeMap<String, Class>,
    /// The people.
    pub people: People,
    /// The sticks.
    pub sticks: Sticks,
    /// The power.
    pub power: Power,
    /// The disks, each a year and site.
    pub disks: Disks,
    /// The clocks.
    pub clocks: Clocks,
    /// The programs.
    pub software: Software,
    /// Bad nodes, each a year in the whole nation.
    pub adversary: Adversary,
    /// What happens beside chance.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// How sites of a class are joined with the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Windows of a link to the head office a week.
    pub windows_weekly: f64,
    /// Minutes of a window.
    pub minutes: [u32; 2],
    /// Kilobits a second.
    pub kilobits: [u32; 2],
    /// Megabytes that a window may cost at most.
    pub megabytes_max: u32,
    /// The share of windows in which no connection comes about.
    pub fail: f64,
    /// The share of exchanges that break at some byte.
    pub cut: f64,
    /// Outages of weeks, a year.
    pub outages_yearly: f64,
    /// Days of an outage.
    pub outage_days: [u32; 2],
    /// Days from one courier's stick to the next; zeros: none comes.
    pub stick_days: [u32; 2],
    /// Windows of a link to a neighbour, a week.
    pub neighbour_weekly: f64,
}

/// The people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct People {
    /// Active learners of a site.
    pub learners: u32,
    /// Events of a learner and day.
    pub events_daily: f64,
    /// New learners a month, of those there.
    pub newcomers_monthly: f64,
    /// Releases a month, of those there.
    pub releases_monthly: f64,
    /// Single transfers a month, of those there.
    pub transfers_monthly: f64,
    /// Batches a year, in the nation.
    pub batches_yearly: f64,
    /// Learners of a batch.
    pub batch: [u32; 2],
    /// Whole sites that are moved, a year in the nation.
    pub whole_sites_yearly: f64,
    /// The share that has a slip.
    pub slip: f64,
    /// The share of departures recorded only after the learner is gone.
    pub no_notice: f64,
    /// Days after which such a departure is recorded.
    pub recorded_after_days: [u32; 2],
    /// The share that goes to another prison than was written down.
    pub wrong_prison: f64,
    /// The share that is registered anew though known.
    pub anew: f64,
    /// The share that goes to a prison without a node.
    pub without_node: f64,
    /// The share that is moved on within days.
    pub moved_on: f64,
    /// The share of transfers that bring somebody back to where he was.
    pub back: f64,
    /// The share that is released within days of a transfer.
    pub released_soon: f64,
    /// Hours of a journey.
    pub journey_hours: [u32; 2],
    /// Days from an arrival to the first session.
    pub first_session_days: [u32; 2],
    /// Days from one look of the head office at its list to the next.
    pub decide_days: u32,
}

/// The sticks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sticks {
    /// Bytes that a stick holds.
    pub room: u64,
    /// The share of sticks that are nearly full.
    pub small: f64,
    /// The share of transfers in whose van a stick goes along.
    pub in_van: f64,
    /// Shares of stops.
    pub lost: f64,
    /// It stays there.
    pub forgotten: f64,
    /// It is pulled early.
    pub pulled: f64,
    /// Bits change.
    pub rotten: f64,
    /// It goes to the wrong place first.
    pub astray: f64,
    /// It is overtaken.
    pub late: f64,
    /// It is copied, and the copy comes back.
    pub copied: f64,
}

/// The power.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Power {
    /// The share of days with a cut, in the dry season.
    pub cut_daily: f64,
    /// The same in the rest of the year.
    pub cut_daily_wet: f64,
    /// The share of cuts that hit a working machine.
    pub unclean: f64,
    /// The share of cuts that come again while the machine starts.
    pub again: f64,
    /// Hours of a cut.
    pub hours: [u32; 2],
}

/// The disks, each a year and site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disks {
    /// Full for hours.
    pub full: f64,
    /// One operation fails.
    pub error: f64,
    /// Too slow for a window.
    pub slow: f64,
    /// An old image restored.
    pub rolled_back: f64,
    /// A snapshot resumed inside a run.
    pub resumed: f64,
    /// A copy that runs beside.
    pub cloned: f64,
    /// All lost.
    pub lost: f64,
}

/// The clocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clocks {
    /// Clocks that are lost, a year and site.
    pub lost: f64,
    /// The share of sites whose clock goes back at every start.
    pub forgets: f64,
    /// The share of sites whose clock drifts.
    pub drifts: f64,
}

/// The programs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Software {
    /// The share of days and sites with an event of a newer version.
    pub newer_daily: f64,
    /// The share of stick stops where a newer version wrote a piece that others do not know.
    pub unknown_piece: f64,
    /// New rosters a year.
    pub rosters: f64,
}

/// Bad nodes, each a year in the whole nation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adversary {
    /// A node that signs two segments for one place.
    pub forks: f64,
    /// Forged pieces.
    pub forges: f64,
    /// Junk.
    pub floods: f64,
    /// Pieces of each.
    pub flood: u32,
    /// Old pieces.
    pub replays: f64,
    /// Stamps of long ago.
    pub back_dates: f64,
}

impl Scenario {
    /// The names of the scenarios that come with the program.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SCENARIOS.iter().map(|(name, _)| *name)
    }

    /// The scenario of that name, or of that file.
    ///
    /// # Errors
    /// [`ScenarioError`].
    pub fn load(name: &str) -> Result<Self, ScenarioError> {
        let table = Self::table(name)?;
        let wrong = |error: toml::de::Error| {
            ScenarioError::Malformed(name.to_owned(), error.message().to_owned())
        };
        let scenario: Self = Value::Table(table).try_into().map_err(wrong)?;
        scenario.check()?;
        Ok(scenario)
    }

    /// What its file says, laid over the scenario that it is based on.
    fn table(name: &str) -> Result<Table, ScenarioError> {
        let known = SCENARIOS.iter().find(|(known, _)| *known == name);
        let text = match known {
            Some((_, text)) => (*text).to_owned(),
            None if name.contains(['.', '/']) => std::fs::read_to_string(name)
                .map_err(|error| ScenarioError::Malformed(name.to_owned(), error.to_string()))?,
            None => return Err(ScenarioError::Unknown(name.to_owned())),
        };
        let wrong = |error: toml::de::Error| {
            ScenarioError::Malformed(name.to_owned(), error.message().to_owned())
        };
        let mut table: Table = toml::from_str(&text).map_err(wrong)?;
        match table.remove("base") {
            Some(Value::String(base)) if base != name => {
                let mut whole = Self::table(&base)?;
                lay_over(&mut whole, table);
                Ok(whole)
            }
            _ => Ok(table),
        }
    }

    fn check(&self) -> Result<(), ScenarioError> {
        let wrong = |what: String| Err(ScenarioError::Malformed(self.name.clone(), what));
        for (code, class) in &self.sites {
            if !self.classes.contains_key(class) {
                return wrong(format!(
                    "site {code} is of class '{class}', which is not there"
                ));
            }
        }
        if self.sites.is_empty() || self.sites_at_first > self.sites.len() {
            return wrong("sites_at_first must be from 1 to the number of sites".to_owned());
        }
        let numbers = self.numbers();
        let missing = self.assumed.iter().find(|key| !numbers.contains_key(*key));
        match missing {
            Some(key) => wrong(format!("assumed lists '{key}', which is not there")),
            None => Ok(()),
        }
    }

    /// Every number of the scenario by its key, for reports; with whether it is assumed.
    #[must_use]
    pub fn numbers(&self) -> BTreeMap<String, (String, bool)> {
        let mut found = BTreeMap::new();
        let value = Value::try_from(self).unwrap_or(Value::Boolean(false));
        let parts = [
            "classes",
            "people",
            "sticks",
            "power",
            "disks",
            "clocks",
            "software",
            "adversary",
        ];
        for part in parts {
            if let Some(value) = value.get(part) {
                leaves(part, value, &mut found);
            }
        }
        let assumed = |key: &String| self.assumed.iter().any(|one| one == key);
        found
            .into_iter()
            .map(|(key, text)| {
                let is_assumed = assumed(&key);
                (key, (text, is_assumed))
            })
            .collect()
    }
}

fn leaves(key: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Table(table) => {
            for (name, value) in table {
                leaves(&format!("{key}.{name}"), value, found);
            }
        }
        other => {
            found.insert(key.to_owned(), other.to_string());
        }
    }
}

/// Tables are laid over each other key by key; anything else takes the place of what was there.
fn lay_over(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => lay_over(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}
