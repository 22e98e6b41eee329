//! Quizzes and attempts.

use serde_json::{Value, json};

use super::{Function, bit, number};
use crate::courses::{CourseRow, ModuleRow};
use crate::form::{Arguments, Shape, optional, required};
use crate::quizzes::Attempt;
use crate::refusal::{Answer, Refusal};
use crate::setup::{Quiz, Rule};
use crate::state::State;

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        name: "mod_quiz_get_quizzes_by_courses",
        takes: &[optional("courseids", Shape::List(&Shape::Int))],
        run: get_quizzes,
    },
    Function {
        name: "mod_quiz_get_user_attempts",
        takes: &[
            required("quizid", Shape::Int),
            optional("userid", Shape::Int),
            optional("status", Shape::Text),
            optional("includepreviews", Shape::Bool),
        ],
        run: get_attempts,
    },
    Function {
        name: "mod_quiz_get_attempt_review",
        takes: &[
            required("attemptid", Shape::Int),
            optional("page", Shape::Int),
        ],
        run: get_review,
    },
    Function {
        name: "mod_quiz_get_user_best_grade",
        takes: &[
            required("quizid", Shape::Int),
            optional("userid", Shape::Int),
        ],
        run: get_best_grade,
    },
];

/// Of courses that cannot be entered there is a warning alone.
fn get_quizzes(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let mut warnings = Vec::new();
    let mut quizzes = Vec::new();
    for id in arguments.ids("courseids") {
        match state.enter_course(id) {
            Ok(course) => quizzes.extend(quizzes_of(state, course)),
            Err(_) => warnings.push(json!({
                "item": "course",
                "itemid": id,
                "warningcode": "1",
                "message": "No access rights in course context",
            })),
        }
    }
    Ok(json!({"quizzes": quizzes, "warnings": warnings}))
}

fn quizzes_of(state: &State, course: &CourseRow) -> Vec<Value> {
    let modules = course.modules().filter(|module| state.sees(module));
    let rows = modules.filter_map(|module| {
        let quiz = module.about.quiz_settings()?;
        Some(settings(module, quiz))
    });
    rows.collect()
}

fn settings(module: &ModuleRow, quiz: &Quiz) -> Value {
    json!({
        "id": module.instance,
        "coursemodule": module.id,
        "course": module.course,
        "name": module.about.name,
        "intro": "",
        "introformat": 1,
        "introfiles": [],
        "section": module.section_number,
        "visible": true,
        "groupmode": 0,
        "groupingid": 0,
        "lang": "",
        "timeopen": 0,
        "timeclose": 0,
        "timelimit": 0,
        "overduehandling": "autosubmit",
        "graceperiod": 86_400,
        "preferredbehaviour": "deferredfeedback",
        "canredoquestions": 0,
        "attempts": 0,
        "attemptonlast": 0,
        "grademethod": quiz.method as u8,
        "decimalpoints": 2,
        "questiondecimalpoints": -1,
        "reviewattempt": 69_904,
        "reviewcorrectness": 69_904,
        "reviewmaxmarks": 69_904,
        "reviewmarks": 69_904,
        "reviewspecificfeedback": 69_904,
        "reviewgeneralfeedback": 69_904,
        "reviewrightanswer": 69_904,
        "reviewoverallfeedback": 4_368,
        "questionsperpage": 0,
        "navmethod": "free",
        "sumgrades": quiz.questions,
        "grade": number(quiz.maximum),
        "browsersecurity": "",
        "delay1": 0,
        "delay2": 0,
        "showuserpicture": 0,
        "showblocks": 0,
        "completionattemptsexhausted": 0,
        "completionpass": bit(module.about.rule == Rule::Pass),
        "allowofflineattempts": 0,
        "autosaveperiod": 60,
        "hasfeedback": 0,
        "hasquestions": bit(quiz.questions > 0),
    })
}

/// Whose attempts are asked for: with no user the token's own.
fn whose(state: &State, arguments: Arguments<'_>) -> Result<u64, Refusal> {
    match arguments.id("userid") {
        0 => Ok(state.service),
        user => Ok(state.user(user)?.id),
    }
}

