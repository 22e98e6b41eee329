//! Goal: Moodle makes of the file that a node writes what `auth_db` and `enrol_database` were seen to
//! make of it: accounts, suspensions, returns, enrolments and logins.
//! Method: an SQLite file with views of other names than anybody would guess.

use std::path::Path;

use rusqlite::Connection;
use spean_moodle_stand_in::{
    EnrolmentTable, Login, Moodle, Person, Removed, Setup, SyncedEnrolments, SyncedUsers, UserTable,
};
use tempfile::TempDir;

use crate::ground::{COURSE, Ground, QUIZ, course};

/// A file with a row for each learner, and a row for his course.
fn write(file: &Path, learners: &[&str]) {
    let connection = Connection::open(file).unwrap();
    connection
        .execute_batch(
            "DROP TABLE IF EXISTS person;
             CREATE TABLE person (login, secret, number, given, family, mail);
             CREATE VIEW IF NOT EXISTS mesh_enrol AS
                 SELECT 'BEEP-KHM-7' AS shortname, login AS person,
                     CASE login WHEN 'teacher' THEN 'editingteacher' ELSE 'student' END AS role
                 FROM person;",
        )
        .unwrap();
    for learner in learners {
        let row = [
            learner.to_owned(),
            &format!("hash of {learner}"),
            &format!("PRED-{learner}"),
            "Dara",
            "Kim",
            &format!("{learner}@learner.invalid"),
        ];
        connection
            .execute("INSERT INTO person VALUES (?, ?, ?, ?, ?, ?)", row)
            .unwrap();
    }
}

fn user_table(file: &Path) -> UserTable {
    let name = str::to_owned;
    UserTable {
        file: file.to_owned(),
        table: name("person"),
        username: name("login"),
        password: name("secret"),
        idnumber: name("number"),
        first_name: name("given"),
        last_name: name("family"),
        email: name("mail"),
    }
}

fn enrolment_table(file: &Path, removed: Removed) -> EnrolmentTable {
    let name = str::to_owned;
    EnrolmentTable {
        file: file.to_owned(),
        table: name("mesh_enrol"),
        course: name("shortname"),
        user: name("person"),
        role: name("role"),
        removed,
    }
}

/// A site that reads a file of these learners.
fn site(learners: &[&str], removed: Removed) -> (TempDir, Moodle) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("moodle.db");
    write(&file, learners);
    let moodle = Moodle::start(Setup::of(&[course()]));
    moodle.read_users_from(user_table(&file));
    moodle.read_enrolments_from(enrolment_table(&file, removed));
    (directory, moodle)
}

fn rewrite(directory: &TempDir, learners: &[&str]) {
    write(&directory.path().join("moodle.db"), learners);
}

