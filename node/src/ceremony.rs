//! Where rosters are made: a folder that holds nothing secret, and the key sticks of the roots
//! ([`crate::key_stick`]). It begins once with all sticks in one room; afterwards the head office's
//! node proposes, and so many officials as must sign do so, together or each in his own building.
//!
//! ```text
//! roster.spean      the roster in force, with its signatures
//! proposal.spean    the next one, with the signatures that it has so far
//! ```
//! docs/ceremony.md tells three officials what to do.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use spean_protocol::escrow::{Deposit, Escrow};
use spean_protocol::id::SiteId;
use spean_protocol::roster::{Roster, SignedRoster, Site, wrap_carrier};
use spean_protocol::seal::{Secret, box_key};

use crate::api::{Kind, Refusal};
use crate::home::{EnrolmentRequest, write_whole};
use crate::key_stick::{KeyStick, RootKeys};
use crate::world::World;

/// Cohorts whose escrow keys are made and published ahead, so that the sticks of the officials need
/// not come together for each. A site's key list in a roster has no more.
pub const COHORTS_AHEAD: u16 = 10;

/// A ceremony's folder.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// A root's stick with the passphrase that it is given, or that opens it.
#[derive(Debug)]
pub struct Unlocked<'a> {
    /// The medium.
    pub stick: KeyStick,
    /// None where whoever has the stick has the key.
    pub passphrase: Option<&'a str>,
}

impl Folder {
    /// The folder at a path.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Where the roster in force is.
    #[must_use]
    pub fn roster_path(&self) -> PathBuf {
        self.0.join("roster.spean")
    }

    /// Where the next roster is.
    #[must_use]
    pub fn proposal_path(&self) -> PathBuf {
        self.0.join("proposal.spean")
    }

    /// Makes a root key on each stick, the escrow, and the first roster with the sites that ask to
    /// be in it, which all roots sign.
    ///
    /// # Errors
    /// [`Refusal`] when there is a roster already, a stick cannot be used, or a request is wrong. No
    /// roster is written then.
    pub fn begin(
        &self,
        threshold: u8,
        sticks: &[Unlocked<'_>],
        requests: &[EnrolmentRequest],
        world: &mut dyn World,
    ) -> Result<Roster, Refusal> {
        if self.roster_path().exists() {
            let message = format!("{} has a roster already", self.0.display());
            return Err(Refusal::new(Kind::Refused, message));
        }
        // Before anything is written anywhere.
        for one in sticks {
            one.stick.check_free()?;
        }
        fs::create_dir_all(&self.0).map_err(|error| io(&self.0, &error))?;
        let keys: Vec<RootKeys> = sticks.iter().map(|_| RootKeys::mint(world)).collect();
        let holders = keys.iter().map(RootKeys::holder).collect();
        let mut escrow = Escrow::new(threshold, holders).map_err(|error| {
            let message = format!("--threshold {threshold}, {} sticks: {error}", sticks.len());
            Refusal::new(Kind::Refused, message)
        })?;
        let carrier = Secret(world.random());
        let mut roster = Roster {
            version: 1,
            cohort: 1,
            threshold,
            roots: escrow.holders().iter().map(|holder| holder.root).collect(),
            escrow: BTreeMap::new(),
            sites: Vec::new(),
        };
        deposit(&mut escrow, Deposit::Carrier, &carrier, world)?;
        for cohort in 1..=COHORTS_AHEAD {
            let seed = Secret(world.random());
            deposit(&mut escrow, Deposit::Cohort(cohort), &seed, world)?;
            roster.escrow.insert(cohort, box_key(&seed));
        }
        for request in requests {
            enrol(&mut roster, request, false, &carrier, world)?;
        }
        roster.check().map_err(refused)?;
        let mut signed = SignedRoster::propose(&roster);
        for (number, (one, keys)) in (1..).zip(sticks.iter().zip(&keys)) {
            one.stick.create(number, keys, one.passphrase, world)?;
            one.stick.keep_escrow(&escrow)?;
            one.stick.note_signed(roster.version, &name_of(&signed))?;
            signed.sign(&keys.signing()).map_err(refused)?;
        }
        self.write(&self.roster_path(), &signed)?;
        Ok(roster)
    }

    /// Puts a proposal into the folder, with the roster that it is to follow.
    ///
    /// # Errors
    /// [`Refusal`] when the folder cannot be written.
    pub fn keep_proposal(
        &self,
        held: &SignedRoster,
        proposal: &SignedRoster,
    ) -> Result<(), Refusal> {
        fs::create_dir_all(&self.0).map_err(|error| io(&self.0, &error))?;
        self.write(&self.roster_path(), held)?;
        self.write(&self.proposal_path(), proposal)
    }

    /// Signs the proposal with one stick. Once it has the signatures that it needs it is in force
    /// wherever it is installed.
    ///
    /// # Errors
    /// [`Refusal`] when there is no proposal, it does not follow the roster in force, or the stick is
    /// no root's or cannot be opened.
    pub fn sign(&self, one: &Unlocked<'_>) -> Result<Signatures, Refusal> {
        let held = self.held()?;
        let mut proposal = self.proposal()?;
        let next = proposal.preview().map_err(refused)?;
        if next.version <= held.version {
            let message = format!(
                "{}: version {}, and roster {} is in force: make a new proposal",
                self.proposal_path().display(),
                next.version,
                held.version
            );
            return Err(Refusal::new(Kind::Refused, message));
        }
        let keys = one.stick.unlock(one.passphrase)?;
        if !held.roots.contains(&keys.holder().root) && !next.roots.contains(&keys.holder().root) {
            let message = "the stick's key is no root of this roster: is it the right stick?";
            return Err(Refusal::new(Kind::Refused, message));
        }
        one.stick.note_signed(next.version, &name_of(&proposal))?;
        proposal.sign(&keys.signing()).map_err(refused)?;
        self.write(&self.proposal_path(), &proposal)?;
        Ok(Signatures::of(&held, &next, &proposal))
    }

    /// The roster in force here.
    ///
    /// # Errors
    /// [`Refusal`] when there is none.
    pub fn held(&self) -> Result<Roster, Refusal> {
        read(&self.roster_path())?.preview().map_err(refused)
    }

    /// The next roster, whoever signed it so far.
    ///
    /// # Errors
    /// [`Refusal`] when there is none.
    pub fn proposal(&self) -> Result<SignedRoster, Refusal> {
        let path = self.proposal_path();
        if !path.exists() {
            let message = format!(
                "{}: nothing is proposed: 'spean ceremony propose' at the head office's node does it",
                path.display()
            );
            return Err(Refusal::new(Kind::Refused, message));
        }
        read(&path)
    }

    fn write(&self, path: &Path, signed: &SignedRoster) -> Result<(), Refusal> {
        write_whole(path, &signed.encode(), 0o644).map_err(|error| io(path, &error))
    }
}

/// How many of the roots that must sign have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signatures {
    /// How many have.
    pub found: usize,
    /// How many must.
    pub needed: usize,
}

