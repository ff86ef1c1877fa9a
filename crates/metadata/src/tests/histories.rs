//! Logs and rows that do not belong together: lost, or of another time. A node tells, and leaves both as they are.

use std::path::Path;
use std::sync::Arc;

use esker_env::{SeededRandom, SimDisk, SystemClock};
use esker_kv::{Engine, MemoryEngine, Tombstones};

use crate::tests::forgetful;
use crate::tests::nodes::Cluster;
use crate::tests::support::{Client, GROUP, PATIENCE, alone, open_wal};
use crate::{Components, HistoryError, MetadataNode, Settings, StartError};

fn memory() -> Arc<dyn Engine> {
    Arc::new(MemoryEngine::new(Tombstones::Dropped))
}

fn components(disk: SimDisk, engine: Arc<dyn Engine>) -> Components {
    Components {
        wal: open_wal(disk, Path::new("/wal")),
        engine,
        clock: Arc::new(SystemClock::new()),
        peers: None,
    }
}

fn purging() -> Settings {
    Settings { entries_per_snapshot: 10, entries_kept: 0, ..alone() }
}

/// The log and the rows of one moment.
struct Moment {
    disk: SimDisk,
    rows: Arc<dyn Engine>,
}

/// Writes to a lone node, and returns its log and rows after 10 writes and after 60.
async fn two_moments(settings: Settings) -> (Moment, Moment) {
    let (disk, engine) = (SimDisk::new(), memory());
    let node = MetadataNode::start(components(disk.clone(), engine.clone()), settings).await.unwrap();
    let client = Client::of(&node);
    let bucket = client.create_bucket("alpha").await;
    let mut moments = Vec::new();
    for i in 1..=60 {
        client.put(bucket, &format!("key-{i}")).await;
        if i == 10 || i == 60 {
            let rows = forgetful::copy(engine.as_ref());
            moments.push(Moment { disk: disk.power_cut(&SeededRandom::new(i)), rows });
        }
    }
    drop(client);
    node.kill().await;
    let late = moments.pop().unwrap();
    (moments.pop().unwrap(), late)
}

async fn refusal(disk: SimDisk, rows: Arc<dyn Engine>, settings: Settings) -> HistoryError {
    let before = forgetful::copy(rows.as_ref());
    let started = MetadataNode::start(components(disk.clone(), rows.clone()), settings.clone()).await;
    let error = started.expect_err("a node that lost something does not start");
    // Nor does it the next time, since the first one changed nothing.
    let again = MetadataNode::start(components(disk, before), settings).await.err();
    assert_eq!(again.map(|error| error.to_string()), Some(error.to_string()));
    match error {
        StartError::History { group: 0, source } => source,
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_their_log_are_refused() {
    let (_, late) = two_moments(alone()).await;
    let error = refusal(SimDisk::new(), late.rows, alone()).await;
    assert!(matches!(error, HistoryError::LogMissing { applied } if applied >= 60), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_older_than_the_rows_is_refused() {
    let (early, late) = two_moments(alone()).await;
    let error = refusal(early.disk, late.rows, alone()).await;
    let HistoryError::LogBehind { applied, last: Some(last) } = error else { panic!("{error}") };
    assert!(last < applied, "{last} {applied}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_older_than_what_the_log_keeps_are_refused() {
    let (early, late) = two_moments(purging()).await;
    for rows in [memory(), early.rows] {
        let error = refusal(late.disk.clone(), rows, purging()).await;
        assert!(matches!(error, HistoryError::RowsBehind { purged, .. } if purged > 12), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_kept_everything_makes_the_rows_anew() {
    let (early, late) = two_moments(alone()).await;
    for rows in [memory(), early.rows] {
        let node = MetadataNode::start(components(late.disk.clone(), rows), alone()).await.unwrap();
        let found = node.handle().wait_for(GROUP, |status| status.applied_index >= Some(60));
        tokio::time::timeout(PATIENCE, found).await.expect("the log is applied").unwrap();
        node.shutdown().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_installed_a_snapshot_and_was_killed_starts_again() {
    let mut cluster = Cluster::form(|settings| {
        settings.entries_per_snapshot = 10;
        settings.entries_kept = 0;
    })
    .await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    let away = cluster.follower().await;
    cluster.kill(away).await;
    let leader = cluster.leader().await;
    for i in 0..60 {
        cluster.client(leader).put(bucket, &format!("key-{i}")).await;
    }
    let leader = cluster.client(cluster.leader().await);
    let purged = leader.0.wait_for(GROUP, |status| status.purged_index > Some(30));
    tokio::time::timeout(PATIENCE, purged).await.expect("the log is purged").unwrap();
    cluster.start(away).await;
    cluster.client(away).wait_applied(60).await;
    cluster.kill(away).await;
    cluster.start(away).await;
    cluster.assert_equal_states().await;
    cluster.shutdown().await;
}
