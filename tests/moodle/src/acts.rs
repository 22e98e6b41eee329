//! What people do at a Moodle: administrators, teachers, learners. Learners are named by user name,
//! courses by short name, activities by id number or name.

use crate::courses::{CourseRow, ModuleRow};
use crate::database::{EnrolmentTable, Login, SyncedEnrolments, SyncedUsers, UserTable};
use crate::enrolments::{STUDENT, Way};
use crate::ids::Table;
use crate::moodle::Moodle;
use crate::people::{Account, Person};
use crate::setup::Quiz;
use crate::state::State;

impl State {
    pub(crate) fn user_named(&self, username: &str) -> u64 {
        let account = self.people.named(username);
        account.unwrap_or_else(|| panic!("no user {username}")).id
    }

    pub(crate) fn course_named(&self, shortname: &str) -> u64 {
        let course = self.courses.named(shortname);
        course.unwrap_or_else(|| panic!("no course {shortname}")).id
    }

    pub(crate) fn activity_named(&self, shortname: &str, activity: &str) -> ModuleRow {
        let course = self.courses.named(shortname);
        let mut modules = course.into_iter().flat_map(CourseRow::modules);
        let module = modules.find(|module| module.about.is(activity));
        module
            .unwrap_or_else(|| panic!("no activity {activity} in {shortname}"))
            .clone()
    }

    fn learner(&self, username: &str, shortname: &str, activity: &str) -> (u64, ModuleRow) {
        let user = self.user_named(username);
        let module = self.activity_named(shortname, activity);
        let there = self.enrolments.is_learner(user, module.course);
        assert!(there, "{username} is no learner of {shortname}");
        (user, module)
    }
}

fn quiz_of(module: &ModuleRow) -> Quiz {
    let quiz = module.about.quiz_settings();
    *quiz.unwrap_or_else(|| panic!("{} is no quiz", module.about.name))
}

/// What an administrator does.
impl Moodle {
    /// Adds an account; gives its id.
    ///
    /// # Panics
    /// When the user name is taken.
    pub fn add_user(&self, person: Person) -> u64 {
        let mut state = self.state();
        assert!(
            state.people.named(&person.username).is_none(),
            "{}",
            person.username
        );
        let id = state.ids.next(Table::User);
        state.people.add(Account::new(id, person));
        id
    }

    /// Enrols somebody as a learner.
    ///
    /// # Panics
    /// When there is no such user or course.
    pub fn enrol(&self, username: &str, course: &str) {
        let mut state = self.state();
        let (user, course) = (state.user_named(username), state.course_named(course));
        state.enrol(user, course, Way::Manual, STUDENT, 0);
    }

    /// Takes somebody out of a course.
    ///
    /// # Panics
    /// When there is no such user or course.
    pub fn unenrol(&self, username: &str, course: &str) {
        let mut state = self.state();
        let (user, course) = (state.user_named(username), state.course_named(course));
        state.unenrol(user, course, Way::Manual);
    }

    /// Suspends an account, or lets it in again.
    ///
    /// # Panics
    /// When there is no such user.
    pub fn suspend(&self, username: &str, suspended: bool) {
        let mut state = self.state();
        let user = state.user_named(username);
        state.people.get_mut(user).unwrap().person.suspended = suspended;
    }

    /// Deletes an account, as nobody should.
    ///
    /// # Panics
    /// When there is no such user.
    pub fn delete_user(&self, username: &str) {
        let mut state = self.state();
        let (user, now) = (state.user_named(username), state.now);
        state.people.delete(user, now);
    }

    /// Activates the badge of a course.
    ///
    /// # Panics
    /// When there is no such course.
    pub fn activate_badge(&self, course: &str) {
        let mut state = self.state();
        let course = state.course_named(course);
        state.activate_badge(course);
    }

    /// Sets up `auth_db`.
    pub fn read_users_from(&self, table: UserTable) {
        self.state().tables.users = Some(table);
    }

    /// Sets up `enrol_database`.
    pub fn read_enrolments_from(&self, table: EnrolmentTable) {
        self.state().tables.enrolments = Some(table);
    }

    /// Runs the task that creates, suspends and revives the accounts of `auth_db`.
    ///
    /// # Errors
    /// When the table cannot be read; then nothing has changed.
    pub fn sync_users(&self) -> Result<SyncedUsers, String> {
        self.state().sync_users()
    }

