//! Officers and their keys: entries of control logs say who is an officer where. What they sign is in
//! [`super::signatures`].
//!
//! Each site says who its officers are. So that nobody who runs a node alone is two persons, two officers of
//! one site are two only where the DGP has confirmed both.
//!
//! Order of arrival matters nowhere: an office is the highest that was ever given to a key, a withdrawn
//! key signs no more at its own node, and what it signed before stands.

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::control::Entry as ControlEntry;
use spean_protocol::id::SiteId;
use spean_protocol::limits::{OFFICER_KEYS_MAX, OFFICERS_MAX};
use spean_protocol::officer::{Office, Officer, SubjectTag};

use super::keys::key_of;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Digits of a key that are compared at least.
const KEY_DIGITS_MIN: usize = 8;

/// An officer's secret key under his passphrase, as his node keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedKey {
    /// The officer's number.
    pub number: u16,
    /// His public key.
    pub key: [u8; 32],
    /// Salt of the passphrase.
    pub salt: [u8; 32],
    /// The Ed25519 seed, sealed: see [`crate::passphrase`].
    pub sealed: Vec<u8>,
}

impl SealedKey {
    /// What the seal is bound to.
    #[must_use]
    pub fn whose(key: &[u8; 32]) -> Vec<u8> {
        [b"spean officer".as_slice(), key].concat()
    }
}

/// What is known of one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    /// The highest office that its site gave it.
    pub office: Option<Office>,
    pub withdrawn: bool,
    /// The DGP knows whose it is.
    pub confirmed: bool,
}

/// An officer in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfficerLine {
    /// The code of his site.
    pub site: String,
    /// His number there.
    pub number: u16,
    /// His office.
    pub office: String,
    /// How his key begins, for a comparison by telephone.
    pub key: String,
    /// The DGP has confirmed him.
    pub confirmed: bool,
    /// His key signs no more.
    pub withdrawn: bool,
    /// His key is on this node.
    pub here: bool,
}

fn place(site: SiteId, number: u16, key: &[u8; 32]) -> Vec<u8> {
    key_of(&[&site.0.to_be_bytes(), &number.to_be_bytes(), key])
}

fn own_place(number: u16) -> Vec<u8> {
    key_of(&[b"key of officer", &number.to_be_bytes()])
}

impl<S: Store> Engine<S> {
    /// Reads what a control log says of officers.
    pub(super) fn read_officer(
        &mut self,
        from: SiteId,
        officer: &Officer,
    ) -> Result<(), EngineError> {
        let headquarters = self.roster.headquarters().map(|site| site.id);
        if officer.site != from && headquarters != Some(from) {
            let (from, of) = (self.code(from), self.code(officer.site));
            return self.set_aside(&format!("{from} speaks of an officer of {of}"));
        }
        // All that the log says is kept, which bounds it; how much of it is looked at has a bound of its
        // own, in an order that is the same everywhere, whatever came first.
        let at = place(officer.site, officer.number, &officer.key);
        let before = self.known(&at)?;
        let mut known = before;
        match officer.office {
            Office::Withdrawn => known.withdrawn = true,
            office => {
                if officer.site == from {
                    known.office = Some(known.office.map_or(office, |known| known.min(office)));
                }
                known.confirmed |= headquarters == Some(from);
            }
        }
        if known == before {
            return Ok(());
        }
        self.store
            .write(Table::Officer, &at, &codec::encode(&known))?;
        self.signers.insert((officer.site, officer.number));
        Ok(())
    }

    /// Everybody's signatures anew, from the logs as they are now.
    pub(super) fn read_officers_again(&mut self) -> Result<(), EngineError> {
        for table in [Table::Officer, Table::Signed] {
            for (key, _) in self.store.scan(table, &[], &[], usize::MAX)? {
                self.store.remove(table, &key)?;
            }
        }
        let sites: Vec<SiteId> = self.roster.sites.iter().map(|site| site.id).collect();
        for site in sites {
            for (_, entry) in self.control_entries(site)? {
                match entry {
                    ControlEntry::Officer(officer) => self.read_officer(site, &officer)?,
                    ControlEntry::Signature(signature) => self.read_signature(site, &signature)?,
                    _ => {}
                }
            }
        }
        for (key, _) in self.store.scan(Table::Stake, &[], &[], usize::MAX)? {
            self.signed
                .extend(key.get(16..).and_then(|tag| SubjectTag::try_from(tag).ok()));
        }
        Ok(())
    }

