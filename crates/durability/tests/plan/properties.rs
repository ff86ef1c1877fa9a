//! What holds of every plan, for clusters of all shapes.

use crate::cluster::{Cluster, node};
use esker_durability::{Domain, PlanNode, Standing};
use esker_types::NodeId;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// How many pairs of nodes share a zone, and how many a host.
fn crowding(nodes: &[&PlanNode]) -> (usize, usize) {
    let pairs = || (0..nodes.len()).flat_map(|a| (0..a).map(move |b| (&nodes[a].domain, &nodes[b].domain)));
    (pairs().filter(|(a, b)| a.zone == b.zone).count(), pairs().filter(|(a, b)| a == b).count())
}

/// The best that any `size` of the nodes can do.
fn least_crowding(nodes: &[&PlanNode], size: usize) -> (usize, usize) {
    let subsets = (0u32..1 << nodes.len()).filter(|bits| bits.count_ones() as usize == size);
    let crowdings = subsets.map(|bits| {
        let chosen: Vec<_> = (0..nodes.len()).filter(|at| bits & 1 << at != 0).map(|at| nodes[at]).collect();
        crowding(&chosen)
    });
    crowdings.min().unwrap_or((0, 0))
}

fn standing(kind: u8) -> Standing {
    match kind {
        0 => Standing::Leaves,
        1 => Standing::Gone,
        _ => Standing::Stays,
    }
}

/// A cluster that was placed when it had only some of its nodes, and other settings; then things happened to them.
fn changed_cluster() -> impl Strategy<Value = Cluster> {
    let nodes = proptest::collection::vec((1u32..6, 0u8..3, 0u8..4, 0u8..8, any::<bool>()), 2..9);
    (nodes, 1u16..40, 1u8..5, 1u8..5).prop_map(|(nodes, groups, before, after)| {
        let at_first = |at: usize| at == 0 || nodes[at].4;
        let domain = |at: usize| Domain { zone: nodes[at].1.to_string(), host: nodes[at].2.to_string() };
        let made = (0..nodes.len()).map(|at| PlanNode { domain: domain(at), ..node(at as u64, nodes[at].0) });
        let mut cluster = Cluster::new(made.collect(), before);
        let all = cluster.nodes.clone();
        cluster.nodes = (0..all.len()).filter(|at| at_first(*at)).map(|at| all[at].clone()).collect();
        cluster.place(groups);
        cluster.nodes = all;
        cluster.nodes.iter_mut().zip(&nodes).for_each(|(node, spec)| node.standing = standing(spec.3));
        cluster.replicas = after;
        cluster
    })
}

/// The same without zones and hosts that would forbid anything, and with the same number of replicas.
fn free_cluster(
    weight: Range<u32>,
    groups: Range<u16>,
    nodes: Range<usize>,
) -> impl Strategy<Value = Cluster> {
    let nodes = proptest::collection::vec((weight, 0u8..8, any::<bool>()), nodes);
    (nodes, groups, 1u8..5).prop_map(|(nodes, groups, replicas)| {
        let all: Vec<_> = (0..).zip(&nodes).map(|(id, spec)| node(id, spec.0)).collect();
        let mut cluster = Cluster::new(all.clone(), replicas);
        cluster.nodes = all
            .iter()
            .zip(&nodes)
            .enumerate()
            .filter(|(at, (_, spec))| *at < 4 || spec.2)
            .map(|(_, (node, _))| node.clone())
            .collect();
        cluster.place(groups);
        cluster.nodes = all;
        cluster.nodes.iter_mut().zip(&nodes).for_each(|(node, spec)| node.standing = standing(spec.1));
        cluster
    })
}

/// Nodes of which one could give a replica to the other and both would be less full than it is now.
fn uneven(cluster: &Cluster) -> Vec<(NodeId, NodeId)> {
    let counts = cluster.counts();
    let held = |node: &PlanNode| counts.get(&node.id).copied().unwrap_or(0);
    let staying = cluster.staying();
    let pairs = staying.iter().flat_map(|a| staying.iter().map(move |b| (*a, *b)));
    let uneven = pairs.filter(|(a, b)| (held(b) + 1) * (a.weight as usize) < held(a) * (b.weight as usize));
    uneven.map(|(a, b)| (a.id, b.id)).collect()
}

/// How many replicas each node has that stays.
fn held(cluster: &Cluster) -> Vec<usize> {
    let counts = cluster.counts();
    cluster.staying().iter().map(|node| counts.get(&node.id).copied().unwrap_or(0)).collect()
}

/// The fewest moves that leave nodes of equal weight within one of each other, if only their number mattered.
fn moves_needed(cluster: &Cluster) -> usize {
    let mut held = held(cluster);
    let total = cluster.sets.len() * held.len().min(usize::from(cluster.replicas));
    held.sort_unstable_by(|a, b| b.cmp(a));
    let share = |rank: usize| total / held.len() + usize::from(rank < total % held.len());
    held.iter().enumerate().map(|(rank, held)| share(rank).saturating_sub(*held)).sum()
}

