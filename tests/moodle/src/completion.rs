//! Completion of activities and courses, in the order in which Moodle computes it.
//!
//! An activity's state follows from its rule, or a person sets it. What changes one learner's state
//! marks the course's criteria that are met and completes the course in the same request; a grade
//! that comes through the web service is a bulk update, which leaves that to cron. Cron marks, and
//! completes only what was marked in an earlier second, so that it takes two runs. A mark and a
//! completion are never taken back.

use std::collections::BTreeMap;

use crate::courses::{CourseRow, ModuleRow};
use crate::setup::Rule;
use crate::state::State;

/// Moodle's states of an activity.
pub(crate) const INCOMPLETE: u8 = 0;
pub(crate) const COMPLETE: u8 = 1;
pub(crate) const PASSED: u8 = 2;
pub(crate) const FAILED: u8 = 3;

/// Why an activity's state may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its rule may say something else now.
    Rule,
    /// The same by a grade that was pushed: a bulk update.
    Push,
    /// The learner ticks it, or takes the tick back.
    Tick(u8),
    /// Another person says what it is.
    Override(u64, u8),
}

/// How often a scheduled task runs at most.
const CRON_SECONDS: u64 = 60;

/// A learner's progress in an activity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) state: u8,
    pub(crate) viewed: bool,
    pub(crate) overridden_by: Option<u64>,
    pub(crate) modified: u64,
}

impl Progress {
    /// Whether a person called it complete.
    pub(crate) const fn is_said(&self) -> bool {
        self.overridden_by.is_some() && self.state == COMPLETE
    }
}

/// A learner's progress in a course.
#[derive(Clone, Debug, Default)]
pub(crate) struct CourseProgress {
    /// When each criterion was met, by module, once it is marked.
    pub(crate) met: BTreeMap<u64, u64>,
    /// When something was marked that nobody has looked at yet.
    marked: Option<u64>,
    pub(crate) completed: Option<u64>,
}

/// All progress.
#[derive(Clone, Debug, Default)]
pub(crate) struct Completion {
    activities: BTreeMap<(u64, u64), Progress>,
    courses: BTreeMap<(u64, u64), CourseProgress>,
    last_cron: Option<u64>,
}

impl Completion {
    pub(crate) fn activity(&self, user: u64, module: u64) -> Progress {
        let progress = self.activities.get(&(user, module));
        progress.cloned().unwrap_or_default()
    }

    pub(crate) fn course(&self, user: u64, course: u64) -> CourseProgress {
        let progress = self.courses.get(&(user, course));
        progress.cloned().unwrap_or_default()
    }
}

/// Whether a state counts as complete under a rule.
pub(crate) const fn is_complete(rule: Rule, state: u8) -> bool {
    match rule {
        Rule::Pass => matches!(state, COMPLETE | PASSED),
        Rule::Manual => state == COMPLETE,
        Rule::None | Rule::View | Rule::Grade => state != INCOMPLETE,
    }
}

impl State {
    /// Passed or failed, where there is a grade to pass.
    fn grade_state(&self, user: u64, module: &ModuleRow) -> u8 {
        let Some(value) = self.grades.value(user, module.id) else {
            return INCOMPLETE;
        };
        let pass = module.about.quiz_settings().map_or(0.0, |quiz| quiz.pass);
        if pass <= 0.000_009 {
            COMPLETE
        } else if value >= pass {
            PASSED
        } else {
            FAILED
        }
    }

    /// The conditions of an activity's rule and how each stands.
    pub(crate) fn conditions(&self, user: u64, module: &ModuleRow) -> Vec<(&'static str, u8)> {
        let progress = self.completion.activity(user, module.id);
        let graded = self.grade_state(user, module);
        match module.about.rule {
            Rule::None | Rule::Manual => Vec::new(),
            Rule::View => vec![("completionview", u8::from(progress.viewed))],
            Rule::Grade => vec![("completionusegrade", graded)],
            Rule::Pass => {
                // Without a grade to pass every grade passes, and who fails has a grade all the same.
                let pass = if graded == COMPLETE { PASSED } else { graded };
                let any = if graded == FAILED { COMPLETE } else { graded };
                vec![("completionusegrade", any), ("completionpassgrade", pass)]
            }
        }
    }

    fn computed(&self, user: u64, module: &ModuleRow) -> u8 {
        let mut whole = COMPLETE;
        for (_, state) in self.conditions(user, module) {
            whole = match (whole, state) {
                (INCOMPLETE, _) | (_, INCOMPLETE) => INCOMPLETE,
                (FAILED, _) | (_, FAILED) => FAILED,
                (PASSED, _) | (_, PASSED) => PASSED,
                (_, state) => state,
            };
        }
        whole
    }

