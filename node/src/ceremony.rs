//! Where rosters are made: a folder that holds nothing secret, and the key sticks of the roots
//! ([`crate::key_stick`]). It begins once with all sticks in one room; afterwards the head office's
//! node proposes, and so many officials as must sign do so, together or each in his own building.
//!
//! ```text
//! roster.spean      the roster in force, with its signatures
//! proposal.spean    the next one, with the signatures that it has so far
//! evidence.spean    where it goes on to the next cohort: what the sites' nodes signed of their keys
//! ```
//! docs/ceremony.md tells three officials what to do.

mod replace;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use spean_protocol::codec;
use spean_protocol::control::Entry;
use spean_protocol::escrow::{Deposit, Escrow};
use spean_protocol::id::SiteId;
use spean_protocol::limits::{ROSTER_BYTES_MAX, SEGMENT_BYTES_MAX, SITES_MAX};
use spean_protocol::roster::{Revocation, Roster, SignedRoster, Site, wrap_carrier};
use spean_protocol::seal::{BoxKey, Secret, box_key};
use spean_protocol::segment::{Log, Segment};

use crate::api::{Kind, Refusal};
use crate::home::{EnrolmentRequest, read_small, write_whole};
use crate::key_stick::{KeyStick, RootKeys};
use crate::world::World;

/// Cohorts whose escrow keys are made and published ahead, so that the sticks of the officials need
/// not come together for each.
pub const COHORTS_AHEAD: u16 = 10;

/// Versions between a roster and the next: a proposal that is never signed takes one. More would be a
/// mistake, or somebody who wants to leave no number for the next.
const VERSIONS_AHEAD_MAX: u32 = 1_000;

/// Cohorts of which a roster lists a site's box key.
const BOXES_LISTED: u16 = 3;

