//! Placement groups: how they are made and moved from nodes to nodes.

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod support;

use esker_index::command::{CommandBody, PlannedMove};
use esker_index::outcome::{Done, Outcome, Refusal};
use esker_index::query::PlacementState;
use esker_types::{Fence, GroupId, NodeId, NodeInfo, NodeRoles, NodeState, PlacementEpoch, PlacementGroup};
use support::rows::Group;

const DONE: Outcome = Ok(Done::Nothing);
const MALFORMED: Outcome = Err(Refusal::Malformed);

fn nodes(ids: &[u64]) -> Vec<NodeId> {
    ids.iter().copied().map(NodeId).collect()
}

/// Nine nodes, and one placement group on some of them.
struct Cluster(Group);

impl Cluster {
    fn placed_on(replicas: &[u64]) -> Cluster {
        let mut cluster = Cluster::without_placement();
        assert_eq!(cluster.0.run(CommandBody::CreatePlacement { sets: vec![nodes(replicas)] }), DONE);
        cluster
    }

    fn without_placement() -> Cluster {
        let mut group = Group::new(GroupId(0));
        for node in 1..=9 {
            let info = NodeInfo {
                address: format!("a:{node}"),
                roles: NodeRoles::ALL,
                zone: String::new(),
                host: String::new(),
                weight: 1,
            };
            assert_eq!(group.run(CommandBody::RegisterNode { node: NodeId(node), info }), DONE);
        }
        Cluster(group)
    }

    fn place(&mut self, sets: Vec<Vec<NodeId>>) -> Outcome {
        self.0.run(CommandBody::CreatePlacement { sets })
    }

    fn set(&mut self, node: u64, state: NodeState) -> Outcome {
        self.0.run(CommandBody::SetNodeState { node: NodeId(node), state })
    }

    fn plan(&mut self, epoch: u64, target: &[u64]) -> Outcome {
        let group = PlacementGroup(0);
        let planned = PlannedMove { group, epoch: PlacementEpoch(epoch), target: nodes(target) };
        self.0.run(CommandBody::MovePlacement { moves: vec![planned] })
    }

    fn fenced(&mut self, node: u64, epoch: u64) -> Outcome {
        let node = NodeId(node);
        self.0.run(CommandBody::PlacementProgress { node, fenced: fences(epoch), copied: vec![] })
    }

    fn copied(&mut self, node: u64, epoch: u64) -> Outcome {
        let node = NodeId(node);
        self.0.run(CommandBody::PlacementProgress { node, fenced: vec![], copied: fences(epoch) })
    }

    fn state(&self) -> PlacementState {
        self.0.topology().placements.swap_remove(0)
    }

    fn ends_on(&self, epoch: u64, replicas: &[u64]) {
        assert_eq!(self.state(), at(epoch, replicas, &[]));
    }

    fn still_moves(&self) {
        assert!(self.state().moves(), "{:?}", self.state());
    }
}

fn fences(epoch: u64) -> Vec<Fence> {
    vec![Fence { group: PlacementGroup(0), epoch: PlacementEpoch(epoch) }]
}

fn at(epoch: u64, replicas: &[u64], target: &[u64]) -> PlacementState {
    PlacementState {
        group: PlacementGroup(0),
        epoch: PlacementEpoch(epoch),
        replicas: nodes(replicas),
        target: nodes(target),
        fenced: vec![],
        copied: vec![],
    }
}

#[test]
fn placement_is_made_once() {
    let mut cluster = Cluster::without_placement();
    assert!(cluster.0.topology().placements.is_empty());
    assert_eq!(cluster.place(vec![nodes(&[3, 1]), nodes(&[2])]), DONE);
    assert_eq!(cluster.place(vec![nodes(&[4])]), DONE);
    let second = PlacementState { group: PlacementGroup(1), ..at(1, &[2], &[]) };
    assert_eq!(cluster.0.topology().placements, [at(1, &[3, 1], &[]), second]);
}

