//! Which nodes hold a blob: blob to placement group by hash, placement group to nodes by an explicit map.
//!
//! The map is made once, committed, and read by everybody. So its maker needs no formula that others could
//! evaluate, and balances exactly instead of by chance.

use crate::topology::{StorageNode, Topology};
use esker_types::{BlobId, NodeId};
use std::num::{NonZeroU8, NonZeroU16};

/// How many copies there are of a blob, and how many must be on disk before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicationRule {
    replicas: NonZeroU8,
}

impl Default for ReplicationRule {
    /// Three replicas.
    fn default() -> ReplicationRule {
        ReplicationRule { replicas: NonZeroU8::MIN.saturating_add(2) }
    }
}

impl ReplicationRule {
    /// So many replicas, as far as there are nodes for them.
    pub fn new(replicas: NonZeroU8) -> ReplicationRule {
        ReplicationRule { replicas }
    }

    /// Replicas of each blob, among so many nodes: two of them never share a node.
    pub fn replicas_among(&self, nodes: usize) -> usize {
        usize::from(self.replicas.get()).min(nodes)
    }
}

/// Counts the maps of a cluster: a larger epoch replaces a smaller one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlacementEpoch(pub u64);

/// Blobs that are placed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlacementGroup(pub u16);

/// The nodes of a placement group: at least one, none twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaSet(Vec<NodeId>);

/// Why a list of nodes is no replica set, or a list of those no map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    /// A placement group without nodes would lose what is put there.
    #[error("a placement group has no node")]
    NoNode,
    /// Two replicas on one node are one replica.
    #[error("node {0} is in a placement group twice")]
    Twice(NodeId),
    /// There are 1 to 65,535 placement groups.
    #[error("{0} placement groups are not possible")]
    Groups(usize),
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

    /// How many nodes must have a blob on disk before it counts as written: the smallest majority. So a
    /// version committed with it survives the loss of so many disks less one.
    pub fn write_quorum(&self) -> usize {
        self.0.len() / 2 + 1
    }
}

/// Where everything is, as of an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacementMap {
    epoch: PlacementEpoch,
    sets: Vec<ReplicaSet>,
}

impl PlacementMap {
    /// A map that was stored.
    pub fn new(epoch: PlacementEpoch, sets: Vec<ReplicaSet>) -> Result<PlacementMap, PlacementError> {
        match u16::try_from(sets.len()) {
            Ok(1..) => Ok(PlacementMap { epoch, sets }),
            _ => Err(PlacementError::Groups(sets.len())),
        }
    }

    /// The first map of a cluster. Each group takes nodes of as many zones as it can, then of as many hosts,
    /// and among those the ones that so far hold least for their weight.
    pub fn first(topology: &Topology, rule: ReplicationRule, groups: NonZeroU16) -> PlacementMap {
        let nodes = topology.nodes();
        let replicas = rule.replicas_among(nodes.len());
        let mut held = vec![0u64; nodes.len()];
        let mut place_group = |group| {
            let mut chosen: Vec<usize> = Vec::with_capacity(replicas);
            while chosen.len() < replicas {
                let free = (0..nodes.len()).filter(|node| !chosen.contains(node));
                let best = free.min_by(|a, b| {
                    let spread = |node: usize| shared_domains(&nodes[node], &chosen, nodes);
                    // (held + 1) / weight, compared without dividing.
                    let a_load = u128::from(held[*a] + 1) * u128::from(nodes[*b].weight);
                    let b_load = u128::from(held[*b] + 1) * u128::from(nodes[*a].weight);
                    let tie = |node: usize| mix(nodes[node].id.0 ^ u64::from(group));
                    (spread(*a), a_load, tie(*a)).cmp(&(spread(*b), b_load, tie(*b)))
                });
                chosen.extend(best);
            }
            chosen.iter().for_each(|node| held[*node] += 1);
            ReplicaSet(chosen.into_iter().map(|node| nodes[node].id).collect())
        };
        let sets = (0..groups.get()).map(&mut place_group).collect();
        PlacementMap { epoch: PlacementEpoch(1), sets }
    }

    /// The map's place among the maps of its cluster.
    pub fn epoch(&self) -> PlacementEpoch {
        self.epoch
    }

    /// The nodes of each placement group, in order.
    pub fn sets(&self) -> &[ReplicaSet] {
        &self.sets
    }

    /// The placement group of a blob. Part of the stored format: a blob is looked for where this says, so it
    /// never changes while the number of groups does not.
    pub fn group_of(&self, blob: BlobId) -> PlacementGroup {
        let (high, low) = u128_halves(*blob.data.as_bytes());
        let hash = mix(mix(mix(high) ^ low) ^ u64::from(blob.chunk));
        let group = (u128::from(hash) * self.sets.len() as u128) >> 64;
        PlacementGroup(u16::try_from(group).expect("a group is less than the number of groups"))
    }

    /// The nodes that hold a blob.
    pub fn replicas_of(&self, blob: BlobId) -> &ReplicaSet {
        &self.sets[usize::from(self.group_of(blob).0)]
    }
}

/// How many of the chosen nodes share the node's zone, and how many its host.
fn shared_domains(node: &StorageNode, chosen: &[usize], nodes: &[StorageNode]) -> (usize, usize) {
    let chosen = || chosen.iter().map(|index| &nodes[*index].domain);
    let zone = chosen().filter(|domain| domain.zone == node.domain.zone).count();
    (zone, chosen().filter(|domain| **domain == node.domain).count())
}

fn u128_halves(bytes: [u8; 16]) -> (u64, u64) {
    let number = u128::from_be_bytes(bytes);
    #[allow(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
    let halves = ((number >> 64) as u64, number as u64);
    halves
}

/// The finalizer of SplitMix64: each input bit flips about half of the output's.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
