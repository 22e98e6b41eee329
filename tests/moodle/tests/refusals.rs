//! Goal: what is refused is refused as a real site was recorded to refuse it: HTTP 200 and an
//! exception, a withheld field, an empty list or a warning, by what is missing.
//! Method: recorded refusals by value; each capability taken away alone.

use serde_json::{Value, json};
use spean_moodle_stand_in::{Activity, READ_CAPABILITIES, Setup, WITHOUT_EFFECT_HERE};

use crate::ground::{COURSE, Ground, LEARNER, QUIZ, course};

const CAPABILITY: &str = "core\\exception\\required_capability_exception";

fn nopermissions(words: &str) -> Value {
    json!({
        "exception": CAPABILITY,
        "errorcode": "nopermissions",
        "message": format!("Sorry, but you do not currently have permissions to do that ({words})."),
    })
}

#[test]
fn a_wrong_token_comes_before_everything_else() {
    let ground = Ground::new();
    let recorded = json!({
        "exception": "core\\exception\\moodle_exception",
        "errorcode": "invalidtoken",
        "message": "Invalid token - token not found",
    });
    let asked = [("field", "username"), ("values[0]", "x")];
    let answered = ground.call_with("no token", "core_user_get_users_by_field", &asked);
    assert_eq!(answered, recorded);
    assert_eq!(ground.call_with("no token", "no function", &[]), recorded);
    // Two sites do not have the same one.
    let other = Ground::empty(Setup {
        id_offset: 1_000,
        ..Setup::default()
    });
    let answered = other.call_with(&ground.moodle.token(), "core_webservice_get_site_info", &[]);
    assert_eq!(answered, recorded);
}

#[test]
fn a_function_is_in_the_service_or_not_there_at_all() {
    let setup = Setup::of(&[course()]).not_offering("core_user_create_users");
    let ground = Ground::of(setup);
    let answered = ground.call("core_user_create_users", &[]);
    assert_eq!(answered["exception"], "webservice_access_exception");
    assert_eq!(answered["errorcode"], "accessexception");
    assert_eq!(answered["message"], "Access control exception");
    let answered = ground.call("core_user_make_coffee", &[]);
    assert_eq!(answered["exception"], "dml_missing_record_exception");
    assert_eq!(answered["errorcode"], "invalidrecord");
    ground.moodle.allow("webservice/rest:use", false);
    let answered = ground.call("core_webservice_get_site_info", &[]);
    assert_eq!(answered["errorcode"], "accessexception");
}

#[test]
fn parameters_are_checked_strictly() {
    let ground = Ground::new();
    let said = |function: &str, parameters: &[(&str, &str)]| {
        let answered = ground.call(function, parameters);
        assert_eq!(answered["errorcode"], "invalidparameter", "{answered}");
        assert_eq!(answered["message"], "Invalid parameter value detected");
        answered["debuginfo"].as_str().unwrap().to_owned()
    };
    let create = "core_user_create_users";
    let missing = said(create, &[("users[0][username]", "q")]);
    let recorded = "users => Invalid parameter value detected: Missing required key in single \
                    structure: firstname";
    assert_eq!(missing, recorded);
    assert_eq!(
        said(create, &[]),
        "Missing required key in single structure: users"
    );
    let wrong = said("core_course_get_contents", &[("courseid", "three")]);
    let recorded = "courseid => Invalid parameter value detected: Invalid external api parameter: \
                    the value is \"three\", the server was expecting \"int\" type";
    assert_eq!(wrong, recorded);
    let more = [("courseid", "3"), ("user", "4")];
    let more = said("core_course_get_contents", &more);
    assert_eq!(more, "Unexpected keys (user) detected in parameter array.");
    // PHP's booleans are 0 and 1.
    let words = [("userid", "4"), ("returnusercount", "false")];
    assert!(said("core_enrol_get_users_courses", &words).ends_with("\"bool\" type"));
    assert!(ground.moodle.writes().is_empty());
}

#[test]
fn a_site_that_shows_no_debugging_says_less() {
    let ground = Ground::empty(Setup {
        debugging: false,
        ..Setup::default()
    });
    let answered = ground.call("core_user_create_users", &[]);
    let recorded = json!({
        "exception": "core\\exception\\invalid_parameter_exception",
        "errorcode": "invalidparameter",
        "message": "Invalid parameter value detected",
    });
    assert_eq!(answered, recorded);
}

#[test]
fn before_4_5_exceptions_had_no_namespace() {
    for (release, exception) in [
        ("4.1.12 (Build: 20240812)", "moodle_exception"),
        ("4.4+ (Build: 20240501)", "moodle_exception"),
        ("4.5 (Build: 20241007)", "core\\exception\\moodle_exception"),
        (
            "5.0.1+ (Build: 20250613)",
            "core\\exception\\moodle_exception",
        ),
    ] {
        let ground = Ground::empty(Setup {
            release: release.to_owned(),
            ..Setup::default()
        });
        let answered = ground.call_with("no token", "core_user_get_users", &[]);
        assert_eq!(answered["exception"], exception);
    }
}

