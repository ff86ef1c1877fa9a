//! The topology, repair work and counters.

use super::{collect, decode};
use crate::keys;
use crate::query::{GroupSummary, Topology};
use crate::records::{GroupRecord, NodeRecord, PlacementState, RepairRecord, TopologyRecord};
use crate::rows::{ReadRows, RowsError};
use crate::store::{load, records_under};
use esker_types::{DataId, NodeId};

pub(super) fn topology<R: ReadRows + ?Sized>(
    rows: &R,
    newer_than: u64,
) -> Result<Option<Topology>, RowsError> {
    let record: TopologyRecord = load(rows, &keys::topology())?.unwrap_or_default();
    if record.version <= newer_than {
        return Ok(None);
    }
    let mut nodes: Vec<(NodeId, NodeRecord)> = records_under(rows, &keys::nodes(), keys::split_node)?;
    nodes.extend(records_under::<NodeRecord, _, _>(rows, &keys::removed_nodes(), keys::split_node)?);
    nodes.sort_by_key(|(node, _)| *node);
    let placements: Vec<((), PlacementState)> = records_under(rows, &keys::placements(), |_| Some(()))?;
    Ok(Some(Topology {
        version: record.version,
        settings: record.settings,
        nodes,
        placements: placements.into_iter().map(|(_, placement)| placement).collect(),
    }))
}

pub(super) fn repairs<R: ReadRows + ?Sized>(
    rows: &R,
    node: NodeId,
    after: Option<DataId>,
    limit: usize,
) -> Result<Vec<(DataId, u64)>, RowsError> {
    let prefix = keys::node_repairs(node);
    let start = match after {
        None => prefix.clone(),
        Some(after) => [keys::repair(node, after), vec![0]].concat(),
    };
    collect(rows, &start, &keys::prefix_end(&prefix), limit, &mut |row, value| {
        let (_, data) = keys::split_repair(row).ok_or_else(|| RowsError::corrupt(row, "malformed key"))?;
        let record: RepairRecord = decode(row, value.clone())?;
        Ok(Some((data, record.length)))
    })
}

pub(super) fn summary<R: ReadRows + ?Sized>(rows: &R) -> Result<GroupSummary, RowsError> {
    let group: GroupRecord = load(rows, &keys::group())?.unwrap_or_default();
    Ok(GroupSummary {
        time: group.time,
        repairs: group.repairs,
        garbage_entries: group.garbage_entries,
        garbage_bytes: group.garbage_bytes,
    })
}
