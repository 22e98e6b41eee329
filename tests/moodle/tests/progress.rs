//! Goal: the functions that read completion, attempts, grades and badges answer as a real site was
//! recorded to answer in the same situation.
//! Method: recorded answers, reduced to some fields, beside those of the stand-in; the rest by value.

use serde_json::{Value, json};
use spean_moodle_stand_in::Person;

use crate::ground::{COURSE, Ground, LEARNER, QUIZ, same_shape};

#[test]
fn activities_have_states_and_conditions() {
    let ground = Ground::new();
    ground.read_all();
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 75.0);
    let answered = ground.statuses();
    let status = |modname: &str, state: u8, tracking: u8, details: Value| {
        json!({
            "cmid": 6,
            "modname": modname,
            "instance": 5,
            "state": state,
            "timecompleted": 1_795_323_892,
            "tracking": tracking,
            "overrideby": null,
            "valueused": false,
            "hascompletion": true,
            "isautomatic": true,
            "istrackeduser": true,
            "uservisible": true,
            "details": details,
            "isoverallcomplete": true,
        })
    };
    let rule = |name: &str, status: u8, words: &str| json!({"rulename": name, "rulevalue": {"status": status, "description": words}});
    let view = json!([rule("completionview", 1, "View")]);
    let pass = json!([
        rule("completionusegrade", 2, "Receive a grade"),
        rule("completionpassgrade", 2, "Receive a passing grade"),
    ]);
    let recorded = json!({
        "statuses": [
            status("page", 1, 2, view.clone()),
            status("page", 1, 2, view.clone()),
            status("page", 1, 2, view.clone()),
            status("page", 1, 1, json!([])),
            status("quiz", 2, 2, pass.clone()),
        ],
        "warnings": [],
    });
    same_shape(&recorded, &answered);
    let rows = answered["statuses"].as_array().unwrap();
    let states: Vec<&Value> = rows.iter().map(|row| &row["state"]).collect();
    assert_eq!(states, [1, 1, 1, 1, 2]);
    assert_eq!((&rows[0]["details"], &rows[4]["details"]), (&view, &pass));
    let automatic: Vec<&Value> = rows.iter().map(|row| &row["isautomatic"]).collect();
    assert_eq!(automatic, [true, true, true, false, true]);
}

#[test]
fn a_course_tells_of_each_criterion_and_not_of_itself() {
    let ground = Ground::new();
    let criterion = |complete: bool, at: Value| {
        json!({
            "type": 4,
            "title": "Activity completion",
            "status": if complete { "Yes" } else { "No" },
            "complete": complete,
            "timecompleted": at,
            "details": {
                "type": "Activity completion",
                "criteria": "<a href=\"http://moodle-a.test/mod/page/view.php?id=6\">Lesson 1</a>",
                "requirement": "Viewing the page",
                "status": "",
            },
        })
    };
    let whole = |complete: bool, at: Value| {
        json!({
            "completionstatus": {
                "completed": complete,
                "aggregation": 1,
                "completions": [criterion(complete, at)],
            },
            "warnings": [],
        })
    };
    let answered = ground.course_status();
    same_shape(&whole(false, Value::Null), &answered);
    let criteria = answered["completionstatus"]["completions"]
        .as_array()
        .unwrap();
    let asks = criteria.iter().map(|row| &row["details"]["requirement"]);
    let page = "Viewing the page";
    let manual = "Marking yourself complete";
    let pass = "Achieving grade, Achieving passing grade";
    assert_eq!(asks.collect::<Vec<_>>(), [page, page, page, manual, pass]);
    assert_eq!(criteria[0]["status"], "No");

    ground.read_all();
    ground.moodle.wait(100);
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 75.0);
    let answered = ground.course_status();
    same_shape(&whole(true, json!(1_795_323_892)), &answered);
    let status = &answered["completionstatus"];
    assert_eq!(status["completed"], true);
    assert_eq!(
        status["completions"][4]["timecompleted"],
        ground.moodle.clock()
    );
    assert!(status.get("timecompleted").is_none());
}

