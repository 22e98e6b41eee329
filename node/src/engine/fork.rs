//! Two different segments at one place of one run: the proof is kept and travels, both branches are
//! kept and count, and what was read while only one was known is read again.

use spean_protocol::codec;
use spean_protocol::frontier::RunTag;
use spean_protocol::id::{Label, RunId};
use spean_protocol::limits::HEADS_MAX;
use spean_protocol::log::{ForkProof, Head};
use spean_protocol::segment::{Log, Segment};
use spean_protocol::session::Host;

use super::keys::{Opener, key_of, learner_stream};
use super::{Engine, EngineError};
use crate::mutant::{self, Mutant};
use crate::store::{Store, Table};

impl<S: Store> Engine<S> {
    /// Keeps the proof that `segment` and the one at this place could not come from one author; or
    /// says why it is none.
    pub(super) fn prove_fork(
        &mut self,
        chain: RunId,
        height: u32,
        segment: &Segment,
    ) -> Result<Result<(), &'static str>, EngineError> {
        let (run, log) = (segment.header.run, segment.header.log);
        let held = self.header_at(chain, log, height)?;
        if let Some(other) = held.filter(|_| !self.forks.contains_key(&run.into())) {
            let (below, above) = if height > segment.header.height {
                (segment, &other)
            } else {
                (&other, segment)
            };
            // Nobody is accused by mistake, whatever led here.
            if !ForkProof::shows(&below.header, &above.header) {
                return Ok(Err("a fork that is none"));
            }
            self.keep_fork(run, &codec::encode(&ForkProof::of(below, above)))?;
        }
        // Also where enough proofs of this site are kept: in a forked run there are no gaps.
        self.mark_forked(run)?;
        Ok(Ok(()))
    }

    /// Keeps a proof that was checked; `false` where enough of its site are held. Those of the
    /// lowest tags are, so that all nodes end with the same.
    pub(super) fn keep_fork(&mut self, run: RunId, proof: &[u8]) -> Result<bool, EngineError> {
        let tag = RunTag::from(run);
        // Also of a run that is not known here yet.
        let of_site = |known: &RunId| known.site() == run.site();
        let held: Vec<RunTag> = self
            .forks
            .iter()
            .filter(|(_, known)| of_site(known))
            .map(|(tag, _)| *tag)
            .collect();
        if held.len() >= HEADS_MAX {
            let Some(highest) = held.last().filter(|highest| tag < **highest) else {
                return Ok(false);
            };
            self.store.remove(Table::Fork, &highest.0)?;
            self.forks.remove(highest);
        }
        self.store.write(Table::Fork, &tag.0, proof)?;
        self.forks.insert(tag, run);
        self.mark_forked(run)?;
        tracing::warn!(%run, "a run is forked: a copy of a machine resumed, or its node lies");
        Ok(true)
    }

    /// Marks a run as forked and drops what is held of it beyond a gap: it comes again, in the
    /// branch that it belongs to.
    fn mark_forked(&mut self, run: RunId) -> Result<(), EngineError> {
        let known = self.skeleton.run(run).filter(|known| !known.forked);
        let Some(known) = known.map(|known| known.data.beyond().to_vec()) else {
            return Ok(());
        };
        for height in known.into_iter().flat_map(|(start, end)| start..end) {
            let Some(segment) = self.header_at(run, Log::Data, height)? else {
                continue;
            };
            let Some(place) = self.place_of(run, Log::Data, height) else {
                continue;
            };
            for (index, line) in (0_u16..).zip(&segment.header.lines) {
                let key = key_of(&[&line.label.0, &place, &index.to_be_bytes()]);
                self.store.remove(Table::Parcel, &key)?;
                self.read_again(run, line.label)?;
            }
            self.store.remove(Table::Segment, &place)?;
        }
        let changed = self.skeleton.mark_forked(run);
        self.touched.insert(run);
        self.order_changed(changed);
        Ok(())
    }

    /// Begins a branch with `segment`, which stands where the chain `off` has another. From there on
    /// both have names of their own, so what was read of the other is read again.
    pub(super) fn open_branch(
        &mut self,
        off: RunId,
        segment: &Segment,
        parents: Vec<Head>,
    ) -> Result<Option<RunId>, EngineError> {
        let header = &segment.header;
        let (run, log, height) = (header.run, header.log, header.height);
        let Some(stands) = Host::hash(self, off, log, height) else {
            return Ok(None);
        };
        let hash = |run, log, height| Host::hash(self, run, log, height);
        let links = self.skeleton.links(&parents, &hash);
        let first = !self.skeleton.chains(run, log).any(|(_, chain)| {
            chain
                .branch
                .is_some_and(|b| (b.off, b.from) == (off, height))
        });
        let opened = self
            .skeleton
            .open_branch(off, header, stands, (parents, links));
        self.touched.insert(off);
        let again = first && !mutant::is_on(Mutant::ForkReadOnce);
        if opened.is_some() && again && log == Log::Data {
            self.read_pieces_again(off, height)?;
        }
        if opened.is_some() && (log, height) == (Log::Control, 0) {
            // A second opening: what stands in the run has what it names below it, too.
            self.order_changed(vec![run]);
        }
        tracing::warn!(%run, height, "a branch of a forked run is kept beside the other");
        Ok(opened)
    }

    /// Has everything read again that stands in a chain at `height` or above.
    fn read_pieces_again(&mut self, chain: RunId, height: u32) -> Result<(), EngineError> {
        let Some((base, end)) = self
            .skeleton
            .run(chain)
            .map(|run| (run.base, run.data.prefix()))
        else {
            return Ok(());
        };
        let mut labels = std::collections::BTreeSet::new();
        for height in height..end {
            let segment = self.header_at(chain, Log::Data, height)?;
            labels.extend(
                segment
                    .iter()
                    .flat_map(|s| &s.header.lines)
                    .map(|l| l.label),
            );
        }
        labels
            .into_iter()
            .try_for_each(|label| self.read_again(base, label))
    }

    /// Drops the record that a label's parcels went into: a cache, which the next fold rebuilds.
    pub(super) fn read_again(&mut self, run: RunId, label: Label) -> Result<(), EngineError> {
        if let Some(Opener::Stay(learner, held)) = self.openers(run)?.get(&label).cloned() {
            self.store
                .remove(Table::Record, &learner_stream(learner, held.stream))?;
            self.mark_dirty(learner, &held, (run, label), 0)?;
        }
        Ok(())
    }
}
