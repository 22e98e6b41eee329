//! The stick driver over a directory: a bundle is written beside its final name, synced, and
//! renamed, so that a stick that is pulled early holds no half file under a good name.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use spean_protocol::id::SiteId;

use crate::api::{BundleLine, Kind, Refusal};
use crate::engine::carry::Contents;
use crate::service::NodeEngine;

/// What bundle files end with.
const ENDING: &str = "bundle";

/// Files that one directory may hold before it is refused: a stick carries a few dozen.
const FILES_MAX: usize = 10_000;

/// Writes a bundle for `to` into `directory`.
///
/// # Errors
/// [`Refusal`] of kind `Store` when the stick is full, read-only or gone.
pub fn export(
    engine: &mut NodeEngine,
    directory: &Path,
    to: &[SiteId],
    carrier: &str,
) -> Result<BundleLine, Refusal> {
    if carrier.len() > 64 || carrier.chars().any(char::is_control) {
        return Err(Refusal::new(
            Kind::Refused,
            "--carrier: one line of at most 64 bytes",
        ));
    }
    if !directory.is_dir() {
        let shown = directory.display();
        let message = format!("{shown} is no directory: is the stick in, and mounted there?");
        return Err(Refusal::new(Kind::Store, message));
    }
    let codes: Vec<String> = to.iter().map(|site| engine.code(*site)).collect();
    let route = if codes.is_empty() {
        "anyone".to_owned()
    } else {
        codes.join("-")
    };
    let source = engine.code(engine.site());
    let free = |number: &u32| {
        let name = format!("spean-{source}-{route}-{number}.{ENDING}");
        let path = directory.join(name);
        (!path.exists()).then_some(path)
    };
    let path = (1..=u32::MAX)
        .take(FILES_MAX)
        .find_map(|number| free(&number))
        .ok_or_else(|| Refusal::new(Kind::Store, "the stick holds too many bundles: empty it"))?;
    let written = write_bundle(engine, &path, to, carrier)?;
    let full = match &written {
        Ok(contents) => contents.left_out > 0,
        Err(error) if error.kind() == ErrorKind::StorageFull => true,
        Err(error) => return Err(explain(&path, error)),
    };
    let older = superseded(engine, directory, &path, to);
    for older in &older {
        // If it stays, it only takes room.
        let _ = fs::remove_file(older);
    }
    let written = if full && !older.is_empty() {
        // All that was on those is held here: the short bundle gives way to one that has their room.
        let _ = fs::remove_file(&path);
        write_bundle(engine, &path, to, carrier)?
    } else {
        written
    };
    let contents = written.map_err(|error| explain(&path, &error))?;
    let stopped = (contents.left_out > 0).then(|| {
        let left = contents.left_out;
        format!(
            "the stick is full: {left} pieces are left for the next one; what is on it is whole"
        )
    });
    let route = format!("{source} to {route}");
    let file = path.display().to_string();
    Ok(BundleLine {
        file,
        manifest: None,
        route,
        contents,
        stopped,
        new: None,
    })
}

/// Bundles of the directory that a new one makes superfluous: all that they carry is
/// here, and the new one is for every site that they are for.
fn superseded(engine: &NodeEngine, directory: &Path, new: &Path, to: &[SiteId]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in files(directory).unwrap_or_default() {
        let Some(mut file) = File::open(&path).ok().filter(|_| path != new) else {
            continue;
        };
        let held = engine.holds_bundle(&mut |wanted| read(&mut file, wanted));
        let Ok(Some(manifest)) = held else { continue };
        let here = engine.site();
        let reached = |site: &SiteId| *site == here || to.contains(site);
        let for_all = to.is_empty();
        let for_some = !manifest.destinations.is_empty();
        if for_all || (for_some && manifest.destinations.iter().all(reached)) {
            found.push(path);
        }
    }
    found
}

