//! Goal: everybody who has the same events and the same order of logs says the same of where a
//! learner is and of what came too late, and is right when he knows enough.
//! Method: each rule by hand; then random journeys, told with more or less knowledge at each step,
//! against the journey itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::event::{Event, RetractionReason};
use crate::id::RunId;
use crate::view::Origin;

/// Logs of one run each, with what each segment's writer had of the other logs.
#[derive(Default)]
struct Logs {
    had: BTreeMap<Position, BTreeMap<SiteId, u32>>,
    now: BTreeMap<SiteId, BTreeMap<SiteId, u32>>,
}

impl Logs {
    fn write(&mut self, site: SiteId) -> Position {
        let knows = self.now.entry(site).or_default();
        let height = knows.get(&site).copied().unwrap_or(0);
        let position = Position { site, run: RunId([0; 16]), height };
        self.had.insert(position, knows.clone());
        knows.insert(site, height + 1);
        position
    }

    fn tell(&mut self, from: SiteId, to: SiteId) {
        let news = self.now.entry(from).or_default().clone();
        let knows = self.now.entry(to).or_default();
        for (site, height) in news {
            let known = knows.entry(site).or_default();
            *known = height.max(*known);
        }
    }
}

impl Causality for Logs {
    fn is_ancestor(&self, earlier: Position, later: Position) -> bool {
        self.had[&later].get(&earlier.site).is_some_and(|height| earlier.height < *height)
    }
}

const A: SiteId = SiteId(1);
const B: SiteId = SiteId(2);
const AT_A: StayId = StayId([1; 16]);
const AT_B: StayId = StayId([2; 16]);

fn entry(position: Position, stay: StayId, body: Body) -> Entry {
    let id = EventId(format!("{}-{}-{}", position.site, position.height, body.kind_name()));
    Entry::new(id, Event::new(body), Origin { position, stay })
}

fn arrived(stay: StayId, from: Option<SiteId>) -> Body {
    Body::Arrived { stay, from, reason: ArrivalReason::Intake }
}

fn departed(stay: StayId, to: Destination) -> Body {
    Body::Departed { stay, to, reason: DepartureReason::Unknown }
}

fn late_ones(entries: &mut [Entry], logs: &Logs) -> Vec<bool> {
    mark_late(entries, logs);
    entries.iter().map(|entry| entry.late).collect()
}

#[test]
fn an_event_is_late_if_its_stay_had_ended() {
    let mut logs = Logs::default();
    let visit = || Body::LibraryVisit {};
    let mut entries = vec![
        entry(logs.write(A), AT_A, arrived(AT_A, None)),
        entry(logs.write(A), AT_A, visit()),
        entry(logs.write(A), AT_A, departed(AT_A, Destination::Site(B))),
    ];
    let at_departure = entries[2].origin.position;
    entries.push(entry(at_departure, AT_A, visit()));
    entries.push(entry(logs.write(A), AT_A, visit()));
    entries.push(entry(logs.write(B), AT_B, visit()));
    assert_eq!(late_ones(&mut entries, &logs), [false, false, false, false, true, false]);

    // A machine that was cloned before the departure goes on in a run of its own.
    let clone = Position { run: RunId([9; 16]), ..entries[1].origin.position };
    logs.had.insert(clone, BTreeMap::new());
    entries.push(Entry { id: EventId("clone".to_owned()), ..entry(clone, AT_A, visit()) });
    // Two runs of one site at one height are not each other's ancestors.
    let runs_apart = RunsApart(logs);
    mark_late(&mut entries, &runs_apart);
    assert!(entries.last().unwrap().late && !entries[1].late);
}

struct RunsApart(Logs);

impl Causality for RunsApart {
    fn is_ancestor(&self, earlier: Position, later: Position) -> bool {
        earlier.run == later.run && self.0.is_ancestor(earlier, later)
    }
}

#[test]
fn a_departure_is_overruled_only_in_time() {
    // Each way to overrule a departure, and whether work after it is late.
    let reason = RetractionReason::EnteredByMistake;
    let ways: [(&str, bool); 4] =
        [("same flush", false), ("later", true), ("by B", false), ("to B", true)];
    for (way, late) in ways {
        let mut logs = Logs::default();
        let mut entries = vec![
            entry(logs.write(A), AT_A, arrived(AT_A, None)),
            entry(logs.write(A), AT_A, departed(AT_A, Destination::Unknown)),
        ];
        let departure = entries[1].clone();
        let retracted = Body::Retracted { event: departure.id.clone(), reason };
        logs.tell(A, B);
        let overruling = match way {
            "same flush" => entry(departure.origin.position, AT_A, retracted),
            "later" => entry(logs.write(A), AT_A, retracted),
            "by B" => entry(logs.write(B), AT_B, retracted),
            _ => {
                let mut other = entry(logs.write(A), AT_A, departed(AT_A, Destination::Site(B)));
                other.event.supersedes = vec![departure.id.clone()];
                other
            }
        };
        entries.push(overruling);
        entries.push(entry(logs.write(A), AT_A, Body::LibraryVisit {}));
        assert_eq!(late_ones(&mut entries, &logs)[3], late, "{way}");
        let view = LearnerView::fold(&entries);
        let state = match way {
            "same flush" | "by B" => CustodyState::Here,
            "later" => CustodyState::Departed { to: Destination::Unknown },
            _ => CustodyState::Departed { to: Destination::Site(B) },
        };
        assert_eq!(CustodyState::of(&view, A), state, "{way}");
        assert_eq!(view.notices.waiting.len(), usize::from(way == "later"), "{way}");
    }
}

