//! What people did in Moodle, read from its database by an account that may do nothing else: the same as by web
//! services, with the same keys, so that a site may change from one to the other at any time. It puts what the
//! tables hold into the form in which a web service tells it, and what is made of that is one and the same.
//!
//! Each kind of thing bears the second at which it was changed, so that it is exact who has something new, also
//! where a teacher marked it; and of people whose enrolment is suspended it is known, as no web service tells,
//! that they had completed the course.

mod session;
mod users;

use std::collections::{BTreeMap, BTreeSet};

use mysql::Row;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use self::session::{Session, decimal, number, text};
pub use self::users::MoodleUser;
use super::course::Course;
use super::events::{course_done, enrolled, marks, sessions_done, tested};
use super::source::Enrolled;
use crate::lms::{
    CourseConfig, DatabaseConfig, Finding, Heard, Learnt, LmsError, LmsSource, PlatformUser,
    Progress, Roll,
};

/// People of a course whose work is asked for at a time.
const PAGE: usize = 50;

/// Moodle's database, and the courses that are read.
pub struct Database {
    config: DatabaseConfig,
    password: Zeroizing<String>,
    courses: Vec<CourseConfig>,
}

/// What some people of a course did there, by person.
#[derive(Default)]
struct Work {
    /// How activities stand.
    statuses: BTreeMap<i64, Vec<Value>>,
    /// Finished attempts, by person and quiz.
    attempts: BTreeMap<(i64, i64), Vec<Value>>,
    /// What somebody wrote into the gradebook by hand.
    marked: BTreeMap<i64, Vec<Value>>,
    /// Who completed the course, and when the last of it was.
    done: BTreeMap<i64, Option<u64>>,
}

impl Database {
    /// The courses of a database.
    #[must_use]
    pub const fn new(
        config: DatabaseConfig,
        password: Zeroizing<String>,
        courses: Vec<CourseConfig>,
    ) -> Self {
        Self {
            config,
            password,
            courses,
        }
    }

    fn open(&self) -> Result<Session, LmsError> {
        Session::open(&self.config, &self.password)
    }

    /// Moodle's number of the service's user.
    fn own(&self, session: &mut Session) -> Result<Option<i64>, LmsError> {
        let query = "SELECT id FROM {user} WHERE username = ? AND deleted = 0";
        let rows = session.rows(query, vec![(&*self.config.service_user).into()])?;
        Ok(rows.first().and_then(|row| number(row, 0)))
    }
}

impl LmsSource for Database {
    fn check(&mut self, _: &Roll) -> Result<Vec<Finding>, LmsError> {
        let mut session = self.open()?;
        let mut findings = Vec::new();
        let mut find = |serious, message| findings.push(Finding { serious, message });
        for message in session.missing()? {
            find(true, message);
        }
        if !findings.is_empty() {
            return Ok(findings);
        }
        let mut find = |serious, message| findings.push(Finding { serious, message });
        if self.own(&mut session)?.is_none() {
            find(
                false,
                format!(
                    "Moodle has no user '{}': config.toml, [moodle.database], service_user says as whom the node \
                     writes there",
                    self.config.service_user
                ),
            );
        }
        for config in &self.courses {
            let found = match course_number(&mut session, config)? {
                None => Some((
                    false,
                    format!("this Moodle has no course '{}'", config.shortname),
                )),
                Some(here) => match layout(&mut session, config, here) {
                    Ok(_) => None,
                    Err(LmsError::Refused { message, .. }) => Some((true, message)),
                    Err(error) => return Err(error),
                },
            };
            if let Some((serious, message)) = found {
                find(serious, message);
            }
        }
        Ok(findings)
    }

