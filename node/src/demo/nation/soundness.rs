//! Goal: the generated texts are ones that an import takes, and nothing in them is absurd: nobody
//! learns before he came or after he left, and no two people look alike by accident.
//!
//! Method: read the CSV text of several seeds row by row, as `recount` does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use super::recount::{
    Happening, Row, count, happenings, persons, table, universe, with_every_nation,
};
use super::{PUBLISHED, generate};

/// Five registrations look like an earlier one elsewhere; no others share their names.
#[test]
fn look_alikes() {
    with_every_nation(|nation| {
        let events = universe(nation);
        let counted = persons(&events, Happening::counts);
        let mut same: BTreeMap<[String; 4], BTreeSet<(String, String)>> = BTreeMap::new();
        for row in nation
            .sites
            .iter()
            .flat_map(|site| table(&site.learners_csv))
        {
            let card = if row["card"].is_empty() {
                &row["ref"]
            } else {
                &row["card"]
            };
            let names = ["family_km", "given_km", "family_latin", "given_latin"];
            let who = names.map(|name| row[name].clone());
            let birth = format!("{} {}", row["sex"], row["born"]);
            same.entry(who).or_default().insert((birth, card.clone()));
        }
        same.retain(|_, rows| rows.len() > 1);
        assert_eq!(count(same.len()), PUBLISHED.possible_duplicates);
        for rows in same.values() {
            let births: BTreeSet<_> = rows.iter().map(|(birth, _)| birth).collect();
            assert!(rows.len() == 2 && births.len() == 1);
            assert!(
                rows.iter()
                    .all(|(_, person)| counted.contains(person.as_str()))
            );
        }
    });
}

/// What an import and a reader may rely on, row by row.
#[test]
fn rows_are_sound() {
    with_every_nation(|nation| {
        let codes: BTreeSet<_> = nation.sites.iter().map(|site| site.code).collect();
        assert_eq!(codes.len(), 14);
        let mut cards = BTreeMap::new();
        for site in &nation.sites {
            assert!(site.events_csv.is_ascii());
            let (learners, events) = (table(&site.learners_csv), table(&site.events_csv));
            let mut arrived = BTreeMap::new();
            for row in &learners {
                assert!(arrived.insert(&row["ref"], &row["arrived"]).is_none());
                assert!(["F", "M", ""].contains(&row["sex"].as_str()));
                if !row["card"].is_empty() {
                    assert!(row["card"].len() == 32 && row["card"].is_ascii());
                    cards
                        .entry(row["card"].clone())
                        .or_insert(Vec::new())
                        .push(site.code);
                }
            }
            let mut refs = BTreeSet::new();
            let mut departed = BTreeMap::new();
            for row in &events {
                assert!(refs.insert(&row["ref"]));
                event_is_sound(row);
                if row["date"].is_empty() {
                    continue;
                }
                assert!(arrived[&row["learner"]] <= &row["date"], "{row:?}");
                assert!(site.pilot || row["date"].starts_with("2026"));
                assert!(row["date"].as_str() < "2026-07-01");
                assert!(
                    !departed.contains_key(&row["learner"]),
                    "after he left: {row:?}"
                );
                if row["kind"] == "departed" {
                    departed.insert(&row["learner"], ());
                }
            }
            if !site.pilot {
                assert!((20..=40).contains(&learners.len()));
                assert!(
                    (15..=30).contains(&(events.len() / learners.len())),
                    "{}",
                    events.len()
                );
            }
        }
        assert_eq!(cards.len(), 2);
        assert!(
            cards
                .values()
                .all(|sites| sites.len() == 2 && sites[0] != sites[1])
        );
        let pilots = happenings(nation.sites.iter().filter(|site| site.pilot));
        assert!(
            (15_000..=20_000).contains(&pilots.len()),
            "{} events",
            pilots.len()
        );
        let undated = pilots.iter().filter(|event| event.row["date"].is_empty());
        assert_eq!(undated.count(), 10);
    });
}

/// Which columns a kind fills, in the order programme, module, session, score, max, version, value:
/// `1` always, `0` never, `?` sometimes.
fn columns(kind: &str) -> &'static str {
    match kind {
        "enrolled" | "withdrew" => "1000001",
        "login" => "1000000",
        "attended" | "session-done" => "1110000",
        "module-done" => "1100000",
        "pre-test" | "post-test" | "quiz" => "1101110",
        "exam-registered" | "certificate" => "1?00001",
        "exam-result" => "1?01111",
        "class" => "1000001",
        "library-visit" => "0000000",
        "aspiration" | "expected-release" | "who5-start" | "who5-end" | "disability"
        | "indigenous" | "loan-out" | "loan-back" | "remark" | "referral" | "handout"
        | "departed" | "consent" => "0000001",
        _ => panic!("no such kind: {kind}"),
    }
}

fn event_is_sound(row: &Row) {
    const NAMES: [&str; 7] = [
        "programme",
        "module",
        "session",
        "score",
        "max",
        "version",
        "value",
    ];
    for (name, rule) in NAMES.iter().zip(columns(&row["kind"]).chars()) {
        assert!(
            rule == '?' || (rule == '1') != row[*name].is_empty(),
            "{name} of {row:?}"
        );
    }
    let modules: &[&str] = match row["programme"].as_str() {
        "beep" => &[
            "khmer",
            "math-1",
            "math-2",
            "chemistry",
            "gender",
            "physics",
            "fundamental-skills",
        ],
        "english" => &["a1", "a2"],
        "digital" => &["digital-basics"],
        "reintegration" => &[
            "self-awareness",
            "emotional-regulation",
            "personal-finance",
            "job-search",
            "micro-business",
            "safe-reintegration",
            "slot-7",
        ],
        "literacy" | "vocational" | "orientation" | "" => &[],
        other => panic!("no such programme: {other}"),
    };
    assert!(
        row["module"].is_empty() || modules.contains(&row["module"].as_str()),
        "{row:?}"
    );
    let date: Vec<u32> = row["date"]
        .split('-')
        .filter_map(|part| part.parse().ok())
        .collect();
    let sound = matches!(date[..], [2023..=2026, 1..=12, 1..=31]) && row["date"].len() == 10;
    assert!(sound || row["date"].is_empty(), "{row:?}");
}

/// The seed alone decides the bytes.
#[test]
fn same_seed_same_bytes() {
    let (first, again, other) = (generate(7), generate(7), generate(8));
    assert_eq!(first, again);
    for (site, elsewhere) in first.sites.iter().zip(&other.sites) {
        assert_ne!(site.learners_csv, elsewhere.learners_csv);
        assert_ne!(site.events_csv, elsewhere.events_csv);
    }
    assert_eq!(first.sites.len(), 14);
}
