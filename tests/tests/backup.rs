//! Goal: a node is backed up while it works; when its machine is gone, a home made from the stick goes
//! on, gets back what peers hold, and loses nothing that was sent; a copy of a machine loses nothing
//! and people are told; whoever finds the stick reads nothing; what cannot be restored says why.
//! Method: the real program; machines burn by being moved away, sticks are folders.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::ground;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use ground::{Ground, Said};

/// Makes the sheet of a node and gives its letters.
fn sheet(ground: &Ground, home: &str) -> String {
    let made = ground.run(home, &["backup", "--sheet", "--json"]);
    made.done();
    made.json()["sheet"].as_str().unwrap().to_owned()
}

/// Backs a node up onto the folder `stick` and gives the file.
fn backup(ground: &Ground, home: &str) -> String {
    fs::create_dir_all(ground.path("stick")).unwrap();
    let made = ground.run(home, &["backup", "stick", "--json"]);
    made.done();
    made.json()["backup"]["file"].as_str().unwrap().to_owned()
}

fn restore(ground: &Ground, home: &str, file: &str, code: &str) -> Said {
    ground.told(home, &["restore", file], &format!("{code}\n\n"))
}

fn sessions(ground: &Ground, home: &str, learner: &str) -> usize {
    let shown = ground.run(home, &["learner", "show", learner, "--json"]);
    shown.done();
    let modules = shown.json()["learner"]["view"]["progress"]["modules"].clone();
    let of = |module: &serde_json::Value| module["attended"].as_array().map_or(0, Vec::len);
    modules.as_array().unwrap().iter().map(of).sum()
}

fn figures(ground: &Ground, home: &str) -> String {
    let totals = ground.run(home, &["totals", "--json"]);
    totals.done();
    totals.json()["totals"]["figures"].to_string()
}

fn copies(ground: &Ground, home: &str) -> u64 {
    let status = ground.run(home, &["status", "--json"]);
    status.done();
    status.json()["status"]["copies"].as_u64().unwrap()
}

#[test]
fn a_machine_burns_and_another_goes_on_from_the_stick() {
    let ground = Ground::of(&["CC4", "KAM"]);
    let dara = ground.learner("CC4", "Daravuthy");
    ground.attends("CC4", &dara, "1").done();
    let running = ground.start("CC4");
    fs::create_dir(ground.path("stick")).unwrap();
    ground
        .run("CC4", &["backup", "stick"])
        .refused(3, "'spean backup --sheet'");
    let code = sheet(&ground, "CC4");

    // It is backed up time and again while officers record.
    let file = std::thread::scope(|scope| {
        let recording = scope.spawn(|| {
            for session in ["2", "3", "4", "5", "6"] {
                ground.attends("CC4", &dara, session).done();
                ground.run("CC4", &["flush"]).done();
            }
        });
        let mut file = backup(&ground, "CC4");
        while !recording.is_finished() {
            file = backup(&ground, "CC4");
        }
        recording.join().unwrap();
        file
    });
    let on_stick = fs::read_dir(ground.path("stick")).unwrap();
    let names: Vec<String> = on_stick
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.len() <= 2, "the newest two stay: {names:?}");
    assert!(names.iter().all(|name| name.ends_with(".backup")));
    found_stick_tells_nothing(&ground, &file);

    // A neighbour has what came after it; of the last session nobody else has anything.
    ground.attends("CC4", &dara, "7").done();
    ground.carry("CC4", "KAM").done();
    ground.attends("CC4", &dara, "8").done();
    drop(running);
    fs::rename(ground.path("CC4"), ground.path("burnt")).unwrap();

    let check = ground.told(
        "CC4",
        &["restore", &file, "--check"],
        &format!("{}\n\n", code.to_lowercase()),
    );
    check.done();
    check.said("is whole, and this code opens it");
    assert!(!fs::exists(ground.path("CC4")).unwrap());
    let restored = restore(&ground, "CC4", &file, &code);
    restored.done();
    restored.said("Restored CC4 (CC4) as it was on ");
    let roster = ground.run("dgp", &["roster", "show", "--json"]).json();
    restored.said(roster["roster"]["seal"].as_str().unwrap());
    let mode = |name: &str| {
        let about = fs::metadata(ground.path(&format!("CC4/{name}"))).unwrap();
        about.permissions().mode() & 0o777
    };
    assert_eq!((mode(""), mode("keys.toml")), (0o700, 0o600));

    let running = ground.start("CC4");
    assert!(sessions(&ground, "CC4", &dara) <= 6);
    // Somebody works before the lost tail is back: what was and what is now are siblings.
    ground.attends("CC4", &dara, "8").done();
    ground.run("CC4", &["flush"]).done();
    ground.carry("KAM", "CC4").done();
    assert_eq!(sessions(&ground, "CC4", &dara), 8);
    ground
        .run("CC4", &["status"])
        .said("NOTE: a copy of this machine exists, or it was restored from a backup");
    let rith = ground.learner("CC4", "Rith");
    ground.attends("CC4", &rith, "1").done();
    for _ in 0..2 {
        ground.carry("CC4", "dgp").done();
        ground.carry("dgp", "CC4").done();
    }
    assert_eq!(sessions(&ground, "dgp", &dara), 8);
    assert_eq!(sessions(&ground, "dgp", &rith), 1);
    assert_eq!(figures(&ground, "dgp"), figures(&ground, "CC4"));

    // The sheet is still that of the node.
    backup(&ground, "CC4");
    drop(running);
}

