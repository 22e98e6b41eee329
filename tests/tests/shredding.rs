//! Goal: two officers and two officials have the keys of an old cohort destroyed, with this program and
//! sticks; they are told what is missing until it may be done, and what it does not reach.
//! Method: a prison and the head office as real processes through three cohorts; what is left of the keys
//! in files and escrows is read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::ground;

use std::fs;

use ground::Ground;

const OFFICERS: [(&str, &str); 2] = [("1", "four words of one"), ("2", "four words of two")];

/// Both know what the other does.
fn meet(ground: &Ground) {
    for _ in 0..2 {
        ground.carry("A", "dgp").done();
        ground.carry("dgp", "A").done();
    }
}

fn decide(ground: &Ground, number: usize) -> ground::Said {
    let (officer, words) = OFFICERS[number];
    let decide = ["shred", "1", "--decide", "--officer", officer];
    ground.told("dgp", &decide, &format!("{words}\n"))
}

/// The cohorts of which a node's key file has a seed.
fn seeds(ground: &Ground, home: &str) -> Vec<u16> {
    let text = fs::read_to_string(ground.path(&format!("{home}/keys.toml"))).unwrap();
    let boxes = text.split("[boxes]").nth(1).unwrap().lines();
    let cohort = |line: &str| line.split(" = ").next()?.parse().ok();
    let mut cohorts: Vec<u16> = boxes.filter_map(cohort).collect();
    cohorts.sort_unstable();
    cohorts
}

#[test]
fn the_keys_of_an_old_cohort_are_destroyed() {
    let ground = Ground::of(&["A"]);
    let gone = ground.learner("A", "Dara");
    let stays = ground.learner("A", "Rith");
    for learner in [&gone, &stays] {
        ground.attends("A", learner, "1").done();
    }
    let out = ["transfer", "out", &gone, "--to", "released"];
    ground.run("A", &out).done();
    for (number, words) in OFFICERS {
        let add = ["officer", "add", number, "--office", "administrator"];
        ground.told("dgp", &add, &format!("{words}\n")).done();
    }
    meet(&ground);
    let old = ground.path("old");
    fs::create_dir(&old).unwrap();
    ground.run("A", &["stick", "export", &old]).done();
    ground
        .run("dgp", &["shred", "9"])
        .refused(1, "there is no cohort 9: 1 is in force");
    ground
        .run("A", &["shred", "1"])
        .refused(1, "the head office's node tells");
    for _ in 0..2 {
        ground.run("dgp", &["flush"]).done();
        meet(&ground);
        ground.ordain("dgp", &["--next-cohort"]);
        meet(&ground);
    }
    let before = ground.run("dgp", &["totals", "--json"]).text;

    // Records are kept for five cohorts, unless the configuration says something else.
    let shown = ground.run("dgp", &["shred", "1"]);
    shown.said("1 people, released, of whom nothing was written in a later cohort");
    shown.said("records are still kept: the latest cohort that may go is 0");
    decide(&ground, 0).refused(1, "records of it are still kept");
    let config = ground.path("dgp/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("retention = 1\n{text}")).unwrap();
    let shown = ground.run("dgp", &["shred", "1"]);
    shown.said("whoever is due is not erased");
    assert!(!shown.text.contains("still kept"), "{}", shown.text);
    let propose = ["ceremony", "propose", "ceremony", "--shred", "1"];
    ground
        .run("dgp", &propose)
        .refused(1, "not everything is ready");

    // Two officers, each with his own passphrase.
    decide(&ground, 0).said("a second officer says the same");
    decide(&ground, 0).said("a second officer says the same");
    decide(&ground, 1).said("Erased here");
    meet(&ground);
    let shown = ground.run("dgp", &["shred", "1"]);
    shown.said("Everything is ready");
    let proposed = ground.ordain("dgp", &["--shred", "1"]);
    proposed.said("! THE KEYS OF COHORT 1 AND BEFORE ARE DESTROYED");
    assert!(
        !proposed.text.contains("ESCROW'S KEYS"),
        "{}",
        proposed.text
    );
    meet(&ground);
    meet(&ground);
    for home in ["dgp", "A"] {
        ground.run(home, &["flush"]).done();
        assert_eq!(seeds(&ground, home), [2, 3, 4, 5], "{home}");
    }
    meet(&ground);
    let shown = ground.run("dgp", &["shred", "1"]);
    shown.said("Destroyed by DGP, A; not yet by nobody");
    shown.said("Not reached: Moodle's own database");

    // The escrow's go from the officials' sticks, which go on to open the rest.
    let check = |sticks: [&str; 2]| {
        let [one, other] = sticks;
        ground.run(
            "dgp",
            &["ceremony", "check", "--stick", one, "--stick", other],
        )
    };
    let sticks = ["root-1", "root-2", "root-3"];
    for stick in sticks {
        let forget = ["ceremony", "forget", "ceremony", "--stick", stick];
        ground
            .run("dgp", &forget)
            .said(&format!("Gone from {stick}: key of cohort 1."));
        ground.run("dgp", &forget).said("Nothing of it was on");
        // The others have it yet, which is no fraud.
        let checked = check(["root-1", "root-3"]);
        checked.done();
        assert_eq!(
            checked.text.contains("root-3 has keys yet"),
            stick != "root-3"
        );
    }
    let checked = check(["root-1", "root-3"]);
    checked.said("key of cohort 2");
    assert!(!checked.text.contains("cohort 1,"), "{}", checked.text);

    // Who is gone is nowhere, nor does an old stick bring him back; who stays is as before.
    for home in ["dgp", "A"] {
        ground.run(home, &["stick", "import", &old]).done();
        let show = ground.run(home, &["learner", "show", &gone]);
        assert!(!show.is_done(), "{}", show.text);
        ground
            .run(home, &["learner", "show", &stays])
            .said("1 sessions attended");
    }
    assert_eq!(ground.run("dgp", &["totals", "--json"]).text, before);
    ground.attends("A", &stays, "2").done();
    meet(&ground);
    ground
        .run("dgp", &["learner", "show", &stays])
        .said("2 sessions attended");
}
