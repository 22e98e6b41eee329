//! Goal: the page says what the numbers say, no text becomes part of it, and gaps show as gaps.
//! Method: made-up outcomes and reports; the tables of the page are read back and held against the
//! report as it comes out of its JSON.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use serde_json::Value;
use spean_protocol::event::{Body, Event};
use spean_protocol::id::LearnerId;

use super::campaign::{COMBINATIONS, Seeds, campaign};
use super::charts::escape;
use super::page::page;
use super::past::pasts;
use super::played::{Known, Moved, Played};
use super::{HEAD_OFFICE, Report, SCENARIO};
use crate::act::Way;
use crate::checkers::{Failure, Promise};
use crate::faults::{Counts, Fault};
use crate::journeys::Journey;
use crate::ledger::Fact;
use crate::measures::{Contact, Measures, Transfer};
use crate::plan::DAY;
use crate::scenario::Scenario;
use crate::world::{World, site_of};

fn moved(to: usize, open: bool, through_head_office: bool) -> Moved {
    Moved {
        transfer: Transfer {
            from: 1,
            to,
            left: 0,
            first_session: DAY,
            slip: open,
            van_stick: false,
            open,
            said_open: open,
            anew: false,
        },
        has_past: true,
        through_head_office,
    }
}

/// An outcome in which each combination has its own counts: place 1 is of the first class, place 4
/// of the second, and nobody goes to the others.
fn played(seed: u64, number: usize) -> Played {
    let number = number as u64;
    let mut transfers = Vec::new();
    for at in 0..10 + number {
        transfers.push(moved(2, at < 3 + number, at < 2));
        transfers.push(moved(4, at < 5 + number, at < 1));
    }
    let empty = Moved {
        has_past: false,
        ..moved(2, true, true)
    };
    transfers.push(empty);
    let mut planned = Counts::default();
    planned.add(Fault::StickLost);
    planned.add(Fault::Cloned);
    let mut happened = Counts::default();
    happened.add(Fault::StickLost);
    Played {
        seed,
        days: 365,
        transfers,
        known: BTreeMap::from([(1, (1..=10).map(|days| Known::After(days * DAY)).collect())]),
        measures: Measures {
            link_bytes: BTreeMap::from([(1, 365 * 4_000)]),
            growth: vec![(7, 1_000, 500, 10), (14, 3_000, 1_500, 20)],
            ..Measures::default()
        },
        events: 20,
        planned,
        happened,
        failure: None,
    }
}

fn seeds() -> Seeds {
    let of_seed = |seed| std::array::from_fn(|number| played(seed, number));
    [(1, of_seed(1)), (2, of_seed(2))].into()
}

fn report(seeds: &Seeds) -> Report {
    let scenario = Scenario::load(SCENARIO).unwrap();
    Report::of(&scenario, seeds, "report").unwrap()
}

/// The cells of the table with that caption, row by row.
fn table(page: &str, caption: &str) -> Vec<Vec<String>> {
    let mark = format!("<caption>{}</caption>", escape(caption));
    let from = page.find(&mark).expect("the table is there");
    let table = page[from..].split("</table>").next().unwrap();
    let body = table.split("<tbody>").nth(1).unwrap();
    let rows = body.split("<tr>").skip(1);
    let cell = |cell: &str| {
        let text = cell.split_once('>').unwrap().1;
        text.split('<').next().unwrap().to_owned()
    };
    rows.map(|row| {
        let cells = row.replace("<th scope=\"row\"", "<td");
        cells.split("<td").skip(1).map(cell).collect()
    })
    .collect()
}

fn shown(share: &Value) -> String {
    let (n, of) = (share["n"].as_u64().unwrap(), share["of"].as_u64().unwrap());
    if of == 0 {
        return "none".to_owned();
    }
    format!("{:.0} % ({n} of {of})", n as f64 * 100.0 / of as f64)
}

