//! Goal: rows depend on the set of events and on nothing else (P3); figures equal an independent
//! recount of the events themselves (P4); the published figures can be printed.
//! Method: random records shuffled and doubled; random populations against `recount`, which knows
//! no rows; the published numbers from a population built to have them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod continuity;
mod population;
mod recount;

use proptest::prelude::*;
use proptest::sample::Index;

use self::recount::recount;
use super::*;
use crate::catalogue::{ModuleId, ProgrammeId};
use crate::event::{
    ArrivalReason, AssessmentKind, Body, Date, DepartureReason, Destination, Event, EventId,
    Issuer, Provider, Score, Who5Moment,
};
use crate::id::{LearnerId, Position, RunId, StayId};
use crate::view::tests::any_entry;
use crate::view::{Entry, LearnerView, Origin};

const STAY: StayId = StayId([2; 16]);

fn entry(name: usize, site: u16, date: Option<Date>, body: Body) -> Entry {
    let position = Position {
        site: SiteId(site),
        run: RunId([1; 16]),
        height: 0,
    };
    let event = Event {
        date,
        ..Event::new(body)
    };
    Entry::new(
        EventId(format!("e{name:04}")),
        event,
        Origin {
            position,
            stay: STAY,
        },
    )
    .signed_by(2)
}

fn day(text: &str) -> Option<Date> {
    Some(text.parse().unwrap())
}

/// A learner by number, as `Figures::of` takes him.
type Learner = (LearnerId, LearnerFacts, Vec<Contribution>);

fn figures(learners: &[Learner], query: Query) -> Figures {
    let rows = learners
        .iter()
        .map(|(person, facts, rows)| (*person, *facts, &rows[..]));
    Figures::of(rows, [], query)
}

proptest! {
    #[test]
    fn rows_do_not_depend_on_order_or_repetition(
        entries in prop::collection::vec(any_entry(), 0..40),
        swaps in prop::collection::vec((any::<Index>(), any::<Index>()), 0..40),
    ) {
        let rows = contributions(&entries);
        let mut keys: Vec<_> = rows.iter().map(|row| Contribution { amount: 0, ..*row }).collect();
        prop_assert!(keys.is_sorted());
        keys.dedup();
        prop_assert_eq!(keys.len(), rows.len());

        let mut other = [entries.clone(), entries].concat();
        for (one, two) in swaps.iter().filter(|_| !rows.is_empty()) {
            let (one, two) = (one.index(other.len()), two.index(other.len()));
            other.swap(one, two);
        }
        prop_assert_eq!(contributions(&other), rows);
    }

    #[test]
    fn figures_equal_a_recount(
        population in population::populations(), query in population::queries(),
    ) {
        let learners = population.learners();
        let told = figures(&learners, query);
        prop_assert_eq!(&told, &recount(&population, query));

        let reversed: Vec<Learner> = learners.into_iter().rev().collect();
        prop_assert_eq!(&told, &figures(&reversed, query));

        let Bridge { sum_of_sites, counted_again, national, .. } = told.bridge;
        prop_assert_eq!(sum_of_sites - counted_again, national);
        let english = told.english;
        let exits = english.moved + english.withdrew + english.released + english.unknown;
        prop_assert_eq!(english.registered, english.exam + english.open + exits);
        prop_assert!(english.certified <= english.passed && english.passed <= english.exam);
        let beep = told.beep;
        prop_assert_eq!(beep.enrolled, beep.completed + beep.completed_elsewhere + beep.others);
        let continuity = told.continuity;
        let worked = continuity.open_before_work.of;
        prop_assert_eq!(worked, continuity.days.known + continuity.days.unknown);
        let without = continuity.open_without_work + continuity.closed_without_work;
        prop_assert_eq!(continuity.transfers, worked + without);
    }

    /// The nation's figures of people are never more than the sites' together, and joining two
    /// records of one person never makes more people.
    #[test]
    fn joining_records_makes_fewer_people(population in population::populations()) {
        let mut apart = population.clone();
        apart.one_person = false;
        let joined = figures(&population.learners(), Query::ALL);
        let apart = figures(&apart.learners(), Query::ALL);
        prop_assert!(joined.beneficiaries <= apart.beneficiaries);
        let bridge = joined.bridge;
        prop_assert_eq!(bridge.sum_of_sites - bridge.counted_again, joined.beneficiaries);
        prop_assert!(joined.certificates.valid <= apart.certificates.valid);
    }
}

