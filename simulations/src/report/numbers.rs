//! From what was played to the numbers of a report. Nothing here plays, and nothing draws.

use std::collections::{BTreeMap, BTreeSet};

use crate::faults::{Counts, Fault};
use crate::plan::DAY;
use crate::report::campaign::{COMBINATIONS, Seeds, VANS, shares};
use crate::report::played::{Known, Moved, Played};
use crate::report::{
    Along, Broken, Combination, Continuity, Delay, Growth, HEAD_OFFICE, Misfortune, Parameter,
    Report, Share, Traffic, Week,
};
use crate::scenario::{Scenario, ScenarioError};

impl Report {
    /// The report of what was played.
    ///
    /// # Errors
    /// [`ScenarioError`]: the scenario that this one is compared with cannot be read.
    pub fn of(scenario: &Scenario, seeds: &Seeds, command: &str) -> Result<Self, ScenarioError> {
        let all = || seeds.values().flatten();
        let sum = |of: &dyn Fn(&Played) -> u64| all().map(of).sum::<u64>();
        let numbers = |number| combination(scenario, seeds, number);
        let mut planned = Counts::default();
        let mut happened = Counts::default();
        for played in all() {
            planned.merge(&played.planned);
            happened.merge(&played.happened);
        }
        Ok(Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: scenario.name.clone(),
            about: scenario.about.clone(),
            command: command.to_owned(),
            days: scenario.days,
            prisons: scenario.sites.len(),
            seeds: seeds.len() as u64,
            runs: all().count() as u64,
            transfers: sum(&|played| played.counted().count() as u64),
            events: sum(&|played| played.events),
            exchanges: sum(&|played| played.measures.exchanges),
            stops: sum(&|played| played.measures.stops),
            seconds: 0,
            combinations: (0..COMBINATIONS).map(numbers).collect(),
            along: along(seeds),
            delays: delays(scenario, seeds),
            traffic: traffic(scenario, seeds),
            growth: growth(scenario, seeds),
            misfortunes: misfortunes(&planned, &happened),
            broken: broken(seeds),
            parameters: parameters(scenario)?,
        })
    }
}

/// The classes of the scenario, in the order of its sites.
fn classes(scenario: &Scenario) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for (_, class) in &scenario.sites {
        if !found.contains(&class.as_str()) {
            found.push(class);
        }
    }
    found
}

fn class_of(scenario: &Scenario, place: usize) -> &str {
    let site = place.checked_sub(1).and_then(|at| scenario.sites.get(at));
    site.map_or(HEAD_OFFICE, |(_, class)| class)
}

/// What was played with that share of sticks in vans.
fn with_vans(seeds: &Seeds, vans: f64) -> impl Iterator<Item = &Played> {
    let all = seeds.values().flat_map(|all| all.iter().enumerate());
    all.filter(move |(number, _)| shares(*number).1 == vans)
        .map(|(_, played)| played)
}

/// A transfer and the seed that it is of.
type Seen<'a> = (u64, &'a Moved);

fn continuity<'a>(class: &str, transfers: impl Iterator<Item = Seen<'a>>) -> Continuity {
    let mut found = Continuity {
        class: class.to_owned(),
        ..Continuity::default()
    };
    let mut journeys = BTreeSet::new();
    for (seed, one) in transfers {
        found.open.count(one.transfer.open);
        found.through_head_office.count(one.through_head_office);
        journeys.insert((seed, journey(one)));
    }
    found.journeys = journeys.len() as u64;
    found
}

/// From where, to where, when: the same for all of a batch.
fn journey(moved: &Moved) -> (usize, usize, u64) {
    let transfer = &moved.transfer;
    (transfer.from, transfer.to, transfer.left)
}

fn combination(scenario: &Scenario, seeds: &Seeds, number: usize) -> Combination {
    let (slips, vans) = shares(number);
    let played = || seeds.values().map(|all| &all[number]);
    let counted = || played().flat_map(|one| one.counted().map(move |moved| (one.seed, moved)));
    let of_class = |class: &&str| {
        let class = *class;
        let here = |(_, one): &Seen<'_>| class_of(scenario, one.transfer.to) == class;
        continuity(class, counted().filter(here))
    };
    let share = |of: &dyn Fn(&Moved) -> bool| {
        let mut share = Share::default();
        counted().for_each(|(_, one)| share.count(of(one)));
        share
    };
    let with_stick = |played: &Played| {
        let with_stick = |one: &&Moved| one.transfer.van_stick;
        let all = played.transfers.iter().filter(with_stick).map(journey);
        all.collect::<BTreeSet<_>>().len() as u64
    };
    let open_of = |played: &Played| {
        let mut share = Share::default();
        let counted = played.counted();
        counted.for_each(|one| share.count(one.transfer.open));
        share
    };
    Combination {
        slips,
        vans,
        classes: classes(scenario).iter().map(of_class).collect(),
        all: continuity("all", counted()),
        by_seed: played().map(open_of).collect(),
        with_slip: share(&|one| one.transfer.slip),
        with_stick: share(&|one| one.transfer.van_stick),
        anew: share(&|one| one.transfer.anew),
        without_past: played()
            .map(|one| (one.transfers.len() - one.counted().count()) as u64)
            .sum(),
        vans_with_stick: played().map(with_stick).sum(),
    }
}

