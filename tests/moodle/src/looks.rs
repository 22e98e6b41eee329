//! What a test sees of a site without asking a web service.

use crate::moodle::Moodle;
use crate::people::Person;

/// How an activity stands for a learner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Moodle's state: 0 incomplete, 1 complete, 2 passed, 3 failed.
    pub state: u8,
    /// When it last changed, 0 if never.
    pub at: u64,
    /// Whether another person said so.
    pub overridden: bool,
}

/// A badge that somebody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The short name of its course.
    pub course: String,
    /// Its hash on this site.
    pub hash: String,
    /// When it was issued.
    pub at: u64,
}

impl Moodle {
    /// An account as it is now. None if there is none of this name, or no more.
    #[must_use]
    pub fn person(&self, username: &str) -> Option<Person> {
        let state = self.state();
        let account = state.people.named(username);
        account.map(|account| account.person.clone())
    }

    /// How many accounts there are beside those of the site itself.
    #[must_use]
    pub fn people(&self) -> usize {
        let state = self.state();
        let learners = state.people.all();
        learners
            .filter(|account| !account.is_built_in() && account.id != state.service)
            .count()
    }

    /// The id of a user here.
    ///
    /// # Panics
    /// When there is no such user.
    #[must_use]
    pub fn user_id(&self, username: &str) -> u64 {
        self.state().user_named(username)
    }

    /// The id of the token's user here.
    #[must_use]
    pub fn service_id(&self) -> u64 {
        self.state().service
    }

    /// The id of a course here.
    ///
    /// # Panics
    /// When there is no such course.
    #[must_use]
    pub fn course_id(&self, shortname: &str) -> u64 {
        self.state().course_named(shortname)
    }

    /// The id of an activity's module here (`cmid`).
    ///
    /// # Panics
    /// When there is no such course or activity.
    #[must_use]
    pub fn module_id(&self, course: &str, activity: &str) -> u64 {
        self.state().activity_named(course, activity).id
    }

    /// The id of an activity within its module here (`instance`, and a quiz's `quizid`).
    ///
    /// # Panics
    /// When there is no such course or activity.
    #[must_use]
    pub fn instance_id(&self, course: &str, activity: &str) -> u64 {
        self.state().activity_named(course, activity).instance
    }

    /// Whether somebody is an active learner of a course.
    ///
    /// # Panics
    /// When there is no such user or course.
    #[must_use]
    pub fn is_learner(&self, username: &str, course: &str) -> bool {
        let state = self.state();
        let (user, course) = (state.user_named(username), state.course_named(course));
        state.enrolments.is_learner(user, course)
    }

    /// A grade in the gradebook.
    ///
    /// # Panics
    /// When there is no such user, course or activity.
    #[must_use]
    pub fn grade(&self, username: &str, course: &str, activity: &str) -> Option<f64> {
        let state = self.state();
        let module = state.activity_named(course, activity);
        state.grades.value(state.user_named(username), module.id)
    }

    /// How many attempts there are, those under way and imported ones among them.
    ///
    /// # Panics
    /// When there is no such user, course or activity.
    #[must_use]
    pub fn attempts(&self, username: &str, course: &str, activity: &str) -> usize {
        let state = self.state();
        let module = state.activity_named(course, activity);
        let attempts = state.quizzes.of(state.user_named(username), module.id);
        attempts.count()
    }

    /// How an activity stands.
    ///
    /// # Panics
    /// When there is no such user, course or activity.
    #[must_use]
    pub fn mark(&self, username: &str, course: &str, activity: &str) -> Mark {
        let state = self.state();
        let module = state.activity_named(course, activity);
        let user = state.user_named(username);
        let progress = state.completion.activity(user, module.id);
        Mark {
            state: progress.state,
            at: progress.modified,
            overridden: progress.overridden_by.is_some(),
        }
    }

    /// When a course was completed, by Moodle's own account.
    ///
    /// # Panics
    /// When there is no such user or course.
    #[must_use]
    pub fn completed(&self, username: &str, course: &str) -> Option<u64> {
        let state = self.state();
        let (user, course) = (state.user_named(username), state.course_named(course));
        state.completion.course(user, course).completed
    }

    /// The badges that somebody has, in the order of their issue.
    ///
    /// # Panics
    /// When there is no such user.
    #[must_use]
    pub fn badges(&self, username: &str) -> Vec<Issued> {
        let state = self.state();
        let user = state.user_named(username);
        let issues = state.issues.iter().filter(|issue| issue.user == user);
        let issued = issues.map(|issue| Issued {
            course: state
                .courses
                .get(issue.course)
                .unwrap()
                .about
                .shortname
                .clone(),
            hash: issue.hash.clone(),
            at: issue.date,
        });
        issued.collect()
    }
}
