//! How often passwords may be guessed on the pages, and how many are checked at a time. Somebody who is wrong
//! ten times in a row waits a minute for each further try. That is counted for a name *from one machine*: whoever
//! keeps guessing another's name holds up nobody who sits at another machine, and nobody's sign-in to Moodle,
//! which asks nothing of this. What one machine, and all together, may guess is bounded too.
//!
//! Nothing of it is kept: it is counted by a clock that only goes forward, and a restart forgets it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Passwords that are checked at a time, each some 60 ms of a core: the node has other work.
const CHECKED_AT_A_TIME: usize = 2;

/// How long a check waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is counted at most: far more than the bound for all together lets anybody fill.
const COUNTED_MOST: usize = 4_096;

/// Wrong ones that are let through, and the seconds after which one of them is forgotten.
#[derive(Clone, Copy)]
struct Bound {
    most: u32,
    seconds: u64,
}

const OF_A_NAME: Bound = Bound {
    most: 10,
    seconds: 60,
};
const OF_A_MACHINE: Bound = Bound {
    most: 40,
    seconds: 6,
};
const OF_ALL: Bound = Bound {
    most: 400,
    seconds: 1,
};

/// What wrong ones are counted for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    All,
    Machine(IpAddr),
    Name(IpAddr, String),
}

impl Of {
    const fn bound(&self) -> Bound {
        match self {
            Self::All => OF_ALL,
            Self::Machine(_) => OF_A_MACHINE,
            Self::Name(..) => OF_A_NAME,
        }
    }
}

/// Wrong ones, and since when the next of them is being forgotten.
#[derive(Clone, Copy)]
struct Count {
    wrong: u32,
    since: Instant,
}

impl Count {
    fn forget(&mut self, bound: Bound, now: Instant) {
        let past = now.saturating_duration_since(self.since).as_secs() / bound.seconds;
        self.wrong = self
            .wrong
            .saturating_sub(u32::try_from(past).unwrap_or(u32::MAX));
        self.since += Duration::from_secs(past * bound.seconds);
    }
}

/// Counts guesses, and lets a few be checked at a time.
pub struct Guesses {
    counts: Mutex<BTreeMap<Of, Count>>,
    turns: Semaphore,
}

/// A guess that is let through: it counts as wrong until it is said to be right.
pub struct Guess([Of; 3]);

impl Guesses {
    /// None so far.
    pub const fn new() -> Self {
        Self {
            counts: Mutex::new(BTreeMap::new()),
            turns: Semaphore::const_new(CHECKED_AT_A_TIME),
        }
    }

    /// Lets a guess through, or says for how many seconds there is none.
    pub fn let_in(&self, name: &str, machine: IpAddr, now: Instant) -> Result<Guess, u64> {
        let machine = network(machine);
        let of = [
            Of::All,
            Of::Machine(machine),
            Of::Name(machine, name.to_owned()),
        ];
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.retain(|of, count| {
            count.forget(of.bound(), now);
            count.wrong > 0
        });
        if counts.len() >= COUNTED_MOST {
            return Err(OF_A_NAME.seconds);
        }
        let waits = of.iter().filter_map(|of| {
            let count = counts
                .get(of)
                .filter(|count| count.wrong >= of.bound().most)?;
            let past = now.saturating_duration_since(count.since).as_secs();
            Some(of.bound().seconds.saturating_sub(past).max(1))
        });
        if let Some(seconds) = waits.max() {
            return Err(seconds);
        }
        for of in &of {
            let none = Count {
                wrong: 0,
                since: now,
            };
            counts.entry(of.clone()).or_insert(none).wrong += 1;
        }
        Ok(Guess(of))
    }

    /// It was right, so that what was wrong of that name before is forgotten.
    pub fn right(&self, guess: Guess) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for of in guess.0 {
            match (&of, counts.get_mut(&of)) {
                (Of::Name(..), _) => {
                    counts.remove(&of);
                }
                (_, Some(count)) => count.wrong = count.wrong.saturating_sub(1),
                (_, None) => {}
            }
        }
    }

    /// Waits for the turn of a check; none where too many wait.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let turn = tokio::time::timeout(PATIENCE, self.turns.acquire()).await;
        turn.ok()?.ok()
    }
}

/// What counts as one machine: an address, and of the new kind the network, for a machine there has many.
const fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(long) => {
            let [a, b, c, d, ..] = long.segments();
            match long.to_ipv4_mapped() {
                Some(short) => IpAddr::V4(short),
                None => IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)),
            }
        }
        short @ IpAddr::V4(_) => short,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Goal: whoever guesses is slowed down, holds up nobody at another machine, and fills no memory. Method:
    /// guesses at moments that the test chooses.
    #[test]
    fn who_guesses_waits_and_nobody_else_does() {
        let guesses = Guesses::new();
        let [bad, good] = [1, 2].map(|last| IpAddr::from([10, 0, 0, last]));
        let now = Instant::now();
        let later = |seconds| now + Duration::from_secs(seconds);
        for _ in 0..10 {
            guesses.let_in("dara", bad, now).unwrap();
        }
        assert_eq!(guesses.let_in("dara", bad, later(10)).err(), Some(50));
        assert!(guesses.let_in("sok", bad, now).is_ok(), "another name");
        assert!(guesses.let_in("dara", good, now).is_ok(), "another machine");
        // One a minute from then on; one that is right forgets the others.
        let once = guesses.let_in("dara", bad, later(61)).unwrap();
        assert!(guesses.let_in("dara", bad, later(61)).is_err());
        guesses.right(once);
        assert!(guesses.let_in("dara", bad, later(61)).is_ok());
        // A machine that makes up names is held up, too; in the end all are, and none is for long.
        let names = (0..1_000).filter(|n| guesses.let_in(&n.to_string(), bad, later(61)).is_ok());
        assert!(names.count() <= 40);
        for machine in 0..10_000_u32 {
            let _ = guesses.let_in("dara", IpAddr::from(machine.to_be_bytes()), later(61));
        }
        assert!(guesses.counts.lock().unwrap().len() <= 1 + 2 * 400);
        assert!(guesses.let_in("dara", good, later(61)).is_err());
        assert!(guesses.let_in("dara", good, later(63)).is_ok());
        assert!(guesses.let_in("dara", bad, later(2_000)).is_ok());
        assert!(guesses.counts.lock().unwrap().len() <= 3);
    }
}
