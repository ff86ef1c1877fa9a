//! Persistent channels to other nodes, connected when they are first used and again after they break.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use esker_types::{GroupId, NodeId};
use tokio::runtime::Handle;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

use crate::network::MESSAGE_BYTES_MAX;
use crate::network::caller::{Caller, ClusterId};
use crate::proto::raft_client::RaftClient;

/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// An idle connection is probed this often, so that a peer that vanished without a word is noticed.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(2);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(2);

/// A client of one peer.
pub(crate) type Client = RaftClient<InterceptedService<Channel, Caller>>;

/// What a channel carries. Each purpose has its own connection, so that a large message delays no small one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Link {
    /// Entries and votes.
    Replication,
    /// Heartbeats, which keep the leader's lease.
    Heartbeat,
    /// Snapshots.
    Snapshot,
    /// Commands and read indexes of nodes that do not lead.
    Forward,
}

/// The channels of this node.
#[derive(Clone, Debug)]
pub(crate) struct PeerPool {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    cluster: ClusterId,
    /// Where the channels' tasks run, whoever asks for a client.
    runtime: Handle,
    channels: Mutex<HashMap<(String, Link), Channel>>,
}

impl PeerPool {
    pub(crate) fn new(cluster: ClusterId, runtime: Handle) -> PeerPool {
        PeerPool { inner: Arc::new(Inner { cluster, runtime, channels: Mutex::default() }) }
    }

    /// A client of a peer; the connection opens with its first call.
    ///
    /// # Errors
    /// The address is not `host:port`.
    pub(crate) fn client(
        &self,
        group: GroupId,
        node: NodeId,
        address: &str,
        link: Link,
    ) -> Result<Client, tonic::transport::Error> {
        let caller = Caller::new(self.inner.cluster, group, node);
        let channel = self.channel(address, link)?;
        Ok(RaftClient::with_interceptor(channel, caller)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX))
    }

    fn channel(&self, address: &str, link: Link) -> Result<Channel, tonic::transport::Error> {
        let key = (address.to_owned(), link);
        let mut channels = self.inner.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(&key) {
            return Ok(channel.clone());
        }
        let _runtime = self.inner.runtime.enter();
        let channel = Endpoint::from_shared(format!("http://{address}"))?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .connect_lazy();
        channels.insert(key, channel.clone());
        Ok(channel)
    }
}
