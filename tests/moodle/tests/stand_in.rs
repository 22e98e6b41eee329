//! What the stand-in answers beside what a real Moodle 4.5.5 was recorded to answer, and the traps
//! that were found there: one program.

#![recursion_limit = "256"]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ground;

mod database;
mod people;
mod progress;
mod refusals;
mod site;
mod traps;
mod troubles;
mod writing;
