//! Dialling: opens the links that the configuration names, exchanges, and closes them again, when
//! the schedule says so.

mod schedule;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use spean_protocol::id::SiteId;
use spean_protocol::session::Outcome;
use tokio::sync::Mutex;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::api::{Kind, Refusal};
use crate::exchange::{ExchangeError, answer, greet};
use crate::home::{Config, PeerConfig};
use crate::link::{Allow, Connection, Driver, Link, LinkError, PeerKey, Settings, Traffic};
use crate::node::{KnownKeys, Node};
use crate::service::Service;
use schedule::Schedule;

/// Opens links and dials over them.
pub struct Dialler {
    seed: Zeroizing<[u8; 32]>,
    config: Config,
    known: KnownKeys,
    /// One dial-only link for each driver and address family, opened when it is first needed.
    links: Mutex<BTreeMap<(String, bool), Arc<Link>>>,
}

impl Dialler {
    /// A dialler that has opened nothing yet.
    #[must_use]
    pub fn new(seed: [u8; 32], config: Config, known: KnownKeys) -> Self {
        Self {
            seed: Zeroizing::new(seed),
            config,
            known,
            links: Mutex::default(),
        }
    }

    /// What is configured.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    fn settings(&self, driver: &str) -> Result<Settings, Refusal> {
        let driver = match driver {
            "iroh" => Driver::Iroh,
            "quinn" => Driver::Quinn,
            other => {
                let message = format!("config.toml: driver '{other}' is not iroh or quinn");
                return Err(Refusal::new(Kind::Home, message));
            }
        };
        let known = self.known.clone();
        let allow: Allow =
            Arc::new(move |key| known.read().is_ok_and(|known| known.contains(&key.0)));
        Ok(Settings::new(driver, self.seed.clone(), allow))
    }

    async fn link(&self, peer: &PeerConfig) -> Result<Arc<Link>, Refusal> {
        let mut links = self.links.lock().await;
        let place = (peer.driver.clone(), peer.address.is_ipv6());
        if let Some(link) = links.get(&place) {
            return Ok(link.clone());
        }
        let mut settings = self.settings(&peer.driver)?;
        // On this machine itself nothing needs to be reachable from outside.
        settings.dial_from = match peer.address.ip() {
            IpAddr::V4(ip) if ip.is_loopback() => IpAddr::from([127, 0, 0, 1]),
            IpAddr::V4(_) => settings.dial_from,
            IpAddr::V6(_) => IpAddr::from([0_u16; 8]),
        };
        let link = Arc::new(Link::open(&settings).await.map_err(refused)?);
        links.insert(place, link.clone());
        Ok(link)
    }

    /// Exchanges with the peer of that code.
    ///
    /// # Errors
    /// [`Refusal`] of kind `Link`.
    pub async fn exchange(
        &self,
        service: &Service,
        code: &str,
        site: SiteId,
        keys: &[[u8; 32]],
    ) -> Result<Outcome, Refusal> {
        let peer = self
            .config
            .peer
            .iter()
            .find(|peer| peer.site.eq_ignore_ascii_case(code));
        let peer = peer.ok_or_else(|| {
            let message = format!("config.toml names no peer '{code}': add a [[peer]] for it");
            Refusal::new(Kind::Link, message)
        })?;
        let link = self.link(peer).await?;
        let mut last = Refusal::new(Kind::Link, format!("{code} has no key in the roster"));
        // The newest key first; an older one only where the newest is not there yet.
        for key in keys.iter().rev() {
            let begun = Instant::now();
            let connection = match link.dial(PeerKey(*key), peer.address).await {
                Ok(connection) => connection,
                Err(error) => {
                    last = refused(error);
                    continue;
                }
            };
            let (dial, begun) = (begun.elapsed(), Instant::now());
            let (task_service, shared) = (service.clone(), Arc::new(connection));
            let connection = shared.clone();
            // Spawned, so that the end of a message leaves in the same packet as the message.
            let greeting =
                tokio::spawn(async move { greet(&task_service, &connection, site).await });
            let outcome = greeting
                .await
                .map_err(|_| Refusal::new(Kind::Link, "stopped"))?;
            let result = outcome.map_err(|error| {
                let reason = match error {
                    ExchangeError::Cut(_) => shared.reason().to_string(),
                    other => other.to_string(),
                };
                Refusal::new(Kind::Link, format!("{code}: {reason}"))
            });
            tell(code, dial, begun.elapsed(), shared.traffic(), &result);
            if let Some(connection) = Arc::into_inner(shared) {
                connection.close();
            }
            return result;
        }
        Err(last)
    }
}

