//! What can be asked of a node: the commands of the CLI as values. A running node answers them
//! over its socket, a stopped one in the process that asks; both by [`crate::node::Node::answer`].

use serde::{Deserialize, Serialize};
use spean_protocol::bundle::Manifest;
use spean_protocol::id::{LearnerId, QuestionId};
use spean_protocol::officer::Signature;
use spean_protocol::session::Outcome;
use spean_protocol::totals::Query;
use spean_protocol::view::LearnerView;

use crate::backup::write::BackupLine;
use crate::engine::accounts::AccountHere;
use crate::engine::arrive::{Arrival, Ticket};
use crate::engine::carry::{Contents, Imported};
use crate::engine::decisions::Decision;
use crate::engine::depart::{Departure, Moved};
use crate::engine::due::Shredding;
use crate::engine::duplicates::Duplicates;
use crate::engine::erasure::{Erasing, ErasureLine};
use crate::engine::import::imported::{ImportLine, Undone};
use crate::engine::import::library::Item;
use crate::engine::import::waiting::{Said, WaitingLine};
use crate::engine::import::{Fates, Import};
use crate::engine::officers::{OfficerLine, SealedKey};
use crate::engine::openings::OpeningLine;
use crate::engine::questions::WorkLine;
use crate::engine::report::{Status, Totals};
use crate::engine::signatures::ToSign;
use crate::engine::state::{MoveLine, State};
use crate::home::EnrolmentRequest;
use crate::lms::{Adopting, Finding, Passwords, Reading, Remembered, Writing};
use crate::paper::card::Card;
use crate::register::{ItemRow, LearnerRow, Row, Who};

