//! IND-18 by hand: each case that its definition names, at its edge.

use super::*;
use crate::custody::{Causality, mark_late};

struct OneLogEach;

impl Causality for OneLogEach {
    fn is_ancestor(&self, earlier: Position, later: Position) -> bool {
        earlier.site == later.site && earlier.height < later.height
    }
}

const MODULE: ModuleId = ModuleId::MICRO_BUSINESS;

fn session(module: ModuleId) -> Body {
    Body::Attended { module, session: 1 }
}

fn stay(number: u8) -> StayId {
    StayId([number; 16])
}

fn arrived(number: u8, from: u16, reason: ArrivalReason) -> Body {
    let (stay, from) = (stay(number), Some(SiteId(from)));
    Body::Arrived { stay, from, reason }
}

fn departed(number: u8, to: u16) -> Body {
    let (stay, to) = (stay(number), Destination::Site(SiteId(to)));
    let reason = DepartureReason::Transferred;
    Body::Departed { stay, to, reason }
}

/// What happened at the sites, each with the stay under which it was written, and its day.
fn told(happened: &[(u16, u8, &str, Body)]) -> Vec<Contribution> {
    let mut entries = Vec::new();
    for (number, (site, number_of_stay, date, body)) in happened.iter().enumerate() {
        let date = if date.is_empty() { None } else { day(date) };
        let mut new = entry(number, *site, date, body.clone());
        new.origin.stay = stay(*number_of_stay);
        new.origin.position.height = u32::try_from(number).unwrap();
        entries.push(new);
    }
    mark_late(&mut entries, &OneLogEach);
    let rows = contributions(&entries);
    entries.reverse();
    assert_eq!(contributions(&[entries.clone(), entries].concat()), rows);
    rows
}

fn continuity(rows: &[Contribution], query: Query) -> Continuity {
    let learner = (LearnerId([1; 16]), LearnerFacts::default(), rows.to_vec());
    figures(&[learner], query).continuity
}

/// At site 1 until March, then at 2.
fn moved(more: &[(u16, u8, &str, Body)]) -> Vec<Contribution> {
    let to_two = [
        (1, 1, "2025-01-01", arrived(1, 9, ArrivalReason::Intake)),
        (1, 1, "2025-02-01", session(MODULE)),
        (1, 1, "2025-03-10", departed(1, 2)),
        (
            2,
            2,
            "2025-03-10",
            arrived(2, 1, ArrivalReason::Transferred),
        ),
    ];
    told(&[&to_two, more].concat())
}

fn note() -> (u16, u8, &'static str, Body) {
    (2, 2, "", Body::RecordOpen { stay: stay(2) })
}

#[test]
fn the_record_was_open_before_the_first_session_or_it_was_not() {
    let work = (2, 2, "2025-03-14", session(MODULE));
    let of = |more: &[(u16, u8, &str, Body)]| continuity(&moved(more), Query::ALL);
    for (more, count) in [
        (vec![note(), work.clone()], 1),
        (vec![work.clone(), note()], 0),
        (vec![work.clone()], 0),
        (vec![work.clone(), note(), work], 0),
    ] {
        let told = of(&more);
        assert_eq!(
            (told.transfers, told.open_before_work),
            (1, Share { count, of: 1 })
        );
        assert_eq!((told.days.known, told.days.sum, told.days.max), (1, 4, 4));
        assert_eq!(told.resumed, Share { count: 1, of: 1 });
    }
    let resumed = Share { count: 0, of: 1 };
    let waiting = Continuity {
        transfers: 1,
        resumed,
        ..Continuity::default()
    };
    assert_eq!(
        of(&[]),
        Continuity {
            closed_without_work: 1,
            ..waiting
        }
    );
    assert_eq!(
        of(&[note()]),
        Continuity {
            open_without_work: 1,
            ..waiting
        }
    );
    // A visit to the library is no work.
    assert_eq!(
        of(&[(2, 2, "", Body::LibraryVisit {}), note()]).open_without_work,
        1
    );
}

