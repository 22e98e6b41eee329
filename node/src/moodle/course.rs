//! A course of Moodle, in the words of the catalogue. A course is a module, a section of it a session, and its
//! quizzes are the versions of a test, in their order. All sites restore the same backup of a course, so that
//! section and order are the same everywhere, where no number of Moodle's own is.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::lms::{CourseConfig, LmsError};

/// An activity of a course here.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    /// Moodle's number of it here.
    pub here: i64,
    /// Its section, from 1.
    pub section: u16,
    /// Whether it is a quiz.
    pub quiz: Option<Quiz>,
    /// Whether Moodle tracks its completion.
    pub tracked: bool,
}

/// A quiz.
#[derive(Clone, Debug, PartialEq)]
pub struct Quiz {
    /// Moodle's number of it here.
    pub here: i64,
    /// `pre-test`, `post-test` or `quiz`.
    pub kind: &'static str,
    /// Which of its kind, from 1.
    pub version: u16,
    /// The marks of all questions.
    pub marks: f64,
    /// What they are scaled to.
    pub grade: f64,
}

/// A course as it is here.
#[derive(Clone, Debug)]
pub struct Course {
    /// As it is configured.
    pub config: CourseConfig,
    /// Moodle's number of it here.
    pub here: i64,
    /// Its activities, in order.
    pub activities: Vec<Activity>,
}

impl Course {
    /// Reads what `core_course_get_contents` and `mod_quiz_get_quizzes_by_courses` say of a course, with the id
    /// numbers of its quizzes, as far as they are known.
    #[must_use]
    pub fn read(
        config: &CourseConfig,
        here: i64,
        (contents, quizzes): (&Value, &Value),
        idnumbers: &BTreeMap<i64, String>,
    ) -> Self {
        let mut activities = Vec::new();
        let mut versions: BTreeMap<&str, u16> = BTreeMap::new();
        for section in list(contents) {
            let Some(number) = number(section, "section").filter(|number| *number > 0) else {
                continue;
            };
            for module in list_in(section, "modules") {
                let Some(id) = number_of(module) else {
                    continue;
                };
                let name = text(module, "name");
                let idnumber = idnumbers.get(&id).map_or("", String::as_str);
                let is = |wanted: &Option<String>| {
                    wanted
                        .as_deref()
                        .is_some_and(|wanted| wanted == idnumber || wanted == name)
                };
                let kind = match (is(&config.pre_test), is(&config.post_test)) {
                    (true, _) => "pre-test",
                    (_, true) => "post-test",
                    _ => "quiz",
                };
                let found = list_in(quizzes, "quizzes")
                    .find(|quiz| self::number(quiz, "coursemodule") == Some(id));
                let quiz = found.and_then(|quiz| {
                    let version = versions.entry(kind).or_default();
                    *version = version.saturating_add(1);
                    Some(Quiz {
                        here: number_of(quiz)?,
                        kind,
                        version: *version,
                        marks: quiz.get("sumgrades")?.as_f64()?,
                        grade: quiz.get("grade")?.as_f64()?,
                    })
                });
                activities.push(Activity {
                    here: id,
                    section: u16::try_from(number).unwrap_or(u16::MAX),
                    quiz,
                    tracked: self::number(module, "completion").unwrap_or(0) > 0,
                });
            }
        }
        Self {
            config: config.clone(),
            here,
            activities,
        }
    }

    /// What is wrong where the configuration names a test that no quiz here is. Then no quiz can be read: the one
    /// that is meant would count among the others, and those after it would have other numbers.
    #[must_use]
    pub fn missing(&self) -> Option<LmsError> {
        let quizzes = || self.activities.iter().filter_map(|one| one.quiz.as_ref());
        let wanted = [
            ("pre-test", "pre_test", &self.config.pre_test),
            ("post-test", "post_test", &self.config.post_test),
        ];
        let (_, field, name) = wanted
            .into_iter()
            .find(|(kind, _, name)| name.is_some() && !quizzes().any(|quiz| quiz.kind == *kind))?;
        let name = name.as_deref().unwrap_or_default();
        let course = &self.config.shortname;
        Some(LmsError::Refused {
            function: format!("course {course}"),
            message: format!(
                "course {course} has no quiz with the ID number or name '{name}', which config.toml has as {field}: \
                 nothing is read of it; write there what the quiz's settings have as its ID number, or give it that one"
            ),
        })
    }

    /// What of a section makes it a session that is done: what is tracked of it and no quiz, or, where there
    /// is nothing else, its quizzes.
    #[must_use]
    pub fn sessions(&self) -> BTreeMap<u16, Vec<i64>> {
        let mut sessions: BTreeMap<u16, Vec<i64>> = BTreeMap::new();
        for quizzes in [false, true] {
            let mut found: BTreeMap<u16, Vec<i64>> = BTreeMap::new();
            let of_kind = |one: &&Activity| one.tracked && one.quiz.is_some() == quizzes;
            for activity in self.activities.iter().filter(of_kind) {
                found
                    .entry(activity.section)
                    .or_default()
                    .push(activity.here);
            }
            for (section, activities) in found {
                sessions.entry(section).or_insert(activities);
            }
        }
        sessions
    }
}

/// The elements of a list, none of anything else.
pub fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The elements of the list in a field.
pub fn list_in<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value.get(field).into_iter().flat_map(list)
}

/// A number of Moodle's, which it writes as a number or as text.
#[must_use]
pub fn number(value: &Value, field: &str) -> Option<i64> {
    let value = value.get(field)?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// The field `id`.
#[must_use]
pub fn number_of(value: &Value) -> Option<i64> {
    number(value, "id")
}

/// A text; empty where there is none.
#[must_use]
pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
