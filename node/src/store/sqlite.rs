//! The store on disk: one SQLite file in WAL mode with `synchronous=FULL`, so that what was
//! acknowledged survives a power cut. The schema is `SCHEMA`; its version is `user_version`.

use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use spean_protocol::codec;
use spean_protocol::event::{Month, Sex};
use spean_protocol::id::{LearnerId, SiteId};
use spean_protocol::totals::{Contribution, Indicator, LearnerFacts};

use super::{LearnerRow, Row, Store, StoreError, Table};

/// The version of the schema that this program writes.
pub const VERSION: u32 = 8;

/// The read models; the tables of keys and values are made from [`Table::ALL`].
const SCHEMA: &str = "
CREATE TABLE learner (
    number INTEGER PRIMARY KEY,       -- local, so that contributions stay small
    id BLOB NOT NULL UNIQUE,          -- 16 bytes
    here INTEGER NOT NULL,            -- 1 while the stay at this site is open
    name TEXT NOT NULL,
    search TEXT NOT NULL,             -- names and id, lower case
    sex INTEGER,                      -- code of spean_protocol::event::Sex
    birth_year INTEGER,
    view BLOB NOT NULL                -- encoded LearnerView; empty once he has left
);
CREATE TABLE contribution (
    learner INTEGER NOT NULL,         -- learner.number
    indicator INTEGER NOT NULL,       -- code of spean_protocol::totals::Indicator
    scope BLOB NOT NULL,              -- encoded Option<Scope>
    site INTEGER NOT NULL,
    month INTEGER NOT NULL,           -- months since 1970; 65535 = undated
    detail INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (learner, indicator, scope, site, month, detail)
) WITHOUT ROWID;
";

/// The database of one node.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    path: String,
    /// The same file, to read whole. Whichever descriptor of a file a process closes takes all of its
    /// locks away, so this one is closed after the connection, and there is no further one.
    file: Option<Arc<File>>,
    frozen: Cell<bool>,
}

/// The database as it was when [`Sqlite::freeze`] was called: what is written meanwhile lies beside it.
#[derive(Clone, Debug)]
pub struct Frozen {
    file: Arc<File>,
    /// How many bytes it has.
    pub length: u64,
}

impl Frozen {
    /// Reads from that place on, as much as there is room for.
    ///
    /// # Errors
    /// What the system says; that the file ends before it is full.
    pub fn read_at(&self, room: &mut [u8], place: u64) -> std::io::Result<()> {
        self.file.read_exact_at(room, place)
    }
}

/// Pages in the log beside the database after which it is written into it.
const CHECKPOINT_PAGES: u32 = 1_000;

