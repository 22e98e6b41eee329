//! Goal: the commands of a night say what they did, to people and to programs, and refuse what makes
//! no sense. Method: the program itself, with two short seeds and few images.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::{Command, Output};

use serde_json::Value;

fn asked(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_spean-simulations");
    Command::new(program).args(arguments).output().unwrap()
}

fn object(arguments: &[&str]) -> Value {
    let output = asked(arguments);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_campaign_says_what_it_did() {
    let folder = env!("CARGO_TARGET_TMPDIR");
    let scenario = format!("{folder}/short.toml");
    let text = "base = \"swarm\"\nname = \"short\"\nabout = \"a week\"\ndays = 7\n";
    std::fs::write(&scenario, text).unwrap();
    let told = object(&[
        "campaign",
        "--minutes",
        "1",
        "--seeds",
        "2",
        "--images",
        "5",
        "--first",
        "1",
        "--scenario",
        &scenario,
        "--json",
    ]);
    assert_eq!(told["swarm"]["seeds"], 2, "{told}");
    assert_eq!(told["swarm"]["site_days"], 2 * 7 * 5);
    assert_eq!(told["images"], 5);
    assert_eq!(told["good"], true);
    for number in ["events", "exchanges", "stops", "transfers"] {
        assert!(told["swarm"][number].is_u64(), "{number}: {told}");
    }
    let classes = told["classes"].as_object().unwrap();
    let planned: Option<u64> = classes.values().map(|hits| hits["planned"].as_u64()).sum();
    assert_eq!(classes.len(), 8, "{told}");
    assert_eq!(told["faults"]["planned"].as_u64(), planned);
    assert!(planned > Some(0));
}

#[test]
fn images_are_counted_by_what_was_kept() {
    let told = object(&["crash-images", "--images", "12", "--seed", "3", "--json"]);
    let variants = told["crash"]["images"].as_object().unwrap();
    let images: Option<u64> = variants.values().map(Value::as_u64).sum();
    assert_eq!((told["images"].as_u64(), images), (Some(12), Some(12)));
    assert_eq!(told["crash"]["failures"], Value::Array(Vec::new()));
    assert_eq!(told["good"], true);
}

#[test]
fn what_makes_no_sense_is_refused_with_what_to_do() {
    let nothing = &[
        "campaign",
        "--minutes",
        "1",
        "--seeds",
        "0",
        "--images",
        "0",
    ];
    let nowhere = &["campaign", "--minutes", "1", "--scenario", "nowhere"];
    let no_images = &["crash-images", "--images", "0"];
    let refused: [(&[&str], &str); 4] = [
        (nothing, "give more than 0"),
        (nowhere, "spean-simulations list"),
        (no_images, "--images"),
        (&["campaign"], "--minutes"),
    ];
    for (arguments, word) in refused {
        let output = asked(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
}