/// Bytes of one request or reply on the socket: 2,000 rows of an import, or 10,000 learners.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A question or a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// How the node stands.
    Status,
    /// A new learner, as a row of a file of learners without a source.
    LearnerAdd(LearnerRow),
    /// Learners whose name or id contains a text.
    LearnerFind {
        /// The text; empty for all.
        needle: String,
        /// At most so many.
        limit: usize,
    },
    /// Who may be one person under two ids, at most so many pairs.
    LearnerDuplicates(usize),
    /// One learner.
    LearnerShow(LearnerId),
    /// A learner's education document.
    LearnerDocument(LearnerId),
    /// What stands on learners' cards.
    Cards {
        /// Whose; empty for all who are here.
        learners: Vec<LearnerId>,
    },
    /// An event, as the columns of a file of events.
    Record {
        /// The learner.
        learner: LearnerId,
        /// The day, as text; empty for an undated event.
        date: String,
        /// `kind`, `programme`, `module`, `session`, `score`, `max`, `version`, `value`.
        fields: [String; 8],
    },
    /// Rows of a file of learners.
    ImportLearners {
        /// Of which import.
        import: Import,
        /// The rows.
        rows: Vec<LearnerRow>,
    },
    /// Rows of what people did, of any register.
    ImportEvents {
        /// Of which import.
        import: Import,
        /// The rows.
        rows: Vec<Row>,
    },
    /// Rows of a library's catalogue.
    ImportItems {
        /// Of which import.
        import: Import,
        /// The rows.
        rows: Vec<ItemRow>,
    },
    /// Whose accounts on the platform are, as the rows of a file of learners say.
    ImportNames {
        /// Of which import.
        import: Import,
        /// Keys of rows, with user names.
        pairs: Vec<(String, String)>,
    },
    /// Whose rows of a register would be.
    ImportWhose {
        /// Of which import.
        import: Import,
        /// Whom they name.
        whose: Vec<Who>,
    },
    /// The imports that can be taken back, or were.
    Imports,
    /// An import is taken back.
    ImportUndo(u64),
    /// Whose rows wait for an officer.
    ImportWaiting,
    /// Who somebody is whose rows wait.
    ImportMatch {
        /// The code of the rows.
        code: String,
        /// Who it is.
        said: Said,
        /// The import that this goes with, if there is one already.
        number: Option<u64>,
    },
    /// Items of the library by title, author or number.
    LibraryFind {
        /// The text; empty for all.
        needle: String,
        /// At most so many.
        limit: usize,
    },
    /// Seal what was recorded, now.
    Flush,
    /// Learners leave for one destination.
    TransferOut {
        /// The learners.
        learners: Vec<LearnerId>,
        /// A site's code, `released`, `without-node` or `unknown`.
        to: String,
        /// The day, as text; empty for an undated departure.
        date: String,
        /// The learners agreed that their restricted data move along.
        with_restricted: bool,
    },
    /// Learners arrive, with slips or with their cards only.
    TransferIn {
        /// What each brings.
        tickets: Vec<Ticket>,
        /// The day, as text; empty for undated arrivals.
        date: String,
    },
    /// All whom a site announced arrive.
    TransferInAnnounced {
        /// The code of the site that announced them.
        from: String,
        /// The day, as text; empty for undated arrivals.
        date: String,
    },
    /// Slips after the fact.
    TransferSlip {
        /// For whom.
        learners: Vec<LearnerId>,
        /// For which site: needed at the DGP only.
        to: Option<String>,
    },
    /// Undo the last move of a learner here.
    TransferUndo(LearnerId),
    /// Say that a learner who is said to have arrived elsewhere has not left.
    TransferDispute(LearnerId),
    /// Everybody who moves.
    TransferList,
    /// Ask the DGP whether a new person is known to it.
    AskWho {
        /// Whom.
        learner: LearnerId,
        /// The word of why: of the list of reasons.
        reason: String,
    },
    /// What waits at the DGP.
    Worklist,
    /// At the DGP: two learners are put on the worklist, to be decided.
    WorkPair {
        /// The one.
        learner: LearnerId,
        /// The other.
        other: LearnerId,
        /// The word of why: of the list of reasons.
        reason: String,
    },
    /// One of two officers decides a question.
    WorkDecide {
        /// The question.
        question: QuestionId,
        /// The decision, or that one is taken back.
        decision: Decision,
        /// The officer's signature of it. What the first of two says is a proposal.
        by: Signature,
    },
    /// Exchange with a peer of the configuration, now.
    Sync {
        /// The peer's site code.
        peer: String,
    },
    /// Write a bundle into a directory.
    StickExport {
        /// The directory.
        directory: String,
        /// Codes of the sites that it is for; none for anyone.
        to: Vec<String>,
        /// Who carries it.
        carrier: String,
    },
    /// Take in the bundles of a directory.
    StickImport {
        /// The directory, or one file.
        path: String,
    },
    /// List what the bundles of a directory carry.
    StickInspect {
        /// The directory, or one file.
        path: String,
    },
    /// Somebody becomes an officer of this site, or has a new key.
    OfficerAdd {
        /// The word of his office.
        office: String,
        /// His key under his passphrase.
        key: SealedKey,
    },
    /// An officer's key is withdrawn.
    OfficerWithdraw(u16),
    /// At the DGP: an officer of a prison is confirmed.
    OfficerConfirm {
        /// The prison's code.
        site: String,
        /// His number there.
        number: u16,
        /// How his key begins, as he reads it out.
        key: String,
    },
    /// An officer's key under his passphrase.
    OfficerKey(u16),
    /// Everybody who is an officer somewhere.
    OfficerList,
    /// What an officer may sign.
    ToSign(u16),
    /// His signatures.
    Sign {
        /// The officer.
        number: u16,
        /// The signatures.
        signatures: Vec<Signature>,
    },
    /// Write a backup of the whole node into a directory.
    Backup {
        /// The directory.
        directory: String,
    },
    /// One of two officers of the DGP erases learners.
    Erase {
        /// Whom.
        learners: Vec<LearnerId>,
        /// His signature of it.
        by: Signature,
    },
    /// The erasures, and who has done them.
    Erasures,
    /// At the DGP: what destroying the keys of a cohort, and of those before it, means.
    Shred {
        /// The cohort.
        cohort: u16,
        /// For how many cohorts records are kept.
        retention: u16,
        /// Also writes on the keys of those who are not due.
        decide: bool,
    },
    /// What this prison asks officials for: the keys of its restricted records.
    RestrictedAsk {
        /// Which part of them, from 1.
        part: usize,
    },
    /// The keys that they gave back.
    RestrictedTake {
        /// The file.
        bytes: Vec<u8>,
    },
    /// Somebody who is here gets an account, or another password.
    AccountGive {
        /// Who.
        learner: LearnerId,
        /// The name with which he signs in; without it the one that he has, or one that is made.
        username: Option<String>,
        /// What his password is checked against.
        verifier: String,
    },
    /// The accounts of all who are here.
    AccountList,
    /// The account of somebody who is here.
    AccountOf(LearnerId),
    /// Take over the accounts that were in Moodle before this node.
    MoodleAdopt {
        /// What passwords are checked against, by user name, as a file has it.
        passwords: Passwords,
        /// Also let them in by the file of accounts.
        by_file: bool,
        /// Say what would become of each, and keep and write nothing.
        dry: bool,
    },
    /// Take an adoption back: by the number of its import.
    MoodleAdoptUndo(u64),
    /// Look at the set-up of the Moodle beside this node.
    MoodleCheck,
    /// Read it.
    MoodlePull {
        /// All of it.
        whole: bool,
        /// Keep nothing.
        dry: bool,
    },
    /// Show there what people did elsewhere.
    MoodlePush {
        /// Write nothing.
        dry: bool,
    },
    /// How far a reading or a writing is that goes on just now.
    MoodleSteps,
    /// When it was read last.
    MoodleStatus,
    /// The figures.
    Totals(Query),
    /// The figures of one site.
    TotalsOf {
        /// The site's code.
        site: String,
        /// The months.
        query: Query,
    },
    /// The same of an officer who says who he is: what his office does not do is refused, what he records
    /// bears his number, and what he opens is noted with his purpose.
    By {
        /// His number.
        officer: Option<u16>,
        /// Why he opens a record: a word of the list of purposes.
        why: String,
        /// What he asks.
        request: Box<Request>,
    },
    /// The roster in force.
    RosterShow,
    /// A roster that follows the one in force, for the roots to sign.
    RosterPropose {
        /// What it changes.
        changes: RosterChanges,
        /// The version that was proposed last.
        after: u32,
    },
    /// Take a newer roster.
    RosterInstall {
        /// The signed roster.
        bytes: Vec<u8>,
    },
}

