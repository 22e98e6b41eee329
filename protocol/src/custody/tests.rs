//! Goal: everybody who has the same events and the same order of logs says the same of where a
//! learner is and of what came too late, and is right when he knows enough.
//! Method: each rule by hand; then random journeys, told with more or less knowledge at each step,
//! against the journey itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod past;

use std::cell::Cell;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::catalogue::{ProgrammeId, Scope};
use crate::event::{Event, Issuer, RetractionReason};
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
        let position = Position {
            site,
            run: RunId([0; 16]),
            height,
        };
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
        self.had[&later]
            .get(&earlier.site)
            .is_some_and(|height| earlier.height < *height)
    }
}

const A: SiteId = SiteId(1);
const B: SiteId = SiteId(2);
const AT_A: StayId = StayId([1; 16]);
const AT_B: StayId = StayId([2; 16]);

fn entry(position: Position, stay: StayId, body: Body) -> Entry {
    let id = EventId(format!(
        "{}-{}-{}",
        position.site,
        position.height,
        body.kind_name()
    ));
    Entry::new(id, Event::new(body), Origin { position, stay }).signed_by(2)
}

fn arrived(stay: StayId, from: Option<SiteId>) -> Body {
    Body::Arrived {
        stay,
        from,
        reason: ArrivalReason::Intake,
    }
}

fn departed(stay: StayId, to: Destination) -> Body {
    Body::Departed {
        stay,
        to,
        reason: DepartureReason::Unknown,
    }
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
    assert_eq!(
        late_ones(&mut entries, &logs),
        [false, false, false, false, true, false]
    );

    // A machine that was cloned before the departure goes on in a run of its own.
    let clone = Position {
        run: RunId([9; 16]),
        ..entries[1].origin.position
    };
    logs.had.insert(clone, BTreeMap::new());
    entries.push(Entry {
        id: EventId("clone".to_owned()),
        ..entry(clone, AT_A, visit())
    });
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
    let ways: [(&str, bool); 4] = [
        ("same flush", false),
        ("later", true),
        ("by B", true),
        ("to B", true),
    ];
    for (way, late) in ways {
        let mut logs = Logs::default();
        let mut entries = vec![
            entry(logs.write(A), AT_A, arrived(AT_A, None)),
            entry(logs.write(A), AT_A, departed(AT_A, Destination::Unknown)),
        ];
        let departure = entries[1].clone();
        let retracted = Body::Retracted {
            event: departure.id.clone(),
            reason,
        };
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
            "same flush" => CustodyState::Here,
            _ => CustodyState::Departed {
                to: Destination::Unknown,
            },
        };
        assert_eq!(CustodyState::of(&view, A), state, "{way}");
        let waiting = usize::from(way == "later" || way == "to B");
        assert_eq!(view.notices.waiting.len(), waiting, "{way}");
    }
}

fn certificate() -> Body {
    let scope = Scope::Programme(ProgrammeId::ENGLISH);
    Body::Certificate {
        scope,
        issuer: Issuer::PannasastraUniversity,
    }
}

fn retracted(id: &EventId) -> Body {
    Body::Retracted {
        event: id.clone(),
        reason: RetractionReason::EnteredByMistake,
    }
}

#[test]
fn who_has_left_cannot_make_up_for_it_by_leaving_again() {
    for replaces in [false, true] {
        let mut logs = Logs::default();
        let mut entries = vec![
            entry(logs.write(A), AT_A, arrived(AT_A, None)),
            entry(logs.write(A), AT_A, departed(AT_A, Destination::Site(B))),
            entry(logs.write(A), AT_A, certificate()),
            entry(logs.write(A), AT_A, departed(AT_A, Destination::Released)),
        ];
        if replaces {
            entries[3].event.supersedes = vec![entries[1].id.clone()];
        }
        assert_eq!(late_ones(&mut entries, &logs), [false, false, true, true]);
        let view = LearnerView::fold(&entries);
        assert!(view.progress.certificates.is_empty());
        assert_eq!(
            view.notices.waiting,
            [entries[2].id.clone(), entries[3].id.clone()]
        );
        let state = CustodyState::Departed {
            to: Destination::Site(B),
        };
        assert_eq!(CustodyState::of(&view, A), state);
    }
}

