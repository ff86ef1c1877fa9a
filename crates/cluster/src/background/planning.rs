//! What the cluster should do about its nodes and placements, decided from the topology and the signs of life. Pure.

use super::liveness::Signs;
use crate::topology::PlacementState;
use crate::view::ClusterView;
use esker_durability::{Domain, PlanNode, Standing, batch, first_placement, plan};
use esker_index::command::PlannedMove;
use esker_rpc::DiskState;
use esker_types::{NodeId, NodeRole, NodeState};
use std::collections::BTreeSet;
use std::num::NonZeroU16;
use std::time::Duration;

/// A node that was silent for so long gets no placement group moved to it: the move would not end.
const SILENT_TARGET: Duration = Duration::from_secs(10);

/// A node's signs of life; none if it was never asked.
pub(super) type SignsOf<'a> = dyn Fn(NodeId) -> Option<Signs> + 'a;

/// How long a node has been silent; none if it was never asked.
fn silent_for(signs: &SignsOf<'_>, node: NodeId) -> Option<Duration> {
    signs(node).map(|signs| signs.silent_for)
}

/// Whether the node said that its disk takes no blobs any more. It is treated like one that is to leave: others get
/// what it has, from it too as long as it can be read, and it gets nothing.
fn is_retired(signs: &SignsOf<'_>, node: NodeId) -> bool {
    signs(node).and_then(|signs| signs.usage).is_some_and(|usage| usage.disk == DiskState::Retired)
}

/// The first placement of blobs, if there is a storage node.
pub(super) fn first(view: &ClusterView, groups: NonZeroU16, signs: &SignsOf<'_>) -> Vec<Vec<NodeId>> {
    first_placement(&plan_nodes(view, signs, &|_| false), groups, view.settings().replicas)
}

/// The storage nodes that may be given blobs.
pub(super) fn active_storage_nodes(view: &ClusterView, signs: &SignsOf<'_>) -> usize {
    plan_nodes(view, signs, &|_| false).iter().filter(|node| node.standing == Standing::Stays).count()
}

/// The moves to begin now, so that at most `moves_max` groups move at the same time.
///
/// A move to a node that is gone, or that is to leave again, might never end: it is replaced at once, whatever the
/// bound says.
pub(super) fn moves(view: &ClusterView, moves_max: usize, signs: &SignsOf<'_>) -> Vec<PlannedMove> {
    let awake = |node: &NodeId| silent_for(signs, *node).is_none_or(|silent| silent < SILENT_TARGET);
    let replicas = view.settings().replicas;
    let current: Vec<Vec<NodeId>> =
        view.placements().iter().map(|state| reachable_set(view, state)).collect();
    let mut changes = plan(&plan_nodes(view, signs, &|_| false), &current, replicas);
    for change in &mut changes {
        // The planner keeps a node that is gone where there is none to take its place, and no set may name it anew.
        change.target.retain(|node| keeps_data(view, *node));
    }
    let mut planned = Vec::new();
    let mut in_flight = BTreeSet::new();
    for (state, set) in view.placements().iter().zip(&current).filter(|(state, _)| state.moves()) {
        in_flight.insert(state.group);
        let change = changes.iter().find(|change| change.group == state.group);
        let target = change.map_or(set, |change| &change.target);
        if !may_end(view, state, signs) && !target.is_empty() && *target != state.target {
            let target = target.clone();
            planned.push(PlannedMove { group: state.group, epoch: state.epoch, target });
        }
    }
    changes.retain(|change| {
        let old = &current[usize::from(change.group.0)];
        let new: Vec<&NodeId> = change.target.iter().filter(|node| !old.contains(node)).collect();
        // A set does not shrink because a node is gone and there is none to take its place.
        let only_loses = new.is_empty()
            && change.target.len() < old.len().min(usize::from(replicas.get()))
            && !old.iter().all(|node| keeps_data(view, *node));
        !in_flight.contains(&change.group)
            && !change.target.is_empty()
            && !only_loses
            && new.into_iter().all(awake)
    });
    for change in batch(&changes, &in_flight, moves_max) {
        let state = view.placement(change.group).expect("the plan is for the view's groups");
        planned.push(PlannedMove { group: change.group, epoch: state.epoch, target: change.target });
    }
    planned
}