#[test]
fn a_placement_has_nodes_that_take_data_and_each_once() {
    let mut cluster = Cluster::without_placement();
    assert_eq!(cluster.set(4, NodeState::Draining), DONE);
    assert_eq!(cluster.set(5, NodeState::Lost), DONE);
    assert_eq!(cluster.set(6, NodeState::Removed), DONE);
    let unfit = |node| Err(Refusal::UnfitNode { node: NodeId(node) });
    assert_eq!(cluster.place(vec![]), MALFORMED);
    assert_eq!(cluster.place(vec![nodes(&[1]), vec![]]), MALFORMED);
    assert_eq!(cluster.place(vec![nodes(&[1, 2, 1])]), MALFORMED);
    assert_eq!(cluster.place(vec![nodes(&[1]); CommandBody::PLACEMENTS_MAX + 1]), MALFORMED);
    for node in [5, 6, 77] {
        assert_eq!(cluster.place(vec![nodes(&[1, node])]), unfit(node));
    }
    assert_eq!(cluster.place(vec![nodes(&[1, 4])]), DONE);
    for node in [5, 6, 77] {
        assert_eq!(cluster.plan(1, &[1, node]), unfit(node));
    }
    assert_eq!(cluster.plan(1, &[]), MALFORMED);
    assert_eq!(cluster.plan(1, &[2, 2]), MALFORMED);
    cluster.ends_on(1, &[1, 4]);
}

#[test]
fn one_of_three_is_replaced_when_two_are_fenced_and_the_newcomer_has_copied() {
    let mut cluster = Cluster::placed_on(&[1, 2, 3]);
    assert_eq!(cluster.plan(1, &[1, 2, 4]), DONE);
    assert_eq!(cluster.state(), at(2, &[1, 2, 3], &[1, 2, 4]));
    assert_eq!(cluster.fenced(3, 2), DONE);
    assert_eq!(cluster.copied(4, 2), DONE);
    let waiting =
        PlacementState { fenced: nodes(&[3]), copied: nodes(&[4]), ..at(2, &[1, 2, 3], &[1, 2, 4]) };
    assert_eq!(cluster.state(), waiting);
    assert_eq!(cluster.fenced(1, 2), DONE);
    cluster.ends_on(3, &[1, 2, 4]);
}

#[test]
fn every_newcomer_has_to_copy() {
    let mut cluster = Cluster::placed_on(&[1, 2, 3]);
    assert_eq!(cluster.plan(1, &[4, 5, 6]), DONE);
    for node in [1, 2, 3] {
        assert_eq!(cluster.fenced(node, 2), DONE);
    }
    for node in [4, 5] {
        assert_eq!(cluster.copied(node, 2), DONE);
        cluster.still_moves();
    }
    assert_eq!(cluster.copied(6, 2), DONE);
    cluster.ends_on(3, &[4, 5, 6]);
}

/// As many as leave no write quorum without one of them.
#[test]
fn the_fences_that_are_needed_meet_every_write_quorum() {
    for (replicas, needed) in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3)] {
        let old: Vec<u64> = (1..=replicas).collect();
        let new: Vec<u64> = (9 - replicas + 1..=9).rev().collect();
        let mut cluster = Cluster::placed_on(&old);
        assert_eq!(cluster.plan(1, &new), DONE);
        let newcomers: Vec<u64> = new.iter().copied().filter(|node| !old.contains(node)).collect();
        newcomers.iter().for_each(|node| assert_eq!(cluster.copied(*node, 2), DONE));
        for node in &old[..needed - 1] {
            assert_eq!(cluster.fenced(*node, 2), DONE);
            cluster.still_moves();
        }
        assert_eq!(cluster.fenced(old[needed - 1], 2), DONE);
        cluster.ends_on(3, &new);
    }
}

/// A blob may be on the first two only, so that the third has to copy it before it is alone.
#[test]
fn those_that_stay_copy_where_a_set_shrinks() {
    let mut cluster = Cluster::placed_on(&[1, 2, 3]);
    assert_eq!(cluster.plan(1, &[3]), DONE);
    for node in [1, 2, 3] {
        assert_eq!(cluster.fenced(node, 2), DONE);
        cluster.still_moves();
    }
    assert_eq!(cluster.copied(3, 2), DONE);
    cluster.ends_on(3, &[3]);
}

#[test]
fn a_set_grows_when_the_newcomers_have_copied() {
    let mut cluster = Cluster::placed_on(&[1]);
    assert_eq!(cluster.plan(1, &[1, 2, 3]), DONE);
    assert_eq!(cluster.fenced(1, 2), DONE);
    assert_eq!(cluster.copied(3, 2), DONE);
    cluster.still_moves();
    assert_eq!(cluster.copied(2, 2), DONE);
    cluster.ends_on(3, &[1, 2, 3]);
}

