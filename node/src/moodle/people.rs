//! Accounts and enrolments by web services, where Moodle cannot read the node's file: whoever is here and has an
//! account has one there, of Moodle's kind *Manual accounts*, and is in the courses of his modules; whoever has left
//! is suspended, and let in again when he is back. Nothing is deleted, and nobody is taken out of a course.
//!
//! Moodle takes no hash of a password from outside. So a new account has a long one that nobody knows, and his own
//! comes there at the next moment at which somebody types it: on the page on which he changes it himself (the same
//! again will do), or when an officer gives him one. See [`Moodle::set_password`].

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use spean_protocol::catalogue::ModuleId;
use zeroize::Zeroizing;

use super::client::Parameter;
use super::course::{list, list_in, number_of, text};
use super::source::Moodle;
use crate::engine::accounts::AccountHere;
use crate::lms::{LmsError, PlatformUser, Roll, Told, Written};
use crate::world::{Machine, World};

/// Domain of the addresses that Moodle wants: one in which nobody ever has an address (RFC 2606).
pub(super) const DOMAIN: &str = "learner.invalid";

/// Moodle's number of the role of a student, where no course has one yet: as it is installed.
const STUDENT: i64 = 5;

/// Moodle's kind of account for which it keeps a password itself.
pub(super) const MANUAL: &str = "manual";

/// A user of Moodle's.
struct User {
    here: i64,
    user: PlatformUser,
    suspended: bool,
    manual: bool,
}

impl User {
    fn read(value: &Value) -> Option<Self> {
        Some(Self {
            here: number_of(value)?,
            user: PlatformUser {
                id: text(value, "idnumber").to_owned(),
                username: text(value, "username").to_owned(),
            },
            suspended: value.get("suspended").and_then(Value::as_bool) == Some(true),
            manual: text(value, "auth") == MANUAL,
        })
    }
}

/// The first and the last name as Moodle wants them, both: whoever has one has it twice.
pub(super) fn both_names(account: &AccountHere) -> (&str, &str) {
    let (family, given) = (&*account.family, &*account.given);
    match (given.is_empty(), family.is_empty()) {
        (true, true) => (&account.username, &account.username),
        (true, _) => (family, family),
        (_, true) => (given, given),
        _ => (given, family),
    }
}

/// A password that nobody knows; with a sign of each kind that Moodle's own rule wants.
fn unknown_password() -> Zeroizing<String> {
    let random = Zeroizing::new(Machine.random());
    Zeroizing::new(format!("Aa1-{}", BASE64URL_NOPAD.encode(&*random)))
}

impl Moodle {
    /// Has everybody here let in, and nobody who left; the same again writes nothing.
    ///
    /// # Errors
    /// [`LmsError`] that ends it; what was written before counts.
    pub fn admit(
        &self,
        here: &[(AccountHere, Vec<ModuleId>)],
        left: &BTreeSet<String>,
        dry: bool,
        tell: &mut dyn FnMut(Told),
    ) -> Result<(), LmsError> {
        let by_kind = [
            ("criteria[0][key]", "auth".to_owned()),
            ("criteria[0][value]", MANUAL.to_owned()),
        ];
        let answer = self.client().call("core_user_get_users", &by_kind)?.value;
        let users: Vec<User> = list_in(&answer, "users").filter_map(User::read).collect();
        let roll = Roll::of(here.iter().map(|(account, _)| whose(account)));
        let names: Vec<PlatformUser> = users.iter().map(|one| one.user.clone()).collect();
        let doubts = roll.doubts(&names);
        let sure = |one: &&User| !doubts.contains_key(&one.user.username);
        let known: BTreeMap<&str, &User> = users
            .iter()
            .filter(sure)
            .map(|one| (&*one.user.id, one))
            .collect();
        let mut there = BTreeMap::new();
        for (account, _) in here {
            let id = account.learner.to_string();
            let found = match known.get(&*id) {
                Some(user) => self.revive(user, account, dry, tell)?,
                None if doubts.contains_key(&account.username) => None,
                None => self.create(account, &unknown_password(), dry, tell)?,
            };
            if let Some(number) = found {
                there.insert(id, number);
            }
        }
        for user in users.iter().filter(sure) {
            if left.contains(&user.user.id) && !user.suspended {
                let suspend = [("users[0][suspended]", "1".to_owned())];
                let what = "is suspended, for he has left";
                self.change((user.here, &user.user), what, &suspend, dry, tell)?;
            }
        }
        doubts.into_values().for_each(|why| tell(Told::Doubt(why)));
        self.enrol(here, &there, dry, tell)
    }

    /// Somebody who has an account there: he is let in, under the name that he has here.
    fn revive(
        &self,
        user: &User,
        account: &AccountHere,
        dry: bool,
        tell: &mut dyn FnMut(Told),
    ) -> Result<Option<i64>, LmsError> {
        if user.suspended {
            let revive = [("users[0][suspended]", "0".to_owned())];
            self.change(
                (user.here, &user.user),
                "is let in again",
                &revive,
                dry,
                tell,
            )?;
        }
        if user.user.username != account.username {
            let rename = [("users[0][username]", account.username.clone())];
            let what = format!("has the name {} by now", account.username);
            self.change((user.here, &user.user), &what, &rename, dry, tell)?;
        }
        Ok(Some(user.here))
    }

