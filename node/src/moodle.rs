//! Moodle, as any prison has it: stock, versions 4.1 to 5.0, asked by its web services, or read by an account of its
//! database. docs/moodle.md says how it is set up. What was measured and how is in the notes of each file.

pub mod accounts;
pub mod adoption;
mod check;
pub mod client;
pub mod connector;
pub mod course;
#[cfg(feature = "moodle-database")]
pub mod database;
mod events;
pub mod people;
pub mod sink;
pub mod source;
