//! The only filter by time that Moodle has. It says that a quiz changed and not for whom, and it says
//! nothing of pages, of completion and of pushed grades.

use serde_json::{Value, json};

use super::Function;
use crate::courses::ModuleRow;
use crate::form::{Arguments, Shape, optional, required};
use crate::refusal::Answer;
use crate::state::State;

pub(super) static FUNCTIONS: &[Function] = &[Function {
    name: "core_course_get_updates_since",
    takes: &[
        required("courseid", Shape::Int),
        required("since", Shape::Int),
        optional("filter", Shape::List(&Shape::Text)),
    ],
    run: get_updates,
}];

fn get_updates(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let course = state.enter_course(arguments.id("courseid"))?;
    let since = arguments.id("since");
    let modules = course.modules().filter(|module| state.sees(module));
    let instances = modules.filter_map(|module| {
        let updates = updates(state, module, since);
        let some = !updates.is_empty();
        some.then(|| json!({"contextlevel": "module", "id": module.id, "updates": updates}))
    });
    let instances: Vec<Value> = instances.collect();
    Ok(json!({"instances": instances, "warnings": []}))
}

fn updates(state: &State, module: &ModuleRow, since: u64) -> Vec<Value> {
    let mut updates = Vec::new();
    if module.added > since {
        updates.push(json!({"name": "configuration", "timeupdated": module.added}));
    }
    let Some(quiz) = module.about.quiz_settings() else {
        return updates;
    };
    let mut list = |name: &str, ids: Vec<u64>| {
        if !ids.is_empty() {
            updates.push(json!({"name": name, "itemids": ids}));
        }
    };
    if module.added > since {
        list("questions", (1..=u64::from(quiz.questions)).collect());
    }
    if state.may("mod/quiz:viewreports") {
        let attempts = state.quizzes.attempts.iter();
        let attempts =
            attempts.filter(|attempt| attempt.module == module.id && attempt.modified > since);
        list("userattempts", attempts.map(|attempt| attempt.id).collect());
        let grades = state.quizzes.grades.iter();
        let grades = grades.filter(|((_, of), grade)| *of == module.id && grade.modified > since);
        list("usergrades", grades.map(|(_, grade)| grade.id).collect());
    }
    updates
}
