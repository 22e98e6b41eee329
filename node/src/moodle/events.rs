//! Events of what Moodle shows: which columns each has, and the key that tells it from all others.

use std::collections::BTreeMap;

use serde_json::Value;
use spean_protocol::event::Date;

use super::course::{Course, Quiz, number, text};
use super::source::Enrolled;
use crate::lms::{CourseConfig, Learnt};

/// Seconds by which Cambodia's clocks are ahead of Universal Time. It has no summer time.
const CAMBODIA_SECONDS: u64 = 7 * 3600;

/// An event of somebody in a course: its module, and the columns that are given by their place.
pub(super) fn event(
    course: &Course,
    who: &Enrolled,
    key: &str,
    at: Option<u64>,
    columns: &[(usize, &str)],
) -> Learnt {
    let CourseConfig {
        shortname,
        programme,
        module,
        ..
    } = &course.config;
    let mut fields: [String; 8] = Default::default();
    let module = [(1, programme.as_str()), (2, module.as_str())];
    for (column, value) in columns.iter().chain(&module) {
        (*value).clone_into(&mut fields[*column]);
    }
    Learnt {
        user: who.user.clone(),
        key: format!("{shortname}/{key}"),
        date: at.and_then(day),
        fields,
        by_hand: false,
    }
}

/// He is in the course.
pub(super) fn enrolled(course: &Course, who: &Enrolled) -> Learnt {
    event(course, who, "enrolled", None, &[(0, "enrolled")])
}

/// Sections of which he has done all that counts, as his activities stand.
pub(super) fn sessions_done(
    course: &Course,
    who: &Enrolled,
    own: i64,
    statuses: &[Value],
) -> Vec<Learnt> {
    let mut complete: BTreeMap<i64, Option<u64>> = BTreeMap::new();
    for status in statuses {
        // What this node completed is no learning, nor is the session of which it is a part.
        let his = number(status, "overrideby") != Some(own);
        let done = matches!(number(status, "state"), Some(1 | 2));
        if let Some(activity) = number(status, "cmid").filter(|_| his && done) {
            complete.insert(activity, seconds(status, "timecompleted"));
        }
    }
    let mut all = Vec::new();
    for (session, activities) in course.sessions() {
        let times: Option<Vec<_>> = activities.iter().map(|one| complete.get(one)).collect();
        if let Some(times) = times {
            let (key, number) = (format!("session {session}"), session.to_string());
            let last = times.into_iter().copied().flatten().max();
            let columns = [(0, "session-done"), (3, &number)];
            all.push(event(course, who, &key, last, &columns));
        }
    }
    all
}

/// He has done the course, with the last of it at that second.
pub(super) fn course_done(course: &Course, who: &Enrolled, last: Option<u64>) -> Learnt {
    event(course, who, "done", last, &[(0, "module-done")])
}

/// A finished attempt, if it is marked. One that is marked anew is something new.
pub(super) fn tested(
    course: &Course,
    who: &Enrolled,
    quiz: &Quiz,
    attempt: &Value,
) -> Option<Learnt> {
    // One without questions was put there by an import, not by him.
    if text(attempt, "state") != "finished" || text(attempt, "layout").is_empty() {
        return None;
    }
    let marks = attempt.get("sumgrades")?.as_f64()?;
    if quiz.marks <= 0.0 {
        return None;
    }
    let score = score((marks / quiz.marks).clamp(0.0, 1.0) * quiz.grade, quiz)?;
    let finished = seconds(attempt, "timefinish");
    let (number, when) = (
        number(attempt, "attempt").unwrap_or(0),
        finished.unwrap_or(0),
    );
    let key = format!("{number}/{when}/{}-{}", score.0, score.1);
    Some(result(course, who, quiz, &key, (finished, score)))
}

/// What a teacher typed into the gradebook for somebody: Moodle says that it is no activity's own grade.
pub(super) fn marks(course: &Course, who: &Enrolled, items: &[Value]) -> Vec<Learnt> {
    let mut all = Vec::new();
    for item in items.iter().filter(|item| is_by_hand(item)) {
        let activity = number(item, "cmid");
        let mut activities = course.activities.iter();
        let quiz = activities.find(|one| Some(one.here) == activity);
        let Some(quiz) = quiz.and_then(|one| one.quiz.as_ref()) else {
            continue;
        };
        let grade = item.get("graderaw").and_then(Value::as_f64);
        let Some(score) =
            grade.and_then(|grade| score(grade.clamp(0.0, quiz.grade.max(0.0)), quiz))
        else {
            continue;
        };
        let graded = seconds(item, "gradedategraded");
        let key = format!("mark/{}/{}-{}", graded.unwrap_or(0), score.0, score.1);
        all.push(Learnt {
            by_hand: true,
            ..result(course, who, quiz, &key, (graded, score))
        });
    }
    all
}

/// Whether an item of a gradebook is a person's own mark.
pub(super) fn is_by_hand(item: &Value) -> bool {
    item.get("gradeisoverridden").and_then(Value::as_bool) == Some(true)
}

/// A result of a quiz.
fn result(
    course: &Course,
    who: &Enrolled,
    quiz: &Quiz,
    key: &str,
    (at, (points, most)): (Option<u64>, (u32, u32)),
) -> Learnt {
    let key = format!("{} {}/{key}", quiz.kind, quiz.version);
    let [points, most, version] = [points, most, u32::from(quiz.version)].map(|n| n.to_string());
    let columns = [(0, quiz.kind), (4, &*points), (5, &*most), (6, &*version)];
    event(course, who, &key, at, &columns)
}

/// A time that Moodle has; 0 is none.
pub(super) fn seconds(value: &Value, field: &str) -> Option<u64> {
    let seconds = number(value, field).and_then(|number| u64::try_from(number).ok());
    seconds.filter(|seconds| *seconds > 0)
}

/// Its day: Moodle's clock is Universal Time, and Cambodia is seven hours ahead of it.
fn day(seconds: u64) -> Option<Date> {
    let days = (seconds + CAMBODIA_SECONDS) / 86_400;
    Date::from_days(i32::try_from(days).ok()?).ok()
}

/// Points of a grade and the most that there are, as whole numbers; none where it is none.
fn score(grade: f64, quiz: &Quiz) -> Option<(u32, u32)> {
    if !(grade.is_finite() && quiz.grade > 0.0) {
        return None;
    }
    // As many decimals as Moodle shows, and none that are zeros.
    let near = |scale: f64| ((grade * scale).round() - grade * scale).abs() < 0.005 * scale / 100.0;
    let scale = [1.0, 10.0]
        .into_iter()
        .find(|scale| near(*scale))
        .unwrap_or(100.0);
    let whole = |number: f64| format!("{:.0}", number * scale).parse::<u32>().ok();
    Some((whole(grade)?, whole(quiz.grade)?))
}
