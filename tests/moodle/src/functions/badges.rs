//! Badges. They can be read alone.

use serde_json::{Value, json};

use super::Function;
use crate::badges::Issue;
use crate::form::{Arguments, Shape, optional};
use crate::refusal::Answer;
use crate::state::State;

pub(super) static FUNCTIONS: &[Function] = &[Function {
    name: "core_badges_get_user_badges",
    takes: &[
        optional("userid", Shape::Int),
        optional("courseid", Shape::Int),
        optional("page", Shape::Int),
        optional("perpage", Shape::Int),
        optional("search", Shape::Text),
        optional("onlypublic", Shape::Bool),
    ],
    run: get_user_badges,
}];

/// The last issued comes first. Of which course a badge is, a plain role is not told.
fn get_user_badges(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let user = match arguments.id("userid") {
        0 => state.service,
        user => state.user(user)?.id,
    };
    let course = arguments.id("courseid");
    let asked = |issue: &&Issue| issue.user == user && (course == 0 || course == issue.course);
    let issues = state.issues.iter().rev().filter(asked);
    let badges: Vec<Value> = issues.map(|issue| badge(state, issue)).collect();
    Ok(json!({"badges": badges, "warnings": []}))
}

fn badge(state: &State, issue: &Issue) -> Value {
    let course = state.courses.get(issue.course);
    let about = course.and_then(|course| course.about.badge.as_ref());
    let shortname = course.map_or("", |course| course.about.shortname.as_str());
    let account = state.people.get(issue.user);
    let (url, id) = (&state.url, issue.badge);
    let context = course.map_or(0, |course| course.context);
    let image = format!("{url}/webservice/pluginfile.php/{context}/badges/badgeimage/{id}/f3");
    json!({
        "id": id,
        "name": about.map_or("", |badge| badge.name.as_str()),
        "description": format!("Completed {shortname}"),
        "timecreated": 0,
        "timemodified": 0,
        "issuername": "UNESCO/MoEYS",
        "issuerurl": "http://beep.local",
        "issuercontact": "",
        "type": 2,
        "attachment": 1,
        "notification": 1,
        "status": 0,
        "uniquehash": issue.hash,
        "dateissued": issue.date,
        "dateexpire": null,
        "visible": 0,
        "recipientid": issue.user,
        "recipientfullname": account.map(|account| account.person.full_name()),
        "version": "1",
        "language": "en",
        "imageauthorname": "",
        "imageauthoremail": "",
        "imageauthorurl": "",
        "imagecaption": "",
        "badgeurl": image,
        "alignment": [],
        "relatedbadges": [],
    })
}
