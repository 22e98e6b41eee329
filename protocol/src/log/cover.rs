//! What somebody holds who states a frontier, and so what he lacks.
//!
//! A mark names a head by its counts and a tag of its hashes. What is held here and has that tag is
//! covered. A mark that goes further than what is held is believed as long as nothing says that
//! its run is forked; else only what can be checked counts.

use std::collections::{BTreeMap, BTreeSet};

use super::heads::Stated;
use super::{HashAt, Link, Run, Skeleton};
use crate::frontier::{HeadMark, RunTag, SiteFrontier};
use crate::id::{Hash, RunId, SiteId};
use crate::limits::{HEADS_MAX, LINEAGE_MAX};
use crate::ranges::Ranges;
use crate::segment::Log;

/// Part of one chain: heights from `start` to `end`, exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The chain, by the id that this node uses.
    pub run: RunId,
    /// The log.
    pub log: Log,
    /// The first height.
    pub start: u32,
    /// The height after the last.
    pub end: u32,
}

/// What of one site someone holds, by chain: control segments, and data with what lies below.
pub type Coverage = BTreeMap<RunId, (u32, Ranges)>;

/// What a frontier says of one site, as far as it can be told here.
#[derive(Clone, Debug, Default)]
pub struct Covered {
    /// What is held.
    pub runs: Coverage,
    /// Every head is of something that is here, or further than what is here.
    pub known: bool,
    /// Some head is further than what is here.
    pub ahead: bool,
    /// It states as many heads as anybody may: of a forked run it takes no further branch.
    pub full: bool,
}

impl Covered {
    /// Adds what is held besides.
    pub fn add(&mut self, more: &Coverage) {
        for (run, (control, data)) in more {
            let entry = self.runs.entry(*run).or_default();
            entry.0 = entry.0.max(*control);
            data.all()
                .iter()
                .for_each(|range| entry.1.insert(range.0, range.1));
        }
    }
}

/// What a mark means.
enum Meaning {
    Here(Link),
    Ahead(Link),
    Unknown,
}

type Marks = BTreeMap<RunTag, BTreeSet<HeadMark>>;

fn by_run<'a>(marks: impl Iterator<Item = &'a HeadMark>) -> Marks {
    let mut all = Marks::new();
    for mark in marks {
        all.entry(mark.run).or_default().insert(*mark);
    }
    all
}

impl Skeleton {
    /// What someone who states `frontier` and `lineage` holds of a site.
    #[must_use]
    pub fn coverage(
        &self,
        site: SiteId,
        frontier: &SiteFrontier,
        lineage: &[HeadMark],
        hash: HashAt<'_>,
    ) -> Covered {
        let tags = self.tags(site);
        let stated = by_run(frontier.heads.iter().chain(lineage));
        let mut covered = Covered {
            known: frontier
                .heads
                .iter()
                .all(|head| tags.contains_key(&head.run)),
            full: frontier.heads.len() >= HEADS_MAX,
            ..Covered::default()
        };
        for (tag, marks) in &stated {
            let Some(base) = tags.get(tag) else {
                continue;
            };
            for mark in marks {
                let is_head = frontier.heads.contains(mark);
                match self.meaning(*base, mark, marks, hash) {
                    Meaning::Here(link) => self.spread(&mut covered.runs, link),
                    Meaning::Ahead(link) => {
                        self.spread(&mut covered.runs, link);
                        covered.ahead |= is_head;
                    }
                    Meaning::Unknown => covered.known &= !is_head,
                }
            }
        }
        for beyond in &frontier.beyond {
            let Some(id) = tags.get(&beyond.run) else {
                continue;
            };
            let entry = covered.runs.entry(*id).or_default();
            entry.0 = entry.0.max(beyond.control);
            for range in &beyond.ranges {
                entry.1.insert(range.0, range.1);
            }
        }
        covered
    }

    fn tags(&self, site: SiteId) -> BTreeMap<RunTag, RunId> {
        self.bases(site).map(|id| (id.into(), id)).collect()
    }

