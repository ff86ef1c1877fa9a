//! Clocks that jump: writes go on after a bounded gap, and the group's time does not jump with them.

use std::time::Duration;

use esker_env::{Clock, SystemClock};
use esker_index::query::{Answer, Query};
use esker_rpc::metadata::{Metadata, Proposal};
use esker_types::{BucketId, Timestamp};

use crate::tests::nodes::Cluster;
use crate::tests::support::{Client, GROUP, PATIENCE, put, request};

const HOUR_MILLIS: i64 = 3_600_000;

/// A write takes no longer than this when its leader has to be replaced, on a busy machine.
const GAP_MAX: Duration = Duration::from_secs(15);

async fn group_time(client: &Client) -> Timestamp {
    match client.0.query(GROUP, Query::GroupSummary).await.unwrap() {
        Answer::GroupSummary(summary) => summary.time,
        other => panic!("{other:?}"),
    }
}

/// Writes as a gateway at this node does, by the group's clock.
async fn write(client: &Client, bucket: BucketId, name: &str) {
    let deadline = client.0.group_clock().now().plus_millis(20_000);
    let proposal = Proposal { request: request(), deadline, body: put(bucket, name) };
    let written = tokio::time::timeout(GAP_MAX, client.0.propose(GROUP, proposal)).await;
    written.expect("the gap is bounded").unwrap().unwrap();
}

fn right_now() -> Timestamp {
    SystemClock::new().now()
}

fn assert_right(time: Timestamp, what: &str) {
    let off = Duration::from_micros(time.0.abs_diff(right_now().0));
    assert!(off < Duration::from_secs(10), "{what} is off by {off:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_whose_clock_jumps_ahead_dates_nothing_and_lets_another_one_lead() {
    let cluster = Cluster::form(|_| ()).await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    let wrong = cluster.leader().await;
    cluster.clocks[wrong].set_ahead(HOUR_MILLIS);
    // At once, through the node itself and through another one.
    let through = [cluster.client(wrong), cluster.client((wrong + 1) % 3)];
    tokio::join!(write(&through[0], bucket, "here"), write(&through[1], bucket, "there"));
    for at in 0..3 {
        let client = cluster.client(at);
        assert_right(group_time(&client).await, "the group's time");
        assert_right(client.0.group_clock().now(), "the group's clock");
    }
    assert_ne!(cluster.leader().await, wrong);

    // Its clock is set right; it may lead again.
    cluster.clocks[wrong].set_ahead(0);
    write(&through[0], bucket, "afterwards").await;
    cluster.assert_equal_states().await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_whose_clock_jumps_back_goes_on_from_the_groups_time_until_another_one_leads() {
    let cluster = Cluster::form(|_| ()).await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    let wrong = cluster.leader().await;
    let before = group_time(&cluster.client(wrong)).await;
    cluster.clocks[wrong].set_ahead(-HOUR_MILLIS);
    write(&cluster.client(wrong), bucket, "at-once").await;
    assert!(group_time(&cluster.client(wrong)).await >= before);
    let client = cluster.client(wrong);
    let replaced =
        client.0.wait_for(GROUP, |status| status.leader.is_some_and(|leader| leader.0 != wrong as u64 + 1));
    tokio::time::timeout(PATIENCE, replaced).await.expect("another node leads").unwrap();
    write(&client, bucket, "afterwards").await;
    assert_right(group_time(&client).await, "the group's time");
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_a_wrong_clock_never_leads_for_long() {
    for ahead in [HOUR_MILLIS, -HOUR_MILLIS] {
        let mut cluster = Cluster::form(|_| ()).await;
        let bucket = cluster.client(0).create_bucket("alpha").await;
        let leader = cluster.leader().await;
        let wrong = (leader + 1) % 3;
        cluster.clocks[wrong].set_ahead(ahead);
        for round in 0..3 {
            write(&cluster.client(wrong), bucket, &format!("before-{round}")).await;
        }
        assert_right(cluster.client(wrong).0.group_clock().now(), "the group's clock");
        // One of the other two leads; without the leader there is the wrong clock and a right one.
        cluster.kill(leader).await;
        for round in 0..3 {
            write(&cluster.client(wrong), bucket, &format!("after-{round}")).await;
        }
        let time = group_time(&cluster.client(wrong)).await;
        assert!(time <= right_now().plus_millis(5_000), "time did not jump: {time:?}");
        cluster.shutdown().await;
    }
}