/// Neither a name nor a key is in it, nor what SQLite's files begin with.
fn found_stick_tells_nothing(ground: &Ground, file: &str) {
    let bytes = fs::read(file).unwrap();
    let holds = |word: &[u8]| bytes.windows(word.len()).any(|part| part == word);
    let keys = fs::read_to_string(ground.path("CC4/keys.toml")).unwrap();
    let hex = keys.split('"').filter(|word| word.len() == 64);
    let hex: Vec<&str> = hex.collect();
    assert!(hex.len() >= 3);
    for word in hex {
        let raw = data_encoding::HEXLOWER.decode(word.as_bytes()).unwrap();
        assert!(!holds(word.as_bytes()) && !holds(&raw));
    }
    let words = ["Daravuthy", "daravuthy", "SQLite format", "keys.toml"];
    assert!(words.iter().all(|word| !holds(word.as_bytes())));
    let database = fs::read(ground.path("CC4/spean.db")).unwrap();
    assert!(database.starts_with(b"SQLite format"), "the search finds");
}

/// A disk image is started twice, as an officer does who wants a second computer.
#[test]
fn both_copies_of_a_machine_work_and_people_are_told() {
    let ground = Ground::of(&["CC4", "KAM"]);
    let dara = ground.learner("CC4", "Dara");
    ground.attends("CC4", &dara, "1").done();
    ground.run("CC4", &["flush"]).done();
    ground.shell(&format!("cp -r {0} {0}-copy", ground.path("CC4")));
    let _running = [ground.start("CC4"), ground.start("CC4-copy")];
    ground.attends("CC4", &dara, "2").done();
    ground.attends("CC4-copy", &dara, "3").done();
    let rith = ground.learner("CC4-copy", "Rith");
    ground.attends("CC4-copy", &rith, "1").done();
    assert_eq!(
        (copies(&ground, "CC4"), copies(&ground, "CC4-copy")),
        (0, 0)
    );

    ground.carry("CC4", "dgp").done();
    ground.carry("CC4-copy", "dgp").done();
    assert_eq!(sessions(&ground, "dgp", &dara), 3);
    ground.carry("dgp", "CC4").done();
    ground.carry("dgp", "CC4-copy").done();
    for home in ["CC4", "CC4-copy"] {
        assert_eq!(sessions(&ground, home, &dara), 3, "{home}");
        assert_eq!(sessions(&ground, home, &rith), 1, "{home}");
        let status = ground.run(home, &["status"]);
        status.said("NOTE: a copy of this machine exists");
        assert!(copies(&ground, home) > 0);
        assert_eq!(figures(&ground, home), figures(&ground, "dgp"));
    }
    // The head office is told, too.
    ground
        .run("dgp", &["status"])
        .said("a copy of its machine exists, or it was restored from a backup");
    // Both go on all the same.
    ground.attends("CC4", &rith, "2").done();
    ground.attends("CC4-copy", &rith, "3").done();
    ground.carry("CC4", "dgp").done();
    ground.carry("CC4-copy", "dgp").done();
    assert_eq!(sessions(&ground, "dgp", &rith), 3);
}

