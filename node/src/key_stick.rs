//! A root's key on a medium of its own, in one official's keeping. It is used on a machine that is
//! no node and has no network, and only while something is signed or opened.
//!
//! ```text
//! spean-root.toml    the root's number and public key, and its seed, under a passphrase (0600)
//! spean-escrow.bin   what so many of the roots open together: protocol/src/escrow.rs
//! spean-roster.bin   the roster that was in force when it was used last: what follows is compared
//! spean-signed.toml  the version and the name of the roster that was signed with it last
//! ```
//! Both keys of a root follow from its seed, so that a sheet of paper with the seed is a backup. The
//! other files guard officials against mistakes and against whoever carries their papers; whoever has
//! the key itself, or its sheet, can do without them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use spean_protocol::escrow::{Escrow, EscrowError, Holder};
use spean_protocol::limits::{ESCROW_BYTES_MAX, ROSTER_BYTES_MAX};
use spean_protocol::roster::SignedRoster;
use spean_protocol::seal::{Secret, box_key, derive};
use spean_protocol::sheet;
use zeroize::{Zeroize, Zeroizing};

use crate::api::{Kind, Refusal};
use crate::home::{read_small, unhex, write_whole};
use crate::passphrase;
use crate::world::World;

const ROOT: &str = "spean-root.toml";
const ESCROW: &str = "spean-escrow.bin";
const ROSTER: &str = "spean-roster.bin";
const SIGNED: &str = "spean-signed.toml";

/// Bytes of the files of text.
const TEXT_BYTES_MAX: usize = 4_096;

/// A medium with a root's key.
#[derive(Clone, Debug)]
pub struct KeyStick(PathBuf);

/// A root's keys, in memory as long as they are used.
pub struct RootKeys {
    seed: Secret,
}

/// The key file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RootFile {
    /// The root's number, from 1.
    number: u8,
    /// Ed25519, 64 hexadecimal digits.
    key: String,
    /// Fresh for this file; none where no passphrase was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    salt: Option<String>,
    /// The seed, sealed under the passphrase or, without one, as it is.
    seed: String,
}

impl Drop for RootFile {
    fn drop(&mut self) {
        self.seed.zeroize();
    }
}

/// What was signed last.
#[derive(Serialize, Deserialize)]
struct SignedFile {
    version: u32,
    name: String,
}

impl RootKeys {
    /// New keys.
    #[must_use]
    pub fn mint(world: &mut dyn World) -> Self {
        let seed = Secret(world.random());
        Self { seed }
    }

    /// The key that signs rosters.
    #[must_use]
    pub fn signing(&self) -> SigningKey {
        let seed = Zeroizing::new(derive("spean 2026 root signing key v1", &[&self.seed.0]));
        SigningKey::from_bytes(&seed)
    }

    /// The seed of the box key that opens the escrow together with others.
    #[must_use]
    pub fn box_seed(&self) -> Secret {
        Secret(derive("spean 2026 root box key v1", &[&self.seed.0]))
    }

    /// What the escrow knows of it.
    #[must_use]
    pub fn holder(&self) -> Holder {
        Holder::of(&self.signing(), box_key(&self.box_seed()))
    }

    /// The keys as letters and digits, for paper: number, seed and a check, in groups of four.
    #[must_use]
    pub fn to_paper(&self, number: u8) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(35));
        bytes.push(number);
        bytes.extend_from_slice(&self.seed.0);
        let check = derive("spean 2026 root on paper v1", &[&bytes]);
        bytes.extend_from_slice(&check[..2]);
        sheet::write(&bytes)
    }

    /// Reads what [`RootKeys::to_paper`] wrote, as somebody types it; gives the number too.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_paper(text: &str) -> Result<(u8, Self), Refusal> {
        let wrong = |what: &str| Err(Refusal::new(Kind::Refused, format!("the sheet: {what}")));
        let Some(bytes) = sheet::read(text) else {
            return wrong("56 letters and digits were expected, 14 groups of four");
        };
        let Some((content, check)) = bytes.split_at_checked(33).filter(|(_, c)| c.len() == 2)
        else {
            return wrong("56 letters and digits were expected, 14 groups of four");
        };
        if derive("spean 2026 root on paper v1", &[content])[..2] != *check {
            return wrong("a letter of it is wrong: compare it group by group");
        }
        let mut seed = Secret([0; 32]);
        seed.0.copy_from_slice(&content[1..]);
        Ok((content[0], Self { seed }))
    }
}

