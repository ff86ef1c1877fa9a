//! Rows of a cluster: nodes, placement, repair.

use super::RowKey;
use esker_types::{DataId, NodeId, PlacementGroup};

/// What is said once of the whole topology.
pub fn topology() -> Vec<u8> {
    vec![b'S']
}

/// A node that was not removed.
pub fn node(node: NodeId) -> Vec<u8> {
    RowKey::tag(b'H').raw(&node.0.to_be_bytes()).0
}

/// The start of all nodes that were not removed.
pub fn nodes() -> Vec<u8> {
    vec![b'H']
}

/// A node that was removed. Apart from the others, so that commands which look at all nodes touch a bounded number
/// of rows.
pub fn removed_node(node: NodeId) -> Vec<u8> {
    RowKey::tag(b'J').raw(&node.0.to_be_bytes()).0
}

/// The start of all nodes that were removed.
pub fn removed_nodes() -> Vec<u8> {
    vec![b'J']
}

/// Takes a [`node`] or [`removed_node`] key apart.
pub fn split_node(row: &[u8]) -> Option<NodeId> {
    Some(NodeId(u64::from_be_bytes(row.get(1..)?.try_into().ok()?)))
}

/// A placement group.
pub fn placement(group: PlacementGroup) -> Vec<u8> {
    RowKey::tag(b'T').raw(&group.0.to_be_bytes()).0
}

/// The start of all placement groups.
pub fn placements() -> Vec<u8> {
    vec![b'T']
}

/// Data that a node has to repair.
pub fn repair(node: NodeId, data: DataId) -> Vec<u8> {
    RowKey::tag(b'W').raw(&node.0.to_be_bytes()).raw(data.as_bytes()).0
}

/// The start of all data that a node has to repair.
pub fn node_repairs(node: NodeId) -> Vec<u8> {
    RowKey::tag(b'W').raw(&node.0.to_be_bytes()).0
}

/// The start of all data that any node has to repair.
pub fn repairs() -> Vec<u8> {
    vec![b'W']
}

/// Takes a [`repair`] key apart.
pub fn split_repair(row: &[u8]) -> Option<(NodeId, DataId)> {
    let node = u64::from_be_bytes(row.get(1..9)?.try_into().ok()?);
    Some((NodeId(node), DataId::from_bytes(row.get(9..)?.try_into().ok()?)))
}
