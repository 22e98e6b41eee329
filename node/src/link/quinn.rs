//! The quinn driver: QUIC between fixed addresses, with raw Ed25519 keys in place of certificates
//! (RFC 7250) and everything left out that costs bytes on a metered line: session tickets, address
//! tokens, keep-alives, datagrams and, on a thin line, the search for larger packets.
//!
//! A key that the roster does not list fails the TLS handshake. Sessions are never resumed, since
//! resuming would skip that check.

use std::fmt;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{
    ClientConfig, ConnectError, ConnectionError, EndpointConfig, IdleTimeout, ServerConfig,
    TokioRuntime, TransportConfig, VarInt,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{AlwaysResolvesClientRawPublicKeys, Resumption};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{
    CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, PeerIncompatible, SignatureScheme,
};
use zeroize::Zeroizing;

use super::door::{Door, Knock, WAITING_MAX};
use super::error::CLOSE_DONE;
use super::{
    Allow, LinkError, PROTOCOL, PeerKey, Pipe, STREAMS_MAX, Settings, THIN_LINE_ROUND_TRIP,
    WINDOW_BYTES,
};

/// What stands before the 32 bytes of a raw Ed25519 public key in TLS (RFC 8410, section 4).
const PUBLIC_KEY_HEADER: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// What stands before the 32 bytes of an Ed25519 seed in PKCS #8 (RFC 8410, section 7).
const SEED_HEADER: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// TLS wants a server's name; it is neither sent nor checked, the key is.
const SERVER_NAME: &str = "spean";

/// Bytes that wait for the handshakes that nobody has looked at yet.
const UNSEEN_BYTES_MAX: u64 = 256 * 1024;

#[derive(Clone)]
pub(super) struct Endpoint {
    endpoint: quinn::Endpoint,
    crypto: Arc<CryptoProvider>,
    identity: Arc<CertifiedKey>,
    transport: Arc<TransportConfig>,
}

impl Endpoint {
    pub(super) fn bind(settings: &Settings) -> Result<Self, LinkError> {
        let crypto = Arc::new(ring::default_provider());
        let identity = identity(&settings.seed)?;
        let transport = Arc::new(transport(settings));
        let server = match settings.listen {
            Some(_) => Some(server(
                &crypto,
                &identity,
                &transport,
                Arc::clone(&settings.allow),
            )?),
            None => None,
        };

        let config = EndpointConfig::default();
        let address = settings.bind_address();
        let endpoint = UdpSocket::bind(address)
            .and_then(|socket| quinn::Endpoint::new(config, server, socket, Arc::new(TokioRuntime)))
            .map_err(|error| LinkError::binding(address, error.kind()))?;
        Ok(Self {
            endpoint,
            crypto,
            identity,
            transport,
        })
    }

    pub(super) fn address(&self) -> Result<SocketAddr, LinkError> {
        self.endpoint.local_addr().map_err(|_| LinkError::Closed)
    }

    pub(super) async fn dial(
        &self,
        peer: PeerKey,
        address: SocketAddr,
    ) -> Result<quinn::Connection, LinkError> {
        let allow: Allow = Arc::new(move |key| *key == peer);
        let mut tls = rustls::ClientConfig::builder_with_provider(Arc::clone(&self.crypto))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(setup)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(KeyCheck::new(&self.crypto, allow)))
            .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(
                Arc::clone(&self.identity),
            )));
        tls.alpn_protocols = vec![PROTOCOL.to_vec()];
        tls.enable_sni = false;
        tls.resumption = Resumption::disabled();

        let tls = QuicClientConfig::try_from(tls).map_err(setup)?;
        let mut config = ClientConfig::new(Arc::new(tls));
        config.transport_config(Arc::clone(&self.transport));
        self.endpoint
            .connect_with(config, address, SERVER_NAME)
            .map_err(|error| match error {
                ConnectError::EndpointStopping => LinkError::Closed,
                ConnectError::InvalidRemoteAddress(_) => LinkError::BadAddress { address },
                ConnectError::CidsExhausted => LinkError::Busy,
                other => setup(other),
            })?
            .await
            .map_err(|error| reason(&error))
    }

    pub(super) async fn close(&self) {
        self.endpoint.close(CLOSE_DONE.into(), b"");
        self.endpoint.wait_idle().await;
    }
}

