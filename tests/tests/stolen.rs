//! Goal: a prison's server is stolen. Officials revoke its key in three buildings; what it wrote before
//! counts, what the thief writes is set aside by name wherever it comes, nothing is sealed to it any
//! more, the next computer goes on where the stolen one ended, and what was honest and came late is
//! let in by a person.
//! Method: the real program; the theft is a copy of the node's home, the thief uses it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::ground;

use std::fs;

use ground::{Ground, Said};

/// Sessions attended, as the head office counts them.
fn sessions(ground: &Ground, learner: &str) -> usize {
    let shown = ground.run("dgp", &["learner", "show", learner, "--json"]);
    shown.done();
    let modules = shown.json()["learner"]["view"]["progress"]["modules"].clone();
    let of = |module: &serde_json::Value| module["attended"].as_array().map_or(0, Vec::len);
    modules.as_array().unwrap().iter().map(of).sum()
}

/// Two prisons; one's server is stolen after its last stick went out, and another was still under way.
fn stolen() -> (Ground, String) {
    let ground = Ground::of(&["CC4", "KAM"]);
    let dara = ground.learner("CC4", "Dara");
    ground.attends("CC4", &dara, "1").done();
    ground.carry("CC4", "dgp").done();
    assert_eq!(sessions(&ground, &dara), 1);
    // Honest work of the last days, which only a neighbour has.
    ground.attends("CC4", &dara, "2").done();
    ground.carry("CC4", "KAM").done();
    ground.shell(&format!("cp -a {0} {0}-thief", ground.path("CC4")));
    fs::rename(ground.path("CC4"), ground.path("CC4-burnt")).unwrap();
    (ground, dara)
}

#[test]
fn what_a_thief_writes_counts_nowhere_and_what_was_honest_is_let_in() {
    let (ground, dara) = stolen();
    let proposed = ground.ordain("dgp", &["--revoke", "CC4"]);
    proposed
        .said("! CC4: A KEY OF ITS NODE IS REVOKED, 0 are left. What it signed counts up to run ");
    ground.run("dgp", &["roster", "show"]).said("revoked");
    assert_eq!(sessions(&ground, &dara), 1);

    let install = ["roster", "install", "ceremony/proposal.spean"];
    ground.run("KAM", &install).done();
    let honest = runs_aside(&ground.run("KAM", &["status", "--json"]));
    let honest = honest.last().unwrap();

    // The thief's own node does not know it yet, and writes on. His stick reaches the head office.
    ground.attends("CC4-thief", &dara, "7").done();
    ground.carry("CC4-thief", "dgp").done();
    ground
        .run("dgp", &["status"])
        .said("segments are set aside");
    assert_eq!(sessions(&ground, &dara), 1);
    // The neighbour hears of it, and has honest work of the last days.
    ground.carry("dgp", "KAM").done();
    ground.carry("KAM", "dgp").done();
    assert_eq!(sessions(&ground, &dara), 1);

    // The prison's own days are in one run, the thief's in another, and a person can tell which was
    // on the neighbour's stick before the theft.
    let all = runs_aside(&ground.run("dgp", &["status", "--json"]));
    assert!(all.contains(honest));
    let propose = |run: &str| {
        let words = ["ceremony", "propose", "ceremony", "--release", run];
        ground.run("dgp", &words)
    };
    propose("").refused(1, "type more");
    propose("zzzzzzzz").refused(1, "no run of that id");
    let released = ground.ordain("dgp", &["--release", &honest[..12]]);
    released.said("! CC4: what its revoked key signed counts up to run ");
    assert_eq!(sessions(&ground, &dara), 2);
    ground.carry("dgp", "KAM").done();
    let left = runs_aside(&ground.run("KAM", &["status", "--json"]));
    assert!(!left.contains(honest), "{left:?}");
}

