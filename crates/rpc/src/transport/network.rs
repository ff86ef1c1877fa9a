//! Connections to other nodes: opened when they are first used, again after they break, and shared.

use crate::transport::{AuthChannel, BoxedStream, Connect, Identity, Plane, write_preface};
use esker_types::NodeId;
use http::Uri;
use http::uri::Authority;
use hyper_util::rt::TokioIo;
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

/// How long a connection may take to open, all addresses of its name together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection with a call on it is probed this often, so that a peer that vanished without a word is noticed.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(2);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(2);
/// How many calls that were given up a connection remembers, for what still arrives of them.
pub(super) const RESET_STREAMS_MAX: usize = 1024;
/// More connections than this are kept only while somebody uses them.
const POOL_MAX: usize = 512;

/// The HTTP/2 windows of a plane, in bytes: how much may be on its way, or wait to be read, on one stream and on
/// one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    pub(super) stream: u32,
    pub(super) connection: u32,
    /// How many calls a connection carries at once.
    pub(super) streams: u32,
}

impl Windows {
    /// A connection's window is the sum of its streams', so that streams nobody reads never stop another one. What
    /// bounds memory is the window of a stream.
    pub(super) fn of(plane: Plane) -> Windows {
        let (stream, streams) = match plane {
            Plane::Raft => (2 << 20, 64),
            Plane::Data => (512 << 10, 256),
        };
        Windows { stream, connection: stream * streams, streams }
    }
}

/// What a connection is for. Each purpose has its own, so that a large message delays no small one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Purpose(pub &'static str);

/// Nodes can't be reached at such an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address of the form host:port")]
pub struct AddressError(pub String);

/// This process's connections to other nodes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Network {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    identity: Identity,
    connect: Arc<dyn Connect>,
    /// Where the connections' tasks run, whoever makes a call.
    runtime: Handle,
    channels: Mutex<HashMap<(String, Plane, Purpose), Arc<Channel>>>,
}

impl Network {
    /// Connections of a process, whose tasks run on `runtime`.
    pub fn new(identity: Identity, connect: Arc<dyn Connect>, runtime: Handle) -> Network {
        let inner = Inner { identity, connect, runtime, channels: Mutex::default() };
        Network { inner: Arc::new(inner) }
    }

    /// The same process with a pool and a runtime of its own: Raft's connections live on Raft's runtime.
    pub fn on(&self, runtime: Handle) -> Network {
        Network::new(self.inner.identity.clone(), Arc::clone(&self.inner.connect), runtime)
    }

    /// Who this process is.
    pub fn identity(&self) -> &Identity {
        &self.inner.identity
    }

    /// A channel to the node `to`, at `address` (`host:port`). It connects with its first call. A `to` of 0 means
    /// whoever is there, which only [`Control`](crate::Control) allows.
    ///
    /// # Errors
    /// The address is of no use.
    pub fn channel(
        &self,
        to: NodeId,
        address: &str,
        plane: Plane,
        purpose: Purpose,
    ) -> Result<AuthChannel, AddressError> {
        let channel = self.pooled(address, plane, purpose)?;
        Ok(AuthChannel::new(channel, self.inner.identity.clone(), to))
    }

    fn pooled(&self, address: &str, plane: Plane, purpose: Purpose) -> Result<Arc<Channel>, AddressError> {
        let key = (address.to_owned(), plane, purpose);
        let mut channels = self.inner.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(&key) {
            return Ok(Arc::clone(channel));
        }
        let channel = Arc::new(self.open(address, plane)?);
        if channels.len() >= POOL_MAX {
            channels.retain(|_, channel| Arc::strong_count(channel) > 1);
        }
        channels.insert(key, Arc::clone(&channel));
        Ok(channel)
    }

    fn open(&self, address: &str, plane: Plane) -> Result<Channel, AddressError> {
        let unusable = || AddressError(address.to_owned());
        let authority: Authority = address.parse().map_err(|_| unusable())?;
        if authority.port_u16().is_none() || address.contains('@') {
            return Err(unusable());
        }
        let uri = Uri::builder().scheme("http").authority(authority).path_and_query("/").build();
        let windows = Windows::of(plane);
        let endpoint = Endpoint::new(uri.map_err(|_| unusable())?)
            .map_err(|_| unusable())?
            .executor(OnRuntime(self.inner.runtime.clone()))
            .initial_stream_window_size(windows.stream)
            .initial_connection_window_size(windows.connection)
            // Peers are trusted: however many calls are given up at once, the connection is no worse for it. The
            // defaults would break it, and every other call with it.
            .http2_max_concurrent_reset_streams(RESET_STREAMS_MAX)
            .http2_max_local_error_reset_streams(None)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
        let (connect, address) = (Arc::clone(&self.inner.connect), address.to_owned());
        let connector = service_fn(move |_: Uri| open(Arc::clone(&connect), address.clone(), plane));
        Ok(endpoint.connect_with_connector_lazy(connector))
    }
}

/// Opens one connection, its preface included.
pub(super) async fn open(
    connect: Arc<dyn Connect>,
    address: String,
    plane: Plane,
) -> io::Result<TokioIo<BoxedStream>> {
    let opening = async {
        let mut stream = connect.connect(&address, plane).await?;
        write_preface(&mut stream, plane).await?;
        Ok(TokioIo::new(stream))
    };
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "connecting took too long");
    tokio::time::timeout(CONNECT_TIMEOUT, opening).await.map_err(late)?
}

/// Runs a channel's tasks on one runtime.
#[derive(Clone, Debug)]
struct OnRuntime(Handle);

impl<F> hyper::rt::Executor<F> for OnRuntime
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}
