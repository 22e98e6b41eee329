//! What the engine keeps, behind one small trait: tables of keys and values for the truth (logs,
//! keys, records) and two read models (learners, contributions) so that no screen loads a
//! document. The engine alone opens transactions. Every store passes the same `contract`.

#[cfg(test)]
mod contract;
pub mod memory;
pub mod sqlite;

use spean_protocol::id::LearnerId;
use spean_protocol::totals::{Contribution, LearnerFacts};

/// A table of keys and values, ordered by key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Single values by name: roster, identity, counters.
    Meta,
    /// Run id: what is held of that run.
    Run,
    /// Run number, height: a control segment on the wire.
    Control,
    /// Run number, height: signature and header of a data segment.
    Segment,
    /// Label, run number, height, index: a sealed parcel.
    Parcel,
    /// Run tag: a fork proof.
    Fork,
    /// Site: the newest receipt of that author.
    Receipt,
    /// Site, cohort, stream, name: a custody key.
    Custody,
    /// Site, learner, stream, stay, name: a stay key.
    StayKey,
    /// Learner: the stay that is open at this site.
    Stay,
    /// Custody name, learner, stay: listed in this site's register.
    Registered,
    /// Learner, stream, number: an event that the next flush seals.
    Pending,
    /// Learner, stream, label: parcels of that label wait to be folded.
    Dirty,
    /// Learner, stream: document and chains.
    Record,
    /// Site: the newest anonymous statement on restricted data.
    Statement,
    /// Learner: a site's own row key for a learner, for imports.
    Source,
    /// Learner: what his record says of other learners.
    Link,
    /// Number: a piece that was refused, with its reason.
    Aside,
    /// Learner, site that says so: who is on his way here.
    Expected,
    /// Learner: who was admitted here from elsewhere, while he stays.
    Here,
    /// Learner: who left, and what became of it.
    Away,
    /// Question or stay: what waits at the DGP.
    Work,
    /// Learner, site, key's fingerprint: a key that the site was given.
    Given,
    /// Site, run, height: a control segment of this site's that is urgent for that site.
    Urgent,
    /// Site, hash: a control segment that was read ahead of its turn.
    Ahead,
    /// Learner: which sites the DGP told of which stays elsewhere.
    Told,
    /// Site, log, height, hash: a segment that a revoked key signed beyond its cut.
    Beyond,
    /// Site, number, public key: an officer.
    Officer,
    /// Subject, site, number, hash: an officer's signature.
    Signed,
    /// Learner, subject: an event that two persons sign, and whether both have.
    Stake,
    /// Learner, hour, site, officer, purpose: a record was opened.
    Opened,
    /// Label, half of its hash, site: a parcel that this site has erased.
    Erased,
    /// Erasure: how many parcels it names, and which sites have done it.
    Erasure,
    /// Erasure or a random name: what erased persons added to the figures.
    Remains,
    /// Learner who is to be found here: what is compared to see who may be one person.
    Alike,
    /// Learner, place of a row key: the source that the row key is of.
    SourceOf,
    /// Key of an imported row: the learner whose it is.
    RowOf,
    /// Number: an import; number, index: one thing that came with it.
    Import,
    /// Who it may be, row key: a row of which nobody can say yet whose it is.
    Waiting,
    /// Number: an item of this site's library.
    Item,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 40] = [
        Self::Meta,
        Self::Run,
        Self::Control,
        Self::Segment,
        Self::Parcel,
        Self::Fork,
        Self::Receipt,
        Self::Custody,
        Self::StayKey,
        Self::Stay,
        Self::Registered,
        Self::Pending,
        Self::Dirty,
        Self::Record,
        Self::Statement,
        Self::Source,
        Self::Link,
        Self::Aside,
        Self::Expected,
        Self::Here,
        Self::Away,
        Self::Work,
        Self::Given,
        Self::Urgent,
        Self::Ahead,
        Self::Told,
        Self::Beyond,
        Self::Officer,
        Self::Signed,
        Self::Stake,
        Self::Opened,
        Self::Erased,
        Self::Erasure,
        Self::Remains,
        Self::Alike,
        Self::SourceOf,
        Self::RowOf,
        Self::Import,
        Self::Waiting,
        Self::Item,
    ];

    /// The table's name in a database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Run => "run",
            Self::Control => "control",
            Self::Segment => "segment",
            Self::Parcel => "parcel",
            Self::Fork => "fork",
            Self::Receipt => "receipt",
            Self::Custody => "custody",
            Self::StayKey => "stay_key",
            Self::Stay => "stay",
            Self::Registered => "registered",
            Self::Pending => "pending",
            Self::Dirty => "dirty",
            Self::Record => "record",
            Self::Statement => "statement",
            Self::Source => "source",
            Self::Link => "link",
            Self::Aside => "aside",
            Self::Expected => "expected",
            Self::Here => "here",
            Self::Away => "away",
            Self::Work => "work",
            Self::Given => "given",
            Self::Urgent => "urgent",
            Self::Ahead => "ahead",
            Self::Told => "told",
            Self::Beyond => "beyond",
            Self::Officer => "officer",
            Self::Signed => "signed",
            Self::Stake => "stake",
            Self::Opened => "opened",
            Self::Erased => "erased",
            Self::Erasure => "erasure",
            Self::Remains => "remains",
            Self::Alike => "alike",
            Self::SourceOf => "source_of",
            Self::RowOf => "row_of",
            Self::Import => "import",
            Self::Waiting => "waiting",
            Self::Item => "item",
        }
    }
}

