//! The cluster's commands: nodes, settings and placement. All of them are of group 0, so that they are in one order
//! with one another.

mod nodes;
mod placement;

use super::{Applied, Context, done, refuse};
use crate::command::CommandBody;
use crate::keys;
use crate::outcome::Refusal;
use crate::records::{NodeRecord, PlacementState, TopologyRecord};
use crate::rows::{ReadRows, Rows, RowsError};
use crate::store::{load, records_under, save};
use esker_types::{ClusterSettings, GroupId, NodeId, PlacementGroup};
use std::collections::BTreeMap;

pub(super) fn apply<R: Rows + ?Sized>(context: &mut Context<'_, R>) -> Applied {
    if context.group_id != GroupId::DIRECTORY {
        refuse!(Refusal::Malformed);
    }
    match &context.command.body {
        CommandBody::RegisterNode { node, info } => nodes::register(context, *node, info),
        CommandBody::SetNodeState { node, state } => nodes::set_state(context, *node, *state),
        CommandBody::SetClusterSettings { settings } => set_settings(context, *settings),
        CommandBody::CreatePlacement { sets } => placement::create(context, sets),
        CommandBody::MovePlacement { moves } => placement::start_moves(context, moves),
        CommandBody::PlacementProgress { node, fenced, copied } => {
            placement::progress(context, *node, fenced, copied)
        }
        _ => refuse!(Refusal::Malformed),
    }
}

fn set_settings<R: Rows + ?Sized>(context: &mut Context<'_, R>, settings: ClusterSettings) -> Applied {
    let replicas = usize::from(settings.replicas.get());
    if replicas > CommandBody::REPLICAS_MAX || settings.voters.get().is_multiple_of(2) {
        refuse!(Refusal::Malformed);
    }
    let topology = topology(context.rows)?;
    if topology.settings != settings {
        save_topology(context, TopologyRecord { settings, ..topology });
    }
    done()
}

fn topology<R: ReadRows + ?Sized>(rows: &R) -> Result<TopologyRecord, RowsError> {
    Ok(load(rows, &keys::topology())?.unwrap_or_default())
}

/// Saves the record under the next version.
fn save_topology<R: Rows + ?Sized>(context: &mut Context<'_, R>, record: TopologyRecord) {
    let record = TopologyRecord { version: record.version + 1, ..record };
    save(context.rows, keys::topology(), &record);
}

/// Gives the topology its next version, after a change of other rows that it shows.
fn changed<R: Rows + ?Sized>(context: &mut Context<'_, R>) -> Result<(), RowsError> {
    let record = topology(context.rows)?;
    save_topology(context, record);
    Ok(())
}

/// The nodes that were not removed.
fn nodes<R: ReadRows + ?Sized>(rows: &R) -> Result<BTreeMap<NodeId, NodeRecord>, RowsError> {
    Ok(records_under(rows, &keys::nodes(), keys::split_node)?.into_iter().collect())
}

fn placement_state<R: ReadRows + ?Sized>(
    rows: &R,
    group: PlacementGroup,
) -> Result<Option<PlacementState>, RowsError> {
    load(rows, &keys::placement(group))
}
