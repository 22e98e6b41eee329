//! Two nodes as processes and a line of their own between them.

use std::time::Duration;

use spean_tests::shaper::{Line, Shaper};

use crate::ground::lines::{Dialled, until};
use crate::ground::{Ground, Running};

/// The line of the project's own table of limits. The queue is one second long.
pub const THIN: Line = Line {
    bits_per_second: 64_000,
    delay: Duration::from_millis(300),
    lost_per_mille: 20,
    queue: Duration::from_secs(1),
};

/// How long anything may take before the benchmark gives up.
pub const PATIENCE: Duration = Duration::from_secs(400);

/// How long a line must be silent to count as done: one round trip and a retransmission.
const SILENCE: Duration = Duration::from_millis(2_500);

/// `dialler` dials `listener` over `line`; the listener runs.
pub struct Pair {
    pub ground: Ground,
    pub line: Shaper,
    pub driver: &'static str,
    dialler: &'static str,
    peer: &'static str,
    listener: &'static str,
    _listening: Running,
    dialling: Option<Running>,
}

impl Pair {
    /// Lays a line from the home `dialler` to the home `listener` of the site `peer`.
    pub fn new(
        ground: Ground,
        dialler: &'static str,
        (listener, peer): (&'static str, &'static str),
        driver: &'static str,
        seed: u64,
    ) -> Self {
        let address = ground.listen(listener, &[driver])[0];
        let line = Shaper::before(address, THIN, seed).unwrap();
        ground.dial(dialler, (peer, driver), line.address(), 86_400);
        let listening = ground.start(listener);
        Self {
            ground,
            line,
            driver,
            dialler,
            peer,
            listener,
            _listening: listening,
            dialling: None,
        }
    }

    /// Starts the node that dials; it does so at once.
    pub fn start(&mut self) {
        self.dialling = Some(self.ground.start(self.dialler));
    }

    /// Kills the node that dials.
    pub fn kill(&mut self) {
        self.dialling = None;
    }

    /// Waits for the end of the exchange number `count`, whole or cut.
    pub fn ended(&self, count: usize) -> Dialled {
        until("an exchange's end", PATIENCE, || {
            self.ground.dialled(self.dialler).len() >= count
        });
        self.ground.dialled(self.dialler)[count - 1]
    }

    /// Waits for an exchange that comes to its end.
    pub fn whole(&self) -> Dialled {
        let whole = || {
            let dialled = self.ground.dialled(self.dialler);
            dialled.into_iter().find(|dialled| dialled.whole)
        };
        until("an exchange that is whole", PATIENCE, || whole().is_some());
        whole().unwrap()
    }

    /// One more exchange, and the IP bytes that it cost, from the dial to the close.
    pub fn contact(&self) -> (Dialled, u64) {
        let before = self.line.sent_bytes();
        let dialled = self.ground.sync(self.dialler, self.peer);
        self.settled();
        (dialled, self.line.sent_bytes() - before)
    }

    /// Exchanges until neither side has anything new.
    pub fn level(&self) -> (Dialled, u64) {
        for _ in 0..10 {
            let (dialled, bytes) = self.contact();
            if dialled.same {
                return (dialled, bytes);
            }
        }
        panic!("{}: ten exchanges and still something new", self.driver);
    }

    /// Waits until the line is silent.
    pub fn settled(&self) {
        let mut before = u64::MAX;
        while before != self.line.sent_bytes() {
            before = self.line.sent_bytes();
            std::thread::sleep(SILENCE);
        }
    }

    /// Both hold the same segments, and refused none.
    pub fn assert_level(&self) {
        let here = self.ground.segments(self.dialler);
        assert_eq!(here, self.ground.segments(self.listener));
    }

    /// Exchanges that the listening side saw end, and those that it saw end early.
    pub fn seen_by_listener(&self) -> (usize, usize) {
        let log = self.ground.log(self.listener);
        let count = |what| log.lines().filter(|line| line.contains(what)).count();
        (count(": exchanged "), count("ended early"))
    }
}
