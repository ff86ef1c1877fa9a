//! A network between nodes that can be cut, in one direction at a time: what is said gets stuck, as with a router that
//! drops packets, and connections stay open.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future as _;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use esker_rpc::transport::{BoxedStream, Connect, Plane, TcpConnect};
use esker_types::NodeId;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// How often a stuck stream looks whether it still is.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Who does not hear whom. Shared by all nodes.
#[derive(Clone, Debug, Default)]
pub(super) struct Cuts {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    addresses: BTreeMap<String, NodeId>,
    cut: BTreeSet<(NodeId, NodeId)>,
}

impl Cuts {
    pub(super) fn locate(&self, node: NodeId, address: SocketAddr) {
        self.shared.lock().unwrap().addresses.insert(address.to_string(), node);
    }

    /// From now on `to` hears nothing of `from`.
    pub(super) fn cut(&self, from: NodeId, to: NodeId) {
        self.shared.lock().unwrap().cut.insert((from, to));
    }

    pub(super) fn heal(&self) {
        self.shared.lock().unwrap().cut.clear();
    }

    fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.shared.lock().unwrap().cut.contains(&(from, to))
    }

    /// The network as one node sees it.
    pub(super) fn of(&self, node: NodeId) -> Arc<dyn Connect> {
        Arc::new(CutConnect { own: node, cuts: self.clone() })
    }
}

#[derive(Debug)]
struct CutConnect {
    own: NodeId,
    cuts: Cuts,
}

#[async_trait]
impl Connect for CutConnect {
    async fn connect(&self, address: &str, plane: Plane) -> io::Result<BoxedStream> {
        let peer = self.cuts.shared.lock().unwrap().addresses.get(address).copied();
        let Some(peer) = peer else { return TcpConnect.connect(address, plane).await };
        if self.cuts.is_cut(self.own, peer) || self.cuts.is_cut(peer, self.own) {
            // sleep: nobody answers, and the caller gives up after a while.
            tokio::time::sleep(Duration::from_millis(200)).await;
            return Err(io::ErrorKind::TimedOut.into());
        }
        let inner = TcpConnect.connect(address, plane).await?;
        // sleep: a timer for later; nothing waits here.
        let look_again = Box::pin(tokio::time::sleep(Duration::ZERO));
        Ok(Box::new(CutStream { inner, own: self.own, peer, cuts: self.cuts.clone(), look_again }))
    }
}

struct CutStream {
    inner: BoxedStream,
    own: NodeId,
    peer: NodeId,
    cuts: Cuts,
    look_again: Pin<Box<Sleep>>,
}

impl CutStream {
    /// Waits while one direction is cut.
    fn poll_open(&mut self, from: NodeId, to: NodeId, cx: &mut Context<'_>) -> Poll<()> {
        while self.cuts.is_cut(from, to) {
            self.look_again.as_mut().reset(tokio::time::Instant::now() + LOOK_AGAIN);
            ready!(self.look_again.as_mut().poll(cx));
        }
        Poll::Ready(())
    }
}

impl AsyncRead for CutStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (own, peer) = (self.own, self.peer);
        ready!(self.poll_open(peer, own, cx));
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl AsyncWrite for CutStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let (own, peer) = (self.own, self.peer);
        ready!(self.poll_open(own, peer, cx));
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
