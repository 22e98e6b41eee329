//! The node of Spean: the shell around `spean-protocol`. It owns clock, disk, sockets, sticks and
//! screens; the [`engine`] is the only code that changes state.

pub mod demo;
#[cfg(feature = "links")]
pub mod exchange;
pub mod engine;
pub mod home;
#[cfg(feature = "links")]
pub mod link;
pub mod service;
pub mod store;
pub mod world;