#[test]
fn the_numbers_on_the_page_are_those_of_the_object() {
    let report = report(&seeds());
    let page = page(&report).unwrap();
    let json: Value = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    let combinations = json["combinations"].as_array().unwrap();
    let rows = table(&page, "Records open before the first session");
    assert_eq!(rows.len(), 15);
    for (at, row) in rows.iter().enumerate() {
        let (class, slips) = (at / 3, at % 3);
        let line = |vans: usize| {
            let of = &combinations[slips + 3 * vans];
            let classes = of["classes"].as_array().unwrap();
            classes.get(class).unwrap_or(&of["all"]).clone()
        };
        let (without, with) = (line(0), line(1));
        let wanted = [
            without["class"].as_str().unwrap().to_owned(),
            ["10 %", "50 %", "90 %"][slips].to_owned(),
            without["journeys"].to_string(),
            shown(&without["through_head_office"]),
            shown(&without["open"]),
            shown(&with["through_head_office"]),
            shown(&with["open"]),
        ];
        assert_eq!(row[..], wanted);
    }
    for (row, along) in table(
        &page,
        "Records open before the first session, by what went along",
    )
    .iter()
    .zip(json["along"].as_array().unwrap())
    {
        assert_eq!(row[0], along["what"].as_str().unwrap());
        assert_eq!(row[1], shown(&along["open"]));
    }
    let rows = table(&page, "Every number of the scenario");
    let parameters = json["parameters"].as_array().unwrap();
    assert_eq!(rows.len(), parameters.len());
    for (row, parameter) in rows.iter().zip(parameters) {
        assert_eq!(row[0], parameter["key"].as_str().unwrap());
        let assumed = parameter["assumed"].as_bool().unwrap();
        assert_eq!(row[2] == "assumed", assumed);
    }
    let back: Report = serde_json::from_value(json).unwrap();
    assert_eq!(super::page::page(&back).unwrap(), page);
}

#[test]
fn counts_are_those_of_the_outcomes() {
    let report = report(&seeds());
    let first = &report.combinations[0];
    // Two seeds: to a capital site 3 of 10 each, to a weekly one 5 of 10; the empty one left out.
    assert_eq!(first.classes[0].open.to_string(), "6 of 20");
    assert_eq!(first.classes[0].through_head_office.to_string(), "4 of 20");
    assert_eq!(first.classes[1].open.to_string(), "10 of 20");
    assert_eq!(first.classes[2].open.to_string(), "0 of 0");
    assert_eq!(first.all.open.to_string(), "16 of 40");
    assert_eq!(first.without_past, 2);
    // All of a seed left at one time: one journey to each of two places.
    assert_eq!((first.classes[0].journeys, first.all.journeys), (2, 4));
    let capital = &report.delays[0];
    assert_eq!(capital.class, "capital");
    assert_eq!(
        (capital.median, capital.ninety, capital.worst),
        (Some(5.0), Some(9.0), Some(10.0))
    );
    // Three capital sites share the bytes of one.
    let capital = &report.traffic[0];
    assert_eq!((capital.link, capital.stick), (4_000.0 / 3.0, 0.0));
    assert!(report.traffic.iter().any(|one| one.class == HEAD_OFFICE));
    assert_eq!(report.growth.head_office_per_event, Some(200.0));
    assert_eq!(report.growth.prison_per_event, Some(100.0));
    let missed: Vec<&str> = report.missed().map(|one| one.name.as_str()).collect();
    assert_eq!(missed, [Fault::Cloned.name()]);
}

#[test]
fn what_is_not_known_is_not_said_to_be_soon() {
    let mut seeds = seeds();
    for all in seeds.values_mut().flatten() {
        all.known = BTreeMap::from([(1, vec![Known::After(DAY), Known::After(DAY), Known::Never])]);
    }
    let report = report(&seeds);
    let delay = &report.delays[0];
    assert_eq!(delay.median, Some(1.0));
    assert_eq!((delay.ninety, delay.worst), (None, None));
    let page = page(&report).unwrap();
    let rows = table(&page, "Days until the head office knows an event");
    assert_eq!(rows[0][3..], ["1.0", "not yet", "not yet"]);
    assert_eq!(rows[1][3..], ["none", "none", "none"]);
}

#[test]
fn no_text_becomes_part_of_the_page() {
    let evil = "</text></svg><script>alert('x')</script>\"&";
    let mut seeds = seeds();
    seeds.get_mut(&1).unwrap()[2].failure = Some(Failure {
        promise: Promise::Saved,
        at: 3 * DAY,
        what: evil.to_owned(),
    });
    let mut report = report(&seeds);
    report.growth.prison = evil.to_owned();
    report.about = evil.to_owned();
    report.command = evil.to_owned();
    for one in &mut report.combinations {
        one.classes[0].class = evil.to_owned();
    }
    report.delays[0].class = evil.to_owned();
    report.traffic[0].class = evil.to_owned();
    let page = page(&report).unwrap();
    assert!(!page.contains("<script"));
    assert_eq!(
        page.matches("</svg>").count(),
        5,
        "four charts and the pattern"
    );
    assert!(page.contains(&escape(evil)));
    let rows = table(
        &page,
        "Runs that broke a promise, and the first that they broke",
    );
    assert_eq!(rows[0][..5], ["1", "90 %", "0 %", "3", "Saved"]);
}