#[test]
fn a_move_that_was_planned_for_another_epoch_does_nothing() {
    let mut cluster = Cluster::placed_on(&[1, 2, 3]);
    for epoch in [0, 2, u64::MAX] {
        assert_eq!(cluster.plan(epoch, &[4]), DONE);
        cluster.ends_on(1, &[1, 2, 3]);
    }
    let group = PlacementGroup(0);
    let to = |node| PlannedMove { group, epoch: PlacementEpoch(1), target: nodes(&[node]) };
    assert_eq!(cluster.0.run(CommandBody::MovePlacement { moves: vec![to(4), to(5)] }), DONE);
    assert_eq!(cluster.state(), at(2, &[1, 2, 3], &[4]));
}

#[test]
fn a_new_plan_half_way_forgets_what_was_done_for_the_one_before() {
    let mut cluster = Cluster::placed_on(&[1, 2, 3]);
    assert_eq!(cluster.plan(1, &[1, 2, 4]), DONE);
    assert_eq!(cluster.fenced(1, 2), DONE);
    assert_eq!(cluster.copied(4, 2), DONE);
    assert_eq!(cluster.plan(2, &[1, 4, 5]), DONE);
    assert_eq!(cluster.state(), at(3, &[1, 2, 3], &[1, 4, 5]));
}

#[test]
fn progress_counts_for_the_exact_epoch_only() {
    let mut cluster = Cluster::placed_on(&[1, 2, 3]);
    assert_eq!(cluster.fenced(1, 1), DONE, "without a move there is nothing to wait for");
    assert_eq!(cluster.plan(1, &[1, 2, 4]), DONE);
    for epoch in [1, 3] {
        assert_eq!(cluster.fenced(1, epoch), DONE);
        assert_eq!(cluster.copied(4, epoch), DONE);
    }
    assert_eq!(cluster.state(), at(2, &[1, 2, 3], &[1, 2, 4]));
}

#[test]
fn progress_counts_only_of_nodes_that_the_group_waits_for() {
    let mut cluster = Cluster::placed_on(&[1, 2, 3]);
    assert_eq!(cluster.plan(1, &[1, 2, 4]), DONE);
    for (fenced, copied) in [(4, 1), (9, 3), (5, 9)] {
        assert_eq!(cluster.fenced(fenced, 2), DONE);
        assert_eq!(cluster.copied(copied, 2), DONE);
    }
    assert_eq!(cluster.state(), at(2, &[1, 2, 3], &[1, 2, 4]));
    assert_eq!(cluster.fenced(77, 2), Err(Refusal::NoSuchNode));
    assert_eq!(cluster.set(8, NodeState::Lost), DONE);
    assert_eq!(cluster.fenced(8, 2), Err(Refusal::NodeGone));
    assert_eq!(cluster.set(8, NodeState::Removed), DONE);
    assert_eq!(cluster.fenced(8, 2), Err(Refusal::NodeGone));
}

#[test]
fn a_fence_that_is_told_twice_counts_once() {
    let mut cluster = Cluster::placed_on(&[1, 2, 3]);
    assert_eq!(cluster.plan(1, &[1, 2, 4]), DONE);
    assert_eq!(cluster.copied(4, 2), DONE);
    assert_eq!(cluster.fenced(1, 2), DONE);
    let version = cluster.0.topology().version;
    assert_eq!(cluster.fenced(1, 2), DONE);
    cluster.still_moves();
    assert_eq!(cluster.0.topology().version, version);
}

#[test]
fn a_lost_node_in_the_target_blocks_the_move_until_it_is_planned_anew() {
    let mut cluster = Cluster::placed_on(&[1, 2, 3]);
    assert_eq!(cluster.plan(1, &[1, 2, 4]), DONE);
    assert_eq!(cluster.copied(4, 2), DONE);
    assert_eq!(cluster.set(4, NodeState::Lost), DONE);
    assert_eq!(cluster.fenced(1, 2), DONE);
    assert_eq!(cluster.fenced(2, 2), DONE);
    cluster.still_moves();
    assert_eq!(cluster.set(4, NodeState::Removed), Err(Refusal::NodeInUse));
    assert_eq!(cluster.plan(2, &[1, 2, 5]), DONE);
    for node in [1, 2] {
        assert_eq!(cluster.fenced(node, 3), DONE);
    }
    assert_eq!(cluster.copied(5, 3), DONE);
    cluster.ends_on(4, &[1, 2, 5]);
    assert_eq!(cluster.set(4, NodeState::Removed), DONE);
}