fn row(attempt: &Attempt, instance: u64, questions: u32) -> Value {
    let layout: String = (1..=questions).map(|slot| format!("{slot},")).collect();
    let layout = if attempt.shell {
        String::new()
    } else {
        layout + "0"
    };
    json!({
        "id": attempt.id,
        "quiz": instance,
        "userid": attempt.user,
        "attempt": attempt.number,
        "uniqueid": attempt.id,
        "layout": layout,
        "currentpage": 0,
        "preview": 0,
        "state": if attempt.finished.is_some() { "finished" } else { "inprogress" },
        "timestart": attempt.started,
        "timefinish": attempt.finished.unwrap_or(0),
        "timemodified": attempt.modified,
        "timemodifiedoffline": 0,
        "timecheckstate": null,
        "sumgrades": attempt.marks.map(number),
        "gradeitemmarks": [],
        "gradednotificationsenttime": attempt.finished,
    })
}

fn get_attempts(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let module = state.enter_quiz(arguments.id("quizid"))?;
    let status = arguments.text("status").unwrap_or("finished");
    if !["all", "finished", "unfinished"].contains(&status) {
        return Err(Refusal::parameter("Invalid status value"));
    }
    let user = whose(state, arguments)?;
    if user != state.service {
        state.require("mod/quiz:viewreports")?;
    }
    let questions = module
        .about
        .quiz_settings()
        .map_or(0, |quiz| quiz.questions);
    let attempts = state
        .quizzes
        .of(user, module.id)
        .filter(|attempt| match status {
            "finished" => attempt.finished.is_some(),
            "unfinished" => attempt.finished.is_none(),
            _ => true,
        });
    let mut attempts: Vec<&Attempt> = attempts.collect();
    attempts.sort_by_key(|attempt| attempt.number);
    let rows = attempts.into_iter();
    let rows: Vec<Value> = rows
        .map(|attempt| row(attempt, module.instance, questions))
        .collect();
    Ok(json!({"attempts": rows, "warnings": []}))
}

/// A finished attempt with its questions; an imported one has none.
fn get_review(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let id = arguments.id("attemptid");
    let attempt = state
        .quizzes
        .attempts
        .iter()
        .find(|attempt| attempt.id == id);
    let attempt = attempt.ok_or_else(|| Refusal::record("quiz_attempts"))?;
    let module = state.enter_module_id(attempt.module)?;
    if attempt.finished.is_none() || !state.may("mod/quiz:viewreports") {
        let message = "You are not allowed to review this attempt";
        return Err(Refusal::moodle("noreviewattempt", message));
    }
    let quiz = module.about.quiz_settings().copied().unwrap_or_default();
    let marks = attempt.marks.unwrap_or(0.0);
    let slots = if attempt.shell { 0 } else { quiz.questions };
    let questions = (1..=slots).map(|slot| question(attempt, slot, marks));
    let questions: Vec<Value> = questions.collect();
    Ok(json!({
        "grade": number(quiz.grade(marks)),
        "attempt": row(attempt, module.instance, quiz.questions),
        "additionaldata": [],
        "questions": questions,
        "warnings": [],
    }))
}

/// The first questions are right, as many as there are marks.
fn question(attempt: &Attempt, slot: u32, marks: f64) -> Value {
    let mark = (marks - f64::from(slot - 1)).clamp(0.0, 1.0);
    let (state, class, status) = if mark >= 1.0 {
        ("gradedright", "correct", "Correct")
    } else if mark > 0.0 {
        ("gradedpartial", "partiallycorrect", "Partially correct")
    } else {
        ("gradedwrong", "incorrect", "Incorrect")
    };
    let id = attempt.id;
    json!({
        "slot": slot,
        "type": "truefalse",
        "page": 0,
        "questionnumber": slot.to_string(),
        "number": slot,
        "html": format!("<div id=\"question-{id}-{slot}\" class=\"que truefalse {class}\"></div>"),
        "responsefileareas": [],
        "sequencecheck": 3,
        "lastactiontime": attempt.modified,
        "hasautosavedstep": false,
        "flagged": false,
        "state": state,
        "stateclass": class,
        "status": status,
        "blockedbyprevious": false,
        "mark": format!("{mark:.2}"),
        "maxmark": 1,
        "settings": null,
    })
}

/// The quiz's own grade, of which a pushed one is no part.
fn get_best_grade(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let module = state.enter_quiz(arguments.id("quizid"))?;
    let user = whose(state, arguments)?;
    if user != state.service && !state.may("moodle/grade:viewall") {
        state.require("mod/quiz:viewreports")?;
    }
    let own = state.quizzes.grades.get(&(user, module.id));
    let mut answer = json!({"hasgrade": own.is_some(), "warnings": []});
    if let Some(own) = own {
        answer["grade"] = number(own.grade);
    }
    let pass = module.about.quiz_settings().map_or(0.0, |quiz| quiz.pass);
    if pass > 0.0 {
        answer["gradetopass"] = number(pass);
    }
    Ok(answer)
}