impl Sqlite {
    /// Opens or creates the database at `path`.
    ///
    /// # Errors
    /// [`StoreError`] says what to do.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let shown = path.display().to_string();
        let connection = Connection::open(path).map_err(|error| explain(&error, &shown))?;
        let mut sqlite = Self::prepare(connection, shown)?;
        let file = File::open(path).map_err(|error| StoreError::Other(error.to_string()))?;
        sqlite.file = Some(Arc::new(file));
        Ok(sqlite)
    }

    /// The same on a file system that was registered with SQLite under that name, so that a disk
    /// can be simulated below the whole store.
    ///
    /// # Errors
    /// [`StoreError`] says what to do.
    pub fn open_on(path: &Path, vfs: &str) -> Result<Self, StoreError> {
        let shown = path.display().to_string();
        let connection = Connection::open_with_flags_and_vfs(path, OpenFlags::default(), vfs)
            .map_err(|error| explain(&error, &shown))?;
        Self::prepare(connection, shown)
    }

    /// Reads through a database that nobody uses, and says whether it is whole.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the first fault.
    pub fn check(path: &Path) -> Result<(), StoreError> {
        let shown = path.display().to_string();
        // A database with a log cannot be read without being able to write one.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let run = || {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE")?;
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
        };
        match run() {
            Ok(said) if said == "ok" => Ok(()),
            Ok(said) => Err(StoreError::Damaged(said)),
            Err(error) => Err(explain(&error, &shown)),
        }
    }

    fn prepare(connection: Connection, path: String) -> Result<Self, StoreError> {
        let sqlite = Self {
            connection,
            path,
            file: None,
            frozen: Cell::new(false),
        };
        // SQLite itself would only say so at the first write.
        let read_only = sqlite.connection.is_readonly("main");
        if read_only.map_err(|error| sqlite.explain(&error))? {
            return Err(StoreError::ReadOnly(sqlite.path));
        }
        sqlite.run(
            "PRAGMA busy_timeout = 1000;
             PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA cache_size = -4096;
             PRAGMA secure_delete = ON;
             PRAGMA temp_store = MEMORY;",
        )?;
        let version: u32 = sqlite
            .connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(|error| sqlite.explain(&error))?;
        match version {
            VERSION => {}
            0 => sqlite.create()?,
            found if found < VERSION => return Err(StoreError::Older { found }),
            found => {
                return Err(StoreError::Newer {
                    found,
                    known: VERSION,
                });
            }
        }
        Ok(sqlite)
    }

    fn create(&self) -> Result<(), StoreError> {
        let mut sql = String::from("BEGIN IMMEDIATE;");
        for table in Table::ALL {
            sql.push_str(&format!(
                "CREATE TABLE {} (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;",
                table.name()
            ));
        }
        sql.push_str(SCHEMA);
        sql.push_str(&format!("PRAGMA user_version = {VERSION}; COMMIT;"));
        self.run(&sql)
    }

    /// Brings all that was committed into the database's file, and lets nothing more into it until
    /// [`Sqlite::thaw`]: further changes gather in the log beside it, so that a backup can be read at a
    /// stick's pace while the node works. Nothing is copied.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where it is frozen already; what SQLite says.
    pub fn freeze(&self) -> Result<Frozen, StoreError> {
        let Some(file) = self.file.as_ref().filter(|_| !self.frozen.get()) else {
            return Err(StoreError::Locked);
        };
        self.run("PRAGMA wal_autocheckpoint = 0")?;
        self.frozen.set(true);
        let frozen = self.empty_log().and_then(|()| {
            let length = file.metadata().map(|about| about.len());
            let length = length.map_err(|error| StoreError::Other(error.to_string()))?;
            let file = file.clone();
            Ok(Frozen { file, length })
        });
        if frozen.is_err() {
            self.thaw()?;
        }
        frozen
    }

    /// Ends what [`Sqlite::freeze`] began.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn thaw(&self) -> Result<(), StoreError> {
        self.frozen.set(false);
        self.run(&format!("PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}"))
    }

    /// Brings everything into the database file, and empties its log.
    ///
    /// # Errors
    /// [`StoreError::Locked`] while a backup is made: nothing may reach the file.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        match self.frozen.get() {
            true => Err(StoreError::Locked),
            false => self.empty_log(),
        }
    }

    fn empty_log(&self) -> Result<(), StoreError> {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let busy: bool = self
            .connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(|error| self.explain(&error))?;
        match busy {
            true => Err(StoreError::Locked),
            false => Ok(()),
        }
    }

    fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.connection
            .execute_batch(sql)
            .map_err(|error| self.explain(&error))
    }

    fn explain(&self, error: &rusqlite::Error) -> StoreError {
        explain(error, &self.path)
    }

    fn execute(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), StoreError> {
        let run = || self.connection.prepare_cached(sql)?.execute(values);
        run().map(|_| ()).map_err(|error| self.explain(&error))
    }

    fn rows<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement
                .query_map(values, read)?
                .collect::<rusqlite::Result<Vec<T>>>()
        };
        run().map_err(|error| self.explain(&error))
    }
}

/// What SQLite said, in words that tell what to do.
fn explain(error: &rusqlite::Error, path: &str) -> StoreError {
    use rusqlite::ErrorCode as Code;
    let said = error.to_string();
    match error.sqlite_error_code() {
        Some(Code::DiskFull) => StoreError::Full,
        Some(Code::ReadOnly | Code::PermissionDenied | Code::CannotOpen) => {
            StoreError::ReadOnly(path.to_owned())
        }
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => StoreError::Locked,
        Some(Code::DatabaseCorrupt | Code::NotADatabase) => StoreError::Damaged(said),
        _ => StoreError::Other(said),
    }
}

