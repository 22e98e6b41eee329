//! A node's home: one directory with everything that makes the node itself.
//!
//! ```text
//! keys.toml     secret keys, readable by the owner alone (0600)
//! config.toml   what listens and what is dialled; nothing else does
//! request.toml  what whoever keeps the roster needs to enrol this node
//! backup.toml   what backups are sealed to, once there is a sheet of paper that opens them
//! spean.db      the store (SQLite)
//! lock          held while a program works on this home
//! socket        where a running node answers the commands
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use spean_protocol::roster::{Role, seal_of_keys};
use spean_protocol::seal::{BoxKey, Secret, box_key};
use zeroize::Zeroizing;

use crate::engine::Identity;
use crate::kobo::KoboConfig;
use crate::lms::MoodleConfig;
use crate::world::World;

/// Why a home cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HomeError {
    /// There is a node in it already.
    #[error("{0} is a node's home already: choose another --home, or keep this one as it is")]
    Used(PathBuf),
    /// There is no node in it.
    #[error("{0} is no node's home: run 'spean init' first, or check --home")]
    Missing(PathBuf),
    /// The key file is gone.
    #[error("{0} is missing: copy it back from the backup; without it this node cannot be itself")]
    NoKeys(PathBuf),
    /// The key file may be read by others.
    #[error("{0} may be read by others: run 'chmod 600' on it")]
    OpenKeys(PathBuf),
    /// A file that does not read as it should.
    #[error("{path}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Another program works on it.
    #[error("another program works on {0}: stop it first, or let the running node answer")]
    Locked(PathBuf),
    /// The file system said no.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        error: std::io::Error,
    },
}

/// Bytes of a file with a token: Moodle's has 32, Kobo's 40.
const SECRET_LINE_BYTES_MAX: usize = 1_024;

/// The secret keys as they are kept.
#[derive(Serialize, Deserialize)]
struct KeyFile {
    /// Ed25519 seed, 64 hexadecimal digits.
    signing: String,
    /// Keys imports and joins the node's randomness.
    secret: String,
    /// Box key seeds by cohort.
    boxes: BTreeMap<String, String>,
}

/// What whoever keeps the roster needs to enrol a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentRequest {
    /// The site's short code.
    pub code: String,
    /// The site's name.
    pub name: String,
    /// `prison` or `headquarters`.
    pub role: String,
    /// The cohort of the box key.
    pub cohort: u16,
    /// The node's public signing key, 64 hexadecimal digits.
    pub key: String,
    /// The public box key, 64 hexadecimal digits.
    pub box_key: String,
}

impl EnrolmentRequest {
    /// What people compare of the keys; empty where they are none.
    #[must_use]
    pub fn seal(&self) -> String {
        let parts = self.parts();
        parts.map_or_else(
            |_| String::new(),
            |(_, key, public)| seal_of_keys(&key, &public),
        )
    }

    /// The parts as the roster has them.
    ///
    /// # Errors
    /// What is wrong with which field.
    pub fn parts(&self) -> Result<(Role, [u8; 32], BoxKey), String> {
        let role = match self.role.as_str() {
            "prison" => Role::Prison,
            "headquarters" => Role::Headquarters,
            other => return Err(format!("role: '{other}' is not prison or headquarters")),
        };
        Ok((
            role,
            unhex("key", &self.key)?,
            BoxKey(unhex("box_key", &self.box_key)?),
        ))
    }
}

/// A peer that this node dials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerConfig {
    /// The peer's site code.
    pub site: String,
    /// `iroh` or `quinn`: the same as the peer listens with.
    pub driver: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Seconds between two exchanges that succeeded.
    #[serde(default = "every_seconds")]
    pub every_seconds: u64,
}

const fn every_seconds() -> u64 {
    900
}

/// Something that this node listens on for links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenConfig {
    /// `iroh` or `quinn`.
    pub driver: String,
    /// The address.
    pub address: SocketAddr,
}

