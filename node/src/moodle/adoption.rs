//! A Moodle that was in use before this node: the accounts of its learners become learners', each keeps his name and
//! his password, and Moodle is told by their ID numbers whose each is. Staff, guests and whoever learns in none of the
//! configured courses are left alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use spean_protocol::codec;
use spean_protocol::id::LearnerId;

use super::connector::{job, moodle, none};
use super::course::{list, number_of, text};
use super::people::{MANUAL, told};
use super::source::Moodle;
use crate::api::{Kind, Refusal};
use crate::engine::EngineError;
use crate::engine::import::adopted::{AccountRow, Adopted};
use crate::engine::import::imported::Undone;
use crate::engine::import::{Fate, Import};
use crate::home::Home;
use crate::lms::{Adopting, LmsError, MOODLE, Passwords, PlatformUser, Told, Written};
use crate::service::Service;

/// Accounts that are taken over as one transaction.
const ADOPTED: usize = 500;

/// People that are asked for in one request.
const PAGE: usize = 100;

/// Kind of account of which the node's file says what the password is checked against.
const BY_FILE: &str = "db";

/// What is told of an account that Moodle says is his from now on, or not.
const MARKED: &str = "is his, with the password that he has";
const NOT_MARKED: &str = "is not marked as his";

/// The account of somebody who learns in a course, as Moodle has it.
pub struct Found {
    here: i64,
    user: PlatformUser,
    kind: String,
    row: AccountRow,
}

impl Found {
    fn read(value: &Value, passwords: &Passwords) -> Option<Self> {
        let username = text(value, "username").to_owned();
        // What Moodle writes there where it checks no password itself is none.
        let verifier = passwords
            .0
            .get(&username)
            .filter(|held| held.starts_with('$'));
        Some(Self {
            here: number_of(value)?,
            user: PlatformUser {
                id: text(value, "idnumber").to_owned(),
                username: username.clone(),
            },
            kind: text(value, "auth").to_owned(),
            row: AccountRow {
                username,
                family: text(value, "lastname").to_owned(),
                given: text(value, "firstname").to_owned(),
                verifier: verifier.map(|held| held.to_string()).unwrap_or_default(),
            },
        })
    }

    /// The name with which he signs in.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.row.username
    }

    /// Whether he is one of this project's learners already, as Moodle itself says.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.user.id.parse::<LearnerId>().is_ok()
    }

    /// What marking it as his would come to.
    #[must_use]
    pub fn would_be_marked(&self) -> Written {
        let free = self.user.id.is_empty();
        Written {
            user: self.user.clone(),
            what: if free { MARKED } else { NOT_MARKED }.to_owned(),
            failed: match free {
                true => String::new(),
                false => self.has_another_number().to_string(),
            },
        }
    }

    fn has_another_number(&self) -> LmsError {
        LmsError::Refused {
            function: "core_user_update_users".to_owned(),
            message: format!(
                "its ID number is '{}' already: empty it there, if nobody needs it, and adopt again",
                crate::register::value::shortened(&self.user.id)
            ),
        }
    }

    /// What the node takes over.
    #[must_use]
    pub const fn row(&self) -> &AccountRow {
        &self.row
    }
}

impl Moodle {
    /// The accounts of everybody who is a student of a configured course, and nothing else in any, and may sign in, or may
    /// not and is `suspended`, too.
    ///
    /// # Errors
    /// [`LmsError`].
    pub fn found(&self, passwords: &Passwords, suspended: bool) -> Result<Vec<Found>, LmsError> {
        let (mut students, mut staff) = (BTreeSet::new(), BTreeSet::new());
        for (_, course) in self.courses_here()? {
            for who in self.enrolled(course)? {
                match (who.staff, who.student) {
                    (true, _) => staff.insert(who.here),
                    (_, Some(_)) => students.insert(who.here),
                    _ => continue,
                };
            }
        }
        students.retain(|who| !staff.contains(who));
        let students: Vec<i64> = students.into_iter().collect();
        let mut all = Vec::new();
        for page in students.chunks(PAGE) {
            let names: Vec<String> = (0..page.len()).map(|at| format!("values[{at}]")).collect();
            let mut parameters = vec![("field", "id".to_owned())];
            let values = page.iter().map(ToString::to_string);
            parameters.extend(names.iter().map(String::as_str).zip(values));
            let function = "core_user_get_users_by_field";
            let answer = self.client().call(function, &parameters)?.value;
            let free = |user: &&Value| {
                suspended || user.get("suspended").and_then(Value::as_bool) != Some(true)
            };
            let users = list(&answer).filter(free);
            all.extend(users.filter_map(|user| Found::read(user, passwords)));
        }
        Ok(all)
    }

