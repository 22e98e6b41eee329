//! Goal: a site may read its Moodle by web services or by an account of its database, and change from one to the
//! other, without an event that is told twice or not at all; and that account may do nothing else. Method: a
//! stand-in for Moodle in which people work, and a real MariaDB whose tables say the same, filled from what the
//! stand-in answers. `.ci/database` starts the MariaDB and says where it is.

mod tables;

use crate::ground;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use ground::Ground;
use spean::lms::{CourseConfig, DatabaseConfig, Heard, Learnt, LmsError, LmsSource, Roll};
use spean::moodle::client::Client;
use spean::moodle::database::Database;
use spean::moodle::source;
use spean_moodle_stand_in::{Activity, Course, Moodle, Person, Section, Setup};
use tables::{database, socket, sql};

const COURSE: &str = "BEEP-KHM";

/// The account's password.
const PASSWORD: &str = "of the account";

fn config() -> CourseConfig {
    CourseConfig {
        shortname: COURSE.to_owned(),
        programme: "beep".to_owned(),
        module: "khmer".to_owned(),
        pre_test: Some("beep-khm-pre".to_owned()),
        post_test: Some("After".to_owned()),
    }
}

fn course() -> Course {
    let section = |activities: Vec<Activity>| Section {
        name: "New section".to_owned(),
        activities,
    };
    let mut course = Course::new(COURSE, &[]);
    course.sections = vec![
        section(vec![
            Activity::quiz("Before").numbered("beep-khm-pre").hidden(),
            Activity::page("Lesson 1"),
        ]),
        section(vec![Activity::page("Lesson 2"), Activity::quiz("First")]),
        section(vec![Activity::quiz("Second"), Activity::quiz("After")]),
    ];
    course
}

/// A Moodle in which people have done something of every kind.
fn moodle(learner: &str) -> Moodle {
    let site = Moodle::start(Setup::of(&[course()]));
    for (name, id) in [("a-00001", learner), ("teacher", ""), ("left", "")] {
        site.add_user(Person {
            idnumber: id.to_owned(),
            ..Person::new(name)
        });
        site.enrol(name, COURSE);
    }
    let at = site.clock();
    site.import_attempt("a-00001", COURSE, "First", 99.0, (at - 900, at - 800));
    for (quiz, points) in [("Before", 41.25), ("First", 20.0), ("First", 75.0)] {
        site.wait(60);
        site.attempt("a-00001", COURSE, quiz, points);
    }
    site.view("a-00001", COURSE, "Lesson 1");
    site.attempt("left", COURSE, "After", 100.0);
    site.attempt("left", COURSE, "Second", 60.0);
    site.start_attempt("left", COURSE, "First");
    site.grade_by_hand("a-00001", COURSE, "Second", 66.0);
    for page in ["Lesson 1", "Lesson 2"] {
        site.view("teacher", COURSE, page);
        for quiz in ["Before", "First", "Second", "After"] {
            site.attempt("teacher", COURSE, quiz, 80.0);
        }
    }
    site.run_cron();
    site.wait(120);
    site.run_cron();
    // What the node itself wrote is in the tables as in the answers.
    let lesson = site.module_id(COURSE, "Lesson 2").to_string();
    let user = site.user_id("a-00001").to_string();
    let write = [("userid", user), ("cmid", lesson), ("newstate", "1".into())];
    let function = "core_completion_override_activity_completion_status";
    client(&site).do_it(function, &write).unwrap();
    site
}

fn client(site: &Moodle) -> Client {
    Client::new(&site.url(), site.token().into())
}

fn open(config: &DatabaseConfig) -> Database {
    Database::new(
        config.clone(),
        PASSWORD.to_owned().into(),
        vec![self::config()],
    )
}

/// What a source tells since a second, in one order.
fn told(source: &mut dyn LmsSource, since: Option<u64>) -> Result<(Vec<Learnt>, u64), LmsError> {
    let mut all = Vec::new();
    let newest = source.read(since, &Roll::default(), &|_, _| (), &mut |heard| {
        if let Heard::Did(learnt) = heard {
            all.extend(learnt);
        }
        Ok(())
    })?;
    all.sort_by_key(|one| format!("{one:?}"));
    Ok((all, newest))
}

fn message(told: Result<(Vec<Learnt>, u64), LmsError>) -> String {
    told.unwrap_err().to_string()
}

