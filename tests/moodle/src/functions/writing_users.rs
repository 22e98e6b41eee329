//! Creating, changing and deleting users. Creating fails as a whole; changing fails softly, user by
//! user, in `warnings`.

use serde_json::{Value, json};

use super::Function;
use crate::form::{Arguments, Shape, optional, required};
use crate::ids::{ADMIN, GUEST, Table};
use crate::people::{Account, Person};
use crate::refusal::{Answer, Refusal};
use crate::state::State;

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        name: "core_user_create_users",
        takes: &[required(
            "users",
            Shape::List(&Shape::Record(&[
                optional("createpassword", Shape::Bool),
                required("username", Shape::Username),
                optional("auth", Shape::Text),
                optional("password", Shape::Text),
                required("firstname", Shape::Text),
                required("lastname", Shape::Text),
                required("email", Shape::Text),
                optional("idnumber", Shape::Text),
                optional("lang", Shape::Text),
                optional("country", Shape::Text),
                optional("city", Shape::Text),
                optional("description", Shape::Text),
            ])),
        )],
        run: create_users,
    },
    Function {
        name: "core_user_update_users",
        takes: &[required(
            "users",
            Shape::List(&Shape::Record(&[
                required("id", Shape::Int),
                optional("username", Shape::Username),
                optional("auth", Shape::Text),
                optional("suspended", Shape::Bool),
                optional("password", Shape::Text),
                optional("firstname", Shape::Text),
                optional("lastname", Shape::Text),
                optional("email", Shape::Text),
                optional("idnumber", Shape::Text),
                optional("lang", Shape::Text),
                optional("country", Shape::Text),
                optional("city", Shape::Text),
                optional("description", Shape::Text),
            ])),
        )],
        run: update_users,
    },
    Function {
        name: "core_user_delete_users",
        takes: &[required("userids", Shape::List(&Shape::Int))],
        run: delete_users,
    },
];

/// The ways to log in that a stock site has.
const AUTHS: &[&str] = &[
    "manual",
    "nologin",
    "email",
    "db",
    "ldap",
    "oauth2",
    "lti",
    "webservice",
];

fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

/// The first thing that the policy of a stock site has against a password.
fn against_password(password: &str) -> Option<&'static str> {
    let has = |kind: fn(char) -> bool| password.chars().any(kind);
    Some(if password.chars().count() < 8 {
        "Passwords must be at least 8 characters long."
    } else if !has(|sign| sign.is_ascii_digit()) {
        "Passwords must have at least 1 digit(s)."
    } else if !has(|sign| sign.is_ascii_lowercase()) {
        "Passwords must have at least 1 lower case letter(s)."
    } else if !has(|sign| sign.is_ascii_uppercase()) {
        "Passwords must have at least 1 upper case letter(s)."
    } else if !has(|sign| sign.is_ascii_punctuation()) {
        "The password must have at least 1 special character(s) such as *, -, or #."
    } else {
        return None;
    })
}

/// Somebody to be, or what is wrong with him.
fn newcomer(state: &State, row: Arguments<'_>) -> Result<Person, Refusal> {
    let text = |key| row.text(key).unwrap_or("").to_owned();
    let auth = row.text("auth").unwrap_or("manual").to_owned();
    let username = text("username");
    for (key, value) in [
        ("username", &username),
        ("firstname", &text("firstname")),
        ("lastname", &text("lastname")),
    ] {
        if value.trim().is_empty() {
            let wrong = format!("The field {key} cannot be blank");
            return Err(Refusal::parameter(&wrong));
        }
    }
    if state.people.named(&username).is_some() {
        let wrong = format!("Username already exists: {username}");
        return Err(Refusal::parameter(&wrong));
    }
    if !AUTHS.contains(&auth.as_str()) {
        let wrong = format!("Invalid authentication type: {auth}");
        return Err(Refusal::parameter(&wrong));
    }
    let email = text("email");
    if !is_address(&email) {
        let wrong = format!("Email address is invalid: {email}");
        return Err(Refusal::parameter(&wrong));
    }
    if state.people.has_email(&email, 0) {
        let wrong = format!("Email address already exists: {email}");
        return Err(Refusal::parameter(&wrong));
    }
    let password = row.text("password");
    // The others keep no password of their own.
    let own = matches!(auth.as_str(), "manual" | "email" | "webservice");
    if own && password.is_none() && row.flag("createpassword") != Some(true) {
        let wrong = "Invalid password: you must provide a password, or set createpassword.";
        return Err(Refusal::parameter(wrong));
    }
    if let Some(wrong) = password.filter(|_| own).and_then(against_password) {
        let wrong = format!("<div>{wrong}</div>");
        return Err(Refusal::moodle(&wrong, &format!("error/{wrong}")));
    }
    Ok(Person {
        username,
        idnumber: text("idnumber"),
        first_name: text("firstname"),
        last_name: text("lastname"),
        email,
        auth,
        password: password.filter(|_| own).map(str::to_owned),
        suspended: false,
    })
}

