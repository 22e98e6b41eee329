//! Goal: whatever a person, a stick or a file does wrong, the program says what is wrong and what to
//! do, ends with the exit status that docs/operations.md names, keeps the good part, and never
//! panics. Method: real `spean` processes on homes in a temporary directory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::ground;

use std::fs;

use ground::Ground;

const LEARNERS: &str = "ref,family_km,given_km,family_latin,given_latin,sex,born,education,\
                        languages,arrived,card\n";
const EVENTS: &str = "ref,learner,date,kind,programme,module,session,score,max,version,value\n";

/// Goal: a home is made once; every missing or wrong part of it is named.
#[test]
fn homes() {
    let ground = Ground::of(&["CC1"]);
    let again = ground.run("CC1", &["init", "--code", "X", "--name", "X"]);
    again.refused(3, "is a node's home already");
    ground
        .run("nowhere", &["status"])
        .refused(3, "run 'spean init' first");

    ground
        .run("new", &["init", "--code", "NEW", "--name", "New"])
        .done();
    ground.run("new", &["status"]).refused(3, "not enrolled");
    let other = ground.path("ceremony/roster.spean");
    ground.run("new", &["roster", "install", &other]).done();
    ground
        .run("new", &["status"])
        .refused(3, "does not list this node's key");

    let keys = ground.path("CC1/keys.toml");
    let kept = fs::read_to_string(&keys).unwrap();
    ground.shell(&format!("chmod 644 {keys}"));
    ground.run("CC1", &["status"]).refused(3, "chmod 600");
    ground.shell(&format!("chmod 600 {keys}"));
    fs::write(&keys, "signing = 1").unwrap();
    ground.run("CC1", &["status"]).refused(3, "not a key file");
    fs::remove_file(&keys).unwrap();
    ground
        .run("CC1", &["status"])
        .refused(3, "copy it back from the backup");
    fs::write(&keys, kept).unwrap();
    ground.shell(&format!("chmod 600 {keys}"));
    ground.run("CC1", &["status"]).done();

    fs::write(ground.path("CC1/config.toml"), "[[pear]]\n").unwrap();
    ground.run("CC1", &["status"]).refused(3, "config.toml");
}

/// Goal: a database that is damaged, newer or in use is named as such.
#[test]
fn databases() {
    let ground = Ground::of(&["CC1", "CC2"]);
    let node = ground.start("CC1");
    ground.run("CC1", &["status"]).done();
    let second = ground.run("CC1", &["run"]);
    second.refused(3, "another program works on");
    drop(node);
    ground.run("CC1", &["status"]).done();

    let database = ground.path("CC2/spean.db");
    fs::write(
        &database,
        "this is no database, but it is long enough to look like a file",
    )
    .unwrap();
    ground.run("CC2", &["status"]).refused(4, "damaged");
}

