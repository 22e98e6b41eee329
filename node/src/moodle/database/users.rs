//! Everybody's account in Moodle, for a site where this project takes the accounts over. Nothing else reads what a
//! password is checked against.

use zeroize::Zeroizing;

use super::Database;
use super::session::{number, refused, text};
use crate::lms::LmsError;

/// Accounts that are asked for at a time.
const PAGE: usize = 500;

/// Accounts of one site.
const ACCOUNTS_MAX: usize = 100_000;

/// An account of Moodle. It is never shown or logged as a whole, for its password is part of it.
pub struct MoodleUser {
    /// The name with which he signs in.
    pub username: String,
    /// What Moodle has as this project's id of him; empty where it has none.
    pub idnumber: String,
    /// Who checks his password, such as `manual` or `db`.
    pub auth: String,
    /// The given name.
    pub firstname: String,
    /// The family name.
    pub lastname: String,
    /// He may not sign in.
    pub suspended: bool,
    /// He was deleted; his name is another one since.
    pub deleted: bool,
    /// What Moodle checks his password against; empty, or `not cached`, where another does.
    pub password: Zeroizing<String>,
}

impl Database {
    /// Everybody's account, those that are suspended or deleted and Moodle's own guest among them, in the order in
    /// which they were made. The buffers that the database's answer passed through are not wiped.
    ///
    /// # Errors
    /// [`LmsError`]; where the account may not read passwords, with the statement that lets it.
    pub fn users(&self) -> Result<Vec<MoodleUser>, LmsError> {
        let mut session = self.open()?;
        let mut all = Vec::new();
        let mut last = 0;
        loop {
            let query = format!(
                "SELECT * FROM (SELECT id, username, idnumber, auth, firstname, lastname, suspended, deleted, password
                 FROM {{user}} WHERE id > ? ORDER BY id LIMIT {PAGE}) page"
            );
            let page = session.rows(&query, vec![last.into()])?;
            for row in &page {
                last = number(row, 0).unwrap_or(last);
                all.push(MoodleUser {
                    username: text(row, 1),
                    idnumber: text(row, 2),
                    auth: text(row, 3),
                    firstname: text(row, 4),
                    lastname: text(row, 5),
                    suspended: number(row, 6) != Some(0),
                    deleted: number(row, 7) != Some(0),
                    password: Zeroizing::new(text(row, 8)),
                });
            }
            if page.len() < PAGE {
                return Ok(all);
            }
            if all.len() > ACCOUNTS_MAX {
                return Err(refused(format!(
                    "there are more than {ACCOUNTS_MAX} accounts"
                )));
            }
        }
    }
}
