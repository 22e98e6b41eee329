//! The simulated nation: seven, fourteen or twenty-eight prisons and their head office, each the real
//! engine of the node over a disk, a clock, links, sticks and people that do what these do. It breaks
//! things here, not in a prison, and measures what the system exists for.
//!
//! A [`scenario`] and a seed make a [`plan`](mod@plan), a list of [`act`]s; the [`world`] plays it on
//! its [`machine`]s, and the [`checkers`] hold them against the [`ledger`] of what truly happened. One
//! file for each kind of misfortune: [`links`], [`sticks`], [`power`], [`disks`], [`clocks`],
//! [`people`], [`software`], [`adversary`]. Many seeds are a [`swarm`]; a failing one is cut down by
//! [`shrink`]; [`report`] shows what was measured. A night of seeds, with power cuts below the real
//! store ([`crash`]), is a [`mod@campaign`].

pub mod act;
pub mod adversary;
pub mod campaign;
pub mod checkers;
pub mod clocks;
pub mod crash;
pub mod dice;
pub mod disks;
pub mod faults;
pub mod journeys;
pub mod ledger;
pub mod links;
pub mod machine;
pub mod measures;
pub mod people;
pub mod plan;
pub mod power;
mod recount;
pub mod report;
pub mod run;
pub mod scenario;
pub mod shrink;
pub mod software;
pub mod sticks;
pub mod swarm;
pub mod trace;
pub mod world;
