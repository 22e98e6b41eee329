//! Goal: the functions that read people and their enrolments answer as a real site was recorded to
//! answer in the same situation.
//! Method: recorded answers, reduced to some fields, beside those of the stand-in; the rest by value.

use serde_json::{Value, json};
use spean_moodle_stand_in::Person;

use crate::ground::{COURSE, Ground, LEARNER, QUIZ, same_shape};

#[test]
fn users_of_one_kind_come_in_one_answer() {
    let ground = Ground::new();
    let by_auth = [
        ("criteria[0][key]", "auth"),
        ("criteria[0][value]", "manual"),
    ];
    let answered = ground.call("core_user_get_users", &by_auth);
    let learner = json!({
        "id": 4,
        "username": "ccp1-00001",
        "firstname": "Dara",
        "lastname": "Kim",
        "fullname": "Dara Kim",
        "department": "",
        "idnumber": "PRED-00000001",
        "firstaccess": 0,
        "lastaccess": 0,
        "auth": "manual",
        "suspended": false,
        "confirmed": true,
        "lang": "en",
        "trackforums": 0,
        "country": "KH",
        "profileimageurl": "http://moodle-a.test/theme/image.php/boost/core/1795324515/u/f1",
    });
    let recorded = json!({
        "users": [
            {"id": 1, "username": "guest", "lastname": " ", "suspended": false},
            {"id": 2, "username": "admin", "email": "admin@a.local"},
            {"id": 3, "username": "meshnode", "preferences": [{"name": "_lastloaded", "value": 1}]},
            learner,
        ],
        "warnings": [],
    });
    same_shape(&recorded, &answered);
    assert_eq!(answered["users"].as_array().unwrap().len(), 4);
    assert!(answered["users"][0].get("idnumber").is_none());
    // Whoever is deleted is not there any more, suspended ones are.
    ground.moodle.suspend(LEARNER, true);
    let answered = ground.call("core_user_get_users", &by_auth);
    assert_eq!(answered["users"][3]["suspended"], true);
    ground.moodle.delete_user(LEARNER);
    let answered = ground.call("core_user_get_users", &by_auth);
    assert_eq!(answered["users"].as_array().unwrap().len(), 3);
}

#[test]
fn addresses_and_names_have_wildcards_and_nothing_else_has() {
    let ground = Ground::new();
    let search = |key: &str, value: &str| {
        let criteria = [("criteria[0][key]", key), ("criteria[0][value]", value)];
        let answered = ground.call("core_user_get_users", &criteria);
        answered["users"].as_array().unwrap().len()
    };
    assert_eq!(search("email", "ccp1-0000%"), 1);
    assert_eq!(search("email", "%LEARNER.invalid"), 1);
    assert_eq!(search("email", "ccp1-0000"), 0);
    assert_eq!(search("lastname", "s%k"), 1);
    assert_eq!(search("username", "ccp1-0000%"), 0);
    assert_eq!(search("username", LEARNER), 1);
    assert_eq!(search("idnumber", "PRED-00000003"), 1);
    // What may not be seen cannot be searched.
    ground.moodle.allow("moodle/site:viewuseridentity", false);
    assert_eq!(search("email", "ccp1-0000%"), 0);
    let criteria = [("criteria[0][key]", "city"), ("criteria[0][value]", "x")];
    let answered = ground.call("core_user_get_users", &criteria);
    assert_eq!(
        answered["warnings"][0]["warningcode"],
        "invalidfieldparameter"
    );
}

#[test]
fn users_are_found_by_exact_values_of_a_field() {
    let ground = Ground::new();
    let by = |field: &str, value: &str| {
        let asked = [
            ("field", field),
            ("values[0]", value),
            ("values[1]", "nosuch"),
        ];
        ground.call("core_user_get_users_by_field", &asked)
    };
    let recorded = json!([{
        "id": 6,
        "username": "ccp1-00003",
        "idnumber": "PRED-00000003",
        "auth": "manual",
        "suspended": false,
    }]);
    for (field, value) in [
        ("idnumber", "PRED-00000003"),
        ("username", LEARNER),
        ("id", &ground.learner()),
    ] {
        let answered = by(field, value);
        same_shape(&recorded, &answered);
        assert_eq!(answered.as_array().unwrap().len(), 1);
    }
    assert_eq!(by("username", "nosuch"), json!([]));
    // Moodle lets two have the same id number.
    ground
        .moodle
        .add_user(Person::new("twin").numbered("PRED-00000003"));
    let both = by("idnumber", "PRED-00000003");
    assert_eq!(both.as_array().unwrap().len(), 2);
}

