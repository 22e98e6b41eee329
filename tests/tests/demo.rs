//! Goal: the main job works on real nodes, and the demo says so truly: its figures are the published
//! ones, every check of it held, it leaves nothing behind, and it stops when it is told to.
//!
//! Method: run the program as anyone would and read what it prints last; the figures stand here once
//! more, from the published page. Then interrupt it in the middle and look at what is left.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program, working in a folder of its own for temporary files.
fn demo(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spean-under-test"));
    command
        .args(["demo", "--exit", "--json"])
        .env("TMPDIR", folder)
        .stdin(Stdio::null());
    command
}

/// The processes whose homes lie in a folder.
fn nodes_in(folder: &Path) -> usize {
    let folder = folder.to_str().unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines
        .filter(|line| String::from_utf8_lossy(line).contains(folder))
        .count()
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "waited in vain: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_published_figures_come_out_and_every_check_held() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    for (figure, published) in [
        ("beneficiaries", 713.0),
        ("women", 112.0),
        ("reintegration", 486.0),
        ("mean_gain", 30.0),
        ("english_registered", 33.0),
        ("english_released_before_exam", 23.0),
        ("who5_energy", 6.0),
        ("who5_mood", 12.0),
    ] {
        assert_eq!(last[figure].as_f64(), Some(published), "{figure}");
    }
    let checks = last["checks"].as_array().unwrap();
    assert!(checks.len() > 40, "{} checks", checks.len());
    assert!(
        checks
            .iter()
            .all(|check| check["held"] == true && check["name"].is_string())
    );
    let sites = last["sites"].as_array().unwrap();
    assert_eq!(sites.len(), 14);
    for site in sites {
        assert!(site["data_through"].is_string() && site["beneficiaries"].as_u64() > Some(0));
    }
    assert_eq!(nodes_in(folder.path()), 0);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "it leaves nothing behind"
    );
}

/// However it ends, in order or not, no node outlives it.
#[test]
fn no_node_outlives_the_demo() {
    for killed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = demo(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("fifteen nodes", || nodes_in(folder.path()) == 15);
        if killed {
            child.kill().unwrap();
        } else {
            let id = child.id().to_string();
            assert!(
                Command::new("kill")
                    .args(["-INT", &id])
                    .status()
                    .unwrap()
                    .success()
            );
        }
        let status = child.wait().unwrap();
        assert_eq!(status.code(), if killed { None } else { Some(130) });
        until("their end", || nodes_in(folder.path()) == 0);
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert!(killed || left == 0, "what Ctrl-C ends tidies up");
    }
}