    /// What a mark means that is stated of a run along with others.
    fn meaning(
        &self,
        base: RunId,
        mark: &HeadMark,
        stated: &BTreeSet<HeadMark>,
        hash: HashAt<'_>,
    ) -> Meaning {
        let Some(first) = self.runs.get(&base) else {
            return Meaning::Unknown;
        };
        let held = |log, count: u32| self.held(base, log, count, hash);
        let controls = held(Log::Control, mark.control);
        for (data, data_tip) in held(Log::Data, mark.data) {
            for (control, control_tip) in &controls {
                if HeadMark::tips(&data_tip, control_tip) == mark.tips {
                    return Meaning::Here(Link {
                        data,
                        control: *control,
                    });
                }
            }
        }
        // One mark of both chains is what somebody states who knows of no fork.
        let forked = first.forked || stated.len() > 1 || mark.control == 0;
        let further = mark.data > first.length(Log::Data) || mark.control > first.control;
        if forked || !further {
            return Meaning::Unknown;
        }
        Meaning::Ahead(Link {
            data: Some((base, mark.data)),
            control: Some((base, mark.control)),
        })
    }

    /// What is held of a run that is so long, by chain, with the hash of the last segment.
    fn held(
        &self,
        base: RunId,
        log: Log,
        count: u32,
        hash: HashAt<'_>,
    ) -> Vec<(Option<(RunId, u32)>, Hash)> {
        let Some(last) = count.checked_sub(1) else {
            return vec![(None, Hash::ZERO)];
        };
        let there = |run: &Run| run.owns(log, last) && count <= run.length(log);
        let tip = |id, run: &Run| {
            if count == run.length(log) {
                Some(run.tip(log))
            } else {
                hash(id, log, last)
            }
        };
        self.chains(base, log)
            .filter(|(_, run)| there(run))
            .filter_map(|(id, run)| Some((Some((id, count)), tip(id, run)?)))
            .collect()
    }

    /// Adds what is below a head: the chains that its own leave, and what its opening continues.
    fn spread(&self, coverage: &mut Coverage, top: Link) {
        let mut open = vec![top];
        let mut seen = BTreeSet::new();
        while let Some(link) = open.pop() {
            for (log, part) in [(Log::Data, link.data), (Log::Control, link.control)] {
                let Some((id, count)) = part else {
                    continue;
                };
                let entry = coverage.entry(id).or_default();
                match log {
                    Log::Control => entry.0 = entry.0.max(count),
                    Log::Data => entry.1.insert(0, count),
                }
                let Some(run) = self.runs.get(&id).filter(|_| seen.insert((log, id))) else {
                    continue;
                };
                match run.branch.filter(|branch| branch.from > 0) {
                    Some(branch) => {
                        let below = Some((branch.off, branch.from));
                        open.push(match log {
                            Log::Data => Link {
                                data: below,
                                control: None,
                            },
                            Log::Control => Link {
                                data: None,
                                control: below,
                            },
                        });
                    }
                    None if log == Log::Control => open.extend(&run.links),
                    None => {}
                }
            }
        }
    }

    /// What this node states of a site and somebody does not hold: control first, older runs first.
    /// What it holds and cannot state, of a site that makes up more heads than any honest one has,
    /// it does not send: a peer could not say that it has it, and would be sent it for ever.
    #[must_use]
    pub fn missing(&self, site: SiteId, covered: &Covered) -> Vec<Span> {
        let mut stated = Coverage::new();
        for (_, link) in &self.stated(site).tops {
            self.spread(&mut stated, *link);
        }
        let tags = self.tags(site);
        for beyond in &self.frontier(site).beyond {
            if let Some(id) = tags.get(&beyond.run) {
                let entry = stated.entry(*id).or_default();
                entry.0 = entry.0.max(beyond.control);
                beyond
                    .ranges
                    .iter()
                    .for_each(|range| entry.1.insert(range.0, range.1));
            }
        }
        let nothing = (0, Ranges::default());
        let (mut control, mut data) = (Vec::new(), Vec::new());
        for (run, here) in self.runs(site) {
            let Some(mine) = stated.get(&run) else {
                continue;
            };
            let held = covered.runs.get(&run).unwrap_or(&nothing);
            let takes_no_more = covered.full && self.is_split(here.base);
            let mut add = |log, start: u32, end: u32| {
                let from = here.from(log);
                let start = start.max(from);
                let has_of_it = match log {
                    Log::Control => held.0 > from,
                    Log::Data => held.1.all().iter().any(|range| range.1 > from),
                };
                if takes_no_more && !has_of_it {
                    return;
                }
                let spans = match log {
                    Log::Control => &mut control,
                    Log::Data => &mut data,
                };
                if here.has(log) && start < end {
                    spans.push(Span {
                        run,
                        log,
                        start,
                        end,
                    });
                }
            };
            add(Log::Control, held.0, mine.0);
            for (start, end) in mine.1.minus(&held.1) {
                add(Log::Data, start, end);
            }
        }
        control.extend(data);
        control
    }