/// A machine is set back to a snapshot under the running node: killed, the old disk put back, started.
#[test]
fn a_machine_that_is_set_back_gets_its_tail_back() {
    let ground = Ground::of(&["CC4"]);
    let dara = ground.learner("CC4", "Dara");
    let running = ground.start("CC4");
    ground.attends("CC4", &dara, "1").done();
    ground.run("CC4", &["flush"]).done();
    drop(running);
    ground.shell(&format!("cp -r {0} {0}-snapshot", ground.path("CC4")));
    for session in ["2", "3"] {
        ground.attends("CC4", &dara, session).done();
        ground.carry("CC4", "dgp").done();
    }
    fs::remove_dir_all(ground.path("CC4")).unwrap();
    fs::rename(ground.path("CC4-snapshot"), ground.path("CC4")).unwrap();
    let _running = ground.start("CC4");
    assert_eq!(sessions(&ground, "CC4", &dara), 1);
    ground.attends("CC4", &dara, "4").done();
    ground.carry("CC4", "dgp").done();
    assert_eq!(sessions(&ground, "dgp", &dara), 4);
    ground.carry("dgp", "CC4").done();
    assert_eq!(sessions(&ground, "CC4", &dara), 4);
    assert!(copies(&ground, "CC4") > 0);
}

/// The disk is new and of the old one there are the keys alone: everything that was sent comes back.
#[test]
fn a_new_disk_with_the_keys_alone() {
    let ground = Ground::of(&["CC4"]);
    let dara = ground.learner("CC4", "Dara");
    for session in ["1", "2"] {
        ground.attends("CC4", &dara, session).done();
    }
    ground.carry("CC4", "dgp").done();
    let before = figures(&ground, "dgp");
    fs::rename(ground.path("CC4"), ground.path("burnt")).unwrap();
    fs::create_dir(ground.path("CC4")).unwrap();
    fs::copy(ground.path("burnt/keys.toml"), ground.path("CC4/keys.toml")).unwrap();
    let roster = ["roster", "install", "ceremony/roster.spean"];
    ground.run("CC4", &roster).done();
    ground.carry("dgp", "CC4").done();
    assert_eq!(sessions(&ground, "CC4", &dara), 2);
    assert_eq!(figures(&ground, "CC4"), before);
    ground.attends("CC4", &dara, "3").done();
    ground.carry("CC4", "dgp").done();
    assert_eq!(sessions(&ground, "dgp", &dara), 3);
    assert_eq!(copies(&ground, "CC4"), 0, "it knew of all that was before");
}

/// A node is killed amid its backups: whatever has a backup's name is whole, and the next one is made.
#[test]
fn a_node_that_is_killed_amid_its_backup() {
    let ground = Ground::of(&["CC4"]);
    ground.import_learners("CC4", 300);
    let code = sheet(&ground, "CC4");
    fs::create_dir(ground.path("stick")).unwrap();
    for round in 0..8 {
        let running = ground.start("CC4");
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| ground.run("CC4", &["backup", "stick"]));
            std::thread::sleep(std::time::Duration::from_millis(5 + 4 * round));
            drop(running);
            asked.join().unwrap();
        });
    }
    backup(&ground, "CC4");
    let mut whole = 0;
    for entry in fs::read_dir(ground.path("stick")).unwrap() {
        let path = entry.unwrap().path().display().to_string();
        assert!(path.ends_with(".backup"), "{path}");
        let check = ["restore", "--check", &path];
        ground
            .told("nowhere", &check, &format!("{code}\n\n"))
            .done();
        whole += 1;
    }
    assert!((1..=2).contains(&whole), "{whole}");
    ground.run("CC4", &["status"]).said("learners: 300");
}