#[test]
fn thirty_days_and_no_guess() {
    let module = ModuleId {
        number: 1,
        ..MODULE
    };
    let of = |date, module| continuity(&moved(&[(2, 2, date, session(module))]), Query::ALL);
    for (date, module, known, resumed, unknown) in [
        ("2025-03-10", MODULE, 1, 1, 0),
        ("2025-04-09", MODULE, 1, 1, 0),
        ("2025-04-10", MODULE, 1, 0, 0),
        ("2025-03-10", module, 1, 0, 0),
        ("2025-03-09", MODULE, 0, 0, 1),
        ("", MODULE, 0, 0, 1),
    ] {
        let told = of(date, module);
        assert_eq!(
            (told.days.known, told.days.unknown),
            (known, 1 - known),
            "{date}"
        );
        assert_eq!(
            told.resumed,
            Share {
                count: resumed,
                of: 1
            },
            "{date}"
        );
        assert_eq!(told.resumed_unknown, unknown, "{date}");
    }
    // What was finished before he left is not open.
    let rows = told(&[
        (1, 1, "", Body::ModuleDone { module: MODULE }),
        (1, 1, "", departed(1, 2)),
        (2, 2, "", arrived(2, 1, ArrivalReason::Transferred)),
        (2, 2, "", session(MODULE)),
    ]);
    let told = continuity(&rows, Query::ALL);
    assert_eq!(
        (told.transfers, told.resumed.of, told.days.unknown),
        (1, 0, 1)
    );
}

#[test]
fn who_is_new_continues_nothing_and_who_comes_back_does() {
    let transferred = ArrivalReason::Transferred;
    let rows = told(&[
        (1, 1, "2025-01-01", arrived(1, 9, transferred)),
        (1, 1, "2025-01-05", session(MODULE)),
    ]);
    assert_eq!(continuity(&rows, Query::ALL), Continuity::default());

    // There and back; nobody wrote down a day at the other site.
    let rows = told(&[
        (1, 1, "2025-01-01", arrived(1, 9, transferred)),
        (1, 1, "2025-03-10", departed(1, 2)),
        (2, 2, "", arrived(2, 1, transferred)),
        (2, 2, "", session(MODULE)),
        (2, 2, "", departed(2, 1)),
        (1, 3, "2025-06-10", arrived(3, 2, ArrivalReason::Returned)),
        (1, 3, "2025-06-12", session(MODULE)),
    ]);
    let all = continuity(&rows, Query::ALL);
    assert_eq!((all.transfers, all.days.sum, all.days.unknown), (2, 2, 1));
    assert_eq!(all.resumed, Share { count: 1, of: 1 });
    let of_site = |site| Query {
        site: Some(SiteId(site)),
        ..Query::ALL
    };
    assert_eq!(continuity(&rows, of_site(1)).transfers, 1);
    assert_eq!(continuity(&rows, of_site(2)).days.unknown, 1);
    let june = "2025-06".parse().unwrap();
    let period = Period {
        first: june,
        last: june,
    };
    assert_eq!(continuity(&rows, Query { period, site: None }).transfers, 1);
}

#[test]
fn the_days_of_several_are_summed_and_the_longest_named() {
    let after = |date| moved(&[(2, 2, date, session(MODULE))]);
    let learners: Vec<Learner> = ["2025-03-19", "2025-03-14", ""]
        .into_iter()
        .zip(1..)
        .map(|(date, number)| {
            (
                LearnerId([number; 16]),
                LearnerFacts::default(),
                after(date),
            )
        })
        .collect();
    let days = figures(&learners, Query::ALL).continuity.days;
    let told = DaysToWork {
        known: 2,
        sum: 13,
        max: 9,
        unknown: 1,
    };
    assert_eq!(days, told);
    assert_eq!(days.mean().text(Rounding::OneDecimal).unwrap(), "6.5");
}

#[test]
fn a_departure_that_did_not_happen_interrupts_nothing() {
    let undone = [
        (2, 2, "2025-03-12", departed(2, 1)),
        (2, 3, "2025-03-12", arrived(3, 2, ArrivalReason::NotMoved)),
        (2, 3, "2025-03-14", session(MODULE)),
    ];
    for (before, count) in [(vec![note()], 1), (vec![], 0)] {
        let told = continuity(&moved(&[&before[..], &undone[..]].concat()), Query::ALL);
        let open = Share { count, of: 1 };
        assert_eq!((told.transfers, told.open_before_work), (1, open));
        assert_eq!((told.days.sum, told.resumed.count), (4, 1));
    }
    // Noted only after the one that did not happen.
    let noted = (2, 3, "", Body::RecordOpen { stay: stay(3) });
    let mut late = undone.to_vec();
    late.insert(2, noted);
    assert_eq!(
        continuity(&moved(&late), Query::ALL).open_before_work.count,
        1
    );
    late.swap(2, 3);
    assert_eq!(
        continuity(&moved(&late), Query::ALL).open_before_work.count,
        0
    );
}
