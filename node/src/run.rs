//! A running node: it answers on its socket, listens and dials as configured, flushes what was
//! recorded, serves its pages, and stops cleanly when it is told to.

use std::fs;
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::api::{Kind, MESSAGE_BYTES_MAX, Refusal, Reply, Request};
use crate::home::Home;
use crate::node::Node;

/// Seconds between two readings of Moodle, at least: it has other work.
const MOODLE_SECONDS_MIN: u64 = 30;

/// How long it waits for more of those who come or leave before Moodle is told.
const PEOPLE_PAUSE: Duration = Duration::from_secs(5);

/// How long after his record opened somebody may have to wait at most until Moodle's file has him.
const OPENED: Duration = Duration::from_secs(2);

/// Seconds between two flushes where the configuration says nothing: a quarter of an hour.
const FLUSH_SECONDS: u64 = 900;

/// Runs the node of a home until `stop` completes. `ready` is called once it listens everywhere.
///
/// # Errors
/// [`Refusal`] when it cannot start.
pub async fn run(
    home: &Home,
    stop: impl Future<Output = ()>,
    ready: impl FnOnce(),
) -> Result<(), Refusal> {
    let node = Node::open(home)?;
    let config = home.config()?;
    let listener = bind(home)?;
    #[cfg(feature = "links")]
    {
        crate::dial::listen(&node).await?;
        crate::dial::schedule(&node);
    }
    #[cfg(feature = "web")]
    serve_pages(&node, &config).await?;
    let seconds = config.flush_seconds.unwrap_or(FLUSH_SECONDS).max(1);
    tokio::spawn(flush_regularly(node.clone(), Duration::from_secs(seconds)));
    if config.moodle.is_some() {
        tokio::spawn(show_opened_regularly(node.clone()));
    }
    let moodle = config.moodle.and_then(|moodle| moodle.every_seconds);
    if let Some(seconds) = moodle {
        let every = Duration::from_secs(seconds.max(MOODLE_SECONDS_MIN));
        tokio::spawn(read_moodle_regularly(node.clone(), every));
    }
    tokio::spawn(answer_all(node.clone(), listener));
    ready();
    stop.await;
    tracing::info!("stopping");
    node.flush().await?;
    // A socket that stays behind would only make the next command wait for nobody.
    let _ = fs::remove_file(home.socket());
    Ok(())
}

/// Serves the pages at the addresses that the configuration names.
#[cfg(feature = "web")]
async fn serve_pages(node: &Node, config: &crate::home::Config) -> Result<(), Refusal> {
    use crate::web::{Door, Pages};
    let pages = Pages::new(node.clone());
    for (name, address, door) in [
        ("web", config.web, Door::Officers),
        ("learners", config.learners, Door::Learners),
    ] {
        let Some(address) = address else { continue };
        let listener = tokio::net::TcpListener::bind(address).await;
        let listener = listener.map_err(|error| {
            let message =
                format!("config.toml: {name} = {address}: {error}: choose another address");
            Refusal::new(Kind::Home, message)
        })?;
        tracing::info!(%address, ?door, "serving pages");
        let pages = pages.clone();
        tokio::spawn(async move { pages.serve(door, listener, std::future::pending()).await });
    }
    Ok(())
}

/// The socket, readable and writable by this user alone. One that a killed node left is replaced:
/// the lock on the home says that no other program answers on it.
fn bind(home: &Home) -> Result<UnixListener, Refusal> {
    let path = home.socket();
    let _ = fs::remove_file(&path);
    let said =
        |error: std::io::Error| Refusal::new(Kind::Home, format!("{}: {error}", path.display()));
    let listener = UnixListener::bind(&path).map_err(said)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(said)?;
    Ok(listener)
}

async fn flush_regularly(node: Node, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        match node.flush().await {
            Ok(events) => tracing::debug!(events, "flushed"),
            Err(error) => tracing::error!(%error, "the flush failed; it is tried again"),
        }
    }
}

async fn show_opened_regularly(node: Node) {
    loop {
        tokio::time::sleep(OPENED).await;
        node.show_opened().await;
    }
}

async fn read_moodle_regularly(node: Node, every: Duration) {
    loop {
        let pull = Request::MoodlePull {
            whole: false,
            dry: false,
        };
        match node.answer(pull).await {
            Ok(Reply::Reading(reading)) => {
                tracing::info!(
                    people = reading.people,
                    new = reading.taken.new,
                    "Moodle was read"
                );
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "Moodle was not read; it is tried again"),
        }
        // After reading: what he did here since counts first.
        show_in_moodle(&node).await;
        let next = tokio::time::sleep(every);
        tokio::pin!(next);
        loop {
            tokio::select! {
                () = &mut next => break,
                () = node.people_changed() => {
                    // A hundred come at a time.
                    tokio::time::sleep(PEOPLE_PAUSE).await;
                    show_in_moodle(&node).await;
                }
            }
        }
    }
}

async fn show_in_moodle(node: &Node) {
    if let Err(error) = node.answer(Request::MoodlePush { dry: false }).await {
        tracing::warn!(%error, "nothing was shown in Moodle; it is tried again");
    }
}

async fn answer_all(node: Node, listener: UnixListener) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Too many open files, say: it passes.
                tracing::warn!(%error, "a command could not be taken");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let node = node.clone();
        tokio::spawn(async move {
            if let Err(error) = answer_one(&node, stream).await {
                tracing::debug!(%error, "a command went away");
            }
        });
    }
}

async fn answer_one(node: &Node, mut stream: UnixStream) -> std::io::Result<()> {
    while let Some(bytes) = read_message(&mut stream).await? {
        let answer = match serde_json::from_slice::<Request>(&bytes) {
            Ok(request) => node.answer(request).await,
            Err(error) => Err(Refusal::new(
                Kind::Refused,
                format!("the running node does not know this command ({error}): restart it"),
            )),
        };
        write_message(&mut stream, &answer).await?;
    }
    Ok(())
}

/// Asks the running node of a home; `None` when none is running.
///
/// # Errors
/// [`Refusal`]: the node's own, or that it went away.
pub async fn ask(home: &Home, request: &Request) -> Result<Option<Reply>, Refusal> {
    let Ok(mut stream) = UnixStream::connect(home.socket()).await else {
        return Ok(None);
    };
    let gone = |error: std::io::Error| {
        Refusal::new(
            Kind::Home,
            format!("the running node went away: {error}: try again"),
        )
    };
    write_message(&mut stream, request).await.map_err(gone)?;
    let bytes = read_message(&mut stream).await.map_err(gone)?;
    let bytes = bytes.ok_or_else(|| gone(std::io::ErrorKind::UnexpectedEof.into()))?;
    let answer: Result<Reply, Refusal> = serde_json::from_slice(&bytes)
        .map_err(|error| Refusal::new(Kind::Home, format!("the running node's answer: {error}")))?;
    answer.map(Some)
}

/// Messages are JSON, each after its length as four bytes, little-endian.
async fn write_message<T: serde::Serialize>(
    stream: &mut UnixStream,
    message: &T,
) -> std::io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).map_err(|_| std::io::ErrorKind::InvalidInput)?;
    stream.write_all(&length.to_le_bytes()).await?;
    stream.write_all(&body).await
}

async fn read_message(stream: &mut UnixStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length).await {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > MESSAGE_BYTES_MAX {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(body))
}
