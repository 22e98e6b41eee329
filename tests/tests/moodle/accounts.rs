//! Goal: a learner's account and password are his at every prison, however Moodle takes them; an account of another
//! is never taken for his. Method: as above, with forms sent to the page of a running node.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use super::*;

/// Sends a form to a page, as a browser does; the status and the page.
fn send(address: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "POST /password?lang=en HTTP/1.1\r\nHost: {address}\r\ncontent-type: \
         application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    (page[9..12].parse().unwrap(), page)
}

/// A port that nobody has just now.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Adds lines to the configuration of a node, before its tables.
fn configure(ground: &Ground, home: &str, lines: &str) {
    let path = ground.path(&format!("{home}/config.toml"));
    let before = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{lines}\n{before}")).unwrap();
}

/// He changes his password on the node's page, and Moodle lets him in with the new one and not with the old one,
/// also with the node off. Whoever guesses waits, and changes nothing.
#[test]
fn a_learner_changes_his_password_and_moodle_takes_it() {
    let ground = Ground::of(&["A"]);
    let moodle = moodle(&ground, "A", setup(0));
    let dara = ground.learner("A", "Dara");
    let account = enrol(&ground, "A", &dara);
    assert_eq!(signs_in(&moodle, &account), Login::Welcome);
    let address = free_address();
    configure(&ground, "A", &format!("learners = \"{address}\""));
    let running = ground.start("A");
    let form = |present: &str, new: &str| {
        let name = &account.0;
        send(
            &address,
            &format!("username={name}&present={present}&new={new}&again={new}"),
        )
    };
    assert_eq!(form("not-it-at-all", "Pvbnwtz-83").0, 403);
    let (status, page) = form(&account.1, "Pvbnwtz-83");
    assert!(status == 200 && page.contains("Your password is changed"));
    let new = (account.0.clone(), "Pvbnwtz-83".to_owned());
    assert_eq!(signs_in(&moodle, &new), Login::Welcome);
    assert_eq!(signs_in(&moodle, &account), Login::Refused);
    for _ in 0..10 {
        assert_eq!(form("not-it-at-all", "Xrtfdsa-22").0, 403);
    }
    assert_eq!(form(&new.1, "Xrtfdsa-22").0, 429);
    drop(running);
    assert_eq!(signs_in(&moodle, &new), Login::Welcome);
}

/// An account that has his name and is not his is neither read nor written, and it is said what to do; where two
/// have his number, the one with his name is he.
#[test]
fn who_only_has_his_name_is_left_alone() {
    let ground = Ground::of(&["A"]);
    let moodle = moodle(&ground, "A", setup(0));
    let dara = ground.learner("A", "Dara");
    let account = enrol(&ground, "A", &dara);
    let name = &account.0;
    for number in ["", "PRED-00000001"] {
        let other = plain_moodle(&ground, "A", setup(0), "");
        other.add_user(Person::new(name).numbered(number));
        other.enrol(name, COURSE);
        other.view(name, COURSE, "Lesson 1");
        other.attempt(name, COURSE, QUIZ, 75.0);
        let pulled = ground.run("A", &["moodle", "pull", "--whole"]);
        pulled.done();
        pulled.said("0 events are new");
        let what = format!("left alone: the account '{name}' there has");
        pulled.said(&what);
        pulled.said("spean account give");
        check(&ground).said(&format!("the account '{name}' there has"));
        // His record has something that would be shown.
        let done = [
            "record",
            &dara,
            "--kind",
            "session-done",
            "--programme",
            "beep",
            "--module",
            "khmer",
            "--session",
            "1",
        ];
        ground.run("A", &done).done();
        other.forget_calls();
        let pushed = ground.run("A", &["moodle", "push"]);
        pushed.done();
        pushed.said(&what);
        assert!(other.writes().is_empty());
        assert_eq!(other.mark(name, COURSE, "Workbook done").state, 0);
    }
    drop(moodle);
    // Two with his number: one took it, and the one with his name is he.
    let moodle = self::moodle(&ground, "A", setup(0));
    assert_eq!(signs_in(&moodle, &account), Login::Welcome);
    moodle.add_user(Person::new("thief").numbered(&dara));
    moodle.enrol("thief", COURSE);
    moodle.attempt("thief", COURSE, QUIZ, 99.0);
    moodle.attempt(name, COURSE, QUIZ, 60.0);
    let pulled = ground.run("A", &["moodle", "pull", "--whole"]);
    pulled.done();
    pulled.said("have one ID number");
    pulled.said("thief is left alone");
    assert_eq!(progress(&ground, "A", &dara).1, [60]);
    // Without that nobody knows who of them he is.
    moodle.add_user(Person::new("other").numbered(&dara));
    let neither = plain_moodle(&ground, "A", setup(0), "");
    for one in ["thief", "other"] {
        neither.add_user(Person::new(one).numbered(&dara));
        neither.enrol(one, COURSE);
        neither.attempt(one, COURSE, QUIZ, 98.0);
    }
    let pulled = ground.run("A", &["moodle", "pull", "--whole"]);
    pulled.said("all are left alone");
    assert_eq!(progress(&ground, "A", &dara).1, [60]);
    neither.forget_calls();
    assert!(push(&ground, "A").is_empty() && neither.writes().is_empty());
}

