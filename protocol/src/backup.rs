//! A backup of a node as one file, which a finder of the stick cannot read: a code of its own, made
//! fresh for it, seals it, in chunks that each verify by themselves. That code is sealed twice: to
//! the sheet of paper of its site, and to the escrow, which two officials open.
//!
//! ```text
//! "SPEANK01" | id (16) | code for the sheet (66) | code for the escrow (66, or zeros) | chunk ...
//! chunk = length (4, little-endian; highest bit: the last chunk) | sealed
//! sealed under derive("backup chunk", derive("backup", code | id) | number | last)
//! ```
//! The machine that writes it keeps the public half of the sheet's key alone, so that it can be
//! done every night with nobody there.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::codec::{self, DecodeError};
use crate::id::SiteId;
use crate::limits::{BACKUP_CHUNK_BYTES_MAX, BACKUP_FILES_MAX};
use crate::seal::{self, BOX_BYTES, BoxKey, SealError, Secret, TAG_BYTES, box_key, derive};
use crate::sheet;

/// What a backup starts with.
pub const MAGIC: [u8; 8] = *b"SPEANK01";

/// Secret bytes of a code: 144 bits, which nobody guesses, in letters that somebody can type.
const CODE_BYTES: usize = 18;

/// A code as it is sealed to somebody.
const SEALED_BYTES: usize = CODE_BYTES + BOX_BYTES;

/// Bytes before the first chunk.
pub const HEAD_BYTES: usize = 24 + 2 * SEALED_BYTES;

/// Bytes before each chunk's own.
pub const LENGTH_BYTES: usize = 4;

const LAST: u32 = 1 << 31;

/// Why a backup was refused. Nothing of it counts then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// It does not start like a backup.
    #[error("this file is not a Spean backup")]
    NotABackup,
    /// A later version of the format.
    #[error("this backup was written by a newer program: restore it with that one")]
    Newer,
    /// What was typed has another length.
    #[error("32 letters and digits were expected, 8 groups of four")]
    NotACode,
    /// What was typed does not fit its own check.
    #[error("a letter is wrong: compare it group by group")]
    Mistyped,
    /// A sheet to which this file is not sealed.
    #[error("another sheet opens this backup: look for the one that was in force on its day")]
    OtherSheet,
    /// None of these keys of the escrow.
    #[error("the escrow on these sticks does not open this backup")]
    OtherEscrow,
    /// The first chunk does not open: another code, or another head.
    #[error("it does not open: the code is of another backup, or the file was changed")]
    Closed,
    /// A chunk was changed, or is not in its place.
    #[error("damaged at chunk {0}: take an older backup, or another stick")]
    Damaged(u64),
    /// The file stops before its last chunk.
    #[error("it ends early, after chunk {0}: copy it again, or take an older backup")]
    EndsEarly(u64),
    /// There is something after the last chunk.
    #[error("there is something after its last chunk: the file was changed")]
    LeftOver,
    /// What is in it does not read.
    #[error("its list of files: {0}")]
    Decode(#[from] DecodeError),
}

/// What a code on paper opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    /// All backups of a site that were sealed to this sheet.
    Sheet,
    /// One backup: what officials read out of the escrow, for one prison and one file.
    One,
}

impl Opens {
    const fn byte(self) -> u8 {
        match self {
            Self::Sheet => 0,
            Self::One => 1,
        }
    }
}

/// A secret that somebody can type. Wiped when dropped, never printed but by [`Code::to_paper`].
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Code([u8; CODE_BYTES]);

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(..)")
    }
}

impl Code {
    /// A code of fresh random bytes.
    #[must_use]
    pub fn of(random: &Secret) -> Self {
        let mut code = [0; CODE_BYTES];
        code.copy_from_slice(&random.0[..CODE_BYTES]);
        Self(code)
    }

    /// The key to which backups are sealed where this code is a sheet's.
    #[must_use]
    pub fn sheet(&self) -> BoxKey {
        box_key(&self.seed())
    }

    fn seed(&self) -> Secret {
        Secret(derive("spean 2026 backup sheet v1", &[&self.0]))
    }

    fn check(&self, opens: Opens) -> [u8; 2] {
        let check = derive(
            "spean 2026 backup on paper v1",
            &[&[opens.byte()], self.0.as_slice()],
        );
        [check[0], check[1]]
    }

