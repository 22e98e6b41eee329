//! What no official may open alone: secrets that any so many of the roots' holders open together.
//! Each secret is sealed for every such group, to one member after the other, so nothing is split
//! or computed, and who is alone holds nothing. The file lies with the holders' keys, never on a
//! node: what lay there could not be destroyed with its cohort.
//!
//! Learnt from age's files for several readers; "any of these pairs" instead of "any of these".

use std::collections::BTreeMap;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::codec::{self, DecodeError};
use crate::limits::{ESCROW_BYTES_MAX, ESCROW_DEPOSITS_MAX, ESCROW_GROUPS_MAX, KEYS_MAX};
use crate::seal::{self, BoxKey, SealError, Secret, derive};

/// The version of the format that this program writes.
pub const VERSION: u8 = 1;

/// Why an escrow was refused, or did not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EscrowError {
    /// The bytes are not an escrow.
    #[error("escrow: {0}")]
    Decode(#[from] DecodeError),
    /// A box key that its root did not sign, two holders alike, or numbers that do not fit.
    #[error("escrow: {0}")]
    Unsound(&'static str),
    /// Fewer holders than must open it together.
    #[error("escrow: {found} of its holders are here, {needed} are needed")]
    TooFew {
        /// Different holders among the keys that were given.
        found: usize,
        /// How many must open it together.
        needed: usize,
    },
    /// Nothing of the kind was deposited.
    #[error("escrow: there is no {0} in it")]
    Absent(Deposit),
    /// It does not open.
    #[error("escrow: {0}")]
    Seal(#[from] SealError),
}

/// What is deposited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Deposit {
    /// The key that seals sticks outside.
    Carrier,
    /// The seed of the escrow's box key of a cohort, to which sites wrap their custody keys.
    Cohort(u16),
}

impl std::fmt::Display for Deposit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Carrier => f.write_str("carrier key"),
            Self::Cohort(cohort) => write!(f, "key of cohort {cohort}"),
        }
    }
}

/// One holder: a root with the box key that it signed as its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The root's Ed25519 key.
    pub root: [u8; 32],
    /// Its box key.
    pub key: BoxKey,
    signature: Vec<u8>,
}

impl Holder {
    /// A root's own statement of its box key.
    #[must_use]
    pub fn of(root: &SigningKey, key: BoxKey) -> Self {
        let signature = root.sign(&Self::signed(&key)).to_bytes().to_vec();
        Self {
            root: root.verifying_key().to_bytes(),
            key,
            signature,
        }
    }

    fn signed(key: &BoxKey) -> [u8; 32] {
        derive("spean 2026 escrow holder v1", &[&key.0])
    }

    fn is_signed(&self) -> bool {
        let valid = || {
            let signature = Signature::from_slice(&self.signature).ok()?;
            let root = VerifyingKey::from_bytes(&self.root).ok()?;
            root.verify_strict(&Self::signed(&self.key), &signature)
                .ok()
        };
        valid().is_some()
    }
}

/// The escrow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escrow {
    threshold: u8,
    holders: Vec<Holder>,
    /// Of each deposit what is sealed for each group, in the order of [`Escrow::groups`].
    deposits: BTreeMap<Deposit, Vec<Vec<u8>>>,
}

impl Escrow {
    /// An empty escrow that any `threshold` of the holders open.
    ///
    /// # Errors
    /// [`EscrowError::Unsound`] for too many groups, none, or two holders alike.
    pub fn new(threshold: u8, holders: Vec<Holder>) -> Result<Self, EscrowError> {
        let escrow = Self {
            threshold,
            holders,
            deposits: BTreeMap::new(),
        };
        escrow.check()?;
        Ok(escrow)
    }

    /// The holders, in the order of the roots' numbers.
    #[must_use]
    pub fn holders(&self) -> &[Holder] {
        &self.holders
    }

    /// How many holders open it together.
    #[must_use]
    pub const fn threshold(&self) -> u8 {
        self.threshold
    }

