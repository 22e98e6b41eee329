//! The file that a node writes and Moodle reads: `auth_db` for accounts and passwords,
//! `enrol_database` for enrolments. It is opened for reading alone, as by a web server that has no
//! right to write beside it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::enrolments::{Way, role_named};
use crate::ids::Table;
use crate::people::{Account, Person};
use crate::state::State;

/// The table or view that `auth_db` reads: one row for each account.
#[derive(Clone, Debug)]
pub struct UserTable {
    /// The SQLite file.
    pub file: PathBuf,
    /// The table or view.
    pub table: String,
    /// The column of user names.
    pub username: String,
    /// The column of password hashes.
    pub password: String,
    /// The column of id numbers.
    pub idnumber: String,
    /// The column of first names.
    pub first_name: String,
    /// The column of last names.
    pub last_name: String,
    /// The column of addresses.
    pub email: String,
}

/// The table or view that `enrol_database` reads: one row for each learner and course.
#[derive(Clone, Debug)]
pub struct EnrolmentTable {
    /// The SQLite file.
    pub file: PathBuf,
    /// The table or view.
    pub table: String,
    /// The column of short names of courses.
    pub course: String,
    /// The column of user names.
    pub user: String,
    /// The column of short names of roles.
    pub role: String,
    /// What happens to an enrolment whose row is gone.
    pub removed: Removed,
}

/// What `enrol_database` does to an enrolment whose row is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Removed {
    /// It is ended, and the grades leave the gradebook. This is how Moodle is installed.
    #[default]
    Unenrol,
    /// It stays.
    Keep,
    /// It is suspended.
    Suspend,
    /// It is suspended, and the role is taken away.
    SuspendWithoutRoles,
}

/// What `auth_db` did, by user name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncedUsers {
    /// Accounts that are new.
    pub created: Vec<String>,
    /// Accounts whose rows are gone.
    pub suspended: Vec<String>,
    /// Suspended accounts whose rows are back.
    pub revived: Vec<String>,
    /// Rows of no use: a user name that Moodle does not take, or one whose account is not of `db`.
    pub skipped: Vec<String>,
}

/// What `enrol_database` did, by user name and course.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncedEnrolments {
    /// New, or active again.
    pub enrolled: Vec<(String, String)>,
    /// Ended or suspended.
    pub removed: Vec<(String, String)>,
    /// Rows of no use: no such user, course or role here.
    pub skipped: Vec<(String, String)>,
}

/// How a login went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// The password is right.
    Welcome,
    /// The account is suspended.
    Suspended,
    /// There is nobody of this name, or the password is wrong.
    Refused,
}

/// Which tables the site reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    pub(crate) users: Option<UserTable>,
    pub(crate) enrolments: Option<EnrolmentTable>,
}

/// A row of the table of users.
struct UserRow {
    hash: String,
    person: Person,
}

/// A row of the table of enrolments.
#[derive(Clone)]
struct EnrolmentRow {
    course: String,
    user: String,
    role: String,
}

fn open(file: &Path) -> Result<Connection, String> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(file, flags);
    opened.map_err(|error| format!("{}: {error}", file.display()))
}

/// Text of each row of some columns; NULL is empty.
fn rows(file: &Path, table: &str, columns: &[&str]) -> Result<Vec<Vec<String>>, String> {
    let read = |connection: &Connection| -> rusqlite::Result<Vec<Vec<String>>> {
        let columns: Vec<String> = columns.iter().map(|name| format!("\"{name}\"")).collect();
        let sql = format!("SELECT {} FROM \"{table}\"", columns.join(", "));
        let mut statement = connection.prepare(&sql)?;
        let rows = statement.query_map([], |row| {
            let cell = |place| row.get::<_, Option<String>>(place);
            let cells = (0..columns.len()).map(|place| cell(place).map(Option::unwrap_or_default));
            cells.collect()
        })?;
        rows.collect()
    };
    read(&open(file)?).map_err(|error| format!("{}: {table}: {error}", file.display()))
}

impl UserTable {
    fn read(&self) -> Result<Vec<UserRow>, String> {
        let columns = [
            &self.username,
            &self.password,
            &self.idnumber,
            &self.first_name,
            &self.last_name,
            &self.email,
        ];
        let columns = columns.map(String::as_str);
        let row = |cells: Vec<String>| UserRow {
            hash: cells[1].clone(),
            person: Person {
                username: cells[0].clone(),
                idnumber: cells[2].clone(),
                first_name: cells[3].clone(),
                last_name: cells[4].clone(),
                email: cells[5].clone(),
                auth: "db".to_owned(),
                password: None,
                suspended: false,
            },
        };
        let rows = rows(&self.file, &self.table, &columns)?;
        Ok(rows.into_iter().map(row).collect())
    }
}

impl EnrolmentTable {
    fn read(&self) -> Result<Vec<EnrolmentRow>, String> {
        let columns = [&self.course, &self.user, &self.role].map(String::as_str);
        let row = |cells: Vec<String>| EnrolmentRow {
            course: cells[0].clone(),
            user: cells[1].clone(),
            role: cells[2].clone(),
        };
        let rows = rows(&self.file, &self.table, &columns)?;
        Ok(rows.into_iter().map(row).collect())
    }
}

/// Whether Moodle takes this as a user name.
fn is_username(name: &str) -> bool {
    let known =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.@_".contains(&byte);
    !name.is_empty() && name.bytes().all(known)
}

