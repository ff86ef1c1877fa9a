//! The contract of storage, in memory and over the network.

use esker_rpc::grpc::{RemoteStorage, with_storage};
use esker_rpc::testing::{self, MemoryStorage, TestNode, identity, network, storage_contract};
use esker_rpc::transport::Routes;
use esker_rpc::{Storage, StorageError};
use esker_types::NodeId;
use std::sync::Arc;

pub(crate) const SERVER: NodeId = NodeId(2);

/// A storage node and a way to it.
pub(crate) struct Remote {
    pub(crate) node: TestNode,
    pub(crate) client: RemoteStorage,
}

impl Remote {
    pub(crate) async fn start(storage: Arc<dyn Storage>) -> Remote {
        let node = TestNode::start(identity(SERVER.0, 7), with_storage(Routes::default(), storage)).await;
        let network = network(identity(1, 7));
        let client = RemoteStorage::new(&network, SERVER, &node.address.to_string()).unwrap();
        Remote { node, client }
    }
}

impl testing::Delegate for Remote {
    fn inner(&self) -> Result<&dyn Storage, StorageError> {
        Ok(&self.client)
    }
}

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    storage_contract::run(async || MemoryStorage::default()).await;
}

#[tokio::test]
async fn a_store_behind_the_network_keeps_the_contract() {
    storage_contract::run(async || Remote::start(Arc::new(MemoryStorage::default())).await).await;
}
