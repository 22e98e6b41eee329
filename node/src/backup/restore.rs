//! A home made from a backup. Every file is written beside its name and gets it once the last chunk was
//! read, the keys at the very end: a restore that fails leaves no node behind.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use spean_protocol::backup::{BackupError, Code, Head, Manifest};

use super::{DATABASE, FILES, KEYS, Opened, ReadError, TEXT_BYTES_MAX, read_head};
use crate::api::{Kind, Refusal};
use crate::engine::EngineError;
use crate::home::Home;
use crate::store::StoreError;
use crate::store::sqlite::{Sqlite, VERSION};

/// A backup's file, whose list of files was read.
pub struct Backup {
    path: PathBuf,
    opened: Opened<File>,
}

impl Backup {
    /// Opens a file with what `open` makes of its head.
    ///
    /// # Errors
    /// [`Refusal`] says what it is instead, or why it does not open.
    pub fn open(
        path: &Path,
        open: impl FnOnce(&Head) -> Result<Code, BackupError>,
    ) -> Result<Self, Refusal> {
        let opened = file(path).and_then(|file| Opened::start(file, open));
        let backup = Self {
            path: path.to_owned(),
            opened: opened.map_err(|error| refused(path, &error))?,
        };
        backup.check()?;
        Ok(backup)
    }

    /// Whether a file is a backup at all, before anybody types a code.
    ///
    /// # Errors
    /// [`Refusal`] says what it is instead.
    pub fn probe(path: &Path) -> Result<Head, Refusal> {
        let head = file(path).and_then(|mut file| read_head(&mut file));
        head.map_err(|error| refused(path, &error))
    }

    /// What is in it.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.opened.manifest
    }

    fn check(&self) -> Result<(), Refusal> {
        let manifest = self.manifest();
        let wrong = |why: &str| {
            let message = format!("{}: {why}", self.path.display());
            Err(Refusal::new(Kind::Refused, message))
        };
        if manifest.store > VERSION {
            return wrong("a newer program made it: restore it with that one");
        }
        if manifest.store < VERSION {
            return wrong(
                "a program from before the first release made it: restore it with that one; or make a \
                 new node, to which peers send back what was sent",
            );
        }
        // The names are the program's own, in its order: no file is written elsewhere.
        let mut known = FILES.iter();
        let names_known = manifest
            .files
            .iter()
            .all(|(name, _)| known.any(|known| known == name));
        let has = |wanted: &str| manifest.files.iter().any(|(name, _)| name == wanted);
        let texts = manifest.files.iter().filter(|(name, _)| name != DATABASE);
        let small = |length: u64| length <= TEXT_BYTES_MAX as u64;
        if !names_known || !has(KEYS) || !has(DATABASE) {
            return wrong("a newer program made it, with other files: restore it with that one");
        }
        if !texts.into_iter().all(|(_, length)| small(*length)) {
            return wrong("a file in it is larger than it can be");
        }
        Ok(())
    }

    /// Reads it to its end and makes nothing of it. `progress` hears how many bytes were read.
    ///
    /// # Errors
    /// [`Refusal`] for a file that is not whole.
    pub fn verify(self, progress: &mut dyn FnMut(u64)) -> Result<Manifest, Refusal> {
        self.each(|_, bytes| {
            progress(bytes.len() as u64);
            Ok(())
        })
    }

    /// Makes a home of it.
    ///
    /// # Errors
    /// [`Refusal`] when the home is used, the disk is full, or the backup is not whole: then nothing is
    /// left of it.
    pub fn restore(self, home: &Home, progress: &mut dyn FnMut(u64)) -> Result<Manifest, Refusal> {
        let made = home.prepare()?;
        let mut halves = Halves::new(home.path());
        let manifest = self.each(|name, bytes| {
            halves.append(name, bytes)?;
            progress(bytes.len() as u64);
            Ok(())
        });
        let kept = manifest.and_then(|manifest| {
            halves.check_database()?;
            halves.keep()?;
            Ok(manifest)
        });
        if kept.is_err() {
            halves.discard();
            if made {
                let _ = fs::remove_dir(home.path());
            }
        }
        kept
    }

    /// Gives each file's bytes in turn.
    fn each(
        self,
        mut take: impl FnMut(&str, &[u8]) -> Result<(), Refusal>,
    ) -> Result<Manifest, Refusal> {
        let Self { path, mut opened } = self;
        let manifest = opened.manifest.clone();
        let mut files = manifest.files.iter();
        let mut now = files.next().map(|(name, length)| (name.as_str(), *length));
        while let Some(content) = opened
            .next_content()
            .map_err(|error| refused(&path, &error))?
        {
            let mut rest = content.as_slice();
            while !rest.is_empty() {
                let Some((name, left)) = now else {
                    return Err(refused(&path, &BackupError::LeftOver.into()));
                };
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                let (part, after) = rest.split_at(most);
                take(name, part)?;
                rest = after;
                now = match left - most as u64 {
                    0 => files.next().map(|(name, length)| (name.as_str(), *length)),
                    left => Some((name, left)),
                };
            }
        }
        match now {
            None => Ok(manifest),
            Some((name, left)) => {
                let message = format!("{}: {left} bytes of {name} are missing", path.display());
                Err(Refusal::new(Kind::Refused, message))
            }
        }
    }
}

