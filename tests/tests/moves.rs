//! Goal: every move that a prisoner makes, as officers do it: on real `spean` processes, by the
//! command line, the news carried on sticks (directories) from prison to prison. He works on the
//! day he arrives, keeps what he achieved, is counted once, and each side reads how it stands.
//! Method: one story for each move, named as the move. docs/transfers.md has the table. The same
//! moves under exchanges over links: node/tests/moves.rs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::ground;

use std::fs;

use ground::{Ground, Said};
use serde_json::Value;

/// The head office and three prisons; a learner at A who has attended one session.
fn prisons() -> (Ground, String) {
    let ground = Ground::of(&["A", "B", "C"]);
    let dara = ground.learner("A", "Dara");
    ground.attends("A", &dara, "1").done();
    (ground, dara)
}

fn leaves(ground: &Ground, at: &str, learner: &str, to: &str) -> Said {
    let words = [
        "transfer",
        "out",
        learner,
        "--to",
        to,
        "--date",
        "2026-07-01",
        "--json",
    ];
    let said = ground.run(at, &words);
    said.done();
    said
}

fn slip(said: &Said) -> String {
    let slip = &said.json()["departures"][0]["done"]["slip"];
    slip.as_str().unwrap().to_owned()
}

fn arrives(ground: &Ground, at: &str, ticket: [&str; 2]) -> Value {
    let [flag, value] = ticket;
    let words = [
        "transfer",
        "in",
        flag,
        value,
        "--date",
        "2026-07-01",
        "--json",
    ];
    let said = ground.run(at, &words);
    said.done();
    said.json()["arrivals"][0]["done"].clone()
}

/// A stick from one home to others.
fn carry(ground: &Ground, from: &str, to: &[&str]) {
    let stick = ground.path("stick");
    let _ = fs::remove_dir_all(&stick);
    fs::create_dir(&stick).unwrap();
    ground
        .run(from, &["stick", "export", &stick, "--carrier", "van"])
        .done();
    for home in to {
        ground.run(home, &["stick", "import", &stick]).done();
    }
}

fn shows(ground: &Ground, at: &str, learner: &str) -> Value {
    let said = ground.run(at, &["learner", "show", learner, "--json"]);
    said.done();
    said.json()["learner"].clone()
}

/// How many sessions a home knows of.
fn sessions(ground: &Ground, at: &str, learner: &str) -> usize {
    let view = &shows(ground, at, learner)["view"];
    let modules = view["progress"]["modules"].as_array().unwrap().clone();
    let attended = |module: &Value| module["attended"].as_array().unwrap().len();
    modules.iter().map(attended).sum()
}

fn reads_nothing(ground: &Ground, at: &str, learner: &str) {
    ground
        .run(at, &["learner", "show", learner])
        .refused(1, learner);
}

fn beneficiaries(ground: &Ground) -> u64 {
    let totals = ground.run("dgp", &["totals", "--json"]);
    totals.json()["totals"]["figures"]["beneficiaries"]
        .as_u64()
        .unwrap()
}

fn listed(ground: &Ground, at: &str, what: &str) {
    ground.run(at, &["transfer", "list"]).said(what);
}

#[test]
fn with_a_slip_and_no_link() {
    let (ground, dara) = prisons();
    carry(&ground, "A", &["B"]);
    let left = leaves(&ground, "A", &dara, "B");
    let arrival = arrives(&ground, "B", ["--slip", &slip(&left)]);
    // All but the segment of the departure itself is here.
    assert_eq!(arrival["name"], "Sok Dara");
    ground.attends("B", &dara, "2").done();
    assert_eq!(sessions(&ground, "B", &dara), 2);
    reads_nothing(&ground, "A", &dara);
    carry(&ground, "A", &["B", "dgp"]);
    carry(&ground, "B", &["dgp", "A"]);
    assert_eq!(beneficiaries(&ground), 1);
    assert_eq!(shows(&ground, "B", &dara)["states"][0]["state"], "open");
    listed(&ground, "A", "arrived at B");
}

