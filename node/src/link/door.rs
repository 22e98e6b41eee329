//! Where handshakes arrive at a node that listens: bounds them, asks the roster, and hands the
//! connections to [`super::Link::accept`]. It is the same for both drivers, and no stream is read
//! here. A stranger can fill the waiting places for one handshake timeout, but only from addresses
//! at which he really receives; connections beyond the handshake are for listed peers alone.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::error::{CLOSE_BUSY, CLOSE_UNKNOWN};
use super::{Allow, Connection, LinkError, PeerKey, Pipe, Settings};

/// Handshakes and accepted connections that may wait at once. A country has some 30 nodes, and all
/// may dial in the same second; more is a flood.
pub(super) const WAITING_MAX: usize = 32;

/// Accepted connections of one peer that may be open at once: one in use, and those that a peer
/// with failing power left behind, which end at the idle timeout. Only listed peers come so far,
/// so all connections together are at most four for each key of the roster.
pub(super) const CONNECTIONS_PER_PEER_MAX: u32 = 4;

/// One finished handshake, or what became of it, and its place among those that wait.
pub(super) struct Arrival {
    pub(super) outcome: Result<Connection, LinkError>,
    _place: OwnedSemaphorePermit,
}

/// Where handshakes arrive.
pub(super) struct Door {
    allow: Allow,
    handshake_timeout: Duration,
    places: Arc<Semaphore>,
    guests: Guests,
    arrivals: mpsc::Sender<Arrival>,
    handshakes: JoinSet<()>,
}

/// What to do with a handshake that begins.
pub(super) enum Knock {
    Answer(OwnedSemaphorePermit),
    ProveAddress,
    Refuse,
}

impl Door {
    pub(super) fn new(settings: &Settings) -> (Self, mpsc::Receiver<Arrival>) {
        let (arrivals, receiver) = mpsc::channel(WAITING_MAX);
        let door = Self {
            allow: Arc::clone(&settings.allow),
            handshake_timeout: settings.handshake_timeout,
            places: Arc::new(Semaphore::new(WAITING_MAX)),
            guests: Guests::default(),
            arrivals,
            handshakes: JoinSet::new(),
        };
        (door, receiver)
    }

    /// Finds a place for a handshake. When half are taken, a peer must first prove that it receives
    /// at its address, so that forged senders cannot take the rest.
    pub(super) fn knock(&mut self, address_is_proved: bool) -> Knock {
        while self.handshakes.try_join_next().is_some() {}
        if !address_is_proved && self.places.available_permits() <= WAITING_MAX / 2 {
            return Knock::ProveAddress;
        }
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => Knock::Answer(place),
            Err(_) => Knock::Refuse,
        }
    }

    /// Runs one handshake beside the others.
    pub(super) fn answer(
        &mut self,
        place: OwnedSemaphorePermit,
        ip: IpAddr,
        handshake: impl Future<Output = Result<(PeerKey, Pipe), LinkError>> + Send + 'static,
    ) {
        let (allow, guests) = (Arc::clone(&self.allow), self.guests.clone());
        let (arrivals, patience) = (self.arrivals.clone(), self.handshake_timeout);
        self.handshakes.spawn(async move {
            let outcome = match timeout(patience, handshake).await {
                Ok(Ok((peer, pipe))) => welcome(peer, pipe, ip, allow, &guests),
                Ok(Err(error)) => Err(error),
                Err(_) => Err(LinkError::Lost),
            };
            // Never full: an arrival needs a place, and there are as many as the channel holds.
            // Closed only when the link is gone, and the connection with it.
            let _ = arrivals.try_send(Arrival {
                outcome,
                _place: place,
            });
        });
    }
}

fn welcome(
    peer: PeerKey,
    pipe: Pipe,
    ip: IpAddr,
    allow: Allow,
    guests: &Guests,
) -> Result<Connection, LinkError> {
    if !allow(&peer) {
        pipe.close(CLOSE_UNKNOWN);
        return Err(LinkError::UnknownPeer);
    }
    let Some(seat) = guests.seat(peer) else {
        pipe.close(CLOSE_BUSY);
        return Err(LinkError::Busy);
    };
    Ok(Connection {
        peer,
        pipe,
        allow,
        ip,
        _seat: Some(seat),
    })
}

/// How many accepted connections each peer has open.
#[derive(Clone, Default)]
struct Guests(Arc<Mutex<BTreeMap<PeerKey, u32>>>);

impl Guests {
    fn seat(&self, peer: PeerKey) -> Option<Seat> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(peer).or_default();
        if *count >= CONNECTIONS_PER_PEER_MAX {
            return None;
        }
        *count += 1;
        Some(Seat {
            guests: self.clone(),
            peer,
        })
    }
}

/// One of the connections that a peer may have open; gives its place back when dropped.
pub(super) struct Seat {
    guests: Guests,
    peer: PeerKey,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.guests.0.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.peer) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.peer)),
        }
    }
}
