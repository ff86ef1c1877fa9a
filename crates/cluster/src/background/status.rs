//! What the background work does and has done, as `esker admin status` shows it.

use super::liveness::Signs;
use esker_types::NodeId;

/// What the background work of one process does and has done since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackgroundStatus {
    /// Placement groups of the cluster that are to move, and wait for others that do.
    pub groups_waiting: usize,
    /// Placement groups of the cluster that are moving.
    pub groups_moving: usize,
    /// Placement groups that this node has, or is to have.
    pub groups_here: usize,
    /// Blobs fetched from other nodes.
    pub pulled_blobs: u64,
    /// Their bytes.
    pub pulled_bytes: u64,
    /// Blobs of which no replica could be read. Each time that one is met counts.
    pub unreadable_blobs: u64,
    /// Repairs recorded for this node that were worked off.
    pub repairs_done: u64,
    /// Repairs that the last round could not work off.
    pub repairs_pending: u64,
    /// Damaged blobs that were replaced.
    pub damage_repaired: u64,
    /// Reports of damage that wait.
    pub damage_pending: u64,
    /// Blobs deleted because nobody had committed them.
    pub orphans_deleted: u64,
    /// Blobs deleted because their placement group has moved away.
    pub strays_deleted: u64,
    /// Times that this node was compared with its peers.
    pub audits: u64,
    /// The signs of life of the cluster's storage nodes, by their ids.
    pub nodes: Vec<(NodeId, Signs)>,
}
