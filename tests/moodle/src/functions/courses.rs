//! Courses.

use serde_json::{Value, json};

use super::{Function, bit};
use crate::courses::CourseRow;
use crate::form::{Arguments, Shape, optional, required};
use crate::ids::SITE_COURSE;
use crate::refusal::{Answer, Refusal};
use crate::state::State;

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        name: "core_course_get_courses",
        takes: &[optional(
            "options",
            Shape::Record(&[optional("ids", Shape::List(&Shape::Int))]),
        )],
        run: get_courses,
    },
    Function {
        name: "core_course_get_courses_by_field",
        takes: &[
            optional("field", Shape::Text),
            optional("value", Shape::Text),
        ],
        run: get_courses_by_field,
    },
    Function {
        name: "core_course_update_courses",
        takes: &[required(
            "courses",
            Shape::List(&Shape::Record(&[
                required("id", Shape::Int),
                optional("fullname", Shape::Text),
                optional("shortname", Shape::Text),
                optional("idnumber", Shape::Text),
            ])),
        )],
        run: update_courses,
    },
];

fn get_courses(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let ids = Arguments(&arguments.0["options"]).ids("ids");
    let asked = |id: u64| ids.is_empty() || ids.contains(&id);
    let mut rows = Vec::new();
    if asked(SITE_COURSE) {
        rows.push(front_page(state));
    }
    for course in state.courses.all() {
        if asked(course.id) {
            let entered = state.enter_course(course.id);
            entered.map_err(|refusal| refusal.in_course(course.id))?;
            rows.push(brief(state, course));
        }
    }
    Ok(Value::Array(rows))
}

fn front_page(state: &State) -> Value {
    json!({
        "id": SITE_COURSE,
        "shortname": "site",
        "categoryid": 0,
        "fullname": state.setup.site_name,
        "displayname": state.setup.site_name,
        "summary": "",
        "summaryformat": 1,
        "format": "site",
        "startdate": 0,
        "enddate": 0,
        "numsections": 1,
        "showactivitydates": false,
        "showcompletionconditions": null,
    })
}

/// A course as a plain role sees it. Who may change it sees its id number.
fn brief(state: &State, course: &CourseRow) -> Value {
    let mut row = json!({
        "id": course.id,
        "shortname": course.about.shortname,
        "categoryid": 2,
        "fullname": course.about.fullname,
        "displayname": course.about.fullname,
        "summary": "",
        "summaryformat": 1,
        "format": "topics",
        "startdate": state.setup.clock,
        "enddate": 0,
        "showactivitydates": false,
        "showcompletionconditions": true,
    });
    if state.may("moodle/course:update") {
        row["idnumber"] = json!(course.about.idnumber.clone().unwrap_or_default());
        row["visible"] = json!(1);
    }
    row
}

fn get_courses_by_field(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let field = arguments.text("field").unwrap_or("");
    let value = arguments.text("value").unwrap_or("");
    let is = |course: &&CourseRow| match field {
        "" => true,
        "id" => course.id.to_string() == value,
        "ids" => value.split(',').any(|id| id == course.id.to_string()),
        "shortname" => course.about.shortname == value,
        "idnumber" => course.about.idnumber.as_deref() == Some(value),
        "category" => value == "2",
        _ => false,
    };
    let known = ["", "id", "ids", "shortname", "idnumber", "category"];
    if !known.contains(&field) {
        return Err(Refusal::parameter("Invalid field name"));
    }
    let found = state.courses.all().iter().filter(is);
    let rows: Vec<Value> = found.map(|course| listed(state, course)).collect();
    Ok(json!({"courses": rows, "warnings": []}))
}

/// A course as the list of courses has it, for which nothing is needed.
fn listed(state: &State, course: &CourseRow) -> Value {
    let mut row = brief(state, course);
    let further = json!({
        "courseimage": image(state, course),
        "categoryname": "BEEP",
        "sortorder": 20_000 + course.id,
        "summaryfiles": [],
        "overviewfiles": [],
        "contacts": [],
        "enrollmentmethods": ["manual"],
        "showgrades": 1,
        "newsitems": 0,
        "maxbytes": 0,
        "showreports": 0,
        "visible": 1,
        "groupmode": 0,
        "groupmodeforce": 0,
        "defaultgroupingid": 0,
        "enablecompletion": bit(course.about.completion),
        "completionnotify": 0,
        "lang": "",
        "theme": "",
        "marker": 0,
        "filters": [{"filter": "activitynames", "localstate": 0, "inheritedstate": 1}],
        "courseformatoptions": [{"name": "hiddensections", "value": 1}],
    });
    if let (Value::Object(row), Value::Object(further)) = (&mut row, further) {
        row.extend(further);
    }
    row
}

pub(super) fn image(state: &State, course: &CourseRow) -> String {
    let (url, context) = (&state.url, course.context);
    format!("{url}/pluginfile.php/{context}/course/generated/course.svg")
}

fn update_courses(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let mut warnings = Vec::new();
    for row in arguments.rows("courses") {
        if let Err(refusal) = update_course(state, row) {
            warnings.push(refusal.warning("course", row.id("id")));
        }
    }
    Ok(json!({"warnings": warnings}))
}

fn update_course(state: &mut State, row: Arguments<'_>) -> Result<(), Refusal> {
    let id = row.id("id");
    let course = state.enter_course(id)?;
    state.require("moodle/course:update")?;
    let old = course.about.idnumber.as_deref().unwrap_or("");
    let new = row.text("idnumber").filter(|&new| new != old);
    if let Some(new) = new {
        state.require("moodle/course:changeidnumber")?;
        let mut others = state.courses.all().iter().filter(|other| other.id != id);
        let taken = others.find(|other| other.about.idnumber.as_deref() == Some(new));
        if let Some(other) = taken.filter(|_| !new.is_empty()) {
            let name = &other.about.fullname;
            let message = format!("ID number is already used for another course ({name})");
            return Err(Refusal::moodle("courseidnumbertaken", &message));
        }
    }
    let (new, now) = (new.map(str::to_owned), state.now);
    let course = state.courses.get_mut(id);
    let course = course.ok_or_else(|| Refusal::record("course"))?;
    if let Some(new) = new {
        course.about.idnumber = (!new.is_empty()).then_some(new);
    }
    for (key, place) in [
        ("fullname", &mut course.about.fullname),
        ("shortname", &mut course.about.shortname),
    ] {
        if let Some(value) = row.text(key) {
            value.clone_into(place);
        }
    }
    course.modified = now;
    Ok(())
}
