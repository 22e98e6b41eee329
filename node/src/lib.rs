//! The node of Spean: the shell around `spean-protocol`. It owns clock, disk, sockets, sticks and
//! screens; the [`engine`] is the only code that changes state.

pub mod account;
mod answer;
pub mod api;
pub mod backup;
pub mod ceremony;
pub mod cli;
pub mod demo;
#[cfg(feature = "links")]
pub mod dial;
pub mod engine;
pub mod enrolment;
#[cfg(feature = "links")]
pub mod exchange;
pub mod home;
pub mod key_stick;
pub mod kobo;
#[cfg(feature = "links")]
pub mod link;
pub mod lms;
pub mod locale;
#[cfg(feature = "moodle")]
pub mod moodle;
pub mod mutant;
pub mod node;
pub mod offices;
pub mod paper;
pub mod passphrase;
pub mod qr;
pub mod register;
pub mod run;
pub mod service;
pub mod sheet;
pub mod stick;
pub mod store;
#[cfg(feature = "web")]
pub mod web;
pub mod world;

pub use cli::main;
