//! What is planned of small clusters.

use super::*;
use crate::topology::{NodeRecord, Topology};
use esker_rpc::StorageUsage;
use esker_types::{ClusterSettings, NodeInfo, NodeRoles, PlacementEpoch, PlacementGroup};

const HOUR: Duration = Duration::from_secs(3600);

/// Nodes 1, 2, 3, … of these states, and groups of which each is `(replicas, target)`.
fn view(states: &[NodeState], groups: &[(&[u64], &[u64])]) -> ClusterView {
    ClusterView::new(topology(states, groups))
}

fn topology(states: &[NodeState], groups: &[(&[u64], &[u64])]) -> Topology {
    let info = |node: u64| NodeInfo {
        address: format!("{node}:1"),
        roles: NodeRoles::ALL,
        zone: String::new(),
        host: format!("{node}"),
        weight: 1,
    };
    let record =
        |(node, state): (u64, &NodeState)| (NodeId(node), NodeRecord { info: info(node), state: *state });
    let ids = |nodes: &[u64]| nodes.iter().map(|node| NodeId(*node)).collect();
    let placement = |(group, (replicas, target)): (u16, &(&[u64], &[u64]))| PlacementState {
        group: PlacementGroup(group),
        epoch: PlacementEpoch(7),
        replicas: ids(replicas),
        target: ids(target),
        fenced: Vec::new(),
        copied: Vec::new(),
    };
    Topology {
        version: 1,
        settings: ClusterSettings::default(),
        nodes: (1..).zip(states).map(record).collect(),
        placements: (0..).zip(groups).map(placement).collect(),
    }
}

/// For how long each node was silent.
type SilentFor<'a> = dyn Fn(NodeId) -> Option<Duration> + 'a;

/// Signs of life of nodes of which only this is known.
fn heard<'a>(silent_for: &'a SilentFor<'a>) -> impl Fn(NodeId) -> Option<Signs> + 'a {
    move |node| silent_for(node).map(|silent_for| Signs { silent_for, usage: None })
}

/// Signs of life of nodes that all answer; the disks of these are retired.
fn retired(nodes: &[u64]) -> impl Fn(NodeId) -> Option<Signs> {
    move |node| {
        let disk = if nodes.contains(&node.0) { DiskState::Retired } else { DiskState::Sound };
        let usage = Some(StorageUsage { disk, ..StorageUsage::default() });
        Some(Signs { silent_for: Duration::ZERO, usage })
    }
}

fn lost_of(view: &ClusterView, after: Duration, silent_for: &SilentFor<'_>) -> Option<NodeId> {
    lost(view, after, &heard(silent_for))
}

fn targets(view: &ClusterView, silent_for: &SilentFor<'_>) -> Vec<(u16, Vec<u64>)> {
    targets_by(view, &heard(silent_for))
}

fn targets_by(view: &ClusterView, signs: &SignsOf<'_>) -> Vec<(u16, Vec<u64>)> {
    let moves = moves(view, 16, signs).into_iter();
    moves.map(|planned| (planned.group.0, planned.target.iter().map(|node| node.0).collect())).collect()
}

use NodeState::{Active, Draining, Lost};

#[test]
fn a_move_to_a_lost_node_goes_elsewhere_or_back() {
    let silent = |_: NodeId| Some(Duration::ZERO);
    let one = view(&[Active, Active, Active, Lost, Active], &[(&[1, 2, 3], &[1, 2, 4])]);
    assert_eq!(targets(&one, &silent), [(0, vec![1, 2, 3])]);
    let none_left = view(&[Active, Active, Draining, Lost], &[(&[1, 2, 3], &[1, 2, 4])]);
    assert_eq!(targets(&none_left, &silent), [(0, vec![1, 2, 3])], "rather one that leaves than none");
    let both_lost = view(&[Active, Active, Lost, Lost], &[(&[1, 2, 3], &[1, 2, 4])]);
    assert_eq!(targets(&both_lost, &silent), [(0, vec![1, 2])], "or the move would never end");
}

