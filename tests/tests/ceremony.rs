//! Goal: three officials with this program, paper and three sticks make rosters; one of them alone
//! makes none, nor does one who finds a stick; and whoever confuses a stick, a sheet or a folder is
//! told so before anything is signed.
//! Method: the real program, as the officials call it, passphrases on its standard input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::ground;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use ed25519_dalek::SigningKey;
use ground::Ground;
use spean_protocol::escrow::{Deposit, Escrow};
use spean_protocol::roster::SignedRoster;
use spean_protocol::seal::Secret;

const WORDS: [&str; 3] = [
    "first official's words",
    "second official's words",
    "third official's words",
];

/// The head office and a prison, enrolled by a ceremony with passphrases.
fn begun() -> Ground {
    let ground = Ground::empty();
    ground.init_headquarters();
    let init = ["init", "--code", "CC4", "--name", "CC4 Pursat"];
    ground.run("CC4", &init).done();
    for stick in ["a", "b", "c"] {
        fs::create_dir(ground.path(stick)).unwrap();
    }
    let begin = [
        "ceremony", "begin", "folder", "--stick", "a", "--stick", "b", "--stick", "c",
    ];
    let requests = ["dgp/request.toml", "CC4/request.toml"];
    let begin = [&begin[..], &requests].concat();
    ground
        .told("dgp", &begin, "too short\n")
        .refused(1, "at least 12 characters");
    ground
        .told("dgp", &begin, "")
        .refused(1, "Passphrase of root 1");
    ground.told("dgp", &begin, &WORDS.join("\n")).done();
    for home in ["dgp", "CC4"] {
        let installed = ground.run(home, &["roster", "install", "folder/roster.spean"]);
        installed.done();
        installed.said("Seal of the roots: ");
    }
    ground
}

fn sign(ground: &Ground, stick: &str, words: &str) -> ground::Said {
    ground.told(
        "dgp",
        &["ceremony", "sign", "folder", "--stick", stick],
        words,
    )
}

fn propose(ground: &Ground, code: &str) -> ground::Said {
    let init = ["init", "--code", code, "--name", code];
    ground.run(code, &init).done();
    let request = format!("{code}/request.toml");
    ground.run("dgp", &["ceremony", "propose", "folder", &request])
}

#[test]
fn a_site_is_enrolled_by_two_of_three() {
    let ground = begun();
    let proposed = propose(&ground, "KAM");
    proposed.done();
    proposed.said("Roster 2 is to follow roster 1");
    proposed.said("+ KAM: KAM (prison)");
    let install = |home: &str| {
        let file = ["roster", "install", "folder/proposal.spean"];
        ground.run(home, &file)
    };
    install("dgp").refused(1, "are needed");
    sign(&ground, "a", WORDS[1]).refused(1, "another passphrase");
    sign(&ground, "a", WORDS[0]).said("Signed by 1 of the roots, 2 are needed.");
    sign(&ground, "a", WORDS[0]).said("Signed by 1 of the roots");
    install("dgp").refused(1, "are needed");
    let done = sign(&ground, "c", WORDS[2]);
    done.done();
    done.said("Signed by 2 of the roots");
    for home in ["dgp", "KAM"] {
        install(home).done();
    }
    // It spreads like anything else: CC4 hears of it from a stick.
    fs::create_dir(ground.path("van")).unwrap();
    ground.run("dgp", &["stick", "export", "van"]).done();
    ground.run("CC4", &["stick", "import", "van"]).done();
    ground.run("CC4", &["roster", "show"]).said("Roster 2");

    // Who is in it is not enrolled a second time; a third signature does no harm.
    let again = ground.run(
        "dgp",
        &["ceremony", "propose", "folder", "KAM/request.toml"],
    );
    again.refused(1, "a site of that code is in the roster");
    sign(&ground, "b", WORDS[1]).done();
}

/// A key signs one roster of each version: else two halves of the country could be shown two. What is
/// proposed again into the same folder has a later version.
#[test]
fn a_key_signs_one_roster_of_each_version() {
    let ground = begun();
    propose(&ground, "KAM").done();
    sign(&ground, "a", WORDS[0]).done();
    ground
        .run("KAN", &["init", "--code", "KAN", "--name", "KAN"])
        .done();
    let elsewhere = ["ceremony", "propose", "second", "KAN/request.toml"];
    ground
        .run("dgp", &elsewhere)
        .said("Roster 2 is to follow roster 1");
    let second = ["ceremony", "sign", "second", "--stick", "a"];
    ground
        .told("dgp", &second, WORDS[0])
        .refused(1, "has signed another roster 2");
    let again = ["ceremony", "propose", "folder", "KAN/request.toml"];
    ground
        .run("dgp", &again)
        .said("Roster 3 is to follow roster 1");
    sign(&ground, "a", WORDS[0]).done();
    let signed = sign(&ground, "c", WORDS[2]);
    signed.done();
    signed.said("Signed by 2 of the roots");
    ground
        .run("dgp", &["roster", "install", "folder/proposal.spean"])
        .done();
}

