//! The generator's chance: splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
//! generators", 2014), whole because it is three lines. It is not a source of secrets: nothing
//! but made-up people may come out of it.

/// A stream of numbers that one seed settles, on every machine and in every release.
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number of the stream, uniform over 64 bits.
    pub(super) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A whole number from `low` to `high`, both included; `low` if `high` lies below it.
    pub(super) fn between(&mut self, low: i32, high: i32) -> i32 {
        let choices = u64::from(high.max(low).abs_diff(low)) + 1;
        low + i32::try_from(self.number() % choices).unwrap_or(0)
    }

    /// True in `share` of 100 draws.
    pub(super) fn percent(&mut self, share: i32) -> bool {
        self.between(1, 100) <= share
    }

    /// An index below `length`; 0 if `length` is 0.
    pub(super) fn index(&mut self, length: usize) -> usize {
        let choices = u64::try_from(length).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.number() % choices).unwrap_or(0)
    }

    /// One of a table's values.
    pub(super) fn pick<T: Copy, const N: usize>(&mut self, table: &[T; N]) -> T {
        const { assert!(N > 0, "a table to pick from is never empty") };
        table[self.index(N)]
    }

    /// One of a table's values, each with its weight of 100; the last takes what is left.
    pub(super) fn weighted<T: Copy, const N: usize>(&mut self, table: &[(i32, T); N]) -> T {
        const { assert!(N > 0, "a table to pick from is never empty") };
        let mut left = self.between(1, 100);
        for &(weight, value) in table {
            left -= weight;
            if left <= 0 {
                return value;
            }
        }
        table[N - 1].1
    }

    /// Puts the items into an order in which each permutation is as likely (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.index(last + 1);
            items.swap(last, other);
        }
    }
}
