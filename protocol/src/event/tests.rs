//! Goal: an event is small, says the same to everyone, and nothing that a peer sends as one can
//! fail, grow, or lose what a newer version wrote.
//! Method: one sample of every kind there and back, random and cut bytes through the decoder,
//! newer layouts made by hand, and rows of an import file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::catalogue::{ModuleId, ProgrammeId, Scope};
use crate::id::{LearnerId, SiteId, StayId, Stream};

const MODULE: ModuleId = ModuleId {
    programme: ProgrammeId::BEEP,
    number: 2,
};
const STAY: StayId = StayId([7; 16]);

/// One body of each kind that this version knows, with its texts and lists at full length.
pub(crate) fn samples() -> Vec<Body> {
    let scope = Scope::Module(MODULE);
    let other = LearnerId([9; 16]);
    let sitting = Sitting {
        year: 2025,
        number: 3,
    };
    let score = Score::try_from((17, 20)).unwrap();
    let long = |count| "\u{1780}".repeat(count);
    let due = Some(Date::MAX);
    let khmer = Language::try_from(*b"km").unwrap();
    let reason = LinkReason::Card;
    let released = Destination::Released;
    vec![
        Body::Name {
            script: Script::Khmer,
            family: Text::new(&long(40)).unwrap(),
            given: Text::new(&long(40)).unwrap(),
        },
        Body::Sex { sex: Sex::Female },
        Body::Birth {
            birth: "1990-05".parse().unwrap(),
        },
        Body::Languages {
            languages: List::new(vec![khmer; 8]).unwrap(),
        },
        Body::Education {
            level: EducationLevel::Primary,
        },
        Body::Account {
            username: Text::new(&"a".repeat(32)).unwrap(),
            verifier: List::new(vec![1; 128]).unwrap(),
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
                PathwayStep {
                    module: MODULE,
                    due
                };
                40
            ])
            .unwrap(),
        },
        Body::Arrived {
            stay: STAY,
            from: Some(SiteId(3)),
            reason: ArrivalReason::Transferred,
        },
        Body::Departed {
            stay: STAY,
            to: released,
            reason: DepartureReason::Released,
        },
        Body::RecordOpen { stay: STAY },
        Body::Enrolled {
            scope,
            cohort: Some(4),
        },
        Body::Withdrew {
            programme: ProgrammeId::BEEP,
            reason: WithdrawalReason::Work,
        },
        Body::Login {
            programme: ProgrammeId::BEEP,
        },
        Body::Attended {
            module: MODULE,
            session: 12,
        },
        Body::SessionDone {
            module: MODULE,
            session: 12,
        },
        Body::ModuleDone { module: MODULE },
        Body::Assessed {
            kind: AssessmentKind::Post,
            module: MODULE,
            version: 2,
            score,
        },
        Body::ExamRegistered { scope, sitting },
        Body::ExamResult {
            scope,
            sitting: Some(sitting),
            outcome: ExamOutcome::Passed,
            score: Some(score),
        },
        Body::Certificate {
            scope,
            issuer: Issuer::EducationMinistry,
        },
        Body::Class {
            programme: ProgrammeId::LITERACY,
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
            event: EventId("k".repeat(48)),
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

fn full(body: Body) -> Event {
    let ids = (0..SUPERSEDES_MAX)
        .map(|n| EventId(format!("event-{n}")))
        .collect();
    Event::new(body).on(Date::MAX).by(u16::MAX).superseding(ids)
}

#[test]
fn every_kind_comes_back_as_it_was() {
    let mut kinds: Vec<u16> = Vec::new();
    for body in samples() {
        kinds.push(body.kind());
        for event in [Event::new(body.clone()), full(body)] {
            let bytes = event.encode();
            assert!(bytes.len() <= EVENT_BYTES_MAX, "{} bytes", bytes.len());
            assert_eq!(Event::decode(&bytes), Ok(event));
        }
    }
    // The table itself says which kinds there are: a kind without a sample fails here.
    let known = (0..=u16::MAX).filter(|kind| !matches!(Body::read_fields(*kind, &[]), Ok(None)));
    assert_eq!(kinds, known.collect::<Vec<_>>());
}

#[test]
fn kinds_have_names_streams_and_stakes() {
    let names: std::collections::BTreeSet<_> = samples().iter().map(Body::kind_name).collect();
    assert_eq!(names.len(), samples().len());
    for body in samples() {
        let restricted = matches!(body.kind_name(), "who5-end" | "disability" | "indigenous");
        assert_eq!(body.stream() == Stream::Restricted, restricted, "{body:?}");
    }
    let high: Vec<_> = samples()
        .iter()
        .filter(|b| b.high_stakes())
        .map(Body::kind_name)
        .collect();
    let expected = [
        "arrived",
        "departed",
        "exam-result",
        "certificate",
        "same-person",
        "not-same",
    ];
    assert_eq!(high, expected);
    assert_eq!(
        Body::Newer {
            kind: 150,
            flags: 0
        }
        .stream(),
        Stream::Restricted
    );
    assert_eq!(
        Body::Newer {
            kind: 200,
            flags: 0
        }
        .stream(),
        Stream::Education
    );
}

#[test]
fn a_usual_event_takes_ten_bytes() {
    let body = Body::Attended {
        module: MODULE,
        session: 12,
    };
    let event = Event::new(body).on("2025-11-30".parse().unwrap()).by(300);
    assert_eq!(
        event.encode(),
        [33, 3, 0x8c, 0xbf, 0x02, 0xac, 0x02, 1, 2, 12]
    );
}

/// Every text, list and byte list of the format, and who sets it. A field that is not here fails
/// the test: whoever adds one must say that no learner types it.
#[test]
fn no_field_holds_what_a_learner_typed() {
    const SET_BY_WHOM: [(&str, &str); 9] = [
        ("family: NamePart", "an officer at the register"),
        ("given: NamePart", "an officer at the register"),
        ("languages: Languages", "an officer chooses codes"),
        ("username: Username", "the program generates it"),
        ("verifier: Verifier", "the program computes it"),
        ("hash: [u8; 16]", "the program computes it"),
        ("steps: Pathway", "an officer chooses modules"),
        ("event: EventId", "the program mints it"),
        ("answers: Who5Answers", "five numbers of 0 to 5"),
    ];
    // Everything else is of a type that is a number, a code, a yes or no, or such a thing in
    // option, and so at most 17 bytes long.
    const SMALL: [&str; 30] = [
        "ArrivalReason",
        "Aspiration",
        "AssessmentKind",
        "Birth",
        "DepartureReason",
        "Destination",
        "Disability",
        "EducationLevel",
        "ExamOutcome",
        "Handout",
        "Issuer",
        "LearnerId",
        "LinkReason",
        "ModuleId",
        "ProgrammeId",
        "Provider",
        "Referral",
        "ReleaseRange",
        "Remark",
        "RetractionReason",
        "Scope",
        "Score",
        "Script",
        "Sex",
        "SiteId",
        "Sitting",
        "StayId",
        "Who5Moment",
        "WithdrawalReason",
        "bool",
    ];
    let table = include_str!("body.rs").split("\nbodies! {").nth(1).unwrap();
    let table = table.split("\n}\n").next().unwrap();
    let mut listed = 0;
    for line in table.lines().map(str::trim) {
        let Some((name, kind)) = line.trim_end_matches(',').split_once(": ") else {
            continue;
        };
        if line.starts_with("//") {
            continue;
        }
        let kind = kind.trim_start_matches("Option<").trim_end_matches('>');
        if SMALL.contains(&kind) || ["u16", "u32"].contains(&kind) {
            continue;
        }
        let entry = format!("{name}: {kind}");
        assert!(
            SET_BY_WHOM.iter().any(|(field, _)| *field == entry),
            "who sets {entry}?"
        );
        listed += 1;
    }
    assert_eq!(listed, SET_BY_WHOM.len());
}

#[test]
fn what_a_newer_version_wrote_is_kept() {
    // A field after the last one, an unknown kind, and an unknown flag.
    let mut longer = full(Body::LoanOut { item: 5 }).encode();
    longer.extend([1, 2, 3]);
    let unknown_kind = [0xe8, 0x07, HAS_BY, 9, 77, 78];
    let unknown_flag = [33, HAS_BY | 16, 9, 77, 78];
    for bytes in [&longer[..], &unknown_kind, &unknown_flag] {
        let event = Event::decode(bytes).unwrap();
        assert!(event.is_newer());
        assert_eq!(event.encode(), bytes);
    }
    let event = Event::decode(&longer).unwrap();
    assert_eq!(
        (event.body, event.unread),
        (Body::LoanOut { item: 5 }, vec![1, 2, 3])
    );
    let event = Event::decode(&unknown_kind).unwrap();
    assert_eq!(
        (event.body, event.by),
        (
            Body::Newer {
                kind: 1000,
                flags: 0
            },
            Some(9)
        )
    );
    assert_eq!(
        Event::decode(&unknown_flag).unwrap().body,
        Body::Newer {
            kind: 33,
            flags: 16
        }
    );
}

#[test]
fn malformed_bytes_are_named() {
    let refused = |bytes: &[u8]| Event::decode(bytes).unwrap_err();
    assert_eq!(refused(&[]), EventError::Header);
    assert_eq!(refused(&[33]), EventError::Header);
    assert_eq!(
        refused(&[33, HAS_DATE, 0xff, 0xff, 0xff, 0xff, 0x0f]),
        EventError::Header
    );
    assert_eq!(refused(&[33, 0, 1]), EventError::Fields(33));
    assert_eq!(
        refused(&[100, 0, 1, 0, 0, 0, 0, 6]),
        EventError::Fields(100)
    );
    assert_eq!(
        refused(&[36, 0, 1, 1, 1, 1, 21, 20]),
        EventError::Fields(36)
    );
    assert_eq!(
        refused(&vec![0; EVENT_BYTES_MAX + 1]),
        EventError::TooLong(EVENT_BYTES_MAX + 1)
    );
    // A list that claims four thousand million values is refused by what is there.
    assert_eq!(
        refused(&[4, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 107, 109]),
        EventError::Fields(4)
    );
    let nine: Vec<u8> = [4, 0, 9].into_iter().chain(b"km".repeat(9)).collect();
    assert_eq!(refused(&nine), EventError::Fields(4));
}

proptest! {
    #[test]
    fn any_bytes_are_an_event_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..96)) {
        if let Ok(event) = Event::decode(&bytes) {
            // Postcard accepts a number with leading zero groups, so compare what was understood.
            prop_assert_eq!(Event::decode(&event.encode()), Ok(event));
        }
    }

    #[test]
    fn a_cut_or_changed_event_never_panics(
        sample in 0..37_usize, cut in any::<prop::sample::Index>(), flip in any::<u8>(),
    ) {
        let mut bytes = full(samples().swap_remove(sample)).encode();
        let place = cut.index(bytes.len());
        bytes[place] ^= flip;
        let _ = Event::decode(&bytes);
        let _ = Event::decode(&bytes[..place]);
    }
}