#[test]
fn attempts_are_listed_by_status() {
    let ground = Ground::new();
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 70.0);
    ground.moodle.start_attempt(LEARNER, COURSE, QUIZ);
    let with = |status: &str| {
        let asked = [
            ("quizid", &*ground.quiz()),
            ("userid", &ground.learner()),
            ("status", status),
            ("includepreviews", "0"),
        ];
        ground.call("mod_quiz_get_user_attempts", &asked)
    };
    let recorded = json!({
        "attempts": [{
            "id": 5,
            "quiz": 2,
            "userid": 6,
            "attempt": 1,
            "layout": "1,2,3,4,0",
            "preview": 0,
            "state": "finished",
            "timestart": 1_795_316_692,
            "timefinish": 1_795_317_592,
            "timemodified": 1_795_317_592,
            "timecheckstate": null,
            "sumgrades": 2.8,
            "gradeitemmarks": [],
        }],
        "warnings": [],
    });
    same_shape(&recorded, &with("all"));
    assert_eq!(with("all")["attempts"][0]["sumgrades"], 2.8);
    assert_eq!(with("all")["attempts"][1]["state"], "inprogress");
    assert_eq!(with("all")["attempts"][1]["sumgrades"], Value::Null);
    assert_eq!(with("finished")["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(with("unfinished")["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(with("any")["errorcode"], "invalidparameter");
    // The open one is finished, not a third begun.
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 75.0);
    assert_eq!(ground.moodle.attempts(LEARNER, COURSE, QUIZ), 2);
    assert_eq!(with("all")["attempts"][1]["sumgrades"], 3);
}

#[test]
fn a_review_has_every_question() {
    let ground = Ground::new();
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 70.0);
    let asked = [("quizid", &*ground.quiz()), ("userid", &ground.learner())];
    let attempts = ground.call("mod_quiz_get_user_attempts", &asked);
    let attempt = attempts["attempts"][0]["id"].to_string();
    let asked = [("attemptid", &*attempt), ("page", "-1")];
    let answered = ground.call("mod_quiz_get_attempt_review", &asked);
    let recorded = json!({
        "grade": 70,
        "attempt": {"id": 5, "state": "finished"},
        "additionaldata": [],
        "questions": [{
            "slot": 1,
            "type": "truefalse",
            "questionnumber": "1",
            "html": "<div id=\"question-5-1\" class=\"que truefalse\">",
            "responsefileareas": [],
            "state": "gradedright",
            "status": "Correct",
            "mark": "1.00",
            "maxmark": 1,
            "settings": null,
        }],
        "warnings": [],
    });
    same_shape(&recorded, &answered);
    let questions = answered["questions"].as_array().unwrap();
    let states: Vec<&Value> = questions.iter().map(|row| &row["state"]).collect();
    let right = "gradedright";
    assert_eq!(states, [right, right, "gradedpartial", "gradedwrong"]);
    assert_eq!(answered["grade"], 70);
    assert_eq!(questions[2]["mark"], "0.80");
}

#[test]
fn the_best_grade_is_the_own_one_of_a_quiz() {
    let ground = Ground::new();
    let best = || {
        let asked = [("quizid", &*ground.quiz()), ("userid", &ground.learner())];
        ground.call("mod_quiz_get_user_best_grade", &asked)
    };
    // A pushed grade is not the quiz's own.
    ground.push("80");
    let none = json!({"hasgrade": false, "gradetopass": 50, "warnings": []});
    assert_eq!(best(), none);
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 75.0);
    let recorded = json!({"hasgrade": true, "grade": 75, "gradetopass": 50, "warnings": []});
    assert_eq!(best(), recorded);
}

