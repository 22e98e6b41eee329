//! The running stand-in.

use std::sync::MutexGuard;

use crate::calls::{Call, Outcome, Trouble};
use crate::functions::WRITES;
use crate::server::{Server, Site, lock};
use crate::setup::Setup;
use crate::state::State;

/// A Moodle that runs until it is dropped. People's acts panic on names that are not there.
#[derive(Debug)]
pub struct Moodle {
    site: Site,
    _server: Server,
}

impl Moodle {
    /// Starts one on a free port of the loopback.
    ///
    /// # Panics
    /// When the system gives no port or no thread.
    #[must_use]
    pub fn start(setup: Setup) -> Self {
        let (server, site) = Server::start(setup);
        Self {
            site,
            _server: server,
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.site)
    }

    /// Where it listens, without a path: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        self.state().url.clone()
    }

    /// The token of the service.
    #[must_use]
    pub fn token(&self) -> String {
        self.state().token.clone()
    }

    /// The second that it is.
    #[must_use]
    pub fn clock(&self) -> u64 {
        self.state().now
    }

    /// Sets the second that it is. Nothing else does.
    pub fn set_clock(&self, now: u64) {
        self.state().now = now;
    }

    /// Moves the clock on.
    pub fn wait(&self, seconds: u64) {
        self.state().now += seconds;
    }

    /// Lets cron run once. Within a minute of the last run nothing happens.
    pub fn run_cron(&self) {
        self.state().run_cron();
    }

    /// Has the next requests meet trouble, after those that do already.
    pub fn trouble(&self, trouble: Trouble, requests: usize) {
        let troubles = std::iter::repeat_n(trouble, requests);
        self.state().troubles.extend(troubles);
    }

    /// Gives or takes a capability of the token's user while it runs.
    pub fn allow(&self, capability: &str, allowed: bool) {
        let capabilities = &mut self.state().setup.capabilities;
        if allowed {
            capabilities.insert(capability.to_owned());
        } else {
            capabilities.remove(capability);
        }
    }

    /// Every call so far, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The calls that were carried out and write.
    #[must_use]
    pub fn writes(&self) -> Vec<Call> {
        let writes =
            |call: &Call| call.outcome == Outcome::Done && WRITES.contains(&call.function.as_str());
        let mut calls = self.calls();
        calls.retain(writes);
        calls
    }

    /// How often a function was asked for, whatever became of it.
    #[must_use]
    pub fn count(&self, function: &str) -> usize {
        let calls = self.calls();
        calls
            .iter()
            .filter(|call| call.function == function)
            .count()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.state().calls.clear();
    }
}
