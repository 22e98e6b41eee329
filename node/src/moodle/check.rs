//! What a Moodle's set-up lacks, and where each thing is given. What reading needs is tried on one person; what
//! writing needs is asked for in ways that Moodle refuses after it has looked at the right, so that nothing is
//! written: a state of completion that there is none of, a role that there is none of, a user name that is taken.
//! For grades there is no such way: the first one that is written says it.

use std::collections::BTreeSet;

use super::client::Parameter;
use super::source::{Info, Moodle, of_both};
use crate::lms::{CourseConfig, Finding, Heard, LmsError, LmsSource, PlatformUser, Progress, Roll};

/// Functions that reading needs.
const READS: [&str; 9] = [
    "core_webservice_get_site_info",
    "core_course_get_courses_by_field",
    "core_course_get_contents",
    "core_enrol_get_enrolled_users",
    "core_completion_get_activities_completion_status",
    "core_completion_get_course_completion_status",
    "mod_quiz_get_quizzes_by_courses",
    "mod_quiz_get_user_attempts",
    "gradereport_user_get_grade_items",
];

/// Rights that reading needs, in the role of the service's user, as Moodle's pages name them.
const READ_RIGHTS: [&str; 15] = [
    "webservice/rest:use",
    "moodle/user:viewdetails",
    "moodle/user:viewalldetails",
    "moodle/course:view",
    "moodle/course:viewparticipants",
    "report/progress:view",
    "report/completion:view",
    "gradereport/user:view",
    "moodle/grade:viewall",
    "mod/quiz:view",
    "mod/quiz:viewreports",
    // What is hidden from the service would be missing from its section, and the quizzes after it would have
    // other numbers than at the next prison.
    "moodle/course:viewhiddenactivities",
    "moodle/course:viewhiddensections",
    "moodle/course:ignoreavailabilityrestrictions",
    "moodle/grade:viewhidden",
];

/// Functions that writing needs.
const WRITES: [&str; 2] = [
    "core_grades_update_grades",
    "core_completion_override_activity_completion_status",
];

/// Functions that accounts by web services need.
const ACCOUNTS: [&str; 5] = [
    "core_user_get_users",
    "core_user_get_users_by_field",
    "core_user_create_users",
    "core_user_update_users",
    "enrol_manual_enrol_users",
];

/// Releases that were measured or read: from, up to.
const RELEASES: (u32, u32) = (401, 500);

/// A state of completion that Moodle has none of.
const NO_STATE: &str = "9";

/// Where a right is given.
const GIVE: &str = "Site administration, Users, Permissions, Define roles: allow it in the role of the service's user";

fn serious(message: String) -> Finding {
    Finding {
        serious: true,
        message,
    }
}

fn mild(message: String) -> Finding {
    Finding {
        serious: false,
        message,
    }
}

impl LmsSource for Moodle {
    fn check(&mut self, roll: &Roll) -> Result<Vec<Finding>, LmsError> {
        let info = self.info()?;
        let mut findings = self.check_service(&info);
        if findings.iter().any(|finding| finding.serious) {
            return Ok(findings);
        }
        let (mut people, mut doubts) = (0, BTreeSet::new());
        let here = self.courses_here()?;
        for config in self.courses().to_vec() {
            if config.module().is_none() {
                findings.push(serious(format!(
                    "config.toml: course {}: the catalogue has no module '{}' of programme '{}'",
                    config.shortname, config.module, config.programme
                )));
                continue;
            }
            let Some((_, number)) = here
                .iter()
                .find(|(one, _)| one.shortname == config.shortname)
            else {
                findings.push(mild(format!(
                    "this Moodle has no course '{}': its people's progress waits until it has",
                    config.shortname
                )));
                continue;
            };
            let probed = self.probe(&config, *number, roll, (&mut findings, &mut doubts));
            match probed {
                Ok(found) => people += found,
                Err(LmsError::MissingRight { function, right }) => findings.push(serious(format!(
                    "{function} needs a right: {right}. {GIVE}. Reading needs {}",
                    READ_RIGHTS.join(", ")
                ))),
                Err(LmsError::Refused { message, .. }) => findings.push(serious(message)),
                Err(error) => return Err(error),
            }
        }
        if self.has_manual_accounts() {
            self.check_accounts(&info, &here, &mut findings)?;
        }
        if people == 0 && findings.is_empty() {
            findings.push(mild("nobody is enrolled in any of the courses".to_owned()));
        }
        findings.extend(doubts.into_iter().map(mild));
        findings.dedup();
        Ok(findings)
    }

