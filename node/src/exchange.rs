//! One exchange over a connection: the session of `spean-protocol`, fed from a stream and the
//! engine. The greeting has a stream of its own, closed with its only message, so that a contact
//! with nothing new is one packet each way; the rest follows on a second stream.

use std::sync::Arc;
use std::time::Duration;

use spean_protocol::codec;
use spean_protocol::id::SiteId;
use spean_protocol::limits::FRAME_BYTES_MAX;
use spean_protocol::session::{Frame, Outcome, Session, SessionError, Step};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

use crate::engine::EngineError;
use crate::link::{Connection, LinkError};
use crate::service::{Service, Stopped};

/// Bytes that are read or written as one input of the engine.
const BATCH_BYTES: usize = 512 * 1024;

/// How long the last word may take to the peer: some retransmissions on a poor line.
const LAST_WORD_MAX: Duration = Duration::from_secs(30);

/// Why an exchange ended early. What was taken before stays, and the next one goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The link failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The stream was cut.
    #[error("the line was cut ({0}): what came before is kept, the next exchange goes on")]
    Cut(std::io::Error),
    /// The peer sent something that is no frame.
    #[error("the peer sent something that is no frame of the exchange")]
    NotAFrame,
    /// The session ended it.
    #[error("{0}")]
    Session(String),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// This node stops.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The peer is not in the roster any more.
    #[error("the peer's key is not in the roster")]
    NotListed,
}

impl From<SessionError<EngineError>> for ExchangeError {
    fn from(error: SessionError<EngineError>) -> Self {
        match error {
            SessionError::Host(error) => Self::Engine(error),
            other => Self::Session(other.to_string()),
        }
    }
}

/// Has one exchange over an open connection that this node dialled.
///
/// # Errors
/// [`ExchangeError`].
pub async fn greet(
    service: &Service,
    connection: &Connection,
    peer: SiteId,
) -> Result<Outcome, ExchangeError> {
    let begun = service.call(move |engine| {
        engine.flush()?;
        let mut session = Session::dial(engine, engine.site(), peer);
        let hello = session.next(engine).map_err(ExchangeError::from)?;
        Ok::<_, ExchangeError>((session, hello))
    });
    let (mut session, hello) = begun.await??;
    let mut stream = connection.open().await?;
    if let Step::Send(frame) = hello {
        stream
            .write_all(&framed(&frame))
            .await
            .map_err(ExchangeError::Cut)?;
    }
    stream.shutdown().await.map_err(ExchangeError::Cut)?;
    let answer = read_only_frame(&mut stream).await?;
    let received = service.call(move |engine| {
        session
            .receive(answer, engine)
            .map_err(ExchangeError::from)?;
        Ok::<_, ExchangeError>(session)
    });
    let session = received.await??;
    if session.outcome().complete {
        return Ok(session.outcome());
    }
    let stream = connection.open().await?;
    converse(service, session, stream).await
}

/// Has one exchange over a connection that a peer dialled: waits for its greeting.
///
/// # Errors
/// [`ExchangeError`]; [`LinkError::Closed`] when the peer wants no more.
pub async fn answer(
    service: &Service,
    connection: &Connection,
    peer: SiteId,
) -> Result<Outcome, ExchangeError> {
    let mut stream = connection.accept().await?;
    let hello = read_only_frame(&mut stream).await?;
    let begun = service.call(move |engine| {
        engine.flush()?;
        let mut session = Session::answer(engine.site(), peer);
        session
            .receive(hello, engine)
            .map_err(ExchangeError::from)?;
        let step = session.next(engine).map_err(ExchangeError::from)?;
        Ok::<_, ExchangeError>((session, step))
    });
    let (session, step) = begun.await??;
    if let Step::Send(frame) = step {
        stream
            .write_all(&framed(&frame))
            .await
            .map_err(ExchangeError::Cut)?;
    }
    stream.shutdown().await.map_err(ExchangeError::Cut)?;
    if session.outcome().complete {
        return Ok(session.outcome());
    }
    let stream = connection.accept().await?;
    converse(service, session, stream).await
}

/// Goes on until both sides are done. Reading never waits for writing, so that two nodes that
/// both have much to send do not wait for each other.
async fn converse<T>(
    service: &Service,
    session: Session,
    stream: T,
) -> Result<Outcome, ExchangeError>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (reader, mut writer) = tokio::io::split(stream);
    let mut reader = BufReader::with_capacity(BATCH_BYTES, reader);
    let (outgoing, mut to_write) = mpsc::channel::<Vec<u8>>(2);
    let (read, mut incoming) = mpsc::channel::<Result<Vec<Frame>, ExchangeError>>(2);
    let writing = tokio::spawn(async move {
        while let Some(bytes) = to_write.recv().await {
            writer.write_all(&bytes).await?;
            writer.flush().await?;
        }
        writer.shutdown().await
    });
    let reading = tokio::spawn(async move {
        loop {
            let batch = read_batch(&mut reader).await;
            let end = !matches!(&batch, Ok(frames) if !frames.is_empty());
            if read.send(batch).await.is_err() || end {
                return;
            }
        }
    });
    let session = Arc::new(Mutex::new(session));
    let mut sending = true;
    let outcome = loop {
        let taken = tokio::select! {
            batch = incoming.recv() => match batch {
                Some(Ok(frames)) if frames.is_empty() => {
                    // The peer has closed its side: what it said last may have completed ours.
                    break match gather(service, &session).await {
                        Ok((bytes, _)) if session.lock().await.outcome().complete => {
                            // Whoever is complete has said its last word already.
                            debug_assert!(bytes.is_empty());
                            Ok(session.lock().await.outcome())
                        }
                        Ok(_) => {
                            let early = std::io::ErrorKind::UnexpectedEof;
                            Err(ExchangeError::Cut(early.into()))
                        }
                        Err(error) => Err(error),
                    };
                }
                Some(Ok(frames)) => frames,
                Some(Err(error)) => break Err(error),
                None => break Err(ExchangeError::NotAFrame),
            },
            permit = outgoing.reserve(), if sending => match permit {
                Ok(permit) => {
                    let (bytes, more) = match gather(service, &session).await {
                        Ok(worked) => worked,
                        Err(error) => break Err(error),
                    };
                    sending = more;
                    if !bytes.is_empty() {
                        permit.send(bytes);
                    }
                    let outcome = session.lock().await.outcome();
                    if outcome.complete && !sending {
                        break Ok(outcome);
                    }
                    continue;
                }
                Err(_) => break Err(ExchangeError::NotAFrame),
            },
        };
        if let Err(error) = receive(service, &session, taken).await {
            break Err(error);
        }
        sending = true;
    };
    drop(outgoing);
    // What is still to be sent leaves before the connection is closed. If it cannot, the session
    // is complete all the same: the peer has said its last word and wants no more.
    let written = writing.await;
    if outcome.is_ok() {
        // The peer closes its side once it has this side's last word. To hang up before that would
        // take the word off the line, or leave it lost.
        let _ = timeout(LAST_WORD_MAX, incoming.recv()).await;
    }
    reading.abort();
    if let Err(error) = &written {
        tracing::debug!(%error, "the writer ended early");
    }
    outcome
}

