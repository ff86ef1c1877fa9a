//! Power loss: the log keeps what was synced, the rows are any earlier prefix.

use std::path::Path;
use std::sync::Arc;

use esker_env::{Random, SeededRandom, SimDisk, SystemClock};
use esker_kv::{Engine, MemoryEngine, Tombstones};
use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::tests::forgetful::{self, ForgetfulEngine};
use crate::tests::nodes::{Cluster, Machine};
use crate::tests::support::{Client, GROUP, PATIENCE, alone, open_wal};
use crate::{Components, MetadataNode, Settings};

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

/// Writes, takes the rows of some moment and the log of a later power cut, and checks what a restart makes of them.
async fn survive(seed: u64, settings: Settings) {
    let random = SeededRandom::new(seed);
    let (disk, engine) = (SimDisk::new(), memory());
    let node =
        MetadataNode::start(components(disk.clone(), Arc::clone(&engine)), settings.clone()).await.unwrap();
    let client = Client::of(&node);
    let bucket = client.create_bucket("alpha").await;
    let rows_at = random.below(40);
    let cut_at = rows_at + random.below(40 - rows_at + 1);
    let (mut rows, mut image) = (memory(), None);
    let mut acknowledged = Vec::new();
    for i in 0..=40 {
        if i == rows_at {
            rows = forgetful::copy(engine.as_ref());
        }
        if i == cut_at {
            // Some writes are under way when the power fails.
            let mut under_way: FuturesUnordered<_> = (0..8)
                .map(|j| {
                    let client = &client;
                    async move {
                        let name = format!("under-way-{j}");
                        client.put(bucket, &name).await;
                        name
                    }
                })
                .collect();
            acknowledged.extend(under_way.next().await);
            image = Some(disk.power_cut(&random));
            break;
        }
        let name = format!("key-{i}");
        client.put(bucket, &name).await;
        acknowledged.push(name);
    }
    node.kill().await;

    let node = MetadataNode::start(components(image.unwrap(), rows), settings).await.unwrap();
    let client = Client::of(&node);
    for name in &acknowledged {
        assert!(client.exists(bucket, name).await, "seed {seed}: {name} was acknowledged and is gone");
    }
    let versions = client.versions(bucket).await;
    assert!((acknowledged.len() as u64..=acknowledged.len() as u64 + 7).contains(&versions), "seed {seed}");
    client.put(bucket, "afterwards").await;
    assert_eq!(client.versions(bucket).await, versions + 1, "seed {seed}");
    assert!(client.0.status(GROUP).unwrap().last_log_index.is_some());
    node.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_writes_survive_a_power_cut_that_drops_unsynced_rows() {
    for seed in 0..esker_env::sim::rounds(24) {
        survive(seed, alone()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_purged_only_below_rows_that_were_synced() {
    let settings = Settings { entries_per_snapshot: 10, entries_kept: 0, ..alone() };
    let (disk, engine) = (SimDisk::new(), Arc::new(ForgetfulEngine::new(memory())));
    let node = MetadataNode::start(components(disk.clone(), engine.clone()), settings.clone()).await.unwrap();
    let client = Client::of(&node);
    let bucket = client.create_bucket("alpha").await;
    for i in 0..95 {
        client.put(bucket, &format!("key-{i}")).await;
    }
    let purged = client.0.wait_for(GROUP, |status| status.purged_index > Some(50));
    tokio::time::timeout(PATIENCE, purged).await.expect("the log is purged").unwrap();
    let image = disk.power_cut(&SeededRandom::new(1));
    let rows = engine.as_of_last_sync();
    node.kill().await;

    let node = MetadataNode::start(components(image, rows), settings).await.unwrap();
    let client = Client::of(&node);
    assert_eq!(client.versions(bucket).await, 95);
    node.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_that_all_lose_power_keep_every_acknowledged_write() {
    let random = SeededRandom::new(3);
    let mut cluster = Cluster::form_on(Machine::simulated, |settings| {
        settings.entries_per_snapshot = 25;
        settings.entries_kept = 10;
    })
    .await;
    let bucket = cluster.client(0).create_bucket("alpha").await;
    let mut acknowledged = Vec::new();
    for round in 0..4 {
        for i in 0..20 {
            let name = format!("key-{round}-{i}");
            cluster.client(i % 3).put(bucket, &name).await;
            acknowledged.push(name);
        }
        cluster.power_cut(&random).await;
        for (i, name) in acknowledged.iter().enumerate() {
            assert!(cluster.client(i % 3).exists(bucket, name).await, "{name} after round {round}");
        }
        cluster.assert_equal_states().await;
    }
    assert_eq!(cluster.client(0).versions(bucket).await, acknowledged.len() as u64);
    cluster.shutdown().await;
}
