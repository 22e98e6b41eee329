//! An engine that is given what it should not be given: by a peer in a session, by a stick, by an
//! author. Afterwards the sound machines are sound and exchange as before.

use std::collections::BTreeSet;

use spean_protocol::bundle::MAGIC;
use spean_protocol::codec;
use spean_protocol::session::{Frame, Session};

use super::author::Author;
use super::input::Input;
use super::nation::{self, LIAR, Nation, SOUND, remain_sound};
use super::network::{DGP, site};
use super::samples::decoders::exchange::{BUNDLE, sealed_chunk};

/// Frames of one input: what a cut link leaves of an exchange.
const FRAMES_MAX: usize = 64;

/// Chunks of one bundle.
const CHUNKS_MAX: usize = 8;

/// Frames beside segments that one exchange may send: a summary, a roster, proofs, receipts.
const OTHERS_MAX: u64 = 100;

/// A peer that says what it likes in an exchange, as dialler and as answerer.
pub fn session(bytes: &[u8]) {
    nation::with(|nation| {
        let mut input = Input(bytes);
        let mut network = nation.begin();
        let mut author = Author::new(nation);
        let at = [SOUND, DGP][input.one_of(2)];
        let node = &mut network.nodes[at];
        let (here, peer) = (site(at), site(LIAR));
        let mut session = match input.one_of(2) {
            0 => Session::answer(here, peer),
            _ => Session::dial(node, here, peer),
        };
        let (mut sent, mut others) = (BTreeSet::new(), 0);
        let mut broken = false;
        for _ in 0..FRAMES_MAX {
            while let Some(frame) = nation::next(node, &mut session) {
                match frame {
                    Frame::Segment(bytes) => assert!(sent.insert(bytes), "a segment twice"),
                    _ => others += 1,
                }
                assert!(others <= OTHERS_MAX, "it sends without an end");
            }
            if input.is_empty() || broken || session.outcome().complete {
                break;
            }
            if let Some(frame) = author.frame(&mut input) {
                broken = nation::received(node, &mut session, frame).is_err();
            }
        }
        remain_sound(&mut network);
    });
}

/// Whatever a rostered author can write, taken by the DGP and by the prison where his learners are.
pub fn author(bytes: &[u8]) {
    nation::with(|nation| {
        let mut input = Input(bytes);
        let mut network = nation.begin();
        let mut author = Author::new(nation);
        for _ in 0..FRAMES_MAX {
            if input.is_empty() {
                break;
            }
            let to = input.byte();
            let Some(frame) = author.frame(&mut input) else {
                continue;
            };
            for (bit, at) in [(1, DGP), (2, SOUND)] {
                if to & bit == 0 {
                    network.nodes[at].take_all(vec![frame.clone()]).unwrap();
                }
            }
            if to & 4 != 0 {
                nation::fold(&mut network.nodes[SOUND]);
            }
        }
        remain_sound(&mut network);
    });
}

/// A bundle whose carrier key is right, whoever packed it: chunks of any bytes, or of frames.
pub fn stick(bytes: &[u8]) {
    nation::with(|nation| {
        let mut input = Input(bytes);
        let mut network = nation.begin();
        let file = packed(nation, &mut input);
        let node = &mut network.nodes[SOUND];
        let (_, contents, stopped) = node.inspect_bundle(&mut reading(&file)).unwrap();
        let imported = node.import_bundle(&mut reading(&file), &mut |_| {});
        let imported = imported.unwrap();
        assert_eq!((imported.contents, imported.stopped), (contents, stopped));
        // Taken in again, what waited for something after it finds its place: no end of news.
        for _ in 0..=imported.new {
            let again = node.import_bundle(&mut reading(&file), &mut |_| {});
            if again.unwrap().new == 0 {
                break;
            }
        }
        remain_sound(&mut network);
    });
}

fn reading(file: &[u8]) -> impl FnMut(usize) -> std::io::Result<Vec<u8>> {
    let mut rest = file;
    move |wanted| {
        let (now, later) = rest.split_at(wanted.min(rest.len()));
        rest = later;
        Ok(now.to_vec())
    }
}

/// A bundle as its author can seal it: any manifest, chunks of any bytes or of frames, and an end
/// that may be missing.
fn packed(nation: &Nation, input: &mut Input<'_>) -> Vec<u8> {
    let mut author = Author::new(nation);
    let mut file = [&MAGIC[..], &BUNDLE].concat();
    let manifest = match input.one_of(2) {
        0 => codec::encode(&(site(LIAR), vec![site(SOUND)], 1_790_000_000_u64, "van 2")),
        _ => input.piece().to_vec(),
    };
    let mut chunks = vec![manifest];
    while !input.is_empty() && chunks.len() < CHUNKS_MAX {
        chunks.push(match input.one_of(8) {
            0 => input.piece().to_vec(),
            count => (0..count)
                .filter_map(|_| author.frame(input))
                .flat_map(|frame| codec::encode(&frame.encode()))
                .collect(),
        });
    }
    let ends_early = input.one_of(4) == 3;
    for (number, chunk) in (0_u64..).zip(&chunks) {
        let last = number + 1 == chunks.len() as u64 && !ends_early;
        let sealed = sealed_chunk(&nation.carrier, number, last, chunk);
        let length = u32::try_from(sealed.len()).unwrap() | u32::from(last) << 31;
        file.extend([&length.to_le_bytes()[..], &sealed].concat());
    }
    file
}
