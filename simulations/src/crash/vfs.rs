//! SQLite's file system calls, done on a [`Disk`](super::disk::Disk): what `os_unix.c` of SQLite
//! does with a directory and files, done with a [`Platter`](super::image::Platter).

use std::sync::{Arc, Mutex};

use rsqlite_vfs::{
    AccessMode, DeviceCharacteristics, FileKind, LockLevel, OpenAccess, OpenOptions, OpenRequest,
    OpenedFile, SyncOptions, VfsError, VfsErrorCode, VfsFile, VfsResult, VfsStore,
};

use super::disk::{Operation, State, find, lock};
use super::image::Change;

fn no_file() -> VfsError {
    VfsError::new(VfsErrorCode::CantOpen, "no such file".into())
}

/// An offset or a size as an index.
fn index(number: u64) -> VfsResult<usize> {
    usize::try_from(number).map_err(|_| VfsError::new(VfsErrorCode::Full, "too large".into()))
}

/// All disks.
pub(super) struct Files;

/// An open file.
pub(super) struct File {
    disk: Arc<Mutex<State>>,
    file: usize,
    /// Its first sync syncs the directory too: a journal or WAL that this handle created.
    with_directory: bool,
}

impl VfsStore for Files {
    type File = File;
    type AppData = ();

    fn open_file((): &(), request: OpenRequest<'_>) -> VfsResult<OpenedFile<File>> {
        // A temporary file without a name would need a disk; `temp_store` is memory.
        let path = request.filename.ok_or_else(no_file)?.path();
        let (disk, name) = find(path).ok_or_else(no_file)?;
        let options = request.options;
        let mut state = lock(&disk);
        state.allow(Operation::Open)?;
        let known = state.live.names.get(name).copied();
        let (file, created) = match known {
            Some(_) if options.exclusive() => return Err(no_file()),
            Some(file) => (file, false),
            None if options.create() => {
                let file = state.live.files.len();
                let name = name.to_owned();
                state.change(Change::Create { name, file });
                (file, true)
            }
            None => return Err(no_file()),
        };
        drop(state);
        let journal = matches!(
            options.kind(),
            Some(FileKind::MainJournal | FileKind::SuperJournal | FileKind::Wal)
        );
        let file = File {
            disk,
            file,
            with_directory: created && journal,
        };
        Ok(OpenedFile {
            file,
            access: OpenAccess::ReadWrite,
        })
    }

    fn close_file((): &(), _: Option<&str>, _: File, _: OpenOptions) -> VfsResult<()> {
        Ok(())
    }

    fn access((): &(), path: &str, _: AccessMode) -> VfsResult<bool> {
        let (disk, name) = find(path).ok_or_else(no_file)?;
        let mut state = lock(&disk);
        state.allow(Operation::Access)?;
        Ok(state.live.names.contains_key(name))
    }

    fn full_pathname((): &(), path: &str) -> VfsResult<String> {
        Ok(path.to_owned())
    }

    fn delete_file((): &(), path: &str, sync: bool) -> VfsResult<()> {
        let (disk, name) = find(path).ok_or_else(no_file)?;
        let mut state = lock(&disk);
        state.allow(Operation::Delete)?;
        if !state.live.names.contains_key(name) {
            return Err(VfsError::new(VfsErrorCode::IoDeleteNoEntry, "gone".into()));
        }
        let name = name.to_owned();
        state.change(Change::Delete { name });
        if sync {
            state.change(Change::Sync {
                file: None,
                directory: true,
            });
        }
        Ok(())
    }
}

impl VfsFile for File {
    /// As `os_unix.c` says of every disk; without it SQLite would pad what it writes.
    fn device_characteristics(&self) -> DeviceCharacteristics {
        DeviceCharacteristics::POWERSAFE_OVERWRITE
    }

    fn read(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        let mut state = lock(&self.disk);
        state.allow(Operation::Read)?;
        let held = state.live.files[self.file].get(index(offset)?..);
        let held = held.unwrap_or_default();
        let length = held.len().min(buffer.len());
        buffer[..length].copy_from_slice(&held[..length]);
        Ok(length)
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        let mut state = lock(&self.disk);
        state.allow(Operation::Write)?;
        state.change(Change::Write {
            file: self.file,
            offset: index(offset)?,
            bytes: bytes.into(),
        });
        Ok(())
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        let mut state = lock(&self.disk);
        state.allow(Operation::Truncate)?;
        state.change(Change::Truncate {
            file: self.file,
            size: index(size)?,
        });
        Ok(())
    }

    fn sync(&mut self, _: SyncOptions) -> VfsResult<()> {
        let mut state = lock(&self.disk);
        state.allow(Operation::Sync)?;
        state.change(Change::Sync {
            file: Some(self.file),
            directory: self.with_directory,
        });
        self.with_directory = false;
        Ok(())
    }

    fn size(&self) -> VfsResult<u64> {
        let mut state = lock(&self.disk);
        state.allow(Operation::Size)?;
        Ok(state.live.files[self.file].len() as u64)
    }

    /// Nobody else has the disk.
    fn lock(&mut self, _: LockLevel) -> VfsResult<()> {
        lock(&self.disk).allow(Operation::Lock)
    }

    fn unlock(&mut self, _: LockLevel) -> VfsResult<()> {
        lock(&self.disk).allow(Operation::Unlock)
    }

    fn check_reserved_lock(&self) -> VfsResult<bool> {
        Ok(false)
    }
}
