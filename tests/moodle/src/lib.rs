//! A stateful stand-in for a Moodle server, for tests of whatever speaks to one. It answers web
//! services as a stock Moodle 4.5.5 was recorded to answer them, lets a test play the people at its
//! screens, keeps a clock that only the test moves, and makes trouble on demand.
//!
//! ```text
//! setup        what a site is: release, rights, courses          (read by a test)
//! moodle       the running stand-in; acts, looks                 (held by a test)
//! line, server HTTP on the loopback; trouble, calls              (what a client meets)
//! form         PHP's form fields, and the check of parameters
//! refusal      exceptions as Moodle writes them
//! functions    the web service functions, by noun
//! state        what the site knows: courses, people, enrolments,
//!              quizzes, grades, completion, badges
//! database     auth_db and enrol_database: the file that a node writes
//! ```
//!
//! What is not there: other modules than pages and quizzes, groups, cohorts, categories,
//! restrictions of access, locked grades, files, and every function that is in no table of [`READS`] and [`WRITES`].

// A quiz has more fields than the macro of serde_json can nest by itself.
#![recursion_limit = "256"]
// It holds tests up, and a test that asks for what is not there shall end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod acts;
mod badges;
mod calls;
mod capabilities;
mod completion;
mod courses;
mod database;
mod enrolments;
mod form;
mod functions;
mod grades;
mod ids;
mod line;
mod looks;
mod moodle;
mod people;
mod quizzes;
mod refusal;
mod server;
mod setup;
mod state;

pub use calls::{Call, Outcome, Trouble};
pub use capabilities::{READ_CAPABILITIES, WITHOUT_EFFECT_HERE, WRITE_CAPABILITIES};
pub use database::{EnrolmentTable, Login, Removed, SyncedEnrolments, SyncedUsers, UserTable};
pub use functions::{READS, WRITES};
pub use looks::{Issued, Mark};
pub use moodle::Moodle;
pub use people::Person;
pub use setup::{Activity, Badge, Course, Kind, Method, Quiz, Rule, Section, Setup};
