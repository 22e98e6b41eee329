//! Goal: BEEP in each prison's own stock Moodle, and a learner who is moved signs in to the next one with the same
//! name and password, goes on where he was, and loses nothing there; what is wrong is said with what to do.
//! Method: nodes as real processes, each beside a stand-in for Moodle that answers as the recorded one; the
//! stand-ins have different numbers for the same things.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::ground;

mod accounts;
mod adopted;
mod readings;

use std::fs;
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