/// Whoever carries the folder cannot hide what a proposal changes, by putting another roster in the
/// place of the one in force: not one that lists the new site already, nor one with roots of his own.
#[test]
fn what_changes_cannot_be_hidden() {
    let ground = begun();
    propose(&ground, "EVL").said("+ EVL: EVL (prison), seal of its keys ");
    let roster = ground.path("folder/roster.spean");
    let honest = fs::read(&roster).unwrap();
    let proposal = fs::read(ground.path("folder/proposal.spean")).unwrap();
    let with_it = SignedRoster::decode(&proposal).unwrap().preview().unwrap();

    let mut unsigned = with_it.clone();
    unsigned.version = 1;
    fs::write(&roster, SignedRoster::propose(&unsigned).encode()).unwrap();
    sign(&ground, "a", WORDS[0]).refused(1, "signed by 0 of the root keys");

    let own = SigningKey::from_bytes(&[9; 32]);
    unsigned.roots.push(own.verifying_key().to_bytes());
    unsigned.threshold = 1;
    let mut usurped = SignedRoster::propose(&unsigned);
    assert!(usurped.sign(&own).unwrap());
    fs::write(&roster, usurped.encode()).unwrap();
    let refused = sign(&ground, "a", WORDS[0]);
    refused.refused(1, "does not follow roster 1 that this stick knows");
    let show = ["ceremony", "show", "folder"];
    ground
        .run("dgp", &show)
        .said("! THE ROOT KEYS: 2 of 3, seal ");

    // A version that leaves none for the next is not signed either.
    let mut last = with_it;
    last.version = u32::MAX;
    let path = ground.path("folder/proposal.spean");
    fs::write(&roster, &honest).unwrap();
    fs::write(&path, SignedRoster::propose(&last).encode()).unwrap();
    sign(&ground, "a", WORDS[0]).refused(1, "propose again");
    fs::write(&path, &proposal).unwrap();
    sign(&ground, "a", WORDS[0]).done();
}

/// A roster that somebody else made has another seal, and a request is shown as what it is.
#[test]
fn seals_tell_who_made_it() {
    let ground = begun();
    let (ours, theirs) = (ground.path("folder/roster.spean"), begun());
    let theirs = theirs.path("folder/roster.spean");
    let shown = ground.run("new", &["roster", "show", &ours, "--json"]);
    let seal = shown.json()["roster"]["seal"].as_str().unwrap().to_owned();
    let made = ground.run("KAM", &["init", "--code", "KAM", "--name", "KAM", "--json"]);
    let keys = made.json()["seal"].as_str().unwrap().to_owned();
    propose(&ground, "KAN").done();
    let install = |file: &str| ground.run("KAN", &["roster", "install", file, "--seal", &seal]);
    install(&theirs).refused(1, "somebody else made it");
    let propose = |arguments: &[&str]| {
        ground.run(
            "dgp",
            &[&["ceremony", "propose", "folder"], arguments].concat(),
        )
    };
    propose(&["KAM/request.toml"]).said(&keys);
    // Keys of another under a known code, and names that draw on the screen.
    let request = fs::read_to_string(ground.path("KAM/request.toml")).unwrap();
    let posing = request.replace("code = \"KAM\"", "code = \"CC4\"");
    fs::write(ground.path("posing.toml"), &posing).unwrap();
    let shown = propose(&["--again", "posing.toml"]);
    shown.said("! CC4: 1 new node keys, ANOTHER box key");
    shown.said(&keys);
    let drawn = request.replace("name = \"KAM\"", "name = \"x\\u001b[2K\"");
    fs::write(ground.path("drawn.toml"), drawn).unwrap();
    propose(&["drawn.toml"]).refused(1, "what is not shown");
    let later = request.replace("cohort = 1", "cohort = 9");
    fs::write(ground.path("later.toml"), later).unwrap();
    propose(&["later.toml"]).refused(1, "cohort 9, and cohort 1 is in force");
    // Somebody names the file of keys: nothing of it is printed.
    let wrong = propose(&["dgp/keys.toml"]);
    wrong.refused(1, "no request.toml");
    let secret = fs::read_to_string(ground.path("dgp/keys.toml")).unwrap();
    let secret = secret.split('"').nth(1).unwrap();
    assert!(!wrong.text.contains(secret));
}