/// Asks for the people of the course with some options.
fn enrolled(ground: &Ground, options: &[(&str, &str)]) -> Value {
    let mut asked = vec![("courseid".to_owned(), ground.course())];
    for (place, (name, value)) in options.iter().enumerate() {
        asked.push((format!("options[{place}][name]"), (*name).to_owned()));
        asked.push((format!("options[{place}][value]"), (*value).to_owned()));
    }
    let asked = asked.iter().map(|(name, value)| (&**name, &**value));
    let asked: Vec<(&str, &str)> = asked.collect();
    ground.call("core_enrol_get_enrolled_users", &asked)
}

#[test]
fn the_people_of_a_course_come_in_pages() {
    let ground = Ground::new();
    for number in 4..9 {
        let username = format!("ccp1-0000{number}");
        ground.moodle.add_user(Person::new(&username));
        ground.moodle.enrol(&username, COURSE);
    }
    let fields = "id,username,idnumber,fullname,lastaccess,lastcourseaccess,suspended,roles";
    let answered = enrolled(&ground, &[("userfields", fields)]);
    let recorded = json!([{
        "id": 4,
        "username": "ccp1-00001",
        "fullname": "Dara Kim",
        "idnumber": "PRED-00000001",
        "lastaccess": 0,
        "lastcourseaccess": 0,
        "roles": [{"roleid": 5, "name": "", "shortname": "student", "sortorder": 0}],
    }]);
    same_shape(&recorded, &answered);
    // Whether somebody is suspended may be asked for and is not answered.
    assert_eq!(answered[0].as_object().unwrap().len(), 7);
    assert_eq!(answered.as_array().unwrap().len(), 6);
    let names = |from: &str| {
        let page = [
            ("userfields", "username"),
            ("limitfrom", from),
            ("limitnumber", "4"),
        ];
        let answered = enrolled(&ground, &page);
        let rows = answered.as_array().unwrap().iter();
        let names = rows.map(|row| row["username"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names("0").len(), 4);
    assert_eq!(names("4"), ["ccp1-00007", "ccp1-00008"]);
    let backwards = [("sortby", "id"), ("sortdirection", "DESC")];
    assert_eq!(enrolled(&ground, &backwards)[0]["username"], "ccp1-00008");

    let answered = enrolled(&ground, &[("sortby", "lastcourseaccess")]);
    let recorded = json!({
        "exception": "core\\exception\\invalid_parameter_exception",
        "errorcode": "invalidparameter",
        "message": "Invalid parameter value detected",
        "debuginfo": "Invalid value for sortby parameter (value: lastcourseaccess), allowed values \
                      are: id,firstname,lastname,siteorder",
    });
    assert_eq!(answered, recorded);
}

/// What a poll by last access lives on, and what it misses.
#[test]
fn accesses_are_written_down_once_a_minute() {
    let ground = Ground::new();
    let access = || enrolled(&ground, &[])[0]["lastcourseaccess"].clone();
    assert_eq!(access(), 0);
    let start = ground.moodle.clock();
    ground.moodle.view(LEARNER, COURSE, "Lesson 1");
    assert_eq!(access(), start);
    ground.moodle.wait(60);
    ground.moodle.view(LEARNER, COURSE, "Lesson 2");
    assert_eq!(access(), start);
    ground.moodle.wait(1);
    ground.moodle.view(LEARNER, COURSE, "Lesson 3");
    assert_eq!(access(), start + 61);
    // Neither a teacher nor the token's user is the learner.
    ground.moodle.wait(600);
    ground.moodle.grade_by_hand(LEARNER, COURSE, QUIZ, 60.0);
    ground.push("70");
    assert_eq!(access(), start + 61);
}

#[test]
fn the_courses_of_somebody_tell_how_far_he_is() {
    let ground = Ground::new();
    let asked = [("userid", &*ground.learner()), ("returnusercount", "0")];
    let courses = || ground.call("core_enrol_get_users_courses", &asked);
    let recorded = json!([{
        "id": 3,
        "shortname": "BEEP-KHM-7",
        "idnumber": "beep:beep-khm-7",
        "enablecompletion": true,
        "completionhascriteria": true,
        "completionusertracked": true,
        "progress": 100,
        "completed": true,
        "lastaccess": null,
        "timemodified": 1_795_323_891,
    }]);
    let answered = courses();
    same_shape(&recorded, &answered);
    assert_eq!(answered[0]["progress"], 0);
    ground.read_all();
    assert_eq!(courses()[0]["progress"], 80);
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 10.0);
    assert_eq!(courses()[0]["progress"], 80);
    assert_eq!(courses()[0]["completed"], false);
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 90.0);
    assert_eq!(courses()[0]["progress"], 100);
    assert_eq!(courses()[0]["completed"], true);
    let counted = ground.call("core_enrol_get_users_courses", &asked[..1]);
    assert_eq!(counted[0]["enrolledusercount"], 1);
    // In a course that he was taken out of he is not.
    ground.moodle.unenrol(LEARNER, COURSE);
    assert_eq!(courses(), json!([]));
}
