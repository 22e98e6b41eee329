//! One node's log, as every node knows it: runs, what they continue, and how much of each is held.
//!
//! Every process start that writes opens a **run**: its first control segment names the heads that
//! it continues. A restored backup or a cloned disk therefore grows a sibling branch, which is
//! lawful and loses nothing. Two different segments at one place of one run are a [`ForkProof`].
//! The [`Skeleton`] holds no segment, only the shape; it answers what is covered by what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::codec::DecodeError;
use crate::frontier::{Beyond, HeadMark, RunTag, SiteFrontier};
use crate::id::{Hash, Position, RunId, SiteId};
use crate::limits::{BEYOND_RANGES_MAX, BEYOND_RUNS_MAX, HEADS_MAX, LINEAGE_MAX};
use crate::ranges::Ranges;
use crate::segment::{Header, Log, Segment, SegmentError};

/// How far a run had come: counts of segments, and the hash of the last of each chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Head {
    /// The run.
    pub run: RunId,
    /// Data segments.
    pub data: u32,
    /// Control segments.
    pub control: u32,
    /// Hash of the last data segment; zero when there is none.
    pub data_tip: Hash,
    /// Hash of the last control segment.
    pub control_tip: Hash,
}

impl Head {
    /// The head as a frontier states it.
    #[must_use]
    pub fn mark(&self) -> HeadMark {
        HeadMark {
            run: self.run.into(),
            data: self.data,
            control: self.control,
        }
    }
}

/// One run, as far as this node holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Whose log it is part of.
    pub site: SiteId,
    /// A number that this node gave it when it learnt of it, from 0. A run's parents have lower
    /// numbers than the run itself.
    pub number: u32,
    /// The heads that it continues.
    pub parents: Vec<Head>,
    /// Data segments held.
    pub data: Ranges,
    /// Hash of the last data segment of the unbroken prefix.
    pub data_tip: Hash,
    /// Control segments held; there are never gaps.
    pub control: u32,
    /// Hash of the last control segment.
    pub control_tip: Hash,
    /// Two different segments at one place are known. The run takes on what fits those that came
    /// first here, and its author opens another.
    pub forked: bool,
}

impl Run {
    fn head(&self, run: RunId) -> Head {
        Head {
            run,
            data: self.data.prefix(),
            control: self.control,
            data_tip: self.data_tip,
            control_tip: self.control_tip,
        }
    }
}

/// What a segment would be in this skeleton.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placing {
    /// It is new and fits.
    New,
    /// Its place is taken: the same segment, or a fork if the hashes differ.
    Taken,
    /// Something must come first: an opening, a control segment, a run that it continues.
    TooEarly,
}

/// Part of one chain: heights from `start` to `end`, exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The run.
    pub run: RunId,
    /// The chain.
    pub log: Log,
    /// The first height.
    pub start: u32,
    /// The height after the last.
    pub end: u32,
}

/// What of one site someone holds, by run.
pub type Coverage = BTreeMap<RunId, (u32, Ranges)>;

/// The shape of every log that this node knows.
#[derive(Clone, Debug, Default)]
pub struct Skeleton {
    runs: BTreeMap<RunId, Run>,
    /// Each site's runs by number, so parents first.
    sites: BTreeMap<SiteId, BTreeMap<u32, RunId>>,
    next_number: u32,
}

