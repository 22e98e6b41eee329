//! Goal: a view depends on the set of events and on nothing else; finished work stays finished;
//! what sites said apart stays visible; a late high-stakes event changes nothing by itself.
//! Method: random records, shuffled and doubled, compared byte for byte; then each rule by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::catalogue::{ModuleId, ProgrammeId, Scope};
use crate::event::tests::samples;
use crate::event::{
    AssessmentKind, Event, ExamOutcome, Issuer, LinkReason, RetractionReason, Score, Sitting,
    WithdrawalReason,
};
use crate::id::{LearnerId, Position, RunId, StayId};

const ENGLISH: Scope = Scope::Programme(ProgrammeId::ENGLISH);
const MODULE: ModuleId = ModuleId {
    programme: ProgrammeId::BEEP,
    number: 2,
};

fn id(name: &str) -> EventId {
    EventId(name.to_owned())
}

fn entry(name: &str, site: u16, event: Event) -> Entry {
    let position = Position {
        site: SiteId(site),
        run: RunId([1; 16]),
        height: 0,
    };
    Entry::new(
        id(name),
        event,
        Origin {
            position,
            stay: StayId([2; 16]),
        },
    )
    .signed_by(2)
}

fn plain(name: &str, body: Body) -> Entry {
    entry(name, 1, Event::new(body).on("2025-03-01".parse().unwrap()))
}

fn late(entry: Entry) -> Entry {
    Entry {
        late: true,
        ..entry
    }
}

fn retract(name: &str, event: &str) -> Entry {
    let reason = RetractionReason::EnteredByMistake;
    plain(
        name,
        Body::Retracted {
            event: id(event),
            reason,
        },
    )
}

fn in_place_of(mut entry: Entry, events: &[&str]) -> Entry {
    entry.event.supersedes = events.iter().map(|name| id(name)).collect();
    entry
}

fn certificate(name: &str) -> Entry {
    plain(
        name,
        Body::Certificate {
            scope: ENGLISH,
            issuer: Issuer::PannasastraUniversity,
        },
    )
}

prop_compose! {
    /// An entry with one of twelve keys, so that keys meet, and references to others of them.
    pub(crate) fn any_entry()(
        sample in 0..samples().len(), key in 0..12_u8, target in 0..14_u8, site in 1..4_u16,
        day in prop::option::of(20_000..20_400_i32), late in prop::bool::weighted(0.2),
        op in 0..9_u64, past_open in any::<bool>(),
        supersedes in prop::collection::vec(0..14_u8, 0..3), persons in 0..3_u8,
    ) -> Entry {
        let mut body = samples().swap_remove(sample);
        if let Body::Retracted { event, .. } = &mut body {
            *event = id(&format!("key-{target}"));
        }
        let mut event = Event::new(body);
        event.date = day.map(|day| Date::from_days(day).unwrap());
        event.supersedes = supersedes.iter().map(|key| id(&format!("key-{key}"))).collect();
        Entry { late, op, past_open, persons, ..entry(&format!("key-{key}"), site, event) }
    }
}

proptest! {
    /// Some entries come twice, and some once more as a clone of the machine imported them.
    #[test]
    fn order_and_repetition_change_nothing(
        mut entries in prop::collection::vec(any_entry(), 1..40),
        clones in prop::collection::vec((any::<Index>(), 1..4_u16, any::<bool>()), 0..5),
        doubles in prop::collection::vec(any::<Index>(), 0..10),
        swaps in prop::collection::vec((any::<Index>(), any::<Index>()), 0..60),
    ) {
        for (index, site, late) in clones {
            let original = index.get(&entries).clone();
            let clone = entry(&original.id.0, site, original.event);
            entries.push(Entry { late, ..clone });
        }
        let view = LearnerView::fold(&entries);
        let mut other = entries.clone();
        other.extend(doubles.iter().map(|index| index.get(&entries).clone()));
        for (one, two) in &swaps {
            let (one, two) = (one.index(other.len()), two.index(other.len()));
            other.swap(one, two);
        }
        prop_assert_eq!(LearnerView::fold(&other).canonical_bytes(), view.canonical_bytes());
    }

    /// Whatever is added later, short of an event that names the finished one, it stays finished.
    #[test]
    fn finished_work_stays_finished(more in prop::collection::vec(any_entry(), 0..40)) {
        let done = entry("done", 1, Event::new(Body::ModuleDone { module: MODULE }));
        let entries: Vec<Entry> = more.into_iter().chain([done]).collect();
        prop_assert!(LearnerView::fold(&entries).progress.module(MODULE).unwrap().done);
    }
}