fn row<'a>(kind: &'a str, programme: &'a str, module: &'a str, value: &'a str) -> CsvRow<'a> {
    CsvRow {
        kind,
        programme,
        module,
        value,
        ..CsvRow::default()
    }
}

#[test]
fn rows_become_bodies() {
    let body = |row: CsvRow<'_>| row.body(STAY).unwrap();
    let test = CsvRow {
        score: "7.50000",
        max: "10",
        version: "2",
        ..row("post-test", "beep", "math-1", "")
    };
    assert_eq!(
        body(test),
        Body::Assessed {
            kind: AssessmentKind::Post,
            module: MODULE,
            version: 2,
            score: Score::try_from((750, 1000)).unwrap(),
        }
    );
    assert_eq!(
        body(row("enrolled", "english", "", "")),
        Body::Enrolled {
            scope: Scope::Programme(ProgrammeId::ENGLISH),
            cohort: None
        }
    );
    let attended = CsvRow {
        session: "12",
        ..row("attended", "beep", "math-1", "")
    };
    assert_eq!(
        body(attended),
        Body::Attended {
            module: MODULE,
            session: 12
        }
    );
    let result = CsvRow {
        version: "2025-3",
        ..row("exam-result", "english", "", "passed")
    };
    assert_eq!(
        body(result),
        Body::ExamResult {
            scope: Scope::Programme(ProgrammeId::ENGLISH),
            sitting: Some(Sitting {
                year: 2025,
                number: 3
            }),
            outcome: ExamOutcome::Passed,
            score: None,
        }
    );
    let range = ReleaseRange {
        earliest: Some(Month(672)),
        latest: Some(Month(677)),
    };
    assert_eq!(
        body(row("expected-release", "", "", "2026-01..2026-06")),
        Body::ExpectedRelease { range }
    );
    assert_eq!(
        body(row("departed", "", "", "transferred-no-node")),
        Body::Departed {
            stay: STAY,
            to: Destination::WithoutNode,
            reason: DepartureReason::Transferred,
        }
    );
    assert_eq!(
        body(row("who5-start", "", "", "3 2 4 1 5")).kind_name(),
        "who5-start"
    );
}