    /// Writes into Moodle whose each account is, and that the node's file says what the password is checked against,
    /// where there is that file and it does. The same again writes nothing.
    ///
    /// # Errors
    /// [`LmsError`] that ends it; what was written before counts.
    pub fn give_ids(
        &self,
        found: &[Found],
        adopted: &[Adopted],
        by_file: bool,
        dry: bool,
        written: &mut Vec<Written>,
    ) -> Result<(), LmsError> {
        let tell = &mut noting(written);
        let adopted: BTreeMap<&str, &Adopted> = adopted
            .iter()
            .map(|one| (one.username.as_str(), one))
            .collect();
        for one in found {
            let Some(whose) = adopted.get(one.username()) else {
                continue;
            };
            let id = whose.learner.to_string();
            let moves = by_file && whose.checked && one.kind == MANUAL;
            if one.user.id == id && !moves {
                continue;
            }
            if !one.user.id.is_empty() && one.user.id != id {
                told(&one.user, NOT_MARKED, Err(one.has_another_number()), tell)?;
                continue;
            }
            let mut fields = vec![("users[0][idnumber]", id)];
            if moves {
                fields.push(("users[0][auth]", BY_FILE.to_owned()));
            }
            self.change((one.here, &one.user), MARKED, &fields, dry, tell)?;
        }
        Ok(())
    }

    /// Takes back what [`Moodle::give_ids`] wrote, of these accounts.
    ///
    /// # Errors
    /// [`LmsError`] that ends it.
    pub fn take_ids_back(
        &self,
        found: &[Found],
        gone: &BTreeMap<String, LearnerId>,
        written: &mut Vec<Written>,
    ) -> Result<(), LmsError> {
        let tell = &mut noting(written);
        // An ID number that is somebody else's was not written by this node.
        let marked = |one: &&Found| {
            let whose = gone.get(one.username());
            whose.is_some_and(|learner| learner.to_string() == one.user.id)
        };
        for one in found.iter().filter(marked) {
            let mut fields = vec![("users[0][idnumber]", String::new())];
            if one.kind == BY_FILE {
                // Moodle may have looked at the file meanwhile.
                fields.push(("users[0][auth]", MANUAL.to_owned()));
                fields.push(("users[0][suspended]", "0".to_owned()));
            }
            self.change(
                (one.here, &one.user),
                "is nobody's again",
                &fields,
                false,
                tell,
            )?;
        }
        Ok(())
    }
}

/// Notes what was written; of accounts that are left alone nothing is told here.
fn noting(written: &mut Vec<Written>) -> impl FnMut(Told) {
    |told| {
        if let Told::Wrote(one) = told {
            written.push(one);
        }
    }
}

/// What passwords are checked against, as the database has it, where the configuration names one.
async fn passwords_of_database(home: &Home) -> Result<Passwords, Refusal> {
    let config = home.config()?.moodle.ok_or_else(none)?;
    #[cfg(feature = "moodle-database")]
    if let Some(database) = config.database {
        let password = home.moodle_database_password()?;
        let database = super::database::Database::new(database, password, Vec::new());
        let users = job(move || database.users()).await?;
        let free = users.into_iter().filter(|user| !user.deleted);
        let passwords = free.map(|user| (user.username, user.password));
        return Ok(Passwords(passwords.collect()));
    }
    let _ = config;
    Ok(Passwords::default())
}