#[test]
fn numbers_of_rows_never_change_their_meaning() {
    for (code, indicator) in (1_u8..).zip(Indicator::ALL) {
        assert_eq!(indicator.code(), code);
        assert_eq!(Indicator::try_from(code), Ok(indicator));
    }
    assert_eq!(Indicator::try_from(0), Err(UnknownIndicator(0)));
    assert_eq!(Indicator::try_from(19), Err(UnknownIndicator(19)));
    for code in 1..=6 {
        assert_eq!(Standing::from_code(code).code(), code);
    }
    assert_eq!(Standing::from_code(7), Standing::Unknown);
}

#[test]
fn a_usual_learner_takes_few_rows() {
    // Half a year at one site: English A1 and two reintegration modules with tests, ten logins.
    let mut bodies = vec![Body::Arrived {
        stay: STAY,
        from: None,
        reason: ArrivalReason::Intake,
    }];
    let module = |programme, number| ModuleId { programme, number };
    for module in [
        module(ProgrammeId::ENGLISH, 1),
        module(ProgrammeId::REINTEGRATION, 4),
        ModuleId::MICRO_BUSINESS,
    ] {
        let score = Score::try_from((10, 20)).unwrap();
        let test = |kind| Body::Assessed {
            kind,
            module,
            version: 1,
            score,
        };
        bodies.push(test(AssessmentKind::Pre));
        bodies.extend((1..=12).map(|session| Body::Attended { module, session }));
        bodies.extend([test(AssessmentKind::Post), Body::ModuleDone { module }]);
    }
    bodies.extend((0..10).map(|_| Body::Login {
        programme: ProgrammeId::ENGLISH,
    }));
    let months = [
        "2025-01-10",
        "2025-02-10",
        "2025-03-10",
        "2025-04-10",
        "2025-05-10",
    ];
    let entries: Vec<Entry> = bodies
        .into_iter()
        .enumerate()
        .map(|(number, body)| entry(number, 1, day(months[number * months.len() / 60]), body))
        .collect();
    let rows = contributions(&entries);
    assert!((15..=25).contains(&rows.len()), "{} rows", rows.len());
    let sizes = rows
        .iter()
        .map(|row| postcard::to_allocvec(row).unwrap().len());
    assert!(sizes.max().unwrap() <= 12);
}

