//! Followers that the log can't help any more, and installs that are cut short.

use std::sync::Arc;

use bytes::Bytes;
use esker_kv::{Batch, Durability, Engine, MemoryEngine, Tombstones};

use crate::rows::{GroupRows, MARK, Mark, Pointer, RowsFailure};
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
    rows.view().unwrap().rows_from(Bytes::new()).unwrap().map(|pair| pair.unwrap().0).collect()
}

fn parts(rows: &GroupRows) -> Vec<SnapshotPart> {
    ChunkReader::new(rows.view().unwrap()).map(Result::unwrap).collect()
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
fn rows_that_take_several_chunks_are_all_sent_once() {
    // Keys that are prefixes of one another, around the ends of chunks.
    let names: Vec<String> =
        (0..400).flat_map(|n| [format!("{n:03}"), format!("{n:03}\0"), format!("{n:03}\0\0")]).collect();
    let sender = rows_with(&memory(), &names.iter().map(String::as_str).collect::<Vec<_>>(), 9);
    let (receiver, parts) = (rows_with(&memory(), &[], 4), parts(&sender));
    assert!(parts.len() > 3, "there are several chunks");
    let mut receiving = SnapshotReceiver::new(&receiver).unwrap();
    for part in parts {
        match part {
            SnapshotPart::Chunk(chunk) => receiving.chunk(&chunk).unwrap(),
            SnapshotPart::Footer(totals) => {
                receiving.finish(totals).unwrap().install(meta(9)).unwrap();
                break;
            }
        }
    }
    assert_eq!(crate::tests::snapshots::names(&receiver), names);
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
    let expected = Pointer { applied: meta(3).last_log_id, mark: Mark::Present, ..Pointer::default() };
    assert_eq!(rows.pointer(), expected);
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

#[test]
fn rows_that_are_older_than_the_row_about_them_are_refused() {
    for lost in [Some(Bytes::from_static(b"another entry")), None] {
        let engine = memory();
        drop(rows_with(&engine, &["a"], 3));
        assert!(GroupRows::open(Arc::clone(&engine), GROUP).is_ok());
        let keyspace = engine.open_keyspace("sm-0-0").unwrap();
        let mut batch = Batch::new();
        match lost {
            Some(mark) => batch.put(&keyspace, MARK, mark),
            None => batch.delete(&keyspace, MARK),
        }
        engine.commit(batch, Durability::Synced).unwrap();
        let opened = GroupRows::open(engine, GROUP);
        assert!(matches!(opened, Err(RowsFailure::Torn { pointer: Some(3) })), "{opened:?}");
    }
}

#[test]
fn rows_of_a_version_without_marks_are_opened_and_get_one() {
    let engine = memory();
    drop(rows_with(&engine, &["a"], 3));
    let (pointers, keyspace) =
        (engine.open_keyspace("meta").unwrap(), engine.open_keyspace("sm-0-0").unwrap());
    // The pointer row of the first form: generation 0, no entry, no membership.
    let mut batch = Batch::new();
    batch.put(&pointers, Pointer::key(GROUP), [&[1][..], &[0; 18][..]].concat());
    batch.delete(&keyspace, MARK);
    engine.commit(batch, Durability::Synced).unwrap();
    let rows = GroupRows::open(Arc::clone(&engine), GROUP).unwrap();
    assert_eq!(rows.pointer().mark, Mark::Absent);
    rows.commit(std::collections::BTreeMap::new(), meta(4)).unwrap();
    drop(rows);
    assert_eq!(GroupRows::open(engine, GROUP).unwrap().pointer().mark, Mark::Present);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_catches_up_with_many_rows_by_a_snapshot_while_writes_go_on() {
    let mut cluster = Cluster::form(|settings| {
        settings.entries_per_snapshot = 2_000;
        settings.entries_kept = 4_000;
    })
    .await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    let absent = cluster.follower().await;
    let missed_from = cluster.client(absent).applied();
    cluster.kill(absent).await;
    let leader = cluster.client(cluster.leader().await);
    let many = if esker_env::sim::rounds(1) > 1 { 100_000 } else { 20_000 };
    let writers = (0..200u64).map(|writer| {
        let client = &leader;
        async move {
            for i in (writer..many).step_by(200) {
                client.put(bucket, &format!("key-{i:07}")).await;
            }
        }
    });
    futures::future::join_all(writers).await;
    let purged = leader.0.wait_for(GROUP, |status| status.purged_index > Some(missed_from + 1));
    tokio::time::timeout(PATIENCE, purged).await.expect("the log is purged").unwrap();

    cluster.start(absent).await;
    let back = cluster.client(absent);
    let mut meanwhile = 0;
    while back.applied() < leader.applied() || meanwhile < 100 {
        leader.put(bucket, &format!("meanwhile-{meanwhile}")).await;
        meanwhile += 1;
        assert!(meanwhile < 100_000, "it never catches up");
        // The leader may be the last to apply.
        if leader.applied().saturating_sub(back.applied()) < 50 && meanwhile >= 100 {
            break;
        }
    }
    back.wait_applied(leader.applied()).await;
    assert!(back.0.status(GROUP).unwrap().snapshot_index > Some(missed_from), "it came by a snapshot");
    assert_eq!(back.versions(bucket).await, many + meanwhile);
    cluster.assert_equal_states().await;
    cluster.shutdown().await;
}
