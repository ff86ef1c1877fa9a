//! What a node shows of itself in each call, and measures the calls of others by.

use crate::transport::ClusterSecret;
use esker_env::Clock;
use esker_types::{ClusterId, NodeId};
use std::sync::{Arc, OnceLock};

/// The cluster that this process belongs to: empty until it does, and then the same for good.
#[derive(Clone, Debug, Default)]
pub struct ClusterCell(Arc<OnceLock<ClusterId>>);

impl ClusterCell {
    /// A cell that knows its cluster already.
    pub fn of(cluster: ClusterId) -> ClusterCell {
        ClusterCell(Arc::new(OnceLock::from(cluster)))
    }

    /// The cluster, if there is one yet.
    pub fn get(&self) -> Option<ClusterId> {
        self.0.get().copied()
    }

    /// Tells the cluster.
    ///
    /// # Errors
    /// The process belongs to another one, which is returned.
    pub fn set(&self, cluster: ClusterId) -> Result<(), ClusterId> {
        let known = *self.0.get_or_init(|| cluster);
        if known == cluster { Ok(()) } else { Err(known) }
    }
}

/// Who this process is to other nodes.
#[derive(Clone, Debug)]
pub struct Identity {
    /// What the nodes of its cluster share.
    pub secret: ClusterSecret,
    /// Its id. An operator's tool, which is no node, has id 0.
    pub node: NodeId,
    /// Its cluster.
    pub cluster: ClusterCell,
    /// Dates calls, and tells old ones.
    pub clock: Arc<dyn Clock>,
}
