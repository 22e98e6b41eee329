//! What lies beside a log: segments that a revoked key signed beyond its cut. Bounded, known to no
//! frontier, told to people by run, and taken in where a later roster raises the cut.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spean_protocol::id::{Hash, RunId, SiteId};
use spean_protocol::limits::{BEYOND_CUT_SEGMENTS_MAX, HEADS_MAX};
use spean_protocol::log::Head;
use spean_protocol::roster::Revocation;
use spean_protocol::segment::{Header, Log, Segment};

use super::keys::key_of;
use super::receive::{Taken, opening_of};
use super::report::day;
use super::revocation::Admission;
use super::{Engine, EngineError};
use crate::store::{Store, Table};

/// Segments of one run that are kept beside the log, as they are beyond the cut of a revoked key.
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

/// Where it is kept how many segments lie beside a site's log.
const COUNT: &[u8] = b"beyond";

/// Runs beside a log up to which they are put in order for people: more are a flood.
const SORTED_MAX: usize = 256;

impl<S: Store> Engine<S> {
    /// Keeps a segment beside the log, if there is room for more of its site.
    pub(super) fn keep_beyond(&mut self, segment: &Segment) -> Result<(), EngineError> {
        let site = segment.header.site;
        let place = beyond_key(&segment.header);
        let count = self.beyond_cut(site)?;
        let known = self.store.read(Table::Beyond, &place)?.is_some();
        if known || count >= BEYOND_CUT_SEGMENTS_MAX {
            return Ok(());
        }
        self.store.write(Table::Beyond, &place, &segment.encode())?;
        self.count_beyond(site, count + 1)
    }

    fn count_beyond(&mut self, site: SiteId, count: u64) -> Result<(), EngineError> {
        let place = key_of(&[COUNT, &site.0.to_be_bytes()]);
        Ok(self
            .store
            .write(Table::Meta, &place, &count.to_be_bytes())?)
    }

    /// Takes what a revoked key signed, lies beside its site's log and is below its cut by now. As long as
    /// the cut cannot be told here, for its own runs lie there, too: those runs, and what their openings
    /// name, as far as they go.
    pub(super) fn let_in(&mut self, revocation: &Revocation) -> Result<(), EngineError> {
        let (site, key) = (revocation.site, revocation.key);
        let wanted = below(&revocation.cut, &self.segments_beyond(site)?);
        loop {
            let told = self.allowed(&key).is_some();
            let mut taken = false;
            for segment in self.segments_beyond(site)? {
                let Header {
                    log, run, height, ..
                } = segment.header;
                let named = wanted.get(&(run, log)).is_some_and(|count| height < *count);
                let its = (told || named) && segment.verify([&key]).is_ok();
                if its
                    && matches!(self.admit_segment(&segment)?, Admission::In)
                    && !matches!(self.take_admitted(&segment)?, Taken::Refused(_))
                {
                    self.store
                        .remove(Table::Beyond, &beyond_key(&segment.header))?;
                    let count = self.beyond_cut(site)?;
                    self.count_beyond(site, count.saturating_sub(1))?;
                    taken = true;
                }
            }
            if !taken {
                return Ok(());
            }
        }
    }

    fn segments_beyond(&self, site: SiteId) -> Result<Vec<Segment>, EngineError> {
        let rows = self.first_beyond(site, usize::MAX)?;
        let decoded = rows.iter().filter_map(|bytes| Segment::decode(bytes).ok());
        Ok(decoded.collect())
    }

    /// The first of those segments, control before data, lower ones first.
    pub(super) fn first_beyond(
        &self,
        site: SiteId,
        count: usize,
    ) -> Result<Vec<Vec<u8>>, EngineError> {
        let of_site = site.0.to_be_bytes();
        let rows = self.store.scan(Table::Beyond, &of_site, &[], count)?;
        Ok(rows.into_iter().map(|(_, segment)| segment).collect())
    }

    /// How many segments of a site are kept beside its log.
    ///
    /// # Errors
    /// What the store says.
    pub fn beyond_cut(&self, site: SiteId) -> Result<u64, EngineError> {
        self.counter(&key_of(&[COUNT, &site.0.to_be_bytes()]))
    }