#[test]
fn a_set_keeps_a_lost_node_while_nobody_can_take_its_place() {
    let silent = |_: NodeId| Some(Duration::ZERO);
    let view_of = |states: &[NodeState]| view(states, &[(&[1, 2, 3], &[])]);
    assert_eq!(targets(&view_of(&[Active, Active, Lost]), &silent), []);
    assert_eq!(targets(&view_of(&[Active, Active, Lost, Active]), &silent), [(0, vec![1, 2, 4])]);
    assert_eq!(targets(&view_of(&[Active, Lost, Lost, Active]), &silent), [(0, vec![1, 4])]);
}

#[test]
fn nothing_moves_to_a_node_that_does_not_answer() {
    let four = view(&[Active, Active, Lost, Active], &[(&[1, 2, 3], &[])]);
    assert_eq!(targets(&four, &|_| Some(SILENT_TARGET)), []);
    assert_eq!(targets(&four, &|_| None), [(0, vec![1, 2, 4])], "it was not asked yet");
}

#[test]
fn a_silent_node_is_lost_only_if_others_can_take_its_place_and_most_answer() {
    let silent = |lost: &'static [u64]| {
        move |node: NodeId| Some(if lost.contains(&node.0) { HOUR } else { Duration::ZERO })
    };
    let four = view(&[Active; 4], &[(&[1, 2, 3], &[]), (&[2, 3, 4], &[])]);
    assert_eq!(lost_of(&four, HOUR, &silent(&[3])), Some(NodeId(3)));
    assert_eq!(lost_of(&four, HOUR * 2, &silent(&[3])), None);
    assert_eq!(lost_of(&four, HOUR, &silent(&[])), None);
    assert_eq!(lost_of(&four, HOUR, &silent(&[3, 4])), None, "half of them are silent");
    let three = view(&[Active; 3], &[(&[1, 2, 3], &[])]);
    assert_eq!(lost_of(&three, HOUR, &silent(&[3])), None);
    let five = view(&[Active; 5], &[(&[1, 2, 3], &[]), (&[1, 2, 4], &[])]);
    assert_eq!(lost_of(&five, HOUR, &silent(&[3, 4])), Some(NodeId(3)), "one after the other");
}

#[test]
fn a_silent_node_is_not_lost_while_it_may_have_what_no_other_node_has() {
    let silent = |node: NodeId| Some(if node.0 >= 4 { HOUR } else { Duration::ZERO });
    // A write quorum of the second group may be the two silent ones.
    let both = view(&[Active; 5], &[(&[1, 2, 3], &[]), (&[3, 4, 5], &[])]);
    assert_eq!(lost_of(&both, HOUR, &silent), None);
    let moving = view(&[Active; 5], &[(&[3, 4, 5], &[1, 2, 3])]);
    assert_eq!(lost_of(&moving, HOUR, &silent), None, "what moves is not there yet");
    let alone = view(&[Active; 4], &[(&[4], &[])]);
    assert_eq!(lost_of(&alone, HOUR, &silent), None, "the only replica");
    let pair = view(&[Active; 4], &[(&[1, 4], &[])]);
    assert_eq!(lost_of(&pair, HOUR, &silent), Some(NodeId(4)), "both have every blob");
    let joining = view(&[Active; 4], &[(&[1, 2, 3], &[1, 2, 4])]);
    assert_eq!(lost_of(&joining, HOUR, &silent), Some(NodeId(4)), "it has nothing of its own yet");
}

