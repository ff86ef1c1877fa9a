//! What a cluster's nodes see of it.

use crate::records::{NodeRecord, PlacementState};
use esker_types::{ClusterSettings, NodeId, Timestamp};

/// All nodes, and where all blobs belong, as of one moment.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Topology {
    /// Larger than that of every earlier topology; 0 only for one that never had a command.
    pub version: u64,
    /// What all nodes agree about.
    pub settings: ClusterSettings,
    /// All nodes that ever joined, in order of their ids.
    pub nodes: Vec<(NodeId, NodeRecord)>,
    /// The placement groups, each at the place of its number; empty before they are made.
    pub placements: Vec<PlacementState>,
}

/// What a group counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct GroupSummary {
    /// Its logical time.
    pub time: Timestamp,
    /// Repair rows.
    pub repairs: u64,
    /// Garbage entries. What an older version added before there were counters is not in it, nor in the bytes.
    pub garbage_entries: u64,
    /// Bytes of data that the entries have left to reclaim.
    pub garbage_bytes: u64,
}
