//! Goal: BEEP in each prison's own stock Moodle, and a learner who is moved signs in to the next one with the same
//! name and password, goes on where he was, and loses nothing there; what is wrong is said with what to do.
//! Method: nodes as real processes, each beside a stand-in for Moodle that answers as the recorded one; the
//! stand-ins have different numbers for the same things.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::ground;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;

use ground::{Ground, Said};
use serde_json::Value;
use spean_moodle_stand_in::{
    Activity, Course, EnrolmentTable, Login, Moodle, Person, Removed, Section, Setup, Trouble,
    UserTable,
};

const COURSE: &str = "BEEP-KHM";
const QUIZ: &str = "Unit quiz";
const PRE: &str = "beep-khm-pre";

/// A course of three sections: a test before, pages, something to tick, a quiz.
fn course() -> Course {
    let section = |activities: Vec<Activity>| Section {
        name: "New section".to_owned(),
        activities,
    };
    let mut course = Course::new(COURSE, &[]);
    course.sections = vec![
        section(vec![
            Activity::quiz("Before").numbered(PRE),
            Activity::page("Lesson 1"),
        ]),
        section(vec![
            Activity::page("Lesson 2"),
            Activity::manual("Workbook done"),
        ]),
        section(vec![Activity::page("Lesson 3"), Activity::quiz(QUIZ)]),
    ];
    course
}

/// A Moodle beside the node of a home, whose configuration names it, with a line on accounts.
fn plain_moodle(ground: &Ground, home: &str, setup: Setup, accounts: &str) -> Moodle {
    let moodle = Moodle::start(setup);
    let config = format!(
        "[moodle]\nurl = \"{}\"\n{accounts}\n\n[[moodle.course]]\nshortname = \"{COURSE}\"\n\
         programme = \"beep\"\nmodule = \"khmer\"\npre_test = \"{PRE}\"\n",
        moodle.url()
    );
    fs::write(ground.path(&format!("{home}/config.toml")), config).unwrap();
    token(ground, home, &moodle.token());
    moodle
}

/// The same, which reads the node's file of accounts.
fn moodle(ground: &Ground, home: &str, setup: Setup) -> Moodle {
    let accounts = ground.path(&format!("{home}-accounts.db"));
    let moodle = plain_moodle(ground, home, setup, &format!("accounts = \"{accounts}\""));
    let of = str::to_owned;
    moodle.read_users_from(UserTable {
        file: accounts.clone().into(),
        table: of("spean_learner"),
        username: of("username"),
        password: of("password"),
        idnumber: of("idnumber"),
        first_name: of("firstname"),
        last_name: of("lastname"),
        email: of("email"),
    });
    moodle.read_enrolments_from(EnrolmentTable {
        file: accounts.into(),
        table: of("spean_enrol"),
        course: of("course"),
        user: of("username"),
        role: of("role"),
        removed: Removed::Suspend,
    });
    moodle
}

fn token(ground: &Ground, home: &str, token: &str) {
    let path = ground.path(&format!("{home}/moodle-token"));
    fs::write(&path, token).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn setup(offset: u64) -> Setup {
    Setup {
        id_offset: offset,
        ..Setup::of(&[course()])
    }
}

/// Gives somebody an account, and enrols him in BEEP; his name and password.
fn enrol(ground: &Ground, home: &str, learner: &str) -> (String, String) {
    let enrolled = [
        "record",
        learner,
        "--kind",
        "enrolled",
        "--programme",
        "beep",
    ];
    ground.run(home, &enrolled).done();
    let given = ground.run(home, &["account", "give", learner, "--json"]);
    given.done();
    let text = |field: &str| given.json()[field].as_str().unwrap().to_owned();
    (text("account"), text("password"))
}

fn signs_in(moodle: &Moodle, (name, password): &(String, String)) -> Login {
    moodle.sync_users().unwrap();
    moodle.sync_enrolments().unwrap();
    moodle.login(name, password, spean::account::is_it)
}

fn pull(ground: &Ground, home: &str) -> Value {
    let pulled = ground.run(home, &["moodle", "pull", "--json"]);
    pulled.done();
    pulled.json()["reading"]["taken"].clone()
}

fn push(ground: &Ground, home: &str) -> Vec<String> {
    let pushed = ground.run(home, &["moodle", "push", "--json"]);
    pushed.done();
    let written = pushed.json()["writing"]["written"].clone();
    let what = |one: &Value| one["what"].as_str().unwrap().to_owned();
    written.as_array().unwrap().iter().map(what).collect()
}

/// Sessions that are done, and the best points of each test, at a node.
fn progress(ground: &Ground, home: &str, learner: &str) -> (Vec<u64>, Vec<u64>) {
    let shown = ground.run(home, &["learner", "show", learner, "--json"]);
    shown.done();
    let modules = shown.json()["learner"]["view"]["progress"]["modules"].clone();
    let Some(khmer) = modules.as_array().unwrap().first().cloned() else {
        return (Vec::new(), Vec::new());
    };
    let numbers = |value: &Value| -> Vec<u64> {
        value
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one.as_u64().unwrap())
            .collect()
    };
    let points = khmer["results"].as_array().unwrap().iter();
    let points = points
        .map(|best| best["score"][0].as_u64().unwrap())
        .collect();
    (numbers(&khmer["sessions_done"]), points)
}

