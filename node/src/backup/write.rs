//! A backup is written beside its name, synced, read back, and only then given its name. The database is
//! read as it stood at one moment, while the node goes on; one chunk of it is in memory at a time.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use spean_protocol::backup::{Chunks, Code, Head, Manifest, Opens};
use spean_protocol::limits::BACKUP_CHUNK_BYTES_MAX;
use spean_protocol::roster::Roster;
use spean_protocol::seal::{BoxKey, Secret, derive};
use zeroize::Zeroizing;

use super::{DATABASE, ENDING, FILES, HALF, Opened, ReadError, Sheet, TEXT_BYTES_MAX};
use crate::api::{Kind, Refusal};
use crate::home::{Home, read_small};
use crate::store::sqlite::{Frozen, VERSION};
use crate::world::World;

/// Backups of one site that a stick keeps: the new one and the one before.
const KEPT: usize = 2;

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupLine {
    /// The file.
    pub file: String,
    /// Its bytes.
    pub bytes: u64,
    /// Whether officials open it, too, with the escrow.
    pub escrow: bool,
    /// The cohort of the sheet that opens it, and the one in force.
    pub cohorts: (u16, u16),
    /// Older backups of this site that were removed from the stick.
    pub removed: Vec<String>,
}

/// All that a backup is made of, gathered at one moment.
pub struct Source {
    texts: Vec<(&'static str, Zeroizing<Vec<u8>>)>,
    database: Frozen,
    manifest: Manifest,
    sheet: Sheet,
    escrow: Option<BoxKey>,
    cohort: u16,
    secret: Secret,
}

impl Source {
    /// What is in a home whose database was frozen.
    ///
    /// # Errors
    /// [`Refusal`] where there is no sheet, or a file does not read.
    pub fn of(
        home: &Home,
        (site, roster): (spean_protocol::id::SiteId, &Roster),
        database: Frozen,
        stamp: u64,
    ) -> Result<Self, Refusal> {
        let mut texts = Vec::new();
        for name in FILES.into_iter().filter(|name| *name != DATABASE) {
            let path = home.path().join(name);
            match read_small(&path, TEXT_BYTES_MAX) {
                Ok(bytes) => texts.push((name, Zeroizing::new(bytes))),
                // Only the keys must be there.
                Err(error) if error.kind() == ErrorKind::NotFound && name != FILES[0] => {}
                Err(error) => {
                    let message = format!("{}: {error}", path.display());
                    return Err(Refusal::new(Kind::Home, message));
                }
            }
        }
        let of_texts = texts.iter().map(|(name, text)| (name, text.len() as u64));
        let files = of_texts.chain([(&DATABASE, database.length)]);
        let listed = roster.site(site);
        let manifest = Manifest {
            site,
            code: listed.map_or_else(|| site.to_string(), |site| site.code.clone()),
            name: listed.map(|site| site.name.clone()).unwrap_or_default(),
            stamp,
            store: VERSION,
            files: files
                .map(|(name, length)| ((*name).to_owned(), length))
                .collect(),
        };
        Ok(Self {
            texts,
            database,
            manifest,
            sheet: Sheet::of(home)?,
            escrow: roster.escrow_key(roster.cohort),
            cohort: roster.cohort,
            secret: home.identity()?.secret,
        })
    }

    /// Writes it under a half name and reads it back. `stop` is looked at between chunks.
    ///
    /// # Errors
    /// [`Refusal`] when the stick is full, read-only or gone, or reads otherwise than it was written.
    pub fn write(
        &self,
        directory: &Path,
        stop: &AtomicBool,
        world: &mut dyn World,
    ) -> Result<Written, Refusal> {
        let half = directory.join(HALF);
        let written = self.write_half(&half, stop, world);
        if written.is_err() {
            let _ = fs::remove_file(&half);
        }
        let bytes = written?;
        Ok(Written {
            line: BackupLine {
                file: String::new(),
                bytes,
                escrow: self.escrow.is_some(),
                cohorts: (self.sheet.cohort, self.cohort),
                removed: Vec::new(),
            },
            site: self.manifest.code.clone(),
            directory: directory.to_owned(),
        })
    }

