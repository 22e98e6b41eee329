//! What is fuzzed, and what must hold of any bytes: one function for each target, called by the
//! fuzz programs of this crate and, with the kept inputs, by the ordinary tests (`tests/corpora.rs`
//! includes this file). Each decoder of the protocol's table is a target; the others are what
//! decoders do not show: an engine that is given what it should not be given.
//!
//! A further target is a line of [`COMPOSITIONS`], one of `Cargo.toml` and a folder in `corpus`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

mod author;
mod input;
mod nation;
#[path = "../../../node/tests/network/mod.rs"]
mod network;
mod peers;
mod people;
mod record;
#[path = "../../../protocol/tests/samples/mod.rs"]
pub mod samples;
mod seeds;
pub mod world;

use peak_alloc::PeakAlloc;

use samples::decoders::{DECODERS, Decoder};
use spean_protocol::limits::PARCEL_CONTENT_BYTES_MAX;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What a decoder may hold at a time, its answer and what is written of it included: so many bytes
/// for each that it is given, and so many besides: what decompression may give, and some.
const DECODER_BYTES: (usize, usize) = (100, PARCEL_CONTENT_BYTES_MAX + 64 * 1024);

/// What an engine and its peers may hold beyond what they held before.
const ENGINE_BYTES: usize = 4 << 20;

/// A target that is no decoder.
#[derive(Clone, Copy)]
pub struct Composition {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Inputs to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

macro_rules! table {
    ($($name:literal: $run:path, $seeds:path;)*) => {
        &[$(Composition { name: $name, run: $run, seeds: $seeds }),*]
    };
}

/// What is fuzzed beside the decoders.
pub const COMPOSITIONS: &[Composition] = table! {
    "author": peers::author, seeds::written;
    "session": peers::session, seeds::sessions;
    "stick": peers::stick, seeds::sticks;
    "slips": people::slips, people::slip_seeds;
    "registers": people::registers, people::register_files;
    "record": record::record, record::records;
    "world": world::world, world::worlds;
};

/// One target.
#[derive(Clone, Copy)]
pub enum Target {
    Decoder(Decoder),
    Composition(Composition),
}

impl Target {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let decoders = DECODERS.iter().copied().map(Self::Decoder);
        decoders.chain(COMPOSITIONS.iter().copied().map(Self::Composition))
    }

    /// The target of that name.
    ///
    /// # Panics
    /// Where there is none; in a constant, the compiler says so.
    #[must_use]
    pub const fn named(name: &str) -> Self {
        let mut at = 0;
        while at < DECODERS.len() {
            if equal(DECODERS[at].name.as_bytes(), name.as_bytes()) {
                return Self::Decoder(DECODERS[at]);
            }
            at += 1;
        }
        at = 0;
        while at < COMPOSITIONS.len() {
            if equal(COMPOSITIONS[at].name.as_bytes(), name.as_bytes()) {
                return Self::Composition(COMPOSITIONS[at]);
            }
            at += 1;
        }
        panic!("no target of that name");
    }

    /// Its name: of its program, and of its folder in `corpus`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Decoder(decoder) => decoder.name,
            Self::Composition(composition) => composition.name,
        }
    }

    /// Inputs to start from.
    #[must_use]
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        match self {
            Self::Decoder(decoder) => (decoder.samples)(),
            Self::Composition(composition) => (composition.seeds)(),
        }
    }

    /// Gives the target one input; how many bytes it held at most.
    ///
    /// # Panics
    /// When something does not hold.
    pub fn run(&self, bytes: &[u8]) -> usize {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let most = match self {
            Self::Decoder(decoder) => {
                decoder.withstands(bytes);
                DECODER_BYTES.0 * bytes.len() + DECODER_BYTES.1
            }
            Self::Composition(composition) => {
                (composition.run)(bytes);
                ENGINE_BYTES
            }
        };
        let held = MEMORY.peak_usage().saturating_sub(before);
        assert!(
            held <= most,
            "{}: held {held} bytes, of {}",
            self.name(),
            bytes.len()
        );
        held
    }
}

const fn equal(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}