/// Goal: rows that cannot be used are named with line and reason; the others are kept; the same
/// file again changes nothing.
#[test]
fn registers() {
    let ground = Ground::of(&["CC1"]);
    let learners = format!(
        "{LEARNERS}A1,,,Sok,Dara,M,1990,primary,km,2026-01-05,\n\
         A2,,,Sok,Dara,X,1990,primary,km,2026-01-05,\n\
         A3,,,,,F,,,,,\n\
         ,,,Chan,Thy,F,,,,,\n\
         A5,,,Keo,Mony,F,1990-13,,,,\n\
         A6,too,few\n\
         A7,,,Chea,Srey,F,,,km zz9,,\n\
         A8,,,Chea,Srey,F,,,km,2026-02-30,\n"
    );
    let mut bytes = learners.into_bytes();
    bytes.extend(b"A9,,,\xff\xfe,Bad,F,,,,,\n");
    fs::write(ground.path("l.csv"), bytes).unwrap();
    let events = format!(
        "{EVENTS}E1,A1,2026-02-01,attended,reintegration,micro-business,1,,,,\n\
         E2,A1,2026-02-01,flew,reintegration,micro-business,1,,,,\n\
         E3,nobody,2026-02-01,attended,reintegration,micro-business,1,,,,\n\
         E4,A1,yesterday,attended,reintegration,micro-business,2,,,,\n\
         E5,A1,2026-02-02,pre-test,reintegration,micro-business,,25,20,1,\n\
         E6,A1,2026-02-03,attended,reintegration,micro-business,2,,,,\n"
    );
    fs::write(ground.path("e.csv"), events).unwrap();
    let (l, e) = (ground.path("l.csv"), ground.path("e.csv"));
    let first = ground.run("CC1", &["import", "learners", &l]);
    first.ended(6);
    first.said("learners: 1 new, 0 known already, 8 refused");
    for reason in [
        "l.csv:3: sex",
        "l.csv:4: no name",
        "l.csv:5: ref is empty",
        "l.csv:10: not UTF-8",
    ] {
        first.said(reason);
    }
    let first = ground.run("CC1", &["import", "events", &e]);
    first.ended(6);
    first.said("events: 2 new, 0 known already, 3 refused");
    for reason in [
        "e.csv:3:",
        "e.csv:4: waits: no learner 'nobody'",
        "e.csv:5: date",
        "e.csv:6:",
    ] {
        first.said(reason);
    }
    let second = ground.run("CC1", &["import", "learners", &l]);
    second.said("learners: 0 new, 1 known already");
    let second = ground.run("CC1", &["import", "events", &e]);
    second.said("events: 0 new, 2 known already");

    fs::write(ground.path("w.csv"), "a,b\n1,2\n").unwrap();
    let wrong = ground.path("w.csv");
    ground
        .run("CC1", &["import", "events", &wrong])
        .refused(1, "no column 'kind', 'learner'");
    ground
        .run("CC1", &["import", "events", "none.csv"])
        .refused(1, "none.csv");
}

/// Goal: a stick that was pulled early, damaged, of another network or no stick at all is named,
/// and what came before the damage is kept; then the whole stick brings the rest, nothing twice.
#[test]
fn sticks() {
    let ground = Ground::of(&["CC1", "CC2"]);
    ground.learner("CC1", "Dara");
    for number in 0..40 {
        ground.learner("CC1", &format!("Person {number}"));
    }
    fs::create_dir(ground.path("stick")).unwrap();
    let stick = ground.path("stick");
    ground
        .run("CC1", &["stick", "export", &stick, "--carrier", "van 12"])
        .done();
    let file = ground.path("stick/spean-CC1-anyone-1.bundle");
    let whole = fs::read(&file).unwrap();

    fs::write(&file, &whole[..whole.len() - 100]).unwrap();
    let early = ground.run("CC2", &["stick", "import", &stick]);
    early.ended(6);
    early.said("ends early");
    let mut flipped = whole.clone();
    let middle = flipped.len() - 200;
    flipped[middle] ^= 1;
    fs::write(&file, &flipped).unwrap();
    let damaged = ground.run("CC2", &["stick", "import", &stick]);
    damaged.ended(6);
    damaged.said("damaged");
    fs::write(&file, b"holiday pictures").unwrap();
    ground
        .run("CC2", &["stick", "import", &stick])
        .said("not a Spean bundle");
    fs::write(&file, b"").unwrap();
    ground
        .run("CC2", &["stick", "import", &stick])
        .said("not a Spean bundle");

    fs::write(&file, &whole).unwrap();
    let inspected = ground.run("CC2", &["stick", "inspect", &stick]);
    inspected.done();
    inspected.said("carried by van 12");
    ground.run("CC2", &["stick", "import", &stick]).done();
    ground
        .run("CC2", &["stick", "import", &stick])
        .said("0 pieces were new here");
    let held = ground.run("CC2", &["status"]);
    held.done();
    assert!(!held.text.contains("missing in between"), "{}", held.text);

    let strangers = Ground::of(&["CC9"]);
    strangers
        .run("CC9", &["stick", "import", &stick])
        .said("another network");
    ground
        .run("CC2", &["stick", "import", "/nonexistent"])
        .refused(4, "is the stick in");
    ground
        .run("CC2", &["stick", "export", "/nonexistent"])
        .refused(4, "is the stick in");
    fs::create_dir(ground.path("empty")).unwrap();
    let empty = ground.path("empty");
    ground
        .run("CC2", &["stick", "import", &empty])
        .refused(1, "right stick");
}

