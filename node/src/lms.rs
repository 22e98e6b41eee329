//! Learning platforms: where lessons run beside the node. A [`LmsSource`] tells what people did there, a
//! [`LmsSink`] shows them there what they did elsewhere. Moodle is the first, in `moodle`.
//!
//! What crosses is in the words of the record: programmes, modules and sessions of the catalogue. No number of
//! a platform's own leaves it, for the next prison's platform has others.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use spean_protocol::catalogue::{ModuleId, ProgrammeId};
use spean_protocol::event::Date;
use zeroize::Zeroizing;

use crate::engine::import::Fate;
use crate::engine::import::imported::Undone;
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
    /// A result that somebody gave by hand: it says nothing where the record's best is the same.
    pub by_hand: bool,
}

/// Who the people here are on a platform: by this project's id, with the name with which each signs in. An id alone
/// says who somebody is: a name may be another's there, whose work is neither read nor written over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roll(BTreeMap<String, String>);

impl Roll {
    /// The people here.
    #[must_use]
    pub fn of(people: impl IntoIterator<Item = PlatformUser>) -> Self {
        Self(
            people
                .into_iter()
                .map(|one| (one.id, one.username))
                .collect(),
        )
    }

    /// Of users of a platform, those who may not be whom they seem to be, by name there, and what to do: a name of
    /// somebody here with another id or none, and an id that several have. Where one of those has the right name,
    /// he is not among them.
    #[must_use]
    pub fn doubts(&self, users: &[PlatformUser]) -> BTreeMap<String, String> {
        let ids: BTreeMap<&str, &str> = self.0.iter().map(|(id, name)| (&**name, &**id)).collect();
        let mut all = BTreeMap::new();
        for user in users {
            let Some(id) = ids.get(&*user.username).filter(|id| **id != user.id) else {
                continue;
            };
            let has = match user.id.as_str() {
                "" => "no ID number",
                _ => "another ID number",
            };
            let why = format!(
                "the account '{0}' there has {has}, while '{0}' is the name of {id} here: it is left alone. Give one \
                 of them another name: rename the account there, or 'spean account give {id} --username ...'; \
                 if the account is his, write {id} into its ID number",
                user.username
            );
            all.insert(user.username.clone(), why);
        }
        let mut same: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for user in users.iter().filter(|user| !user.id.is_empty()) {
            same.entry(&user.id).or_default().push(&user.username);
        }
        for (id, names) in same.into_iter().filter(|(_, names)| names.len() > 1) {
            let his = self.0.get(id).map(String::as_str);
            for name in names.iter().filter(|name| his != Some(**name)) {
                let why = format!(
                    "the accounts {} there have one ID number, {id}: {} left alone. Take the ID number out of \
                     whoever is not that learner",
                    names.join(", "),
                    match his.is_some_and(|his| names.contains(&his)) {
                        true => format!("{name} is"),
                        false => "all are".to_owned(),
                    },
                );
                all.entry((*name).to_owned()).or_insert(why);
            }
        }
        all
    }
}

/// How far a reading or a writing is: people of people.
pub type Progress<'a> = &'a dyn Fn(u64, u64);

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
    /// Where no such file can be used: accounts and enrolments are written by web services.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub manual_accounts: bool,
    /// The courses that are read, and that people are enrolled in.
    #[serde(default)]
    pub course: Vec<CourseConfig>,
    /// Where it is read by an account of its database instead of by web services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<DatabaseConfig>,
}

/// Moodle's database, which an account that may only read looks into. Its password is in the home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// The address; without it, this machine.
    #[serde(default = "DatabaseConfig::host")]
    pub host: String,
    /// The port; without it, 3306.
    #[serde(default = "DatabaseConfig::port")]
    pub port: u16,
    /// The socket, where the database listens on no port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
    /// The name of the database.
    pub name: String,
    /// The account.
    pub user: String,
    /// What the names of all tables begin with; without it, `mdl_`.
    #[serde(default = "DatabaseConfig::prefix")]
    pub prefix: String,
    /// The name in Moodle of the user of this node's service: what he completed is no learning.
    #[serde(default = "DatabaseConfig::service_user")]
    pub service_user: String,
}

impl DatabaseConfig {
    fn host() -> String {
        "127.0.0.1".to_owned()
    }

    const fn port() -> u16 {
        3306
    }

    fn prefix() -> String {
        "mdl_".to_owned()
    }

    fn service_user() -> String {
        "spean".to_owned()
    }
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
    /// When that was seen first, by this machine's clock.
    pub seen: u64,
    /// It was read once more well after it was seen: nothing that was done with that access is still to come.
    pub settled: bool,
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
    /// Accounts there that were left alone, each with what to do.
    pub doubts: BTreeSet<String>,
    /// Badges of theirs that Moodle has, where everything was read. They are counted alone.
    pub badges: u64,
    /// Nothing was kept.
    pub dry: bool,
}

/// User names, with what their passwords are checked against. Nothing shows it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passwords(pub BTreeMap<String, Zeroizing<String>>);

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passwords", self.0.len())
    }
}

/// What taking over the accounts of a platform came to, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adopting {
    /// The import's number; none where nothing was kept.
    pub number: Option<u64>,
    /// What became of each account, by user name.
    pub accounts: Vec<(String, Fate)>,
    /// Accounts of which nobody could read what the password is checked against: it stays in the platform.
    pub without_password: u64,
    /// What was written on the platform, or would be.
    pub written: Vec<Written>,
    /// What taking an import back came to, where that was asked.
    pub undone: Option<Undone>,
    /// Nothing was kept or written.
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

/// What a reader passes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// What one of them did.
    Did(Vec<Learnt>),
    /// An account was left alone; why, and what to do.
    Doubt(String),
    /// He has so many badges there.
    Badges(u64),
}

/// A platform that is read.
pub trait LmsSource {
    /// Looks at the set-up.
    ///
    /// # Errors
    /// [`LmsError`] where it cannot even be asked.
    fn check(&mut self, roll: &Roll) -> Result<Vec<Finding>, LmsError>;

    /// Reads what changed since a second (since 1970, as its clock shows), or everything, and passes
    /// it on person by person; returns the second of the latest access.
    ///
    /// # Errors
    /// [`LmsError`]; what was passed on before counts, and nothing of it is lost by reading it again.
    fn read(
        &mut self,
        since: Option<u64>,
        roll: &Roll,
        progress: Progress<'_>,
        take: &mut dyn FnMut(Heard) -> Result<(), LmsError>,
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
    /// The best result of each test by kind and version.
    pub results: BTreeMap<(String, u16), ShownResult>,
}

impl ShownModule {
    /// Whether there is anything to show.
    #[must_use]
    pub fn says_something(&self) -> bool {
        !(self.sessions.is_empty() && self.results.is_empty())
    }
}

/// A best result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownResult {
    /// The points.
    pub points: u32,
    /// The most that there are.
    pub most: u32,
    /// It was reached here: where the platform has less by now, somebody there took it back.
    pub here: bool,
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

/// What a writer tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Something was written, would be, or could not be.
    Wrote(Written),
    /// An account was left alone; why, and what to do.
    Doubt(String),
}

/// What writing came to, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writing {
    /// Everything that was written, or would be.
    pub written: Vec<Written>,
    /// How many people were looked at, in all courses together.
    pub people: u64,
    /// Accounts there that were left alone, each with what to do.
    pub doubts: BTreeSet<String>,
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
        progress: Progress<'_>,
        tell: &mut dyn FnMut(Told),
    ) -> Result<(), LmsError>;
}