type Shared = Arc<Mutex<Session>>;

async fn receive(
    service: &Service,
    session: &Shared,
    frames: Vec<Frame>,
) -> Result<(), ExchangeError> {
    work_with(service, session, move |session, engine| {
        frames
            .into_iter()
            .try_for_each(|frame| session.receive(frame, engine))
    })
    .await
}

/// Frames to send, and whether more can be had at once.
async fn gather(service: &Service, session: &Shared) -> Result<(Vec<u8>, bool), ExchangeError> {
    work_with(service, session, |session, engine| {
        let mut bytes = Vec::new();
        while bytes.len() < BATCH_BYTES {
            match session.next(engine)? {
                Step::Send(frame) => bytes.extend(framed(&frame)),
                Step::Wait | Step::Finished => return Ok((bytes, false)),
            }
        }
        Ok((bytes, true))
    })
    .await
}

type Steps<T> = Result<T, SessionError<EngineError>>;

/// Runs part of the session as one input of the engine.
async fn work_with<T: Send + 'static>(
    service: &Service,
    session: &Shared,
    steps: impl FnOnce(&mut Session, &mut crate::service::NodeEngine) -> Steps<T> + Send + 'static,
) -> Result<T, ExchangeError> {
    let mut session = session.clone().lock_owned().await;
    let done = service.call(move |engine| {
        let mut other = None;
        let done = engine.exchange(|engine| match steps(&mut session, engine) {
            Ok(value) => Ok(Some(value)),
            Err(SessionError::Host(error)) => Err(error),
            // The peer broke the protocol: what it sent before that is kept.
            Err(error) => {
                other = Some(ExchangeError::from(error));
                Ok(None)
            }
        });
        match (done, other) {
            (_, Some(error)) => Err(error),
            (Ok(Some(value)), None) => Ok(value),
            (Ok(None), None) => Err(ExchangeError::NotAFrame),
            (Err(error), None) => Err(error.into()),
        }
    });
    done.await?
}

/// A frame with its length before it.
#[must_use]
pub fn framed(frame: &Frame) -> Vec<u8> {
    let body = frame.encode();
    let mut out = codec::encode(&body.len());
    out.extend(body);
    out
}

/// Reads one frame; `None` at the end of the stream.
async fn read_frame(reader: &mut (impl AsyncRead + Unpin)) -> Result<Option<Frame>, ExchangeError> {
    let mut length = 0_usize;
    for shift in [0, 7, 14] {
        let byte = match reader.read_u8().await {
            Ok(byte) => usize::from(byte),
            Err(error) if shift == 0 && error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Ok(None);
            }
            Err(error) => return Err(ExchangeError::Cut(error)),
        };
        length |= (byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
        if shift == 14 {
            return Err(ExchangeError::NotAFrame);
        }
    }
    if length > FRAME_BYTES_MAX {
        return Err(ExchangeError::NotAFrame);
    }
    let mut body = vec![0; length];
    reader
        .read_exact(&mut body)
        .await
        .map_err(ExchangeError::Cut)?;
    Frame::decode(&body)
        .map(Some)
        .map_err(|_| ExchangeError::NotAFrame)
}

/// Reads a frame that is alone on its stream, to the stream's end: a stream that is dropped before
/// its end costs a packet more.
async fn read_only_frame(reader: &mut (impl AsyncRead + Unpin)) -> Result<Frame, ExchangeError> {
    let frame = read_frame(reader).await?.ok_or(ExchangeError::NotAFrame)?;
    match reader.read(&mut [0]).await {
        Ok(0) => Ok(frame),
        Ok(_) => Err(ExchangeError::NotAFrame),
        Err(error) => Err(ExchangeError::Cut(error)),
    }
}

/// Reads the next frame and those that have wholly come with it; none at the end of the stream.
async fn read_batch<R: AsyncRead + Unpin>(
    reader: &mut BufReader<R>,
) -> Result<Vec<Frame>, ExchangeError> {
    let mut frames = Vec::new();
    frames.extend(read_frame(reader).await?);
    let whole = |buffer: &[u8]| {
        codec::take::<usize>(buffer).is_ok_and(|(length, rest)| rest.len() >= length)
    };
    while !frames.is_empty() && whole(reader.buffer()) {
        frames.extend(read_frame(reader).await?);
    }
    Ok(frames)
}