#[test]
fn a_move_to_a_node_that_is_to_leave_goes_elsewhere_if_it_can() {
    let silent = |_: NodeId| Some(Duration::ZERO);
    let states = [Active, Active, Active, Draining];
    let back = view(&states, &[(&[1, 2, 3], &[1, 2, 4])]);
    assert_eq!(targets(&back, &silent), [(0, vec![1, 2, 3])]);
    let none_else = view(&[Active, Active, Lost, Draining], &[(&[1, 2, 3], &[1, 2, 4])]);
    assert_eq!(targets(&none_else, &silent), [], "nor is the same begun again and again");
    let there_before = view(&[Active, Active, Active, Draining], &[(&[1, 2, 4], &[4, 2, 3])]);
    assert_eq!(targets(&there_before, &silent), [], "it need not get anything");
}

#[test]
fn a_node_without_the_storage_role_is_named_by_no_set_so_that_other_moves_are_not_refused_with_it() {
    let silent = |_: NodeId| Some(Duration::ZERO);
    let states = [Active, Active, Active, Lost];
    let mut topology = topology(&states, &[(&[1, 2, 3], &[]), (&[1, 2, 3], &[1, 2, 4])]);
    topology.nodes[2].1.info.roles = NodeRoles::new([NodeRole::Gateway]).unwrap();
    assert_eq!(targets(&ClusterView::new(topology), &silent), [(1, vec![1, 2])]);
}

#[test]
fn a_set_that_is_to_be_smaller_loses_the_node_that_is_gone() {
    let mut topology = topology(&[Active, Active, Lost], &[(&[1, 2, 3], &[])]);
    topology.settings.replicas = std::num::NonZeroU8::new(2).unwrap();
    let silent = |_: NodeId| Some(Duration::ZERO);
    assert_eq!(targets(&ClusterView::new(topology), &silent), [(0, vec![1, 2])]);
}

#[test]
fn a_node_whose_disk_is_retired_is_left_by_its_groups_and_joins_none() {
    let four = view(&[Active; 4], &[(&[1, 2, 3], &[])]);
    assert_eq!(targets_by(&four, &retired(&[3])), [(0, vec![1, 2, 4])]);
    assert_eq!(targets_by(&four, &retired(&[])), []);
    assert_eq!(targets_by(&four, &retired(&[3, 4])), [], "nobody can take its place");
    let lost = view(&[Active, Active, Lost, Active, Active], &[(&[1, 2, 3], &[])]);
    assert_eq!(targets_by(&lost, &retired(&[4])), [(0, vec![1, 2, 5])]);
    let new = view(&[Active; 3], &[]);
    let groups = NonZeroU16::new(2).unwrap();
    let first = first(&new, groups, &retired(&[1]));
    assert!(first.iter().all(|set| set.len() == 2 && !set.contains(&NodeId(1))), "{first:?}");
    assert_eq!(active_storage_nodes(&new, &retired(&[1])), 2);
}

#[test]
fn a_move_to_a_node_whose_disk_is_retired_goes_elsewhere_or_back() {
    let five = view(&[Active, Active, Draining, Active, Active], &[(&[1, 2, 3], &[1, 2, 4])]);
    assert_eq!(targets_by(&five, &retired(&[4])), [(0, vec![1, 2, 5])]);
    assert_eq!(targets_by(&five, &retired(&[2])), [], "it need not get anything; it is left later");
    let back = view(&[Active; 4], &[(&[1, 2, 3], &[1, 2, 4])]);
    assert_eq!(targets_by(&back, &retired(&[4])), [(0, vec![1, 2, 3])]);
}

#[test]
fn a_node_whose_disk_is_retired_takes_no_lost_node_s_place() {
    let four = view(&[Active; 4], &[(&[1, 2, 3], &[])]);
    let signs = |node: NodeId| {
        let silent_for = if node == NodeId(3) { HOUR } else { Duration::ZERO };
        Some(Signs { silent_for, ..retired(&[4])(node)? })
    };
    assert_eq!(lost(&four, HOUR, &signs), None);
    assert_eq!(lost_of(&four, HOUR, &|node| signs(node).map(|signs| signs.silent_for)), Some(NodeId(3)));
}
