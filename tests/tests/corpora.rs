//! Goal: what fuzzing has found, and whatever it once broke, holds in every ordinary run of the
//! tests; no target is without inputs, no program without a target, and no kind of misfortune is
//! met by none of the kept worlds.
//! Method: every file of `fuzz/corpus` and `fuzz/crashes` goes through the function that the fuzz
//! programs call. `SPEAN_WRITE_CORPORA=1 cargo test -p spean-tests --test corpora` writes the
//! samples of targets that have no folder yet. One test, for memory is measured.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fuzz::Target;

/// Files of one corpus, and bytes of all: what a repository carries gladly.
const FILES_MAX: usize = 64;
const BYTES_MAX: u64 = 600_000;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz")
        .join(name)
}

/// The files and folders in a folder, in order.
fn inside(folder: &Path) -> Vec<PathBuf> {
    let read = std::fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = read.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn write_seeds(target: &Target) {
    let folder = folder("corpus").join(target.name());
    if folder.exists() || std::env::var_os("SPEAN_WRITE_CORPORA").is_none() {
        return;
    }
    std::fs::create_dir_all(&folder).unwrap();
    for seed in target.seeds() {
        let name = blake3::hash(&seed).to_hex()[..16].to_owned();
        std::fs::write(folder.join(name), seed).unwrap();
    }
}

/// The programs that the fuzz crate builds.
fn programs() -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(folder("Cargo.toml")).unwrap();
    let bins = manifest.lines().filter_map(|line| {
        let (name, _) = line.trim().strip_prefix("{ name = \"")?.split_once('"')?;
        Some(name.to_owned())
    });
    bins.collect()
}

#[test]
fn every_kept_input_is_withstood() {
    let names: BTreeSet<String> = Target::all()
        .map(|target| target.name().to_owned())
        .collect();
    assert_eq!(names.len(), Target::all().count(), "a name twice");
    assert_eq!(programs(), names, "a line of Cargo.toml for each target");
    Target::all().for_each(|target| write_seeds(&target));
    let corpora: BTreeSet<String> = inside(&folder("corpus"))
        .iter()
        .map(|path| name(path))
        .collect();
    assert_eq!(corpora, names, "a corpus for each target");

    let mut bytes_of_all = 0;
    for target in Target::all() {
        let mut held = 0;
        let begun = std::time::Instant::now();
        let kept = inside(&folder("corpus").join(target.name()));
        let broken = inside(&folder("crashes").join(target.name()));
        let (name, files) = (target.name(), kept.len());
        assert!((1..=FILES_MAX).contains(&files), "{name}: {files} files");
        for path in kept.iter().chain(&broken) {
            let bytes = std::fs::read(path).unwrap();
            bytes_of_all += bytes.len() as u64;
            println!("{}", path.display());
            held = held.max(target.run(&bytes));
        }
        let seconds = begun.elapsed().as_secs_f64();
        println!("{name:20} {files:3} files, {seconds:.2} s, {held:8} bytes held at most");
    }
    assert!(bytes_of_all <= BYTES_MAX, "{bytes_of_all} bytes");
    let never = fuzz::world::never_met();
    assert!(never.is_empty(), "no kept world meets {never:?}");
}

/// Each input that once failed has its line in `crashes/why.txt`, and no line is without one.
#[test]
fn every_crash_has_its_reason() {
    let why = std::fs::read_to_string(folder("crashes/why.txt")).unwrap();
    let listed: BTreeSet<String> = why
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some(line.split_once(": ")?.0.to_owned()))
        .collect();
    let mut kept = BTreeSet::new();
    for target in inside(&folder("crashes"))
        .iter()
        .filter(|path| path.is_dir())
    {
        for path in inside(target) {
            kept.insert(format!("{}/{}", name(target), name(&path)));
        }
    }
    assert_eq!(listed, kept);
}
