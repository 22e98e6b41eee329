//! Revoked keys. What they signed up to the cut stays in the log and counts; what they signed beyond it
//! is taken out of the log, as if it had never come, and kept beside it for people who may find that it
//! was honest. So it touches nothing else: no head, no order, no fork of what is honest.
//!
//! A run belongs to the key that signed its opening. As long as a cut's own runs are not here, nobody
//! can say what is below it: until then what comes is taken as before the revocation.

use std::collections::BTreeSet;

use spean_protocol::control::Entry;
use spean_protocol::frontier::RunTag;
use spean_protocol::id::{RunId, SiteId};
use spean_protocol::limits::HEADS_MAX;
use spean_protocol::log::{Allowed, Coverage, ForkProof, Head, Span};
use spean_protocol::segment::{Header, Log, Segment};
use spean_protocol::session::Host;

use super::keys::key_of;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// What becomes of a segment, by the key that signed it.
pub(super) enum Admission {
    /// It may take its place.
    In,
    /// It is kept beside the log.
    Beyond,
    /// It is refused.
    Refused(String),
}

impl<S: Store> Engine<S> {
    /// Whether a segment is signed by a key that may write at its place. A run of a revoked key gives way
    /// where a trusted one opens it.
    pub(super) fn admit_segment(&mut self, segment: &Segment) -> Result<Admission, EngineError> {
        let Header {
            site, run, height, ..
        } = segment.header;
        let signed = segment.verify(self.roster.keys(site));
        if self.roster.revoked_of(site).next().is_none() {
            return Ok(match signed {
                Ok(()) => Admission::In,
                Err(error) => Admission::Refused(error.to_string()),
            });
        }
        let opener = self.revoked_opener(run)?;
        let Err(error) = signed else {
            return Ok(match opener {
                Some(key)
                    if self
                        .allowed(&key)
                        .is_some_and(|it| it.runs.contains_key(&run)) =>
                {
                    Admission::Refused(format!("{site} {run}: the run of a revoked key"))
                }
                _ => {
                    self.make_way(site, run)?;
                    Admission::In
                }
            });
        };
        let signer = self
            .roster
            .revoked_of(site)
            .map(|one| one.key)
            .find(|key| segment.verify([key]).is_ok());
        let Some(key) = signer else {
            return Ok(Admission::Refused(error.to_string()));
        };
        if self.skeleton.run(run).is_some() && opener != Some(key) {
            let reason = format!("{site} {run}: a revoked key in the run of another");
            return Ok(Admission::Refused(reason));
        }
        let Some(allowed) = self.allowed(&key) else {
            return Ok(Admission::In);
        };
        let log = segment.header.log;
        let inside = self.skeleton.chains(run, log).any(|(chain, held)| {
            let (control, data) = allowed.runs.get(&chain).cloned().unwrap_or_default();
            let (covers, is_here) = match log {
                Log::Control => (control > height, held.control > height),
                Log::Data => (data.contains(height), held.data.contains(height)),
            };
            // Where the chain is known that the cut names, only what is missing of it comes.
            covers && (!is_here || allowed.open.contains(&(chain, log)))
        });
        Ok(if inside {
            Admission::In
        } else {
            Admission::Beyond
        })
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
        // Of a run below a cut both branches must be here: else anybody with the key could keep its
        // honest part from being believed.
        let split = |run| {
            let chains =
                [Log::Control, Log::Data].map(|log| self.skeleton.chains(run, log).count());
            chains.into_iter().any(|chains| chains > 1)
        };
        let opener = match proof.run() {
            Ok(run) if split(run) => self.revoked_opener(run)?,
            _ => None,
        };
        let shown = opener.and_then(|key| proof.verify(|_| vec![&key]).ok());
        Ok(shown.ok_or(error))
    }

    /// The revoked key that opened a run which is here, if one did.
    fn revoked_opener(&self, run: RunId) -> Result<Option<[u8; 32]>, EngineError> {
        if self.roster.revoked_of(run.site()).next().is_none() {
            return Ok(None);
        }
        if let Some(known) = self.opened_by.borrow().get(&run) {
            return Ok(*known);
        }
        let opening = match self.header_at(run, Log::Control, 0) {
            Err(error @ EngineError::Store(_)) => return Err(error),
            // A damaged row tells nothing.
            other => other.ok().flatten(),
        };
        let Some(opening) = opening else {
            return Ok(None);
        };
        let mut revoked = self.roster.revoked_of(run.site()).map(|one| one.key);
        let opener = revoked.find(|key| opening.verify([key]).is_ok());
        self.opened_by.borrow_mut().insert(run, opener);
        Ok(opener)
    }

    /// What may stand of the runs that a revoked key opened; `None` until its cut can be told here.
    pub(super) fn allowed(&self, key: &[u8; 32]) -> Option<Allowed> {
        let hash = |run, log, height| Host::hash(self, run, log, height);
        self.skeleton
            .allowed(&self.roster.revocation(key)?.cut, &hash)
    }