impl Skeleton {
    /// The sites of which at least one run is known.
    pub fn sites(&self) -> impl Iterator<Item = SiteId> + '_ {
        self.sites.keys().copied()
    }

    /// A site's runs, each after those that it continues.
    pub fn runs(&self, site: SiteId) -> impl DoubleEndedIterator<Item = (RunId, &Run)> + '_ {
        let ids = self.sites.get(&site).into_iter().flat_map(BTreeMap::values);
        ids.filter_map(|id| Some((*id, self.runs.get(id)?)))
    }

    /// One run.
    #[must_use]
    pub fn run(&self, run: RunId) -> Option<&Run> {
        self.runs.get(&run)
    }

    /// The number that the next new run gets.
    #[must_use]
    pub const fn next_number(&self) -> u32 {
        self.next_number
    }

    /// Where a segment would go. `parents` are those of an opening, for a run's first segment.
    #[must_use]
    pub fn placing(&self, header: &Header, parents: Option<&[Head]>) -> Placing {
        let Some(run) = self.runs.get(&header.run) else {
            let known = |head: &Head| {
                self.runs
                    .get(&head.run)
                    .is_some_and(|parent| parent.site == header.site)
            };
            // Frontiers name a run by its tag: a second one of that tag could not be told apart.
            let tag = RunTag::from(header.run);
            let tagged = |(id, _): (RunId, &Run)| RunTag::from(id) == tag;
            return match parents {
                Some(parents)
                    if header.log == Log::Control
                        && header.height == 0
                        && !self.runs(header.site).any(tagged)
                        && parents.iter().all(known) =>
                {
                    Placing::New
                }
                _ => Placing::TooEarly,
            };
        };
        if run.site != header.site {
            return Placing::TooEarly;
        }
        let taken = match header.log {
            Log::Control => header.height < run.control,
            Log::Data => run.data.contains(header.height),
        };
        let early = match header.log {
            Log::Control => header.height > run.control,
            Log::Data => header.control > run.control,
        };
        match (taken, early) {
            (true, _) => Placing::Taken,
            (_, true) => Placing::TooEarly,
            _ => Placing::New,
        }
    }

    /// Adds a run with the number that a store kept for it, or the next one.
    pub fn open_run(&mut self, id: RunId, site: SiteId, parents: Vec<Head>, number: u32) {
        self.next_number = self.next_number.max(number + 1);
        let run = Run {
            site,
            number,
            parents,
            data: Ranges::default(),
            data_tip: Hash::ZERO,
            control: 0,
            control_tip: Hash::ZERO,
            forked: false,
        };
        self.sites.entry(site).or_default().insert(number, id);
        self.runs.insert(id, run);
    }

    /// Notes a segment that was placed as [`Placing::New`]. `hash_at` gives the hash of a data
    /// segment that is held, for when a gap closes.
    pub fn add(&mut self, header: &Header, hash: Hash, hash_at: impl FnOnce(u32) -> Hash) {
        let Some(run) = self.runs.get_mut(&header.run) else {
            return;
        };
        match header.log {
            Log::Control => {
                run.control = header.height + 1;
                run.control_tip = hash;
            }
            Log::Data => {
                let before = run.data.prefix();
                run.data.insert(header.height, header.height + 1);
                let after = run.data.prefix();
                if after == header.height + 1 {
                    run.data_tip = hash;
                } else if after > before {
                    run.data_tip = hash_at(after - 1);
                }
            }
        }
    }

    /// Restores what a store kept of a run.
    pub fn restore(&mut self, id: RunId, data: Ranges, tips: (Hash, Hash), control: u32) {
        if let Some(run) = self.runs.get_mut(&id) {
            run.data = data;
            run.control = control;
            (run.data_tip, run.control_tip) = tips;
        }
    }

    /// Marks a run as forked.
    pub fn mark_forked(&mut self, id: RunId) {
        if let Some(run) = self.runs.get_mut(&id) {
            run.forked = true;
        }
    }

    /// The heads of what is completely here of a site's log: nearly always one, and never more than
    /// [`HEADS_MAX`], those of the lowest ids.
    #[must_use]
    pub fn heads(&self, site: SiteId) -> Vec<Head> {
        self.heads_and_loose(site).0
    }

    /// Heads, and the runs of which something is missing below.
    fn heads_and_loose(&self, site: SiteId) -> (Vec<Head>, Vec<RunId>) {
        let mut whole: BTreeMap<RunId, Head> = BTreeMap::new();
        let mut heads: BTreeMap<RunId, Head> = BTreeMap::new();
        let mut loose = Vec::new();
        for (id, run) in self.runs(site) {
            let stands = run.parents.iter().all(|parent| {
                whole
                    .get(&parent.run)
                    .is_some_and(|mine| mine.data >= parent.data && mine.control >= parent.control)
            });
            if !stands {
                loose.push(id);
                continue;
            }
            for parent in &run.parents {
                let covered = heads
                    .get(&parent.run)
                    .is_some_and(|mine| mine.data <= parent.data && mine.control <= parent.control);
                if covered {
                    heads.remove(&parent.run);
                }
            }
            whole.insert(id, run.head(id));
            heads.insert(id, run.head(id));
        }
        (heads.into_values().take(HEADS_MAX).collect(), loose)
    }

    /// What this node states of a site: the heads of what is complete, and what it holds beyond.
    #[must_use]
    pub fn frontier(&self, site: SiteId) -> SiteFrontier {
        let (heads, loose) = self.heads_and_loose(site);
        let mut beyond = Vec::new();
        for (id, run) in self.runs(site) {
            let ranges = if loose.contains(&id) {
                run.data.all()
            } else {
                run.data.beyond()
            };
            let ranges: Vec<_> = ranges.iter().copied().take(BEYOND_RANGES_MAX).collect();
            let stated = beyond.len() < BEYOND_RUNS_MAX;
            if stated && (loose.contains(&id) || !ranges.is_empty()) {
                beyond.push(Beyond {
                    run: id.into(),
                    control: run.control,
                    ranges,
                });
            }
        }
        SiteFrontier {
            heads: heads.iter().map(Head::mark).collect(),
            beyond,
        }
    }

    /// What lets a peer that does not know the heads here find how much of its own is here. Where
    /// every run that `theirs` ends with is whole here: how far each of those is. Else some of the
    /// whole runs: the newest ones, then ever fewer, so that a long divergence costs duplicates of
    /// its own length at most.
    #[must_use]
    pub fn lineage(&self, site: SiteId, theirs: &[HeadMark]) -> Vec<HeadMark> {
        let loose = self.heads_and_loose(site).1;
        let whole: Vec<HeadMark> = self
            .runs(site)
            .rev()
            .filter(|(id, _)| !loose.contains(id))
            .map(|(id, run)| run.head(id).mark())
            .collect();
        let is_theirs = |mark: &HeadMark| theirs.iter().any(|head| head.run == mark.run);
        if whole.iter().filter(|mark| is_theirs(mark)).count() == theirs.len() {
            return whole.into_iter().filter(is_theirs).collect();
        }
        let told = |age: usize| age < 4 || age.is_power_of_two();
        let some = (0..).zip(whole).filter(|(age, _)| told(*age));
        some.map(|(_, mark)| mark).take(LINEAGE_MAX).collect()
    }

    /// What someone who states `frontier` and `lineage` holds of a site, and whether every head
    /// was known here.
    #[must_use]
    pub fn coverage(
        &self,
        site: SiteId,
        frontier: &SiteFrontier,
        lineage: &[HeadMark],
    ) -> (Coverage, bool) {
        let tags: BTreeMap<RunTag, RunId> =
            self.runs(site).map(|(id, _)| (id.into(), id)).collect();
        let known_all = frontier
            .heads
            .iter()
            .all(|head| tags.contains_key(&head.run));
        let mut coverage = Coverage::new();
        let mut open: Vec<(RunId, u32, u32)> = frontier
            .heads
            .iter()
            .chain(lineage)
            .filter_map(|head| Some((*tags.get(&head.run)?, head.data, head.control)))
            .collect();
        while let Some((id, data, control)) = open.pop() {
            let first_visit = !coverage.contains_key(&id);
            let entry = coverage.entry(id).or_default();
            entry.0 = entry.0.max(control);
            entry.1.insert(0, data);
            if let Some(run) = self.runs.get(&id).filter(|_| first_visit) {
                open.extend(
                    run.parents
                        .iter()
                        .map(|head| (head.run, head.data, head.control)),
                );
            }
        }
        for beyond in &frontier.beyond {
            let Some(id) = tags.get(&beyond.run) else {
                continue;
            };
            let entry = coverage.entry(*id).or_default();
            entry.0 = entry.0.max(beyond.control);
            for range in &beyond.ranges {
                entry.1.insert(range.0, range.1);
            }
        }
        (coverage, known_all)
    }

    /// What this node states of a site and `coverage` does not: control first, older runs first.
    /// What it holds and cannot state, of a site that makes up more heads than any honest one has,
    /// it does not send: a peer could not say that it has it, and would be sent it for ever.
    #[must_use]
    pub fn missing(&self, site: SiteId, coverage: &Coverage) -> Vec<Span> {
        let nothing = (0, Ranges::default());
        let stated = self.coverage(site, &self.frontier(site), &[]).0;
        let mut control = Vec::new();
        let mut data = Vec::new();
        for (id, _) in self.runs(site) {
            let Some(mine) = stated.get(&id) else {
                continue;
            };
            let held = coverage.get(&id).unwrap_or(&nothing);
            if mine.0 > held.0 {
                let (start, end) = (held.0, mine.0);
                control.push(Span {
                    run: id,
                    log: Log::Control,
                    start,
                    end,
                });
            }
            data.extend(mine.1.minus(&held.1).into_iter().map(|(start, end)| Span {
                run: id,
                log: Log::Data,
                start,
                end,
            }));
        }
        control.extend(data);
        control
    }

    /// Whether everything that `marks` covers of a site is complete here.
    #[must_use]
    pub fn holds(&self, site: SiteId, marks: &[HeadMark]) -> bool {
        let frontier = SiteFrontier {
            heads: marks.to_vec(),
            beyond: Vec::new(),
        };
        let (coverage, known) = self.coverage(site, &frontier, &[]);
        known
            && coverage.iter().all(|(id, (control, data))| {
                self.runs
                    .get(id)
                    .is_some_and(|run| run.control >= *control && data.minus(&run.data).is_empty())
            })
    }

    /// Whether what `marks` covers includes all that `earlier` covers, as far as is known here.
    #[must_use]
    pub fn descends(&self, site: SiteId, marks: &[HeadMark], earlier: &[HeadMark]) -> bool {
        let of = |heads: &[HeadMark]| {
            let frontier = SiteFrontier {
                heads: heads.to_vec(),
                beyond: Vec::new(),
            };
            self.coverage(site, &frontier, &[])
        };
        let ((mine, _), (theirs, known)) = (of(marks), of(earlier));
        let nothing = (0, Ranges::default());
        known
            && theirs.iter().all(|(id, (control, data))| {
                let held = mine.get(id).unwrap_or(&nothing);
                held.0 >= *control && data.minus(&held.1).is_empty()
            })
    }

    /// Whether `earlier` is an ancestor of `later`, or the same place. Positions in logs of
    /// different sites are never ordered.
    #[must_use]
    pub fn is_ancestor(&self, earlier: Position, later: Position) -> bool {
        self.is_ancestor_in(Log::Data, earlier, later)
    }

    /// The same for positions in control logs.
    #[must_use]
    pub fn is_ancestor_in(&self, log: Log, earlier: Position, later: Position) -> bool {
        let count = |head: &Head| {
            if log == Log::Data {
                head.data
            } else {
                head.control
            }
        };
        if earlier.site != later.site {
            return false;
        }
        let mut open = vec![(later.run, later.height + 1)];
        let mut seen: BTreeMap<RunId, u32> = BTreeMap::new();
        while let Some((id, data)) = open.pop() {
            if id == earlier.run && data > earlier.height {
                return true;
            }
            if seen.get(&id).is_some_and(|before| *before >= data) {
                continue;
            }
            seen.insert(id, data);
            if let Some(run) = self.runs.get(&id) {
                open.extend(run.parents.iter().map(|head| (head.run, count(head))));
            }
        }
        false
    }
}

