//! Goal: whatever happens to links, sticks and machines, once they meet again all nodes hold the
//! same, the DGP reads of it what a reader reads who got everything at once (P3), nothing that a
//! surviving machine had acknowledged is missing, and nothing counts twice (P4, P6).
//! Method: random stories of a small network: events, exchanges cut at any frame, bundles lost,
//! cut, repeated and out of order, restarts, backups set back, copied machines, machines that are
//! resumed from a snapshot in the midst of a run, a burnt site. A model notes which events each machine is known to have. Then everybody meets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::network;

use std::collections::{BTreeMap, BTreeSet};

use network::people::newcomer;
use network::{DGP, Network, Node, export, import, items, loan, place_of, site};
use proptest::prelude::*;
use spean::engine::EngineError;
use spean::engine::import::Import;
use spean::register::{LearnerRow, Row, Who};
use spean::store::memory::Memory;
use spean_protocol::event::{
    Body, Date, Destination, Event, EventId, LinkReason, RetractionReason, Who5Moment,
};
use spean_protocol::id::LearnerId;
use spean_protocol::session::Host;
use spean_protocol::totals::Query;

const PRISONS: usize = 3;
/// Machines at most: the copies count.
const MACHINES_MAX: usize = 7;

/// One thing that happens. Numbers are taken modulo what there is.
#[derive(Clone, Copy, Debug)]
enum Act {
    Append {
        at: usize,
        learner: usize,
        sealed: bool,
    },
    ImportRows {
        at: usize,
        row: u32,
    },
    Interview {
        at: usize,
        learner: usize,
    },
    Exchange {
        a: usize,
        b: usize,
        cut: Option<usize>,
    },
    Export {
        at: usize,
        to: Option<usize>,
    },
    Import {
        at: usize,
        bundle: usize,
        cut: Option<usize>,
    },
    Restart {
        at: usize,
    },
    Backup {
        at: usize,
    },
    SetBack {
        backup: usize,
    },
    Copy {
        at: usize,
    },
    Snapshot {
        at: usize,
        learner: usize,
        writes: u32,
    },
    Resume {
        snapshot: usize,
        beside: bool,
        /// How long it draws the same bytes as the other; where nothing was written yet.
        draws: u64,
    },
    Burn {
        at: usize,
    },
    Leave {
        at: usize,
        learner: usize,
        to: usize,
    },
    Arrive {
        slip: usize,
    },
    /// By his card: nobody told, or told something else.
    Admit {
        at: usize,
        learner: usize,
    },
    /// For a prison without a node, or released.
    LeaveUs {
        at: usize,
        learner: usize,
        released: bool,
    },
    Undo {
        at: usize,
        learner: usize,
    },
    Dispute {
        at: usize,
        learner: usize,
    },
    /// A new person, who may be the same as another; the head office decides.
    Ask {
        at: usize,
        learner: usize,
    },
    Decide {
        question: usize,
        same: Option<usize>,
    },
    Fold {
        at: usize,
    },
}

fn acts() -> impl Strategy<Value = Act> {
    let number = 0..1_000_usize;
    let cut = prop_oneof![1 => Just(None), 1 => (0..40_usize).prop_map(Some)];
    let pair = (number.clone(), number.clone());
    prop_oneof![
        8 => (pair.clone(), any::<bool>())
            .prop_map(|((at, learner), sealed)| Act::Append { at, learner, sealed }),
        2 => (number.clone(), 0..6_u32).prop_map(|(at, row)| Act::ImportRows { at, row }),
        1 => pair.clone().prop_map(|(at, learner)| Act::Interview { at, learner }),
        8 => (pair.clone(), cut.clone()).prop_map(|((a, b), cut)| Act::Exchange { a, b, cut }),
        2 => (number.clone(), prop::option::of(number.clone()))
            .prop_map(|(at, to)| Act::Export { at, to }),
        3 => (pair.clone(), cut).prop_map(|((at, bundle), cut)| Act::Import { at, bundle, cut }),
        2 => number.clone().prop_map(|at| Act::Restart { at }),
        1 => number.clone().prop_map(|at| Act::Backup { at }),
        1 => number.clone().prop_map(|backup| Act::SetBack { backup }),
        1 => number.clone().prop_map(|at| Act::Copy { at }),
        1 => number.clone().prop_map(|at| Act::Burn { at }),
        2 => (pair, number.clone()).prop_map(|((at, learner), to)| Act::Leave { at, learner, to }),
        2 => number.clone().prop_map(|slip| Act::Arrive { slip }),
        3 => moves(),
        1 => number.prop_map(|at| Act::Fold { at }),
    ]
}

