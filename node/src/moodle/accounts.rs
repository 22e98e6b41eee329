//! The file with which Moodle's own `auth_db` and `enrol_database` let people in: a small SQLite database, put in
//! the place of the one before in one step, so that Moodle reads the old one or the new one whenever it looks.
//! Moodle needs no node for a sign-in, and the node no right in Moodle. Who has left is not in it: Moodle's
//! next synchronisation suspends him, and revives him when he is back.
//!
//! | view | columns |
//! |---|---|
//! | `spean_learner` | `username`, `password` (bcrypt), `firstname`, `lastname`, `email`, `idnumber` (the id on his card) |
//! | `spean_enrol` | `course` (short name), `username`, `role` (`student`) |

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, params};
use spean_protocol::catalogue::ModuleId;

use super::people::{DOMAIN, both_names};
use crate::engine::accounts::AccountHere;
use crate::lms::CourseConfig;

/// The file's owner writes it, and its group, Moodle's web server, reads it. The folder's group is its group.
const MODE: u32 = 0o640;

/// Writes the file, if it says something else than the one that is there; `true` if it did.
///
/// # Errors
/// What the disk or SQLite says.
pub fn write(
    path: &Path,
    accounts: &[(AccountHere, Vec<ModuleId>)],
    courses: &[CourseConfig],
) -> Result<bool, String> {
    let digest = digest(accounts, courses);
    if held(path).is_some_and(|held| held == digest) {
        return Ok(false);
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let said = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let _ = fs::remove_file(&part);
    let made = fill(&part, accounts, courses, &digest).map_err(|error| said(&error));
    let moved = made.and_then(|()| {
        fs::set_permissions(&part, fs::Permissions::from_mode(MODE)).map_err(|e| said(&e))?;
        File::open(&part)
            .and_then(|file| file.sync_all())
            .map_err(|e| said(&e))?;
        fs::rename(&part, path).map_err(|e| said(&e))
    });
    if moved.is_err() {
        let _ = fs::remove_file(&part);
    }
    moved.map(|()| true)
}

/// What the file that is there says that it holds.
fn held(path: &Path) -> Option<String> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    connection
        .query_row("SELECT digest FROM spean_state", [], |row| row.get(0))
        .ok()
}

fn digest(accounts: &[(AccountHere, Vec<ModuleId>)], courses: &[CourseConfig]) -> String {
    let all = serde_json::to_vec(&(accounts, courses)).unwrap_or_default();
    blake3::hash(&all).to_hex().to_string()
}

fn fill(
    path: &Path,
    accounts: &[(AccountHere, Vec<ModuleId>)],
    courses: &[CourseConfig],
    digest: &str,
) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    // No file beside it: whoever reads it may not write into its folder.
    connection.pragma_update(None, "journal_mode", "OFF")?;
    let all = connection.transaction()?;
    all.execute_batch(
        "CREATE TABLE spean_learner (username TEXT PRIMARY KEY, password TEXT NOT NULL,
           firstname TEXT NOT NULL, lastname TEXT NOT NULL, email TEXT NOT NULL, idnumber TEXT NOT NULL);
         CREATE TABLE spean_enrol (course TEXT NOT NULL, username TEXT NOT NULL, role TEXT NOT NULL);
         CREATE TABLE spean_state (digest TEXT NOT NULL);",
    )?;
    for (account, modules) in accounts {
        let AccountHere {
            learner,
            username,
            verifier,
            ..
        } = account;
        let (first, last) = both_names(account);
        // Of whom nobody could read a verifier, Moodle keeps the password itself.
        if !verifier.is_empty() {
            all.execute(
                "INSERT INTO spean_learner VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    username,
                    verifier,
                    first,
                    last,
                    format!("{username}@{DOMAIN}"),
                    learner.to_string()
                ],
            )?;
        }
        for course in courses {
            if course
                .module()
                .is_some_and(|module| modules.contains(&module))
            {
                all.execute(
                    "INSERT INTO spean_enrol VALUES (?1, ?2, 'student')",
                    params![course.shortname, username],
                )?;
            }
        }
    }
    all.execute("INSERT INTO spean_state VALUES (?1)", [digest])?;
    all.commit()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use spean_protocol::catalogue::ProgrammeId;
    use spean_protocol::id::LearnerId;

    use super::*;

    fn account(number: u8) -> AccountHere {
        AccountHere {
            learner: LearnerId([number; 16]),
            username: format!("cc4-{number:05}"),
            verifier: "$2y$10$x".to_owned(),
            family: "Sok".to_owned(),
            given: if number == 2 {
                String::new()
            } else {
                "Dara".to_owned()
            },
        }
    }

    /// Goal: whoever reads the file at any moment reads all of it, and nobody else reads it. Method: a reader
    /// that has the old file open while the new one takes its place; the same again, which changes nothing.
    #[test]
    fn the_file_is_replaced_in_one_step() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts.db");
        let khmer = ProgrammeId::BEEP.module("khmer").unwrap();
        let course = CourseConfig {
            shortname: "BEEP-KHM".to_owned(),
            programme: "beep".to_owned(),
            module: "khmer".to_owned(),
            pre_test: None,
            post_test: None,
        };
        let one = vec![(account(1), vec![khmer])];
        assert!(write(&path, &one, std::slice::from_ref(&course)).unwrap());
        assert!(
            !write(&path, &one, std::slice::from_ref(&course)).unwrap(),
            "the same"
        );
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);

        let old = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let names = |reader: &Connection| -> Vec<(String, String, String)> {
            let mut rows = reader
                .prepare("SELECT username, firstname, idnumber FROM spean_learner ORDER BY 1")
                .unwrap();
            let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
            rows.unwrap().map(Result::unwrap).collect()
        };
        assert_eq!(names(&old).len(), 1);
        let two = vec![(account(1), vec![]), (account(2), vec![khmer])];
        assert!(write(&path, &two, std::slice::from_ref(&course)).unwrap());
        assert_eq!(names(&old).len(), 1, "who has it open reads on");
        let new = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        assert_eq!(names(&new)[1].1, "Sok", "one name is both");
        assert_eq!(names(&new)[1].2, LearnerId([2; 16]).to_string());
        let enrolled: String = new
            .query_row(
                "SELECT username FROM spean_enrol WHERE course = 'BEEP-KHM'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(enrolled, "cc4-00002");
        let files = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 1, "nothing lies beside it");
        assert!(write(&folder.path().join("none/accounts.db"), &two, &[]).is_err());
    }
}