/// Answers handshakes until the endpoint closes.
pub(super) async fn admit(endpoint: Endpoint, mut door: Door) {
    while let Some(incoming) = endpoint.endpoint.accept().await {
        match door.knock(incoming.remote_address_validated()) {
            Knock::Answer(place) => {
                let ip = incoming.remote_address().ip();
                door.answer(place, ip, async {
                    let connection = incoming.await.map_err(|error| reason(&error))?;
                    let peer = peer(&connection).ok_or(LinkError::UnknownPeer)?;
                    Ok((peer, Pipe::Quinn(connection)))
                });
            }
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

fn peer(connection: &quinn::Connection) -> Option<PeerKey> {
    let identity = connection.peer_identity()?;
    let keys = identity.downcast_ref::<Vec<CertificateDer<'static>>>()?;
    public_key(keys.first()?)
}

fn public_key(raw: &CertificateDer<'_>) -> Option<PeerKey> {
    let key = raw.as_ref().strip_prefix(&PUBLIC_KEY_HEADER)?;
    key.try_into().ok().map(PeerKey)
}

fn setup(error: impl fmt::Display) -> LinkError {
    LinkError::Setup(error.to_string())
}

fn identity(seed: &[u8; 32]) -> Result<Arc<CertifiedKey>, LinkError> {
    let mut encoded = Zeroizing::new([0; 48]);
    encoded[..16].copy_from_slice(&SEED_HEADER);
    encoded[16..].copy_from_slice(seed);
    let key =
        ring::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(encoded.as_slice())).map_err(setup)?;
    let public = key.public_key().ok_or_else(|| setup("no public key"))?;
    let public = CertificateDer::from(public.as_ref().to_vec());
    Ok(Arc::new(CertifiedKey::new(vec![public], key)))
}

fn transport(settings: &Settings) -> TransportConfig {
    let mut transport = TransportConfig::default();
    let idle = u32::try_from(settings.idle_timeout.as_millis()).unwrap_or(u32::MAX);
    transport
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(idle))))
        .keep_alive_interval(None)
        .max_concurrent_bidi_streams(STREAMS_MAX.into())
        .max_concurrent_uni_streams(0u32.into())
        .stream_receive_window(WINDOW_BYTES.into())
        .receive_window(WINDOW_BYTES.into())
        .send_window(WINDOW_BYTES.into())
        .datagram_receive_buffer_size(None);
    if settings.thin_line {
        transport
            .mtu_discovery_config(None)
            .initial_rtt(THIN_LINE_ROUND_TRIP);
    }
    transport
}

fn server(
    crypto: &Arc<CryptoProvider>,
    identity: &Arc<CertifiedKey>,
    transport: &Arc<TransportConfig>,
    allow: Allow,
) -> Result<ServerConfig, LinkError> {
    let mut tls = rustls::ServerConfig::builder_with_provider(Arc::clone(crypto))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(setup)?
        .with_client_cert_verifier(Arc::new(KeyCheck::new(crypto, allow)))
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(
            Arc::clone(identity),
        )));
    tls.alpn_protocols = vec![PROTOCOL.to_vec()];
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    tls.send_tls13_tickets = 0;

    let mut config =
        ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).map_err(setup)?));
    config
        .transport_config(Arc::clone(transport))
        .max_incoming(WAITING_MAX)
        .incoming_buffer_size(UNSEEN_BYTES_MAX)
        .incoming_buffer_size_total(UNSEEN_BYTES_MAX);
    Ok(config)
}

/// Accepts raw Ed25519 keys that `allow` accepts, on either side of a handshake.
struct KeyCheck {
    crypto: Arc<CryptoProvider>,
    allow: Allow,
}

impl KeyCheck {
    fn new(crypto: &Arc<CryptoProvider>, allow: Allow) -> Self {
        Self {
            crypto: Arc::clone(crypto),
            allow,
        }
    }

    fn check(&self, raw: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        match public_key(raw) {
            Some(key) if (self.allow)(&key) => Ok(()),
            _ => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn check_signature(
        &self,
        message: &[u8],
        raw: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature_with_raw_key(
            message,
            &SubjectPublicKeyInfoDer::from(raw.as_ref()),
            signature,
            &self.crypto.signature_verification_algorithms,
        )
    }
}

impl fmt::Debug for KeyCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyCheck")
    }
}

impl ServerCertVerifier for KeyCheck {
    fn verify_server_cert(
        &self,
        raw: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.check(raw).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _raw: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(PeerIncompatible::Tls12NotOffered.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        raw: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.check_signature(message, raw, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for KeyCheck {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        raw: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.check(raw).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _raw: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(PeerIncompatible::Tls12NotOffered.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        raw: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.check_signature(message, raw, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
