//! A bad line in user space: a UDP proxy before one listening address, with a rate, a delay, a
//! bounded queue, random loss and blackouts, for each direction apart. It needs no rights and no
//! name spaces. Reordering and duplication are left out: the line is a queue.
//!
//! All diallers share the line, as a site's machines share its modem. The proxy is dialled by IPv4
//! and best put before a listener on IPv6: then no driver that looks for a direct way finds one
//! past it.
//!
//! Bytes are those of IP packets: each datagram counts 28 for its IPv4 and UDP headers.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use tokio::net::UdpSocket;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Bytes of the IPv4 and UDP headers of a packet.
pub const HEADER_BYTES: u64 = 28;

/// Diallers that one proxy serves; packets of more are dropped as if the queue were full.
const DIALLERS_MAX: usize = 16;

/// The largest UDP datagram, and one more.
const DATAGRAM_BYTES_MAX: usize = 65_536;

/// How bad the line is, the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Bits of IP packets in a second.
    pub bits_per_second: u64,
    /// From the end of a packet's transmission to its arrival: half of the round trip.
    pub delay: Duration,
    /// Packets of a thousand that are transmitted and do not arrive.
    pub lost_per_mille: u32,
    /// How long a packet may wait for its transmission. What would wait longer is dropped.
    pub queue: Duration,
}

/// A number of packets and their IP bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Packets.
    pub packets: u64,
    /// IP bytes.
    pub bytes: u64,
}

impl Tally {
    const fn add(&mut self, bytes: u64) {
        self.packets += 1;
        self.bytes += bytes;
    }
}

/// What became of the packets of one direction. What is neither dropped nor delivered is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Handed to the line.
    pub sent: Tally,
    /// Arrived.
    pub delivered: Tally,
    /// Transmitted, and lost by chance.
    pub lost: Tally,
    /// Dropped because the queue was full.
    pub overflowed: Tally,
    /// Dropped by a blackout.
    pub darkened: Tally,
}