#[test]
fn every_kind_leaves_a_trace() {
    for body in samples()
        .into_iter()
        .filter(|body| body.kind_name() != "retracted")
    {
        let name = body.kind_name();
        let mut view = LearnerView::fold(&[plain("only", body)]);
        assert_eq!(view.events, 1);
        view.events = 0;
        // Alone, neither tells anything: of what went out, or of a stay.
        if !matches!(name, "loan-back" | "record-open") {
            assert_ne!(
                view.canonical_bytes(),
                LearnerView::default().canonical_bytes(),
                "{name}"
            );
        }
    }
}

#[test]
fn values_set_apart_stay_visible_until_a_person_decides() {
    let female = entry("a", 1, Event::new(Body::Sex { sex: Sex::Female }));
    let male = entry("b", 2, Event::new(Body::Sex { sex: Sex::Male }));
    let again = entry("c", 3, Event::new(Body::Sex { sex: Sex::Female }));
    let entries = [male, again, female];
    let both = LearnerView::fold(&entries).profile.sex;
    assert_eq!(
        both[0],
        Claim {
            value: Sex::Female,
            events: vec![id("a"), id("c")]
        }
    );
    assert_eq!(
        both[1],
        Claim {
            value: Sex::Male,
            events: vec![id("b")]
        }
    );

    let decision = in_place_of(plain("d", Body::Sex { sex: Sex::Female }), &["a", "b", "c"]);
    let mut entries = entries.to_vec();
    entries.push(decision);
    let view = LearnerView::fold(&entries);
    assert_eq!(
        view.profile.sex,
        [Claim {
            value: Sex::Female,
            events: vec![id("d")]
        }]
    );
    assert_eq!(view.notices.superseded, 3);

    // Taking the decision back brings the question back.
    entries.push(retract("e", "d"));
    let view = LearnerView::fold(&entries);
    assert_eq!(view.profile.sex, both);
    assert_eq!((view.notices.superseded, view.notices.retracted), (0, 1));
}

#[test]
fn a_late_high_stakes_event_waits() {
    let entries = [
        late(certificate("late")),
        late(plain("work", Body::ModuleDone { module: MODULE })),
    ];
    let view = LearnerView::fold(&entries);
    assert!(view.progress.certificates.is_empty());
    assert_eq!(
        (view.notices.waiting, view.notices.late),
        (vec![id("late")], vec![id("work")])
    );
    assert!(view.progress.module(MODULE).unwrap().done);

    // Recorded anew by somebody who has custody, it counts and waits no longer.
    let entries = [&entries[..], &[in_place_of(certificate("new"), &["late"])]].concat();
    let view = LearnerView::fold(&entries);
    assert_eq!(view.progress.certificates.len(), 1);
    assert!(view.notices.waiting.is_empty());
}

/// Goal: one officer alone neither gives a certificate nor takes one away.
/// Method: a certificate with fewer signatures than needed; corrections and retractions of one that
/// counts, with and without the second person's.
#[test]
fn one_person_alone_gives_no_certificate_and_takes_none() {
    for persons in [0, 1] {
        let entries = [certificate("alone").signed_by(persons)];
        let view = LearnerView::fold(&entries);
        assert!(view.progress.certificates.is_empty());
        assert_eq!(view.notices.provisional, [id("alone")]);
    }
    let good = certificate("good");
    let work = || plain("w", Body::ModuleDone { module: MODULE });
    for taking in [
        retract("r", "good"),
        in_place_of(certificate("c"), &["good"]),
        in_place_of(work(), &["good"]),
    ] {
        let name = taking.id.clone();
        let view = LearnerView::fold(&[good.clone(), taking.clone().signed_by(1)]);
        assert_eq!(view.progress.certificates.len(), 1, "{name}");
        assert_eq!((view.notices.retracted, view.notices.superseded), (0, 0));
        assert_eq!(view.notices.provisional, [name]);
        let view = LearnerView::fold(&[good.clone(), taking]);
        assert_eq!(view.notices.retracted + view.notices.superseded, 1);
        assert!(view.notices.provisional.is_empty());
    }
    // What does not count yet, whoever wrote it takes back alone; ordinary work needs nobody.
    let entries = [
        good.signed_by(1),
        retract("r", "good").signed_by(0),
        work().signed_by(0),
    ];
    let view = LearnerView::fold(&entries);
    assert_eq!((view.notices.retracted, view.events), (1, 1));
    assert!(view.notices.provisional.is_empty());
}

