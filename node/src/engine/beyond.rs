//! What lies beside a log: segments that a revoked key signed beyond its cut. Bounded, known to no
//! frontier, told to people by run, and taken in where a later roster raises the cut.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spean_protocol::control::Entry;
use spean_protocol::id::{Hash, RunId, SiteId};
use spean_protocol::limits::{BEYOND_CUT_SEGMENTS_MAX, HEADS_MAX};
use spean_protocol::log::Head;
use spean_protocol::roster::Revocation;
use spean_protocol::segment::{Header, Log, Segment};

use super::keys::key_of;
use super::report::day;
use super::revocation::Admission;
use super::{Engine, EngineError};
use crate::store::{Row, Store, Table};

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
        let Header { site, log, .. } = segment.header;
        let place = beyond_key(site, log, &segment.header);
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

    /// Takes what lies beside a site's log and is below a cut by now. As long as the cut cannot be told
    /// here, for its own runs lie there, too: those runs, and what their openings name, as far as they go.
    pub(super) fn let_in(&mut self, revocation: &Revocation) -> Result<(), EngineError> {
        let site = revocation.site;
        let wanted = self.wanted_beyond(revocation)?;
        loop {
            let told = self.allowed(&revocation.key).is_some();
            let mut taken = false;
            for (place, bytes) in self.rows_beyond(site)? {
                let Ok(segment) = Segment::decode(&bytes) else {
                    continue;
                };
                let Header {
                    log, run, height, ..
                } = segment.header;
                let named = wanted.get(&(run, log)).is_some_and(|count| height < *count);
                if (told || named)
                    && matches!(self.admit_segment(&segment)?, Admission::In)
                    && self.take_admitted(&segment)?
                {
                    self.store.remove(Table::Beyond, &place)?;
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

    /// How far the runs go that a cut names, and those below them whose openings lie beside the log.
    fn wanted_beyond(
        &self,
        revocation: &Revocation,
    ) -> Result<BTreeMap<(RunId, Log), u32>, EngineError> {
        let openings = self.openings_beyond(revocation.site)?;
        let mut wanted = BTreeMap::new();
        let mut open = revocation.cut.clone();
        let mut seen = BTreeSet::new();
        while let Some(head) = open.pop() {
            for (log, count) in [(Log::Data, head.data), (Log::Control, head.control)] {
                let known: &mut u32 = wanted.entry((head.run, log)).or_default();
                *known = count.max(*known);
            }
            if seen.insert(head.run) {
                open.extend(openings.get(&head.run).into_iter().flatten());
            }
        }
        Ok(wanted)
    }

    /// What the openings name that lie beside a site's log.
    fn openings_beyond(&self, site: SiteId) -> Result<BTreeMap<RunId, Vec<Head>>, EngineError> {
        let mut openings: BTreeMap<RunId, Vec<Head>> = BTreeMap::new();
        for (_, bytes) in self.rows_beyond(site)? {
            let segment = Segment::decode(&bytes).ok();
            let first = segment.filter(|s| (s.header.log, s.header.height) == (Log::Control, 0));
            let parents = first.as_ref().and_then(|segment| {
                match Entry::decode(segment.parcels.first()?.as_ref()?) {
                    Ok(Entry::Opening(parents)) => Some((segment.header.run, parents)),
                    _ => None,
                }
            });
            openings.extend(parents);
        }
        Ok(openings)
    }

    fn rows_beyond(&self, site: SiteId) -> Result<Vec<Row>, EngineError> {
        let of_site = site.0.to_be_bytes();
        Ok(self.store.scan(Table::Beyond, &of_site, &[], usize::MAX)?)
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

    fn headers_beyond(&self, site: SiteId) -> Result<Vec<Header>, EngineError> {
        let rows = self.rows_beyond(site)?;
        let decoded = rows
            .iter()
            .filter_map(|(_, bytes)| Segment::decode(bytes).ok());
        Ok(decoded.map(|segment| segment.header).collect())
    }

    /// The same for people who are to say what of it was honest: each run with its days, after those that
    /// it continues.
    ///
    /// # Errors
    /// What the store says.
    pub fn runs_beyond_cut(&self, site: SiteId) -> Result<Vec<RunBeyondCut>, EngineError> {
        let mut runs: BTreeMap<RunId, (u64, u64, u64)> = BTreeMap::new();
        for header in self.headers_beyond(site)? {
            let stamp = header.stamp;
            let row = runs.entry(header.run).or_insert((0, stamp, stamp));
            *row = (row.0 + 1, row.1.min(stamp), row.2.max(stamp));
        }
        // Each after those that it continues.
        let openings = self.openings_beyond(site)?;
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
        let headers = self.headers_beyond(site)?;
        let of_run = || headers.iter().filter(|header| header.run == run);
        let mut places = BTreeSet::new();
        if !of_run().all(|header| places.insert((header.log, header.height))) {
            return Err(refused("two segments were signed for one place of it"));
        }
        let end = |log: Log| -> (u32, Hash) {
            let beyond = of_run().filter(|header| header.log == log);
            let last = beyond.max_by_key(|header| header.height);
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
        let bytes = self
            .store
            .read(Table::Beyond, &beyond_key(site, first.log, first))?;
        let segment = bytes.and_then(|bytes| Segment::decode(&bytes).ok());
        let signed = |one: &&Revocation| {
            let segment = segment.as_ref();
            segment.is_some_and(|segment| segment.verify([&one.key]).is_ok())
        };
        let mut revocation = self
            .roster
            .revoked_of(site)
            .find(signed)
            .cloned()
            .ok_or_else(|| refused("no revoked key signed it"))?;
        // An end of the same run gives way; what the raised one is above stays, and does no harm.
        revocation.cut.retain(|head| head.run != run);
        revocation.cut.push(Head {
            run,
            data,
            control,
            data_tip,
            control_tip,
        });
        revocation.cut.sort_unstable();
        if revocation.cut.len() > HEADS_MAX {
            return Err(refused("a cut has no room for one more end"));
        }
        Ok(revocation)
    }
}

/// Where a segment is kept beside the log: control first, lower ones first.
fn beyond_key(site: SiteId, log: Log, header: &Header) -> Vec<u8> {
    let log = u8::from(log == Log::Data);
    key_of(&[
        &site.0.to_be_bytes(),
        &[log],
        &header.height.to_be_bytes(),
        &header.hash().0,
    ])
}
