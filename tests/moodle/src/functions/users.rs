//! Reading users. What the token's user may not see of somebody is left out, and who is searched by
//! what may not be seen is not found.

use serde_json::{Map, Value, json};

use super::Function;
use crate::courses::CourseRow;
use crate::enrolments::role_name;
use crate::form::{Arguments, Shape, optional, required};
use crate::ids::ADMIN;
use crate::people::Account;
use crate::refusal::{Answer, Refusal};
use crate::state::State;

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        name: "core_user_get_users",
        takes: &[required(
            "criteria",
            Shape::List(&Shape::Record(&[
                required("key", Shape::Text),
                required("value", Shape::Text),
            ])),
        )],
        run: get_users,
    },
    Function {
        name: "core_user_get_users_by_field",
        takes: &[
            required("field", Shape::Text),
            required("values", Shape::List(&Shape::Text)),
        ],
        run: get_users_by_field,
    },
    Function {
        name: "core_enrol_get_enrolled_users",
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
        run: get_enrolled_users,
    },
];

/// What may be asked for of the users of a course. `suspended` may be asked for and is not answered.
const FIELDS: &[&str] = &[
    "id",
    "username",
    "firstname",
    "lastname",
    "fullname",
    "email",
    "department",
    "idnumber",
    "firstaccess",
    "lastaccess",
    "lastcourseaccess",
    "auth",
    "confirmed",
    "suspended",
    "lang",
    "theme",
    "timezone",
    "mailformat",
    "trackforums",
    "country",
    "profileimageurlsmall",
    "profileimageurl",
    "customfields",
    "groups",
    "roles",
    "preferences",
    "enrolledcourses",
];

/// Somebody as the token's user sees him, or nothing at all.
fn details(state: &State, account: &Account) -> Option<Map<String, Value>> {
    let own = account.id == state.service;
    if !own && !state.may("moodle/user:viewdetails") {
        return None;
    }
    let person = &account.person;
    let picture = format!("{}/theme/image.php/boost/core/1/u", state.url);
    let mut details = json!({
        "id": account.id,
        "firstname": person.first_name,
        "lastname": person.last_name,
        "fullname": person.full_name(),
        "firstaccess": account.first_access,
        "lastaccess": account.last_access,
        "suspended": person.suspended,
        "profileimageurlsmall": format!("{picture}/f2"),
        "profileimageurl": format!("{picture}/f1"),
    });
    // An administrator's address is there for everybody.
    let shown = own || account.id == ADMIN || state.may("moodle/site:viewuseridentity");
    if shown && !person.email.is_empty() {
        details["email"] = json!(person.email);
    }
    if own || state.may("moodle/user:viewalldetails") {
        details["username"] = json!(person.username);
        details["department"] = json!("");
        details["auth"] = json!(person.auth);
        details["confirmed"] = json!(true);
        details["lang"] = json!(account.lang);
        details["theme"] = json!("");
        details["timezone"] = json!("99");
        details["mailformat"] = json!(1);
        details["trackforums"] = json!(0);
        if !person.idnumber.is_empty() {
            details["idnumber"] = json!(person.idnumber);
        }
    }
    if !account.country.is_empty() {
        details["country"] = json!(account.country);
    }
    if own {
        details["preferences"] = json!([{"name": "_lastloaded", "value": state.now}]);
    }
    details.as_object().cloned()
}

/// A field of somebody as text, whether or not it may be seen.
fn field(account: &Account, key: &str) -> Option<String> {
    let person = &account.person;
    Some(match key {
        "id" => account.id.to_string(),
        "username" => person.username.clone(),
        "idnumber" => person.idnumber.clone(),
        "firstname" => person.first_name.clone(),
        "lastname" => person.last_name.clone(),
        "email" => person.email.clone(),
        "auth" => person.auth.clone(),
        _ => return None,
    })
}

/// SQL's LIKE with `%` alone, without case.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut parts = pattern.split('%');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some(place) = rest.find(part) else {
            return false;
        };
        rest = &rest[place + part.len()..];
    }
    rest.ends_with(last)
}

fn get_users(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let mut criteria = Vec::new();
    let mut warnings = Vec::new();
    for row in arguments.rows("criteria") {
        let (key, value) = (
            row.text("key").unwrap_or(""),
            row.text("value").unwrap_or(""),
        );
        let known = [
            "id",
            "idnumber",
            "username",
            "auth",
            "firstname",
            "lastname",
            "email",
        ];
        if known.contains(&key) {
            criteria.push((key, value));
        } else {
            warnings.push(json!({
                "item": key,
                "warningcode": "invalidfieldparameter",
                "message": format!("The search key '{key}' is not supported, look at the web \
                                    service documentation"),
            }));
        }
    }
    let matches = |account: &&Account| {
        criteria.iter().all(|(key, value)| {
            let text = field(account, key).unwrap_or_default();
            let wild = matches!(*key, "firstname" | "lastname" | "email");
            if wild {
                like(value, &text)
            } else {
                text == *value
            }
        })
    };
    let seen = state.people.all().filter(matches);
    let seen = seen.filter_map(|account| details(state, account));
    let seen = seen.filter(|details| criteria.iter().all(|(key, _)| details.contains_key(*key)));
    let users: Vec<Value> = seen.map(Value::Object).collect();
    Ok(json!({"users": users, "warnings": warnings}))
}