    /// Makes somebody an officer of this site, or gives him a new key.
    ///
    /// # Errors
    /// [`EngineError::Refused`] for an office that is not of this site, or too many officers.
    pub fn add_officer(&mut self, office: Office, sealed: SealedKey) -> Result<(), EngineError> {
        self.input(|engine| {
            let of_headquarters = matches!(office, Office::Analyst | Office::Administrator);
            let nobodys = matches!(office, Office::Withdrawn | Office::Other(_));
            if nobodys || of_headquarters && !engine.is_headquarters() {
                return Err(EngineError::Refused(format!("{office} is no office of this site")));
            }
            let of_site = engine.site.0.to_be_bytes();
            let held = engine.store.scan(Table::Officer, &of_site, &[], OFFICERS_MAX)?;
            if held.len() >= OFFICERS_MAX {
                return Err(EngineError::Refused(format!(
                    "a site has at most {OFFICERS_MAX} officers' keys, with those that were withdrawn"
                )));
            }
            if let Some(before) = engine.own_officer(sealed.number)? {
                engine.announce_officer(engine.site, before.number, Office::Withdrawn, before.key)?;
            }
            let (number, key) = (sealed.number, sealed.key);
            engine.store.write(Table::Meta, &own_place(number), &codec::encode(&sealed))?;
            engine.announce_officer(engine.site, number, office, key)
        })
    }

    /// Withdraws the key of an officer of this site: he left, or it may be known to others.
    ///
    /// # Errors
    /// [`EngineError::Refused`] where there is no such officer.
    pub fn withdraw_officer(&mut self, number: u16) -> Result<(), EngineError> {
        self.input(|engine| {
            let site = engine.site;
            let keys = engine.keys_of_officer(site, number)?;
            if keys.is_empty() {
                return Err(no_officer(&engine.code(site), number));
            }
            engine.store.remove(Table::Meta, &own_place(number))?;
            for key in keys {
                engine.announce_officer(site, number, Office::Withdrawn, key)?;
            }
            Ok(())
        })
    }

    /// At the DGP: confirms whose key an officer of a prison has, who read out how it begins (hexadecimal
    /// digits, at least eight).
    ///
    /// # Errors
    /// [`EngineError::Refused`] elsewhere, or where he has no such key.
    pub fn confirm_officer(
        &mut self,
        site: SiteId,
        number: u16,
        begins: &str,
    ) -> Result<(), EngineError> {
        self.input(|engine| {
            if !engine.is_headquarters() {
                return Err(EngineError::Refused(
                    "only the head office confirms officers".into(),
                ));
            }
            let keys = engine.keys_of_officer(site, number)?;
            // The key that was read out, and no other that took its place since.
            let begins = begins.to_ascii_lowercase();
            let told = |key: &&[u8; 32]| data_encoding::HEXLOWER.encode(*key).starts_with(&begins);
            let key = keys.iter().find(told).filter(|_| begins.len() >= KEY_DIGITS_MIN);
            let Some(key) = key else {
                return Err(EngineError::Refused(format!(
                    "{} has no officer {number} whose key begins with {begins}: compare what he reads out \
                     with 'spean officer list', at least {KEY_DIGITS_MIN} digits",
                    engine.code(site)
                )));
            };
            let known = engine.known(&place(site, number, key))?;
            let office = known.office.unwrap_or(Office::Officer);
            engine.announce_officer(site, number, office, *key)
        })
    }