#[test]
fn a_moved_learner_goes_on_in_the_next_moodle() {
    let ground = Ground::of(&["A", "B"]);
    let (here, there) = (
        moodle(&ground, "A", setup(0)),
        moodle(&ground, "B", setup(1_000)),
    );
    let dara = ground.learner("A", "Dara");
    let account = enrol(&ground, "A", &dara);
    let (name, _) = &account;
    assert_eq!(name, "a-00001");
    assert_eq!(signs_in(&here, &account), Login::Welcome);
    assert_eq!(here.person(name).unwrap().idnumber, dara);
    assert!(here.is_learner(name, COURSE));

    // He works; only whole sections and finished attempts count, and reading again changes nothing.
    here.attempt(name, COURSE, "Before", 40.0);
    here.view(name, COURSE, "Lesson 1");
    here.view(name, COURSE, "Lesson 2");
    here.view(name, COURSE, "Lesson 3");
    here.attempt(name, COURSE, QUIZ, 75.0);
    let taken = pull(&ground, "A");
    assert_eq!(taken["new"], 4, "two sessions and two tests: {taken}");
    assert_eq!(pull(&ground, "A")["new"], 0);
    let (sessions, points) = progress(&ground, "A", &dara);
    assert_eq!(sessions, [1, 3], "of the second something is left");
    assert_eq!(points, [40, 75]);
    assert!(push(&ground, "A").is_empty(), "it is all there");

    // He is moved, with a slip and nothing else.
    let out = ground.run("A", &["transfer", "out", &dara, "--to", "B", "--json"]);
    out.done();
    let slip = out.json()["departures"][0]["done"]["slip"]
        .as_str()
        .unwrap()
        .to_owned();
    ground.carry("A", "B").done();
    ground
        .told(
            "B",
            &["transfer", "in", "--slip", "-"],
            &format!("{slip}\n"),
        )
        .done();
    assert_eq!(signs_in(&here, &account), Login::Suspended);
    assert_eq!(
        signs_in(&there, &account),
        Login::Welcome,
        "the same name and password"
    );
    assert!(there.is_learner(name, COURSE));
    assert_ne!(here.user_id(name), there.user_id(name));

    // What he did is there, once, and is no learning of his there.
    let dry = ground.run("B", &["moodle", "push", "--dry-run"]);
    dry.said("would be written");
    assert!(there.writes().is_empty());
    assert_eq!(push(&ground, "B").len(), 4, "two grades, two pages");
    assert_eq!(there.grade(name, COURSE, QUIZ), Some(75.0));
    assert_eq!(
        there.mark(name, COURSE, QUIZ).state,
        2,
        "passed, as Moodle counts"
    );
    assert_eq!(there.mark(name, COURSE, "Lesson 1").state, 1);
    assert_eq!(there.mark(name, COURSE, "Lesson 2").state, 0);
    there.forget_calls();
    assert!(push(&ground, "B").is_empty());
    assert!(there.writes().is_empty(), "the same again writes nothing");
    assert_eq!(
        pull(&ground, "B")["new"],
        0,
        "nothing of it comes back as learning"
    );
    assert_eq!(progress(&ground, "B", &dara), (vec![1, 3], vec![40, 75]));

    // He fails an attempt: Moodle takes the grade away, and gets it again. He does better: that stays.
    there.wait(3_600);
    there.attempt(name, COURSE, QUIZ, 25.0);
    assert_eq!(there.grade(name, COURSE, QUIZ), Some(25.0));
    pull(&ground, "B");
    assert_eq!(push(&ground, "B").len(), 1);
    assert_eq!(there.grade(name, COURSE, QUIZ), Some(75.0));
    there.wait(3_600);
    there.attempt(name, COURSE, QUIZ, 90.0);
    assert_eq!(pull(&ground, "B")["new"], 1);
    assert!(push(&ground, "B").is_empty(), "nothing is lowered");
    assert_eq!(there.grade(name, COURSE, QUIZ), Some(90.0));
    there.view(name, COURSE, "Lesson 2");
    there.tick(name, COURSE, "Workbook done");
    pull(&ground, "B");
    assert_eq!(progress(&ground, "B", &dara), (vec![1, 2, 3], vec![40, 90]));

    // Back at the first prison he is revived there, with what he did meanwhile.
    let out = ["transfer", "out", &dara, "--to", "A"];
    ground.run("B", &out).done();
    ground.carry("B", "A").done();
    ground.run("A", &["transfer", "in", "--card", &dara]).done();
    assert_eq!(signs_in(&there, &account), Login::Suspended);
    assert_eq!(signs_in(&here, &account), Login::Welcome);
    push(&ground, "A");
    assert_eq!(here.grade(name, COURSE, QUIZ), Some(90.0));
    assert_eq!(here.mark(name, COURSE, "Workbook done").state, 1);
}