#[test]
fn a_departure_taken_back_at_once_ends_nothing_and_the_next_one_does() {
    let mut logs = Logs::default();
    let mut entries = vec![entry(
        logs.write(A),
        AT_A,
        departed(AT_A, Destination::Released),
    )];
    entries.push(entry(
        entries[0].origin.position,
        AT_A,
        retracted(&entries[0].id),
    ));
    entries.push(entry(logs.write(A), AT_A, certificate()));
    entries.push(entry(
        logs.write(A),
        AT_A,
        departed(AT_A, Destination::Site(B)),
    ));
    entries.push(entry(logs.write(A), AT_A, certificate()));
    entries.push(entry(
        logs.write(A),
        AT_A,
        departed(AT_A, Destination::Released),
    ));
    assert_eq!(
        late_ones(&mut entries, &logs),
        [false, false, false, false, true, true]
    );

    // A retraction whose key has another content too takes nothing back.
    let other = Event::new(Body::LibraryVisit {});
    entries.push(Entry {
        event: other,
        ..entries[1].clone()
    });
    assert_eq!(
        late_ones(&mut entries, &logs)[..4],
        [false, false, true, true]
    );
}

#[test]
fn any_end_of_a_copied_machine_will_do() {
    let mut logs = Logs::default();
    let visit = || Body::LibraryVisit {};
    let copy = |logs: &mut Logs, height| {
        let position = Position {
            site: A,
            run: RunId([9; 16]),
            height,
        };
        logs.had.insert(position, BTreeMap::from([(A, height)]));
        position
    };
    let mut entries = vec![
        entry(logs.write(A), AT_A, visit()),
        entry(logs.write(A), AT_A, departed(AT_A, Destination::Released)),
        entry(logs.write(A), AT_A, visit()),
        entry(copy(&mut logs, 5), AT_A, visit()),
        entry(
            copy(&mut logs, 6),
            AT_A,
            departed(AT_A, Destination::Released),
        ),
        entry(copy(&mut logs, 7), AT_A, visit()),
    ];
    mark_late(&mut entries, &RunsApart(logs));
    let late: Vec<bool> = entries.iter().map(|entry| entry.late).collect();
    assert_eq!(late, [false, false, true, false, false, true]);
}

#[test]
fn only_the_site_of_a_stay_begins_it_ends_it_and_takes_that_back() {
    let mut logs = Logs::default();
    let arrival = entry(logs.write(A), AT_A, arrived(AT_A, None));
    logs.tell(A, B);
    let mut replacing = entry(logs.write(B), AT_B, certificate());
    replacing.event.supersedes = vec![arrival.id.clone()];
    let mut entries = vec![
        entry(logs.write(B), AT_B, departed(AT_A, Destination::Released)),
        entry(logs.write(B), AT_B, retracted(&arrival.id)),
        arrival,
        replacing,
    ];
    logs.tell(B, A);
    entries.push(entry(logs.write(A), AT_A, certificate()));
    assert_eq!(late_ones(&mut entries, &logs), [false; 5]);
    let view = LearnerView::fold(&entries);
    assert_eq!(CustodyState::of(&view, A), CustodyState::Here);
    let told: Vec<_> = view
        .stays
        .iter()
        .map(|stay| (stay.stay, stay.site))
        .collect();
    assert_eq!(told, [(AT_A, A), (AT_A, B)]);
    assert_eq!(
        (view.stays[0].arrivals.len(), view.stays[0].departures.len()),
        (1, 0)
    );

    // An arrival by B under A's stay is one of B's own.
    let also_at_b = entry(logs.write(B), AT_B, arrived(AT_A, None));
    let view = LearnerView::fold(&[entries[2].clone(), also_at_b]);
    assert_eq!(
        CustodyState::of(&view, A),
        CustodyState::SeveralSites(vec![A, B])
    );
}