/// Both tell the same of the same Moodle, key by key and day by day; the node takes what one told as known from the
/// other; and what changed since is told by the database alone of whom it changed.
#[test]
#[ignore = "needs a MariaDB: .ci/database"]
fn moodle_database_tells_what_the_web_services_tell() {
    let ground = Ground::of(&["A"]);
    let dara = ground.learner("A", "Dara");
    let site = moodle(&dara);
    let account = database("same", &site);
    let mut services = source::Moodle::new(client(&site), vec![config()], false);
    let (by_services, _) = told(&mut services, None).unwrap();
    let (by_database, newest) = told(&mut open(&account), None).unwrap();
    assert_eq!(by_database, by_services);
    let kinds = |kind: &str| {
        by_database
            .iter()
            .filter(|one| one.fields[0] == kind)
            .count()
    };
    assert_eq!(kinds("enrolled"), 3);
    assert_eq!(kinds("pre-test"), 3, "two of the teacher's");
    assert_eq!(kinds("post-test"), 3);
    assert_eq!(kinds("module-done"), 1);
    assert!(by_database.iter().any(|one| one.by_hand));
    let dara_s = |one: &&Learnt| one.user.id == dara;
    assert_eq!(
        by_database
            .iter()
            .filter(dara_s)
            .filter(|one| one.fields[0] == "session-done")
            .count(),
        1,
        "what the node wrote is no learning"
    );

    // Since a second, of nobody; then of him of whom something changed, all of it.
    assert_eq!(
        told(&mut open(&account), Some(newest + 1)).unwrap(),
        (vec![], newest + 1)
    );
    let later = newest + 500;
    let (quiz, left) = (site.instance_id(COURSE, "First"), site.user_id("left"));
    sql(&format!(
        "USE same; INSERT INTO mdl_quiz_attempts VALUES (999, {quiz}, {left}, 2, '1,0', 0, 'finished', {later}, {later}, 4);"
    ));
    let (changed, since) = told(&mut open(&account), Some(newest + 1)).unwrap();
    assert_eq!(since, later);
    assert!(changed.iter().all(|one| one.user.username == "left"));
    assert!(
        changed
            .iter()
            .any(|one| one.fields[0] == "quiz" && one.fields[4] == "100")
    );

    // The node, by one and then by the other.
    let path = |name: &str| ground.path(&format!("A/{name}"));
    let secret = |name: &str, line: &str| {
        fs::write(path(name), line).unwrap();
        fs::set_permissions(path(name), fs::Permissions::from_mode(0o600)).unwrap();
    };
    let moodle = format!(
        "[moodle]\nurl = \"{}\"\n\n[[moodle.course]]\nshortname = \"{COURSE}\"\nprogramme = \"beep\"\n\
         module = \"khmer\"\npre_test = \"beep-khm-pre\"\npost_test = \"After\"\n",
        site.url()
    );
    let database = format!(
        "\n[moodle.database]\nsocket = \"{}\"\nname = \"same\"\nuser = \"same\"\n",
        socket()
    );
    secret("moodle-token", &site.token());
    secret("moodle-database-password", PASSWORD);
    let pull = |config: &str| {
        fs::write(path("config.toml"), config).unwrap();
        let pulled = ground.run("A", &["moodle", "pull", "--whole", "--json"]);
        pulled.done();
        pulled.json()["reading"]["taken"]["new"].as_u64().unwrap()
    };
    assert!(pull(&moodle) > 4);
    let both = format!("{moodle}{database}");
    assert_eq!(pull(&both), 0, "the same again, by the database");
    ground.run("A", &["moodle", "check"]).done();
    fs::set_permissions(
        path("moodle-database-password"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    ground
        .run("A", &["moodle", "pull"])
        .refused(3, "moodle-database-password");
}

/// What the account may not do is said with what lets it; it may write nothing; and a Moodle whose tables nobody
/// knows is not read.
#[test]
#[ignore = "needs a MariaDB: .ci/database"]
fn moodle_database_says_what_is_missing() {
    let site = moodle("");
    let mut account = database("rights", &site);
    sql(
        "REVOKE ALL ON rights.* FROM rights@localhost; GRANT SELECT ON rights.mdl_config TO rights@localhost;",
    );
    let findings = open(&account).check(&Roll::default()).unwrap();
    assert_eq!(findings.len(), 14, "one for each other table: {findings:?}");
    let refused = message(told(&mut open(&account), None));
    assert!(
        refused
            .contains("may not read mdl_user. As the database's administrator: GRANT SELECT (id,")
    );
    for finding in findings {
        let (_, statement) = finding.message.split_once("administrator: ").unwrap();
        sql(statement);
    }
    assert_eq!(open(&account).check(&Roll::default()).unwrap(), []);
    assert!(!told(&mut open(&account), None).unwrap().0.is_empty());

    // Everybody's account, once the account may read it; and no message has what a password is checked against.
    let Err(error) = open(&account).users() else {
        panic!("passwords without a right");
    };
    let error = error.to_string();
    let (_, statement) = error.split_once("administrator: ").unwrap();
    sql(statement);
    let users = open(&account).users().unwrap();
    let names: Vec<&str> = users.iter().map(|one| &*one.username).collect();
    assert_eq!(users.len(), 4);
    assert!(names.contains(&"left") && names.contains(&"spean"));
    let teacher = users.iter().find(|one| one.username == "teacher").unwrap();
    assert_eq!(teacher.password.as_str(), "$2y$10$hash");
    assert_eq!(teacher.auth, "db");
    assert!(!teacher.suspended && !teacher.deleted);

    // Another password, another prefix, another name, another Moodle.
    let wrong = Database::new(account.clone(), "x".to_owned().into(), vec![config()]);
    let mut wrong = wrong;
    assert!(message(told(&mut wrong, None)).contains("moodle-database-password"));
    account.prefix = "other_".to_owned();
    assert!(message(told(&mut open(&account), None)).contains("other_"));
    account.prefix = "mdl_`; DROP TABLE mdl_quiz; --".to_owned();
    assert!(message(told(&mut open(&account), None)).contains("is no prefix"));
    account.prefix = "mdl_".to_owned();
    sql(
        "USE rights; UPDATE mdl_config SET value = '2026042000.01' WHERE name = 'version';
         UPDATE mdl_config SET value = '5.2 (Build: 20260420)' WHERE name = 'release';",
    );
    let unknown = message(told(&mut open(&account), None));
    assert!(
        unknown.contains("this is Moodle '5.2 (Build: 20260420)'")
            && unknown.contains("4.5 (20241007...)")
    );
    account.socket = Some("/nowhere/socket".into());
    let gone = told(&mut open(&account), None).unwrap_err();
    assert!(matches!(gone, LmsError::Unreachable(_)), "{gone}");
}
