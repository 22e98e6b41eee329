//! What can happen in a world, as data: a plan is a list of these, so that a failing one can be cut
//! down to the few that matter, kept in a file and played again years later. Places are numbers: 0
//! is the head office, then the prisons; what does not fit the world as it is has no effect.

use serde::{Deserialize, Serialize};

/// One thing that happens at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Seconds since the world began.
    pub at: u64,
    /// What this step's own chance comes from.
    pub salt: u64,
    /// What happens.
    pub act: Act,
}

/// How a learner is moved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Way {
    /// Hours from leaving to arriving.
    pub hours: u32,
    /// Days from the arrival to the first session in the lab.
    pub first_session_days: u32,
    /// Days after which the departure is recorded; 0: before he leaves.
    pub recorded_after_days: u32,
    /// He has a slip.
    pub slip: bool,
    /// The place that was written down, where it is another than he comes to.
    pub written: Option<usize>,
    /// He is registered as a new person, card and slip or not.
    pub anew: bool,
    /// A stick is in the van.
    pub van_stick: bool,
    /// Where he is moved on to, and how many hours after he came.
    pub onward: Option<(usize, u32)>,
    /// He is released so many hours after he came.
    pub released_after_hours: Option<u32>,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// Learners work in the lab; so many events are recorded, then sealed.
    Lab {
        /// Where.
        site: usize,
        /// How many events.
        events: u32,
    },
    /// New people are registered.
    Newcomers {
        /// Where.
        site: usize,
        /// How many.
        count: u32,
    },
    /// A register's rows are imported, some of them again.
    Rows {
        /// Where.
        site: usize,
        /// How many rows.
        count: u32,
    },
    /// Somebody is released.
    Release {
        /// Where.
        site: usize,
    },
    /// The head office works through its list.
    Decide,
    /// A link is up: exchanges, as far as its bytes reach.
    Link {
        /// One end, the dialler.
        a: usize,
        /// The other.
        b: usize,
        /// Bytes that go through in each direction.
        bytes: u64,
        /// The connection breaks after so many of both.
        broken: Option<u64>,
        /// No more goes through because a disk is slow, not the line.
        #[serde(default)]
        slow: bool,
    },
    /// No connection comes about.
    NoLink {
        /// Whose window it was.
        site: usize,
        /// Nor for weeks.
        weeks: bool,
    },
    /// A stick sets out on a tour.
    Tour {
        /// The places in order, with the hours from stop to stop.
        stops: Vec<(usize, u32)>,
        /// Bytes that it holds.
        room: u64,
        /// What goes wrong on the way: by stop.
        mishaps: Vec<(usize, Mishap)>,
    },
    /// A stick is put in.
    Stop {
        /// Which of the world's sticks.
        stick: usize,
        /// Which of its stops.
        stop: usize,
    },
    /// A copy of a stick that was made on an earlier tour is put in.
    Again {
        /// Which, counted from the first.
        copy: usize,
        /// Where.
        site: usize,
    },
    /// Learners are moved.
    Move {
        /// From where.
        from: usize,
        /// To where; `None`: a prison without a node.
        to: Option<usize>,
        /// How many.
        count: u32,
        /// How.
        way: Way,
    },
    /// Somebody who is on his way arrives.
    Arrive {
        /// Which move of the world's.
        journey: usize,
    },
    /// A learner's first session after he came.
    FirstSession {
        /// Which move of the world's.
        journey: usize,
    },
    /// What is done with a learner some time after he came.
    Afterwards {
        /// Which move of the world's.
        journey: usize,
    },
    /// A departure is recorded late.
    RecordLate {
        /// Which move of the world's.
        journey: usize,
    },
    /// The power goes inside an operation of the store.
    Power {
        /// Where.
        site: usize,
        /// After so many operations.
        operations: u64,
        /// If that is a commit, it is kept.
        kept: bool,
        /// Minutes until it is back.
        minutes: u32,
        /// How often it goes again while the machine starts.
        again: u32,
    },
    /// The power goes between two operations, or is back.
    Switch {
        /// Where.
        site: usize,
        /// Which of the site's machines.
        machine: usize,
        /// It is back.
        on: bool,
    },
    /// One operation of the disk fails.
    DiskError {
        /// Where.
        site: usize,
        /// After so many operations.
        operations: u64,
    },
    /// The disk is full, or no longer.
    DiskFull {
        /// Where.
        site: usize,
        /// For so many hours; 0: it has room again.
        hours: u32,
    },
    /// An image of the disk is put away.
    Image {
        /// Where.
        site: usize,
    },
    /// The newest image put away takes the disk's place.
    RollBack {
        /// Where.
        site: usize,
    },
    /// The machine is started, and a snapshot taken of it as it runs.
    Snapshot {
        /// Where.
        site: usize,
    },
    /// The newest snapshot is resumed.
    Resume {
        /// Where.
        site: usize,
        /// Beside the machine; else in its place.
        beside: bool,
    },
    /// A copy of the machine runs beside it from now on.
    Clone {
        /// Where.
        site: usize,
    },
    /// All is lost; the machine is installed anew with its keys.
    Lose {
        /// Where.
        site: usize,
    },
    /// Somebody takes the machine away; another is installed with its keys.
    Steal {
        /// Where.
        site: usize,
    },
    /// The clock changes.
    Clock {
        /// Where.
        site: usize,
        /// Seconds that it is ahead of the world's.
        ahead: i64,
        /// Millionths by which it runs too fast.
        drift: i64,
        /// Back to the day of its make at every start.
        forgets: bool,
    },
    /// A new roster, with so many prisons, is given to one node.
    Roster {
        /// To whom.
        site: usize,
        /// How many prisons it lists.
        prisons: usize,
    },
    /// An event of a kind that only a newer version knows.
    Newer {
        /// Where.
        site: usize,
    },
    /// A bad node sends something to another.
    Evil {
        /// Whose keys it has.
        author: usize,
        /// To whom.
        to: usize,
        /// What.
        what: Evil,
    },
}

/// What goes wrong with a stick at a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mishap {
    /// It stays in a drawer here until the next tour of all.
    Forgotten,
    /// It is never seen again.
    Lost,
    /// It is pulled after so many bytes.
    Pulled(u32),
    /// Bits change on the way here.
    Rotten,
    /// It comes to this place first, for which it was not packed.
    Astray(usize),
    /// It comes so many days later than it should: another overtakes it.
    Late(u32),
    /// Somebody copies it here.
    Copied,
    /// A newer version writes a piece on it that this one does not know.
    Unknown,
}

/// What a bad node sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evil {
    /// Another segment for a place of its own log that is taken.
    Fork,
    /// Segments of others with changed bytes, and its own signature under others' names.
    Forge,
    /// So many pieces of junk.
    Flood(u32),
    /// All that it ever had, once more.
    Replay,
    /// A segment of its own with a stamp of 1980.
    BackDate,
}

impl Act {
    /// The act in a word, for traces and counts.
    #[must_use]
    pub fn word(&self) -> String {
        let text = serde_json::to_value(self).unwrap_or_default();
        text["act"].as_str().unwrap_or("?").to_owned()
    }
}
