//! All chance of a world comes from its seed: a ChaCha8 stream for each use, so that what one
//! thing draws does not change what another does.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// A stream of draws.
#[derive(Clone, Debug)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of a seed for one use.
    #[must_use]
    pub fn new(seed: u64, of: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("spean simulation dice v1");
        hasher.update(&seed.to_le_bytes());
        hasher.update(of.as_bytes());
        Self(ChaCha8Rng::from_seed(*hasher.finalize().as_bytes()))
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `end`; 0 where that is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        // The bias of a remainder of 64 bits is far below what any count here could show.
        self.number().checked_rem(end).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, [low, high]: [u32; 2]) -> u32 {
        let span = u64::from(high.max(low) - low) + 1;
        low + u32::try_from(self.below(span)).unwrap_or(0)
    }

    /// Whether something of that probability happens.
    pub fn chance(&mut self, probability: f64) -> bool {
        const MILLION: u64 = 1_000_000;
        let draw = f64::from(u32::try_from(self.below(MILLION)).unwrap_or(0));
        draw < probability * 1_000_000.0
    }

    /// How often something happens that is expected `rate` times: the whole part, and one more by
    /// chance.
    pub fn times(&mut self, rate: f64) -> u32 {
        let whole = rate.max(0.0).floor();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let times = whole as u32;
        times + u32::from(self.chance(rate - whole))
    }

    /// A place in a list of that length.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// One of a list.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        let at = self.index(list.len());
        list.get(at)
    }

    /// Thirty-two bytes.
    pub fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}
