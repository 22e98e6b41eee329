//! The kinds of misfortune, each counted: planned when the plan holds it, happened when it really
//! hit something (an exchange was under way, the power failed inside an operation). A kind that was
//! planned and never happened means that the run did not test what it says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident $class:literal $name:literal,)*) => {
        /// A kind of misfortune.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Fault {
            $($(#[$doc])* $fault,)*
        }

        impl Fault {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$fault,)*];

            /// The class that it belongs to: the file of this crate that makes it.
            #[must_use]
            pub const fn class(self) -> &'static str {
                match self { $(Self::$fault => $class,)* }
            }

            /// What happened, in words.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$fault => $name,)* }
            }
        }
    };
}

faults! {
    /// A window in which no connection came about.
    WindowFailed "links" "window without a connection",
    /// No link for weeks.
    Outage "links" "outage of weeks",
    /// The line's bytes were used up before the exchange was complete.
    ThinLine "links" "line too thin for all of it",
    /// The connection broke at some byte.
    CutExchange "links" "exchange cut at some byte",
    /// A stop of the tour was left out.
    StickForgotten "sticks" "stick forgotten at a stop",
    /// It never came back.
    StickLost "sticks" "stick lost",
    /// There was no room for all of it.
    StickFull "sticks" "stick full",
    /// It was pulled while it was written.
    StickPulled "sticks" "stick pulled at some write",
    /// A copy came back months later.
    StickReplayed "sticks" "copy of a stick replayed",
    /// Bits changed.
    StickRotten "sticks" "bits of a stick changed",
    /// It went to a site that it was not packed for.
    StickAstray "sticks" "stick at the wrong prison",
    /// Two sticks were on their way at once, one overtaking the other.
    SticksCrossed "sticks" "sticks out of order",
    /// The power failed inside some operation of the store.
    PowerCut "power" "power cut at some operation of the store",
    /// It failed once the disk had kept what nobody was told was kept.
    PowerCutAfterCommit "power" "power cut between commit and answer",
    /// It failed again and again while the machine started.
    BrownOut "power" "brown-out loop",
    /// The machine stayed off for hours.
    PowerOff "power" "hours without power",
    /// Nothing could be written for hours.
    DiskFull "disks" "disk full",
    /// One operation failed.
    DiskError "disks" "operation of the disk failed",
    /// An exchange ran out of time, for the disk was slow.
    DiskSlow "disks" "disk too slow for the window",
    /// The disk was set back to an older image.
    DiskRolledBack "disks" "old image restored",
    /// A snapshot was resumed inside a run: the same random bytes again.
    Resumed "disks" "snapshot resumed inside a run",
    /// A copy of the machine runs beside it.
    Cloned "disks" "machine cloned",
    /// Everything was lost but the keys.
    DiskLost "disks" "disk lost, machine installed anew",
    /// The clock shows 1970.
    ClockReset "clocks" "clock at 1970",
    /// The clock is ten years ahead.
    ClockAhead "clocks" "clock ten years ahead",
    /// The clock went back when the machine started.
    ClockBackwards "clocks" "clock back at a start",
    /// The clock runs too fast or too slow.
    ClockDrift "clocks" "clock drifted an hour",
    /// Registered as a new person though known.
    RegisteredAnew "people" "registered anew instead of admitted",
    /// Nobody recorded the departure before he arrived.
    NoNotice "people" "moved without notice",
    /// He came without slip.
    NoSlip "people" "came without slip",
    /// The slip is for another prison than the one that he came to.
    WrongPrison "people" "slip to the wrong prison",
    /// A hundred left in one day.
    Batch "people" "batch in one day",
    /// A whole site moved.
    WholeSite "people" "whole site moved",
    /// He was moved on before the data of the first site came.
    MovedOn "people" "moved on early",
    /// He came back to where he was before.
    Returned "people" "came back",
    /// He went to a prison without a node.
    WithoutNode "people" "to a site without a node",
    /// He was released soon after a transfer.
    ReleasedSoon "people" "released soon after a transfer",
    /// An event of a kind that this version does not know.
    NewerEvent "software" "event of a newer version",
    /// A roster that others did not have yet.
    RosterAhead "software" "newer roster at some sites",
    /// A piece on a stick that this version does not know.
    UnknownPiece "software" "piece of a newer version on a stick",
    /// A node that forks its own log.
    Forked "adversary" "two segments signed for one place",
    /// Pieces that nobody of the roster signed.
    Forged "adversary" "forged pieces",
    /// Much junk at once.
    Flooded "adversary" "flood of junk",
    /// Old pieces sent again.
    Replayed "adversary" "old pieces replayed",
    /// Segments with a stamp of long ago.
    BackDated "adversary" "back-dated segments",
}

/// How often each kind was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts(pub BTreeMap<Fault, u64>);

impl Counts {
    /// Counts one.
    pub fn add(&mut self, fault: Fault) {
        *self.0.entry(fault).or_default() += 1;
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        for (fault, count) in &other.0 {
            *self.0.entry(*fault).or_default() += count;
        }
    }

    /// How often one was counted.
    #[must_use]
    pub fn of(&self, fault: Fault) -> u64 {
        self.0.get(&fault).copied().unwrap_or(0)
    }

    /// All together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// The counts of all kinds of a class together, by class.
    #[must_use]
    pub fn by_class(&self) -> BTreeMap<&'static str, u64> {
        let mut classes = BTreeMap::new();
        for fault in Fault::ALL {
            *classes.entry(fault.class()).or_default() += self.of(*fault);
        }
        classes
    }

    /// Kinds that were planned at least `often` times and never happened.
    #[must_use]
    pub fn never_happened(planned: &Self, happened: &Self, often: u64) -> Vec<Fault> {
        let missed = |fault: &&Fault| planned.of(**fault) >= often && happened.of(**fault) == 0;
        Fault::ALL.iter().filter(missed).copied().collect()
    }
}
