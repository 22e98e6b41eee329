//! What the demo says and what it claims. Each claim is a check with a name; none is taken for
//! granted, and the demo succeeds only if every one of them held.

use std::fmt::Display;
use std::time::Instant;

use serde::Serialize;

/// A claim, and whether it held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What is claimed.
    pub name: String,
    /// Whether it was so.
    pub held: bool,
}

/// The demo's voice: it tells on standard output, step by step, and keeps the checks.
#[derive(Debug)]
pub struct Checks {
    all: Vec<Check>,
    began: Instant,
    step: Option<Instant>,
}

impl Checks {
    /// Nothing claimed yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            all: Vec::new(),
            began: Instant::now(),
            step: None,
        }
    }

    /// Begins a step.
    pub fn step(&mut self, title: &str) {
        self.step_ends();
        self.step = Some(Instant::now());
        println!("\n== {title}");
    }

    /// Ends the step and says how long it took.
    pub fn step_ends(&mut self) {
        if let Some(step) = self.step.take() {
            println!("   ({:.1} s)", step.elapsed().as_secs_f64());
        }
    }

    /// Says something.
    pub fn say(&self, text: impl Display) {
        println!("   {text}");
    }

    /// Claims something that was found to be so, or not.
    pub fn check(&mut self, name: impl Into<String>, held: bool, found: impl Display) {
        let name = name.into();
        let mark = if held { "[ok]    " } else { "[FAILED]" };
        println!("   {mark} {name}: {found}");
        self.all.push(Check { name, held });
    }

    /// Claims that two values are equal.
    pub fn equal<T: PartialEq + Display>(&mut self, name: impl Into<String>, found: T, due: T) {
        let held = found == due;
        let text = if held {
            found.to_string()
        } else {
            format!("{found}, not {due}")
        };
        self.check(name, held, text);
    }

    /// Every check so far.
    #[must_use]
    pub fn all(&self) -> &[Check] {
        &self.all
    }

    /// Whether all of them held.
    #[must_use]
    pub fn all_held(&self) -> bool {
        self.all.iter().all(|check| check.held)
    }

    /// Says how it went.
    pub fn conclude(&mut self) {
        self.step_ends();
        let held = self.all.iter().filter(|check| check.held).count();
        let seconds = self.began.elapsed().as_secs_f64();
        println!(
            "\n{held} of {} checks held, in {seconds:.0} s.",
            self.all.len()
        );
    }
}

impl Default for Checks {
    fn default() -> Self {
        Self::new()
    }
}
