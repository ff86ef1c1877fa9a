//! Where data goes: rules of replica sets, the first map of a cluster, and the stored hash of blobs.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test's helpers are tests")]

use esker_durability::{
    Domain, PlacementEpoch, PlacementError, PlacementMap, ReplicaSet, ReplicationRule, StorageNode, Topology,
    TopologyError,
};
use esker_types::{BlobId, DataId, GroupId, NodeId};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU8, NonZeroU16};

fn node(id: u64, weight: u32, zone: &str, host: &str) -> StorageNode {
    StorageNode { id: NodeId(id), weight, domain: Domain { zone: zone.into(), host: host.into() } }
}

fn map(nodes: Vec<StorageNode>, groups: u16) -> PlacementMap {
    let topology = Topology::new(nodes).unwrap();
    PlacementMap::first(&topology, ReplicationRule::default(), NonZeroU16::new(groups).unwrap())
}

fn groups_per_node(map: &PlacementMap) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    map.sets().iter().flat_map(ReplicaSet::nodes).for_each(|node| *counts.entry(node.0).or_default() += 1);
    counts
}

#[test]
fn a_topology_has_nodes_with_weights_each_once() {
    assert_eq!(Topology::new([]), Err(TopologyError::NoNode));
    assert_eq!(Topology::new([node(1, 0, "", "")]), Err(TopologyError::NoWeight(NodeId(1))));
    let twice = [node(1, 1, "", "a"), node(1, 1, "", "b")];
    assert_eq!(Topology::new(twice), Err(TopologyError::Twice(NodeId(1))));
}

#[test]
fn a_map_has_sets_and_a_set_has_nodes_each_once() {
    assert_eq!(ReplicaSet::new(vec![]), Err(PlacementError::NoNode));
    let twice = vec![NodeId(1), NodeId(2), NodeId(1)];
    assert_eq!(ReplicaSet::new(twice), Err(PlacementError::Twice(NodeId(1))));
    assert_eq!(PlacementMap::new(PlacementEpoch(1), vec![]), Err(PlacementError::Groups(0)));
    let set = ReplicaSet::new(vec![NodeId(1)]).unwrap();
    let many = vec![set; 65_536];
    assert_eq!(PlacementMap::new(PlacementEpoch(1), many), Err(PlacementError::Groups(65_536)));
}

#[test]
fn a_write_quorum_is_a_majority() {
    let quorum = |n: u64| ReplicaSet::new((0..n).map(NodeId).collect()).unwrap().write_quorum();
    assert_eq!([1, 2, 3, 4, 5].map(quorum), [1, 2, 2, 3, 3]);
}

#[test]
fn there_are_three_replicas_or_as_many_as_there_are_nodes() {
    let rule = ReplicationRule::default();
    assert_eq!([1, 2, 3, 4, 100].map(|nodes| rule.replicas_among(nodes)), [1, 2, 3, 3, 3]);
    assert_eq!(ReplicationRule::new(NonZeroU8::new(5).unwrap()).replicas_among(9), 5);
}

#[test]
fn one_node_holds_everything() {
    let groups = NonZeroU16::new(64).unwrap();
    let map = PlacementMap::first(&Topology::single(NodeId(7)), ReplicationRule::default(), groups);
    assert_eq!(map.epoch(), PlacementEpoch(1));
    assert_eq!(map.sets().len(), 64);
    assert!(map.sets().iter().all(|set| set.nodes() == [NodeId(7)]));
}

#[test]
fn three_zones_get_one_replica_each_whatever_their_sizes() {
    let map = map(
        vec![
            node(1, 100, "a", "1"),
            node(2, 100, "a", "2"),
            node(3, 100, "a", "3"),
            node(4, 10, "b", "4"),
            node(5, 10, "c", "5"),
        ],
        100,
    );
    for set in map.sets() {
        let zones: BTreeSet<_> = set.nodes().iter().map(|node| node.0.saturating_sub(3)).collect();
        assert_eq!(zones.len(), 3, "{set:?}");
    }
}

#[test]
fn nodes_of_one_host_share_a_set_only_if_they_must() {
    let map =
        map(vec![node(1, 9, "", "x"), node(2, 9, "", "x"), node(3, 1, "", "y"), node(4, 1, "", "z")], 50);
    assert!(
        map.sets().iter().all(|set| !(set.nodes().contains(&NodeId(1)) && set.nodes().contains(&NodeId(2))))
    );
}

#[test]
fn shares_follow_weights() {
    let nodes = (1..=6u64).map(|id| node(id, if id <= 3 { 2 } else { 1 }, "", &id.to_string())).collect();
    let counts = groups_per_node(&map(nodes, 300));
    assert_eq!(counts.values().copied().collect::<Vec<_>>(), [200, 200, 200, 100, 100, 100]);
}

#[test]
fn the_placement_group_of_a_blob_is_golden() {
    let set = ReplicaSet::new(vec![NodeId(1)]).unwrap();
    let map = PlacementMap::new(PlacementEpoch(1), vec![set; 256]).unwrap();
    let data = DataId::new(1_700_000_000_123, GroupId(5), 42);
    let groups: Vec<_> = (0..8).map(|chunk| map.group_of(BlobId { data, chunk }).0).collect();
    assert_eq!(groups, [157, 40, 241, 19, 233, 224, 56, 159]);
}

#[test]
fn blobs_spread_evenly_over_groups() {
    let sets = (0..100).map(|id| ReplicaSet::new(vec![NodeId(id)]).unwrap()).collect();
    let map = PlacementMap::new(PlacementEpoch(1), sets).unwrap();
    let mut counts = BTreeMap::<u64, u32>::new();
    for n in 0..50_000u64 {
        // Ids of one second and one group: only the low bits differ much.
        let blob = BlobId { data: DataId::new(1_700_000_000_000 + n % 1000, GroupId(0), n), chunk: 0 };
        *counts.entry(map.replicas_of(blob).nodes()[0].0).or_default() += 1;
    }
    assert_eq!(counts.len(), 100);
    assert!(counts.values().all(|count| (380..=620).contains(count)), "{counts:?}");
}

proptest! {
    #[test]
    fn a_first_map_is_valid_balanced_and_reproducible(
        nodes in proptest::collection::vec((1u32..9, 0u8..3, 0u8..4), 1..12),
        groups in 1u16..200,
    ) {
        let nodes: Vec<_> = nodes.iter().zip(1..)
            .map(|((weight, zone, host), id)| node(id, *weight, &zone.to_string(), &host.to_string()))
            .collect();
        let map = map(nodes.clone(), groups);
        prop_assert_eq!(map.sets().len(), usize::from(groups));
        for set in map.sets() {
            prop_assert_eq!(set.nodes().len(), nodes.len().min(3));
            prop_assert_eq!(ReplicaSet::new(set.nodes().to_vec()), Ok(set.clone()));
            // No replica could have gone to a zone that has none.
            let zone = |id: &NodeId| &nodes[id.0 as usize - 1].domain.zone;
            let used: BTreeSet<_> = set.nodes().iter().map(zone).collect();
            let all: BTreeSet<_> = nodes.iter().map(|node| &node.domain.zone).collect();
            prop_assert_eq!(used.len(), all.len().min(set.nodes().len()));
        }
        prop_assert_eq!(self::map(nodes.into_iter().rev().collect(), groups), map);
    }
}
