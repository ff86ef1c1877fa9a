//! Nodes of a cluster: how they join, stand and leave.

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod support;

use esker_index::command::CommandBody;
use esker_index::outcome::{Done, Outcome, Refusal};
use esker_index::query::{Answer, Query};
use esker_types::{ClusterSettings, GroupId, NodeId, NodeInfo, NodeRole, NodeRoles, NodeState};
use std::num::NonZeroU8;
use support::rows::Group;

const DONE: Outcome = Ok(Done::Nothing);

fn info(address: &str) -> NodeInfo {
    NodeInfo {
        address: address.into(),
        roles: NodeRoles::ALL,
        zone: "z".into(),
        host: "h".into(),
        weight: 10,
    }
}

fn register(node: u64, address: &str) -> CommandBody {
    CommandBody::RegisterNode { node: NodeId(node), info: info(address) }
}

fn set(node: u64, state: NodeState) -> CommandBody {
    CommandBody::SetNodeState { node: NodeId(node), state }
}

/// Three nodes, `a:1` to `a:3`, and one placement group on the first two.
fn cluster() -> Group {
    let mut group = Group::new(GroupId(0));
    for node in 1..=3 {
        assert_eq!(group.run(register(node, &format!("a:{node}"))), DONE);
    }
    let sets = vec![vec![NodeId(1), NodeId(2)]];
    assert_eq!(group.run(CommandBody::CreatePlacement { sets }), DONE);
    group
}

fn states(group: &Group) -> Vec<(u64, NodeState)> {
    group.topology().nodes.iter().map(|(node, record)| (node.0, record.state)).collect()
}

#[test]
fn a_node_that_joins_is_active_and_may_change_its_address() {
    let mut group = Group::new(GroupId(0));
    assert_eq!(group.topology().version, 0);
    assert_eq!(group.run(register(1, "a:1")), DONE);
    assert_eq!(group.run(register(1, "b:1")), DONE);
    let topology = group.topology();
    assert_eq!(topology.version, 2);
    assert_eq!(topology.nodes.len(), 1);
    assert_eq!(topology.nodes[0].1.info, info("b:1"));
    assert_eq!(states(&group), [(1, NodeState::Active)]);
}

#[test]
fn joining_again_keeps_a_draining_node_draining() {
    let mut group = cluster();
    assert_eq!(group.run(set(1, NodeState::Draining)), DONE);
    assert_eq!(group.run(register(1, "a:9")), DONE);
    assert_eq!(states(&group)[0], (1, NodeState::Draining));
}

#[test]
fn a_node_that_takes_over_an_address_makes_the_one_before_lost() {
    let mut group = cluster();
    assert_eq!(group.run(set(2, NodeState::Draining)), DONE);
    assert_eq!(group.run(register(4, "a:1")), DONE);
    assert_eq!(group.run(register(5, "a:2")), DONE);
    let lost = NodeState::Lost;
    let active = NodeState::Active;
    assert_eq!(states(&group), [(1, lost), (2, lost), (3, active), (4, active), (5, active)]);
    assert_eq!(group.run(register(1, "a:8")), Err(Refusal::NodeGone));
}

#[test]
fn a_node_that_restarts_at_the_address_of_another_one_does_not_make_that_one_lost() {
    let mut group = cluster();
    // Two machines get one another's addresses.
    assert_eq!(group.run(register(1, "a:2")), DONE);
    let nodes = group.topology().nodes;
    assert_eq!((nodes[1].1.state, nodes[1].1.info.address.as_str()), (NodeState::Active, ""));
    assert_eq!(group.run(register(2, "a:1")), DONE);
    let nodes = group.topology().nodes;
    assert_eq!((nodes[0].1.info.address.as_str(), nodes[1].1.info.address.as_str()), ("a:2", "a:1"));
    assert!(states(&group).iter().all(|(_, state)| *state == NodeState::Active));
}

#[test]
fn nodes_without_an_address_leave_one_another_alone() {
    let mut group = Group::new(GroupId(0));
    assert_eq!(group.run(register(1, "")), DONE);
    assert_eq!(group.run(register(2, "")), DONE);
    assert_eq!(states(&group), [(1, NodeState::Active), (2, NodeState::Active)]);
}

#[test]
fn lost_is_final_but_for_removal_and_removed_is_final() {
    let mut group = cluster();
    assert_eq!(group.run(set(3, NodeState::Lost)), DONE);
    for state in [NodeState::Active, NodeState::Draining] {
        assert_eq!(group.run(set(3, state)), Err(Refusal::NodeGone));
    }
    assert_eq!(group.run(set(3, NodeState::Removed)), DONE);
    for state in [NodeState::Active, NodeState::Draining, NodeState::Lost] {
        assert_eq!(group.run(set(3, state)), Err(Refusal::NodeGone));
    }
    assert_eq!(group.run(register(3, "a:3")), Err(Refusal::NodeGone));
    assert_eq!(states(&group)[2], (3, NodeState::Removed));
}

