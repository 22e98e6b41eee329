//! The simulated nation: a seeded world that will run the real engine of `spean` through what
//! prisons, power, sticks and people do. Nothing is here yet; the engine is ready for it, since it
//! takes its clock and randomness from a `World` and its disk from a `Store`.

pub mod crash;
