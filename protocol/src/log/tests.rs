//! Goal: places, names and ancestry of a forked run do not depend on which branch was here first,
//! and what a mark says is told apart by its hashes.
//! Method: small trees of headers, added in different orders; hashes looked up in a map.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::frontier::SiteFrontier;

const SITE: SiteId = SiteId(3);

fn run(number: u8) -> RunId {
    RunId::of(SITE, [number; 16])
}

fn header(log: Log, run: RunId, height: u32, previous: Hash, stamp: u64) -> Header {
    Header {
        log,
        site: SITE,
        run,
        height,
        previous,
        control: u32::from(log == Log::Data),
        cohort: 1,
        stamp,
        lines: Vec::new(),
    }
}

/// A skeleton with the hashes that an engine would have in its store.
#[derive(Default)]
struct Held {
    skeleton: Skeleton,
    hashes: BTreeMap<(RunId, Log, u32), Hash>,
}

impl Held {
    fn hash_at(&self) -> impl Fn(RunId, Log, u32) -> Option<Hash> + '_ {
        |run, log, height| {
            let owner = self.skeleton.owner(run, log, height);
            self.hashes.get(&(owner, log, height)).copied()
        }
    }

    /// Takes a segment as an engine does; says where it was placed.
    fn take(&mut self, header: &Header, parents: Option<&[Head]>) -> Placing {
        let (own, log, height) = (header.hash(), header.log, header.height);
        let parents_here = parents.unwrap_or_default().to_vec();
        let (placing, links, stands) = {
            let hash = self.hash_at();
            let placing = self.skeleton.placing((header, own), parents, &hash);
            let stands = match placing {
                Placing::Branch(off) => hash(off, log, height),
                _ => None,
            };
            (placing, self.skeleton.links(&parents_here, &hash), stands)
        };
        let opening = (parents_here, links);
        let chain = match placing {
            Placing::Next(chain) => chain,
            Placing::Opening => {
                self.skeleton.open_run(header.run, SITE, opening);
                header.run
            }
            Placing::Branch(off) => {
                self.skeleton.mark_forked(header.run);
                let opened = self
                    .skeleton
                    .open_branch(off, header, stands.unwrap(), opening);
                opened.unwrap()
            }
            _ => return placing,
        };
        self.skeleton.add(chain, header, own, Hash::ZERO);
        self.hashes.insert((chain, log, height), own);
        placing
    }

    fn covers(&self, marks: &[HeadMark], lineage: &[HeadMark]) -> Covered {
        let frontier = SiteFrontier {
            heads: marks.to_vec(),
            beyond: Vec::new(),
        };
        self.skeleton
            .coverage(SITE, &frontier, lineage, &self.hash_at())
    }

    fn lacks(&self, marks: &[HeadMark], lineage: &[HeadMark]) -> Vec<(Log, u32, u32)> {
        let spans = self.skeleton.missing(SITE, &self.covers(marks, lineage));
        spans
            .iter()
            .map(|span| (span.log, span.start, span.end))
            .collect()
    }

    fn marks(&self) -> Vec<HeadMark> {
        self.skeleton.frontier(SITE).heads.clone()
    }
}

/// So many data headers on top of one.
fn grow(start: u32, count: u32, mut previous: Hash, stamp: u64) -> Vec<Header> {
    let grown = (start..start + count).map(|height| {
        let header = header(Log::Data, run(1), height, previous, stamp);
        previous = header.hash();
        header
    });
    grown.collect()
}

struct Tree {
    opening: Header,
    trunk: Vec<Header>,
    low: Vec<Header>,
    inner: Vec<Header>,
}

/// Heights 0 to 5; a branch from 2 on; and from 4 on a branch of that one.
fn tree() -> Tree {
    let trunk = grow(0, 6, Hash::ZERO, 1);
    let low = grow(2, 4, trunk[1].hash(), 2);
    let inner = grow(4, 2, low[1].hash(), 3);
    Tree {
        opening: header(Log::Control, run(1), 0, Hash::ZERO, 0),
        trunk,
        low,
        inner,
    }
}

fn held(tree: &Tree, parts: &[&[Header]]) -> Held {
    let mut held = Held::default();
    assert_eq!(held.take(&tree.opening, Some(&[])), Placing::Opening);
    for header in parts.iter().copied().flatten() {
        let placing = held.take(header, None);
        assert!(
            matches!(placing, Placing::Next(_) | Placing::Branch(_)),
            "{placing:?}"
        );
        assert_eq!(held.take(header, None), Placing::Known);
    }
    held
}

fn orders(tree: &Tree) -> [Held; 3] {
    let Tree {
        trunk, low, inner, ..
    } = tree;
    [
        held(tree, &[trunk, low, inner]),
        held(
            tree,
            &[&trunk[..2], &low[..2], inner, &low[2..], &trunk[2..]],
        ),
        held(tree, &[&trunk[..2], low, &trunk[2..4], inner, &trunk[4..]]),
    ]
}

