//! One node's log, as every node knows it: runs, what they continue, and how much of each is held.
//!
//! Every process start that writes opens a **run**: its first control segment names the heads that
//! it continues. A restored backup or a cloned disk therefore grows a sibling branch, which is
//! lawful and loses nothing. Two different segments at one place of one run are a [`ForkProof`]:
//! the run is forked, and each of the two goes on as a **chain** of its own.
//!
//! The [`Skeleton`] holds no segment, only the shape; it answers what is covered by what
//! ([`cover`]), what is complete ([`heads`]) and where a segment belongs ([`place`]). A run is one
//! chain until it forks; then what came second is a further [`Run`] under an id that only this node
//! uses. What all nodes agree on, whichever branch they saw first, is [`Skeleton::name_at`].

pub mod cover;
mod cut;
mod fork;
pub mod heads;
pub mod place;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

pub use self::cover::{Coverage, Covered, Span};
pub use self::cut::Allowed;
pub use self::fork::ForkProof;
use self::heads::Stated;
pub use self::place::Placing;
use crate::frontier::HeadMark;
use crate::id::{Hash, Position, RunId, SiteId};
use crate::ranges::Ranges;
use crate::seal::derive;
use crate::segment::{Header, Log};

/// How far a run had come: counts of segments, and the hash of the last of each chain. Of a forked
/// run a head speaks of one chain only, and of the other says zero.
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
            tips: HeadMark::tips(&self.data_tip, &self.control_tip),
        }
    }
}

/// A head that an opening names, as far as it was found here: the chain, and how much of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Link {
    data: Option<(RunId, u32)>,
    control: Option<(RunId, u32)>,
}

impl Link {
    fn is_found(&self, head: &Head) -> bool {
        self.data.is_some() && (self.control.is_some() || head.control == 0)
    }
}

/// Where a chain leaves another one of its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// The chain that it leaves, by the id that this node uses.
    pub off: RunId,
    /// Data or control: the branch has segments of this log only.
    pub log: Log,
    /// The first height of its own; what is below is the other chain's.
    pub from: u32,
}

/// One run, as far as this node holds it; or, where a run is forked, one further chain of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Whose log it is part of.
    pub site: SiteId,
    /// The run as its segments name it.
    pub base: RunId,
    /// A number that this node gave it when it learnt of it, from 0.
    pub number: u32,
    /// Where it leaves another chain of its run; `None` for the one that was here first.
    pub branch: Option<Branch>,
    /// The heads that its opening names; none for a branch that has no opening of its own.
    pub parents: Vec<Head>,
    /// The same heads as found here, one for each.
    links: Vec<Link>,
    /// From which height of the control and of the data chain on it has which name.
    names: [Vec<(u32, RunId)>; 2],
    /// Data segments held, with those below a branch.
    pub data: Ranges,
    /// Hash of the last data segment of the unbroken prefix.
    pub data_tip: Hash,
    /// Control segments held, with those below a branch; there are never gaps.
    pub control: u32,
    /// Hash of the last control segment.
    pub control_tip: Hash,
    /// Two different segments at one place of the run are known. Its author opens another.
    pub forked: bool,
}

const fn index(log: Log) -> usize {
    match log {
        Log::Control => 0,
        Log::Data => 1,
    }
}

impl Run {
    /// How much of a chain is held without a gap.
    #[must_use]
    pub fn length(&self, log: Log) -> u32 {
        match log {
            Log::Control => self.control,
            Log::Data => self.data.prefix(),
        }
    }

    /// The first height of a chain that is its own.
    #[must_use]
    pub fn from(&self, log: Log) -> u32 {
        self.branch
            .filter(|branch| branch.log == log)
            .map_or(0, |branch| branch.from)
    }

    /// Whether it can have segments of this log.
    fn has(&self, log: Log) -> bool {
        self.branch.is_none_or(|branch| branch.log == log)
    }

    fn tip(&self, log: Log) -> Hash {
        match log {
            Log::Control => self.control_tip,
            Log::Data => self.data_tip,
        }
    }

