//! What of a site's log is completely here, and how a frontier says so.

use std::collections::{BTreeMap, BTreeSet};

use super::{Head, Link, Run, Skeleton};
use crate::frontier::{Beyond, SiteFrontier};
use crate::id::{Hash, RunId, SiteId};
use crate::limits::{BEYOND_RANGES_MAX, BEYOND_RUNS_MAX, HEADS_MAX};
use crate::segment::Log;

/// Heads with the chains that they are of, by the ids that this node uses.
pub(super) type Tops = Vec<(Head, Link)>;

/// What is stated of a site's log, worked out once after each change of it: every exchange asks
/// for it, and a log has a run for each start of its machine.
#[derive(Clone, Debug)]
pub(super) struct Stated {
    /// The heads of what is completely here.
    pub(super) tops: Tops,
    /// The openings below which everything is here.
    pub(super) stand: BTreeSet<RunId>,
    /// The heads, and what is held beyond.
    frontier: SiteFrontier,
}

/// What is stated of a site of which nothing is known.
static NOTHING: Stated = Stated {
    tops: Tops::new(),
    stand: BTreeSet::new(),
    frontier: SiteFrontier {
        heads: Vec::new(),
        beyond: Vec::new(),
    },
};

impl Skeleton {
    /// The heads of what is completely here of a site's log, in an order that all nodes share:
    /// nearly always one, and never more than [`HEADS_MAX`]. A forked run has one for each of its
    /// chains.
    #[must_use]
    pub fn heads(&self, site: SiteId) -> Vec<Head> {
        let tops = self.stated(site).tops.iter();
        tops.map(|(head, _)| *head).collect()
    }

    /// What this node states of a site: the heads of what is complete, and what it holds beyond.
    #[must_use]
    pub fn frontier(&self, site: SiteId) -> &SiteFrontier {
        &self.stated(site).frontier
    }

    pub(super) fn stated(&self, site: SiteId) -> &Stated {
        let known = self.stated.get(&site);
        known.map_or(&NOTHING, |once| once.get_or_init(|| self.state(site)))
    }

    fn state(&self, site: SiteId) -> Stated {
        let stand = self.standing(site);
        let tops = self.tops(site, &stand);
        let frontier = SiteFrontier {
            heads: tops.iter().map(|(head, _)| head.mark()).collect(),
            beyond: self.beyond(site, &stand),
        };
        Stated {
            tops,
            stand,
            frontier,
        }
    }

    /// The heads, where these openings stand.
    fn tops(&self, site: SiteId, stand: &BTreeSet<RunId>) -> Tops {
        let mut covered: BTreeMap<(Log, RunId), u32> = BTreeMap::new();
        let mut cover = |log, part: Option<(RunId, u32)>| {
            if let Some((chain, count)) = part {
                let known = covered.entry((log, chain)).or_default();
                *known = count.max(*known);
            }
        };
        for link in stand.iter().flat_map(|id| self.links_of(*id)) {
            cover(Log::Data, link.data);
            cover(Log::Control, link.control);
        }
        let is_covered = |log, part: Option<(RunId, u32)>| {
            part.is_none_or(|(chain, count)| covered.get(&(log, chain)) >= Some(&count))
        };
        let mut tops: Tops = self
            .bases(site)
            .flat_map(|base| self.leaves(base, stand))
            .filter(|(_, top)| {
                !(is_covered(Log::Data, top.data) && is_covered(Log::Control, top.control))
            })
            .collect();
        tops.sort_unstable_by_key(|(head, _)| *head);
        tops.truncate(HEADS_MAX);
        tops
    }

    fn links_of(&self, opening: RunId) -> &[Link] {
        self.runs.get(&opening).map_or(&[][..], |run| &run.links)
    }

    /// How far the chains of a run are held: of an unforked one both together.
    pub(super) fn leaves(&self, base: RunId, stand: &BTreeSet<RunId>) -> Tops {
        if !self.openings(base).any(|(id, _)| stand.contains(&id)) {
            return Vec::new();
        }
        let top = |(id, run): (RunId, &Run), data: u32, control: u32| {
            let tip = |log, count| if count > 0 { run.tip(log) } else { Hash::ZERO };
            let head = Head {
                run: base,
                data,
                control,
                data_tip: tip(Log::Data, data),
                control_tip: tip(Log::Control, control),
            };
            (
                head,
                Link {
                    data: Some((id, data)),
                    control: Some((id, control)),
                },
            )
        };
        if !self.is_split(base) {
            let first = self.chains(base, Log::Data).next();
            let whole = first.map(|one| top(one, one.1.length(Log::Data), one.1.control));
            return whole.into_iter().collect();
        }
        let data = self.chains(base, Log::Data).filter_map(|one| {
            let length = one.1.length(Log::Data);
            let (head, link) = top(one, length, 0);
            let control = None;
            (length > 0).then_some((head, Link { control, ..link }))
        });
        let control = self.chains(base, Log::Control).filter_map(|one| {
            let (head, link) = top(one, 0, one.1.control);
            let stands = stand.contains(&self.opening_of(one.0));
            stands.then_some((head, Link { data: None, ..link }))
        });
        data.chain(control).collect()
    }

    /// The chain that begins with the opening that a control chain goes back to.
    fn opening_of(&self, chain: RunId) -> RunId {
        self.owner(chain, Log::Control, 0)
    }

    /// The openings below which everything is here.
    fn standing(&self, site: SiteId) -> BTreeSet<RunId> {
        let mut stand = BTreeSet::new();
        // What comes first usually has the lower number: then once around is enough.
        loop {
            let before = stand.len();
            let mut loose = false;
            for (id, run) in self.runs(site) {
                let opens = run.has(Log::Control) && run.from(Log::Control) == 0;
                if !opens || stand.contains(&id) {
                    continue;
                }
                let is_here = |(head, link)| self.is_whole(head, link, &stand);
                if run.parents.iter().zip(&run.links).all(is_here) {
                    stand.insert(id);
                } else {
                    loose = true;
                }
            }
            if !loose || stand.len() == before {
                return stand;
            }
        }
    }

    fn is_whole(&self, head: &Head, link: &Link, stand: &BTreeSet<RunId>) -> bool {
        let long = |log, (chain, count): (RunId, u32)| {
            self.runs
                .get(&chain)
                .is_some_and(|run| run.length(log) >= count)
        };
        let data = link.data.is_some_and(|part| long(Log::Data, part));
        let control = link.control.is_none_or(|part| {
            long(Log::Control, part) && stand.contains(&self.opening_of(part.0))
        });
        let mut openings = self.openings(head.run);
        link.is_found(head) && data && control && openings.any(|(id, _)| stand.contains(&id))
    }

    /// What is held of runs that are not forked although something below is missing.
    fn beyond(&self, site: SiteId, stand: &BTreeSet<RunId>) -> Vec<Beyond> {
        let mut beyond = Vec::new();
        for (id, run) in self.runs(site).filter(|(_, run)| !self.is_split(run.base)) {
            let loose = !stand.contains(&id);
            let ranges = if loose {
                run.data.all()
            } else {
                run.data.beyond()
            };
            let ranges: Vec<_> = ranges.iter().copied().take(BEYOND_RANGES_MAX).collect();
            if beyond.len() < BEYOND_RUNS_MAX && (loose || !ranges.is_empty()) {
                beyond.push(Beyond {
                    run: id.into(),
                    control: run.control,
                    ranges,
                });
            }
        }
        beyond
    }
}