#[test]
fn names_and_ancestry_do_not_depend_on_what_came_first() {
    let tree = tree();
    let of = |held: &Held| {
        let mut names = BTreeMap::new();
        for ((chain, log, height), hash) in &held.hashes {
            let run = held.skeleton.name_at(*chain, *log, *height);
            if *log == Log::Data {
                let (site, height) = (SITE, *height);
                names.insert(*hash, Position { site, run, height });
            }
        }
        names
    };
    let all = orders(&tree);
    let names = of(&all[0]);
    assert_eq!(names.len(), 12);
    assert_eq!(
        names.values().collect::<BTreeSet<_>>().len(),
        12,
        "one name each"
    );
    assert_eq!(names[&tree.trunk[1].hash()].run, run(1), "below every fork");
    assert_ne!(
        names[&tree.trunk[2].hash()].run,
        run(1),
        "above it, also what was first"
    );
    let previous: BTreeMap<Hash, Hash> = [&tree.trunk, &tree.low, &tree.inner]
        .into_iter()
        .flatten()
        .map(|header| (header.hash(), header.previous))
        .collect();
    let is_below = |one: Hash, mut other: Hash| loop {
        if one == other {
            return true;
        }
        match previous.get(&other) {
            Some(below) => other = *below,
            None => return false,
        }
    };
    for held in &all {
        assert_eq!(of(held), names);
        assert_eq!(held.skeleton.heads(SITE), all[0].skeleton.heads(SITE));
        for (one, place) in &names {
            for (other, later) in &names {
                let ancestor = held.skeleton.is_ancestor(*place, *later);
                assert_eq!(ancestor, is_below(*one, *other), "{place:?} {later:?}");
            }
        }
    }
    assert_eq!(
        all[0].skeleton.heads(SITE).len(),
        4,
        "three of the data, one of control"
    );
}

#[test]
fn what_does_not_join_is_told_by_where_it_clashes() {
    let tree = tree();
    let mut held = held(&tree, &[&tree.trunk]);
    assert_eq!(held.take(&tree.low[1], None), Placing::Clash(run(1), 2));
    assert_eq!(
        held.take(&grow(9, 1, Hash::ZERO, 1)[0], None),
        Placing::Next(run(1)),
        "a gap"
    );
    held.skeleton.mark_forked(run(1));
    assert_eq!(held.skeleton.run(run(1)).unwrap().data.prefix(), 6);
    let far = &grow(12, 1, Hash::ZERO, 1)[0];
    assert_eq!(
        held.take(far, None),
        Placing::TooEarly,
        "none in a forked run"
    );
    let mut needs = tree.low[0].clone();
    needs.control = 2;
    assert_eq!(held.take(&needs, None), Placing::TooEarly);
}

#[test]
fn a_mark_is_of_one_branch() {
    let tree = tree();
    let one = held(&tree, &[&tree.trunk]);
    let other = held(&tree, &[&tree.trunk[..2], &tree.low]);
    assert_eq!(one.marks()[0].data, other.marks()[0].data, "equal lengths");
    let covered = one.covers(&other.marks(), &[]);
    assert!(!covered.known && !covered.ahead);
    // What it lacks is found by the heights at which both are the same.
    let theirs = SiteFrontier {
        heads: other.marks(),
        beyond: Vec::new(),
    };
    let lineage = one
        .skeleton
        .lineage(SITE, &theirs, &covered, &one.hash_at());
    assert!(lineage.len() < 12);
    assert_eq!(other.lacks(&one.marks(), &lineage), [(Log::Data, 2, 6)]);

    // Further than what is here is believed, until something says that the run is forked.
    let short = held(&tree, &[&tree.trunk[..3]]);
    let covered = short.covers(&one.marks(), &[]);
    assert!(covered.known && covered.ahead);
    assert_eq!(short.lacks(&one.marks(), &[]), []);
    let sentinel = [HeadMark::nothing(run(1).into())];
    assert!(!short.covers(&one.marks(), &sentinel).known);
    assert_eq!(
        short.lacks(&one.marks(), &sentinel),
        [(Log::Control, 0, 1), (Log::Data, 0, 3)]
    );

    // Whoever has both tells which of them somebody has.
    let both = held(&tree, &[&tree.trunk, &tree.low]);
    assert!(both.covers(&one.marks(), &[]).known);
    assert_eq!(both.lacks(&one.marks(), &[]), [(Log::Data, 2, 6)]);
    assert_eq!(both.lacks(&other.marks(), &[]), [(Log::Data, 2, 6)]);
    assert_eq!(both.lacks(&both.marks(), &[]), []);
    assert!(
        !both
            .skeleton
            .descends(SITE, &one.marks(), &both.marks(), &both.hash_at())
    );
    assert!(
        both.skeleton
            .descends(SITE, &both.marks(), &one.marks(), &both.hash_at())
    );
}

/// An opening names a head of a branch that is not here: it is loose until the branch comes.
#[test]
fn an_opening_waits_for_its_branch() {
    let tree = tree();
    let all = held(&tree, &[&tree.trunk, &tree.low]);
    let parents = all.skeleton.heads(SITE);
    let mut held = held(&tree, &[&tree.trunk]);
    let next = header(Log::Control, run(2), 0, Hash::ZERO, 0);
    assert_eq!(held.take(&next, Some(&parents)), Placing::Opening);
    assert_eq!(held.skeleton.heads(SITE)[0].run, run(1));
    assert_eq!(held.skeleton.frontier(SITE).beyond.len(), 1);
    for header in &tree.low {
        held.take(header, None);
    }
    let heads = held.skeleton.heads(SITE);
    assert_eq!(
        heads.iter().map(|head| head.run).collect::<Vec<_>>(),
        [run(2)]
    );
    assert!(held.skeleton.frontier(SITE).beyond.is_empty());
    // An opening of nothing, or of its own run, is none.
    let nothing = Head {
        run: run(1),
        data: 0,
        control: 0,
        data_tip: Hash::ZERO,
        control_tip: Hash::ZERO,
    };
    let own = Head {
        run: run(3),
        ..parents[0]
    };
    for head in [nothing, own] {
        let opening = header(Log::Control, run(3), 0, Hash::ZERO, 0);
        assert_eq!(held.take(&opening, Some(&[head])), Placing::TooEarly);
    }
}
