//! Live links between nodes: dial a node at an address, or accept one that dials, and carry
//! exchanges over streams of bytes. Two drivers stand behind one [`Link`]: [`Driver::Quinn`] for
//! lines between fixed addresses, with the least bytes, and [`Driver::Iroh`] for the others.
//!
//! This module is not the exchange: it knows neither segments nor receipts, decides nothing about
//! when to dial, and never trusts a stream's content. It promises three things only: the peer
//! holds the private key of [`Connection::peer`], the roster lists that key, and every resource
//! that a peer can take here has a limit. Nothing is sent but to an address that was dialled or
//! that dialled first (with iroh also to further addresses that this peer names, once it has proved
//! its key), and nothing listens unless [`Settings::listen`] names an address.
//!
//! One exchange is one stream of a connection; a connection may carry several, one after another.
//! Its end is a message of the exchange: an [`Exchange`] that is dropped looks like an orderly end
//! to the peer. Whoever read the last message closes the connection; the other waits in
//! [`Connection::closed`], since closing discards what was not yet acknowledged.

mod door;
mod error;
mod iroh;
mod quinn;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use zeroize::Zeroizing;

use self::door::{Arrival, Door, Seat};
pub use self::error::LinkError;
use self::error::{CLOSE_DONE, CLOSE_UNKNOWN};

/// What both sides must speak; another version of the exchange takes another name.
const PROTOCOL: &[u8] = b"spean/1";

/// Streams that a peer may have open in one connection. Exchanges follow each other, so one would
/// do; but below 64 the driver renews the peer's allowance with nearly every stream, in a packet
/// of its own. Their memory is bounded by [`WINDOW_BYTES`], not by their number.
const STREAMS_MAX: u32 = 64;

/// Bytes that may be under way, or wait unread, in one connection and direction: at 600 ms round
/// trip this fills a line of 7 Mbit/s. 30 connections at their worst hold 30 MB both ways.
const WINDOW_BYTES: u32 = 512 * 1024;

/// The round trip that is assumed before one was measured, on a thin line. The first packet is
/// sent again after three times this: time enough for 600 ms and two full packets at 40 kbit/s.
const THIN_LINE_ROUND_TRIP: Duration = Duration::from_millis(450);

/// A node's public Ed25519 key: its name in the roster, and its identity on a link.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerKey(pub [u8; 32]);

impl fmt::Debug for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PeerKey({})",
            data_encoding::HEXLOWER.encode(&self.0[..4])
        )
    }
}

/// Says whether the roster, as it is at that moment, lists a key. It is asked at every handshake
/// and before every exchange, so it must answer at once.
pub type Allow = Arc<dyn Fn(&PeerKey) -> bool + Send + Sync>;

/// Which transport carries the link. Both ends must use the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// For sites that find each other in changing ways. Keeps its connections alive with about
    /// 53 bytes a second, so close them after use, and has the larger handshake.
    Iroh,
    /// For fixed addresses and metered lines: an open connection costs nothing while it is silent.
    Quinn,
}

/// How a link is set up.
#[derive(Clone)]
pub struct Settings {
    /// The transport.
    pub driver: Driver,
    /// The seed of the node's Ed25519 key.
    pub seed: Zeroizing<[u8; 32]>,
    /// Whom to dial and to accept.
    pub allow: Allow,
    /// The address to listen at; none for a node that only dials.
    pub listen: Option<SocketAddr>,
    /// The address that a node which only dials sends from, at a port that the system picks. With
    /// iroh, name the line's own address: from an unspecified one it tells its peer, encrypted,
    /// every address of this machine.
    pub dial_from: IpAddr,
    /// After this long without a packet, the connection is lost. At least a few round trips; long
    /// enough to outlive a short blackout.
    pub idle_timeout: Duration,
    /// After this long, a handshake without an end is given up, by either side.
    pub handshake_timeout: Duration,
    /// For metered and slow lines: send no probes for larger packets (over 10 KB a connection),
    /// and expect a slow first answer.
    pub thin_line: bool,
}

impl Settings {
    /// Settings of a node that only dials, over a line that is thin: 60 s of silence before a
    /// connection is lost, 30 s for a handshake.
    #[must_use]
    pub fn new(driver: Driver, seed: Zeroizing<[u8; 32]>, allow: Allow) -> Self {
        Self {
            driver,
            seed,
            allow,
            listen: None,
            dial_from: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            idle_timeout: Duration::from_secs(60),
            handshake_timeout: Duration::from_secs(30),
            thin_line: true,
        }
    }

    fn bind_address(&self) -> SocketAddr {
        self.listen.unwrap_or(SocketAddr::new(self.dial_from, 0))
    }
}