#[test]
fn whoever_has_custody_settles_a_departure_that_waits() {
    let mut logs = Logs::default();
    let mut entries = vec![
        entry(logs.write(A), AT_A, departed(AT_A, Destination::Site(B))),
        entry(logs.write(A), AT_A, departed(AT_A, Destination::Released)),
        entry(logs.write(B), AT_B, arrived(AT_B, Some(A))),
    ];
    entries.push(entry(logs.write(B), AT_B, retracted(&entries[1].id)));
    mark_late(&mut entries, &logs);
    assert_eq!(LearnerView::fold(&entries[..3]).notices.waiting.len(), 1);
    let view = LearnerView::fold(&entries);
    assert!(view.notices.waiting.is_empty());
    assert_eq!(CustodyState::of(&view, B), CustodyState::Here);
}

/// The logs of sites 1, 2, ... as the runs 1, 2, ... of A.
struct AsRuns(Logs);

fn as_run(position: Position) -> Position {
    let run = RunId([u8::try_from(position.site.0).unwrap(); 16]);
    Position {
        site: A,
        run,
        ..position
    }
}

impl Causality for AsRuns {
    fn is_ancestor(&self, earlier: Position, later: Position) -> bool {
        let back = |position: Position| {
            let site = SiteId(u16::from(position.run.0[0]));
            Position {
                site,
                run: RunId([0; 16]),
                ..position
            }
        };
        self.0.is_ancestor(back(earlier), back(later))
    }
}

/// What `mark_late` says of lateness, as it is written there and without any haste.
fn late_as_told(entries: &[Entry], order: &dyn Causality) -> Vec<bool> {
    let ends = |stay: StayId| -> Vec<Position> {
        let taken_back = |one: &&Entry| {
            entries
                .iter()
                .any(|by| by.origin == one.origin && by.overrules().any(|id| *id == one.id))
        };
        let departed = |one: &&Entry| {
            one.origin.stay == stay && matches!(one.event.body, Body::Departed { .. })
        };
        let ends = entries
            .iter()
            .filter(departed)
            .filter(|one| !taken_back(one));
        ends.map(|one| one.origin.position).collect()
    };
    let is_late = |entry: &Entry| {
        let (ends, written) = (ends(entry.origin.stay), entry.origin.position);
        let first = |end: &&Position| !ends.iter().any(|other| order.is_ancestor(*other, **end));
        let in_time = |end: &Position| written == *end || order.is_ancestor(written, *end);
        !ends.is_empty() && !ends.iter().filter(first).any(in_time)
    };
    entries.iter().map(is_late).collect()
}

proptest! {
    /// Each step: the run that writes, one that it hears of first, the stay, and what it writes.
    #[test]
    fn lateness_is_what_it_is_told_to_be(
        steps in prop::collection::vec((1..5_u16, 1..5_u16, 1..3_u8, 0..5_u8), 0..30),
        reverse in any::<bool>(),
    ) {
        let mut logs = Logs::default();
        let mut entries = Vec::new();
        for (run, heard, stay, what) in steps {
            logs.tell(SiteId(heard), SiteId(run));
            let (position, stay) = (as_run(logs.write(SiteId(run))), StayId([stay; 16]));
            let left = departed(stay, Destination::Released);
            let body = if what < 2 { left } else { Body::LibraryVisit {} };
            let mut new = entry(position, stay, body);
            new.id = EventId(format!("{run}-{}", position.height));
            if what == 1 {
                entries.push(entry(position, stay, retracted(&new.id)));
                entries.last_mut().unwrap().id = EventId(format!("not-{}", new.id.0));
            }
            entries.push(new);
        }
        if reverse {
            entries.reverse();
        }
        let order = AsRuns(logs);
        let told = late_as_told(&entries, &order);
        mark_late(&mut entries, &order);
        let found: Vec<bool> = entries.iter().map(|entry| entry.late).collect();
        prop_assert_eq!(found, told);
    }
}