/// In a branch of a forked run what is at stake waits, and takes nothing of that kind away; moves
/// and work count.
#[test]
fn in_a_branch_what_is_at_stake_waits() {
    let forked = |entry: Entry| Entry {
        forked: true,
        ..entry
    };
    let arrived = Body::Arrived {
        stay: StayId([1; 16]),
        from: None,
        reason: crate::event::ArrivalReason::Transferred,
    };
    let entries = [
        certificate("good"),
        forked(certificate("branch")),
        forked(retract("takes", "good")),
        forked(plain("work", Body::ModuleDone { module: MODULE })),
        forked(plain("here", arrived)),
    ];
    let view = LearnerView::fold(&entries);
    assert_eq!(view.progress.certificates.len(), 1);
    assert_eq!(view.notices.waiting, [id("branch"), id("takes")]);
    assert!(view.progress.module(MODULE).is_some());
    assert_eq!(view.stays.len(), 1);
    // A site takes back its own move also in a branch.
    let view = LearnerView::fold(&[&entries[..], &[forked(retract("back", "here"))]].concat());
    assert_eq!((view.stays.len(), view.notices.retracted), (0, 1));
}

#[test]
fn a_late_event_takes_no_certificate_away() {
    let remark = samples()
        .into_iter()
        .find(|body| body.kind_name() == "remark")
        .unwrap();
    let entries = [
        certificate("good"),
        late(retract("retraction", "good")),
        late(in_place_of(plain("remark", remark.clone()), &["good"])),
    ];
    let view = LearnerView::fold(&entries);
    assert_eq!(view.progress.certificates.len(), 1);
    assert_eq!(view.notices.waiting, [id("retraction")]);

    // In time, both do; and a late retraction of ordinary work does.
    for taken in [
        retract("r", "good"),
        in_place_of(plain("s", remark), &["good"]),
    ] {
        assert!(
            LearnerView::fold(&[certificate("good"), taken])
                .progress
                .certificates
                .is_empty()
        );
    }
    let entries = [
        plain("work", Body::LoanOut { item: 4 }),
        late(retract("r", "work")),
    ];
    assert!(LearnerView::fold(&entries).registers.loans_open.is_empty());
}

#[test]
fn a_retraction_stands() {
    let entries = [certificate("c"), retract("r", "c"), retract("s", "r")];
    let view = LearnerView::fold(&entries);
    assert!(view.progress.certificates.is_empty());
    assert_eq!(view.notices.retracted, 1);
}

#[test]
fn the_best_score_is_kept() {
    let kind = AssessmentKind::Post;
    let test = |name: &str, day: &str, points, max| {
        let score = Score::try_from((points, max)).unwrap();
        let body = Body::Assessed {
            kind,
            module: MODULE,
            version: 1,
            score,
        };
        entry(name, 1, Event::new(body).on(day.parse().unwrap()))
    };
    let entries = [
        test("d", "2025-06-01", 10, 20),
        test("a", "2025-04-01", 15, 20),
        test("b", "2025-05-01", 15, 20),
        plain(
            "out",
            Body::Withdrew {
                programme: MODULE.programme,
                reason: WithdrawalReason::Work,
            },
        ),
    ];
    let view = LearnerView::fold(&entries);
    let results = &view.progress.module(MODULE).unwrap().results;
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].score, Score::try_from((15, 20)).unwrap());
    assert_eq!(results[0].date, Some("2025-04-01".parse().unwrap()));
    assert_eq!(
        view.progress
            .programme(MODULE.programme)
            .unwrap()
            .withdrawals
            .len(),
        1
    );
}

#[test]
fn of_equal_results_one_is_chosen_by_what_it_is() {
    let test = |name: &str, points, max| {
        let (score, kind) = (
            Score::try_from((points, max)).unwrap(),
            AssessmentKind::Quiz,
        );
        plain(
            name,
            Body::Assessed {
                kind,
                module: MODULE,
                version: 1,
                score,
            },
        )
    };
    for names in [("a", "b"), ("b", "a")] {
        let view = LearnerView::fold(&[test(names.0, 3, 4), test(names.1, 15, 20)]);
        let best = &view.progress.module(MODULE).unwrap().results[0];
        assert_eq!(best.score.max(), 20);
    }
    for names in [("a", "b"), ("b", "a")] {
        let mut later = certificate(names.1);
        later.event.date = Some("2025-09-01".parse().unwrap());
        let view = LearnerView::fold(&[certificate(names.0), later]);
        let earliest = Some("2025-03-01".parse().unwrap());
        assert_eq!(view.progress.certificates.len(), 1);
        assert_eq!(view.progress.certificates[0].date, earliest);
    }
}

#[test]
fn an_event_does_not_overrule_itself() {
    let view = LearnerView::fold(&[in_place_of(certificate("c"), &["c"])]);
    assert_eq!(view.progress.certificates.len(), 1);
}

