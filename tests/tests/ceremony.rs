//! Goal: three officials with this program, paper and three sticks make rosters; one of them alone
//! makes none, nor does one who finds a stick; and whoever confuses a stick, a sheet or a folder is
//! told so before anything is signed.
//! Method: the real program, as the officials call it, passphrases on its standard input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ground;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use ground::Ground;

const WORDS: [&str; 3] = [
    "first official's words",
    "second official's words",
    "third official's words",
];

/// The head office and a prison, enrolled by a ceremony with passphrases.
fn begun() -> Ground {
    let ground = Ground::empty();
    let dgp = ["--code", "DGP", "--name", "Head office", "--headquarters"];
    ground.run("dgp", &[&["init"][..], &dgp].concat()).done();
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

/// A key signs one roster of each version: else two halves of the country could be shown two.
#[test]
fn a_key_signs_one_roster_of_each_version() {
    let ground = begun();
    propose(&ground, "KAM").done();
    sign(&ground, "a", WORDS[0]).done();
    propose(&ground, "KAN").done();
    sign(&ground, "a", WORDS[0]).refused(1, "has signed another roster 2");
    sign(&ground, "b", WORDS[1]).done();
    let signed = sign(&ground, "c", WORDS[2]);
    signed.done();
    signed.said("Signed by 2 of the roots");
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
    let restore = ["ceremony", "restore", "--stick", "new", "--escrow", "a"];
    let typed = |text: &str| ground.told("dgp", &restore, &format!("{text}\n\nnew words for it\n"));
    let mut wrong = sheet.clone().into_bytes();
    wrong[20] = if wrong[20] == b'A' { b'B' } else { b'A' };
    typed(std::str::from_utf8(&wrong).unwrap()).refused(1, "a letter of it is wrong");
    typed(&sheet[..60]).refused(1, "56 letters");
    typed("").refused(1, "56 letters");
    let small = sheet.to_lowercase().replace(' ', "\n");
    typed(&small).done();
    typed(&sheet).refused(1, "holds a root key already");
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