    /// The runs of a site that a key opened.
    fn runs_of(&self, site: SiteId, key: &[u8; 32]) -> Result<BTreeSet<RunId>, EngineError> {
        let mut runs = BTreeSet::new();
        for run in self.skeleton.bases(site) {
            let opening = self.header_at(run, Log::Control, 0)?;
            if opening.is_some_and(|opening| opening.verify([key]).is_ok()) {
                runs.insert(run);
            }
        }
        Ok(runs)
    }

    /// The cut that lets in all that is here of the runs that a key opened. Of more ends than a cut may
    /// have, those of the longest runs: what is left out can be let in later.
    ///
    /// # Errors
    /// What the store says.
    pub fn whole_cut(&self, site: SiteId, key: &[u8; 32]) -> Result<Vec<Head>, EngineError> {
        let mut ends = self.skeleton.ends(&self.runs_of(site, key)?);
        ends.sort_by_key(|head| std::cmp::Reverse((head.data, head.control)));
        ends.truncate(HEADS_MAX);
        ends.sort_unstable();
        Ok(ends)
    }

    /// Takes out of the logs what revoked keys signed beyond their cuts, and lets in what lies beside
    /// them and is below a cut by now: after a roster came, or segments of a site with revoked keys.
    pub(super) fn apply_cuts(&mut self, all: bool) -> Result<(), EngineError> {
        for revocation in self.roster.revoked.clone() {
            let (site, key) = (revocation.site, revocation.key);
            if all {
                self.let_in(&revocation)?;
            } else if !self.touches(&key)? {
                continue;
            }
            if let Some(allowed) = self.allowed(&key) {
                let mut runs = BTreeSet::new();
                for run in self.skeleton.bases(site) {
                    if self.revoked_opener(run)? == Some(key) {
                        runs.insert(run);
                    }
                }
                self.take_out(site, &runs, &allowed.runs)?;
            }
        }
        Ok(())
    }

