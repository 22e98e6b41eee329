//! The engine: the only code that changes state. Synchronous, over a [`Store`] and a [`World`].
//! Each input is one transaction: it happens wholly or not at all, and once it is acknowledged a
//! power cut does not undo it. Receiving stores ciphertext and marks records; folding them is a
//! separate, bounded input.
//!
//! One file per kind of input: [`mod@write`] and [`own_log`] (events of this site), [`receive`] (what
//! comes from others, with [`entries`], [`receipts`] and [`aside`]; [`host`] is what a session asks),
//! [`fold`] (from ciphertext to records and totals), [`depart`], [`arrive`] and [`undo`] (learners
//! move, with [`grants`] and [`slips`] of keys; [`state`] says how it stands), [`letters`] (what nodes
//! tell each other of it; [`ahead`] is what goes ahead of its turn), [`questions`], [`giving`],
//! [`whereabouts`], [`decisions`] and [`candidates`] (the DGP's desk; [`duplicates`] lists who may be one
//! person, by [`folding`]), [`carry`] (bundles), [`import`], [`accounts`] and [`learning`] (the platform beside the node), [`report`] (what people ask), [`officers`] and
//! [`signatures`] (who signs what), [`openings`] (who looks at whom), [`erasure`] with
//! [`remains`], and [`collisions`]; of keys, [`cohort`] (the next ones), [`due`] and [`shredding`] (the old ones),
//! [`revocation`] and [`beyond`] (stolen ones), [`returned`] and [`rebuild`] (those of a machine that is
//! made anew).

pub mod accounts;
pub mod ahead;
pub mod arrive;
pub mod aside;
pub mod beyond;
pub mod candidates;
pub mod carry;
pub mod cohort;
pub mod collisions;
pub mod decisions;
pub mod depart;
pub mod due;
pub mod duplicates;
pub mod entries;
pub mod erasure;
pub mod events;
pub mod fold;
pub mod folding;
pub mod fork;
pub mod giving;
pub mod grants;
pub mod host;
pub mod import;
pub mod keys;
pub mod learning;
pub mod letters;
pub mod officers;
pub mod openings;
mod own_events;
pub mod own_log;
pub mod questions;
pub mod rebuild;
pub mod receipts;
pub mod receive;
pub mod remains;
pub mod report;
pub mod returned;
pub mod revocation;
pub mod shredding;
pub mod signatures;
pub mod slips;
pub mod state;
pub mod undo;
pub mod whereabouts;
pub mod write;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use spean_protocol::codec::{self, DecodeError};
use spean_protocol::event::CsvProblem;
use spean_protocol::frontier::RunTag;
use spean_protocol::id::{Label, LearnerId, RunId, SiteId};
use spean_protocol::log::{ForkProof, Run, Skeleton};
use spean_protocol::officer::SubjectTag;
use spean_protocol::receipt::{Receipt, Statement};
use spean_protocol::record::RecordError;
use spean_protocol::roster::{self, Role, Roster, RosterError, SignedRoster};
use spean_protocol::seal::{BoxKey, SealError, Secret, box_key, derive};
use spean_protocol::slip::SlipError;

use crate::mutant::{self, Mutant};
use crate::store::{Store, StoreError, Table};
use crate::world::World;
use keys::Opener;