    /// Keys of an officer that are not withdrawn.
    fn keys_of_officer(&self, site: SiteId, number: u16) -> Result<Vec<[u8; 32]>, EngineError> {
        let of_number = key_of(&[&site.0.to_be_bytes(), &number.to_be_bytes()]);
        let mut keys = Vec::new();
        for (key, known) in self
            .store
            .scan(Table::Officer, &of_number, &[], OFFICER_KEYS_MAX)?
        {
            if !codec::decode::<Known>(&known)?.withdrawn {
                keys.extend(key.get(4..).and_then(|key| <[u8; 32]>::try_from(key).ok()));
            }
        }
        Ok(keys)
    }

    fn announce_officer(
        &mut self,
        site: SiteId,
        number: u16,
        office: Office,
        key: [u8; 32],
    ) -> Result<(), EngineError> {
        let officer = Officer {
            site,
            number,
            office,
            key,
        };
        self.write_control(&[ControlEntry::Officer(officer)])
    }

    fn own_officer(&self, number: u16) -> Result<Option<SealedKey>, EngineError> {
        let row = self.store.read(Table::Meta, &own_place(number))?;
        Ok(row.map(|bytes| codec::decode(&bytes)).transpose()?)
    }

    /// Everybody who is an officer somewhere, as far as the logs tell.
    ///
    /// # Errors
    /// What the store says.
    pub fn officers(&self) -> Result<Vec<OfficerLine>, EngineError> {
        let mut lines = Vec::new();
        let headquarters = self.roster.headquarters().map(|site| site.id);
        for (at, known) in self.store.scan(Table::Officer, &[], &[], usize::MAX)? {
            let known: Known = codec::decode(&known)?;
            let wrong = || EngineError::Malformed("an officer");
            let number = |from: usize| -> Option<u16> {
                Some(u16::from_be_bytes(at.get(from..from + 2)?.try_into().ok()?))
            };
            let site = SiteId(number(0).ok_or_else(wrong)?);
            let number = number(2).ok_or_else(wrong)?;
            let key = at.get(4..).ok_or_else(wrong)?;
            let own = self
                .own_officer(number)?
                .filter(|own| own.key.as_slice() == key);
            lines.push(OfficerLine {
                site: self.code(site),
                number,
                office: known
                    .office
                    .map_or_else(|| "unknown".to_owned(), |office| office.to_string()),
                key: data_encoding::HEXLOWER.encode(&key[..8]),
                confirmed: known.confirmed || headquarters == Some(site),
                withdrawn: known.withdrawn,
                here: site == self.site && own.is_some(),
            });
        }
        Ok(lines)
    }

    fn known(&self, at: &[u8]) -> Result<Known, EngineError> {
        let row = self.store.read(Table::Officer, at)?;
        let known = row.map(|bytes| codec::decode(&bytes)).transpose()?;
        Ok(known.unwrap_or_default())
    }

    /// Somebody of this site whose key is not withdrawn: his key under his passphrase, and his office.
    fn officer(&self, number: u16) -> Result<(SealedKey, Office), EngineError> {
        let none = || no_officer(&self.code(self.site), number);
        let sealed = self.own_officer(number)?.ok_or_else(none)?;
        let known = self.known(&place(self.site, number, &sealed.key))?;
        let office = known.office.filter(|_| !known.withdrawn);
        Ok((sealed, office.ok_or_else(none)?))
    }

    /// The office of somebody of this site.
    ///
    /// # Errors
    /// [`EngineError::Refused`] where nobody has that number.
    pub fn office_of(&self, number: u16) -> Result<Office, EngineError> {
        Ok(self.officer(number)?.1)
    }

    /// The key of an officer of this site whose office signs.
    ///
    /// # Errors
    /// [`EngineError::Refused`] where nobody has that number, or his office does not sign.
    pub fn signing_officer(&self, number: u16) -> Result<SealedKey, EngineError> {
        let (sealed, office) = self.officer(number)?;
        if !office.signs() {
            return Err(EngineError::Refused(format!(
                "officer {number} is {office}: directors, officers and administrators sign"
            )));
        }
        Ok(sealed)
    }
}

fn no_officer(code: &str, number: u16) -> EngineError {
    EngineError::Refused(format!(
        "{code} has no officer {number} whose key is here: 'spean officer list' shows them"
    ))
}
