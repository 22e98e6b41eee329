//! The cut of a revoked key: what of its runs stands at or below the heads that a roster names, and how
//! the rest is taken out of a log. A run belongs to the key that signed its opening.

use std::collections::BTreeSet;

use super::{Coverage, HashAt, Head, Link, Skeleton, Span, index};
use crate::id::{Hash, RunId, SiteId};
use crate::segment::Log;

/// What may stand of runs whose key is revoked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// How far each chain may go.
    pub runs: Coverage,
    /// Chains of which it is not known yet whether they are those that the cut names: another of the
    /// same run may be.
    pub open: BTreeSet<(RunId, Log)>,
}

impl Skeleton {
    /// What may stand at or below these heads; `None` as long as one of them is of a run that is not
    /// here. Where a head's last segment is not here yet, every chain of its run may come as far as the
    /// head says: once it is here, its own chain alone.
    #[must_use]
    pub fn allowed(&self, heads: &[Head], hash: HashAt<'_>) -> Option<Allowed> {
        if heads.iter().any(|head| !self.runs.contains_key(&head.run)) {
            return None;
        }
        let mut allowed = Allowed::default();
        let mut open: Vec<(Head, Link)> =
            heads.iter().copied().zip(self.links(heads, hash)).collect();
        let mut seen = BTreeSet::new();
        while let Some((head, link)) = open.pop() {
            if !seen.insert((head, link)) {
                continue;
            }
            self.allow(&mut allowed, (head.run, Log::Data, head.data), link.data);
            let controls = self.allow(
                &mut allowed,
                (head.run, Log::Control, head.control),
                link.control,
            );
            for chain in controls {
                let opening = self.runs.get(&self.owner(chain, Log::Control, 0));
                let below =
                    opening.map(|run| run.parents.iter().copied().zip(run.links.iter().copied()));
                open.extend(below.into_iter().flatten());
            }
        }
        Some(allowed)
    }

    /// Allows so much of one log of a run: of the chain that was found, or of each. Returns those.
    fn allow(
        &self,
        allowed: &mut Allowed,
        (base, log, count): (RunId, Log, u32),
        found: Option<(RunId, u32)>,
    ) -> Vec<RunId> {
        let chains: Vec<RunId> = match found {
            _ if count == 0 => Vec::new(),
            Some((chain, _)) => vec![chain],
            None => self.chains(base, log).map(|(id, _)| id).collect(),
        };
        for chain in &chains {
            if found.is_none() {
                allowed.open.insert((*chain, log));
            }
            let (mut at, mut upto) = (*chain, count);
            loop {
                let entry = allowed.runs.entry(at).or_default();
                match log {
                    Log::Control => entry.0 = entry.0.max(upto),
                    Log::Data => entry.1.insert(0, upto),
                }
                let branch = self.runs.get(&at).and_then(|run| run.branch);
                let Some(branch) = branch.filter(|branch| branch.log == log) else {
                    break;
                };
                (at, upto) = (branch.off, upto.min(branch.from));
            }
        }
        chains
    }

    /// The heads of everything that is held of these runs, complete or not, but for those that the
    /// opening of another of them names.
    #[must_use]
    pub fn ends(&self, bases: &BTreeSet<RunId>) -> Vec<Head> {
        let mut ends = BTreeSet::new();
        let mut named: BTreeSet<(RunId, Log, u32)> = BTreeSet::new();
        for base in bases {
            let chains = self.chains.get(base).into_iter().flatten();
            let runs = chains.filter_map(|id| self.runs.get(id));
            for head in runs.flat_map(|run| &run.parents) {
                named.insert((head.run, Log::Data, head.data));
                named.insert((head.run, Log::Control, head.control));
            }
        }
        let is_named = |base: RunId, log: Log, count: u32| {
            let at_least = (base, log, count)..=(base, log, u32::MAX);
            count == 0 || named.range(at_least).next().is_some()
        };
        for base in bases {
            let all: BTreeSet<RunId> = self.openings(*base).map(|(id, _)| id).collect();
            let leaves = self.leaves(*base, &all).into_iter().map(|(head, _)| head);
            ends.extend(leaves.filter(|head| {
                !(is_named(*base, Log::Data, head.data)
                    && is_named(*base, Log::Control, head.control))
            }));
        }
        ends.into_iter().collect()
    }

    /// What is held of these runs and not allowed, each part in the chain whose own it is.
    #[must_use]
    pub fn outside(&self, site: SiteId, bases: &BTreeSet<RunId>, allowed: &Coverage) -> Vec<Span> {
        let mut spans = Vec::new();
        for (id, run) in self.runs(site).filter(|(_, run)| bases.contains(&run.base)) {
            let (control, data) = allowed.get(&id).cloned().unwrap_or_default();
            let mut add = |log, start: u32, end: u32| {
                let start = start.max(run.from(log));
                if run.has(log) && start < end {
                    spans.push(Span {
                        run: id,
                        log,
                        start,
                        end,
                    });
                }
            };
            add(Log::Control, control, run.control);
            for (start, end) in run.data.minus(&data) {
                add(Log::Data, start, end);
            }
        }
        spans
    }

