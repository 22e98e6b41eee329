//! Goal: both drivers carry exchanges between listed nodes, refuse everybody else in both
//! directions, tell the officer what is wrong, and cost the bytes that are promised. Method: real
//! endpoints on loopback, some through a proxy that counts IP bytes and can cut the line.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep};

use super::door::{CONNECTIONS_PER_PEER_MAX, WAITING_MAX};
use super::*;

const DRIVERS: [Driver; 2] = [Driver::Quinn, Driver::Iroh];
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A few megabytes cross both ways, twice over one connection, unchanged; the end is orderly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn megabytes_cross_and_the_end_is_orderly() {
    for driver in DRIVERS {
        let (a, b) = (
            dialling(driver, 1, &[2]).await,
            listening(driver, 2, &[1]).await,
        );
        let sent: Vec<u8> = (0..1_000_000u32)
            .flat_map(|n| (n % 65_521).to_le_bytes())
            .collect();

        let address = b.address().unwrap();
        let echo = tokio::spawn(async move {
            let connection = b.accept().await.unwrap();
            assert_eq!(connection.peer(), key(1));
            for _ in 0..2 {
                let (mut read, mut write) = tokio::io::split(connection.accept().await.unwrap());
                tokio::io::copy(&mut read, &mut write).await.unwrap();
                write.shutdown().await.unwrap();
            }
            connection.accept().await.err()
        });
        let connection = a.dial(key(2), address).await.unwrap();
        assert_eq!(connection.peer(), key(2));
        for _ in 0..2 {
            let (mut read, mut write) = tokio::io::split(connection.open().await.unwrap());
            let mut echoed = Vec::new();
            let write = async {
                write.write_all(&sent).await.unwrap();
                write.shutdown().await.unwrap();
            };
            tokio::join!(write, async {
                read.read_to_end(&mut echoed).await.unwrap()
            });
            assert!(echoed == sent, "{driver:?}: other bytes came back");
        }
        let traffic = connection.traffic();
        assert!(
            traffic.sent > 8_000_000 && traffic.received > 8_000_000,
            "{traffic:?}"
        );
        connection.close();
        assert_eq!(echo.await.unwrap(), Some(LinkError::Closed), "{driver:?}");
    }
}

/// A dialler whom the listener's roster does not list gets no exchange, and both sides say why.
#[tokio::test]
async fn a_listener_refuses_unknown_keys() {
    for driver in DRIVERS {
        let (a, b) = (
            dialling(driver, 1, &[2]).await,
            listening(driver, 2, &[3]).await,
        );
        let dial = async {
            // The handshake may end for the dialler before the listener has seen its key.
            match a.dial(key(2), b.address().unwrap()).await {
                Ok(connection) => connection.closed().await,
                Err(error) => error,
            }
        };
        let (dialled, accepted) = tokio::join!(dial, b.accept());
        assert_eq!(dialled, LinkError::RefusedByPeer, "{driver:?}");
        assert_eq!(accepted.err(), Some(LinkError::UnknownPeer), "{driver:?}");
    }
}

/// A node does not send one packet to a key that its own roster does not list.
#[tokio::test]
async fn a_dialler_refuses_unknown_keys_unasked() {
    for driver in DRIVERS {
        let (a, b) = (
            dialling(driver, 1, &[3]).await,
            listening(driver, 2, &[1]).await,
        );
        let proxy = Proxy::before(b.address().unwrap()).await;
        let refused = a.dial(key(2), proxy.address).await.err();
        assert_eq!(refused, Some(LinkError::UnknownPeer), "{driver:?}");
        sleep(Duration::from_millis(50)).await;
        assert_eq!(proxy.total(), 0, "{driver:?}");
    }
}

/// Where another listed node answers than the one that was dialled, there is no connection.
#[tokio::test]
async fn another_machine_at_the_address_is_refused() {
    for driver in DRIVERS {
        let (a, b) = (
            dialling(driver, 1, &[2, 3]).await,
            listening(driver, 2, &[1]).await,
        );
        let address = b.address().unwrap();
        let refused = a.dial(key(3), address).await.err();
        assert_eq!(
            refused,
            Some(LinkError::WrongPeer { address }),
            "{driver:?}"
        );
    }
}

