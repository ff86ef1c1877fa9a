//! Where blobs belong. A move goes from one set of nodes to another through a joint one, in which nothing that was
//! durable in the old set can be missed:
//!
//! 1. `MovePlacement` sets the target. Writes now need a majority of both sets.
//! 2. Replicas refuse every put of an earlier epoch, and say so. When so many have that no write quorum is left
//!    without one of them, what they list is all that was ever stored in the old set alone.
//! 3. Newcomers copy that, and say so. With the last of these two the same apply makes the target the replicas.

use super::{changed, nodes, placement_state, save_topology, topology};
use crate::apply::{Applied, Context, done, refuse};
use crate::command::{CommandBody, PlannedMove};
use crate::keys;
use crate::outcome::Refusal;
use crate::records::{NodeRecord, PlacementState, TopologyRecord};
use crate::rows::{Rows, RowsError};
use crate::store::save;
use esker_types::{Fence, NodeId, NodeRole, NodeState, PlacementEpoch, PlacementGroup};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn create<R: Rows + ?Sized>(context: &mut Context<'_, R>, sets: &[Vec<NodeId>]) -> Applied {
    let topology = topology(context.rows)?;
    if topology.placements > 0 {
        return done();
    }
    if sets.len() > CommandBody::PLACEMENTS_MAX {
        refuse!(Refusal::Malformed);
    }
    let Some(placements) = u16::try_from(sets.len()).ok().filter(|count| *count > 0) else {
        refuse!(Refusal::Malformed)
    };
    if let Err(refusal) = check_sets(&nodes(context.rows)?, sets.iter()) {
        refuse!(refusal);
    }
    for (group, replicas) in (0..placements).map(PlacementGroup).zip(sets) {
        let placement = PlacementState {
            group,
            epoch: PlacementEpoch(1),
            replicas: replicas.clone(),
            target: Vec::new(),
            fenced: Vec::new(),
            copied: Vec::new(),
        };
        save(context.rows, keys::placement(group), &placement);
    }
    save_topology(context, TopologyRecord { placements, ..topology });
    done()
}

pub(super) fn start_moves<R: Rows + ?Sized>(context: &mut Context<'_, R>, moves: &[PlannedMove]) -> Applied {
    let placements = topology(context.rows)?.placements;
    if moves.len() > CommandBody::PLACEMENTS_MAX || moves.iter().any(|m| m.group.0 >= placements) {
        refuse!(Refusal::Malformed);
    }
    if let Err(refusal) = check_sets(&nodes(context.rows)?, moves.iter().map(|planned| &planned.target)) {
        refuse!(refusal);
    }
    let mut any = false;
    for planned in moves {
        let mut placement = existing(context, planned.group)?;
        if placement.epoch != planned.epoch {
            continue;
        }
        placement.epoch.0 += 1;
        placement.target.clone_from(&planned.target);
        placement.fenced.clear();
        placement.copied.clear();
        save(context.rows, keys::placement(planned.group), &placement);
        any = true;
    }
    if any {
        changed(context)?;
    }
    done()
}

pub(super) fn progress<R: Rows + ?Sized>(
    context: &mut Context<'_, R>,
    node: NodeId,
    fenced: &[Fence],
    copied: &[Fence],
) -> Applied {
    let most = CommandBody::PLACEMENTS_MAX;
    let placements = topology(context.rows)?.placements;
    let unknown = |fence: &Fence| fence.group.0 >= placements;
    if fenced.len() > most || copied.len() > most || fenced.iter().chain(copied).any(unknown) {
        refuse!(Refusal::Malformed);
    }
    let known = nodes(context.rows)?;
    match known.get(&node) {
        Some(record) if record.takes_part() => {}
        Some(_) => refuse!(Refusal::NodeGone),
        None if context.rows.get(&keys::removed_node(node))?.is_some() => refuse!(Refusal::NodeGone),
        None => refuse!(Refusal::NoSuchNode),
    }
    let mut any = false;
    let (fenced, copied) = (BTreeSet::from_iter(fenced), BTreeSet::from_iter(copied));
    let groups: BTreeSet<PlacementGroup> = fenced.iter().chain(&copied).map(|fence| fence.group).collect();
    for group in groups {
        let mut placement = existing(context, group)?;
        if !placement.moves() {
            continue;
        }
        let before = placement.clone();
        let now = Fence { group, epoch: placement.epoch };
        if fenced.contains(&now) && placement.replicas.contains(&node) {
            insert(&mut placement.fenced, node);
        }
        if copied.contains(&now) && placement.copiers().any(|copier| copier == node) {
            insert(&mut placement.copied, node);
        }
        finish_if_complete(&mut placement, &known);
        if placement != before {
            save(context.rows, keys::placement(group), &placement);
            any = true;
        }
    }
    if any {
        changed(context)?;
    }
    done()
}

/// Makes the target the replicas once nothing can be missed there. A target with a lost node waits for a better one.
fn finish_if_complete(placement: &mut PlacementState, known: &BTreeMap<NodeId, NodeRecord>) {
    let lost = |node| known.get(&node).is_none_or(|record| record.state == NodeState::Lost);
    let copied = placement.copiers().all(|node| placement.copied.contains(&node));
    if placement.is_fenced(lost) && copied && !placement.target.iter().any(|node| lost(*node)) {
        placement.epoch.0 += 1;
        placement.replicas = std::mem::take(&mut placement.target);
        placement.fenced.clear();
        placement.copied.clear();
    }
}

fn insert(nodes: &mut Vec<NodeId>, node: NodeId) {
    if let Err(at) = nodes.binary_search(&node) {
        nodes.insert(at, node);
    }
}

/// A placement group within the topology's count.
fn existing<R: Rows + ?Sized>(
    context: &Context<'_, R>,
    group: PlacementGroup,
) -> Result<PlacementState, RowsError> {
    let placement = placement_state(context.rows, group)?;
    placement.ok_or_else(|| RowsError::corrupt(&keys::placement(group), "the placement group is missing"))
}

/// Whether each set may hold blobs: some nodes, none twice, all of them storage nodes that take part.
fn check_sets<'s>(
    known: &BTreeMap<NodeId, NodeRecord>,
    sets: impl Iterator<Item = &'s Vec<NodeId>>,
) -> Result<(), Refusal> {
    for set in sets {
        let distinct: BTreeSet<NodeId> = set.iter().copied().collect();
        if set.is_empty() || set.len() > CommandBody::REPLICAS_MAX || distinct.len() != set.len() {
            return Err(Refusal::Malformed);
        }
        let fit = |record: &NodeRecord| record.takes_part() && record.info.roles.has(NodeRole::Storage);
        if let Some(node) = set.iter().find(|node| !known.get(node).is_some_and(fit)) {
            return Err(Refusal::UnfitNode { node: *node });
        }
    }
    Ok(())
}