    /// Whether a segment of its own is held at this height.
    fn owns(&self, log: Log, height: u32) -> bool {
        let held = match log {
            Log::Control => height < self.control,
            Log::Data => self.data.contains(height),
        };
        self.has(log) && height >= self.from(log) && held
    }
}

/// Part of one data chain that all nodes call by one name: see [`Skeleton::pieces`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The name.
    pub name: RunId,
    /// The chain that it is part of, by the id that this node uses.
    pub chain: RunId,
    /// The first height.
    pub start: u32,
    /// The height after the last; the highest number where the chain is open.
    pub end: u32,
    /// The piece below, where there is one.
    pub below: Option<RunId>,
}

/// Gives the hash of a segment that is held: of the chain with this id, at this height.
pub type HashAt<'a> = &'a dyn Fn(RunId, Log, u32) -> Option<Hash>;

/// The shape of every log that this node knows.
#[derive(Clone, Debug, Default)]
pub struct Skeleton {
    runs: BTreeMap<RunId, Run>,
    /// Each site's chains by number.
    sites: BTreeMap<SiteId, BTreeMap<u32, RunId>>,
    /// The chains of each run, the first first.
    chains: BTreeMap<RunId, Vec<RunId>>,
    /// Which chain a name is of.
    named: BTreeMap<RunId, RunId>,
    /// By the hash of a segment that is not here: the openings that name it as a head.
    awaited: BTreeMap<Hash, Vec<RunId>>,
    /// What is stated of each site, until its log changes.
    stated: BTreeMap<SiteId, OnceLock<Stated>>,
    next_number: u32,
}