/// A peer that the roster drops gets no further exchange, even in an open connection.
#[tokio::test]
async fn a_key_dropped_from_the_roster_ends_its_open_connection() {
    for driver in DRIVERS {
        let listed = Arc::new(AtomicBool::new(true));
        let a = dialling(driver, 1, &[2]).await;
        let b = Link::open(&Settings {
            listen: Some(SocketAddr::new(LOOPBACK, 0)),
            allow: Arc::new({
                let listed = Arc::clone(&listed);
                move |_| listed.load(Ordering::SeqCst)
            }),
            ..settings(driver, 2, &[])
        })
        .await
        .unwrap();
        let address = b.address().unwrap();
        let (dialled, accepted) = tokio::join!(a.dial(key(2), address), b.accept());
        let (dialled, accepted) = (Arc::new(dialled.unwrap()), Arc::new(accepted.unwrap()));
        assert_eq!(contact(&dialled, &accepted).await, *b"what I have, in 20 B");

        listed.store(false, Ordering::SeqCst);
        let mut exchange = dialled.open().await.unwrap();
        exchange.write_all(b"again").await.unwrap();
        assert_eq!(
            accepted.accept().await.err(),
            Some(LinkError::UnknownPeer),
            "{driver:?}"
        );
        assert_eq!(
            dialled.closed().await,
            LinkError::RefusedByPeer,
            "{driver:?}"
        );
        assert_eq!(dialled.reason(), LinkError::RefusedByPeer, "{driver:?}");
    }
}

/// A machine that never answers is given up in time; so is a line that falls silent in use.
#[tokio::test]
async fn silence_times_out() {
    for driver in DRIVERS {
        let hurried = Settings {
            handshake_timeout: Duration::from_millis(700),
            idle_timeout: Duration::from_millis(900),
            ..settings(driver, 1, &[2])
        };
        let a = Link::open(&hurried).await.unwrap();
        let silent = UdpSocket::bind((LOOPBACK, 0)).await.unwrap();
        let address = silent.local_addr().unwrap();
        let begun = Instant::now();
        let given_up = a.dial(key(2), address).await.err();
        assert_eq!(
            given_up,
            Some(LinkError::NoAnswer { address }),
            "{driver:?}"
        );
        assert!(
            begun.elapsed() >= Duration::from_millis(600),
            "{driver:?}: gave up early"
        );

        let b = listening(driver, 2, &[1]).await;
        let proxy = Proxy::before(b.address().unwrap()).await;
        let (dialled, accepted) = tokio::join!(a.dial(key(2), proxy.address), b.accept());
        let (dialled, accepted) = (Arc::new(dialled.unwrap()), Arc::new(accepted.unwrap()));
        contact(&dialled, &accepted).await;
        proxy.cut.store(true, Ordering::SeqCst);
        let mut exchange = dialled.open().await.unwrap();
        exchange.write_all(b"hello?").await.unwrap();
        exchange.read_u8().await.unwrap_err();
        assert_eq!(dialled.reason(), LinkError::Lost, "{driver:?}");
    }
}

/// A second program at the address, or an address of another machine, is named as such.
#[tokio::test]
async fn an_address_that_cannot_be_bound_is_named() {
    for driver in DRIVERS {
        let taken = UdpSocket::bind((LOOPBACK, 0)).await.unwrap();
        let address = taken.local_addr().unwrap();
        let elsewhere: SocketAddr = "192.0.2.1:4433".parse().unwrap();
        let reason = io::ErrorKind::AddrNotAvailable;
        for (address, expected) in [
            (address, LinkError::AddressInUse { address }),
            (
                elsewhere,
                LinkError::CannotBind {
                    address: elsewhere,
                    reason,
                },
            ),
        ] {
            let settings = Settings {
                listen: Some(address),
                ..settings(driver, 1, &[2])
            };
            assert_eq!(
                Link::open(&settings).await.err(),
                Some(expected),
                "{driver:?}"
            );
        }
    }
}