/// Moves that are not the tidy case.
fn moves() -> impl Strategy<Value = Act> {
    let number = 0..1_000_usize;
    let pair = (number.clone(), number.clone());
    prop_oneof![
        3 => pair.clone().prop_map(|(at, learner)| Act::Admit { at, learner }),
        1 => (pair.clone(), any::<bool>())
            .prop_map(|((at, learner), released)| Act::LeaveUs { at, learner, released }),
        1 => pair.clone().prop_map(|(at, learner)| Act::Undo { at, learner }),
        1 => pair.clone().prop_map(|(at, learner)| Act::Dispute { at, learner }),
        1 => pair.prop_map(|(at, learner)| Act::Ask { at, learner }),
        2 => (number.clone(), prop::option::of(number))
            .prop_map(|(question, same)| Act::Decide { question, same }),
    ]
}

/// The same, with machines that are resumed in the midst of a run.
fn acts_of_copies() -> impl Strategy<Value = Act> {
    let number = 0..1_000_usize;
    prop_oneof![
        10 => acts(),
        1 => (number.clone(), number.clone(), 0..3_u32)
            .prop_map(|(at, learner, writes)| Act::Snapshot { at, learner, writes }),
        1 => (number, any::<bool>(), prop_oneof![Just(u64::MAX), 0..12_u64])
            .prop_map(|(snapshot, beside, draws)| Act::Resume { snapshot, beside, draws }),
    ]
}

type Items = BTreeSet<u32>;

/// A machine in the midst of a run: how it was started, and what it wrote since.
#[derive(Clone)]
struct Snapshot {
    at: usize,
    store: Memory,
    number: u64,
    writes: Vec<(LearnerId, u32)>,
    held: Items,
}

/// The network with what its machines are known to have.
struct Story {
    network: Network,
    /// For each machine the loans that it certainly has, by item number.
    held: Vec<Items>,
    learners: Vec<LearnerId>,
    of_item: BTreeMap<u32, LearnerId>,
    bundles: Vec<(Vec<u8>, Option<Items>)>,
    backups: Vec<(usize, Memory, Items)>,
    slips: Vec<(usize, String)>,
    snapshots: Vec<Snapshot>,
    /// A run may be forked.
    resumed: bool,
}

fn pupil(place: usize, number: usize) -> LearnerRow {
    LearnerRow {
        row: format!("{place}-{number}"),
        ..newcomer(&format!("L{place}{number}"))
    }
}

impl Story {
    fn new() -> Self {
        let mut network = Network::new(PRISONS);
        let mut learners = Vec::new();
        for place in 1..=PRISONS {
            let rows = [pupil(place, 0), pupil(place, 1)];
            network.nodes[place]
                .import_learners(&Import::of("register"), &rows)
                .unwrap();
            let found = network.nodes[place].find("sok", 9).unwrap();
            learners.extend(found.into_iter().map(|row| row.learner));
        }
        let held = vec![Items::new(); PRISONS + 1];
        Self {
            network,
            held,
            learners,
            of_item: BTreeMap::new(),
            bundles: Vec::new(),
            backups: Vec::new(),
            slips: Vec::new(),
            snapshots: Vec::new(),
            resumed: false,
        }
    }

    fn machine(&self, number: usize) -> usize {
        number % self.network.nodes.len()
    }

    fn learner(&self, number: usize) -> LearnerId {
        self.learners[number % self.learners.len()]
    }

    fn replace(&mut self, at: usize, node: Node, held: Items) {
        self.network.nodes[at] = node;
        self.held[at] = held;
    }