    fn write_half(
        &self,
        half: &Path,
        stop: &AtomicBool,
        world: &mut dyn World,
    ) -> Result<u64, Refusal> {
        // Bound to a secret of the node as well: a clone that draws the same bytes makes the same code.
        let mut fresh = |use_of: &[u8]| {
            let random = world.random();
            let parts = [use_of, random.as_slice(), &self.secret.0];
            derive("spean 2026 backup entropy v1", &parts)
        };
        let code = Code::of(&Secret(fresh(b"code")));
        let mut id = [0; 16];
        id.copy_from_slice(&fresh(b"id")[..16]);
        let head = Head::seal(id, &code, &self.sheet.key, self.escrow.as_ref(), || {
            fresh(b"box")
        });
        let head = head.map_err(|error| Refusal::new(Kind::Home, error))?;
        let _ = fs::remove_file(half);
        // `create_new` follows no link that a stick may hold.
        let mut open = OpenOptions::new();
        let file = open.write(true).create_new(true).mode(0o600).open(half);
        let file = file.map_err(|error| explain(half, &error))?;
        let mut sink = Sink {
            file,
            path: half,
            written: 0,
            hash: blake3::Hasher::new(),
        };
        sink.append(&head.encode())?;
        let mut chunks = Chunks::of(&head, &code);
        let failed = |error| Refusal::new(Kind::Home, error);
        sink.append(&chunks.seal_manifest(&self.manifest).map_err(failed)?)?;
        let texts: Vec<&[u8]> = self.texts.iter().map(|(_, text)| text.as_slice()).collect();
        let texts = Zeroizing::new(texts.concat());
        let whole = texts.len() as u64 + self.database.length;
        let mut at = 0;
        let mut room = Zeroizing::new(vec![0; BACKUP_CHUNK_BYTES_MAX]);
        while at < whole {
            if stop.load(Ordering::Relaxed) {
                return Err(Refusal::new(Kind::Refused, "the node is stopping"));
            }
            let next = usize::try_from(whole - at).unwrap_or(usize::MAX);
            let part = &mut room[..next.min(BACKUP_CHUNK_BYTES_MAX)];
            self.read_part(&texts, at, part)?;
            at += part.len() as u64;
            sink.hash.update(part);
            sink.append(&chunks.seal(part, at == whole).map_err(failed)?)?;
        }
        sink.file
            .sync_all()
            .map_err(|error| explain(half, &error))?;
        let Sink { written, hash, .. } = sink;
        let same = read_back(half, &code, stop).map_err(|error| match error {
            ReadError::Io(error) => explain(half, &error),
            ReadError::Backup(error) => bad_stick(half, &error.to_string()),
        })?;
        if same != hash.finalize() {
            return Err(bad_stick(half, "it reads otherwise than it was written"));
        }
        Ok(written)
    }

    /// The bytes from a place on of what the files are, one after the other.
    fn read_part(&self, texts: &[u8], at: u64, part: &mut [u8]) -> Result<(), Refusal> {
        let begin = usize::try_from(at).unwrap_or(usize::MAX).min(texts.len());
        let of_texts = (texts.len() - begin).min(part.len());
        part[..of_texts].copy_from_slice(&texts[begin..begin + of_texts]);
        let place = (at + of_texts as u64).saturating_sub(texts.len() as u64);
        let read = self.database.read_at(&mut part[of_texts..], place);
        read.map_err(|error| {
            let message = format!("the database does not read: {error}");
            Refusal::new(Kind::Store, message)
        })
    }
}

struct Sink<'a> {
    file: File,
    path: &'a Path,
    written: u64,
    hash: blake3::Hasher,
}

impl Sink<'_> {
    fn append(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| explain(self.path, &error))?;
        self.written += bytes.len() as u64;
        Ok(())
    }
}

