//! Following the topology.

use crate::support::{FakeTopology, World, record, state};
use esker_cluster::{KeeperOptions, StoreOptions, ViewError, ViewHandle, ViewKeeper};
use esker_rpc::MetadataError;
use esker_types::{BlobId, DataId, GroupId, NodeId, NodeState, PlacementGroup};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

fn keeper(topology: &Arc<FakeTopology>) -> ViewHandle {
    let (keeper, views) = ViewKeeper::new(Arc::clone(topology) as _, KeeperOptions::default());
    tokio::spawn(keeper.run(CancellationToken::new()));
    views
}

fn unavailable() -> MetadataError {
    MetadataError::Unavailable("injected".to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_refresh_shows_what_was_committed_before_it() {
    let world = World::new(3).await;
    for version in 2..50 {
        world
            .topology
            .change(|topology| topology.nodes.push(record(NodeId(100 + version), NodeState::Active)));
        assert_eq!(world.views.refresh().await.unwrap().version(), version);
    }
}

#[tokio::test(start_paused = true)]
async fn changes_are_seen_within_the_interval_and_nothing_is_asked_more_often() {
    let topology = Arc::new(FakeTopology::default());
    let views = keeper(&topology);
    let mut seen = views.subscribe();
    seen.wait_for(Option::is_some).await.unwrap();
    assert_eq!(views.latest().unwrap().version(), 0, "an empty cluster can be seen");
    topology.change(|topology| topology.nodes.push(record(NodeId(1), NodeState::Active)));
    tokio::time::timeout(Duration::from_millis(1001), seen.changed()).await.unwrap().unwrap();
    assert_eq!(views.latest().unwrap().version(), 1);
    // sleep: time itself is the event; it is paused, and so passes at once.
    tokio::time::sleep(Duration::from_secs(100)).await;
    let asked = topology.questions.lock().unwrap().len();
    assert!((100..=104).contains(&asked), "asked {asked} times");
}

#[tokio::test(start_paused = true)]
async fn refreshes_at_the_same_time_share_a_question() {
    let world = World::new(1).await;
    let before = world.topology.questions.lock().unwrap().len();
    let all: Vec<_> = (0..100).map(|_| world.views.refresh()).collect();
    futures::future::try_join_all(all).await.unwrap();
    let asked = world.topology.questions.lock().unwrap().len() - before;
    assert!(asked <= 2, "asked {asked} times");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_asked_for_again_soon_if_somebody_waits() {
    let world = World::new(1).await;
    world.topology.faults.lock().unwrap().extend((0..3).map(|_| Some(unavailable())));
    let begun = tokio::time::Instant::now();
    world.views.refresh().await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_millis(150));
}

#[tokio::test(start_paused = true)]
async fn without_a_quorum_the_old_view_stays_and_a_refresh_fails_in_bounded_time() {
    let world = World::new(1).await;
    world.topology.faults.lock().unwrap().extend((0..1000).map(|_| Some(unavailable())));
    let begun = tokio::time::Instant::now();
    assert_eq!(world.views.refresh().await, Err(ViewError::TimedOut));
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
    assert!(world.views.latest().is_some() && world.views.placed().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_view_tells_how_long_ago_the_directory_group_answered() {
    let topology = Arc::new(FakeTopology::default());
    let views = keeper(&topology);
    assert_eq!(views.age(), None, "it was not asked yet");
    views.refresh().await.unwrap();
    assert_eq!(views.age(), Some(Duration::ZERO));
    topology.faults.lock().unwrap().extend((0..1000).map(|_| Some(unavailable())));
    assert_eq!(views.refresh().await, Err(ViewError::TimedOut));
    assert_eq!(views.age(), Some(Duration::from_secs(5)));
    topology.faults.lock().unwrap().clear();
    views.refresh().await.unwrap();
    assert_eq!(views.age(), Some(Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn who_asks_a_keeper_that_ended_is_told_so() {
    let topology = Arc::new(FakeTopology::default());
    let (keeper, views) = ViewKeeper::new(topology as _, KeeperOptions::default());
    let stop = CancellationToken::new();
    let running = tokio::spawn(keeper.run(stop.clone()));
    views.refresh().await.unwrap();
    stop.cancel();
    running.await.unwrap();
    assert_eq!(views.refresh().await, Err(ViewError::Stopped));
    assert_eq!(views.placed().await, Err(ViewError::Stopped));
}

#[tokio::test(start_paused = true)]
async fn a_view_says_where_blobs_belong() {
    let placements = vec![state(0, 4, &[1, 2], &[]), state(1, 9, &[2], &[3]), state(2, 1, &[3], &[])];
    let world = World::start(3, placements, StoreOptions::default());
    let view = world.views.placed().await.unwrap();
    assert_eq!(view.group_count(), NonZeroU16::new(3));
    for entropy in 0..100 {
        let blob = BlobId { data: DataId::new(5, GroupId(0), entropy), chunk: 1 };
        let group = PlacementGroup::of(blob, NonZeroU16::new(3).unwrap());
        assert_eq!(view.group_of(blob), Some(group));
        assert_eq!(view.placement_of(blob), Some(&view.placements()[usize::from(group.0)]));
        let fence = view.fence_of(blob).unwrap();
        assert_eq!((fence.group, fence.epoch), (group, view.placement(group).unwrap().epoch));
    }
    let groups = |node| view.groups_with(NodeId(node)).map(|state| state.group.0).collect::<Vec<_>>();
    assert_eq!((groups(1), groups(2), groups(3)), (vec![0], vec![0, 1], vec![1, 2]));
}
