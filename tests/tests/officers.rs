//! Goal: one officer alone makes no exam result count; the second person signs elsewhere, later, and
//! neither needs more than his own passphrase.
//! Method: a prison and the head office as real processes; sticks carry what they signed; wrong
//! passphrases and offices.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::ground;

use ground::Ground;

fn add(ground: &Ground, home: &str, number: &str, office: &str, words: &str) {
    let add = ["officer", "add", number, "--office", office];
    ground.told(home, &add, &format!("{words}\n")).done();
}

fn sign(ground: &Ground, home: &str, number: &str, words: &str) -> ground::Said {
    ground.told(home, &["sign", "--officer", number], &format!("{words}\n"))
}

fn provisional(ground: &Ground, home: &str) -> u64 {
    let totals = ground.run(home, &["totals", "--json"]).json();
    totals["totals"]["figures"]["provisional"].as_u64().unwrap()
}

#[test]
fn a_result_waits_for_the_second_person() {
    let ground = Ground::of(&["A"]);
    let dara = ground.learner("A", "Dara");
    let enrolled = [
        "record",
        &dara,
        "--kind",
        "enrolled",
        "--programme",
        "english",
    ];
    ground.run("A", &enrolled).done();
    let passed = [
        "record",
        &dara,
        "--kind",
        "exam-result",
        "--programme",
        "english",
        "--module",
        "a1",
        "--value",
        "passed",
        "--date",
        "2026-05-01",
    ];
    ground.run("A", &passed).done();
    add(&ground, "A", "3", "officer", "four words of three");
    add(&ground, "A", "4", "peer-tutor", "four words of four");
    let short = ["officer", "add", "5"];
    ground
        .told("A", &short, "short\n")
        .refused(1, "at least 12 characters");
    ground
        .told(
            "A",
            &["officer", "add", "5", "--office", "king"],
            "four words of five\n",
        )
        .refused(1, "'king' is no office: director");
    ground
        .run("A", &["officer", "confirm", "A", "3", "00000000"])
        .refused(1, "only the head office");

    let list = ground.run("A", &["sign", "--officer", "3", "--list"]);
    list.said("exam-result, english a1, passed, 2026-05-01");
    list.said("signed by nobody yet");
    sign(&ground, "A", "3", "four words of four").refused(1, "does not open the key of officer 3");
    sign(&ground, "A", "4", "four words of four").refused(1, "officer 4 is peer-tutor");
    sign(&ground, "A", "9", "four words of four").refused(1, "no officer 9");
    assert_eq!(provisional(&ground, "A"), 1);
    sign(&ground, "A", "3", "four words of three").said("1 events");
    sign(&ground, "A", "3", "four words of three").said("0 to sign");
    assert_eq!(provisional(&ground, "A"), 1, "one person is not enough");
    ground
        .run("A", &["totals"])
        .said("a second person has not signed them: 1");

    ground.carry("A", "dgp").done();
    add(&ground, "dgp", "1", "administrator", "four words of one");
    ground
        .run("dgp", &["sign", "--officer", "1", "--list"])
        .said("recorded at A, signed by A 3");
    sign(&ground, "dgp", "1", "four words of one").done();
    assert_eq!(provisional(&ground, "dgp"), 0);
    ground.carry("dgp", "A").done();
    assert_eq!(provisional(&ground, "A"), 0);
    ground.run("A", &["totals"]).said("1 passed");
    // Secrets stand nowhere: neither in the store nor in what was printed.
    let officers = ground.run("A", &["officer", "list"]);
    officers.said("not confirmed");
    ground
        .run("dgp", &["officer", "confirm", "A", "3", "00000000"])
        .refused(1, "no officer 3 whose key begins with 00000000");
    let of_three = |line: &&str| line.split_whitespace().take(2).eq(["A", "3"]);
    let line = officers.text.lines().find(of_three).unwrap();
    let key = line.split("key ").nth(1).unwrap()[..16].to_owned();
    ground
        .run("dgp", &["officer", "confirm", "A", "3", &key])
        .said("confirmed");
    ground
        .run("A", &["officer", "withdraw", "3"])
        .said("withdrawn");
    sign(&ground, "A", "3", "four words of three").refused(1, "no officer 3");
}

