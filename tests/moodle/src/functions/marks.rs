//! Writing completion.

use serde_json::{Value, json};

use super::Function;
use crate::completion::{Cause, INCOMPLETE};
use crate::courses::ModuleRow;
use crate::form::{Arguments, Shape, required};
use crate::refusal::{Answer, Refusal};
use crate::setup::Rule;
use crate::state::State;

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        name: "core_completion_override_activity_completion_status",
        takes: &[
            required("userid", Shape::Int),
            required("cmid", Shape::Int),
            required("newstate", Shape::Int),
        ],
        run: override_status,
    },
    Function {
        name: "core_completion_update_activity_completion_status_manually",
        takes: &[
            required("cmid", Shape::Int),
            required("completed", Shape::Bool),
        ],
        run: update_own_status,
    },
    Function {
        name: "core_completion_mark_course_self_completed",
        takes: &[required("courseid", Shape::Int)],
        run: mark_own_course,
    },
];

fn enter_tracked(state: &State, id: u64) -> Result<ModuleRow, Refusal> {
    let module = state.enter_module_id(id)?;
    let course = state.enter_course(module.course)?;
    if !course.about.completion {
        let message = "Completion is not enabled";
        return Err(Refusal::moodle("completionnotenabled", message));
    }
    Ok(module)
}

/// Says of a learner's activity what a person knows better. Only complete and incomplete can be said,
/// and it is said now.
fn override_status(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let module = enter_tracked(state, arguments.id("cmid"))?;
    let user = arguments.id("userid");
    let tracking = module.about.rule.tracking();
    if module.about.rule != Rule::None {
        if !state.may("moodle/course:overridecompletion") {
            return Err(Refusal::override_capability());
        }
        let asked = arguments
            .int("newstate")
            .and_then(|state| u8::try_from(state).ok());
        let old = state.completion.activity(user, module.id).state;
        let Some(asked) = asked.filter(|asked| *asked < 2 || *asked == old) else {
            let message = "Internal error (completion)";
            return Err(Refusal::moodle("err_system", message));
        };
        let cause = Cause::Override(state.service, asked);
        state.recompute(user, &module, cause);
    }
    let progress = state.completion.activity(user, module.id);
    Ok(json!({
        "cmid": module.id,
        "userid": user,
        "state": progress.state,
        "timecompleted": progress.modified,
        "overrideby": progress.overridden_by,
        "tracking": tracking,
    }))
}

/// Ticks an activity of the token's own user, whoever a client means by it.
fn update_own_status(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let module = enter_tracked(state, arguments.id("cmid"))?;
    if module.about.rule != Rule::Manual {
        let message = "Activity does not provide manual completion tracking";
        return Err(Refusal::moodle("cannotmanualctrack", message));
    }
    let done = arguments.flag("completed").map_or(INCOMPLETE, u8::from);
    state.recompute(state.service, &module, Cause::Tick(done));
    Ok(json!({"status": true, "warnings": Value::Array(Vec::new())}))
}

/// The token's own user is tracked nowhere.
fn mark_own_course(state: &mut State, arguments: Arguments<'_>) -> Answer {
    state.enter_course(arguments.id("courseid"))?;
    let message = "You are currently not being tracked by completion in this course";
    Err(Refusal::moodle("nottracked", message))
}
