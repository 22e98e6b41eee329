//! Goal: the bad line is as bad as it says, or whatever is measured over it says nothing. Method:
//! datagrams with numbers between plain sockets, and the shaper's counts beside what really came.
//! Times are bounded sharply from below, since the line may not be better than it says, and
//! generously from above, since the machine may be busy.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use spean_tests::shaper::{Counts, HEADER_BYTES, Line, Shaper};

/// A line that spoils nothing.
const GOOD: Line = Line {
    bits_per_second: 1_000_000_000,
    delay: Duration::ZERO,
    lost_per_mille: 0,
    queue: Duration::from_secs(10),
};

/// Two sockets and the line between them.
struct Ends {
    dialler: UdpSocket,
    listener: UdpSocket,
    shaper: Shaper,
}

impl Ends {
    fn of(line: Line, seed: u64) -> Self {
        let listener = UdpSocket::bind("[::1]:0").unwrap();
        let shaper = Shaper::before(listener.local_addr().unwrap(), line, seed).unwrap();
        let dialler = UdpSocket::bind("127.0.0.1:0").unwrap();
        dialler.connect(shaper.address()).unwrap();
        Self {
            dialler,
            listener,
            shaper,
        }
    }

    /// Sends so many datagrams of `bytes` on the line, numbered, slowly enough for the sockets'
    /// own buffers.
    fn send(&self, count: u32, bytes: u64) {
        let mut datagram = vec![0; usize::try_from(bytes - HEADER_BYTES).unwrap()];
        for number in 0..count {
            datagram[..4].copy_from_slice(&number.to_le_bytes());
            self.dialler.send(&datagram).unwrap();
            if number % 10 == 9 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// The numbers that arrive until so long nothing does, and when the last one came.
    fn received(&self, patience: Duration) -> (Vec<u32>, Instant) {
        self.listener.set_read_timeout(Some(patience)).unwrap();
        let (mut numbers, mut last) = (Vec::new(), Instant::now());
        let mut datagram = [0; 2_048];
        while self.listener.recv(&mut datagram).is_ok() {
            last = Instant::now();
            numbers.push(u32::from_le_bytes(datagram[..4].try_into().unwrap()));
        }
        (numbers, last)
    }
}

/// What was handed over has arrived or was dropped, packet by packet and byte by byte.
fn accounted(counts: &Counts) {
    let fates = [
        counts.delivered,
        counts.lost,
        counts.overflowed,
        counts.darkened,
    ];
    let packets: u64 = fates.iter().map(|fate| fate.packets).sum();
    let bytes: u64 = fates.iter().map(|fate| fate.bytes).sum();
    assert_eq!((packets, bytes), (counts.sent.packets, counts.sent.bytes));
}

#[test]
fn the_rate_is_what_was_asked_for() {
    let line = Line {
        bits_per_second: 800_000,
        ..GOOD
    };
    let ends = Ends::of(line, 1);
    let begun = Instant::now();
    ends.send(100, 1_000);
    let (numbers, last) = ends.received(Duration::from_millis(500));
    let seconds = last.duration_since(begun).as_secs_f64();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>(), "all, in order");
    assert!((0.999..1.6).contains(&seconds), "100 KB took {seconds} s");
    let counts = ends.shaper.up();
    assert_eq!((counts.sent.packets, counts.sent.bytes), (100, 100_000));
    accounted(&counts);
    assert_eq!(ends.shaper.down(), Counts::default());
}

#[test]
fn a_full_queue_drops_what_comes_last() {
    let line = Line {
        bits_per_second: 800_000,
        queue: Duration::from_millis(400),
        ..GOOD
    };
    let ends = Ends::of(line, 1);
    ends.send(100, 1_000);
    let (numbers, _) = ends.received(Duration::from_millis(300));
    // 41 fit at once; the few milliseconds of sending make room for some more.
    assert!((41..70).contains(&numbers.len()), "{} came", numbers.len());
    assert_eq!(numbers[..41], (0..41).collect::<Vec<_>>());
    let counts = ends.shaper.up();
    let delivered = u64::try_from(numbers.len()).unwrap();
    assert_eq!(counts.delivered.packets, delivered);
    assert_eq!(counts.overflowed.packets, 100 - delivered);
    accounted(&counts);
}

#[test]
fn the_delay_counts_once_each_way() {
    let line = Line {
        delay: Duration::from_millis(150),
        ..GOOD
    };
    let ends = Ends::of(line, 1);
    let begun = Instant::now();
    ends.dialler.send(b"question").unwrap();
    let mut datagram = [0; 100];
    let (length, from) = ends.listener.recv_from(&mut datagram).unwrap();
    let there = begun.elapsed().as_millis();
    ends.listener.send_to(&datagram[..length], from).unwrap();
    let length = ends.dialler.recv(&mut datagram).unwrap();
    let back = begun.elapsed().as_millis();
    assert_eq!(&datagram[..length], b"question");
    assert!((150..300).contains(&there), "{there} ms");
    assert!((300..600).contains(&back), "{back} ms");
}

/// One packet in ten is lost, the same ones with the same seed and others with another. The bounds
/// are five standard deviations wide.
#[test]
fn losses_are_as_many_as_was_asked_for_and_hang_on_the_seed() {
    let line = Line {
        lost_per_mille: 100,
        ..GOOD
    };
    let arrived = |seed| {
        let ends = Ends::of(line, seed);
        let (numbers, _) = std::thread::scope(|scope| {
            let receiving = scope.spawn(|| ends.received(Duration::from_millis(500)));
            ends.send(2_000, 100);
            receiving.join().unwrap()
        });
        let counts = ends.shaper.up();
        accounted(&counts);
        assert_eq!(
            usize::try_from(counts.delivered.packets).unwrap(),
            numbers.len()
        );
        assert!((133..268).contains(&counts.lost.packets), "{counts:?}");
        numbers
    };
    let first = arrived(1);
    assert!(arrived(1) == first, "one seed, one fate");
    assert!(arrived(2) != first, "another seed, another fate");
}

/// A blackout takes what is under way and what comes; the line is as before afterwards.
#[test]
fn a_blackout_swallows_everything_and_passes() {
    let line = Line {
        delay: Duration::from_millis(100),
        ..GOOD
    };
    let ends = Ends::of(line, 1);
    let until_sent = |packets| {
        while ends.shaper.up().sent.packets < packets {
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    ends.send(3, 100);
    until_sent(3);
    ends.shaper.darken(true);
    ends.send(4, 100);
    until_sent(7);
    assert_eq!(ends.received(Duration::from_millis(300)).0, []);
    ends.shaper.darken(false);
    ends.send(2, 100);
    assert_eq!(ends.received(Duration::from_millis(400)).0, [0, 1]);
    let counts = ends.shaper.up();
    assert_eq!((counts.darkened.packets, counts.delivered.packets), (7, 2));
    accounted(&counts);
}

/// Answers reach who asked, and nothing of the proxy is left when it is dropped.
#[test]
fn diallers_are_told_apart_and_the_end_is_the_end() {
    let ends = Ends::of(GOOD, 1);
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    other.connect(ends.shaper.address()).unwrap();
    for (dialler, word) in [(&ends.dialler, b"one"), (&other, b"two")] {
        dialler.send(word).unwrap();
    }
    let mut datagram = [0; 100];
    for _ in 0..2 {
        let (length, from) = ends.listener.recv_from(&mut datagram).unwrap();
        ends.listener.send_to(&datagram[..length], from).unwrap();
    }
    for (dialler, word) in [(&ends.dialler, b"one"), (&other, b"two")] {
        let length = dialler.recv(&mut datagram).unwrap();
        assert_eq!(&datagram[..length], word);
    }
    let address = ends.shaper.address();
    drop(ends.shaper);
    UdpSocket::bind(address).unwrap();
}