/// Where Moodle finds grades again by itself, a page that is opened takes a pushed one away: it is written again.
#[test]
fn a_grade_that_a_page_took_away_is_written_again() {
    let ground = Ground::of(&["A", "B"]);
    let recovering = Setup {
        recover_grades: true,
        ..setup(500)
    };
    let (here, there) = (
        moodle(&ground, "A", setup(0)),
        moodle(&ground, "B", recovering),
    );
    let dara = ground.learner("A", "Dara");
    let account = enrol(&ground, "A", &dara);
    signs_in(&here, &account);
    here.attempt(&account.0, COURSE, QUIZ, 80.0);
    pull(&ground, "A");
    ground
        .run("A", &["transfer", "out", &dara, "--to", "B"])
        .done();
    ground.carry("A", "B").done();
    ground.run("B", &["transfer", "in", "--card", &dara]).done();
    ground.carry("A", "dgp").done();
    signs_in(&there, &account);
    there.allow("moodle/grade:edit", false);
    ground
        .run("B", &["moodle", "push"])
        .refused(1, "core_grades_update_grades needs the right");
    there.allow("moodle/grade:edit", true);
    push(&ground, "B");
    assert_eq!(there.grade(&account.0, COURSE, QUIZ), Some(80.0));
    there.open_quiz(&account.0, COURSE, QUIZ);
    assert_eq!(there.grade(&account.0, COURSE, QUIZ), None);
    assert_eq!(push(&ground, "B").len(), 1);
    assert_eq!(there.grade(&account.0, COURSE, QUIZ), Some(80.0));
}

fn check(ground: &Ground) -> Said {
    ground.run("A", &["moodle", "check"])
}

