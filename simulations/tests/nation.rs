//! Goal: a seed plays one way, to the byte; every plan that once broke a promise holds now; what is
//! asked wrongly of the program is named. Method: a short world played twice, and every file of
//! `seeds/regressions` played to its end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use spean_simulations::run::run;
use spean_simulations::scenario::Scenario;
use spean_simulations::shrink::Regression;
use spean_simulations::swarm::scenario_of;

#[test]
fn a_seed_plays_one_way() {
    let base = Scenario::load("swarm").unwrap();
    let mut scenario = scenario_of(&base, 100);
    scenario.days = 12;
    let play = |seed| run(&scenario, seed, &mut |_| {});
    let (one, again, other) = (play(100), play(100), play(101));
    assert!(one.events > 20, "something happened");
    assert_eq!(one.trace, again.trace);
    assert_eq!(one.happened, again.happened);
    assert_ne!(one.trace, other.trace);
}

#[test]
fn what_once_broke_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/regressions");
    let mut played = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kept = Regression::load(&path).unwrap();
        assert!(!kept.why.is_empty(), "{}", path.display());
        let failure = kept.play().failure;
        assert_eq!(failure, None, "{}: {}", path.display(), kept.why);
        played += 1;
    }
    assert!(played >= 3, "the files are there");
}

#[test]
fn every_scenario_reads_and_lists_what_is_assumed() {
    for name in Scenario::names() {
        let scenario = Scenario::load(name).unwrap();
        let assumed = scenario
            .numbers()
            .into_values()
            .filter(|(_, assumed)| *assumed);
        assert!(assumed.count() > 50, "{name}");
    }
    let error = Scenario::load("nowhere").unwrap_err().to_string();
    assert!(error.contains("spean-simulations list"), "{error}");
}