/// Why an input was refused. Nothing of it was kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This node has no roster yet.
    #[error(
        "this node is not enrolled: give its request file to whoever keeps the roster, then run \
         'spean roster install FILE'"
    )]
    NotEnrolled,
    /// The roster does not list this node's key.
    #[error("the roster does not list this node's key: enrol it, or check that --home is right")]
    NotListed,
    /// The key file has not the box key that the roster lists.
    #[error(
        "the key file lacks this node's key of cohort {0}: it is an old copy, or of an old backup. Copy the \
         newest keys.toml back, or restore a newer backup; without one, make a new node and have it enrolled \
         with --again"
    )]
    NoSeed(u16),
    /// The roster revokes this node's key.
    #[error(
        "this node's key was revoked by the officials: nobody takes what it writes any more. Call the \
         head office; a new node ('spean init' in another folder) gets keys of its own"
    )]
    Revoked,
    /// A roster was refused.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// A slip was refused.
    #[error(transparent)]
    Slip(#[from] SlipError),
    /// A slip for another prison, by its code.
    #[error(
        "this slip is for {0}, not for this prison: admit him by the id on his card, the head office \
         is asked for the key; or ask the sender for a slip to this prison"
    )]
    SlipElsewhere(String),
    /// A slip that its issuer, by its code, did not sign.
    #[error("this slip is not signed by {0}: ask for a new one; somebody may have changed it")]
    SlipUnsigned(String),
    /// A slip that no trusted key of its issuer, by its code, signed, and a key of it is revoked.
    #[error(
        "this slip is signed by no key of {0} that is trusted: it may be older than the theft of its \
         computer. Admit him by the id on his card, the head office is asked for the key"
    )]
    SlipRevoked(String),
    /// Nobody of that id is known here.
    #[error("no learner {0} here: search by name, or admit him by his card or slip")]
    UnknownLearner(LearnerId),
    /// The learner's stay here is not open.
    #[error("learner {0} is not at this site now: only late events of his stay can be added")]
    NotHere(LearnerId),
    /// The learner is here already.
    #[error("learner {0} is here already")]
    AlreadyHere(LearnerId),
    /// No site of that code.
    #[error("no site '{0}' in the roster: 'spean roster show' lists the codes")]
    UnknownSite(String),
    /// A site without a usable key.
    #[error("{0} has no box key in the roster: it must be enrolled first")]
    NoBoxKey(SiteId),
    /// A column that cannot be used.
    #[error("{0}")]
    Column(CsvProblem),
    /// A row of learners that cannot be used.
    #[error("{0}")]
    Row(String),
    /// What was asked cannot be done, and what to do instead.
    #[error("{0}")]
    Refused(String),
    /// What this node itself kept does not decode: the database was changed from outside.
    #[error("the database holds something malformed ({0}): restore the last backup")]
    Malformed(&'static str),
    /// Too large to seal or to send.
    #[error("too large: {0}")]
    TooLarge(&'static str),
}

impl From<DecodeError> for EngineError {
    fn from(error: DecodeError) -> Self {
        codec_error(error)
    }
}

/// For what this node itself encoded: if it does not decode, the database was changed.
pub(crate) fn codec_error(_: DecodeError) -> EngineError {
    EngineError::Malformed("an encoded value")
}

impl From<SealError> for EngineError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::TooLarge => Self::TooLarge("a parcel"),
            _ => Self::Malformed("a sealed value"),
        }
    }
}

impl From<RecordError> for EngineError {
    fn from(_: RecordError) -> Self {
        Self::Malformed("a record")
    }
}

/// What makes a node itself. Kept in a file of its own, never in the database.
#[derive(Clone)]
pub struct Identity {
    /// Signs the log and the links.
    pub signing: SigningKey,
    /// The seeds of its box keys, by cohort.
    pub boxes: BTreeMap<u16, Secret>,
    /// Keys the ids of imported rows, and joins every derivation of randomness.
    pub secret: Secret,
}

/// The engine of one node.
pub struct Engine<S> {
    store: S,
    world: Box<dyn World>,
    identity: Identity,
    site: SiteId,
    roster: Roster,
    signed_roster: SignedRoster,
    skeleton: Skeleton,
    receipts: BTreeMap<SiteId, (Receipt, Statement)>,
    forks: BTreeMap<RunTag, RunId>,
    /// The run that this start of the program writes; opened by its first write.
    run: Option<RunId>,
    /// The wall clock when it was opened.
    run_since: Option<u64>,
    /// What is in memory may not be what is stored: an input failed.
    stale: bool,
    /// A question of the log, whose answer has no room for an error, met one: the input fails.
    unread: Cell<Option<StoreError>>,
    /// Something came that may ask something of this node.
    due: bool,
    /// Something was posted that somebody waits for.
    posted: bool,
    /// What is known of somebody was computed anew.
    refreshed: bool,
    /// Runs and chains whose row is written when the input ends.
    touched: BTreeSet<RunId>,
    /// Runs of which this input has learned what stands below them.
    reordered: BTreeSet<RunId>,
    /// What officers signed in this input.
    signed: BTreeSet<SubjectTag>,
    /// Officers of whom this input says something new: what they signed may count now.
    signers: BTreeSet<(SiteId, u16)>,
    /// Of runs of sites with revoked keys: the one of those that opened it.
    opened_by: RefCell<BTreeMap<RunId, Option<[u8; 32]>>>,
    /// For recent runs, which keys open which labels.
    openers: BTreeMap<RunId, BTreeMap<Label, Opener>>,
}

