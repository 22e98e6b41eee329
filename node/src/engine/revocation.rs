//! Revoked keys: what they signed up to the cut is read as before, what they signed beyond it is
//! stored, carried on, and read by nobody, until a later roster raises the cut. So every node that has
//! the same roster and the same segments reads the same, in whatever order the two came.
//!
//! What is read of a site's log is kept beside it, so that a later cut, or a segment that tells what
//! stands below the cut, brings exactly what is to be read now, or no more.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spean_protocol::codec;
use spean_protocol::id::{Label, RunId, SiteId};
use spean_protocol::limits::BEYOND_CUT_SEGMENTS_MAX;
use spean_protocol::log::{Coverage, Covered, ForkProof, Head, Run};
use spean_protocol::ranges::Ranges;
use spean_protocol::roster::Revocation;
use spean_protocol::segment::{Log, Segment};
use spean_protocol::session::Host;

use super::keys::key_of;
use super::report::day;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Segments of one run that are held and not read, as they are beyond the cut of a revoked key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunBeyondCut {
    /// The run.
    pub run: String,
    /// How many segments.
    pub segments: u64,
    /// The first day that the writer's clock showed: it may be made up.
    pub first: Option<String>,
    /// The last.
    pub last: Option<String>,
}

/// Where it is kept what is read of the runs that a site's revoked keys opened.
const READ: &[u8] = b"read of revoked";

impl<S: Store> Engine<S> {
    /// Checks that a key of its site signed a segment: one that is trusted, or a revoked one in a run
    /// that it opened itself. Else whoever has that key could mark the runs of the next machine as
    /// forked. The inner result says why not.
    pub(super) fn check_signature(
        &self,
        segment: &Segment,
    ) -> Result<Result<(), String>, EngineError> {
        let header = &segment.header;
        let (site, run) = (header.site, header.run);
        let Err(error) = segment.verify(self.roster.keys(site)) else {
            return Ok(Ok(()));
        };
        let mut revoked = self.roster.revoked_of(site);
        let made_by = |one: &&Revocation| segment.verify([&one.key]).is_ok();
        let Some(revocation) = revoked.find(made_by) else {
            return Ok(Err(error.to_string()));
        };
        if self.skeleton.run(run).is_some() && self.revoked_opener(run)? != Some(revocation.key) {
            let code = self.code(site);
            return Ok(Err(format!(
                "{code} {run}: a revoked key in the run of another"
            )));
        }
        let below = self.below_cut(revocation);
        let covers = |(control, data): &(u32, Ranges)| match header.log {
            Log::Control => *control > header.height,
            Log::Data => data.contains(header.height),
        };
        let full = self.beyond_cut(site) >= BEYOND_CUT_SEGMENTS_MAX;
        if full && below.known && !below.runs.get(&run).is_some_and(covers) {
            let code = self.code(site);
            return Ok(Err(format!(
                "{code}: beyond the cut of a revoked key, and more of it than is kept"
            )));
        }
        Ok(Ok(()))
    }

    /// Checks a fork proof against the keys that may tell of that run.
    pub(super) fn check_proof(
        &self,
        proof: &ForkProof,
    ) -> Result<Result<RunId, String>, EngineError> {
        let keys = |site: SiteId| self.roster.keys(site).iter().collect();
        let error = match proof.verify(keys) {
            Ok(run) => return Ok(Ok(run)),
            Err(error) => error.to_string(),
        };
        let opener = match proof.run() {
            Ok(run) if self.skeleton.run(run).is_some() => self.revoked_opener(run)?,
            _ => None,
        };
        let shown = opener.and_then(|key| proof.verify(|_| vec![&key]).ok());
        Ok(shown.ok_or(error))
    }

