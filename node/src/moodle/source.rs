//! What people did in Moodle: enrolments, activities and sections that are complete, finished attempts at
//! quizzes, marks that a teacher typed into the gradebook, courses that are complete. What this node wrote there
//! itself is no learning: an activity that it completed bears its mark, and a grade that it pushed has no attempt
//! behind it and is not a teacher's own.
//!
//! Where nothing is new, that is one request for each course and two besides.

use std::collections::BTreeMap;

use serde_json::Value;

use super::client::{Client, Parameter};
use super::course::{Course, Quiz, list, list_in, number, number_of, text};
use super::events::{course_done, enrolled, marks, seconds, sessions_done, tested};
use crate::lms::{CourseConfig, Heard, Learnt, LmsError, PlatformUser, Progress, Roll};

/// People of a course that are listed at a time.
const PAGE: usize = 1_000;

/// A Moodle and the courses of it that are read.
pub struct Moodle {
    client: Client,
    courses: Vec<CourseConfig>,
    manual_accounts: bool,
}

/// Somebody in a course.
pub(super) struct Enrolled {
    pub here: i64,
    pub user: PlatformUser,
    /// Moodle's number of the role of a student, if he has that.
    pub student: Option<i64>,
    /// He has another role: he teaches, or looks after the course.
    pub staff: bool,
    pub last_access: u64,
}

/// What a gradebook has of everybody: items by person.
pub(super) type Gradebook = BTreeMap<i64, Vec<Value>>;

/// A course, and who of it is to be read.
struct ToRead {
    config: CourseConfig,
    here: i64,
    people: Vec<Enrolled>,
    /// How many of them, from the first.
    asked: usize,
}

impl Moodle {
    /// The courses of a Moodle, in which accounts are written by web services or by themselves.
    #[must_use]
    pub const fn new(client: Client, courses: Vec<CourseConfig>, manual_accounts: bool) -> Self {
        Self {
            client,
            courses,
            manual_accounts,
        }
    }

    /// Whether accounts are written by web services.
    pub(super) const fn has_manual_accounts(&self) -> bool {
        self.manual_accounts
    }

    /// Asks.
    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// The courses that are configured.
    pub(super) fn courses(&self) -> &[CourseConfig] {
        &self.courses
    }

    /// The courses that are configured and there, with their numbers here, in one request.
    pub(super) fn courses_here(&self) -> Result<Vec<(CourseConfig, i64)>, LmsError> {
        let answer = self.client.call("core_course_get_courses_by_field", &[])?;
        let numbers: BTreeMap<&str, i64> = list_in(&answer.value, "courses")
            .filter_map(|course| Some((text(course, "shortname"), number_of(course)?)))
            .collect();
        let of = |config: &CourseConfig| Some((config.clone(), *numbers.get(&*config.shortname)?));
        Ok(self.courses.iter().filter_map(of).collect())
    }

    /// What is in a course, with its gradebook, which alone shows a plain role the id numbers of activities. None
    /// where it cannot be told which of its quizzes are the tests before and after, because nobody is active in
    /// it: then nobody learns in it either.
    pub(super) fn layout(
        &self,
        config: &CourseConfig,
        here: i64,
    ) -> Result<Option<(Course, Gradebook)>, LmsError> {
        let id = here.to_string();
        let contents = self
            .client
            .call("core_course_get_contents", &[("courseid", id.clone())])?;
        let quizzes = [("courseids[0]", id)];
        let quizzes = self
            .client
            .call("mod_quiz_get_quizzes_by_courses", &quizzes)?;
        let book = self.gradebook(here)?;
        let mut idnumbers = BTreeMap::new();
        for item in book.values().flatten() {
            let name = text(item, "idnumber");
            if let Some(activity) = number(item, "cmid").filter(|_| !name.is_empty()) {
                idnumbers.insert(activity, name.to_owned());
            }
        }
        let read = (&contents.value, &quizzes.value);
        let course = Course::read(config, here, read, &idnumbers);
        match course.missing() {
            None => Ok(Some((course, book))),
            Some(_) if book.is_empty() => Ok(None),
            Some(missing) => Err(missing),
        }
    }

