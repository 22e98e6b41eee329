//! A backup of a home as one file on a stick, and a home made from it. The format is
//! `spean_protocol::backup`; [`mod@write`] makes the file, [`restore`] reads it.
//!
//! A home can be backed up once it has a sheet: a code on paper, of which the home keeps the public half
//! in `backup.toml`.

pub mod restore;
pub mod write;

use std::io::{ErrorKind, Read};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use spean_protocol::backup::{BackupError, Chunks, Code, HEAD_BYTES, Head, LENGTH_BYTES, Manifest};
use spean_protocol::seal::{BoxKey, Secret};
use zeroize::Zeroizing;

use crate::api::{Kind, Refusal};
use crate::home::{Home, read_small, unhex, write_whole};
use crate::world::World;

/// What backups end with.
pub const ENDING: &str = "backup";

/// What is being written, until it is whole.
pub const HALF: &str = "spean-backup.part";

/// The files of a home that are kept, in the order in which they stand in a backup. The key file makes a
/// home of it, so it comes last when one is made.
pub const FILES: [&str; 5] = ["keys.toml", "config.toml", "request.toml", SHEET, DATABASE];

const SHEET: &str = "backup.toml";
const DATABASE: &str = "spean.db";
const KEYS: &str = FILES[0];

/// Bytes of the files of text of a home.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// The sheet that opens what this home backs up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// Its public half.
    pub key: BoxKey,
    /// The cohort in force when it was made.
    pub cohort: u16,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SheetFile {
    /// 64 hexadecimal digits.
    key: String,
    cohort: u16,
}

impl Sheet {
    /// Makes a new sheet for a home and gives its code, which is kept nowhere else.
    ///
    /// # Errors
    /// [`Refusal`] when the home cannot be written.
    pub fn make(home: &Home, cohort: u16, world: &mut dyn World) -> Result<Code, Refusal> {
        let code = Code::of(&Secret(world.random()));
        let file = SheetFile {
            key: HEXLOWER.encode(&code.sheet().0),
            cohort,
        };
        let text = format!("{NOTICE}{}", toml::to_string(&file).unwrap_or_default());
        let path = home.path().join(SHEET);
        let written = write_whole(&path, text.as_bytes(), 0o644);
        written
            .map_err(|error| Refusal::new(Kind::Store, format!("{}: {error}", path.display())))?;
        Ok(code)
    }

    /// The sheet of a home.
    ///
    /// # Errors
    /// [`Refusal`] where there is none, or its file is damaged.
    pub fn of(home: &Home) -> Result<Self, Refusal> {
        let path = home.path().join(SHEET);
        let refused = |why: String| {
            let message = format!("{}: {why}", path.display());
            Refusal::new(Kind::Home, message)
        };
        let bytes = match read_small(&path, TEXT_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let message = "there is no sheet yet that opens a backup: 'spean backup --sheet' makes one, \
                               once; write it down and lock it away";
                return Err(Refusal::new(Kind::Home, message));
            }
            Err(error) => return Err(refused(error.to_string())),
        };
        let mend = "make a new sheet: 'spean backup --sheet'";
        let file: SheetFile = toml::from_slice(&bytes)
            .map_err(|_| refused(format!("the file is damaged: {mend}")))?;
        let key = unhex("key", &file.key).map_err(|why| refused(format!("{why}: {mend}")))?;
        Ok(Self {
            key: BoxKey(key),
            cohort: file.cohort,
        })
    }
}

const NOTICE: &str = "\
# What backups of this node are sealed to: the public half of a sheet of paper. Nothing here is secret.
";

/// A backup that is being read, chunk by chunk. Its first chunk, the list of files, was read.
pub struct Opened<R> {
    file: R,
    chunks: Chunks,
    /// What is in it.
    pub manifest: Manifest,
}

impl<R: Read> Opened<R> {
    /// Reads the head, has it opened, and reads the list of files.
    ///
    /// # Errors
    /// [`ReadError`] says what is wrong.
    pub fn start(
        mut file: R,
        open: impl FnOnce(&Head) -> Result<Code, BackupError>,
    ) -> Result<Self, ReadError> {
        let head = read_head(&mut file)?;
        let code = open(&head)?;
        let mut chunks = Chunks::of(&head, &code);
        let (sealed, last) = next(&mut file, &chunks)?.ok_or_else(|| chunks.early())?;
        let manifest = chunks.open_manifest(&sealed, last)?;
        Ok(Self {
            file,
            chunks,
            manifest,
        })
    }

    /// What the next chunk holds; `None` after the last.
    ///
    /// # Errors
    /// [`ReadError`]: also for a file that ends early, or goes on after its last chunk.
    pub fn next_content(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        let Some((sealed, last)) = next(&mut self.file, &self.chunks)? else {
            return match self.chunks.ended() {
                true => Ok(None),
                false => Err(self.chunks.early().into()),
            };
        };
        Ok(Some(self.chunks.open(&sealed, last)?))
    }
}

/// Why a backup could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not as it should be.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The stick said no.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The head of a file.
///
/// # Errors
/// [`ReadError`] where it is no backup.
pub fn read_head(file: &mut impl Read) -> Result<Head, ReadError> {
    Ok(Head::decode(&read(file, HEAD_BYTES)?)?)
}

/// A sealed chunk and whether it is the last; `None` where the file ends before it.
fn next(file: &mut impl Read, chunks: &Chunks) -> Result<Option<(Vec<u8>, bool)>, ReadError> {
    let length = read(file, LENGTH_BYTES)?;
    if length.is_empty() {
        return Ok(None);
    }
    let length: [u8; LENGTH_BYTES] = length.try_into().map_err(|_| chunks.early())?;
    let (length, last) = chunks.length(length)?;
    let sealed = read(file, length)?;
    match sealed.len() == length {
        true => Ok(Some((sealed, last))),
        false => Err(chunks.early().into()),
    }
}

/// So many bytes, or fewer where the file ends.
fn read(file: &mut impl Read, wanted: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(wanted);
    file.take(wanted as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
