//! The web service functions: what each takes, and what it answers.

mod badges;
mod completion;
mod contents;
mod courses;
mod enrolments;
mod grades;
mod marks;
mod quizzes;
mod site;
mod updates;
mod users;
mod writing_users;

use serde_json::Value;

use crate::form::{Arguments, Field, Key, Shape};
use crate::refusal::{Answer, Refusal};
use crate::state::State;

/// The functions that read.
pub const READS: &[&str] = &[
    "core_badges_get_user_badges",
    "core_completion_get_activities_completion_status",
    "core_completion_get_course_completion_status",
    "core_course_get_contents",
    "core_course_get_course_module",
    "core_course_get_courses",
    "core_course_get_courses_by_field",
    "core_course_get_updates_since",
    "core_enrol_get_enrolled_users",
    "core_enrol_get_users_courses",
    "core_user_get_users",
    "core_user_get_users_by_field",
    "core_webservice_get_site_info",
    "gradereport_user_get_grade_items",
    "mod_quiz_get_attempt_review",
    "mod_quiz_get_quizzes_by_courses",
    "mod_quiz_get_user_attempts",
    "mod_quiz_get_user_best_grade",
];

/// The functions that write.
pub const WRITES: &[&str] = &[
    "core_completion_mark_course_self_completed",
    "core_completion_override_activity_completion_status",
    "core_completion_update_activity_completion_status_manually",
    "core_course_update_courses",
    "core_grades_update_grades",
    "core_user_create_users",
    "core_user_delete_users",
    "core_user_update_users",
    "enrol_manual_enrol_users",
    "enrol_manual_unenrol_users",
];

/// A function.
pub(super) struct Function {
    name: &'static str,
    takes: &'static [Key],
    run: fn(&mut State, Arguments<'_>) -> Answer,
}

static FUNCTIONS: &[&[Function]] = &[
    badges::FUNCTIONS,
    completion::FUNCTIONS,
    contents::FUNCTIONS,
    courses::FUNCTIONS,
    enrolments::FUNCTIONS,
    grades::FUNCTIONS,
    marks::FUNCTIONS,
    quizzes::FUNCTIONS,
    site::FUNCTIONS,
    updates::FUNCTIONS,
    users::FUNCTIONS,
    writing_users::FUNCTIONS,
];

/// One call, with the checks in Moodle's order: the token, the protocol, the function, its parameters.
pub(crate) fn call(state: &mut State, token: &str, function: &str, fields: &Field) -> Answer {
    if token != state.token {
        let message = "Invalid token - token not found";
        return Err(Refusal::moodle("invalidtoken", message));
    }
    if !state.may("webservice/rest:use") {
        return Err(Refusal::access(
            "You are not allowed to use the {$a} protocol \
             (missing capability: webservice/rest:use)",
        ));
    }
    if function.is_empty() {
        return Err(Refusal::parameter("Missing function name"));
    }
    let mut known = FUNCTIONS.iter().copied().flatten();
    let known = known.find(|known| known.name == function);
    let known = known.ok_or_else(|| Refusal::record("external_functions"))?;
    if !state.setup.functions.contains(function) {
        return Err(Refusal::access(&format!(
            "Access to the function {function}() is not allowed. There could be multiple reasons \
             for this: 1. The service linked to the user token does not contain the function. \
             2. The service is user-restricted and the user is not listed. 3. The service is \
             IP-restricted and the user IP is not listed. 4. The service is time-restricted and \
             the time has expired. 5. The token is time-restricted and the time has expired. \
             6. The service requires a specific capability which the user does not have. \
             7. The function is called with username/password (no user token is sent) and none of \
             the services has the function to allow the user."
        )));
    }
    let checked = Shape::Record(known.takes).check(fields);
    let checked = checked.map_err(|debuginfo| Refusal::parameter(&debuginfo))?;
    (known.run)(state, Arguments(&checked))
}

/// PHP writes whole numbers without a fraction.
fn number(value: f64) -> Value {
    serde_json::from_str(&value.to_string()).unwrap_or_default()
}

/// One flag, in the way of a database.
const fn bit(flag: bool) -> u8 {
    if flag { 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Goal: the tables and the functions are the same.
    /// Method: names both ways.
    #[test]
    fn every_name_has_its_function() {
        let all = [READS, WRITES].concat();
        let names: BTreeSet<&str> = all.iter().copied().collect();
        let known = FUNCTIONS.iter().copied().flatten();
        let known: Vec<&str> = known.map(|function| function.name).collect();
        assert_eq!(known.len(), names.len());
        assert_eq!(known.into_iter().collect::<BTreeSet<_>>(), names);
    }
}
