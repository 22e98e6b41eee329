//! Changes of good pieces, the same in every run.

#![allow(clippy::unwrap_used)]

/// Changed copies of each sample.
pub const ROUNDS: u64 = 1_500;

/// What is written of bytes that were taken is at most so many times as long, and so much.
pub const BOUND: (usize, usize) = (70, 100);

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
                // The largest length or none, wherever a length may stand: as a varint of 32 and
                // of 64 bits, and of fixed width.
                let lengths: [&[u8]; 4] = [
                    &[0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
                    &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
                    &[0xFF; 4],
                    &[0],
                ];
                let end = (at + self.below(2)).min(bytes.len());
                bytes.splice(at..end, lengths[self.below(4)].iter().copied());
            }
        }
    }
}

/// Changed copies of each sample, and noise; none of them is a sample.
pub fn changed(seed: usize, samples: &[Vec<u8>], mut each: impl FnMut(&[u8])) {
    let mut draws = Draws(0x5EA4_0000 + u64::try_from(seed).unwrap());
    for sample in samples {
        for round in 0..ROUNDS {
            let mut bytes = sample.clone();
            if round % 10 == 0 {
                bytes = (0..draws.below(200)).map(|_| draws.byte()).collect();
            }
            for _ in 0..=draws.below(3) {
                draws.change(&mut bytes, samples);
            }
            if !samples.contains(&bytes) {
                each(&bytes);
            }
        }
    }
}