fn read_back(half: &Path, code: &Code, stop: &AtomicBool) -> Result<blake3::Hash, ReadError> {
    let mut opened = Opened::start(File::open(half)?, |head| head.open(Opens::One, code))?;
    let mut hash = blake3::Hasher::new();
    while let Some(content) = opened.next_content()? {
        if stop.load(Ordering::Relaxed) {
            return Err(ReadError::Io(ErrorKind::Interrupted.into()));
        }
        hash.update(&content);
    }
    Ok(hash.finalize())
}

/// A backup that is whole, and has not got its name yet.
#[must_use]
pub struct Written {
    line: BackupLine,
    site: String,
    directory: PathBuf,
}

impl Written {
    /// Gives it its name and removes what it replaces.
    ///
    /// # Errors
    /// [`Refusal`] when the stick is gone.
    pub fn keep(self) -> Result<BackupLine, Refusal> {
        let Self {
            mut line,
            site,
            directory,
        } = self;
        let mut before = numbers(&directory, &site);
        let next = before.last().map_or(1, |last| last.saturating_add(1));
        let path = directory.join(name(&site, next));
        let renamed = fs::rename(directory.join(HALF), &path)
            .and_then(|()| File::open(&directory)?.sync_all());
        if let Err(error) = renamed {
            let _ = fs::remove_file(directory.join(HALF));
            return Err(explain(&path, &error));
        }
        before.push(next);
        let removed = before.len().saturating_sub(KEPT);
        for number in &before[..removed] {
            let old = directory.join(name(&site, *number));
            if fs::remove_file(&old).is_ok() {
                line.removed.push(old.display().to_string());
            }
        }
        line.file = path.display().to_string();
        Ok(line)
    }

    /// Leaves nothing of it.
    pub fn discard(self) {
        let _ = fs::remove_file(self.directory.join(HALF));
    }
}

fn name(site: &str, number: u32) -> String {
    format!("spean-{site}-{number}.{ENDING}")
}

/// The numbers of the backups of a site in a directory, in order.
fn numbers(directory: &Path, site: &str) -> Vec<u32> {
    let names = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let mut found: Vec<u32> = names
        .filter_map(|found| {
            let number = found.strip_prefix("spean-")?.strip_prefix(site)?;
            let number = number.strip_prefix('-')?.strip_suffix(ENDING)?;
            let number: u32 = number.strip_suffix('.')?.parse().ok()?;
            (name(site, number) == found).then_some(number)
        })
        .collect();
    found.sort_unstable();
    found
}

fn bad_stick(half: &Path, why: &str) -> Refusal {
    let message = format!(
        "{}: what was written does not read back ({why}): take another stick. Nothing was kept on this one",
        half.display()
    );
    Refusal::new(Kind::Store, message)
}

/// What the file system said, in words that tell what to do.
fn explain(path: &Path, error: &std::io::Error) -> Refusal {
    let what = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "the stick is full: take a larger one, or make room. Nothing half is kept on it"
                .to_owned()
        }
        ErrorKind::FileTooLarge => {
            "the stick takes no file of that size: format it as exFAT, or take another".to_owned()
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            "the stick cannot be written: is it write-protected?".to_owned()
        }
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            "no such folder: is the stick in, and mounted there?".to_owned()
        }
        _ => format!("{error}: try again, or take another stick"),
    };
    Refusal::new(Kind::Store, format!("{}: {what}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Goal: only what this program named is counted, and so removed.
    #[test]
    fn only_own_names_count() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            "spean-CC4-2.backup",
            "spean-CC4-10.backup",
            "spean-CC4-007.backup",
            "spean-CC41-3.backup",
            "spean-CC4-DGP-1.bundle",
            "spean-CC4-x.backup",
            "spean-CC4-4.backup.txt",
        ];
        for file in files {
            fs::write(folder.path().join(file), "").unwrap();
        }
        assert_eq!(numbers(folder.path(), "CC4"), [2, 10]);
        assert!(numbers(&folder.path().join("none"), "CC4").is_empty());
    }
}
