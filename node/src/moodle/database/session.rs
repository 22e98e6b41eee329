//! A session with Moodle's database, of MariaDB or MySQL: one transaction that only reads and sees one moment.
//! What is asked is bounded in rows and in time, and what the account may not read is said with what gives it.

use std::time::Duration;

use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder, Params, Row, Value};

use crate::lms::{DatabaseConfig, LmsError};

/// Seconds that one question may take; the database itself ends it then.
const STATEMENT_SECONDS: u64 = 30;

/// Seconds after which a database counts as gone: it should have ended the question before.
const NETWORK_SECONDS: u64 = 60;

/// Seconds to reach it.
const CONNECT_SECONDS: u64 = 10;

/// Rows of one answer: of fifty people in a course of two thousand activities.
const ROWS_MAX: usize = 100_000;

/// Bytes of one row.
const ROW_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Releases whose tables are known, by the day at which each branched off: their versions begin with it.
const KNOWN: [(&str, &str); 6] = [
    ("20221128", "4.1"),
    ("20230424", "4.2"),
    ("20231009", "4.3"),
    ("20240422", "4.4"),
    ("20241007", "4.5"),
    ("20250414", "5.0"),
];

/// Tables that reading needs, with the columns that are read. Of users the account sees no password.
const TABLES: [(&str, &str); 15] = [
    ("config", "name, value"),
    ("course", "id, shortname, enablecompletion"),
    ("course_sections", "course, section, sequence"),
    (
        "course_modules",
        "id, course, module, instance, idnumber, completion, deletioninprogress",
    ),
    ("modules", "id, name, visible"),
    ("quiz", "id, course, name, sumgrades, grade"),
    ("user", "id, username, idnumber, deleted, timemodified"),
    ("enrol", "id, courseid"),
    ("user_enrolments", "enrolid, userid, timemodified"),
    (
        "course_modules_completion",
        "coursemoduleid, userid, completionstate, overrideby, timemodified",
    ),
    (
        "quiz_attempts",
        "quiz, userid, attempt, layout, preview, state, timefinish, timemodified, sumgrades",
    ),
    (
        "grade_items",
        "id, courseid, itemtype, itemmodule, iteminstance",
    ),
    (
        "grade_grades",
        "itemid, userid, finalgrade, overridden, timemodified",
    ),
    ("course_completions", "userid, course, timecompleted"),
    (
        "course_completion_crit_compl",
        "userid, course, timecompleted",
    ),
];

/// What reading everybody's account needs of its table besides, once, where this project takes it over.
pub(super) const ACCOUNT_COLUMNS: &str = "auth, firstname, lastname, suspended, password";

/// A session.
pub(super) struct Session {
    connection: Conn,
    database: String,
    prefix: String,
    /// As whom it is asked, as a statement names him.
    account: String,
}