impl State {
    /// The task of `auth_db`, with `removeuser` set to suspend. An empty table suspends everybody.
    pub(crate) fn sync_users(&mut self) -> Result<SyncedUsers, String> {
        let table = self.tables.users.clone();
        let rows = table.ok_or("auth_db is not set up")?.read()?;
        let mut synced = SyncedUsers::default();
        let listed: BTreeSet<&str> = rows
            .iter()
            .map(|row| row.person.username.as_str())
            .collect();
        let gone = self.people.all().filter(|account| {
            let person = &account.person;
            person.auth == "db" && !person.suspended && !listed.contains(person.username.as_str())
        });
        let gone: Vec<u64> = gone.map(|account| account.id).collect();
        for id in gone {
            synced.suspended.push(self.set_suspended(id, true));
        }
        for row in &rows {
            let username = &row.person.username;
            let known = self.people.named(username);
            match known.map(|account| (account.id, account.person.clone())) {
                Some((id, person)) if person.auth == "db" => {
                    if person.suspended {
                        synced.revived.push(self.set_suspended(id, false));
                    }
                }
                None if is_username(username) => {
                    self.create_from(row);
                    synced.created.push(username.clone());
                }
                _ => synced.skipped.push(username.clone()),
            }
        }
        Ok(synced)
    }

    fn set_suspended(&mut self, id: u64, suspended: bool) -> String {
        let account = self.people.get_mut(id).unwrap();
        account.person.suspended = suspended;
        account.person.username.clone()
    }

    fn create_from(&mut self, row: &UserRow) -> u64 {
        let id = self.ids.next(Table::User);
        self.people.add(Account::new(id, row.person.clone()));
        id
    }

    /// The task of `enrol_database`.
    pub(crate) fn sync_enrolments(&mut self) -> Result<SyncedEnrolments, String> {
        let table = self.tables.enrolments.clone();
        let table = table.ok_or("enrol_database is not set up")?;
        Ok(self.apply_enrolments(&table.read()?, table.removed, None))
    }

    /// With `only` the enrolments of one user, as at his login.
    fn apply_enrolments(
        &mut self,
        rows: &[EnrolmentRow],
        removed: Removed,
        only: Option<u64>,
    ) -> SyncedEnrolments {
        let mut synced = SyncedEnrolments::default();
        let mut wanted = BTreeSet::new();
        for row in rows {
            let user = self.people.named(&row.user).map(|account| account.id);
            let course = self.courses.named(&row.course).map(|course| course.id);
            let pair = (row.user.clone(), row.course.clone());
            let (Some(user), Some(course), Some(role)) = (user, course, role_named(&row.role))
            else {
                if only.is_none() {
                    synced.skipped.push(pair);
                }
                continue;
            };
            if only.is_some_and(|only| only != user) {
                continue;
            }
            wanted.insert((user, course));
            let known = self.enrolments.get_mut(user, course, Way::Database);
            if known.is_none_or(|row| !row.active || row.role != Some(role)) {
                self.enrol(user, course, Way::Database, role, 0);
                synced.enrolled.push(pair);
            }
        }
        let rows = self.enrolments.all().filter(|row| {
            row.way == Way::Database
                && row.active
                && only.is_none_or(|only| only == row.user)
                && !wanted.contains(&(row.user, row.course))
        });
        let gone: Vec<(u64, u64)> = rows.map(|row| (row.user, row.course)).collect();
        for (user, course) in gone {
            if removed == Removed::Keep {
                continue;
            }
            synced.removed.push(self.names(user, course));
            self.remove_enrolment(user, course, removed);
        }
        synced
    }

    fn remove_enrolment(&mut self, user: u64, course: u64, removed: Removed) {
        if removed == Removed::Unenrol {
            self.unenrol(user, course, Way::Database);
        } else if let Some(row) = self.enrolments.get_mut(user, course, Way::Database) {
            row.active = false;
            if removed == Removed::SuspendWithoutRoles {
                row.role = None;
            }
        }
    }

    fn names(&self, user: u64, course: u64) -> (String, String) {
        let user = self.people.get(user).unwrap();
        let course = self.courses.get(course).unwrap();
        (user.person.username.clone(), course.about.shortname.clone())
    }

    /// A login by name and password. `right` says whether a password is that of a hash, as PHP's
    /// `password_verify` does. Whoever `auth_db` lets in and has no account yet gets one; his
    /// enrolments come with the login.
    pub(crate) fn login(
        &mut self,
        username: &str,
        password: &str,
        right: impl Fn(&str, &str) -> bool,
    ) -> Login {
        let known = self.people.named(username);
        let known = known.map(|account| (account.id, account.person.clone()));
        if known.as_ref().is_some_and(|(_, person)| person.suspended) {
            return Login::Suspended;
        }
        if let Some((id, person)) = known.as_ref().filter(|(_, person)| person.auth != "db") {
            let plain = person.auth == "manual" && person.password.as_deref() == Some(password);
            return if plain {
                self.enter(*id)
            } else {
                Login::Refused
            };
        }
        let rows = self.tables.users.as_ref().map(UserTable::read);
        let rows = rows.and_then(Result::ok).unwrap_or_default();
        let row = rows.iter().find(|row| row.person.username == username);
        let Some(row) = row.filter(|row| right(password, &row.hash)) else {
            return Login::Refused;
        };
        let id = known.map_or_else(|| self.create_from(row), |(id, _)| id);
        self.enter(id)
    }

    fn enter(&mut self, id: u64) -> Login {
        let now = self.now;
        let account = self.people.get_mut(id).unwrap();
        account.last_access = now;
        if account.first_access == 0 {
            account.first_access = now;
        }
        if let Some(table) = self.tables.enrolments.clone() {
            // A table that cannot be read is no reason to keep somebody out.
            if let Ok(rows) = table.read() {
                self.apply_enrolments(&rows, table.removed, Some(id));
            }
        }
        Login::Welcome
    }
}