/// Bytes of the file of evidence: a control segment for each site.
const EVIDENCE_BYTES_MAX: usize = SITES_MAX * SEGMENT_BYTES_MAX;

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
    /// root key is written then.
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
        if usize::from(threshold) * 2 <= sticks.len() {
            let message = "--threshold: more than half of the roots must sign, or two halves could";
            return Err(Refusal::new(Kind::Refused, message));
        }
        // Before anything is written anywhere.
        for (at, one) in sticks.iter().enumerate() {
            one.stick.check_free(None)?;
            if sticks[..at].iter().any(|other| other.stick.is(&one.stick)) {
                let message = "two of the sticks are one: each root has its own";
                return Err(Refusal::new(Kind::Refused, message));
            }
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
            revoked: Vec::new(),
            shredded: 0,
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
        for keys in &keys {
            signed.sign(&keys.signing()).map_err(refused)?;
        }
        for one in sticks {
            one.stick.keep_escrow(&escrow)?;
            one.stick.keep_roster(&signed)?;
            one.stick.note_signed(roster.version, &name_of(&signed))?;
        }
        for (number, (one, keys)) in (1..).zip(sticks.iter().zip(&keys)) {
            one.stick.create(number, keys, one.passphrase, world)?;
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
        evidence: &[Vec<u8>],
    ) -> Result<(), Refusal> {
        fs::create_dir_all(&self.0).map_err(|error| io(&self.0, &error))?;
        self.write(&self.roster_path(), held)?;
        let path = self.evidence_path();
        let bytes = codec::encode(&evidence);
        write_whole(&path, &bytes, 0o644).map_err(|error| io(&path, &error))?;
        self.write(&self.proposal_path(), proposal)
    }

    fn evidence_path(&self) -> PathBuf {
        self.0.join("evidence.spean")
    }

    /// The box keys that nodes have signed themselves, as far as the folder tells: whoever carries it
    /// can leave some out, and add none.
    fn evidence(&self, held: &Roster) -> Result<BTreeSet<(SiteId, u16, BoxKey)>, Refusal> {
        let path = self.evidence_path();
        let mut found = BTreeSet::new();
        if !path.exists() {
            return Ok(found);
        }
        let bytes = read_small(&path, EVIDENCE_BYTES_MAX).map_err(|error| io(&path, &error))?;
        let segments: Vec<Vec<u8>> = codec::decode(&bytes).unwrap_or_default();
        for bytes in segments {
            let Ok(segment) = Segment::decode(&bytes) else {
                continue;
            };
            let site = segment.header.site;
            let newest = held.keys(site).last();
            if segment.header.log != Log::Control || segment.verify(newest).is_err() {
                continue;
            }
            for parcel in segment.parcels.iter().flatten() {
                if let Ok(Entry::BoxKey { cohort, key }) = Entry::decode(parcel) {
                    found.insert((site, cohort, key));
                }
            }
        }
        Ok(found)
    }

    /// The proposal and the roster that it is to follow.
    ///
    /// # Errors
    /// [`Refusal`] when one of them is missing, or the roster is not signed as it must be itself.
    pub fn proposed(&self) -> Result<Proposed, Refusal> {
        let held = read(&self.roster_path(), "this is no ceremony's folder")?;
        let before = held.accept(None).map_err(|error| {
            let path = self.roster_path();
            Refusal::new(Kind::Refused, format!("{}: {error}", path.display()))
        })?;
        let nothing =
            "nothing is proposed: 'spean ceremony propose' at the head office's node does it";
        let proposal = read(&self.proposal_path(), nothing)?;
        let next = proposal.preview().map_err(refused)?;
        if next.version <= before.version || next.version - before.version > VERSIONS_AHEAD_MAX {
            let message = format!(
                "{}: version {}, and roster {} is in force: propose again",
                self.proposal_path().display(),
                next.version,
                before.version
            );
            return Err(Refusal::new(Kind::Refused, message));
        }
        let signed_boxes = self.evidence(&before)?;
        Ok(Proposed {
            held,
            before,
            proposal,
            next,
            signed_boxes,
        })
    }

    /// The roster in force, as far as the folder tells.
    ///
    /// # Errors
    /// [`Refusal`] when it is missing or not signed as it must be.
    pub fn held(&self) -> Result<Roster, Refusal> {
        let held = read(&self.roster_path(), "this is no ceremony's folder")?;
        held.accept(None).map_err(refused)
    }

    /// The version of the proposal that is in the folder, 0 if there is none.
    #[must_use]
    pub fn last_proposed(&self) -> u32 {
        let proposal = read(&self.proposal_path(), "").ok();
        let next = proposal.and_then(|signed| signed.preview().ok());
        next.map_or(0, |next| next.version)
    }

    /// Signs what was shown, with one stick, and keeps it in the folder. Once it has the signatures
    /// that it needs it is in force wherever it is installed.
    ///
    /// # Errors
    /// [`Refusal`] when it does not follow what the stick knows to be in force, or the stick is no
    /// root's of it or cannot be opened. Nothing is signed then.
    pub fn sign(&self, shown: &mut Proposed, one: &Unlocked<'_>) -> Result<Signatures, Refusal> {
        let root = one.stick.root()?;
        if !shown.next.roots.contains(&root) {
            let message = "the stick's key is no root of this roster: is it the right stick?";
            return Err(Refusal::new(Kind::Refused, message));
        }
        check_known(&shown.held, &one.stick)?;
        let keys = one.stick.unlock(one.passphrase)?;
        one.stick
            .note_signed(shown.next.version, &name_of(&shown.proposal))?;
        shown.proposal.sign(&keys.signing()).map_err(refused)?;
        self.write(&self.proposal_path(), &shown.proposal)?;
        one.stick.keep_roster(&shown.held)?;
        Ok(shown.signatures())
    }

    /// Takes the keys that are to be destroyed out of a stick's escrow, as the newest roster of the folder
    /// says that has all its signatures; returns what was taken out.
    ///
    /// # Errors
    /// [`Refusal`] where it says nothing of the kind, or the stick is none of it.
    pub fn forget(&self, stick: &KeyStick) -> Result<Vec<Deposit>, Refusal> {
        let (signed, roster) = self.newest(stick)?;
        if roster.shredded == 0 {
            let message = "no roster of this folder that is signed has keys destroyed: 'spean ceremony \
                           propose --shred' proposes one";
            return Err(Refusal::new(Kind::Refused, message));
        }
        let Some(mut escrow) = stick.escrow()? else {
            return Err(Refusal::new(
                Kind::Refused,
                "there is no escrow on this stick",
            ));
        };
        let old = |what: &Deposit| matches!(what, Deposit::Cohort(of) if *of <= roster.shredded);
        let forgotten: Vec<Deposit> = escrow.deposits().filter(old).collect();
        for what in &forgotten {
            escrow.remove(*what);
        }
        stick.keep_escrow(&escrow)?;
        stick.keep_roster(&signed)?;
        Ok(forgotten)
    }

    /// The newest roster of the folder that has all its signatures, as a stick of it can believe.
    ///
    /// # Errors
    /// [`Refusal`] where it does not follow what the stick knows, or the stick is none of it.
    pub fn newest(&self, stick: &KeyStick) -> Result<(SignedRoster, Roster), Refusal> {
        let mut signed = read(&self.roster_path(), "this is no ceremony's folder")?;
        let mut roster = signed.accept(None).map_err(refused)?;
        if let Ok(proposal) = read(&self.proposal_path(), "")
            && let Ok(next) = proposal.accept(Some(&roster))
        {
            (signed, roster) = (proposal, next);
        }
        check_known(&signed, stick)?;
        if !roster.roots.contains(&stick.root()?) {
            let message = "the stick's key is no root of this roster: is it the right stick?";
            return Err(Refusal::new(Kind::Refused, message));
        }
        Ok((signed, roster))
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
    /// Whether it can be installed.
    #[must_use]
    pub const fn suffice(self) -> bool {
        self.found >= self.needed
    }
}

/// A roster that is proposed, with the one that it follows.
#[derive(Clone, Debug)]
pub struct Proposed {
    held: SignedRoster,
    /// What is in force, as far as the folder tells; it is signed.
    pub before: Roster,
    proposal: SignedRoster,
    /// What is proposed.
    pub next: Roster,
    /// Box keys, by site and cohort, that the sites' own nodes signed.
    pub signed_boxes: BTreeSet<(SiteId, u16, BoxKey)>,
}

impl Proposed {
    /// How many roots signed it: of those in force or its own, whichever needs more still.
    #[must_use]
    pub fn signatures(&self) -> Signatures {
        let by = |roster: &Roster| Signatures {
            found: self.proposal.signatures_by(roster),
            needed: usize::from(roster.threshold),
        };
        let (old, new) = (by(&self.before), by(&self.next));
        if old.needed.saturating_sub(old.found) >= new.needed.saturating_sub(new.found) {
            old
        } else {
            new
        }
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
    if roster.revocation(&key).is_some() {
        return Err(wrong(
            "its key is revoked: the node must be made anew".into(),
        ));
    }
    if request.cohort != roster.cohort {
        let (theirs, ours) = (request.cohort, roster.cohort);
        let reason = format!(
            "its box key is of cohort {theirs}, and cohort {ours} is in force: make the node anew, \
             'spean init --cohort {ours}' in an empty folder"
        );
        return Err(wrong(reason));
    }
    let wrap = wrap_carrier(carrier, &public, world.random());
    let wrap = wrap.map_err(|error| wrong(format!("box_key: {error}")))?;
    let number = roster.sites.iter().map(|site| site.id.0).max().unwrap_or(0);
    let code = &request.code;
    let mut known = roster.sites.iter_mut();
    match known.find(|site| site.code.eq_ignore_ascii_case(code)) {
        Some(_) if !again => Err(wrong(
            "a site of that code is in the roster: --again takes the new keys of a node that was \
             made anew"
                .into(),
        )),
        Some(site) if site.role != role => Err(wrong("the roster has it in another role".into())),
        Some(site) => {
            if !site.keys.contains(&key) {
                site.keys.push(key);
            }
            site.name.clone_from(&request.name);
            site.boxes.insert(request.cohort, public);
            site.carrier = wrap;
            Ok(())
        }
        None if again => Err(wrong(
            "no site of that code is in the roster: leave --again out".into(),
        )),
        None => {
            let id = number
                .checked_add(1)
                .ok_or_else(|| wrong("no number is left".into()))?;
            roster.sites.push(Site {
                id: SiteId(id),
                code: code.clone(),
                name: request.name.clone(),
                role,
                keys: vec![key],
                boxes: BTreeMap::from([(request.cohort, public)]),
                carrier: wrap,
            });
            Ok(())
        }
    }
}

/// Revokes a key of a site's node, or gives a key that is revoked another cut.
pub fn revoke(roster: &mut Roster, revocation: Revocation) {
    let key = revocation.key;
    for site in &mut roster.sites {
        site.keys.retain(|known| *known != key);
    }
    roster.revoked.retain(|known| known.key != key);
    roster.revoked.push(revocation);
}

/// Puts the next cohort in force, with the box keys that sites have published for it. A site that has
/// published none goes on under its last one.
///
/// # Errors
/// [`Refusal`] where the escrow or the head office has no key of that cohort.
pub fn next_cohort(
    roster: &mut Roster,
    boxes: &BTreeMap<SiteId, (BoxKey, Vec<u8>)>,
    carrier: &Secret,
    world: &mut dyn World,
) -> Result<(), Refusal> {
    let refused = |what: &str| {
        let message = format!("--next-cohort: {what}");
        Err(Refusal::new(Kind::Refused, message))
    };
    let Some(next) = roster.cohort.checked_add(1) else {
        return refused("no number is left");
    };
    if !roster.escrow.contains_key(&next) {
        return refused(
            "the escrow has no key for it: officials make more when they exchange a root key",
        );
    }
    let headquarters = roster.headquarters().map(|site| site.id);
    if !headquarters.is_some_and(|site| boxes.contains_key(&site)) {
        return refused(
            "the head office's node has not published its key yet: 'spean flush' there, then again",
        );
    }
    roster.cohort = next;
    for site in &mut roster.sites {
        let Some((key, _)) = boxes.get(&site.id) else {
            continue;
        };
        let wrap = wrap_carrier(carrier, key, world.random());
        let Ok(wrap) = wrap else {
            return refused(&format!("{}: its published key is none", site.code));
        };
        site.boxes.insert(next, *key);
        // Nothing is sealed to older ones any more; the site itself keeps their seeds.
        site.boxes
            .retain(|cohort, _| cohort.saturating_add(BOXES_LISTED) > next);
        site.carrier = wrap;
    }
    Ok(())
}

/// Has the keys of a cohort, and of all before it, destroyed: nothing is sealed to them any more.
pub fn shred(roster: &mut Roster, cohort: u16) {
    roster.shredded = roster.shredded.max(cohort);
    roster.escrow.retain(|of, _| *of > cohort);
    for site in &mut roster.sites {
        if !site.keys.is_empty() {
            site.boxes.retain(|of, _| *of > cohort);
        }
    }
}

/// Refuses a folder's roster that does not follow the one that a stick saw last: whoever carries the
/// folder could have put another into it, to hide what changes.
fn check_known(held: &SignedRoster, stick: &KeyStick) -> Result<(), Refusal> {
    let Some(known) = stick.roster()?.filter(|known| known.hash() != held.hash()) else {
        return Ok(());
    };
    let known = known.preview().map_err(refused)?;
    held.accept(Some(&known)).map_err(|error| {
        let message = format!(
            "the folder's roster does not follow roster {} that this stick knows, so what is shown as \
             changed cannot be believed: {error}",
            known.version
        );
        Refusal::new(Kind::Refused, message)
    })?;
    Ok(())
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

fn read(path: &Path, missing: &str) -> Result<SignedRoster, Refusal> {
    let refused = |why: &dyn std::fmt::Display| {
        Refusal::new(Kind::Refused, format!("{}: {why}", path.display()))
    };
    if !path.exists() {
        return Err(refused(&missing));
    }
    let bytes = read_small(path, ROSTER_BYTES_MAX).map_err(|error| refused(&error))?;
    SignedRoster::decode(&bytes).map_err(|error| refused(&format!("no roster: {error}")))
}

fn io(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal::new(Kind::Store, format!("{}: {error}", path.display()))
}

fn refused(error: impl std::fmt::Display) -> Refusal {
    Refusal::new(Kind::Refused, error.to_string())
}
