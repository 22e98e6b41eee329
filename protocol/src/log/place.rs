//! Where a segment belongs in its site's log, and which heads an opening means.

use super::{HashAt, Head, Link, Run, Skeleton};
use crate::frontier::RunTag;
use crate::id::{Hash, RunId};
use crate::segment::{Header, Log};

/// What a segment would be in this skeleton.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placing {
    /// It opens a run.
    Opening,
    /// It goes on with this chain, perhaps beyond a gap.
    Next(RunId),
    /// It is here.
    Known,
    /// Another segment stands at its place in this chain: it begins a branch.
    Branch(RunId),
    /// It does not fit what stands at this height of this chain, at its place or below it: the run
    /// is forked, and of the branch that it belongs to the lower part must come first.
    Clash(RunId, u32),
    /// Something must come first: an opening, a control segment, a run that it continues.
    TooEarly,
}

impl Skeleton {
    /// Where a segment with this header and hash would go. `parents` are those of an opening, for a
    /// run's first segment.
    #[must_use]
    pub fn placing(
        &self,
        (header, own): (&Header, Hash),
        parents: Option<&[Head]>,
        hash: HashAt<'_>,
    ) -> Placing {
        let (base, log, height) = (header.run, header.log, header.height);
        let known = self.runs.get(&base).filter(|run| run.base == base);
        let Some(first) = known else {
            return self.opening(header, parents);
        };
        let control = self.chains(base, Log::Control);
        let longest = control.map(|(_, run)| run.control).max().unwrap_or(0);
        if first.site != header.site || log == Log::Data && header.control > longest {
            return Placing::TooEarly;
        }
        if parents.is_some_and(|parents| !self.are_known(header, parents)) {
            return Placing::TooEarly;
        }
        let chain = match height.checked_sub(1) {
            Some(below) => {
                let there = |(_, run): &(RunId, &Run)| run.owns(log, below);
                let mut held = self.chains(base, log).filter(there).peekable();
                let Some((any, _)) = held.peek().copied() else {
                    return beyond(base, first, header, own, hash);
                };
                match held.find(|(id, _)| hash(*id, log, below) == Some(header.previous)) {
                    Some((chain, _)) => chain,
                    None => return Placing::Clash(any, below),
                }
            }
            None => base,
        };
        let is_it = |id: RunId| hash(id, log, height) == Some(own);
        let leaves = |run: &Run| {
            run.branch
                .is_some_and(|branch| (branch.off, branch.from) == (chain, height))
        };
        let mut others = self.chains(base, log).filter(|(_, run)| leaves(run));
        if !self
            .runs
            .get(&chain)
            .is_some_and(|run| run.owns(log, height))
        {
            Placing::Next(chain)
        } else if is_it(chain) || others.any(|(id, _)| is_it(id)) {
            Placing::Known
        } else {
            Placing::Branch(chain)
        }
    }

    fn opening(&self, header: &Header, parents: Option<&[Head]>) -> Placing {
        // Frontiers name a run by its tag: a second one of that tag could not be told apart.
        let tag = RunTag::from(header.run);
        let tagged = |(id, _): (RunId, &Run)| RunTag::from(id) == tag;
        let first = header.log == Log::Control && header.height == 0;
        let known = parents.is_some_and(|parents| self.are_known(header, parents));
        if first && known && !self.runs(header.site).any(tagged) {
            Placing::Opening
        } else {
            Placing::TooEarly
        }
    }

    /// Whether the runs of these heads are here, and the heads are of something.
    fn are_known(&self, header: &Header, parents: &[Head]) -> bool {
        parents.iter().all(|head| {
            let run = self.runs.get(&head.run);
            let known = run.is_some_and(|run| run.site == header.site && run.base == head.run);
            known && head.run != header.run && (head.data > 0 || head.control > 0)
        })
    }

    /// The heads of an opening as far as they are here.
    #[must_use]
    pub fn links(&self, parents: &[Head], hash: HashAt<'_>) -> Vec<Link> {
        let part = |head: &Head, log, count: u32, tip| match count.checked_sub(1) {
            // A run of which there was no data yet: what is below it goes on from its opening.
            None if log == Log::Data => Some((head.run, 0)),
            None => None,
            Some(last) => {
                let mut chains = self.chains(head.run, log);
                let is_it = |id| hash(id, log, last) == Some(tip);
                let found = chains.find(|(id, run)| run.owns(log, last) && is_it(*id));
                found.map(|(id, _)| (id, count))
            }
        };
        let link = |head: &Head| Link {
            data: part(head, Log::Data, head.data, head.data_tip),
            control: part(head, Log::Control, head.control, head.control_tip),
        };
        parents.iter().map(link).collect()
    }

    /// Notes which segments would complete what an opening names.
    pub(super) fn await_missing(&mut self, id: RunId, head: &Head, link: &Link) {
        if link.data.is_none() {
            self.awaited.entry(head.data_tip).or_default().push(id);
        }
        if link.control.is_none() && head.control > 0 {
            self.awaited.entry(head.control_tip).or_default().push(id);
        }
    }

    /// Completes the openings that name a segment which came now; returns their runs.
    pub(super) fn found(&mut self, chain: RunId, header: &Header, hash: Hash) -> Vec<RunId> {
        let Some(waiting) = self.awaited.remove(&hash) else {
            return Vec::new();
        };
        for id in &waiting {
            let Some(run) = self.runs.get_mut(id) else {
                continue;
            };
            let (count, log) = (header.height + 1, header.log);
            for (head, link) in run.parents.iter().zip(&mut run.links) {
                if log == Log::Data && head.data == count && head.data_tip == hash {
                    link.data = Some((chain, count));
                }
                if log == Log::Control && head.control == count && head.control_tip == hash {
                    link.control = Some((chain, count));
                }
            }
        }
        waiting
    }

    /// Data beyond `held` of a chain is no longer here: who named it as a head waits again.
    pub(super) fn lose(&mut self, chain: RunId, held: u32) -> Vec<RunId> {
        let ids: Vec<RunId> = self.runs(chain.site()).map(|(id, _)| id).collect();
        let mut changed = Vec::new();
        for id in ids {
            let Some(run) = self.runs.get_mut(&id) else {
                continue;
            };
            let mut lost = Vec::new();
            for (head, link) in run.parents.iter().zip(&mut run.links) {
                if link
                    .data
                    .is_some_and(|(of, count)| of == chain && count > held)
                {
                    link.data = None;
                    lost.push(head.data_tip);
                }
            }
            for tip in lost {
                self.awaited.entry(tip).or_default().push(id);
                changed.push(id);
            }
        }
        changed
    }
}

/// Where nothing is held below it: gaps come from sticks out of order, and only in a run that is
/// not forked can everybody say what belongs behind one.
fn beyond(base: RunId, run: &Run, header: &Header, own: Hash, hash: HashAt<'_>) -> Placing {
    let (log, height) = (header.log, header.height);
    if log == Log::Control || run.forked {
        Placing::TooEarly
    } else if !run.data.contains(height) {
        Placing::Next(base)
    } else if hash(base, log, height) == Some(own) {
        Placing::Known
    } else {
        Placing::Clash(base, height)
    }
}
