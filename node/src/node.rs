//! A node as a whole: the engine's service, the links and the sticks around it. It answers
//! requests, by `answer`; what runs by itself (listening, dialling, flushing) is `run`'s business.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

use spean_protocol::id::LearnerId;
use spean_protocol::roster::{Role, Roster, SignedRoster, Site};
use spean_protocol::session::Outcome;
use tokio::sync::Notify;
use zeroize::Zeroizing;

use crate::answer::{Who, allow, answer_to};
use crate::api::{Kind, Refusal, Reply, Request, RosterLine, RosterPage};
use crate::backup::Sheet;
use crate::backup::write::{BackupLine, Source};
use crate::engine::{Engine, EngineError, install_roster};
use crate::home::{Home, HomeError, Lock};
#[cfg(feature = "moodle")]
use crate::lms::{CourseConfig, Finding};
use crate::offices::Duty;
use crate::service::{NodeEngine, Service, Stopped};
use crate::store::StoreError;
use crate::store::sqlite::Sqlite;
use crate::world::{Machine, World};

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        let kind = match &error {
            EngineError::Store(_) | EngineError::Malformed(_) => Kind::Store,
            EngineError::NotEnrolled
            | EngineError::NotListed
            | EngineError::NoSeed(_)
            | EngineError::Revoked => Kind::Home,
            _ => Kind::Refused,
        };
        Self::new(kind, error)
    }
}

impl From<HomeError> for Refusal {
    fn from(error: HomeError) -> Self {
        Self::new(Kind::Home, error)
    }
}

impl From<Stopped> for Refusal {
    fn from(error: Stopped) -> Self {
        Self::new(Kind::Refused, error)
    }
}

/// The keys that the roster lists, for the links.
pub type KnownKeys = Arc<RwLock<BTreeSet<[u8; 32]>>>;

/// A node, running or opened for one command.
#[derive(Clone)]
pub struct Node {
    /// The engine.
    pub service: Service,
    /// Where it lives.
    pub home: Home,
    /// The keys that links accept.
    pub known: KnownKeys,
    #[cfg(feature = "links")]
    pub(crate) dialler: Arc<crate::dial::Dialler>,
    /// How far Moodle is read or written.
    #[cfg(feature = "moodle")]
    steps: crate::moodle::connector::Steps,
    people_changed: Arc<Notify>,
    _lock: Arc<Lock>,
}

/// Cohorts to come whose box keys a node has ready: two, so that one that runs for a whole cohort
/// without a start has the next one's ready.
const COHORTS_READY: u16 = 2;

impl Node {
    /// Takes the home and opens the engine on it.
    ///
    /// # Errors
    /// [`Refusal`] says what is missing and what to do.
    pub fn open(home: &Home) -> Result<Self, Refusal> {
        let identity = home.identity()?;
        let config = home.config()?;
        let lock = home.lock()?;
        let store = Sqlite::open(&home.database()).map_err(EngineError::from)?;
        let seed = *identity.signing.as_bytes();
        let kept: BTreeSet<u16> = identity.boxes.keys().copied().collect();
        let mut engine = Engine::open(store, identity, Box::new(Machine))?;
        drop_destroyed(home, &mut engine)?;
        let ready = engine.roster().cohort.saturating_add(COHORTS_READY);
        // A machine that was made anew is given old keys under keys of their cohorts.
        let first = match engine.roster().was_made_anew(engine.site()) {
            true => engine.destroyed_upto()?.saturating_add(1),
            false => kept.last().map_or(engine.roster().cohort, |newest| *newest) + 1,
        };
        let lacks: Vec<u16> = (first..=ready)
            .filter(|cohort| !kept.contains(cohort))
            .collect();
        for (cohort, seed) in home.make_boxes(&lacks, &mut Machine)? {
            engine.add_box(cohort, seed);
        }
        let known = Arc::new(RwLock::new(keys_of(engine.roster())));
        let (service, _thread) =
            Service::start(engine).map_err(|error| Refusal::new(Kind::Home, error))?;
        #[cfg(not(feature = "links"))]
        let _ = (seed, config);
        Ok(Self {
            #[cfg(feature = "links")]
            dialler: Arc::new(crate::dial::Dialler::new(seed, config, known.clone())),
            #[cfg(feature = "moodle")]
            steps: crate::moodle::connector::Steps::default(),
            service,
            home: home.clone(),
            known,
            people_changed: Arc::new(Notify::new()),
            _lock: Arc::new(lock),
        })
    }

