//! The gradebook.

use std::collections::BTreeMap;

use crate::completion::Cause;
use crate::courses::{CourseRow, ModuleRow};
use crate::state::State;

/// A learner's grade of an activity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grade {
    /// What the activity, or a push, says.
    pub(crate) raw: Option<f64>,
    /// What counts.
    pub(crate) value: Option<f64>,
    /// When a person set it by hand. From then on what the activity says does not count.
    pub(crate) overridden: Option<u64>,
    pub(crate) submitted: Option<u64>,
    pub(crate) modified: u64,
}

impl Grade {
    /// When it was graded, for whoever asks.
    pub(crate) fn graded(&self) -> Option<u64> {
        self.value?;
        Some(self.overridden.unwrap_or(self.modified))
    }
}

/// All grades by learner and module, and those of learners who left their course.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grades {
    rows: BTreeMap<(u64, u64), Grade>,
    history: BTreeMap<(u64, u64), Grade>,
}

impl Grades {
    pub(crate) fn get(&self, user: u64, module: u64) -> Option<&Grade> {
        self.rows.get(&(user, module))
    }

    pub(crate) fn has(&self, user: u64, module: u64) -> bool {
        self.rows.contains_key(&(user, module))
    }

    pub(crate) fn value(&self, user: u64, module: u64) -> Option<f64> {
        self.get(user, module)?.value
    }
}

/// As the database keeps it, with five decimals.
pub(crate) fn rounded(grade: f64) -> f64 {
    (grade * 100_000.0).round() / 100_000.0
}

impl State {
    /// What an activity or a push says. It counts unless a person has graded by hand.
    pub(crate) fn set_raw_grade(
        &mut self,
        user: u64,
        module: &ModuleRow,
        raw: Option<f64>,
        submitted: Option<u64>,
        modified: u64,
    ) {
        let maximum = module
            .about
            .quiz_settings()
            .map_or(100.0, |quiz| quiz.maximum);
        let grade = self.grades.rows.entry((user, module.id)).or_default();
        grade.raw = raw.map(rounded);
        grade.submitted = submitted;
        grade.modified = modified;
        if grade.overridden.is_none() {
            grade.value = raw.map(|raw| rounded(raw.clamp(0.0, maximum)));
        }
    }

    /// A teacher writes a grade into the gradebook.
    pub(crate) fn grade_by_hand(&mut self, user: u64, module: &ModuleRow, value: f64) {
        let now = self.now;
        let grade = self.grades.rows.entry((user, module.id)).or_default();
        grade.value = Some(rounded(value));
        grade.overridden = Some(now);
        self.recompute(user, module, Cause::Rule);
    }

    /// He left: his grades are in the history alone.
    pub(crate) fn put_grades_away(&mut self, user: u64, course: u64) {
        for module in self.modules_of(course) {
            if let Some(grade) = self.grades.rows.remove(&(user, module)) {
                self.grades.history.insert((user, module), grade);
            }
        }
    }

    /// He is back, on a site that recovers grades.
    pub(crate) fn recover_grades(&mut self, user: u64, course: u64) {
        for module in self.modules_of(course) {
            if let Some(grade) = self.grades.history.remove(&(user, module)) {
                self.grades.rows.entry((user, module)).or_insert(grade);
            }
        }
    }

    fn modules_of(&self, course: u64) -> Vec<u64> {
        let modules = self.courses.get(course).into_iter();
        let modules = modules.flat_map(CourseRow::modules);
        modules.map(|module| module.id).collect()
    }
}
