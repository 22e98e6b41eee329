//! Goal: no number ever changes its meaning: what was recorded as an attended session is one for
//! ever, and a farmer does not become a mason.
//! Method: one event of every kind, every code of every list and every module, as lines of frozen
//! text in `tests/vectors`; each event is also changed at random. A new kind or code fails the test
//! until its line is appended to the file by hand; a line that is there never changes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod samples;

use std::fmt::Write;

use data_encoding::HEXLOWER;
use proptest::prelude::*;
use samples::*;
use spean_protocol::catalogue::{ModuleId, ProgrammeId, Scope};
use spean_protocol::codec;
use spean_protocol::event::{
    ArrivalReason, Aspiration, AssessmentKind, Body, DepartureReason, Destination, Disability,
    EducationLevel, Event, EventId, ExamOutcome, Handout, Issuer, LinkReason, List, Month,
    PathwayStep, Provider, Referral, ReleaseRange, Remark, RetractionReason, Score, Script, Sex,
    Sitting, Text, Who5Moment, WithdrawalReason,
};
use spean_protocol::id::LearnerId;
use spean_protocol::limits::EVENT_BYTES_MAX;

/// One body of each kind, in the order of their numbers.
fn bodies() -> Vec<Body> {
    let module = ModuleId {
        programme: ProgrammeId::BEEP,
        number: 2,
    };
    let (scope, whole) = (Scope::Module(module), Scope::Programme(module.programme));
    let other = LearnerId([9; 16]);
    let sitting = Sitting {
        year: 2025,
        number: 3,
    };
    let score = Score::try_from((17, 20)).unwrap();
    let (due, reason) = (Some("2025-12-31".parse().unwrap()), LinkReason::Card);
    let programme = ProgrammeId::LITERACY;
    vec![
        Body::Name {
            script: Script::Khmer,
            family: Text::new("\u{179f}\u{17bb}\u{1781}").unwrap(),
            given: Text::new("\u{1785}\u{17b6}\u{1793}\u{17cb}").unwrap(),
        },
        Body::Sex { sex: Sex::Female },
        Body::Birth {
            birth: "1990-05".parse().unwrap(),
        },
        Body::Languages {
            languages: List::new(vec!["km".parse().unwrap()]).unwrap(),
        },
        Body::Education {
            level: EducationLevel::Primary,
        },
        Body::Account {
            username: Text::new("sok.chan.2").unwrap(),
            verifier: List::new(vec![1, 2, 3]).unwrap(),
        },
        Body::Card { number: 1 },
        Body::PrisonerNumber { hash: [3; 16] },
        Body::Consent { given: true },
        Body::ExpectedRelease {
            range: ReleaseRange {
                earliest: Some(Month(670)),
                latest: None,
            },
        },
        Body::Aspiration {
            aspiration: Aspiration::MicroBusiness,
        },
        Body::Pathway {
            steps: List::new(vec![
                PathwayStep { module, due },
                PathwayStep { module, due: None },
            ])
            .unwrap(),
        },
        Body::Arrived {
            stay: STAY,
            from: Some(OTHER),
            reason: ArrivalReason::Transferred,
        },
        Body::Departed {
            stay: STAY,
            to: Destination::Site(OTHER),
            reason: DepartureReason::Transferred,
        },
        Body::RecordOpen { stay: STAY },
        Body::Enrolled {
            scope: whole,
            cohort: Some(4),
        },
        Body::Withdrew {
            programme,
            reason: WithdrawalReason::Work,
        },
        Body::Login { programme },
        Body::Attended {
            module,
            session: 300,
        },
        Body::SessionDone {
            module,
            session: 300,
        },
        Body::ModuleDone { module },
        Body::Assessed {
            kind: AssessmentKind::Post,
            module,
            version: 2,
            score,
        },
        Body::ExamRegistered { scope, sitting },
        Body::ExamResult {
            scope: whole,
            sitting: Some(sitting),
            outcome: ExamOutcome::Passed,
            score: Some(score),
        },
        Body::Certificate {
            scope,
            issuer: Issuer::EducationMinistry,
        },
        Body::Class {
            programme,
            provider: Provider::MithSamlanh,
        },
        Body::LoanOut { item: 70_000 },
        Body::LoanBack { item: 70_000 },
        Body::LibraryVisit {},
        Body::Remark {
            remark: Remark::NeedsHelp,
        },
        Body::Referral {
            referral: Referral::Employer,
        },
        Body::Handout {
            handout: Handout::RecordCopy,
        },
        Body::Retracted {
            event: EventId("some.1".to_owned()),
            reason: RetractionReason::EnteredByMistake,
        },
        Body::SamePerson { other, reason },
        Body::NotSame { other, reason },
        Body::Who5 {
            moment: Who5Moment::End,
            answers: [3, 2, 4, 1, 5].try_into().unwrap(),
        },
        Body::Disability {
            disability: Disability::Seeing,
        },
        Body::Indigenous { indigenous: true },
    ]
}

