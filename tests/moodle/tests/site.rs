//! Goal: the functions that read the site and its courses answer as a real site was recorded to answer
//! in the same situation.
//! Method: recorded answers, reduced to some fields, beside those of the stand-in; the rest by value.

use serde_json::json;
use spean_moodle_stand_in::Setup;

use crate::ground::{COURSE, Ground, LEARNER, QUIZ, same_shape};

#[test]
fn the_site_says_what_it_is_and_offers() {
    let ground = Ground::new();
    let answered = ground.call("core_webservice_get_site_info", &[]);
    let recorded = json!({
        "sitename": "Prison A (PA)",
        "username": "meshnode",
        "userid": 3,
        "siteurl": "http://moodle-a.test",
        "functions": [{"name": "core_user_get_users", "version": "2024100705.01"}],
        "release": "4.5.5+ (Build: 20250613)",
        "version": "2024100705.01",
        "advancedfeatures": [{"name": "usecomments", "value": 1}],
        "userprivateaccesskey": "REDACTED",
        "siteid": 1,
        "userissiteadmin": false,
    });
    same_shape(&recorded, &answered);
    assert_eq!(answered["version"], recorded["version"]);
    assert_eq!(answered["userid"], ground.moodle.service_id());

    let setup = Setup {
        release: "4.1.12 (Build: 20240812)".to_owned(),
        ..Setup::default().not_offering("core_user_get_users")
    };
    let ground = Ground::empty(setup);
    let answered = ground.call("core_webservice_get_site_info", &[]);
    assert_eq!(answered["version"], "2022112812.01");
    let functions = answered["functions"].as_array().unwrap();
    assert_eq!(functions.len(), 27);
}

#[test]
fn courses_have_their_short_names() {
    let ground = Ground::new();
    let answered = ground.call("core_course_get_courses", &[]);
    let recorded = json!([
        {"id": 1, "shortname": "prisona", "format": "site", "numsections": 1},
        {
            "id": 3,
            "shortname": "BEEP-KHM-7",
            "categoryid": 2,
            "fullname": "Khmer Grade 7",
            "format": "topics",
            "showcompletionconditions": true,
        },
    ]);
    same_shape(&recorded, &answered);
    assert_eq!(answered[1]["shortname"], COURSE);

    let asked = [("field", "shortname"), ("value", COURSE)];
    let answered = ground.call("core_course_get_courses_by_field", &asked);
    let recorded = json!({
        "courses": [{
            "id": 3,
            "shortname": "BEEP-KHM-7",
            "enrollmentmethods": ["manual"],
            "showgrades": 1,
            "enablecompletion": 1,
            "visible": 1,
        }],
        "warnings": [],
    });
    same_shape(&recorded, &answered);
    let asked = [("field", "shortname"), ("value", "BEEP-KHM-8")];
    let answered = ground.call("core_course_get_courses_by_field", &asked);
    assert_eq!(answered, json!({"courses": [], "warnings": []}));
}

#[test]
fn contents_are_by_section_and_without_id_numbers() {
    let ground = Ground::new();
    let course = [("courseid", &*ground.course())];
    let answered = ground.call("core_course_get_contents", &course);
    let page = json!({
        "id": 6,
        "name": "Lesson 1",
        "instance": 5,
        "contextid": 20,
        "modname": "page",
        "completion": 2,
        "completiondata": {
            "state": 0,
            "timecompleted": 0,
            "overrideby": null,
            "hascompletion": true,
            "isautomatic": true,
            "istrackeduser": false,
        },
        "contents": [{"type": "file", "filename": "index.html", "timecreated": null}],
        "contentsinfo": {"filescount": 1},
    });
    let recorded = json!([
        {"id": 5, "name": "General", "section": 0, "component": null, "modules": []},
        {"id": 6, "name": "New section", "section": 1, "modules": [page]},
    ]);
    same_shape(&recorded, &answered);
    let modules = answered[1]["modules"].as_array().unwrap();
    let names = modules.iter().filter_map(|row| row["name"].as_str());
    let all = ["Lesson 1", "Lesson 2", "Lesson 3", "Workbook done", QUIZ];
    assert_eq!(names.collect::<Vec<_>>(), all);
    assert_eq!(modules[3]["completion"], 1);
    assert_eq!(modules[4]["modname"], "quiz");
    assert!(modules.iter().all(|row| row.get("idnumber").is_none()));
    // Without a right to, a quiz of a course that one is not in is not there.
    ground.moodle.allow("mod/quiz:view", false);
    let answered = ground.call("core_course_get_contents", &course);
    assert_eq!(answered[1]["modules"].as_array().unwrap().len(), 4);
}