    /// What lets a peer that does not know the heads here find how much of its own is here, and
    /// nothing where it knows them. Where every run that `theirs` ends with is whole here: how far
    /// each of those is. Else some of the whole runs: the newest ones, then ever fewer, so that a
    /// long divergence costs duplicates of its own length at most. Of a run that the two hold
    /// different branches of, in the same way some heights of each, down to zero.
    #[must_use]
    pub fn lineage(
        &self,
        site: SiteId,
        theirs: &SiteFrontier,
        covered: &Covered,
        hash: HashAt<'_>,
    ) -> Vec<HeadMark> {
        let Stated { tops, stand, .. } = self.stated(site);
        let stated = by_run(theirs.heads.iter());
        let mine = by_run(self.frontier(site).heads.iter());
        let diverges = |base: RunId| {
            let tag = RunTag::from(base);
            let split = self.is_split(base) && stated.get(&tag) != mine.get(&tag);
            stated.get(&tag).is_some_and(|marks| {
                let unknown =
                    |mark| matches!(self.meaning(base, mark, marks, hash), Meaning::Unknown);
                split || marks.iter().any(unknown)
            })
        };
        let diverging: Vec<RunId> = self.bases(site).filter(|base| diverges(*base)).collect();
        let is_new = |(_, top): &(_, Link)| {
            let chain = top.data.or(top.control);
            chain.is_some_and(|(chain, _)| !covered.runs.contains_key(&chain))
        };
        if covered.known && diverging.is_empty() && !tops.iter().any(is_new) {
            return Vec::new();
        }
        let leaves = |base: RunId| self.leaves(base, stand);
        let mut marks = Vec::new();
        for base in &diverging {
            marks.push(HeadMark::nothing((*base).into()));
            for (_, leaf) in leaves(*base) {
                self.falling(*base, leaf, hash, &mut marks);
            }
        }
        let whole: Vec<RunId> = self
            .bases(site)
            .filter(|base| !leaves(*base).is_empty())
            .collect();
        let of = |base: &RunId| leaves(*base).into_iter().map(|(head, _)| head.mark());
        let is_theirs = |base: &&RunId| stated.contains_key(&RunTag::from(**base));
        let newest = whole.iter().rev().filter(|base| !diverging.contains(base));
        if whole.iter().filter(is_theirs).count() == stated.len() {
            marks.extend(newest.filter(is_theirs).flat_map(of));
        } else {
            let told = |age: usize| age < 4 || age.is_power_of_two();
            let some = newest.enumerate().filter(|(age, _)| told(*age));
            marks.extend(some.flat_map(|(_, base)| of(base)).take(HEADS_MAX));
        }
        marks.truncate(LINEAGE_MAX);
        marks
    }

    /// Marks of each chain of a leaf alone, at its end and ever further below.
    fn falling(&self, base: RunId, leaf: Link, hash: HashAt<'_>, marks: &mut Vec<HeadMark>) {
        for (log, part) in [(Log::Data, leaf.data), (Log::Control, leaf.control)] {
            let Some((chain, end)) = part else {
                continue;
            };
            let steps = (0..16).map(|power| 1_u32 << (2 * power));
            let below = steps.map_while(|step| end.checked_sub(step));
            let counts = std::iter::once(end).chain(below);
            for count in counts.filter(|count| *count > 0) {
                if marks.len() >= LINEAGE_MAX {
                    return;
                }
                let Some(tip) = hash(self.owner(chain, log, count - 1), log, count - 1) else {
                    continue;
                };
                let mark = HeadMark::of_one(base.into(), log, count, &tip);
                if !marks.contains(&mark) {
                    marks.push(mark);
                }
            }
        }
    }

    /// Whether what `marks` covers includes all that `earlier` covers, as far as is known here.
    #[must_use]
    pub fn descends(
        &self,
        site: SiteId,
        marks: &[HeadMark],
        earlier: &[HeadMark],
        hash: HashAt<'_>,
    ) -> bool {
        let of = |heads: &[HeadMark]| {
            let frontier = SiteFrontier {
                heads: heads.to_vec(),
                beyond: Vec::new(),
            };
            self.coverage(site, &frontier, &[], hash)
        };
        let (mine, theirs) = (of(marks), of(earlier));
        let nothing = (0, Ranges::default());
        theirs.known
            && theirs.runs.iter().all(|(id, (control, data))| {
                let held = mine.runs.get(id).unwrap_or(&nothing);
                held.0 >= *control && data.minus(&held.1).is_empty()
            })
    }
}
