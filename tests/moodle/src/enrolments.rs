//! Who is in which course, by which way and with which role.

use std::collections::BTreeSet;

use crate::state::State;

/// The role of a learner, on every site.
pub(crate) const STUDENT: u64 = 5;

/// The roles of a stock site.
const ROLES: &[(u64, &str)] = &[
    (1, "manager"),
    (2, "coursecreator"),
    (3, "editingteacher"),
    (4, "teacher"),
    (STUDENT, "student"),
];

pub(crate) fn role_named(shortname: &str) -> Option<u64> {
    let found = ROLES.iter().find(|(_, name)| *name == shortname);
    found.map(|(id, _)| *id)
}

pub(crate) fn role_name(id: u64) -> &'static str {
    let found = ROLES.iter().find(|(known, _)| *known == id);
    found.map_or("", |(_, name)| name)
}

/// What put somebody into a course. Each way takes out only whom it put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Manual,
    Database,
}

/// A learner, or a teacher, in a course.
#[derive(Clone, Debug)]
pub(crate) struct Enrolment {
    pub(crate) user: u64,
    pub(crate) course: u64,
    pub(crate) way: Way,
    /// None where the way suspends without roles.
    pub(crate) role: Option<u64>,
    pub(crate) active: bool,
    pub(crate) start: u64,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Enrolments(Vec<Enrolment>);

impl Enrolments {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Enrolment> {
        self.0.iter()
    }

    fn both(&self, user: u64, course: u64) -> impl Iterator<Item = &Enrolment> {
        let of = move |row: &&Enrolment| row.user == user && row.course == course;
        self.0.iter().filter(of)
    }

    pub(crate) fn has(&self, user: u64, course: u64) -> bool {
        self.both(user, course).next().is_some()
    }

    /// Whether his progress counts: he is a learner there, and not suspended there.
    pub(crate) fn is_learner(&self, user: u64, course: u64) -> bool {
        self.both(user, course)
            .any(|row| row.active && row.role == Some(STUDENT))
    }

    /// Whether he still has any role there.
    pub(crate) fn has_role(&self, user: u64, course: u64) -> bool {
        self.both(user, course).any(|row| row.role.is_some())
    }

    pub(crate) fn roles(&self, user: u64, course: u64) -> BTreeSet<u64> {
        self.both(user, course).filter_map(|row| row.role).collect()
    }

    /// The people of a course, by id.
    pub(crate) fn users(&self, course: u64, only_active: bool) -> BTreeSet<u64> {
        let of = |row: &&Enrolment| row.course == course && (row.active || !only_active);
        self.0.iter().filter(of).map(|row| row.user).collect()
    }

    /// The courses that somebody is active in, by id.
    pub(crate) fn courses(&self, user: u64) -> BTreeSet<u64> {
        let of = |row: &&Enrolment| row.user == user && row.active;
        self.0.iter().filter(of).map(|row| row.course).collect()
    }

    fn place(&self, user: u64, course: u64, way: Way) -> Option<usize> {
        let is = |row: &Enrolment| row.user == user && row.course == course && row.way == way;
        self.0.iter().position(is)
    }

    pub(crate) fn get_mut(&mut self, user: u64, course: u64, way: Way) -> Option<&mut Enrolment> {
        let place = self.place(user, course, way)?;
        self.0.get_mut(place)
    }
}

impl State {
    /// Enrols, or makes an enrolment active again. A start that is given anew replaces the old one.
    pub(crate) fn enrol(&mut self, user: u64, course: u64, way: Way, role: u64, start: u64) {
        if let Some(row) = self.enrolments.get_mut(user, course, way) {
            row.active = true;
            row.role = Some(role);
            row.start = start;
            return;
        }
        self.enrolments.0.push(Enrolment {
            user,
            course,
            way,
            role: Some(role),
            active: true,
            start,
        });
        if self.setup.recover_grades {
            self.recover_grades(user, course);
        }
    }

    /// Takes somebody out. With his last enrolment his grades leave the gradebook; what he completed
    /// and attempted stays.
    pub(crate) fn unenrol(&mut self, user: u64, course: u64, way: Way) {
        let Some(place) = self.enrolments.place(user, course, way) else {
            return;
        };
        self.enrolments.0.remove(place);
        if self.enrolments.has(user, course) {
            return;
        }
        self.put_grades_away(user, course);
        if let Some(account) = self.people.get_mut(user) {
            account.course_access.remove(&course);
        }
    }
}