/// Counts how often the logs are walked; each run is a log of its own.
#[derive(Default)]
struct Counted(Cell<usize>);

impl Causality for Counted {
    fn is_ancestor(&self, earlier: Position, later: Position) -> bool {
        self.0.set(self.0.get() + 1);
        earlier.site == later.site && earlier.run == later.run && earlier.height < later.height
    }
}

#[test]
fn the_logs_are_asked_seldom() {
    let at = |height| Position {
        site: A,
        run: RunId([0; 16]),
        height,
    };
    let named = |number: u32, at, stay, body| {
        let id = EventId(number.to_string());
        Entry {
            id,
            ..entry(at, stay, body)
        }
    };
    // One stay that ends again and again.
    let mut entries: Vec<Entry> = (0..4_200)
        .map(|height| {
            let departs = height % 21 == 20;
            let to = Destination::Site(B);
            let body = if departs {
                departed(AT_A, to)
            } else {
                Body::LibraryVisit {}
            };
            named(height, at(height), AT_A, body)
        })
        .collect();
    let logs = Counted::default();
    mark_late(&mut entries, &logs);
    assert_eq!(entries.iter().filter(|entry| entry.late).count(), 4_179);
    assert!(logs.0.get() < 40, "{}", logs.0.get());

    // Many stays, one after the other; the last departure has no answer.
    let journeys = 1_000_u32;
    let mut entries: Vec<Entry> = (0..journeys)
        .flat_map(|number| {
            let mut stay = StayId([0; 16]);
            stay.0[..4].copy_from_slice(&number.to_le_bytes());
            let (here, gone) = (2 * number, 2 * number + 1);
            let left = departed(stay, Destination::Site(B));
            [
                named(here, at(here), stay, arrived(stay, None)),
                named(gone, at(gone), stay, left),
            ]
        })
        .collect();
    let logs = Counted::default();
    mark_late(&mut entries, &logs);
    assert!(entries.iter().all(|entry| !entry.late));
    assert_eq!(entries.iter().filter(|entry| entry.answered).count(), 999);
    assert!(logs.0.get() < 20_000, "{}", logs.0.get());
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
        assert_eq!(
            CustodyState::of(&view, site),
            CustodyState::SeveralSites(vec![A, B])
        );
    }
    assert_eq!(
        CustodyState::of(&LearnerView::default(), A),
        CustodyState::Unknown
    );
    let alone = LearnerView::fold(&entries[1..]);
    assert_eq!(
        CustodyState::of(&alone, A),
        CustodyState::Elsewhere { site: B }
    );
    // Two departures that contradict each other, by copies of one machine.
    let apart = [
        entry(logs.write(A), AT_A, departed(AT_A, Destination::Released)),
        entry(logs.write(A), AT_A, departed(AT_A, Destination::Site(B))),
    ];
    assert_eq!(
        CustodyState::of(&LearnerView::fold(&apart), A),
        CustodyState::Unknown
    );
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
    assert_eq!(
        CustodyState::of(&LearnerView::fold(&entries), A),
        CustodyState::Unknown
    );
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
        entries.push(entry(
            logs.write(here),
            stay(number),
            departed(stay(number), to),
        ));
        if number + 1 == legs.len() && !arrives {
            let released = to == Destination::Released;
            truth = if released {
                CustodyState::Released
            } else {
                CustodyState::Departed { to }
            };
            break;
        }
        if hears_all || leg.heard {
            logs.tell(here, next);
        }
        entries.push(entry(
            logs.write(next),
            stay(number + 1),
            arrived(stay(number + 1), from),
        ));
        truth = if next == A {
            CustodyState::Here
        } else {
            CustodyState::Elsewhere { site: next }
        };
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