/// Each thing that may be wrong with a Moodle is told apart, with what to do; and nothing is lost by it.
#[test]
fn what_is_wrong_is_said() {
    let ground = Ground::of(&["A"]);
    check(&ground).refused(1, "config.toml names no Moodle");
    let whole = moodle(&ground, "A", setup(0));
    let dara = ground.learner("A", "Dara");
    let account = enrol(&ground, "A", &dara);
    signs_in(&whole, &account);
    whole.view(&account.0, COURSE, "Lesson 1");
    let checked = check(&ground);
    checked.done();
    checked.said("Moodle is set up as it should be");

    // A token that is none, a file that everybody reads, no file.
    token(&ground, "A", "0123456789abcdef0123456789abcdef");
    ground
        .run("A", &["moodle", "pull"])
        .refused(1, "make a new token");
    let path = ground.path("A/moodle-token");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    ground
        .run("A", &["moodle", "pull"])
        .refused(3, "moodle-token");
    fs::remove_file(&path).unwrap();
    check(&ground).refused(3, "moodle-token");
    token(&ground, "A", &whole.token());

    // Rights and functions, by name.
    for right in [
        "moodle/course:viewparticipants",
        "report/progress:view",
        "moodle/user:viewalldetails",
    ] {
        whole.allow(right, false);
        let checked = check(&ground);
        checked.ended(1);
        checked.said("needs a right");
        whole.allow(right, true);
    }
    let lacks = setup(0).not_offering("mod_quiz_get_user_attempts");
    let other = moodle(&ground, "A", lacks);
    let checked = check(&ground);
    checked.ended(1);
    checked.said("does not offer mod_quiz_get_user_attempts");
    drop(other);
    let old = Setup {
        release: "3.9.1+ (Build: 20200710)".to_owned(),
        ..setup(0)
    };
    let old = moodle(&ground, "A", old);
    check(&ground).said("this is Moodle '3.9.1");
    drop(old);
    let empty = moodle(&ground, "A", Setup::of(&[]));
    check(&ground).said("this Moodle has no course 'BEEP-KHM'");
    assert_eq!(pull(&ground, "A")["new"], 0);
    drop(empty);

    // Trouble passes: it is tried again at once, and the next time from where it was.
    let shaky = moodle(&ground, "A", setup(0));
    signs_in(&shaky, &account);
    shaky.view(&account.0, COURSE, "Lesson 1");
    for trouble in [
        Trouble::Unavailable,
        Trouble::Page,
        Trouble::Closed,
        Trouble::Lost,
    ] {
        shaky.trouble(trouble, 2);
        let pulled = ground.run("A", &["moodle", "pull", "--whole"]);
        pulled.done();
    }
    assert_eq!(progress(&ground, "A", &dara).0, [1]);
    // As often as a request is sent.
    shaky.trouble(Trouble::Unavailable, 3);
    ground.run("A", &["moodle", "pull"]).refused(5, "HTTP 503");
    ground
        .run("A", &["moodle", "status"])
        .said("The last reading failed");
    // Whom nobody here knows is named and stops nobody.
    shaky.add_user(Person::new("stranger"));
    shaky.enrol("stranger", COURSE);
    drop(whole);
    let pulled = ground.run("A", &["moodle", "pull", "--whole", "--dry-run"]);
    pulled.said("1 user names are of nobody here: stranger");
}

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

/// What a teacher marks after an attempt was read, or without one, is read; and what he took back is not written
/// again over his mark.
#[test]
fn a_teachers_marks_are_read_and_stand() {
    let ground = Ground::of(&["A"]);
    let moodle = moodle(&ground, "A", setup(0));
    let dara = ground.learner("A", "Dara");
    let account = enrol(&ground, "A", &dara);
    let name = &account.0;
    signs_in(&moodle, &account);
    moodle.attempt(name, COURSE, QUIZ, 50.0);
    assert_eq!(pull(&ground, "A")["new"], 1);
    let whole = || {
        let pulled = ground.run("A", &["moodle", "pull", "--whole", "--json"]);
        pulled.done();
        pulled.json()["reading"]["taken"]["new"].as_u64().unwrap()
    };
    assert_eq!(whole(), 0);
    // The attempt is marked again: higher, then lower.
    moodle.wait(3_600);
    moodle.mark_again(name, COURSE, QUIZ, (1, 75.0));
    assert_eq!((whole(), whole()), (1, 0));
    assert_eq!(progress(&ground, "A", &dara).1, [75]);
    moodle.mark_again(name, COURSE, QUIZ, (1, 25.0));
    assert_eq!((whole(), whole()), (1, 0));
    assert_eq!(progress(&ground, "A", &dara).1, [75], "the better counts");
    assert!(push(&ground, "A").is_empty(), "Moodle keeps the teacher's");
    // A mark that is typed into the gradebook, over an attempt and without one.
    moodle.grade_by_hand(name, COURSE, QUIZ, 80.0);
    moodle.grade_by_hand(name, COURSE, "Before", 30.0);
    assert_eq!((whole(), whole()), (2, 0));
    assert_eq!(progress(&ground, "A", &dara).1, [30, 80]);
    moodle.grade_by_hand(name, COURSE, QUIZ, 20.0);
    assert_eq!((whole(), whole()), (1, 0));
    assert!(push(&ground, "A").is_empty());
    assert_eq!(moodle.grade(name, COURSE, QUIZ), Some(20.0));
}