    /// The code in letters and digits, with a check, in 8 groups of four.
    #[must_use]
    pub fn to_paper(&self, opens: Opens) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; CODE_BYTES + 2]);
        bytes[..CODE_BYTES].copy_from_slice(&self.0);
        bytes[CODE_BYTES..].copy_from_slice(&self.check(opens));
        sheet::write(&*bytes)
    }

    /// Reads what [`Code::to_paper`] wrote, as somebody types it.
    ///
    /// # Errors
    /// [`BackupError::NotACode`] or [`BackupError::Mistyped`].
    pub fn from_paper(text: &str) -> Result<(Opens, Self), BackupError> {
        let bytes = sheet::read(text).ok_or(BackupError::NotACode)?;
        let (code, check) = bytes
            .split_at_checked(CODE_BYTES)
            .ok_or(BackupError::NotACode)?;
        let code = Self(code.try_into().map_err(|_| BackupError::NotACode)?);
        if check.len() != 2 {
            return Err(BackupError::NotACode);
        }
        let opens = [Opens::Sheet, Opens::One]
            .into_iter()
            .find(|opens| code.check(*opens) == check);
        Ok((opens.ok_or(BackupError::Mistyped)?, code))
    }
}

/// What is in a backup: its first chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Whose node it is.
    pub site: SiteId,
    /// The site's code, for people.
    pub code: String,
    /// The site's name, for people.
    pub name: String,
    /// The node's wall clock when it was made, seconds since 1970.
    pub stamp: u64,
    /// The version of the store's schema.
    pub store: u32,
    /// The files by name, with their lengths, in the order in which their bytes follow.
    pub files: Vec<(String, u64)>,
}

/// The head of a backup: who can open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    id: [u8; 16],
    sheet: [u8; SEALED_BYTES],
    escrow: Option<[u8; SEALED_BYTES]>,
}

impl Head {
    /// Seals the code of a backup to a sheet and, where there is one, to the escrow. `id` is fresh;
    /// `entropy` gives fresh bytes at each call.
    ///
    /// # Errors
    /// [`SealError::BadBoxKey`] for a key that is none.
    pub fn seal(
        id: [u8; 16],
        code: &Code,
        sheet: &BoxKey,
        escrow: Option<&BoxKey>,
        mut entropy: impl FnMut() -> [u8; 32],
    ) -> Result<Self, SealError> {
        let mut to = |key: &BoxKey, whose: u8| {
            let sealed = seal::box_seal(key, &info(&id, whose), &code.0, entropy())?;
            <[u8; SEALED_BYTES]>::try_from(sealed).map_err(|_| SealError::Malformed)
        };
        Ok(Self {
            id,
            sheet: to(sheet, SHEET)?,
            escrow: escrow.map(|key| to(key, ESCROW)).transpose()?,
        })
    }

    /// The head as it stands in the file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let escrow = self.escrow.unwrap_or([0; SEALED_BYTES]);
        [&MAGIC[..], &self.id, &self.sheet, &escrow].concat()
    }

    /// Reads the first [`HEAD_BYTES`] of a file, or fewer where it is shorter.
    ///
    /// # Errors
    /// [`BackupError`] says what it is instead.
    pub fn decode(bytes: &[u8]) -> Result<Self, BackupError> {
        let magic = bytes.get(..8).ok_or(BackupError::NotABackup)?;
        if magic[..6] != MAGIC[..6] {
            return Err(BackupError::NotABackup);
        }
        if magic != MAGIC {
            return Err(BackupError::Newer);
        }
        let early = || BackupError::EndsEarly(0);
        let (id, rest) = bytes[8..].split_first_chunk().ok_or_else(early)?;
        let (sheet, rest) = rest.split_first_chunk().ok_or_else(early)?;
        let escrow: &[u8; SEALED_BYTES] = rest.try_into().map_err(|_| early())?;
        Ok(Self {
            id: *id,
            sheet: *sheet,
            escrow: Some(*escrow).filter(|sealed| *sealed != [0; SEALED_BYTES]),
        })
    }

    /// The code of this backup, by a code on paper.
    ///
    /// # Errors
    /// [`BackupError::OtherSheet`].
    pub fn open(&self, opens: Opens, code: &Code) -> Result<Code, BackupError> {
        match opens {
            Opens::One => Ok(code.clone()),
            Opens::Sheet => self
                .open_box(&code.seed(), SHEET, &self.sheet)
                .ok_or(BackupError::OtherSheet),
        }
    }

    /// The code of this backup, by the escrow's keys of all cohorts.
    ///
    /// # Errors
    /// [`BackupError::OtherEscrow`].
    pub fn open_by_escrow(&self, seeds: &[Secret]) -> Result<Code, BackupError> {
        let sealed = self.escrow.ok_or(BackupError::OtherEscrow)?;
        let mut opened = seeds.iter();
        opened
            .find_map(|seed| self.open_box(seed, ESCROW, &sealed))
            .ok_or(BackupError::OtherEscrow)
    }

    fn open_box(&self, seed: &Secret, whose: u8, sealed: &[u8]) -> Option<Code> {
        let opened = seal::box_open(seed, &info(&self.id, whose), sealed).ok()?;
        let opened = Zeroizing::new(opened);
        Some(Code(opened.as_slice().try_into().ok()?))
    }
}

