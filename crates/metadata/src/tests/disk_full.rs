//! A disk that fills up under the rows: commands are refused before the engine meets it, and reads go on.

use std::path::Path;
use std::sync::Arc;

use esker_env::{SimDisk, SystemClock};
use esker_index::command::{CommandBody, Target};
use esker_kv::{MemoryEngine, Tombstones};
use esker_rpc::metadata::MetadataError;
use esker_types::BucketId;

use crate::tests::support::{Client, PATIENCE, alone, key, open_wal, put};
use crate::{Components, MetadataNode, Settings};

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
