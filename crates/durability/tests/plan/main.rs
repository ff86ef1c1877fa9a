//! Which nodes get which groups: the first placement, what changes when nodes come and go, and what is begun when.

#![allow(clippy::unwrap_used, reason = "a test's helpers are tests")]

mod cluster;
mod properties;

use cluster::{Cluster, node, zoned};
use esker_durability::{Change, Reason, Standing, batch};
use esker_types::{NodeId, PlacementGroup};
use std::collections::BTreeSet;

/// Nodes 1 to `count`, each on a host of its own.
fn equal(count: u64) -> Cluster {
    Cluster::new((1..=count).map(|id| node(id, 1)).collect(), 3)
}

#[test]
fn one_node_holds_everything_and_none_nothing() {
    let mut one = equal(1);
    one.place(64);
    assert!(one.sets.len() == 64 && one.sets.iter().all(|set| *set == [NodeId(1)]));
    let mut none = equal(1);
    none.stand(1, Standing::Leaves);
    none.place(64);
    assert!(none.sets.is_empty());
}

#[test]
fn a_first_placement_is_reproducible_whatever_the_order_of_the_nodes() {
    let (mut a, mut b) = (equal(7), equal(7));
    b.nodes.reverse();
    a.place(100);
    b.place(100);
    assert_eq!(a.sets, b.sets);
    assert!(a.counts().values().all(|count| (42..=43).contains(count)), "{:?}", a.counts());
}

#[test]
fn three_zones_get_one_replica_each_whatever_their_sizes() {
    let zones = ["a", "a", "a", "b", "c"];
    let nodes = (1..).zip(zones).map(|(id, zone)| zoned(node(id, 10), zone));
    let mut cluster = Cluster::new(nodes.collect(), 3);
    cluster.place(100);
    for set in &cluster.sets {
        let zones: BTreeSet<_> = set.iter().map(|id| cluster.node(*id).domain.zone.clone()).collect();
        assert_eq!(zones.len(), 3, "{set:?}");
    }
    let counts: Vec<_> = cluster.counts().into_values().collect();
    assert_eq!(counts, [34, 33, 33, 100, 100]);
}

#[test]
fn nodes_of_one_host_share_a_set_only_if_they_must() {
    let mut cluster = equal(4);
    cluster.nodes[1].domain.host = cluster.nodes[0].domain.host.clone();
    cluster.place(50);
    let both = |set: &Vec<NodeId>| set.contains(&NodeId(1)) && set.contains(&NodeId(2));
    assert!(!cluster.sets.iter().any(both));
    cluster.stand(4, Standing::Gone);
    cluster.apply();
    assert!(cluster.sets.iter().all(both));
}

#[test]
fn shares_follow_weights() {
    let nodes = (1..=6).map(|id| node(id, if id <= 3 { 2 } else { 1 })).collect();
    let mut cluster = Cluster::new(nodes, 3);
    cluster.place(300);
    assert_eq!(cluster.counts().into_values().collect::<Vec<_>>(), [200, 200, 200, 100, 100, 100]);
}

#[test]
fn a_fourth_node_takes_a_quarter_and_a_third_of_it_from_each() {
    let mut cluster = equal(3);
    cluster.place(128);
    cluster.nodes.push(node(4, 1));
    let plan = cluster.apply();
    assert_eq!(plan.moved, 96);
    assert!(plan.changes.iter().all(|change| change.reason == Reason::Balances));
    assert_eq!(cluster.counts().into_values().collect::<Vec<_>>(), [96, 96, 96, 96]);
}

#[test]
fn sets_grow_with_the_cluster_until_they_are_complete() {
    let mut cluster = equal(1);
    cluster.place(128);
    for (id, size) in [(2, 2), (3, 3), (4, 3), (5, 3)] {
        cluster.nodes.push(node(id, 1));
        let plan = cluster.apply();
        assert!(cluster.sets.iter().all(|set| set.len() == size));
        if id <= 3 {
            assert!(plan.changes.len() == 128 && plan.changes.iter().all(|c| c.reason == Reason::Grows));
        }
    }
    let counts: Vec<_> = cluster.counts().into_values().collect();
    assert!(counts.iter().all(|count| (76..=77).contains(count)), "{counts:?}");
}

#[test]
fn a_node_that_leaves_or_is_gone_is_replaced_and_nothing_else_moves() {
    for (standing, reason) in [(Standing::Leaves, Reason::Leaves), (Standing::Gone, Reason::Gone)] {
        let mut cluster = equal(5);
        cluster.place(100);
        let held = cluster.counts()[&NodeId(5)];
        cluster.stand(5, standing);
        let plan = cluster.apply();
        assert_eq!((plan.moved, plan.changes.len()), (held, held));
        assert!(plan.changes.iter().all(|change| change.reason == reason));
        assert!(!cluster.counts().contains_key(&NodeId(5)));
    }
}