/// Whether a set may name the node: the index refuses others, and with them every move that is planned beside.
fn keeps_data(view: &ClusterView, node: NodeId) -> bool {
    view.present(node).is_some_and(|record| record.info.roles.has(NodeRole::Storage))
}

/// Whether the move that goes on may come to its end: those that join are there, and are to stay. One that leaves may
/// do so because its disk is full, and then it never has all; one whose disk is retired gets nothing more.
fn may_end(view: &ClusterView, state: &PlacementState, signs: &SignsOf<'_>) -> bool {
    let stays = |node| view.node(node).is_some_and(|record| record.state == NodeState::Active);
    let can_copy = |node| (state.replicas.contains(&node) || stays(node)) && !is_retired(signs, node);
    state.target.iter().all(|node| keeps_data(view, *node)) && state.copiers().all(can_copy)
}

/// The nodes that a group has, or will have when the move that goes on is over. For nodes of its target that are gone,
/// it goes on with nodes that it has, as far as there are any.
fn reachable_set(view: &ClusterView, state: &PlacementState) -> Vec<NodeId> {
    let set = settling_set(state);
    if !state.moves() {
        return set;
    }
    let spare = state.replicas.iter().filter(|node| keeps_data(view, **node) && !set.contains(node));
    let mut spare = spare.copied();
    set.iter().filter_map(|node| if keeps_data(view, *node) { Some(*node) } else { spare.next() }).collect()
}

/// A node that has been silent for too long, if others can take its place. One at a time, since each loss changes what
/// can be borne next.
///
/// None while most storage nodes are silent: then it is rather this node that is cut off. Nor one without which too few
/// replicas of a group answer to have everything that was ever written: it may come back with what only it has, and
/// once it is lost it can't. Operators may know better, and decide.
pub(super) fn lost(view: &ClusterView, lost_after: Duration, signs: &SignsOf<'_>) -> Option<NodeId> {
    let all = view.storage_nodes();
    let answering = |node: &NodeId| silent_for(signs, *node).is_some_and(|silent| silent.is_zero());
    if all.iter().filter(|node| answering(node)).count() * 2 <= all.len() {
        return None;
    }
    let can_be_spared = |node: NodeId| {
        view.placements().iter().filter(|state| state.replicas.contains(&node)).all(|state| {
            let others = state.replicas.iter().filter(|other| **other != node && answering(other));
            others.count() >= state.fences_needed(|_| false)
        })
    };
    let is_silent = |node: NodeId| silent_for(signs, node).is_some_and(|silent| silent >= lost_after);
    let sets: Vec<Vec<NodeId>> = view.placements().iter().map(settling_set).collect();
    let replicas = view.settings().replicas;
    // Whoever is silent now can't take anybody's place.
    let nodes = plan_nodes(view, signs, &is_silent);
    let mut planned = sets;
    for change in plan(&nodes, &planned.clone(), replicas) {
        planned[usize::from(change.group.0)] = change.target;
    }
    all.into_iter().find(|node| {
        is_silent(*node) && planned.iter().all(|set| !set.contains(node)) && can_be_spared(*node)
    })
}

/// The nodes that a group has, or will have when the move that goes on is over.
fn settling_set(state: &PlacementState) -> Vec<NodeId> {
    if state.moves() { state.target.clone() } else { state.replicas.clone() }
}

/// The nodes as the planner sees them. Those of which `gone` is true are gone, whatever the topology says.
fn plan_nodes(view: &ClusterView, signs: &SignsOf<'_>, gone: &dyn Fn(NodeId) -> bool) -> Vec<PlanNode> {
    let mut nodes = Vec::new();
    for (id, record) in view.nodes() {
        let keeps_data = record.info.roles.has(NodeRole::Storage);
        let standing = match record.state {
            NodeState::Lost | NodeState::Removed => Standing::Gone,
            _ if gone(*id) => Standing::Gone,
            NodeState::Active if keeps_data && !is_retired(signs, *id) => Standing::Stays,
            NodeState::Active | NodeState::Draining => Standing::Leaves,
        };
        nodes.push(PlanNode {
            id: *id,
            weight: record.info.weight.max(1),
            domain: Domain { zone: record.info.zone.clone(), host: record.info.host.clone() },
            standing,
        });
    }
    nodes
}

/// Whether nothing names the node any more, so that it can be removed.
pub fn holds_no_placement(view: &ClusterView, node: NodeId) -> bool {
    view.groups_with(node).next().is_none()
}

#[cfg(test)]
mod tests;
