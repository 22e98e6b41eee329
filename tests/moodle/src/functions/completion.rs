//! Reading completion.

use serde_json::{Value, json};

use super::Function;
use super::contents::link;
use crate::completion::{COMPLETE, is_complete};
use crate::courses::ModuleRow;
use crate::form::{Arguments, Shape, required};
use crate::refusal::{Answer, Refusal};
use crate::setup::Rule;
use crate::state::State;

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        name: "core_completion_get_activities_completion_status",
        takes: &[
            required("courseid", Shape::Int),
            required("userid", Shape::Int),
        ],
        run: get_activities,
    },
    Function {
        name: "core_completion_get_course_completion_status",
        takes: &[
            required("courseid", Shape::Int),
            required("userid", Shape::Int),
        ],
        run: get_course,
    },
];

/// The conditions of an activity, in words, with how each stands. What a person called complete has
/// all of them.
pub(super) fn rules(state: &State, user: u64, module: &ModuleRow) -> Value {
    let said = state.completion.activity(user, module.id).is_said();
    let conditions = state.conditions(user, module).into_iter();
    let rules = conditions.map(|(name, status)| {
        let words = match name {
            "completionview" => "View",
            "completionusegrade" => "Receive a grade",
            _ => "Receive a passing grade",
        };
        let status = if said { COMPLETE } else { status };
        json!({"rulename": name, "rulevalue": {"status": status, "description": words}})
    });
    rules.collect()
}

/// How an activity stands for somebody.
pub(super) fn standing(state: &State, user: u64, module: &ModuleRow) -> Value {
    let rule = module.about.rule;
    let progress = state.completion.activity(user, module.id);
    json!({
        "state": progress.state,
        "timecompleted": progress.modified,
        "overrideby": progress.overridden_by,
        "valueused": false,
        "hascompletion": true,
        "isautomatic": rule.tracking() == 2,
        "uservisible": true,
        "isoverallcomplete": is_complete(rule, progress.state),
    })
}

fn get_activities(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let course = arguments.id("courseid");
    state
        .courses
        .get(course)
        .ok_or_else(|| Refusal::record("course"))?;
    let user = state.user(arguments.id("userid"))?.id;
    let course = state.enter_course(course)?;
    if user != state.service {
        state.require("report/progress:view")?;
    }
    let tracked = state.enrolments.is_learner(user, course.id);
    let modules = course.modules().filter(|module| {
        course.about.completion && module.about.rule != Rule::None && state.sees(module)
    });
    let statuses = modules.map(|module| {
        let mut row = standing(state, user, module);
        row["cmid"] = json!(module.id);
        row["modname"] = json!(module.about.module());
        row["instance"] = json!(module.instance);
        row["tracking"] = json!(module.about.rule.tracking());
        row["istrackeduser"] = json!(tracked);
        row["details"] = rules(state, user, module);
        row
    });
    let statuses: Vec<Value> = statuses.collect();
    Ok(json!({"statuses": statuses, "warnings": []}))
}

/// What a criterion asks for, in words.
fn requirement(module: &ModuleRow) -> String {
    match module.about.rule {
        Rule::None => String::new(),
        Rule::Manual => "Marking yourself complete".to_owned(),
        Rule::View => format!("Viewing the {}", module.about.module()),
        Rule::Grade => "Achieving grade".to_owned(),
        Rule::Pass => "Achieving grade, Achieving passing grade".to_owned(),
    }
}

/// The course by its criteria. When it was completed as a whole is not said.
fn get_course(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let course = arguments.id("courseid");
    state
        .courses
        .get(course)
        .ok_or_else(|| Refusal::record("course"))?;
    let user = state.user(arguments.id("userid"))?.id;
    let course = state.enter_course(course)?;
    let seen = user == state.service || state.may("report/completion:view");
    if !seen || !course.about.completion {
        let message = "You cannot view this report";
        return Err(Refusal::moodle("cannotviewreport", message));
    }
    if !state.enrolments.is_learner(user, course.id) {
        let message = "This user is not enrolled in this course";
        return Err(Refusal::moodle("usernotenroled", message));
    }
    let whole = state.completion.course(user, course.id);
    let completions = course.criteria().map(|module| {
        let met = whole.met.get(&module.id);
        json!({
            "type": 4,
            "title": "Activity completion",
            "status": if met.is_some() { "Yes" } else { "No" },
            "complete": met.is_some(),
            "timecompleted": met,
            "details": {
                "type": "Activity completion",
                "criteria": format!(
                    "<a href=\"{}\">{}</a>",
                    link(state, module),
                    module.about.name
                ),
                "requirement": requirement(module),
                "status": "",
            },
        })
    });
    let completions: Vec<Value> = completions.collect();
    if completions.is_empty() {
        let message = "No completion criteria set for this course";
        return Err(Refusal::moodle("nocriteriaset", message));
    }
    Ok(json!({
        "completionstatus": {
            "completed": whole.completed.is_some(),
            "aggregation": 1,
            "completions": completions,
        },
        "warnings": [],
    }))
}
