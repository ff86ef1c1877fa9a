//! In which order replicas are asked.

use esker_durability::{Health, read_order};
use esker_types::NodeId;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn order(replicas: &[u64], target: &[u64], own: Option<u64>, unwell: &[u64]) -> Vec<u64> {
    let nodes = |ids: &[u64]| ids.iter().copied().map(NodeId).collect::<Vec<_>>();
    let health = |node: NodeId| if unwell.contains(&node.0) { Health::Unwell } else { Health::Well };
    let order = read_order(&nodes(replicas), &nodes(target), own.map(NodeId), health);
    order.into_iter().map(|node| node.0).collect()
}

#[test]
fn a_reader_asks_its_own_node_first_if_it_has_the_blob() {
    assert_eq!(order(&[1, 2, 3], &[], Some(2), &[]), [2, 1, 3]);
    assert_eq!(order(&[1, 2, 3], &[], Some(2), &[2]), [2, 1, 3], "no network lies between");
    assert_eq!(order(&[1, 2, 3], &[], Some(9), &[]), [1, 2, 3]);
}

#[test]
fn unwell_nodes_are_asked_last_and_joining_ones_after_replicas() {
    assert_eq!(order(&[1, 2, 3], &[], None, &[1]), [2, 3, 1]);
    assert_eq!(order(&[1, 2, 3], &[4, 2, 3], None, &[2]), [1, 3, 4, 2]);
    assert_eq!(order(&[1, 2], &[3, 4], None, &[1, 3]), [2, 4, 1, 3]);
    assert_eq!(order(&[1, 2, 3], &[], None, &[1, 2, 3]), [1, 2, 3]);
}

proptest! {
    #[test]
    fn nobody_is_left_out_or_asked_twice(
        replicas in proptest::collection::vec(0u64..9, 0..6),
        target in proptest::collection::vec(0u64..9, 0..6),
        own in proptest::option::of(0u64..9),
        unwell in proptest::collection::vec(0u64..9, 0..9),
    ) {
        let order = order(&replicas, &target, own, &unwell);
        let all: BTreeSet<u64> = replicas.iter().chain(&target).copied().collect();
        prop_assert_eq!(order.len(), all.len());
        prop_assert_eq!(order.iter().copied().collect::<BTreeSet<_>>(), all);
        let rank = |node: &u64| (own != Some(*node), unwell.contains(node), !replicas.contains(node));
        let others: Vec<_> = order.iter().filter(|node| own != Some(**node)).map(rank).collect();
        prop_assert!(others.is_sorted(), "{order:?}");
        prop_assert!(own.is_none_or(|own| !order[1.min(order.len())..].contains(&own)), "{order:?}");
    }
}
