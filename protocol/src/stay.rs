//! The keys that follow the prisoner: custody keys, stay keys, labels, keyrings and grants.
//!
//! ```text
//! custody key   per (site, cohort, stream), minted by the site
//! stay key      derive("stay", custody key | stay id)
//! label         derive("label", stay key | learner | stream | run)[..16]
//! ```
//! A site never shares a custody key with another site. A transfer hands on stay keys: to the
//! destination in a grant (or on a slip, the same content), and from stay to stay in a keyring.
//! So one key opens the past and none opens the future. There is no current epoch, nothing to
//! agree on, and nothing here has a clock.

use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};
use crate::id::{Hash, Label, LearnerId, RunId, SiteId, StayId, Stream};
use crate::limits::{GRANT_LEARNERS_MAX, KEYRING_MAX, REGISTER_MAX};
use crate::seal::{Secret, derive};

/// A site's key of one cohort and stream, from which the keys of all its stays follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustodyKey {
    /// The site that minted it.
    pub site: SiteId,
    /// The cohort that it belongs to, a counter in the roster.
    pub cohort: u16,
    /// The stream that it is for.
    pub stream: Stream,
    /// The key itself.
    pub secret: Secret,
}

impl CustodyKey {
    /// The key's name: a hash, so that two lawful keys of one site (clones) are told apart.
    #[must_use]
    pub fn id(&self) -> Hash {
        Hash(derive("spean 2026 custody key name v1", &[&self.secret.0]))
    }

    /// The key of one stay.
    #[must_use]
    pub fn stay_key(&self, stay: StayId) -> StayKey {
        StayKey(Secret(derive(
            "spean 2026 stay key v1",
            &[&self.secret.0, &stay.0],
        )))
    }

    /// The key and label of the site's register within `run`.
    #[must_use]
    pub fn register(&self, run: RunId) -> (Secret, Label) {
        let key = derive("spean 2026 register key v1", &[&self.secret.0]);
        let name = derive("spean 2026 register label v1", &[&key, &run.0]);
        (Secret(key), Label(first_sixteen(&name)))
    }
}

/// The key of one stay in one stream and cohort. Whoever holds it reads that stay.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StayKey(pub Secret);

impl StayKey {
    /// What finds the stay's parcels within `run`. It commits to key and owner: a reader accepts
    /// a key for a parcel only if it derives the parcel's label.
    #[must_use]
    pub fn label(&self, learner: LearnerId, stream: Stream, run: RunId) -> Label {
        let parts: [&[u8]; 4] = [&self.0.0, &learner.0, &[stream.byte()], &run.0];
        Label(first_sixteen(&derive("spean 2026 label v1", &parts)))
    }
}

fn first_sixteen(bytes: &[u8; 32]) -> [u8; 16] {
    let mut out = [0; 16];
    out.copy_from_slice(&bytes[..16]);
    out
}

/// One stay's key with what is needed to use it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HeldKey {
    /// The site whose log has the stay's parcels.
    pub site: SiteId,
    /// The stream that it opens.
    pub stream: Stream,
    /// The stay.
    pub stay: StayId,
    /// The key.
    pub key: StayKey,
}

impl HeldKey {
    /// What tells this key from others without giving it away.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 16] {
        let key = &self.key.0.0;
        first_sixteen(&derive("spean 2026 stay key fingerprint v1", &[key]))
    }
}

/// The keys of a learner's earlier stays and cohorts: a parcel in his newest stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keyring(pub Vec<HeldKey>);

impl Keyring {
    /// The keyring as a parcel's content.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads a parcel's content.
    ///
    /// # Errors
    /// [`DecodeError`] for malformed bytes or more than [`KEYRING_MAX`] keys.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let keyring: Self = codec::decode(bytes)?;
        codec::at_most(keyring.0.len(), KEYRING_MAX)?;
        Ok(keyring)
    }
}

/// What a site's register says: which stays it has opened, so that whoever holds the custody key
/// knows which stay keys to derive. A parcel under [`CustodyKey::register`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register(pub Vec<(LearnerId, StayId)>);

impl Register {
    /// The register as a parcel's content.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads a parcel's content.
    ///
    /// # Errors
    /// [`DecodeError`] for malformed bytes or more than [`REGISTER_MAX`] entries.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let register: Self = codec::decode(bytes)?;
        codec::at_most(register.0.len(), REGISTER_MAX)?;
        Ok(register)
    }
}

/// What a grant or a slip gives to its destination: for each learner, the keys of his newest
/// stay. The keyrings in those stays hold the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantContent {
    /// How far the granting site's own log went: the destination waits for this much of it.
    pub upto: Option<(RunId, u32)>,
    /// Each learner with his keys.
    pub learners: Vec<(LearnerId, Vec<HeldKey>)>,
}

impl GrantContent {
    /// The content as sealed into a grant.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads what a grant held.
    ///
    /// # Errors
    /// [`DecodeError`] for malformed bytes or more than `limits` allows.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let content: Self = codec::decode(bytes)?;
        codec::at_most(content.learners.len(), GRANT_LEARNERS_MAX)?;
        for (_, keys) in &content.learners {
            codec::at_most(keys.len(), KEYRING_MAX)?;
        }
        Ok(content)
    }
}