    /// The revoked key that opened a run, if one did: all of the run is then read as far as its cut.
    ///
    /// # Errors
    /// What the store says.
    pub fn revoked_opener(&self, run: RunId) -> Result<Option<[u8; 32]>, EngineError> {
        let revoked: Vec<[u8; 32]> = self
            .roster
            .revoked_of(run.site())
            .map(|one| one.key)
            .collect();
        if revoked.is_empty() {
            return Ok(None);
        }
        let opening = self.header_at(run, Log::Control, 0)?;
        let opened = |key: &[u8; 32]| {
            opening
                .as_ref()
                .is_some_and(|opening| opening.verify([key]).is_ok())
        };
        Ok(revoked.into_iter().find(opened))
    }

    fn below_cut(&self, revocation: &Revocation) -> Covered {
        let hash = |run, log, height| Host::hash(self, run, log, height);
        self.skeleton.below_heads(&revocation.cut, &hash)
    }

    /// Whether what is held of a chain waits for [`Engine::apply_cuts`] to be read.
    pub(super) fn waits_for_cut(&self, chain: RunId) -> Result<bool, EngineError> {
        let listed = |read: &Coverage| read.contains_key(&chain);
        if self.read_of_revoked.get(&chain.site()).is_some_and(listed) {
            return Ok(true);
        }
        let base = self.skeleton.run(chain).map_or(chain, |run| run.base);
        Ok(self.revoked_opener(base)?.is_some())
    }

    /// Whether a data segment is read, or beyond the cut of a revoked key.
    pub(super) fn is_read(&self, chain: RunId, height: u32) -> bool {
        let of_site = self.read_of_revoked.get(&chain.site());
        let of_chain = of_site.and_then(|read| read.get(&chain));
        of_chain.is_none_or(|(_, data)| data.contains(height))
    }

    /// How many segments of a site are held and not read, being beyond the cut of a revoked key.
    #[must_use]
    pub fn beyond_cut(&self, site: SiteId) -> u64 {
        self.chains_beyond(site).map(|(_, count)| count).sum()
    }