#[test]
fn a_lost_replica_is_not_waited_for() {
    let mut cluster = Cluster::placed_on(&[1, 2, 3]);
    assert_eq!(cluster.set(3, NodeState::Lost), DONE);
    assert_eq!(cluster.plan(1, &[1, 2, 4]), DONE);
    assert_eq!(cluster.copied(4, 2), DONE);
    assert_eq!(cluster.fenced(1, 2), DONE);
    cluster.still_moves();
    assert_eq!(cluster.fenced(2, 2), DONE);
    cluster.ends_on(3, &[1, 2, 4]);
    assert_eq!(cluster.set(3, NodeState::Removed), DONE);
}

/// What only the two lost ones had is gone. The group must not refuse writes for ever because of that.
#[test]
fn when_most_replicas_are_lost_the_move_waits_for_those_that_are_left() {
    let mut cluster = Cluster::placed_on(&[1, 2, 3]);
    assert_eq!(cluster.set(2, NodeState::Lost), DONE);
    assert_eq!(cluster.set(3, NodeState::Lost), DONE);
    assert_eq!(cluster.plan(1, &[1, 4, 5]), DONE);
    assert_eq!(cluster.copied(4, 2), DONE);
    assert_eq!(cluster.copied(5, 2), DONE);
    cluster.still_moves();
    assert_eq!(cluster.fenced(1, 2), DONE);
    cluster.ends_on(3, &[1, 4, 5]);
}

#[test]
fn a_fence_of_a_lost_replica_does_not_stand_for_one_that_is_left() {
    let mut cluster = Cluster::placed_on(&[1, 2, 3]);
    assert_eq!(cluster.plan(1, &[1, 4, 5]), DONE);
    assert_eq!(cluster.copied(4, 2), DONE);
    assert_eq!(cluster.fenced(2, 2), DONE);
    assert_eq!(cluster.set(2, NodeState::Lost), DONE);
    assert_eq!(cluster.set(3, NodeState::Lost), DONE);
    assert_eq!(cluster.copied(5, 2), DONE);
    cluster.still_moves();
    assert_eq!(cluster.fenced(1, 2), DONE);
    cluster.ends_on(3, &[1, 4, 5]);
}

#[test]
fn a_group_that_was_never_made_does_not_move() {
    let mut cluster = Cluster::placed_on(&[1]);
    let group = PlacementGroup(1);
    let planned = PlannedMove { group, epoch: PlacementEpoch(1), target: nodes(&[2]) };
    assert_eq!(cluster.0.run(CommandBody::MovePlacement { moves: vec![planned] }), MALFORMED);
    let fenced = vec![Fence { group, epoch: PlacementEpoch(1) }];
    let node = NodeId(1);
    assert_eq!(cluster.0.run(CommandBody::PlacementProgress { node, fenced, copied: vec![] }), MALFORMED);
}

#[test]
fn all_groups_are_made_and_moved_within_the_bound_of_one_command() {
    let mut cluster = Cluster::without_placement();
    let most = u16::try_from(CommandBody::PLACEMENTS_MAX).expect("it fits");
    assert_eq!(cluster.place(vec![nodes(&[1]); most.into()]), DONE);
    let groups = || (0..most).map(PlacementGroup);
    let to = |group| PlannedMove { group, epoch: PlacementEpoch(1), target: nodes(&[2]) };
    let moves: Vec<PlannedMove> = groups().map(to).collect();
    let too_many = [moves.clone(), vec![to(PlacementGroup(0))]].concat();
    assert_eq!(cluster.0.run(CommandBody::MovePlacement { moves: too_many }), MALFORMED);
    assert_eq!(cluster.0.run(CommandBody::MovePlacement { moves }), DONE);
    let all: Vec<Fence> = groups().map(|group| Fence { group, epoch: PlacementEpoch(2) }).collect();
    let mut progress = |node, fenced, copied| {
        cluster.0.run(CommandBody::PlacementProgress { node: NodeId(node), fenced, copied })
    };
    assert_eq!(progress(1, all.clone(), vec![]), DONE);
    let too_many = [all.clone(), vec![all[0]]].concat();
    assert_eq!(progress(2, vec![], too_many), MALFORMED);
    assert_eq!(progress(2, vec![], all), DONE);
    let placements = cluster.0.topology().placements;
    assert!(placements.iter().all(|placement| placement.replicas == nodes(&[2]) && !placement.moves()));
}
