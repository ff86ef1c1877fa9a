//! Deleting data that the group has listed as garbage, or condemned.

use esker_types::{DataId, NodeId};

/// What to do after a node's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionDecision {
    /// Other nodes have not answered yet.
    Wait,
    /// Every node confirmed: garbage may be committed as reclaimed.
    Complete,
    /// All answered and some failed: the entry stays, to be tried again.
    Incomplete,
}

/// Deleting the data of one DataId on all nodes that may have some of it.
#[derive(Debug)]
pub struct Deletion {
    data: DataId,
    waiting: Vec<NodeId>,
    any_failed: bool,
}

impl Deletion {
    /// A deletion on these nodes. They must include every node that may hold one of the data's blobs: of
    /// discarded data the length is unknown, so these are all storage nodes.
    ///
    /// # Panics
    /// If there is no node: nobody's silence would then pass for everybody's confirmation.
    pub fn new(data: DataId, nodes: impl IntoIterator<Item = NodeId>) -> Deletion {
        let mut waiting: Vec<NodeId> = nodes.into_iter().collect();
        waiting.sort_unstable();
        waiting.dedup();
        assert!(!waiting.is_empty(), "data is deleted on at least one node");
        Deletion { data, waiting, any_failed: false }
    }

    /// The data.
    pub fn data(&self) -> DataId {
        self.data
    }

    /// The nodes to be told, or whose answer is awaited.
    pub fn waiting(&self) -> &[NodeId] {
        &self.waiting
    }

    /// The node confirmed, on disk, that it has none of the data.
    pub fn on_deleted(&mut self, node: NodeId) -> DeletionDecision {
        self.waiting.retain(|waiting| *waiting != node);
        self.decide()
    }

    /// The node did not confirm.
    pub fn on_failed(&mut self, node: NodeId) -> DeletionDecision {
        let before = self.waiting.len();
        self.waiting.retain(|waiting| *waiting != node);
        self.any_failed |= self.waiting.len() < before;
        self.decide()
    }

    fn decide(&self) -> DeletionDecision {
        match (self.waiting.is_empty(), self.any_failed) {
            (false, _) => DeletionDecision::Wait,
            (true, false) => DeletionDecision::Complete,
            (true, true) => DeletionDecision::Incomplete,
        }
    }
}