/// Two officials read a code out of the escrow where the sheet is lost; it opens one file.
#[test]
fn two_officials_open_one_backup() {
    let ground = Ground::of(&["CC4"]);
    let dara = ground.learner("CC4", "Dara");
    sheet(&ground, "CC4");
    let before = backup(&ground, "CC4");
    let file = backup(&ground, "CC4");
    let open = |sticks: &[&str]| {
        let mut words = vec!["ceremony", "open-backup", &file, "--json"];
        for stick in sticks {
            words.extend(["--stick", stick]);
        }
        ground.run("nowhere", &words)
    };
    open(&["root-1"]).refused(1, "2 are needed");
    let opened = open(&["root-1", "root-3"]);
    opened.done();
    assert_eq!(opened.json()["site"], "CC4");
    let code = opened.json()["code"].as_str().unwrap().to_owned();
    restore(&ground, "new", &before, &code).refused(1, "the code is of another backup");
    restore(&ground, "new", &file, &code).done();
    ground.run("new", &["learner", "show", &dara]).said("Dara");
    // Another country's officials do not.
    let other = Ground::of(&["CC4"]);
    let sticks = [other.path("root-1"), other.path("root-2")];
    open(&[&sticks[0], &sticks[1]]).refused(1, "does not open this backup");
}

#[test]
fn what_cannot_be_restored_says_why_and_leaves_nothing() {
    let ground = Ground::of(&["CC4"]);
    // Enough for some chunks.
    ground.import_learners("CC4", 200);
    let code = sheet(&ground, "CC4");
    let file = backup(&ground, "CC4");
    let newer = sheet(&ground, "CC4");
    restore(&ground, "CC4", &file, &code).refused(3, "is a node's home already");
    let refused = |file: &str, code: &str, status: i32, why: &str| {
        restore(&ground, "new", file, code).refused(status, why);
        assert!(!fs::exists(ground.path("new")).unwrap(), "{why}");
    };
    refused(&file, &newer, 1, "another sheet opens this backup");
    refused(&file, "AAAA BBBB", 1, "8 groups of four");
    refused(&file, "", 1, "8 groups of four");
    let wrong = code.replacen(code.chars().next().unwrap(), "7", 1);
    if wrong != code {
        refused(&file, &wrong, 1, "a letter is wrong");
    }
    refused(&ground.path("no-such-file"), &code, 4, "is the stick in");
    refused(&ground.path("stick"), &code, 1, "not a Spean backup");
    refused(&ground.path("CC4/spean.db"), &code, 1, "not a Spean backup");
    ground.carry("CC4", "dgp").done();
    let bundle = fs::read_dir(ground.path("stick-CC4-dgp")).unwrap().next();
    let bundle = bundle.unwrap().unwrap().path().display().to_string();
    refused(&bundle, &code, 1, "not a Spean backup");

    let whole = fs::read(&file).unwrap();
    let changed = ground.path("changed.backup");
    let kept = |bytes: &[u8]| fs::write(&changed, bytes).unwrap();
    // Where a chunk ends, and within: the head, the list of files, the first chunk, the last.
    let chunk = 64 * 1024 + 20;
    let list = 156 + 4 + usize::from(u16::from_le_bytes([whole[156], whole[157]]));
    for length in [0, 7, 8, 100, 155] {
        kept(&whole[..length]);
        let why = if length < 8 {
            "not a Spean backup"
        } else {
            "it ends early"
        };
        refused(&changed, &code, 1, why);
    }
    for length in [
        156,
        158,
        170,
        list,
        list + 2,
        list + 4,
        list + chunk,
        whole.len() - 1,
    ] {
        kept(&whole[..length]);
        refused(&changed, &code, 1, "it ends early");
    }
    let flip = |at: usize, why: &str| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        kept(&bytes);
        refused(&changed, &code, 1, why);
    };
    flip(3, "not a Spean backup");
    flip(7, "a newer program");
    flip(10, "another sheet opens this backup");
    flip(40, "another sheet opens this backup");
    flip(170, "the file was changed");
    flip(list + 40, "damaged at chunk 1");
    flip(list + chunk + 40, "damaged at chunk 2");
    flip(whole.len() - 1, "damaged at chunk");
    kept(&[&whole[..], b"more"].concat());
    refused(&changed, &code, 1, "something after its last chunk");
    // Two chunks change places.
    let (first, second) = (
        &whole[list..list + chunk],
        &whole[list + chunk..list + 2 * chunk],
    );
    kept(&[&whole[..list], second, first, &whole[list + 2 * chunk..]].concat());
    refused(&changed, &code, 1, "damaged at chunk 1");
    // A byte for the escrow does not keep the sheet from opening it.
    let mut bytes = whole.clone();
    bytes[100] ^= 1;
    kept(&bytes);
    restore(&ground, "new", &changed, &code).done();
}

