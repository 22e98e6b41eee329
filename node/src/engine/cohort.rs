//! The next cohorts: each node makes its box keys ahead and publishes them in its control log, so that
//! whoever makes the roster of the next cohort has them, and the officials who sign it see that each
//! was signed by the node that it is of.

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::control::Entry;
use spean_protocol::id::{RunId, SiteId};
use spean_protocol::limits::KEYS_MAX;
use spean_protocol::roster::seal_of_keys;
use spean_protocol::seal::{BoxKey, Secret, box_key};
use spean_protocol::segment::{Log, Segment};

use super::keys::key_of;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Where it is kept which box keys sites have published.
const PUBLISHED: &[u8] = b"box key of";

/// A box key that a node has published ahead.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Published {
    /// The node key that signed it.
    by: [u8; 32],
    key: BoxKey,
    /// Where it is in the control log.
    at: (RunId, u32),
}

impl<S: Store> Engine<S> {
    /// Gives this node a box key's seed of a cohort to come. It must be kept already where it is not
    /// lost, for the next flush publishes the key.
    pub fn add_box(&mut self, cohort: u16, seed: Secret) {
        self.identity.boxes.insert(cohort, seed);
    }

    /// Publishes the box keys that the roster does not list and that are not published yet: of cohorts to
    /// come, and, at a machine that was made anew, of those before, under which it is given old keys back.
    pub(super) fn publish_boxes(&mut self) -> Result<(), EngineError> {
        let own = self.identity.signing.verifying_key().to_bytes();
        if self.roster.keys(self.site).last() != Some(&own) {
            // Another node of this site is the newer one.
            return Ok(());
        }
        let mut entries = Vec::new();
        let listed = self.roster.site(self.site).map(|site| site.boxes.clone());
        let listed = listed.unwrap_or_default();
        for (cohort, seed) in &self.identity.boxes {
            let key = box_key(seed);
            // One that is listed of an earlier cohort will not be for long.
            let stays = *cohort >= self.roster.cohort_of(self.site);
            if stays && listed.get(cohort) == Some(&key) || *cohort <= self.destroyed_upto()? {
                continue;
            }
            let held = self.published(self.site, *cohort)?;
            if held.is_none_or(|held| (held.by, held.key) != (own, key)) {
                let cohort = *cohort;
                entries.push(Entry::BoxKey { cohort, key });
            }
        }
        if entries.is_empty() || self.may_write().is_err() {
            return Ok(());
        }
        self.write_control(&entries)
    }

    fn published(&self, site: SiteId, cohort: u16) -> Result<Option<Published>, EngineError> {
        let row = self.store.read(Table::Meta, &place(site, cohort))?;
        Ok(row.map(|bytes| codec::decode(&bytes)).transpose()?)
    }

    /// Keeps a box key that the newest node of its site signed, of a cohort near enough.
    pub(super) fn read_box_key(
        &mut self,
        chain: RunId,
        segment: &Segment,
        (cohort, key): (u16, BoxKey),
    ) -> Result<(), EngineError> {
        let site = segment.header.site;
        let near = usize::from(cohort.saturating_sub(self.roster.cohort)) <= KEYS_MAX;
        let newest = self.roster.keys(site).last().copied();
        let Some(by) = newest.filter(|by| near && segment.verify([by]).is_ok()) else {
            return Ok(());
        };
        let at = (chain, segment.header.height);
        let row = codec::encode(&Published { by, key, at });
        Ok(self.store.write(Table::Meta, &place(site, cohort), &row)?)
    }

    /// What people read out of this node's keys as the roster lists them now.
    #[must_use]
    pub fn own_seal(&self) -> String {
        let key = self.identity.signing.verifying_key().to_bytes();
        let listed = self.roster.box_key(self.site);
        listed.map_or_else(String::new, |listed| seal_of_keys(&key, &listed))
    }

    /// The key of a cohort that something for a site's newest node is sealed to: as it has published it, or
    /// the roster's, of the cohort in which the site writes.
    pub(super) fn box_of_cohort(
        &self,
        site: SiteId,
        cohort: u16,
    ) -> Result<Option<BoxKey>, EngineError> {
        if cohort == self.roster.cohort_of(site) {
            return Ok(self.roster.box_key(site));
        }
        let newest = self.roster.keys(site).last().copied();
        let published = self.published(site, cohort)?;
        Ok(published
            .filter(|held| Some(held.by) == newest)
            .map(|held| held.key))
    }

    /// The box key of a cohort that the newest node of a site has published, with the control segment
    /// in which it stands.
    ///
    /// # Errors
    /// What the store says.
    pub fn box_ahead(
        &self,
        site: SiteId,
        cohort: u16,
    ) -> Result<Option<(BoxKey, Vec<u8>)>, EngineError> {
        let newest = self.roster.keys(site).last().copied();
        let published = self.published(site, cohort)?;
        let Some(Published { key, at, .. }) = published.filter(|held| Some(held.by) == newest)
        else {
            return Ok(None);
        };
        let segment = self.header_at(at.0, Log::Control, at.1)?;
        Ok(segment.map(|segment| (key, segment.encode())))
    }
}

fn place(site: SiteId, cohort: u16) -> Vec<u8> {
    key_of(&[PUBLISHED, &site.0.to_be_bytes(), &cohort.to_be_bytes()])
}
