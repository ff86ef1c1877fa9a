//! A node of another cluster at the address of one of this cluster's: the wrong disk in a machine.

use e2e::cluster::{Cluster, PATIENCE};
use e2e::connection::Connection;
use e2e::report::note;
use e2e::request::Request;

#[test]
fn a_node_of_another_cluster_in_a_nodes_place_is_refused_and_told_of_once() {
    let mut cluster = Cluster::of(3);
    let bucket = e2e::bucket::unique_name();
    let send = |cluster: &Cluster, gateway: usize, method: &str, target: &str| {
        let mut connection = Connection::new(cluster.node(gateway).s3(), PATIENCE);
        connection.exchange(Request::new(method, target)).expect("an answer")
    };
    send(&cluster, 0, "PUT", &format!("/{bucket}")).expect_status(200);
    let (own, aside) = {
        let own = cluster.node(2).data_dir().to_owned();
        (own.clone(), own.with_extension("aside"))
    };
    let before = cluster.status(0).expect("a status");
    cluster.node_mut(2).kill9();
    std::fs::rename(&own, &aside).expect("it is ours");
    // Alone, and with the same secret, it is a cluster of its own.
    cluster.node_mut(2).set_belongs(&[]);
    cluster.node_mut(2).start();
    cluster.node(2).await_ready(PATIENCE);
    for round in 0..30 {
        for gateway in 0..2 {
            send(&cluster, gateway, "PUT", &format!("/{bucket}/key-{round}-{gateway}")).expect_status(200);
        }
    }
    let refusals = cluster.node(2).lines().iter().filter(|line| line.contains("refused")).count();
    assert!((1..=2).contains(&refusals), "once for each source: {}", cluster.node(2).logs());
    let told = send(&cluster, 2, "GET", &format!("/{bucket}?list-type=2")).failure();
    assert_eq!(told, (404, "NoSuchBucket".to_owned()), "it got nothing of this cluster");
    cluster.node_mut(2).kill9();
    std::fs::remove_dir_all(&own).expect("it is ours");
    std::fs::rename(&aside, &own).expect("it is ours");
    cluster.node_mut(2).start();
    cluster.await_healthy();
    let after = cluster.status(0).expect("a status");
    assert_eq!((before.cluster(), before.nodes().len()), (after.cluster(), after.nodes().len()));
    let listed = send(&cluster, 2, "GET", &format!("/{bucket}?list-type=2")).expect_status(200);
    assert_eq!(listed.elements("Key").len(), 60);
    note("a node of another cluster in a node's place: refused, told of once for each source");
}