#[test]
fn a_stick_is_made_anew_from_its_sheet() {
    let ground = begun();
    let paper = ["ceremony", "paper", "--stick", "b", "--json"];
    let printed = ground.told("dgp", &paper, WORDS[1]);
    printed.done();
    let sheet = printed.json()["paper"].as_str().unwrap().to_owned();
    assert_eq!(sheet.split(' ').count(), 14, "{sheet}");
    fs::create_dir(ground.path("new")).unwrap();
    let restore = ["ceremony", "restore", "--stick", "new", "--from", "a"];
    let typed = |text: &str| ground.told("dgp", &restore, &format!("{text}\n\nnew words for it\n"));
    let mut wrong = sheet.clone().into_bytes();
    wrong[20] = if wrong[20] == b'A' { b'B' } else { b'A' };
    typed(std::str::from_utf8(&wrong).unwrap()).refused(1, "a letter of it is wrong");
    typed(&sheet[..60]).refused(1, "56 letters");
    typed("").refused(1, "56 letters");
    let small = sheet.to_lowercase().replace(' ', "\n");
    // First without another's stick, then with it.
    let alone = ["ceremony", "restore", "--stick", "new"];
    ground
        .told("dgp", &alone, &format!("{small}\r\n\nnew words for it\r\n"))
        .said("once more with --from");
    typed(&small).done();
    let other = ["ceremony", "restore", "--stick", "a"];
    ground
        .told("dgp", &other, &format!("{sheet}\n\nnew words for it\n"))
        .refused(1, "holds a root key already");
    let compare = |stick: &str| {
        let call = ["ceremony", "paper", "--check", "--stick", stick];
        ground.told("dgp", &call, &format!("{sheet}\n\n"))
    };
    compare("b").said("The sheet is the one of root 2");
    compare("a").refused(1, "of another key");
    propose(&ground, "KAM").done();
    sign(&ground, "new", WORDS[1]).refused(1, "another passphrase");
    sign(&ground, "new", "new words for it").done();
    let check = |sticks: [&str; 2], words: [&str; 2]| {
        let call = [
            "ceremony", "check", "--stick", sticks[0], "--stick", sticks[1],
        ];
        ground.told("dgp", &call, &words.join("\n"))
    };
    check(["new", "c"], ["new words for it", WORDS[2]]).said("key of cohort 10");
    check(["new", "b"], ["new words for it", WORDS[1]]).refused(1, "1 of its holders are here");
    // A stick whose escrow is gone, and one into which another was put.
    let escrow = ground.path("b/spean-escrow.bin");
    fs::rename(&escrow, ground.path("kept")).unwrap();
    check(["a", "b"], [WORDS[0], WORDS[1]]).refused(1, "no escrow on this stick");
    let holders = fs::read(ground.path("kept")).unwrap();
    let holders = Escrow::decode(&holders).unwrap().holders().to_vec();
    let mut theirs = Escrow::new(2, holders).unwrap();
    for cohort in 1..=10 {
        let what = Deposit::Cohort(cohort);
        theirs.deposit(what, &Secret([5; 32]), || [6; 32]).unwrap();
    }
    fs::write(&escrow, theirs.encode()).unwrap();
    check(["a", "b"], [WORDS[0], WORDS[1]]).refused(1, "different escrows");
    fs::write(ground.path("a/spean-escrow.bin"), theirs.encode()).unwrap();
    check(["a", "b"], [WORDS[0], WORDS[1]]).refused(1, "is not the roster's");
}