fn runs_aside(status: &Said) -> Vec<String> {
    status.done();
    let sites = status.json()["status"]["sites"].clone();
    let of = |site: &serde_json::Value| site["beyond_cut"].as_array().unwrap().clone();
    let runs = sites.as_array().unwrap().iter().flat_map(of);
    runs.map(|run| run["run"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_next_computer_goes_on_and_the_stolen_one_is_told() {
    let (ground, dara) = stolen();
    let init = ["init", "--code", "CC4", "--name", "CC4"];
    ground.run("CC4", &init).done();
    let both = ["--revoke", "CC4", "--again", "CC4/request.toml"];
    let proposed = ground.ordain("dgp", &both);
    proposed.said("1 new node keys, ANOTHER box key");
    let install = ["roster", "install", "ceremony/proposal.spean"];
    ground.run("CC4", &install).done();
    ground.carry("dgp", "CC4").done();
    // The head office, which holds its custody keys, gives them to the new node.
    let shown = ground.run("CC4", &["learner", "show", &dara]);
    shown.said("Sok Dara");
    ground.attends("CC4", &dara, "3").done();
    let rith = ground.learner("CC4", "Rith");
    ground.attends("CC4", &rith, "1").done();
    ground.carry("CC4", "dgp").done();
    assert_eq!((sessions(&ground, &rith), sessions(&ground, &dara)), (1, 2));

    // The thief's node hears of it from a stick, and refuses to go on; to start, too.
    ground.carry("dgp", "CC4-thief");
    ground
        .attends("CC4-thief", &dara, "9")
        .refused(3, "was revoked");
    ground
        .run("CC4-thief", &["status"])
        .refused(3, "was revoked");
    // Its keys are not enrolled a second time.
    let again = [
        "ceremony",
        "propose",
        "ceremony",
        "--again",
        "CC4-thief/request.toml",
    ];
    ground.run("dgp", &again).refused(1, "its key is revoked");
}

/// What is restricted only the escrow has: two officials give its keys to the next computer, and to no
/// other.
#[test]
fn restricted_records_come_back_from_the_escrow() {
    let ground = Ground::of(&["CC4", "KAM"]);
    let dara = ground.learner("CC4", "Dara");
    let sees = ["record", &dara, "--kind", "disability", "--value", "seeing"];
    ground.run("CC4", &sees).done();
    let disabilities = || {
        let shown = ground.run("CC4", &["learner", "show", &dara, "--json"]);
        shown.done();
        let view = shown.json()["learner"]["view"].clone();
        view["restricted"]["disabilities"].to_string()
    };
    let before = disabilities();
    assert!(before.contains("\"value\":2"), "{before}");
    ground
        .run("CC4", &["restricted", "ask", "ask"])
        .refused(1, "lacks no key");
    ground.carry("CC4", "dgp").done();
    fs::rename(ground.path("CC4"), ground.path("CC4-burnt")).unwrap();
    let init = ["init", "--code", "CC4", "--name", "CC4"];
    ground.run("CC4", &init).done();
    let both = ["--revoke", "CC4", "--again", "CC4/request.toml"];
    ground.ordain("dgp", &both);
    let install = ["roster", "install", "ceremony/proposal.spean"];
    ground.run("CC4", &install).done();
    ground
        .run("CC4", &["restricted", "ask", "ask"])
        .refused(1, "gets its prison's log first");
    ground.carry("dgp", "CC4").done();
    ground
        .run("CC4", &["learner", "show", &dara])
        .said("Sok Dara");
    assert_ne!(disabilities(), before, "the head office does not have it");

    ground.run("CC4", &["restricted", "ask", "ask"]).done();
    let give = |sticks: &[&str]| {
        let words = ["ceremony", "give-back", "ceremony", "ask"];
        ground.run("dgp", &[&words[..], sticks].concat())
    };
    give(&["--stick", "root-1"]).refused(1, "1 of its holders are here, 2 are needed");
    give(&["--stick", "root-1", "--stick", "root-3"]).said("1 keys given, 0 closed");
    for (home, file, why) in [
        ("KAM", "ask.given", "these keys are for another node"),
        ("CC4", "ask", "no file with keys"),
        ("CC4", "ceremony/roster.spean", "no file with keys"),
    ] {
        ground
            .run(home, &["restricted", "take", file])
            .refused(1, why);
    }
    let take = ["restricted", "take", "ask.given"];
    ground.run("CC4", &take).said("1 keys taken");
    ground.run("CC4", &take).said("0 keys taken");
    assert_eq!(disabilities(), before);
    let asked = [
        "ceremony",
        "give-back",
        "ceremony",
        "ask.given",
        "--stick",
        "root-1",
    ];
    ground
        .run("dgp", &asked)
        .refused(1, "'spean restricted ask' writes such a file");
}

#[test]
fn what_cannot_be_revoked_is_said() {
    let (ground, _) = stolen();
    let propose = |words: &[&str]| {
        ground.run(
            "dgp",
            &[&["ceremony", "propose", "ceremony"], words].concat(),
        )
    };
    propose(&["--revoke", "XX"]).refused(1, "no site 'XX'");
    propose(&["--revoke", "DGP"]).refused(1, "cannot propose that about itself");
    propose(&["--release", "00000000"]).refused(1, "no run of that id is set aside");
    propose(&[]).ended(2);
    ground.ordain("dgp", &["--revoke", "CC4"]);
    propose(&["--revoke", "CC4"]).refused(1, "no key any more");
}

/// What the whole disk of a stolen server tells of other prisons' people: no name, in whatever column or
/// file, and nothing that follows from a name by the keys that are on it.
#[test]
fn a_stolen_disk_holds_no_name_of_another_prison() {
    const SOURCE: &[u8] = b"register";
    const PLANTED: usize = 1_000;
    const DICTIONARY: usize = 1_000_000;
    let ground = Ground::of(&["CC4", "KAM"]);
    let mut rows = "ref,family_km,given_km,family_latin,given_latin,sex,born,education,languages,\
                    arrived,card\n"
        .to_owned();
    let planted = |number: usize| format!("Qanary{number:04}z");
    for number in 0..PLANTED {
        let name = planted(number);
        rows += &format!("{name},,,{name},Vitou,M,1990,primary,km,2026-01-05,\n");
    }
    fs::write(ground.path("l.csv"), &rows).unwrap();
    ground.run("KAM", &["import", "learners", "l.csv"]).done();
    let head = rows.lines().next().unwrap();
    let one = format!("{head}\nOwnperson,,,Ownperson,Vitou,M,1990,primary,km,2026-01-05,\n");
    fs::write(ground.path("o.csv"), one).unwrap();
    ground.run("CC4", &["import", "learners", "o.csv"]).done();
    // Everything of KAM is on CC4's disk, and the other way round.
    ground.carry("CC4", "KAM").done();
    ground.carry("KAM", "CC4").done();

    let disk = |home: &str| {
        let files = fs::read_dir(ground.path(home)).unwrap();
        let files = files
            .map(|file| file.unwrap())
            .filter(|file| file.file_type().unwrap().is_file());
        files
            .flat_map(|file| fs::read(file.path()).unwrap())
            .collect::<Vec<u8>>()
    };
    let holds = |disk: &[u8], word: &str| {
        let word = word.to_ascii_lowercase();
        disk.windows(word.len())
            .any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
    };
    let (stolen, at_home) = (disk("CC4"), disk("KAM"));
    assert!(
        holds(&at_home, &planted(0)) && holds(&stolen, "Ownperson"),
        "the search finds"
    );
    assert!(stolen.len() > PLANTED * 100, "the ciphertext is there");
    // One search for what all have in common: a thousand would take a minute.
    assert!(!holds(&stolen, "Qanary"));

    // Ids and handles that could be recomputed from a name, with what is on the disk and without.
    let keys = fs::read_to_string(ground.path("CC4/keys.toml")).unwrap();
    let secret = keys.lines().find_map(|line| line.strip_prefix("secret = "));
    let hex = data_encoding::HEXLOWER;
    let secret = hex
        .decode(secret.unwrap().trim_matches('"').as_bytes())
        .unwrap();
    let start = |bytes: &[u8]| u64::from_le_bytes(bytes[..8].try_into().unwrap());
    let on_disk: std::collections::HashSet<u64> = stolen.windows(8).map(start).collect();
    let located = |name: &str| {
        let name = name.as_bytes();
        let imported = "spean 2026 imported learner v1";
        let keyed = spean_protocol::seal::derive(imported, &[&secret, SOURCE, name]);
        let hashes = [*blake3::hash(name).as_bytes(), keyed];
        hashes.iter().any(|hash| on_disk.contains(&start(hash)))
    };
    assert!(located("Ownperson"), "of its own people it tells");
    let dictionary = (0..DICTIONARY).map(|number| match number < PLANTED {
        true => planted(number),
        false => format!("Somebody{number}"),
    });
    // By chance one word in 2^64 is that of some place on the disk.
    assert_eq!(dictionary.filter(|name| located(name)).count(), 0);
}