#[test]
fn a_node_that_a_placement_names_is_not_removed() {
    let mut group = cluster();
    let fail = Err(Refusal::NodeInUse);
    assert_eq!(group.run(set(1, NodeState::Removed)), fail);
    assert_eq!(group.run(set(1, NodeState::Lost)), DONE);
    assert_eq!(group.run(set(1, NodeState::Removed)), fail, "not even if it is lost");
    assert_eq!(group.run(set(3, NodeState::Removed)), DONE);
}

#[test]
fn an_unknown_node_has_no_state() {
    assert_eq!(cluster().run(set(9, NodeState::Lost)), Err(Refusal::NoSuchNode));
}

#[test]
fn what_changes_nothing_gives_no_new_version() {
    let mut group = cluster();
    group.run(set(3, NodeState::Removed)).expect("it is removed");
    let before = group.topology();
    let repeated = [
        register(1, "a:1"),
        set(1, NodeState::Active),
        set(3, NodeState::Removed),
        CommandBody::SetClusterSettings { settings: before.settings },
        CommandBody::CreatePlacement { sets: vec![vec![NodeId(2)]] },
        CommandBody::MovePlacement { moves: vec![] },
    ];
    for body in repeated {
        assert_eq!(group.run(body), DONE);
        assert_eq!(group.topology(), before);
    }
    let newer = |newer_than| group.answer(&Query::Topology { newer_than });
    assert_eq!(newer(before.version), Answer::Topology(None));
    assert_eq!(newer(before.version - 1), Answer::Topology(Some(before)));
}

#[test]
fn settings_that_no_cluster_can_have_are_refused() {
    let mut group = cluster();
    let count = |n| NonZeroU8::new(n).expect("not zero");
    let mut set = |replicas, voters| {
        let settings = ClusterSettings { replicas: count(replicas), voters: count(voters) };
        let outcome = group.run(CommandBody::SetClusterSettings { settings });
        assert_eq!(group.topology().settings == settings, outcome.is_ok());
        outcome
    };
    assert_eq!(set(2, 5), DONE);
    assert_eq!(set(2, 4), Err(Refusal::Malformed), "an even number of voters");
    assert_eq!(set(17, 3), Err(Refusal::Malformed), "more replicas than a placement may have");
}

#[test]
fn a_node_that_says_too_much_or_weighs_nothing_is_refused() {
    let mut group = Group::new(GroupId(0));
    let long = "x".repeat(CommandBody::NODE_TEXT_BYTES_MAX + 1);
    for info in [
        NodeInfo { weight: 0, ..info("a:1") },
        NodeInfo { zone: long.clone(), ..info("a:1") },
        NodeInfo { host: long.clone(), ..info("a:1") },
        info(&long),
    ] {
        let node = NodeId(1);
        assert_eq!(group.run(CommandBody::RegisterNode { node, info }), Err(Refusal::Malformed));
    }
    assert_eq!(group.topology().version, 0);
}

#[test]
fn a_cluster_that_is_full_takes_a_node_again_when_one_is_removed() {
    let mut group = Group::new(GroupId(0));
    for node in 0..CommandBody::NODES_MAX as u64 {
        assert_eq!(group.run(register(node, &format!("a:{node}"))), DONE);
    }
    assert_eq!(group.run(register(1000, "b:1")), Err(Refusal::TooManyNodes));
    assert_eq!(group.run(register(7, "b:7")), DONE, "one that is in it may still change");
    assert_eq!(group.run(set(8, NodeState::Removed)), DONE);
    assert_eq!(group.run(register(1000, "b:1")), DONE);
}

#[test]
fn groups_other_than_the_first_refuse_the_commands_of_the_cluster() {
    let mut group = Group::new(GroupId(1));
    let commands = [
        register(1, "a:1"),
        set(1, NodeState::Lost),
        CommandBody::SetClusterSettings { settings: ClusterSettings::default() },
        CommandBody::CreatePlacement { sets: vec![vec![NodeId(1)]] },
        CommandBody::MovePlacement { moves: vec![] },
        CommandBody::PlacementProgress { node: NodeId(1), fenced: vec![], copied: vec![] },
    ];
    for body in commands {
        assert_eq!(group.run(body), Err(Refusal::Malformed));
    }
    assert_eq!(group.topology().version, 0);
}

#[test]
fn a_node_may_give_up_storing_data_and_is_given_none_then() {
    let mut group = Group::new(GroupId(0));
    let roles = NodeRoles::new([NodeRole::Gateway, NodeRole::Metadata]).expect("roles");
    let info = NodeInfo { roles, ..info("a:1") };
    assert_eq!(group.run(CommandBody::RegisterNode { node: NodeId(1), info }), DONE);
    let sets = vec![vec![NodeId(1)]];
    let refused = Err(Refusal::UnfitNode { node: NodeId(1) });
    assert_eq!(group.run(CommandBody::CreatePlacement { sets }), refused);
}
