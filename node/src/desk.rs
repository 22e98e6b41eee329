//! The roster desk: a directory where whoever keeps the roster makes root keys, adds sites and
//! signs. It belongs on a machine that is no node and has no network.
//!
//! ```text
//! root-1.key ...    the root keys' seeds, 64 hexadecimal digits each (0600)
//! carrier.key       the key that seals sticks outside; the roster holds it sealed to each site
//! escrow.key        the escrow's box key seed
//! roster.spean      the newest roster with the signatures that it has so far
//! ```
//! The ceremony on separate offline media comes with the keys work; here all roots lie together.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use ed25519_dalek::SigningKey;
use spean_protocol::id::SiteId;
use spean_protocol::roster::{Roster, SignedRoster, Site, wrap_carrier};
use spean_protocol::seal::{Secret, box_key};

use crate::api::{Kind, Refusal};
use crate::home::{EnrolmentRequest, unhex};
use crate::world::World;

/// A desk directory.
#[derive(Clone, Debug)]
pub struct Desk(PathBuf);

impl Desk {
    /// The desk at a path.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Where the newest roster is.
    #[must_use]
    pub fn roster_path(&self) -> PathBuf {
        self.0.join("roster.spean")
    }

    /// Makes root keys, the carrier key, an escrow key, and an empty roster that all roots sign.
    ///
    /// # Errors
    /// [`Refusal`] when there is a desk already, or the numbers do not fit.
    pub fn create(
        &self,
        (threshold, roots): (u8, u8),
        world: &mut dyn World,
    ) -> Result<Roster, Refusal> {
        if threshold == 0 || threshold > roots || roots > 16 {
            let message = "--threshold must be from 1 to --roots, and --roots at most 16";
            return Err(Refusal::new(Kind::Refused, message));
        }
        if self.roster_path().exists() {
            let message = format!("{} is a roster desk already", self.0.display());
            return Err(Refusal::new(Kind::Refused, message));
        }
        fs::create_dir_all(&self.0).map_err(|error| io(&self.0, &error))?;
        let mut keys = Vec::new();
        for number in 1..=roots {
            let key = SigningKey::from_bytes(&world.random());
            self.write_key(&format!("root-{number}.key"), key.as_bytes())?;
            keys.push(key.verifying_key().to_bytes());
        }
        self.write_key("carrier.key", &world.random())?;
        let escrow = Secret(world.random());
        self.write_key("escrow.key", &escrow.0)?;
        let roster = Roster {
            version: 1,
            cohort: 1,
            threshold,
            roots: keys,
            escrow: BTreeMap::from([(1, box_key(&escrow))]),
            sites: Vec::new(),
        };
        self.propose(&roster)?;
        self.sign(None)?;
        Ok(roster)
    }

    /// Adds sites from their enrolment requests: the next version, not signed yet.
    ///
    /// # Errors
    /// [`Refusal`] names the request and what is wrong with it.
    pub fn add(&self, requests: &[PathBuf], world: &mut dyn World) -> Result<Roster, Refusal> {
        let mut roster = self.preview()?;
        let carrier = Secret(self.read_key("carrier.key")?);
        for path in requests {
            let wrong = |reason: String| {
                Refusal::new(Kind::Refused, format!("{}: {reason}", path.display()))
            };
            let text = fs::read_to_string(path).map_err(|error| io(path, &error))?;
            let request: EnrolmentRequest =
                toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
            let (role, key, public) = request.parts().map_err(wrong)?;
            let highest = roster.sites.iter().map(|site| site.id.0).max().unwrap_or(0);
            let wrap = wrap_carrier(&carrier, &public, world.random());
            let wrap = wrap.map_err(|error| wrong(format!("box_key: {error}")))?;
            roster.sites.push(Site {
                id: SiteId(highest + 1),
                code: request.code,
                name: request.name,
                role,
                keys: vec![key],
                boxes: BTreeMap::from([(request.cohort, public)]),
                carrier: wrap,
            });
        }
        roster.version += 1;
        self.propose(&roster)?;
        Ok(roster)
    }

    /// Signs the newest roster with one root key, or with every root key on the desk.
    ///
    /// # Errors
    /// [`Refusal`] when a key is missing or no root of this roster.
    pub fn sign(&self, root: Option<&Path>) -> Result<(usize, u8), Refusal> {
        let mut signed = self.read()?;
        let roster = signed.preview().map_err(refused)?;
        let files: Vec<PathBuf> = match root {
            Some(path) => vec![path.to_owned()],
            None => (1..=roster.roots.len())
                .map(|number| self.0.join(format!("root-{number}.key")))
                .filter(|path| path.exists())
                .collect(),
        };
        for path in files {
            let key = SigningKey::from_bytes(&read_key(&path)?);
            if !signed.sign(&key).map_err(refused)? {
                let message = format!("{}: no root key of this roster", path.display());
                return Err(Refusal::new(Kind::Refused, message));
            }
        }
        self.write(&signed)?;
        Ok((signed.signatures_by(&roster), roster.threshold))
    }

    /// The newest roster, signed or not.
    ///
    /// # Errors
    /// [`Refusal`] when there is no desk.
    pub fn preview(&self) -> Result<Roster, Refusal> {
        self.read()?.preview().map_err(refused)
    }

    fn read(&self) -> Result<SignedRoster, Refusal> {
        let path = self.roster_path();
        let bytes = fs::read(&path).map_err(|error| io(&path, &error))?;
        SignedRoster::decode(&bytes).map_err(refused)
    }

    fn propose(&self, roster: &Roster) -> Result<(), Refusal> {
        roster.check().map_err(refused)?;
        self.write(&SignedRoster::propose(roster))
    }

    fn write(&self, signed: &SignedRoster) -> Result<(), Refusal> {
        let path = self.roster_path();
        let half = path.with_extension("part");
        fs::write(&half, signed.encode()).map_err(|error| io(&half, &error))?;
        fs::rename(&half, &path).map_err(|error| io(&path, &error))
    }

    fn write_key(&self, name: &str, bytes: &[u8; 32]) -> Result<(), Refusal> {
        let path = self.0.join(name);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        let text = HEXLOWER.encode(bytes);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| io(&path, &error))
    }

    fn read_key(&self, name: &str) -> Result<[u8; 32], Refusal> {
        read_key(&self.0.join(name))
    }
}

fn read_key(path: &Path) -> Result<[u8; 32], Refusal> {
    let text = fs::read_to_string(path).map_err(|error| io(path, &error))?;
    unhex("key", text.trim())
        .map_err(|error| Refusal::new(Kind::Refused, format!("{}: {error}", path.display())))
}

fn io(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal::new(Kind::Home, format!("{}: {error}", path.display()))
}

fn refused(error: impl std::fmt::Display) -> Refusal {
    Refusal::new(Kind::Refused, error.to_string())
}
