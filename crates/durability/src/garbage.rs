//! Deleting data that the group has listed as garbage, or condemned.

use esker_types::{DataId, NodeId, Timestamp};

/// For how long garbage is kept, so that nobody who may still want it is let down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grace {
    millis: u64,
}

/// A grace that readers could outlive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a grace of {grace_ms} ms does not exceed the longest read ({read_ms} ms) and clock error ({clock_ms} ms)"
)]
pub struct GraceTooShort {
    grace_ms: u64,
    read_ms: u64,
    clock_ms: u64,
}

impl Grace {
    /// A grace of `grace_ms`. It must exceed the longest read (after which a reader gives up by itself), and
    /// by how much the group's logical time may run ahead meanwhile, when a leader's clock is ahead.
    pub fn new(grace_ms: u64, read_ms_max: u64, clock_ms_max: u64) -> Result<Grace, GraceTooShort> {
        if grace_ms > read_ms_max.saturating_add(clock_ms_max) {
            Ok(Grace { millis: grace_ms })
        } else {
            Err(GraceTooShort { grace_ms, read_ms: read_ms_max, clock_ms: clock_ms_max })
        }
    }

    /// The first logical time at which data listed at `listed` may be deleted.
    ///
    /// Also after `deadline`, that of the command that named the data first: once the entry is gone, nothing but
    /// the deadline keeps a copy of that command from committing the data again. A grace longer than any
    /// deadline would do, were it not that gateways choose deadlines by clocks that may be ahead.
    pub fn due(self, listed: Timestamp, deadline: Timestamp) -> Timestamp {
        listed.plus_millis(self.millis).max(Timestamp(deadline.0.saturating_add(1)))
    }
}

/// Data that the group has listed: nothing refers to it, and nothing ever will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GarbageEntry {
    /// The data.
    pub data: DataId,
    /// The first logical time at which it may be deleted, from [`Grace::due`].
    pub due: Timestamp,
}

/// The data that may be deleted at `now`, the group's logical time: the first `limit` entries that are due.
///
/// The entries must be committed ones, read linearizably.
pub fn due(entries: impl IntoIterator<Item = GarbageEntry>, now: Timestamp, limit: usize) -> Vec<DataId> {
    entries.into_iter().filter(|entry| entry.due <= now).take(limit).map(|entry| entry.data).collect()
}

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
