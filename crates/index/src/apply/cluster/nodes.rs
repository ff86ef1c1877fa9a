//! Which nodes there are, and how they stand.

use super::{changed, nodes};
use crate::apply::{Applied, Context, done, refuse};
use crate::command::CommandBody;
use crate::keys;
use crate::outcome::Refusal;
use crate::records::{NodeRecord, PlacementState};
use crate::rows::{ReadRows, Rows, RowsError};
use crate::store::{load, records_under, save};
use esker_types::{NodeId, NodeInfo, NodeState};

pub(super) fn register<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    node: NodeId,
    info: &NodeInfo,
) -> Applied {
    let short = |text: &String| text.len() <= CommandBody::NODE_TEXT_BYTES_MAX;
    if ![&info.address, &info.zone, &info.host].into_iter().all(short) || info.weight == 0 {
        refuse!(Refusal::Malformed);
    }
    if context.rows.get(&keys::removed_node(node))?.is_some() {
        refuse!(Refusal::NodeGone);
    }
    let mut known = nodes(context.rows)?;
    let before = known.remove(&node);
    let is_new = before.is_none();
    let state = match before {
        Some(old) if !old.takes_part() => refuse!(Refusal::NodeGone),
        Some(old) if old.info == *info => return done(),
        Some(old) => old.state,
        None if known.len() >= CommandBody::NODES_MAX => refuse!(Refusal::TooManyNodes),
        None => NodeState::Active,
    };
    save(context.rows, keys::node(node), &NodeRecord { info: info.clone(), state });
    // Two nodes can't listen at one address. If this one is new, the other one's data directory was deleted. If it is
    // not, addresses were handed out anew: the other one may have moved too, and is to be heard of at its new address.
    let same_place = |other: &NodeRecord| other.takes_part() && other.info.address == info.address;
    if !info.address.is_empty() {
        for (other, mut record) in known.into_iter().filter(|(_, record)| same_place(record)) {
            if is_new {
                record.state = NodeState::Lost;
            } else {
                record.info.address.clear();
            }
            save(context.rows, keys::node(other), &record);
        }
    }
    changed(context)?;
    done()
}

pub(super) fn set_state<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    node: NodeId,
    state: NodeState,
) -> Applied {
    if context.rows.get(&keys::removed_node(node))?.is_some() {
        return if state == NodeState::Removed { done() } else { Ok(Err(Refusal::NodeGone)) };
    }
    let row = keys::node(node);
    let Some(record) = load::<NodeRecord, _>(context.rows, &row)? else { refuse!(Refusal::NoSuchNode) };
    if record.state == state {
        return done();
    }
    match (record.state, state) {
        (NodeState::Lost, NodeState::Active | NodeState::Draining) => refuse!(Refusal::NodeGone),
        (_, NodeState::Removed) => {
            if placed(context.rows, node)? {
                refuse!(Refusal::NodeInUse);
            }
            context.rows.delete(row);
            save(context.rows, keys::removed_node(node), &NodeRecord { state, ..record });
        }
        (_, NodeState::Active | NodeState::Draining | NodeState::Lost) => {
            save(context.rows, row, &NodeRecord { state, ..record });
        }
    }
    changed(context)?;
    done()
}

/// Whether a placement group names the node.
fn placed<R: ReadRows + ?Sized>(rows: &R, node: NodeId) -> Result<bool, RowsError> {
    let placements: Vec<(Vec<u8>, PlacementState)> =
        records_under(rows, &keys::placements(), |row| Some(row.to_vec()))?;
    Ok(placements.iter().any(|(_, placement)| placement.names(node)))
}
