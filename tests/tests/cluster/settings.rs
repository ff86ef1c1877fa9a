//! What all nodes agree about, changed while they run, and drains that are taken back.

use super::objects::{assert_all_there, fill};
use e2e::bucket::{Bucket, State};
use e2e::cluster::{Cluster, PATIENCE, Reach, Status};

/// The placement groups of the active nodes, once nothing moves any more.
fn settled(status: &Status) -> Result<Vec<u64>, String> {
    let nodes = status.nodes().into_iter().filter(|node| node.state == "active");
    let groups: Vec<u64> = nodes.map(|node| node.placement_groups).collect();
    match (status.data("moving"), status.data("to_move")) {
        (Some(0), Some(0)) => Ok(groups),
        moves => Err(format!("{moves:?} groups move and are to move; the nodes have {groups:?}")),
    }
}

/// Awaits that the nodes have these placement groups, and that so many vote.
#[track_caller]
fn await_shares(cluster: &Cluster, shares: &[u64], voters: usize) {
    cluster.await_status(0, "shares and voters as they are wanted", PATIENCE, |status| {
        let found = (settled(status)?, status.voters(0).len());
        if found == (shares.to_vec(), voters) { Ok(()) } else { Err(format!("{found:?}")) }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_alone_grows_to_three_replicas_and_three_voters_by_itself() {
    let mut cluster = Cluster::alone();
    let bucket = Bucket::create(cluster.node(0), State::Unversioned).await;
    fill(&bucket, 0..20).await;
    assert!(cluster.node_mut(0).stop().success(), "{}", cluster.node(0).logs());
    cluster.node_mut(0).set_reach(Reach::ByOthers);
    cluster.node_mut(0).start();
    cluster.await_healthy();
    await_shares(&cluster, &[128], 1);
    cluster.add();
    cluster.add();
    cluster.await_healthy();
    await_shares(&cluster, &[128, 128, 128], 3);
    fill(&bucket, 20..30).await;
    // What it had alone is there without it.
    cluster.node_mut(0).kill9();
    cluster.await_served(&bucket.name).await;
    assert_all_there(&cluster, 1, &bucket, 0..30).await;
    assert_all_there(&cluster, 2, &bucket, 0..30).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_and_voters_follow_the_settings_as_they_are_changed() {
    let cluster = Cluster::of(3);
    let bucket = Bucket::create(cluster.node(0), State::Unversioned).await;
    fill(&bucket, 0..20).await;
    cluster.admin(0, &["cluster", "set", "--replicas", "1", "--voters", "1"]).success();
    cluster.await_status(1, "one replica and one voter", PATIENCE, |status| {
        let (groups, voters) = (settled(status)?.iter().sum::<u64>(), status.voters(0).len());
        if (groups, voters) == (128, 1) { Ok(()) } else { Err(format!("{groups} groups, {voters} voters")) }
    });
    assert_all_there(&cluster, 1, &bucket, 0..20).await;
    // What is not named stays.
    cluster.admin(2, &["cluster", "set", "--replicas", "3"]).success();
    await_shares(&cluster, &[128, 128, 128], 1);
    cluster.admin(1, &["cluster", "set", "--voters", "3"]).success();
    await_shares(&cluster, &[128, 128, 128], 3);
    assert_all_there(&cluster, 2, &bucket, 0..20).await;

    let even = cluster.admin(0, &["cluster", "set", "--voters", "2"]);
    assert!(even.code == Some(1) && even.stderr.contains("odd"), "{even:?}");
    let many = cluster.admin(0, &["cluster", "set", "--replicas", "17"]);
    assert!(many.code == Some(1) && many.stderr.contains("1 to 16"), "{many:?}");
    assert_eq!(cluster.admin(0, &["cluster", "set"]).code, Some(2));
    let settings = cluster.status(0).expect("a status").value()["settings"].clone();
    assert_eq!((settings["replicas"].as_u64(), settings["voters"].as_u64()), (Some(3), Some(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_is_taken_back_leaves_the_node_with_its_share_and_a_lost_node_stays_lost() {
    let mut cluster = Cluster::of(4);
    let bucket = Bucket::create(cluster.node(0), State::Unversioned).await;
    fill(&bucket, 0..40).await;
    let address = cluster.node(3).cluster_address();
    cluster.admin(0, &["node", "drain", &address]).success();
    let find = |status: &Status| status.nodes().into_iter().find(|node| node.address == address);
    let draining = cluster.await_status(0, "some of its groups have gone", PATIENCE, |status| {
        let node = find(status).ok_or("it is unknown")?;
        let moving = status.data("moving");
        if node.placement_groups < 90 || moving != Some(0) { Ok(node) } else { Err(format!("{node:?}")) }
    });
    assert_eq!(draining.state, "draining");
    cluster.admin(1, &["node", "undrain", &address]).success();
    cluster.admin(1, &["node", "undrain", &address]).success();
    cluster.await_healthy();
    let shares = cluster.await_status(0, "everybody has a share", PATIENCE, |status| {
        let groups = settled(status)?;
        if groups.len() == 4 && groups.iter().all(|groups| *groups >= 80) {
            Ok(groups)
        } else {
            Err(format!("{groups:?}"))
        }
    });
    assert_eq!(shares.iter().sum::<u64>(), 3 * 128);
    assert_all_there(&cluster, 3, &bucket, 0..40).await;

    cluster.node_mut(3).kill9();
    let lost = || cluster.admin(0, &["node", "replace", &draining.id]);
    // A node that answered just now is not declared lost.
    e2e::wait::eventually("it is silent for long enough", PATIENCE, || match lost() {
        done if done.code == Some(0) => Ok(()),
        refused => Err(refused.stderr),
    })
    .unwrap_or_else(|why| panic!("{why}"));
    let refused = cluster.admin(0, &["node", "undrain", &draining.id]);
    assert!(refused.code == Some(1) && refused.stderr.contains("is lost"), "{refused:?}");
}