    /// The gradebook of a course: of everybody, in one call.
    fn gradebook(&self, course: i64) -> Result<Gradebook, LmsError> {
        let all = [("courseid", course.to_string()), ("userid", "0".to_owned())];
        let function = "gradereport_user_get_grade_items";
        let report = self.client.call(function, &all)?.value;
        let mut book = Gradebook::new();
        for one in list_in(&report, "usergrades") {
            if let Some(user) = number(one, "userid") {
                let items = list_in(one, "gradeitems").cloned();
                book.entry(user).or_default().extend(items);
            }
        }
        Ok(book)
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
                    student: list_in(user, "roles")
                        .find(|role| text(role, "shortname") == "student")
                        .and_then(|role| number(role, "roleid")),
                    staff: list_in(user, "roles").any(|role| text(role, "shortname") != "student"),
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
    pub(super) fn learnt(
        &self,
        course: &Course,
        who: &Enrolled,
        own: i64,
    ) -> Result<Vec<Learnt>, LmsError> {
        let mut all = vec![enrolled(course, who)];
        let statuses = self.statuses(course, who)?;
        all.extend(sessions_done(course, who, own, &statuses));
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

impl Moodle {
    /// See [`crate::lms::LmsSource::read`].
    pub(super) fn read_all(
        &self,
        since: Option<u64>,
        roll: &Roll,
        progress: Progress<'_>,
        take: &mut dyn FnMut(Heard) -> Result<(), LmsError>,
    ) -> Result<u64, LmsError> {
        let info = self.info()?;
        let badges = since.is_none() && info.offers(BADGES);
        let mut newest = since.unwrap_or(0);
        let mut courses = Vec::new();
        for (config, here) in self.courses_here()? {
            let mut people = self.enrolled(here)?;
            for who in &people {
                newest = newest.max(who.last_access);
            }
            let users: Vec<PlatformUser> = people.iter().map(|who| who.user.clone()).collect();
            let doubts = roll.doubts(&users);
            people.retain(|who| !doubts.contains_key(&who.user.username));
            for doubt in doubts.into_values() {
                take(Heard::Doubt(doubt))?;
            }
            let is_asked = |who: &Enrolled| since.is_none_or(|since| who.last_access >= since);
            people.sort_by_key(|who| !is_asked(who));
            let asked = people.iter().take_while(|who| is_asked(who)).count();
            courses.push(ToRead {
                config,
                here,
                people,
                asked,
            });
        }
        let of: usize = courses.iter().map(|course| course.asked).sum();
        let (mut done, mut failed) = (0, None);
        progress(0, of as u64);
        for to_read in courses.iter().filter(|course| course.asked > 0) {
            let (course, book) = match self.layout(&to_read.config, to_read.here) {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                // Of the other courses nothing is lost.
                Err(error @ LmsError::Refused { .. }) => {
                    failed = Some(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            for (place, who) in to_read.people.iter().enumerate() {
                let items = book.get(&who.here).map_or(&[][..], Vec::as_slice);
                let mut all = marks(&course, who, items);
                if place < to_read.asked {
                    all.extend(self.learnt(&course, who, info.own)?);
                    done += 1;
                }
                let complete = all.iter().any(|one| one.fields[0] == "module-done");
                if !all.is_empty() {
                    take(Heard::Did(all))?;
                }
                if badges && complete {
                    take(Heard::Badges(self.badges(&course, who)?))?;
                }
                progress(done, of as u64);
            }
        }
        failed.map_or(Ok(newest), Err)
    }

    /// How many badges of a course somebody has.
    fn badges(&self, course: &Course, who: &Enrolled) -> Result<u64, LmsError> {
        let answer = self.client.call(BADGES, &of_both(course, who))?;
        Ok(list_in(&answer.value, "badges").count() as u64)
    }

    /// What Moodle says of itself and of the service.
    pub(super) fn info(&self) -> Result<Info, LmsError> {
        let function = "core_webservice_get_site_info";
        let value = self.client.call(function, &[])?.value;
        let functions = list_in(&value, "functions");
        Ok(Info {
            own: number(&value, "userid").unwrap_or(0),
            username: text(&value, "username").to_owned(),
            release: text(&value, "release").to_owned(),
            functions: functions.map(|one| text(one, "name").to_owned()).collect(),
        })
    }
}

/// Counts somebody's badges. It is asked where the service offers it.
const BADGES: &str = "core_badges_get_user_badges";

/// What Moodle says of itself and of the service.
pub(super) struct Info {
    /// Its number of the service's user.
    pub own: i64,
    /// His name.
    pub username: String,
    /// The release.
    pub release: String,
    functions: Vec<String>,
}

impl Info {
    /// Whether the service has a function.
    pub(super) fn offers(&self, function: &str) -> bool {
        self.functions.iter().any(|one| one == function)
    }
}

/// The parameters of what is asked of somebody in a course.
pub(super) fn of_both(course: &Course, who: &Enrolled) -> [Parameter<'static>; 2] {
    [
        ("courseid", course.here.to_string()),
        ("userid", who.here.to_string()),
    ]
}