/// Each as it is usually recorded, and as one that takes another's place, undated.
fn events_of_every_kind() -> Vec<Event> {
    let day = "2025-03-31".parse().unwrap();
    let both = |body: Body| {
        let corrects = Event::new(body.clone()).superseding(vec![EventId("some.1".to_owned())]);
        [Event::new(body).on(day).by(3), corrects]
    };
    bodies().into_iter().flat_map(both).collect()
}

fn assert_frozen(file: &str, made: &str) {
    let held = frozen_text(file, || made.to_owned());
    for (held, made) in held.lines().zip(made.lines()) {
        assert_eq!(made, held, "{file}: a line that is there never changes");
    }
    assert_eq!(
        made.len(),
        held.len(),
        "{file}: append what is new, take nothing away"
    );
}

#[test]
fn an_event_of_every_kind() {
    let mut lines = String::new();
    for event in events_of_every_kind() {
        let (bytes, body) = (event.encode(), &event.body);
        assert_eq!(Event::decode(&bytes).as_ref(), Ok(&event));
        let hex = HEXLOWER.encode(&bytes);
        writeln!(lines, "{} {} {hex}", body.kind(), body.kind_name()).unwrap();
    }
    assert_frozen("events.txt", &lines);
    // Nothing but a kind of the list is known: a kind without a line fails here.
    let listed: Vec<u16> = bodies().iter().map(Body::kind).collect();
    let known = |kind: &u16| {
        let event = Event::decode(&codec::encode(&(*kind, 0_u8)));
        !event.is_ok_and(|event| matches!(event.body, Body::Newer { .. }))
    };
    assert_eq!(listed, (0..=u16::MAX).filter(known).collect::<Vec<_>>());
}

#[test]
fn every_code_and_module() {
    let mut lines = String::new();
    macro_rules! lists {
        ($($list:ident)*) => {$(
            for code in $list::ALL {
                writeln!(lines, "{} {} {code}", stringify!($list), u8::from(*code)).unwrap();
            }
        )*};
    }
    lists! {
        Script Sex EducationLevel Aspiration ArrivalReason DepartureReason WithdrawalReason
        AssessmentKind ExamOutcome Issuer Provider Remark Referral Handout Disability Who5Moment
        RetractionReason LinkReason
    }
    for programme in ProgrammeId::all() {
        writeln!(lines, "programme {} {programme}", programme.0).unwrap();
        for module in programme.modules() {
            writeln!(lines, "module {}.{} {module}", programme.0, module.number).unwrap();
        }
    }
    assert_frozen("codes.txt", &lines);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// Whatever is changed: an event or a refusal, and what was read is written again as it is.
    #[test]
    fn a_changed_event(
        event in prop::sample::select(events_of_every_kind()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        added in prop::collection::vec(any::<u8>(), 0..4),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut bytes = event.encode();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.extend(added);
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(event) = Event::decode(&bytes) {
            let again = event.encode();
            prop_assert!(again.len() <= bytes.len() && bytes.len() <= EVENT_BYTES_MAX);
            prop_assert_eq!(Event::decode(&again), Ok(event));
        }
    }
}

/// Goal: no field without a reason, a reader and a bound that people can read; and every byte that a
/// prisoner himself can influence is known, since sealed sticks must be no channel of his.
/// Method: docs/privacy.md has one row of each kind and of nothing else; what he can put in is printed.
#[test]
fn every_kind_is_accounted_for() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/privacy.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").collect())
        .filter(|cells: &Vec<&str>| cells[0].starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    let named: Vec<String> = rows.iter().map(|cells| cells[0].to_owned()).collect();
    let known: Vec<String> = bodies()
        .iter()
        .map(|body| match body {
            // The finer name of a test is not the kind's.
            Body::Assessed { .. } => format!("{} assessed", body.kind()),
            Body::Who5 { .. } => format!("{} who5", body.kind()),
            body => format!("{} {}", body.kind(), body.kind_name()),
        })
        .collect();
    assert_eq!(
        named, known,
        "docs/privacy.md, beside the kinds of the program"
    );
    for cells in &rows {
        assert_eq!(cells.len(), 4, "{cells:?}");
        assert!(
            cells.iter().all(|cell| !cell.trim().is_empty()),
            "{cells:?}"
        );
        if !cells[3].starts_with("nothing") || cells[3].contains("bytes") {
            println!("{}: {}", cells[0], cells[3]);
        }
    }
    // What is text is typed by officers; a prisoner gives codes, answers and his presence.
    let texts: Vec<u16> = bodies()
        .iter()
        .filter(|body| {
            format!("{body:?}").contains("Text(") || matches!(body, Body::Account { .. })
        })
        .map(Body::kind)
        .collect();
    assert_eq!(texts, [1, 6], "kinds that hold text");
}