/// A node that only dials answers no handshake. What may come back are QUIC's stateless resets,
/// which are shorter than what they answer.
#[tokio::test]
async fn a_node_that_only_dials_answers_nobody() {
    for driver in DRIVERS {
        let b = dialling(driver, 2, &[1]).await;
        assert_eq!(b.accept().await.err(), Some(LinkError::NotListening));
        let proxy = Proxy::before(b.address().unwrap()).await;
        let hurried = Duration::from_millis(500);
        let a = Settings {
            handshake_timeout: hurried,
            ..settings(driver, 1, &[2])
        };
        let address = proxy.address;
        let dialled = Link::open(&a)
            .await
            .unwrap()
            .dial(key(2), address)
            .await
            .err();
        assert_eq!(dialled, Some(LinkError::NoAnswer { address }), "{driver:?}");
        assert!(
            proxy.up.load(Ordering::SeqCst) >= 1228,
            "{driver:?}: the dial reached the port"
        );
        assert!(
            proxy.down.load(Ordering::SeqCst) < 1228,
            "{driver:?}: it answered"
        );
    }
}

/// One peer may not take all places: its fifth connection is refused, that of another is not, and
/// a closed one makes room.
#[tokio::test]
async fn one_peer_cannot_take_all_connections() {
    for driver in DRIVERS {
        let a = dialling(driver, 1, &[2]).await;
        let (b, c) = (
            listening(driver, 2, &[1, 3]).await,
            dialling(driver, 3, &[2]).await,
        );
        let address = b.address().unwrap();
        let mut open = Vec::new();
        for _ in 0..CONNECTIONS_PER_PEER_MAX {
            let (dialled, accepted) = tokio::join!(a.dial(key(2), address), b.accept());
            open.push((dialled.unwrap(), accepted.unwrap()));
        }
        let (dialled, accepted) = tokio::join!(a.dial(key(2), address), b.accept());
        assert_eq!(accepted.err(), Some(LinkError::Busy), "{driver:?}");
        assert_eq!(
            dialled.unwrap().closed().await,
            LinkError::Busy,
            "{driver:?}"
        );

        let (other, accepted) = tokio::join!(c.dial(key(2), address), b.accept());
        assert_eq!(accepted.unwrap().peer(), key(3));
        other.unwrap();
        open.pop();
        let (dialled, accepted) = tokio::join!(a.dial(key(2), address), b.accept());
        assert_eq!(accepted.unwrap().peer(), key(1));
        dialled.unwrap();
    }
}

/// Connections that nobody takes up fill the waiting places, not memory: diallers must then prove
/// their address, which costs them a round trip, and past the last place they are refused.
#[tokio::test]
async fn waiting_places_are_limited() {
    for driver in DRIVERS {
        let friends: Vec<u8> = (10..30).collect();
        let b = listening(driver, 2, &friends).await;
        let mut waiting = Vec::new();
        for place in 0..WAITING_MAX {
            let number = friends[place / 4];
            let link = dialling(driver, number, &[2]).await;
            let connection = link.dial(key(2), b.address().unwrap()).await;
            waiting.push((connection.unwrap(), link));
        }
        let refused = dialling(driver, 29, &[2])
            .await
            .dial(key(2), b.address().unwrap())
            .await;
        assert_eq!(refused.err(), Some(LinkError::Busy), "{driver:?}");
        for _ in 0..WAITING_MAX {
            b.accept().await.unwrap();
        }
        let link = dialling(driver, 29, &[2]).await;
        link.dial(key(2), b.address().unwrap()).await.unwrap();
    }
}

/// A node of another version is told apart from one that is refused. Both drivers read the code
/// that says so by one function; the other version here speaks by iroh.
#[tokio::test]
async fn another_version_is_named() {
    let other = ::iroh::Endpoint::builder(::iroh::endpoint::presets::Minimal)
        .secret_key(::iroh::SecretKey::from_bytes(&seed(1)))
        .alpns(vec![b"spean/2".to_vec()])
        .clear_ip_transports()
        .bind_addr(SocketAddr::new(LOOPBACK, 0))
        .unwrap()
        .bind()
        .await
        .unwrap();
    let link = listening(Driver::Iroh, 2, &[1]).await;
    let target = ::iroh::EndpointAddr::from_parts(
        ::iroh::EndpointId::from_bytes(&key(2).0).unwrap(),
        [::iroh::TransportAddr::Ip(link.address().unwrap())],
    );
    let (dialled, accepted) = tokio::join!(other.connect(target, b"spean/2"), link.accept());
    assert_eq!(accepted.err(), Some(LinkError::OtherVersion));
    dialled.unwrap_err();

    let address = other.bound_sockets()[0];
    let accept = async { drop(other.accept().await.unwrap().await) };
    let (dialled, ()) = tokio::join!(link.dial(key(1), address), accept);
    assert_eq!(dialled.err(), Some(LinkError::OtherVersion));
}

