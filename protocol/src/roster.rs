//! The roster: which sites there are, with which keys. Versioned, signed by k of n offline root
//! keys; versions only increase. Nothing in it expires: an old roster is shown as old and goes on
//! working. Roles of people join it with the officers' own keys.
//!
//! Learnt from TUF (root, threshold, versions), without its clock.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};
use crate::id::{Hash, SiteId};
use crate::limits::{HEADS_MAX, KEYS_MAX, REVOKED_MAX, ROSTER_BYTES_MAX, SITES_MAX};
use crate::log::Head;
use crate::seal::{self, BoxKey, SealError, Secret, derive};

/// The version of the roster format that this program writes where keys of a cohort are to be destroyed.
pub const VERSION: u8 = 3;

/// The version that it writes else: the same without the number of that cohort.
const VERSION_WITHOUT_SHREDDING: u8 = 2;

/// The version that it writes where no key is revoked either: without the list of those.
const VERSION_WITHOUT_REVOCATIONS: u8 = 1;

/// Cohorts whose keys are never destroyed: the one in force, and the one before it, in which somebody who
/// has not heard of the newer one still writes.
pub const COHORTS_KEPT: u16 = 2;

/// Why a roster was refused. The one at hand stays in force.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RosterError {
    /// The bytes are not a roster.
    #[error("roster: {0}")]
    Decode(#[from] DecodeError),
    /// Too few of the root keys at hand signed it.
    #[error("roster {version}: signed by {found} of the root keys, {needed} are needed")]
    TooFewSignatures {
        /// The version that was offered.
        version: u32,
        /// Valid signatures of different roots.
        found: usize,
        /// How many there must be.
        needed: usize,
    },
    /// It is older than the one at hand, or another of the same version.
    #[error("roster {offered} refused: roster {held} is already in force here")]
    Rollback {
        /// The version at hand.
        held: u32,
        /// The version that was offered.
        offered: u32,
    },
    /// Something in it contradicts itself: two sites of one number or code, no root, no DGP.
    #[error("roster: {0}")]
    Unsound(&'static str),
}

/// What an establishment is in the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// A prison: it opens stays and reads its own learners.
    Prison,
    /// The DGP's node: it reads every education stream.
    Headquarters,
}

/// One site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Its number in every format.
    pub id: SiteId,
    /// Its short code, such as `CC4`: unique, for people.
    pub code: String,
    /// Its name, for people.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Ed25519 keys of its node, the newest last. More than one after a reinstallation; none where
    /// all are revoked.
    pub keys: Vec<[u8; 32]>,
    /// Its box keys, by cohort.
    pub boxes: BTreeMap<u16, BoxKey>,
    /// The key that seals sticks outside, sealed to its newest box key.
    pub carrier: Vec<u8>,
}

/// The roster itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// Increases by one with each.
    pub version: u32,
    /// The cohort in force, a counter: usually a year, never read from a clock.
    pub cohort: u16,
    /// How many roots must sign.
    pub threshold: u8,
    /// The root keys.
    pub roots: Vec<[u8; 32]>,
    /// The escrow's box keys, by cohort.
    pub escrow: BTreeMap<u16, BoxKey>,
    /// The sites.
    pub sites: Vec<Site>,
    /// Keys of sites' nodes that are no longer trusted.
    pub revoked: Vec<Revocation>,
    /// Every node destroys its keys of this cohort and of those before it, once its people's records open
    /// without them; 0: of none.
    pub shredded: u16,
}

/// A key of a node that was stolen, lost, or lied. What it signed up to the cut goes on to count;
/// whatever else is signed with it is set aside by every node alike, however early it says that it was
/// written, until a later roster raises the cut.
///
/// Learnt from Keyhive, whose revocations name what stood before them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// Whose key it was.
    pub site: SiteId,
    /// The key.
    pub key: [u8; 32],
    /// The heads of the site's log below which everything counts.
    pub cut: Vec<Head>,
}

impl Roster {
    /// The site of that number.
    #[must_use]
    pub fn site(&self, id: SiteId) -> Option<&Site> {
        self.sites.iter().find(|site| site.id == id)
    }

    /// The site of that code, in whatever case it was typed.
    #[must_use]
    pub fn by_code(&self, code: &str) -> Option<&Site> {
        self.sites
            .iter()
            .find(|site| site.code.eq_ignore_ascii_case(code))
    }

    /// The site whose node has that key.
    #[must_use]
    pub fn by_key(&self, key: &[u8; 32]) -> Option<&Site> {
        self.sites.iter().find(|site| site.keys.contains(key))
    }