    /// Answers a request.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn answer(&self, request: Request) -> Result<Reply, Refusal> {
        let (who, request) = match request {
            Request::By {
                officer,
                why,
                request,
            } => (Who::new(officer, &why)?, *request),
            plain => (Who::default(), plain),
        };
        // Before anything is done for him, whoever does it.
        if let Some(number) = who.officer {
            let duty = Duty::of(&request);
            self.service
                .call(move |engine| allow(engine, number, duty))
                .await??;
        }
        match &request {
            Request::LearnerFind { .. }
            | Request::LearnerDuplicates(_)
            | Request::LearnerShow(_)
            | Request::TransferList
            | Request::StickExport { .. }
            | Request::Sync { .. }
            | Request::TransferSlip { .. }
            | Request::Worklist
            | Request::WorkPair { .. }
            | Request::WorkDecide { .. }
            | Request::ToSign(_)
            | Request::Sign { .. }
            | Request::Erase { .. }
            | Request::Shred { .. }
            | Request::Totals(_)
            | Request::TotalsOf { .. } => self.service.fold_all().await?,
            _ => {}
        }
        match request {
            Request::Flush => Ok(Reply::Events(self.flush().await?)),
            moodle @ (Request::MoodleAdopt { .. }
            | Request::MoodleAdoptUndo(_)
            | Request::MoodleCheck
            | Request::MoodlePull { .. }
            | Request::MoodlePush { .. }
            | Request::MoodleSteps
            | Request::MoodleStatus) => self.moodle(moodle).await,
            Request::Sync { peer } => Ok(Reply::Synced(self.sync(&peer).await?)),
            Request::Backup { directory } => {
                Ok(Reply::Backup(self.backup(directory.into()).await?))
            }
            Request::RosterInstall { bytes } => {
                let page = self
                    .service
                    .call(move |engine| install(engine, &bytes))
                    .await??;
                self.renew_known().await?;
                Ok(Reply::Roster(page))
            }
            other => {
                let changes = changes_accounts(&other);
                let answered = self
                    .service
                    .call(move |engine| answer_to(engine, who, other))
                    .await?;
                if changes {
                    self.show_accounts().await;
                    self.people_changed.notify_one();
                }
                answered
            }
        }
    }

    /// Waits until somebody comes, leaves, or gets an account.
    pub async fn people_changed(&self) {
        self.people_changed.notified().await;
    }

    /// Gives somebody who is here another password: the node keeps what it is checked against, and Moodle gets it
    /// where it takes no file. Returns whether Moodle lets him in with it: a failure there undoes nothing here, and
    /// the same password can be given again.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn give_password(
        &self,
        learner: LearnerId,
        verifier: String,
        password: &Zeroizing<String>,
    ) -> Result<bool, Refusal> {
        let give = Request::AccountGive {
            learner,
            username: None,
            verifier,
        };
        self.answer(give).await?;
        match self.pass_on(learner, password).await {
            Ok(()) => Ok(true),
            Err(refusal) => {
                tracing::warn!(%refusal, "a password did not come to Moodle");
                Ok(false)
            }
        }
    }

    #[cfg(feature = "moodle")]
    async fn pass_on(
        &self,
        learner: LearnerId,
        password: &Zeroizing<String>,
    ) -> Result<(), Refusal> {
        if let Reply::AccountOf(account) = self.answer(Request::AccountOf(learner)).await? {
            let password = password.clone();
            crate::moodle::connector::give_password(&self.home, *account, password).await?;
        }
        Ok(())
    }

    #[cfg(not(feature = "moodle"))]
    async fn pass_on(&self, _: LearnerId, _: &Zeroizing<String>) -> Result<(), Refusal> {
        Ok(())
    }

    /// Seals what has gathered; returns how many events.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn flush(&self) -> Result<u64, Refusal> {
        let home = self.home.clone();
        let flushed = self.service.call(move |engine| {
            let events = engine.flush()?;
            drop_destroyed(&home, engine)?;
            Ok::<_, Refusal>(events)
        });
        let events = flushed.await??;
        self.show_accounts().await;
        Ok(events)
    }

    /// Has Moodle let in whose record was opened by what came meanwhile, by a link or a stick.
    pub async fn show_opened(&self) {
        match self.service.call(Engine::take_refreshed).await {
            Ok(true) => self.show_accounts().await,
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "accounts for Moodle"),
        }
    }

    /// The same after something else, which is done whatever becomes of the file.
    async fn show_accounts(&self) {
        if let Err(error) = self.write_accounts().await {
            tracing::error!(%error, "accounts for Moodle");
        }
    }

    /// Writes the file with which Moodle lets people in, where the configuration names one.
    ///
    /// # Errors
    /// [`Refusal`] where the file cannot be written: the one before is as it was.
    #[cfg(feature = "moodle")]
    pub async fn write_accounts(&self) -> Result<(), Refusal> {
        let Some(moodle) = self.home.config()?.moodle else {
            return Ok(());
        };
        // Before anybody else can be given a name that is somebody's there.
        let held = self.service.call(Engine::hold_usernames);
        held.await??;
        let Some(path) = moodle.accounts else {
            return Ok(());
        };
        let modules = moodle
            .course
            .iter()
            .filter_map(CourseConfig::module)
            .collect::<Vec<_>>();
        let accounts = self
            .service
            .call(move |engine| engine.accounts_here(&modules))
            .await??;
        let courses = moodle.course;
        let write = move || crate::moodle::accounts::write(&path, &accounts, &courses);
        let written = tokio::task::spawn_blocking(write).await;
        let written = written.map_err(|error| Refusal::new(Kind::Home, error))?;
        let message = |error| format!("config.toml: moodle.accounts: {error}");
        match written {
            Ok(changed) => tracing::debug!(changed, "accounts for Moodle"),
            Err(error) => return Err(Refusal::new(Kind::Home, message(error))),
        }
        Ok(())
    }

    /// Without Moodle there is none.
    ///
    /// # Errors
    /// None.
    #[cfg(not(feature = "moodle"))]
    pub async fn write_accounts(&self) -> Result<(), Refusal> {
        Ok(())
    }

    /// Writes a backup of the whole node into a directory. The database stands still for it from one
    /// moment on, while the node works and writes beside it.
    ///
    /// # Errors
    /// [`Refusal`] when there is no sheet, another backup is being made, or the stick fails.
    pub async fn backup(&self, directory: PathBuf) -> Result<BackupLine, Refusal> {
        // Before anything stands still.
        Sheet::of(&self.home)?;
        let home = self.home.clone();
        let source = self.service.call(move |engine| {
            let frozen = engine.store().freeze().map_err(|error| match error {
                StoreError::Locked => Refusal::new(
                    Kind::Refused,
                    "a backup is being made already: wait for its end",
                ),
                other => EngineError::from(other).into(),
            })?;
            let of = (engine.site(), engine.roster());
            let source = Source::of(&home, of, frozen, Machine.wall_seconds());
            if source.is_err() {
                engine.store().thaw().map_err(EngineError::from)?;
            }
            source
        });
        let source = source.await??;
        let stop = StopWhenDropped::default();
        let stopped = stop.0.clone();
        let written =
            tokio::task::spawn_blocking(move || source.write(&directory, &stopped, &mut Machine));
        let written = written.await;
        // Only if it stood still to the end is the copy one of a moment. A node that stops writes its log
        // into the database, and does not come here.
        let thawed = self.service.call(|engine| engine.store().thaw()).await;
        let written = written.map_err(|error| Refusal::new(Kind::Store, error))??;
        match thawed {
            Ok(Ok(())) => written.keep(),
            Ok(Err(error)) => {
                written.discard();
                Err(EngineError::from(error).into())
            }
            Err(error) => {
                written.discard();
                Err(error.into())
            }
        }
    }

    /// Exchanges with a peer that the configuration names.
    ///
    /// # Errors
    /// [`Refusal`] of kind `Link` when the peer does not answer or the line is cut.
    #[cfg(feature = "links")]
    pub async fn sync(&self, peer: &str) -> Result<Outcome, Refusal> {
        let code = peer.to_owned();
        let found = self.service.call(move |engine| {
            let site = engine.site_of(&code)?;
            let keys = engine.roster().keys(site).to_vec();
            Ok::<_, EngineError>((site, keys))
        });
        let (site, keys) = found.await??;
        let outcome = self
            .dialler
            .exchange(&self.service, peer, site, &keys)
            .await?;
        self.renew_known().await?;
        self.service
            .call(move |engine| engine.note_exchange(site))
            .await??;
        Ok(outcome)
    }

    /// Looks at the Moodle beside this node, or reads it.
    #[cfg(feature = "moodle")]
    async fn moodle(&self, request: Request) -> Result<Reply, Refusal> {
        use crate::moodle::{adoption, connector};
        Ok(match request {
            Request::MoodleCheck => {
                let mut findings = connector::check(&self.home, &self.service).await?;
                if let Err(refusal) = self.write_accounts().await {
                    findings.push(Finding {
                        serious: true,
                        message: refusal.message,
                    });
                }
                Reply::Findings(findings)
            }
            Request::MoodleAdopt {
                passwords,
                by_file,
                dry,
            } => {
                let adopt = adoption::adopt(&self.home, &self.service, passwords, dry);
                let (mut adopting, found) = adopt.await?;
                if !dry {
                    self.write_accounts().await?;
                }
                let of = (by_file, dry);
                let mark = adoption::mark_adopted(&self.home, &self.service, found, of);
                adopting.written.extend(mark.await?);
                Reply::Adopting(Box::new(adopting))
            }
            Request::MoodleAdoptUndo(number) => {
                let undo = adoption::undo_adoption(&self.home, &self.service, number);
                let adopting = undo.await?;
                self.write_accounts().await?;
                Reply::Adopting(Box::new(adopting))
            }
            Request::MoodlePull { whole, dry } => {
                let now = Machine.wall_seconds();
                let of = (whole, dry);
                let read = connector::read(&self.home, &self.service, &self.steps, of, now);
                Reply::Reading(read.await?)
            }
            Request::MoodlePush { dry } => {
                let write = connector::write(&self.home, &self.service, &self.steps, dry);
                Reply::Writing(write.await?)
            }
            Request::MoodleSteps => {
                let (done, of) = self.steps.now();
                Reply::Steps { done, of }
            }
            _ => Reply::Remembered(connector::remembered(&self.service).await?),
        })
    }

    /// Without it there is nothing to ask.
    #[cfg(not(feature = "moodle"))]
    async fn moodle(&self, _request: Request) -> Result<Reply, Refusal> {
        let message = "this program was built without Moodle";
        Err(Refusal::new(Kind::Refused, message))
    }

    /// Without links there is nothing to dial with.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(feature = "links"))]
    pub async fn sync(&self, _peer: &str) -> Result<Outcome, Refusal> {
        Err(Refusal::new(
            Kind::Link,
            "this program was built without links: use sticks",
        ))
    }

    /// Tells the links which keys the roster lists by now.
    ///
    /// # Errors
    /// When the node stops.
    pub async fn renew_known(&self) -> Result<(), Refusal> {
        let keys = self.service.call(|engine| keys_of(engine.roster())).await?;
        if let Ok(mut known) = self.known.write() {
            *known = keys;
        }
        Ok(())
    }
}

