//! What nodes send each other, by link and by stick.

use std::sync::LazyLock;

use spean_protocol::bundle::{LENGTH_BYTES, MAGIC, Reader, START_BYTES};
use spean_protocol::codec;
use spean_protocol::frontier::Frontier;
use spean_protocol::id::SiteId;
use spean_protocol::seal::{Secret, derive, seal_once};
use spean_protocol::session::{Frame, Summary};

use super::super as samples;
use super::contents::again;
use samples::{CARRIER, OTHER, SITE};

pub fn frontiers() -> Vec<Vec<u8>> {
    let one = samples::summary().frontier;
    let mut two = one.clone();
    two.0.insert(SiteId(300), one.0[&SITE].clone());
    vec![codec::encode(&one), codec::encode(&two)]
}

pub fn frontier(bytes: &[u8]) -> Option<Vec<u8>> {
    let frontier: Frontier = codec::decode(bytes).ok()?;
    let _ = frontier.check();
    Some(codec::encode(&frontier))
}

pub fn summaries() -> Vec<Vec<u8>> {
    let none = Summary::default();
    vec![codec::encode(&samples::summary()), codec::encode(&none)]
}

pub fn summary(bytes: &[u8]) -> Option<Vec<u8>> {
    again::<Summary>(bytes)
}

pub fn frames() -> Vec<Vec<u8>> {
    samples::frames().iter().map(Frame::encode).collect()
}

pub fn frame(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(Frame::decode(bytes).ok()?.encode())
}

/// Reads a bundle as a node does; `None` unless it is whole.
pub fn read_bundle(file: &[u8]) -> Option<Vec<Frame>> {
    let (start, mut rest) = file.split_at_checked(START_BYTES)?;
    let mut reader = Reader::start(&CARRIER, start).ok()?;
    let (mut first, mut frames) = (true, Vec::new());
    while !reader.ended() {
        let (length, after) = rest.split_at_checked(LENGTH_BYTES)?;
        let (length, last) = reader.length(length.try_into().ok()?).ok()?;
        let (sealed, after) = after.split_at_checked(length)?;
        if std::mem::take(&mut first) {
            reader.manifest(sealed, last).ok()?;
        } else {
            frames.extend(reader.frames(sealed, last).ok()?);
        }
        rest = after;
    }
    rest.is_empty().then_some(frames)
}

pub fn bundles() -> Vec<Vec<u8>> {
    vec![samples::bundle()]
}

/// Any change at all is noticed: nothing but the whole file is the whole file.
pub fn bundle(bytes: &[u8]) -> Option<Vec<u8>> {
    static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(samples::bundle);
    let frames = read_bundle(bytes)?;
    assert_eq!(frames, samples::frames()[3..7]);
    assert_eq!(bytes, *WHOLE);
    Some(bytes.to_vec())
}

pub const BUNDLE: [u8; 16] = [0xB5; 16];

/// Whoever has the carrier key can seal what he likes: a chunk of the bundle of that id.
pub fn sealed_chunk(carrier: &Secret, number: u64, last: bool, content: &[u8]) -> Vec<u8> {
    let bundle = derive("spean 2026 bundle v1", &[&carrier.0, &BUNDLE]);
    let parts: [&[u8]; 3] = [&bundle, &number.to_le_bytes(), &[u8::from(last)]];
    let chunk = derive("spean 2026 bundle chunk v1", &parts);
    seal_once(&chunk, &[], content).unwrap()
}

fn reader() -> Reader {
    Reader::start(&CARRIER, &[MAGIC.as_slice(), &BUNDLE].concat()).unwrap()
}

pub fn manifests() -> Vec<Vec<u8>> {
    let named = codec::encode(&(SITE, vec![OTHER], 1_790_000_000_u64, "van 2"));
    let anyone = codec::encode(&(OTHER, Vec::<SiteId>::new(), 0_u64, ""));
    vec![named, anyone]
}

pub fn manifest(bytes: &[u8]) -> Option<Vec<u8>> {
    let manifest = reader().manifest(&sealed_chunk(&CARRIER, 0, false, bytes), false);
    Some(codec::encode(&manifest.ok()?))
}

fn written(frames: &[Frame]) -> Vec<u8> {
    let pieces = frames.iter().map(|frame| codec::encode(&frame.encode()));
    pieces.collect::<Vec<_>>().concat()
}

pub fn chunks() -> Vec<Vec<u8>> {
    let frames = samples::frames();
    vec![written(&frames[3..7]), written(&frames[5..7])]
}

pub fn chunk(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut reader = reader();
    let manifest = sealed_chunk(&CARRIER, 0, false, &manifests()[0]);
    reader.manifest(&manifest, false).unwrap();
    let frames = reader
        .frames(&sealed_chunk(&CARRIER, 1, true, bytes), true)
        .ok()?;
    Some(written(&frames))
}