/// What each reading capability is for: without it something is refused, withheld or not found.
#[test]
fn every_reading_capability_is_needed() {
    let mut with_hidden = course();
    let hidden = Activity::quiz("Hidden").hidden();
    with_hidden.sections[0].activities.push(hidden);
    let modelled = READ_CAPABILITIES
        .iter()
        .filter(|one| !WITHOUT_EFFECT_HERE.contains(one));
    for capability in modelled {
        let ground = Ground::of(Setup::of(std::slice::from_ref(&with_hidden)));
        ground.moodle.attempt(LEARNER, COURSE, QUIZ, 75.0);
        let before = everything(&ground);
        ground.moodle.allow(capability, false);
        assert_ne!(before, everything(&ground), "{capability}");
    }
}

fn everything(ground: &Ground) -> Vec<Value> {
    let (user, course, quiz) = (ground.learner(), ground.course(), ground.quiz());
    let both = [("courseid", &*course), ("userid", &user)];
    let by_auth = [
        ("criteria[0][key]", "auth"),
        ("criteria[0][value]", "manual"),
    ];
    let attempts = [("quizid", &*quiz), ("userid", &user)];
    vec![
        ground.call("core_user_get_users", &by_auth),
        ground.call("core_enrol_get_enrolled_users", &both[..1]),
        ground.call("core_enrol_get_users_courses", &both[1..]),
        ground.call("core_course_get_contents", &both[..1]),
        ground.statuses(),
        ground.course_status(),
        ground.grades("0"),
        ground.call("mod_quiz_get_user_attempts", &attempts),
    ]
}

#[test]
fn each_lack_is_refused_in_its_own_way() {
    let ground = Ground::new();
    ground.moodle.attempt(LEARNER, COURSE, QUIZ, 75.0);
    let (user, course, quiz) = (ground.learner(), ground.course(), ground.quiz());
    let lacking = |capability: &str, function: &str, parameters: &[(&str, &str)]| {
        ground.moodle.allow(capability, false);
        let answered = ground.call(function, parameters);
        ground.moodle.allow(capability, true);
        answered
    };
    let both = [("courseid", &*course), ("userid", &*user)];
    let attempts = [("quizid", &*quiz), ("userid", &user)];
    let hidden = "Course or activity not accessible. (Activity is hidden)";
    let outside = "Course or activity not accessible. (Not enrolled)";

    let statuses = "core_completion_get_activities_completion_status";
    let answered = lacking("report/progress:view", statuses, &both);
    assert_eq!(answered, nopermissions("View activity completion reports"));
    let answered = lacking("moodle/course:view", statuses, &both);
    assert_eq!(answered["errorcode"], "requireloginerror");
    assert_eq!(answered["message"], outside);
    let answered = lacking("mod/quiz:view", statuses, &both);
    assert_eq!(answered["statuses"].as_array().unwrap().len(), 4);
    let whole = "core_completion_get_course_completion_status";
    let answered = lacking("report/completion:view", whole, &both);
    assert_eq!(answered["errorcode"], "cannotviewreport");

    let people = "core_enrol_get_enrolled_users";
    let answered = lacking("moodle/course:viewparticipants", people, &both[..1]);
    assert_eq!(answered, nopermissions("View participants"));
    let answered = lacking("moodle/course:view", people, &both[..1]);
    assert_eq!(answered["errorcode"], "errorcoursecontextnotvalid");
    assert!(answered["message"].as_str().unwrap().ends_with(outside));
    let answered = lacking("moodle/user:viewdetails", people, &both[..1]);
    assert_eq!(answered, json!([]));
    let answered = lacking("moodle/user:viewalldetails", people, &both[..1]);
    let row = answered[0].as_object().unwrap();
    assert!(!row.contains_key("username") && !row.contains_key("idnumber"));
    assert!(row.contains_key("fullname") && row.contains_key("lastcourseaccess"));

    let grades = "gradereport_user_get_grade_items";
    let answered = lacking("gradereport/user:view", grades, &both[..1]);
    assert_eq!(answered, nopermissions("View your own grade report"));
    let answered = lacking("moodle/grade:viewall", grades, &both[..1]);
    assert_eq!(answered, nopermissions("View grades of other users"));
    let answered = lacking("moodle/grade:viewall", grades, &both);
    assert_eq!(answered["errorcode"], "nopermissiontoviewgrades");

    let list = "mod_quiz_get_user_attempts";
    let answered = lacking("mod/quiz:view", list, &attempts);
    assert_eq!(answered["message"], hidden);
    let answered = lacking("mod/quiz:viewreports", list, &attempts);
    assert_eq!(answered, nopermissions("View quiz reports"));
}

#[test]
fn what_is_not_there_is_said_so() {
    let ground = Ground::new();
    let course = ground.course();
    let nobody = [("courseid", &*course), ("userid", "999")];
    let answered = ground.call("core_completion_get_activities_completion_status", &nobody);
    assert_eq!(answered["errorcode"], "invalidrecord");
    let message = "Can't find data record in database table user.";
    assert_eq!(answered["message"], message);
    let answered = ground.call("core_course_get_contents", &[("courseid", "999")]);
    assert_eq!(answered["exception"], "dml_missing_record_exception");
    // Somebody who is not in the course.
    ground.moodle.unenrol(LEARNER, COURSE);
    assert_eq!(ground.course_status()["errorcode"], "usernotenroled");
    assert_eq!(ground.statuses()["statuses"][0]["istrackeduser"], false);
}
