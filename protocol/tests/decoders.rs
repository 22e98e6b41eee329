//! Goal: no bytes of a peer, a stick or a person make a decoder panic, hang, or build much more
//! than they are; and what a decoder takes, it means: written again, it reads the same.
//! Method: thousands of changed copies of two or more good pieces of each format (cut, flipped,
//! inserted, spliced with another, lengths blown up), from a fixed seed, and plain noise. What is
//! sealed is also changed inside, as its author could. The table of `samples/decoders` names every
//! decoder, with the file that it stands in, and each must have been given its share.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod samples;

use samples::changes::changed;
use samples::decoders::DECODERS;
use samples::*;
use std::collections::BTreeSet;

use spean_protocol::parcel;
use spean_protocol::segment::Segment;
use spean_protocol::slip::Slip;

/// Changed inputs that each of them must have been given.
const GIVEN_MIN: u64 = 1_000;

/// Changed inputs that it must have taken: else nothing of it was written again. Of a bundle
/// and of a backup nothing but the whole file is one.
fn taken_min(name: &str) -> u64 {
    match name {
        "bundle" | "backup" => 0,
        "event" | "batch" | "parcel" => 101,
        _ => 1,
    }
}

#[test]
fn every_decoder_withstands_what_comes() {
    let names: BTreeSet<&str> = DECODERS.iter().map(|decoder| decoder.name).collect();
    assert_eq!(names.len(), DECODERS.len(), "a name twice");
    for decoder in DECODERS {
        let (name, samples) = (decoder.name, (decoder.samples)());
        for sample in &samples {
            let again = (decoder.read)(sample);
            assert_eq!(again.as_ref(), Some(sample), "{name}: a good sample");
        }
        let (mut given, mut taken) = (0_u64, 0_u64);
        changed(name.len(), &samples, |bytes| {
            given += 1;
            taken += u64::from(decoder.withstands(bytes));
        });
        println!("{name:24} {given:6} changed inputs, {taken:6} of them taken");
        assert!(given >= GIVEN_MIN, "{name}: {given} changed inputs");
        assert!(taken >= taken_min(name), "{name}: {taken} of {given} taken");
    }
}

/// A file of the core that reads bytes is in the table.
#[test]
#[allow(clippy::disallowed_methods)]
fn the_table_names_every_decoder() {
    let listed: BTreeSet<&str> = DECODERS.iter().map(|decoder| decoder.file).collect();
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut open = vec![source.clone()];
    let mut reading = BTreeSet::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            if path.extension().is_none_or(|end| end != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            if text.contains("fn decode(bytes: &[u8])") {
                let name = path.strip_prefix(&source).unwrap();
                reading.insert(name.to_string_lossy().into_owned());
            }
        }
    }
    assert!(reading.len() >= 8, "{reading:?}");
    for file in &reading {
        assert!(listed.contains(file.as_str()), "{file} reads bytes");
    }
    for file in listed {
        assert!(source.join(file).is_file(), "{file} is no more");
    }
}

/// A changed signed piece never passes for the original.
#[test]
fn no_change_of_a_signed_piece_is_accepted() {
    let key = node_key().verifying_key().to_bytes();
    let good = segment();
    let bytes = good.encode();
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 0x10;
        let accepted = Segment::decode(&bad).is_ok_and(|segment| segment.verify([&key]).is_ok());
        assert!(!accepted, "byte {at}");
    }
}

#[test]
fn half_a_slip_is_none() {
    let spaced: String = slip()
        .to_text()
        .to_lowercase()
        .chars()
        .flat_map(|letter| [letter, '-', '\n'])
        .collect();
    assert_eq!(Slip::from_text(&spaced[..spaced.len() / 2]).ok(), None);
    assert!(Slip::from_text(&spaced.replace("-\n", "- ")).is_ok());
}

#[test]
fn no_change_of_a_sealed_parcel_opens() {
    let sealed = sealed_parcel();
    for at in 0..sealed.len() {
        let mut bad = sealed.clone();
        bad[at] ^= 1;
        assert!(parcel::open(&stay_key().0, place(), label(), &bad).is_err());
    }
}
