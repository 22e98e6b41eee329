//! Badges. Moodle issues them by itself, with a date and a hash of its own.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::courses::CourseRow;
use crate::state::State;

/// A badge that somebody has.
#[derive(Clone, Debug)]
pub(crate) struct Issue {
    pub(crate) user: u64,
    pub(crate) course: u64,
    pub(crate) badge: u64,
    pub(crate) hash: String,
    pub(crate) date: u64,
}

/// Forty hexadecimal digits, as of SHA-1.
fn unique_hash(site: &str, badge: u64, user: u64) -> String {
    let part = |number: u32| {
        let mut hasher = DefaultHasher::new();
        (site, badge, user, number).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    };
    let mut hash: String = (0..3).map(part).collect();
    hash.truncate(40);
    hash
}

impl State {
    /// Whoever completed the course gets its badge, if that is active and he has it not yet.
    pub(crate) fn issue(&mut self, user: u64, course: &CourseRow) {
        let active = course
            .about
            .badge
            .as_ref()
            .is_some_and(|badge| badge.active);
        let has = |issue: &Issue| issue.user == user && issue.badge == course.badge;
        if !active || self.issues.iter().any(has) {
            return;
        }
        self.issues.push(Issue {
            user,
            course: course.id,
            badge: course.badge,
            hash: unique_hash(&self.setup.site_name, course.badge, user),
            date: self.now,
        });
    }

    /// A person activates a badge: Moodle looks who has earned it already.
    pub(crate) fn activate_badge(&mut self, course: u64) {
        let Some(row) = self.courses.get_mut(course) else {
            return;
        };
        if let Some(badge) = &mut row.about.badge {
            badge.active = true;
        }
        let row = row.clone();
        for user in self.enrolments.users(course, false) {
            if self.completion.course(user, course).completed.is_some() {
                self.issue(user, &row);
            }
        }
    }
}
