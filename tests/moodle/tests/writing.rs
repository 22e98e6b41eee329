//! Goal: every function that writes does and answers what a real site was recorded to do and answer.
//! Method: recorded answers by value, and the state that they leave.

use serde_json::{Value, json};
use spean_moodle_stand_in::{Activity, Course, Person, Rule, Setup};

use crate::ground::{COURSE, Ground, LEARNER, QUIZ, course, same_shape};

const INVALID: &str = "core\\exception\\invalid_parameter_exception";

fn invalid(debuginfo: &str) -> Value {
    json!({
        "exception": INVALID,
        "errorcode": "invalidparameter",
        "message": "Invalid parameter value detected",
        "debuginfo": debuginfo,
    })
}

fn nopermissions(words: &str) -> Value {
    json!({
        "exception": "core\\exception\\required_capability_exception",
        "errorcode": "nopermissions",
        "message": format!("Sorry, but you do not currently have permissions to do that ({words})."),
    })
}

/// The recorded newcomer with some fields otherwise.
fn create(ground: &Ground, otherwise: &[(&str, &str)]) -> Value {
    let mut fields = vec![
        ("users[0][username]", "ccp1-00006"),
        ("users[0][auth]", "db"),
        ("users[0][firstname]", "Ratana"),
        ("users[0][lastname]", "Ly"),
        ("users[0][email]", "ccp1-00006@learner.invalid"),
        ("users[0][idnumber]", "PRED-00000006"),
        ("users[0][lang]", "en"),
        ("users[0][country]", "KH"),
    ];
    for (name, value) in otherwise {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    ground.call("core_user_create_users", &fields)
}

#[test]
fn users_are_created_with_all_that_is_needed() {
    let ground = Ground::new();
    let answered = create(&ground, &[]);
    same_shape(&json!([{"id": 11, "username": "ccp1-00006"}]), &answered);
    let person = ground.moodle.person("ccp1-00006").unwrap();
    assert_eq!((&*person.auth, person.suspended), ("db", false));
    assert_eq!(answered[0]["id"], ground.moodle.user_id("ccp1-00006"));

    let exists = "Username already exists: ccp1-00006";
    assert_eq!(create(&ground, &[]), invalid(exists));
    let other = ("users[0][username]", "ccp1-0008");
    let exists = "Email address already exists: ccp1-00006@learner.invalid";
    assert_eq!(create(&ground, &[other]), invalid(exists));
    let email = ("users[0][email]", "x@learner.invalid");
    let lower = "users => Invalid parameter value detected: username => Invalid parameter value \
                 detected: Invalid external api parameter: the value is \"CCP1-0007\", the server \
                 was expecting \"username\" type";
    let upper = create(&ground, &[("users[0][username]", "CCP1-0007"), email]);
    assert_eq!(upper, invalid(lower));
    let manual = ("users[0][auth]", "manual");
    let password = "Invalid password: you must provide a password, or set createpassword.";
    assert_eq!(create(&ground, &[other, email, manual]), invalid(password));
    let weak = create(
        &ground,
        &[other, email, manual, ("users[0][password]", "weak")],
    );
    assert!(
        weak["errorcode"]
            .as_str()
            .unwrap()
            .contains("at least 8 characters")
    );
    let plain = [other, email, manual, ("users[0][password]", "Plain-Text-1")];
    same_shape(
        &json!([{"id": 13, "username": "pw-test"}]),
        &create(&ground, &plain),
    );
    ground.moodle.allow("moodle/user:create", false);
    assert_eq!(create(&ground, &[]), nopermissions("Create users"));
    assert_eq!(ground.moodle.people(), 3);
}

#[test]
fn several_users_are_created_or_none() {
    let ground = Ground::new();
    let second = [
        ("users[1][username]", LEARNER),
        ("users[1][auth]", "db"),
        ("users[1][firstname]", "x"),
        ("users[1][lastname]", "x"),
        ("users[1][email]", "y@learner.invalid"),
    ];
    let refused = format!("Username already exists: {LEARNER}");
    assert_eq!(create(&ground, &second), invalid(&refused));
    assert_eq!(ground.moodle.people(), 1);
}

#[test]
fn users_change_or_a_warning_says_why_not() {
    let ground = Ground::new();
    let id = ground.learner();
    let update = |fields: &[(&str, &str)]| ground.call("core_user_update_users", fields);
    let done = json!({"warnings": []});
    let learner = ("users[0][id]", &*id);
    assert_eq!(update(&[learner, ("users[0][suspended]", "1")]), done);
    assert!(ground.moodle.person(LEARNER).unwrap().suspended);
    let back = [
        learner,
        ("users[0][suspended]", "0"),
        ("users[0][auth]", "db"),
    ];
    assert_eq!(update(&back), done);
    let person = ground.moodle.person(LEARNER).unwrap();
    assert_eq!((&*person.auth, person.suspended), ("db", false));

    let warned = |id: u64, code: &str, message: &str| {
        json!({"warnings": [
            {"item": "user", "itemid": id, "warningcode": code, "message": message},
        ]})
    };
    let admin = [("users[0][id]", "2"), ("users[0][firstname]", "X")];
    let recorded = warned(2, "usernotupdatedadmin", "Cannot update admin accounts");
    assert_eq!(update(&admin), recorded);
    ground.moodle.add_user(Person::new("other"));
    // One that fails does not keep the next from its change.
    let both = [
        learner,
        ("users[0][email]", "other@learner.invalid"),
        ("users[1][id]", &ground.moodle.user_id("other").to_string()),
        ("users[1][suspended]", "1"),
    ];
    let number = ground.moodle.user_id(LEARNER);
    assert_eq!(
        update(&both),
        warned(number, "useremailduplicate", "Duplicate address")
    );
    assert!(ground.moodle.person("other").unwrap().suspended);
    ground.moodle.allow("moodle/user:update", false);
    assert_eq!(update(&back), nopermissions("Update user profiles"));
}

#[test]
fn to_delete_frees_the_login() {
    let ground = Ground::new();
    let id = ground.learner();
    let delete = || ground.call("core_user_delete_users", &[("userids[0]", &id)]);
    assert_eq!(delete(), nopermissions("Delete users"));
    ground.moodle.allow("moodle/user:delete", true);
    assert_eq!(delete(), Value::Null);
    assert_eq!(ground.moodle.person(LEARNER), None);
    let by_name = [("field", "username"), ("values[0]", LEARNER)];
    assert_eq!(
        ground.call("core_user_get_users_by_field", &by_name),
        json!([])
    );
    let again = [("users[0][username]", LEARNER)];
    assert_ne!(create(&ground, &again)[0]["id"].to_string(), id);
}

fn enrol(ground: &Ground, course: &str) -> Value {
    let fields = [
        ("enrolments[0][roleid]", "5"),
        ("enrolments[0][userid]", &*ground.learner()),
        ("enrolments[0][courseid]", course),
        ("enrolments[0][timestart]", "1767571200"),
    ];
    ground.call("enrol_manual_enrol_users", &fields)
}

#[test]
fn enrolling_answers_null_and_may_be_said_twice() {
    let ground = Ground::new();
    ground.moodle.unenrol(LEARNER, COURSE);
    let course = ground.course();
    assert_eq!(enrol(&ground, "999"), invalid("Context does not exist"));
    for _ in 0..2 {
        assert_eq!(enrol(&ground, &course), Value::Null);
        assert!(ground.moodle.is_learner(LEARNER, COURSE));
    }
    let people = ground.call("core_enrol_get_enrolled_users", &[("courseid", &course)]);
    assert_eq!(people.as_array().unwrap().len(), 1);
    for capability in ["enrol/manual:enrol", "moodle/role:assign"] {
        ground.moodle.allow(capability, false);
        let refused = enrol(&ground, &course)["errorcode"].clone();
        assert!(refused == "nopermissions" || refused == "wsusercannotassign");
        ground.moodle.allow(capability, true);
    }
    let setup = Setup {
        assigns_student: false,
        ..Setup::of(&[self::course()])
    };
    let ground = Ground::of(setup);
    assert_eq!(
        enrol(&ground, &ground.course())["errorcode"],
        "wsusercannotassign"
    );
}

#[test]
fn unenrolling_hides_grades() {
    for recover_grades in [false, true] {
        let setup = Setup {
            recover_grades,
            ..Setup::of(&[course()])
        };
        let ground = Ground::of(setup);
        let (user, course) = (ground.learner(), ground.course());
        ground.push("80");
        let fields = [
            ("enrolments[0][userid]", &*user),
            ("enrolments[0][courseid]", &course),
        ];
        let unenrol = || ground.call("enrol_manual_unenrol_users", &fields);
        ground.moodle.allow("enrol/manual:unenrol", false);
        assert_eq!(unenrol(), nopermissions("Unenrol users from the course"));
        ground.moodle.allow("enrol/manual:unenrol", true);
        assert_eq!(unenrol(), Value::Null);
        assert_eq!(ground.moodle.grade(LEARNER, COURSE, QUIZ), None);
        assert_eq!(ground.grades("0")["usergrades"], json!([]));
        enrol(&ground, &course);
        let back = ground.moodle.grade(LEARNER, COURSE, QUIZ);
        assert_eq!(back.is_some(), recover_grades);
        // Completion is nobody's to hide.
        assert_eq!(ground.moodle.mark(LEARNER, COURSE, QUIZ).state, 2);
    }
}

#[test]
fn an_override_says_complete_or_not_by_whom_and_now() {
    let ground = Ground::new();
    ground.moodle.wait(50);
    let answered = ground.override_to("Workbook done", "1");
    let recorded = json!({
        "cmid": 13,
        "userid": 11,
        "state": 1,
        "timecompleted": 1_795_324_706,
        "overrideby": 3,
        "tracking": 1,
    });
    same_shape(&recorded, &answered);
    assert_eq!(answered["timecompleted"], ground.moodle.clock());
    assert_eq!(answered["overrideby"], ground.moodle.service_id());
    let answered = ground.override_to("Lesson 1", "1");
    ground.moodle.wait(50);
    // Said again it is what it was.
    assert_eq!(ground.override_to("Lesson 1", "1"), answered);
    assert_eq!(answered["tracking"], 2);
    let statuses = ground.statuses();
    let recorded = json!([{
        "state": 1,
        "overrideby": 3,
        "details": [{"rulename": "completionview", "rulevalue": {"status": 1, "description": "View"}}],
        "isoverallcomplete": true,
    }]);
    same_shape(&recorded, &statuses["statuses"]);
    assert_eq!(statuses["statuses"][0]["details"], recorded[0]["details"]);
    assert_eq!(ground.override_to(QUIZ, "2")["errorcode"], "err_system");

    ground
        .moodle
        .allow("moodle/course:overridecompletion", false);
    let refused = ground.override_to("Lesson 2", "1");
    assert_eq!(
        refused["exception"],
        "core\\exception\\required_capability_exception"
    );
    assert_eq!(refused["errorcode"], "nopermission");
    assert_eq!(ground.moodle.mark(LEARNER, COURSE, "Lesson 2").state, 0);
}

#[test]
fn what_is_not_tracked_is_not_overridden() {
    let mut page = Activity::page("Lesson 1");
    page.rule = Rule::None;
    let setup = Setup::of(&[Course::new(COURSE, &[page.clone()])]);
    let ground = Ground::of(setup);
    let answered = ground.override_to("Lesson 1", "1");
    assert_eq!(
        (&answered["state"], &answered["tracking"]),
        (&json!(0), &json!(0))
    );
    let mut course = Course::new(COURSE, &[page]);
    course.completion = false;
    let ground = Ground::of(Setup::of(&[course]));
    let recorded = json!({
        "exception": "core\\exception\\moodle_exception",
        "errorcode": "completionnotenabled",
        "message": "Completion is not enabled",
    });
    assert_eq!(ground.override_to("Lesson 1", "1"), recorded);
}

#[test]
fn a_pushed_grade_computes_completion_without_a_mark_of_who_pushed() {
    let ground = Ground::new();
    ground.moodle.wait(50);
    assert_eq!(ground.push("87.5"), 0);
    let mark = ground.moodle.mark(LEARNER, COURSE, QUIZ);
    assert_eq!(
        (mark.state, mark.at, mark.overridden),
        (2, ground.moodle.clock(), false)
    );
    let item = ground.grades(&ground.learner())["usergrades"][0]["gradeitems"][0].clone();
    assert_eq!(item["graderaw"], 87.5);
    assert_eq!(item["gradedategraded"], ground.moodle.clock());
    assert_eq!(item["gradedatesubmitted"], Value::Null);
    assert_eq!(ground.push("10"), 0);
    assert_eq!(ground.moodle.mark(LEARNER, COURSE, QUIZ).state, 3);
    // More than the maximum is the maximum.
    assert_eq!(ground.push("250"), 0);
    assert_eq!(ground.moodle.grade(LEARNER, COURSE, QUIZ), Some(100.0));
    ground.moodle.allow("moodle/grade:edit", false);
    assert_eq!(ground.push("50"), nopermissions("Edit grades"));
    // A teacher's word stands against a push, which is answered as if it had counted.
    ground.moodle.allow("moodle/grade:edit", true);
    ground.moodle.grade_by_hand(LEARNER, COURSE, QUIZ, 60.0);
    assert_eq!(ground.push("90"), 0);
    assert_eq!(ground.moodle.grade(LEARNER, COURSE, QUIZ), Some(60.0));
    let items = ground.grades(&ground.learner());
    assert_eq!(
        items["usergrades"][0]["gradeitems"][0]["gradeisoverridden"],
        true
    );
}

#[test]
fn feedback_is_taken_and_dropped() {
    let ground = Ground::new();
    let fields = [
        ("source", "mesh"),
        ("courseid", &*ground.course()),
        ("component", "mod_quiz"),
        ("activityid", &ground.module(QUIZ)),
        ("itemnumber", "0"),
        ("grades[0][studentid]", &ground.learner()),
        ("grades[0][grade]", "60"),
        ("grades[0][str_feedback]", "from another prison"),
    ];
    assert_eq!(ground.call("core_grades_update_grades", &fields), 0);
    let items = ground.grades(&ground.learner());
    assert_eq!(items["usergrades"][0]["gradeitems"][0]["feedback"], "");
}

#[test]
fn a_course_gets_its_id_number_back_or_a_warning() {
    let ground = Ground::of(Setup::of(&[course().restored()]));
    let id = ground.course();
    let fields = [
        ("courses[0][id]", &*id),
        ("courses[0][idnumber]", "beep:beep-khm-7"),
    ];
    let update = || ground.call("core_course_update_courses", &fields);
    let warned = |words: &str| {
        json!({"warnings": [{
            "item": "course",
            "itemid": ground.moodle.course_id(COURSE),
            "warningcode": "nopermissions",
            "message":
                format!("Sorry, but you do not currently have permissions to do that ({words})."),
        }]})
    };
    assert_eq!(update(), warned("Update course settings"));
    ground.moodle.allow("moodle/course:update", true);
    assert_eq!(update(), warned("Change course ID number"));
    ground.moodle.allow("moodle/course:changeidnumber", true);
    assert_eq!(update(), json!({"warnings": []}));
    let found = [("field", "idnumber"), ("value", "beep:beep-khm-7")];
    let found = ground.call("core_course_get_courses_by_field", &found);
    assert_eq!(found["courses"][0]["shortname"], COURSE);
}

/// What looks as if it wrote for a learner, and acts on the token's own user.
#[test]
fn own_marks_are_of_no_use_to_a_service() {
    let ground = Ground::new();
    let course = ground.course();
    let function = "core_completion_mark_course_self_completed";
    let recorded = json!({
        "exception": "core\\exception\\moodle_exception",
        "errorcode": "nottracked",
        "message": "You are currently not being tracked by completion in this course",
    });
    assert_eq!(ground.call(function, &[("courseid", &course)]), recorded);
    let function = "core_completion_update_activity_completion_status_manually";
    let tick = |activity: &str| {
        let module = ground.module(activity);
        ground.call(function, &[("cmid", &module), ("completed", "1")])
    };
    assert_eq!(
        tick("Workbook done"),
        json!({"status": true, "warnings": []})
    );
    assert_eq!(tick("Lesson 1")["errorcode"], "cannotmanualctrack");
    assert_eq!(
        ground.moodle.mark(LEARNER, COURSE, "Workbook done").state,
        0
    );
}
