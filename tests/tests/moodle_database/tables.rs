//! A MariaDB whose tables say what a Moodle answers.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;
use spean::lms::DatabaseConfig;
use spean_moodle_stand_in::Moodle;

use super::{COURSE, PASSWORD, client};

const TABLES: &str = include_str!("tables.sql");

/// The MariaDB that `.ci/database` started.
pub fn socket() -> String {
    std::env::var("SPEAN_TEST_DATABASE").expect("'.ci/database' runs this")
}

/// Has the database's administrator do something.
pub fn sql(statements: &str) {
    let mut child = Command::new("mariadb")
        .args(["--no-defaults", "--user=root", "--socket", &socket()])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(statements.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success(), "{statements}");
}

/// A value of an answer, as SQL.
fn literal(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(is) => i32::from(*is).to_string(),
        Value::String(text) => format!("'{text}'"),
        other => other.to_string(),
    }
}

/// One row of a table.
fn row(all: &mut String, table: &str, columns: &str, values: &[Value]) {
    let values: Vec<String> = values.iter().map(literal).collect();
    let values = values.join(", ");
    writeln!(
        all,
        "INSERT INTO mdl_{table} ({columns}) VALUES ({values});"
    )
    .unwrap();
}

/// Makes a database of that name, with what a Moodle says in its tables, and an account that may read it.
pub fn database(name: &str, site: &Moodle) -> DatabaseConfig {
    let client = client(site);
    let ask = |function: &str, parameters: &[(&str, &Value)]| -> Value {
        let parameters = parameters.iter();
        let parameters: Vec<(&str, String)> = parameters
            .map(|(name, value)| (*name, value.to_string()))
            .collect();
        client
            .call(function, &parameters)
            .map_or(Value::Null, |answer| answer.value)
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut all = format!("CREATE DATABASE {name}; USE {name};\n{TABLES}");
    let here: Value = site.course_id(COURSE).into();
    let one: Value = 1.into();
    let zero: Value = 0.into();
    let at: Value = site.clock().into();
    row(
        &mut all,
        "course",
        "id, shortname, enablecompletion",
        &[here.clone(), COURSE.into(), one.clone()],
    );
    row(
        &mut all,
        "enrol",
        "id, courseid",
        &[one.clone(), here.clone()],
    );
    for section in list(&ask("core_course_get_contents", &[("courseid", &here)])) {
        let modules = list(&section["modules"]);
        let ids: Vec<String> = modules.iter().map(|one| one["id"].to_string()).collect();
        let values = [
            here.clone(),
            section["section"].clone(),
            ids.join(",").into(),
        ];
        row(
            &mut all,
            "course_sections",
            "course, section, sequence",
            &values,
        );
        for module in modules {
            let kind: Value = if module["modname"] == "quiz" { 2 } else { 1 }.into();
            let columns = "id, course, module, instance, completion, deletioninprogress";
            let values = [
                &module["id"],
                &here,
                &kind,
                &module["instance"],
                &module["completion"],
                &zero,
            ];
            row(
                &mut all,
                "course_modules",
                columns,
                &values.map(Clone::clone),
            );
        }
    }
    let quizzes = ask(
        "mod_quiz_get_quizzes_by_courses",
        &[("courseids[0]", &here)],
    );
    for quiz in list(&quizzes["quizzes"]) {
        let values = [
            &quiz["id"],
            &here,
            &quiz["name"],
            &quiz["sumgrades"],
            &quiz["grade"],
        ];
        row(
            &mut all,
            "quiz",
            "id, course, name, sumgrades, grade",
            &values.map(Clone::clone),
        );
    }
    let book = ask(
        "gradereport_user_get_grade_items",
        &[("courseid", &here), ("userid", &zero)],
    );
    for (place, person) in list(&book["usergrades"]).iter().enumerate() {
        for item in list(&person["gradeitems"]) {
            if place == 0 {
                let columns = "id, courseid, itemtype, itemmodule, iteminstance";
                let values = [
                    &item["id"],
                    &here,
                    &item["itemtype"],
                    &item["itemmodule"],
                    &item["iteminstance"],
                ];
                row(&mut all, "grade_items", columns, &values.map(Clone::clone));
            }
            if let (Some(name), Some(id)) = (item["idnumber"].as_str(), item["cmid"].as_i64()) {
                writeln!(
                    all,
                    "UPDATE mdl_course_modules SET idnumber = '{name}' WHERE id = {id};"
                )
                .unwrap();
            }
            let by_hand = item["gradeisoverridden"] == true;
            let overridden = if by_hand {
                &item["gradedategraded"]
            } else {
                &zero
            };
            let columns = "itemid, userid, finalgrade, overridden, timemodified";
            let values = [
                &item["id"],
                &person["userid"],
                &item["graderaw"],
                overridden,
                &item["gradedategraded"],
            ];
            row(&mut all, "grade_grades", columns, &values.map(Clone::clone));
        }
    }
    for user in list(&ask(
        "core_enrol_get_enrolled_users",
        &[("courseid", &here)],
    )) {
        let id = &user["id"];
        let columns = "id, auth, deleted, suspended, username, password, idnumber, firstname, lastname, timemodified";
        let text = |field: &str| Value::from(user[field].as_str().unwrap_or_default());
        let values = [
            id.clone(),
            "db".into(),
            zero.clone(),
            zero.clone(),
            text("username"),
            "$2y$10$hash".into(),
            text("idnumber"),
            "Dara".into(),
            "Sok".into(),
            at.clone(),
        ];
        row(&mut all, "user", columns, &values);
        row(
            &mut all,
            "user_enrolments",
            "enrolid, userid, timemodified",
            &[one.clone(), id.clone(), at.clone()],
        );
        let of_both = [("courseid", &here), ("userid", id)];
        let statuses = ask("core_completion_get_activities_completion_status", &of_both);
        for status in list(&statuses["statuses"]) {
            let columns = "coursemoduleid, userid, completionstate, overrideby, timemodified";
            let values = [
                &status["cmid"],
                id,
                &status["state"],
                &status["overrideby"],
                &status["timecompleted"],
            ];
            if status["timecompleted"]
                .as_u64()
                .is_some_and(|second| second > 0)
            {
                row(
                    &mut all,
                    "course_modules_completion",
                    columns,
                    &values.map(Clone::clone),
                );
            }
        }
        for quiz in list(&quizzes["quizzes"]) {
            let every: Value = "all".into();
            let whose = [
                ("quizid", quiz["id"].to_string()),
                ("userid", id.to_string()),
            ];
            let whose = [
                &whose[..],
                &[("status", every.as_str().unwrap().to_owned())],
            ]
            .concat();
            let answer = client
                .call("mod_quiz_get_user_attempts", &whose)
                .unwrap()
                .value;
            for attempt in list(&answer["attempts"]) {
                let columns = "id, quiz, userid, attempt, layout, preview, state, timefinish, timemodified, sumgrades";
                let values = columns.split(", ").map(|field| attempt[field].clone());
                row(
                    &mut all,
                    "quiz_attempts",
                    columns,
                    &values.collect::<Vec<_>>(),
                );
            }
        }
        let whole = ask("core_completion_get_course_completion_status", &of_both);
        if whole["completionstatus"]["completed"] == true {
            let parts = list(&whole["completionstatus"]["completions"]);
            for part in parts {
                let values = [id, &here, &part["timecompleted"]].map(Clone::clone);
                row(
                    &mut all,
                    "course_completion_crit_compl",
                    "userid, course, timecompleted",
                    &values,
                );
            }
            let values = [id.clone(), here.clone(), at.clone()];
            row(
                &mut all,
                "course_completions",
                "userid, course, timecompleted",
                &values,
            );
        }
    }
    writeln!(
        all,
        "INSERT INTO mdl_user SELECT {}, 'manual', 0, 0, 'spean', 'x', '', '-', '-', 0;\n\
         CREATE USER '{name}'@'localhost' IDENTIFIED BY '{PASSWORD}';\n\
         GRANT SELECT ON {name}.* TO '{name}'@'localhost';",
        site.service_id()
    )
    .unwrap();
    sql(&all);
    DatabaseConfig {
        host: "127.0.0.1".to_owned(),
        port: 3306,
        socket: Some(socket().into()),
        name: name.to_owned(),
        user: name.to_owned(),
        prefix: "mdl_".to_owned(),
        service_user: "spean".to_owned(),
    }
}