    /// The keys of a site's node; none for a site that is not listed.
    #[must_use]
    pub fn keys(&self, id: SiteId) -> &[[u8; 32]] {
        self.site(id).map_or(&[], |site| &site.keys)
    }

    /// The DGP's site.
    #[must_use]
    pub fn headquarters(&self) -> Option<&Site> {
        self.sites
            .iter()
            .find(|site| site.role == Role::Headquarters)
    }

    /// The revocation of a key.
    #[must_use]
    pub fn revocation(&self, key: &[u8; 32]) -> Option<&Revocation> {
        self.revoked.iter().find(|one| one.key == *key)
    }

    /// What is revoked of a site.
    pub fn revoked_of(&self, id: SiteId) -> impl Iterator<Item = &Revocation> {
        self.revoked.iter().filter(move |one| one.site == id)
    }

    /// Whether a site had another node before: its keys are with that one, wherever it is.
    #[must_use]
    pub fn was_made_anew(&self, id: SiteId) -> bool {
        self.keys(id).len() + self.revoked_of(id).count() > 1
    }

    /// The newest box key of a site, for the cohort in force or before it. Nothing is sealed any more
    /// to a site all of whose keys are revoked.
    #[must_use]
    pub fn box_key(&self, id: SiteId) -> Option<BoxKey> {
        let site = self.site(id).filter(|site| !site.keys.is_empty());
        let boxes = &site?.boxes;
        boxes.range(..=self.cohort).next_back().map(|(_, key)| *key)
    }

    /// The cohort in which a site writes: the one in force, or the last before it of which it has a
    /// box key, so that what it writes is wrapped to keys of that cohort alone.
    #[must_use]
    pub fn cohort_of(&self, id: SiteId) -> u16 {
        let site = self.site(id);
        let boxes = site.and_then(|site| site.boxes.range(..=self.cohort).next_back());
        boxes.map_or(self.cohort, |(cohort, _)| *cohort)
    }

    /// The key of the DGP that something of a cohort is sealed to, if its node is trusted.
    #[must_use]
    pub fn headquarters_key(&self, cohort: u16) -> Option<BoxKey> {
        let site = self.headquarters().filter(|site| !site.keys.is_empty());
        key_of_cohort(&site?.boxes, cohort)
    }

    /// The escrow's key that something of a cohort is sealed to.
    #[must_use]
    pub fn escrow_key(&self, cohort: u16) -> Option<BoxKey> {
        key_of_cohort(&self.escrow, cohort)
    }

    /// What people compare before they trust a first roster: it follows from the threshold and the
    /// root keys.
    #[must_use]
    pub fn seal(&self) -> String {
        let roots: Vec<u8> = self.roots.concat();
        shown("spean 2026 roots shown v1", &[&[self.threshold], &roots])
    }

    /// Encodes what the roots sign.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut body = codec::encode(self);
        let version = match (self.shredded, self.revoked.is_empty()) {
            (0, true) => VERSION_WITHOUT_REVOCATIONS,
            (0, false) => VERSION_WITHOUT_SHREDDING,
            _ => VERSION,
        };
        // The number 0 and the length of the empty list are a byte each.
        body.truncate(body.len() - usize::from(VERSION - version));
        [&[version], body.as_slice()].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Self, RosterError> {
        let (version, body) = bytes.split_first().ok_or(DecodeError::Malformed)?;
        let roster: Self = match *version {
            VERSION_WITHOUT_REVOCATIONS => codec::decode(&[body, &[0, 0]].concat())?,
            VERSION_WITHOUT_SHREDDING => codec::decode(&[body, &[0]].concat())?,
            VERSION => codec::decode(body)?,
            newer => return Err(DecodeError::NewerVersion(newer).into()),
        };
        roster.check()?;
        Ok(roster)
    }

