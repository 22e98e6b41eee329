//! A prison's next machine: the head office gives it the custody keys that the one before had, so that
//! its people, their records and their open stays are there again. They open what was written; nothing
//! is written under them any more, since whoever has the old machine has them, too.

use spean_protocol::codec;
use spean_protocol::id::{SiteId, Stream};
use spean_protocol::letter::Letter;
use spean_protocol::limits::LETTER_LEARNERS_MAX;
use spean_protocol::roster::Role;
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
        let again = self.roster.sites.iter().filter(|site| {
            let nodes = site.keys.len() + self.roster.revoked_of(site.id).count();
            site.role == Role::Prison && nodes > 1
        });
        let again: Vec<_> = again
            .filter_map(|site| Some((site.id, *site.keys.last()?)))
            .collect();
        let mut mail = Vec::new();
        for (site, newest) in again {
            let mut keys = self.custody_keys(site)?;
            keys.retain(|key| key.stream == Stream::Education);
            let place = key_of(&[GIVEN, &site.0.to_be_bytes()]);
            let given = codec::encode(&(newest, keys.len() as u64));
            if keys.is_empty() || self.store.read(Table::Meta, &place)?.as_ref() == Some(&given) {
                continue;
            }
            for some in keys.chunks(LETTER_LEARNERS_MAX) {
                mail.extend(self.letter(site, &Letter::Custody(some.to_vec()))?);
            }
            self.store.write(Table::Meta, &place, &given)?;
        }
        self.post(mail)
    }

    /// Takes custody keys that the head office gives back, and finds whose they are.
    pub(super) fn read_returned(&mut self, keys: &[CustodyKey]) -> Result<(), EngineError> {
        for key in keys {
            let of_here = key.site == self.site && key.stream == Stream::Education;
            if !of_here || !self.keep_custody_key(key)? {
                continue;
            }
            self.store.write(Table::Meta, &returned(key), &[])?;
            self.read_registers(key)?;
        }
        Ok(())
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