#[test]
fn the_published_page_can_be_printed() {
    // 713 beneficiaries, 112 of them women, 486 with a reintegration session, micro-business with
    // +30 points, 47 % of 300 aspirations, 33 in English of whom 23 attended all and were released.
    let learners: Vec<Learner> = (0..713_usize)
        .map(|number| {
            let mut bodies = vec![Body::Login {
                programme: ProgrammeId::DIGITAL,
            }];
            let module = ModuleId::MICRO_BUSINESS;
            if number < 486 {
                bodies.push(Body::Attended { module, session: 1 });
            }
            if number < 12 {
                for (kind, points) in [(AssessmentKind::Pre, 8), (AssessmentKind::Post, 14)] {
                    let score = Score::try_from((points, 20)).unwrap();
                    bodies.push(Body::Assessed {
                        kind,
                        module,
                        version: 1,
                        score,
                    });
                }
            }
            if number < 300 {
                let code = if number < 141 { 1 } else { 2 };
                bodies.push(Body::Aspiration {
                    aspiration: code.into(),
                });
            }
            if number >= 680 {
                let english = |number| ModuleId {
                    programme: ProgrammeId::ENGLISH,
                    number,
                };
                bodies.push(Body::Attended {
                    module: english(1),
                    session: 1,
                });
                bodies.push(Body::Arrived {
                    stay: STAY,
                    from: None,
                    reason: ArrivalReason::Intake,
                });
                if number < 703 {
                    let (to, reason) = (Destination::Released, DepartureReason::Released);
                    bodies.push(Body::ModuleDone { module: english(1) });
                    bodies.push(Body::Departed {
                        stay: STAY,
                        to,
                        reason,
                    });
                }
            }
            let entries: Vec<Entry> = bodies
                .into_iter()
                .enumerate()
                .map(|(place, body)| entry(place, 1, day("2025-11-20"), body))
                .collect();
            let sex = Some(if number < 112 { Sex::Female } else { Sex::Male });
            let mut id = [0; 16];
            id[..8].copy_from_slice(&number.to_be_bytes());
            (
                LearnerId(id),
                LearnerFacts {
                    sex,
                    birth_year: None,
                },
                contributions(&entries),
            )
        })
        .collect();
    let last = "2025-12".parse().unwrap();
    let told = figures(
        &learners,
        Query {
            period: Period {
                first: Month::MIN,
                last,
            },
            site: None,
        },
    );
    let truncated = |ratio: Ratio| ratio.text(Rounding::Truncate).unwrap();
    assert_eq!(told.beneficiaries, 713);
    assert_eq!(
        (told.women.count, truncated(told.women.percent())),
        (112, "15".to_owned())
    );
    assert_eq!(
        told.women.percent().text(Rounding::OneDecimal).unwrap(),
        "15.7"
    );
    assert_eq!(told.reintegration.count, 486);
    assert_eq!(truncated(told.reintegration.percent()), "68");
    assert_eq!(
        (told.gain.pairs, truncated(told.gain.points())),
        (12, "30".to_owned())
    );
    assert_eq!(told.largest_gain(), Some(ModuleId::MICRO_BUSINESS));
    assert_eq!(
        (told.aspiration.of, truncated(told.aspiration.percent())),
        (300, "47".to_owned())
    );
    let english = told.english;
    assert_eq!(
        (english.registered, english.released_after_all, english.open),
        (33, 23, 10)
    );

    // A month earlier nothing of it had happened.
    let last = "2025-10".parse().unwrap();
    let query = Query {
        period: Period {
            first: Month::MIN,
            last,
        },
        site: None,
    };
    assert_eq!(figures(&learners, query), Figures::default());
}

#[test]
fn what_happened_after_the_period_does_not_change_it() {
    let module = ModuleId {
        programme: ProgrammeId::ENGLISH,
        number: 1,
    };
    let done = |date| {
        let session = entry(
            0,
            1,
            day("2025-03-01"),
            Body::Attended { module, session: 1 },
        );
        let rows = contributions(&[session, entry(1, 1, date, Body::ModuleDone { module })]);
        [(LearnerId([1; 16]), LearnerFacts::default(), rows)]
    };
    let march: Month = "2025-03".parse().unwrap();
    let query = Query {
        period: Period {
            first: march,
            last: march,
        },
        site: None,
    };
    for (date, completed) in [(day("2025-03-31"), 1), (day("2025-04-01"), 0), (None, 0)] {
        let told = figures(&done(date), query);
        assert_eq!(told.completion[&module].completed, completed);
        assert_eq!(told.completion[&module].open, 1 - completed);
        assert_eq!(told.english.attended_all, completed);
    }
    assert_eq!(
        figures(&done(None), Query::ALL).completion[&module].completed,
        1
    );
}

