//! Goal: the list of a whole nation costs the head office's node less than half a second, and finds those
//! who were registered twice.
//! Method: as many people as Cambodia's prisons hold, all of them generated, their names drawn unevenly
//! from the demo's list; one in a hundred registered once more with another writing; a real database.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use spean_protocol::custody::{Arrival, Stay};
use spean_protocol::event::{ArrivalReason, EventId, NamePart, Script, Sex};
use spean_protocol::id::{Position, RunId};
use spean_protocol::view::{Claim, LearnerView, Name};

use super::super::candidates::Likeness;
use super::*;
use crate::store::sqlite::Sqlite;

const PEOPLE: usize = 61_000;
const TWINS: usize = PEOPLE / 100;

/// Lines of role, Khmer and Latin.
const NAMES: &str = include_str!("../../demo/nation/names.txt");

struct Draw(u64);

impl Draw {
    /// From 0 to below `end`, each as often.
    fn even(&mut self, end: usize) -> usize {
        let hash = blake3::hash(&self.0.to_be_bytes());
        self.0 += 1;
        let number = u64::from_be_bytes(*hash.as_bytes().first_chunk().unwrap());
        usize::try_from(number % end as u64).unwrap()
    }

    /// The first ones more often: half of the draws are of the first quarter.
    fn uneven(&mut self, end: usize) -> usize {
        self.even(end) * self.even(end) / end
    }
}

fn names(wanted: &str) -> Vec<(&'static str, &'static str)> {
    let fields = NAMES.lines().filter_map(|line| {
        let (role, names) = line.split_once('\t')?;
        (role == wanted).then(|| names.split_once('\t').unwrap())
    });
    fields.collect()
}

fn claim<T>(value: T) -> Vec<Claim<T>> {
    let events = Vec::new();
    vec![Claim { value, events }]
}

type Words = (&'static str, &'static str);

fn person(
    (family, given): (Words, Words),
    written_otherwise: bool,
    draw: &mut Draw,
) -> LearnerView {
    let mut view = LearnerView::default();
    let mut name = |script, family: &str, given: &str| {
        let part = |text: &str| NamePart::new(text).unwrap();
        let (family, given) = (part(family), part(given));
        let name = Name {
            script,
            family,
            given,
        };
        view.profile.names.extend(claim(name));
    };
    let (khmer, latin) = ((family.0, given.0), (family.1, given.1));
    if written_otherwise {
        name(Script::Khmer, &format!("{}\u{200b}", khmer.1), khmer.0);
        let last = latin
            .0
            .chars()
            .last()
            .filter(|last| "akmnt".contains(*last));
        let longer: String = latin.0.chars().chain(last).collect();
        name(Script::Latin, &latin.1.to_uppercase(), &longer);
    } else {
        name(Script::Khmer, khmer.0, khmer.1);
        name(Script::Latin, latin.0, latin.1);
    }
    view.profile.sex = claim(Sex::Male);
    let year = 1955 + draw.even(50);
    view.profile.birth = claim(year.to_string().parse().unwrap());
    let (site, run) = (
        SiteId(2 + u16::try_from(draw.even(28)).unwrap()),
        RunId([0; 16]),
    );
    view.stays = vec![Stay {
        stay: StayId([0; 16]),
        site,
        arrivals: vec![Arrival {
            event: EventId(String::new()),
            site,
            position: Position {
                site,
                run,
                height: 0,
            },
            date: Some("2025-01-05".parse().unwrap()),
            from: None,
            reason: ArrivalReason::Intake,
        }],
        departures: Vec::new(),
        past_open: false,
    }];
    view
}

fn id(number: usize) -> LearnerId {
    let hash = blake3::hash(&number.to_be_bytes());
    LearnerId(*hash.as_bytes().first_chunk().unwrap())
}

/// A figure for docs/performance.md:
/// `cargo test -p spean --lib a_nation_is_listed -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn a_nation_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Sqlite::open(&folder.path().join("spean.db")).unwrap();
    let (families, given) = (names("family"), names("male"));
    let mut draw = Draw(0);
    let mut bytes = 0;
    let mut twins = BTreeSet::new();
    store.begin().unwrap();
    for number in 0..PEOPLE {
        let name = (
            families[draw.uneven(families.len())],
            given[draw.uneven(given.len())],
        );
        let view = person(name, false, &mut draw);
        let row = codec::encode(&Likeness::of(&view));
        bytes += row.len();
        store.write(Table::Alike, &id(number).0, &row).unwrap();
        if number < TWINS {
            let mut again = person(name, true, &mut draw);
            again.profile.birth = view.profile.birth;
            let (one, other) = (id(number), id(PEOPLE + number));
            let row = codec::encode(&Likeness::of(&again));
            store.write(Table::Alike, &other.0, &row).unwrap();
            twins.insert((one.min(other), one.max(other)));
        }
    }
    store.commit().unwrap();
    let mut best = (Duration::MAX, Duration::MAX);
    let mut found = Vec::new();
    for _ in 0..5 {
        let begin = Instant::now();
        let alike = Alike::read(&store).unwrap();
        let read = begin.elapsed();
        (found, _) = alike.pairs();
        best = best.min((begin.elapsed(), read));
    }
    let pairs: BTreeSet<_> = found
        .iter()
        .map(|(_, one, other)| (*one.min(other), *one.max(other)))
        .collect();
    let listed = twins.intersection(&pairs).count();
    println!(
        "{} generated people, {} bytes for each: a list in {:.2} s, of that {:.2} s to read; {} pairs \
         of {} x {} names; {listed} of {TWINS} who were registered twice are among them",
        PEOPLE + TWINS,
        bytes / PEOPLE,
        best.0.as_secs_f64(),
        best.1.as_secs_f64(),
        pairs.len(),
        families.len(),
        given.len(),
    );
    assert_eq!(listed, TWINS);
    assert!(best.0 < Duration::from_millis(500), "{:?}", best.0);
}