/// The fewest moves of all placements that leave nodes within one of each other, by looking at every one.
fn fewest_moves(cluster: &Cluster) -> usize {
    let staying: Vec<NodeId> = cluster.staying().iter().map(|node| node.id).collect();
    let size = staying.len().min(usize::from(cluster.replicas));
    let subsets: Vec<u32> =
        (0u32..1 << staying.len()).filter(|bits| bits.count_ones() as usize == size).collect();
    // What each node has, to the fewest moves that lead there.
    let mut reached = BTreeMap::from([(vec![0usize; staying.len()], 0usize)]);
    for old in &cluster.sets {
        let mut next = BTreeMap::new();
        for (held, moves) in &reached {
            for bits in &subsets {
                let (mut held, mut moves) = (held.clone(), *moves);
                for at in (0..staying.len()).filter(|at| bits & 1 << at != 0) {
                    held[at] += 1;
                    moves += usize::from(!old.contains(&staying[at]));
                }
                let best = next.entry(held).or_insert(moves);
                *best = moves.min(*best);
            }
        }
        reached = next;
    }
    let level =
        |held: &[usize]| held.iter().max().zip(held.iter().min()).is_none_or(|(max, min)| max - min <= 1);
    reached.into_iter().filter(|(held, _)| level(held)).map(|(_, moves)| moves).min().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn sets_are_complete_and_never_shrink_for_want_of_nodes(mut cluster in changed_cluster()) {
        let old = cluster.sets.clone();
        cluster.apply();
        let staying: Vec<NodeId> = cluster.staying().iter().map(|node| node.id).collect();
        let wanted = usize::from(cluster.replicas);
        for (old, new) in old.iter().zip(&cluster.sets) {
            let stay = new.iter().filter(|id| staying.contains(id)).count();
            prop_assert!((1..new.len()).all(|at| !new[..at].contains(&new[at])), "{new:?}");
            prop_assert_eq!(stay, staying.len().min(wanted), "of nodes that stay there are as many as can be");
            prop_assert!(new.iter().all(|id| staying.contains(id) || old.contains(id)), "{old:?} {new:?}");
            prop_assert!(new.len() >= old.len().min(wanted) && new.len() <= wanted, "{old:?} {new:?}");
        }
    }

    #[test]
    fn sets_are_spread_as_well_as_nodes_allow(mut cluster in changed_cluster()) {
        cluster.apply();
        let staying = cluster.staying();
        let size = staying.len().min(usize::from(cluster.replicas));
        let least = least_crowding(&staying, size);
        for set in &cluster.sets {
            let members: Vec<_> = staying.iter().filter(|node| set.contains(&node.id)).copied().collect();
            prop_assert_eq!(crowding(&members), least, "{:?}", members);
        }
    }

    #[test]
    fn planning_again_changes_nothing(mut cluster in changed_cluster()) {
        cluster.apply();
        prop_assert_eq!(cluster.apply().changes, []);
    }

    #[test]
    fn what_is_uneven_can_t_be_helped_by_one_move(mut cluster in changed_cluster()) {
        cluster.apply();
        for (full, empty) in uneven(&cluster) {
            for set in cluster.sets.iter().filter(|set| set.contains(&full) && !set.contains(&empty)) {
                let members = |with: NodeId| -> Vec<_> {
                    let ids = set.iter().map(|id| if *id == full { with } else { *id });
                    ids.map(|id| cluster.node(id)).collect()
                };
                prop_assert!(crowding(&members(empty)) > crowding(&members(full)), "{full} {empty} {set:?}");
            }
        }
    }

    #[test]
    fn where_domains_allow_everything_nodes_are_level(mut cluster in free_cluster(1..9, 1..60, 2..12)) {
        cluster.apply();
        for (full, empty) in uneven(&cluster) {
            let helps = |set: &Vec<NodeId>| set.contains(&full) && !set.contains(&empty);
            prop_assert!(!cluster.sets.iter().any(helps), "{full} could give to {empty}");
        }
    }

    #[test]
    fn equal_nodes_are_within_one_by_the_fewest_moves(mut cluster in free_cluster(1..2, 1..7, 2..7)) {
        let fewest = fewest_moves(&cluster);
        let moved = cluster.apply().moved;
        let held = held(&cluster);
        prop_assert!(held.iter().max().zip(held.iter().min()).is_none_or(|(max, min)| max - min <= 1), "{held:?}");
        prop_assert_eq!(moved, fewest);
    }

    #[test]
    fn nodes_that_join_take_their_share_and_nothing_else_moves(mut cluster in free_cluster(1..2, 1..200, 4..12)) {
        cluster.nodes.iter_mut().for_each(|node| node.standing = Standing::Stays);
        let needed = moves_needed(&cluster);
        prop_assert_eq!(cluster.apply().moved, needed);
    }
}
