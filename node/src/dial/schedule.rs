//! When to dial whom: pure, with the time passed in. A peer is due as often as the configuration
//! says; of those that are due, the one that usually brings most is dialled first, so that a window
//! of ten minutes is spent where it helps. Failures are tried again ever later, for ever. Something
//! urgent makes everybody due now, and again shortly after, when an answer may be there.

use std::time::Duration;

/// The longest pause after failures.
const BACK_OFF_MAX: Duration = Duration::from_secs(3600);
/// The first pause after a failure.
const BACK_OFF_MIN: Duration = Duration::from_secs(5);
/// Pauses after something urgent: the answer to a question is made when the question was read.
const FOLLOW_UPS: [Duration; 3] = [
    Duration::from_secs(2),
    Duration::from_secs(15),
    Duration::from_secs(90),
];
/// What one exchange changes of what is expected of a peer: a quarter.
const WEIGHT: u64 = 4;

/// One peer.
#[derive(Clone, Debug)]
struct Peer {
    every: Duration,
    due: Duration,
    pause: Duration,
    /// New pieces that it usually brings, times 256; `None` before the first exchange.
    brings: Option<u64>,
    /// The last exchange failed.
    failing: bool,
    dialling: bool,
    /// Follow-ups that are still to come.
    follow_ups: &'static [Duration],
}

/// When to dial whom. Times are counted from an arbitrary start that never goes back.
#[derive(Clone, Debug)]
pub struct Schedule {
    peers: Vec<Peer>,
}

impl Schedule {
    /// Peers with the time between two exchanges of each; all are due at once.
    pub fn new(every: impl IntoIterator<Item = Duration>) -> Self {
        let peer = |every| Peer {
            every,
            due: Duration::ZERO,
            pause: BACK_OFF_MIN,
            brings: None,
            failing: false,
            dialling: false,
            follow_ups: &[],
        };
        Self {
            peers: every.into_iter().map(peer).collect(),
        }
    }

    /// The peer to dial now, which counts as being dialled from here on: of those that are due the
    /// one never tried, else the one that usually brings most; those that failed last come last.
    pub fn next(&mut self, now: Duration) -> Option<usize> {
        let due = self.peers.iter().enumerate();
        let due = due.filter(|(_, peer)| !peer.dialling && peer.due <= now);
        let (place, _) = due.max_by_key(|(place, peer)| {
            let brings = peer.brings.unwrap_or(u64::MAX);
            (!peer.failing, brings, usize::MAX - place)
        })?;
        self.peers[place].dialling = true;
        Some(place)
    }

    /// How long until somebody is due; `None` where nobody will be before an exchange ends.
    pub fn wait(&self, now: Duration) -> Option<Duration> {
        let waiting = self.peers.iter().filter(|peer| !peer.dialling);
        waiting.map(|peer| peer.due.saturating_sub(now)).min()
    }

    /// An exchange ended: with so many new pieces, or it failed.
    pub fn ended(&mut self, place: usize, now: Duration, brought: Option<u64>) {
        let Some(peer) = self.peers.get_mut(place) else {
            return;
        };
        peer.dialling = false;
        peer.failing = brought.is_none();
        let Some(brought) = brought else {
            peer.due = now + peer.pause;
            peer.pause = (peer.pause * 2).min(BACK_OFF_MAX);
            return;
        };
        let brought = brought.saturating_mul(256);
        peer.brings = Some(match peer.brings {
            None => brought,
            Some(before) => before - before / WEIGHT + brought / WEIGHT,
        });
        peer.pause = BACK_OFF_MIN;
        let pause = match peer.follow_ups.split_first() {
            Some((first, rest)) => {
                peer.follow_ups = rest;
                *first
            }
            None => peer.every,
        };
        peer.due = now + pause.min(peer.every);
    }

    /// Something must go out, and something may come back. Who does not answer is no sooner there
    /// for it: his pause stays, unless nobody answers at all.
    pub fn urgent(&mut self, now: Duration) {
        let nobody = self.peers.iter().all(|peer| peer.failing);
        for peer in &mut self.peers {
            if nobody || !peer.failing {
                peer.due = peer.due.min(now);
            }
            peer.follow_ups = &FOLLOW_UPS;
        }
    }
}