/// A closed link says so to whoever uses it, and its peers learn of it at once.
#[tokio::test]
async fn a_closed_link_says_so() {
    for driver in DRIVERS {
        let (a, b) = (
            dialling(driver, 1, &[2]).await,
            listening(driver, 2, &[1]).await,
        );
        let address = b.address().unwrap();
        let (dialled, accepted) = tokio::join!(a.dial(key(2), address), b.accept());
        let (dialled, accepted) = (dialled.unwrap(), accepted.unwrap());
        b.close().await;
        assert_eq!(dialled.closed().await, LinkError::Closed, "{driver:?}");
        assert!(accepted.open().await.is_err(), "{driver:?}");
        assert_eq!(
            b.accept().await.err(),
            Some(LinkError::Closed),
            "{driver:?}"
        );
        a.close().await;
        let dialled = a.dial(key(2), address).await.err();
        assert_eq!(dialled, Some(LinkError::Closed), "{driver:?}");
    }
}

/// A contact with nothing new in an open quinn connection costs at most 256 IP bytes, and one from
/// nothing to closed at most 6 KB. Counted by a proxy, with which the driver's count must agree;
/// the middle one counts, so that a packet sent twice on a busy machine does not. iroh has no such
/// limit and finds the direct way past a proxy: its own count, without the closing, is printed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contacts_cost_few_bytes() {
    for driver in DRIVERS {
        let (mut cold, mut warm) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let (a, b) = (
                dialling(driver, 1, &[2]).await,
                listening(driver, 2, &[1]).await,
            );
            let proxy = Proxy::before(b.address().unwrap()).await;
            let address = match driver {
                Driver::Quinn => proxy.address,
                Driver::Iroh => b.address().unwrap(),
            };
            let (dialled, accepted) = tokio::join!(a.dial(key(2), address), b.accept());
            let (dialled, accepted) = (Arc::new(dialled.unwrap()), Arc::new(accepted.unwrap()));
            contact(&dialled, &accepted).await;
            settled(|| total(&dialled)).await;
            let first = total(&dialled);
            for _ in 0..7 {
                let before = total(&dialled);
                contact(&dialled, &accepted).await;
                settled(|| total(&dialled)).await;
                warm.push(total(&dialled) - before);
            }
            if driver == Driver::Quinn {
                assert_eq!(total(&dialled), proxy.total(), "the driver's own count");
            }
            let before = proxy.total();
            Arc::into_inner(dialled).unwrap().close();
            assert_eq!(accepted.closed().await, LinkError::Closed);
            settled(|| proxy.total()).await;
            cold.push(first + proxy.total() - before);
        }
        println!("{driver:?}: nothing new {warm:?}, from dial to close {cold:?} IP bytes");
        warm.sort_unstable();
        cold.sort_unstable();
        if driver == Driver::Quinn {
            assert!(warm[warm.len() / 2] <= 256, "nothing new: {warm:?}");
            assert!(cold[cold.len() / 2] <= 6 * 1024, "cold: {cold:?}");
        }
    }
}

fn total(connection: &Connection) -> u64 {
    let traffic = connection.traffic();
    traffic.sent + traffic.received
}

/// Errors are read by officers on a screen that others see: they name addresses, never keys.
#[test]
fn errors_name_no_keys() {
    let address = SocketAddr::new(LOOPBACK, 4433);
    let shown = LinkError::WrongPeer { address }.to_string();
    assert!(shown.contains("127.0.0.1:4433"), "{shown}");
    assert_eq!(format!("{:?}", PeerKey([0xab; 32])), "PeerKey(abababab)");
}