    fn read(
        &mut self,
        since: Option<u64>,
        roll: &Roll,
        progress: Progress<'_>,
        take: &mut dyn FnMut(Heard) -> Result<(), LmsError>,
    ) -> Result<u64, LmsError> {
        self.read_all(since, roll, progress, take)
    }
}

impl Moodle {
    /// What Moodle says of itself, before anything is asked of anybody.
    fn check_service(&self, info: &Info) -> Vec<Finding> {
        let mut findings = Vec::new();
        match branch(&info.release) {
            Some(branch) if (RELEASES.0..=RELEASES.1).contains(&branch) => {}
            _ => findings.push(mild(format!(
                "this is Moodle '{}'; 4.1 to 5.0 are known. What it answers otherwise is told by name",
                info.release
            ))),
        }
        let accounts: &[&str] = match self.has_manual_accounts() {
            true => &ACCOUNTS,
            false => &[],
        };
        let needed = READS.iter().chain(&WRITES).chain(accounts);
        for function in needed.filter(|name| !info.offers(name)) {
            findings.push(serious(format!(
                "the service does not offer {function}: Site administration, Server, External services, \
                 Functions, Add functions"
            )));
        }
        findings
    }

    /// Asks everything of one person of a course, to see whether it may be asked; returns how many people
    /// there are.
    fn probe(
        &self,
        config: &CourseConfig,
        here: i64,
        roll: &Roll,
        (findings, doubts): (&mut Vec<Finding>, &mut BTreeSet<String>),
    ) -> Result<usize, LmsError> {
        let Some((course, _)) = self.layout(config, here)? else {
            return Ok(0);
        };
        let people = self.enrolled(here)?;
        let users: Vec<PlatformUser> = people.iter().map(|who| who.user.clone()).collect();
        doubts.extend(roll.doubts(&users).into_values());
        let Some(one) = people.first() else {
            return Ok(0);
        };
        if one.user == PlatformUser::default() {
            return Err(LmsError::MissingRight {
                function: "core_enrol_get_enrolled_users".to_owned(),
                right: "moodle/user:viewalldetails".to_owned(),
            });
        }
        self.learnt(&course, one, 0)?;
        if let Some(tracked) = course.activities.iter().find(|activity| activity.tracked) {
            let [_, user] = of_both(&course, one);
            let probe = [
                user,
                ("cmid", tracked.here.to_string()),
                ("newstate", NO_STATE.to_owned()),
            ];
            let function = "core_completion_override_activity_completion_status";
            self.try_right(
                function,
                "moodle/course:overridecompletion",
                &probe,
                findings,
            )?;
        }
        Ok(people.len())
    }

    /// What accounts by web services need.
    fn check_accounts(
        &self,
        info: &Info,
        courses: &[(CourseConfig, i64)],
        findings: &mut Vec<Finding>,
    ) -> Result<(), LmsError> {
        let taken = [
            ("users[0][username]", info.username.clone()),
            ("users[0][auth]", "db".to_owned()),
            ("users[0][firstname]", "-".to_owned()),
            ("users[0][lastname]", "-".to_owned()),
            ("users[0][email]", "nobody@learner.invalid".to_owned()),
        ];
        self.try_right(
            "core_user_create_users",
            "moodle/user:create",
            &taken,
            findings,
        )?;
        let nobody = [("users[0][id]", "0".to_owned())];
        self.try_right(
            "core_user_update_users",
            "moodle/user:update",
            &nobody,
            findings,
        )?;
        for (_, course) in courses {
            let no_role = [
                ("enrolments[0][roleid]", "0".to_owned()),
                ("enrolments[0][userid]", info.own.to_string()),
                ("enrolments[0][courseid]", course.to_string()),
            ];
            self.try_right(
                "enrol_manual_enrol_users",
                "enrol/manual:enrol",
                &no_role,
                findings,
            )?;
        }
        Ok(())
    }

    /// Asks for something that is refused in any case, and sees whether it is for want of the right.
    fn try_right(
        &self,
        function: &str,
        right: &str,
        parameters: &[Parameter<'_>],
        findings: &mut Vec<Finding>,
    ) -> Result<(), LmsError> {
        match self.client().call(function, parameters) {
            Ok(_) | Err(LmsError::Refused { .. } | LmsError::Already(_)) => Ok(()),
            Err(LmsError::MissingRight { .. }) => {
                findings.push(serious(format!(
                    "{function} needs the right {right}. {GIVE}"
                )));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// The branch of a release such as `4.5.5+ (Build: 20250613)`, as 405.
fn branch(release: &str) -> Option<u32> {
    let mut parts = release.split(|one: char| !one.is_ascii_digit());
    let (major, minor): (u32, u32) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(100 * major + minor)
}