#[test]
fn every_kind_of_the_import_file_keeps_its_name() {
    let kinds = "enrolled withdrew login attended session-done module-done pre-test post-test quiz \
        exam-registered exam-result certificate aspiration expected-release who5-start who5-end \
        disability indigenous loan-out loan-back library-visit class remark referral handout \
        arrived departed consent education languages";
    for kind in kinds.split(' ') {
        let value = match kind {
            "withdrew" => "work",
            "exam-registered" => "2025-3",
            "exam-result" => "failed",
            "certificate" => "moeys",
            "aspiration" => "farming",
            "expected-release" | "departed" => "unknown",
            "who5-start" | "who5-end" => "0 1 2 3 4",
            "disability" => "hearing",
            "education" => "lower-secondary",
            "languages" => "km fr",
            "indigenous" | "consent" => "no",
            "class" | "referral" => "mith-samlanh",
            "remark" => "needs-help",
            "handout" => "record-copy",
            "arrived" => "returned",
            _ => "17",
        };
        let row = CsvRow {
            session: "1",
            score: "17",
            max: "20",
            version: if kind == "exam-result" { "2025-3" } else { "1" },
            ..row(kind, "beep", "math-1", value)
        };
        assert_eq!(row.body(STAY).unwrap().kind_name(), kind);
    }
}

