//! Rows of a cluster: its nodes, its settings, where its blobs belong, and which replicas are late.

use super::Record;
use crate::codec::{Malformed, Reader, Writer};
use esker_types::{
    ClusterSettings, Fence, NodeId, NodeInfo, NodeRoles, NodeState, PlacementEpoch, PlacementGroup,
};
use std::num::NonZeroU8;

/// What the cluster keeps of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRecord {
    /// What it said of itself.
    pub info: NodeInfo,
    /// Its standing.
    pub state: NodeState,
}

impl NodeRecord {
    /// Whether it takes part in the cluster: `Active` or `Draining`.
    pub fn takes_part(&self) -> bool {
        matches!(self.state, NodeState::Active | NodeState::Draining)
    }
}

impl Record for NodeRecord {
    const NAME: &'static str = "node";

    fn write(&self, w: &mut Writer) {
        write_node_info(w, &self.info);
        w.u8(node_state_number(self.state));
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(NodeRecord { info: read_node_info(r)?, state: read_node_state(r)? })
    }
}

/// What is said once of the whole topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TopologyRecord {
    /// Grows with every change of any row that the topology shows.
    pub version: u64,
    /// The settings.
    pub settings: ClusterSettings,
    /// How many placement groups there are; none before they are made.
    pub placements: u16,
}

impl Record for TopologyRecord {
    const NAME: &'static str = "topology record";

    fn write(&self, w: &mut Writer) {
        w.u64(self.version);
        write_settings(w, self.settings);
        w.u16(self.placements);
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(TopologyRecord { version: r.u64()?, settings: read_settings(r)?, placements: r.u16()? })
    }
}

/// Where the blobs of one placement group are, and where they are going.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacementState {
    /// The group.
    pub group: PlacementGroup,
    /// Grows with every change of `replicas` and `target`.
    pub epoch: PlacementEpoch,
    /// The nodes that have the group's blobs, in order of preference; never empty.
    pub replicas: Vec<NodeId>,
    /// The nodes that will have them when the move is over; empty if there is no move.
    pub target: Vec<NodeId>,
    /// The replicas that refuse every put of an earlier epoch, in order of their ids.
    pub fenced: Vec<NodeId>,
    /// Those of [`copiers`](PlacementState::copiers) that have every blob of the group, in order of their ids.
    pub copied: Vec<NodeId>,
}

impl PlacementState {
    /// Whether the group is being moved.
    pub fn moves(&self) -> bool {
        !self.target.is_empty()
    }

    /// Whether the node is one of the group's, before or after the move that goes on.
    pub fn names(&self, node: NodeId) -> bool {
        self.replicas.contains(&node) || self.target.contains(&node)
    }

    /// How many of `replicas` that are left have to refuse earlier puts before what they list is all that was ever
    /// stored: so many that no write quorum is left without one of them. Replicas for which `lost` is true can't be
    /// waited for: when too many are, what only they had is gone, and it is enough that all the others refuse.
    pub fn fences_needed(&self, lost: impl Fn(NodeId) -> bool) -> usize {
        let quorum = self.replicas.len() / 2 + 1;
        let left = self.replicas.iter().filter(|node| !lost(**node)).count();
        (self.replicas.len() + 1 - quorum).min(left)
    }

    /// Whether so many replicas that are left refuse earlier puts.
    pub fn is_fenced(&self, lost: impl Fn(NodeId) -> bool) -> bool {
        let fenced = self.fenced.iter().filter(|node| !lost(**node)).count();
        fenced >= self.fences_needed(lost)
    }

    /// The nodes of `target` that have to copy what the group's nodes have before they are all of it. Those that are
    /// of `replicas` too need not, since a write quorum less the nodes that leave, plus as many that copied, is one
    /// again; but where the set shrinks, fewer come than leave, and a blob may be on none of those that stay.
    pub fn copiers(&self) -> impl Iterator<Item = NodeId> {
        let shrinks = self.target.len() < self.replicas.len();
        self.target.iter().copied().filter(move |node| shrinks || !self.replicas.contains(node))
    }
}

impl Record for PlacementState {
    const NAME: &'static str = "placement";

    fn write(&self, w: &mut Writer) {
        write_fence(w, self.group, self.epoch);
        for nodes in [&self.replicas, &self.target, &self.fenced, &self.copied] {
            write_nodes(w, nodes);
        }
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        let Fence { group, epoch } = read_fence(r)?;
        Ok(PlacementState {
            group,
            epoch,
            replicas: read_nodes(r)?,
            target: read_nodes(r)?,
            fenced: read_nodes(r)?,
            copied: read_nodes(r)?,
        })
    }
}

/// Data of which a node lacks blobs that it should have, as far as was known when it was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepairRecord {
    /// The data's length in bytes.
    pub length: u64,
}

impl Record for RepairRecord {
    const NAME: &'static str = "repair";

    fn write(&self, w: &mut Writer) {
        w.u64(self.length);
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(RepairRecord { length: r.u64()? })
    }
}

pub(crate) fn write_node_info(w: &mut Writer, info: &NodeInfo) {
    w.text(&info.address).u8(info.roles.bits()).text(&info.zone).text(&info.host).u32(info.weight);
}

pub(crate) fn read_node_info(r: &mut Reader) -> Result<NodeInfo, Malformed> {
    Ok(NodeInfo {
        address: r.text()?,
        roles: NodeRoles::from_bits(r.u8()?).ok_or(r.malformed())?,
        zone: r.text()?,
        host: r.text()?,
        weight: r.u32()?,
    })
}

pub(crate) fn node_state_number(state: NodeState) -> u8 {
    match state {
        NodeState::Active => 0,
        NodeState::Draining => 1,
        NodeState::Lost => 2,
        NodeState::Removed => 3,
    }
}

pub(crate) fn read_node_state(r: &mut Reader) -> Result<NodeState, Malformed> {
    match r.u8()? {
        0 => Ok(NodeState::Active),
        1 => Ok(NodeState::Draining),
        2 => Ok(NodeState::Lost),
        3 => Ok(NodeState::Removed),
        _ => Err(r.malformed()),
    }
}

pub(crate) fn write_settings(w: &mut Writer, settings: ClusterSettings) {
    w.u8(settings.replicas.get()).u8(settings.voters.get());
}

pub(crate) fn read_settings(r: &mut Reader) -> Result<ClusterSettings, Malformed> {
    let mut count = || NonZeroU8::new(r.u8()?).ok_or(r.malformed());
    Ok(ClusterSettings { replicas: count()?, voters: count()? })
}

pub(crate) fn write_nodes(w: &mut Writer, nodes: &[NodeId]) {
    w.list(nodes, |w, node| {
        w.u64(node.0);
    });
}

pub(crate) fn read_nodes(r: &mut Reader) -> Result<Vec<NodeId>, Malformed> {
    r.list(|r| Ok(NodeId(r.u64()?)))
}

pub(crate) fn write_fence(w: &mut Writer, group: PlacementGroup, epoch: PlacementEpoch) {
    w.u16(group.0).u64(epoch.0);
}

pub(crate) fn read_fence(r: &mut Reader) -> Result<Fence, Malformed> {
    Ok(Fence { group: PlacementGroup(r.u16()?), epoch: PlacementEpoch(r.u64()?) })
}
