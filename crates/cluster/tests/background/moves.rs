//! Placement groups move as nodes come and go, while clients go on.

use crate::support::{Options, World};
use esker_cluster::ClusterView;
use esker_cluster::background::holds_no_placement;
use esker_types::{NodeId, NodeState};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const FOURTH: NodeId = NodeId(4);

/// Uploads one small object after the other; returns how many were acknowledged, and how many failed.
struct Writing {
    stop: CancellationToken,
    task: JoinHandle<(u64, u64)>,
}

impl Writing {
    fn start(world: &World) -> Writing {
        let (client, stop) = (Arc::clone(&world.client), CancellationToken::new());
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let (mut acknowledged, mut failed) = (0, 0);
            while !stopped.is_cancelled() {
                match client.upload(50 + acknowledged % 100).await {
                    Ok(_) => acknowledged += 1,
                    Err(_) => failed += 1,
                }
                // sleep: a client's pace
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            (acknowledged, failed)
        });
        Writing { stop, task }
    }

    async fn end(self) -> (u64, u64) {
        self.stop.cancel();
        self.task.await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_fourth_node_takes_a_quarter_while_writes_go_on() {
    let mut world = World::start(Options::default()).await;
    world.client.upload_many(500).await;
    let before = world.index.topology().placements;
    let writing = Writing::start(&world);
    world.add(FOURTH);
    world.until("moves have begun", |world| world.moving() > 0).await;
    assert!(world.moving() <= 16);
    world.moved().await;
    let (acknowledged, failed) = writing.end().await;
    assert!(acknowledged > 100, "{acknowledged} acknowledged while groups moved");
    assert_eq!(failed, 0, "writes go on");
    world.settle().await;
    assert!(world.shares().values().all(|share| *share == 96), "{:?}", world.shares());
    let after = world.index.topology().placements;
    let moved: usize = before
        .iter()
        .zip(&after)
        .map(|(before, after)| after.replicas.iter().filter(|node| !before.replicas.contains(node)).count())
        .sum();
    assert_eq!(moved, 96, "no more moved than the new node got");
}

#[tokio::test(start_paused = true)]
async fn a_joining_node_waits_until_it_has_read_so_many_lists_that_nothing_can_be_missing() {
    let mut world = World::start(Options::default()).await;
    world.cut_off(NodeId(1), true);
    world.client.upload_many(100).await;
    world.disk(NodeId(1)).set_full(true);
    world.add(FOURTH);
    world.cut_off(FOURTH, true);
    world.cut_off(NodeId(1), false);
    world
        .until("all are fenced", |world| {
            let placements = world.index.topology().placements;
            placements.iter().filter(|state| state.moves() && state.fenced.len() == 3).count() == 16
        })
        .await;
    world.cut_off(NodeId(2), true);
    world.cut_off(NodeId(3), true);
    world.cut_off(FOURTH, false);
    world.pass(Duration::from_secs(300)).await;
    let placements = world.index.topology().placements;
    let copied = placements.iter().filter(|state| !state.copied.is_empty()).count();
    assert_eq!(copied, 0, "the one that it can reach lacks what the other two have");
    world.cut_off(NodeId(2), false);
    world.cut_off(NodeId(3), false);
    world.disk(NodeId(1)).set_full(false);
    world.settle().await;
    assert_eq!(world.shares()[&FOURTH], 96);
}

#[tokio::test(start_paused = true)]
async fn a_joining_node_does_not_claim_a_group_of_which_it_could_not_get_a_blob() {
    let mut world = World::start(Options { groups: 1, ..Options::default() }).await;
    world.cut_off(NodeId(1), true);
    world.client.upload_many(5).await;
    world.disk(NodeId(1)).set_full(true);
    let (blob, _) = world.client.blobs()[0];
    world.disk(NodeId(2)).rot(blob);
    world.add(FOURTH);
    world.cut_off(FOURTH, true);
    world.cut_off(NodeId(1), false);
    world.set_state(NodeId(1), NodeState::Draining);
    world.until("all are fenced", |world| world.index.topology().placements[0].fenced.len() == 3).await;
    world.cut_off(NodeId(3), true);
    world.cut_off(FOURTH, false);
    world.until("it has the others", |world| world.disk(FOURTH).blobs().len() == 4).await;
    world.pass(Duration::from_secs(300)).await;
    assert_eq!(
        world.index.topology().placements[0].copied,
        [],
        "the only whole replica could not be reached"
    );
    world.cut_off(NodeId(3), false);
    world.moved().await;
    world.report(NodeId(2), blob);
    world.settle().await;
    assert_eq!(world.disk(NodeId(1)).blobs(), []);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_began_before_a_move_and_ends_after_it_is_where_it_belongs_or_fails() {
    for seconds in 0..20 {
        let mut world = World::start(Options { groups: 4, ..Options::default() }).await;
        let slow: Vec<_> = (0..8)
            .map(|_| {
                let client = Arc::clone(&world.client);
                tokio::spawn(async move { client.upload_slowly(100, 50, Duration::from_secs(seconds)).await })
            })
            .collect();
        world.pass(Duration::from_millis(100)).await;
        world.add(FOURTH);
        for slow in slow {
            // It may fail, as long as it is not acknowledged then.
            let _ = slow.await.unwrap();
        }
        world.settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_drained_node_ends_up_empty_and_in_no_placement() {
    let world = World::start(Options { nodes: 4, ..Options::default() }).await;
    world.client.upload_many(400).await;
    let writing = Writing::start(&world);
    world.set_state(NodeId(2), NodeState::Draining);
    assert!(!holds_no_placement(&ClusterView::new(world.index.topology()), NodeId(2)));
    world.moved().await;
    assert!(holds_no_placement(&ClusterView::new(world.index.topology()), NodeId(2)));
    assert_eq!(writing.end().await.1, 0, "writes go on");
    world.settle().await;
    assert_eq!(world.disk(NodeId(2)).blobs(), []);
    world.set_state(NodeId(2), NodeState::Removed);
    world.settle().await;
}

#[tokio::test(start_paused = true)]
async fn a_drained_node_without_a_substitute_keeps_what_it_has() {
    let world = World::start(Options::default()).await;
    world.client.upload_many(50).await;
    world.set_state(NodeId(2), NodeState::Draining);
    world.pass(Duration::from_secs(300)).await;
    world.settle().await;
    assert_eq!(world.shares()[&NodeId(2)], 128);
    assert_eq!(world.disk(NodeId(2)).blobs().len(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_lost_while_groups_move_to_it_is_replaced_by_another() {
    let mut world = World::start(Options::default()).await;
    world.client.upload_many(300).await;
    world.add(FOURTH);
    world.until("moves have begun", |world| world.moving() > 0).await;
    world.kill(FOURTH).await;
    world.pass(Duration::from_secs(60)).await;
    assert!(world.moving() > 0, "they wait for it");
    world.add(NodeId(5));
    world.set_state(FOURTH, NodeState::Lost);
    world.settle().await;
    assert!(!world.shares().contains_key(&FOURTH));
    assert_eq!(world.shares()[&NodeId(5)], 96);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_lost_while_groups_move_away_from_it_is_not_waited_for() {
    let mut world = World::start(Options::default()).await;
    world.client.upload_many(300).await;
    world.add(FOURTH);
    world.until("moves have begun", |world| world.moving() > 0).await;
    world.kill(NodeId(2)).await;
    world.set_state(NodeId(2), NodeState::Lost);
    world.settle().await;
    assert_eq!(world.shares().values().copied().collect::<Vec<_>>(), [128, 128, 128]);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_lost_two_of_three_nodes_keeps_what_the_third_has() {
    let mut world = World::start(Options::default()).await;
    world.client.upload_many(100).await;
    for lost in [NodeId(1), NodeId(2)] {
        world.kill(lost).await;
        world.set_state(lost, NodeState::Lost);
    }
    world.add(FOURTH);
    world.settle().await;
    world.add(NodeId(5));
    world.settle().await;
    assert!(world.shares().values().all(|share| *share == 128), "{:?}", world.shares());
}

#[tokio::test(start_paused = true)]
async fn moves_go_on_after_any_process_crashed_at_any_point() {
    for crash in 0..30u64 {
        let mut world = World::start(Options { groups: 16, ..Options::default() }).await;
        world.client.upload_many(60).await;
        let writing = Writing::start(&world);
        world.add(FOURTH);
        world.pass(Duration::from_millis(130 * crash)).await;
        let victim = NodeId(crash % 4 + 1);
        world.kill(victim).await;
        world.pass(Duration::from_millis(700)).await;
        world.restart(victim);
        world.moved().await;
        let _ = writing.end().await;
        world.settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_of_one_grows_to_three() {
    let mut world = World::start(Options { nodes: 1, ..Options::default() }).await;
    world.client.upload_many(100).await;
    world.add(NodeId(2));
    world.moved().await;
    world.client.upload_many(100).await;
    world.add(NodeId(3));
    world.settle().await;
    assert!(world.shares().values().all(|share| *share == 128), "{:?}", world.shares());
    assert!((1..=3).all(|node| world.disk(NodeId(node)).blobs().len() == 200));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_silent_for_too_long_is_declared_lost_if_another_can_take_its_place() {
    let lost_after = Some(Duration::from_secs(600));
    let mut world = World::start(Options { lost_after, ..Options::default() }).await;
    world.client.upload_many(100).await;
    world.kill(NodeId(3)).await;
    world.pass(Duration::from_secs(2000)).await;
    assert_eq!(world.state_of(NodeId(3)), NodeState::Active, "nobody could take its place");
    world.add(FOURTH);
    world.until("it is lost", |world| world.state_of(NodeId(3)) == NodeState::Lost).await;
    world.settle().await;
    assert_eq!(world.shares().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_answers_again_in_time_is_not_declared_lost() {
    let lost_after = Some(Duration::from_secs(600));
    let world = World::start(Options { lost_after, nodes: 4, ..Options::default() }).await;
    for _ in 0..5 {
        world.cut_off(FOURTH, true);
        world.pass(Duration::from_secs(500)).await;
        world.cut_off(FOURTH, false);
        world.pass(Duration::from_secs(10)).await;
    }
    assert_eq!(world.state_of(FOURTH), NodeState::Active);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_reaches_nobody_declares_nobody_lost() {
    let lost_after = Some(Duration::from_secs(600));
    let world = World::start(Options { lost_after, nodes: 5, ..Options::default() }).await;
    for node in 2..=5 {
        world.cut_off(NodeId(node), true);
    }
    world.pass(Duration::from_secs(3000)).await;
    assert!((1..=5).all(|node| world.state_of(NodeId(node)) == NodeState::Active));
}

#[tokio::test(start_paused = true)]
async fn what_is_recorded_for_a_node_that_is_gone_is_forgotten() {
    let mut world = World::start(Options { nodes: 4, ..Options::default() }).await;
    world.kill(FOURTH).await;
    world.client.upload_many(700).await;
    assert!(world.index.summary().repairs > 500, "more than one step of forgetting");
    world.set_state(FOURTH, NodeState::Lost);
    world.settle().await;
}
