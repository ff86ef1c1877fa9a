//! Objects with known contents, put through one node and read through another.

use e2e::bucket::Bucket;
use e2e::cluster::Cluster;
use e2e::{payload, sdk};
use std::ops::Range;

/// Large enough for storage nodes; small ones are kept in the index.
fn body(number: u64) -> Vec<u8> {
    payload::bytes(number, 40_000)
}

pub(crate) async fn fill(bucket: &Bucket, numbers: Range<u64>) {
    for number in numbers {
        bucket.put(&format!("key-{number}"), &body(number)).await;
    }
}

pub(crate) async fn assert_all_there(cluster: &Cluster, index: usize, bucket: &Bucket, numbers: Range<u64>) {
    let bucket = Bucket { client: sdk::client(cluster.node(index)), name: bucket.name.clone() };
    for number in numbers {
        let read = bucket.get(&format!("key-{number}")).await;
        assert!(read.as_deref() == Some(&body(number)[..]), "key-{number} through node {index}");
    }
}
