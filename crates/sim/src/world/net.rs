//! The network between simulated machines, in the place of TCP.

use async_trait::async_trait;
use esker_rpc::transport::{BoxedStream, Connect, Connection, Incoming, IncomingSender, Plane, read_preface};
use std::io;
use std::time::Duration;
use tokio::time::timeout;
use turmoil::net::{TcpListener, TcpStream};

/// Where every machine listens.
pub const PORT: u16 = 9100;
/// As TCP's own: connecting, and saying what for.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
const PREFACE_TIMEOUT: Duration = Duration::from_secs(3);

/// Connects through the simulated network.
#[derive(Clone, Copy, Debug)]
pub struct SimConnect;

#[async_trait]
impl Connect for SimConnect {
    async fn connect(&self, address: &str, _plane: Plane) -> io::Result<BoxedStream> {
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "connecting took too long");
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await.map_err(late)??;
        Ok(Box::new(stream))
    }
}

/// Starts to accept, until the machine stops. Returns the connections of Raft and the others.
///
/// # Errors
/// The port is taken.
pub async fn listen() -> io::Result<(Incoming, Incoming)> {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    let ((to_raft, raft), (to_data, data)) = (Incoming::queue(), Incoming::queue());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(sort(stream, to_raft.clone(), to_data.clone()));
        }
    });
    Ok((raft, data))
}

async fn sort(mut stream: TcpStream, raft: IncomingSender, data: IncomingSender) {
    let queue = match timeout(PREFACE_TIMEOUT, read_preface(&mut stream)).await {
        Ok(Ok(Plane::Raft)) => raft,
        Ok(Ok(Plane::Data)) => data,
        Ok(Err(_)) | Err(_) => return,
    };
    // The server may have stopped.
    let _ = queue.send(Connection::new(stream)).await;
}
