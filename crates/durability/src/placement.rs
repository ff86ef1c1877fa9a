//! The nodes of a placement group: those that have its blobs, and, while it moves, those that are to have them.
//!
//! A move is safe because of what majorities share. A blob is written by a majority of the replicas, and while a
//! move is under way by one of the target too. A move looks for blobs only on replicas that have acknowledged its
//! epoch, and on so many of them that every majority has one in common with them: so it finds every blob that was
//! written before, and none is written behind its back. `tests/moves` checks this in every state of small worlds; how many
//! that are, and who has to copy before the move may end, is said where moves end: by the index's `PlacementState`.

use esker_types::NodeId;

/// Some nodes that share blobs: at least one, none twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaSet(Vec<NodeId>);

/// Why lists of nodes are no placement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    /// A placement group without nodes would lose what is put there.
    #[error("a placement group has no node")]
    NoNode,
    /// Two replicas on one node are one replica.
    #[error("node {0} is in a placement group twice")]
    Twice(NodeId),
}

impl ReplicaSet {
    /// Checks the nodes.
    pub fn new(nodes: Vec<NodeId>) -> Result<ReplicaSet, PlacementError> {
        let twice = (1..nodes.len()).find(|at| nodes[..*at].contains(&nodes[*at]));
        match (nodes.is_empty(), twice) {
            (true, _) => Err(PlacementError::NoNode),
            (_, Some(at)) => Err(PlacementError::Twice(nodes[at])),
            _ => Ok(ReplicaSet(nodes)),
        }
    }

    /// The nodes, at least one, none twice.
    pub fn nodes(&self) -> &[NodeId] {
        &self.0
    }

    /// Whether a node is one of them.
    pub fn contains(&self, node: NodeId) -> bool {
        self.0.contains(&node)
    }

    /// How many nodes must have a blob on disk before it counts as written: the smallest majority. So a
    /// version committed with it survives the loss of so many disks less one.
    pub fn write_quorum(&self) -> usize {
        self.0.len() / 2 + 1
    }
}

/// The nodes of one placement group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    replicas: ReplicaSet,
    target: Option<ReplicaSet>,
}

impl Placement {
    /// Checks the nodes. `target` is empty unless a move is under way.
    pub fn new(replicas: Vec<NodeId>, target: Vec<NodeId>) -> Result<Placement, PlacementError> {
        let replicas = ReplicaSet::new(replicas)?;
        let target = if target.is_empty() { None } else { Some(ReplicaSet::new(target)?) };
        Ok(Placement { replicas, target })
    }

    /// The nodes that have the group's blobs.
    pub fn replicas(&self) -> &ReplicaSet {
        &self.replicas
    }

    /// The nodes that are to have them, if a move is under way.
    pub fn target(&self) -> Option<&ReplicaSet> {
        self.target.as_ref()
    }

    /// The nodes that will have the group's blobs when nothing is under way: the others need not be repaired.
    pub fn lasting(&self) -> &ReplicaSet {
        self.target.as_ref().unwrap_or(&self.replicas)
    }

    /// Every node that a put writes to: the replicas, then those that are only in the target.
    pub fn members(&self) -> impl Iterator<Item = NodeId> + '_ {
        let target = self.target.iter().flat_map(ReplicaSet::nodes);
        let joining = target.filter(|node| !self.replicas.contains(**node));
        self.replicas.nodes().iter().chain(joining).copied()
    }
}