#[test]
fn without_notice_and_without_slip() {
    let (ground, dara) = prisons();
    carry(&ground, "A", &["dgp", "B"]);
    let arrival = arrives(&ground, "B", ["--card", &dara]);
    assert_eq!(arrival["states"][0]["state"], "waiting-for-key");
    ground.attends("B", &dara, "2").done();
    carry(&ground, "B", &["dgp"]);
    carry(&ground, "dgp", &["B", "A"]);
    assert_eq!(sessions(&ground, "B", &dara), 2);
    assert_eq!(shows(&ground, "B", &dara)["states"][0]["state"], "open");
    listed(&ground, "A", "B says that he arrived there");
    ground
        .run("A", &["transfer", "dispute", &dara])
        .said("disputed");
    carry(&ground, "A", &["dgp", "B"]);
    ground
        .run("dgp", &["worklist", "list"])
        .said("dispute from A");
    // It blocks nothing; the old site's books are put right when they are.
    ground.attends("B", &dara, "3").done();
    leaves(&ground, "A", &dara, "B");
    reads_nothing(&ground, "A", &dara);
    carry(&ground, "A", &["dgp"]);
    carry(&ground, "B", &["dgp"]);
    assert_eq!(beneficiaries(&ground), 1);
    assert_eq!(shows(&ground, "dgp", &dara)["state"], "at B");
}

fn words_of(officer: &str) -> String {
    format!("the words of officer {officer}\n")
}

#[test]
fn as_a_new_person_joined_later() {
    let (ground, dara) = prisons();
    leaves(&ground, "A", &dara, "B");
    let again = ground.learner("B", "Dara");
    ground
        .run("B", &["transfer", "ask", &again])
        .said("provisional");
    ground.attends("B", &again, "2").done();
    carry(&ground, "A", &["dgp", "B"]);
    carry(&ground, "B", &["dgp"]);
    assert_eq!(beneficiaries(&ground), 2);
    let list = ground.run("dgp", &["worklist", "list", "--json"]);
    let line = &list.json()["worklist"][0];
    assert_eq!(line["candidates"][0]["learner"], dara.as_str());
    let question = line["id"].as_str().unwrap();
    // Two officers of the head office decide it, each with a passphrase of his own.
    for number in ["1", "2"] {
        let add = ["officer", "add", number, "--office", "administrator"];
        ground.told("dgp", &add, &words_of(number)).done();
    }
    let decide = |number: &str, more: &[&str]| {
        let decide = ["worklist", "decide", question, "--officer", number];
        ground.told("dgp", &[&decide[..], more].concat(), &words_of(number))
    };
    decide("1", &[]).refused(1, "--not-same LEARNER or --nobody");
    let same = ["--same", &dara[..]];
    decide("1", &same).said("officer 1 says: the same person as");
    decide("1", &same).said("a second officer decides");
    let wrong = [
        "worklist",
        "decide",
        question,
        "--officer",
        "2",
        same[0],
        same[1],
    ];
    ground
        .told("dgp", &wrong, &words_of("1"))
        .refused(1, "does not open the key of officer 2");
    carry(&ground, "dgp", &["B"]);
    assert_eq!(
        sessions(&ground, "B", &again),
        1,
        "one officer alone joins nobody"
    );
    decide("2", &same).said(": the same person as");
    carry(&ground, "dgp", &["B"]);
    assert_eq!(sessions(&ground, "B", &again), 2, "one person's record");
    ground.run("B", &["flush"]).done();
    carry(&ground, "B", &["dgp"]);
    assert_eq!(beneficiaries(&ground), 1);
    // It was a mistake.
    for number in ["2", "1"] {
        let undo = ["worklist", "undo", question, "--officer", number];
        ground.told("dgp", &undo, &words_of(number)).done();
    }
    carry(&ground, "dgp", &["B"]);
    ground.run("B", &["flush"]).done();
    carry(&ground, "B", &["dgp"]);
    assert_eq!(beneficiaries(&ground), 2);
}

