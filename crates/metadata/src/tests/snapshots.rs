//! Followers that the log can't help any more, and installs that are cut short.

use std::sync::Arc;

use bytes::Bytes;
use esker_kv::{Batch, Durability, Engine, MemoryEngine, Tombstones};

use crate::rows::{GroupRows, Pointer};
use crate::snapshot::{ChunkReader, SnapshotError, SnapshotPart, SnapshotReceiver, Totals};
use crate::tests::nodes::Cluster;
use crate::tests::support::{GROUP, PATIENCE, key};
use crate::types::{LeaderId, LogId, SnapshotMeta};
use openraft::vote::RaftLeaderId;

fn meta(index: u64) -> SnapshotMeta {
    let last = LogId::new(LeaderId::new(1, 1).to_committed(), index);
    SnapshotMeta { last_log_id: Some(last), ..SnapshotMeta::default() }
}

fn rows_with(engine: &Arc<dyn Engine>, names: &[&str], index: u64) -> Arc<GroupRows> {
    let rows = GroupRows::open(Arc::clone(engine), GROUP).unwrap();
    let changes = names.iter().map(|name| (name.as_bytes().to_vec(), Some(Bytes::from(vec![7; 1000]))));
    rows.commit(changes.collect(), meta(index)).unwrap();
    Arc::new(rows)
}

fn memory() -> Arc<dyn Engine> {
    Arc::new(MemoryEngine::new(Tombstones::Dropped))
}

fn names(rows: &GroupRows) -> Vec<Bytes> {
    rows.view().unwrap().all().unwrap().map(|pair| pair.unwrap().0).collect()
}

fn parts(rows: &GroupRows) -> Vec<SnapshotPart> {
    let view = rows.view().unwrap();
    ChunkReader::new(&view).unwrap().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_missed_more_than_the_log_keeps_gets_a_snapshot() {
    let mut cluster = Cluster::form(|settings| {
        settings.entries_per_snapshot = 20;
        settings.entries_kept = 5;
    })
    .await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    let absent = cluster.follower().await;
    let missed_from = cluster.client(absent).applied();
    cluster.kill(absent).await;
    let leader = cluster.leader().await;
    for i in 0..60 {
        // Together they make several chunks.
        cluster.client(leader).put_bytes(bucket, &format!("key-{i:02}"), vec![i; 40_000]).await;
    }
    let client = cluster.client(leader);
    let purged = client.0.wait_for(GROUP, |status| status.purged_index > Some(missed_from + 1));
    tokio::time::timeout(PATIENCE, purged).await.expect("the log is purged").unwrap();

    cluster.start(absent).await;
    let back = cluster.client(absent);
    back.wait_applied(client.applied()).await;
    assert!(back.0.status(GROUP).unwrap().snapshot_index > Some(missed_from), "it came by a snapshot");
    assert_eq!(back.versions(bucket).await, 60);
    cluster.assert_equal_states().await;

    // And it goes on from there, also after another restart.
    cluster.client(leader).put(bucket, "afterwards").await;
    cluster.kill(absent).await;
    cluster.start(absent).await;
    assert!(cluster.client(absent).exists(bucket, key("afterwards").as_str()).await);
    cluster.assert_equal_states().await;
    cluster.shutdown().await;
}

#[test]
fn a_received_snapshot_replaces_all_rows_in_one_step_and_for_good() {
    let (from, to) = (memory(), memory());
    let sender = rows_with(&from, &["a", "b", "c"], 9);
    let receiver = rows_with(&to, &["b", "old"], 4);
    let mut receiving = SnapshotReceiver::new(&receiver).unwrap();
    let mut received = None;
    for part in parts(&sender) {
        match part {
            SnapshotPart::Chunk(chunk) => receiving.chunk(&chunk).unwrap(),
            SnapshotPart::Footer(totals) => {
                assert_eq!(totals.state_hash, esker_index::state_hash(&sender.view().unwrap()).unwrap());
                received = Some(totals);
                break;
            }
        }
        assert_eq!(names(&receiver), ["b", "old"], "nothing shows before the install");
    }
    receiving.finish(received.unwrap()).unwrap().install(meta(9)).unwrap();
    assert_eq!(names(&receiver), ["a", "b", "c"]);
    assert_eq!(*receiver.watch_applied().borrow(), 10);
    assert_eq!(to.keyspaces().unwrap(), ["meta", "sm-0-1"], "the old rows are gone");

    drop(receiver);
    let reopened = GroupRows::open(to, GROUP).unwrap();
    assert_eq!(names(&reopened), ["a", "b", "c"]);
    assert_eq!(reopened.pointer().applied, meta(9).last_log_id);
}

#[test]
fn what_an_interrupted_install_left_is_removed_at_the_next_start() {
    let engine = memory();
    let rows = rows_with(&engine, &["a"], 3);
    drop(rows);
    let leftover = engine.open_keyspace("sm-0-1").unwrap();
    let another_group = engine.open_keyspace("sm-7-1").unwrap();
    let mut batch = Batch::new();
    batch.put(&leftover, "half", "received");
    batch.put(&another_group, "not", "ours");
    engine.commit(batch, Durability::Synced).unwrap();

    let rows = GroupRows::open(Arc::clone(&engine), GROUP).unwrap();
    assert_eq!(engine.keyspaces().unwrap(), ["meta", "sm-0-0", "sm-7-1"]);
    assert_eq!(names(&rows), ["a"]);
    assert_eq!(rows.pointer(), Pointer { applied: meta(3).last_log_id, ..Pointer::default() });
}

#[test]
fn a_snapshot_with_missing_rows_or_rows_out_of_order_is_refused_and_removed() {
    let (from, to) = (memory(), memory());
    let sender = rows_with(&from, &["a", "b"], 9);
    let receiver = rows_with(&to, &["old"], 4);
    let parts = parts(&sender);
    let [SnapshotPart::Chunk(chunk), SnapshotPart::Footer(totals)] = parts.as_slice() else {
        panic!("{parts:?}")
    };

    let mut twice = SnapshotReceiver::new(&receiver).unwrap();
    twice.chunk(chunk).unwrap();
    assert!(matches!(twice.chunk(chunk), Err(SnapshotError::Damaged(_))));
    drop(twice);
    let empty = SnapshotReceiver::new(&receiver).unwrap();
    assert!(matches!(empty.finish(*totals), Err(SnapshotError::Incomplete)));
    let mut other = SnapshotReceiver::new(&receiver).unwrap();
    other.chunk(chunk).unwrap();
    let wrong = Totals { state_hash: totals.state_hash ^ 1, ..*totals };
    assert!(matches!(other.finish(wrong), Err(SnapshotError::Incomplete)));

    assert_eq!(to.keyspaces().unwrap(), ["meta", "sm-0-0"], "abandoned rows are dropped");
    assert_eq!(names(&receiver), ["old"]);
}
