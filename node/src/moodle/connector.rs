//! What stands between Moodle and a node's engine: it is read into the records, from where it was read last,
//! with a whole pass once a day, so that what the filter of the last access does not show (a teacher's marks)
//! comes too; and it is shown what the records say.

use std::collections::BTreeSet;

use spean_protocol::catalogue::ModuleId;
use spean_protocol::codec;
use zeroize::Zeroizing;

use super::client::Client;
#[cfg(feature = "moodle-database")]
use super::database::Database;
use super::source::Moodle;
use crate::api::{Kind, Refusal};
use crate::engine::EngineError;
use crate::home::Home;
use crate::lms::{
    CourseConfig, Finding, Learnt, LmsError, LmsSink, LmsSource, Reading, Remembered, Writing,
};
use crate::service::Service;

/// The name of this source in the keys of what it tells.
const SOURCE: &str = "moodle";

/// Seconds of this machine's clock after which everything is read again.
const WHOLE_SECONDS: u64 = 24 * 3600;

/// Says that there is no Moodle in the configuration.
fn none() -> Refusal {
    let message = "config.toml names no Moodle: docs/moodle.md says how it is set up";
    Refusal::new(Kind::Refused, message)
}

/// The Moodle of a home.
///
/// # Errors
/// [`Refusal`] where the configuration names none, or there is no token.
pub fn moodle(home: &Home) -> Result<Moodle, Refusal> {
    let config = home.config()?.moodle.ok_or_else(none)?;
    let token: Zeroizing<String> = home.moodle_token()?;
    let client = Client::new(&config.url, token);
    Ok(Moodle::new(client, config.course))
}

/// What is read of a home's Moodle: its database, where the configuration names one.
fn source(home: &Home) -> Result<Box<dyn LmsSource + Send>, Refusal> {
    let config = home.config()?.moodle.ok_or_else(none)?;
    let Some(database) = config.database else {
        return Ok(Box::new(moodle(home)?));
    };
    #[cfg(feature = "moodle-database")]
    return Ok(Box::new(Database::new(
        database,
        home.moodle_database_password()?,
        config.course,
    )));
    #[cfg(not(feature = "moodle-database"))]
    Err(Refusal::new(
        Kind::Refused,
        format!(
            "config.toml names the database '{}', which this program was built without: take [moodle.database] out",
            database.name
        ),
    ))
}

/// Why Moodle did not do what was asked, and what to do, for people.
#[must_use]
pub fn refusal(error: &LmsError) -> Refusal {
    let (kind, next) = match error {
        LmsError::Denied(_) => (
            Kind::Refused,
            "make a new token for the service's user and put it into moodle-token",
        ),
        LmsError::MissingRight { .. } => (
            Kind::Refused,
            "give the role of the service's user that right: 'spean moodle check' lists all",
        ),
        LmsError::Unreachable(_) => (Kind::Link, "it is tried again at the next reading"),
        _ => (Kind::Refused, "'spean moodle check' looks at the set-up"),
    };
    Refusal::new(kind, format!("Moodle: {error}: {next}"))
}

/// Looks at the set-up.
///
/// # Errors
/// [`Refusal`] where it cannot even be asked.
pub async fn check(home: &Home) -> Result<Vec<Finding>, Refusal> {
    let mut moodle = moodle(home)?;
    let mut database = match home.config()?.moodle.and_then(|moodle| moodle.database) {
        Some(_) => Some(source(home)?),
        None => None,
    };
    let job = move || {
        let read = database.as_mut().map_or(Ok(Vec::new()), |one| one.check());
        let mut findings = read?;
        findings.extend(moodle.check()?);
        Ok(findings)
    };
    let checked = tokio::task::spawn_blocking(job).await;
    let checked = checked.map_err(|error| Refusal::new(Kind::Home, error))?;
    checked.map_err(|error| refusal(&error))
}

/// What is remembered of the last reading.
///
/// # Errors
/// [`Refusal`].
pub async fn remembered(service: &Service) -> Result<Remembered, Refusal> {
    let state = service
        .call(|engine| engine.platform_state(SOURCE))
        .await??;
    let read = state.map(|bytes| codec::decode(&bytes)).transpose();
    Ok(read.unwrap_or_default().unwrap_or_default())
}

/// Reads Moodle, as `whole` says or as it is due.
///
/// # Errors
/// [`Refusal`] says what is wrong and what to do; what was read before counts.
pub async fn read(
    home: &Home,
    service: &Service,
    (whole, dry): (bool, bool),
    now: u64,
) -> Result<Reading, Refusal> {
    let mut moodle = source(home)?;
    let before = remembered(service).await?;
    let whole = whole || before.since.is_none() || now.abs_diff(before.whole) >= WHOLE_SECONDS;
    let since = before.since.filter(|_| !whole);
    let engine = service.clone();
    let handle = tokio::runtime::Handle::current();
    let job = move || {
        let mut reading = Reading {
            whole,
            dry,
            ..Reading::default()
        };
        let mut people = BTreeSet::new();
        let mut take = |learnt: Vec<Learnt>| {
            people.extend(learnt.first().map(|one| one.user.username.clone()));
            let kept = engine.call(move |engine| engine.take_learnt(SOURCE, &learnt, !dry));
            let taken = handle
                .block_on(kept)
                .map_err(|error| EngineError::Refused(error.to_string()));
            match taken.and_then(|taken| taken) {
                Ok(taken) => {
                    reading.taken.add(taken);
                    Ok(())
                }
                // Nothing is lost: it is read again.
                Err(error) => Err(LmsError::Refused {
                    function: "the node".to_owned(),
                    message: error.to_string(),
                }),
            }
        };
        let read = moodle.read(since, &mut take);
        reading.people = people.len() as u64;
        (read, reading)
    };
    let done = tokio::task::spawn_blocking(job).await;
    let (read, reading) = done.map_err(|error| Refusal::new(Kind::Home, error))?;
    if dry {
        return read.map(|_| reading).map_err(|error| refusal(&error));
    }
    let mut after = Remembered {
        last: now,
        ..before
    };
    match &read {
        Ok(newest) => {
            after.since = Some(*newest);
            after.failed.clear();
            if whole {
                after.whole = now;
            }
        }
        Err(error) => after.failed = error.to_string(),
    }
    let state = codec::encode(&after);
    service
        .call(move |engine| engine.keep_platform_state(SOURCE, &state))
        .await??;
    read.map(|_| reading).map_err(|error| refusal(&error))
}

/// Shows in Moodle what the records of people here say.
///
/// # Errors
/// [`Refusal`] says what is wrong and what to do; what was written before counts.
pub async fn write(home: &Home, service: &Service, dry: bool) -> Result<Writing, Refusal> {
    let mut moodle = moodle(home)?;
    let modules: Vec<ModuleId> = moodle
        .courses()
        .iter()
        .filter_map(CourseConfig::module)
        .collect();
    let people = service
        .call(move |engine| engine.shown_here(&modules))
        .await??;
    let job = move || {
        let mut written = Vec::new();
        let shown = moodle.show(&people, dry, &mut |one| {
            tracing::info!(what = one.what, failed = one.failed, "written to Moodle");
            written.push(one);
        });
        (shown, written)
    };
    let done = tokio::task::spawn_blocking(job).await;
    let (shown, written) = done.map_err(|error| Refusal::new(Kind::Home, error))?;
    shown.map_err(|error| refusal(&error))?;
    Ok(Writing { written, dry })
}
