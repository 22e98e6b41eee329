//! What can go wrong with a link, in words that tell an officer what to do; and how the codes that
//! QUIC and TLS carry for it are read. Both drivers translate through this file alone.

use std::io;
use std::net::SocketAddr;

/// What a side says when it closes a connection: the exchange is over.
pub(super) const CLOSE_DONE: u32 = 0;
/// What a side says when it closes a connection: its roster does not list the peer's key.
pub(super) const CLOSE_UNKNOWN: u32 = 1;
/// What a side says when it closes a connection: the peer has too many open.
pub(super) const CLOSE_BUSY: u32 = 2;

/// QUIC's code for a handshake that was refused unseen (RFC 9000, `CONNECTION_REFUSED`).
const CODE_REFUSED: u64 = 0x2;
/// QUIC carries the 256 TLS alerts as codes from here on (RFC 9001, 4.8).
const CODE_ALERT_FIRST: u64 = 0x100;
const CODE_ALERT_LAST: u64 = 0x1ff;
/// The alert for a key that the other side does not accept (RFC 8446, `access_denied`).
const CODE_ACCESS_DENIED: u64 = CODE_ALERT_FIRST + 49;
/// The alert where both sides have no protocol in common (RFC 7301).
const CODE_NO_PROTOCOL: u64 = CODE_ALERT_FIRST + 120;

/// Why there is no link, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The roster of this node does not list the peer's key. A dial sent nothing.
    #[error(
        "refused a machine that the roster does not list; for a new site, load the newest roster"
    )]
    UnknownPeer,
    /// The roster of the other node does not list this node's key.
    #[error("the other machine's roster does not list this one; bring it the newest roster")]
    RefusedByPeer,
    /// Another machine answered than the one that was dialled.
    #[error("the machine at {address} is not the one the roster names; correct the address")]
    WrongPeer {
        /// The address that was dialled.
        address: SocketAddr,
    },
    /// Nothing came back within the handshake timeout.
    #[error("no answer from {address}; check that the line and the machine there are on")]
    NoAnswer {
        /// The address that was dialled.
        address: SocketAddr,
    },
    /// The address cannot be dialled at all: of the other IP version, or without a port.
    #[error("{address} cannot be reached from this link; correct the address")]
    BadAddress {
        /// The address that was dialled.
        address: SocketAddr,
    },
    /// The peer speaks another version of the exchange.
    #[error("the other machine runs another version; update the older of the two")]
    OtherVersion,
    /// Too many connections are open, here or there. Trying again later is enough.
    #[error("too many connections are open; nothing to do, it is tried again")]
    Busy,
    /// The line broke, or was silent longer than the idle timeout.
    #[error("the line broke; nothing to do, what is missing follows at the next contact")]
    Lost,
    /// The connection was closed in order, by the peer or by this node.
    #[error("the connection was closed")]
    Closed,
    /// This node does not listen, so nobody can be accepted.
    #[error("this machine does not accept links; name an address to listen at in the settings")]
    NotListening,
    /// The address to listen at is taken.
    #[error("{address} is in use on this machine; stop the other program or choose another port")]
    AddressInUse {
        /// The address that was to be bound.
        address: SocketAddr,
    },
    /// The system refuses the address to listen at.
    #[error("this machine cannot use {address} ({reason}); correct the address in the settings")]
    CannotBind {
        /// The address that was to be bound.
        address: SocketAddr,
        /// What the system says.
        reason: io::ErrorKind,
    },
    /// The driver rejects what this module gave it. Not to be expected; no setting mends it.
    #[error("the link cannot be set up ({0}); report it to the DGP")]
    Setup(String),
}

impl LinkError {
    pub(super) fn binding(address: SocketAddr, reason: io::ErrorKind) -> Self {
        match reason {
            io::ErrorKind::AddrInUse => Self::AddressInUse { address },
            reason => Self::CannotBind { address, reason },
        }
    }

    /// What a dial tells of an error that ended its handshake.
    pub(super) fn dialling(self, address: SocketAddr) -> Self {
        match self {
            Self::Lost => Self::NoAnswer { address },
            Self::UnknownPeer => Self::WrongPeer { address },
            other => other,
        }
    }

    /// What the peer's closing of a connection means.
    pub(super) fn from_close(code: u64) -> Self {
        match u32::try_from(code) {
            Ok(CLOSE_UNKNOWN) => Self::RefusedByPeer,
            Ok(CLOSE_BUSY) => Self::Busy,
            _ => Self::Closed,
        }
    }

    /// What a failure of the transport means; `ours` where this side found it.
    pub(super) fn from_transport(code: u64, ours: bool) -> Self {
        match (code, ours) {
            (CODE_NO_PROTOCOL, _) => Self::OtherVersion,
            (CODE_REFUSED, _) => Self::Busy,
            (CODE_ALERT_FIRST..=CODE_ALERT_LAST, true) => Self::UnknownPeer,
            (CODE_ACCESS_DENIED, false) => Self::RefusedByPeer,
            _ => Self::Lost,
        }
    }
}