fn file(path: &Path) -> Result<File, ReadError> {
    if !fs::metadata(path)?.is_file() {
        return Err(BackupError::NotABackup.into());
    }
    Ok(File::open(path)?)
}

fn refused(path: &Path, error: &ReadError) -> Refusal {
    let (kind, what) = match error {
        ReadError::Backup(error) => (Kind::Refused, error.to_string()),
        ReadError::Io(error) if error.kind() == ErrorKind::NotFound => (
            Kind::Store,
            "no such file: is the stick in, and mounted there?".to_owned(),
        ),
        ReadError::Io(error) => (
            Kind::Store,
            format!("{error}: try another stick, or an older backup"),
        ),
    };
    Refusal::new(kind, format!("{}: {what}", path.display()))
}

/// The files of a home that is being made.
struct Halves<'a> {
    folder: &'a Path,
    files: Vec<(String, File)>,
}

impl<'a> Halves<'a> {
    const fn new(folder: &'a Path) -> Self {
        Self {
            folder,
            files: Vec::new(),
        }
    }

    fn half(&self, name: &str) -> PathBuf {
        self.folder.join(format!("restoring-{name}"))
    }

    fn explain(&self, name: &str, error: &std::io::Error) -> Refusal {
        let what = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                "the disk is full: make room, then restore again. Nothing half is kept".to_owned()
            }
            _ => error.to_string(),
        };
        let path = self.folder.join(name);
        Refusal::new(Kind::Store, format!("{}: {what}", path.display()))
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), Refusal> {
        if self.files.last().is_none_or(|(last, _)| last != name) {
            let half = self.half(name);
            let _ = fs::remove_file(&half);
            let mut open = OpenOptions::new();
            let open = open.write(true).create_new(true).mode(0o600);
            let file = open
                .open(half)
                .map_err(|error| self.explain(name, &error))?;
            self.files.push((name.to_owned(), file));
        }
        let written = match self.files.last_mut() {
            Some((_, file)) => file.write_all(bytes),
            None => Ok(()),
        };
        written.map_err(|error| self.explain(name, &error))
    }

    /// Whether the database is one, and whole: a backup of a damaged disk is as damaged as that.
    fn check_database(&self) -> Result<(), Refusal> {
        let why = match Sqlite::check(&self.half(DATABASE)) {
            Ok(()) => return Ok(()),
            Err(StoreError::Damaged(why)) => why,
            Err(other) => return Err(EngineError::from(other).into()),
        };
        let message = format!(
            "the database in it is damaged ({why}): take an older backup, or make a new node with the \
             keys.toml that was kept apart: peers send back what was sent"
        );
        Err(Refusal::new(Kind::Store, message))
    }

    /// Gives the files their names; the keys come last, for with them it is a node's home.
    fn keep(&mut self) -> Result<(), Refusal> {
        let sync = |one: &(String, File)| {
            let synced = one.1.sync_all();
            synced.map_err(|error| self.explain(&one.0, &error))
        };
        self.files.iter().try_for_each(sync)?;
        for (name, _) in self.files.iter().rev() {
            let renamed = fs::rename(self.half(name), self.folder.join(name));
            renamed.map_err(|error| self.explain(name, &error))?;
        }
        let synced = File::open(self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| self.explain("", &error))
    }

    fn discard(&self) {
        for (name, _) in &self.files {
            let _ = fs::remove_file(self.half(name));
            let _ = fs::remove_file(self.folder.join(name));
        }
    }
}
