//! What people did in Moodle: enrolments, activities and sections that are complete, finished attempts at
//! quizzes, courses that are complete. What this node wrote there itself is no learning: an activity that it
//! completed bears its mark, and a grade that it pushed has no attempt behind it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use spean_protocol::event::Date;

use super::client::Client;
use super::course::{Course, Quiz, list, number, number_of, text};
use super::sink::{WRITE_RIGHTS, WRITES};
use crate::lms::{CourseConfig, Finding, Learnt, LmsError, LmsSource, PlatformUser};

/// People of a course that are listed at a time.
const PAGE: usize = 200;

/// Seconds by which a filter of the last access begins earlier: Moodle writes it once a minute, and it is
/// written before what is done.
const OVERLAP: u64 = 600;

/// Seconds by which Cambodia's clocks are ahead of Universal Time. It has no summer time.
const CAMBODIA_SECONDS: u64 = 7 * 3600;

/// Functions that reading needs.
const READS: [&str; 9] = [
    "core_webservice_get_site_info",
    "core_course_get_courses_by_field",
    "core_course_get_contents",
    "core_enrol_get_enrolled_users",
    "core_completion_get_activities_completion_status",
    "core_completion_get_course_completion_status",
    "mod_quiz_get_quizzes_by_courses",
    "mod_quiz_get_user_attempts",
    "gradereport_user_get_grade_items",
];

/// Rights that reading needs, in the role of the service's user, as Moodle's pages name them.
const READ_RIGHTS: [&str; 11] = [
    "webservice/rest:use",
    "moodle/user:viewdetails",
    "moodle/user:viewalldetails",
    "moodle/course:view",
    "moodle/course:viewparticipants",
    "report/progress:view",
    "report/completion:view",
    "gradereport/user:view",
    "moodle/grade:viewall",
    "mod/quiz:view",
    "mod/quiz:viewreports",
];

/// Releases that were measured or read: from, up to.
const RELEASES: (u32, u32) = (401, 500);

/// A Moodle and the courses of it that are read.
pub struct Moodle {
    client: Client,
    courses: Vec<CourseConfig>,
}

/// Somebody in a course.
pub(super) struct Enrolled {
    pub here: i64,
    pub user: PlatformUser,
    last_access: u64,
}

impl Moodle {
    /// The courses of a Moodle.
    #[must_use]
    pub const fn new(client: Client, courses: Vec<CourseConfig>) -> Self {
        Self { client, courses }
    }

    /// Asks.
    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// The courses that are configured.
    pub(super) fn courses(&self) -> &[CourseConfig] {
        &self.courses
    }

    /// The number here of a course with that short name.
    pub(super) fn course(&self, config: &CourseConfig) -> Result<Option<i64>, LmsError> {
        let parameters = [
            ("field", "shortname".to_owned()),
            ("value", config.shortname.clone()),
        ];
        let answer = self
            .client
            .call("core_course_get_courses_by_field", &parameters)?;
        let courses = answer.value.get("courses").unwrap_or(&Value::Null);
        Ok(list(courses).find_map(number_of))
    }

    pub(super) fn layout(&self, config: &CourseConfig, here: i64) -> Result<Course, LmsError> {
        let id = here.to_string();
        let contents = self
            .client
            .call("core_course_get_contents", &[("courseid", id.clone())])?;
        let quizzes = [("courseids[0]", id.clone())];
        let quizzes = self
            .client
            .call("mod_quiz_get_quizzes_by_courses", &quizzes)?;
        // The gradebook alone shows a plain role the id numbers of activities.
        let mut idnumbers = BTreeMap::new();
        if config.pre_test.is_some() || config.post_test.is_some() {
            let all = [("courseid", id), ("userid", "0".to_owned())];
            let report = self
                .client
                .call("gradereport_user_get_grade_items", &all)?
                .value;
            for one in list(report.get("usergrades").unwrap_or(&Value::Null)) {
                for item in list(one.get("gradeitems").unwrap_or(&Value::Null)) {
                    let name = text(item, "idnumber");
                    if let Some(activity) = number(item, "cmid").filter(|_| !name.is_empty()) {
                        idnumbers.insert(activity, name.to_owned());
                    }
                }
            }
        }
        Ok(Course::read(
            config,
            here,
            (&contents.value, &quizzes.value),
            &idnumbers,
        ))
    }