    /// What is in it.
    pub fn deposits(&self) -> impl Iterator<Item = Deposit> + '_ {
        self.deposits.keys().copied()
    }

    /// Puts a secret in, in the place of what was there. Nobody's key is needed for it. `entropy`
    /// gives fresh bytes at each call.
    ///
    /// # Errors
    /// [`EscrowError::Seal`] for a holder's key that is none.
    pub fn deposit(
        &mut self,
        what: Deposit,
        secret: &Secret,
        mut entropy: impl FnMut() -> [u8; 32],
    ) -> Result<(), EscrowError> {
        let mut sealed = Vec::new();
        for group in self.groups() {
            let info = self.info(what, &group);
            let mut content = Zeroizing::new(secret.0.to_vec());
            // The last member's seal is the inmost.
            for member in group.iter().rev() {
                let to = &self.holders[*member].key;
                content = Zeroizing::new(seal::box_seal(to, &info, &content, entropy())?);
            }
            sealed.push(content.to_vec());
        }
        self.deposits.insert(what, sealed);
        Ok(())
    }

    /// Takes a deposit out. Nobody's key is needed for it.
    pub fn remove(&mut self, what: Deposit) {
        self.deposits.remove(&what);
    }

    /// Opens a deposit with the box key seeds of enough holders.
    ///
    /// # Errors
    /// [`EscrowError`] says what is missing.
    pub fn open(&self, what: Deposit, seeds: &[Secret]) -> Result<Secret, EscrowError> {
        let mut opened = self.open_by_all(what, seeds)?;
        let good = opened.iter().position(Result::is_ok).unwrap_or(0);
        opened.swap_remove(good)
    }

    /// Opens a deposit by every group of the holders whose box key seeds these are: all must open it,
    /// to the same secret.
    ///
    /// # Errors
    /// As [`Escrow::open`].
    pub fn verify(&self, what: Deposit, seeds: &[Secret]) -> Result<Secret, EscrowError> {
        let opened: Result<Vec<Secret>, _> = self.open_by_all(what, seeds)?.into_iter().collect();
        let mut opened = opened?.into_iter();
        let first = opened.next().ok_or(SealError::Malformed)?;
        if opened.any(|other| other != first) {
            return Err(EscrowError::Unsound(
                "two groups open it to different things",
            ));
        }
        Ok(first)
    }

    /// What each whole group of these holders opens; there is one at least.
    fn open_by_all(
        &self,
        what: Deposit,
        seeds: &[Secret],
    ) -> Result<Vec<Result<Secret, EscrowError>>, EscrowError> {
        let sealed = self.deposits.get(&what).ok_or(EscrowError::Absent(what))?;
        let mut here: BTreeMap<usize, &Secret> = BTreeMap::new();
        for seed in seeds {
            let key = seal::box_key(seed);
            let at = self.holders.iter().position(|holder| holder.key == key);
            here.extend(at.map(|at| (at, seed)));
        }
        let groups = self.groups();
        let sealed = groups.iter().zip(sealed);
        let opened = sealed.filter_map(|(group, content)| {
            let seeds: Option<Vec<&Secret>> = group
                .iter()
                .map(|member| here.get(member).copied())
                .collect();
            Some(self.open_one(what, group, &seeds?, content))
        });
        let opened: Vec<_> = opened.collect();
        if opened.is_empty() {
            let (found, needed) = (here.len(), usize::from(self.threshold));
            return Err(EscrowError::TooFew { found, needed });
        }
        Ok(opened)
    }

    fn open_one(
        &self,
        what: Deposit,
        group: &[usize],
        seeds: &[&Secret],
        sealed: &[u8],
    ) -> Result<Secret, EscrowError> {
        let info = self.info(what, group);
        let mut content = Zeroizing::new(sealed.to_vec());
        for seed in seeds {
            content = Zeroizing::new(seal::box_open(seed, &info, &content)?);
        }
        let secret = content.as_slice().try_into();
        Ok(Secret(secret.map_err(|_| SealError::Malformed)?))
    }

    /// Every group of `threshold` holders, by their places, in lexical order.
    fn groups(&self) -> Vec<Vec<usize>> {
        let mut groups = vec![Vec::new()];
        for _ in 0..self.threshold {
            let longer = |group: Vec<usize>| {
                let from = group.last().map_or(0, |last| last + 1);
                (from..self.holders.len()).map(move |next| [&group[..], &[next]].concat())
            };
            groups = groups.into_iter().flat_map(longer).collect();
        }
        groups
    }

    /// Binds what is sealed to what it is and to whose group it is.
    fn info(&self, what: Deposit, group: &[usize]) -> Vec<u8> {
        let keys = group.iter().map(|member| self.holders[*member].root);
        let keys: Vec<[u8; 32]> = keys.collect();
        [b"spean escrow v1".to_vec(), codec::encode(&(what, keys))].concat()
    }

    fn check(&self) -> Result<(), EscrowError> {
        codec::at_most(self.holders.len(), KEYS_MAX)?;
        codec::at_most(self.deposits.len(), ESCROW_DEPOSITS_MAX)?;
        let (count, threshold) = (self.holders.len(), usize::from(self.threshold));
        let unsound = |why| Err(EscrowError::Unsound(why));
        if threshold == 0 || threshold > count {
            return unsound("threshold and holders do not fit each other");
        }
        if binomial(count, threshold) > ESCROW_GROUPS_MAX {
            return unsound("more groups of holders than can be kept");
        }
        if !self.holders.iter().all(Holder::is_signed) {
            return unsound("a holder's box key is not signed by its root");
        }
        let alike = |one: &Holder, other: &Holder| one.root == other.root || one.key == other.key;
        let mut pairs = (0..count).flat_map(|at| (0..at).map(move |before| (before, at)));
        if pairs.any(|(one, other)| alike(&self.holders[one], &self.holders[other])) {
            return unsound("two holders are the same");
        }
        Ok(())
    }

    /// The escrow as a file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [&[VERSION], codec::encode(self).as_slice()].concat()
    }

    /// Reads [`Escrow::encode`]'s bytes.
    ///
    /// # Errors
    /// [`EscrowError`] says what is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, EscrowError> {
        codec::at_most(bytes.len(), ESCROW_BYTES_MAX)?;
        let (version, body) = bytes.split_first().ok_or(DecodeError::Malformed)?;
        if *version != VERSION {
            return Err(DecodeError::NewerVersion(*version).into());
        }
        let escrow: Self = codec::decode(body)?;
        escrow.check()?;
        Ok(escrow)
    }
}

/// How many groups of `of` there are among `count`, which is at most [`KEYS_MAX`]: no overflow.
fn binomial(count: usize, of: usize) -> usize {
    (0..of).fold(1, |product, step| product * (count - step) / (step + 1))
}