/// Goal: nobody reads a record without a trace that the learner and the head office can see, and each
/// does what his office is for.
/// Method: officers of three offices ask for the same record; what is noted is shown there and, after a
/// stick, at the head office.
#[test]
fn whoever_opens_a_record_is_noted() {
    let ground = Ground::of(&["A"]);
    let dara = ground.learner("A", "Dara");
    for (number, office) in [("1", "officer"), ("2", "peer-tutor"), ("3", "monitor")] {
        add(&ground, "A", number, office, "four words of somebody");
    }
    let show = |who: &[&str]| ground.run("A", &[&["learner", "show", &dara], who].concat());
    show(&["--officer", "1", "--why", "teaching"]).done();
    show(&[]).said("A, somebody at its console: not-said");
    show(&["--officer", "1", "--why", "teaching"]).said("A, officer 1: teaching");
    show(&["--why", "boredom"]).refused(1, "'boredom' is no purpose: not-said, teaching");
    show(&["--officer", "2"]).refused(1, "officer 2 is peer-tutor");
    show(&["--officer", "3"]).refused(1, "officer 3 is monitor");
    show(&["--officer", "9"]).refused(1, "no officer 9");
    ground.run("A", &["totals", "--officer", "3"]).done();
    // A peer tutor marks attendance, and nothing else.
    let mark = |kind: &str| {
        let words = [
            "record",
            &dara,
            "--kind",
            kind,
            "--programme",
            "english",
            "--module",
            "a1",
        ];
        let who = ["--session", "1", "--value", "passed", "--officer", "2"];
        ground.run("A", &[&words[..], &who].concat())
    };
    let attended = [
        "record",
        &dara,
        "--kind",
        "attended",
        "--programme",
        "english",
        "--module",
        "a1",
    ];
    ground
        .run(
            "A",
            &[&attended[..], &["--session", "1", "--officer", "2"]].concat(),
        )
        .done();
    mark("exam-result").refused(1, "that is not what this office does");
    ground
        .run(
            "A",
            &[
                "transfer",
                "out",
                &dara,
                "--to",
                "released",
                "--officer",
                "2",
            ],
        )
        .refused(1, "that is not what this office does");
    ground.run("A", &["flush"]).done();
    ground.carry("A", "dgp").done();
    let there = ground.run("dgp", &["learner", "show", &dara]);
    there.said("A, officer 1: teaching");
    there.said("DGP, somebody at its console: not-said");
    let openings = ground
        .run("dgp", &["learner", "show", &dara, "--json"])
        .json();
    let openings = openings["learner"]["openings"].as_array().unwrap().len();
    assert_eq!(openings, 3, "one for each of who and why within the hour");
}

/// Goal: officers find who was registered twice, and two of them decide it, with nothing but commands.
/// Method: two prisons write one man's name differently; the head office lists, pairs, decides and takes
/// back; the totals follow. A prison is told where to ask.
#[test]
fn who_was_registered_twice_is_found_and_decided() {
    let ground = Ground::of(&["A", "B"]);
    let add_learner = |at: &str, family: &str, given: &str, born: &str| {
        let add = ["learner", "add", "--latin", family, given, "--sex", "M"];
        let more = ["--born", born, "--arrived", "2026-01-05", "--json"];
        let added = ground.run(at, &[&add[..], &more].concat());
        let learner = added.json()["added"].as_str().unwrap().to_owned();
        ground.attends(at, &learner, "1").done();
        learner
    };
    let old = add_learner("A", "Sok", "Vuthy", "1990");
    let new = add_learner("B", "WUTHI", "Sokh", "1991");
    add_learner("B", "Sok", "Vuthy", "1997");
    ground.run("B", &["learner", "duplicates"]).said("0 pairs");
    let persons = || {
        let totals = ground.run("dgp", &["totals", "--json"]).json();
        totals["totals"]["figures"]["beneficiaries"]
            .as_u64()
            .unwrap()
    };
    ground.carry("A", "dgp").done();
    ground.carry("B", "dgp").done();
    let list = ground.run("dgp", &["learner", "duplicates"]);
    list.said("same Latin name, birth years one apart");
    list.said("count them as present at once");
    list.said("1 pairs");
    list.said("'spean worklist pair LEARNER OTHER'");
    ground
        .run("A", &["worklist", "pair", &old, &new])
        .refused(1, "transfer ask LEARNER --reason name");
    for (number, words) in [("1", "four words of one"), ("2", "four words of two")] {
        add(&ground, "dgp", number, "administrator", words);
    }
    let pair = ["worklist", "pair", &new, &old, "--json"];
    let line = ground.run("dgp", &pair).json();
    let question = line["worklist"][0]["id"].as_str().unwrap().to_owned();
    ground
        .run("dgp", &["learner", "duplicates"])
        .said(&question);
    let officers = |what: &[&str]| {
        for (number, words) in [("1", "four words of one\n"), ("2", "four words of two\n")] {
            let said = [what, &["--officer", number]].concat();
            ground.told("dgp", &said, words).done();
        }
        for (from, to) in [("dgp", "B"), ("B", "dgp")] {
            ground.run(from, &["flush"]).done();
            ground.carry(from, to).done();
        }
    };
    assert_eq!(persons(), 3);
    officers(&["worklist", "decide", &question, "--same", &old]);
    assert_eq!(persons(), 2);
    ground
        .run("dgp", &["learner", "duplicates"])
        .said("0 pairs");
    officers(&["worklist", "undo", &question]);
    assert_eq!(persons(), 3);
    ground
        .run("dgp", &["learner", "duplicates"])
        .said("0 pairs");
    officers(&["worklist", "undo", &question]);
    let list = ground
        .run("dgp", &["learner", "duplicates", "--json"])
        .json();
    let pair = &list["duplicates"]["pairs"][0];
    assert!(
        pair["learner"] == old.as_str() || pair["other"] == old.as_str(),
        "{pair}"
    );
    officers(&["worklist", "decide", &question, "--not-same", &old]);
    ground
        .run("dgp", &["learner", "duplicates"])
        .said("0 pairs");
    assert_eq!(persons(), 3);
}
