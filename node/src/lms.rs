//! Learning platforms: where lessons run beside the node. A [`LmsSource`] tells what people did there, a
//! [`LmsSink`] shows them there what they did elsewhere. Moodle is the first, in `moodle`.
//!
//! What crosses is in the words of the record: programmes, modules and sessions of the catalogue. No number of
//! a platform's own leaves it, for the next prison's platform has others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use spean_protocol::catalogue::{ModuleId, ProgrammeId};
use spean_protocol::event::Date;

use crate::engine::learning::Taken;

/// The Moodle beside a node, as the source of what it tells.
pub const MOODLE: &str = "moodle";

/// Why a platform did not do what it was asked. What to do is another thing for each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LmsError {
    /// It lets this node in no more: nothing else is asked until somebody has looked.
    #[error("the platform does not let this node in: {0}")]
    Denied(String),
    /// One right is missing.
    #[error("{function} needs the right {right}")]
    MissingRight {
        /// What was asked.
        function: String,
        /// The right, as the platform calls it.
        right: String,
    },
    /// It is so already.
    #[error("{0}")]
    Already(String),
    /// It refused, or did it and said that something of it failed.
    #[error("{function}: {message}")]
    Refused {
        /// What was asked.
        function: String,
        /// What it said.
        message: String,
    },
    /// It did not answer, or with something that is no answer: it is tried again later.
    #[error("the platform does not answer: {0}")]
    Unreachable(String),
}

impl LmsError {
    /// Whether going on with the next request makes no sense.
    #[must_use]
    pub const fn ends_it(&self) -> bool {
        // A right that is missing for one person is missing for all.
        matches!(
            self,
            Self::Denied(_) | Self::MissingRight { .. } | Self::Unreachable(_)
        )
    }
}

/// Whose something is on a platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlatformUser {
    /// What the platform has as this project's id of him; empty where it has none.
    pub id: String,
    /// The name with which he signs in there.
    pub username: String,
}

/// Something that somebody did on a platform, as columns of a file of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learnt {
    /// Who.
    pub user: PlatformUser,
    /// What tells it from everything else that he did there, also after the platform was set up anew.
    pub key: String,
    /// When.
    pub date: Option<Date>,
    /// Columns `kind`, `programme`, `module`, `session`, `score`, `max`, `version`, `value`.
    pub fields: [String; 8],
}

/// What the configuration says of the Moodle beside this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoodleConfig {
    /// Where it is, such as `http://127.0.0.1/moodle`.
    pub url: String,
    /// Seconds between two readings; without it, it is read when somebody asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_seconds: Option<u64>,
    /// Where the file is with which Moodle lets people in; without it, none is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<PathBuf>,
    /// The courses that are read, and that people are enrolled in.
    #[serde(default)]
    pub course: Vec<CourseConfig>,
}

/// A course that is read and written, as the configuration names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CourseConfig {
    /// Its short name in Moodle: the same at all sites.
    pub shortname: String,
    /// The programme.
    pub programme: String,
    /// Its module.
    pub module: String,
    /// The id number, or else the name, of the quiz that is taken before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_test: Option<String>,
    /// The same of the one after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_test: Option<String>,
}

impl CourseConfig {
    /// The module, if the catalogue knows it.
    #[must_use]
    pub fn module(&self) -> Option<ModuleId> {
        ProgrammeId::from_name(&self.programme)?.module(&self.module)
    }
}

/// What is remembered from one reading to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The latest access, by Moodle's clock.
    pub since: Option<u64>,
    /// When everything was read last, by this machine's clock.
    pub whole: u64,
    /// When it was read last.
    pub last: u64,
    /// Why the last reading failed; empty if it did not.
    pub failed: String,
}

/// A reading, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Whether everything was read.
    pub whole: bool,
    /// How many people were looked at, in all courses together.
    pub people: u64,
    /// What became of what they did.
    pub taken: Taken,
    /// Nothing was kept.
    pub dry: bool,
}

/// What is wrong with a platform's set-up, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Nothing works before it is mended.
    pub serious: bool,
    /// What, in a sentence with what to do next.
    pub message: String,
}

/// A platform that is read.
pub trait LmsSource {
    /// Looks at the set-up.
    ///
    /// # Errors
    /// [`LmsError`] where it cannot even be asked.
    fn check(&mut self) -> Result<Vec<Finding>, LmsError>;

    /// Reads what changed since an hour (seconds since 1970, as its clock shows), or everything, and passes
    /// it on person by person; returns the hour to begin with next time.
    ///
    /// # Errors
    /// [`LmsError`]; what was passed on before counts, and nothing of it is lost by reading it again.
    fn read(
        &mut self,
        since: Option<u64>,
        take: &mut dyn FnMut(Vec<Learnt>) -> Result<(), LmsError>,
    ) -> Result<u64, LmsError>;
}

/// What the record says of somebody, of modules that a platform has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Who: his id, and the name with which he signs in here.
    pub user: PlatformUser,
    /// By module.
    pub modules: BTreeMap<ModuleId, ShownModule>,
}

/// What the record says of one module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownModule {
    /// Sessions that are done.
    pub sessions: BTreeSet<u16>,
    /// The best points, and the most that there are, of each test by kind and version.
    pub results: BTreeMap<(String, u16), (u32, u32)>,
}

impl Shown {
    /// Whether a platform's user is he: by the id that the platform has, or where it has none by his name.
    #[must_use]
    pub fn is(&self, user: &PlatformUser) -> bool {
        match user.id.as_str() {
            "" => user.username == self.user.username,
            id => id == self.user.id,
        }
    }
}

/// Something that was written on a platform, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// For whom.
    pub user: PlatformUser,
    /// What, in words.
    pub what: String,
    /// Why it failed; empty where it did not.
    pub failed: String,
}

/// What writing came to, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writing {
    /// Everything that was written, or would be.
    pub written: Vec<Written>,
    /// Nothing was.
    pub dry: bool,
}

/// A platform that shows what people did elsewhere.
pub trait LmsSink {
    /// Shows it, of whoever is there already; `tell` is told of each thing that is written, which the same
    /// again is not.
    ///
    /// # Errors
    /// [`LmsError`] that ends it; what was written before counts.
    fn show(
        &mut self,
        people: &[Shown],
        dry: bool,
        tell: &mut dyn FnMut(Written),
    ) -> Result<(), LmsError>;
}
