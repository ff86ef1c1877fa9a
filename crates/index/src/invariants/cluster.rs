//! What must hold of nodes, placement and counters.

use super::ensure;
use crate::apply::data::{bytes_of, entry_data};
use crate::command::CommandBody;
use crate::keys;
use crate::records::{GarbageRecord, GroupRecord, NodeRecord, PlacementState, RepairRecord, TopologyRecord};
use crate::rows::{ReadRows, RowsError};
use crate::store::{load, records_under};
use esker_types::{DataId, NodeId, NodeState, PlacementGroup};
use std::collections::{BTreeMap, BTreeSet};

/// All of the cluster's rows.
pub(super) struct Cluster {
    topology: TopologyRecord,
    nodes: BTreeMap<NodeId, NodeRecord>,
    removed: BTreeMap<NodeId, NodeRecord>,
    placements: Vec<(PlacementGroup, PlacementState)>,
    repairs: Vec<((NodeId, DataId), RepairRecord)>,
}

impl Cluster {
    pub(super) fn read<R: ReadRows + ?Sized>(rows: &R) -> Result<Cluster, RowsError> {
        let number = |row: &[u8]| Some(PlacementGroup(u16::from_be_bytes(row.get(1..)?.try_into().ok()?)));
        Ok(Cluster {
            topology: load(rows, &keys::topology())?.unwrap_or_default(),
            nodes: records_under(rows, &keys::nodes(), keys::split_node)?.into_iter().collect(),
            removed: records_under(rows, &keys::removed_nodes(), keys::split_node)?.into_iter().collect(),
            placements: records_under(rows, &keys::placements(), number)?,
            repairs: records_under(rows, &keys::repairs(), keys::split_repair)?,
        })
    }

    pub(super) fn check(&self) -> Result<(), String> {
        self.nodes_are_known_once()?;
        self.placements_are_numbered()?;
        self.placements.iter().try_for_each(|(_, placement)| self.placement_is_sound(placement))
    }

    /// A node is there or removed, and no two that take part have the same address.
    fn nodes_are_known_once(&self) -> Result<(), String> {
        let twice = self.nodes.keys().find(|node| self.removed.contains_key(node));
        ensure(twice.is_none(), || format!("node {twice:?} is removed and there"))?;
        let wrong = self.nodes.values().any(|node| node.state == NodeState::Removed)
            || self.removed.values().any(|node| node.state != NodeState::Removed);
        ensure(!wrong, || "a node's state is not that of its row".into())?;
        ensure(self.nodes.len() <= CommandBody::NODES_MAX, || "there are too many nodes".into())?;
        let mut addresses = BTreeSet::new();
        for node in self.nodes.values().filter(|node| node.takes_part() && !node.info.address.is_empty()) {
            let address = &node.info.address;
            ensure(addresses.insert(address), || format!("two nodes are at {address}"))?;
        }
        Ok(())
    }

    fn placements_are_numbered(&self) -> Result<(), String> {
        let numbers = self.placements.iter().map(|(group, placement)| {
            let agrees = placement.group == *group;
            agrees.then_some(group.0)
        });
        ensure(numbers.eq((0..self.topology.placements).map(Some)), || {
            format!("the placement groups are not the {} that were made", self.topology.placements)
        })
    }

    /// Its sets are not empty and name each node once, none of them removed; what a move waits for is counted for
    /// nodes that it waits for.
    fn placement_is_sound(&self, placement: &PlacementState) -> Result<(), String> {
        let group = placement.group.0;
        for set in [&placement.replicas, &placement.target] {
            let distinct: BTreeSet<&NodeId> = set.iter().collect();
            ensure(distinct.len() == set.len(), || format!("placement {group} names a node twice"))?;
            let gone = set.iter().find(|node| !self.nodes.contains_key(node));
            ensure(gone.is_none(), || format!("placement {group} names {gone:?}, which is not there"))?;
        }
        ensure(!placement.replicas.is_empty(), || format!("placement {group} has no nodes"))?;
        let rising = |nodes: &[NodeId]| nodes.is_sorted_by(|a, b| a < b);
        let fenced = placement.fenced.iter().all(|node| placement.replicas.contains(node));
        let copiers: BTreeSet<NodeId> = placement.copiers().collect();
        let copied = placement.copied.iter().all(|node| copiers.contains(node));
        ensure(fenced && copied && rising(&placement.fenced) && rising(&placement.copied), || {
            format!("placement {group} counts what it does not wait for: {placement:?}")
        })?;
        let idle = placement.fenced.is_empty() && placement.copied.is_empty();
        ensure(placement.moves() || idle, || format!("placement {group} waits without a move"))?;
        let epoch_min = if placement.moves() { 2 } else { 1 };
        ensure(placement.epoch.0 >= epoch_min, || format!("placement {group} has too small an epoch"))
    }

    /// The group's counters are what its rows say.
    pub(super) fn counters_agree<R: ReadRows + ?Sized>(
        &self,
        rows: &R,
        group: &GroupRecord,
        garbage: &BTreeMap<u64, GarbageRecord>,
    ) -> Result<(), String> {
        let (mut entries, mut bytes) = (0, 0u64);
        for (_, entry) in garbage.range(group.counted_from..) {
            let data = entry_data(rows, entry).map_err(|e| e.to_string())?;
            let left = bytes_of(data.iter().skip(entry.reclaimed as usize).map(|(_, length)| *length));
            (entries, bytes) = (entries + 1, bytes.wrapping_add(left));
        }
        let repairs = self.repairs.len() as u64;
        let counted = (group.repairs, group.garbage_entries, group.garbage_bytes);
        ensure(counted == (repairs, entries, bytes), || {
            format!("repairs, garbage and its bytes are {:?}, counted {counted:?}", (repairs, entries, bytes))
        })
    }
}