const SHEET: u8 = 0;
const ESCROW: u8 = 1;

fn info(id: &[u8; 16], whose: u8) -> Vec<u8> {
    [b"spean backup v1".as_slice(), id, &[whose]].concat()
}

/// Seals or opens the chunks of one backup, one after the other.
#[derive(Debug)]
pub struct Chunks {
    key: Secret,
    number: u64,
    ended: bool,
}

impl Chunks {
    /// Those of the backup with this head, by its code.
    #[must_use]
    pub fn of(head: &Head, code: &Code) -> Self {
        Self {
            key: Secret(derive("spean 2026 backup v1", &[&code.0, &head.id])),
            number: 0,
            ended: false,
        }
    }

    fn next_key(&self, last: bool) -> Secret {
        let parts: [&[u8]; 3] = [&self.key.0, &self.number.to_le_bytes(), &[u8::from(last)]];
        Secret(derive("spean 2026 backup chunk v1", &parts))
    }

    /// Seals the next chunk: what to append to the file.
    ///
    /// # Errors
    /// [`SealError::TooLarge`] for more than [`BACKUP_CHUNK_BYTES_MAX`].
    pub fn seal(&mut self, content: &[u8], last: bool) -> Result<Vec<u8>, SealError> {
        if content.len() > BACKUP_CHUNK_BYTES_MAX {
            return Err(SealError::TooLarge);
        }
        let sealed = seal::seal_once(&self.next_key(last).0, &[], content)?;
        let length = u32::try_from(sealed.len()).map_err(|_| SealError::TooLarge)?;
        let length = length | if last { LAST } else { 0 };
        self.number += 1;
        Ok([length.to_le_bytes().as_slice(), &sealed].concat())
    }

    /// The list of files as its first chunk.
    ///
    /// # Errors
    /// [`SealError::TooLarge`] where it does not fit.
    pub fn seal_manifest(&mut self, manifest: &Manifest) -> Result<Vec<u8>, SealError> {
        self.seal(&codec::encode(manifest), false)
    }

    /// The length of the chunk that follows these bytes, and whether it is the last.
    ///
    /// # Errors
    /// [`BackupError::LeftOver`] after the last, [`BackupError::Damaged`] for an impossible length.
    pub fn length(&self, bytes: [u8; LENGTH_BYTES]) -> Result<(usize, bool), BackupError> {
        if self.ended {
            return Err(BackupError::LeftOver);
        }
        let word = u32::from_le_bytes(bytes);
        let damaged = || BackupError::Damaged(self.number);
        let length = usize::try_from(word & !LAST).map_err(|_| damaged())?;
        if !(TAG_BYTES..=BACKUP_CHUNK_BYTES_MAX + TAG_BYTES).contains(&length) {
            return Err(damaged());
        }
        Ok((length, word & LAST != 0))
    }

    /// Opens the next chunk.
    ///
    /// # Errors
    /// [`BackupError::Closed`] for the first, [`BackupError::Damaged`] for others.
    pub fn open(&mut self, sealed: &[u8], last: bool) -> Result<Zeroizing<Vec<u8>>, BackupError> {
        let content = seal::open_once(&self.next_key(last).0, &[], sealed);
        let content = content.map_err(|_| match self.number {
            0 => BackupError::Closed,
            number => BackupError::Damaged(number),
        })?;
        self.number += 1;
        self.ended = last;
        Ok(Zeroizing::new(content))
    }

    /// Opens the first chunk.
    ///
    /// # Errors
    /// [`BackupError::Closed`] or [`BackupError::Decode`].
    pub fn open_manifest(&mut self, sealed: &[u8], last: bool) -> Result<Manifest, BackupError> {
        let manifest: Manifest = codec::decode(&self.open(sealed, last)?)?;
        codec::at_most(manifest.files.len(), BACKUP_FILES_MAX)?;
        let text = [&manifest.code, &manifest.name];
        // It is shown on a screen: nothing in it may steer one.
        if text.iter().any(|text| text.chars().any(char::is_control)) {
            return Err(DecodeError::Malformed.into());
        }
        Ok(manifest)
    }

