//! What stands between Moodle and a node's engine: it is read into the records, from where it was read last,
//! with a whole pass once a day, so that what the filter of the last access does not show (a teacher's marks)
//! comes too; and it is shown what the records say.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use spean_protocol::catalogue::ModuleId;
use spean_protocol::codec;
use zeroize::Zeroizing;

use super::client::Client;
use super::source::Moodle;
use crate::api::{Kind, Refusal};
use crate::engine::EngineError;
use crate::engine::accounts::AccountHere;
use crate::home::Home;
use crate::lms::{
    CourseConfig, Finding, Heard, LmsError, LmsSink, LmsSource, PlatformUser, Reading, Remembered,
    Roll, Told, Writing,
};
use crate::service::Service;

/// The name of this source in the keys of what it tells.
const SOURCE: &str = crate::lms::MOODLE;

/// Seconds of this machine's clock after which everything is read again.
const WHOLE_SECONDS: u64 = 24 * 3600;

/// Seconds by which a filter of the last access begins earlier: Moodle writes it once a minute, and it is
/// written before what is done.
const OVERLAP: u64 = 600;

/// How far a reading or a writing is, for whoever asks meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Steps(Arc<(AtomicU64, AtomicU64)>);

impl Steps {
    /// People that are done, of so many.
    #[must_use]
    pub fn now(&self) -> (u64, u64) {
        let (done, of) = &*self.0;
        (done.load(Ordering::Relaxed), of.load(Ordering::Relaxed))
    }

    fn are(&self, done: u64, of: u64) {
        self.0.0.store(done, Ordering::Relaxed);
        self.0.1.store(of, Ordering::Relaxed);
    }
}

/// Says that there is no Moodle in the configuration.
pub(super) fn none() -> Refusal {
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
    Ok(Moodle::new(client, config.course, config.manual_accounts))
}

