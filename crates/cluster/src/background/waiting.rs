//! What the plan has left to begin: moves are begun a few at a time, and between two batches nothing moves.

use super::planning::{self, SignsOf};
use crate::topology::PlacementState;
use crate::view::ClusterView;

/// How many placement groups are to move, and don't yet.
pub(super) fn waiting(view: &ClusterView, signs: &SignsOf<'_>) -> usize {
    let planned = planning::moves(view, usize::MAX, signs);
    let begun = planned.iter().filter(|planned| {
        // A move that goes on towards other nodes is planned anew.
        view.placement(planned.group).is_some_and(PlacementState::moves)
    });
    planned.len() - begun.count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::background::liveness::Signs;
    use crate::topology::{NodeRecord, Topology};
    use esker_types::{
        ClusterSettings, NodeId, NodeInfo, NodeRoles, NodeState, PlacementEpoch, PlacementGroup,
    };
    use std::time::Duration;

    const NONE: &[u64] = &[];

    fn record(node: u64) -> (NodeId, NodeRecord) {
        let info = NodeInfo {
            address: format!("{node}:1"),
            roles: NodeRoles::ALL,
            zone: String::new(),
            host: format!("{node}"),
            weight: 1,
        };
        (NodeId(node), NodeRecord { info, state: NodeState::Active })
    }

    fn placement(group: u16, target: &[u64]) -> PlacementState {
        let ids = |nodes: &[u64]| nodes.iter().copied().map(NodeId).collect();
        PlacementState {
            group: PlacementGroup(group),
            epoch: PlacementEpoch(1),
            replicas: ids(&[1]),
            target: ids(target),
            fenced: Vec::new(),
            copied: Vec::new(),
        }
    }

    fn view(nodes: u64, targets: &[&[u64]]) -> ClusterView {
        ClusterView::new(Topology {
            version: 1,
            settings: ClusterSettings::default(),
            nodes: (1..=nodes).map(record).collect(),
            placements: (0..)
                .zip(targets)
                .map(|(group, target): (u16, &&[u64])| placement(group, target))
                .collect(),
        })
    }

    #[test]
    fn what_moves_does_not_wait_and_what_waits_for_its_turn_does() {
        let signs = |silent_for| Some(Signs { silent_for, usage: None });
        let awake = |_: NodeId| signs(Duration::ZERO);
        assert_eq!(waiting(&view(1, &[NONE; 40]), &awake), 0, "there is nowhere to go");
        assert_eq!(waiting(&view(3, &[NONE; 40]), &awake), 40, "more than move at a time");
        assert_eq!(waiting(&view(3, &[&[1, 2, 3], NONE]), &awake), 1);
        let asleep = |node: NodeId| signs(Duration::from_secs(if node.0 == 1 { 0 } else { 60 }));
        assert_eq!(waiting(&view(3, &[NONE; 40]), &asleep), 0, "nothing is moved to nodes that are silent");
    }
}