#[test]
fn a_pair_may_span_two_sites_and_two_records() {
    let module = ModuleId::MICRO_BUSINESS;
    let test = |name, site, kind, points, version| {
        let score = Score::try_from((points, 20)).unwrap();
        entry(
            name,
            site,
            day("2025-03-01"),
            Body::Assessed {
                kind,
                module,
                version,
                score,
            },
        )
    };
    let (pre, post) = (AssessmentKind::Pre, AssessmentKind::Post);
    let first = contributions(&[test(0, 1, pre, 5, 1), test(1, 1, pre, 7, 1)]);
    let second = contributions(&[test(2, 2, post, 17, 1), test(3, 2, post, 20, 2)]);
    let person = |number| LearnerId([number; 16]);
    let facts = LearnerFacts::default();
    let joined = [
        (person(1), facts, first.clone()),
        (person(1), facts, second.clone()),
    ];
    let gain = Gain {
        pairs: 1,
        sum: 5000,
        unpaired: 1,
    };
    assert_eq!(figures(&joined, Query::ALL).gain, gain);
    // Credited to the site of the post-test.
    for (site, gain) in [(1, Gain::default()), (2, gain)] {
        let query = Query {
            site: Some(SiteId(site)),
            ..Query::ALL
        };
        assert_eq!(figures(&joined, query).gain, gain);
    }
    let apart = [(person(1), facts, first), (person(2), facts, second)];
    assert_eq!(
        figures(&apart, Query::ALL).gain,
        Gain {
            pairs: 0,
            sum: 0,
            unpaired: 3
        }
    );
}

#[test]
fn of_equal_tests_and_several_records_the_first_and_the_furthest_count() {
    let module = ModuleId::MICRO_BUSINESS;
    let score = Score::try_from((15, 20)).unwrap();
    let test = |name, site, date, kind| {
        entry(
            name,
            site,
            day(date),
            Body::Assessed {
                kind,
                module,
                version: 1,
                score,
            },
        )
    };
    let (pre, post) = (AssessmentKind::Pre, AssessmentKind::Post);
    let first = contributions(&[
        test(0, 1, "2025-01-01", pre),
        test(1, 2, "2025-05-01", post),
        entry(2, 2, day("2025-05-01"), Body::ModuleDone { module }),
    ]);
    let second = contributions(&[test(3, 1, "2025-04-01", post)]);
    let records = [first, second].map(|rows| (LearnerId([1; 16]), LearnerFacts::default(), rows));
    let told = figures(
        &records,
        Query {
            site: Some(SiteId(1)),
            ..Query::ALL
        },
    );
    // The earlier of two equal post-tests, at site 1; the module finished in the other record.
    assert_eq!(told.gain.pairs, 1);
    assert_eq!(told.completion[&module].completed, 1);
}

#[test]
fn the_first_withdrawal_counts() {
    let module = ModuleId::MICRO_BUSINESS;
    let programme = module.programme;
    let withdrew = |name, date| {
        let reason = crate::event::WithdrawalReason::Work;
        entry(name, 1, day(date), Body::Withdrew { programme, reason })
    };
    let session = entry(
        0,
        1,
        day("2025-03-01"),
        Body::Attended { module, session: 1 },
    );
    let entries = [
        session,
        withdrew(1, "2025-03-20"),
        withdrew(2, "2025-06-20"),
    ];
    let rows = contributions(&entries);
    let march: Month = "2025-03".parse().unwrap();
    let query = Query {
        period: Period {
            first: march,
            last: march,
        },
        site: None,
    };
    let told = figures(
        &[(LearnerId([1; 16]), LearnerFacts::default(), rows)],
        query,
    );
    assert_eq!(told.completion[&module].withdrew, 1);
}

#[test]
fn the_largest_gain_needs_ten_pairs() {
    let module = |number| ModuleId {
        programme: ProgrammeId::REINTEGRATION,
        number,
    };
    let gain = |pairs, sum| Gain {
        pairs,
        sum,
        unpaired: 0,
    };
    let two = [(module(1), gain(9, 90_000)), (module(2), gain(10, 20_000))];
    let mut told = Figures {
        gain_by_module: two.into(),
        ..Figures::default()
    };
    assert_eq!(told.largest_gain(), Some(module(2)));
    told.gain_by_module.insert(module(3), gain(20, 40_000));
    assert_eq!(told.largest_gain(), Some(module(2)));
    told.gain_by_module.insert(module(4), gain(30, 60_001));
    assert_eq!(told.largest_gain(), Some(module(4)));
    assert_eq!(Figures::default().largest_gain(), None);
}

