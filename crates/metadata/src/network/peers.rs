//! The way to other metadata nodes: clients over the connections of `esker_rpc::transport`.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use esker_rpc::transport::{AuthChannel, Network, Plane, Purpose};
use esker_types::{GroupId, NodeId};
use tonic::service::interceptor::InterceptedService;

use crate::network::MESSAGE_BYTES_MAX;
use crate::network::group_header::ForGroup;
use crate::proto::raft_client::RaftClient;

/// A client of one peer.
pub(crate) type Client = RaftClient<InterceptedService<AuthChannel, ForGroup>>;

/// What a connection carries. Each purpose has its own, so that a large message delays no small one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl Link {
    fn purpose(self) -> Purpose {
        Purpose(match self {
            Link::Replication => "replication",
            Link::Heartbeat => "heartbeat",
            Link::Snapshot => "snapshot",
            Link::Forward => "forward",
        })
    }
}

/// Makes clients. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Peers {
    /// None for a node without peers.
    network: Option<Network>,
    /// Where nodes were last said to be. A membership is as old as the last change of it, and a node that moved can't
    /// be reached by it.
    addresses: Arc<RwLock<BTreeMap<NodeId, String>>>,
}

/// A peer can't be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoWay {
    #[error("this node has no network")]
    NoNetwork,
    #[error(transparent)]
    Address(#[from] esker_rpc::transport::AddressError),
}

impl Peers {
    /// Connections whose tasks run where `network`'s do.
    pub(crate) fn new(network: Option<Network>) -> Peers {
        Peers { network, addresses: Arc::default() }
    }

    /// Notes where a node is.
    pub(crate) fn learn(&self, node: NodeId, address: &str) {
        let known = |book: &BTreeMap<NodeId, String>| book.get(&node).is_some_and(|known| known == address);
        if address.is_empty() || known(&self.addresses.read().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let mut book = self.addresses.write().unwrap_or_else(PoisonError::into_inner);
        book.insert(node, address.to_owned());
    }

    /// A client of a peer; the connection opens with its first call. `address` is used if nothing newer is known.
    ///
    /// # Errors
    /// The address is of no use, or there is no network.
    pub(crate) fn client(
        &self,
        group: GroupId,
        node: NodeId,
        address: &str,
        link: Link,
    ) -> Result<Client, NoWay> {
        let network = self.network.as_ref().ok_or(NoWay::NoNetwork)?;
        let learned = self.addresses.read().unwrap_or_else(PoisonError::into_inner).get(&node).cloned();
        let address = learned.as_deref().unwrap_or(address);
        let channel = network.channel(node, address, Plane::Raft, link.purpose())?;
        Ok(RaftClient::with_interceptor(channel, ForGroup(group))
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX))
    }
}