    fn happens(&mut self, act: Act) {
        match act {
            Act::Append {
                at,
                learner,
                sealed,
            } => {
                let (at, learner) = (self.machine(at), self.learner(learner));
                let item = u32::try_from(self.of_item.len()).unwrap();
                // A site that never had him refuses, and that is all.
                if self.network.nodes[at].append(learner, &loan(item)).is_ok() {
                    self.of_item.insert(item, learner);
                    self.held[at].insert(item);
                }
                if sealed {
                    self.network.nodes[at].flush().unwrap();
                }
            }
            Act::ImportRows { at, row } => {
                let at = self.machine(at);
                let place = place_of(&self.network.nodes[at]);
                let fields = [
                    "attended",
                    "beep",
                    "khmer",
                    &row.to_string(),
                    "",
                    "",
                    "",
                    "",
                ];
                let row = Row {
                    key: format!("E{row}"),
                    who: Who::of(&format!("{place}-{}", row % 2)),
                    date: Some(date()),
                    fields: fields.map(str::to_owned),
                };
                self.network.nodes[at]
                    .import_events(&Import::of("register"), &[row])
                    .unwrap();
            }
            Act::Interview { at, learner } => {
                let (at, learner) = (self.machine(at), self.learner(learner));
                let answers = [3, 2, 4, 1, 5].try_into().unwrap();
                let of = |moment| (None, Event::new(Body::Who5 { moment, answers }).on(date()));
                let both = [of(Who5Moment::Start), of(Who5Moment::End)];
                let _ = self.network.nodes[at].append(learner, &both);
            }
            Act::Exchange { a, b, cut } => self.exchange(a, b, cut),
            Act::Export { at, to } => {
                let at = self.machine(at);
                let to: Vec<_> = to.map(|to| site(to % (PRISONS + 1))).into_iter().collect();
                let file = export(&mut self.network.nodes[at], &to);
                // Packed for one destination it goes by that one's receipt, which may be outdated.
                let held = to.is_empty().then(|| self.held[at].clone());
                self.bundles.push((file, held));
            }
            Act::Import { at, bundle, cut } if !self.bundles.is_empty() => {
                let at = self.machine(at);
                let (file, held) = self.bundles[bundle % self.bundles.len()].clone();
                let end = cut.map_or(file.len(), |cut| file.len() * cut / 40);
                let whole = import(&mut self.network.nodes[at], &file[..end]);
                assert_eq!(whole, end == file.len());
                self.held[at].extend(held.filter(|_| whole).unwrap_or_default());
            }
            Act::Restart { at } => {
                let at = self.machine(at);
                self.network.restart(at);
            }
            Act::Backup { at } => {
                let at = self.machine(at);
                let store = self.network.nodes[at].store().clone();
                self.backups.push((at, store, self.held[at].clone()));
            }
            Act::SetBack { backup } if !self.backups.is_empty() => {
                let (at, store, held) = self.backups[backup % self.backups.len()].clone();
                let node = self.network.start(place_of(&self.network.nodes[at]), store);
                self.replace(at, node, held);
            }
            Act::Copy { at } if self.network.nodes.len() < MACHINES_MAX => {
                let at = self.machine(at);
                let store = self.network.nodes[at].store().clone();
                let node = self.network.start(place_of(&self.network.nodes[at]), store);
                self.network.nodes.push(node);
                self.held.push(self.held[at].clone());
            }
            Act::Snapshot {
                at,
                learner,
                writes,
            } => {
                let (at, learner) = (self.machine(at), self.learner(learner));
                let store = self.network.nodes[at].store().clone();
                self.network.started += 1;
                let mut snapshot = Snapshot {
                    at,
                    store,
                    number: self.network.started,
                    writes: Vec::new(),
                    held: self.held[at].clone(),
                };
                let mut node = self.resume(&snapshot, u64::MAX);
                for _ in 0..writes {
                    let item = u32::try_from(self.of_item.len()).unwrap();
                    if node.append(learner, &loan(item)).is_ok() {
                        node.flush().unwrap();
                        self.of_item.insert(item, learner);
                        snapshot.writes.push((learner, item));
                        snapshot.held.insert(item);
                    }
                }
                self.replace(at, node, snapshot.held.clone());
                self.snapshots.push(snapshot);
            }
            Act::Resume {
                snapshot,
                beside,
                draws,
            } if !self.snapshots.is_empty() => {
                let snapshot = self.snapshots[snapshot % self.snapshots.len()].clone();
                let node = self.resume(&snapshot, draws);
                self.resumed = true;
                if beside && self.network.nodes.len() < MACHINES_MAX {
                    self.network.nodes.push(node);
                    self.held.push(snapshot.held);
                } else {
                    self.replace(snapshot.at, node, snapshot.held);
                }
            }
            Act::Burn { at } => {
                let at = self.machine(at);
                let node = self.network.fresh(place_of(&self.network.nodes[at]));
                self.replace(at, node, Items::new());
            }
            Act::Leave { at, learner, to } => {
                let (at, learner, to) = (self.machine(at), self.learner(learner), to % PRISONS + 1);
                let to = Destination::Site(site(to));
                let left = self.network.nodes[at].transfer_out(learner, to, Some(date()), true);
                if let (Ok(departure), Destination::Site(to)) = (left, to) {
                    self.slips
                        .push((usize::from(to.0) - 1, departure.slip.unwrap()));
                }
            }
            Act::Arrive { slip } if !self.slips.is_empty() => {
                let (place, slip) = self.slips[slip % self.slips.len()].clone();
                // He may be there already, or the slip may be an old one.
                let _ = self.network.nodes[place].transfer_in(&slip, Some(date()));
            }
            Act::Admit { .. }
            | Act::LeaveUs { .. }
            | Act::Undo { .. }
            | Act::Dispute { .. }
            | Act::Ask { .. }
            | Act::Decide { .. } => self.moves(act),
            Act::Fold { at } => {
                let at = self.machine(at);
                self.network.nodes[at].fold(2).unwrap();
            }
            Act::Import { .. }
            | Act::SetBack { .. }
            | Act::Resume { .. }
            | Act::Copy { .. }
            | Act::Arrive { .. } => {}
        }
    }

