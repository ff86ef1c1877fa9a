//! Empty nodes become one cluster, which serves everything from everywhere.

use e2e::bucket::{Bucket, State};
use e2e::cluster::{Cluster, Options, PATIENCE, SECRET};
use e2e::{payload, sdk};

/// The bucket, as another node's gateway shows it.
fn through(cluster: &Cluster, index: usize, bucket: &Bucket) -> Bucket {
    Bucket { client: sdk::client(cluster.node(index)), name: bucket.name.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_empty_nodes_form_one_cluster_that_serves_everything_from_every_gateway() {
    let cluster = Cluster::of(3);
    let statuses: Vec<_> = (0..3).map(|index| cluster.status(index).expect("a status")).collect();
    assert!(statuses.iter().all(|status| status.cluster() == statuses[0].cluster()), "one cluster");
    assert_eq!(statuses[0].nodes().len(), 3);
    assert_eq!(statuses[0].voters(0).len(), 3);

    // Bytes in the index, bytes of one chunk, bytes of several.
    let bodies = [payload::bytes(1, 100), payload::bytes(2, 300_000), payload::bytes(3, 20 << 20)];
    let bucket = Bucket::create(cluster.node(0), State::Enabled).await;
    for (writer, body) in bodies.iter().enumerate() {
        let key = format!("from-{writer}");
        through(&cluster, writer, &bucket).put_id(&key, body).await;
        for reader in 0..3 {
            let read = through(&cluster, reader, &bucket).get(&key).await;
            assert!(read.as_deref() == Some(&body[..]), "{key} through node {reader}");
        }
    }
    through(&cluster, 1, &bucket).delete_id("from-0").await;
    for reader in 0..3 {
        let bucket = through(&cluster, reader, &bucket);
        assert_eq!(bucket.get("from-0").await, None, "deleted, through node {reader}");
        assert_eq!(bucket.history("from-0").await.len(), 2);
    }
    assert_eq!(blobs(&cluster, 4), [4, 4, 4], "each of the 1 + 3 chunks is on each of 3 nodes");
}

/// How many blobs each of three nodes has, once each has at least as many as are wanted.
fn blobs(cluster: &Cluster, wanted: u64) -> Vec<u64> {
    cluster.await_status(0, "every replica", PATIENCE, |status| {
        let blobs: Vec<u64> = status.nodes().iter().filter_map(|node| node.blobs).collect();
        if blobs.len() == 3 && blobs.iter().all(|blobs| *blobs >= wanted) {
            Ok(blobs)
        } else {
            Err(format!("{blobs:?}"))
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn five_nodes_in_three_zones_form_with_three_voters() {
    let cluster = Cluster::start(Options::nodes(5).zones(&["a", "b", "c"]));
    let status = cluster.status(4).expect("a status");
    assert_eq!((status.nodes().len(), status.voters(0).len()), (5, 3));
    let zones: Vec<String> = status.nodes().into_iter().map(|node| node.zone).collect();
    assert_eq!(zones.iter().filter(|zone| *zone == "a").count(), 2, "{zones:?}");
    let bucket = Bucket::create(cluster.node(4), State::Unversioned).await;
    bucket.put("key", &payload::bytes(1, 100_000)).await;
    assert!(
        through(&cluster, 1, &bucket).get("key").await.as_deref() == Some(&payload::bytes(1, 100_000)[..])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_the_secret_is_kept_out_and_an_operator_without_it_learns_nothing() {
    let mut cluster = Cluster::of(3);
    let wrong = "another secret, as long as the right one";
    let seeds = cluster.node(0).cluster_address();
    let stranger = cluster.add_with_secret(&["--join", &seeds], wrong);
    let denied = cluster.admin_with_secret(0, &["status", "--json"], wrong).failure();
    assert!(denied.contains("secret") || denied.contains("denied"), "it says why: {denied}");
    cluster.node(0).await_line("refused", PATIENCE);
    assert!(cluster.node(stranger).ready().is_err(), "{}", cluster.node(stranger).logs());
    let status = cluster.status(1).expect("a status");
    assert_eq!(status.nodes().len(), 3, "{status}");
    // With the right one it is welcome.
    cluster.node_mut(stranger).kill9();
    let secret = cluster.secret().to_owned();
    cluster.node_mut(stranger).set_env(SECRET, &secret);
    cluster.node_mut(stranger).start();
    cluster.await_healthy();
    assert_eq!(cluster.status(1).expect("a status").nodes().len(), 4);
}