const ROSTER: &[u8] = b"roster";

/// Installs a roster in a store before there is an engine, or a newer one later.
///
/// # Errors
/// [`EngineError::Roster`] when it is refused, [`EngineError::Store`].
pub fn install_roster<S: Store>(
    store: &mut S,
    signed: &SignedRoster,
) -> Result<Roster, EngineError> {
    let held = match store.read(Table::Meta, ROSTER)? {
        Some(bytes) => Some(SignedRoster::decode(&bytes)?.preview()?),
        None => None,
    };
    let roster = signed.accept(held.as_ref())?;
    store.begin()?;
    store.write(Table::Meta, ROSTER, &signed.encode())?;
    store.commit()?;
    Ok(roster)
}

/// What is done with one row of a table.
type RowWork<S> = fn(&mut Engine<S>, &[u8], &[u8]) -> Result<(), EngineError>;

impl<S: Store> Engine<S> {
    /// Opens the engine on what the store keeps.
    ///
    /// # Errors
    /// [`EngineError::NotEnrolled`], [`EngineError::NotListed`], or what the store says.
    pub fn open(store: S, identity: Identity, world: Box<dyn World>) -> Result<Self, EngineError> {
        let bytes = store
            .read(Table::Meta, ROSTER)?
            .ok_or(EngineError::NotEnrolled)?;
        let signed_roster = SignedRoster::decode(&bytes)?;
        let roster = signed_roster.preview()?;
        let key = identity.signing.verifying_key().to_bytes();
        let unlisted = match roster.revocation(&key) {
            Some(_) => EngineError::Revoked,
            None => EngineError::NotListed,
        };
        let site = roster.by_key(&key).ok_or(unlisted)?.id;
        let cohort = roster.cohort_of(site);
        let listed = roster.site(site).and_then(|site| site.boxes.get(&cohort));
        let has = |key: &BoxKey| identity.boxes.values().any(|seed| box_key(seed) == *key);
        let newest = roster.keys(site).last() == Some(&key);
        if newest && listed.is_some_and(|listed| !has(listed)) {
            return Err(EngineError::NoSeed(cohort));
        }
        let mut engine = Self {
            store,
            world,
            identity,
            site,
            roster,
            signed_roster,
            skeleton: Skeleton::default(),
            receipts: BTreeMap::new(),
            forks: BTreeMap::new(),
            run: None,
            run_since: None,
            stale: false,
            unread: Cell::new(None),
            due: true,
            posted: false,
            refreshed: false,
            touched: BTreeSet::new(),
            reordered: BTreeSet::new(),
            signed: BTreeSet::new(),
            signers: BTreeSet::new(),
            opened_by: RefCell::default(),
            openers: BTreeMap::new(),
        };
        engine.reload()?;
        if !engine.roster.revoked.is_empty() {
            // The roster may have been installed before the engine was here.
            engine.input(Self::follow_roster)?;
        }
        Ok(engine)
    }

    /// What is kept, for backups of it and for tests.
    #[must_use]
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// This node's site.
    #[must_use]
    pub const fn site(&self) -> SiteId {
        self.site
    }

    /// The roster in force.
    #[must_use]
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Whether this node is the DGP's.
    #[must_use]
    pub fn is_headquarters(&self) -> bool {
        self.roster
            .headquarters()
            .is_some_and(|site| site.id == self.site)
    }

    /// The code of a site, for people.
    #[must_use]
    pub fn code(&self, site: SiteId) -> String {
        self.roster
            .site(site)
            .map_or_else(|| site.to_string(), |site| site.code.clone())
    }