    pub(super) fn enrolled(&self, course: i64) -> Result<Vec<Enrolled>, LmsError> {
        let mut all = Vec::new();
        loop {
            let parameters = [
                ("courseid", course.to_string()),
                ("options[0][name]", "userfields".to_owned()),
                (
                    "options[0][value]",
                    "id,username,idnumber,lastcourseaccess,roles".to_owned(),
                ),
                ("options[1][name]", "limitfrom".to_owned()),
                ("options[1][value]", all.len().to_string()),
                ("options[2][name]", "limitnumber".to_owned()),
                ("options[2][value]", PAGE.to_string()),
            ];
            let page = self
                .client
                .call("core_enrol_get_enrolled_users", &parameters)?
                .value;
            let before = all.len();
            all.extend(list(&page).filter_map(|user| {
                Some(Enrolled {
                    here: number_of(user)?,
                    user: PlatformUser {
                        id: text(user, "idnumber").to_owned(),
                        username: text(user, "username").to_owned(),
                    },
                    last_access: u64::try_from(number(user, "lastcourseaccess").unwrap_or(0))
                        .unwrap_or(0),
                })
            }));
            if all.len() < before + PAGE {
                return Ok(all);
            }
        }
    }

    /// What somebody did in a course.
    fn learnt(&self, course: &Course, who: &Enrolled, own: i64) -> Result<Vec<Learnt>, LmsError> {
        let CourseConfig {
            shortname,
            programme,
            module,
            ..
        } = &course.config;
        let mut all = Vec::new();
        let mut add = |what: String, date: Option<u64>, rest: [(usize, String); 2], kind: &str| {
            let mut fields: [String; 8] = Default::default();
            fields[0] = kind.to_owned();
            fields[1] = programme.clone();
            fields[2] = module.clone();
            for (column, value) in rest {
                if !value.is_empty() {
                    fields[column] = value;
                }
            }
            all.push(Learnt {
                user: who.user.clone(),
                key: format!("{shortname}/{what}"),
                date: date.and_then(day),
                fields,
            });
        };
        let nothing = || [(0, String::new()), (0, String::new())];
        add("enrolled".to_owned(), None, nothing(), "enrolled");

        let of_both = [
            ("courseid", course.here.to_string()),
            ("userid", who.here.to_string()),
        ];
        let report = "core_completion_get_activities_completion_status";
        let statuses = self.client.call(report, &of_both)?.value;
        let mut complete: BTreeMap<i64, Option<u64>> = BTreeMap::new();
        let mut written: BTreeSet<i64> = BTreeSet::new();
        for status in list(statuses.get("statuses").unwrap_or(&Value::Null)) {
            let Some(activity) = number(status, "cmid") else {
                continue;
            };
            if matches!(number(status, "state"), Some(1 | 2)) {
                complete.insert(activity, seconds(status, "timecompleted"));
            }
            if number(status, "overrideby") == Some(own) {
                written.insert(activity);
            }
        }
        for (session, activities) in course.sessions() {
            let done = activities.iter().all(|one| complete.contains_key(one));
            if done && !activities.iter().any(|one| written.contains(one)) {
                let last = activities
                    .iter()
                    .filter_map(|one| complete.get(one).copied().flatten());
                let fields = [(3, session.to_string()), (0, String::new())];
                add(
                    format!("session {session}"),
                    last.max(),
                    fields,
                    "session-done",
                );
            }
        }
        for quiz in course.activities.iter().filter_map(|one| one.quiz.as_ref()) {
            for attempt in self.attempts(quiz, who)? {
                let Some((points, most)) = score(&attempt, quiz) else {
                    continue;
                };
                let (number, finished) =
                    (number(&attempt, "attempt"), seconds(&attempt, "timefinish"));
                let key = format!(
                    "{} {}/{}/{}",
                    quiz.kind,
                    quiz.version,
                    number.unwrap_or(0),
                    finished.unwrap_or(0)
                );
                let mut fields: [String; 8] = Default::default();
                for (column, value) in [
                    (0, quiz.kind.to_owned()),
                    (1, programme.clone()),
                    (2, module.clone()),
                    (4, points.to_string()),
                    (5, most.to_string()),
                    (6, quiz.version.to_string()),
                ] {
                    fields[column] = value;
                }
                all.push(Learnt {
                    user: who.user.clone(),
                    key: format!("{shortname}/{key}"),
                    date: finished.and_then(day),
                    fields,
                });
            }
        }
        all.extend(self.course_done(course, who, &of_both)?);
        Ok(all)
    }