/// One contact with nothing new: 20 bytes there, 20 bytes back, each side done at once. Each side
/// is a task of its own, as in a node: only then does the end travel with the last bytes.
async fn contact(dialled: &Arc<Connection>, accepted: &Arc<Connection>) -> [u8; 20] {
    let (dialled, accepted) = (Arc::clone(dialled), Arc::clone(accepted));
    let dialler = tokio::spawn(async move {
        let mut exchange = dialled.open().await.unwrap();
        exchange.write_all(b"what I have, in 20 B").await.unwrap();
        exchange.shutdown().await.unwrap();
        let mut answer = Vec::new();
        exchange.read_to_end(&mut answer).await.unwrap();
        answer.try_into().unwrap()
    });
    let acceptor = tokio::spawn(async move {
        let mut exchange = accepted.accept().await.unwrap();
        let mut question = Vec::new();
        exchange.read_to_end(&mut question).await.unwrap();
        exchange.write_all(&question).await.unwrap();
        exchange.shutdown().await.unwrap();
    });
    acceptor.await.unwrap();
    dialler.await.unwrap()
}

async fn dialling(driver: Driver, number: u8, friends: &[u8]) -> Link {
    Link::open(&settings(driver, number, friends))
        .await
        .unwrap()
}

async fn listening(driver: Driver, number: u8, friends: &[u8]) -> Link {
    let listen = Some(SocketAddr::new(LOOPBACK, 0));
    Link::open(&Settings {
        listen,
        ..settings(driver, number, friends)
    })
    .await
    .unwrap()
}

fn settings(driver: Driver, number: u8, friends: &[u8]) -> Settings {
    let listed: Vec<PeerKey> = friends.iter().map(|&friend| key(friend)).collect();
    let allow = Arc::new(move |key: &PeerKey| listed.contains(key));
    Settings {
        dial_from: LOOPBACK,
        ..Settings::new(driver, seed(number), allow)
    }
}

fn seed(number: u8) -> Zeroizing<[u8; 32]> {
    Zeroizing::new([number; 32])
}

fn key(number: u8) -> PeerKey {
    let key = ed25519_dalek::SigningKey::from_bytes(&seed(number));
    PeerKey(key.verifying_key().to_bytes())
}

/// A line to one node: counts the IP bytes of its packets, and can be cut.
struct Proxy {
    address: SocketAddr,
    up: Arc<AtomicU64>,
    down: Arc<AtomicU64>,
    cut: Arc<AtomicBool>,
    _running: JoinSet<()>,
}

impl Proxy {
    async fn before(target: SocketAddr) -> Self {
        let front = Arc::new(UdpSocket::bind((LOOPBACK, 0)).await.unwrap());
        let back = Arc::new(UdpSocket::bind((LOOPBACK, 0)).await.unwrap());
        back.connect(target).await.unwrap();
        let address = front.local_addr().unwrap();
        let (up, down) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let cut = Arc::<AtomicBool>::default();
        let mut running = JoinSet::new();
        let dialler = Arc::new(Mutex::new(address));
        running.spawn({
            let (front, back) = (Arc::clone(&front), Arc::clone(&back));
            let (up, cut, dialler) = (Arc::clone(&up), Arc::clone(&cut), Arc::clone(&dialler));
            async move {
                let mut packet = vec![0; 65_536];
                loop {
                    let (length, from) = front.recv_from(&mut packet).await.unwrap();
                    *dialler.lock().unwrap() = from;
                    up.fetch_add(28 + u64::try_from(length).unwrap(), Ordering::SeqCst);
                    if !cut.load(Ordering::SeqCst) {
                        let _ = back.send(&packet[..length]).await;
                    }
                }
            }
        });
        running.spawn({
            let (down, cut) = (Arc::clone(&down), Arc::clone(&cut));
            async move {
                let mut packet = vec![0; 65_536];
                loop {
                    let Ok(length) = back.recv(&mut packet).await else {
                        continue;
                    };
                    down.fetch_add(28 + u64::try_from(length).unwrap(), Ordering::SeqCst);
                    let dialler = *dialler.lock().unwrap();
                    if !cut.load(Ordering::SeqCst) {
                        let _ = front.send_to(&packet[..length], dialler).await;
                    }
                }
            }
        });
        Self {
            address,
            up,
            down,
            cut,
            _running: running,
        }
    }

    fn total(&self) -> u64 {
        self.up.load(Ordering::SeqCst) + self.down.load(Ordering::SeqCst)
    }
}

/// Waits until a count stood still for 100 ms, four times the delay of an acknowledgement.
async fn settled(count: impl Fn() -> u64) {
    let mut before = u64::MAX;
    while before != count() {
        before = count();
        sleep(Duration::from_millis(100)).await;
    }
}