/// Whether a request may change who has an account here.
const fn changes_accounts(request: &Request) -> bool {
    matches!(
        request,
        Request::AccountGive { .. }
            | Request::TransferOut { .. }
            | Request::TransferIn { .. }
            | Request::TransferInAnnounced { .. }
            | Request::TransferUndo(_)
    )
}

/// Ends what works elsewhere for a request that is dropped: the node stops.
#[derive(Default)]
struct StopWhenDropped(Arc<AtomicBool>);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn keys_of(roster: &Roster) -> BTreeSet<[u8; 32]> {
    roster
        .sites
        .iter()
        .flat_map(|site| site.keys.iter().copied())
        .collect()
}

/// Takes the seeds of destroyed keys out of the key file, and says so in the log.
fn drop_destroyed(home: &Home, engine: &mut NodeEngine) -> Result<(), Refusal> {
    if let Some(cohort) = engine.destroyed()? {
        // Old pages of the store, and of its log, have the destroyed keys until they are written over.
        match engine.store().checkpoint() {
            // A backup is being made: at the next flush.
            Err(StoreError::Locked) => return Ok(()),
            emptied => emptied.map_err(EngineError::from)?,
        }
        home.drop_boxes(cohort)?;
        engine.keys_are_gone(cohort)?;
    }
    Ok(())
}