/// Why the store failed. Nothing of the input that failed was kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk is full.
    #[error("the disk is full: free some room, then try again (nothing was lost)")]
    Full,
    /// The database cannot be written.
    #[error(
        "the database cannot be written: check that the disk is not mounted read-only and that this user owns {0}"
    )]
    ReadOnly(String),
    /// Another program holds the database.
    #[error("the database is locked by another program: close it, then try again")]
    Locked,
    /// It was written by a program from before the first release.
    #[error(
        "the database has version {found}, from before the first release: move spean.db away and \
         run 'spean roster install' again; peers send back what was sent"
    )]
    Older {
        /// The version in the file.
        found: u32,
    },
    /// It was written by a newer program.
    #[error(
        "the database has version {found}, this program knows up to {known}: install the newer program again"
    )]
    Newer {
        /// The version in the file.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// The file is damaged.
    #[error(
        "the database is damaged ({0}): restore the last backup, or reinstall; peers hold what was sent"
    )]
    Damaged(String),
    /// Something else that the database said.
    #[error("database: {0}")]
    Other(String),
}

/// One row of the read model of learners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearnerRow {
    /// The learner.
    pub learner: LearnerId,
    /// Whether his stay here is open.
    pub here: bool,
    /// A display name, for lists.
    pub name: String,
    /// Names in every script, card and row key, folded for finding.
    pub search: String,
    /// What totals need to know of him.
    pub facts: LearnerFacts,
    /// The encoded [`spean_protocol::view::LearnerView`].
    pub view: Vec<u8>,
}

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// What the engine needs of a store.
pub trait Store {
    /// Begins a transaction: all further changes are kept together or not at all.
    ///
    /// # Errors
    /// [`StoreError`].
    fn begin(&mut self) -> Result<(), StoreError>;
    /// Keeps what was changed since [`Store::begin`], so that a power cut does not lose it.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was kept.
    fn commit(&mut self) -> Result<(), StoreError>;
    /// Forgets what was changed since [`Store::begin`].
    fn rollback(&mut self);

    /// The value of a key.
    ///
    /// # Errors
    /// [`StoreError`].
    fn read(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
    /// Sets the value of a key.
    ///
    /// # Errors
    /// [`StoreError`].
    fn write(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError>;
    /// Removes a key, if it is there.
    ///
    /// # Errors
    /// [`StoreError`].
    fn remove(&mut self, table: Table, key: &[u8]) -> Result<(), StoreError>;
    /// At most `limit` rows whose key starts with `prefix`, from key `from` on, in order of keys.
    ///
    /// # Errors
    /// [`StoreError`].
    fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<Row>, StoreError>;

    /// Sets a learner's row and contributions.
    ///
    /// # Errors
    /// [`StoreError`].
    fn put_learner(
        &mut self,
        row: &LearnerRow,
        contributions: &[Contribution],
    ) -> Result<(), StoreError>;
    /// Empties a learner's name, view and search text and marks him as not here; what he contributed to
    /// totals stays.
    ///
    /// # Errors
    /// [`StoreError`].
    fn close_learner(&mut self, learner: LearnerId) -> Result<(), StoreError>;
    /// Removes a learner's row and all that he contributed.
    ///
    /// # Errors
    /// [`StoreError`].
    fn remove_learner(&mut self, learner: LearnerId) -> Result<(), StoreError>;
    /// A learner's row.
    ///
    /// # Errors
    /// [`StoreError`].
    fn learner(&self, learner: LearnerId) -> Result<Option<LearnerRow>, StoreError>;
    /// At most `limit` learners, by name, whose search text contains `needle`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn find(
        &self,
        needle: &str,
        here_only: bool,
        limit: usize,
    ) -> Result<Vec<LearnerRow>, StoreError>;
    /// How many learners there are, or how many whose stay here is open.
    ///
    /// # Errors
    /// [`StoreError`].
    fn count_learners(&self, here_only: bool) -> Result<u64, StoreError>;
    /// Every learner's facts and contributions, one learner after the other.
    ///
    /// # Errors
    /// [`StoreError`].
    fn contributions(
        &self,
        each: &mut dyn FnMut(LearnerId, LearnerFacts, Vec<Contribution>),
    ) -> Result<(), StoreError>;
}