/// One bound endpoint: dials, and accepts where it listens. Close it before it is dropped, or the
/// peers learn of its end only by their idle timeout.
pub struct Link {
    endpoint: Endpoint,
    allow: Allow,
    handshake_timeout: Duration,
    arrivals: Option<tokio::sync::Mutex<mpsc::Receiver<Arrival>>>,
    // Aborts the task that answers handshakes, when dropped.
    _doorkeeper: JoinSet<()>,
}

enum Endpoint {
    Iroh(iroh::Endpoint),
    Quinn(quinn::Endpoint),
}

impl Link {
    /// Binds the endpoint and, where the settings say so, listens. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`LinkError::AddressInUse`] and [`LinkError::CannotBind`] by the address; else
    /// [`LinkError::Setup`].
    pub async fn open(settings: &Settings) -> Result<Self, LinkError> {
        let (door, arrivals) = Door::new(settings);
        let mut doorkeeper = JoinSet::new();
        let listens = settings.listen.is_some();
        let endpoint = match settings.driver {
            Driver::Iroh => {
                let endpoint = iroh::Endpoint::bind(settings).await?;
                // Also where it does not listen: strangers' packets would pile up unread.
                doorkeeper.spawn(iroh::admit(endpoint.clone(), listens.then_some(door)));
                Endpoint::Iroh(endpoint)
            }
            Driver::Quinn => {
                let endpoint = quinn::Endpoint::bind(settings)?;
                if listens {
                    doorkeeper.spawn(quinn::admit(endpoint.clone(), door));
                }
                Endpoint::Quinn(endpoint)
            }
        };
        Ok(Self {
            endpoint,
            allow: Arc::clone(&settings.allow),
            handshake_timeout: settings.handshake_timeout,
            arrivals: listens.then(|| tokio::sync::Mutex::new(arrivals)),
            _doorkeeper: doorkeeper,
        })
    }

    /// The address in use, with the port that the system picked where the settings named none.
    ///
    /// # Errors
    /// [`LinkError::Closed`] after [`Link::close`].
    pub fn address(&self) -> Result<SocketAddr, LinkError> {
        match &self.endpoint {
            Endpoint::Iroh(endpoint) => endpoint.address(),
            Endpoint::Quinn(endpoint) => endpoint.address(),
        }
    }

    /// Connects to the node with this key at this address, within the handshake timeout. Whether
    /// that node accepts *this* one shows only at the first exchange: see [`Connection::reason`].
    ///
    /// # Errors
    /// [`LinkError::UnknownPeer`] before anything is sent; [`LinkError::NoAnswer`],
    /// [`LinkError::WrongPeer`], [`LinkError::BadAddress`], [`LinkError::OtherVersion`],
    /// [`LinkError::Busy`] by what comes back.
    pub async fn dial(&self, peer: PeerKey, address: SocketAddr) -> Result<Connection, LinkError> {
        if !(self.allow)(&peer) {
            return Err(LinkError::UnknownPeer);
        }
        let dial = async {
            Ok(match &self.endpoint {
                Endpoint::Iroh(endpoint) => Pipe::Iroh(endpoint.dial(peer, address).await?),
                Endpoint::Quinn(endpoint) => Pipe::Quinn(endpoint.dial(peer, address).await?),
            })
        };
        let pipe = timeout(self.handshake_timeout, dial)
            .await
            .unwrap_or(Err(LinkError::Lost))
            .map_err(|error| error.dialling(address))?;
        let allow = Arc::clone(&self.allow);
        Ok(Connection {
            peer,
            pipe,
            allow,
            ip: address.ip(),
            _seat: None,
        })
    }

    /// The next connection of a listed peer. An error tells of one attempt that failed; call again
    /// after it. May be cancelled without losing a connection.
    ///
    /// # Errors
    /// [`LinkError::NotListening`] always, where the settings name no address to listen at;
    /// [`LinkError::Closed`] after [`Link::close`]; else that of the attempt:
    /// [`LinkError::UnknownPeer`], [`LinkError::OtherVersion`], [`LinkError::Busy`],
    /// [`LinkError::Lost`].
    pub async fn accept(&self) -> Result<Connection, LinkError> {
        let arrivals = self.arrivals.as_ref().ok_or(LinkError::NotListening)?;
        match arrivals.lock().await.recv().await {
            Some(arrival) => arrival.outcome,
            None => Err(LinkError::Closed),
        }
    }

    /// Ends all connections, tells the peers so, and waits until that is sent.
    pub async fn close(&self) {
        match &self.endpoint {
            Endpoint::Iroh(endpoint) => endpoint.close().await,
            Endpoint::Quinn(endpoint) => endpoint.close().await,
        }
    }
}

/// A stream of bytes both ways, for one exchange. `shutdown` ends this side's half; the peer then
/// reads to the end. In a spawned task, a shutdown that follows a write without another `await`
/// between them nearly always travels in the same packet (always, in a current-thread runtime):
/// up to 112 bytes less for a contact with nothing new. A peer that sends slowly without end is
/// the exchange's to cut off; here only silence ends a connection.
pub type Exchange = Box<dyn Duplex>;

