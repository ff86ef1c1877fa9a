//! A disk that fills up under the rows: commands are refused before the engine meets it, and reads go on.

use std::path::Path;
use std::sync::Arc;

use esker_env::{SimDisk, SystemClock};
use esker_index::command::{CommandBody, Target};
use esker_kv::{MemoryEngine, Tombstones};
use esker_rpc::metadata::MetadataError;
use esker_types::BucketId;

use crate::tests::nodes::{Cluster, Machine, node_id};
use crate::tests::support::{Client, GROUP, PATIENCE, alone, key, open_wal, put};
use crate::{Components, MetadataNode, Role, Settings};

const RESERVE_BYTES: u64 = 16 << 20;

fn delete(bucket: BucketId) -> CommandBody {
    let target = Target { bucket, key: key("absent") };
    CommandBody::DeleteObject { target, version: None, condition: None, entropy: 1 }
}

/// Proposes until the command is refused for want of space, or, if `full` is false, until it is accepted. The node
/// looks at its disk with every command and every second.
async fn until(client: &Client, full: bool, body: impl Fn() -> CommandBody) {
    let tried = async {
        loop {
            match client.propose(body()).await {
                Err(MetadataError::Full) if full => return,
                Err(MetadataError::Full) => tokio::task::yield_now().await,
                accepted => {
                    accepted.unwrap().unwrap();
                    if !full {
                        return;
                    }
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, tried).await.expect("the node sees what its disk has left");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_refused_before_the_rows_meet_a_full_disk() {
    let disk = SimDisk::new();
    let components = Components {
        wal: open_wal(disk.clone(), Path::new("/wal")),
        engine: Arc::new(MemoryEngine::new(Tombstones::Dropped)),
        clock: Arc::new(SystemClock::new()),
        peers: None,
    };
    let settings = Settings { disk_reserve_bytes: RESERVE_BYTES, ..alone() };
    let node = MetadataNode::start(components, settings).await.unwrap();
    let client = Client::of(&node);
    let bucket = client.create_bucket("alpha").await;
    client.put(bucket, "first").await;

    // Something else takes the disk's space. What frees space still works.
    disk.limit_free_space(RESERVE_BYTES / 2);
    until(&client, true, || put(bucket, "more")).await;
    client.done(delete(bucket)).await;
    assert!(client.exists(bucket, "first").await);

    // Nearly all of it.
    disk.limit_free_space(RESERVE_BYTES / 16);
    until(&client, true, || delete(bucket)).await;
    assert!(client.exists(bucket, "first").await);

    // It gives the space back.
    disk.limit_free_space(RESERVE_BYTES * 2);
    until(&client, false, || put(bucket, "more")).await;
    node.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_whose_disk_fills_up_refuses_entries_and_catches_up_when_there_is_room() {
    for reserve in [0, RESERVE_BYTES] {
        follower_fills_up(if reserve == 0 {
            |_| ()
        } else {
            |settings| settings.disk_reserve_bytes = RESERVE_BYTES
        })
        .await;
    }
}

async fn follower_fills_up(adjust: fn(&mut Settings)) {
    let cluster = Cluster::form_on(Machine::simulated, adjust).await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    let (leader, full) = (cluster.leader().await, cluster.follower().await);
    cluster.disk(full).limit_free_space(0);
    // More than the log has set aside. The others are a majority.
    for i in 0..40 {
        // Whoever leads: a busy machine may elect another one, even this node, which then lets another one lead.
        cluster.client(leader).put_bytes(bucket, &format!("key-{i}"), vec![i; 1 << 20]).await;
    }
    let status = cluster.client(full).0.status(GROUP).unwrap();
    assert_ne!(status.role, Role::Stopped, "its log never met the end of the disk");
    assert!(cluster.client(full).applied() < cluster.client(leader).applied());
    let others: Vec<usize> = (0..3).filter(|at| *at != full).collect();
    let leads = cluster.client(cluster.leader_of(&others).await);
    let known = leads.0.wait_for(GROUP, |status| {
        let known = status.members.iter().find(|member| member.node == node_id(full));
        known.is_some_and(|known| known.lag > 0 && known.silence.is_some_and(|silence| silence < PATIENCE))
    });
    tokio::time::timeout(PATIENCE, known).await.expect("it is heard of, and lacks entries").unwrap();

    cluster.disk(full).limit_free_space(1 << 30);
    cluster.client(full).wait_applied(cluster.client(leader).applied()).await;
    assert_eq!(cluster.client(full).versions(bucket).await, 40);
    cluster.assert_equal_states().await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_whose_disk_fills_up_lets_another_one_lead_and_no_write_is_refused() {
    let cluster =
        Cluster::form_on(Machine::simulated, |settings| settings.disk_reserve_bytes = RESERVE_BYTES).await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    let full = cluster.leader().await;
    cluster.disk(full).limit_free_space(RESERVE_BYTES / 2);
    let client = cluster.client(full);
    let mut written = 0;
    let replaced = async {
        while client.0.status(GROUP).unwrap().leader.is_none_or(|leader| leader == node_id(full)) {
            client.put(bucket, &format!("key-{written}")).await;
            written += 1;
        }
    };
    tokio::time::timeout(PATIENCE, replaced).await.expect("another node leads");
    // If all disks are full, there is nobody to turn to.
    for at in 0..3 {
        cluster.disk(at).limit_free_space(RESERVE_BYTES / 2);
    }
    until(&client, true, || put(bucket, "more")).await;
    cluster.shutdown().await;
}