/// What an official can confuse: each is told what and where.
#[test]
fn what_is_confused_is_named() {
    let ground = begun();
    let other = begun();
    let theirs = other.path("a");
    sign(&ground, "a", "").refused(1, "nothing is proposed");
    propose(&ground, "KAM").done();
    sign(&ground, "folder", "").refused(1, "no root key there");
    sign(&ground, "nowhere", "").refused(1, "no root key there");
    sign(&ground, &theirs, WORDS[0]).refused(1, "no root of this roster");
    let file = ground.path("c/spean-root.toml");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let text = fs::read_to_string(&file).unwrap();
    for word in WORDS {
        assert!(!text.contains(word));
    }
    fs::write(&file, text.replace("salt", "sale")).unwrap();
    sign(&ground, "c", WORDS[2]).refused(1, "not a root key's file");
    fs::write(ground.path("folder/proposal.spean"), [0x80; 400]).unwrap();
    sign(&ground, "a", WORDS[0]).refused(1, "no roster");
    // A request that is none, and one for a code that is taken.
    fs::write(ground.path("bad.toml"), "code = \"X\"\n").unwrap();
    for (request, why) in [
        ("bad.toml", "missing field"),
        ("nowhere.toml", "nowhere.toml"),
        ("CC4/request.toml", "in the roster"),
    ] {
        ground
            .run("dgp", &["ceremony", "propose", "folder", request])
            .refused(1, why);
    }
    let absent = [
        "ceremony",
        "propose",
        "folder",
        "--again",
        "KAM/request.toml",
    ];
    ground.run("dgp", &absent).refused(1, "leave --again out");
    // Sticks in use are not made anew, and the folder of a ceremony begins once.
    let begin = [
        "ceremony",
        "begin",
        "second",
        "--no-passphrase",
        "--stick",
        "a",
    ];
    ground
        .run("dgp", &[&begin[..], &["dgp/request.toml"]].concat())
        .refused(1, "holds a root key already");
    assert!(!fs::exists(ground.path("second/roster.spean")).unwrap());
    let begin = [
        "ceremony",
        "begin",
        "folder",
        "--no-passphrase",
        "--stick",
        "van",
    ];
    ground
        .run("dgp", &[&begin[..], &["dgp/request.toml"]].concat())
        .refused(1, "has a roster already");
}

/// The others replace a root together; its stick and its sheet are worth nothing then.
#[test]
fn a_root_is_replaced_by_the_others() {
    let ground = begun();
    fs::create_dir(ground.path("d")).unwrap();
    let replace = |sticks: &[&str], words: &str| {
        let mut command = vec!["ceremony", "replace", "folder", "--new", "d"];
        for stick in sticks {
            command.extend(["--stick", stick]);
        }
        ground.told("dgp", &command, words)
    };
    let fourth = "the new official's words";
    let two = format!("{}\n{}\n{fourth}", WORDS[0], WORDS[1]);
    replace(&["a"], &format!("{}\n{fourth}", WORDS[0])).refused(1, "2 are not");
    replace(&["a", "a"], &format!("{0}\n{0}\n{fourth}", WORDS[0])).refused(1, "named twice");
    replace(&["a", "b"], &format!("{0}\n{0}\n{fourth}", WORDS[0])).refused(1, "another passphrase");
    assert!(!fs::exists(ground.path("d/spean-root.toml")).unwrap());
    // One that was interrupted once the sticks had noted its version: it takes a later one.
    let noted = "version = 2\nname = \"of one that was interrupted\"\n";
    fs::write(ground.path("a/spean-signed.toml"), noted).unwrap();
    let done = replace(&["a", "b"], &two);
    done.done();
    done.said("Roster 3 is to follow roster 1");
    done.said("! THE ROOT KEYS: 2 of 3, seal ");
    done.said("Signed by 2 of the roots, 2 are needed.");
    for home in ["dgp", "CC4"] {
        let install = ["roster", "install", "folder/proposal.spean"];
        ground.run(home, &install).done();
    }
    let check = |sticks: [&str; 2], words: [&str; 2]| {
        let [one, other] = sticks;
        let command = ["ceremony", "check", "--stick", one, "--stick", other];
        ground.told("dgp", &command, &words.join("\n"))
    };
    check(["a", "d"], [WORDS[0], fourth]).done();
    assert!(!check(["b", "c"], [WORDS[1], WORDS[2]]).is_done());

    // The new one signs, the old one does not.
    propose(&ground, "KAM").done();
    sign(&ground, "c", WORDS[2]).refused(1, "no root of this roster");
    sign(&ground, "d", fourth).said("Signed by 1 of the roots");
    sign(&ground, "b", WORDS[1]).said("Signed by 2 of the roots");
    let install = ["roster", "install", "folder/proposal.spean"];
    ground.run("dgp", &install).done();
    ground.run("dgp", &["roster", "show"]).said("Roster 4");
}

