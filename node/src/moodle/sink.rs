//! What a record says is shown in Moodle, so that whoever comes from another prison goes on where he was. Grades
//! first, for Moodle computes from them whether a quiz is passed; then activities of sessions that are done. What
//! Moodle has is compared each time, so the same again writes nothing; a grade that a later attempt or an
//! opened page took away is written again; and nothing is ever lowered.
//!
//! What only this node wrote is found by [`super::source`] again and is no learning.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::course::{Activity, Course, number};
use super::events::is_by_hand;
use super::people;
use super::source::{Enrolled, Gradebook, Moodle};
use crate::lms::{LmsError, LmsSink, PlatformUser, Progress, Roll, Shown, ShownModule, Told};

/// The name that Moodle's history of grades shows for what is written here.
const SOURCE: &str = "spean";

/// Grades of which one counts as no lower than the other: what Moodle keeps has five decimals.
const NEAR: f64 = 0.000_05;

/// Grades that are written in one request.
const GRADES_AT_A_TIME: usize = 50;

/// What Moodle has of somebody in a course.
struct Standing {
    /// Grades by activity; what has none is absent.
    grades: BTreeMap<i64, f64>,
    /// Activities whose grade a teacher typed: that stands.
    by_hand: BTreeSet<i64>,
    /// States of completion by activity: 0 none, 1 complete, 2 passed, 3 failed.
    states: BTreeMap<i64, i64>,
}

impl Standing {
    fn read(items: &[Value], states: BTreeMap<i64, i64>) -> Self {
        let grade = |item: &Value| {
            let grade = item.get("graderaw").and_then(Value::as_f64)?;
            Some((number(item, "cmid")?, grade))
        };
        let by_hand = items.iter().filter(|item| is_by_hand(item));
        Self {
            grades: items.iter().filter_map(grade).collect(),
            by_hand: by_hand.filter_map(|item| number(item, "cmid")).collect(),
            states,
        }
    }
}

/// A course, and whose progress is shown in it.
struct ToShow<'a> {
    course: Course,
    book: Gradebook,
    people: Vec<(Enrolled, &'a ShownModule)>,
}

impl LmsSink for Moodle {
    fn show(
        &mut self,
        people: &[Shown],
        dry: bool,
        progress: Progress<'_>,
        tell: &mut dyn FnMut(Told),
    ) -> Result<(), LmsError> {
        let roll = Roll::of(people.iter().map(|one| one.user.clone()));
        let by_id: BTreeMap<&str, &Shown> = people.iter().map(|one| (&*one.user.id, one)).collect();
        let mut all = Vec::new();
        for (config, here) in self.courses_here()? {
            let Some(module) = config.module() else {
                continue;
            };
            let enrolled = self.enrolled(here)?;
            let users: Vec<PlatformUser> = enrolled.iter().map(|who| who.user.clone()).collect();
            let doubts = roll.doubts(&users);
            let of = |who: Enrolled| {
                let shown = by_id.get(&*who.user.id)?.modules.get(&module)?;
                let sure = !doubts.contains_key(&who.user.username) && shown.says_something();
                sure.then_some((who, shown))
            };
            let people: Vec<_> = enrolled.into_iter().filter_map(of).collect();
            doubts.into_values().for_each(|why| tell(Told::Doubt(why)));
            if !people.is_empty() {
                let Some((course, book)) = self.layout(&config, here)? else {
                    continue;
                };
                all.push(ToShow {
                    course,
                    book,
                    people,
                });
            }
        }
        let of = all.iter().map(|one| one.people.len() as u64).sum();
        let mut done = 0;
        for to_show in &all {
            self.show_course(
                to_show,
                dry,
                &mut || {
                    done += 1;
                    progress(done, of);
                },
                tell,
            )?;
        }
        Ok(())
    }
}