    /// Runs the task that enrols by `enrol_database`.
    ///
    /// # Errors
    /// When the table cannot be read; then nothing has changed.
    pub fn sync_enrolments(&self) -> Result<SyncedEnrolments, String> {
        self.state().sync_enrolments()
    }

    /// Writes an attempt of another time into the database, as an import by SQL does.
    ///
    /// # Panics
    /// When there is no such learner, course or quiz.
    pub fn import_attempt(
        &self,
        username: &str,
        course: &str,
        quiz: &str,
        score: f64,
        (started, finished): (u64, u64),
    ) {
        let mut state = self.state();
        let (user, module) = state.learner(username, course, quiz);
        let settings = quiz_of(&module);
        state.import_attempt(user, &module, settings, score, (started, finished));
    }
}

/// What a learner does. Each act is an access to the course, which Moodle writes down once a minute.
impl Moodle {
    /// Logs in. `right` says whether a password is that of a hash.
    pub fn login(
        &self,
        username: &str,
        password: &str,
        right: impl Fn(&str, &str) -> bool,
    ) -> Login {
        self.state().login(username, password, right)
    }

    /// Looks at a course.
    ///
    /// # Panics
    /// When there is no such user or course.
    pub fn visit(&self, username: &str, course: &str) {
        let mut state = self.state();
        let (user, course) = (state.user_named(username), state.course_named(course));
        state.touch(user, course);
    }

    /// Views a page.
    ///
    /// # Panics
    /// When there is no such learner, course or activity.
    pub fn view(&self, username: &str, course: &str, activity: &str) {
        let mut state = self.state();
        let (user, module) = state.learner(username, course, activity);
        state.view(user, &module);
    }

    /// Ticks an activity as done.
    ///
    /// # Panics
    /// When there is no such learner, course or activity.
    pub fn tick(&self, username: &str, course: &str, activity: &str) {
        let mut state = self.state();
        let (user, module) = state.learner(username, course, activity);
        state.tick(user, &module, true);
    }

    /// Takes the tick back.
    ///
    /// # Panics
    /// When there is no such learner, course or activity.
    pub fn untick(&self, username: &str, course: &str, activity: &str) {
        let mut state = self.state();
        let (user, module) = state.learner(username, course, activity);
        state.tick(user, &module, false);
    }

    /// Opens the page of a quiz, and goes away again.
    ///
    /// # Panics
    /// When there is no such learner, course or quiz.
    pub fn open_quiz(&self, username: &str, course: &str, quiz: &str) {
        let mut state = self.state();
        let (user, module) = state.learner(username, course, quiz);
        state.open_quiz(user, &module);
    }

    /// Begins an attempt and leaves it open.
    ///
    /// # Panics
    /// When there is no such learner, course or quiz.
    pub fn start_attempt(&self, username: &str, course: &str, quiz: &str) {
        let mut state = self.state();
        let (user, module) = state.learner(username, course, quiz);
        state.start_attempt(user, &module);
    }

    /// Finishes the open attempt, or a new one, with so many points of the quiz's maximum.
    ///
    /// # Panics
    /// When there is no such learner, course or quiz.
    pub fn attempt(&self, username: &str, course: &str, quiz: &str, score: f64) {
        let mut state = self.state();
        let (user, module) = state.learner(username, course, quiz);
        let settings = quiz_of(&module);
        state.finish_attempt(user, &module, settings, score);
    }
}

/// What a teacher does.
impl Moodle {
    /// Writes a grade into the gradebook. From then on attempts and pushes do not change it.
    ///
    /// # Panics
    /// When there is no such learner, course or quiz.
    pub fn grade_by_hand(&self, username: &str, course: &str, quiz: &str, grade: f64) {
        let mut state = self.state();
        let (user, module) = state.learner(username, course, quiz);
        quiz_of(&module);
        state.grade_by_hand(user, &module, grade);
    }

    /// Marks a finished attempt again: the first is number 1.
    ///
    /// # Panics
    /// When there is no such learner, course, quiz or attempt.
    pub fn mark_again(
        &self,
        username: &str,
        course: &str,
        quiz: &str,
        (number, score): (u64, f64),
    ) {
        let mut state = self.state();
        let (user, module) = state.learner(username, course, quiz);
        let settings = quiz_of(&module);
        state.mark_again(user, &module, settings, (number, score));
    }
}