/// What listens and what is dialled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the officers' pages are served, on the site's own network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web: Option<SocketAddr>,
    /// Where learners change their own passwords, on their network; nothing else is served there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learners: Option<SocketAddr>,
    /// Seconds between two flushes of what was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flush_seconds: Option<u64>,
    /// At the head office: for how many cohorts, usually years, a record is kept after the one in which
    /// somebody was released.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<u16>,
    /// The Moodle beside this node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moodle: Option<MoodleConfig>,
    /// The Kobo whose forms are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kobo: Option<KoboConfig>,
    /// Links that this node listens on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listen: Vec<ListenConfig>,
    /// Peers that it dials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peer: Vec<PeerConfig>,
}

/// A node's home directory.
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

impl Home {
    /// The home at a path, whether or not there is one yet.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where the database is.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.0.join("spean.db")
    }

    /// Where a running node answers.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.0.join("socket")
    }

    /// Where the configuration is.
    #[must_use]
    pub fn config_path(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// Where the enrolment request is.
    #[must_use]
    pub fn request_path(&self) -> PathBuf {
        self.0.join("request.toml")
    }

    fn keys(&self) -> PathBuf {
        self.0.join("keys.toml")
    }

    /// Makes a new home with new keys and returns the enrolment request.
    ///
    /// # Errors
    /// [`HomeError::Used`] when there is a node in it already.
    pub fn create(
        &self,
        (code, name, role): (&str, &str, &str),
        cohort: u16,
        world: &mut dyn World,
    ) -> Result<EnrolmentRequest, HomeError> {
        self.prepare()?;
        let signing = SigningKey::from_bytes(&world.random());
        let seed = Secret(world.random());
        let hex = |bytes: &[u8; 32]| HEXLOWER.encode(bytes);
        let keys = KeyFile {
            signing: hex(signing.as_bytes()),
            secret: hex(&world.random()),
            boxes: BTreeMap::from([(cohort.to_string(), hex(&seed.0))]),
        };
        let request = EnrolmentRequest {
            code: code.to_owned(),
            name: name.to_owned(),
            role: role.to_owned(),
            cohort,
            key: hex(signing.verifying_key().as_bytes()),
            box_key: hex(&box_key(&seed).0),
        };
        self.write(&self.request_path(), &toml_text(&request), 0o644)?;
        self.write(&self.config_path(), CONFIG, 0o644)?;
        // The keys come last: with them the home counts as made.
        self.write(&self.keys(), &toml_text(&keys), 0o600)?;
        Ok(request)
    }

    /// Whether a node can be put there.
    ///
    /// # Errors
    /// [`HomeError::Used`] when there is one in it already.
    pub fn check_free(&self) -> Result<(), HomeError> {
        let files = [
            self.keys(),
            self.database(),
            self.config_path(),
            self.request_path(),
        ];
        match files.iter().any(|file| file.exists()) {
            true => Err(HomeError::Used(self.0.clone())),
            false => Ok(()),
        }
    }

    /// Makes the directory, for its owner alone, where no node is in it; whether there was none before.
    ///
    /// # Errors
    /// [`HomeError::Used`] when there is a node in it already.
    pub fn prepare(&self) -> Result<bool, HomeError> {
        self.check_free()?;
        let new = !self.0.exists();
        fs::create_dir_all(&self.0).map_err(|error| self.io(&self.0, error))?;
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(&self.0, private).map_err(|error| self.io(&self.0, error))?;
        Ok(new)
    }

    fn write(&self, path: &Path, text: &str, mode: u32) -> Result<(), HomeError> {
        write_new(path, text.as_bytes(), mode).map_err(|error| self.io(path, error))
    }

    fn io(&self, path: &Path, error: std::io::Error) -> HomeError {
        HomeError::Io {
            path: path.to_owned(),
            error,
        }
    }

    /// Reads the node's keys.
    ///
    /// # Errors
    /// [`HomeError`] says what is missing or wrong.
    pub fn identity(&self) -> Result<Identity, HomeError> {
        if !self.0.is_dir() {
            return Err(HomeError::Missing(self.0.clone()));
        }
        let path = self.keys();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let used = self.database().exists() || self.request_path().exists();
                let home = self.0.clone();
                return Err(if used {
                    HomeError::NoKeys(path)
                } else {
                    HomeError::Missing(home)
                });
            }
            Err(error) => return Err(self.io(&path, error)),
        };
        let mode = fs::metadata(&path)
            .map_err(|error| self.io(&path, error))?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            return Err(HomeError::OpenKeys(path));
        }
        // What the parser says could show part of a key, so it is not passed on.
        let wrong = |reason: String| HomeError::Malformed {
            path: path.clone(),
            reason,
        };
        let keys: KeyFile =
            toml::from_str(&text).map_err(|_| wrong("not a key file".to_owned()))?;
        let mut boxes = BTreeMap::new();
        for (cohort, seed) in &keys.boxes {
            let cohort = cohort
                .parse()
                .map_err(|_| wrong(format!("cohort '{cohort}'")))?;
            boxes.insert(cohort, Secret(unhex("boxes", seed).map_err(wrong)?));
        }
        let seed = unhex("signing", &keys.signing).map_err(wrong)?;
        let secret = Secret(unhex("secret", &keys.secret).map_err(wrong)?);
        Ok(Identity {
            signing: SigningKey::from_bytes(&seed),
            boxes,
            secret,
        })
    }

    /// Makes the box keys of these cohorts, keeps them with the others, and returns their seeds. The home
    /// must be locked.
    ///
    /// # Errors
    /// [`HomeError`]; no key counts then.
    pub fn make_boxes(
        &self,
        cohorts: &[u16],
        world: &mut dyn World,
    ) -> Result<Vec<(u16, Secret)>, HomeError> {
        if cohorts.is_empty() {
            return Ok(Vec::new());
        }
        let mut made = Vec::new();
        self.change_boxes(|boxes| {
            for cohort in cohorts {
                let seed = Secret(world.random());
                boxes.insert(cohort.to_string(), HEXLOWER.encode(&seed.0));
                made.push((*cohort, seed));
            }
        })?;
        Ok(made)
    }

    /// Takes the seeds of a cohort, and of all before it, out of the key file. The home must be locked.
    ///
    /// # Errors
    /// [`HomeError`]; the file is as it was then.
    pub fn drop_boxes(&self, upto: u16) -> Result<(), HomeError> {
        self.change_boxes(|boxes| {
            boxes.retain(|cohort, _| cohort.parse().is_ok_and(|cohort: u16| cohort > upto));
        })
    }

    fn change_boxes(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Result<(), HomeError> {
        let path = self.keys();
        let io = |error| self.io(&path, error);
        let text = Zeroizing::new(fs::read_to_string(&path).map_err(io)?);
        let wrong = |_| HomeError::Malformed {
            path: path.clone(),
            reason: "not a key file".to_owned(),
        };
        let mut keys: KeyFile = toml::from_str(&text).map_err(wrong)?;
        change(&mut keys.boxes);
        let text = Zeroizing::new(toml_text(&keys));
        write_whole(&path, text.as_bytes(), 0o600).map_err(io)
    }

    /// Reads the configuration; without the file, nothing listens and nothing is dialled.
    ///
    /// # Errors
    /// [`HomeError::Malformed`] says where.
    pub fn config(&self) -> Result<Config, HomeError> {
        let path = self.config_path();
        match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error| HomeError::Malformed {
                path,
                reason: error.to_string(),
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Config::default()),
            Err(error) => Err(self.io(&path, error)),
        }
    }

    /// The token of this node's service in Moodle: one line of the file `moodle-token`, for its owner alone.
    ///
    /// # Errors
    /// [`HomeError`] says what is missing or wrong.
    pub fn moodle_token(&self) -> Result<Zeroizing<String>, HomeError> {
        self.secret_line("moodle-token")
    }

    /// The password of this node's account in Moodle's database: one line of the file `moodle-database-password`,
    /// for its owner alone.
    ///
    /// # Errors
    /// [`HomeError`] says what is missing or wrong.
    pub fn moodle_database_password(&self) -> Result<Zeroizing<String>, HomeError> {
        self.secret_line("moodle-database-password")
    }

    /// The token of an account in Kobo: one line of the file `kobo-token`, for its owner alone.
    ///
    /// # Errors
    /// [`HomeError`] says what is missing or wrong.
    pub fn kobo_token(&self) -> Result<Zeroizing<String>, HomeError> {
        self.secret_line("kobo-token")
    }

    fn secret_line(&self, name: &str) -> Result<Zeroizing<String>, HomeError> {
        let path = self.0.join(name);
        let io = |error| self.io(&path, error);
        let bytes = Zeroizing::new(read_small(&path, SECRET_LINE_BYTES_MAX).map_err(io)?);
        let mode = fs::metadata(&path).map_err(io)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(HomeError::OpenKeys(path));
        }
        let line = String::from_utf8_lossy(&bytes).trim().to_owned();
        Ok(Zeroizing::new(line))
    }

    /// Takes the home for this program until the lock is dropped.
    ///
    /// # Errors
    /// [`HomeError::Locked`] when another program has it.
    pub fn lock(&self) -> Result<Lock, HomeError> {
        if !self.0.is_dir() {
            return Err(HomeError::Missing(self.0.clone()));
        }
        let path = self.0.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = file.map_err(|error| self.io(&path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(fs::TryLockError::WouldBlock) => Err(HomeError::Locked(self.0.clone())),
            Err(fs::TryLockError::Error(error)) => Err(self.io(&path, error)),
        }
    }
}