/// A running proxy. It ends when it is dropped.
#[derive(Debug)]
pub struct Shaper {
    address: SocketAddr,
    up: Arc<Way>,
    down: Arc<Way>,
    dark: Arc<AtomicBool>,
    // Dropped first: this is what ends the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Shaper {
    /// Puts a line before `target`. The same seed loses the same packets by number.
    ///
    /// # Errors
    /// When the system gives no socket or no thread.
    pub fn before(target: SocketAddr, line: Line, seed: u64) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let front = Arc::new(runtime.block_on(UdpSocket::bind(loopback))?);
        let address = front.local_addr()?;
        let dark = Arc::<AtomicBool>::default();
        let way = |direction| Arc::new(Way::new(line, seed * 2 + direction, dark.clone()));
        let (up, down) = (way(0), way(1));
        let proxy = Proxy {
            front,
            target,
            up: up.clone(),
            down: down.clone(),
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("shaper".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = proxy.carry() => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            address,
            up,
            down,
            dark,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where to dial.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins or ends a blackout: while it is dark nothing enters the line and nothing leaves it.
    pub fn darken(&self, dark: bool) {
        self.dark.store(dark, Ordering::SeqCst);
    }

    /// What diallers sent so far.
    #[must_use]
    pub fn up(&self) -> Counts {
        self.up.state().counts
    }

    /// What the listener sent so far.
    #[must_use]
    pub fn down(&self) -> Counts {
        self.down.state().counts
    }

    /// IP bytes of both directions that were handed to the line, whatever became of them.
    #[must_use]
    pub fn sent_bytes(&self) -> u64 {
        self.up().sent.bytes + self.down().sent.bytes
    }
}

impl Drop for Shaper {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The sockets and both ways between them.
struct Proxy {
    front: Arc<UdpSocket>,
    target: SocketAddr,
    up: Arc<Way>,
    down: Arc<Way>,
}

impl Proxy {
    async fn carry(&self) {
        tokio::select! {
            () = self.read() => {}
            () = self.up.deliver() => {}
            () = self.down.deliver() => {}
        }
    }

    /// Takes in what diallers send. Each has a socket of its own towards the listener, who thus
    /// tells them apart; one more task reads what comes back there.
    async fn read(&self) {
        let mut backs: BTreeMap<SocketAddr, Arc<UdpSocket>> = BTreeMap::new();
        let mut reading = JoinSet::new();
        let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
        loop {
            let Ok((length, dialler)) = self.front.recv_from(&mut datagram).await else {
                continue;
            };
            let back = match backs.get(&dialler) {
                Some(back) => Some(back.clone()),
                None if backs.len() < DIALLERS_MAX => self.open_back().await,
                None => None,
            };
            let Some(back) = back else {
                self.up.refuse(length);
                continue;
            };
            if backs.insert(dialler, back.clone()).is_none() {
                let (down, front) = (self.down.clone(), self.front.clone());
                reading.spawn(read_back(back.clone(), down, front, dialler));
            }
            self.up.offer(&datagram[..length], back, self.target);
        }
    }

    async fn open_back(&self) -> Option<Arc<UdpSocket>> {
        let any = match self.target {
            SocketAddr::V4(_) => "127.0.0.1:0",
            SocketAddr::V6(_) => "[::1]:0",
        };
        UdpSocket::bind(any).await.ok().map(Arc::new)
    }
}

async fn read_back(
    back: Arc<UdpSocket>,
    down: Arc<Way>,
    front: Arc<UdpSocket>,
    dialler: SocketAddr,
) {
    let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        if let Ok(length) = back.recv(&mut datagram).await {
            down.offer(&datagram[..length], front.clone(), dialler);
        }
    }
}

/// One direction: a transmitter that is busy until a moment, and the packets that are under way.
#[derive(Debug)]
struct Way {
    line: Line,
    dark: Arc<AtomicBool>,
    state: Mutex<State>,
    offered: Notify,
}

#[derive(Debug)]
struct State {
    chance: ChaCha8Rng,
    counts: Counts,
    /// When the transmitter has sent all that it has taken.
    free: Instant,
    /// In the order of their arrival. Their number is bounded by what the line carries in the
    /// longest wait and one delay.
    under_way: VecDeque<Packet>,
}

#[derive(Debug)]
struct Packet {
    arrives: Instant,
    datagram: Vec<u8>,
    lost: bool,
    from: Arc<UdpSocket>,
    to: SocketAddr,
}

impl Packet {
    fn bytes(&self) -> u64 {
        ip_bytes(self.datagram.len())
    }
}

fn ip_bytes(datagram: usize) -> u64 {
    HEADER_BYTES + u64::try_from(datagram).unwrap_or(u64::MAX)
}

impl Way {
    fn new(line: Line, seed: u64, dark: Arc<AtomicBool>) -> Self {
        let state = State {
            chance: ChaCha8Rng::seed_from_u64(seed),
            counts: Counts::default(),
            free: Instant::now(),
            under_way: VecDeque::new(),
        };
        Self {
            line,
            dark,
            state: Mutex::new(state),
            offered: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_dark(&self) -> bool {
        self.dark.load(Ordering::SeqCst)
    }

    /// Counts a packet that has no way at all.
    fn refuse(&self, length: usize) {
        let mut state = self.state();
        state.counts.sent.add(ip_bytes(length));
        state.counts.overflowed.add(ip_bytes(length));
    }

    /// Takes a packet into the queue, or drops it.
    fn offer(&self, datagram: &[u8], from: Arc<UdpSocket>, to: SocketAddr) {
        let bytes = ip_bytes(datagram.len());
        let mut state = self.state();
        state.counts.sent.add(bytes);
        // Drawn for each packet that is handed over, so that a packet's fate hangs on its number.
        let lost = state.chance.next_u32() % 1_000 < self.line.lost_per_mille;
        if self.is_dark() {
            state.counts.darkened.add(bytes);
            return;
        }
        let now = Instant::now();
        let begins = state.free.max(now);
        if begins - now > self.line.queue {
            state.counts.overflowed.add(bytes);
            return;
        }
        let nanoseconds = bytes * 8 * 1_000_000_000 / self.line.bits_per_second.max(1);
        state.free = begins + Duration::from_nanos(nanoseconds);
        let packet = Packet {
            arrives: state.free + self.line.delay,
            datagram: datagram.to_vec(),
            lost,
            from,
            to,
        };
        state.under_way.push_back(packet);
        drop(state);
        self.offered.notify_one();
    }

    /// Hands on each packet when its time has come.
    async fn deliver(&self) {
        loop {
            let next = self.state().under_way.front().map(|packet| packet.arrives);
            let Some(arrives) = next else {
                self.offered.notified().await;
                continue;
            };
            sleep_until(arrives).await;
            if let Some(packet) = self.take_first() {
                let _ = packet.from.send_to(&packet.datagram, packet.to).await;
            }
        }
    }

    /// The first packet, unless it does not arrive.
    fn take_first(&self) -> Option<Packet> {
        let mut state = self.state();
        let packet = state.under_way.pop_front()?;
        let (fate, arrived) = if self.is_dark() {
            (&mut state.counts.darkened, false)
        } else if packet.lost {
            (&mut state.counts.lost, false)
        } else {
            (&mut state.counts.delivered, true)
        };
        fate.add(packet.bytes());
        arrived.then_some(packet)
    }
}