/// Two signed segments that one author could not have written in one run: it proves itself.
/// Either two at one height, or one whose `previous` is not the one below.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkProof {
    /// Header and signature of one.
    pub one: (Vec<u8>, Vec<u8>),
    /// Header and signature of the other, at the same height or the next.
    pub other: (Vec<u8>, Vec<u8>),
}

impl ForkProof {
    /// Builds the proof of two segments that clash.
    #[must_use]
    pub fn of(one: &Segment, other: &Segment) -> Self {
        let part = |s: &Segment| (s.header.encode(), s.signature.to_vec());
        Self {
            one: part(one),
            other: part(other),
        }
    }

    /// The run that is said to be forked; nothing is checked.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn run(&self) -> Result<RunId, DecodeError> {
        Ok(Header::decode(&self.one.0)?.run)
    }

    /// Checks the proof against the keys of the site and returns the run that is forked.
    ///
    /// # Errors
    /// [`SegmentError`] when the two do not clash or are not signed.
    pub fn verify<'a>(
        &self,
        keys: impl Fn(SiteId) -> Vec<&'a [u8; 32]>,
    ) -> Result<RunId, SegmentError> {
        let part = |(header, signature): &(Vec<u8>, Vec<u8>)| {
            let header = Header::decode(header)?;
            let signature = signature
                .as_slice()
                .try_into()
                .map_err(|_| DecodeError::Malformed)?;
            let segment = Segment {
                header,
                signature,
                parcels: Vec::new(),
            };
            segment.verify(keys(segment.header.site))?;
            Ok::<Header, SegmentError>(segment.header)
        };
        let (one, other) = (part(&self.one)?, part(&self.other)?);
        let same_chain = one.site == other.site && one.run == other.run && one.log == other.log;
        let same_place = one.height == other.height && one.hash() != other.hash();
        let no_join = one.height + 1 == other.height && other.previous != one.hash();
        if same_chain && (same_place || no_join) {
            Ok(one.run)
        } else {
            Err(DecodeError::Malformed.into())
        }
    }
}