/// Goal: the schedule meets everybody, prefers who brings most, never gives up and never hammers.
/// Method: a clock by hand.
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn three() -> Schedule {
        Schedule::new([15 * MINUTE; 3])
    }

    /// Dials whoever is due, one after the other; what each brings is given.
    fn round(schedule: &mut Schedule, now: Duration, brings: [Option<u64>; 3]) -> Vec<usize> {
        let mut order = Vec::new();
        while let Some(place) = schedule.next(now) {
            order.push(place);
            schedule.ended(place, now, brings[place]);
        }
        order
    }

    #[test]
    fn who_brings_most_comes_first() {
        let mut schedule = three();
        let brings = [Some(1), Some(400), Some(20)];
        assert_eq!(round(&mut schedule, Duration::ZERO, brings), [0, 1, 2]);
        assert_eq!(schedule.wait(Duration::ZERO), Some(15 * MINUTE));
        assert_eq!(round(&mut schedule, 15 * MINUTE, brings), [1, 2, 0]);
        // It learns anew when things change.
        let changed = [Some(2_000), Some(0), Some(0)];
        for turn in 2..12 {
            round(&mut schedule, 15 * turn * MINUTE, changed);
        }
        assert_eq!(round(&mut schedule, 999 * MINUTE, changed)[0], 0);
    }

    #[test]
    fn a_peer_that_does_not_answer_is_tried_for_ever_and_ever_later() {
        let mut schedule = Schedule::new([MINUTE]);
        let mut now = Duration::ZERO;
        let mut pauses = Vec::new();
        for _ in 0..40 {
            assert_eq!(schedule.next(now), Some(0));
            assert_eq!(schedule.next(now), None, "not twice at once");
            assert_eq!(schedule.wait(now), None);
            schedule.ended(0, now, None);
            pauses.push(schedule.wait(now).unwrap());
            now += schedule.wait(now).unwrap();
        }
        assert!(pauses.is_sorted());
        assert_eq!(
            (pauses[0], *pauses.last().unwrap()),
            (BACK_OFF_MIN, BACK_OFF_MAX)
        );
        assert_eq!(schedule.next(now), Some(0));
        schedule.ended(0, now, Some(3));
        assert_eq!(schedule.wait(now), Some(MINUTE), "as usual again");
    }

    #[test]
    fn what_is_urgent_goes_at_once_and_its_answer_is_fetched() {
        let mut schedule = three();
        round(&mut schedule, Duration::ZERO, [Some(0); 3]);
        assert_eq!(schedule.next(MINUTE), None);
        schedule.urgent(MINUTE);
        assert_eq!(round(&mut schedule, MINUTE, [Some(0); 3]).len(), 3);
        let mut now = MINUTE;
        for pause in FOLLOW_UPS {
            assert_eq!(schedule.wait(now), Some(pause));
            now += pause;
            assert_eq!(round(&mut schedule, now, [Some(0); 3]).len(), 3);
        }
        assert_eq!(schedule.wait(now), Some(15 * MINUTE), "then as usual");
    }

    /// Three peers never answer and one does: what is urgent goes to the one at once, and no call
    /// is spent on the others before their pause is over.
    #[test]
    fn who_does_not_answer_holds_up_nothing_urgent() {
        let mut schedule = Schedule::new([15 * MINUTE; 4]);
        let dialled = |schedule: &mut Schedule, now| {
            let mut order = Vec::new();
            while let Some(place) = schedule.next(now) {
                order.push(place);
                schedule.ended(place, now, (place == 3).then_some(5));
            }
            order
        };
        for turn in 0..6 {
            dialled(&mut schedule, 15 * turn * MINUTE);
        }
        let now = 90 * MINUTE;
        assert_eq!(dialled(&mut schedule, now), [3, 0, 1, 2]);
        schedule.urgent(now + Duration::from_secs(1));
        assert_eq!(dialled(&mut schedule, now + Duration::from_secs(1)), [3]);
        // They are tried all the same when their pause is over.
        assert_eq!(dialled(&mut schedule, now + 60 * MINUTE), [3, 0, 1, 2]);
    }
}