impl Signatures {
    /// Of a proposal that follows a roster: both must be content.
    #[must_use]
    pub fn of(held: &Roster, next: &Roster, proposal: &SignedRoster) -> Self {
        let by = |roster: &Roster| Self {
            found: proposal.signatures_by(roster),
            needed: usize::from(roster.threshold),
        };
        let (old, new) = (by(held), by(next));
        if old.needed.saturating_sub(old.found) >= new.needed.saturating_sub(new.found) {
            old
        } else {
            new
        }
    }

    /// Whether it can be installed.
    #[must_use]
    pub const fn suffice(self) -> bool {
        self.found >= self.needed
    }
}

/// Adds the site of a request to a roster, or with `again` the new keys of one that is in it: those
/// that it had go on telling what it wrote. Its number follows the highest.
///
/// # Errors
/// [`Refusal`] says what is wrong with the request.
pub fn enrol(
    roster: &mut Roster,
    request: &EnrolmentRequest,
    again: bool,
    carrier: &Secret,
    world: &mut dyn World,
) -> Result<(), Refusal> {
    let wrong = |reason: String| {
        Refusal::new(
            Kind::Refused,
            format!("request of {}: {reason}", request.code),
        )
    };
    let (role, key, public) = request.parts().map_err(wrong)?;
    let wrap = wrap_carrier(carrier, &public, world.random());
    let wrap = wrap.map_err(|error| wrong(format!("box_key: {error}")))?;
    let known = roster.by_code(&request.code).map(|site| site.id);
    let number = roster.sites.iter().map(|site| site.id.0).max();
    match (known, again) {
        (Some(_), false) => Err(wrong(
            "a site of that code is in the roster: --again takes the new keys of a node that was \
             made anew"
                .into(),
        )),
        (None, true) => Err(wrong(
            "no site of that code is in the roster: leave --again out".into(),
        )),
        (None, false) => {
            roster.sites.push(Site {
                id: SiteId(number.unwrap_or(0) + 1),
                code: request.code.clone(),
                name: request.name.clone(),
                role,
                keys: vec![key],
                boxes: BTreeMap::from([(request.cohort, public)]),
                carrier: wrap,
            });
            Ok(())
        }
        (Some(id), true) => {
            let mut sites = roster.sites.iter_mut();
            let Some(site) = sites.find(|site| site.id == id) else {
                return Ok(());
            };
            if site.role != role {
                return Err(wrong("the roster has it in another role".into()));
            }
            if !site.keys.contains(&key) {
                site.keys.push(key);
            }
            site.boxes.insert(request.cohort, public);
            site.carrier = wrap;
            Ok(())
        }
    }
}

fn deposit(
    escrow: &mut Escrow,
    what: Deposit,
    secret: &Secret,
    world: &mut dyn World,
) -> Result<(), Refusal> {
    escrow
        .deposit(what, secret, || world.random())
        .map_err(refused)
}

/// A roster's name, as the sticks note it.
fn name_of(signed: &SignedRoster) -> String {
    data_encoding::HEXLOWER.encode(&signed.hash().0)
}

fn read(path: &Path) -> Result<SignedRoster, Refusal> {
    let bytes = fs::read(path).map_err(|error| io(path, &error))?;
    let signed = SignedRoster::decode(&bytes);
    signed.map_err(|error| {
        Refusal::new(
            Kind::Refused,
            format!("{}: no roster: {error}", path.display()),
        )
    })
}

fn io(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal::new(Kind::Store, format!("{}: {error}", path.display()))
}

fn refused(error: impl std::fmt::Display) -> Refusal {
    Refusal::new(Kind::Refused, error.to_string())
}
