//! Goal: what teachers mark is read and stands, a reading that was cut goes on, and what writing lacks is said before
//! anything is written. Method: as above.

use super::*;

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