    /// Whether this input brought anything of a run that a revoked key opened.
    fn touches(&self, key: &[u8; 32]) -> Result<bool, EngineError> {
        for run in &self.touched {
            let base = self.skeleton.run(*run).map_or(*run, |run| run.base);
            if self.revoked_opener(base)? == Some(*key) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A run of a revoked key, and one that frontiers could not tell from it, gives way to one of a
    /// trusted key.
    fn make_way(&mut self, site: SiteId, run: RunId) -> Result<(), EngineError> {
        let same = |other: &RunId| RunTag::from(*other) == RunTag::from(run);
        let bases: Vec<RunId> = self.skeleton.bases(site).filter(same).collect();
        let mut runs = BTreeSet::new();
        for base in bases {
            let Some(key) = self.revoked_opener(base)? else {
                continue;
            };
            let allowed = self.allowed(&key);
            if !allowed.is_some_and(|it| it.runs.contains_key(&base)) {
                runs.insert(base);
            }
        }
        self.take_out(site, &runs, &Coverage::new())
    }

    /// Moves what is not allowed of these runs out of the log, and has everybody's record read again
    /// that any of it went into.
    fn take_out(
        &mut self,
        site: SiteId,
        runs: &BTreeSet<RunId>,
        allowed: &Coverage,
    ) -> Result<(), EngineError> {
        let taken = self.remove_from(site, runs, allowed)?;
        if taken.is_empty() {
            return Ok(());
        }
        for segment in &taken {
            self.keep_beyond(segment)?;
        }
        // Where what was there first was taken out, what came second is no branch any more.
        for base in runs {
            while let Some(allowed) = self.but_a_lone_branch(*base) {
                let branch = self.remove_from(site, &[*base].into(), &allowed)?;
                for segment in branch {
                    self.take_admitted(&segment)?;
                }
            }
        }
        for run in runs {
            let forked = self.skeleton.run(*run).is_some_and(|run| run.forked);
            if !forked && self.forks.remove(&(*run).into()).is_some() {
                self.store.remove(Table::Fork, &RunTag::from(*run).0)?;
            }
        }
        self.order_changed(self.skeleton.bases(site).collect());
        self.state_again(site)?;
        self.read_officers_again()?;
        tracing::warn!(
            site = self.code(site),
            "taken out: beyond the cut of a revoked key"
        );
        Ok(())
    }

    /// All that is held of a run but the first branch that leaves a chain where that one ends.
    fn but_a_lone_branch(&self, base: RunId) -> Option<Coverage> {
        let chains = |log| self.skeleton.chains(base, log);
        let mut lone = [Log::Control, Log::Data].into_iter().flat_map(chains);
        let lone = lone.find(|(_, run)| {
            run.branch.is_some_and(|branch| {
                let off = self.skeleton.run(branch.off);
                off.is_some_and(|off| match branch.log {
                    Log::Control => off.control <= branch.from,
                    Log::Data => !off.data.contains(branch.from),
                })
            })
        });
        let (lone, _) = lone?;
        let all = [Log::Control, Log::Data].into_iter().flat_map(chains);
        let rest = all.filter(|(id, _)| *id != lone);
        Some(
            rest.map(|(id, run)| (id, (run.control, run.data.clone())))
                .collect(),
        )
    }

    /// Removes what is not allowed of these runs, and returns it.
    fn remove_from(
        &mut self,
        site: SiteId,
        runs: &BTreeSet<RunId>,
        allowed: &Coverage,
    ) -> Result<Vec<Segment>, EngineError> {
        let spans = self.skeleton.outside(site, runs, allowed);
        if spans.is_empty() {
            return Ok(Vec::new());
        }
        let mut labels = BTreeSet::new();
        let mut taken = Vec::new();
        for span in &spans {
            for height in span.start..span.end {
                let segment = self.segment(span.run, span.log, height)?;
                let segment = segment.and_then(|bytes| Segment::decode(&bytes).ok());
                let Some(segment) = segment else {
                    continue;
                };
                if span.log == Log::Data {
                    let lines = &segment.header.lines;
                    labels.extend(lines.iter().map(|line| (segment.header.run, line.label)));
                }
                taken.push(segment);
            }
        }
        for (run, label) in labels {
            self.read_again(run, label)?;
        }
        let mut skeleton = self.skeleton.clone();
        let (gone, changed) = {
            let hash = |run, log, height| Host::hash(self, run, log, height);
            skeleton.take_out((site, runs), allowed, &hash)
        };
        self.remove_rows(&spans)?;
        self.skeleton = skeleton;
        for run in &gone {
            self.store.remove(Table::Run, &run.0)?;
            self.touched.remove(run);
            self.opened_by.borrow_mut().remove(run);
        }
        self.touched.extend(changed);
        self.run = self.run.filter(|run| self.skeleton.run(*run).is_some());
        self.openers.clear();
        Ok(taken)
    }

    /// Reads a site's statements again from what is left of its control log.
    fn state_again(&mut self, site: SiteId) -> Result<(), EngineError> {
        if !self.is_headquarters() {
            return Ok(());
        }
        self.forget_statements(site)?;
        for (position, entry) in self.control_entries(site)? {
            if let Entry::Statement { sealed } = entry {
                self.open_statement(position, &sealed)?;
            }
        }
        Ok(())
    }

    /// Removes the rows of segments that are no longer part of the log.
    fn remove_rows(&mut self, spans: &[Span]) -> Result<(), EngineError> {
        for span in spans {
            for height in span.start..span.end {
                let Some(place) = self.place_of(span.run, span.log, height) else {
                    continue;
                };
                if span.log == Log::Control {
                    self.store.remove(Table::Control, &place)?;
                    continue;
                }
                let segment = self.header_at(span.run, Log::Data, height)?;
                let lines = segment.iter().flat_map(|segment| &segment.header.lines);
                for (index, line) in (0_u16..).zip(lines) {
                    let key = key_of(&[&line.label.0, &place, &index.to_be_bytes()]);
                    self.store.remove(Table::Parcel, &key)?;
                }
                self.store.remove(Table::Segment, &place)?;
            }
        }
        Ok(())
    }

    /// Lets go of what only a revoked key vouches for: its receipts, for whoever has it holds nothing for
    /// others, and what was read ahead of its turn.
    pub(super) fn drop_vouched_by_revoked(&mut self) -> Result<(), EngineError> {
        let sites: BTreeSet<SiteId> = self.roster.revoked.iter().map(|one| one.site).collect();
        for site in sites {
            let keys = self.roster.keys(site);
            let stale =
                |receipt: &spean_protocol::receipt::Receipt| receipt.verify(site, keys).is_err();
            if self
                .receipts
                .get(&site)
                .is_some_and(|(receipt, _)| stale(receipt))
            {
                self.receipts.remove(&site);
                self.store.remove(Table::Receipt, &site.0.to_be_bytes())?;
            }
            let of_site = site.0.to_be_bytes();
            for (place, _) in self.store.scan(Table::Ahead, &of_site, &[], usize::MAX)? {
                self.store.remove(Table::Ahead, &place)?;
            }
        }
        Ok(())
    }

    /// The heads that a new run of this site continues: not those of a revoked key that may yet turn out
    /// to be beyond its cut.
    pub(super) fn own_parents(&self) -> Result<Vec<Head>, EngineError> {
        let mut parents = self.skeleton.heads(self.site);
        let mut open = Ok(());
        parents.retain(|head| match self.revoked_opener(head.run) {
            Ok(Some(key)) => self.allowed(&key).is_some(),
            Ok(None) => true,
            Err(error) => {
                open = Err(error);
                false
            }
        });
        open.map(|()| parents)
    }
}
