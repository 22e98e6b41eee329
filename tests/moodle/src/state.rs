//! What the site knows, and the checks that every function begins with.

use crate::badges::Issue;
use crate::calls::{Call, Trouble};
use crate::completion::Completion;
use crate::courses::{CourseRow, Courses, ModuleRow};
use crate::database::Tables;
use crate::enrolments::Enrolments;
use crate::grades::Grades;
use crate::ids::{ADMIN, GUEST, Ids, Table};
use crate::people::{Account, People, Person};
use crate::quizzes::Quizzes;
use crate::refusal::Refusal;
use crate::setup::Setup;

use std::collections::VecDeque;

/// Everything.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) setup: Setup,
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) now: u64,
    pub(crate) ids: Ids,
    /// The token's user.
    pub(crate) service: u64,
    pub(crate) people: People,
    pub(crate) courses: Courses,
    pub(crate) enrolments: Enrolments,
    pub(crate) quizzes: Quizzes,
    pub(crate) grades: Grades,
    pub(crate) completion: Completion,
    pub(crate) issues: Vec<Issue>,
    pub(crate) tables: Tables,
    pub(crate) troubles: VecDeque<Trouble>,
    pub(crate) calls: Vec<Call>,
}

impl State {
    pub(crate) fn new(setup: Setup, url: String) -> Self {
        let mut ids = Ids::from(setup.id_offset);
        let mut people = People::default();
        let mut built_in = |id, username: &str, first: &str, last: &str, email: &str| {
            let person = Person {
                first_name: first.to_owned(),
                last_name: last.to_owned(),
                email: email.to_owned(),
                password: None,
                ..Person::new(username)
            };
            let mut account = Account::new(id, person);
            if account.is_built_in() {
                account.country.clear();
            }
            people.add(account);
        };
        let service = ids.next(Table::User);
        built_in(GUEST, "guest", "Guest user", " ", "");
        built_in(ADMIN, "admin", "Admin", "User", "admin@site.invalid");
        built_in(
            service,
            "meshnode",
            "Mesh",
            "Node",
            "meshnode@local.invalid",
        );
        let courses = Courses::new(&setup.courses, &mut ids, setup.clock);
        Self {
            token: format!("{:032x}", 0x5eed_0000_0000 + setup.id_offset),
            now: setup.clock,
            setup,
            url,
            ids,
            service,
            people,
            courses,
            enrolments: Enrolments::default(),
            quizzes: Quizzes::default(),
            grades: Grades::default(),
            completion: Completion::default(),
            issues: Vec::new(),
            tables: Tables::default(),
            troubles: VecDeque::new(),
            calls: Vec::new(),
        }
    }

    /// Somebody does something in a course.
    pub(crate) fn touch(&mut self, user: u64, course: u64) {
        let now = self.now;
        if let Some(account) = self.people.get_mut(user) {
            account.touch(course, now);
        }
    }

    pub(crate) fn may(&self, capability: &str) -> bool {
        self.setup.capabilities.contains(capability)
    }

    pub(crate) fn require(&self, capability: &str) -> Result<(), Refusal> {
        if self.may(capability) {
            return Ok(());
        }
        Err(Refusal::capability(capability))
    }

    /// A course that the token's user may enter.
    pub(crate) fn enter_course(&self, id: u64) -> Result<&CourseRow, Refusal> {
        let course = self.courses.get(id);
        let course = course.ok_or_else(|| Refusal::record("course"))?;
        if !self.may("moodle/course:view") && !self.enrolments.has(self.service, id) {
            return Err(Refusal::login("Not enrolled"));
        }
        Ok(course)
    }

    /// An activity that he may enter. Whoever is not enrolled sees no quiz without a right to.
    pub(crate) fn enter_module(&self, module: &ModuleRow) -> Result<ModuleRow, Refusal> {
        self.enter_course(module.course)?;
        if !self.sees(module) {
            return Err(Refusal::login("Activity is hidden"));
        }
        Ok(module.clone())
    }

    /// Whether the token's user is told of an activity at all.
    pub(crate) fn sees(&self, module: &ModuleRow) -> bool {
        let shown = !module.about.hidden || self.may("moodle/course:viewhiddenactivities");
        shown && (module.grade_item.is_none() || self.may("mod/quiz:view"))
    }

    /// An activity by the id of its module.
    pub(crate) fn enter_module_id(&self, id: u64) -> Result<ModuleRow, Refusal> {
        let module = self.courses.module(id);
        self.enter_module(module.ok_or_else(|| Refusal::record("course_modules"))?)
    }

    /// A quiz by its own id.
    pub(crate) fn enter_quiz(&self, instance: u64) -> Result<ModuleRow, Refusal> {
        let module = self.courses.quiz(instance);
        self.enter_module(module.ok_or_else(|| Refusal::record("quiz"))?)
    }

    /// Somebody who is not deleted.
    pub(crate) fn user(&self, id: u64) -> Result<&Account, Refusal> {
        let account = self.people.get(id).filter(|account| !account.deleted);
        account.ok_or_else(|| Refusal::record("user"))
    }
}