#[test]
fn an_activity_tells_its_id_number_to_whoever_manages_it() {
    let ground = Ground::new();
    let quiz = ground.module(QUIZ);
    let answered = ground.call("core_course_get_course_module", &[("cmid", &quiz)]);
    let recorded = json!({
        "cm": {
            "id": 10,
            "course": 3,
            "name": "Unit quiz",
            "modname": "quiz",
            "instance": 2,
            "section": 8,
            "sectionnum": 3,
            "completion": 2,
        },
        "warnings": [],
    });
    same_shape(&recorded, &answered);
    assert!(answered["cm"].get("idnumber").is_none());
    ground.moodle.allow("moodle/course:manageactivities", true);
    let answered = ground.call("core_course_get_course_module", &[("cmid", &quiz)]);
    let recorded = json!({
        "cm": {
            "id": 10,
            "idnumber": "beep-khm-7-q1",
            "added": 1_795_323_891,
            "completiongradeitemnumber": 0,
            "completionpassgrade": 1,
            "completionview": 0,
            "availability": null,
            "grade": 100,
            "gradepass": "50.00",
        },
    });
    same_shape(&recorded, &answered);
    assert_eq!(answered["cm"]["idnumber"], "beep-khm-7-q1");
}

#[test]
fn updates_tell_of_quizzes_and_of_nobody() {
    let ground = Ground::new();
    let since = |since: u64| {
        let asked = [
            ("courseid", &*ground.course()),
            ("since", &since.to_string()),
        ];
        ground.call("core_course_get_updates_since", &asked)
    };
    let start = ground.moodle.clock();
    let recorded = json!({
        "instances": [{
            "contextlevel": "module",
            "id": 6,
            "updates": [{"name": "configuration", "timeupdated": 1_795_323_891}],
        }],
        "warnings": [],
    });
    same_shape(&recorded, &since(start - 1));
    assert_eq!(since(start), json!({"instances": [], "warnings": []}));
    ground.moodle.wait(100);
    ground.read_all();
    ground.push("75");
    assert_eq!(since(start)["instances"], json!([]));
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 75.0);
    let answered = since(start);
    let recorded = json!([{
        "contextlevel": "module",
        "id": 10,
        "updates": [
            {"name": "userattempts", "itemids": [1]},
            {"name": "usergrades", "itemids": [1]},
        ],
    }]);
    same_shape(&recorded, &answered["instances"]);
    let updates = answered["instances"][0]["updates"].as_array().unwrap();
    assert_eq!(updates.len(), 2);
    ground.moodle.allow("mod/quiz:viewreports", false);
    assert_eq!(since(start)["instances"], json!([]));
}

#[test]
fn quizzes_come_by_course() {
    let ground = Ground::new();
    let asked = [("courseids[0]", &*ground.course()), ("courseids[1]", "999")];
    let answered = ground.call("mod_quiz_get_quizzes_by_courses", &asked);
    let recorded = json!({
        "quizzes": [{
            "id": 2,
            "coursemodule": 10,
            "course": 3,
            "name": "Unit quiz",
            "section": 3,
            "visible": true,
            "grademethod": 1,
            "sumgrades": 4,
            "grade": 100,
            "completionpass": 1,
            "hasquestions": 1,
        }],
        "warnings": [{"item": "course", "itemid": 999, "warningcode": "1", "message": ""}],
    });
    same_shape(&recorded, &answered);
    assert_eq!(answered["quizzes"][0]["id"].to_string(), ground.quiz());
}
