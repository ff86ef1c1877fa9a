//! A connection of another node, on its way from the task that accepted it to the runtime that serves it.

use crate::transport::{BoxedStream, Stream};
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tonic::transport::server::Connected;

/// Where a connection comes from; none if it comes from no network that has addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source(pub(super) Option<IpAddr>);

/// A connection whose preface was read. It belongs to no runtime until a server takes it.
pub struct Connection {
    stream: Unbound,
    source: Source,
    /// Its place among the connections that are allowed.
    permit: Option<OwnedSemaphorePermit>,
}

enum Unbound {
    /// A socket that no runtime watches.
    Tcp(std::net::TcpStream),
    /// A stream that needs no runtime.
    Any(BoxedStream),
}

impl Connection {
    /// A connection over a stream that works on any runtime, as a simulator's do.
    pub fn new(stream: impl Stream) -> Connection {
        Connection { stream: Unbound::Any(Box::new(stream)), source: Source(None), permit: None }
    }

    /// A connection over a socket, which leaves the current runtime.
    pub(super) fn tcp(stream: TcpStream, permit: OwnedSemaphorePermit) -> io::Result<Connection> {
        let source = Source(stream.peer_addr().ok().map(|address| address.ip()));
        Ok(Connection { stream: Unbound::Tcp(stream.into_std()?), source, permit: Some(permit) })
    }

    /// Binds the connection to the current runtime.
    pub(super) fn adopt(self) -> io::Result<ServedStream> {
        let Connection { stream, source, permit } = self;
        let stream = match stream {
            Unbound::Tcp(stream) => Box::new(TcpStream::from_std(stream)?),
            Unbound::Any(stream) => stream,
        };
        Ok(ServedStream { stream, source, _permit: permit })
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("source", &self.source).finish_non_exhaustive()
    }
}

/// A connection on the runtime that serves it.
pub(super) struct ServedStream {
    stream: BoxedStream,
    source: Source,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Connected for ServedStream {
    type ConnectInfo = Source;

    fn connect_info(&self) -> Source {
        self.source
    }
}

impl AsyncRead for ServedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for ServedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