#[test]
fn a_batch_from_a_list() {
    let ground = Ground::of(&["A", "B"]);
    let mut list = String::from("learner,name\n");
    for number in 0..12 {
        let id = ground.learner("A", &format!("L{number}"));
        ground.attends("A", &id, "1").done();
        list.push_str(&format!("{id},somebody\n"));
    }
    list.push_str("# the driver's copy\nnot an id\n0123456789abcdef0123456789abcdef\n");
    let path = ground.path("van.csv");
    fs::write(&path, list).unwrap();
    let slips = ground.path("slips");
    let out = [
        "transfer",
        "out",
        "--list",
        &path,
        "--to",
        "B",
        "--date",
        "2026-07-01",
        "--slips",
        &slips,
    ];
    let said = ground.run("A", &out);
    said.refused(6, "12 of 14 done");
    said.said("van.csv line 15: no learner's id");
    said.said("NOT DONE 0123456789abcdef0123456789abcdef");
    assert_eq!(fs::read_dir(&slips).unwrap().count(), 24);
    ground.run("A", &out).refused(1, "has left for B already");
    carry(&ground, "A", &["B", "dgp"]);
    listed(&ground, "B", "announced by A, left: 1 July 2026");
    listed(&ground, "B", "12 who move");
    let arrived = ground.run("B", &["transfer", "in", "--announced", "A"]);
    arrived.done();
    arrived.said("12 of 12 done");
    listed(&ground, "B", "0 who move");
    ground
        .run("B", &["transfer", "in", "--announced", "A", "--json"])
        .done();
    carry(&ground, "B", &["dgp", "A"]);
    assert_eq!(beneficiaries(&ground), 12);
    listed(&ground, "A", "arrived at B");
}

#[test]
fn many_slips_scanned_at_once() {
    let ground = Ground::of(&["A", "B"]);
    let mut list = String::new();
    for number in 0..3 {
        let id = ground.learner("A", &format!("L{number}"));
        list.push_str(&slip(&leaves(&ground, "A", &id, "B")));
        list.push('\n');
    }
    list.push_str("too short to be a slip\n");
    let path = ground.path("slips.txt");
    fs::write(&path, list).unwrap();
    let said = ground.run("B", &["transfer", "in", "--list", &path]);
    said.refused(6, "3 of 4 done");
    said.said("key here, waiting for");
    carry(&ground, "A", &["B"]);
    listed(&ground, "B", "0 who move");
}

#[test]
fn onward_before_the_grant_came() {
    let (ground, dara) = prisons();
    leaves(&ground, "A", &dara, "B");
    arrives(&ground, "B", ["--card", &dara]);
    ground.attends("B", &dara, "2").done();
    let left = leaves(&ground, "B", &dara, "C");
    arrives(&ground, "C", ["--slip", &slip(&left)]);
    ground.attends("C", &dara, "3").done();
    carry(&ground, "B", &["C"]);
    assert_eq!(sessions(&ground, "C", &dara), 2, "what B knows");
    carry(&ground, "A", &["B"]);
    carry(&ground, "B", &["C"]);
    assert_eq!(sessions(&ground, "C", &dara), 3, "B granted A's keys on");
    for at in ["A", "B"] {
        reads_nothing(&ground, at, &dara);
    }
}

#[test]
fn there_and_back_again() {
    let (ground, dara) = prisons();
    let left = leaves(&ground, "A", &dara, "B");
    arrives(&ground, "B", ["--slip", &slip(&left)]);
    ground.attends("B", &dara, "2").done();
    let left = leaves(&ground, "B", &dara, "A");
    carry(&ground, "B", &["A"]);
    arrives(&ground, "A", ["--slip", &slip(&left)]);
    ground.attends("A", &dara, "3").done();
    assert_eq!(sessions(&ground, "A", &dara), 3);
    reads_nothing(&ground, "B", &dara);
    carry(&ground, "A", &["dgp"]);
    assert_eq!(beneficiaries(&ground), 1);
    assert_eq!(shows(&ground, "dgp", &dara)["state"], "at A");
}

#[test]
fn a_slip_to_the_wrong_site() {
    let (ground, dara) = prisons();
    let left = leaves(&ground, "A", &dara, "B");
    let wrong = ["transfer", "in", "--slip", &slip(&left)];
    ground.run("C", &wrong).refused(
        1,
        "this slip is for B, not for this prison: admit him by the id on his card",
    );
    arrives(&ground, "C", ["--card", &dara]);
    ground.attends("C", &dara, "2").done();
    carry(&ground, "A", &["dgp", "C"]);
    carry(&ground, "C", &["dgp"]);
    carry(&ground, "dgp", &["C", "A", "B"]);
    assert_eq!(sessions(&ground, "C", &dara), 2);
    listed(&ground, "A", "arrived at C");
}

#[test]
fn a_redirected_van() {
    let (ground, dara) = prisons();
    leaves(&ground, "A", &dara, "B");
    carry(&ground, "A", &["B"]);
    listed(&ground, "B", "announced by A");
    let left = leaves(&ground, "A", &dara, "C");
    carry(&ground, "A", &["B", "C", "dgp"]);
    listed(&ground, "B", "0 who move");
    let arrival = arrives(&ground, "C", ["--slip", &slip(&left)]);
    assert_eq!(arrival["states"][0]["state"], "open");
    carry(&ground, "C", &["dgp"]);
    assert_eq!(shows(&ground, "dgp", &dara)["state"], "at C");
}

