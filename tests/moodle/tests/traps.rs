//! Goal: the traps that were found on real sites are here too, so that whoever steps into one does so
//! in a test.
//! Method: each as it was found, with the remedies that were found; numbers are those of the study.

use serde_json::{Value, json};
use spean_moodle_stand_in::{Activity, Course, Kind, Mark, Method, Person, Quiz, Rule, Setup};

use crate::ground::{COURSE, Ground, LEARNER, QUIZ, course};

/// One that opens no page anew.
fn recovering() -> Ground {
    Ground::of(Setup {
        recover_grades: true,
        ..Setup::of(&[course()])
    })
}

fn stands(ground: &Ground) -> (Option<f64>, u8) {
    let grade = ground.moodle.grade(LEARNER, COURSE, QUIZ);
    (grade, ground.moodle.mark(LEARNER, COURSE, QUIZ).state)
}

/// Trap 1: a pushed grade does not survive a later attempt that fails.
#[test]
fn a_later_failing_attempt_lowers_a_pushed_grade() {
    let ground = Ground::new();
    ground.push("75");
    assert_eq!(stands(&ground), (Some(75.0), 2));
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 25.0);
    assert_eq!(stands(&ground), (Some(25.0), 3));
    let quiz = ground.statuses()["statuses"][4].clone();
    assert_eq!(quiz["isoverallcomplete"], false);
    let status = |place: usize| quiz["details"][place]["rulevalue"]["status"].clone();
    assert_eq!((status(0), status(1)), (json!(1), json!(3)));
    // Remedy (a): pushed again, at each poll.
    ground.push("75");
    assert_eq!(stands(&ground), (Some(75.0), 2));
}

/// Trap 1, where grades are recovered by default: to open the page is enough.
#[test]
fn a_look_at_the_page_wipes_a_pushed_grade() {
    let ground = recovering();
    ground.push("75");
    ground.moodle.open_quiz(LEARNER, COURSE, QUIZ);
    assert_eq!(stands(&ground), (None, 0));
    let item = ground.grades(&ground.learner())["usergrades"][0]["gradeitems"][0].clone();
    assert_eq!(
        (&item["graderaw"], &item["gradedategraded"]),
        (&Value::Null, &Value::Null)
    );
    // With an attempt behind it the grade becomes that attempt's.
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 25.0);
    ground.push("75");
    ground.moodle.open_quiz(LEARNER, COURSE, QUIZ);
    assert_eq!(stands(&ground), (Some(25.0), 3));
    // As Moodle is installed, nothing happens.
    let ground = Ground::new();
    ground.push("75");
    ground.moodle.open_quiz(LEARNER, COURSE, QUIZ);
    assert_eq!(stands(&ground), (Some(75.0), 2));
}

/// A course that was completed stays completed, whatever becomes of its criteria.
#[test]
fn a_completed_course_is_not_taken_back() {
    let ground = Ground::new();
    ground.read_all();
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 75.0);
    let completed = ground.moodle.completed(LEARNER, COURSE);
    assert!(completed.is_some());
    ground.moodle.wait(1_000);
    ground.push("10");
    ground.moodle.untick(LEARNER, COURSE, "Workbook done");
    assert_eq!(stands(&ground), (Some(10.0), 3));
    assert_eq!(ground.moodle.completed(LEARNER, COURSE), completed);
    assert_eq!(
        ground.course_status()["completionstatus"]["completed"],
        true
    );
    assert_eq!(ground.moodle.badges(LEARNER).len(), 1);
}

/// Trap 2, remedy (b): a grade that is marked as given by hand stays, and stays for ever.
#[test]
fn a_grade_by_hand_survives_and_blocks() {
    let ground = Ground::new();
    ground.push("80");
    ground.moodle.grade_by_hand(LEARNER, COURSE, QUIZ, 80.0);
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 25.0);
    assert_eq!(stands(&ground), (Some(80.0), 2));
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 100.0);
    assert_eq!(stands(&ground), (Some(80.0), 2));
}

