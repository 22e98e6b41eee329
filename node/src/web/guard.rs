//! A listener that lets nobody hold the pages up: few connections at a time, each for a short
//! while. It knows nothing of what is sent over them.

use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

/// Connections at a time: the dozen PCs of a site, with room.
const CONNECTIONS_MAX: usize = 64;

/// The guarded listener.
pub struct Guarded {
    listener: TcpListener,
    places: Arc<Semaphore>,
    longest: Duration,
}

/// The machine at the other end.
#[derive(Clone, Copy, Debug)]
pub struct Machine(pub IpAddr);

impl Connected<IncomingStream<'_, Guarded>> for Machine {
    fn connect_info(stream: IncomingStream<'_, Guarded>) -> Self {
        Self(stream.remote_addr().ip())
    }
}

impl Guarded {
    /// Guards a listener; no connection lasts longer than `longest`.
    pub fn new(listener: TcpListener, longest: Duration) -> Self {
        Self {
            listener,
            places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            longest,
        }
    }
}

impl Listener for Guarded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            // The semaphore is never closed, so there is always a place in the end.
            let Ok(place) = self.places.clone().acquire_owned().await else {
                continue;
            };
            // axum's own listener waits out the errors that pass, such as too many open files.
            let (stream, peer) = Listener::accept(&mut self.listener).await;
            let end = Box::pin(tokio::time::sleep(self.longest));
            return (
                Connection {
                    stream,
                    end,
                    _place: place,
                },
                peer,
            );
        }
    }

    fn local_addr(&self) -> Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection with an end and a place that it gives back.
pub struct Connection {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    /// The stream while there is time; afterwards the error that ends the connection.
    fn stream(&mut self, context: &mut Context<'_>) -> Result<Pin<&mut TcpStream>> {
        if self.end.as_mut().poll(context).is_ready() {
            return Err(Error::from(ErrorKind::TimedOut));
        }
        Ok(Pin::new(&mut self.stream))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        self.stream(context)?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        self.stream(context)?.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.stream(context)?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.stream(context)?.poll_shutdown(context)
    }
}
