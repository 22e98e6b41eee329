//! The gradebook, read and written.

use serde_json::{Value, json};

use super::{Function, number};
use crate::completion::Cause;
use crate::courses::{CourseRow, ModuleRow};
use crate::form::{Arguments, Shape, optional, required};
use crate::grades::Grade;
use crate::people::Account;
use crate::refusal::{Answer, Refusal};
use crate::setup::Quiz;
use crate::state::State;

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        name: "gradereport_user_get_grade_items",
        takes: &[
            required("courseid", Shape::Int),
            optional("userid", Shape::Int),
            optional("groupid", Shape::Int),
        ],
        run: get_grade_items,
    },
    Function {
        name: "core_grades_update_grades",
        takes: &[
            required("source", Shape::Text),
            required("courseid", Shape::Int),
            required("component", Shape::Text),
            required("activityid", Shape::Int),
            required("itemnumber", Shape::Int),
            optional(
                "grades",
                Shape::List(&Shape::Record(&[
                    required("studentid", Shape::Int),
                    required("grade", Shape::Float),
                    optional("str_feedback", Shape::Text),
                ])),
            ),
        ],
        run: update_grades,
    },
];

/// The grades of one learner, or with no user those of every learner of the course.
fn get_grade_items(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let course = state.enter_course(arguments.id("courseid"))?;
    state.require("gradereport/user:view")?;
    let asked = arguments.id("userid");
    let accounts: Vec<&Account> = if asked == 0 {
        state.require("moodle/grade:viewall")?;
        learners(state, course)
    } else {
        let account = state.user(asked)?;
        if asked != state.service && !state.may("moodle/grade:viewall") {
            let message = "Can not view grades.";
            return Err(Refusal::moodle("nopermissiontoviewgrades", message));
        }
        vec![account]
    };
    let rows = accounts.into_iter().map(|account| {
        json!({
            "courseid": course.id,
            "courseidnumber": course.about.idnumber.clone().unwrap_or_default(),
            "userid": account.id,
            "userfullname": account.person.full_name(),
            "useridnumber": account.person.idnumber,
            "maxdepth": 2,
            "gradeitems": items(state, account.id, course),
        })
    });
    let rows: Vec<Value> = rows.collect();
    Ok(json!({"usergrades": rows, "warnings": []}))
}

/// By name, as the gradebook lists them.
fn learners<'a>(state: &'a State, course: &CourseRow) -> Vec<&'a Account> {
    let users = state.enrolments.users(course.id, true);
    let users = users
        .into_iter()
        .filter(|user| state.enrolments.is_learner(*user, course.id));
    let accounts = users.filter_map(|user| state.people.get(user));
    let mut accounts: Vec<&Account> = accounts.filter(|account| !account.deleted).collect();
    accounts.sort_by_key(|account| {
        let person = &account.person;
        (&person.last_name, &person.first_name, account.id)
    });
    accounts
}

fn items(state: &State, user: u64, course: &CourseRow) -> Vec<Value> {
    let hides = |module: &&ModuleRow| !module.about.hidden || state.may("moodle/grade:viewhidden");
    let seen = course.modules().filter(hides);
    let quizzes = seen.filter_map(|module| {
        let quiz = module.about.quiz_settings()?;
        Some((module, quiz, state.grades.get(user, module.id)))
    });
    let quizzes: Vec<(&ModuleRow, &Quiz, Option<&Grade>)> = quizzes.collect();
    let counted = quizzes.iter().filter_map(|(_, quiz, grade)| {
        let value = grade.as_ref()?.value?;
        Some((value, quiz.maximum, grade.and_then(Grade::graded)))
    });
    let counted: Vec<(f64, f64, Option<u64>)> = counted.collect();
    let most: f64 = counted.iter().map(|(_, maximum, _)| maximum).sum();
    let mut items: Vec<Value> = quizzes
        .iter()
        .map(|(module, quiz, grade)| quiz_item(state, module, quiz, *grade, most))
        .collect();
    items.push(total(course, &counted, most));
    items
}

