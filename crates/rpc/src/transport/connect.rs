//! The seam below all calls: how a stream of bytes to an address opens.

use crate::transport::Plane;
use async_trait::async_trait;
use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long finding the addresses of a name may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);
/// How long opening a connection to one address may take.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// How many addresses of a name are tried.
const ADDRESSES_MAX: usize = 4;

/// A stream of bytes in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// Any stream.
pub type BoxedStream = Box<dyn Stream>;

/// Opens streams to other nodes. A simulator puts its own network here.
#[async_trait]
pub trait Connect: Debug + Send + Sync + 'static {
    /// Opens a stream to `address` (`host:port`), before anything is said; the preface follows. Bounded by the
    /// implementation's own timeout. `plane` is what the stream is for.
    async fn connect(&self, address: &str, plane: Plane) -> io::Result<BoxedStream>;
}

/// Connects by TCP. A name is looked up anew for each connection, so that a node may move.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpConnect;

#[async_trait]
impl Connect for TcpConnect {
    async fn connect(&self, address: &str, _plane: Plane) -> io::Result<BoxedStream> {
        let found = timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host(address)).await;
        let found = found.map_err(|_| timed_out("looking up the name took too long"))??;
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in found.take(ADDRESSES_MAX) {
            match open(address).await {
                Ok(stream) => return Ok(Box::new(stream)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

async fn open(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
    let stream = stream.map_err(|_| timed_out("connecting took too long"))??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn timed_out(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}