/// What an [`Exchange`] can do.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

fn exchange(
    receive: impl AsyncRead + Unpin + Send + 'static,
    send: impl AsyncWrite + Unpin + Send + 'static,
) -> Exchange {
    Box::new(tokio::io::join(receive, send))
}

/// A connection with a peer that proved its key. Dropping it closes it.
pub struct Connection {
    peer: PeerKey,
    pipe: Pipe,
    allow: Allow,
    ip: IpAddr,
    _seat: Option<Seat>,
}

enum Pipe {
    Iroh(::iroh::endpoint::Connection),
    Quinn(::quinn::Connection),
}

impl Connection {
    /// The key that the peer proved to hold.
    #[must_use]
    pub fn peer(&self) -> PeerKey {
        self.peer
    }

    /// Begins an exchange. The peer notices with the first bytes that are written.
    ///
    /// # Errors
    /// [`LinkError::UnknownPeer`] when the roster has meanwhile dropped the peer; else as
    /// [`Connection::reason`].
    pub async fn open(&self) -> Result<Exchange, LinkError> {
        self.check_roster()?;
        match &self.pipe {
            Pipe::Iroh(pipe) => match pipe.open_bi().await {
                Ok((send, receive)) => Ok(exchange(receive, send)),
                Err(error) => Err(iroh::reason(&error)),
            },
            Pipe::Quinn(pipe) => match pipe.open_bi().await {
                Ok((send, receive)) => Ok(exchange(receive, send)),
                Err(error) => Err(quinn::reason(&error)),
            },
        }
    }

    /// Waits for the peer to begin an exchange. May be cancelled without losing one.
    ///
    /// # Errors
    /// As [`Connection::open`]; [`LinkError::Closed`] when the peer has ended the contact.
    pub async fn accept(&self) -> Result<Exchange, LinkError> {
        let exchange = match &self.pipe {
            Pipe::Iroh(pipe) => match pipe.accept_bi().await {
                Ok((send, receive)) => exchange(receive, send),
                Err(error) => return Err(iroh::reason(&error)),
            },
            Pipe::Quinn(pipe) => match pipe.accept_bi().await {
                Ok((send, receive)) => exchange(receive, send),
                Err(error) => return Err(quinn::reason(&error)),
            },
        };
        self.check_roster()?;
        Ok(exchange)
    }

    /// Why this connection failed, after a read or write of an exchange did.
    #[must_use]
    pub fn reason(&self) -> LinkError {
        match &self.pipe {
            Pipe::Iroh(pipe) => pipe.close_reason().map(|error| iroh::reason(&error)),
            Pipe::Quinn(pipe) => pipe.close_reason().map(|error| quinn::reason(&error)),
        }
        .unwrap_or(LinkError::Lost)
    }

    /// Ends the connection at once. What the peer has not acknowledged is lost, so only the side
    /// that read the last message may call this.
    pub fn close(self) {
        self.pipe.close(CLOSE_DONE);
    }

    /// Waits until the connection ends, and says why: [`LinkError::Closed`] is the orderly end.
    pub async fn closed(&self) -> LinkError {
        match &self.pipe {
            Pipe::Iroh(pipe) => iroh::reason(&pipe.closed().await),
            Pipe::Quinn(pipe) => quinn::reason(&pipe.closed().await),
        }
    }

    /// Bytes that the line carried for this connection so far, IP and UDP headers included. Where
    /// quinn accepted the connection, the dialler's first packet (some 1,228 bytes) is missing.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        let header: u64 = if self.ip.to_canonical().is_ipv4() {
            28
        } else {
            48
        };
        let [sent, received] = match &self.pipe {
            Pipe::Iroh(pipe) => {
                let stats = pipe.stats();
                [stats.udp_tx, stats.udp_rx].map(|udp| udp.bytes + header * udp.datagrams)
            }
            Pipe::Quinn(pipe) => {
                let stats = pipe.stats();
                [stats.udp_tx, stats.udp_rx].map(|udp| udp.bytes + header * udp.datagrams)
            }
        };
        Traffic { sent, received }
    }

    fn check_roster(&self) -> Result<(), LinkError> {
        if (self.allow)(&self.peer) {
            return Ok(());
        }
        self.pipe.close(CLOSE_UNKNOWN);
        Err(LinkError::UnknownPeer)
    }
}

impl Pipe {
    fn close(&self, code: u32) {
        match self {
            Self::Iroh(pipe) => pipe.close(code.into(), b""),
            Self::Quinn(pipe) => pipe.close(code.into(), b""),
        }
    }
}

/// What a connection has cost, in bytes of IP packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes that this side sent.
    pub sent: u64,
    /// Bytes that came in.
    pub received: u64,
}