    fn attempts(&self, quiz: &Quiz, who: &Enrolled) -> Result<Vec<Value>, LmsError> {
        let parameters = [
            ("quizid", quiz.here.to_string()),
            ("userid", who.here.to_string()),
            ("status", "finished".to_owned()),
        ];
        let answer = self
            .client
            .call("mod_quiz_get_user_attempts", &parameters)?
            .value;
        let attempts = answer.get("attempts").unwrap_or(&Value::Null);
        // One without questions was put there by an import, not by him.
        let his = |attempt: &&Value| {
            text(attempt, "state") == "finished" && !text(attempt, "layout").is_empty()
        };
        Ok(list(attempts).filter(his).cloned().collect())
    }

    fn course_done(
        &self,
        course: &Course,
        who: &Enrolled,
        of_both: &[(&str, String)],
    ) -> Result<Option<Learnt>, LmsError> {
        let report = "core_completion_get_course_completion_status";
        let status = match self.client.call(report, of_both) {
            Ok(answer) => answer.value,
            // A course without criteria is never done, which is no failure.
            Err(LmsError::Refused { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let status = status.get("completionstatus").unwrap_or(&Value::Null);
        if status.get("completed").and_then(Value::as_bool) != Some(true) {
            return Ok(None);
        }
        let criteria = list(status.get("completions").unwrap_or(&Value::Null));
        let last = criteria
            .filter_map(|one| seconds(one, "timecompleted"))
            .max();
        let mut fields: [String; 8] = Default::default();
        "module-done".clone_into(&mut fields[0]);
        fields[1].clone_from(&course.config.programme);
        fields[2].clone_from(&course.config.module);
        Ok(Some(Learnt {
            user: who.user.clone(),
            key: format!("{}/done", course.config.shortname),
            date: last.and_then(day),
            fields,
        }))
    }
}

impl LmsSource for Moodle {
    fn check(&mut self) -> Result<Vec<Finding>, LmsError> {
        let info = self
            .client
            .call("core_webservice_get_site_info", &[])?
            .value;
        let mut findings = Vec::new();
        let mut find = |serious, message| findings.push(Finding { serious, message });
        let release = text(&info, "release");
        match branch(release) {
            Some(branch) if (RELEASES.0..=RELEASES.1).contains(&branch) => {}
            _ => find(
                false,
                format!(
                    "this is Moodle '{release}'; 4.1 to 5.0 are known. What it answers otherwise is told by name"
                ),
            ),
        }
        let functions = list(info.get("functions").unwrap_or(&Value::Null));
        let offered: BTreeSet<&str> = functions.map(|one| text(one, "name")).collect();
        for function in READS
            .iter()
            .chain(&WRITES)
            .filter(|name| !offered.contains(**name))
        {
            find(
                true,
                format!(
                    "the service does not offer {function}: Site administration, Server, External services, \
                     Functions, Add functions"
                ),
            );
        }
        if findings.iter().any(|finding| finding.serious) {
            return Ok(findings);
        }
        let mut people = 0;
        for config in self.courses.clone() {
            if config.module().is_none() {
                findings.push(Finding {
                    serious: true,
                    message: format!(
                        "config.toml: course {}: the catalogue has no module '{}' of programme '{}'",
                        config.shortname, config.module, config.programme
                    ),
                });
                continue;
            }
            match self.probe(&config) {
                Ok(Some(found)) => people += found,
                Ok(None) => findings.push(Finding {
                    serious: false,
                    message: format!(
                        "this Moodle has no course '{}': its people's progress waits until it has",
                        config.shortname
                    ),
                }),
                Err(LmsError::MissingRight { function, right }) => findings.push(Finding {
                    serious: true,
                    message: format!(
                        "{function} needs a right: {right}. Give the role of the service's user: {}, {}",
                        READ_RIGHTS.join(", "),
                        WRITE_RIGHTS.join(", ")
                    ),
                }),
                Err(error) => return Err(error),
            }
        }
        if people == 0 && findings.is_empty() {
            findings.push(Finding {
                serious: false,
                message: "nobody is enrolled in any of the courses".to_owned(),
            });
        }
        Ok(findings)
    }

    fn read(
        &mut self,
        since: Option<u64>,
        take: &mut dyn FnMut(Vec<Learnt>) -> Result<(), LmsError>,
        tell: &mut dyn FnMut(usize, usize),
    ) -> Result<u64, LmsError> {
        let info = self
            .client
            .call("core_webservice_get_site_info", &[])?
            .value;
        let own = number(&info, "userid").unwrap_or(0);
        let mut newest = since.unwrap_or(0);
        let from = since.map(|since| since.saturating_sub(OVERLAP));
        for config in &self.courses {
            let Some(here) = self.course(config)? else {
                continue;
            };
            let course = self.layout(config, here)?;
            let mut people = self.enrolled(here)?;
            newest = people
                .iter()
                .map(|who| who.last_access)
                .fold(newest, u64::max);
            people.retain(|who| from.is_none_or(|from| who.last_access >= from));
            for (done, who) in people.iter().enumerate() {
                tell(done, people.len());
                take(self.learnt(&course, who, own)?)?;
            }
        }
        Ok(newest)
    }
}

impl Moodle {
    /// Asks everything of one person of a course, to see whether it may be asked; returns how many people
    /// there are, or none where there is no such course.
    fn probe(&self, config: &CourseConfig) -> Result<Option<usize>, LmsError> {
        let Some(here) = self.course(config)? else {
            return Ok(None);
        };
        let course = self.layout(config, here)?;
        let all = [("courseid", here.to_string()), ("userid", "0".to_owned())];
        self.client.call("gradereport_user_get_grade_items", &all)?;
        let people = self.enrolled(here)?;
        if let Some(one) = people.first() {
            if one.user == PlatformUser::default() {
                return Err(LmsError::MissingRight {
                    function: "core_enrol_get_enrolled_users".to_owned(),
                    right: "moodle/user:viewalldetails".to_owned(),
                });
            }
            self.learnt(&course, one, 0)?;
        }
        Ok(Some(people.len()))
    }
}

/// The branch of a release such as `4.5.5+ (Build: 20250613)`, as 405.
fn branch(release: &str) -> Option<u32> {
    let mut parts = release.split(|one: char| !one.is_ascii_digit());
    let (major, minor): (u32, u32) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(100 * major + minor)
}

/// A time that Moodle has; 0 is none.
fn seconds(value: &Value, field: &str) -> Option<u64> {
    let seconds = number(value, field).and_then(|number| u64::try_from(number).ok());
    seconds.filter(|seconds| *seconds > 0)
}

/// Its day: Moodle's clock is Universal Time, and Cambodia is seven hours ahead of it.
fn day(seconds: u64) -> Option<Date> {
    let days = (seconds + CAMBODIA_SECONDS) / 86_400;
    Date::from_days(i32::try_from(days).ok()?).ok()
}

/// Points of an attempt and the most that there are, as whole numbers; none where it is not marked yet.
fn score(attempt: &Value, quiz: &Quiz) -> Option<(u32, u32)> {
    let marks = attempt.get("sumgrades")?.as_f64()?;
    if !(marks.is_finite() && quiz.marks > 0.0 && quiz.grade > 0.0) {
        return None;
    }
    let grade = (marks / quiz.marks).clamp(0.0, 1.0) * quiz.grade;
    // As many decimals as Moodle shows, and none that are zeros.
    let near = |scale: f64| ((grade * scale).round() - grade * scale).abs() < 0.005 * scale / 100.0;
    let scale = [1.0, 10.0]
        .into_iter()
        .find(|scale| near(*scale))
        .unwrap_or(100.0);
    let whole = |number: f64| format!("{:.0}", number * scale).parse::<u32>().ok();
    Some((whole(grade)?, whole(quiz.grade)?))
}
