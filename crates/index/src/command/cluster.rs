//! The commands of a cluster as bytes: nodes, placement and repair. Their numbers are never given out again.

use super::{CommandBody, PlannedMove};
use crate::codec::{Malformed, Reader, Writer};
use crate::records::{
    node_state_number, read_fence, read_node_info, read_node_state, read_nodes, read_settings, write_fence,
    write_node_info, write_nodes, write_settings,
};
use esker_types::{DataId, NodeId};

pub(super) fn write_body(w: &mut Writer, body: &CommandBody) {
    match body {
        CommandBody::Repaired { node, data } => {
            w.u8(11).u64(node.0).list(data, |w, data| {
                w.raw(data.as_bytes());
            });
        }
        CommandBody::ForgetRepairs { node } => {
            w.u8(12).u64(node.0);
        }
        CommandBody::RegisterNode { node, info } => {
            write_node_info(w.u8(40).u64(node.0), info);
        }
        CommandBody::SetNodeState { node, state } => {
            w.u8(41).u64(node.0).u8(node_state_number(*state));
        }
        CommandBody::SetClusterSettings { settings } => write_settings(w.u8(42), *settings),
        CommandBody::CreatePlacement { sets } => {
            w.u8(43).list(sets, |w, nodes| write_nodes(w, nodes));
        }
        CommandBody::MovePlacement { moves } => {
            w.u8(44).list(moves, |w, planned| {
                write_fence(w, planned.group, planned.epoch);
                write_nodes(w, &planned.target);
            });
        }
        CommandBody::PlacementProgress { node, fenced, copied } => {
            w.u8(45).u64(node.0);
            for fences in [fenced, copied] {
                w.list(fences, |w, fence| write_fence(w, fence.group, fence.epoch));
            }
        }
        _ => unreachable!("the caller gives only the kinds above"),
    }
}

pub(super) fn read_body(r: &mut Reader, number: u8) -> Result<CommandBody, Malformed> {
    Ok(match number {
        11 => CommandBody::Repaired {
            node: NodeId(r.u64()?),
            data: r.list(|r| Ok(DataId::from_bytes(r.array()?)))?,
        },
        12 => CommandBody::ForgetRepairs { node: NodeId(r.u64()?) },
        40 => CommandBody::RegisterNode { node: NodeId(r.u64()?), info: read_node_info(r)? },
        41 => CommandBody::SetNodeState { node: NodeId(r.u64()?), state: read_node_state(r)? },
        42 => CommandBody::SetClusterSettings { settings: read_settings(r)? },
        43 => CommandBody::CreatePlacement { sets: r.list(read_nodes)? },
        44 => CommandBody::MovePlacement {
            moves: r.list(|r| {
                let fence = read_fence(r)?;
                Ok(PlannedMove { group: fence.group, epoch: fence.epoch, target: read_nodes(r)? })
            })?,
        },
        45 => CommandBody::PlacementProgress {
            node: NodeId(r.u64()?),
            fenced: r.list(read_fence)?,
            copied: r.list(read_fence)?,
        },
        _ => return Err(r.malformed()),
    })
}