    /// The site of a code.
    ///
    /// # Errors
    /// [`EngineError::UnknownSite`].
    pub fn site_of(&self, code: &str) -> Result<SiteId, EngineError> {
        let site = self.roster.by_code(code);
        site.map(|site| site.id)
            .ok_or_else(|| EngineError::UnknownSite(code.to_owned()))
    }

    /// Runs one input as one transaction.
    fn input<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        if self.stale {
            self.reload()?;
        }
        self.unread.set(None);
        self.store.begin()?;
        let done = work(self);
        let done = self.unread.take().map_or(done, |error| Err(error.into()));
        let done = done.and_then(|value| {
            self.apply_cuts(false)?;
            self.mark_signed()?;
            self.mark_reordered()?;
            self.save_runs()?;
            self.store.commit()?;
            Ok(value)
        });
        if done.is_err() {
            self.store.rollback();
            // If even reading fails now, the next input begins with reading.
            self.stale = true;
            self.due = true;
            self.reload()?;
        }
        done
    }

    /// Whether what is known of anybody was computed anew since this was asked last.
    pub fn take_refreshed(&mut self) -> bool {
        std::mem::take(&mut self.refreshed)
    }

    /// Whether something was posted since this was asked last that somebody waits for.
    pub fn take_posted(&mut self) -> bool {
        std::mem::take(&mut self.posted)
    }

    /// Does what a rule can do with what came: answers, links, keys to grant on, records to note as
    /// open. Whatever it writes is sealed by the next flush, or at once where it is a letter.
    fn duties(&mut self) -> Result<(), EngineError> {
        self.due = false;
        self.for_each(Table::Here, Self::obey_answers)?;
        self.note_open_records()?;
        self.for_each(Table::Away, Self::grant_on)?;
        if self.is_headquarters() {
            self.return_custody()?;
            self.for_each(Table::Work, Self::answer_question)?;
            self.for_each(Table::Told, Self::tell_each_other)?;
        }
        Ok(())
    }

    /// Does something with every row of a table. What cannot be done of one is set aside: one
    /// learner's trouble stops nobody's exchange.
    fn for_each(&mut self, table: Table, work: RowWork<S>) -> Result<(), EngineError> {
        for (key, row) in self.store.scan(table, &[], &[], usize::MAX)? {
            match work(self, &key, &row) {
                Err(error) if !matches!(error, EngineError::Store(_)) => {
                    self.set_aside(&format!("something to do that cannot be done: {error}"))?;
                }
                done => done?,
            }
        }
        Ok(())
    }

    fn save_runs(&mut self) -> Result<(), EngineError> {
        for id in std::mem::take(&mut self.touched) {
            let Some(run) = self.skeleton.run(id) else {
                continue;
            };
            self.store.write(Table::Run, &id.0, &codec::encode(run))?;
        }
        Ok(())
    }

    /// Reads everything that is kept in memory from the store again.
    fn reload(&mut self) -> Result<(), EngineError> {
        let roster = self
            .store
            .read(Table::Meta, ROSTER)?
            .ok_or(EngineError::NotEnrolled)?;
        self.signed_roster = SignedRoster::decode(&roster)?;
        self.roster = self.signed_roster.preview()?;
        self.touched.clear();
        self.reordered.clear();
        self.signed.clear();
        self.signers.clear();
        self.openers.clear();
        self.opened_by.borrow_mut().clear();
        let mut rows = Vec::new();
        for (key, value) in self.store.scan(Table::Run, &[], &[], usize::MAX)? {
            let id = key
                .try_into()
                .map_err(|_| EngineError::Malformed("a run's id"))?;
            rows.push((RunId(id), codec::decode::<Run>(&value)?));
        }
        rows.sort_by_key(|(_, run)| run.number);
        self.skeleton = Skeleton::default();
        for (id, run) in rows {
            self.skeleton.restore(id, run);
        }
        self.forks.clear();
        for (_, value) in self.store.scan(Table::Fork, &[], &[], usize::MAX)? {
            let run = codec::decode::<ForkProof>(&value)?.run()?;
            self.forks.insert(run.into(), run);
        }
        self.run = self.run.filter(|run| self.skeleton.run(*run).is_some());
        self.receipts.clear();
        for (_, value) in self.store.scan(Table::Receipt, &[], &[], usize::MAX)? {
            let (receipt, statement) = Receipt::decode(&value)?;
            self.receipts.insert(statement.site, (receipt, statement));
        }
        self.stale = false;
        Ok(())
    }

    /// Fresh bytes for one use: system randomness, the node's secret and what it is for, so that
    /// two clones of one machine do not repeat each other.
    fn entropy(&mut self, content: &[u8]) -> [u8; 32] {
        let random = self.world.random();
        derive(
            "spean 2026 entropy v1",
            &[&random, &self.identity.secret.0, content],
        )
    }

    fn fresh_id(&mut self, use_of: &str, content: &[u8]) -> [u8; 16] {
        let mut id = [0; 16];
        id.copy_from_slice(&self.entropy(&codec::encode(&(use_of, content)))[..16]);
        id
    }

    /// The key that seals sticks outside.
    ///
    /// # Errors
    /// [`EngineError::NotListed`] when the roster's copy is for another box key.
    pub fn carrier(&self) -> Result<Secret, EngineError> {
        let wrap = self
            .roster
            .site(self.site)
            .map(|site| site.carrier.as_slice());
        let seeds = self.identity.boxes.values();
        let mut opened =
            seeds.filter_map(|seed| roster::open_carrier(seed, wrap.unwrap_or_default()).ok());
        opened.next().ok_or(EngineError::NotListed)
    }

    /// The roster in force with its signatures, and one that follows it and version `after`, as
    /// `change` makes it of the roster, the key that seals sticks and fresh randomness: for the roots
    /// to sign.
    ///
    /// # Errors
    /// [`EngineError::NotListed`] without that key; what `change` says; [`EngineError::Roster`] for
    /// a roster that contradicts itself; [`EngineError::Refused`] where no version is left.
    pub fn propose<E: From<EngineError>>(
        &mut self,
        after: u32,
        change: impl FnOnce(&mut Roster, &Secret, &mut dyn World) -> Result<(), E>,
    ) -> Result<(SignedRoster, SignedRoster), E> {
        let carrier = self.carrier()?;
        let mut next = self.roster.clone();
        let last = next.version.max(after);
        let none = || EngineError::Refused("no version of a roster follows that one".into());
        next.version = last.checked_add(1).ok_or_else(none)?;
        change(&mut next, &carrier, &mut *self.world)?;
        next.check().map_err(EngineError::from)?;
        Ok((self.signed_roster.clone(), SignedRoster::propose(&next)))
    }

    /// Takes a newer roster.
    ///
    /// # Errors
    /// [`EngineError::Roster`] when it is refused.
    pub fn take_roster(&mut self, signed: &SignedRoster) -> Result<(), EngineError> {
        self.input(|engine| engine.put_roster(signed))
    }

    fn put_roster(&mut self, signed: &SignedRoster) -> Result<(), EngineError> {
        let roster = signed.accept(Some(&self.roster))?;
        if !mutant::is_on(Mutant::RosterNotStored) {
            self.store.write(Table::Meta, ROSTER, &signed.encode())?;
        }
        tracing::info!(version = roster.version, "a new roster is in force");
        self.roster = roster;
        self.signed_roster = signed.clone();
        self.follow_roster()
    }

    /// What a roster asks of what is here already.
    fn follow_roster(&mut self) -> Result<(), EngineError> {
        if let Err(error) = self.may_write() {
            tracing::error!(%error, "this node writes no more");
        }
        self.due = true;
        self.opened_by.borrow_mut().clear();
        self.drop_vouched_by_revoked()?;
        self.apply_cuts(true)
    }

    /// Refuses what nobody would take.
    fn may_write(&self) -> Result<(), EngineError> {
        let key = self.identity.signing.verifying_key().to_bytes();
        match self.roster.revocation(&key) {
            Some(_) => Err(EngineError::Revoked),
            None => Ok(()),
        }
    }

    /// Whether this node reads everybody's education records, or only those of its own learners.
    fn reads_everyone(&self) -> bool {
        self.roster
            .site(self.site)
            .is_some_and(|site| site.role == Role::Headquarters)
    }
}