/// Installs the first roster of a home that has none.
///
/// # Errors
/// [`Refusal`].
pub fn install_first(home: &Home, bytes: &[u8]) -> Result<RosterPage, Refusal> {
    let _lock = home.lock()?;
    let mut store = Sqlite::open(&home.database()).map_err(EngineError::from)?;
    let signed = decode_roster(bytes)?;
    let roster = install_roster(&mut store, &signed)?;
    Ok(roster_page(&roster))
}

fn decode_roster(bytes: &[u8]) -> Result<SignedRoster, Refusal> {
    SignedRoster::decode(bytes)
        .map_err(|error| Refusal::new(Kind::Refused, format!("this is no roster: {error}")))
}

fn install(engine: &mut NodeEngine, bytes: &[u8]) -> Result<RosterPage, Refusal> {
    let signed = decode_roster(bytes)?;
    engine.take_roster(&signed)?;
    Ok(roster_page(engine.roster()))
}

/// The roster for people.
#[must_use]
pub fn roster_page(roster: &Roster) -> RosterPage {
    let line = |site: &Site| RosterLine {
        code: site.code.clone(),
        name: site.name.clone(),
        role: role_name(site.role).to_owned(),
        number: site.id.0,
        revoked: roster.revoked_of(site.id).count(),
        closed: site.keys.is_empty(),
    };
    RosterPage {
        version: roster.version,
        cohort: roster.cohort,
        roots: (roster.threshold, roster.roots.len()),
        seal: roster.seal(),
        sites: roster.sites.iter().map(line).collect(),
    }
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Prison => "prison",
        Role::Headquarters => "headquarters",
    }
}