/// Badges are counted and no more; and what was read before a cut counts, so that the next reading goes on.
#[test]
fn a_reading_that_was_cut_goes_on() {
    let ground = Ground::of(&["A"]);
    let moodle = moodle(&ground, "A", setup(0));
    let mut accounts = Vec::new();
    for name in ["Dara", "Sopheap", "Vuthy"] {
        let learner = ground.learner("A", name);
        accounts.push((enrol(&ground, "A", &learner), learner));
    }
    for (account, _) in &accounts {
        signs_in(&moodle, account);
        for page in ["Lesson 1", "Lesson 2", "Lesson 3"] {
            moodle.view(&account.0, COURSE, page);
        }
        moodle.tick(&account.0, COURSE, "Workbook done");
        moodle.attempt(&account.0, COURSE, "Before", 60.0);
        moodle.attempt(&account.0, COURSE, QUIZ, 60.0);
    }
    // Six requests before the first person, four for each.
    moodle.trouble(Trouble::Slow(std::time::Duration::ZERO), 12);
    moodle.trouble(Trouble::Unavailable, 3);
    ground.run("A", &["moodle", "pull"]).refused(5, "HTTP 503");
    assert!(
        accounts
            .iter()
            .any(|(_, id)| !progress(&ground, "A", id).1.is_empty())
    );
    assert!(
        accounts
            .iter()
            .any(|(_, id)| progress(&ground, "A", id).1.is_empty())
    );
    let pulled = ground.run("A", &["moodle", "pull", "--json"]);
    pulled.done();
    let reading = &pulled.json()["reading"];
    assert!(
        reading["taken"]["known"].as_u64() > Some(0) && reading["taken"]["new"].as_u64() > Some(0)
    );
    assert_eq!(reading["badges"], 3);
    for (_, id) in &accounts {
        assert_eq!(progress(&ground, "A", id), (vec![1, 2, 3], vec![60, 60]));
    }
}

/// What writing lacks is said before anything is written, and nothing is written by asking.
#[test]
fn what_writing_lacks_is_said_before() {
    let ground = Ground::of(&["A"]);
    let moodle = plain_moodle(&ground, "A", setup(0), "manual_accounts = true");
    let dara = ground.learner("A", "Dara");
    enrol(&ground, "A", &dara);
    push(&ground, "A");
    check(&ground).done();
    for right in [
        "moodle/course:overridecompletion",
        "moodle/user:create",
        "moodle/user:update",
        "enrol/manual:enrol",
    ] {
        moodle.allow(right, false);
        let people = moodle.people();
        let checked = check(&ground);
        checked.ended(1);
        checked.said(&format!("needs the right {right}"));
        checked.said("Define roles");
        assert_eq!(moodle.people(), people);
        moodle.allow(right, true);
    }
    assert_eq!(moodle.mark("a-00001", COURSE, "Lesson 1").state, 0);
    let lacks = setup(0).not_offering("core_user_update_users");
    let _other = plain_moodle(&ground, "A", lacks, "manual_accounts = true");
    let checked = check(&ground);
    checked.ended(1);
    checked.said("does not offer core_user_update_users");
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
/// A teacher hides tests until their day, and the configuration may name one that is not there. Neither makes one
/// test of another: the service sees what is hidden, and a course whose tests cannot be told is not read.
#[test]
fn a_test_is_never_taken_for_another() {
    let ground = Ground::of(&["A"]);
    let mut course = course();
    let before = course.sections[0].activities.remove(0);
    course.sections[0].activities.insert(0, before.hidden());
    let site = moodle(&ground, "A", Setup::of(&[course]));
    let dara = ground.learner("A", "Dara");
    let account = enrol(&ground, "A", &dara);
    signs_in(&site, &account);
    site.attempt(&account.0, COURSE, "Before", 40.0);
    site.attempt(&account.0, COURSE, QUIZ, 75.0);
    assert_eq!(pull(&ground, "A")["new"], 2);

    // Without a right, with another name: said, and nothing is read.
    let unreadable = |what: &str| {
        let checked = check(&ground);
        checked.ended(1);
        checked.said(what);
        ground
            .run("A", &["moodle", "pull", "--whole"])
            .refused(1, what);
    };
    for right in [
        "moodle/course:viewhiddenactivities",
        "moodle/grade:viewhidden",
    ] {
        site.allow(right, false);
        unreadable("has no quiz with the ID number or name 'beep-khm-pre'");
        site.allow(right, true);
    }
    let path = ground.path("A/config.toml");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{config}post_test = \"Alter\"\n")).unwrap();
    unreadable("or name 'Alter', which config.toml has as post_test");
    fs::write(&path, config).unwrap();

    // He leaves: then Moodle's gradebook shows nobody, and with it no ID number of a quiz.
    let out = ["transfer", "out", &dara, "--to", "dgp"];
    ground.run("A", &out).done();
    assert_eq!(signs_in(&site, &account), Login::Suspended);
    let taken = pull(&ground, "A");
    assert_eq!(taken["new"], 0, "{taken}");
    let whole = ground.run("A", &["moodle", "pull", "--whole", "--json"]);
    assert_eq!(whole.json()["reading"]["taken"]["new"], 0);
}