#[test]
fn a_departure_and_an_arrival_undone() {
    let (ground, dara) = prisons();
    leaves(&ground, "A", &dara, "B");
    reads_nothing(&ground, "A", &dara);
    ground.run("A", &["transfer", "undo", &dara]).said("open");
    ground.attends("A", &dara, "2").done();
    let left = leaves(&ground, "A", &dara, "B");
    carry(&ground, "A", &["B"]);
    arrives(&ground, "B", ["--slip", &slip(&left)]);
    ground.run("B", &["transfer", "undo", &dara]).done();
    reads_nothing(&ground, "B", &dara);
    arrives(&ground, "B", ["--slip", &slip(&left)]);
    assert_eq!(sessions(&ground, "B", &dara), 2);
    carry(&ground, "B", &["A"]);
    ground
        .run("A", &["transfer", "undo", &dara])
        .refused(1, "B has admitted");
    let nobody = "0123456789abcdef0123456789abcdef";
    ground
        .run("A", &["transfer", "undo", nobody])
        .refused(1, nobody);
}

#[test]
fn a_departure_without_arrival() {
    let (ground, dara) = prisons();
    leaves(&ground, "A", &dara, "B");
    carry(&ground, "A", &["dgp"]);
    listed(&ground, "dgp", "on the way to B, left: 1 July 2026");
    // B's own clock tells of later days, and B knows nothing of him.
    ground.learner("B", "Rith");
    carry(&ground, "B", &["dgp", "A"]);
    for at in ["dgp", "A"] {
        listed(&ground, at, "overdue to B, left: 1 July 2026");
    }
}

#[test]
fn two_arrivals_at_once() {
    let (ground, dara) = prisons();
    leaves(&ground, "A", &dara, "B");
    for (at, session) in [("B", "2"), ("C", "3")] {
        arrives(&ground, at, ["--card", &dara]);
        ground.attends(at, &dara, session).done();
    }
    for from in ["A", "B", "C"] {
        carry(&ground, from, &["dgp"]);
    }
    carry(&ground, "dgp", &["B", "C"]);
    let said = shows(&ground, "dgp", &dara)["state"].clone();
    assert_eq!(said, "at several sites: B, C");
    assert_eq!(beneficiaries(&ground), 1);
    assert_eq!(sessions(&ground, "dgp", &dara), 3);
    listed(&ground, "B", "C says that he arrived there");
    listed(&ground, "C", "B says that he arrived there");
}

#[test]
fn late_writes_of_the_old_site() {
    let (ground, dara) = prisons();
    let left = leaves(&ground, "A", &dara, "B");
    arrives(&ground, "B", ["--slip", &slip(&left)]);
    ground.attends("A", &dara, "9").done();
    carry(&ground, "A", &["B"]);
    assert_eq!(sessions(&ground, "B", &dara), 2);
    ground
        .run("B", &["learner", "show", &dara])
        .said("written after he had left: 1");
}

#[test]
fn a_release_recorded_after_a_transfer() {
    let (ground, dara) = prisons();
    leaves(&ground, "A", &dara, "B");
    let left = leaves(&ground, "A", &dara, "released");
    assert_eq!(left.json()["departures"][0]["done"]["slip"], Value::Null);
    carry(&ground, "A", &["dgp", "B"]);
    assert_eq!(shows(&ground, "dgp", &dara)["state"], "released");
    listed(&ground, "B", "0 who move");
}

#[test]
fn by_way_of_a_prison_without_a_node() {
    let (ground, dara) = prisons();
    leaves(&ground, "A", &dara, "without-node");
    carry(&ground, "A", &["dgp"]);
    listed(&ground, "dgp", "on the way to a prison without this system");
    arrives(&ground, "C", ["--card", &dara]);
    carry(&ground, "C", &["dgp"]);
    carry(&ground, "dgp", &["C"]);
    assert_eq!(sessions(&ground, "C", &dara), 1);
    carry(&ground, "C", &["dgp"]);
    listed(&ground, "dgp", "0 who move");
}

