//! What the engine may not reach for by itself: the wall clock and randomness. The simulator
//! passes its own.

use std::time::{SystemTime, UNIX_EPOCH};

/// The outside, as far as the engine needs it.
pub trait World: Send {
    /// Seconds since 1970 by the wall clock, right or wrong. Shown, and decides nothing.
    fn wall_seconds(&self) -> u64;
    /// Thirty-two fresh random bytes.
    fn random(&mut self) -> [u8; 32];
}

/// The machine that this program runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl World for Machine {
    fn wall_seconds(&self) -> u64 {
        // A clock before 1970 counts as 1970.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }

    fn random(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        if let Err(error) = getrandom::fill(&mut bytes) {
            // Without randomness no key may be made; the kernel always has some after boot.
            tracing::error!(%error, "the operating system gives no randomness");
            std::process::abort();
        }
        bytes
    }
}