/// Held while a program works on a home; the kernel lets go of it when the program dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Writes a file beside its name and gives it that. Where the file system keeps its order (not on
/// FAT), it is whole after a power cut, or as before.
///
/// # Errors
/// What the file system says. Nothing half written stays.
pub fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let mut half = path.as_os_str().to_owned();
    half.push(".part");
    let half = PathBuf::from(half);
    let _ = fs::remove_file(&half);
    let written = write_new(&half, bytes, mode).and_then(|()| fs::rename(&half, path));
    if written.is_err() {
        let _ = fs::remove_file(&half);
    }
    written?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// `create_new` follows no link that somebody left there.
fn write_new(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let mut open = OpenOptions::new();
    let mut file = open.write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Reads a file that somebody names, of so many bytes at most: no device, and nothing that never ends.
///
/// # Errors
/// What the file system says, or that it is no file, or too large.
pub fn read_small(path: &Path, most: usize) -> std::io::Result<Vec<u8>> {
    let refused = |why: &str| std::io::Error::new(ErrorKind::InvalidInput, why.to_owned());
    if !fs::metadata(path)?.is_file() {
        return Err(refused("not a file"));
    }
    let mut bytes = Vec::new();
    let read = File::open(path)?
        .take(most as u64 + 1)
        .read_to_end(&mut bytes)?;
    if read > most {
        return Err(refused("too large for what it should be"));
    }
    Ok(bytes)
}

/// Reads 32 bytes from hexadecimal digits.
///
/// # Errors
/// Which field is wrong.
pub fn unhex(field: &str, text: &str) -> Result<[u8; 32], String> {
    let bytes = HEXLOWER.decode(text.as_bytes()).ok();
    let wrong = || format!("{field}: expected 64 hexadecimal digits");
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(wrong)
}

fn toml_text<T: Serialize>(value: &T) -> String {
    toml::to_string(value).unwrap_or_default()
}

const CONFIG: &str = "\
# What this node listens on and dials. Nothing listens or dials that is not named here.
#
# Pages for the officers, at an address that only their machines reach:
# web = \"127.0.0.1:8080\"
#
# The page on which learners change their passwords, and nothing else:
# learners = \"10.0.0.1:8081\"
#
# Seconds between two flushes of what was recorded (default 900):
# flush_seconds = 900
#
# Links from other nodes:
# [[listen]]
# driver = \"quinn\"
# address = \"10.0.0.1:4433\"
#
# Nodes to dial:
# [[peer]]
# site = \"DGP\"
# driver = \"quinn\"
# address = \"10.0.0.2:4433\"
# every_seconds = 900
";