/// What a proposed roster changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterChanges {
    /// The sites that ask to be in it.
    pub requests: Vec<EnrolmentRequest>,
    /// They are in it already, and their nodes were made anew.
    pub again: bool,
    /// Codes of sites whose nodes' keys are revoked: what this node has of them by now counts.
    pub revoke: Vec<String>,
    /// Runs that are set aside, or how their ids begin, and are let in with all that is below them.
    pub release: Vec<String>,
    /// Whether it puts the next cohort in force.
    pub next_cohort: bool,
    /// The cohort whose keys, and those of all before it, are to be destroyed.
    pub shred: Option<u16>,
    /// For how many cohorts records are kept.
    pub retention: u16,
}

/// A learner in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnerLine {
    /// The id.
    pub learner: LearnerId,
    /// The name.
    pub name: String,
    /// His user names as they are shown here: with a suffix where another had one first.
    pub usernames: Vec<String>,
    /// Whether his stay here is open.
    pub here: bool,
}

/// A learner in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearnerPage {
    /// The id.
    pub learner: LearnerId,
    /// The name.
    pub name: String,
    /// His user names as they are shown here: with a suffix where another had one first.
    pub usernames: Vec<String>,
    /// The numbers of his cards, with a suffix where two sites printed one number.
    pub cards: Vec<String>,
    /// Where he is, in a word that people read.
    pub state: String,
    /// How his record stands here.
    pub states: Vec<State>,
    /// What the record says.
    pub view: LearnerView,
    /// Who opened it, the newest first.
    pub openings: Vec<OpeningLine>,
}

/// A file on a stick.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleLine {
    /// The file.
    pub file: String,
    /// Who wrote it, for whom, and who carries it; `None` when it does not read so far.
    pub manifest: Option<Manifest>,
    /// The codes of writer and destinations, for people.
    pub route: String,
    /// What it carries.
    pub contents: Contents,
    /// Why the rest was not read, if it was not.
    pub stopped: Option<String>,
    /// Pieces that were new here; `None` when it was only looked at.
    pub new: Option<u64>,
}

impl BundleLine {
    /// The line of a bundle that was taken in.
    #[must_use]
    pub fn imported(file: String, imported: Imported) -> Self {
        let Imported {
            contents,
            new,
            stopped,
        } = imported;
        let (manifest, route) = (None, String::new());
        Self {
            file,
            manifest,
            route,
            contents,
            stopped,
            new: Some(new),
        }
    }
}

/// A site in the roster, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterLine {
    /// The code.
    pub code: String,
    /// The name.
    pub name: String,
    /// `prison` or `headquarters`.
    pub role: String,
    /// The number in formats.
    pub number: u16,
    /// How many keys of it are revoked.
    pub revoked: usize,
    /// It has no key that is trusted: nothing is sealed to it.
    pub closed: bool,
}

