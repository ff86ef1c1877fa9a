//! What one gateway acknowledged, every other one shows.

use e2e::bucket::{Bucket, State};
use e2e::cluster::Cluster;
use e2e::sdk;

/// How often it is tried.
const TRIES: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn a_list_through_another_gateway_shows_every_write_that_was_acknowledged() {
    let cluster = Cluster::of(3);
    let made = Bucket::create(cluster.node(0), State::Unversioned).await;
    let buckets: Vec<Bucket> = cluster
        .nodes()
        .iter()
        .map(|node| Bucket { client: sdk::client(node), name: made.name.clone() })
        .collect();
    let keys = async |index: usize| {
        let bucket: &Bucket = &buckets[index % 3];
        let page = bucket.client.list_objects_v2().bucket(&bucket.name).send().await.expect("a list");
        page.contents().iter().filter_map(|object| object.key.clone()).collect::<Vec<_>>()
    };
    for round in 0..TRIES {
        let (writer, reader, deleter) = (round, round + 1, round + 2);
        let key = format!("key-{round}");
        buckets[writer % 3].put(&key, b"here").await;
        assert_eq!(keys(reader).await, [key.as_str()], "round {round}: written and listed");
        buckets[deleter % 3].delete(&key).await;
        assert_eq!(keys(reader).await, [""; 0], "round {round}: deleted and listed");
    }
}
