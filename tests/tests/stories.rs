//! Stories of real processes: one program, since each further one is linked with everything anew. Those
//! that need the machine for themselves have their own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ground;

mod backup;
mod bad_input;
mod ceremony;
mod kobo;
mod moodle;
mod moodle_database;
mod moves;
mod officers;
mod rebuild;
mod registers;
mod shredding;
mod stolen;