impl Session {
    /// Begins one.
    ///
    /// # Errors
    /// [`LmsError`] where the database is not there, lets nobody in, or is of a Moodle that is not known.
    pub(super) fn open(config: &DatabaseConfig, password: &str) -> Result<Self, LmsError> {
        let prefix = &config.prefix;
        if !prefix
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            return Err(refused(format!(
                "config.toml: '{prefix}' is no prefix of tables: letters, digits and '_' only"
            )));
        }
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let socket = config
            .socket
            .as_ref()
            .map(|path| path.display().to_string());
        let options = OptsBuilder::new()
            .ip_or_hostname(Some(config.host.clone()))
            .tcp_port(config.port)
            .prefer_socket(false)
            .socket(socket)
            .user(Some(config.user.clone()))
            .pass(Some(password))
            .db_name(Some(config.name.clone()))
            .max_allowed_packet(Some(ROW_BYTES_MAX))
            .tcp_connect_timeout(seconds(CONNECT_SECONDS))
            .read_timeout(seconds(NETWORK_SECONDS))
            .write_timeout(seconds(NETWORK_SECONDS));
        let connection = Conn::new(options).map_err(|error| match error {
            // Access denied, in the ways that it is; no such database.
            mysql::Error::MySqlError(error) if matches!(error.code, 1044 | 1045 | 1049 | 1130 | 1698) => refused(format!(
                "{}. Is the name of the database right, and is this account's password in moodle-database-password?",
                error.message
            )),
            other => LmsError::Unreachable(format!("Moodle's database: {other}")),
        })?;
        let mut session = Self {
            connection,
            database: config.name.clone(),
            prefix: prefix.clone(),
            account: String::new(),
        };
        session.begin()?;
        session.known()?;
        Ok(session)
    }

    fn begin(&mut self) -> Result<(), LmsError> {
        let who = self.rows("SELECT CURRENT_USER(), VERSION()", vec![])?;
        let who = who.first();
        let current = who.map_or_else(String::new, |row| text(row, 0));
        let (user, host) = current.rsplit_once('@').unwrap_or((&current, "%"));
        self.account = format!("'{user}'@'{host}'");
        let is_maria = who.is_some_and(|row| text(row, 1).contains("MariaDB"));
        let limit = match is_maria {
            true => format!("SET SESSION max_statement_time = {STATEMENT_SECONDS}"),
            false => format!("SET SESSION max_execution_time = {STATEMENT_SECONDS}000"),
        };
        for statement in [
            limit.as_str(),
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        ] {
            let done = self.connection.query_drop(statement);
            done.map_err(|error| self.failed(&error))?;
        }
        Ok(())
    }

    /// Refuses a Moodle whose tables may be other ones.
    fn known(&mut self) -> Result<(), LmsError> {
        let setting = |session: &mut Self, name: &str| -> Result<String, LmsError> {
            let query = "SELECT value FROM {config} WHERE name = ?";
            let rows = session.rows(query, vec![name.into()])?;
            Ok(rows.first().map_or_else(String::new, |row| text(row, 0)))
        };
        let version = setting(self, "version")?;
        if KNOWN.iter().any(|(begin, _)| version.starts_with(begin)) {
            return Ok(());
        }
        let release = setting(self, "release")?;
        let known = KNOWN.map(|(begin, name)| format!("{name} ({begin}...)"));
        Err(refused(format!(
            "this is Moodle '{release}' with tables of version {version}; known are {}. Read it by web services \
             instead: take [moodle.database] out of config.toml",
            known.join(", ")
        )))
    }

    /// Asks. Tables are named in braces, without their prefix.
    ///
    /// # Errors
    /// [`LmsError`], also where the answer has more rows than are taken.
    pub(super) fn rows(&mut self, query: &str, values: Vec<Value>) -> Result<Vec<Row>, LmsError> {
        let named = query.replace('{', &format!("`{}", self.prefix));
        let query = format!("{} LIMIT {}", named.replace('}', "`"), ROWS_MAX + 1);
        let parameters = match values.is_empty() {
            true => Params::Empty,
            false => Params::Positional(values),
        };
        let rows: Result<Vec<Row>, _> = self.connection.exec(query, parameters);
        let rows = rows.map_err(|error| self.failed(&error))?;
        if rows.len() > ROWS_MAX {
            return Err(refused(format!(
                "one answer has more than {ROWS_MAX} rows: it is too large to be taken"
            )));
        }
        Ok(rows)
    }

    /// What the account may not read, each with the statement that gives it.
    ///
    /// # Errors
    /// [`LmsError`] for anything else.
    pub(super) fn missing(&mut self) -> Result<Vec<String>, LmsError> {
        let mut missing = Vec::new();
        for (table, columns) in TABLES {
            let query = format!("SELECT {columns} FROM {{{table}}} WHERE 1 = 0");
            match self.rows(&query, vec![]) {
                Ok(_) => {}
                Err(LmsError::Refused { message, .. }) => missing.push(message),
                Err(error) => return Err(error),
            }
        }
        Ok(missing)
    }

    fn failed(&self, error: &mysql::Error) -> LmsError {
        let mysql::Error::MySqlError(error) = error else {
            return LmsError::Unreachable(format!("Moodle's database: {error}"));
        };
        match error.code {
            1142 | 1143 => refused(self.not_allowed(&error.message)),
            1054 | 1146 => refused(format!(
                "{}. Is 'prefix' in config.toml what Moodle's own config.php has?",
                error.message
            )),
            1969 | 3024 => LmsError::Unreachable(format!(
                "Moodle's database took more than {STATEMENT_SECONDS} seconds for one question"
            )),
            _ => refused(error.message.clone()),
        }
    }

    /// Says what gives the right whose want that message is about.
    fn not_allowed(&self, message: &str) -> String {
        let named = |table: &str| {
            let table = format!("{}{table}", self.prefix);
            ['\'', '`', '"']
                .iter()
                .any(|mark| message.contains(&format!("{mark}{table}{mark}")))
        };
        let Some((table, columns)) = TABLES.iter().find(|(table, _)| named(table)) else {
            return message.to_owned();
        };
        let mut accounts = ACCOUNT_COLUMNS.split(", ");
        let columns = match accounts.any(|column| message.contains(&format!("'{column}'"))) {
            true => ACCOUNT_COLUMNS,
            false => columns,
        };
        format!(
            "the account may not read {prefix}{table}. As the database's administrator: \
             GRANT SELECT ({columns}) ON `{}`.`{prefix}{table}` TO {};",
            self.database,
            self.account,
            prefix = self.prefix,
        )
    }
}

/// What the database refused, or what of it is.
pub(super) fn refused(message: String) -> LmsError {
    LmsError::Refused {
        function: "Moodle's database".to_owned(),
        message,
    }
}

/// A text of a row; empty where there is none.
pub(super) fn text(row: &Row, column: usize) -> String {
    match row.as_ref(column) {
        Some(Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        Some(Value::Int(number)) => number.to_string(),
        Some(Value::UInt(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// A whole number of a row.
pub(super) fn number(row: &Row, column: usize) -> Option<i64> {
    match row.as_ref(column)? {
        Value::Int(number) => Some(*number),
        Value::UInt(number) => i64::try_from(*number).ok(),
        _ => text(row, column).parse().ok(),
    }
}

/// A number with decimals of a row.
pub(super) fn decimal(row: &Row, column: usize) -> Option<f64> {
    match row.as_ref(column)? {
        Value::Double(number) => Some(*number),
        Value::Float(number) => Some(f64::from(*number)),
        _ => text(row, column).parse().ok(),
    }
}
