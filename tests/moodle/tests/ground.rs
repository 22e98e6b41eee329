//! A site with one course and one learner as in the recorded answers, a client over a bare socket, and
//! the comparison of an answer with a recorded one.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::TcpStream;

use serde_json::Value;
use spean_moodle_stand_in::{Activity, Course, Moodle, Person, Setup};

/// The recorded course.
pub const COURSE: &str = "BEEP-KHM-7";
/// Its quiz.
pub const QUIZ: &str = "Unit quiz";
/// The recorded learner.
pub const LEARNER: &str = "ccp1-00003";

/// Three pages, something to tick and a quiz, all of which the course asks for.
pub fn course() -> Course {
    let mut activities: Vec<Activity> = (1..=3)
        .map(|number| {
            Activity::page(&format!("Lesson {number}")).numbered(&format!("beep-khm-7-l{number}"))
        })
        .collect();
    activities.push(Activity::manual("Workbook done").numbered("beep-khm-7-wb"));
    activities.push(Activity::quiz(QUIZ).numbered("beep-khm-7-q1"));
    Course::new(COURSE, &activities)
}

/// A running site, and a client that asks it.
pub struct Ground {
    pub moodle: Moodle,
}

impl Ground {
    /// The recorded course with the recorded learner in it.
    pub fn new() -> Self {
        Self::of(Setup::of(&[course()]))
    }

    /// The same on a site that was set up otherwise.
    pub fn of(setup: Setup) -> Self {
        let ground = Self::empty(setup);
        let learner = Person::new(LEARNER).numbered("PRED-00000003");
        ground.moodle.add_user(learner);
        ground.moodle.enrol(LEARNER, COURSE);
        ground
    }

    /// Without anybody.
    pub fn empty(setup: Setup) -> Self {
        let moodle = Moodle::start(setup);
        Self { moodle }
    }

    /// All but the quiz.
    pub fn read_all(&self) {
        for lesson in ["Lesson 1", "Lesson 2", "Lesson 3"] {
            self.moodle.view(LEARNER, COURSE, lesson);
        }
        self.moodle.tick(LEARNER, COURSE, "Workbook done");
    }

    pub fn learner(&self) -> String {
        self.moodle.user_id(LEARNER).to_string()
    }

    pub fn course(&self) -> String {
        self.moodle.course_id(COURSE).to_string()
    }

    pub fn module(&self, activity: &str) -> String {
        self.moodle.module_id(COURSE, activity).to_string()
    }

    pub fn quiz(&self) -> String {
        self.moodle.instance_id(COURSE, QUIZ).to_string()
    }

    /// Pushes a grade of the quiz.
    pub fn push(&self, grade: &str) -> Value {
        self.call(
            "core_grades_update_grades",
            &[
                ("source", "mesh"),
                ("courseid", &self.course()),
                ("component", "mod_quiz"),
                ("activityid", &self.module(QUIZ)),
                ("itemnumber", "0"),
                ("grades[0][studentid]", &self.learner()),
                ("grades[0][grade]", grade),
            ],
        )
    }

    /// Says of an activity that it is complete (1) or not (0).
    pub fn override_to(&self, activity: &str, state: &str) -> Value {
        self.call(
            "core_completion_override_activity_completion_status",
            &[
                ("userid", &self.learner()),
                ("cmid", &self.module(activity)),
                ("newstate", state),
            ],
        )
    }

    /// The statuses of the learner's activities.
    pub fn statuses(&self) -> Value {
        self.call(
            "core_completion_get_activities_completion_status",
            &[("courseid", &self.course()), ("userid", &self.learner())],
        )
    }

    /// The learner's progress in the course.
    pub fn course_status(&self) -> Value {
        self.call(
            "core_completion_get_course_completion_status",
            &[("courseid", &self.course()), ("userid", &self.learner())],
        )
    }

    /// The grades of one user, or with 0 of all.
    pub fn grades(&self, user: &str) -> Value {
        self.call(
            "gradereport_user_get_grade_items",
            &[("courseid", &self.course()), ("userid", user)],
        )
    }

    /// A call that is answered with JSON, whether or not it is refused.
    pub fn call(&self, function: &str, parameters: &[(&str, &str)]) -> Value {
        self.call_with(&self.moodle.token(), function, parameters)
    }

    /// The same with another token.
    pub fn call_with(&self, token: &str, function: &str, parameters: &[(&str, &str)]) -> Value {
        let mut form = vec![
            ("wstoken", token),
            ("wsfunction", function),
            ("moodlewsrestformat", "json"),
        ];
        form.extend_from_slice(parameters);
        let (status, body) = self.post(&form).unwrap();
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// One request on a connection of its own.
    pub fn post(&self, form: &[(&str, &str)]) -> io::Result<(u16, String)> {
        let fields = form
            .iter()
            .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
        let body = fields.collect::<Vec<_>>().join("&");
        let url = self.moodle.url();
        let host = url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host)?;
        write!(
            stream,
            "POST /webservice/rest/server.php HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let Some((head, body)) = answer.split_once("\r\n\r\n") else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Ok((status.unwrap(), body.to_owned()))
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").unwrap();
        }
    }
    escaped
}

/// Asserts that an answer has all that a recorded one has, with the same types, list entry by list
/// entry. Values may differ; null is null, and an empty list is empty.
#[track_caller]
pub fn same_shape(recorded: &Value, answered: &Value) {
    let mut wrong = Vec::new();
    compare("", recorded, answered, &mut wrong);
    assert!(wrong.is_empty(), "{wrong:#?}\n{answered:#}");
}

fn compare(place: &str, recorded: &Value, answered: &Value, wrong: &mut Vec<String>) {
    match (recorded, answered) {
        (Value::Object(recorded), Value::Object(answered)) => {
            for (key, recorded) in recorded {
                let place = format!("{place}.{key}");
                match answered.get(key) {
                    Some(answered) => compare(&place, recorded, answered, wrong),
                    None => wrong.push(format!("{place}: missing")),
                }
            }
        }
        (Value::Array(recorded), Value::Array(answered)) => {
            if recorded.len() > answered.len() || recorded.is_empty() != answered.is_empty() {
                wrong.push(format!("{place}: {} entries", answered.len()));
            }
            for (number, (recorded, answered)) in recorded.iter().zip(answered).enumerate() {
                compare(&format!("{place}[{number}]"), recorded, answered, wrong);
            }
        }
        (Value::Null, Value::Null)
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::String(_), Value::String(_)) => {}
        _ => wrong.push(format!("{place}: recorded {recorded}, answered {answered}")),
    }
}