/// Goal: a slip opens nothing at another prison, after a typing error, or when somebody changed it;
/// and it opens the record at its destination in whatever case and spacing it was typed.
#[test]
fn slips() {
    let ground = Ground::of(&["CC1", "CC2", "CC3"]);
    let learner = ground.learner("CC1", "Dara");
    let own = ground.run("CC1", &["transfer", "out", &learner, "--to", "CC1"]);
    own.refused(1, "this site itself");
    ground
        .run("CC1", &["transfer", "out", &learner, "--to", "Mars"])
        .refused(1, "no site 'Mars'");
    let bad_day = [
        "transfer", "out", &learner, "--to", "CC2", "--date", "tomorrow",
    ];
    ground.run("CC1", &bad_day).refused(1, "write it as");
    let out = ground.run(
        "CC1",
        &["transfer", "out", &learner, "--to", "CC2", "--json"],
    );
    out.done();
    let slip = out.json()["departures"][0]["done"]["slip"]
        .as_str()
        .unwrap()
        .to_owned();
    ground
        .run("CC1", &["transfer", "out", &learner, "--to", "CC2"])
        .refused(1, "has left for CC2 already");

    let enter = |site: &str, slip: &str| ground.run(site, &["transfer", "in", "--slip", slip]);
    enter("CC3", &slip).refused(1, "for CC2");
    enter("CC2", &slip[..slip.len() - 8]).refused(1, "");
    enter("CC2", "HELLO").refused(1, "not a whole slip");
    for at in [0, 10, slip.len() / 2, slip.len() - 20] {
        let mut changed = slip.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let said = enter("CC2", std::str::from_utf8(&changed).unwrap());
        said.refused(1, "a letter of this slip is wrong");
    }
    let typed: String = slip
        .to_lowercase()
        .as_bytes()
        .chunks(4)
        .map(|four| format!("{} ", std::str::from_utf8(four).unwrap()))
        .collect();
    let entered = enter("CC2", &typed);
    entered.done();
    entered.said("waiting for");
    enter("CC2", &slip).refused(1, "is here already");
}

/// Goal: a roster without signatures, of strangers, or older than the one at hand is refused.
#[test]
fn rosters() {
    let ground = Ground::of(&["CC1"]);
    let old = ground.path("old.spean");
    fs::copy(ground.path("ceremony/roster.spean"), &old).unwrap();
    ground
        .run("late", &["init", "--code", "LATE", "--name", "Late"])
        .done();
    let request = ground.path("late/request.toml");
    let propose = ["ceremony", "propose", "ceremony", &request];
    ground.run("dgp", &propose).done();
    let roster = ground.path("ceremony/proposal.spean");
    let install = |file: &str| ground.run("CC1", &["roster", "install", file]);
    install(&roster).refused(1, "are needed");
    let sign = |stick| ground.run("dgp", &["ceremony", "sign", "ceremony", "--stick", stick]);
    sign("root-1").done();
    install(&roster).refused(1, "are needed");
    sign("root-3").done();
    install(&roster).done();
    install(&old).refused(1, "already in force");
    let strangers = Ground::of(&["CC1"]);
    for _ in 0..3 {
        strangers.run("more", &["init", "--code", "M", "--name", "M"]);
    }
    let theirs = strangers.path("ceremony/roster.spean");
    ground.run("CC1", &["roster", "install", &theirs]).ended(1);
    fs::write(&old, [0x80; 300]).unwrap();
    ground
        .run("CC1", &["roster", "install", &old])
        .refused(1, "no roster");
    ground.run("CC1", &propose).refused(1, "in the roster");
}

/// Goal: what cannot be dialled is named: no such peer, nobody there.
#[test]
fn peers() {
    let ground = Ground::of(&["CC1", "CC2"]);
    ground
        .run("CC1", &["sync", "CC2"])
        .refused(5, "names no peer");
    let config = "[[peer]]\nsite = \"CC2\"\ndriver = \"quinn\"\naddress = \"127.0.0.1:9\"\n";
    fs::write(ground.path("CC1/config.toml"), config).unwrap();
    ground.run("CC1", &["sync", "CC2"]).ended(5);
    ground
        .run("CC1", &["sync", "Mars"])
        .refused(1, "no site 'Mars'");
    fs::write(
        ground.path("CC1/config.toml"),
        config.replace("quinn", "pigeon"),
    )
    .unwrap();
    ground
        .run("CC1", &["sync", "CC2"])
        .refused(3, "not iroh or quinn");
}
