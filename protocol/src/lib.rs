//! The pure core of Spean, the system that lets a prisoner's learning follow him.
//!
//! **event -> learner record -> sealed parcel -> segment of the node's log -> session or bundle ->
//! another site's log -> record -> totals**. To follow one event through the project, open the
//! modules in that order:
//!
//! 1. [`event`]: what can happen to a learner ([`catalogue`]: what there is to learn)
//! 2. [`record`]: his document of events
//! 3. [`stay`], [`seal`], [`parcel`]: the keys that follow him, and what is sealed under them
//! 4. [`segment`], [`control`], [`log`], [`ranges`]: the signed pieces of a node's log, and its
//!    runs
//! 5. [`frontier`], [`receipt`], [`session`], [`bundle`], [`slip`], [`letter`]: who has what, and
//!    how it moves
//! 6. [`view`], [`custody`], [`totals`]: what the events mean, for one learner and for the nation
//!
//! [`roster`] says who may write, [`escrow`] keeps what no official opens alone, [`given_back`] brings a
//! prison some of it, [`backup`] is a whole node as one file; [`limits`] says how much; [`codec`] is the one encoding; [`id`] holds the
//! identifiers.
//!
//! It is sans-IO: no file, socket, thread, clock or random source. Time and randomness are passed
//! in. The shell around it is the crate `spean`, whose engine is the only code that changes state.

pub mod backup;
pub mod bundle;
pub mod catalogue;
pub mod codec;
pub mod control;
pub mod custody;
pub mod erasure;
pub mod escrow;
pub mod event;
pub mod frontier;
pub mod given_back;
pub mod id;
pub mod letter;
pub mod limits;
pub mod log;
pub mod officer;
pub mod opening;
pub mod parcel;
pub mod ranges;
pub mod receipt;
pub mod record;
pub mod roster;
pub mod seal;
pub mod segment;
pub mod session;
pub mod sheet;
pub mod slip;
pub mod stay;
pub mod totals;
pub mod view;