/// Nodes publish their keys of the next cohort; officials see that each was signed by its node, and that
/// one was not.
#[test]
fn the_next_cohort_has_keys_that_the_nodes_signed() {
    let ground = begun();
    let dara = ground.learner("CC4", "Dara");
    let next = ["ceremony", "propose", "folder", "--next-cohort"];
    ground
        .run("dgp", &next)
        .refused(1, "has not published its key");
    ground.run("dgp", &["flush"]).done();
    ground.run("dgp", &next).said("no key for it yet of CC4");
    fs::create_dir(ground.path("van")).unwrap();
    ground.run("CC4", &["stick", "export", "van"]).done();
    ground.run("dgp", &["stick", "import", "van"]).done();
    let proposed = ground.run("dgp", &next);
    proposed.done();
    proposed.said("! cohort 2 after 1");
    proposed.said("! CC4: its box key of cohort 2, signed by its own node");
    assert!(!proposed.text.contains("ANOTHER"), "{}", proposed.text);

    // Without what the nodes signed it could be anybody's key.
    let evidence = fs::read(ground.path("folder/evidence.spean")).unwrap();
    fs::write(ground.path("folder/evidence.spean"), b"nothing").unwrap();
    let shown = ground.run("dgp", &["ceremony", "show", "folder"]);
    shown.said("! CC4: 0 new node keys, ANOTHER box key: seal ");
    fs::write(ground.path("folder/evidence.spean"), evidence).unwrap();

    for (stick, words) in [("a", WORDS[0]), ("c", WORDS[2])] {
        sign(&ground, stick, words).done();
    }
    for home in ["dgp", "CC4"] {
        let install = ["roster", "install", "folder/proposal.spean"];
        ground.run(home, &install).done();
        ground.run(home, &["roster", "show"]).said("cohort 2");
    }
    let keys = fs::read_to_string(ground.path("CC4/keys.toml")).unwrap();
    let mode = fs::metadata(ground.path("CC4/keys.toml")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    assert!(keys.contains("4 = "), "and two more ahead: {keys}");
    ground.attends("CC4", &dara, "1").done();
    ground.run("CC4", &["stick", "export", "van"]).done();
    ground.run("dgp", &["stick", "import", "van"]).done();
    ground
        .run("dgp", &["learner", "show", &dara])
        .said("1 sessions attended");
}

/// A prison where no stick goes is enrolled by what it printed; what somebody typed wrong is named.
#[test]
fn a_site_is_enrolled_by_paper() {
    let ground = begun();
    let init = ["init", "--code", "KAM", "--name", "KAM"];
    ground.run("KAM", &init).said("spean enrol show");
    let shown = ground.run("KAM", &["enrol", "show", "--pdf", "request.pdf", "--json"]);
    shown.done();
    assert!(
        fs::read(ground.path("request.pdf"))
            .unwrap()
            .starts_with(b"%PDF-")
    );
    let text = shown.json()["text"].as_str().unwrap().to_owned();
    let seal = shown.json()["seal"].as_str().unwrap().to_owned();
    let propose = |typed: &str| {
        let words = ["ceremony", "propose", "folder", "--enrol", "-"];
        ground.told("dgp", &words, typed)
    };
    // As somebody reads it off the paper, line by line.
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(40)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let typed = lines.join("\n").to_lowercase();
    propose(&typed[..typed.len() - 4]).refused(1, "not whole");
    let wrong = typed.replacen(
        &typed[50..52],
        if &typed[50..52] == "aa" { "bb" } else { "aa" },
        1,
    );
    propose(&wrong).refused(1, "a letter of it is wrong");
    propose("hello").refused(1, "begins with R");
    propose("").refused(1, "begins with R");
    let learner = ground.learner("CC4", "Dara");
    propose(&learner).refused(1, "the number of a learner's card");
    let out = ["transfer", "out", &learner, "--to", "DGP", "--json"];
    let slip = ground.run("CC4", &out).json()["departures"][0]["done"]["slip"].clone();
    propose(slip.as_str().unwrap()).refused(1, "a transfer slip");
    // A request is no slip either, and neither is a card.
    ground
        .run("CC4", &["transfer", "in", "--slip", &text])
        .refused(1, "the request of a new node, and no slip");
    ground
        .run("CC4", &["transfer", "in", "--slip", &learner])
        .refused(1, "--card");
    let proposed = propose(&typed);
    proposed.done();
    proposed.said(&format!("+ KAM: KAM (prison), seal of its keys {seal}"));
    for (stick, words) in [("a", WORDS[0]), ("b", WORDS[1])] {
        sign(&ground, stick, words).done();
    }
    for home in ["dgp", "KAM"] {
        let install = ["roster", "install", "folder/proposal.spean"];
        ground.run(home, &install).done();
    }
    ground.run("KAM", &["status"]).said("KAM");
}