#[test]
fn who5_is_counted_in_pairs_at_the_site_of_the_end() {
    let interview = |name, site, date, moment, answers: [u8; 5]| {
        entry(
            name,
            site,
            date,
            Body::Who5 {
                moment,
                answers: answers.try_into().unwrap(),
            },
        )
    };
    let (start, end) = (Who5Moment::Start, Who5Moment::End);
    let view = LearnerView::fold(&[
        interview(0, 1, day("2025-01-10"), start, [1, 1, 1, 1, 1]),
        interview(1, 1, day("2025-02-10"), start, [5, 5, 5, 5, 5]),
        interview(2, 2, day("2025-05-10"), end, [0, 0, 0, 0, 0]),
        interview(3, 2, day("2025-06-10"), end, [3, 1, 2, 0, 5]),
        interview(4, 3, None, end, [0, 0, 0, 0, 0]),
    ]);
    let pair = who5_pair(&view).unwrap();
    let june = "2025-06".parse().unwrap();
    assert_eq!(
        pair,
        Who5Pair {
            site: SiteId(2),
            month: june,
            delta_items: [2, 0, 1, -1, 4]
        }
    );
    let only_start = [interview(0, 1, None, start, [1; 5])];
    assert_eq!(who5_pair(&LearnerView::fold(&only_start)), None);

    assert_eq!(statements(SiteId(1), [pair]), []);
    let stated = statements(SiteId(2), [pair, pair]);
    assert_eq!(stated.len(), 1);
    assert_eq!((stated[0].pairs, stated[0].sum_delta_total), (2, 12));
    let told = Figures::of([], [stated[0], stated[0]], Query::ALL).who5;
    let text = |ratio: Ratio| ratio.text(Rounding::OneDecimal).unwrap();
    assert_eq!(
        [told.mood(), told.energy(), told.total()].map(text),
        ["40.0", "20.0", "24.0"]
    );
    let elsewhere = Query {
        site: Some(SiteId(1)),
        ..Query::ALL
    };
    assert_eq!(
        Figures::of([], stated, elsewhere).who5,
        Who5Change::default()
    );
}

#[test]
fn facts_are_what_all_records_agree_on() {
    let sex = |sex| Body::Sex { sex };
    let facts = |bodies: Vec<Body>| {
        let entries: Vec<Entry> = bodies
            .into_iter()
            .enumerate()
            .map(|(n, body)| entry(n, 1, None, body))
            .collect();
        LearnerFacts::of(&LearnerView::fold(&entries))
    };
    let born = |text: &str| Body::Birth {
        birth: text.parse().unwrap(),
    };
    let one = facts(vec![sex(Sex::Female), born("1990"), born("1990-05")]);
    assert_eq!(
        one,
        LearnerFacts {
            sex: Some(Sex::Female),
            birth_year: Some(1990)
        }
    );
    let other = facts(vec![sex(Sex::Female), sex(Sex::Male), born("1991")]);
    assert_eq!(
        other,
        LearnerFacts {
            sex: None,
            birth_year: Some(1991)
        }
    );
    let both = LearnerFacts {
        sex: Some(Sex::Female),
        birth_year: None,
    };
    assert_eq!(LearnerFacts::of_person(&[one, other]), both);
    assert_eq!(LearnerFacts::of_person(&[]), LearnerFacts::default());
}

#[test]
fn late_certificates_wait_and_late_work_counts() {
    let scope = Scope::Programme(ProgrammeId::ENGLISH);
    let certificate = Body::Certificate {
        scope,
        issuer: Issuer::PannasastraUniversity,
    };
    let class = Body::Class {
        programme: ProgrammeId::LITERACY,
        provider: Provider::MithSamlanh,
    };
    let mut entries = vec![entry(0, 1, None, certificate), entry(1, 1, None, class)];
    assert_eq!(contributions(&entries).len(), 2);
    for entry in &mut entries {
        entry.late = true;
    }
    assert_eq!(contributions(&entries).len(), 1);
}