#[test]
fn a_node_that_nobody_knows_any_more_is_gone() {
    let mut cluster = equal(4);
    cluster.place(40);
    cluster.nodes.pop();
    assert!(cluster.apply().changes.iter().all(|change| change.reason == Reason::Gone));
    assert!(!cluster.counts().contains_key(&NodeId(4)));
}

#[test]
fn without_a_substitute_a_node_that_leaves_or_is_gone_stays_in_its_sets() {
    for standing in [Standing::Leaves, Standing::Gone] {
        let mut cluster = equal(3);
        cluster.place(64);
        cluster.stand(2, standing);
        assert_eq!(cluster.apply().changes, []);
        cluster.nodes.push(node(4, 1));
        assert_eq!(cluster.apply().moved, 64);
        assert_eq!(cluster.counts().into_values().collect::<Vec<_>>(), [64, 64, 64]);
    }
}

#[test]
fn of_two_without_substitutes_the_one_that_still_has_the_data_stays() {
    let mut cluster = equal(4);
    cluster.sets = vec![[1, 2, 3].map(NodeId).to_vec()];
    cluster.stand(1, Standing::Gone);
    cluster.stand(2, Standing::Leaves);
    cluster.apply();
    assert_eq!(cluster.sets, [[4, 2, 3].map(NodeId)]);
}

#[test]
fn fewer_replicas_are_taken_from_where_they_are_crowded_or_full() {
    let mut cluster = equal(3);
    cluster.nodes[0].domain = cluster.nodes[1].domain.clone();
    cluster.place(60);
    cluster.replicas = 2;
    let plan = cluster.apply();
    assert!(plan.moved == 0 && plan.changes.iter().all(|change| change.reason == Reason::Shrinks));
    assert_eq!(cluster.counts().into_values().collect::<Vec<_>>(), [30, 30, 60]);
}

#[test]
fn a_new_zone_gets_a_replica_of_every_group() {
    let mut cluster = equal(3);
    cluster.place(30);
    cluster.nodes.push(zoned(node(4, 1), "far"));
    assert_eq!(cluster.apply().moved, 30);
    assert_eq!(cluster.counts().into_values().collect::<Vec<_>>(), [20, 20, 20, 30]);
}

fn change(group: u16, reason: Reason) -> Change {
    Change { group: PlacementGroup(group), target: vec![NodeId(1)], reason }
}

fn begun(plan: &[Change], in_flight: &[u16], max: usize) -> Vec<u16> {
    let in_flight = in_flight.iter().copied().map(PlacementGroup).collect();
    batch(plan, &in_flight, max).into_iter().map(|change| change.group.0).collect()
}

#[test]
fn so_many_groups_move_at_a_time_and_the_most_urgent_first() {
    let plan = [
        change(1, Reason::Balances),
        change(2, Reason::Leaves),
        change(3, Reason::Gone),
        change(4, Reason::Gone),
        change(5, Reason::Grows),
    ];
    assert_eq!(begun(&plan, &[], 9), [3, 4, 5, 2, 1]);
    assert_eq!(begun(&plan, &[], 3), [3, 4, 5]);
    assert_eq!(begun(&plan, &[7, 8], 3), [3]);
    assert_eq!(begun(&plan, &[6, 7, 8], 3), [0u16; 0]);
    assert_eq!(begun(&plan, &[6, 7, 8, 9], 3), [0u16; 0], "the limit may have been lowered");
}

#[test]
fn a_group_on_the_move_is_replanned_only_if_its_target_is_gone() {
    let plan = [change(1, Reason::Balances), change(2, Reason::Leaves), change(3, Reason::Gone)];
    assert_eq!(begun(&plan, &[1, 2, 3], 3), [3]);
    assert_eq!(begun(&plan, &[1, 3], 3), [3, 2]);
}

#[test]
fn a_large_cluster_of_uneven_zones_is_planned_while_one_waits() {
    let nodes = (0..80).map(|id| {
        let zone = ["a", "a", "a", "a", "b", "b", "c"][usize::try_from(id % 7).unwrap()];
        zoned(node(id, 1 + u32::try_from(id % 5).unwrap()), zone)
    });
    let mut cluster = Cluster::new(nodes.collect(), 3);
    cluster.place(512);
    (70..80).for_each(|id| {
        cluster.stand(id, [Standing::Gone, Standing::Leaves][usize::try_from(id % 2).unwrap()]);
    });
    cluster.nodes.extend((80..90).map(|id| zoned(node(id, 3), "c")));
    assert!(cluster.apply().moved < 512);
    assert_eq!(cluster.apply().changes, []);
}
