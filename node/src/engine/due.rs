//! Who is due when the keys of a cohort are to be destroyed, and what stands against it still: for the officers
//! and officials who decide it. [`super::shredding`] does it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use spean_protocol::control::{Entry, Recipient};
use spean_protocol::custody::CustodyState;
use spean_protocol::frontier::{HeadMark, RunTag};
use spean_protocol::id::{LearnerId, SiteId, Stream};
use spean_protocol::log::{HashAt, Head};
use spean_protocol::roster::COHORTS_KEPT;
use spean_protocol::segment::Log;
use spean_protocol::session::Host;
use spean_protocol::stay::{CustodyKey, HeldKey};

use super::keys::key_of;
use super::shredding::{KeysOf, done_id, is_old};
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// What destroying the keys of a cohort means, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shredding {
    /// Keys of that cohort and those before it.
    pub cohort: u16,
    /// The cohort in force.
    pub in_force: u16,
    /// The latest cohort that may go by now.
    pub latest: u16,
    /// Who is due: released, and nothing was written of him in a later cohort.
    pub due: Vec<LearnerId>,
    /// Records that go on, and were begun in that cohort or before.
    pub kept: u64,
    /// Those of them to whose old keys no later keyring of the head office leads yet.
    pub unsealed: u64,
    /// What was written anew here is not held by enough others.
    pub unheld: bool,
    /// Codes of sites of which nothing lately written is here.
    pub behind: Vec<String>,
    /// Codes of sites that have written something that is not here.
    pub incomplete: Vec<String>,
    /// Codes of sites that have written under a key that does not open here.
    pub unopened: Vec<String>,
    /// Codes of sites that have not said of every erasure that they did it.
    pub unerased: Vec<String>,
    /// The roster in force says so.
    pub ordered: bool,
    /// Codes of the sites whose nodes have destroyed their keys.
    pub done: Vec<String>,
    /// Codes of those that have not.
    pub waits: Vec<String>,
    /// Codes of sites that had another node before: it has its keys, wherever it is.
    pub unreachable: Vec<String>,
}

impl Shredding {
    /// Whether a roster may say so.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.cohort <= self.latest
            && self.due.is_empty()
            && self.unsealed == 0
            && !self.unheld
            && self.is_all_here()
            && self.unerased.is_empty()
    }

    /// Whether nobody can be somewhere of which nothing is here.
    #[must_use]
    pub fn is_all_here(&self) -> bool {
        self.behind.is_empty() && self.incomplete.is_empty() && self.unopened.is_empty()
    }
}

impl<S: Store> Engine<S> {
    /// At the DGP: what destroying the keys of a cohort and of those before it means, if records are kept
    /// for `retention` cohorts after the one in which somebody was released.
    ///
    /// # Errors
    /// [`EngineError::Refused`] elsewhere, and for a cohort that is none.
    pub fn shredding(&self, cohort: u16, retention: u16) -> Result<Shredding, EngineError> {
        if !self.is_headquarters() {
            let why = "what may be destroyed, the head office's node tells";
            return Err(EngineError::Refused(why.into()));
        }
        if cohort == 0 || cohort > self.roster.cohort {
            return Err(EngineError::Refused(format!(
                "there is no cohort {cohort}: {} is in force",
                self.roster.cohort
            )));
        }
        let keys = self.all_keys(Stream::Education)?;
        let due = self.due(cohort, &keys)?;
        let kept = keys.iter().filter(|(learner, keys)| {
            keys.iter().any(|(of, _)| is_old(*of, cohort)) && due.binary_search(learner).is_err()
        });
        let (mut count, mut unsealed) = (0, 0);
        for (learner, keys) in kept {
            count += 1;
            unsealed += u64::from(!self.uncovered(*learner, cohort, keys)?.is_empty());
        }
        let unerased: BTreeSet<String> = self
            .erasures()?
            .into_iter()
            .flat_map(|erasure| erasure.waits)
            .collect();
        let own = self.own_marks();
        let sealed = self.renewed()?.map_or(own, |renewed| renewed.log);
        let done = done_id(self.roster.shredded);
        let [
            mut behind,
            mut incomplete,
            mut unopened,
            mut has_done,
            mut waits,
        ] = <[Vec<String>; 5]>::default();
        for site in self
            .roster
            .sites
            .iter()
            .filter(|site| !site.keys.is_empty())
        {
            let other = site.id != self.site;
            // Somebody who is due may be there since: what is not recent is not enough.
            let recent = self.roster.cohort.saturating_sub(COHORTS_KEPT).max(cohort);
            if other && !self.has_written_later(site.id, recent)? {
                behind.push(site.code.clone());
            }
            if other && !self.has_all_of(site.id) {
                incomplete.push(site.code.clone());
            }
            if other && !self.opens_all_of(site.id)? {
                unopened.push(site.code.clone());
            }
            let row = key_of(&[&done, b"by", &site.id.0.to_be_bytes()]);
            match self.store.read(Table::Erasure, &row)? {
                Some(_) => has_done.push(site.code.clone()),
                None => waits.push(site.code.clone()),
            }
        }
        let ordered = cohort <= self.roster.shredded;
        Ok(Shredding {
            cohort,
            in_force: self.roster.cohort,
            latest: self
                .roster
                .cohort
                .saturating_sub(retention.saturating_add(1).max(COHORTS_KEPT)),
            due,
            kept: count,
            unsealed,
            unheld: !self.is_held(&sealed),
            behind,
            incomplete,
            unopened,
            unerased: self
                .roster
                .sites
                .iter()
                .filter(|site| !site.keys.is_empty() && unerased.contains(&site.code))
                .map(|site| site.code.clone())
                .collect(),
            ordered,
            done: if ordered { has_done } else { Vec::new() },
            waits: if ordered { waits } else { Vec::new() },
            unreachable: self
                .roster
                .sites
                .iter()
                .filter(|site| self.roster.was_made_anew(site.id))
                .map(|site| site.code.clone())
                .collect(),
        })
    }