fn get_users_by_field(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let key = arguments.text("field").unwrap_or("");
    if !["id", "idnumber", "username", "email"].contains(&key) {
        return Err(Refusal::parameter("Invalid external api parameter"));
    }
    let values = arguments.list("values").iter();
    let values: Vec<&str> = values.filter_map(Value::as_str).collect();
    let asked = |account: &&Account| {
        let text = field(account, key).unwrap_or_default();
        values.contains(&text.as_str())
    };
    let seen = state.people.all().filter(asked);
    let seen = seen.filter_map(|account| details(state, account));
    let seen = seen.filter(|details| details.contains_key(key));
    Ok(seen.map(Value::Object).collect())
}

/// What the options of `core_enrol_get_enrolled_users` say.
struct Options {
    fields: Vec<String>,
    from: usize,
    number: usize,
    only_active: bool,
    sort: String,
    descending: bool,
}

impl Options {
    fn read(arguments: Arguments<'_>) -> Result<Self, Refusal> {
        let mut options = Self {
            fields: FIELDS.iter().map(|&name| name.to_owned()).collect(),
            from: 0,
            number: 0,
            only_active: false,
            sort: "id".to_owned(),
            descending: false,
        };
        for row in arguments.rows("options") {
            let value = row.text("value").unwrap_or("");
            match row.text("name").unwrap_or("") {
                "userfields" => {
                    let names = value.split(',').map(str::trim);
                    options.fields = names.map(str::to_owned).collect();
                }
                "limitfrom" => options.from = value.parse().unwrap_or(0),
                "limitnumber" => options.number = value.parse().unwrap_or(0),
                "onlyactive" => options.only_active = !matches!(value, "" | "0"),
                "sortby" => {
                    if !["id", "firstname", "lastname", "siteorder"].contains(&value) {
                        return Err(Refusal::parameter(&format!(
                            "Invalid value for sortby parameter (value: {value}), allowed values \
                             are: id,firstname,lastname,siteorder"
                        )));
                    }
                    value.clone_into(&mut options.sort);
                }
                "sortdirection" => options.descending = value.eq_ignore_ascii_case("desc"),
                _ => {}
            }
        }
        Ok(options)
    }

    fn sort(&self, people: &mut [&Account]) {
        people.sort_by_key(|account| {
            let (first, last) = (&account.person.first_name, &account.person.last_name);
            let names = match self.sort.as_str() {
                "firstname" => first.clone(),
                "lastname" => last.clone(),
                "siteorder" => format!("{last} {first}"),
                _ => String::new(),
            };
            (names, account.id)
        });
        if self.descending {
            people.reverse();
        }
    }
}

fn get_enrolled_users(state: &mut State, arguments: Arguments<'_>) -> Answer {
    let options = Options::read(arguments)?;
    let id = arguments.id("courseid");
    state
        .courses
        .get(id)
        .ok_or_else(|| Refusal::record("course"))?;
    let course = state.enter_course(id);
    let course = course.map_err(|refusal| refusal.in_course(id))?;
    state.require("moodle/course:viewparticipants")?;
    if options.only_active {
        state.require("moodle/course:enrolreview")?;
    }
    for name in &options.fields {
        if !FIELDS.contains(&name.as_str()) {
            let message = format!("Invalid user field: {name}");
            return Err(Refusal::moodle("invaliduserfield", &message));
        }
    }
    let users = state.enrolments.users(id, options.only_active);
    let people = users.iter().filter_map(|user| state.people.get(*user));
    let mut people: Vec<&Account> = people.filter(|account| !account.deleted).collect();
    options.sort(&mut people);
    let number = if options.number == 0 {
        usize::MAX
    } else {
        options.number
    };
    let page = people.into_iter().skip(options.from).take(number);
    let rows = page.filter_map(|account| enrolled(state, account, course, &options.fields));
    Ok(rows.map(Value::Object).collect())
}

fn enrolled(
    state: &State,
    account: &Account,
    course: &CourseRow,
    fields: &[String],
) -> Option<Map<String, Value>> {
    let mut whole = details(state, account)?;
    whole.remove("suspended");
    whole.remove("preferences");
    let access = account.course_access.get(&course.id).copied();
    whole.insert("lastcourseaccess".to_owned(), json!(access.unwrap_or(0)));
    let roles = state.enrolments.roles(account.id, course.id);
    let roles = roles.iter().map(
        |role| json!({"roleid": role, "name": "", "shortname": role_name(*role), "sortorder": 0}),
    );
    whole.insert("roles".to_owned(), roles.collect());
    let courses = state.enrolments.courses(account.id);
    let courses = courses.iter().filter_map(|id| state.courses.get(*id));
    let courses = courses.map(|course| {
        let about = &course.about;
        json!({"id": course.id, "fullname": about.fullname, "shortname": about.shortname})
    });
    whole.insert("enrolledcourses".to_owned(), courses.collect());
    whole.retain(|key, _| {
        matches!(key.as_str(), "id" | "fullname") || fields.iter().any(|field| field == key)
    });
    Some(whole)
}
