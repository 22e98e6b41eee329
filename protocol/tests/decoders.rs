//! Goal: no bytes of a peer, a stick or a person make a decoder panic, hang, or build much more
//! than they are; and what a decoder takes, it means: written again, it reads the same.
//! Method: thousands of changed copies of one good piece of each format (cut, flipped, inserted,
//! spliced with another, lengths blown up), from a fixed seed, and plain noise. What is sealed is
//! also changed inside, as its author could.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod samples;

use samples::*;
use spean_protocol::bundle::{LENGTH_BYTES, MAGIC, Reader, START_BYTES};
use spean_protocol::codec;
use spean_protocol::control::Entry;
use spean_protocol::event::Event;
use spean_protocol::log::ForkProof;
use spean_protocol::parcel;
use spean_protocol::receipt::Receipt;
use spean_protocol::record::{Batch, Chain};
use spean_protocol::roster::SignedRoster;
use spean_protocol::seal::{self, derive, seal_once};
use spean_protocol::segment::{Header, Segment};
use spean_protocol::session::Frame;
use spean_protocol::slip::Slip;
use spean_protocol::stay::{GrantContent, Keyring, Register};

/// Changed copies of each sample.
const ROUNDS: u64 = 1_500;

/// What a decoder made of bytes, written again; `None` where it refused them.
type Decoder<'a> = dyn Fn(&[u8]) -> Option<Vec<u8>> + 'a;

/// Marsaglia's xorshift64: the same changes in every run.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    fn change(&mut self, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
        let at = self.below(bytes.len() + 1);
        match self.below(7) {
            0 => bytes.truncate(at),
            1 | 2 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            3 => bytes.insert(at, self.byte()),
            4 if at < bytes.len() => bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][self.below(5)],
            5 => {
                let other = &others[self.below(others.len())];
                let from = self.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => {
                // A varint of the largest length, wherever a length may stand.
                let length = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F];
                let end = (at + self.below(2)).min(bytes.len());
                bytes.splice(at..end, length);
            }
        }
    }
}

/// Feeds the decoder changed samples and noise; returns how many it took.
fn withstands(name: &str, samples: &[Vec<u8>], decode: &Decoder<'_>) -> u64 {
    let mut draws = Draws(0x5EA4_0000 + u64::try_from(name.len()).unwrap());
    let mut taken = 0;
    for sample in samples {
        let again = decode(sample).unwrap_or_else(|| panic!("{name}: refused a good sample"));
        assert_eq!(&again, sample, "{name}");
        for round in 0..ROUNDS {
            let mut bytes = sample.clone();
            if round % 10 == 0 {
                bytes = (0..draws.below(200)).map(|_| draws.byte()).collect();
            }
            for _ in 0..=draws.below(3) {
                draws.change(&mut bytes, samples);
            }
            let Some(once) = decode(&bytes) else { continue };
            taken += 1;
            let bound = 70 * bytes.len() + 100;
            assert!(
                once.len() <= bound,
                "{name}: {} from {}",
                once.len(),
                bytes.len()
            );
            let twice = decode(&once);
            assert_eq!(
                twice.as_ref(),
                Some(&once),
                "{name}: reads otherwise the second time"
            );
        }
    }
    taken
}

