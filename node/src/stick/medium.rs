//! What the stick driver needs of a stick, and a directory as one.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Result, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{ENDING, FILES_MAX};

/// A stick: files by name, and one that is being written.
pub trait Medium {
    /// A file as people find it.
    fn shown(&self, name: &str) -> String;
    /// The names of at most [`FILES_MAX`] bundles, in order.
    ///
    /// # Errors
    /// What the system says.
    fn names(&self) -> Result<Vec<String>>;
    /// Whether anything has that name.
    fn exists(&self, name: &str) -> bool;
    /// Opens a bundle to read it from its start.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self, name: &str) -> Result<Box<dyn Read + '_>>;
    /// Begins a file under a half name. One that an earlier try left there goes.
    ///
    /// # Errors
    /// What the system says.
    fn begin(&mut self, half: &str) -> Result<()>;
    /// Adds bytes to the file that was begun, all of them or none.
    ///
    /// # Errors
    /// What the system says.
    fn append(&mut self, bytes: &[u8]) -> Result<()>;
    /// Gives the file that was begun its name, so that it is whole after a power cut or not there.
    ///
    /// # Errors
    /// What the system says.
    fn finish(&mut self, half: &str, name: &str) -> Result<()>;
    /// Removes a file. If it stays, it only takes room.
    fn remove(&mut self, name: &str);
}

/// A directory, usually where a stick is mounted.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// The one file that is meant, where not the directory was named.
    only: Option<String>,
    half: Option<(File, u64)>,
}

impl Directory {
    /// The directory at `path`, or the one in which that file is, with no other file in it.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        let file = path.file_name().filter(|_| path.is_file());
        let parent = path.parent().filter(|_| file.is_some());
        Self {
            path: parent.unwrap_or(path).to_owned(),
            only: file.map(|name| name.to_string_lossy().into_owned()),
            half: None,
        }
    }

    fn half(&mut self) -> Result<&mut (File, u64)> {
        let none = || std::io::Error::other("no file was begun");
        self.half.as_mut().ok_or_else(none)
    }
}

impl Medium for Directory {
    fn shown(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }

    fn names(&self) -> Result<Vec<String>> {
        if let Some(only) = &self.only {
            return Ok(vec![only.clone()]);
        }
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path)?.take(FILES_MAX) {
            let file = entry?.path();
            let name = file.file_name().and_then(|name| name.to_str());
            let bundle = file.extension().is_some_and(|ending| ending == ENDING) && file.is_file();
            found.extend(name.filter(|_| bundle).map(str::to_owned));
        }
        found.sort();
        Ok(found)
    }

    fn exists(&self, name: &str) -> bool {
        self.path.join(name).exists()
    }

    fn open(&self, name: &str) -> Result<Box<dyn Read + '_>> {
        Ok(Box::new(File::open(self.path.join(name))?))
    }

    fn begin(&mut self, half: &str) -> Result<()> {
        if self.only.is_some() {
            return Err(ErrorKind::NotADirectory.into());
        }
        let path = self.path.join(half);
        let _ = fs::remove_file(&path);
        // `create_new` follows no link that a stick may hold.
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        self.half = Some((file, 0));
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let (file, written) = self.half()?;
        let kept = file.write_all(bytes);
        if kept.is_ok() {
            *written += bytes.len() as u64;
        } else {
            // What did not fit goes, so that there is room to end the bundle.
            file.set_len(*written)?;
            file.seek(SeekFrom::Start(*written))?;
        }
        kept
    }

    fn finish(&mut self, half: &str, name: &str) -> Result<()> {
        self.half()?.0.sync_all()?;
        self.half = None;
        fs::rename(self.path.join(half), self.path.join(name))?;
        File::open(&self.path)?.sync_all()
    }

    fn remove(&mut self, name: &str) {
        let _ = fs::remove_file(self.path.join(name));
    }
}
