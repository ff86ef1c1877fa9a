//! Nodes that don't reach one another, though clients reach all of them.

use e2e::bucket::{Bucket, State};
use e2e::cluster::{Cluster, Options, PATIENCE};
use e2e::sdk;
use e2e::wait::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_cut_off_says_so_while_the_others_go_on_and_is_one_of_them_again_once_it_is_healed() {
    let cluster = Cluster::start(Options::nodes(3).namespaces());
    let bucket = Bucket::create(cluster.node(0), State::Enabled).await;
    bucket.put("before", b"there").await;
    cluster.isolate(0);
    eventually("the node that is cut off says so", PATIENCE, || match cluster.node(0).ready() {
        Ok(()) => Err("it says that it is ready".to_owned()),
        Err(why) => Ok(why),
    })
    .unwrap_or_else(|why| panic!("{why}"));
    let majority = Bucket { client: sdk::client(cluster.node(1)), name: bucket.name.clone() };
    cluster.await_served_by(1, &majority.name).await;
    majority.put("during", b"there").await;
    let cut_off = bucket.client.get_object().bucket(&bucket.name).key("during").send().await;
    let failure = sdk::failure(cut_off);
    assert_eq!(failure.status, 503, "{failure:?}");
    // From then on nobody waits: each of these would for seconds.
    let refused = tokio::time::timeout(PATIENCE / 2, async {
        for number in 0..30 {
            let put = bucket.client.put_object().bucket(&bucket.name).key(format!("refused-{number}"));
            assert_eq!(sdk::failure(put.send().await).status, 503);
            let head = bucket.client.get_object().bucket(&bucket.name).key("before");
            assert_eq!(sdk::failure(head.send().await).status, 503);
        }
    });
    refused.await.expect("a gateway that is cut off refuses at once");
    cluster.heal();
    cluster.await_healthy();
    assert_eq!(bucket.get("during").await.as_deref(), Some(&b"there"[..]));
    assert_eq!(bucket.get("before").await.as_deref(), Some(&b"there"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_fails_one_way_stops_nobody_who_reaches_both_ends() {
    let cluster = Cluster::start(Options::nodes(3).namespaces());
    let bucket = Bucket::create(cluster.node(0), State::Enabled).await;
    for (from, to, third) in [(0, 1, 2), (1, 2, 0), (2, 0, 1)] {
        cluster.cut(from, to);
        cluster.await_served_by(third, &bucket.name).await;
        cluster.heal();
        cluster.await_healthy();
        cluster.await_served(&bucket.name).await;
    }
}