/// The first key that no longer starts with `prefix`; `None` when there is none.
fn after(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

fn learner_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<LearnerRow> {
    Ok(LearnerRow {
        learner: LearnerId(row.get(0)?),
        here: row.get(1)?,
        name: row.get(2)?,
        search: row.get(3)?,
        facts: facts(row.get(4)?, row.get(5)?),
        view: row.get(6)?,
    })
}

fn facts(sex: Option<u8>, birth_year: Option<u16>) -> LearnerFacts {
    LearnerFacts {
        sex: sex.map(Sex::from),
        birth_year,
    }
}

const LEARNER: &str = "SELECT id, here, name, search, sex, birth_year, view FROM learner";

impl Store for Sqlite {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.run("BEGIN IMMEDIATE")
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.run("COMMIT")
    }

    fn rollback(&mut self) {
        // After a failed commit SQLite may have rolled back by itself.
        if let Err(error) = self.run("ROLLBACK") {
            tracing::debug!(%error, "nothing to roll back");
        }
    }

    fn read(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = format!("SELECT value FROM {} WHERE key = ?1", table.name());
        let run = || {
            self.connection
                .prepare_cached(&sql)?
                .query_row([key], |row| row.get(0))
        };
        run().optional().map_err(|error| self.explain(&error))
    }

    fn write(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let sql = format!("INSERT OR REPLACE INTO {} VALUES (?1, ?2)", table.name());
        self.execute(&sql, params![key, value])
    }

    fn remove(&mut self, table: Table, key: &[u8]) -> Result<(), StoreError> {
        self.execute(
            &format!("DELETE FROM {} WHERE key = ?1", table.name()),
            [key],
        )
    }

    fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let start = prefix.max(from);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let select = format!("SELECT key, value FROM {} WHERE key >= ?1", table.name());
        match after(prefix) {
            Some(end) => {
                let sql = format!("{select} AND key < ?2 ORDER BY key LIMIT ?3");
                self.rows(&sql, params![start, end, limit], read)
            }
            None => {
                let sql = format!("{select} ORDER BY key LIMIT ?2");
                self.rows(&sql, params![start, limit], read)
            }
        }
    }

    fn put_learner(
        &mut self,
        row: &LearnerRow,
        contributions: &[Contribution],
    ) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO learner (id, here, name, search, sex, birth_year, view)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (id) DO UPDATE SET here = ?2, name = ?3, search = ?4, sex = ?5,
                 birth_year = ?6, view = ?7",
            params![
                row.learner.0,
                row.here,
                row.name,
                row.search,
                row.facts.sex.map(u8::from),
                row.facts.birth_year,
                row.view
            ],
        )?;
        self.execute(
            "DELETE FROM contribution WHERE learner = (SELECT number FROM learner WHERE id = ?1)",
            [row.learner.0],
        )?;
        for one in contributions {
            self.execute(
                "INSERT OR REPLACE INTO contribution
                 VALUES ((SELECT number FROM learner WHERE id = ?1), ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    row.learner.0,
                    one.indicator.code(),
                    codec::encode(&one.scope),
                    one.site.0,
                    one.month.0,
                    one.detail,
                    one.amount
                ],
            )?;
        }
        Ok(())
    }

    fn close_learner(&mut self, learner: LearnerId) -> Result<(), StoreError> {
        self.execute(
            "UPDATE learner SET here = 0, name = '', search = '', view = x'' WHERE id = ?1",
            [learner.0],
        )
    }

    fn remove_learner(&mut self, learner: LearnerId) -> Result<(), StoreError> {
        self.execute(
            "DELETE FROM contribution WHERE learner = (SELECT number FROM learner WHERE id = ?1)",
            [learner.0],
        )?;
        self.execute("DELETE FROM learner WHERE id = ?1", [learner.0])
    }

    fn learner(&self, learner: LearnerId) -> Result<Option<LearnerRow>, StoreError> {
        Ok(self
            .rows(
                &format!("{LEARNER} WHERE id = ?1"),
                [learner.0],
                learner_row,
            )?
            .pop())
    }

    fn find(
        &self,
        needle: &str,
        here_only: bool,
        limit: usize,
    ) -> Result<Vec<LearnerRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.rows(
            &format!(
                "{LEARNER} WHERE (here OR NOT ?2) AND (?1 = '' OR instr(search, ?1) > 0)
                 ORDER BY name, id LIMIT ?3"
            ),
            params![needle, here_only, limit],
            learner_row,
        )
    }

    fn count_learners(&self, here_only: bool) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM learner WHERE here OR NOT ?1";
        let count = self
            .rows(sql, [here_only], |row| row.get::<_, i64>(0))?
            .pop();
        Ok(count.and_then(|count| count.try_into().ok()).unwrap_or(0))
    }

    fn contributions(
        &self,
        each: &mut dyn FnMut(LearnerId, LearnerFacts, Vec<Contribution>),
    ) -> Result<(), StoreError> {
        let sql = "SELECT id, sex, birth_year, indicator, scope, site, month, detail, amount
                   FROM learner LEFT JOIN contribution ON learner.number = contribution.learner
                   ORDER BY id, indicator, scope, site, month, detail";
        let mut current: Option<(LearnerId, LearnerFacts, Vec<Contribution>)> = None;
        let mut run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let learner = LearnerId(row.get(0)?);
                if current.as_ref().is_none_or(|(known, ..)| *known != learner) {
                    if let Some((learner, facts, rows)) = current.take() {
                        each(learner, facts, rows);
                    }
                    current = Some((learner, facts(row.get(1)?, row.get(2)?), Vec::new()));
                }
                if let Some((_, _, rows)) = &mut current {
                    rows.extend(contribution(row)?);
                }
            }
            if let Some((learner, facts, rows)) = current.take() {
                each(learner, facts, rows);
            }
            Ok(())
        };
        run().map_err(|error: rusqlite::Error| self.explain(&error))
    }
}

