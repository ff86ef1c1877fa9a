//! Accepts connections of other nodes and sorts them by plane.

use crate::transport::connection::ServedStream;
use crate::transport::{Connection, Plane, read_preface};
use futures::Stream;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long a connection may take to say what it is for.
const PREFACE_TIMEOUT: Duration = Duration::from_secs(3);
/// Connections in all, whoever makes them.
const CONNECTIONS_MAX: usize = 4096;
/// Connections that wait for their server to take them, per plane.
const QUEUE_MAX: usize = 128;
/// How long to wait after the system refuses to accept, say for want of file descriptors.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// The socket on which other nodes reach this one.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
}

/// The connections that come, by plane.
#[derive(Debug)]
pub struct Accepted {
    /// Those of Raft.
    pub raft: Incoming,
    /// All others.
    pub data: Incoming,
}

impl Listener {
    /// Binds the socket.
    ///
    /// # Errors
    /// The address is taken, or not one of this machine.
    pub async fn bind(address: SocketAddr) -> io::Result<Listener> {
        Ok(Listener { listener: TcpListener::bind(address).await? })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The socket is broken.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Starts to accept, in a task of the current runtime that ends with `stop`.
    pub fn start(self, stop: CancellationToken) -> Accepted {
        let ((to_raft, raft), (to_data, data)) = (Incoming::queue(), Incoming::queue());
        let sorter = Sorter { raft: to_raft, data: to_data };
        tokio::spawn(async move {
            tokio::select! {
                () = accept(self.listener, sorter, stop.clone()) => {}
                () = stop.cancelled() => {}
            }
        });
        Accepted { raft, data }
    }
}

async fn accept(listener: TcpListener, sorter: Sorter, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let sorted = sorter.clone().sort(stream, place);
                let stop = stop.clone();
                tokio::spawn(async move { stop.run_until_cancelled(sorted).await });
            }
            Err(error) => {
                tracing::warn!(%error, "can't accept a node's connection");
                sleep(REFUSED_PAUSE).await;
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Sorter {
    raft: IncomingSender,
    data: IncomingSender,
}

impl Sorter {
    /// Reads the preface and hands the connection on. One that does not open as a node's does is dropped without
    /// a word; whoever scans ports would fill the log.
    async fn sort(self, mut stream: TcpStream, place: OwnedSemaphorePermit) {
        let source = stream.peer_addr().ok();
        let plane = match timeout(PREFACE_TIMEOUT, read_preface(&mut stream)).await {
            Ok(Ok(plane)) => plane,
            Ok(Err(error)) => return tracing::debug!(?source, %error, "dropped a connection"),
            Err(_) => return tracing::debug!(?source, "dropped a connection that says nothing"),
        };
        let ready = stream.set_nodelay(true).and_then(|()| Connection::tcp(stream, place));
        match ready {
            Ok(connection) => {
                let queue = match plane {
                    Plane::Raft => self.raft,
                    Plane::Data => self.data,
                };
                // The server may have stopped.
                let _ = queue.send(connection).await;
            }
            Err(error) => tracing::debug!(?source, %error, "dropped a connection that broke"),
        }
    }
}

/// Connections for a server. Whoever polls it binds them to its runtime.
#[derive(Debug)]
pub struct Incoming {
    queue: mpsc::Receiver<Connection>,
}

/// Where connections are put for a server to take.
#[derive(Clone, Debug)]
pub struct IncomingSender {
    queue: mpsc::Sender<Connection>,
}

impl Incoming {
    /// A bounded queue of connections, for a network that has no listener.
    pub fn queue() -> (IncomingSender, Incoming) {
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        (IncomingSender { queue: sender }, Incoming { queue })
    }
}

impl IncomingSender {
    /// Hands a connection to the server, once it has room.
    ///
    /// # Errors
    /// The server has stopped; the connection comes back.
    pub async fn send(&self, connection: Connection) -> Result<(), Connection> {
        self.queue.send(connection).await.map_err(|refused| refused.0)
    }
}

/// The connections, on the runtime that polls.
pub(super) struct Served(pub(super) Incoming);

impl Stream for Served {
    type Item = io::Result<ServedStream>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.queue.poll_recv(cx).map(|connection| connection.map(Connection::adopt))
    }
}
