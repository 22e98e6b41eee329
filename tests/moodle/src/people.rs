//! Accounts.

use std::collections::BTreeMap;

use crate::ids::{ADMIN, GUEST};

/// How long Moodle does not write down that somebody is there again.
const ACCESS_GRANULARITY: u64 = 60;

/// A person with an account, as a test tells of him and sees him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The user name.
    pub username: String,
    /// The id number; Moodle does not mind if two have the same.
    pub idnumber: String,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The address.
    pub email: String,
    /// What checks the password: `manual` or `db`.
    pub auth: String,
    /// The password where `manual` does. No function gives it out.
    pub password: Option<String>,
    /// Whether the account is suspended.
    pub suspended: bool,
}

impl Person {
    /// Somebody with a user name and without an id number, whose password Moodle has.
    #[must_use]
    pub fn new(username: &str) -> Self {
        Self {
            username: username.to_owned(),
            idnumber: String::new(),
            first_name: username.to_owned(),
            last_name: "Sok".to_owned(),
            email: format!("{username}@learner.invalid"),
            auth: "manual".to_owned(),
            password: Some("Plain-Text-1".to_owned()),
            suspended: false,
        }
    }

    /// The same with an id number.
    #[must_use]
    pub fn numbered(mut self, idnumber: &str) -> Self {
        self.idnumber = idnumber.to_owned();
        self
    }

    pub(crate) fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }
}

/// A row of the table of users.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: u64,
    pub(crate) person: Person,
    pub(crate) lang: String,
    pub(crate) country: String,
    pub(crate) deleted: bool,
    pub(crate) first_access: u64,
    pub(crate) last_access: u64,
    /// By course.
    pub(crate) course_access: BTreeMap<u64, u64>,
}

impl Account {
    pub(crate) fn new(id: u64, person: Person) -> Self {
        Self {
            id,
            person,
            lang: "en".to_owned(),
            country: "KH".to_owned(),
            deleted: false,
            first_access: 0,
            last_access: 0,
            course_access: BTreeMap::new(),
        }
    }

    /// Whether it came with the site.
    pub(crate) const fn is_built_in(&self) -> bool {
        matches!(self.id, GUEST | ADMIN)
    }

    /// He does something in a course.
    pub(crate) fn touch(&mut self, course: u64, now: u64) {
        if self.first_access == 0 {
            self.first_access = now;
        }
        let seen = self.course_access.entry(course).or_default();
        for access in [&mut self.last_access, seen] {
            if now.saturating_sub(*access) > ACCESS_GRANULARITY {
                *access = now;
            }
        }
    }
}

/// The table of users. Deleted ones stay in it under a name that frees their own.
#[derive(Clone, Debug, Default)]
pub(crate) struct People(BTreeMap<u64, Account>);

impl People {
    pub(crate) fn add(&mut self, account: Account) {
        self.0.insert(account.id, account);
    }

    /// Everybody who is not deleted, by id.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Account> {
        self.0.values().filter(|account| !account.deleted)
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Account> {
        self.0.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Account> {
        self.0.get_mut(&id)
    }

    pub(crate) fn named(&self, username: &str) -> Option<&Account> {
        self.all()
            .find(|account| account.person.username == username)
    }

    /// Whether somebody else has this address.
    pub(crate) fn has_email(&self, email: &str, but: u64) -> bool {
        self.all()
            .any(|account| account.id != but && account.person.email.eq_ignore_ascii_case(email))
    }

    /// Deletes softly: the row stays under a name that frees the login.
    pub(crate) fn delete(&mut self, id: u64, now: u64) {
        if let Some(account) = self.0.get_mut(&id) {
            account.deleted = true;
            account.person.username = format!("{}.{now}", account.person.email);
            account.person.email = format!("{id:032x}");
            account.person.idnumber.clear();
        }
    }
}