impl KeyStick {
    /// The medium that is mounted at a path.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Whether another is the same place.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let place = |stick: &Self| stick.0.canonicalize().unwrap_or_else(|_| stick.0.clone());
        place(self) == place(other)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Whether a root's keys can be put on it: it has none, or those of the same root.
    ///
    /// # Errors
    /// [`Refusal`] when there are others, or no medium.
    pub fn check_free(&self, root: Option<&[u8; 32]>) -> Result<(), Refusal> {
        if !self.0.is_dir() {
            let message = format!("{} is no folder: is the stick in?", self.0.display());
            return Err(Refusal::new(Kind::Store, message));
        }
        if !self.path(ROOT).exists() {
            return Ok(());
        }
        let known = self.read_root()?;
        if root.is_some_and(|root| known.key == HEXLOWER.encode(root)) {
            return Ok(());
        }
        let message = format!(
            "{} holds a root key already: take another stick. If a ceremony was interrupted and no \
             roster came of it, remove its files spean-* and begin again",
            self.0.display()
        );
        Err(Refusal::new(Kind::Refused, message))
    }

    /// Puts a root's keys on a medium, with what belongs to them. The keys come last: with them it
    /// counts as made.
    ///
    /// # Errors
    /// [`Refusal`] when it has other keys, or cannot be written.
    pub fn create(
        &self,
        number: u8,
        keys: &RootKeys,
        passphrase: Option<&str>,
        world: &mut dyn World,
    ) -> Result<(), Refusal> {
        let holder = keys.holder();
        self.check_free(Some(&holder.root))?;
        let salt = passphrase.map(|_| world.random());
        let seed = Zeroizing::new(match (passphrase, &salt) {
            (Some(words), Some(salt)) => {
                passphrase::seal(words, salt, &whose(number, &holder.root), &keys.seed)
            }
            _ => keys.seed.0.to_vec(),
        });
        let hex = |bytes: &[u8]| HEXLOWER.encode(bytes);
        let file = RootFile {
            number,
            key: hex(&holder.root),
            salt: salt.map(|salt| hex(&salt)),
            seed: hex(&seed),
        };
        let text = Zeroizing::new(toml::to_string(&file).unwrap_or_default());
        let text = Zeroizing::new(format!("{NOTICE}{}", *text));
        self.write(ROOT, text.as_bytes())
    }

    /// The root's number.
    ///
    /// # Errors
    /// [`Refusal`] when there is no key.
    pub fn number(&self) -> Result<u8, Refusal> {
        Ok(self.read_root()?.number)
    }

    /// The root's public key; whoever unlocks it knows whether it is true.
    ///
    /// # Errors
    /// As [`KeyStick::number`].
    pub fn root(&self) -> Result<[u8; 32], Refusal> {
        let key = unhex("key", &self.read_root()?.key);
        key.map_err(|reason| self.refused(ROOT, &reason))
    }

    /// Whether a passphrase is needed.
    ///
    /// # Errors
    /// As [`KeyStick::number`].
    pub fn is_locked(&self) -> Result<bool, Refusal> {
        Ok(self.read_root()?.salt.is_some())
    }

    /// Reads the keys.
    ///
    /// # Errors
    /// [`Refusal`] for another passphrase, or a file that is none.
    pub fn unlock(&self, passphrase: Option<&str>) -> Result<RootKeys, Refusal> {
        let file = self.read_root()?;
        let wrong = |reason: String| self.refused(ROOT, &reason);
        let root = self.root()?;
        let seed = match &file.salt {
            None => Secret(unhex("seed", &file.seed).map_err(wrong)?),
            Some(salt) => {
                let salt = unhex("salt", salt).map_err(wrong)?;
                let sealed = HEXLOWER.decode(file.seed.as_bytes());
                let sealed =
                    sealed.map_err(|_| wrong("seed: expected hexadecimal digits".into()))?;
                let words = passphrase.ok_or_else(|| wrong("a passphrase is needed".into()))?;
                passphrase::open(words, &salt, &whose(file.number, &root), &sealed)
                    .ok_or_else(|| wrong("another passphrase, or the file was changed".into()))?
            }
        };
        let keys = RootKeys { seed };
        if keys.holder().root != root {
            return Err(wrong(
                "the seed is another key's: the file was changed".into(),
            ));
        }
        Ok(keys)
    }

