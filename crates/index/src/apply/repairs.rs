//! Repair rows: which node lacks data that it should have, as the writer saw it.
//!
//! They are written with the reference to the data, by the same command, and stay until the node says that it has
//! the data, whatever becomes of the version meanwhile. So a replica that was late is never forgotten.

use super::{Applied, Context, done, refuse};
use crate::command::{CommandBody, StoredData};
use crate::keys;
use crate::outcome::{Done, Refusal, Step};
use crate::records::RepairRecord;
use crate::rows::{Rows, RowsError};
use crate::store::{rows_under, save};
use esker_types::{DataId, NodeId};

/// Notes the nodes that lack data which is now referenced.
pub(super) fn add<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    stored: &StoredData,
    length: u64,
) -> Result<(), RowsError> {
    for node in &stored.late {
        let row = keys::repair(*node, stored.data);
        if context.rows.get(&row)?.is_none() {
            context.group.repairs += 1;
        }
        save(context.rows, row, &RepairRecord { length });
    }
    Ok(())
}

pub(super) fn repaired<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    node: NodeId,
    data: &[DataId],
) -> Applied {
    if data.len() > CommandBody::DATA_IDS_MAX {
        refuse!(Refusal::Malformed);
    }
    for id in data {
        let row = keys::repair(node, *id);
        if context.rows.get(&row)?.is_some() {
            take(context, row)?;
        }
    }
    done()
}

/// Takes back some of a node's repair rows.
pub(super) fn forget<R: Rows + ?Sized>(context: &mut Context<'_, R>, node: NodeId) -> Applied {
    let most = CommandBody::DATA_IDS_MAX;
    let found = rows_under(context.rows, &keys::node_repairs(node), most)?;
    let step = if found.len() < most { Step::Finished } else { Step::More };
    for (row, _) in found {
        take(context, row)?;
    }
    Ok(Ok(Done::Step(step)))
}

fn take<R: Rows + ?Sized>(context: &mut Context<'_, R>, row: Vec<u8>) -> Result<(), RowsError> {
    context.group.repairs = context
        .group
        .repairs
        .checked_sub(1)
        .ok_or_else(|| RowsError::corrupt(&row, "more repair rows than counted"))?;
    context.rows.delete(row);
    Ok(())
}
