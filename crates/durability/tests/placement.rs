//! The nodes of a placement group, and the stored hash that blobs are placed by.

#![allow(clippy::unwrap_used, reason = "a test's helpers are tests")]

use esker_durability::{Placement, PlacementError, ReplicaSet};
use esker_types::{BlobId, DataId, GroupId, NodeId, PlacementGroup};
use std::collections::BTreeMap;
use std::num::NonZeroU16;

fn nodes(ids: &[u64]) -> Vec<NodeId> {
    ids.iter().copied().map(NodeId).collect()
}

fn moving(replicas: &[u64], target: &[u64]) -> Placement {
    Placement::new(nodes(replicas), nodes(target)).unwrap()
}

#[test]
fn a_set_has_nodes_each_once() {
    assert_eq!(ReplicaSet::new(vec![]), Err(PlacementError::NoNode));
    assert_eq!(ReplicaSet::new(nodes(&[1, 2, 1])), Err(PlacementError::Twice(NodeId(1))));
    assert_eq!(Placement::new(vec![], nodes(&[1])), Err(PlacementError::NoNode));
    assert_eq!(Placement::new(nodes(&[1]), nodes(&[2, 2])), Err(PlacementError::Twice(NodeId(2))));
}

#[test]
fn a_write_quorum_is_the_smallest_majority() {
    let sets = [1, 2, 3, 4, 5].map(|n| ReplicaSet::new((0..n).map(NodeId).collect()).unwrap());
    assert_eq!(sets.map(|set| set.write_quorum()), [1, 2, 2, 3, 3]);
}

#[test]
fn a_put_writes_to_both_sets_and_the_target_is_what_lasts() {
    let steady = moving(&[1, 2, 3], &[]);
    assert_eq!((steady.target(), steady.lasting().nodes()), (None, &nodes(&[1, 2, 3])[..]));
    assert_eq!(steady.members().collect::<Vec<_>>(), nodes(&[1, 2, 3]));
    let joint = moving(&[1, 2, 3], &[4, 3, 2]);
    assert_eq!(joint.members().collect::<Vec<_>>(), nodes(&[1, 2, 3, 4]));
    assert_eq!(joint.lasting().nodes(), nodes(&[4, 3, 2]));
}

#[test]
fn the_placement_group_of_a_blob_is_golden() {
    let data = DataId::new(1_700_000_000_123, GroupId(5), 42);
    let count = NonZeroU16::new(256).unwrap();
    let groups: Vec<_> = (0..8).map(|chunk| PlacementGroup::of(BlobId { data, chunk }, count).0).collect();
    assert_eq!(groups, [157, 40, 241, 19, 233, 224, 56, 159]);
}

#[test]
fn blobs_spread_evenly_over_groups() {
    let count = NonZeroU16::new(100).unwrap();
    let mut counts = BTreeMap::<u16, u32>::new();
    for n in 0..50_000u64 {
        // Ids of one second and one group: only the low bits differ much.
        let blob = BlobId { data: DataId::new(1_700_000_000_000 + n % 1000, GroupId(0), n), chunk: 0 };
        *counts.entry(PlacementGroup::of(blob, count).0).or_default() += 1;
    }
    assert_eq!(counts.len(), 100);
    assert!(counts.values().all(|count| (380..=620).contains(count)), "{counts:?}");
}
