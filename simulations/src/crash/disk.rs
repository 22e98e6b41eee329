//! A disk in memory below SQLite: files, names, and a tape of every change that was asked of it,
//! in order. It can be told to fail one of its operations.
//!
//! All disks share one registered file system; the first part of a path is the disk's number.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rsqlite_vfs::{VfsError, VfsErrorCode, VfsResult};
use rusqlite::{Connection, OpenFlags};
use spean::store::StoreError;
use spean::store::sqlite::Sqlite;

use super::image::{Change, Platter};
use super::vfs::Files;

/// The name under which SQLite knows the file system.
const VFS: &str = "spean-crash";

static DISKS: Mutex<BTreeMap<u64, Arc<Mutex<State>>>> = Mutex::new(BTreeMap::new());

/// What an operation does, as far as faults tell one from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Open,
    Delete,
    Access,
    Size,
    Read,
    Write,
    Truncate,
    Sync,
    Lock,
    Unlock,
}

/// What an operation fails with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// The device fails: any operation can.
    Input,
    /// No room is left: opening, writing, truncating and syncing can.
    Full,
    /// Another program holds a lock: locking can.
    Busy,
}

impl Trouble {
    /// The error of that operation, if it can have this trouble.
    fn error(self, operation: Operation) -> Option<VfsErrorCode> {
        use Operation as Op;
        match (self, operation) {
            (Self::Input, Op::Open) => Some(VfsErrorCode::CantOpen),
            (Self::Input, Op::Delete) => Some(VfsErrorCode::IoDelete),
            (Self::Input, Op::Access) => Some(VfsErrorCode::IoAccess),
            (Self::Input, Op::Size) => Some(VfsErrorCode::IoStat),
            (Self::Input, Op::Read) => Some(VfsErrorCode::IoRead),
            (Self::Input, Op::Write) => Some(VfsErrorCode::IoWrite),
            (Self::Input, Op::Truncate) => Some(VfsErrorCode::IoTruncate),
            (Self::Input, Op::Sync) => Some(VfsErrorCode::IoSync),
            (Self::Input, Op::Lock) => Some(VfsErrorCode::IoLock),
            (Self::Input, Op::Unlock) => Some(VfsErrorCode::IoUnlock),
            (Self::Full, Op::Open | Op::Write | Op::Truncate | Op::Sync) => {
                Some(VfsErrorCode::Full)
            }
            (Self::Busy, Op::Lock) => Some(VfsErrorCode::Busy),
            _ => None,
        }
    }
}

/// Operations that will fail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub trouble: Trouble,
    /// So many operations that could have this trouble still pass.
    pub after: u64,
    /// All further ones fail too, until the fault is taken away.
    pub lasting: bool,
    /// How many have failed.
    pub failed: u64,
}

/// What one disk holds.
pub(super) struct State {
    pub live: Platter,
    pub tape: Vec<Change>,
    pub fault: Option<Fault>,
    /// Syncs are answered and not done, as some disks do and as `synchronous=OFF` asks.
    pub lies: bool,
}

impl State {
    /// Lets an operation pass, or says how it fails.
    pub(super) fn allow(&mut self, operation: Operation) -> VfsResult<()> {
        let Some(fault) = &mut self.fault else {
            return Ok(());
        };
        let Some(code) = fault.trouble.error(operation) else {
            return Ok(());
        };
        if fault.after > 0 {
            fault.after -= 1;
        } else if fault.lasting || fault.failed == 0 {
            fault.failed += 1;
            return Err(VfsError::new(code, "a fault".into()));
        }
        Ok(())
    }

    /// Does a change and keeps it on the tape.
    pub(super) fn change(&mut self, change: Change) {
        if self.lies && matches!(change, Change::Sync { .. }) {
            return;
        }
        self.live.apply(&change);
        self.tape.push(change);
    }
}

/// Locks what cannot be left half done: no code panics while it holds one of these.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The disk that a path is on, and the name there.
pub(super) fn find(path: &str) -> Option<(Arc<Mutex<State>>, &str)> {
    let (number, name) = path.strip_prefix('/')?.split_once('/')?;
    let disk = lock(&DISKS).get(&number.parse().ok()?).cloned()?;
    Some((disk, name))
}

/// A disk of one machine; it is gone when this is dropped.
pub struct Disk {
    number: u64,
    state: Arc<Mutex<State>>,
}

impl Disk {
    /// A disk with that on it.
    ///
    /// # Errors
    /// [`StoreError`] when the file system cannot be registered.
    pub fn new(live: Platter) -> Result<Self, StoreError> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        static REGISTERED: OnceLock<Result<(), String>> = OnceLock::new();
        let register = || spean_vfs::register::<Files>(VFS, ()).map_err(|error| error.to_string());
        let registered = REGISTERED.get_or_init(register);
        registered.clone().map_err(StoreError::Other)?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let state = Arc::new(Mutex::new(State {
            live,
            tape: Vec::new(),
            fault: None,
            lies: false,
        }));
        lock(&DISKS).insert(number, state.clone());
        Ok(Self { number, state })
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/{}/spean.db", self.number))
    }

    /// Opens the store on it, as a node does.
    ///
    /// # Errors
    /// What the store says.
    pub fn store(&self) -> Result<Sqlite, StoreError> {
        Sqlite::open_on(&self.path(), VFS)
    }

    /// What SQLite's own check says of the database: `ok`, or what is wrong.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn integrity(&self) -> rusqlite::Result<String> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let connection = Connection::open_with_flags_and_vfs(self.path(), flags, VFS)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))
    }

    /// How many changes were made.
    #[must_use]
    pub fn position(&self) -> usize {
        lock(&self.state).tape.len()
    }

    /// Takes the changes that were made, in order.
    #[must_use]
    pub fn take_tape(&self) -> Vec<Change> {
        std::mem::take(&mut lock(&self.state).tape)
    }

    /// From now on syncs are answered and not done.
    pub fn lie(&self) {
        lock(&self.state).lies = true;
    }

    /// Has operations fail, or takes that away; the fault that stood before, with what it did.
    pub(super) fn set_fault(&self, fault: Option<Fault>) -> Option<Fault> {
        std::mem::replace(&mut lock(&self.state).fault, fault)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        lock(&DISKS).remove(&self.number);
    }
}
