//! The sections and activities of courses.

use serde_json::{Value, json};

use super::completion::{rules, standing};
use super::{Function, bit, number};
use crate::courses::{ModuleRow, SectionRow};
use crate::form::{Arguments, Shape, optional, required};
use crate::refusal::Answer;
use crate::setup::Rule;
use crate::state::State;

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        name: "core_course_get_contents",
        takes: &[
            required("courseid", Shape::Int),
            optional(
                "options",
                Shape::List(&Shape::Record(&[
                    required("name", Shape::Text),
                    required("value", Shape::Text),
                ])),
            ),
        ],
        run: get_contents,
    },
    Function {
        name: "core_course_get_course_module",
        takes: &[required("cmid", Shape::Int)],
        run: get_course_module,
    },
];

fn get_contents(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let course = state.enter_course(arguments.id("courseid"))?;
    let sections = course.sections.iter();
    Ok(sections.map(|section| contents(state, section)).collect())
}

fn contents(state: &State, section: &SectionRow) -> Value {
    let modules = section.modules.iter().filter(|module| state.sees(module));
    let modules: Vec<Value> = modules.map(|module| listed(state, module)).collect();
    json!({
        "id": section.id,
        "name": section.name,
        "visible": 1,
        "summary": "",
        "summaryformat": 1,
        "section": section.number,
        "hiddenbynumsections": 0,
        "uservisible": true,
        "component": null,
        "itemid": null,
        "modules": modules,
    })
}

/// Where an activity's page is.
pub(super) fn link(state: &State, module: &ModuleRow) -> String {
    let (url, kind, id) = (&state.url, module.about.module(), module.id);
    format!("{url}/mod/{kind}/view.php?id={id}")
}

/// An activity in its section, without its id number.
fn listed(state: &State, module: &ModuleRow) -> Value {
    let kind = module.about.module();
    let quiz = module.grade_item.is_some();
    let mut row = json!({
        "id": module.id,
        "url": link(state, module),
        "name": module.about.name,
        "instance": module.instance,
        "contextid": module.context,
        "visible": 1,
        "uservisible": true,
        "visibleoncoursepage": 1,
        "modicon": format!("{}/theme/image.php/boost/{kind}/1/monologo?filtericon=1", state.url),
        "modname": kind,
        "purpose": if quiz { "assessment" } else { "content" },
        "branded": false,
        "modplural": if quiz { "Quizzes" } else { "Pages" },
        "indent": 0,
        "onclick": "",
        "afterlink": null,
        "customdata": "\"\"",
        "noviewlink": false,
        "completion": module.about.rule.tracking(),
        "downloadcontent": 1,
        "dates": [],
        "groupmode": 0,
    });
    if module.about.rule != Rule::None {
        // Of the token's user, whom nothing tracks.
        let mut own = standing(state, state.service, module);
        own["istrackeduser"] = json!(false);
        own["details"] = rules(state, state.service, module);
        row["completiondata"] = own;
    }
    if !quiz {
        let (url, context) = (&state.url, module.context);
        let page = "mod_page/content/index.html?forcedownload=1";
        row["contents"] = json!([{
            "type": "file",
            "filename": "index.html",
            "filepath": "/",
            "filesize": 0,
            "fileurl": format!("{url}/webservice/pluginfile.php/{context}/{page}"),
            "timecreated": null,
            "timemodified": module.added,
            "sortorder": 1,
            "userid": null,
            "author": null,
            "license": null,
        }]);
        row["contentsinfo"] = json!({
            "filescount": 1,
            "filessize": 0,
            "lastmodified": module.added,
            "mimetypes": [],
            "repositorytype": "",
        });
    }
    row
}

/// One activity. Its id number is for those alone who may change it.
fn get_course_module(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let module = state.enter_module_id(arguments.id("cmid"))?;
    let mut row = json!({
        "id": module.id,
        "course": module.course,
        "module": if module.grade_item.is_some() { 17 } else { 15 },
        "name": module.about.name,
        "modname": module.about.module(),
        "instance": module.instance,
        "section": module.section,
        "sectionnum": module.section_number,
        "groupmode": 0,
        "groupingid": 0,
        "completion": module.about.rule.tracking(),
        "downloadcontent": 1,
    });
    if state.may("moodle/course:manageactivities") {
        let rule = module.about.rule;
        row["idnumber"] = json!(module.about.idnumber.clone().unwrap_or_default());
        row["added"] = json!(module.added);
        row["score"] = json!(0);
        row["indent"] = json!(0);
        row["visible"] = json!(1);
        row["visibleoncoursepage"] = json!(1);
        row["visibleold"] = json!(1);
        let graded = matches!(rule, Rule::Grade | Rule::Pass);
        row["completiongradeitemnumber"] = json!(graded.then_some(0));
        row["completionpassgrade"] = json!(bit(rule == Rule::Pass));
        row["completionview"] = json!(bit(rule == Rule::View));
        row["completionexpected"] = json!(0);
        row["showdescription"] = json!(0);
        row["availability"] = Value::Null;
        if let Some(quiz) = module.about.quiz_settings() {
            row["grade"] = number(quiz.maximum);
            row["gradepass"] = json!(format!("{:.2}", quiz.pass));
            row["gradecat"] = json!(2);
        }
    }
    Ok(json!({"cm": row, "warnings": []}))
}