fn create_users(state: &mut State, arguments: Arguments<'_>) -> Answer {
    state.require("moodle/user:create")?;
    let before = state.people.clone();
    let mut created = Vec::new();
    for row in arguments.rows("users") {
        let person = match newcomer(state, row) {
            Ok(person) => person,
            Err(refusal) => {
                state.people = before;
                return Err(refusal);
            }
        };
        let id = state.ids.next(Table::User);
        created.push(json!({"id": id, "username": person.username}));
        let mut account = Account::new(id, person);
        row.text("lang")
            .unwrap_or("en")
            .clone_into(&mut account.lang);
        row.text("country")
            .unwrap_or("")
            .clone_into(&mut account.country);
        state.people.add(account);
    }
    Ok(Value::Array(created))
}

fn update_users(state: &mut State, arguments: Arguments<'_>) -> Answer {
    state.require("moodle/user:update")?;
    let mut warnings = Vec::new();
    for row in arguments.rows("users") {
        if let Err(refusal) = update_user(state, row) {
            warnings.push(refusal.warning("user", row.id("id")));
        }
    }
    Ok(json!({"warnings": warnings}))
}

fn update_user(state: &mut State, row: Arguments<'_>) -> Result<(), Refusal> {
    let id = row.id("id");
    let account = state.people.get(id);
    let account = account.ok_or_else(|| Refusal::moodle("invaliduserid", "Invalid user ID"))?;
    if id == ADMIN {
        let message = "Cannot update admin accounts";
        return Err(Refusal::moodle("usernotupdatedadmin", message));
    }
    if account.deleted {
        let message = "User is a deleted user";
        return Err(Refusal::moodle("usernotupdateddeleted", message));
    }
    if id == GUEST {
        let message = "Cannot update guest account";
        return Err(Refusal::moodle("usernotupdatedguest", message));
    }
    if let Some(email) = row
        .text("email")
        .filter(|&email| email != account.person.email)
    {
        if !is_address(email) {
            return Err(Refusal::moodle("useremailinvalid", "Invalid email address"));
        }
        if state.people.has_email(email, id) {
            return Err(Refusal::moodle("useremailduplicate", "Duplicate address"));
        }
    }
    if let Some(wrong) = row.text("password").and_then(against_password) {
        let wrong = format!("<div>{wrong}</div>");
        return Err(Refusal::moodle(&wrong, &format!("error/{wrong}")));
    }
    if let Some(username) = row.text("username") {
        let other = state.people.named(username);
        if other.is_some_and(|other| other.id != id) {
            let message = "Error writing to database";
            return Err(Refusal::moodle("dmlwriteexception", message));
        }
    }
    change(state, row);
    Ok(())
}

fn change(state: &mut State, row: Arguments<'_>) {
    let Some(account) = state.people.get_mut(row.id("id")) else {
        return;
    };
    let person = &mut account.person;
    for (key, place) in [
        ("username", &mut person.username),
        ("auth", &mut person.auth),
        ("firstname", &mut person.first_name),
        ("lastname", &mut person.last_name),
        ("email", &mut person.email),
        ("idnumber", &mut person.idnumber),
        ("lang", &mut account.lang),
        ("country", &mut account.country),
    ] {
        if let Some(value) = row.text(key) {
            value.clone_into(place);
        }
    }
    if let Some(password) = row.text("password") {
        person.password = Some(password.to_owned());
    }
    if let Some(suspended) = row.flag("suspended") {
        person.suspended = suspended;
    }
}

fn delete_users(state: &mut State, arguments: Arguments<'_>) -> Answer {
    state.require("moodle/user:delete")?;
    let ids = arguments.ids("userids");
    for id in &ids {
        state.user(*id)?;
        if matches!(*id, ADMIN | GUEST) {
            let message = "Users with role of administrator cannot be deleted";
            return Err(Refusal::moodle("useradminodelete", message));
        }
    }
    let now = state.now;
    for id in ids {
        state.people.delete(id, now);
    }
    Ok(Value::Null)
}