    /// Takes what is not allowed out of these runs. `hash` still knows every segment. Returns the chains
    /// that are gone, and those that are another than before.
    pub fn take_out(
        &mut self,
        (site, bases): (SiteId, &BTreeSet<RunId>),
        allowed: &Coverage,
        hash: HashAt<'_>,
    ) -> (Vec<RunId>, Vec<RunId>) {
        let mut gone = Vec::new();
        let ids: Vec<RunId> = self.runs(site).map(|(id, _)| id).collect();
        for id in ids {
            let Some(run) = self.runs.get(&id).filter(|run| bases.contains(&run.base)) else {
                continue;
            };
            let (control, data) = allowed.get(&id).cloned().unwrap_or_default();
            let stays = match run.branch {
                None => control > 0,
                Some(branch) if branch.log == Log::Control => control > branch.from,
                Some(branch) => data.all().iter().any(|range| range.1 > branch.from),
            };
            let base = run.base;
            let base_is_gone = gone.contains(&base);
            if !stays || base_is_gone {
                gone.push(id);
                continue;
            }
            let (control, data) = (control.min(run.control), data.both(&run.data));
            let tip = |log, count: u32| match count.checked_sub(1) {
                Some(last) if run.has(log) => hash(id, log, last).unwrap_or(Hash::ZERO),
                _ => Hash::ZERO,
            };
            let tips = (tip(Log::Control, control), tip(Log::Data, data.prefix()));
            if let Some(run) = self.runs.get_mut(&id) {
                (run.control, run.data) = (control, data);
                (run.control_tip, run.data_tip) = tips;
            }
        }
        for id in &gone {
            self.forget(*id);
        }
        let mut changed: Vec<RunId> = Vec::new();
        for base in bases {
            changed.extend(self.name_anew(*base));
        }
        changed.extend(self.lose_links(site));
        self.changed(site);
        (gone, changed)
    }

    fn forget(&mut self, id: RunId) {
        let Some(run) = self.runs.remove(&id) else {
            return;
        };
        if let Some(chains) = self.sites.get_mut(&run.site) {
            chains.remove(&run.number);
        }
        if let Some(chains) = self.chains.get_mut(&run.base) {
            chains.retain(|chain| *chain != id);
        }
        self.chains.retain(|_, chains| !chains.is_empty());
        self.named.retain(|_, of| *of != id);
        self.awaited.retain(|_, waiting| {
            waiting.retain(|one| *one != id);
            !waiting.is_empty()
        });
    }

    /// Gives the chains of a run the names that they have without the branches that are gone.
    fn name_anew(&mut self, base: RunId) -> Vec<RunId> {
        let chains: Vec<RunId> = self
            .chains
            .get(&base)
            .into_iter()
            .flatten()
            .copied()
            .collect();
        let branches = chains.iter().filter_map(|id| self.runs.get(id)?.branch);
        let forks: BTreeSet<(RunId, Log, u32)> = branches
            .map(|branch| (branch.off, branch.log, branch.from))
            .collect();
        let split = chains.len() > 1;
        for id in &chains {
            let Some(run) = self.runs.get_mut(id) else {
                continue;
            };
            run.forked &= split;
            for log in [Log::Control, Log::Data] {
                let own = run.branch.map_or(0, |branch| branch.from);
                let (stay, gone) = std::mem::take(&mut run.names[index(log)])
                    .into_iter()
                    .partition(|(from, _)| {
                        *from == own && run.branch.is_some() || forks.contains(&(*id, log, *from))
                    });
                run.names[index(log)] = stay;
                for (_, name) in gone {
                    self.named.remove(&name);
                }
                if run.branch.is_none()
                    && run.names[index(log)]
                        .first()
                        .is_none_or(|(from, _)| *from > 0)
                {
                    run.names[index(log)].insert(0, (0, base));
                    self.named.insert(base, base);
                }
            }
        }
        chains
    }

    /// Openings that name what is no longer here wait for it again; returns their chains.
    fn lose_links(&mut self, site: SiteId) -> Vec<RunId> {
        let held: Vec<(RunId, u32, u32)> = self
            .runs(site)
            .map(|(id, run)| (id, run.data.prefix(), run.control))
            .collect();
        let is_here = |log: Log, part: Option<(RunId, u32)>| {
            part.is_none_or(|(chain, count)| {
                held.iter().any(|(id, data, control)| {
                    *id == chain && count <= if log == Log::Data { *data } else { *control }
                })
            })
        };
        let mut changed = Vec::new();
        for (id, ..) in &held {
            let Some(run) = self.runs.get_mut(id) else {
                continue;
            };
            let mut lost = Vec::new();
            for (head, link) in run.parents.iter().zip(&mut run.links) {
                if !is_here(Log::Data, link.data) {
                    link.data = None;
                    lost.push(head.data_tip);
                }
                if !is_here(Log::Control, link.control) {
                    link.control = None;
                    lost.push(head.control_tip);
                }
            }
            if !lost.is_empty() {
                changed.push(*id);
            }
            for tip in lost {
                self.awaited.entry(tip).or_default().push(*id);
            }
        }
        changed
    }
}