/// The recorded grades of one learner.
fn recorded_grades() -> Value {
    let quiz = json!({
        "id": 4,
        "itemname": "Unit quiz",
        "itemtype": "mod",
        "itemmodule": "quiz",
        "iteminstance": 2,
        "itemnumber": 0,
        "idnumber": "beep-khm-7-q1",
        "cmid": 10,
        "weightraw": 1,
        "weightformatted": "100.00 %",
        "graderaw": 75,
        "gradedatesubmitted": 1_795_321_193,
        "gradedategraded": 1_795_323_893,
        "gradeisoverridden": false,
        "gradeformatted": "<i class=\"icon\"></i>75.00",
        "grademin": 0,
        "grademax": 100,
        "percentageformatted": "75.00 %",
        "feedback": "",
        "feedbackformat": 2,
    });
    let total = json!({
        "id": 3,
        "itemname": null,
        "itemtype": "course",
        "itemmodule": null,
        "itemnumber": null,
        "idnumber": null,
        "graderaw": 75,
        "gradedatesubmitted": null,
        "gradedategraded": 1_795_323_893,
        "gradeformatted": "75.00",
    });
    json!({
        "usergrades": [{
            "courseid": 3,
            "courseidnumber": "beep:beep-khm-7",
            "userid": 6,
            "userfullname": "Vanna Ly",
            "useridnumber": "PRED-00000003",
            "maxdepth": 2,
            "gradeitems": [quiz, total],
        }],
        "warnings": [],
    })
}

#[test]
fn grades_of_one_and_of_all() {
    let ground = Ground::new();
    for (username, score) in [("ccp1-00001", Some(20.0)), ("ccp1-00002", None)] {
        ground.moodle.add_user(Person::new(username));
        ground.moodle.enrol(username, COURSE);
        if let Some(score) = score {
            ground.moodle.attempt(username, COURSE, QUIZ, score);
        }
    }
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 75.0);
    let answered = ground.grades(&ground.learner());
    same_shape(&recorded_grades(), &answered);
    let item = &answered["usergrades"][0]["gradeitems"][0];
    assert_eq!(item["graderaw"], 75);
    assert_eq!(item["gradedatesubmitted"], ground.moodle.clock());

    let answered = ground.grades("0");
    let grades = answered["usergrades"].as_array().unwrap().iter();
    let grades = grades.map(|row| &row["gradeitems"][0]["graderaw"]);
    let grades: Vec<&Value> = grades.collect();
    assert_eq!(grades, [&json!(20), &Value::Null, &json!(75)]);
    let ungraded = &answered["usergrades"][1]["gradeitems"];
    let recorded = json!([
        {
            "graderaw": null,
            "gradedatesubmitted": null,
            "gradedategraded": null,
            "gradeformatted": "-",
            "percentageformatted": "-",
            "feedbackformat": 0,
        },
        {"graderaw": null, "gradedategraded": null, "gradeformatted": "-"},
    ]);
    same_shape(&recorded, ungraded);
    assert!(ungraded[0].get("weightraw").is_none());
    let failed = &answered["usergrades"][0]["gradeitems"][0]["gradeformatted"];
    assert!(failed.as_str().unwrap().contains("title=\"Fail\""));
}

#[test]
fn badges_have_a_hash_and_a_date() {
    let ground = Ground::new();
    let asked = [("userid", &*ground.learner())];
    let answered = ground.call("core_badges_get_user_badges", &asked);
    assert_eq!(answered, json!({"badges": [], "warnings": []}));
    ground.read_all();
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 75.0);
    let answered = ground.call("core_badges_get_user_badges", &asked);
    let recorded = json!({
        "badges": [{
            "id": 3,
            "name": "Certificate BEEP-SCI-7",
            "timecreated": 0,
            "timemodified": 0,
            "status": 0,
            "uniquehash": "38492159d13a6b7c973c3c56920079d7db9049e4",
            "dateissued": 1_795_323_893,
            "dateexpire": null,
            "recipientid": 6,
            "recipientfullname": "Vanna Ly",
            "alignment": [],
        }],
        "warnings": [],
    });
    same_shape(&recorded, &answered);
    let badge = &answered["badges"][0];
    assert_eq!(badge["uniquehash"].as_str().unwrap().len(), 40);
    assert!(badge.get("courseid").is_none());
    assert_eq!(badge["uniquehash"], ground.moodle.badges(LEARNER)[0].hash);
}