/// A grade as a learner's report shows it.
fn shown(value: Option<f64>, maximum: f64) -> Value {
    let percent = |value: f64| format!("{:.2} %", value / maximum * 100.0);
    json!({
        "outcomeid": null,
        "scaleid": null,
        "locked": false,
        "graderaw": value.map(number),
        "gradehiddenbydate": false,
        "gradeneedsupdate": false,
        "gradeishidden": false,
        "gradeislocked": false,
        "gradeformatted": value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}")),
        "grademin": 0,
        "grademax": number(maximum),
        "rangeformatted": format!("0&ndash;{maximum}"),
        "percentageformatted": value.map_or_else(|| "-".to_owned(), percent),
        "feedback": "",
        "feedbackformat": if value.is_some() { 2 } else { 0 },
    })
}

fn quiz_item(
    state: &State,
    module: &ModuleRow,
    quiz: &Quiz,
    grade: Option<&Grade>,
    most: f64,
) -> Value {
    let value = grade.and_then(|grade| grade.value);
    let mut row = shown(value, quiz.maximum);
    row["id"] = json!(module.grade_item);
    row["itemname"] = json!(module.about.name);
    row["itemtype"] = json!("mod");
    row["itemmodule"] = json!("quiz");
    row["iteminstance"] = json!(module.instance);
    row["itemnumber"] = json!(0);
    row["idnumber"] = json!(module.about.idnumber.clone().unwrap_or_default());
    row["categoryid"] = json!(state.setup.id_offset + 2);
    row["cmid"] = json!(module.id);
    row["gradedatesubmitted"] = json!(grade.and_then(|grade| grade.submitted));
    row["gradedategraded"] = json!(grade.and_then(Grade::graded));
    row["gradeisoverridden"] = json!(grade.is_some_and(|grade| grade.overridden.is_some()));
    if let Some(value) = value {
        let weight = quiz.maximum / most;
        row["weightraw"] = number(weight);
        row["weightformatted"] = json!(format!("{:.2} %", weight * 100.0));
        if quiz.pass > 0.0 {
            let passed = value >= quiz.pass;
            let (icon, word) = if passed {
                ("fa-check text-success", "Pass")
            } else {
                ("fa-xmark text-danger", "Fail")
            };
            row["gradeformatted"] = json!(format!(
                "<i class=\"icon fa {icon} fa-fw inline\"  title=\"{word}\" role=\"img\" \
                 aria-label=\"{word}\"></i>{value:.2}"
            ));
        }
    }
    row
}

/// The course's own item: the sum of what is graded.
fn total(course: &CourseRow, counted: &[(f64, f64, Option<u64>)], most: f64) -> Value {
    let sum = (!counted.is_empty()).then(|| counted.iter().map(|(value, _, _)| value).sum());
    let mut row = shown(sum, if most > 0.0 { most } else { 100.0 });
    row["id"] = json!(course.grade_item);
    row["itemname"] = Value::Null;
    row["itemtype"] = json!("course");
    row["itemmodule"] = Value::Null;
    row["iteminstance"] = json!(2);
    row["itemnumber"] = Value::Null;
    row["idnumber"] = Value::Null;
    row["categoryid"] = Value::Null;
    row["gradedatesubmitted"] = Value::Null;
    row["gradedategraded"] = json!(counted.iter().filter_map(|(_, _, graded)| *graded).max());
    row["gradeisoverridden"] = json!(false);
    row
}

/// Pushes grades: now, without feedback, and as a bulk update that completes no course by itself.
fn update_grades(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let module = state.courses.module(arguments.id("activityid")).cloned();
    let component = arguments.text("component").unwrap_or("");
    let kind = component.strip_prefix("mod_").unwrap_or(component);
    let module = module.filter(|module| module.about.module() == kind);
    let message = "Invalid course module ID";
    let module = module.ok_or_else(|| Refusal::moodle("invalidcoursemodule", message))?;
    let course = arguments.id("courseid");
    let entered = state.enter_course(course);
    entered.map_err(|refusal| refusal.in_course(course))?;
    if arguments.list("grades").is_empty() {
        return Ok(json!(0));
    }
    state.require("moodle/grade:edit")?;
    // A page has nothing to grade.
    if module.grade_item.is_none() || arguments.int("itemnumber") != Some(0) {
        return Ok(json!(1));
    }
    let now = state.now;
    for row in arguments.rows("grades") {
        let user = row.id("studentid");
        state.set_raw_grade(user, &module, row.number("grade"), None, now);
        state.recompute(user, &module, Cause::Push);
    }
    Ok(json!(0))
}