#[test]
fn a_report_of_nothing_is_a_page_too() {
    let nothing: Seeds = [(1, std::array::from_fn(|_| Played::default()))].into();
    for seeds in [Seeds::new(), nothing] {
        let report = report(&seeds);
        assert_eq!(report.transfers, 0);
        let page = page(&report).unwrap();
        for word in ["NaN", "inf ", "-inf"] {
            assert!(!page.contains(word), "{word}");
        }
        let rows = table(&page, "Records open before the first session");
        assert!(
            rows.iter()
                .all(|row| row[3..].iter().all(|cell| cell == "none"))
        );
    }
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let page = page(&report(&seeds())).unwrap();
    for outside in ["http:", "https:", "<script", "<link", "<img", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    // What a link inside the page names is there.
    for link in page.split("href=\"#").skip(1) {
        let id = link.split('"').next().unwrap();
        assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
    }
}

#[test]
fn through_the_head_office_each_place_that_wrote_must_have_come() {
    let contact = |from, to, left, came| Contact {
        from,
        to,
        left,
        came,
    };
    let measures = Measures {
        contacts: vec![
            contact(1, 0, 10, 12),
            contact(2, 0, 20, 20),
            contact(0, 3, 15, 16),
            contact(0, 3, 30, 35),
        ],
        ..Measures::default()
    };
    let open = |written: &[(usize, u64)], by| {
        let written = written.iter().copied().collect();
        measures.open_through_head_office(&written, 3, by)
    };
    assert!(open(&[(1, 10)], 16));
    assert!(!open(&[(1, 11)], 100), "written after the only contact");
    assert!(!open(&[(1, 10), (2, 5)], 34), "the second came later");
    assert!(open(&[(1, 10), (2, 5)], 35));
    assert!(open(&[(3, 99)], 0), "what he did there is there");
}

#[test]
fn of_a_batch_the_one_without_a_past_is_one_that_opened() {
    let mut world = World::new(&Scenario::load("swarm").unwrap(), 1);
    let fact = |person: usize, place: usize, at: u64| Fact {
        person,
        learner: LearnerId([0; 16]),
        site: site_of(place),
        at,
        event: Event::new(Body::LibraryVisit {}),
        row: None,
        sealing: None,
        lost: false,
    };
    let journey = |person: usize| Journey {
        person,
        from: 1,
        to: 2,
        way: Way::default(),
        slip: None,
        left: 50,
        tried: false,
        arrived: true,
        anew: false,
        van_stick: false,
    };
    let transfer = |open: bool| Transfer {
        slip: false,
        left: 50,
        first_session: 90,
        ..moved(2, open, false).transfer
    };
    // The first has a past at two places; what he does later is none of it. Both have the session.
    let facts = [
        (0, 3, 7),
        (0, 1, 20),
        (0, 1, 40),
        (0, 2, 60),
        (0, 2, 90),
        (1, 2, 90),
    ];
    world.ledger.facts = facts
        .map(|(person, place, at)| fact(person, place, at))
        .into();
    world.people.journeys = vec![journey(1), journey(0)];
    world.measures.transfers = vec![transfer(true), transfer(false)];
    let whole = BTreeMap::from([(3, 7), (1, 40)]);
    assert_eq!(pasts(&world), [BTreeMap::new(), whole]);
}

#[test]
fn seeds_are_played_until_there_are_enough_whatever_the_threads() {
    let mut scenario = Scenario::load("swarm").unwrap();
    scenario.days = 12;
    scenario.people.transfers_monthly = 2.0;
    let count = |seeds: &Seeds| -> Vec<usize> {
        let all = seeds.values().flatten();
        all.map(|one| one.counted().count()).collect()
    };
    let few = campaign(&scenario, 1, 2, &|_| {});
    assert_eq!(few.len(), 1);
    let more = count(&few).iter().sum::<usize>() as u64 + 1;
    let one = campaign(&scenario, more, 1, &|_| {});
    let two = campaign(&scenario, more, 2, &|_| {});
    assert!(one.len() > 1 && count(&one).starts_with(&count(&few)));
    assert_eq!(count(&one), count(&two));
    let all = count(&one).iter().sum::<usize>() as u64;
    let but_last = count(&one).iter().rev().skip(COMBINATIONS).sum::<usize>() as u64;
    assert!(all >= more && but_last < more, "{all} {but_last}");
    // Who has nothing behind him is open everywhere: nothing that failed may be left out as that.
    let moved = || one.values().flatten().flat_map(|one| &one.transfers);
    assert!(moved().all(|one| one.has_past || one.transfer.open));
    assert!(moved().any(|one| !one.has_past) && moved().any(|one| !one.transfer.open));
    // The same moves are planned in each combination.
    let planned = |number: usize| one[&1][number].planned.of(Fault::Returned);
    assert!((1..COMBINATIONS).all(|number| planned(number) == planned(0)));
}