    /// Refuses a roster that contradicts itself.
    ///
    /// # Errors
    /// [`RosterError::Unsound`] or [`RosterError::Decode`].
    pub fn check(&self) -> Result<(), RosterError> {
        codec::at_most(self.sites.len(), SITES_MAX)?;
        codec::at_most(self.roots.len(), KEYS_MAX)?;
        let threshold = usize::from(self.threshold);
        let roots: BTreeSet<_> = self.roots.iter().collect();
        if threshold == 0 || threshold > roots.len() || roots.len() != self.roots.len() {
            return Err(RosterError::Unsound(
                "threshold and root keys do not fit each other",
            ));
        }
        let mut seen = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for site in &self.sites {
            codec::at_most(site.keys.len(), KEYS_MAX)?;
            codec::at_most(site.boxes.len(), KEYS_MAX)?;
            codec::at_most(site.code.len(), 16)?;
            codec::at_most(site.name.len(), 128)?;
            if site.code.is_empty() || site.code.contains(' ') || hides(&site.code) {
                return Err(RosterError::Unsound(
                    "a site's code is empty or no plain word",
                ));
            }
            if hides(&site.name) {
                return Err(RosterError::Unsound(
                    "a site's name holds what is not shown",
                ));
            }
            let new = seen.0.insert(site.id) && seen.1.insert(site.code.to_ascii_uppercase());
            if !new || !site.keys.iter().all(|key| seen.2.insert(*key)) {
                return Err(RosterError::Unsound(
                    "two sites share a number, a code or a key",
                ));
            }
        }
        if self
            .sites
            .iter()
            .filter(|site| site.role == Role::Headquarters)
            .count()
            > 1
        {
            return Err(RosterError::Unsound("more than one headquarters"));
        }
        self.check_shredded()?;
        codec::at_most(self.revoked.len(), REVOKED_MAX)?;
        for revocation in &self.revoked {
            codec::at_most(revocation.cut.len(), HEADS_MAX)?;
            let of_site = |head: &Head| head.run.belongs_to(revocation.site);
            if self.site(revocation.site).is_none() || !revocation.cut.iter().all(of_site) {
                return Err(RosterError::Unsound("a revocation is of no site"));
            }
            if !seen.2.insert(revocation.key) {
                return Err(RosterError::Unsound("a revoked key is listed elsewhere"));
            }
        }
        Ok(())
    }

    /// Nobody may be left without a key, and the escrow keeps none that is to be destroyed.
    fn check_shredded(&self) -> Result<(), RosterError> {
        if self.shredded == 0 {
            return Ok(());
        }
        if self.cohort < self.shredded.saturating_add(COHORTS_KEPT) {
            return Err(RosterError::Unsound(
                "keys of the cohort in force or the one before are to be destroyed",
            ));
        }
        let later = |boxes: &BTreeMap<u16, BoxKey>| {
            boxes
                .range(self.shredded.saturating_add(1)..)
                .next()
                .is_some()
        };
        let mut written = self.sites.iter().filter(|site| !site.keys.is_empty());
        if !written.all(|site| later(&site.boxes)) {
            return Err(RosterError::Unsound(
                "a site has no key later than those that are to be destroyed",
            ));
        }
        if self.escrow.range(..=self.shredded).next().is_some() {
            return Err(RosterError::Unsound(
                "the escrow keeps a key that is to be destroyed",
            ));
        }
        Ok(())
    }

    fn signed_hash(body: &[u8]) -> [u8; 32] {
        derive("spean 2026 roster v1", &[body])
    }
}

/// Of that cohort, or the last before it, or else the first after it.
fn key_of_cohort(keys: &BTreeMap<u16, BoxKey>, cohort: u16) -> Option<BoxKey> {
    let before = keys.range(..=cohort).next_back();
    before.or_else(|| keys.iter().next()).map(|(_, key)| *key)
}

/// Characters that make a screen show something else than what is there: controls, and those that
/// turn the direction of writing.
fn hides(text: &str) -> bool {
    let turns = |c| matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().any(|c| c.is_control() || turns(c))
}

/// What people compare of a node's keys, on its own screen and where it is enrolled.
#[must_use]
pub fn seal_of_keys(key: &[u8; 32], public: &BoxKey) -> String {
    shown("spean 2026 node keys shown v1", &[key, &public.0])
}

/// Eighty bits as hexadecimal digits in groups of four: as much as people compare with patience.
fn shown(context: &'static str, parts: &[&[u8]]) -> String {
    let hash = derive(context, parts);
    let groups = hash.chunks(2).take(5);
    let groups: Vec<String> = groups
        .map(|two| data_encoding::HEXUPPER.encode(two))
        .collect();
    groups.join(" ")
}

/// A roster with the roots' signatures: what travels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedRoster {
    body: Vec<u8>,
    signatures: BTreeMap<u8, Vec<u8>>,
}

impl SignedRoster {
    /// A proposal that nobody has signed yet.
    #[must_use]
    pub fn propose(roster: &Roster) -> Self {
        Self {
            body: roster.encode(),
            signatures: BTreeMap::new(),
        }
    }