#[test]
fn slips_after_the_fact() {
    let (ground, dara) = prisons();
    let rith = ground.learner("A", "Rith");
    leaves(&ground, "A", &dara, "B");
    leaves(&ground, "A", &rith, "B");
    carry(&ground, "A", &["dgp", "B"]);
    let again = ground.run("A", &["transfer", "slip", &dara, "--json"]);
    arrives(&ground, "B", ["--slip", &slip(&again)]);
    assert_eq!(sessions(&ground, "B", &dara), 1);
    ground
        .run("dgp", &["transfer", "slip", &rith])
        .refused(1, "--to CODE");
    let of_dgp = ["transfer", "slip", &rith, "--to", "B", "--json"];
    let arrival = arrives(&ground, "B", ["--slip", &slip(&ground.run("dgp", &of_dgp))]);
    assert_eq!(arrival["from"], "A");
    assert_eq!(arrival["name"], "Sok Rith");
}

/// A slip with one wrong letter, half a slip, one for an older key, a command on nobody.
#[test]
fn wrong_slips_and_wrong_words() {
    let (ground, dara) = prisons();
    let whole = slip(&leaves(&ground, "A", &dara, "B"));
    let admit = |text: &str| ground.run("B", &["transfer", "in", "--slip", text]);
    admit(&whole[..whole.len() / 2]).refused(1, "not a whole slip");
    admit("").refused(1, "not a whole slip");
    let other = if whole.ends_with('A') { 'Q' } else { 'A' };
    let middle = whole.len() / 2;
    let mut letters: Vec<char> = whole.chars().collect();
    letters[middle] = if letters[middle] == other { 'B' } else { other };
    let changed: String = letters.into_iter().collect();
    assert!(!admit(&changed).text.contains("Sok"));
    ground
        .run("B", &["transfer", "in"])
        .refused(1, "give --slip, --card, --list FILE, or --announced CODE");
    ground
        .run("A", &["transfer", "out", "--to", "B"])
        .refused(1, "give learners' ids");
    ground
        .run("A", &["transfer", "out", &dara, "--to", "NOWHERE"])
        .refused(1, "no site 'NOWHERE'");
    ground
        .run("A", &["transfer", "out", &dara, "--to", "A"])
        .refused(1, "this site itself");
    ground
        .run("A", &["transfer", "dispute", &dara])
        .refused(1, "nobody says");
    let list = ["transfer", "in", "--list", "/no/such/file"];
    ground.run("B", &list).refused(1, "name a text file");
    ground
        .run("dgp", &["transfer", "in", "--card", &dara])
        .refused(1, "the head office admits nobody");
    admit(&whole).done();
    admit(&whole).refused(1, "is here already");
}

/// Goal: what an officer prints is a file, whole, and nothing of a move hangs on it.
#[test]
fn on_paper() {
    let (ground, dara) = prisons();
    let rith = ground.learner("A", "Rith");
    let is_pdf = |name: &str| {
        let bytes = fs::read(ground.path(name)).unwrap();
        assert!(
            bytes.starts_with(b"%PDF-") && bytes.ends_with(b"%%EOF"),
            "{name}"
        );
        bytes
    };
    let cards = ["learner", "card", "--all", "--pdf", "cards.pdf"];
    ground.run("A", &cards).said("2 cards");
    is_pdf("cards.pdf");
    let nobody = ["learner", "card", &"0".repeat(32), "--pdf", "none.pdf"];
    ground.run("A", &nobody).refused(1, "000");
    ground.run("B", &cards).refused(1, "no learner is here");
    let out = [
        "transfer", "out", &dara, &rith, "--to", "B", "--pdf", "van.pdf",
    ];
    let said = ground.run("A", &out);
    said.done();
    // Which slip is whose: the beginning of the id on the card.
    said.said(&format!("{} {}", &dara[..4], &dara[4..8]));
    is_pdf("van.pdf");
    let slip = ["transfer", "slip", &dara, "--pdf", "again.pdf"];
    ground.run("A", &slip).done();
    assert!(is_pdf("again.pdf").len() < is_pdf("van.pdf").len());
    // Who leaves for a place without a node has no slip; he has left all the same.
    let third = ground.learner("A", "Sophea");
    let released = [
        "transfer", "out", &third, "--to", "released", "--pdf", "c.pdf",
    ];
    ground
        .run("A", &released)
        .refused(1, "the departures are recorded");
    reads_nothing(&ground, "A", &third);
}
