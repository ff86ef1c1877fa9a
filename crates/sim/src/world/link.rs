//! A process among others: its connections.

use super::machine::cluster;
use super::net::SimConnect;
use crate::mutants::{Careless, Mutant};
use esker_cluster::Dial;
use esker_cluster::background::Seats;
use esker_env::Clock;
use esker_metadata::MetadataHandle;
use esker_rpc::Storage;
use esker_rpc::grpc::RemoteStorage;
use esker_rpc::transport::{ClusterCell, ClusterSecret, Identity, Network, SecretError};
use esker_types::{GroupId, NodeId};
use std::sync::Arc;
use tokio::runtime::Handle;

/// The connections of a process, on the current runtime.
pub fn network(node: NodeId, clock: Arc<dyn Clock>) -> Result<Network, SecretError> {
    let secret = ClusterSecret::new("the secret of all simulations")?;
    let identity = Identity { secret, node, cluster: ClusterCell::of(cluster()), clock };
    Ok(Network::new(identity, Arc::new(SimConnect), Handle::current()))
}

/// Other nodes, over the network.
pub struct Others {
    /// The process's connections.
    pub network: Network,
    /// A mistake that it makes.
    pub mutant: Option<Mutant>,
}

impl Dial for Others {
    fn storage(&self, node: NodeId, address: &str) -> Arc<dyn Storage> {
        let storage = RemoteStorage::new(&self.network, node, address);
        let storage = Arc::new(storage.expect("machines have good addresses"));
        match self.mutant {
            Some(mutant) => Arc::new(Careless { storage, mutant }),
            None => storage,
        }
    }
}

/// The members of the group, as a process's own replica knows them.
pub struct KnownSeats(pub MetadataHandle);

impl Seats for KnownSeats {
    fn names(&self, node: NodeId) -> bool {
        let status = self.0.status(GroupId::DIRECTORY);
        status.map_or(true, |status| status.voters.contains(&node) || status.learners.contains(&node))
    }
}