/// Trap 2, remedy (c): an attempt written into the database, with its own dates.
#[test]
fn an_imported_attempt_survives_both() {
    let ground = recovering();
    let then = (1_770_714_000, 1_770_715_200);
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 0.0);
    ground
        .moodle
        .import_attempt(LEARNER, COURSE, QUIZ, 87.5, then);
    ground.push("87.5");
    ground.moodle.open_quiz(LEARNER, COURSE, QUIZ);
    assert_eq!(stands(&ground), (Some(87.5), 2));
    // On such a site even the date in the gradebook is the original one.
    let item = ground.grades(&ground.learner())["usergrades"][0]["gradeitems"][0].clone();
    assert_eq!(item["gradedategraded"], then.1);
    ground.moodle.wait(100);
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 0.0);
    assert_eq!(stands(&ground), (Some(87.5), 2));
    let asked = [("quizid", &*ground.quiz()), ("userid", &ground.learner())];
    let attempts = ground.call("mod_quiz_get_user_attempts", &asked);
    let shell = &attempts["attempts"][1];
    assert_eq!(
        (&shell["layout"], &shell["timestart"]),
        (&json!(""), &json!(then.0))
    );
    assert_eq!(
        (&shell["sumgrades"], &shell["attempt"]),
        (&json!(3.5), &json!(2))
    );
    let review = [("attemptid", &*shell["id"].to_string())];
    let review = ground.call("mod_quiz_get_attempt_review", &review);
    assert_eq!(
        (&review["grade"], &review["questions"]),
        (&json!(87.5), &json!([]))
    );
}

/// Trap 3: what is written through the web service has the date of its writing, and an override the
/// name of the token's user, by which the node knows its own echo.
#[test]
fn written_progress_has_the_wrong_dates_and_an_echo() {
    let ground = Ground::new();
    ground.moodle.wait(86_400);
    let now = ground.moodle.clock();
    ground.push("75");
    ground.override_to("Lesson 1", "1");
    ground.moodle.view(LEARNER, COURSE, "Lesson 2");
    let statuses = ground.statuses();
    let rows = statuses["statuses"].as_array().unwrap();
    let own = ground.moodle.service_id();
    let seen: Vec<_> = [0, 1, 4]
        .map(|place| (&rows[place]["timecompleted"], &rows[place]["overrideby"]))
        .into();
    let null = Value::Null;
    let (own, now) = (json!(own), json!(now));
    // The pushed grade and the learner's own view look alike.
    assert_eq!(seen, [(&now, &own), (&now, &null), (&now, &null)]);
}

/// What a person called complete is complete for ever, and what a person called incomplete is not.
#[test]
fn an_override_sticks_one_way() {
    let ground = Ground::new();
    ground.override_to(QUIZ, "1");
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 10.0);
    assert_eq!(stands(&ground), (Some(10.0), 1));
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 90.0);
    assert_eq!(stands(&ground), (Some(90.0), 1));
    ground.override_to(QUIZ, "0");
    assert_eq!(stands(&ground).1, 0);
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 90.0);
    assert_eq!(stands(&ground).1, 2);
    // And what passed or failed cannot be called complete.
    ground.push("10");
    ground.override_to(QUIZ, "1");
    let mark = ground.moodle.mark(LEARNER, COURSE, QUIZ);
    assert_eq!((mark.state, mark.overridden), (3, false));
    // What was called incomplete is complete with the next view, though it was viewed before.
    ground.moodle.view(LEARNER, COURSE, "Lesson 1");
    ground.override_to("Lesson 1", "0");
    assert_eq!(ground.moodle.mark(LEARNER, COURSE, "Lesson 1").state, 0);
    ground.moodle.view(LEARNER, COURSE, "Lesson 1");
    let mark = ground.moodle.mark(LEARNER, COURSE, "Lesson 1");
    assert_eq!((mark.state, mark.overridden), (1, false));
    // A learner takes back what was said of his own tick.
    ground.override_to("Workbook done", "1");
    ground.moodle.untick(LEARNER, COURSE, "Workbook done");
    let mark = ground.moodle.mark(LEARNER, COURSE, "Workbook done");
    assert_eq!((mark.state, mark.overridden), (0, false));
}

/// Order matters: grades first, overrides last, and everything is there with the last request.
#[test]
fn overrides_last_complete_the_course_at_once() {
    let ground = Ground::new();
    ground.push("75");
    for lesson in ["Lesson 1", "Lesson 2", "Lesson 3"] {
        ground.override_to(lesson, "1");
    }
    assert_eq!(ground.moodle.completed(LEARNER, COURSE), None);
    ground.override_to("Workbook done", "1");
    assert_eq!(
        ground.course_status()["completionstatus"]["completed"],
        true
    );
    assert_eq!(ground.moodle.badges(LEARNER).len(), 1);
}