/// Writes a bundle beside its final name and gives it that; nothing of it stays where that fails.
fn write_bundle(
    engine: &mut NodeEngine,
    path: &Path,
    to: &[SiteId],
    carrier: &str,
) -> Result<std::io::Result<Contents>, Refusal> {
    let half = path.with_extension("part");
    // A half file of an earlier try goes; `create_new` follows no link that a stick may hold.
    let _ = fs::remove_file(&half);
    let file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&half);
    let mut file = match file {
        Ok(file) => file,
        Err(error) => return Ok(Err(error)),
    };
    let mut written = 0;
    let packed = engine.export(to, carrier, &mut |bytes| {
        let kept = file.write_all(bytes);
        if kept.is_ok() {
            written += bytes.len() as u64;
        } else {
            // What did not fit goes, so that there is room to end the bundle.
            file.set_len(written)?;
            file.seek(SeekFrom::Start(written))?;
        }
        kept
    });
    let kept = packed.map(|packed| {
        let contents = packed?;
        file.sync_all()?;
        fs::rename(&half, path)?;
        if let Some(directory) = path.parent() {
            File::open(directory)?.sync_all()?;
        }
        Ok(contents)
    });
    if !matches!(kept, Ok(Ok(_))) {
        // What was half written is of no use under this name; the next export starts anew.
        let _ = fs::remove_file(&half);
    }
    Ok(kept?)
}

/// What the file system said, in words that tell what to do.
fn explain(path: &Path, error: &std::io::Error) -> Refusal {
    let shown = path.display();
    let message = match error.kind() {
        ErrorKind::StorageFull => {
            format!("{shown}: the stick is full: empty it or take another")
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            format!("{shown}: the stick cannot be written: is it write-protected?")
        }
        ErrorKind::NotFound => format!("{shown}: not there: is the stick in?"),
        _ => format!("{shown}: {error}: try again, or take another stick"),
    };
    Refusal::new(Kind::Store, message)
}

/// Takes in one bundle, or all bundles of a directory. A file that ends early or is damaged is
/// named in its line; what came before the damage is kept.
///
/// # Errors
/// [`Refusal`] when there is nothing to read or the engine's store fails.
pub fn import(engine: &mut NodeEngine, path: &Path) -> Result<Vec<BundleLine>, Refusal> {
    let mut lines = Vec::new();
    for path in files(path)? {
        let mut file = File::open(&path).map_err(|error| explain(&path, &error))?;
        let imported = engine.import_bundle(&mut |wanted| read(&mut file, wanted), &mut |_| {})?;
        lines.push(BundleLine::imported(path.display().to_string(), imported));
    }
    Ok(lines)
}

/// Lists what one bundle, or the bundles of a directory, carry.
///
/// # Errors
/// As [`import`].
pub fn inspect(engine: &NodeEngine, path: &Path) -> Result<Vec<BundleLine>, Refusal> {
    let mut lines = Vec::new();
    for path in files(path)? {
        let mut handle = File::open(&path).map_err(|error| explain(&path, &error))?;
        let (manifest, contents, stopped) =
            engine.inspect_bundle(&mut |wanted| read(&mut handle, wanted))?;
        let route = manifest.as_ref().map_or_else(String::new, |manifest| {
            let to: Vec<String> = manifest
                .destinations
                .iter()
                .map(|site| engine.code(*site))
                .collect();
            let to = if to.is_empty() {
                "anyone".to_owned()
            } else {
                to.join(", ")
            };
            format!("{} to {to}", engine.code(manifest.source))
        });
        let file = path.display().to_string();
        lines.push(BundleLine {
            file,
            manifest,
            route,
            contents,
            stopped,
            new: None,
        });
    }
    Ok(lines)
}

fn files(path: &Path) -> Result<Vec<PathBuf>, Refusal> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let said = |error: std::io::Error| explain(path, &error);
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(said)?.take(FILES_MAX) {
        let file = entry.map_err(said)?.path();
        if file.extension().is_some_and(|ending| ending == ENDING) && file.is_file() {
            found.push(file);
        }
    }
    found.sort();
    if found.is_empty() {
        let message = format!(
            "{}: no bundle there: is it the right stick?",
            path.display()
        );
        return Err(Refusal::new(Kind::Refused, message));
    }
    Ok(found)
}

fn read(file: &mut File, wanted: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(wanted);
    file.take(wanted as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