fn own(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn right(password: &str, hash: &str) -> bool {
    hash.strip_prefix("hash of ") == Some(password)
}

#[test]
fn accounts_follow_the_rows() {
    let (directory, moodle) = site(&["dara", "rith"], Removed::default());
    moodle.add_user(Person::new("teacher"));
    let synced = moodle.sync_users().unwrap();
    assert_eq!(synced.created, own(&["dara", "rith"]));
    let dara = moodle.person("dara").unwrap();
    assert_eq!((&*dara.auth, &*dara.idnumber), ("db", "PRED-dara"));
    let id = moodle.user_id("dara");
    assert_eq!(moodle.sync_users().unwrap(), SyncedUsers::default());

    rewrite(&directory, &["rith", "teacher", "Upper Case"]);
    let synced = moodle.sync_users().unwrap();
    assert_eq!(synced.suspended, own(&["dara"]));
    // Whom the site keeps by itself it does not give away.
    assert_eq!(synced.skipped, own(&["teacher", "Upper Case"]));
    assert!(moodle.person("dara").unwrap().suspended);
    assert!(!moodle.person("teacher").unwrap().suspended);

    rewrite(&directory, &["rith", "dara"]);
    let synced = moodle.sync_users().unwrap();
    assert_eq!(synced.revived, own(&["dara"]));
    assert_eq!(moodle.user_id("dara"), id);
    assert!(!moodle.person("dara").unwrap().suspended);
}

/// What a node must never write, and what does no harm.
#[test]
fn an_empty_table_suspends_everybody_and_a_missing_one_nobody() {
    let (directory, moodle) = site(&["dara", "rith"], Removed::default());
    moodle.sync_users().unwrap();
    let file = directory.path().join("moodle.db");
    let aside = directory.path().join("aside.db");
    std::fs::rename(&file, &aside).unwrap();
    assert!(moodle.sync_users().unwrap_err().contains("moodle.db"));
    assert!(moodle.sync_enrolments().is_err());
    assert!(!file.exists());
    assert!(!moodle.person("dara").unwrap().suspended);
    std::fs::rename(&aside, &file).unwrap();
    rewrite(&directory, &[]);
    let synced = moodle.sync_users().unwrap();
    assert_eq!(synced.suspended, own(&["dara", "rith"]));
}

#[test]
fn enrolments_follow_the_rows() {
    let (directory, moodle) = site(&["dara"], Removed::default());
    let pair = |name: &str| vec![(name.to_owned(), COURSE.to_owned())];
    // Who has no account cannot be enrolled.
    assert_eq!(moodle.sync_enrolments().unwrap().skipped, pair("dara"));
    moodle.sync_users().unwrap();
    assert_eq!(moodle.sync_enrolments().unwrap().enrolled, pair("dara"));
    assert!(moodle.is_learner("dara", COURSE));
    assert_eq!(
        moodle.sync_enrolments().unwrap(),
        SyncedEnrolments::default()
    );
    // Enrolments by hand are none of its business.
    moodle.add_user(Person::new("other"));
    moodle.enrol("other", COURSE);
    moodle.attempt("dara", COURSE, QUIZ, 75.0);
    rewrite(&directory, &["rith"]);
    let synced = moodle.sync_enrolments().unwrap();
    assert_eq!(synced.removed, pair("dara"));
    assert!(moodle.is_learner("other", COURSE));
    // As Moodle is installed, the grades leave the gradebook with him.
    assert_eq!(moodle.grade("dara", COURSE, QUIZ), None);
    rewrite(&directory, &["dara"]);
    assert_eq!(moodle.sync_enrolments().unwrap().enrolled, pair("dara"));
    assert_eq!(moodle.grade("dara", COURSE, QUIZ), None);
    assert_eq!(moodle.attempts("dara", COURSE, QUIZ), 1);
}

#[test]
fn whoever_teaches_has_no_grades() {
    let (_directory, moodle) = site(&["dara", "teacher"], Removed::default());
    moodle.sync_users().unwrap();
    assert_eq!(moodle.sync_enrolments().unwrap().enrolled.len(), 2);
    assert!(!moodle.is_learner("teacher", COURSE));
    let ground = Ground { moodle };
    let rows = ground.grades("0")["usergrades"].clone();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!(rows[0]["useridnumber"], "PRED-dara");
    let people = [("courseid", &*ground.course())];
    let people = ground.call("core_enrol_get_enrolled_users", &people);
    assert_eq!(people[1]["roles"][0]["shortname"], "editingteacher");
}

#[test]
fn a_removed_enrolment_may_be_kept_or_suspended() {
    for removed in [
        Removed::Keep,
        Removed::Suspend,
        Removed::SuspendWithoutRoles,
    ] {
        let (directory, moodle) = site(&["dara"], removed);
        moodle.sync_users().unwrap();
        moodle.sync_enrolments().unwrap();
        moodle.attempt("dara", COURSE, QUIZ, 75.0);
        rewrite(&directory, &["rith"]);
        moodle.sync_enrolments().unwrap();
        assert_eq!(moodle.is_learner("dara", COURSE), removed == Removed::Keep);
        assert_eq!(moodle.grade("dara", COURSE, QUIZ), Some(75.0));
        rewrite(&directory, &["dara"]);
        moodle.sync_enrolments().unwrap();
        assert!(moodle.is_learner("dara", COURSE));
    }
}

#[test]
fn a_login_needs_the_row_and_makes_the_account() {
    let (directory, moodle) = site(&["dara"], Removed::default());
    assert_eq!(moodle.login("dara", "wrong", right), Login::Refused);
    assert_eq!(moodle.people(), 0);
    assert_eq!(moodle.login("dara", "dara", right), Login::Welcome);
    // Account and enrolment are there with no task having run.
    assert!(moodle.is_learner("dara", COURSE));
    assert_eq!(moodle.login("nobody", "nobody", right), Login::Refused);
    // One login is nothing to anybody else.
    rewrite(&directory, &["rith"]);
    assert_eq!(moodle.login("rith", "rith", right), Login::Welcome);
    assert!(moodle.is_learner("dara", COURSE));

    rewrite(&directory, &[]);
    assert_eq!(moodle.login("dara", "dara", right), Login::Refused);
    moodle.sync_users().unwrap();
    assert_eq!(moodle.login("dara", "dara", right), Login::Suspended);
    rewrite(&directory, &["dara"]);
    assert_eq!(moodle.login("dara", "dara", right), Login::Suspended);
    moodle.sync_users().unwrap();
    assert_eq!(moodle.login("dara", "dara", right), Login::Welcome);

    moodle.add_user(Person::new("teacher"));
    assert_eq!(
        moodle.login("teacher", "Plain-Text-1", right),
        Login::Welcome
    );
    assert_eq!(moodle.login("teacher", "teacher", right), Login::Refused);
    moodle.suspend("teacher", true);
    assert_eq!(
        moodle.login("teacher", "Plain-Text-1", right),
        Login::Suspended
    );
}