/// What is read of a home's Moodle: its database, where the configuration names one.
fn source(home: &Home) -> Result<Box<dyn LmsSource + Send>, Refusal> {
    let config = home.config()?.moodle.ok_or_else(none)?;
    let Some(database) = config.database else {
        return Ok(Box::new(moodle(home)?));
    };
    #[cfg(feature = "moodle-database")]
    return Ok(Box::new(super::database::Database::new(
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

/// Who the people here are.
async fn roll(service: &Service) -> Result<Roll, Refusal> {
    let accounts = service
        .call(|engine| engine.accounts_here(&[]))
        .await??
        .into_iter();
    Ok(Roll::of(accounts.map(|(account, _)| PlatformUser {
        id: account.learner.to_string(),
        username: account.username,
    })))
}

/// Looks at the set-up.
///
/// # Errors
/// [`Refusal`] where it cannot even be asked.
pub async fn check(home: &Home, service: &Service) -> Result<Vec<Finding>, Refusal> {
    let mut moodle = moodle(home)?;
    let roll = roll(service).await?;
    let config = home.config()?.moodle;
    let mut database = match config.and_then(|moodle| moodle.database) {
        Some(_) => Some(source(home)?),
        None => None,
    };
    job(move || {
        let read = database.as_mut().map(|one| one.check(&roll)).transpose()?;
        let mut findings = read.unwrap_or_default();
        findings.extend(moodle.check(&roll)?);
        Ok(findings)
    })
    .await
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

/// Since when it is read: with some time before the latest access, until that is settled.
fn read_since(before: &Remembered) -> Option<u64> {
    before.since.map(|since| match before.settled {
        true => since + 1,
        false => since.saturating_sub(OVERLAP),
    })
}

/// What is remembered after a reading that came to its end.
fn after_reading(before: Remembered, newest: u64, now: u64) -> Remembered {
    let same = before.since == Some(newest);
    Remembered {
        since: Some(newest),
        seen: if same { before.seen } else { now },
        // A clock that jumps settles too early; the whole reading of each day has what was missed.
        settled: same && (before.settled || now.abs_diff(before.seen) >= OVERLAP),
        last: now,
        failed: String::new(),
        ..before
    }
}

/// Reads Moodle, as `whole` says or as it is due.
///
/// # Errors
/// [`Refusal`] says what is wrong and what to do; what was read before counts.
pub async fn read(
    home: &Home,
    service: &Service,
    steps: &Steps,
    (whole, dry): (bool, bool),
    now: u64,
) -> Result<Reading, Refusal> {
    let mut moodle = source(home)?;
    let roll = roll(service).await?;
    let before = remembered(service).await?;
    let whole = whole || before.since.is_none() || now.abs_diff(before.whole) >= WHOLE_SECONDS;
    let since = read_since(&before).filter(|_| !whole);
    let engine = service.clone();
    let handle = tokio::runtime::Handle::current();
    let steps = steps.clone();
    let work = move || {
        let mut reading = Reading {
            whole,
            dry,
            ..Reading::default()
        };
        let mut people = BTreeSet::new();
        let mut take = |heard: Heard| {
            let learnt = match heard {
                Heard::Did(learnt) => learnt,
                Heard::Doubt(why) => {
                    reading.doubts.insert(why);
                    return Ok(());
                }
                Heard::Badges(count) => {
                    reading.badges += count;
                    return Ok(());
                }
            };
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
        let read = moodle.read(since, &roll, &|done, of| steps.are(done, of), &mut take);
        steps.are(0, 0);
        reading.people = people.len() as u64;
        Ok((read, reading))
    };
    let (read, reading) = job(work).await?;
    if dry {
        return read.map(|_| reading).map_err(|error| refusal(&error));
    }
    let after = match &read {
        Ok(newest) => {
            let after = after_reading(before, *newest, now);
            match whole {
                true => Remembered {
                    whole: now,
                    ..after
                },
                false => after,
            }
        }
        Err(error) => Remembered {
            last: now,
            failed: error.to_string(),
            ..before
        },
    };
    let state = codec::encode(&after);
    service
        .call(move |engine| engine.keep_platform_state(SOURCE, &state))
        .await??;
    read.map(|_| reading).map_err(|error| refusal(&error))
}

/// Has people let in, where that is done by web services, and shows in Moodle what their records say.
///
/// # Errors
/// [`Refusal`] says what is wrong and what to do; what was written before counts.
pub async fn write(
    home: &Home,
    service: &Service,
    steps: &Steps,
    dry: bool,
) -> Result<Writing, Refusal> {
    let mut moodle = moodle(home)?;
    let modules: Vec<ModuleId> = moodle
        .courses()
        .iter()
        .filter_map(CourseConfig::module)
        .collect();
    let asked = service.call(move |engine| {
        let here = engine.accounts_here(&modules)?;
        let left = engine.left_here()?;
        Ok::<_, EngineError>((engine.shown_here(&modules)?, here, left))
    });
    let (people, here, left) = asked.await??;
    let left: BTreeSet<String> = left.iter().map(ToString::to_string).collect();
    let steps = steps.clone();
    job(move || {
        let mut writing = Writing {
            dry,
            people: people.len() as u64,
            ..Writing::default()
        };
        let mut tell = |told| match told {
            Told::Wrote(one) => {
                tracing::debug!(failed = !one.failed.is_empty(), "written to Moodle");
                writing.written.push(one);
            }
            Told::Doubt(why) => {
                writing.doubts.insert(why);
            }
        };
        let admitted = match moodle.has_manual_accounts() {
            true => moodle.admit(&here, &left, dry, &mut tell),
            false => Ok(()),
        };
        let progress = |done, of| steps.are(done, of);
        let shown = admitted.and_then(|()| moodle.show(&people, dry, &progress, &mut tell));
        steps.are(0, 0);
        shown.map(|()| writing)
    })
    .await
}

/// Gives Moodle a password that somebody typed just now, where accounts are written by web services.
///
/// # Errors
/// [`Refusal`] says what is wrong and what to do.
pub async fn give_password(
    home: &Home,
    account: AccountHere,
    password: Zeroizing<String>,
) -> Result<(), Refusal> {
    let manual = home.config()?.moodle.is_some_and(|one| one.manual_accounts);
    if !manual {
        return Ok(());
    }
    let moodle = moodle(home)?;
    job(move || moodle.set_password(&account, &password)).await
}

/// Asks Moodle, beside the threads that answer others.
pub(super) async fn job<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LmsError> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|error| Refusal::new(Kind::Home, error))?;
    done.map_err(|error| refusal(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: whoever was there last is read again as long as something of that hour may still come, and not for
    /// ever. Method: readings at moments that the test chooses.
    #[test]
    fn an_hour_settles() {
        let mut state = Remembered::default();
        assert_eq!(read_since(&state), None);
        state = after_reading(state, 5_000, 100);
        assert_eq!(read_since(&state), Some(4_400));
        // A quarter of an hour later, once more from before; then only what is newer.
        state = after_reading(state, 5_000, 400);
        assert_eq!(read_since(&state), Some(4_400));
        state = after_reading(state, 5_000, 800);
        assert_eq!(read_since(&state), Some(5_001));
        state = after_reading(state, 5_000, 900);
        assert_eq!(read_since(&state), Some(5_001));
        state = after_reading(state, 6_000, 1_000);
        assert_eq!(read_since(&state), Some(5_400));
    }
}
