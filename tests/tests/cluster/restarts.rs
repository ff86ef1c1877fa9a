//! Nodes that end and come back.

use e2e::bucket::{Bucket, State};
use e2e::cluster::Cluster;
use e2e::{payload, sdk};

async fn put_and_read(cluster: &Cluster, bucket: &Bucket, key: &str) {
    for node in cluster.nodes().iter().filter(|node| node.is_running()) {
        let bucket = Bucket { client: sdk::client(node), name: bucket.name.clone() };
        let body = payload::bytes(7, 50_000);
        let key = format!("{key}-{}", node.name());
        bucket.put(&key, &body).await;
        assert!(bucket.get(&key).await.as_deref() == Some(&body[..]), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_node_may_be_killed_and_come_back_and_is_the_same_node() {
    let mut cluster = Cluster::of(3);
    let bucket = Bucket::create(cluster.node(0), State::Enabled).await;
    let before = cluster.status(0).expect("a status");
    for victim in 0..3 {
        cluster.node_mut(victim).kill9();
        cluster.await_served(&bucket.name).await;
        put_and_read(&cluster, &bucket, &format!("without-{victim}")).await;
        cluster.node_mut(victim).start();
        cluster.await_healthy();
        put_and_read(&cluster, &bucket, &format!("with-{victim}")).await;
    }
    let after = cluster.status(0).expect("a status");
    let ids =
        |status: &e2e::cluster::Status| status.nodes().into_iter().map(|node| node.id).collect::<Vec<_>>();
    assert_eq!(ids(&before), ids(&after));
    let kept = bucket.rows().await.iter().filter(|row| row.key.starts_with("with")).count();
    assert_eq!(kept, 3 * (2 + 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_was_stopped_starts_again_with_all_that_it_had() {
    let mut cluster = Cluster::of(3);
    let bucket = Bucket::create(cluster.node(0), State::Enabled).await;
    put_and_read(&cluster, &bucket, "kept").await;
    let (rows, id) = (bucket.rows().await, cluster.status(0).expect("a status").cluster());
    for index in 0..3 {
        assert!(cluster.node_mut(index).stop().success(), "{}", cluster.node(index).logs());
    }
    (0..3).for_each(|index| cluster.node_mut(index).start());
    cluster.await_healthy();
    assert_eq!(bucket.rows().await, rows);
    assert_eq!(cluster.status(1).expect("a status").cluster(), id);
    put_and_read(&cluster, &bucket, "after").await;
}