    /// Who is due, in order: released under every id that is his, and no site wrote of him in a later
    /// cohort.
    pub(super) fn due(&self, cohort: u16, keys: &KeysOf) -> Result<Vec<LearnerId>, EngineError> {
        let all_of = self.people()?;
        let (mut due, mut seen) = (BTreeSet::new(), BTreeSet::new());
        for learner in keys.keys() {
            let mut ids = all_of.ids(*learner);
            if !seen.insert(ids[0]) {
                continue;
            }
            // An id of which there is nothing is nobody's who could be anywhere.
            ids.retain(|id| keys.contains_key(id));
            let mut gone = true;
            for id in &ids {
                let view = self.view(*id)?;
                let state = view.map(|view| CustodyState::of(&view, self.site));
                let keys = keys.get(id).map_or(&[][..], Vec::as_slice);
                gone = gone
                    && state == Some(CustodyState::Released)
                    && !self.is_written_later(*id, cohort, keys)?;
            }
            if gone {
                due.extend(ids);
            }
        }
        Ok(due.into_iter().collect())
    }

    /// Whether a prison wrote of a learner in a later cohort: under a key of it, or, what came late of a
    /// stay that had ended, under that stay's.
    fn is_written_later(
        &self,
        learner: LearnerId,
        cohort: u16,
        keys: &[(Option<u16>, HeldKey)],
    ) -> Result<bool, EngineError> {
        let of_sites = || keys.iter().filter(|(_, key)| key.site != self.site);
        if of_sites().any(|(of, _)| !is_old(*of, cohort)) {
            return Ok(true);
        }
        for (_, key) in of_sites() {
            for run in self.skeleton.bases(key.site) {
                let label = key.key.label(learner, key.stream, run);
                for (chain, _) in self.skeleton.chains(run, Log::Data) {
                    let parcels = self.parcels((chain, label), 0..u32::MAX)?;
                    let Some((place, _)) = parcels.last() else {
                        continue;
                    };
                    let segment = self.header_at(chain, Log::Data, place.height)?;
                    if segment.is_some_and(|segment| segment.header.cohort > cohort) {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// Whether a site itself says that it has written in a cohort later than that, and what it says is here.
    fn has_written_later(&self, site: SiteId, cohort: u16) -> Result<bool, EngineError> {
        let Some((_, said)) = self.receipts.get(&site) else {
            return Ok(false);
        };
        let heads = said.complete.get(&site).map_or(&[][..], Vec::as_slice);
        if heads.is_empty() && self.skeleton.heads(site).is_empty() {
            // It is a new one.
            return Ok(true);
        }
        for (run, _) in self.skeleton.runs(site) {
            let its = |mark: &&HeadMark| mark.run == RunTag::from(run);
            for mark in heads.iter().filter(its) {
                let Some(last) = mark.control.checked_sub(1) else {
                    continue;
                };
                let segment = self.header_at(run, Log::Control, last)?;
                if segment.is_some_and(|segment| segment.header.cohort > cohort) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Whether all is here that a site, or anybody who has of it, says it has written, and nothing is missing in
    /// between.
    fn has_all_of(&self, site: SiteId) -> bool {
        let here: Vec<HeadMark> = self.skeleton.heads(site).iter().map(Head::mark).collect();
        let whole = self.skeleton.frontier(site).beyond.is_empty();
        let hash: HashAt<'_> = &|run, log, height| self.hash(run, log, height);
        let mut said = self
            .receipts
            .values()
            .filter_map(|(_, said)| said.complete.get(&site));
        let all = said.all(|said| self.skeleton.descends(site, &here, said, hash));
        whole && all && self.receipts.contains_key(&site)
    }

    /// Whether every custody key is here that a site has wrapped for the DGP, of cohorts that are not destroyed.
    fn opens_all_of(&self, site: SiteId) -> Result<bool, EngineError> {
        let held: BTreeSet<_> = self
            .custody_keys(site)?
            .iter()
            .map(CustodyKey::id)
            .collect();
        let destroyed = self.destroyed_upto()?;
        let lacks = |entry: &Entry| match entry {
            Entry::Wrap(wrap) => {
                wrap.recipient == Recipient::Headquarters
                    && wrap.stream == Stream::Education
                    && wrap.cohort > destroyed
                    && !held.contains(&wrap.custody)
            }
            _ => false,
        };
        Ok(!self
            .control_entries(site)?
            .iter()
            .any(|(_, entry)| lacks(entry)))
    }
}
