//! The topology as this process knows it: which nodes there are, and where blobs belong.
//!
//! A view may be old. That is safe, since whoever acts on it names the epoch that it knows, and storage nodes refuse an
//! epoch that they have left; and what must not act on an old view asks for a [`refresh`](ViewHandle::refresh) first.

use crate::topology::{NodeRecord, PlacementState, Topology};
use esker_types::{BlobId, ClusterSettings, Fence, NodeId, NodeRole, PlacementGroup};
use std::collections::BTreeSet;
use std::num::NonZeroU16;

/// The topology at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterView {
    topology: Topology,
}

impl ClusterView {
    /// The view of a topology. Nodes are in order of their ids, placements in order of their groups, without gaps.
    pub fn new(topology: Topology) -> ClusterView {
        debug_assert!(topology.nodes.is_sorted_by_key(|(node, _)| *node));
        debug_assert!((0..).zip(&topology.placements).all(|(at, state)| state.group == PlacementGroup(at)));
        ClusterView { topology }
    }

    /// Grows with every change of the topology.
    pub fn version(&self) -> u64 {
        self.topology.version
    }

    /// What all nodes agree about.
    pub fn settings(&self) -> ClusterSettings {
        self.topology.settings
    }

    /// All nodes that ever joined, in order of their ids.
    pub fn nodes(&self) -> &[(NodeId, NodeRecord)] {
        &self.topology.nodes
    }

    /// A node, if it ever joined.
    pub fn node(&self, node: NodeId) -> Option<&NodeRecord> {
        let at = self.topology.nodes.binary_search_by_key(&node, |(node, _)| *node).ok()?;
        Some(&self.topology.nodes[at].1)
    }

    /// A node that takes part: one that joined and is neither lost nor removed.
    pub fn present(&self, node: NodeId) -> Option<&NodeRecord> {
        self.node(node).filter(|record| record.takes_part())
    }

    /// The placements in order of their groups; empty before they were made.
    pub fn placements(&self) -> &[PlacementState] {
        &self.topology.placements
    }

    /// How many placement groups there are; none before they were made.
    pub fn group_count(&self) -> Option<NonZeroU16> {
        u16::try_from(self.topology.placements.len()).ok().and_then(NonZeroU16::new)
    }

    /// A placement group's state.
    pub fn placement(&self, group: PlacementGroup) -> Option<&PlacementState> {
        self.topology.placements.get(usize::from(group.0))
    }

    /// The placement group of a blob; none before there are placements.
    pub fn group_of(&self, blob: BlobId) -> Option<PlacementGroup> {
        self.group_count().map(|count| PlacementGroup::of(blob, count))
    }

    /// Where a blob belongs; none before there are placements.
    pub fn placement_of(&self, blob: BlobId) -> Option<&PlacementState> {
        self.group_of(blob).and_then(|group| self.placement(group))
    }

    /// What a put of this view shows to storage nodes.
    pub fn fence_of(&self, blob: BlobId) -> Option<Fence> {
        self.placement_of(blob).map(|state| Fence { group: state.group, epoch: state.epoch })
    }

    /// The placement groups that a node has, or is to have.
    pub fn groups_with(&self, node: NodeId) -> impl Iterator<Item = &PlacementState> {
        self.topology.placements.iter().filter(move |state| state.names(node))
    }

    /// How many placement groups have fewer replicas on nodes that take part than they should.
    pub fn under_replicated(&self) -> usize {
        let (agreed, possible) = (usize::from(self.settings().replicas.get()), self.storage_nodes().len());
        let lacking = self.topology.placements.iter().filter(|state| {
            // A lost node is missed even if nobody can take its place yet.
            let wanted = agreed.min(possible.max(state.replicas.len()));
            state.replicas.iter().filter(|node| self.present(**node).is_some()).count() < wanted
        });
        lacking.count()
    }

    /// How many placement groups can take no blob if these nodes answer and no others: those without a majority of the
    /// replicas, or, while they move, of the target.
    pub fn unwritable(&self, answers: impl Fn(NodeId) -> bool) -> usize {
        let lacks = |nodes: &[NodeId]| {
            let there = nodes.iter().filter(|node| answers(**node)).count();
            !nodes.is_empty() && there <= nodes.len() / 2
        };
        let placements = self.topology.placements.iter();
        placements.filter(|state| lacks(&state.replicas) || lacks(&state.target)).count()
    }

    /// The nodes that may have any blob and whose word counts: those that keep data, or that a placement still names,
    /// and that are neither lost nor removed. In order.
    pub fn storage_nodes(&self) -> Vec<NodeId> {
        let placed: BTreeSet<NodeId> = self
            .topology
            .placements
            .iter()
            .flat_map(|state| state.replicas.iter().chain(&state.target))
            .copied()
            .collect();
        let keeps = |node: &NodeId, record: &NodeRecord| {
            record.info.roles.has(NodeRole::Storage) || placed.contains(node)
        };
        let nodes = self.topology.nodes.iter();
        nodes
            .filter(|(node, record)| record.takes_part() && keeps(node, record))
            .map(|(node, _)| *node)
            .collect()
    }
}