/// Order matters: a grade last waits for cron, and for another run a minute later.
#[test]
fn a_grade_last_waits_for_cron_twice() {
    let ground = Ground::new();
    ground.read_all();
    ground.moodle.wait(1_000);
    let pushed = ground.moodle.clock();
    ground.push("75");
    let status = || ground.course_status()["completionstatus"].clone();
    // The activity is done, the criterion and the course are not.
    assert_eq!(ground.moodle.mark(LEARNER, COURSE, QUIZ).state, 2);
    assert_eq!(status()["completions"][4]["complete"], false);
    ground.moodle.wait(60);
    ground.moodle.run_cron();
    assert_eq!(status()["completions"][4]["timecompleted"], pushed);
    assert_eq!(status()["completed"], false);
    // Sooner than after a minute it does not run again.
    ground.moodle.wait(59);
    ground.moodle.run_cron();
    assert_eq!(status()["completed"], false);
    ground.moodle.wait(1);
    ground.moodle.run_cron();
    assert_eq!(status()["completed"], true);
    // The course has the date of its last criterion, the badge that of its issue.
    assert_eq!(ground.moodle.completed(LEARNER, COURSE), Some(pushed));
    assert_eq!(ground.moodle.badges(LEARNER)[0].at, ground.moodle.clock());
}

/// Trap 4: the same backup on two sites: other ids everywhere, the same short name and id numbers of
/// activities, no id number of the course, and a badge that nobody gets until somebody activates it.
#[test]
fn a_restored_course_keeps_names_and_no_ids() {
    let here = Ground::new();
    let there = Ground::of(Setup {
        id_offset: 100,
        site_name: "Prison B (PB)".to_owned(),
        ..Setup::of(&[course().restored()])
    });
    assert_ne!(here.learner(), there.learner());
    assert_ne!(here.course(), there.course());
    for ground in [&here, &there] {
        ground.read_all();
        ground.moodle.attempt(LEARNER, COURSE, QUIZ, 75.0);
        assert!(ground.moodle.completed(LEARNER, COURSE).is_some());
    }
    let item = |ground: &Ground| ground.grades("0")["usergrades"][0].clone();
    let (one, two) = (item(&here), item(&there));
    assert_eq!(
        (&one["courseidnumber"], &two["courseidnumber"]),
        (&json!("beep:beep-khm-7"), &json!(""))
    );
    let number = |row: &Value| row["gradeitems"][0]["idnumber"].clone();
    assert_eq!(number(&one), number(&two));
    assert_ne!(one["gradeitems"][0]["cmid"], two["gradeitems"][0]["cmid"]);

    assert_eq!(here.moodle.badges(LEARNER).len(), 1);
    assert!(there.moodle.badges(LEARNER).is_empty());
    there.moodle.activate_badge(COURSE);
    let hash = |ground: &Ground| ground.moodle.badges(LEARNER)[0].hash.clone();
    assert_ne!(hash(&here), hash(&there));
}

/// Quizzes count their attempts in four ways.
#[test]
fn the_grade_follows_the_method() {
    for (method, grade) in [
        (Method::Highest, 80.0),
        (Method::Average, 50.0),
        (Method::First, 40.0),
        (Method::Last, 30.0),
    ] {
        let mut activity = Activity::quiz(QUIZ);
        activity.kind = Kind::Quiz(Quiz {
            method,
            maximum: 80.0,
            ..Quiz::default()
        });
        let ground = Ground::of(Setup::of(&[Course::new(COURSE, &[activity])]));
        for score in [40.0, 80.0, 30.0] {
            ground.moodle.attempt(LEARNER, COURSE, QUIZ, score);
        }
        let passed = if grade >= 50.0 { 2 } else { 3 };
        assert_eq!(stands(&ground), (Some(grade), passed), "{method:?}");
    }
}

/// Without a passing grade in the rule a failed quiz is complete, and a state 3 all the same.
#[test]
fn a_failed_quiz_may_be_complete() {
    let mut activity = Activity::quiz(QUIZ);
    activity.rule = Rule::Grade;
    let ground = Ground::of(Setup::of(&[Course::new(COURSE, &[activity])]));
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 10.0);
    assert_eq!(stands(&ground), (Some(10.0), 3));
    assert_eq!(ground.statuses()["statuses"][0]["isoverallcomplete"], true);
    assert!(ground.moodle.completed(LEARNER, COURSE).is_some());
}

/// Nobody's progress is another's, and what nobody did has no mark.
#[test]
fn learners_do_not_mix() {
    let ground = Ground::new();
    ground.moodle.add_user(Person::new("other"));
    ground.moodle.enrol("other", COURSE);
    ground.read_all();
    ground.push("90");
    let nothing = Mark {
        state: 0,
        at: 0,
        overridden: false,
    };
    for activity in ["Lesson 1", "Workbook done", QUIZ] {
        assert_eq!(ground.moodle.mark("other", COURSE, activity), nothing);
    }
    assert_eq!(ground.moodle.grade("other", COURSE, QUIZ), None);
}
