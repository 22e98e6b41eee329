//! Registers a file system for SQLite that is written in safe Rust: the one unsafe call of the
//! workspace, in a crate of its own so that it stays forbidden everywhere else.
//!
//! `rsqlite_vfs` turns SQLite's calls into calls of a [`VfsStore`], and leaves it to whoever
//! registers one to promise that pointers, types and threads agree. With its own callbacks, which
//! nobody can replace here, and bounds on the types, that promise can be kept once for all.

use std::marker::PhantomData;
use std::sync::Mutex;
use std::time::Duration;

use rsqlite_vfs::{
    OsCallback, RegisterVfsError, SQLiteIoMethods, SQLiteVfs, VfsResult, VfsStore, register_vfs,
};

/// The callbacks as `rsqlite_vfs` has them.
struct Callbacks<S>(PhantomData<S>);

impl<S: VfsStore> SQLiteIoMethods for Callbacks<S> {
    type Store = S;
}

impl<S: VfsStore> SQLiteVfs<Self> for Callbacks<S> {
    type Os = Nowhere;

    fn os(_: &S::AppData) -> &Nowhere {
        &Nowhere
    }
}

/// A machine on which time stands still: what waits for a lock does not wait in fact.
struct Nowhere;

impl OsCallback for Nowhere {
    fn sleep(&self, _: Duration) {}

    /// SQLite draws from its default file system, which this one never is.
    fn random(&self, _: &mut [u8]) -> usize {
        0
    }

    fn epoch_timestamp_in_ms(&self) -> VfsResult<i64> {
        Ok(0)
    }
}

/// Registers a file system under a name, for as long as the process runs.
///
/// # Errors
/// [`RegisterVfsError`] when the name is taken or SQLite refuses it.
#[allow(unsafe_code)]
pub fn register<S>(name: &str, data: S::AppData) -> Result<(), RegisterVfsError>
where
    S: VfsStore,
    S::AppData: Send + Sync,
    S::File: Send,
{
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    // SAFETY: the callbacks, the method table and the layout are those of `rsqlite_vfs` itself, on
    // the types of one store. What threads share is `Sync`; a file is `Send`, and SQLite, which the
    // workspace builds with its mutexes, has one thread at a time call the methods of a file. The
    // registration is never undone, so nothing outlives it, and registrations wait for each other.
    let registration = unsafe { register_vfs::<Callbacks<S>, Callbacks<S>>(name, data, false)? };
    registration.into_raw();
    Ok(())
}
