//! Nodes that come later, and nodes that lost everything.

use super::objects::{assert_all_there, fill};
use e2e::bucket::{Bucket, State};
use e2e::cluster::{Cluster, PATIENCE};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_joins_later_gets_its_share_and_serves_everything() {
    let mut cluster = Cluster::of(3);
    let bucket = Bucket::create(cluster.node(0), State::Unversioned).await;
    fill(&bucket, 0..60).await;
    let fourth = cluster.add();
    cluster.await_healthy();
    let address = cluster.node(fourth).cluster_address();
    cluster.await_status(0, "the new node has its share", PATIENCE, |status| {
        let node = status.active(&address).ok_or("it has not joined")?;
        match (status.data("moving"), status.data("to_move")) {
            // 3/4 of 128.
            (Some(0), Some(0)) if (80..=112).contains(&node.placement_groups) => Ok(()),
            moves => Err(format!("{moves:?} groups move and are to move, it has {}", node.placement_groups)),
        }
    });
    fill(&bucket, 60..80).await;
    assert_all_there(&cluster, fourth, &bucket, 0..80).await;
    assert_all_there(&cluster, 0, &bucket, 0..80).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_directory_was_deleted_comes_back_as_a_new_one_and_gets_everything_again() {
    let mut cluster = Cluster::of(3);
    let bucket = Bucket::create(cluster.node(0), State::Unversioned).await;
    fill(&bucket, 0..40).await;
    let address = cluster.node(2).cluster_address();
    let old = cluster.status(0).expect("a status").active(&address).expect("it is active");
    cluster.node_mut(2).kill9();
    cluster.node_mut(2).wipe();
    cluster.node_mut(2).start();
    cluster.await_healthy();
    let new = cluster.await_status(0, "the new node has every blob", PATIENCE, |status| {
        let new = status.active(&address).ok_or("it has not joined")?;
        match (status.data("moving"), new.blobs) {
            (Some(0), Some(blobs)) if blobs >= 40 => Ok(new),
            waiting => Err(format!("{waiting:?}: {status}")),
        }
    });
    assert_ne!(new.id, old.id, "an id never comes back");
    let status = cluster.status(0).expect("a status");
    let states: Vec<_> = status.nodes().into_iter().filter(|node| node.id == old.id).collect();
    assert!(states.iter().all(|node| node.state == "lost" || node.state == "removed"), "{states:?}");
    // Its copies are good: they are read when one of the others is gone.
    cluster.node_mut(0).kill9();
    cluster.await_served(&bucket.name).await;
    assert_all_there(&cluster, 2, &bucket, 0..40).await;
}
