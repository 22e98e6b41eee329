//! The stick driver: a bundle is written beside its final name, synced, and renamed, so that a
//! stick that is pulled early holds no half file under a good name. What a stick is, [`medium`]
//! says: a directory, or what the simulator makes of one.

pub mod medium;

use std::io::{ErrorKind, Read, Result as Io};

use spean_protocol::id::SiteId;

use crate::api::{BundleLine, Kind, Refusal};
use crate::engine::Engine;
use crate::engine::carry::Contents;
use crate::store::Store;
use medium::Medium;

/// What bundle files end with.
pub const ENDING: &str = "bundle";

/// Files that one directory may hold before it is refused: a stick carries a few dozen.
pub const FILES_MAX: usize = 10_000;

/// Writes a bundle for `to` onto the stick.
///
/// # Errors
/// [`Refusal`] of kind `Store` when the stick is full, read-only or gone.
pub fn export<S: Store>(
    engine: &mut Engine<S>,
    stick: &mut impl Medium,
    to: &[SiteId],
    carrier: &str,
) -> Result<BundleLine, Refusal> {
    if carrier.len() > 64 || carrier.chars().any(char::is_control) {
        return Err(Refusal::new(
            Kind::Refused,
            "--carrier: one line of at most 64 bytes",
        ));
    }
    let codes: Vec<String> = to.iter().map(|site| engine.code(*site)).collect();
    let route = if codes.is_empty() {
        "anyone".to_owned()
    } else {
        codes.join("-")
    };
    let source = engine.code(engine.site());
    let free = |number: &u32| {
        let name = format!("spean-{source}-{route}-{number}");
        (!stick.exists(&format!("{name}.{ENDING}"))).then_some(name)
    };
    let name = (1..=u32::MAX)
        .take(FILES_MAX)
        .find_map(|number| free(&number))
        .ok_or_else(|| Refusal::new(Kind::Store, "the stick holds too many bundles: empty it"))?;
    let file = format!("{name}.{ENDING}");
    let shown = stick.shown(&file);
    let written = write_bundle(engine, stick, &name, to, carrier)?;
    let full = match &written {
        Ok(contents) => contents.left_out > 0,
        Err(error) if error.kind() == ErrorKind::StorageFull => true,
        Err(error) => return Err(explain(&shown, error)),
    };
    let older = superseded(engine, stick, &file, to);
    older.iter().for_each(|older| stick.remove(older));
    let written = if full && !older.is_empty() {
        // All that was on those is held here: the short bundle gives way to one that has their room.
        stick.remove(&file);
        write_bundle(engine, stick, &name, to, carrier)?
    } else {
        written
    };
    let contents = written.map_err(|error| explain(&shown, &error))?;
    let stopped = (contents.left_out > 0).then(|| {
        let left = contents.left_out;
        format!(
            "the stick is full: {left} pieces are left for the next one; what is on it is whole"
        )
    });
    Ok(BundleLine {
        file: shown,
        manifest: None,
        route: format!("{source} to {route}"),
        contents,
        stopped,
        new: None,
    })
}

/// Bundles of the stick that a new one makes superfluous: all that they carry is
/// here, and the new one is for every site that they are for.
fn superseded<S: Store>(
    engine: &Engine<S>,
    stick: &impl Medium,
    new: &str,
    to: &[SiteId],
) -> Vec<String> {
    let mut found = Vec::new();
    for name in stick.names().unwrap_or_default() {
        let Some(mut file) = stick.open(&name).ok().filter(|_| name != new) else {
            continue;
        };
        let held = engine.holds_bundle(&mut |wanted| read(&mut file, wanted));
        let Ok(Some(manifest)) = held else { continue };
        let here = engine.site();
        let reached = |site: &SiteId| *site == here || to.contains(site);
        let for_all = to.is_empty();
        let for_some = !manifest.destinations.is_empty();
        drop(file);
        if for_all || (for_some && manifest.destinations.iter().all(reached)) {
            found.push(name);
        }
    }
    found
}

/// Writes a bundle beside its final name and gives it that; nothing of it stays where that fails.
fn write_bundle<S: Store>(
    engine: &mut Engine<S>,
    stick: &mut impl Medium,
    name: &str,
    to: &[SiteId],
    carrier: &str,
) -> Result<Io<Contents>, Refusal> {
    let half = format!("{name}.part");
    if let Err(error) = stick.begin(&half) {
        return Ok(Err(error));
    }
    let packed = engine.export(to, carrier, &mut |bytes| stick.append(bytes));
    let kept = packed.map(|packed| {
        let contents = packed?;
        stick.finish(&half, &format!("{name}.{ENDING}"))?;
        Ok(contents)
    });
    if !matches!(kept, Ok(Ok(_))) {
        // What was half written is of no use under this name; the next export starts anew.
        stick.remove(&half);
    }
    Ok(kept?)
}

/// What the file system said, in words that tell what to do.
fn explain(shown: &str, error: &std::io::Error) -> Refusal {
    let message = match error.kind() {
        ErrorKind::StorageFull => {
            format!("{shown}: the stick is full: empty it or take another")
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            format!("{shown}: the stick cannot be written: is it write-protected?")
        }
        ErrorKind::NotFound => format!("{shown}: not there: is the stick in?"),
        ErrorKind::NotADirectory => {
            format!("{shown} is no directory: is the stick in, and mounted there?")
        }
        _ => format!("{shown}: {error}: try again, or take another stick"),
    };
    Refusal::new(Kind::Store, message)
}

/// Takes in all bundles of a stick. A file that ends early or is damaged is named in its line; what
/// came before the damage is kept.
///
/// # Errors
/// [`Refusal`] when there is nothing to read or the engine's store fails.
pub fn import<S: Store>(
    engine: &mut Engine<S>,
    stick: &impl Medium,
) -> Result<Vec<BundleLine>, Refusal> {
    let mut lines = Vec::new();
    for name in names(stick)? {
        let shown = stick.shown(&name);
        let mut file = stick.open(&name).map_err(|error| explain(&shown, &error))?;
        let imported = engine.import_bundle(&mut |wanted| read(&mut file, wanted), &mut |_| {})?;
        lines.push(BundleLine::imported(shown, imported));
    }
    Ok(lines)
}

/// Lists what the bundles of a stick carry.
///
/// # Errors
/// As [`import`].
pub fn inspect<S: Store>(
    engine: &Engine<S>,
    stick: &impl Medium,
) -> Result<Vec<BundleLine>, Refusal> {
    let mut lines = Vec::new();
    for name in names(stick)? {
        let file = stick.shown(&name);
        let mut handle = stick.open(&name).map_err(|error| explain(&file, &error))?;
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

/// The bundles of a stick, of which there must be some.
fn names(stick: &impl Medium) -> Result<Vec<String>, Refusal> {
    let shown = stick.shown("");
    let names = stick.names().map_err(|error| explain(&shown, &error))?;
    if names.is_empty() {
        let message = format!("{shown}: no bundle there: is it the right stick?");
        return Err(Refusal::new(Kind::Refused, message));
    }
    Ok(names)
}

fn read(file: &mut (impl Read + ?Sized), wanted: usize) -> Io<Vec<u8>> {
    let mut bytes = Vec::with_capacity(wanted);
    file.take(wanted as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
