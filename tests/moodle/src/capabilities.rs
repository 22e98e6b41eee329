//! Capabilities: the least sets that reading and writing take, found on a real site by adding one at
//! a time, and the words that Moodle has for them.

/// What the token's user needs to read everything that [`crate::READS`] offers.
pub const READ_CAPABILITIES: &[&str] = &[
    "webservice/rest:use",
    "moodle/user:viewdetails",
    "moodle/user:viewalldetails",
    "moodle/site:viewuseridentity",
    "moodle/course:view",
    "moodle/course:viewparticipants",
    "report/progress:view",
    "report/completion:view",
    "gradereport/user:view",
    "moodle/grade:viewall",
    "mod/quiz:view",
    "mod/quiz:viewreports",
    "moodle/course:viewhiddenactivities",
    "moodle/grade:viewhidden",
    "moodle/course:viewhiddensections",
    "moodle/course:ignoreavailabilityrestrictions",
];

/// Of those, what a real site needs where a section is hidden or an activity is closed until its day: here neither
/// can be.
pub const WITHOUT_EFFECT_HERE: &[&str] = &[
    "moodle/course:viewhiddensections",
    "moodle/course:ignoreavailabilityrestrictions",
];

/// What he needs beyond that to write what a transfer takes.
pub const WRITE_CAPABILITIES: &[&str] = &[
    "moodle/user:create",
    "moodle/user:update",
    "enrol/manual:enrol",
    "enrol/manual:unenrol",
    "moodle/role:assign",
    "moodle/course:overridecompletion",
    "moodle/grade:edit",
];

/// The words in the parentheses of a refusal.
pub(crate) fn words(capability: &str) -> &str {
    match capability {
        "moodle/user:viewdetails" => "View user profiles",
        "moodle/course:view" => "View courses without participation",
        "moodle/course:viewparticipants" => "View participants",
        "moodle/course:enrolreview" => "Review course enrolments",
        "report/progress:view" => "View activity completion reports",
        "report/completion:view" => "View course completion report",
        "gradereport/user:view" => "View your own grade report",
        "moodle/grade:viewall" => "View grades of other users",
        "moodle/grade:edit" => "Edit grades",
        "mod/quiz:view" => "View quiz information",
        "mod/quiz:viewreports" => "View quiz reports",
        "moodle/user:create" => "Create users",
        "moodle/user:update" => "Update user profiles",
        "moodle/user:delete" => "Delete users",
        "enrol/manual:enrol" => "Enrol users",
        "enrol/manual:unenrol" => "Unenrol users from the course",
        "moodle/course:update" => "Update course settings",
        "moodle/course:changeidnumber" => "Change course ID number",
        other => other,
    }
}