    /// The chains of a site of which something is held and not read, with how many segments.
    fn chains_beyond(&self, site: SiteId) -> impl Iterator<Item = (RunId, u64)> + '_ {
        let read = self.read_of_revoked.get(&site).into_iter().flatten();
        read.filter_map(|(chain, read)| {
            let held = self.skeleton.run(*chain)?;
            let all = (held.control, held.data.clone());
            let beyond = own_count(held, &all).saturating_sub(own_count(held, read));
            (beyond > 0).then_some((*chain, beyond))
        })
    }

    /// The same for people who are to say what of it was honest: each run with its days.
    ///
    /// # Errors
    /// What the store says.
    pub fn runs_beyond_cut(&self, site: SiteId) -> Result<Vec<RunBeyondCut>, EngineError> {
        // In the order in which they came, by which the later ones continue the earlier.
        let mut runs: BTreeMap<u32, RunBeyondCut> = BTreeMap::new();
        for (chain, segments) in self.chains_beyond(site) {
            let Some(held) = self.skeleton.run(chain) else {
                continue;
            };
            let read = self.read_of_revoked.get(&site);
            let (control, data) = read
                .and_then(|read| read.get(&chain).cloned())
                .unwrap_or_default();
            let mut ends = Vec::new();
            for (start, end) in held.data.minus(&data) {
                ends.extend([(Log::Data, start), (Log::Data, end - 1)]);
            }
            if held.control > control {
                ends.extend([(Log::Control, control), (Log::Control, held.control - 1)]);
            }
            let number = self.skeleton.run(held.base).map_or(0, |run| run.number);
            let row = runs.entry(number).or_insert(RunBeyondCut {
                run: held.base.to_string(),
                segments: 0,
                first: None,
                last: None,
            });
            row.segments += segments;
            for (log, height) in ends {
                let segment = self.header_at(chain, log, height)?;
                let stamp = segment.and_then(|segment| day(segment.header.stamp));
                row.first = row.first.take().into_iter().chain(stamp.clone()).min();
                row.last = row.last.take().into_iter().chain(stamp).max();
            }
        }
        Ok(runs.into_values().collect())
    }

    /// The cut of a revoked key, raised to the end of these of its runs.
    ///
    /// # Errors
    /// [`EngineError::Refused`] where one is not wholly here or of another key.
    pub fn raised_cut(
        &self,
        revocation: &Revocation,
        runs: &[RunId],
    ) -> Result<Vec<Head>, EngineError> {
        let mut raised = Vec::new();
        for run in runs {
            let heads = self.skeleton.heads_of_run(*run);
            if heads.is_empty() || self.revoked_opener(*run)? != Some(revocation.key) {
                let message = format!("run {run}: something of it or below it is not here");
                return Err(EngineError::Refused(message));
            }
            raised.extend(heads);
        }
        let hash = |run, log, height| Host::hash(self, run, log, height);
        let below = self.skeleton.below_heads(&raised, &hash).runs;
        let is_below = |head: &&Head| {
            let covered = below.get(&head.run);
            covered.is_some_and(|(control, data)| {
                *control >= head.control && data.prefix() >= head.data
            })
        };
        let kept: Vec<Head> = revocation
            .cut
            .iter()
            .filter(|head| !is_below(head))
            .copied()
            .collect();
        raised.extend(kept);
        raised.sort_unstable();
        raised.dedup();
        Ok(raised)
    }

    /// The heads of what is held here of the runs that a revoked key opened, or would be if these keys
    /// were revoked: a cut that lets in all that is here.
    ///
    /// # Errors
    /// What the store says.
    pub fn whole_cut(&self, site: SiteId, keys: &[[u8; 32]]) -> Result<Vec<Head>, EngineError> {
        let mut heads = self.skeleton.heads(site);
        let mut theirs = Vec::new();
        for head in heads.drain(..) {
            let opening = self.header_at(head.run, Log::Control, 0)?;
            let opened = |key| {
                opening
                    .as_ref()
                    .is_some_and(|one| one.verify([key]).is_ok())
            };
            if keys.iter().any(opened) {
                theirs.push(head);
            } else {
                theirs.extend(self.parents_by(head.run, keys)?);
            }
        }
        theirs.sort_unstable();
        theirs.dedup();
        Ok(theirs)
    }

    /// What a run of another key continues, down to the runs of these keys.
    fn parents_by(&self, run: RunId, keys: &[[u8; 32]]) -> Result<Vec<Head>, EngineError> {
        let (mut found, mut open, mut seen) = (Vec::new(), vec![run], BTreeSet::new());
        while let Some(run) = open.pop().filter(|run| seen.insert(*run)) {
            let parents = self.skeleton.run(run).map(|run| run.parents.clone());
            for parent in parents.unwrap_or_default() {
                let opening = self.header_at(parent.run, Log::Control, 0)?;
                let opened = |key| {
                    opening
                        .as_ref()
                        .is_some_and(|one| one.verify([key]).is_ok())
                };
                if keys.iter().any(opened) {
                    found.push(parent);
                } else {
                    open.push(parent.run);
                }
            }
        }
        Ok(found)
    }

    /// After a roster came, with `all_read`, or segments of a site that has revoked keys: reads what
    /// stands below the cuts by now, and has records made anew without what does not. With `all_read`
    /// everything is taken for read of runs of which nothing is noted yet.
    pub(super) fn apply_cuts(&mut self, all_read: bool) -> Result<(), EngineError> {
        let sites: BTreeSet<SiteId> = self.roster.revoked.iter().map(|one| one.site).collect();
        for site in sites {
            if all_read || self.touched.iter().any(|run| run.site() == site) {
                self.apply_cut(site, all_read)?;
            }
        }
        Ok(())
    }

    fn apply_cut(&mut self, site: SiteId, all_read: bool) -> Result<(), EngineError> {
        let now = self.below_cuts(site)?;
        let kept = self.read_of_revoked.get(&site);
        if kept == Some(&now) {
            return Ok(());
        }
        let before = kept.cloned().unwrap_or_default();
        let place = key_of(&[READ, &site.0.to_be_bytes()]);
        self.store
            .write(Table::Meta, &place, &codec::encode(&now))?;
        self.read_of_revoked.insert(site, now.clone());
        for (chain, (control, data)) in now {
            let Some(run) = self.skeleton.run(chain) else {
                continue;
            };
            let held = (run.control, run.data.clone());
            let (base, from) = (run.base, [Log::Control, Log::Data].map(|log| run.from(log)));
            let (was_control, was_data) = match before.get(&chain) {
                Some(read) => read.clone(),
                None if all_read => held,
                None => (0, Ranges::default()),
            };
            for height in was_control.max(from[0])..control {
                if let Some(segment) = self.header_at(chain, Log::Control, height)? {
                    self.read_control(chain, &segment)?;
                }
            }
            for (start, end) in data.minus(&was_data) {
                for (label, height) in self.labels_in(chain, start.max(from[1])..end)? {
                    self.mark_label(base, label, height)?;
                }
            }
            let mut again = BTreeSet::new();
            for (start, end) in was_data.minus(&data) {
                let labels = self.labels_in(chain, start.max(from[1])..end)?;
                again.extend(labels.into_iter().map(|(label, _)| label));
            }
            for label in again {
                self.read_again(base, label)?;
            }
        }
        tracing::warn!(%site, beyond = self.beyond_cut(site), "a revoked key's cut is applied");
        Ok(())
    }

    /// What is held below their cuts of the runs that a site's revoked keys opened.
    fn below_cuts(&self, site: SiteId) -> Result<Coverage, EngineError> {
        let mut read = Coverage::new();
        let below: Vec<_> = self
            .roster
            .revoked_of(site)
            .map(|one| (one.key, self.below_cut(one).runs))
            .collect();
        for (chain, run) in self.skeleton.runs(site) {
            let Some(key) = self.revoked_opener(run.base)? else {
                continue;
            };
            let of_key = below.iter().find(|(revoked, _)| *revoked == key);
            let covered = of_key.and_then(|(_, runs)| runs.get(&chain));
            let part =
                covered.map(|(control, data)| ((*control).min(run.control), data.both(&run.data)));
            read.insert(chain, part.unwrap_or_default());
        }
        Ok(read)
    }

    /// The labels of a chain's segments at these heights, with the height of each.
    fn labels_in(
        &self,
        chain: RunId,
        heights: std::ops::Range<u32>,
    ) -> Result<Vec<(Label, u32)>, EngineError> {
        let mut labels = Vec::new();
        for height in heights {
            let segment = self.header_at(chain, Log::Data, height)?;
            let lines = segment.iter().flat_map(|segment| &segment.header.lines);
            labels.extend(lines.map(|line| (line.label, height)));
        }
        Ok(labels)
    }

    /// Reads from the store what is read of revoked sites' logs.
    pub(super) fn reload_cuts(&mut self) -> Result<(), EngineError> {
        self.read_of_revoked.clear();
        for (place, value) in self.store.scan(Table::Meta, READ, &[], usize::MAX)? {
            let site = place[READ.len()..].try_into();
            let site =
                site.map_err(|_| EngineError::Malformed("what is read of a revoked site"))?;
            let read = codec::decode(&value)?;
            self.read_of_revoked
                .insert(SiteId(u16::from_be_bytes(site)), read);
        }
        Ok(())
    }

    /// Lets go of receipts that only a revoked key signed: whoever has it holds nothing for others.
    pub(super) fn drop_revoked_receipts(&mut self) -> Result<(), EngineError> {
        let sites: BTreeSet<SiteId> = self.roster.revoked.iter().map(|one| one.site).collect();
        for site in sites {
            let Some((receipt, _)) = self.receipts.get(&site) else {
                continue;
            };
            if receipt.verify(site, self.roster.keys(site)).is_err() {
                self.receipts.remove(&site);
                self.store.remove(Table::Receipt, &site.0.to_be_bytes())?;
            }
        }
        Ok(())
    }
}

/// Segments of a chain's own in a part of it.
fn own_count(run: &Run, (control, data): &(u32, Ranges)) -> u64 {
    let from = run.from(Log::Data);
    let data = data.all().iter().map(|range| {
        let start = range.0.max(from);
        u64::from(range.1.saturating_sub(start))
    });
    u64::from(control.saturating_sub(run.from(Log::Control))) + data.sum::<u64>()
}
