//! The storage nodes that data may be placed on.

use esker_types::NodeId;
use std::collections::BTreeMap;

/// What fails together, from the widest down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Domain {
    /// A data centre, room or rack; empty if the operator names none.
    pub zone: String,
    /// The machine. Nodes of one machine share its fate.
    pub host: String,
}

/// A storage node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageNode {
    /// The node. All its disks together are one replica at most.
    pub id: NodeId,
    /// Its share of the data, relative to the other nodes'; at least 1. By convention its capacity in GiB.
    pub weight: u32,
    /// Where it is.
    pub domain: Domain,
}

/// Why nodes are no topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopologyError {
    /// Data needs a node.
    #[error("there is no storage node")]
    NoNode,
    /// A node is there twice.
    #[error("storage node {0} is listed twice")]
    Twice(NodeId),
    /// A node that takes no data is no storage node.
    #[error("storage node {0} has weight 0")]
    NoWeight(NodeId),
}

/// The storage nodes, at least one, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology(Vec<StorageNode>);

impl Topology {
    /// Checks the nodes.
    pub fn new(nodes: impl IntoIterator<Item = StorageNode>) -> Result<Topology, TopologyError> {
        let mut known = BTreeMap::new();
        for node in nodes {
            let id = node.id;
            if node.weight == 0 {
                return Err(TopologyError::NoWeight(id));
            }
            if known.insert(id, node).is_some() {
                return Err(TopologyError::Twice(id));
            }
        }
        if known.is_empty() {
            Err(TopologyError::NoNode)
        } else {
            Ok(Topology(known.into_values().collect()))
        }
    }

    /// One node, that of the embedded default.
    pub fn single(id: NodeId) -> Topology {
        Topology(vec![StorageNode { id, weight: 1, domain: Domain::default() }])
    }

    /// The nodes, at least one.
    pub fn nodes(&self) -> &[StorageNode] {
        &self.0
    }
}