    /// What an officer does whether it makes sense or not: a refusal is all that may come of it.
    fn moves(&mut self, act: Act) {
        let (at, learner) = match act {
            Act::Admit { at, learner }
            | Act::LeaveUs { at, learner, .. }
            | Act::Undo { at, learner }
            | Act::Dispute { at, learner }
            | Act::Ask { at, learner } => (self.machine(at), self.learner(learner)),
            _ => (DGP, self.learners[0]),
        };
        let same = |story: &Self, number: usize| story.learner(number);
        let node = &mut self.network.nodes[at];
        let refused = match act {
            Act::Admit { .. } => node.admit(learner, Some(date())).err(),
            Act::LeaveUs { released, .. } => {
                let to = if released {
                    Destination::Released
                } else {
                    Destination::WithoutNode
                };
                node.transfer_out(learner, to, None, false).err()
            }
            Act::Undo { .. } => node.undo(learner).err(),
            Act::Dispute { .. } => node.dispute(learner).err(),
            Act::Ask { .. } => node.ask_who(learner, LinkReason::LearnerSays).err(),
            Act::Decide {
                question,
                same: who,
            } => {
                let lines = node.worklist().unwrap();
                let asked: Vec<_> = lines.iter().filter_map(|l| l.id.parse().ok()).collect();
                if asked.is_empty() {
                    return;
                }
                let who = who.map(|number| same(self, number));
                let node = &mut self.network.nodes[DGP];
                let id = asked[question % asked.len()];
                match question % 4 {
                    0 => node.undo_decision(id).err(),
                    _ => node.decide(id, who).err(),
                }
            }
            _ => None,
        };
        assert!(
            !matches!(
                refused,
                Some(EngineError::Store(_) | EngineError::Malformed(_))
            ),
            "{refused:?}"
        );
    }

    /// The machine of a snapshot, as it was: it draws the same bytes and reads the same clock.
    fn resume(&self, snapshot: &Snapshot, draws: u64) -> Node {
        let place = place_of(&self.network.nodes[snapshot.at]);
        let store = snapshot.store.clone();
        let draws = if snapshot.writes.is_empty() {
            draws
        } else {
            u64::MAX
        };
        let mut node = self
            .network
            .start_alike_for(place, store, snapshot.number, draws);
        for (learner, item) in &snapshot.writes {
            node.append(*learner, &loan(*item)).unwrap();
            node.flush().unwrap();
        }
        node
    }

    fn exchange(&mut self, a: usize, b: usize, cut: Option<usize>) {
        let (a, b) = (self.machine(a), self.machine(b));
        if self.network.nodes[a].site() == self.network.nodes[b].site() {
            return;
        }
        let (outcome, other) = self.network.exchange(a, b, cut);
        assert!(cut.is_some() || (outcome.complete && other.complete));
        if outcome.complete && other.complete {
            let both: Items = self.held[a].union(&self.held[b]).copied().collect();
            (self.held[a], self.held[b]) = (both.clone(), both);
        }
    }

