//! The storage nodes of the cluster, by their ids: this process's own is called directly, the others are dialled at
//! the address that the topology has for them.

use crate::health::{Health, HealthOptions};
use crate::view::ClusterView;
use esker_rpc::{Storage, StorageError};
use esker_types::NodeId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Makes clients of other nodes. A client connects by itself when it is used, and again after it was cut off.
pub trait Dial: Send + Sync + 'static {
    /// A client of the node, which is said to be at this address. Returns at once.
    fn storage(&self, node: NodeId, address: &str) -> Arc<dyn Storage>;
}

/// The storage node of this process.
#[derive(Clone)]
pub struct OwnStorage {
    /// Its id.
    pub node: NodeId,
    /// Its store.
    pub storage: Arc<dyn Storage>,
}

/// All storage nodes.
pub struct StorageNodes {
    own: Option<OwnStorage>,
    dial: Arc<dyn Dial>,
    health: Health,
    dialled: Mutex<Dialled>,
}

#[derive(Default)]
struct Dialled {
    /// The version of the view by which clients of nodes that are gone were dropped.
    version: u64,
    clients: HashMap<NodeId, Client>,
}

struct Client {
    address: String,
    storage: Arc<dyn Storage>,
}

impl StorageNodes {
    /// The nodes as a process sees them that has a storage node of its own, or has none.
    pub fn new(own: Option<OwnStorage>, dial: Arc<dyn Dial>, health: HealthOptions) -> StorageNodes {
        StorageNodes { own, dial, health: Health::new(health), dialled: Mutex::default() }
    }

    /// This process's storage node.
    pub fn own(&self) -> Option<&OwnStorage> {
        self.own.as_ref()
    }

    /// Whether the node is this process's own.
    pub fn is_own(&self, node: NodeId) -> bool {
        self.own.as_ref().is_some_and(|own| own.node == node)
    }

    /// A node's storage. Fails at once if by this view there is no such node any more, or if it has no address.
    pub fn get(&self, view: &ClusterView, node: NodeId) -> Result<Arc<dyn Storage>, StorageError> {
        let Some(record) = view.present(node) else {
            return Err(StorageError::Unavailable(format!("node {node} is not part of the cluster")));
        };
        if let Some(own) = self.own.as_ref().filter(|own| own.node == node) {
            return Ok(Arc::clone(&own.storage));
        }
        let address = &record.info.address;
        if address.is_empty() {
            return Err(StorageError::Unavailable(format!("node {node} has no address")));
        }
        let mut dialled = self.dialled();
        dialled.forget_the_gone(view);
        if let Some(client) = dialled.clients.get(&node).filter(|client| client.address == *address) {
            return Ok(Arc::clone(&client.storage));
        }
        let storage = self.dial.storage(node, address);
        let client = Client { address: address.clone(), storage: Arc::clone(&storage) };
        dialled.clients.insert(node, client);
        // What was seen at the old address says nothing of the new one.
        self.health.forget(node);
        Ok(storage)
    }

    /// What is known of the nodes' health.
    pub fn health(&self) -> &Health {
        &self.health
    }

    fn dialled(&self) -> MutexGuard<'_, Dialled> {
        self.dialled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dialled {
    /// Closes connections that nobody will use again.
    fn forget_the_gone(&mut self, view: &ClusterView) {
        if view.version() > self.version {
            self.version = view.version();
            self.clients.retain(|node, _| view.present(*node).is_some());
        }
    }
}
