//! Reading a blob from any replica.

use crate::support::{Fault, World, blob, content, state};
use esker_cluster::Damage;
use esker_rpc::StorageError;
use esker_types::{NodeId, NodeState};
use std::time::Duration;
use tokio::time::Instant;

const LENGTH: usize = 12_345;

fn unavailable() -> StorageError {
    StorageError::Unavailable("injected".to_owned())
}

fn corrupt() -> StorageError {
    StorageError::Corrupt("injected".to_owned())
}

async fn world() -> World {
    let world = World::new(3).await;
    world.everywhere(blob(1), LENGTH);
    world
}

fn damage(node: u64) -> Damage {
    Damage { node: NodeId(node), blob: blob(1) }
}

#[tokio::test(start_paused = true)]
async fn the_own_node_is_asked_first_and_alone() {
    let world = World::placed(3, vec![state(0, 1, &[3, 2, 1], &[])]).await;
    world.everywhere(blob(1), LENGTH);
    world.check(blob(1), LENGTH).await;
    let asked: Vec<usize> = (1..=3).map(|node| world.node(node).asked("get")).collect();
    assert_eq!(asked, [1, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn ranges_are_exact() {
    let world = world().await;
    for (first, length) in [(0, 1), (999, 2), (1000, 1000), (LENGTH - 1, 1), (3, LENGTH - 3)] {
        let bytes = world.read(blob(1), first, length).await;
        assert!(bytes.as_deref() == Ok(&content(blob(1), LENGTH)[first..first + length]), "{first} {length}");
    }
    assert_eq!(world.read(blob(1), LENGTH, 1).await, Err(StorageError::OutOfRange));
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_fails_at_any_byte_is_replaced_without_a_seam() {
    let faults = [0, 1, 1000, 5500, LENGTH - 1]
        .into_iter()
        .flat_map(|at| [Fault::Fail(at, unavailable()), Fault::Fail(at, corrupt()), Fault::Short(at)])
        .chain([Fault::Refuse(unavailable()), Fault::Refuse(corrupt()), Fault::Long]);
    for fault in faults {
        let world = world().await;
        world.node(1).on_gets(fault.clone());
        world.node(2).on_gets(fault.clone());
        let begun = Instant::now();
        let bytes = world.read(blob(1), 7, LENGTH - 7).await;
        assert!(bytes.as_deref() == Ok(&content(blob(1), LENGTH)[7..]), "{fault:?}");
        assert_eq!(begun.elapsed(), Duration::ZERO, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_replica_gets_company() {
    for at in [0, 1000, 11_000] {
        let world = world().await;
        world.node(1).on_gets(Fault::Stall(at));
        let begun = Instant::now();
        world.check(blob(1), LENGTH).await;
        assert_eq!(begun.elapsed(), Duration::from_millis(100), "stalled at {at}");
        assert_eq!(world.node(3).asked("get"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_replica_is_still_good_when_the_others_fail() {
    let world = world().await;
    world.node(1).on_gets(Fault::Trickle(Duration::from_millis(300)));
    world.node(2).on_gets(Fault::Fail(3000, unavailable()));
    world.node(3).on_gets(Fault::Fail(2000, unavailable()));
    world.check(blob(1), LENGTH).await;
}

#[tokio::test(start_paused = true)]
async fn when_all_stall_the_reader_is_told_so_in_bounded_time() {
    let world = world().await;
    (1..=3).for_each(|node| world.node(node).on_gets(Fault::Stall(0)));
    let begun = Instant::now();
    let result = world.read(blob(1), 0, LENGTH).await;
    assert!(matches!(result, Err(StorageError::Unavailable(_))), "{result:?}");
    assert!(begun.elapsed() <= Duration::from_secs(31), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn damage_is_reported_with_the_node_that_has_it() {
    let mut world = world().await;
    world.node(1).remove(blob(1));
    world.node(2).on_gets(Fault::Fail(5000, corrupt()));
    world.check(blob(1), LENGTH).await;
    assert_eq!(world.reports(), [damage(1), damage(2)]);
    world.node(2).heal();
    world.node(2).on_gets(Fault::Refuse(unavailable()));
    world.node(1).insert(blob(1), content(blob(1), LENGTH));
    world.check(blob(1), LENGTH).await;
    assert_eq!(world.reports(), [], "a node that is away is not damaged");
}

#[tokio::test(start_paused = true)]
async fn a_blob_that_nobody_has_is_not_found_and_no_damage() {
    let mut world = world().await;
    assert_eq!(world.read(blob(2), 0, 10).await, Err(StorageError::NotFound));
    assert_eq!(world.reports(), []);
}

#[tokio::test(start_paused = true)]
async fn a_blob_is_not_said_to_be_gone_while_a_replica_can_not_be_asked() {
    for fault in [Fault::Refuse(unavailable()), Fault::Refuse(corrupt()), Fault::Stall(0)] {
        let world = World::new(3).await;
        world.node(2).insert(blob(1), content(blob(1), LENGTH));
        world.node(2).on_gets(fault.clone());
        let result = world.read(blob(1), 0, 10).await;
        assert!(!matches!(result, Ok(_) | Err(StorageError::NotFound)), "{fault:?}: {result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_blob_is_looked_for_where_its_group_has_moved_to() {
    let world = World::placed(5, vec![state(0, 1, &[1, 2, 3], &[])]).await;
    world.topology.change(|topology| topology.placements = vec![state(0, 3, &[4, 5], &[])]);
    world.node(5).insert(blob(1), content(blob(1), LENGTH));
    world.check(blob(1), LENGTH).await;
}

#[tokio::test(start_paused = true)]
async fn while_a_group_moves_a_blob_is_found_in_either_set() {
    for holder in 1..=4 {
        let world = World::placed(4, vec![state(0, 2, &[1, 2], &[3, 4])]).await;
        world.node(holder).insert(blob(1), content(blob(1), LENGTH));
        world.check(blob(1), LENGTH).await;
    }
}

#[tokio::test(start_paused = true)]
async fn lost_nodes_are_not_asked() {
    let world = world().await;
    world.topology.change(|topology| {
        topology.nodes[0].1.state = NodeState::Lost;
        topology.nodes[1].1.state = NodeState::Lost;
    });
    world.views.refresh().await.unwrap();
    world.check(blob(1), LENGTH).await;
    assert_eq!((world.node(1).asked("get"), world.node(2).asked("get")), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_failed_is_asked_last() {
    let world = World::placed(4, vec![state(0, 1, &[2, 3, 4], &[])]).await;
    world.everywhere(blob(1), LENGTH);
    world.node(2).down();
    for _ in 0..5 {
        world.check(blob(1), LENGTH).await;
    }
    assert_eq!((world.node(2).asked("get"), world.node(3).asked("get")), (1, 5));
}
