//! What a record says is shown in Moodle, so that whoever comes from another prison goes on where he was. Grades
//! first, for Moodle computes from them whether a quiz is passed; then activities of sessions that are done. What
//! Moodle has is compared each time, so the same again writes nothing; a grade that a later attempt or an
//! opened page took away is written again; and nothing is ever lowered.
//!
//! What only this node wrote is found by [`super::source`] again and is no learning.

use std::collections::BTreeMap;

use serde_json::Value;

use super::course::{Activity, Course, number};
use super::source::{Enrolled, Moodle};
use crate::lms::{LmsError, LmsSink, Shown, ShownModule, Written};

/// Functions that writing needs.
pub(super) const WRITES: [&str; 2] = [
    "core_grades_update_grades",
    "core_completion_override_activity_completion_status",
];

/// Rights that it needs besides those of reading.
pub(super) const WRITE_RIGHTS: [&str; 2] =
    ["moodle/grade:edit", "moodle/course:overridecompletion"];

/// The name that Moodle's history of grades shows for what is written here.
const SOURCE: &str = "spean";

/// Grades of which one counts as no lower than the other: what Moodle keeps has five decimals.
const NEAR: f64 = 0.000_05;

/// What Moodle has of somebody in a course.
struct Standing {
    /// Grades by activity; what has none is absent.
    grades: BTreeMap<i64, f64>,
    /// States of completion by activity: 0 none, 1 complete, 2 passed, 3 failed.
    states: BTreeMap<i64, i64>,
}

impl LmsSink for Moodle {
    fn show(
        &mut self,
        people: &[Shown],
        dry: bool,
        tell: &mut dyn FnMut(Written),
    ) -> Result<(), LmsError> {
        for config in self.courses().to_vec() {
            let Some(module) = config.module() else {
                continue;
            };
            let Some(here) = self.course(&config)? else {
                continue;
            };
            let Some(course) = self.layout(&config, here)? else {
                continue;
            };
            let grades = self.grades(here)?;
            let enrolled = self.enrolled(here)?;
            for who in &enrolled {
                let shown = people.iter().find(|one| one.is(&who.user));
                let Some(shown) = shown.and_then(|one| one.modules.get(&module)) else {
                    continue;
                };
                let standing = Standing {
                    grades: grades.get(&who.here).cloned().unwrap_or_default(),
                    states: self.states(&course, who)?,
                };
                for (what, work) in work(&course, shown, &standing) {
                    let done = match dry {
                        true => Ok(()),
                        false => self.do_work(&course, who, &work),
                    };
                    let failed = match done {
                        Err(error) if error.ends_it() => return Err(error),
                        Err(error) => error.to_string(),
                        Ok(()) => String::new(),
                    };
                    tell(Written {
                        user: who.user.clone(),
                        what: format!("{}: {what}", config.shortname),
                        failed,
                    });
                }
            }
        }
        Ok(())
    }
}

/// One thing to write.
enum Work {
    /// A grade of a quiz, as Moodle counts it.
    Grade(i64, f64),
    /// An activity is complete.
    Complete(i64),
}

/// What is to be written of somebody, in the order in which it is, each in words.
fn work(course: &Course, shown: &ShownModule, standing: &Standing) -> Vec<(String, Work)> {
    let mut all = Vec::new();
    for Activity { here, quiz, .. } in &course.activities {
        let Some(quiz) = quiz else { continue };
        let Some((points, most)) = shown.results.get(&(quiz.kind.to_owned(), quiz.version)) else {
            continue;
        };
        let grade = f64::from(*points) / f64::from(*most) * quiz.grade;
        let has = standing.grades.get(here).copied();
        if has.is_none_or(|has| has + NEAR < grade) {
            let what = format!("{} {} to {grade:.2}", quiz.kind, quiz.version);
            all.push((what, Work::Grade(*here, grade)));
        }
    }
    for (session, activities) in course.sessions() {
        if !shown.sessions.contains(&session) {
            continue;
        }
        for here in activities {
            let plain = course
                .activities
                .iter()
                .any(|one| one.here == here && one.quiz.is_none());
            let state = standing.states.get(&here).copied().unwrap_or(0);
            if plain && state == 0 {
                all.push((format!("session {session}"), Work::Complete(here)));
            }
        }
    }
    all
}

impl Moodle {
    /// All grades of a course, by person and activity.
    fn grades(&self, course: i64) -> Result<BTreeMap<i64, BTreeMap<i64, f64>>, LmsError> {
        let mut grades: BTreeMap<i64, BTreeMap<i64, f64>> = BTreeMap::new();
        for (user, item) in self.grade_items(course)? {
            let grade = item.get("graderaw").and_then(Value::as_f64);
            if let (Some(activity), Some(grade)) = (number(&item, "cmid"), grade) {
                grades.entry(user).or_default().insert(activity, grade);
            }
        }
        Ok(grades)
    }

    fn states(&self, course: &Course, who: &Enrolled) -> Result<BTreeMap<i64, i64>, LmsError> {
        let statuses = self.statuses(course, who)?;
        let state = |status: &Value| Some((number(status, "cmid")?, number(status, "state")?));
        Ok(statuses.iter().filter_map(state).collect())
    }

    fn do_work(&self, course: &Course, who: &Enrolled, work: &Work) -> Result<(), LmsError> {
        match work {
            Work::Grade(activity, grade) => {
                let parameters = [
                    ("source", SOURCE.to_owned()),
                    ("courseid", course.here.to_string()),
                    ("component", "mod_quiz".to_owned()),
                    ("activityid", activity.to_string()),
                    ("itemnumber", "0".to_owned()),
                    ("grades[0][studentid]", who.here.to_string()),
                    ("grades[0][grade]", format!("{grade:.5}")),
                ];
                let answer = self
                    .client()
                    .call("core_grades_update_grades", &parameters)?;
                match answer.value.as_i64() {
                    Some(0) => Ok(()),
                    Some(4) => Err(refused("the grade is locked in Moodle's gradebook")),
                    _ => Err(refused("the grade was not taken")),
                }
            }
            Work::Complete(activity) => {
                let parameters = [
                    ("userid", who.here.to_string()),
                    ("cmid", activity.to_string()),
                    ("newstate", "1".to_owned()),
                ];
                let function = "core_completion_override_activity_completion_status";
                self.client().do_it(function, &parameters)
            }
        }
    }
}

fn refused(message: &str) -> LmsError {
    LmsError::Refused {
        function: "core_grades_update_grades".to_owned(),
        message: message.to_owned(),
    }
}