    /// Changes fields of an account, and tells what that means.
    pub(super) fn change(
        &self,
        (here, user): (i64, &PlatformUser),
        what: &str,
        fields: &[Parameter<'_>],
        dry: bool,
        tell: &mut dyn FnMut(Told),
    ) -> Result<(), LmsError> {
        let mut parameters = vec![("users[0][id]", here.to_string())];
        parameters.extend(fields.iter().cloned());
        let done = match dry {
            true => Ok(()),
            false => self.client().do_it("core_user_update_users", &parameters),
        };
        told(user, what, done, tell)
    }

    /// A new account; its number there. One that is there by now is read again: it may be his.
    fn create(
        &self,
        account: &AccountHere,
        password: &Zeroizing<String>,
        dry: bool,
        tell: &mut dyn FnMut(Told),
    ) -> Result<Option<i64>, LmsError> {
        let user = whose(account);
        let what = "has an account; his password comes there when he changes it, or is given one";
        if dry {
            told(&user, what, Ok(()), tell)?;
            return Ok(None);
        }
        let (first, last) = both_names(account);
        let parameters = [
            ("users[0][username]", account.username.clone()),
            ("users[0][auth]", MANUAL.to_owned()),
            ("users[0][password]", password.to_string()),
            ("users[0][firstname]", first.to_owned()),
            ("users[0][lastname]", last.to_owned()),
            ("users[0][email]", format!("{}@{DOMAIN}", account.username)),
            ("users[0][idnumber]", user.id.clone()),
        ];
        match self.client().call("core_user_create_users", &parameters) {
            Ok(answer) => {
                let number = list(&answer.value).find_map(number_of);
                told(&user, what, Ok(()), tell)?;
                Ok(number)
            }
            // A Moodle that shows no debugging does not say what is wrong with a parameter.
            Err(error @ (LmsError::Already(_) | LmsError::Refused { .. })) => {
                let found = self.users_by("username", &account.username)?;
                if let Some(his) = found.iter().find(|one| one.user == user) {
                    return Ok(Some(his.here));
                }
                let error = match found.is_empty() {
                    true => error,
                    false => LmsError::Already(format!(
                        "an account of another person, or of another kind, has the name {0}: rename it there, or \
                         'spean account give {1} --username ...'",
                        account.username, user.id
                    )),
                };
                told(&user, "has no account", Err(error), tell)?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Whoever is in a module and not yet in its course there.
    fn enrol(
        &self,
        here: &[(AccountHere, Vec<ModuleId>)],
        there: &BTreeMap<String, i64>,
        dry: bool,
        tell: &mut dyn FnMut(Told),
    ) -> Result<(), LmsError> {
        for (config, course) in self.courses_here()? {
            let Some(module) = config.module() else {
                continue;
            };
            let enrolled = self.enrolled(course)?;
            let role = enrolled.iter().find_map(|who| who.student);
            let inside: BTreeSet<i64> = enrolled.iter().map(|who| who.here).collect();
            for (account, _) in here.iter().filter(|(_, in_it)| in_it.contains(&module)) {
                let user = whose(account);
                let Some(number) = there.get(&user.id).filter(|one| !inside.contains(one)) else {
                    continue;
                };
                let parameters = [
                    ("enrolments[0][roleid]", role.unwrap_or(STUDENT).to_string()),
                    ("enrolments[0][userid]", number.to_string()),
                    ("enrolments[0][courseid]", course.to_string()),
                ];
                let done = match dry {
                    true => Ok(()),
                    false => self.client().do_it("enrol_manual_enrol_users", &parameters),
                };
                let what = format!("{}: is enrolled", config.shortname);
                told(&user, &what, done, tell)?;
            }
        }
        Ok(())
    }

    /// Gives somebody the password that was typed just now, with an account if he has none.
    ///
    /// # Errors
    /// [`LmsError`], also where the account of that name is another's, or Moodle's own rule wants another password.
    pub fn set_password(
        &self,
        account: &AccountHere,
        password: &Zeroizing<String>,
    ) -> Result<(), LmsError> {
        let user = whose(account);
        let mut his = self.users_by("idnumber", &user.id)?;
        if his.len() > 1 {
            his.retain(|one| one.user == user);
        }
        match his.first() {
            Some(one) if one.manual => {
                let parameters = [
                    ("users[0][id]", one.here.to_string()),
                    ("users[0][password]", password.to_string()),
                ];
                self.client().do_it("core_user_update_users", &parameters)
            }
            Some(_) => Err(LmsError::Refused {
                function: "core_user_update_users".to_owned(),
                message: "his account there is of another kind than Manual accounts".to_owned(),
            }),
            None => {
                let mut failed = String::new();
                self.create(account, password, false, &mut |told| {
                    if let Told::Wrote(written) = told {
                        failed = written.failed;
                    }
                })?;
                match failed.is_empty() {
                    true => Ok(()),
                    false => Err(LmsError::Refused {
                        function: "core_user_create_users".to_owned(),
                        message: failed,
                    }),
                }
            }
        }
    }

    fn users_by(&self, field: &str, value: &str) -> Result<Vec<User>, LmsError> {
        let parameters = [("field", field.to_owned()), ("values[0]", value.to_owned())];
        let function = "core_user_get_users_by_field";
        let answer = self.client().call(function, &parameters)?.value;
        Ok(list(&answer).filter_map(User::read).collect())
    }
}

fn whose(account: &AccountHere) -> PlatformUser {
    PlatformUser {
        id: account.learner.to_string(),
        username: account.username.clone(),
    }
}

/// Tells what was written or failed; passes on what ends all of it.
pub(super) fn told(
    user: &PlatformUser,
    what: &str,
    done: Result<(), LmsError>,
    tell: &mut dyn FnMut(Told),
) -> Result<(), LmsError> {
    let failed = match done {
        Err(error) if error.ends_it() => return Err(error),
        Err(error) => error.to_string(),
        Ok(()) => String::new(),
    };
    tell(Told::Wrote(Written {
        user: user.clone(),
        what: what.to_owned(),
        failed,
    }));
    Ok(())
}