    /// The error for a file that stops here.
    #[must_use]
    pub const fn early(&self) -> BackupError {
        BackupError::EndsEarly(self.number)
    }

    /// Whether the last chunk was opened.
    #[must_use]
    pub const fn ended(&self) -> bool {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn head(sheet: &Code, code: &Code, escrow: Option<&BoxKey>) -> Head {
        Head::seal([5; 16], code, &sheet.sheet(), escrow, || [6; 32]).unwrap()
    }

    /// Goal: a code is read as it was written, however it is typed, and a slip of the finger is told.
    /// Method: each letter changed in turn.
    #[test]
    fn a_code_is_typed() {
        let code = Code::of(&Secret([7; 32]));
        for opens in [Opens::Sheet, Opens::One] {
            let paper = code.to_paper(opens);
            assert_eq!(paper.split(' ').count(), 8);
            let read = Code::from_paper(&paper.to_lowercase().replace(' ', "-"));
            assert_eq!(read.unwrap(), (opens, code.clone()));
            let mut refused = 0;
            for at in 0..paper.len() {
                let mut other = paper.as_bytes().to_vec();
                other[at] = if other[at] == b'A' { b'C' } else { b'A' };
                let other = String::from_utf8(other).unwrap();
                let read = Code::from_paper(&other);
                refused += usize::from(read.is_err());
            }
            assert!(refused >= 38, "one in 32,768 passes by chance: {refused}");
        }
        assert_eq!(Code::from_paper("AAAA"), Err(BackupError::NotACode));
        let long = code.to_paper(Opens::One).to_string() + "AAAA AAAA";
        assert_eq!(Code::from_paper(&long), Err(BackupError::NotACode));
    }

    /// Goal: the sheet and the escrow open it, and nobody else.
    #[test]
    fn who_opens_it() {
        let (sheet, code) = (Code::of(&Secret([1; 32])), Code::of(&Secret([2; 32])));
        let escrow = Secret([3; 32]);
        let sealed = head(&sheet, &code, Some(&box_key(&escrow)));
        let read = Head::decode(&sealed.encode()).unwrap();
        assert_eq!(read, sealed);
        assert_eq!(read.open(Opens::Sheet, &sheet).unwrap(), code);
        assert_eq!(read.open(Opens::Sheet, &code), Err(BackupError::OtherSheet));
        let seeds = [Secret([4; 32]), escrow];
        assert_eq!(read.open_by_escrow(&seeds).unwrap(), code);
        assert_eq!(
            read.open_by_escrow(&seeds[..1]),
            Err(BackupError::OtherEscrow)
        );
        let without = Head::decode(&head(&sheet, &code, None).encode()).unwrap();
        assert_eq!(
            without.open_by_escrow(&seeds),
            Err(BackupError::OtherEscrow)
        );
    }

    /// Goal: chunks open in their order, whole, under their code, and not otherwise.
    #[test]
    fn chunks_are_in_their_places() {
        let (sheet, code) = (Code::of(&Secret([1; 32])), Code::of(&Secret([2; 32])));
        let head = head(&sheet, &code, None);
        let mut writer = Chunks::of(&head, &code);
        let first = writer.seal(b"one", false).unwrap();
        let second = writer.seal(b"two", true).unwrap();
        let mut reader = Chunks::of(&head, &code);
        let length = |reader: &Chunks, chunk: &[u8]| reader.length(*chunk.first_chunk().unwrap());
        assert_eq!(reader.open(&second[4..], true), Err(BackupError::Closed));
        assert_eq!(length(&reader, &first), Ok((19, false)));
        assert_eq!(**reader.open(&first[4..], false).unwrap(), *b"one");
        assert_eq!(
            reader.open(&second[4..], false),
            Err(BackupError::Damaged(1)),
            "that it is the last is sealed with it"
        );
        assert_eq!(reader.early(), BackupError::EndsEarly(1));
        assert_eq!(length(&reader, &second), Ok((19, true)));
        assert_eq!(**reader.open(&second[4..], true).unwrap(), *b"two");
        assert!(reader.ended());
        assert_eq!(length(&reader, &first), Err(BackupError::LeftOver));
        let other = Code::of(&Secret([9; 32]));
        let opened = Chunks::of(&head, &other).open(&first[4..], false);
        assert_eq!(opened, Err(BackupError::Closed));
        let huge = Chunks::of(&head, &code).length([255, 255, 255, 0]);
        assert_eq!(huge, Err(BackupError::Damaged(0)));
    }
}