#[test]
fn a_wrong_row_is_explained() {
    let told = |row: CsvRow<'_>| row.body(STAY).unwrap_err().to_string();
    assert_eq!(
        told(row("atended", "", "", "")),
        "column kind: there is no kind of event called \"atended\""
    );
    assert_eq!(
        told(row("module-done", "beep", "math-3", "")),
        "column module: \"math-3\" is not a module of its programme"
    );
    assert_eq!(
        told(row("attended", "beep", "math-1", "")),
        "column session: it is empty, but this kind of event needs it"
    );
    let test = CsvRow {
        score: "21",
        max: "20",
        version: "1",
        ..row("quiz", "beep", "math-1", "")
    };
    assert_eq!(
        told(test),
        "column score: \"21 of 20\" is not a number between 0 and its maximum"
    );
    assert_eq!(
        told(row("consent", "", "", "maybe")),
        "column value: \"maybe\" is not yes or no"
    );
    assert!(told(row(&"x".repeat(1000), "", "", "")).len() < 100);
}

#[test]
fn fields_keep_to_their_ranges() {
    assert_eq!(Score::parse("1", "3").unwrap().basis_points(), 3333);
    assert_eq!(Score::parse("2", "3").unwrap().basis_points(), 6667);
    assert_eq!(
        Score::parse("20", "20.00").unwrap(),
        Score::try_from((20, 20)).unwrap()
    );
    for (points, max) in [
        ("0", "0"),
        ("1", "-2"),
        ("", "1"),
        ("1.", "2"),
        ("1e1", "20"),
    ] {
        assert!(Score::parse(points, max).is_err(), "{points}/{max}");
    }
    for text in ["1990", "1990-05", "1990-05-17"] {
        assert_eq!(text.parse::<Birth>().unwrap().to_string(), text);
    }
    for text in ["", "199", "1990-5", "1990-02-30", "1990-05-", "1990-05-1"] {
        assert!(text.parse::<Birth>().is_err(), "{text}");
    }
    assert!(Birth::try_from((1990, 0, 5)).is_err());
    assert!(Text::<3>::new("abcd").is_err() && Text::<3>::new("a\n").is_err());
    assert!("k\u{e9}".parse::<Language>().is_err() && "kmr".parse::<Language>().is_err());
    for pair in [(1, 5), (2, 0), (2, 1), (3, 0), (4, 0), (9, 9)] {
        assert_eq!(<(u8, u16)>::from(Destination::from(pair)), pair);
    }
}