    /// The escrow, where it is on this medium.
    ///
    /// # Errors
    /// [`Refusal`] when it is damaged.
    pub fn escrow(&self) -> Result<Option<Escrow>, Refusal> {
        let Some(bytes) = self.read(ESCROW, ESCROW_BYTES_MAX)? else {
            return Ok(None);
        };
        let damaged = |error: EscrowError| {
            let mend = "make the stick anew: 'spean ceremony restore', with --from a good one";
            self.refused(ESCROW, &format!("{error}. {mend}"))
        };
        Escrow::decode(&bytes).map(Some).map_err(damaged)
    }

    /// Writes the escrow.
    ///
    /// # Errors
    /// [`Refusal`] when the medium cannot be written.
    pub fn keep_escrow(&self, escrow: &Escrow) -> Result<(), Refusal> {
        self.write(ESCROW, &escrow.encode())
    }

    /// The roster that was in force when the stick was used last.
    ///
    /// # Errors
    /// [`Refusal`] when it is damaged.
    pub fn roster(&self) -> Result<Option<SignedRoster>, Refusal> {
        let Some(bytes) = self.read(ROSTER, ROSTER_BYTES_MAX)? else {
            return Ok(None);
        };
        let signed = SignedRoster::decode(&bytes);
        signed
            .map(Some)
            .map_err(|error| self.refused(ROSTER, &error.to_string()))
    }

    /// Keeps the roster in force.
    ///
    /// # Errors
    /// [`Refusal`] when the medium cannot be written.
    pub fn keep_roster(&self, roster: &SignedRoster) -> Result<(), Refusal> {
        self.write(ROSTER, &roster.encode())
    }

    /// Notes what is about to be signed: one roster of each version, and none that is older than the
    /// last.
    ///
    /// # Errors
    /// [`Refusal`] says which was signed before.
    pub fn note_signed(&self, version: u32, name: &str) -> Result<(), Refusal> {
        let last = self.read_signed()?;
        if let Some(last) = last
            .filter(|last| version < last.version || version == last.version && name != last.name)
        {
            let message = format!(
                "{}: this key has signed another roster {} already, and two of one version must not be in \
                 the world: propose again into this folder, and it gets a later version",
                self.0.display(),
                last.version
            );
            return Err(Refusal::new(Kind::Refused, message));
        }
        let file = SignedFile {
            version,
            name: name.to_owned(),
        };
        self.write(
            SIGNED,
            toml::to_string(&file).unwrap_or_default().as_bytes(),
        )
    }

    /// The highest version of a roster that was signed with it; 0 for none.
    ///
    /// # Errors
    /// [`Refusal`] when the note of it is damaged.
    pub fn last_signed(&self) -> Result<u32, Refusal> {
        Ok(self.read_signed()?.map_or(0, |last| last.version))
    }

    fn read_signed(&self) -> Result<Option<SignedFile>, Refusal> {
        let Some(bytes) = self.read(SIGNED, TEXT_BYTES_MAX)? else {
            return Ok(None);
        };
        let last = toml::from_slice(&bytes).map_err(|_| {
            let mend = "make the stick anew from its sheet: 'spean ceremony restore'";
            self.refused(SIGNED, &format!("the file is damaged. {mend}"))
        })?;
        Ok(Some(last))
    }

    fn read_root(&self) -> Result<RootFile, Refusal> {
        let none = || {
            let message = format!(
                "{}: no root key there: is it the right stick?",
                self.0.display()
            );
            Refusal::new(Kind::Refused, message)
        };
        let bytes = Zeroizing::new(self.read(ROOT, TEXT_BYTES_MAX)?.ok_or_else(none)?);
        // What the parser says could show part of the seed, so it is not passed on.
        toml::from_slice(&bytes).map_err(|_| self.refused(ROOT, "not a root key's file"))
    }

    fn read(&self, name: &str, most: usize) -> Result<Option<Vec<u8>>, Refusal> {
        match read_small(&self.path(name), most) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.io(name, &error)),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Refusal> {
        write_whole(&self.path(name), bytes, 0o600).map_err(|error| self.io(name, &error))
    }

    fn io(&self, name: &str, error: &std::io::Error) -> Refusal {
        Refusal::new(
            Kind::Store,
            format!("{}: {error}", self.path(name).display()),
        )
    }

    fn refused(&self, name: &str, reason: &str) -> Refusal {
        Refusal::new(
            Kind::Refused,
            format!("{}: {reason}", self.path(name).display()),
        )
    }
}

/// To whom a sealed seed is bound.
fn whose(number: u8, root: &[u8; 32]) -> Vec<u8> {
    [&[number], root.as_slice()].concat()
}

const NOTICE: &str = "\
# A root key of Spean. Keep this stick locked away; never put it into a node, or into a machine with a
# network.
";
