//! The blobs of the cluster as the other roles see them.

use crate::damage::DamageSink;
use crate::delete::Deleter;
use crate::keeper::{ViewError, ViewHandle};
use crate::nodes::StorageNodes;
use crate::read::{ReadOptions, Readers};
use crate::rewind::{Keep, Rewind};
use crate::write::{WriteOptions, Writer};
use async_trait::async_trait;
use esker_rpc::{BlobBody, BlobReader, BlobStore, StorageError, StoredBlob};
use esker_types::{BlobId, ByteRange};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Puts for which the view was out of date, so that they were tried again or failed.
pub(crate) const PUTS_STALE_TOTAL: &str = "esker_cluster_puts_stale_total";
/// Replicas that a put reported as late.
pub(crate) const REPLICAS_LATE_TOTAL: &str = "esker_cluster_replicas_late_total";

/// How often a put is tried when the placement turns out to be another one.
const TRIES: usize = 3;

/// How patient the store is.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoreOptions {
    /// With puts.
    pub write: WriteOptions,
    /// With reads.
    pub read: ReadOptions,
}

/// Blobs with replicas on several nodes.
pub struct ReplicatedStore {
    views: ViewHandle,
    writer: Writer,
    keep: Keep,
    readers: Readers,
    deleter: Deleter,
}

impl ReplicatedStore {
    /// A store over these nodes.
    pub fn new(
        views: ViewHandle,
        nodes: Arc<StorageNodes>,
        damage: DamageSink,
        options: StoreOptions,
    ) -> ReplicatedStore {
        let lingering = Arc::new(Semaphore::new(options.write.lingering_max));
        let keep = Keep {
            each_max: options.write.kept_bytes_max,
            all: Arc::new(Semaphore::new(options.write.kept_bytes_total)),
        };
        ReplicatedStore {
            keep,
            writer: Writer { options: options.write, nodes: Arc::clone(&nodes), lingering },
            readers: Readers::new(views.clone(), Arc::clone(&nodes), damage, options.read),
            deleter: Deleter::new(nodes),
            views,
        }
    }
}

#[async_trait]
impl BlobStore for ReplicatedStore {
    async fn put(&self, blob: BlobId, body: BlobBody) -> Result<StoredBlob, StorageError> {
        let mut body = Rewind::new(body, self.keep.clone());
        let mut view = self.views.placed().await.map_err(no_view)?;
        let mut tries = 1;
        loop {
            match self.writer.write(&view, blob, &mut body).await {
                Ok(stored) => {
                    metrics::counter!(REPLICAS_LATE_TOTAL).increment(stored.late.len() as u64);
                    return Ok(stored);
                }
                Err(StorageError::Stale(epoch)) => {
                    metrics::counter!(PUTS_STALE_TOTAL).increment(1);
                    // Also if this put is lost: the client's next one finds the new view.
                    let newer = self.views.refresh().await.map_err(no_view)?;
                    let caught_up = newer.placement_of(blob).is_some_and(|state| state.epoch >= epoch);
                    if tries == TRIES || !caught_up || !body.rewind() {
                        return Err(StorageError::Stale(epoch));
                    }
                    tries += 1;
                    view = newer;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn get(&self, blob: BlobId, range: ByteRange) -> Result<BlobReader, StorageError> {
        self.readers.get(blob, range).await
    }

    async fn delete(&self, blobs: &[BlobId]) -> Result<(), StorageError> {
        let view = self.views.placed().await.map_err(no_view)?;
        self.deleter.delete(&view, blobs).await
    }
}

/// What a caller is told when there is no view in time.
pub(crate) fn no_view(error: ViewError) -> StorageError {
    StorageError::Unavailable(error.to_string())
}