/// Says what an exchange brought and cost: milliseconds of the handshake and of the exchange itself,
/// IP bytes that were sent and that came.
fn tell(
    peer: &str,
    dial: Duration,
    exchange: Duration,
    Traffic { sent, received }: Traffic,
    result: &Result<Outcome, Refusal>,
) {
    let (dial_ms, exchange_ms) = (dial.as_millis(), exchange.as_millis());
    match result {
        Ok(outcome) => tracing::info!(
            peer,
            dial_ms,
            exchange_ms,
            sent,
            received,
            ?outcome,
            "exchanged"
        ),
        Err(error) => tracing::info!(
            peer,
            dial_ms,
            exchange_ms,
            sent,
            received,
            %error,
            "the exchange ended early"
        ),
    }
}

fn refused(error: LinkError) -> Refusal {
    Refusal::new(Kind::Link, error)
}

/// Listens on everything that the configuration names, until the program ends.
///
/// # Errors
/// [`Refusal`] when an address cannot be bound.
pub async fn listen(node: &Node) -> Result<(), Refusal> {
    for listen in node.dialler.config().listen.clone() {
        let mut settings = node.dialler.settings(&listen.driver)?;
        settings.listen = Some(listen.address);
        let link = Link::open(&settings).await.map_err(refused)?;
        tracing::info!(driver = listen.driver, address = %listen.address, "listening");
        let node = node.clone();
        tokio::spawn(async move {
            loop {
                match link.accept().await {
                    Ok(connection) => {
                        tokio::spawn(serve(node.clone(), connection));
                    }
                    Err(LinkError::Closed | LinkError::NotListening) => return,
                    Err(error) => tracing::debug!(%error, "a dial that came to nothing"),
                }
            }
        });
    }
    Ok(())
}

/// Answers one peer for as long as it stays.
async fn serve(node: Node, connection: Connection) {
    let key = connection.peer().0;
    loop {
        let site = node.service.call(move |engine| {
            engine
                .roster()
                .by_key(&key)
                .map(|site| (site.id, site.code.clone()))
        });
        let Ok(Some((site, code))) = site.await else {
            return;
        };
        match answer(&node.service, &connection, site).await {
            Ok(outcome) => {
                tracing::info!(peer = code, ?outcome, "exchanged");
                let noted = node
                    .service
                    .call(move |engine| engine.note_exchange(site))
                    .await;
                if let Ok(Err(error)) = noted {
                    tracing::warn!(%error, "the exchange could not be noted");
                }
                if node.renew_known().await.is_err() {
                    return;
                }
            }
            Err(ExchangeError::Link(LinkError::Closed)) => return,
            Err(error) => {
                tracing::info!(peer = code, %error, "the exchange ended early");
                return;
            }
        }
    }
}

/// Exchanges that may go on at once: a dead peer's time-out must not hold up a live one.
const AT_ONCE: usize = 2;

/// Dials every configured peer again and again, until the program ends; at once when something
/// urgent was posted.
pub fn schedule(node: &Node) {
    let peers = node.dialler.config().peer.clone();
    if peers.is_empty() {
        return;
    }
    tokio::spawn(dial_all(node.clone(), peers));
}

async fn dial_all(node: Node, peers: Vec<PeerConfig>) {
    let begun = Instant::now();
    let every = peers
        .iter()
        .map(|peer| Duration::from_secs(peer.every_seconds));
    let mut schedule = Schedule::new(every);
    let mut dialling = tokio::task::JoinSet::new();
    let mut places = BTreeMap::new();
    loop {
        while dialling.len() < AT_ONCE {
            let Some(place) = schedule.next(begun.elapsed()) else {
                break;
            };
            let (node, code) = (node.clone(), peers[place].site.clone());
            let task = dialling.spawn(async move { node.sync(&code).await });
            places.insert(task.id(), place);
        }
        // Where as many as may be are dialling, only the end of one matters.
        let full = dialling.len() >= AT_ONCE;
        let wait = schedule.wait(begun.elapsed()).filter(|_| !full);
        tokio::select! {
            () = tokio::time::sleep(wait.unwrap_or(Duration::MAX)), if wait.is_some() => {}
            () = node.service.urgent() => schedule.urgent(begun.elapsed()),
            Some(ended) = dialling.join_next_with_id(), if !dialling.is_empty() => {
                let (id, outcome) = match ended {
                    Ok((id, outcome)) => (id, outcome),
                    Err(error) => (error.id(), Err(Refusal::new(Kind::Link, error))),
                };
                let Some(place) = places.remove(&id) else { continue };
                let peer = &peers[place].site;
                let brought = match outcome {
                    Ok(outcome) => Some(outcome.taken),
                    Err(error) => {
                        tracing::info!(peer, %error, "tried");
                        None
                    }
                };
                schedule.ended(place, begun.elapsed(), brought);
            }
        }
    }
}