/// Where Moodle cannot read the node's file: accounts and enrolments by web services follow him; his password comes
/// there when somebody types it, and at the next prison he types it himself.
#[test]
fn accounts_follow_by_web_services_too() {
    let ground = Ground::of(&["A", "B"]);
    let manual = "manual_accounts = true";
    let (here, there) = (
        plain_moodle(&ground, "A", setup(0), manual),
        plain_moodle(&ground, "B", setup(1_000), manual),
    );
    let enter = |moodle: &Moodle, account: &(String, String)| {
        moodle.login(&account.0, &account.1, spean::account::is_it)
    };
    let dara = ground.learner("A", "Dara");
    let account = enrol(&ground, "A", &dara);
    let name = &account.0;
    assert_eq!(
        enter(&here, &account),
        Login::Welcome,
        "it came there as it was made"
    );
    assert_eq!(here.person(name).unwrap().last_name, "Sok");
    push(&ground, "A");
    assert!(here.is_learner(name, COURSE));
    here.attempt(name, COURSE, QUIZ, 75.0);
    assert_eq!(pull(&ground, "A")["new"], 1);
    here.forget_calls();
    assert!(push(&ground, "A").is_empty() && here.writes().is_empty());

    // He is moved: suspended there, let in here once he has typed his password.
    ground
        .run("A", &["transfer", "out", &dara, "--to", "B"])
        .done();
    ground.carry("A", "B").done();
    ground.run("B", &["transfer", "in", "--card", &dara]).done();
    assert!(
        push(&ground, "A")
            .iter()
            .any(|one| one.contains("is suspended"))
    );
    assert_eq!(enter(&here, &account), Login::Suspended);
    assert!(push(&ground, "A").is_empty());
    let dry = ground.run("B", &["moodle", "push", "--dry-run"]);
    dry.said("has an account");
    assert!(there.person(name).is_none());
    push(&ground, "B");
    assert!(there.is_learner(name, COURSE));
    assert_eq!(there.grade(name, COURSE, QUIZ), Some(75.0));
    assert_eq!(
        enter(&there, &account),
        Login::Refused,
        "nobody knows that password"
    );
    let address = free_address();
    configure(&ground, "B", &format!("learners = \"{address}\""));
    let running = ground.start("B");
    let change = |present: &str, new: &str| {
        let form = format!("username={name}&present={present}&new={new}&again={new}");
        send(&address, &form)
    };
    let (status, page) = change(&account.1, &account.1);
    assert!(status == 200 && page.contains("Your password is changed. Sign in"));
    assert_eq!(enter(&there, &account), Login::Welcome);
    // Moodle's own rule wants more than the node's: that is said, and the next one goes through.
    let (_, page) = change(&account.1, "weakling");
    assert!(page.contains("Moodle did not take it"), "{page}");
    assert_eq!(
        enter(&there, &account),
        Login::Welcome,
        "Moodle has the one before"
    );
    let (_, page) = change("weakling", "Pvbnwtz-83");
    assert!(page.contains("Your password is changed. Sign in"));
    drop(running);
    let new = (name.clone(), "Pvbnwtz-83".to_owned());
    assert_eq!(enter(&there, &new), Login::Welcome);

    // Back again he is let in; what the other has is no concern of this one.
    ground
        .run("B", &["transfer", "out", &dara, "--to", "A"])
        .done();
    ground.carry("B", "A").done();
    ground.run("A", &["transfer", "in", "--card", &dara]).done();
    assert!(
        push(&ground, "A")
            .iter()
            .any(|one| one.contains("is let in again"))
    );
    assert_eq!(enter(&here, &account), Login::Welcome, "as Moodle knew him");
    push(&ground, "B");
    assert_eq!(enter(&there, &new), Login::Suspended);

    // Names and addresses that another account has, told of each person; the others go on.
    let (first, second) = (ground.learner("A", "Sopheap"), ground.learner("A", "Vuthy"));
    let other = plain_moodle(&ground, "A", setup(3_000), manual);
    let by_table = Person {
        auth: "db".to_owned(),
        ..Person::new("taken")
    };
    other.add_user(by_table);
    for (learner, name) in [(&first, "taken"), (&second, "free")] {
        let give = ["account", "give", learner, "--username", name];
        ground.run("A", &give).done();
    }
    let pushed = ground.run("A", &["moodle", "push"]);
    pushed.done();
    pushed.said("FAILED taken: has no account");
    pushed.said("rename it there");
    assert_eq!(other.person("free").unwrap().idnumber, second);
    assert_eq!(other.person("taken").unwrap().idnumber, "");
    // A Moodle that shows no debugging says less, and comes to the same.
    let quiet = Setup {
        debugging: false,
        ..setup(4_000)
    };
    let quiet = plain_moodle(&ground, "A", quiet, manual);
    quiet.add_user(Person {
        auth: "db".to_owned(),
        ..Person::new("taken")
    });
    let pushed = ground.run("A", &["moodle", "push"]);
    pushed.said("FAILED taken: has no account");
    assert!(quiet.person("free").is_some());
}