#[test]
fn two_arrivals_at_once_are_shown_to_both() {
    let mut logs = Logs::default();
    let entries = [
        entry(logs.write(A), AT_A, arrived(AT_A, None)),
        entry(logs.write(B), AT_B, arrived(AT_B, Some(A))),
    ];
    let view = LearnerView::fold(&entries);
    for site in [A, B, SiteId(9)] {
        assert_eq!(CustodyState::of(&view, site), CustodyState::SeveralSites(vec![A, B]));
    }
    assert_eq!(CustodyState::of(&LearnerView::default(), A), CustodyState::Unknown);
    let alone = LearnerView::fold(&entries[1..]);
    assert_eq!(CustodyState::of(&alone, A), CustodyState::Elsewhere { site: B });
    // Two departures that contradict each other, by copies of one machine.
    let apart = [
        entry(logs.write(A), AT_A, departed(AT_A, Destination::Released)),
        entry(logs.write(A), AT_A, departed(AT_A, Destination::Site(B))),
    ];
    assert_eq!(CustodyState::of(&LearnerView::fold(&apart), A), CustodyState::Unknown);
}

#[test]
fn the_second_departure_to_a_site_is_not_answered_by_the_first_arrival() {
    // A to B, released there, back to A, and on the way to B again; A and B heard nothing.
    let stays: Vec<StayId> = (1..4).map(|number| StayId([number; 16])).collect();
    let mut logs = Logs::default();
    let mut entries = [
        (A, stays[0], arrived(stays[0], None)),
        (A, stays[0], departed(stays[0], Destination::Site(B))),
        (B, stays[1], arrived(stays[1], Some(A))),
        (B, stays[1], departed(stays[1], Destination::Released)),
        (A, stays[2], arrived(stays[2], None)),
        (A, stays[2], departed(stays[2], Destination::Site(B))),
    ]
    .map(|(site, stay, body)| entry(logs.write(site), stay, body));
    mark_late(&mut entries, &logs);
    assert_eq!(
        entries.each_ref().map(|entry| entry.answered),
        [false, true, false, false, false, false]
    );
    // B's release might be the newest: nobody here can tell.
    assert_eq!(CustodyState::of(&LearnerView::fold(&entries), A), CustodyState::Unknown);
}

/// One step of a journey: where to, whether the next site hears of the departure before it admits,
/// and whether the learner has already arrived there.
#[derive(Clone, Debug)]
struct Leg {
    to: u16,
    heard: bool,
}

fn journeys() -> impl Strategy<Value = (Vec<Leg>, bool)> {
    let leg = (0..5_u16, any::<bool>()).prop_map(|(to, heard)| Leg { to, heard });
    (prop::collection::vec(leg, 0..8), any::<bool>())
}

/// Walks the journey and returns its entries with what is true at its end.
fn walk(legs: &[Leg], arrives: bool, hears_all: bool) -> (Vec<Entry>, Logs, CustodyState) {
    let mut logs = Logs::default();
    let stay = |number: usize| StayId([u8::try_from(number).unwrap(); 16]);
    let mut entries = vec![entry(logs.write(A), stay(0), arrived(stay(0), None))];
    let mut here = A;
    let mut truth = CustodyState::Here;
    for (number, leg) in legs.iter().enumerate() {
        // 0 is a prison without a node and 4 is release; from both he comes back to A.
        let (to, next, from) = match leg.to {
            0 => (Destination::WithoutNode, A, None),
            4 => (Destination::Released, A, None),
            site => (Destination::Site(SiteId(site)), SiteId(site), Some(here)),
        };
        entries.push(entry(logs.write(here), stay(number), departed(stay(number), to)));
        if number + 1 == legs.len() && !arrives {
            let released = to == Destination::Released;
            truth = if released { CustodyState::Released } else { CustodyState::Departed { to } };
            break;
        }
        if hears_all || leg.heard {
            logs.tell(here, next);
        }
        entries.push(entry(logs.write(next), stay(number + 1), arrived(stay(number + 1), from)));
        truth = if next == A { CustodyState::Here } else { CustodyState::Elsewhere { site: next } };
        here = next;
    }
    (entries, logs, truth)
}

proptest! {
    #[test]
    fn a_journey_is_told_as_it_was((legs, arrives) in journeys(), reverse in any::<bool>()) {
        let (mut entries, logs, truth) = walk(&legs, arrives, true);
        if reverse {
            entries.reverse();
        }
        mark_late(&mut entries, &logs);
        prop_assert!(entries.iter().all(|entry| !entry.late));
        prop_assert_eq!(CustodyState::of(&LearnerView::fold(&entries), A), truth);
    }

    /// With less knowledge the answer may be `Unknown`, but where he is open it is right.
    #[test]
    fn little_knowledge_misleads_nobody((legs, arrives) in journeys()) {
        let (mut entries, logs, truth) = walk(&legs, arrives, false);
        mark_late(&mut entries, &logs);
        let told = CustodyState::of(&LearnerView::fold(&entries), A);
        let open = matches!(truth, CustodyState::Here | CustodyState::Elsewhere { .. });
        prop_assert!(told == truth || (!open && told == CustodyState::Unknown), "{told:?}");
    }
}
