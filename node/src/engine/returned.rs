//! A prison's next machine: the head office gives it the custody keys that the one before had, so that
//! its people, their records and their open stays are there again; those of the restricted stream officials
//! give, from the escrow. They open what was written; nothing
//! is written under them any more, since whoever has the old machine has them, too.

use std::collections::BTreeMap;

use spean_protocol::codec;
use spean_protocol::given_back::{Asked, open_given};
use spean_protocol::id::{SiteId, Stream};
use spean_protocol::letter::Letter;
use spean_protocol::limits::{ASKED_WRAPS_MAX, LETTER_LEARNERS_MAX};
use spean_protocol::roster::Role;
use spean_protocol::seal::Secret;
use spean_protocol::stay::CustodyKey;

use super::keys::key_of;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Where the head office keeps which of a site's nodes got how many custody keys.
const GIVEN: &[u8] = b"custody given";

/// Where a prison's node keeps which of its custody keys are those of the machine before.
const RETURNED: &[u8] = b"custody returned";

impl<S: Store> Engine<S> {
    /// At the head office: gives each prison whose node was made anew the custody keys that its nodes
    /// before had, of education.
    pub(super) fn return_custody(&mut self) -> Result<(), EngineError> {
        let again = self
            .roster
            .sites
            .iter()
            .filter(|site| site.role == Role::Prison && self.roster.was_made_anew(site.id));
        let again: Vec<_> = again
            .filter_map(|site| Some((site.id, *site.keys.last()?)))
            .collect();
        let mut mail = Vec::new();
        for (site, newest) in again {
            let mut by_cohort: BTreeMap<u16, Vec<CustodyKey>> = BTreeMap::new();
            for key in self.custody_keys(site)? {
                if key.stream == Stream::Education {
                    by_cohort.entry(key.cohort).or_default().push(key);
                }
            }
            for (cohort, keys) in by_cohort {
                // Each under a key of its own cohort: else it would outlive that.
                let Some(to) = self.box_of_cohort(site, cohort)? else {
                    continue;
                };
                let place = key_of(&[GIVEN, &site.0.to_be_bytes(), &cohort.to_be_bytes()]);
                let given = codec::encode(&(newest, to, keys.len() as u64));
                if self.store.read(Table::Meta, &place)?.as_ref() == Some(&given) {
                    continue;
                }
                for some in keys.chunks(LETTER_LEARNERS_MAX) {
                    mail.push(self.letter_under(&to, site, &Letter::Custody(some.to_vec()))?);
                }
                self.store.write(Table::Meta, &place, &given)?;
            }
        }
        self.post(mail)
    }

    /// Takes custody keys that the head office gives back, and finds whose they are.
    pub(super) fn read_returned(&mut self, keys: &[CustodyKey]) -> Result<(), EngineError> {
        for key in keys {
            if key.site == self.site && key.stream == Stream::Education {
                self.take_returned(key)?;
            }
        }
        Ok(())
    }

    /// Takes a key of the machine before; `true` if it is new.
    fn take_returned(&mut self, key: &CustodyKey) -> Result<bool, EngineError> {
        if key.cohort <= self.destroyed_upto()? || !self.keep_custody_key(key)? {
            return Ok(false);
        }
        self.store.write(Table::Meta, &returned(key), &[])?;
        self.read_registers(key)?;
        Ok(true)
    }

    /// What a prison asks officials for: its keys of the restricted stream that only the escrow has, as its
    /// own log names them; of many a part, from 1.
    ///
    /// # Errors
    /// [`EngineError::Refused`] where it lacks none.
    pub fn ask_restricted(&self, part: usize) -> Result<Asked, EngineError> {
        let held = self.custody_keys(self.site)?;
        let mut wraps = Vec::new();
        for (site, wrap) in self.wraps_for_escrow(Stream::Restricted)? {
            if site == self.site && !held.iter().any(|key| key.id() == wrap.custody) {
                wraps.push(wrap);
            }
        }
        if wraps.is_empty() {
            return Err(EngineError::Refused(
                "this node lacks no key of its restricted records. A new computer gets its prison's log first, \
                 by a link or a stick"
                    .into(),
            ));
        }
        let parts = wraps.len().div_ceil(ASKED_WRAPS_MAX);
        let some = part
            .checked_sub(1)
            .and_then(|part| wraps.chunks(ASKED_WRAPS_MAX).nth(part));
        let some = some.ok_or_else(|| {
            EngineError::Refused(format!("there are {parts} parts: --part 1 to {parts}"))
        })?;
        Ok(Asked {
            site: self.site,
            wraps: some.to_vec(),
        })
    }

    /// Takes the keys of the restricted stream that officials gave back; returns how many are new.
    ///
    /// # Errors
    /// [`EngineError::Refused`] for a file that is of another kind, or not for this node.
    pub fn take_restricted(&mut self, file: &[u8]) -> Result<u64, EngineError> {
        let refused = |why: &str| EngineError::Refused(why.to_owned());
        let seeds: Vec<Secret> = self.identity.boxes.values().cloned().collect();
        let keys = open_given(file, self.site, &seeds)
            .map_err(|_| refused("this is no file with keys that officials gave back"))?
            .ok_or_else(|| refused("these keys are for another node: ask anew, from this one"))?;
        self.input(|engine| {
            let mut new = 0;
            for (site, wrap) in engine.wraps_for_escrow(Stream::Restricted)? {
                // What its own log does not name anybody could have put there.
                let its = |key: &&CustodyKey| {
                    (key.site, key.cohort, key.stream) == (site, wrap.cohort, wrap.stream)
                        && key.id() == wrap.custody
                };
                if site == engine.site
                    && let Some(key) = keys.iter().find(its)
                {
                    new += u64::from(engine.take_returned(key)?);
                }
            }
            Ok(new)
        })
    }

    /// Whether a custody key is that of a machine before.
    pub(super) fn is_returned(&self, key: &CustodyKey) -> Result<bool, EngineError> {
        Ok(self.store.read(Table::Meta, &returned(key))?.is_some())
    }
}

fn returned(key: &CustodyKey) -> Vec<u8> {
    let SiteId(site) = key.site;
    key_of(&[RETURNED, &site.to_be_bytes(), &key.id().0])
}
