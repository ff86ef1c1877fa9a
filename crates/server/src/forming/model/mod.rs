//! Forming under every order of starts, crashes, lost and late messages, and emptied data directories.

mod world;

use super::{Decision, Own, Plan, accept, decide};
use esker_rpc::Formation;
use esker_storage::Standing;
use esker_types::{ClusterId, NodeId};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use world::{Event, World};

fn events(wipes: u32) -> impl Strategy<Value = Vec<Event>> {
    let node = 0..4_usize;
    let step = (
        0..4_usize,
        prop_oneof![3 => Just(u8::MAX), 1 => any::<u8>()],
        prop_oneof![1 => 0..3_usize, 3 => Just(9)],
    );
    let event = prop_oneof![
        4 => node.clone().prop_map(Event::Start),
        1 => node.clone().prop_map(Event::Crash),
        wipes => node.clone().prop_map(Event::Wipe),
        8 => step.prop_map(|(node, heard, done)| Event::Step { node, heard, done }),
        2 => (0..8_usize).prop_map(Event::Arrive),
        2 => node.prop_map(Event::Notice),
    ];
    prop::collection::vec(event, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// The assertions are in `World::begin`: never two clusters, never one over a node of another.
    #[test]
    fn no_cluster_begins_over_another_whatever_happens(count in 1..5_usize, events in events(1)) {
        let mut world = World::new(count);
        for event in events {
            world.happen(event);
        }
        world.calm();
        let ever: BTreeSet<_> = world.clusters().into_iter().flatten().collect();
        let alive = world.begun.keys().filter(|cluster| ever.contains(*cluster));
        prop_assert!(alive.count() <= 1, "two clusters have nodes");
    }

    #[test]
    fn without_emptied_directories_one_cluster_of_all_is_formed_in_the_end(
        count in 1..5_usize,
        mut events in events(1),
    ) {
        events.retain(|event| !matches!(event, Event::Wipe(_)));
        let mut world = World::new(count);
        for event in events {
            world.happen(event);
        }
        world.calm();
        prop_assert!(world.is_formed());
        prop_assert_eq!(world.begun.len(), 1);
    }

    /// Emptying a directory of a node that does not coordinate, before the group begins, costs nothing.
    #[test]
    fn a_peer_may_be_emptied_before_the_group_begins(count in 2..5_usize, events in events(3)) {
        let mut world = World::new(count);
        for event in events {
            let harmful = matches!(event, Event::Wipe(at) if at % count == 0)
                || matches!(event, Event::Wipe(_)) && world.nodes[0].own.plan.as_ref().is_some_and(Plan::has_begun);
            if !harmful {
                world.happen(event);
            }
        }
        world.calm();
        prop_assert!(world.is_formed());
    }
}

#[test]
fn an_emptied_member_joins_the_cluster_that_is_there() {
    for wiped in 0..3 {
        let mut world = World::new(3);
        world.calm();
        assert!(world.is_formed());
        world.wipe(wiped);
        world.calm();
        assert!(world.is_formed(), "node {wiped}");
        assert_eq!(world.begun.len(), 1, "the coordinator, too, must not form anew");
    }
}

#[test]
fn a_lost_coordinator_is_told_to_the_operator() {
    let mut world = World::new(3);
    world.nodes.iter_mut().for_each(|node| node.runs = true);
    // It plans and tells, then its directory is deleted.
    world.step(0, u8::MAX, usize::MAX);
    world.step(0, u8::MAX, usize::MAX);
    world.wipe(0);
    world.calm();
    assert!(world.begun.is_empty());
    let answers = (1..3).map(|at| (world.nodes[at].own.address.clone(), world.hello(at))).collect();
    let Decision::Wait(why) = decide(&world.nodes[0].own, &answers) else { panic!("waits") };
    assert!(why.contains("empty its data directory if that cluster never began"), "{why}");
}

#[test]
fn different_lists_of_peers_and_shared_addresses_are_told() {
    let mut world = World::new(2);
    world.nodes.iter_mut().for_each(|node| node.runs = true);
    let ask = |world: &World| {
        let answers = BTreeMap::from([("b:9100".to_owned(), world.hello(1))]);
        match decide(&world.nodes[0].own, &answers) {
            Decision::Wait(why) => why,
            other => panic!("{other:?}"),
        }
    };
    world.nodes[1].own.peers.push("c:9100".to_owned());
    assert!(ask(&world).contains("\"a:9100,b:9100,c:9100\", to have the same"), "{}", ask(&world));
    world.nodes[1].own.peers.pop();
    world.nodes[1].own.node = world.nodes[0].own.node;
    assert!(ask(&world).contains("lead to the same node"), "{}", ask(&world));
    world.nodes[1].own.node = NodeId(77);
    world.nodes[1].own.address = "x:9100".to_owned();
    assert!(ask(&world).contains("says that its address is \"x:9100\""), "{}", ask(&world));
}

#[test]
fn a_node_takes_part_only_in_what_it_was_told_to() {
    let world = World::new(2);
    let own = &world.nodes[1].own;
    let members: Vec<_> = world.nodes.iter().map(|node| (node.own.node, node.own.address.clone())).collect();
    let formation = Formation { cluster: ClusterId::from_bytes([1; 16]), members };
    assert_eq!(accept(own, &formation), Ok(()));
    let not_a_peer = Own { peers: Vec::new(), ..own.clone() };
    assert!(accept(&not_a_peer, &formation).unwrap_err().contains("--peers"));
    let newer = Own { node: NodeId(99), ..own.clone() };
    assert!(accept(&newer, &formation).unwrap_err().contains("another node now"));
    let others = Own { peers: vec!["b:9100".to_owned(), "c:9100".to_owned()], ..own.clone() };
    assert!(accept(&others, &formation).unwrap_err().contains("the peers of b:9100 are b:9100,c:9100"));
    let taken = Own { standing: Standing::Member(ClusterId::from_bytes([2; 16])), ..own.clone() };
    assert!(accept(&taken, &formation).unwrap_err().contains("belongs to cluster"));
    let again = Own { standing: Standing::Adopted(formation.cluster), ..own.clone() };
    assert_eq!(accept(&again, &formation), Ok(()));
}