#[test]
fn of_one_key_with_several_contents_one_stands() {
    let visit = plain("key", Body::LibraryVisit {});
    let (four, five) = [4, 5]
        .map(|item| plain("key", Body::LoanOut { item }))
        .into();
    let too_late = late(visit.clone());
    let orders = [
        [visit.clone(), four.clone(), late(five.clone())],
        [late(five.clone()), visit.clone(), four.clone()],
        [four.clone(), late(five), visit],
    ];
    let views = orders.map(|entries| LearnerView::fold(&entries));
    assert_eq!((views[0].events, views[0].notices.disputed_ids), (1, 1));
    assert!(views.iter().all(|view| *view == views[0]));

    // What is on time stands before what is late, and a key with one content is not disputed.
    let view = LearnerView::fold(&[too_late.clone(), four.clone(), too_late]);
    assert_eq!(
        (view.registers.loans_open, view.notices.disputed_ids),
        (vec![4], 1)
    );
    assert_eq!(
        LearnerView::fold(&[four.clone(), late(four)])
            .notices
            .disputed_ids,
        0
    );
}

#[test]
fn what_is_open_is_listed() {
    let sitting = Sitting {
        year: 2025,
        number: 3,
    };
    let registered = plain(
        "r",
        Body::ExamRegistered {
            scope: ENGLISH,
            sitting,
        },
    );
    let entries = [
        plain("z", Body::LoanOut { item: 4 }),
        plain("y", Body::LoanBack { item: 4 }),
        plain("x", Body::LoanOut { item: 5 }),
        registered,
    ];
    let view = LearnerView::fold(&entries);
    assert_eq!(view.registers.loans_open, [5]);
    assert_eq!(view.progress.open_exams().count(), 1);

    let outcome = ExamOutcome::Failed;
    let result = Body::ExamResult {
        scope: ENGLISH,
        sitting: Some(sitting),
        outcome,
        score: None,
    };
    let view = LearnerView::fold(&[&entries[..], &[plain("e", result)]].concat());
    assert_eq!(view.progress.open_exams().count(), 0);
}

#[test]
fn what_is_odd_is_counted() {
    let mut newer = plain("a", Body::LibraryVisit {});
    newer.event.unread = vec![1];
    let unknown = plain(
        "b",
        Body::Newer {
            kind: 900,
            flags: 0,
        },
    );
    let undated = entry("c", 1, Event::new(Body::ModuleDone { module: MODULE }));
    let no_date_needed = entry("d", 1, Event::new(Body::Consent { given: true }));
    let twice = plain("c", Body::LibraryVisit {});
    let view = LearnerView::fold(&[newer, unknown, undated, no_date_needed, twice]);
    assert_eq!(view.notices.from_newer_version, 2);
    assert_eq!(view.notices.disputed_ids, 1);
    assert_eq!(view.notices.undated, 1);
    assert_eq!(view.events, 4);
}

#[test]
fn persons_are_classes_of_links_without_vetoes() {
    let learner = |number| LearnerId([number; 16]);
    let reason = LinkReason::Card;
    let same = |name: &str, other| {
        plain(
            name,
            Body::SamePerson {
                other: learner(other),
                reason,
            },
        )
    };
    let apart = |name: &str, other| {
        plain(
            name,
            Body::NotSame {
                other: learner(other),
                reason,
            },
        )
    };
    let links = |entries: &[Entry]| LearnerView::fold(entries).links;
    let persons = |records: &[(u8, Vec<Link>)]| {
        Persons::of(
            records
                .iter()
                .map(|(number, links)| (learner(*number), &links[..])),
        )
    };
    let first = |persons: &Persons| [3, 4, 5].map(|number| persons.person(learner(number)).0[0]);

    // 5 is 4, and 4 is 3: either record may say so.
    let (five, three) = (links(&[same("a", 4)]), links(&[same("b", 4)]));
    let joined = persons(&[(5, five.clone()), (3, three.clone())]);
    assert_eq!(first(&joined), [3, 3, 3]);
    assert_eq!(joined, persons(&[(3, three.clone()), (5, five.clone())]));
    assert_eq!(joined.joined().count(), 2);

    // The other one's record says no: two persons until one decision supersedes the other.
    let veto = links(&[apart("c", 5)]);
    let disputed = persons(&[(5, five), (3, three.clone()), (4, veto)]);
    assert_eq!(first(&disputed), [3, 3, 5]);
    assert_eq!(disputed.disputed, [(learner(4), learner(5))].into());
    let decided = links(&[apart("c", 5), in_place_of(same("d", 5), &["c"])]);
    assert_eq!(
        first(&persons(&[(3, three.clone()), (4, decided)])),
        [3, 3, 3]
    );

    // Joined by way of 4 although a record says that they are two: to be looked at.
    let four = links(&[same("a", 5)]);
    let round_about = persons(&[(3, three), (4, four), (5, links(&[apart("e", 3)]))]);
    assert_eq!(first(&round_about), [3, 3, 3]);
    assert_eq!(round_about.disputed, [(learner(3), learner(5))].into());
}