/// Where the stick takes no more, it says so, and nothing half is on it under any name.
#[test]
fn a_stick_that_is_full_or_gone() {
    let ground = Ground::of(&["CC4"]);
    ground.learner("CC4", "Dara");
    sheet(&ground, "CC4");
    ground
        .run("CC4", &["backup", "no-such-stick"])
        .refused(4, "is the stick in");
    fs::create_dir(ground.path("stick")).unwrap();
    // The system refuses to write beyond that: a stick's end, as far as a file can tell.
    let small = format!(
        "trap '' XFSZ; ulimit -f 100; {} --home {} backup {} 2>{}",
        env!("CARGO_BIN_EXE_spean-under-test"),
        ground.path("CC4"),
        ground.path("stick"),
        ground.path("said"),
    );
    ground.shell(&format!("! ({small})"));
    let said = fs::read_to_string(ground.path("said")).unwrap();
    assert!(said.contains("no file of that size"), "{said}");
    assert_eq!(fs::read_dir(ground.path("stick")).unwrap().count(), 0);
    // What an earlier try left half gives way.
    fs::write(ground.path("stick/spean-backup.part"), "half").unwrap();
    backup(&ground, "CC4");
    assert_eq!(fs::read_dir(ground.path("stick")).unwrap().count(), 1);
}

/// Keys of three cohorts are on each backup; one that is older than that says what to do.
#[test]
fn a_backup_of_long_ago() {
    let ground = Ground::of(&["CC4"]);
    ground.learner("CC4", "Dara");
    let code = sheet(&ground, "CC4");
    let file = backup(&ground, "CC4");
    let roster = ["roster", "install", "ceremony/proposal.spean"];
    for cohort in 2..=4 {
        for _ in 0..2 {
            ground.run("CC4", &["flush"]).done();
            ground.run("dgp", &["flush"]).done();
            ground.carry("CC4", "dgp").done();
        }
        ground.ordain("dgp", &["--next-cohort"]);
        ground.run("CC4", &roster).done();
        let shown = ground.run("CC4", &["roster", "show"]);
        shown.said(&format!("cohort {cohort}"));
    }
    let told = ground.run("CC4", &["backup", "stick"]);
    told.done();
    told.said("The sheet made in cohort 1 opens it, or two officials with the escrow.");
    told.said("NOTE: cohort 4 is in force: make a new sheet");
    restore(&ground, "old", &file, &code).done();
    let installed = ground.run("old", &roster);
    let stopped = if installed.is_done() {
        ground.run("old", &["status"])
    } else {
        installed
    };
    stopped.refused(3, "or of an old backup");
    stopped.said("restore a newer backup");
}
