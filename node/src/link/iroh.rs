//! The iroh driver, set up to be silent: no relay, no name service, no port mapping, no probing
//! of the network. It dials static addresses only. Of iroh's presets only the empty one and
//! `Minimal`, which picks the cryptography, are fit for this: `N0*` publish our addresses.
//!
//! iroh proves keys as the quinn driver does, but accepts any dialler's key; the roster is asked
//! right after the handshake, before any stream is read.

use std::net::SocketAddr;
use std::time::Duration;

use iroh::endpoint::{
    BindError, ConnectError, ConnectWithOptsError, ConnectingError, Connection, ConnectionError,
    IdleTimeout, IncomingAddr, NetReportConfig, PortmapperConfig, QuicTransportConfig, RelayMode,
    VarInt, presets,
};
use iroh::{EndpointAddr, EndpointId, SecretKey, TransportAddr};

use super::door::{Door, Knock};
use super::{
    LinkError, PROTOCOL, PeerKey, Pipe, STREAMS_MAX, Settings, THIN_LINE_ROUND_TRIP, WINDOW_BYTES,
};

/// How long closing waits for peers that no longer answer.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Clone)]
pub(super) struct Endpoint(iroh::Endpoint);

impl Endpoint {
    pub(super) async fn bind(settings: &Settings) -> Result<Self, LinkError> {
        let address = settings.bind_address();
        let endpoint = iroh::Endpoint::builder(presets::Minimal)
            .secret_key(SecretKey::from_bytes(&settings.seed))
            .alpns(
                settings
                    .listen
                    .map(|_| PROTOCOL.to_vec())
                    .into_iter()
                    .collect(),
            )
            .relay_mode(RelayMode::Disabled)
            .clear_address_lookup()
            .portmapper_config(PortmapperConfig::Disabled)
            .net_report_config(NetReportConfig::minimal())
            .max_tls_tickets(0)
            .transport_config(transport(settings))
            .clear_ip_transports()
            .bind_addr(address)
            .map_err(|error| LinkError::Setup(error.to_string()))?
            .bind()
            .await
            .map_err(|error| match error {
                BindError::Sockets { source, .. } => LinkError::binding(address, source.kind()),
                other => LinkError::Setup(other.to_string()),
            })?;
        Ok(Self(endpoint))
    }

    pub(super) fn address(&self) -> Result<SocketAddr, LinkError> {
        self.0
            .bound_sockets()
            .first()
            .copied()
            .ok_or(LinkError::Closed)
    }

    pub(super) async fn dial(
        &self,
        peer: PeerKey,
        address: SocketAddr,
    ) -> Result<Connection, LinkError> {
        let id = EndpointId::from_bytes(&peer.0).map_err(|_| LinkError::UnknownPeer)?;
        let target = EndpointAddr::from_parts(id, [TransportAddr::Ip(address)]);
        self.0
            .connect(target, PROTOCOL)
            .await
            .map_err(|error| match error {
                ConnectError::Connection { source, .. } => reason(&source),
                ConnectError::Connecting { source, .. } => connecting(&source),
                ConnectError::Connect { source, .. } => match source {
                    ConnectWithOptsError::EndpointClosed { .. } => LinkError::Closed,
                    ConnectWithOptsError::SelfConnect { .. } => LinkError::BadAddress { address },
                    other => LinkError::Setup(other.to_string()),
                },
                other => LinkError::Setup(other.to_string()),
            })
    }

    pub(super) async fn close(&self) {
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, self.0.close()).await;
    }
}

/// Answers handshakes until the endpoint closes; drops them unanswered where there is no door.
pub(super) async fn admit(endpoint: Endpoint, mut door: Option<Door>) {
    while let Some(incoming) = endpoint.0.accept().await {
        let IncomingAddr::Ip(address) = incoming.remote_addr() else {
            incoming.ignore();
            continue;
        };
        let Some(door) = &mut door else {
            incoming.ignore();
            continue;
        };
        match door.knock(incoming.remote_addr_validated()) {
            Knock::Answer(place) => door.answer(place, address.ip(), async {
                let connection = incoming.await.map_err(|error| connecting(&error))?;
                let peer = PeerKey(*connection.remote_id().as_bytes());
                Ok((peer, Pipe::Iroh(connection)))
            }),
            Knock::ProveAddress => drop(incoming.retry()),
            Knock::Refuse => incoming.refuse(),
        }
    }
}

/// What the end of a connection means.
pub(super) fn reason(error: &ConnectionError) -> LinkError {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            LinkError::from_close(close.error_code.into_inner())
        }
        ConnectionError::ConnectionClosed(close) => {
            LinkError::from_transport(close.error_code.into(), false)
        }
        ConnectionError::TransportError(error) => {
            LinkError::from_transport(error.code.into(), true)
        }
        ConnectionError::VersionMismatch => LinkError::OtherVersion,
        ConnectionError::CidsExhausted => LinkError::Busy,
        ConnectionError::LocallyClosed => LinkError::Closed,
        ConnectionError::Reset | ConnectionError::TimedOut => LinkError::Lost,
    }
}

fn connecting(error: &ConnectingError) -> LinkError {
    match error {
        ConnectingError::ConnectionError { source, .. } => reason(source),
        ConnectingError::HandshakeFailure { .. } => LinkError::UnknownPeer,
        _ => LinkError::Lost,
    }
}

fn transport(settings: &Settings) -> QuicTransportConfig {
    let idle = u32::try_from(settings.idle_timeout.as_millis()).unwrap_or(u32::MAX);
    let transport = QuicTransportConfig::builder()
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(idle))))
        .max_concurrent_bidi_streams(STREAMS_MAX.into())
        .max_concurrent_uni_streams(0u32.into())
        .stream_receive_window(WINDOW_BYTES.into())
        .receive_window(WINDOW_BYTES.into())
        .send_window(WINDOW_BYTES.into())
        .datagram_receive_buffer_size(None);
    if !settings.thin_line {
        return transport.build();
    }
    transport
        .mtu_discovery_config(None)
        .initial_rtt(THIN_LINE_ROUND_TRIP)
        .build()
}