    /// Something changed.
    pub(crate) fn recompute(&mut self, user: u64, module: &ModuleRow, cause: Cause) {
        let (asked, by) = match cause {
            Cause::Rule | Cause::Push => (None, None),
            Cause::Tick(state) => (Some(state), None),
            Cause::Override(person, state) => (Some(state), Some(person)),
        };
        let manual = module.about.rule == Rule::Manual;
        if !self.tracks(module) || (manual && asked.is_none()) {
            return;
        }
        let old = self.completion.activity(user, module.id);
        // To call complete what passed or failed changes nothing, not even by an override.
        if asked == Some(COMPLETE) && matches!(old.state, PASSED | FAILED) {
            return;
        }
        // What a person called complete stays so for ever, unless a person speaks again.
        if asked.is_none() && old.is_said() {
            return;
        }
        let state = asked.unwrap_or_else(|| self.computed(user, module));
        if state == old.state {
            return;
        }
        let progress = self.completion.activities.entry((user, module.id));
        let progress = progress.or_default();
        progress.state = state;
        progress.modified = self.now;
        progress.overridden_by = by;
        if cause != Cause::Push {
            self.settle(user, module.course);
        }
    }

    fn tracks(&self, module: &ModuleRow) -> bool {
        let course = self.courses.get(module.course);
        module.about.rule != Rule::None && course.is_some_and(|course| course.about.completion)
    }

    /// A learner views an activity.
    pub(crate) fn view(&mut self, user: u64, module: &ModuleRow) {
        self.touch(user, module.course);
        if module.about.rule != Rule::View || !self.tracks(module) {
            return;
        }
        let progress = self.completion.activities.entry((user, module.id));
        let progress = progress.or_default();
        if progress.viewed && progress.overridden_by.is_none() {
            return;
        }
        progress.viewed = true;
        self.recompute(user, module, Cause::Rule);
        self.settle(user, module.course);
    }

    /// A learner ticks an activity that is done when he says so, or takes the tick back.
    pub(crate) fn tick(&mut self, user: u64, module: &ModuleRow, done: bool) {
        self.touch(user, module.course);
        if module.about.rule == Rule::Manual {
            self.recompute(user, module, Cause::Tick(u8::from(done)));
        }
    }

    /// Marks what one learner has met, and completes his course if that was the last of it.
    fn settle(&mut self, user: u64, course: u64) {
        let Some(course) = self.courses.get(course).cloned() else {
            return;
        };
        if self.mark(user, &course) {
            self.aggregate(user, &course);
        }
    }

    /// Whether there was something to mark.
    fn mark(&mut self, user: u64, course: &CourseRow) -> bool {
        if !course.about.completion || !self.enrolments.has_role(user, course.id) {
            return false;
        }
        let mut some = false;
        for module in course.criteria() {
            let progress = self.completion.activity(user, module.id);
            let whole = self.completion.courses.entry((user, course.id));
            let whole = whole.or_default();
            if is_complete(module.about.rule, progress.state) && !whole.met.contains_key(&module.id)
            {
                whole.met.insert(module.id, progress.modified);
                whole.marked = Some(self.now);
                some = true;
            }
        }
        some
    }

    fn aggregate(&mut self, user: u64, course: &CourseRow) {
        let Some(whole) = self.completion.courses.get_mut(&(user, course.id)) else {
            return;
        };
        whole.marked = None;
        let all = course
            .criteria()
            .all(|module| whole.met.contains_key(&module.id));
        if !all || whole.completed.is_some() {
            return;
        }
        whole.completed = whole.met.values().max().copied();
        if whole.completed.is_some() {
            self.issue(user, course);
        }
    }

    /// One run of cron. It does nothing within a minute of the last one.
    pub(crate) fn run_cron(&mut self) {
        let last = self.completion.last_cron;
        if last.is_some_and(|last| self.now < last + CRON_SECONDS) {
            return;
        }
        self.completion.last_cron = Some(self.now);
        for course in self.courses.all().to_vec() {
            for user in self.enrolments.users(course.id, false) {
                self.mark(user, &course);
            }
            let rows = self.completion.courses.iter();
            let due = rows.filter(|((_, of), whole)| {
                *of == course.id && whole.marked.is_some_and(|marked| marked < self.now)
            });
            let due: Vec<u64> = due.map(|((user, _), _)| *user).collect();
            for user in due {
                self.aggregate(user, &course);
            }
        }
    }
}
