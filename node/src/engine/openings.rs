//! Openings of records: noted before anything is shown, told to the DGP with the next flush, and shown
//! to the learner.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use spean_protocol::event::{Date, Purpose};
use spean_protocol::id::{LearnerId, SiteId};
use spean_protocol::letter::Letter;
use spean_protocol::limits::{LETTER_LEARNERS_MAX, OPENINGS_MAX};
use spean_protocol::opening::Opening;

use super::keys::key_of;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Where openings wait that the DGP has not been told of.
const UNTOLD: &[u8] = b"opening untold";

/// An opening, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningLine {
    /// The code of the site where it was.
    pub site: String,
    /// The officer's number there, if he said who he was.
    pub officer: Option<u16>,
    /// Why.
    pub purpose: Purpose,
    /// The hour, since 1970.
    pub hour: u32,
}

impl OpeningLine {
    /// The day, by the machine's clock.
    #[must_use]
    pub fn day(&self) -> Option<Date> {
        Date::from_days(i32::try_from(self.hour / 24).ok()?).ok()
    }
}

/// Learner, hour, site, officer and one, purpose: in the order of time.
fn place(site: SiteId, opening: &Opening) -> Vec<u8> {
    let by = opening.by.map_or(0, |number| u32::from(number) + 1);
    key_of(&[
        &opening.learner.0,
        &opening.hour.to_be_bytes(),
        &site.0.to_be_bytes(),
        &by.to_be_bytes(),
        &[opening.purpose.into()],
    ])
}

fn read(key: &[u8]) -> Option<(SiteId, Opening)> {
    let number = |from: usize| {
        Some(u32::from_be_bytes(
            key.get(from..from + 4)?.try_into().ok()?,
        ))
    };
    let site = SiteId(u16::from_be_bytes(key.get(20..22)?.try_into().ok()?));
    let opening = Opening {
        learner: LearnerId(*key.first_chunk()?),
        by: number(22)?.checked_sub(1).and_then(|by| by.try_into().ok()),
        purpose: Purpose::from(*key.get(26)?),
        hour: number(16)?,
    };
    Some((site, opening))
}

impl<S: Store> Engine<S> {
    /// Notes that records are opened; nothing of them is shown before that is kept.
    ///
    /// # Errors
    /// What the store says.
    pub fn note_openings(
        &mut self,
        learners: &BTreeSet<LearnerId>,
        by: Option<u16>,
        purpose: Purpose,
    ) -> Result<(), EngineError> {
        let mut new = Vec::new();
        for learner in learners {
            let opening = self.opening(*learner, by, purpose);
            let at = place(self.site, &opening);
            if self.store.read(Table::Opened, &at)?.is_none() {
                new.push((at, opening));
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        self.input(|engine| {
            for (at, opening) in &new {
                if !engine.is_headquarters() {
                    let untold = key_of(&[UNTOLD, at]);
                    engine.store.write(Table::Meta, &untold, &[])?;
                }
                engine.keep_opening(engine.site, opening)?;
            }
            Ok(())
        })
    }

    /// Notes at the DGP that the keys of a record were given to another prison.
    pub(super) fn note_keys_given(&mut self, learner: LearnerId) -> Result<(), EngineError> {
        let opening = self.opening(learner, None, Purpose::KeysGiven);
        self.keep_opening(self.site, &opening)
    }

    fn opening(&self, learner: LearnerId, by: Option<u16>, purpose: Purpose) -> Opening {
        let hour = self.world.wall_seconds() / 3600;
        Opening {
            learner,
            by,
            purpose,
            hour: u32::try_from(hour).unwrap_or(u32::MAX),
        }
    }

    /// Keeps an opening; of many of one learner at one site the oldest make room, so no site keeps another's
    /// from being seen.
    pub(super) fn keep_opening(
        &mut self,
        site: SiteId,
        opening: &Opening,
    ) -> Result<(), EngineError> {
        // A letter may come late.
        if self.was_erased(opening.learner)? && self.view(opening.learner)?.is_none() {
            return Ok(());
        }
        self.store
            .write(Table::Opened, &place(site, opening), &[])?;
        let mut held = self
            .store
            .scan(Table::Opened, &opening.learner.0, &[], usize::MAX)?;
        held.retain(|(key, _)| read(key).is_some_and(|(of, _)| of == site));
        let over = held.len().saturating_sub(OPENINGS_MAX);
        for (key, _) in held.iter().take(over) {
            self.store.remove(Table::Opened, key)?;
        }
        Ok(())
    }

    /// Tells the DGP of openings that it has not been told of.
    pub(super) fn tell_openings(&mut self) -> Result<(), EngineError> {
        let Some(to) = self.roster.headquarters().map(|site| site.id) else {
            return Ok(());
        };
        let rows = self.store.scan(Table::Meta, UNTOLD, &[], usize::MAX)?;
        if rows.is_empty() || self.may_write().is_err() {
            return Ok(());
        }
        let openings: Vec<Opening> = rows
            .iter()
            .filter_map(|(key, _)| Some(read(key.get(UNTOLD.len()..)?)?.1))
            .collect();
        let mut entries = Vec::new();
        for some in openings.chunks(LETTER_LEARNERS_MAX) {
            let letter = Letter::Openings(some.to_vec());
            entries.extend(self.letter(to, &letter)?.map(|mail| mail.entry));
        }
        if entries.is_empty() {
            return Ok(());
        }
        self.write_control(&entries)?;
        for (key, _) in rows {
            self.store.remove(Table::Meta, &key)?;
        }
        Ok(())
    }

    /// Who opened a learner's record, as far as it is known here: at a prison what was opened there, at
    /// the DGP all; the newest first.
    ///
    /// # Errors
    /// What the store says.
    pub fn openings(&self, learner: LearnerId) -> Result<Vec<OpeningLine>, EngineError> {
        let rows = self
            .store
            .scan(Table::Opened, &learner.0, &[], usize::MAX)?;
        let line = |(site, opening): (SiteId, Opening)| OpeningLine {
            site: self.code(site),
            officer: opening.by,
            purpose: opening.purpose,
            hour: opening.hour,
        };
        Ok(rows
            .iter()
            .rev()
            .filter_map(|(key, _)| read(key))
            .map(line)
            .collect())
    }
}