/// A row's contribution; `None` for a learner without any and for an indicator of a newer version.
fn contribution(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Contribution>> {
    let Some(code) = row.get::<_, Option<u8>>(3)? else {
        return Ok(None);
    };
    let scope: Vec<u8> = row.get(4)?;
    let (Ok(indicator), Ok(scope)) = (Indicator::try_from(code), codec::decode(&scope)) else {
        return Ok(None);
    };
    Ok(Some(Contribution {
        indicator,
        scope,
        site: SiteId(row.get(5)?),
        month: Month(row.get(6)?),
        detail: row.get(7)?,
        amount: row.get(8)?,
    }))
}

/// Goal: the file keeps what was committed, and every way in which it cannot be used has a name.
/// Method: the contract on real files, then files that are newer, foreign, held or not writable.
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use tempfile::{TempDir, tempdir};

    use super::*;

    fn written(folder: &TempDir) -> std::path::PathBuf {
        let path = folder.path().join("spean.db");
        let mut store = Sqlite::open(&path).unwrap();
        store.begin().unwrap();
        store.write(Table::Meta, b"key", b"value").unwrap();
        store.commit().unwrap();
        path
    }

    #[test]
    fn passes_the_contract() {
        let folder = tempdir().unwrap();
        let mut number = 0;
        super::super::contract::passes(|| {
            number += 1;
            Sqlite::open(&folder.path().join(format!("{number}.db"))).unwrap()
        });
    }

    #[test]
    fn what_was_committed_is_there_when_opened_again() {
        let folder = tempdir().unwrap();
        let path = written(&folder);
        let mut store = Sqlite::open(&path).unwrap();
        store.begin().unwrap();
        store.write(Table::Meta, b"key", b"not committed").unwrap();
        drop(store);
        let store = Sqlite::open(&path).unwrap();
        assert_eq!(
            store.read(Table::Meta, b"key").unwrap().as_deref(),
            Some(&b"value"[..])
        );
        let sync: u32 = store
            .connection
            .query_row("PRAGMA synchronous", [], |row| row.get(0))
            .unwrap();
        assert_eq!(
            sync, 2,
            "FULL: a power cut loses nothing that was committed"
        );
    }

    /// While it is frozen, what is written does not reach the file, however much it is; afterwards it
    /// does; and another program finds it locked all the time.
    #[test]
    fn a_frozen_database_stays_as_it_was() {
        let folder = tempdir().unwrap();
        let path = written(&folder);
        let mut store = Sqlite::open(&path).unwrap();
        store.begin().unwrap();
        store.write(Table::Meta, b"before", &[1; 9_000]).unwrap();
        store.commit().unwrap();
        let frozen = store.freeze().unwrap();
        assert!(matches!(store.freeze(), Err(StoreError::Locked)));
        let whole = || {
            let mut bytes = vec![0; usize::try_from(frozen.length).unwrap()];
            frozen.read_at(&mut bytes, 0).unwrap();
            bytes
        };
        let before = whole();
        for number in 0..40_u32 {
            store.begin().unwrap();
            let value = vec![7; 200_000];
            store
                .write(Table::Meta, &number.to_be_bytes(), &value)
                .unwrap();
            store.commit().unwrap();
        }
        assert!(whole() == before, "the file was written into");
        let copy = folder.path().join("copy.db");
        fs::write(&copy, before).unwrap();
        let copied = Sqlite::open(&copy).unwrap();
        let read = |store: &Sqlite, key: &[u8]| store.read(Table::Meta, key).unwrap();
        assert_eq!(read(&copied, b"before"), Some(vec![1; 9_000]));
        assert_eq!(read(&copied, &1_u32.to_be_bytes()), None);
        store.thaw().unwrap();
        drop(frozen);
        let error = Sqlite::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Locked), "{error}");
        let frozen = store.freeze().unwrap();
        assert!(frozen.length > 8_000_000, "{}", frozen.length);
        drop(store);
        let store = Sqlite::open(&path).unwrap();
        assert!(read(&store, &39_u32.to_be_bytes()).is_some());
    }

    #[test]
    fn a_database_of_another_version_is_refused_and_left_as_it_is() {
        let folder = tempdir().unwrap();
        let path = written(&folder);
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA user_version = 1").unwrap();
        drop(connection);
        let error = Sqlite::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Older { found: 1 }), "{error}");
        let connection = Connection::open(&path).unwrap();
        let newer = VERSION + 1;
        connection
            .execute_batch(&format!("PRAGMA user_version = {newer}"))
            .unwrap();
        drop(connection);
        for _ in 0..2 {
            let error = Sqlite::open(&path).unwrap_err();
            let says =
                matches!(error, StoreError::Newer { found, known: VERSION } if found == newer);
            assert!(says, "{error}");
        }
    }

    #[test]
    fn another_program_holds_it() {
        let folder = tempdir().unwrap();
        let path = written(&folder);
        let holder = Sqlite::open(&path).unwrap();
        let error = Sqlite::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Locked), "{error}");
        drop(holder);
        Sqlite::open(&path).unwrap();
    }

    #[test]
    fn a_file_of_something_else_is_damaged() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("spean.db");
        fs::write(&path, "ref,family_km,given_km\n".repeat(100)).unwrap();
        let error = Sqlite::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    }

    #[test]
    fn where_nothing_can_be_written_the_path_is_named() {
        let folder = tempdir().unwrap();
        let missing = folder.path().join("no such folder/spean.db");
        for path in [folder.path(), &missing] {
            let error = Sqlite::open(path).unwrap_err();
            assert!(matches!(&error, StoreError::ReadOnly(_)), "{error}");
            assert!(error.to_string().contains(&*path.to_string_lossy()));
        }
    }

    #[test]
    fn a_file_without_the_right_to_write_is_refused() {
        let folder = tempdir().unwrap();
        let path = written(&folder);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        // Root may write whatever the bits say, so ask the system first.
        let writable = fs::OpenOptions::new().write(true).open(&path).is_ok();
        match Sqlite::open(&path) {
            Ok(_) => assert!(writable, "opened although nothing can be written"),
            Err(error) => {
                assert!(
                    matches!(error, StoreError::ReadOnly(_)) && !writable,
                    "{error}"
                );
            }
        }
    }
}