/// Takes over the accounts that were in Moodle before this node, or only says what would become of each.
///
/// # Errors
/// [`Refusal`] says what is wrong and what to do; what was taken over before counts.
pub async fn adopt(
    home: &Home,
    service: &Service,
    listed: Passwords,
    dry: bool,
) -> Result<(Adopting, Vec<Found>), Refusal> {
    let moodle = moodle(home)?;
    let passwords = match listed.0.is_empty() {
        true => passwords_of_database(home).await?,
        false => listed,
    };
    let found = job(move || moodle.found(&passwords, false)).await?;
    let mut adopting = Adopting {
        dry,
        ..Adopting::default()
    };
    let mut import = Import {
        what: "accounts of Moodle".to_owned(),
        keep: !dry,
        search: true,
        ..Import::of(MOODLE)
    };
    let (known, new): (Vec<&Found>, Vec<&Found>) = found.iter().partition(|one| one.is_known());
    let known = known
        .into_iter()
        .map(|one| (one.username().to_owned(), Fate::Known));
    adopting.accounts.extend(known);
    for page in new.chunks(ADOPTED) {
        let rows: Vec<AccountRow> = page.iter().map(|one| one.row().clone()).collect();
        let of = import.clone();
        let taken = service
            .call(move |engine| engine.adopt_accounts(&of, &rows))
            .await??;
        import.number = taken.number;
        for (one, fate) in page.iter().zip(taken.fates) {
            if dry && fate == Fate::New {
                adopting.written.push(one.would_be_marked());
            }
            let lacks = fate == Fate::New && one.row().verifier.is_empty();
            adopting.without_password += u64::from(lacks);
            adopting.accounts.push((one.username().to_owned(), fate));
        }
    }
    adopting.number = import.number;
    Ok((adopting, found))
}

/// Tells Moodle whose accounts are. Before, the file has to say what their passwords are checked against.
///
/// # Errors
/// [`Refusal`] says what is wrong and what to do; what was written before counts.
pub async fn mark_adopted(
    home: &Home,
    service: &Service,
    found: Vec<Found>,
    (by_file, dry): (bool, bool),
) -> Result<Vec<Written>, Refusal> {
    let config = home.config()?.moodle;
    if by_file && config.is_none_or(|one| one.accounts.is_none()) {
        let message =
            "config.toml names no file of accounts: docs/moodle.md says how Moodle reads one";
        return Err(Refusal::new(Kind::Refused, message));
    }
    let moodle = moodle(home)?;
    let adopted = adopted(service, &found).await?;
    job(move || {
        let mut written = Vec::new();
        moodle.give_ids(&found, &adopted, by_file, dry, &mut written)?;
        Ok(written)
    })
    .await
}

/// Takes an adoption back, here and in Moodle.
///
/// # Errors
/// [`Refusal`], also for an import that was no adoption.
pub async fn undo_adoption(
    home: &Home,
    service: &Service,
    number: u64,
) -> Result<Adopting, Refusal> {
    let adoption = service
        .call(move |engine| engine.is_adoption(number))
        .await??;
    if !adoption {
        let message = format!(
            "import {number} took no accounts of Moodle over: 'spean import list' shows those that did"
        );
        return Err(Refusal::new(Kind::Refused, message));
    }
    let moodle = moodle(home)?;
    let (found, moodle) =
        job(move || Ok((moodle.found(&Passwords::default(), true)?, moodle))).await?;
    // Kept until Moodle has been told, whatever comes between.
    let state = format!("moodle adoption {number}");
    let (name, before) = (state.clone(), adopted(service, &found).await?);
    let (undone, before) = service
        .call(move |engine| {
            let begun = engine.platform_state(&name)?;
            match begun {
                Some(begun) => Ok((Undone::default(), codec::decode(&begun)?)),
                None => {
                    engine.keep_platform_state(&name, &codec::encode(&before))?;
                    let undone = engine.undo_import(number);
                    if undone.is_err() {
                        engine.forget_platform_state(&name)?;
                    }
                    Ok::<_, EngineError>((undone?, before))
                }
            }
        })
        .await??;
    let still = adopted(service, &found).await?;
    let still: BTreeSet<&str> = still.iter().map(|one| one.username.as_str()).collect();
    let before = before.into_iter();
    let mut gone: BTreeMap<String, LearnerId> = before
        .map(|one: Adopted| (one.username, one.learner))
        .collect();
    gone.retain(|username, _| !still.contains(username.as_str()));
    let written = job(move || {
        let mut written = Vec::new();
        moodle.take_ids_back(&found, &gone, &mut written)?;
        Ok(written)
    })
    .await?;
    service
        .call(move |engine| engine.forget_platform_state(&state))
        .await??;
    Ok(Adopting {
        written,
        undone: Some(undone),
        ..Adopting::default()
    })
}

async fn adopted(service: &Service, found: &[Found]) -> Result<Vec<Adopted>, Refusal> {
    let names: Vec<String> = found.iter().map(|one| one.username().to_owned()).collect();
    Ok(service.call(move |engine| engine.adopted(&names)).await??)
}
