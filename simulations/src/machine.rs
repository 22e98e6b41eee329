//! One machine of a site: the real engine over a [`Disk`] that may fail, a clock that may be wrong,
//! and power that may go. Everything that the world asks of it goes through [`Machine::ask`], which
//! tells a refusal from a failing disk, and both from an engine that is broken.

pub mod disk;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ed25519_dalek::SigningKey;
use spean::engine::{Engine, EngineError, Identity};
use spean::store::memory::Memory;
use spean::world::World as Outside;
use spean_protocol::id::SiteId;
use spean_protocol::seal::Secret;

use crate::dice::Dice;
use disk::{Disk, Failing};

/// The engine as a world runs it.
pub type Node = Engine<Disk>;

/// Monday 2026-01-05, 00:00 UTC, where every world begins.
pub const BEGIN: u64 = 1_767_571_200;

/// Why something that was asked of a machine did not happen.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Trouble {
    /// It has no power.
    #[error("no power")]
    Off,
    /// The power went while it worked.
    #[error("the power went")]
    PowerCut,
    /// Its disk failed, as the world wanted.
    #[error("the disk failed")]
    Disk,
    /// The engine refused it, and said why.
    #[error("refused: {0}")]
    Refused(String),
    /// The engine failed although nothing around it did: a bug.
    #[error("broken: {0}")]
    Broken(String),
}

impl Trouble {
    /// No answer came: it may be done all the same.
    #[must_use]
    pub const fn leaves_open(&self) -> bool {
        matches!(self, Self::PowerCut | Self::Disk)
    }
}

/// What a machine's clock shows, beside the world's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    /// Seconds that it is ahead.
    pub ahead: i64,
    /// Millionths by which it runs too fast.
    pub drift: i64,
    /// Back to the day of its make at every start.
    pub forgets: bool,
    /// The world's second when it was set last.
    pub set_at: u64,
}

impl Clock {
    fn shows(&self, now: u64) -> u64 {
        let since = i64::try_from(now - self.set_at.min(now)).unwrap_or(0);
        let drifted = since.saturating_mul(self.drift) / 1_000_000;
        let shown = BEGIN
            .saturating_add(now)
            .saturating_add_signed(self.ahead.saturating_add(drifted));
        shown.min(u64::from(u32::MAX))
    }
}

/// Clock and random bytes of one start of a machine.
struct Surroundings {
    shown: Arc<AtomicU64>,
    dice: Dice,
}

impl Outside for Surroundings {
    fn wall_seconds(&self) -> u64 {
        self.shown.load(Ordering::Relaxed)
    }

    fn random(&mut self) -> [u8; 32] {
        self.dice.bytes()
    }
}

/// Cohorts that a nation comes through at most.
pub const COHORTS: u16 = 4;

/// The keys of a site's node: made up from its place, alike in every world. Every machine of a site has
/// the same: one that is made anew has got them back from a backup.
#[must_use]
pub fn identity(place: usize) -> Identity {
    let key = |of: &str| {
        let text = format!("spean simulation {of} of {place}");
        *blake3::hash(text.as_bytes()).as_bytes()
    };
    Identity {
        signing: SigningKey::from_bytes(&key("signing")),
        boxes: (1..=COHORTS)
            .map(|cohort| (cohort, Secret(key(&format!("box {cohort}")))))
            .collect(),
        secret: Secret(key("secret")),
    }
}

/// A machine.
pub struct Machine {
    /// Whose it is: 0 is the head office, then the prisons.
    pub place: usize,
    /// The site's number in the roster.
    pub site: SiteId,
    /// What it keeps.
    pub disk: Disk,
    /// Its clock.
    pub clock: Clock,
    /// The engine, while there is power.
    pub engine: Option<Node>,
    /// What its random bytes come from: changed at each start.
    pub start: u64,
    /// How often it is still to lose power while it starts.
    pub brown_outs: u32,
    /// The power that goes next goes in a brown-out.
    pub brown_out: bool,
    shown: Arc<AtomicU64>,
    seed: u64,
}

impl Machine {
    /// A machine that is off, with that disk.
    #[must_use]
    pub fn new(place: usize, site: SiteId, disk: Disk, seed: u64) -> Self {
        Self {
            place,
            site,
            disk,
            clock: Clock::default(),
            engine: None,
            start: 0,
            brown_outs: 0,
            brown_out: false,
            shown: Arc::new(AtomicU64::new(0)),
            seed,
        }
    }

    /// Starts the machine with what its disk keeps.
    ///
    /// # Errors
    /// [`Trouble::PowerCut`] in a brown-out; [`Trouble::Broken`] when the engine does not open.
    pub fn start(&mut self, start: u64, now: u64) -> Result<(), Trouble> {
        self.disk.power_on();
        self.start = start;
        if self.clock.forgets {
            self.clock.ahead = -i64::try_from(now).unwrap_or(0);
            self.clock.set_at = now;
        }
        self.tell_time(now);
        let surroundings = Surroundings {
            shown: self.shown.clone(),
            dice: Dice::new(self.seed ^ start.rotate_left(32), "machine"),
        };
        let opened = Engine::open(
            self.disk.clone(),
            identity(self.place),
            Box::new(surroundings),
        );
        match opened {
            Ok(engine) if !self.disk.is_dead() => {
                self.engine = Some(engine);
                Ok(())
            }
            _ if self.disk.is_dead() => Err(Trouble::PowerCut),
            Ok(_) => Err(Trouble::PowerCut),
            // The program ends, and is started again as after a cut.
            Err(EngineError::Store(_)) if self.disk.has_failed() => Err(Trouble::PowerCut),
            Err(error) => Err(Trouble::Broken(format!("it does not start: {error}"))),
        }
    }

    /// The power goes.
    pub fn stop(&mut self) {
        self.engine = None;
        self.disk.power_off();
    }

    /// Another disk takes the place of the machine's.
    pub fn replace(&mut self, memory: Memory) {
        self.engine = None;
        self.disk = Disk::of(memory);
    }

    /// What its clock shows from now on.
    pub fn tell_time(&mut self, now: u64) {
        self.shown.store(self.clock.shows(now), Ordering::Relaxed);
    }

    /// Asks something of the engine.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn ask<T>(
        &mut self,
        work: impl FnOnce(&mut Node) -> Result<T, EngineError>,
    ) -> Result<T, Trouble> {
        let Some(engine) = &mut self.engine else {
            return Err(Trouble::Off);
        };
        let answer = work(engine);
        self.judge(answer)
    }

    /// What an answer of the engine means, seeing what its disk went through.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn judge<T>(&mut self, answer: Result<T, EngineError>) -> Result<T, Trouble> {
        if self.disk.is_dead() {
            // Whatever it would have said, nobody heard it.
            self.engine = None;
            return Err(Trouble::PowerCut);
        }
        let error = match answer {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        match error {
            EngineError::Store(_) if self.disk.has_failed() => Err(Trouble::Disk),
            EngineError::Store(_) | EngineError::Malformed(_) | EngineError::NotListed => {
                Err(Trouble::Broken(error.to_string()))
            }
            other => Err(Trouble::Refused(other.to_string())),
        }
    }
}

/// The failing that a cut of power is armed with.
#[must_use]
pub const fn power(kept: bool) -> Failing {
    Failing::Power { kept }
}
