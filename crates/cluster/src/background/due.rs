//! What a storage node has to do about placements, read from the topology alone. Pure.

use super::pull::{GroupPull, PullPlan};
use crate::topology::PlacementState;
use crate::view::ClusterView;
use esker_types::{Fence, NodeId, PlacementGroup};
use std::collections::BTreeSet;

/// The states that the node has to fence and to say so: those of moves away from a set that it is in.
///
/// A state without a move needs no fence: what is written for the joint set before it is on a majority of the new one
/// too. Not fencing it lets the writes finish that are under way when a move ends.
pub(super) fn fences(view: &ClusterView, node: NodeId) -> Vec<Fence> {
    let moves = view.placements().iter().filter(|state| state.moves());
    let due = moves.filter(|state| state.replicas.contains(&node) && !state.fenced.contains(&node));
    due.map(fence_of).collect()
}

/// What the node has to pull because it joins: groups of which so many old members are fenced and left that together
/// they have all that was ever written to the old set alone; or all members that are left, if too many are lost.
pub(super) fn joins(view: &ClusterView, node: NodeId) -> PullPlan {
    let is_copier = |state: &&PlacementState| state.copiers().any(|copier| copier == node);
    let joining = view.placements().iter().filter(|state| state.moves() && !state.copied.contains(&node));
    let ready = joining.filter(is_copier).filter_map(|state| {
        let gone = |member: NodeId| view.present(member).is_none();
        let fenced: Vec<NodeId> = state.fenced.iter().copied().filter(|member| !gone(*member)).collect();
        // Where a set shrinks, its members copy too; what they have themselves needs no list.
        let sources: Vec<NodeId> = fenced.iter().copied().filter(|member| *member != node).collect();
        let needed = state.fences_needed(gone).saturating_sub(fenced.len() - sources.len());
        state.is_fenced(gone).then_some((state.group, GroupPull { epoch: state.epoch, sources, needed }))
    });
    ready.collect()
}

/// What the node compares with its peers from time to time: all groups that it is to have all of.
pub(super) fn audits(view: &ClusterView, node: NodeId) -> PullPlan {
    let own = view.placements().iter().filter(|state| state.replicas.contains(&node));
    own.map(|state| {
        let others = state.replicas.iter().filter(|replica| **replica != node);
        let sources: Vec<NodeId> = others.copied().filter(|other| view.present(*other).is_some()).collect();
        (state.group, GroupPull { epoch: state.epoch, needed: sources.len(), sources })
    })
    .filter(|(_, pull)| !pull.sources.is_empty())
    .collect()
}

/// The groups whose blobs do not belong on the node. A group that moves is left alone until its move is over; and a node
/// that is lost keeps what it has, in case that somebody wants to look for something there.
pub(super) fn foreign(view: &ClusterView, node: NodeId) -> BTreeSet<PlacementGroup> {
    if view.present(node).is_none() {
        return BTreeSet::new();
    }
    let settled = view.placements().iter().filter(|state| !state.moves());
    settled.filter(|state| !state.replicas.contains(&node)).map(|state| state.group).collect()
}

/// The state of a group, as storage nodes acknowledge it.
pub(super) fn fence_of(state: &PlacementState) -> Fence {
    Fence { group: state.group, epoch: state.epoch }
}
