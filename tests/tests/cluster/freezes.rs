//! Nodes that stop in their tracks, and nodes whose clock is wrong.

use e2e::bucket::{Bucket, State};
use e2e::cluster::{Cluster, Node, PATIENCE};

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_freezes_is_replaced_and_follows_once_it_goes_on() {
    let cluster = Cluster::of(3);
    let bucket = Bucket::create(cluster.node(0), State::Enabled).await;
    let leads = cluster.status(0).expect("a status").leader(0).expect("a leader");
    let addresses: Vec<String> = cluster.nodes().iter().map(Node::cluster_address).collect();
    let frozen = addresses.iter().position(|address| *address == leads).expect("one of the nodes");
    cluster.node(frozen).pause();
    for index in (0..3).filter(|index| *index != frozen) {
        cluster.await_served_by(index, &bucket.name).await;
    }
    cluster.node(frozen).resume();
    cluster.await_healthy();
    cluster.await_served(&bucket.name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lives_an_hour_ahead_does_not_stop_the_cluster() {
    let mut cluster = Cluster::of(3);
    let bucket = Bucket::create(cluster.node(0), State::Enabled).await;
    for victim in 0..3 {
        cluster.node_mut(victim).set_clock_offset(3600);
        cluster.node_mut(victim).restart();
        cluster.node(victim).await_line("wrong time", PATIENCE);
        for index in (0..3).filter(|index| *index != victim) {
            cluster.await_served_by(index, &bucket.name).await;
        }
        cluster.node_mut(victim).set_clock_offset(0);
        cluster.node_mut(victim).restart();
        cluster.await_healthy();
        cluster.await_served(&bucket.name).await;
    }
}
