//! What people did in Moodle: enrolments, activities and sections that are complete, finished attempts at
//! quizzes, courses that are complete. What this node wrote there itself is no learning: an activity that it
//! completed bears its mark, and a grade that it pushed has no attempt behind it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use spean_protocol::event::Date;

use super::client::{Client, Parameter};
use super::course::{Course, Quiz, list, list_in, number, number_of, text};
use super::sink::{WRITE_RIGHTS, WRITES};
use crate::lms::{CourseConfig, Finding, Learnt, LmsError, LmsSource, PlatformUser};

/// People of a course that are listed at a time.
const PAGE: usize = 200;

/// Seconds by which a filter of the last access begins earlier: Moodle writes it once a minute, and it is
/// written before what is done.
pub(super) const OVERLAP: u64 = 600;

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
const READ_RIGHTS: [&str; 15] = [
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
    // What is hidden from the service would be missing from its section, and the quizzes after it would have
    // other numbers than at the next prison.
    "moodle/course:viewhiddenactivities",
    "moodle/course:viewhiddensections",
    "moodle/course:ignoreavailabilityrestrictions",
    "moodle/grade:viewhidden",
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
    pub last_access: u64,
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
        Ok(list_in(&answer.value, "courses").find_map(number_of))
    }

    /// A course as it is here; none where it cannot be told which of its quizzes are the tests before and
    /// after, because nobody is active in it: then nobody learns in it either.
    pub(super) fn layout(
        &self,
        config: &CourseConfig,
        here: i64,
    ) -> Result<Option<Course>, LmsError> {
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
        let mut nobody = false;
        if config.pre_test.is_some() || config.post_test.is_some() {
            let items = self.grade_items(here)?;
            nobody = items.is_empty();
            for (_, item) in items {
                let name = text(&item, "idnumber");
                if let Some(activity) = number(&item, "cmid").filter(|_| !name.is_empty()) {
                    idnumbers.insert(activity, name.to_owned());
                }
            }
        }
        let answers = (&contents.value, &quizzes.value);
        let course = Course::read(config, here, answers, &idnumbers);
        match course.missing() {
            None => Ok(Some(course)),
            Some(_) if nobody => Ok(None),
            Some(missing) => Err(missing),
        }
    }

    /// The gradebook of a course, with whose each item is: of everybody, in one call.
    pub(super) fn grade_items(&self, course: i64) -> Result<Vec<(i64, Value)>, LmsError> {
        let all = [("courseid", course.to_string()), ("userid", "0".to_owned())];
        let function = "gradereport_user_get_grade_items";
        let report = self.client.call(function, &all)?.value;
        let mut items = Vec::new();
        for one in list_in(&report, "usergrades") {
            if let Some(user) = number(one, "userid") {
                items.extend(list_in(one, "gradeitems").map(|item| (user, item.clone())));
            }
        }
        Ok(items)
    }

    /// How the activities of a course stand for somebody.
    pub(super) fn statuses(&self, course: &Course, who: &Enrolled) -> Result<Vec<Value>, LmsError> {
        let function = "core_completion_get_activities_completion_status";
        let report = self.client.call(function, &of_both(course, who))?.value;
        Ok(list_in(&report, "statuses").cloned().collect())
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
        let mut all = vec![enrolled(course, who)];
        all.extend(sessions_done(
            course,
            who,
            own,
            &self.statuses(course, who)?,
        ));
        for quiz in course.activities.iter().filter_map(|one| one.quiz.as_ref()) {
            for attempt in self.attempts(quiz, who)? {
                all.extend(tested(course, who, quiz, &attempt));
            }
        }
        all.extend(self.course_done(course, who)?);
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
        Ok(list_in(&answer, "attempts").cloned().collect())
    }

    fn course_done(&self, course: &Course, who: &Enrolled) -> Result<Option<Learnt>, LmsError> {
        let report = "core_completion_get_course_completion_status";
        let answer = match self.client.call(report, &of_both(course, who)) {
            Ok(answer) => answer.value,
            // A course without criteria is never done, which is no failure.
            Err(LmsError::Refused { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let status = answer.get("completionstatus").unwrap_or(&Value::Null);
        if status.get("completed").and_then(Value::as_bool) != Some(true) {
            return Ok(None);
        }
        let criteria = list_in(status, "completions");
        let last = criteria
            .filter_map(|one| seconds(one, "timecompleted"))
            .max();
        Ok(Some(course_done(course, who, last)))
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
        let functions = list_in(&info, "functions");
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
                Err(LmsError::Refused { message, .. }) => findings.push(Finding {
                    serious: true,
                    message,
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
    ) -> Result<u64, LmsError> {
        let info = self
            .client
            .call("core_webservice_get_site_info", &[])?
            .value;
        let own = number(&info, "userid").unwrap_or(0);
        let mut newest = since.unwrap_or(0);
        let from = since.map(|since| since.saturating_sub(OVERLAP));
        let mut failed = None;
        for config in &self.courses {
            let Some(here) = self.course(config)? else {
                continue;
            };
            let course = match self.layout(config, here) {
                Ok(Some(course)) => course,
                Ok(None) => continue,
                // Of the other courses nothing is lost.
                Err(error @ LmsError::Refused { .. }) => {
                    failed = Some(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let mut people = self.enrolled(here)?;
            newest = people
                .iter()
                .map(|who| who.last_access)
                .fold(newest, u64::max);
            people.retain(|who| from.is_none_or(|from| who.last_access >= from));
            for who in &people {
                take(self.learnt(&course, who, own)?)?;
            }
        }
        failed.map_or(Ok(newest), Err)
    }
}

impl Moodle {
    /// Asks everything of one person of a course, to see whether it may be asked; returns how many people
    /// there are, or none where there is no such course.
    fn probe(&self, config: &CourseConfig) -> Result<Option<usize>, LmsError> {
        let Some(here) = self.course(config)? else {
            return Ok(None);
        };
        let Some(course) = self.layout(config, here)? else {
            return Ok(Some(0));
        };
        self.grade_items(here)?;
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

/// The parameters of what is asked of somebody in a course.
fn of_both(course: &Course, who: &Enrolled) -> [Parameter<'static>; 2] {
    [
        ("courseid", course.here.to_string()),
        ("userid", who.here.to_string()),
    ]
}

/// An event of somebody in a course: its module, and the columns that are given by their place.
fn event(
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

/// A finished attempt, if it is marked.
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
    let (points, most) = score(attempt, quiz)?;
    let finished = seconds(attempt, "timefinish");
    let (number, when) = (
        number(attempt, "attempt").unwrap_or(0),
        finished.unwrap_or(0),
    );
    let key = format!("{} {}/{number}/{when}", quiz.kind, quiz.version);
    let [points, most, version] = [points, most, u32::from(quiz.version)].map(|n| n.to_string());
    let columns = [(0, quiz.kind), (4, &points), (5, &most), (6, &version)];
    Some(event(course, who, &key, finished, &columns))
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