/// One thing to write.
#[derive(Clone, Copy)]
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
        let Some(best) = shown.results.get(&(quiz.kind.to_owned(), quiz.version)) else {
            continue;
        };
        if standing.by_hand.contains(here) {
            continue;
        }
        let grade = f64::from(best.points) / f64::from(best.most) * quiz.grade;
        let has = standing.grades.get(here).copied();
        // What was reached here Moodle counted itself: where it has less, a teacher took it back.
        if has.is_none_or(|has| has + NEAR < grade && !best.here) {
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
    /// Shows a course: everybody's grades, then what is complete.
    fn show_course(
        &self,
        to_show: &ToShow<'_>,
        dry: bool,
        step: &mut dyn FnMut(),
        tell: &mut dyn FnMut(Told),
    ) -> Result<(), LmsError> {
        let course = &to_show.course;
        let mut grades: BTreeMap<i64, Vec<(&Enrolled, String, f64)>> = BTreeMap::new();
        let mut rest = Vec::new();
        for (who, shown) in &to_show.people {
            let items = to_show.book.get(&who.here).map_or(&[][..], Vec::as_slice);
            // Only sessions ask how activities stand.
            let states = match shown.sessions.is_empty() {
                true => BTreeMap::new(),
                false => self.states(course, who)?,
            };
            for (what, work) in work(course, shown, &Standing::read(items, states)) {
                match work {
                    Work::Grade(activity, grade) => {
                        grades.entry(activity).or_default().push((who, what, grade));
                    }
                    Work::Complete(activity) => rest.push((who, what, activity)),
                }
            }
            step();
        }
        let name = &course.config.shortname;
        let mut told = |who: &Enrolled, what: &str, done| {
            people::told(&who.user, &format!("{name}: {what}"), done, tell)
        };
        for (activity, all) in grades {
            for some in all.chunks(GRADES_AT_A_TIME) {
                let of: Vec<(i64, f64)> = some.iter().map(|one| (one.0.here, one.2)).collect();
                let whole = match dry {
                    true => Ok(()),
                    false => self.write_grades(course, activity, &of),
                };
                for (who, what, grade) in some {
                    // Of several it says only that something failed: then each is asked for by itself.
                    let done = match &whole {
                        Err(error) if !error.ends_it() && some.len() > 1 => {
                            self.write_grades(course, activity, &[(who.here, *grade)])
                        }
                        whole => whole.clone(),
                    };
                    told(who, what, done)?;
                }
            }
        }
        for (who, what, activity) in rest {
            let done = match dry {
                true => Ok(()),
                false => self.complete(who, activity),
            };
            told(who, &what, done)?;
        }
        Ok(())
    }

    fn states(&self, course: &Course, who: &Enrolled) -> Result<BTreeMap<i64, i64>, LmsError> {
        let statuses = self.statuses(course, who)?;
        let state = |status: &Value| Some((number(status, "cmid")?, number(status, "state")?));
        Ok(statuses.iter().filter_map(state).collect())
    }

    fn write_grades(
        &self,
        course: &Course,
        activity: i64,
        grades: &[(i64, f64)],
    ) -> Result<(), LmsError> {
        let names: Vec<(String, String)> = (0..grades.len())
            .map(|n| {
                (
                    format!("grades[{n}][studentid]"),
                    format!("grades[{n}][grade]"),
                )
            })
            .collect();
        let mut parameters = vec![
            ("source", SOURCE.to_owned()),
            ("courseid", course.here.to_string()),
            ("component", "mod_quiz".to_owned()),
            ("activityid", activity.to_string()),
            ("itemnumber", "0".to_owned()),
        ];
        for ((whose, what), (user, grade)) in names.iter().zip(grades) {
            parameters.push((whose, user.to_string()));
            parameters.push((what, format!("{grade:.5}")));
        }
        let function = "core_grades_update_grades";
        let answer = self.client().call(function, &parameters)?;
        match answer.value.as_i64() {
            Some(0) => Ok(()),
            Some(4) => Err(refused("the grade is locked in Moodle's gradebook")),
            _ => Err(refused("the grade was not taken")),
        }
    }

    fn complete(&self, who: &Enrolled, activity: i64) -> Result<(), LmsError> {
        let parameters = [
            ("userid", who.here.to_string()),
            ("cmid", activity.to_string()),
            ("newstate", "1".to_owned()),
        ];
        let function = "core_completion_override_activity_completion_status";
        self.client().do_it(function, &parameters)
    }
}

fn refused(message: &str) -> LmsError {
    LmsError::Refused {
        function: "core_grades_update_grades".to_owned(),
        message: message.to_owned(),
    }
}