fn along(seeds: &Seeds) -> Vec<Along> {
    let kinds = [
        "slip and stick in the van",
        "stick in the van, no slip",
        "slip, no stick in the van",
        "neither: by his card",
        "registered anew as a new person",
    ];
    let kind = |moved: &Moved| match (moved.transfer.slip, moved.transfer.van_stick) {
        _ if moved.transfer.anew => 4,
        (true, true) => 0,
        (false, true) => 1,
        (true, false) => 2,
        (false, false) => 3,
    };
    let mut open = [Share::default(); 5];
    for moved in seeds.values().flatten().flat_map(Played::counted) {
        open[kind(moved)].count(moved.transfer.open);
    }
    let line = |(what, open): (&str, Share)| Along {
        what: what.to_owned(),
        open,
    };
    kinds.into_iter().zip(open).map(line).collect()
}

fn delays(scenario: &Scenario, seeds: &Seeds) -> Vec<Delay> {
    let mut found = Vec::new();
    for vans in VANS {
        for class in classes(scenario) {
            let places = |played: &'_ Played| {
                let here = |place: &&usize| class_of(scenario, **place) == class;
                let places = played.known.keys().filter(here);
                places
                    .flat_map(|place| &played.known[place])
                    .copied()
                    .collect::<Vec<_>>()
            };
            let known: Vec<Known> = with_vans(seeds, vans).flat_map(places).collect();
            found.push(delay(class, vans, known));
        }
    }
    found
}

fn delay(class: &str, vans: f64, mut known: Vec<Known>) -> Delay {
    known.sort_unstable();
    // The nearest rank: the first by which so many of a hundred were known.
    let after = |percent: usize| {
        let rank = (known.len() * percent).div_ceil(100).checked_sub(1)?;
        match known.get(rank)? {
            Known::After(seconds) => Some(*seconds as f64 / DAY as f64),
            Known::Never => None,
        }
    };
    let mut share = Share::default();
    known
        .iter()
        .for_each(|one| share.count(matches!(one, Known::After(_))));
    Delay {
        class: class.to_owned(),
        vans,
        events: known.len() as u64,
        known: share,
        median: after(50),
        ninety: after(90),
        worst: after(100),
    }
}

fn traffic(scenario: &Scenario, seeds: &Seeds) -> Vec<Traffic> {
    let mut found = Vec::new();
    for vans in VANS {
        for class in classes(scenario).into_iter().chain([HEAD_OFFICE]) {
            let here = |place: &usize| class_of(scenario, *place) == class;
            let sites = (0..=scenario.sites.len()).filter(here).count() as u64;
            let bytes = |of: &dyn Fn(&Played) -> &BTreeMap<usize, u64>| {
                let of_class = |played| {
                    let all = of(played).iter().filter(|(place, _)| here(place));
                    all.map(|(_, bytes)| *bytes).sum::<u64>()
                };
                with_vans(seeds, vans).map(of_class).sum::<u64>() as f64
            };
            let site_days = with_vans(seeds, vans)
                .map(|played| played.days * sites)
                .sum();
            let days = u64::max(site_days, 1) as f64;
            found.push(Traffic {
                class: class.to_owned(),
                vans,
                site_days,
                link: bytes(&|played| &played.measures.link_bytes) / days,
                stick: bytes(&|played| &played.measures.stick_bytes) / days,
            });
        }
    }
    found
}

fn growth(scenario: &Scenario, seeds: &Seeds) -> Growth {
    let days = u64::from(scenario.days);
    let whole: Vec<&Played> = seeds
        .values()
        .flatten()
        .filter(|played| played.days >= days)
        .collect();
    let runs = whole.len() as f64;
    let mut weeks: BTreeMap<u64, Week> = BTreeMap::new();
    for (day, head_office, prison, events) in whole.iter().flat_map(|one| &one.measures.growth) {
        let week = weeks.entry(*day).or_default();
        week.day = *day;
        week.head_office += *head_office as f64 / runs;
        week.prison += *prison as f64 / runs;
        week.events += *events as f64 / runs;
    }
    let weeks: Vec<Week> = weeks.into_values().collect();
    let per_event = |of: fn(&Week) -> f64| {
        let (first, last) = (weeks.first()?, weeks.last()?);
        let events = last.events - first.events;
        (events > 0.0).then(|| (of(last) - of(first)) / events)
    };
    Growth {
        runs: whole.len() as u64,
        prison: scenario
            .sites
            .first()
            .map_or("", |(code, _)| code)
            .to_owned(),
        head_office_per_event: per_event(|week| week.head_office),
        prison_per_event: per_event(|week| week.prison),
        weeks,
    }
}

fn misfortunes(planned: &Counts, happened: &Counts) -> Vec<Misfortune> {
    let line = |fault: &Fault| Misfortune {
        class: fault.class().to_owned(),
        name: fault.name().to_owned(),
        planned: planned.of(*fault),
        happened: happened.of(*fault),
    };
    let all = Fault::ALL.iter().map(line);
    all.filter(|one| one.planned + one.happened > 0).collect()
}

fn broken(seeds: &Seeds) -> Vec<Broken> {
    let mut found = Vec::new();
    for (number, played) in seeds.values().flat_map(|all| all.iter().enumerate()) {
        if let Some(failure) = &played.failure {
            let (slips, vans) = shares(number);
            found.push(Broken {
                seed: played.seed,
                slips,
                vans,
                day: failure.at / DAY,
                promise: format!("{:?}", failure.promise),
                what: failure.what.clone(),
            });
        }
    }
    found
}

fn parameters(scenario: &Scenario) -> Result<Vec<Parameter>, ScenarioError> {
    let base = Scenario::load("national_14")?.numbers();
    let line = |(key, (value, assumed)): (String, (String, bool))| {
        let before = base.get(&key).map(|(value, _)| value.clone());
        Parameter {
            instead_of: before.filter(|before| *before != value),
            key,
            value,
            assumed,
        }
    };
    Ok(scenario.numbers().into_iter().map(line).collect())
}