impl Skeleton {
    /// The sites of which at least one run is known.
    pub fn sites(&self) -> impl Iterator<Item = SiteId> + '_ {
        self.sites.keys().copied()
    }

    /// A site's runs and their further chains, in the order in which they came.
    pub fn runs(&self, site: SiteId) -> impl DoubleEndedIterator<Item = (RunId, &Run)> + '_ {
        let ids = self.sites.get(&site).into_iter().flat_map(BTreeMap::values);
        ids.filter_map(|id| Some((*id, self.runs.get(id)?)))
    }

    /// A site's runs, each once, as its segments name them.
    pub fn bases(&self, site: SiteId) -> impl Iterator<Item = RunId> + '_ {
        let first = |(id, run): &(RunId, &Run)| *id == run.base;
        self.runs(site).filter(first).map(|(id, _)| id)
    }

    /// One run, or one chain of it.
    #[must_use]
    pub fn run(&self, run: RunId) -> Option<&Run> {
        self.runs.get(&run)
    }

    /// The chains of a run that have segments of this log.
    pub fn chains(&self, base: RunId, log: Log) -> impl Iterator<Item = (RunId, &Run)> + '_ {
        let ids = self.chains.get(&base).into_iter().flatten();
        ids.filter_map(|id| Some((*id, self.runs.get(id)?)))
            .filter(move |(_, run)| run.has(log))
    }

    /// Whether two chains of a run are here.
    fn is_split(&self, base: RunId) -> bool {
        self.chains
            .get(&base)
            .is_some_and(|chains| chains.len() > 1)
    }

    /// The number that the next new run gets.
    #[must_use]
    pub const fn next_number(&self) -> u32 {
        self.next_number
    }

    /// The chain of its run whose own this height is: of what lies below a branch, another's.
    #[must_use]
    pub fn owner(&self, run: RunId, log: Log, height: u32) -> RunId {
        let mut at = run;
        // Each branch leaves a chain that was here before it.
        while let Some(branch) = self.runs.get(&at).and_then(|run| run.branch) {
            if branch.log == log && height >= branch.from {
                break;
            }
            at = branch.off;
        }
        at
    }

    /// The name by which all nodes call this place of a chain: the run's id below every fork, and
    /// above one an id that follows from the first segment after it, in each branch alike.
    #[must_use]
    pub fn name_at(&self, run: RunId, log: Log, height: u32) -> RunId {
        let names = self.runs.get(&self.owner(run, log, height));
        let names = names.map_or(&[][..], |run| &run.names[index(log)]);
        let after = names.partition_point(|(from, _)| *from <= height);
        after.checked_sub(1).map_or(run, |at| names[at].1)
    }

    /// The pieces of a run's data chains, each after the one below it.
    #[must_use]
    pub fn pieces(&self, base: RunId) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (chain, run) in self.chains(base, Log::Data) {
            let names = &run.names[index(Log::Data)];
            let below = run.from(Log::Data).checked_sub(1);
            let mut below = below.map(|height| self.name_at(chain, Log::Data, height));
            for (at, (start, name)) in names.iter().enumerate() {
                let end = names.get(at + 1).map_or(u32::MAX, |next| next.0);
                pieces.push(Piece {
                    name: *name,
                    chain,
                    start: *start,
                    end,
                    below,
                });
                below = Some(*name);
            }
        }
        pieces
    }

    /// A site's log is another than before: what is stated of it is worked out anew.
    fn changed(&mut self, site: SiteId) {
        self.stated.insert(site, OnceLock::new());
    }

    /// Puts back what a store kept of a chain.
    pub fn restore(&mut self, id: RunId, run: Run) {
        self.changed(run.site);
        self.next_number = self.next_number.max(run.number.saturating_add(1));
        self.sites
            .entry(run.site)
            .or_default()
            .insert(run.number, id);
        let chains = self.chains.entry(run.base).or_default();
        if !chains.contains(&id) {
            chains.push(id);
        }
        for (_, name) in run.names.iter().flatten() {
            self.named.insert(*name, id);
        }
        for (head, link) in run.parents.iter().zip(&run.links) {
            self.await_missing(id, head, link);
        }
        self.runs.insert(id, run);
    }

    /// Adds a run whose opening names `parents`, which are [`Skeleton::links`] here.
    pub fn open_run(&mut self, id: RunId, site: SiteId, (parents, links): (Vec<Head>, Vec<Link>)) {
        let run = Run {
            site,
            base: id,
            number: self.next_number,
            branch: None,
            parents,
            links,
            names: [vec![(0, id)], vec![(0, id)]],
            data: Ranges::default(),
            data_tip: Hash::ZERO,
            control: 0,
            control_tip: Hash::ZERO,
            forked: false,
        };
        self.restore(id, run);
    }

    /// Adds a chain that leaves `off` at the height of `header`, which is its first own segment.
    /// `stands` is the hash of what stands there in the other. The id is this node's name for it;
    /// `None` where that id is taken, which only a liar brings about.
    pub fn open_branch(
        &mut self,
        off: RunId,
        header: &Header,
        stands: Hash,
        (parents, links): (Vec<Head>, Vec<Link>),
    ) -> Option<RunId> {
        let (base, log, from) = (header.run, header.log, header.height);
        let names = [stands, header.hash()].map(|hash| branch_id(base, hash));
        let other = self.runs.get(&off)?;
        if self.runs.contains_key(&names[1]) || self.named.contains_key(&names[1]) {
            return None;
        }
        let mut run = Run {
            number: self.next_number,
            branch: Some(Branch { off, log, from }),
            parents,
            links,
            names: [Vec::new(), Vec::new()],
            data: Ranges::default(),
            data_tip: Hash::ZERO,
            control: 0,
            control_tip: Hash::ZERO,
            forked: true,
            ..other.clone()
        };
        run.names[index(log)] = vec![(from, names[1])];
        match log {
            Log::Control => run.control = from,
            Log::Data => run.data = Ranges::prefix_of(from),
        }
        self.restore(names[1], run);
        let other = self.runs.get_mut(&off)?;
        let known = &mut other.names[index(log)];
        match known.binary_search_by_key(&from, |(from, _)| *from) {
            Ok(at) => known[at].1 = names[0],
            Err(at) => known.insert(at, (from, names[0])),
        }
        self.named.insert(names[0], off);
        Some(names[1])
    }

    /// Notes a segment of a chain. `tip` is the hash of the last data segment of the prefix, where
    /// this one closes a gap. Returns the runs whose opening names it.
    pub fn add(&mut self, chain: RunId, header: &Header, hash: Hash, tip: Hash) -> Vec<RunId> {
        self.changed(chain.site());
        let Some(run) = self.runs.get_mut(&chain) else {
            return Vec::new();
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
                    run.data_tip = tip;
                }
            }
        }
        self.found(chain, header, hash)
    }

    /// Marks a run as forked. Forked runs have no gaps: what is beyond one is no longer held.
    /// Returns the runs whose opening named something there.
    pub fn mark_forked(&mut self, base: RunId) -> Vec<RunId> {
        self.changed(base.site());
        let Some(run) = self.runs.get_mut(&base) else {
            return Vec::new();
        };
        run.forked = true;
        let held = run.data.prefix();
        let gaps = !run.data.beyond().is_empty();
        run.data = Ranges::prefix_of(held);
        if gaps {
            self.lose(base, held)
        } else {
            Vec::new()
        }
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
        if earlier.site != later.site {
            return false;
        }
        let sought = self.chain_of(earlier.run);
        self.walk(log, later, |id, count| {
            id == sought && count > earlier.height
        })
    }

    /// [`Skeleton::is_ancestor`] for many places and one `later`: the log is walked once.
    pub fn ancestors_of(&self, later: Position) -> impl Fn(Position) -> bool + '_ {
        let mut counts: BTreeMap<RunId, u32> = BTreeMap::new();
        self.walk(Log::Data, later, |id, count| {
            let known = counts.entry(id).or_default();
            *known = count.max(*known);
            false
        });
        move |earlier| {
            let count = counts.get(&self.chain_of(earlier.run));
            earlier.site == later.site && count.is_some_and(|count| *count > earlier.height)
        }
    }

    /// The chain that a name is of.
    fn chain_of(&self, name: RunId) -> RunId {
        self.named.get(&name).copied().unwrap_or(name)
    }

    /// Visits what stands at or below a place, as chains and how much of each, until `visit` has
    /// found what it seeks; returns whether it has.
    fn walk(&self, log: Log, from: Position, mut visit: impl FnMut(RunId, u32) -> bool) -> bool {
        let mut open = vec![(self.chain_of(from.run), from.height.saturating_add(1))];
        let mut seen: BTreeMap<RunId, u32> = BTreeMap::new();
        while let Some((id, count)) = open.pop() {
            if visit(id, count) {
                return true;
            }
            if seen.get(&id).is_some_and(|before| *before >= count) {
                continue;
            }
            seen.insert(id, count);
            self.below(id, log, count, &mut open);
        }
        false
    }

    /// What a chain goes on from: the one that it leaves, or what its run's openings name. Nobody
    /// can say which of two openings a data segment has below it, so it has both.
    fn below(&self, id: RunId, log: Log, count: u32, open: &mut Vec<(RunId, u32)>) {
        let Some(run) = self.runs.get(&id) else {
            return;
        };
        if let Some(branch) = run.branch.filter(|branch| branch.from > 0) {
            open.push((branch.off, count.min(branch.from)));
            return;
        }
        let link = |link: &Link| match log {
            Log::Data => link.data,
            Log::Control => link.control,
        };
        if log == Log::Control {
            open.extend(run.links.iter().filter_map(link));
            return;
        }
        for (_, opened) in self.openings(run.base) {
            open.extend(opened.links.iter().filter_map(link));
        }
    }

    /// The chains of a run that begin with an opening: one, unless that was forked.
    fn openings(&self, base: RunId) -> impl Iterator<Item = (RunId, &Run)> + '_ {
        self.chains(base, Log::Control)
            .filter(|(_, run)| run.from(Log::Control) == 0)
    }
}

/// The name of a chain above a fork.
fn branch_id(base: RunId, first: Hash) -> RunId {
    let mut name = [0; 16];
    name.copy_from_slice(&derive("spean 2026 branch v1", &[&base.0, &first.0])[..16]);
    RunId::of(base.site(), name)
}