/// The roster, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterPage {
    /// Its version.
    pub version: u32,
    /// The cohort in force.
    pub cohort: u16,
    /// How many roots must sign, and how many there are.
    pub roots: (u8, usize),
    /// What people compare before they trust it: it follows from the root keys.
    pub seal: String,
    /// The sites.
    pub sites: Vec<RosterLine>,
}

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// To [`Request::Status`].
    Status(Box<Status>),
    /// To [`Request::LearnerAdd`].
    Added(LearnerId),
    /// To [`Request::LearnerFind`].
    Learners(Vec<LearnerLine>),
    /// To [`Request::LearnerDuplicates`].
    Duplicates(Box<Duplicates>),
    /// To [`Request::LearnerShow`].
    Learner(Box<LearnerPage>),
    /// To [`Request::LearnerDocument`].
    Document(Vec<u8>),
    /// To [`Request::Cards`].
    Cards(Vec<Card>),
    /// To the imports: the fate of each row.
    Fates(Box<Fates>),
    /// Whose rows would be, or may be.
    Whose(Vec<LearnerId>),
    /// Imports.
    Imports(Vec<ImportLine>),
    /// What taking an import back came to.
    ImportUndone(Undone),
    /// Whose rows wait.
    ImportWaiting(Vec<WaitingLine>),
    /// Items of the library.
    Items(Vec<(u32, Item)>),
    /// How many events were recorded, sealed or signed.
    Events(u64),
    /// To [`Request::TransferOut`] and [`Request::TransferSlip`].
    Departures(Vec<Moved<Departure>>),
    /// To [`Request::TransferIn`] and [`Request::TransferInAnnounced`].
    Arrivals(Vec<Moved<Arrival>>),
    /// To [`Request::TransferList`].
    Moves(Vec<MoveLine>),
    /// To [`Request::TransferUndo`], [`Request::TransferDispute`] and [`Request::AskWho`]: how it
    /// stands now.
    States(Vec<State>),
    /// To [`Request::Worklist`] and what decides in it.
    Worklist(Vec<WorkLine>),
    /// To [`Request::Sync`].
    Synced(Outcome),
    /// To the stick commands.
    Bundles(Vec<BundleLine>),
    /// To [`Request::OfficerList`] and what changes it.
    Officers(Vec<OfficerLine>),
    /// To [`Request::ToSign`].
    ToSign {
        /// The officer's key under his passphrase.
        key: SealedKey,
        /// What waits for him.
        open: Vec<ToSign>,
    },
    /// To [`Request::Backup`].
    Backup(BackupLine),
    /// To [`Request::Erase`].
    Erasing(Erasing),
    /// To [`Request::Erasures`].
    Erasures(Vec<ErasureLine>),
    /// To [`Request::Shred`].
    Shredding(Shredding),
    /// To [`Request::RestrictedAsk`].
    Asked {
        /// The file.
        bytes: Vec<u8>,
        /// What is read out of this node's keys.
        seal: String,
    },
    /// To [`Request::RestrictedTake`]: how many keys are new.
    Keys(u64),
    /// To [`Request::AccountGive`]: the name with which he signs in.
    Account(String),
    /// To [`Request::AccountList`]: names with learners.
    Accounts(Vec<(String, LearnerId)>),
    /// To [`Request::AccountOf`].
    AccountOf(Box<AccountHere>),
    /// To [`Request::MoodleCheck`].
    Findings(Vec<Finding>),
    /// To [`Request::MoodleAdopt`].
    Adopting(Box<Adopting>),
    /// To [`Request::MoodlePull`].
    Reading(Reading),
    /// To [`Request::MoodlePush`].
    Writing(Writing),
    /// To [`Request::MoodleSteps`]: people that are done, of so many; of none where nothing goes on.
    Steps {
        /// Done.
        done: u64,
        /// Of so many.
        of: u64,
    },
    /// To [`Request::MoodleStatus`].
    Remembered(Remembered),
    /// To [`Request::Totals`].
    Totals(Box<Totals>),
    /// To [`Request::RosterShow`].
    Roster(RosterPage),
    /// To [`Request::RosterPropose`].
    Proposal {
        /// The roster in force.
        held: Vec<u8>,
        /// The one that follows it.
        proposal: Vec<u8>,
        /// Control segments in which nodes publish the box keys that it lists for the next cohort.
        evidence: Vec<Vec<u8>>,
    },
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Which exit status the command ends with: see [`Kind`].
    pub kind: Kind,
    /// What is wrong, where, and what to do next.
    pub message: String,
}

/// Kinds of refusals, each with an exit status that docs/operations.md names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// 1: what was asked cannot be done; nothing changed.
    Refused,
    /// 3: the node's home, keys or roster.
    Home,
    /// 4: the store: disk, database.
    Store,
    /// 5: the peer or the line.
    Link,
    /// 6: part was done; the rest is named.
    Partly,
}

impl Kind {
    /// The exit status.
    #[must_use]
    pub const fn exit(self) -> u8 {
        match self {
            Self::Refused => 1,
            Self::Home => 3,
            Self::Store => 4,
            Self::Link => 5,
            Self::Partly => 6,
        }
    }
}

impl Refusal {
    /// A refusal with its message.
    pub fn new(kind: Kind, message: impl ToString) -> Self {
        Self {
            kind,
            message: message.to_string(),
        }
    }
}