    /// The same for people who are to say what of it was honest: each run with its days, after those that
    /// it continues.
    ///
    /// # Errors
    /// What the store says.
    pub fn runs_beyond_cut(&self, site: SiteId) -> Result<Vec<RunBeyondCut>, EngineError> {
        let segments = self.segments_beyond(site)?;
        let mut runs: BTreeMap<RunId, (u64, u64, u64)> = BTreeMap::new();
        for Segment { header, .. } in &segments {
            let stamp = header.stamp;
            let row = runs.entry(header.run).or_insert((0, stamp, stamp));
            *row = (row.0 + 1, row.1.min(stamp), row.2.max(stamp));
        }
        let openings = openings(&segments);
        let below = |run: RunId| {
            if openings.len() > SORTED_MAX {
                return 0;
            }
            let (mut seen, mut open) = (BTreeSet::new(), vec![run]);
            while let Some(run) = open.pop() {
                if seen.insert(run) {
                    let parents = openings.get(&run).into_iter().flatten();
                    open.extend(parents.map(|head| head.run));
                }
            }
            seen.len()
        };
        let mut runs: Vec<(usize, RunId, (u64, u64, u64))> = runs
            .into_iter()
            .map(|(run, row)| (below(run), run, row))
            .collect();
        runs.sort_unstable();
        let line = |(_, run, (segments, first, last)): (usize, RunId, _)| RunBeyondCut {
            run: run.to_string(),
            segments,
            first: day(first),
            last: day(last),
        };
        Ok(runs.into_iter().map(line).collect())
    }

    /// The revocation of the key that signed what lies beside the log of a run, with its cut raised to
    /// the end of that.
    ///
    /// # Errors
    /// [`EngineError::Refused`] where somebody signed two of one place, or a cut has no room.
    pub fn raised_cut(&self, run: RunId) -> Result<Revocation, EngineError> {
        let refused = |why: &str| EngineError::Refused(format!("run {run}: {why}"));
        let site = run.site();
        let segments = self.segments_beyond(site)?;
        let of_run = || segments.iter().filter(|segment| segment.header.run == run);
        let mut places = BTreeSet::new();
        if !of_run().all(|one| places.insert((one.header.log, one.header.height))) {
            return Err(refused("two segments were signed for one place of it"));
        }
        let end = |log: Log| -> (u32, Hash) {
            let beyond = of_run().map(|segment| &segment.header);
            let last = beyond
                .filter(|header| header.log == log)
                .max_by_key(|header| header.height);
            let held = self.skeleton.run(run);
            let held = held.map(|held| match log {
                Log::Control => (held.control, held.control_tip),
                Log::Data => (held.data.prefix(), held.data_tip),
            });
            let last = last.map(|header| (header.height + 1, header.hash()));
            last.or(held).unwrap_or((0, Hash::ZERO))
        };
        let ((control, control_tip), (data, data_tip)) = (end(Log::Control), end(Log::Data));
        let first = of_run()
            .next()
            .ok_or_else(|| refused("nothing of it is set aside"))?;
        let signed = |one: &&Revocation| first.verify([&one.key]).is_ok();
        let mut revocation = self
            .roster
            .revoked_of(site)
            .find(signed)
            .cloned()
            .ok_or_else(|| refused("no revoked key signed it"))?;
        let raised = Head {
            run,
            data,
            control,
            data_tip,
            control_tip,
        };
        // Ends that the raised one has below it give way.
        let covered = below(&[raised], &segments);
        let is_below = |head: &Head| {
            let covers = |log, count| covered.get(&(head.run, log)).is_some_and(|it| *it >= count);
            covers(Log::Data, head.data) && covers(Log::Control, head.control)
        };
        revocation.cut.retain(|head| !is_below(head));
        revocation.cut.push(raised);
        revocation.cut.sort_unstable();
        if revocation.cut.len() > HEADS_MAX {
            return Err(refused("a cut has no room for one more end"));
        }
        Ok(revocation)
    }
}

/// How far runs go at or below these heads, as far as openings tell that lie beside the log.
fn below(heads: &[Head], beside: &[Segment]) -> BTreeMap<(RunId, Log), u32> {
    let openings = openings(beside);
    let mut far = BTreeMap::new();
    let mut open = heads.to_vec();
    let mut seen = BTreeSet::new();
    while let Some(head) = open.pop() {
        for (log, count) in [(Log::Data, head.data), (Log::Control, head.control)] {
            let known: &mut u32 = far.entry((head.run, log)).or_default();
            *known = count.max(*known);
        }
        if seen.insert(head.run) {
            open.extend(openings.get(&head.run).into_iter().flatten());
        }
    }
    far
}

/// What the openings name that are among these.
fn openings(segments: &[Segment]) -> BTreeMap<RunId, Vec<Head>> {
    let control = segments
        .iter()
        .filter(|segment| segment.header.log == Log::Control);
    control
        .filter_map(|segment| Some((segment.header.run, opening_of(segment).ok()??)))
        .collect()
}

/// Where a segment is kept beside the log: control first, lower ones first.
fn beyond_key(header: &Header) -> Vec<u8> {
    let log = u8::from(header.log == Log::Data);
    key_of(&[
        &header.site.0.to_be_bytes(),
        &[log],
        &header.height.to_be_bytes(),
        &header.hash().0,
    ])
}