    /// Everybody meets; then the promises are checked.
    fn ends(mut self) {
        self.network.settle();
        let digests: BTreeSet<_> = self.network.nodes.iter().map(Host::digest).collect();
        assert_eq!(digests.len(), 1);
        for place in 0..=PRISONS {
            let heads = |node: &Node| node.skeleton().heads(site(place));
            let all: BTreeSet<_> = self.network.nodes.iter().map(heads).collect();
            assert_eq!(all.len(), 1, "heads of site {place}");
        }
        let mut control = self.network.fresh(DGP);
        let everything = export(&mut self.network.nodes[1], &[]);
        assert!(import(&mut control, &everything));
        while control.fold(100).unwrap().more {}

        let dgp = &mut self.network.nodes[DGP];
        let mut counted = Items::new();
        for learner in &self.learners {
            let (one, other) = (
                dgp.learner(*learner).unwrap(),
                control.learner(*learner).unwrap(),
            );
            assert_eq!(one, other, "what the DGP reads of {learner}");
            let found = items(dgp, *learner);
            counted.extend(&found);
            let unique: Items = found.iter().copied().collect();
            assert_eq!(
                unique.len(),
                found.len(),
                "{learner} has an event twice: {found:?}"
            );
        }
        for item in self.held.iter().flatten() {
            assert!(
                counted.contains(item),
                "item {item} of {} is lost",
                self.of_item[item]
            );
        }
        let figures = |node: &Node| node.totals(Query::ALL).unwrap().figures;
        assert_eq!(figures(dgp), figures(&control));
        for node in &self.network.nodes {
            let status = node.status().unwrap();
            assert_eq!((status.pending, status.to_fold), (0, 0));
            assert!(status.forks == 0 || self.resumed, "a fork that nobody made");
        }
    }
}

fn date() -> Date {
    "2025-03-05".parse().unwrap()
}

proptest! {
    // Half as many as usual, for time; PROPTEST_CASES asks for more.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 2,
        ..ProptestConfig::default()
    })]

    #[test]
    fn all_nodes_end_with_the_same(story in prop::collection::vec(acts(), 1..60)) {
        let mut network = Story::new();
        for act in story {
            network.happens(act);
        }
        network.ends();
    }

    #[test]
    fn branches_of_a_forked_run_end_the_same(
        writes in prop::collection::vec((1..=PRISONS, 0..1_000_usize, 1..4_u32), 1..3),
        story in prop::collection::vec(acts_of_copies(), 1..60),
    ) {
        let mut network = Story::new();
        for (number, (at, learner, writes)) in writes.into_iter().enumerate() {
            network.happens(Act::Snapshot { at, learner, writes });
            let draws = u64::MAX;
            network.happens(Act::Resume { snapshot: number, beside: true, draws });
            for at in [at, network.network.nodes.len() - 1] {
                let sealed = number == 0;
                network.happens(Act::Append { at, learner, sealed });
            }
        }
        for act in story {
            network.happens(act);
        }
        network.ends();
    }
}

/// Goal: what both have is not sent, also where one of them began a new run, whoever dials.
#[test]
fn a_new_run_brings_nothing_that_both_have() {
    for prison_dials in [true, false] {
        let Story {
            mut network,
            learners,
            ..
        } = Story::new();
        for item in 0..20 {
            network.nodes[1].append(learners[0], &loan(item)).unwrap();
            network.nodes[1].flush().unwrap();
        }
        network.settle();
        network.restart(1);
        network.nodes[1].append(learners[0], &loan(20)).unwrap();
        let (prison, dgp) = if prison_dials {
            network.exchange(1, DGP, None)
        } else {
            let (dgp, prison) = network.exchange(DGP, 1, None);
            (prison, dgp)
        };
        assert!(prison.complete && dgp.complete);
        assert_eq!(
            (prison.sent, dgp.sent),
            (2, 0),
            "the opening and one data segment"
        );
        assert_eq!(prison.refused + dgp.refused, 0);
    }
}

/// Goal: an event keeps its name from the moment it is recorded, so that what refers to it does so
/// also when the machine restarts before anything was sealed.
#[test]
fn what_was_taken_back_before_a_restart_stays_so() {
    let Story {
        mut network,
        learners,
        ..
    } = Story::new();
    // Learners whose profile was sealed in an earlier run: this one seals nothing of theirs.
    network.restart(1);
    network.nodes[1].append(learners[0], &loan(0)).unwrap();
    let events = network.nodes[1].events(learners[0]).unwrap();
    let lent = |event: &Event| matches!(event.body, Body::LoanOut { .. });
    let (id, _) = events.into_iter().find(|(_, event)| lent(event)).unwrap();
    let (event, reason) = (EventId(id), RetractionReason::EnteredByMistake);
    let mistake = Event::new(Body::Retracted { event, reason });
    network.nodes[1]
        .append(learners[0], &[(None, mistake)])
        .unwrap();
    let standing = |node: &Node| {
        let view = node.view(learners[0]).unwrap().unwrap();
        (view.notices.retracted, view.registers.loans_open)
    };
    assert_eq!(standing(&network.nodes[1]), (1, vec![]));
    network.restart(1);
    network.settle();
    assert_eq!(standing(&network.nodes[1]), (1, vec![]));
    assert_eq!(standing(&network.nodes[DGP]), (1, vec![]));
}
