//! Goal: the core stays pure: nobody adds a runtime, a socket or a database to it unnoticed, and no
//! unsafe code.
//! Method: walk `Cargo.lock` from this package over everything that it needs to run; read what the
//! manifests forbid. Calls of clocks and files are found by clippy, see `protocol/.clippy.toml`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// Tests may read files; the core may not.
#![allow(clippy::disallowed_methods)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Parts of names of crates that do input or output, or run tasks.
const BANNED: [&str; 22] = [
    "tokio",
    "mio",
    "async-io",
    "async-std",
    "async-executor",
    "futures-executor",
    "rayon",
    "socket2",
    "quinn",
    "iroh",
    "rustls",
    "hyper",
    "reqwest",
    "axum",
    "sqlite",
    "redb",
    "sled",
    "rocksdb",
    "postgres",
    "notify",
    "chrono",
    "walkdir",
];

fn read(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(path).unwrap()
}

/// The value between the quotes of a line such as `name = "serde"`.
fn quoted(line: &str) -> Option<&str> {
    line.split('"').nth(1)
}

/// Each package of the lock file with what it depends on, by name.
fn packages(lock: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut packages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let name = package
            .lines()
            .find_map(|line| quoted(line.strip_prefix("name = ")?))
            .unwrap();
        // Several versions of one crate count together.
        let dependencies = packages.entry(name.to_owned()).or_default();
        let lines = package.lines().filter(|line| line.starts_with(" \""));
        let names = lines.filter_map(|line| quoted(line)?.split(' ').next());
        dependencies.extend(names.map(str::to_owned));
    }
    packages
}

/// What the manifest lists under a heading.
fn listed(manifest: &str, heading: &str) -> BTreeSet<String> {
    let section = manifest
        .split(heading)
        .nth(1)
        .unwrap()
        .split("\n[")
        .next()
        .unwrap();
    let name = |line: &str| Some(line.split(['.', ' ', '=']).next()?.to_owned());
    section
        .lines()
        .filter(|line| line.contains('='))
        .filter_map(name)
        .collect()
}

#[test]
fn no_runtime_socket_or_database_is_below_the_core() {
    let packages = packages(&read("../Cargo.lock"));
    let mut open: Vec<String> = listed(&read("Cargo.toml"), "[dependencies]")
        .into_iter()
        .collect();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    while let Some(name) = open.pop() {
        let further = packages
            .get(&name)
            .unwrap_or_else(|| panic!("{name} is not in Cargo.lock"));
        if seen.insert(name) {
            open.extend(further.iter().cloned());
        }
    }
    assert!(seen.contains("automerge") && seen.contains("blake3") && seen.len() > 30);
    let banned: Vec<_> = seen
        .iter()
        .filter(|name| BANNED.iter().any(|part| name.contains(part)))
        .collect();
    assert!(banned.is_empty(), "{banned:?}");
    // The walk would find one: the program itself has several.
    assert!(packages["spean"].contains("tokio") && packages["spean"].contains("rusqlite"));
}

#[test]
fn unsafe_code_is_forbidden_in_every_crate() {
    assert!(read("../Cargo.toml").contains("unsafe_code = \"forbid\""));
    for manifest in [
        "Cargo.toml",
        "../node/Cargo.toml",
        "../simulations/Cargo.toml",
    ] {
        assert!(
            read(manifest).contains("[lints]\nworkspace = true"),
            "{manifest}"
        );
    }
}

/// What a core without input and output has no use for. Hash maps among them: their order is drawn
/// from the system's randomness.
const UNUSED: [&str; 12] = [
    "std::fs",
    "std::io",
    "std::net",
    "std::thread",
    "std::process",
    "std::env",
    "SystemTime",
    "Instant",
    "getrandom",
    "OsRng",
    "HashMap",
    "HashSet",
];

fn sources(folder: PathBuf) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn no_source_names_a_file_clock_or_random_source() {
    let files = sources(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(files.len() > 30, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for name in UNUSED {
            assert!(!text.contains(name), "{}: {name}", file.display());
        }
        // A list after `std::` could hide one.
        assert!(
            !text.contains("std::{"),
            "{}: one line for each use",
            file.display()
        );
    }
    let direct = listed(&read("Cargo.toml"), "[dependencies]");
    for source in ["getrandom", "rand", "libc", "rustix"] {
        assert!(
            !direct.contains(source),
            "randomness and the system are passed in: {source}"
        );
    }
}
