//! The courses of somebody; enrolling and unenrolling.

use serde_json::{Value, json};

use super::courses::image;
use super::{Function, number};
use crate::completion::{COMPLETE, PASSED};
use crate::courses::CourseRow;
use crate::enrolments::{STUDENT, Way};
use crate::form::{Arguments, Shape, optional, required};
use crate::refusal::{Answer, Refusal};
use crate::setup::Rule;
use crate::state::State;

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        name: "core_enrol_get_users_courses",
        takes: &[
            required("userid", Shape::Int),
            optional("returnusercount", Shape::Bool),
        ],
        run: get_users_courses,
    },
    Function {
        name: "enrol_manual_enrol_users",
        takes: &[required(
            "enrolments",
            Shape::List(&Shape::Record(&[
                required("roleid", Shape::Int),
                required("userid", Shape::Int),
                required("courseid", Shape::Int),
                optional("timestart", Shape::Int),
                optional("timeend", Shape::Int),
                optional("suspend", Shape::Int),
            ])),
        )],
        run: enrol_users,
    },
    Function {
        name: "enrol_manual_unenrol_users",
        takes: &[required(
            "enrolments",
            Shape::List(&Shape::Record(&[
                required("userid", Shape::Int),
                required("courseid", Shape::Int),
                optional("roleid", Shape::Int),
            ])),
        )],
        run: unenrol_users,
    },
];

/// The courses of somebody that the token's user may see him in; without a right to, none.
fn get_users_courses(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let user = arguments.id("userid");
    let counted = arguments.flag("returnusercount").unwrap_or(true);
    let mut rows = Vec::new();
    for id in state.enrolments.courses(user) {
        let Ok(course) = state.enter_course(id) else {
            continue;
        };
        if user != state.service && !state.may("moodle/course:viewparticipants") {
            continue;
        }
        let mut row = taken(state, user, course);
        if counted {
            row["enrolledusercount"] = json!(state.enrolments.users(id, false).len());
        }
        rows.push(row);
    }
    Ok(Value::Array(rows))
}

/// How much of a course somebody has done, in percent.
fn percent(state: &State, user: u64, course: &CourseRow) -> Value {
    let mut all = 0.0;
    let mut done = 0.0;
    for module in course.modules() {
        if module.about.rule == Rule::None {
            continue;
        }
        all += 1.0;
        let state = state.completion.activity(user, module.id).state;
        if matches!(state, COMPLETE | PASSED) {
            done += 1.0;
        }
    }
    if all > 0.0 {
        number(done / all * 100.0)
    } else {
        Value::Null
    }
}

fn taken(state: &State, user: u64, course: &CourseRow) -> Value {
    let about = &course.about;
    let tracked = about.completion && state.enrolments.is_learner(user, course.id);
    let completed = state.completion.course(user, course.id).completed.is_some();
    let account = state.people.get(user);
    json!({
        "id": course.id,
        "shortname": about.shortname,
        "fullname": about.fullname,
        "displayname": about.fullname,
        "idnumber": about.idnumber.clone().unwrap_or_default(),
        "visible": 1,
        "summary": "",
        "summaryformat": 1,
        "format": "topics",
        "courseimage": image(state, course),
        "showgrades": true,
        "lang": "",
        "enablecompletion": about.completion,
        "completionhascriteria": course.criteria().next().is_some(),
        "completionusertracked": tracked,
        "category": 2,
        "progress": if tracked { percent(state, user, course) } else { Value::Null },
        "completed": tracked.then_some(completed),
        "startdate": state.setup.clock,
        "enddate": 0,
        "marker": 0,
        "lastaccess": account.and_then(|account| account.course_access.get(&course.id)),
        "isfavourite": false,
        "hidden": false,
        "overviewfiles": [],
        "showactivitydates": false,
        "showcompletionconditions": true,
        "timemodified": course.modified,
    })
}

/// Whether the token's user may put this learner into that course.
fn may_enrol(state: &State, row: Arguments<'_>) -> Result<(), Refusal> {
    let course = row.id("courseid");
    let known = state.courses.get(course);
    known.ok_or_else(|| Refusal::parameter("Context does not exist"))?;
    state.enter_course(course)?;
    state.require("enrol/manual:enrol")?;
    let (role, user) = (row.id("roleid"), row.id("userid"));
    let assigns = state.may("moodle/role:assign") && state.setup.assigns_student;
    if !assigns || role != STUDENT {
        let message = format!(
            "You don't have the permission to assign this role ({role}) to this user ({user}) \
             in this course({course})."
        );
        return Err(Refusal::moodle("wsusercannotassign", &message));
    }
    state.user(user)?;
    Ok(())
}

/// All or none.
fn enrol_users(state: &mut State, arguments: Arguments<'_>) -> Answer {
    for row in arguments.rows("enrolments") {
        may_enrol(state, row)?;
    }
    for row in arguments.rows("enrolments") {
        let (user, course) = (row.id("userid"), row.id("courseid"));
        state.enrol(
            user,
            course,
            Way::Manual,
            row.id("roleid"),
            row.id("timestart"),
        );
        let suspended = row.int("suspend").is_some_and(|suspend| suspend != 0);
        if let Some(enrolment) = state.enrolments.get_mut(user, course, Way::Manual) {
            enrolment.active = !suspended;
        }
    }
    Ok(Value::Null)
}

fn unenrol_users(state: &mut State, arguments: Arguments<'_>) -> Answer {
    for row in arguments.rows("enrolments") {
        let course = row.id("courseid");
        let known = state.courses.get(course);
        known.ok_or_else(|| Refusal::parameter("Context does not exist"))?;
        state.enter_course(course)?;
        state.require("enrol/manual:unenrol")?;
        let user = row.id("userid");
        if state.user(user).is_err() {
            let wrong = format!("User id not exist: {user}");
            return Err(Refusal::parameter(&wrong));
        }
    }
    for row in arguments.rows("enrolments") {
        state.unenrol(row.id("userid"), row.id("courseid"), Way::Manual);
    }
    Ok(Value::Null)
}