#[test]
fn signed_pieces() {
    let segments = [segment().encode(), control_segment().encode()];
    let taken = withstands("segment", &segments, &|bytes| {
        Some(Segment::decode(bytes).ok()?.encode())
    });
    assert!(taken > 0, "some changes only touch what a signature covers");
    let header = [segment().header.encode()];
    withstands("header", &header, &|bytes| {
        Some(Header::decode(bytes).ok()?.encode())
    });
    withstands("receipt", &[receipt().encode()], &|bytes| {
        let (receipt, statement) = Receipt::decode(bytes).ok()?;
        let _ = receipt.verify(
            statement.site,
            [&node_key().verifying_key().to_bytes(), &[7; 32]],
        );
        Some(receipt.encode())
    });
    withstands("roster", &[signed_roster().encode()], &|bytes| {
        let signed = SignedRoster::decode(bytes).ok()?;
        if let Ok(roster) = signed.preview() {
            assert!(roster.check().is_ok());
            let _ = signed.accept(Some(&roster));
        }
        let _ = (signed.accept(None), signed.accept(Some(&roster())));
        Some(signed.encode())
    });
    withstands("fork proof", &[codec::encode(&fork())], &|bytes| {
        let proof: ForkProof = codec::decode(bytes).ok()?;
        let key = node_key().verifying_key().to_bytes();
        let _ = (proof.run(), proof.verify(|_| vec![&key]));
        Some(codec::encode(&proof))
    });
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
fn slips() {
    let text = slip().to_text().into_bytes();
    withstands("slip", &[text], &|bytes| {
        let slip = Slip::from_text(std::str::from_utf8(bytes).ok()?).ok()?;
        let _ = (slip.verify([&[1; 32]]), slip.open(SITE, [&SEED]));
        Some(slip.to_text().into_bytes())
    });
    // As somebody types or reads it: other letters' case, gaps, dashes.
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
fn contents() {
    withstands("keyring", &[keyring().encode()], &|b| {
        Some(Keyring::decode(b).ok()?.encode())
    });
    withstands("register", &[register().encode()], &|b| {
        Some(Register::decode(b).ok()?.encode())
    });
    withstands("grant", &[grant().encode()], &|b| {
        Some(GrantContent::decode(b).ok()?.encode())
    });
    let entries: Vec<_> = entries().iter().map(Entry::encode).collect();
    withstands(
        "entry",
        &entries,
        &|bytes| match Entry::decode(bytes).ok()? {
            // What is not understood is carried as it came, not written anew.
            Entry::Newer(_) => None,
            entry => Some(entry.encode()),
        },
    );
    let batches = [batch().encode(), small_batch().encode()];
    let taken = withstands("batch", &batches, &|bytes| {
        let batch = Batch::decode(bytes).ok()?;
        let _ = Chain::default().advance(label(), &batch, 3);
        Some(batch.encode())
    });
    assert!(taken > 100);
    let events: Vec<_> = events().iter().map(Event::encode).collect();
    let taken = withstands("event", &events, &|bytes| {
        Some(Event::decode(bytes).ok()?.encode())
    });
    assert!(taken > 100);
}

#[test]
fn frames_of_an_exchange() {
    let frames: Vec<_> = frames().iter().map(Frame::encode).collect();
    withstands("frame", &frames, &|bytes| {
        Some(Frame::decode(bytes).ok()?.encode())
    });
}

/// Reads a bundle as a node does; `None` unless it is whole.
fn read_bundle(file: &[u8]) -> Option<Vec<Frame>> {
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

#[test]
fn bundles() {
    let whole = read_bundle(&bundle()).unwrap();
    // Any change at all is noticed: nothing but the whole file is the whole file.
    withstands("bundle", &[bundle()], &|bytes| {
        let frames = read_bundle(bytes)?;
        assert_eq!(frames, whole);
        Some(bytes.to_vec())
    });
    // Whoever has the carrier key can seal what he likes.
    let id = [0xB5_u8; 16];
    let bundle_key = derive("spean 2026 bundle v1", &[&CARRIER.0, &id]);
    let sealed = |number: u64, last: bool, content: &[u8]| {
        let parts: [&[u8]; 3] = [&bundle_key, &number.to_le_bytes(), &[u8::from(last)]];
        seal_once(&derive("spean 2026 bundle chunk v1", &parts), &[], content).unwrap()
    };
    let start = [MAGIC.as_slice(), &id].concat();
    let manifest = codec::encode(&(SITE, vec![OTHER], 1_790_000_000_u64, "van 2"));
    withstands("manifest", std::slice::from_ref(&manifest), &|bytes| {
        let mut reader = Reader::start(&CARRIER, &start).unwrap();
        Some(codec::encode(
            &reader.manifest(&sealed(0, false, bytes), false).ok()?,
        ))
    });
    let write = |frames: &[Frame]| -> Vec<u8> {
        frames
            .iter()
            .flat_map(|frame| codec::encode(&frame.encode()))
            .collect()
    };
    withstands("chunk", &[write(&frames()[3..7])], &|bytes| {
        let mut reader = Reader::start(&CARRIER, &start).unwrap();
        reader
            .manifest(&sealed(0, false, &manifest), false)
            .unwrap();
        Some(write(&reader.frames(&sealed(1, true, bytes), true).ok()?))
    });
}

/// Whoever has a stay key can seal what he likes under it.
#[test]
fn insides_of_parcels() {
    let place_bytes = [&place().run.0[..], &place().height.to_le_bytes(), &[0, 0]].concat();
    let key = derive("spean 2026 parcel key v1", &[&stay_key().0.0, &place_bytes]);
    let aad = [&place_bytes[..], &label().0].concat();
    let content = small_batch().encode();
    let large = [content.clone(), vec![7; 900]].concat();
    let compressed = seal::compress(&large).unwrap();
    let plain = |kind: u8, body: &[u8]| [&[kind][..], &codec::encode(&body.len()), body].concat();
    let samples = [plain(1, &content), plain(0x81, &compressed)];
    let mut draws = Draws(77);
    let mut opened = 0;
    for sample in &samples {
        for _ in 0..ROUNDS {
            let mut bytes = sample.clone();
            draws.change(&mut bytes, &samples);
            let sealed = seal_once(&key, &aad, &bytes).unwrap();
            if let Ok((_, content)) = parcel::open(&stay_key().0, place(), label(), &sealed) {
                assert!(content.len() <= spean_protocol::limits::PARCEL_CONTENT_BYTES_MAX);
                let _ = Batch::decode(&content);
                opened += 1;
            }
        }
    }
    assert!(opened > 100);
    let sealed = sealed_parcel();
    for at in 0..sealed.len() {
        let mut bad = sealed.clone();
        bad[at] ^= 1;
        assert!(parcel::open(&stay_key().0, place(), label(), &bad).is_err());
    }
}