    fn read(
        &mut self,
        since: Option<u64>,
        roll: &Roll,
        progress: Progress<'_>,
        take: &mut dyn FnMut(Heard) -> Result<(), LmsError>,
    ) -> Result<u64, LmsError> {
        let mut session = self.open()?;
        let own = self.own(&mut session)?.unwrap_or(0);
        let (mut newest, mut failed, mut courses) = (since.unwrap_or(0), None, Vec::new());
        for config in &self.courses {
            let Some(here) = course_number(&mut session, config)? else {
                continue;
            };
            let mut people = people(&mut session, here)?;
            let users: Vec<PlatformUser> = people.iter().map(|who| who.user.clone()).collect();
            let doubts = roll.doubts(&users);
            let changes = changes(&mut session, here, since.unwrap_or(0))?;
            newest = changes.values().copied().fold(newest, u64::max);
            people.retain(|who| {
                let asked = since.is_none() || changes.contains_key(&who.here);
                asked && !doubts.contains_key(&who.user.username)
            });
            for doubt in doubts.into_values() {
                take(Heard::Doubt(doubt))?;
            }
            courses.push((config, here, people));
        }
        let of: usize = courses.iter().map(|(.., people)| people.len()).sum();
        let mut done = 0;
        progress(0, of as u64);
        for (config, here, people) in &courses {
            let course = match layout(&mut session, config, *here) {
                Ok(course) => course,
                // Of the other courses nothing is lost.
                Err(error @ LmsError::Refused { .. }) => {
                    failed = Some(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            for some in people.chunks(PAGE) {
                let work = work(&mut session, &course, some)?;
                for who in some {
                    take(Heard::Did(work.learnt(&course, who, own)))?;
                    done += 1;
                    progress(done, of as u64);
                }
            }
        }
        failed.map_or(Ok(newest), Err)
    }
}

impl Work {
    fn learnt(&self, course: &Course, who: &Enrolled, own: i64) -> Vec<Learnt> {
        let items = self.marked.get(&who.here).map_or(&[][..], Vec::as_slice);
        let mut all = marks(course, who, items);
        all.push(enrolled(course, who));
        let statuses = self.statuses.get(&who.here).map_or(&[][..], Vec::as_slice);
        all.extend(sessions_done(course, who, own, statuses));
        for quiz in course.activities.iter().filter_map(|one| one.quiz.as_ref()) {
            let attempts = self.attempts.get(&(who.here, quiz.here));
            let attempts = attempts.into_iter().flatten();
            all.extend(attempts.filter_map(|attempt| tested(course, who, quiz, attempt)));
        }
        let done = self.done.get(&who.here);
        all.extend(done.map(|last| course_done(course, who, *last)));
        all
    }
}

/// The number here of a course.
fn course_number(session: &mut Session, config: &CourseConfig) -> Result<Option<i64>, LmsError> {
    let query = "SELECT id, shortname FROM {course} WHERE shortname = ?";
    let rows = session.rows(query, vec![(&*config.shortname).into()])?;
    let is_it = |row: &&Row| text(row, 1) == config.shortname;
    Ok(rows.iter().find(is_it).and_then(|row| number(row, 0)))
}

/// A course as it is here.
fn layout(session: &mut Session, config: &CourseConfig, here: i64) -> Result<Course, LmsError> {
    let tracks =
        "SELECT 1 FROM {course} c JOIN {config} s ON s.name = 'enablecompletion' AND s.value = '1'
        WHERE c.id = ? AND c.enablecompletion = 1";
    let tracks = !session.rows(tracks, vec![here.into()])?.is_empty();
    let quizzes = "SELECT id, name, sumgrades, grade FROM {quiz} WHERE course = ?";
    let quizzes = session.rows(quizzes, vec![here.into()])?;
    let quizzes: BTreeMap<i64, Row> = quizzes
        .into_iter()
        .filter_map(|row| Some((number(&row, 0)?, row)))
        .collect();
    let query = "SELECT cm.id, m.name, cm.instance, cm.completion, cm.idnumber FROM {course_modules} cm
        JOIN {modules} m ON m.id = cm.module AND m.visible = 1 WHERE cm.course = ? AND cm.deletioninprogress = 0";
    let mut activities = BTreeMap::new();
    let mut told = Vec::new();
    let mut idnumbers = BTreeMap::new();
    for row in session.rows(query, vec![here.into()])? {
        let Some(id) = number(&row, 0) else { continue };
        let quiz = number(&row, 2).and_then(|quiz| quizzes.get(&quiz));
        let quiz = quiz.filter(|_| text(&row, 1) == "quiz");
        if let Some(quiz) = quiz {
            told.push(json!({
                "id": number(quiz, 0),
                "coursemodule": id,
                "sumgrades": decimal(quiz, 2),
                "grade": decimal(quiz, 3),
            }));
        }
        let completion = number(&row, 3).filter(|_| tracks).unwrap_or(0);
        let name = quiz.map_or_else(String::new, |quiz| text(quiz, 1));
        activities.insert(
            id,
            json!({"id": id, "name": name, "completion": completion}),
        );
        let idnumber = text(&row, 4);
        if !idnumber.is_empty() {
            idnumbers.insert(id, idnumber);
        }
    }
    let query = "SELECT section, sequence FROM {course_sections} WHERE course = ? ORDER BY section";
    let mut contents = Vec::new();
    for row in session.rows(query, vec![here.into()])? {
        let sequence = text(&row, 1);
        let ids = sequence.split(',').filter_map(|id| id.trim().parse().ok());
        let modules: Vec<&Value> = ids.filter_map(|id: i64| activities.get(&id)).collect();
        contents.push(json!({"section": number(&row, 0), "modules": modules}));
    }
    let quizzes = json!({"quizzes": told});
    let course = Course::read(
        config,
        here,
        (&Value::Array(contents), &quizzes),
        &idnumbers,
    );
    course.missing().map_or(Ok(course), Err)
}

/// Everybody in a course, as its list of participants has them.
fn people(session: &mut Session, course: i64) -> Result<Vec<Enrolled>, LmsError> {
    let query = "SELECT DISTINCT u.id, u.username, u.idnumber FROM {user_enrolments} ue
        JOIN {enrol} e ON e.id = ue.enrolid JOIN {user} u ON u.id = ue.userid
        WHERE e.courseid = ? AND u.deleted = 0 ORDER BY u.id";
    let rows = session.rows(query, vec![course.into()])?;
    let of = |row: &Row| {
        Some(Enrolled {
            here: number(row, 0)?,
            user: PlatformUser {
                username: text(row, 1),
                id: text(row, 2),
            },
            student: None,
            staff: false,
            last_access: 0,
        })
    };
    Ok(rows.iter().filter_map(of).collect())
}

/// Of whom something was changed since a second, with the newest such second of each.
fn changes(session: &mut Session, course: i64, from: u64) -> Result<BTreeMap<i64, u64>, LmsError> {
    let query = "SELECT who, MAX(moment) FROM (
        SELECT ue.userid who, ue.timemodified moment FROM {user_enrolments} ue
          JOIN {enrol} e ON e.id = ue.enrolid WHERE e.courseid = ?
        UNION ALL SELECT u.id, u.timemodified FROM {user} u
          JOIN {user_enrolments} ue ON ue.userid = u.id JOIN {enrol} e ON e.id = ue.enrolid WHERE e.courseid = ?
        UNION ALL SELECT mc.userid, mc.timemodified FROM {course_modules_completion} mc
          JOIN {course_modules} cm ON cm.id = mc.coursemoduleid WHERE cm.course = ?
        UNION ALL SELECT qa.userid, qa.timemodified FROM {quiz_attempts} qa
          JOIN {quiz} q ON q.id = qa.quiz WHERE q.course = ? AND qa.preview = 0
        UNION ALL SELECT g.userid, g.timemodified FROM {grade_grades} g
          JOIN {grade_items} gi ON gi.id = g.itemid WHERE gi.courseid = ?
        UNION ALL SELECT cc.userid, cc.timecompleted FROM {course_completions} cc WHERE cc.course = ?
        ) changes WHERE moment >= ? GROUP BY who";
    let mut values = vec![course.into(); 6];
    values.push(from.into());
    let rows = session.rows(query, values)?;
    let of = |row: &Row| Some((number(row, 0)?, u64::try_from(number(row, 1)?).ok()?));
    Ok(rows.iter().filter_map(of).collect())
}

/// What some people of a course did there.
fn work(session: &mut Session, course: &Course, people: &[Enrolled]) -> Result<Work, LmsError> {
    let numbers: BTreeSet<String> = people.iter().map(|who| who.here.to_string()).collect();
    let of = numbers.into_iter().collect::<Vec<_>>().join(", ");
    let mut work = Work::default();
    let query = format!(
        "SELECT mc.userid, mc.coursemoduleid, mc.completionstate, mc.timemodified, mc.overrideby
         FROM {{course_modules_completion}} mc JOIN {{course_modules}} cm ON cm.id = mc.coursemoduleid
         WHERE cm.course = ? AND mc.userid IN ({of})"
    );
    for row in session.rows(&query, vec![course.here.into()])? {
        let Some(user) = number(&row, 0) else {
            continue;
        };
        work.statuses.entry(user).or_default().push(json!({
            "cmid": number(&row, 1),
            "state": number(&row, 2),
            "timecompleted": number(&row, 3),
            "overrideby": number(&row, 4),
        }));
    }
    let query = format!(
        "SELECT qa.userid, qa.quiz, qa.attempt, qa.state, qa.layout, qa.timefinish, qa.sumgrades
         FROM {{quiz_attempts}} qa JOIN {{quiz}} q ON q.id = qa.quiz
         WHERE q.course = ? AND qa.preview = 0 AND qa.state = 'finished' AND qa.userid IN ({of})
         ORDER BY qa.userid, qa.quiz, qa.attempt"
    );
    for row in session.rows(&query, vec![course.here.into()])? {
        let (Some(user), Some(quiz)) = (number(&row, 0), number(&row, 1)) else {
            continue;
        };
        let attempts = work.attempts.entry((user, quiz)).or_default();
        attempts.push(json!({
            "attempt": number(&row, 2),
            "state": text(&row, 3),
            "layout": text(&row, 4),
            "timefinish": number(&row, 5),
            "sumgrades": decimal(&row, 6),
        }));
    }
    let query = format!(
        "SELECT g.userid, cm.id, g.finalgrade, g.overridden FROM {{grade_grades}} g
         JOIN {{grade_items}} gi ON gi.id = g.itemid AND gi.itemtype = 'mod' AND gi.itemmodule = 'quiz'
         JOIN {{modules}} m ON m.name = gi.itemmodule
         JOIN {{course_modules}} cm ON cm.module = m.id AND cm.instance = gi.iteminstance
         WHERE gi.courseid = ? AND g.overridden > 0 AND g.userid IN ({of}) ORDER BY g.userid, cm.id"
    );
    for row in session.rows(&query, vec![course.here.into()])? {
        let Some(user) = number(&row, 0) else {
            continue;
        };
        work.marked.entry(user).or_default().push(json!({
            "cmid": number(&row, 1),
            "graderaw": decimal(&row, 2),
            "gradeisoverridden": true,
            "gradedategraded": number(&row, 3),
        }));
    }
    let query = format!(
        "SELECT cc.userid, MAX(part.timecompleted) FROM {{course_completions}} cc
         JOIN {{course_completion_crit_compl}} part ON part.userid = cc.userid AND part.course = cc.course
         WHERE cc.course = ? AND cc.timecompleted IS NOT NULL AND cc.userid IN ({of}) GROUP BY cc.userid"
    );
    for row in session.rows(&query, vec![course.here.into()])? {
        let last = number(&row, 1).and_then(|second| u64::try_from(second).ok());
        work.done.extend(number(&row, 0).map(|user| (user, last)));
    }
    Ok(work)
}