    /// Adds the signature of a root key; `false` where the roster lists no such root.
    ///
    /// # Errors
    /// [`RosterError`] where the proposal is not a sound roster.
    pub fn sign(&mut self, key: &SigningKey) -> Result<bool, RosterError> {
        let roster = Roster::decode(&self.body)?;
        let public = key.verifying_key().to_bytes();
        let Some(index) = roster.roots.iter().position(|root| *root == public) else {
            return Ok(false);
        };
        let signature = key
            .sign(&Roster::signed_hash(&self.body))
            .to_bytes()
            .to_vec();
        self.signatures
            .insert(u8::try_from(index).unwrap_or(u8::MAX), signature);
        Ok(true)
    }

    /// The roster's bytes with its signatures.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads [`SignedRoster::encode`]'s bytes. Nothing is checked but the form.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::at_most(bytes.len(), ROSTER_BYTES_MAX)?;
        let signed: Self = codec::decode(bytes)?;
        codec::at_most(signed.signatures.len(), KEYS_MAX)?;
        Ok(signed)
    }

    /// Names this roster: nodes that hold the same one agree on it.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash(Roster::signed_hash(&self.body))
    }

    /// Reads the proposal without trusting it: for showing it to those who are to sign.
    ///
    /// # Errors
    /// [`RosterError`].
    pub fn preview(&self) -> Result<Roster, RosterError> {
        Roster::decode(&self.body)
    }

    /// How many different roots of `by` signed it.
    #[must_use]
    pub fn signatures_by(&self, by: &Roster) -> usize {
        let hash = Roster::signed_hash(&self.body);
        let Ok(own) = Roster::decode(&self.body) else {
            return 0;
        };
        let valid = |(index, bytes): (&u8, &Vec<u8>)| {
            let root = own
                .roots
                .get(usize::from(*index))
                .filter(|r| by.roots.contains(r))?;
            let signature = Signature::from_slice(bytes).ok()?;
            VerifyingKey::from_bytes(root)
                .ok()?
                .verify_strict(&hash, &signature)
                .ok()
        };
        self.signatures.iter().filter_map(valid).count()
    }

    /// Checks this roster against the one at hand and returns it. A first roster, with none at
    /// hand, must carry its own threshold: the person who installs it compares the roots.
    ///
    /// # Errors
    /// [`RosterError`] says why it was refused.
    pub fn accept(&self, held: Option<&Roster>) -> Result<Roster, RosterError> {
        let offered = Roster::decode(&self.body)?;
        if let Some(held) = held.filter(|held| offered.version <= held.version) {
            let (held, offered) = (held.version, offered.version);
            return Err(RosterError::Rollback { held, offered });
        }
        // A revocation is for good: else nodes that skipped the roster which made it would read other
        // logs than those that did not. What it goes too far in, a raised cut mends.
        let forgotten =
            |one: &Revocation| offered.revocation(&one.key).map(|it| it.site) != Some(one.site);
        if held.is_some_and(|held| held.revoked.iter().any(forgotten)) {
            return Err(RosterError::Unsound(
                "a key that was revoked is not revoked any more",
            ));
        }
        if held.is_some_and(|held| offered.shredded < held.shredded) {
            return Err(RosterError::Unsound(
                "keys that were to be destroyed are to be kept",
            ));
        }
        let by = held.unwrap_or(&offered);
        let (found, needed) = (self.signatures_by(by), usize::from(by.threshold));
        let own = (self.signatures_by(&offered), usize::from(offered.threshold));
        if found < needed || own.0 < own.1 {
            let version = offered.version;
            return Err(RosterError::TooFewSignatures {
                version,
                found: found.min(own.0),
                needed,
            });
        }
        Ok(offered)
    }
}

const CARRIER: &[u8] = b"spean carrier key v1";

/// Seals the key that all sites' sticks share to one site's box key.
///
/// # Errors
/// [`SealError::BadBoxKey`].
pub fn wrap_carrier(
    carrier: &Secret,
    to: &BoxKey,
    entropy: [u8; 32],
) -> Result<Vec<u8>, SealError> {
    seal::box_seal(to, CARRIER, &carrier.0, entropy)
}

/// Opens what [`wrap_carrier`] sealed.
///
/// # Errors
/// [`SealError`].
pub fn open_carrier(seed: &Secret, wrap: &[u8]) -> Result<Secret, SealError> {
    let bytes = seal::box_open(seed, CARRIER, wrap)?;
    Ok(Secret(bytes.try_into().map_err(|_| SealError::Malformed)?))
}
