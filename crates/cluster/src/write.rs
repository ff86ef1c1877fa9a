//! One try to store one blob on its replicas.
//!
//! The put session decides when the blob is durable; this carries bytes to the replicas and reports to the session
//! what they say. A replica that holds up the others is given up: after a short while if the others are enough, and
//! else after a long one.

use crate::nodes::StorageNodes;
use crate::put::{Puts, Write};
use crate::rewind::Rewind;
use crate::view::ClusterView;
use esker_durability::Placement;
use esker_rpc::{StorageError, StoredBlob};
use esker_types::{BlobId, Fence};
use futures::StreamExt as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How patient puts are.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// How many pieces may wait for each replica.
    pub lane_room: usize,
    /// How long the replicas that are not needed any more are given once the write quorum is reached.
    pub late: Duration,
    /// For how long a replica may hold up the others at a time, if they are enough without it. All such replicas
    /// together may cost a put four times as much.
    pub patience: Duration,
    /// For how long nothing may move at all.
    pub stall: Duration,
    /// For how long a late replica may go on after the put has returned.
    pub linger: Duration,
    /// How many puts may have such replicas at a time; those of the others are cut off.
    pub lingering_max: usize,
    /// How many bytes of a blob are kept, to be sent again after the blob's place turned out to be another one.
    pub kept_bytes_max: usize,
    /// How many bytes are kept for all puts together.
    pub kept_bytes_total: usize,
}

impl Default for WriteOptions {
    fn default() -> WriteOptions {
        WriteOptions {
            lane_room: 2,
            late: Duration::from_millis(100),
            patience: Duration::from_millis(500),
            stall: Duration::from_secs(10),
            linger: Duration::from_secs(10),
            lingering_max: 32,
            kept_bytes_max: 1 << 20,
            kept_bytes_total: 32 << 20,
        }
    }
}

/// What puts work with.
pub(crate) struct Writer {
    pub(crate) options: WriteOptions,
    pub(crate) nodes: Arc<StorageNodes>,
    /// One permit for each put that left replicas behind.
    pub(crate) lingering: Arc<Semaphore>,
}

impl Writer {
    /// Stores a blob where this view puts it.
    pub(crate) async fn write(
        &self,
        view: &ClusterView,
        blob: BlobId,
        body: &mut Rewind,
    ) -> Result<StoredBlob, StorageError> {
        let unplaced = || StorageError::Unavailable("the blob has no place yet".to_owned());
        let state = view.placement_of(blob).ok_or_else(unplaced)?;
        let fence = Fence { group: state.group, epoch: state.epoch };
        let placement = Placement::new(state.replicas.clone(), state.target.clone())
            .map_err(|error| StorageError::Unavailable(format!("the blob's placement is wrong: {error}")))?;
        let mut write = Write::new(self, placement);
        if let Some(result) = write.begin(view, blob, fence) {
            return result;
        }
        let mut stored = write.run(body).await?;
        // One that is gone gets nothing any more, and whoever takes its place copies all. What is recorded for it
        // would only have to be forgotten.
        stored.late.retain(|node| view.present(*node).is_some());
        Ok(stored)
    }
}

/// What the caller of a put that failed is told: what it can act upon goes first.
pub(crate) fn explain(errors: Vec<StorageError>) -> StorageError {
    let rank = |error: &StorageError| match error {
        StorageError::Stale(_) => 0,
        StorageError::TooLong | StorageError::Exists | StorageError::OutOfRange => 1,
        StorageError::Full => 2,
        StorageError::Unavailable(_) => 3,
        StorageError::Failed(_) | StorageError::Corrupt(_) | StorageError::NotFound => 4,
        StorageError::Aborted => 5,
    };
    let none = || StorageError::Unavailable("too few replicas".to_owned());
    errors.into_iter().min_by_key(rank).unwrap_or_else(none)
}

/// Lets late replicas finish. Their senders are gone, and the end is in their lanes.
pub(crate) async fn linger(
    nodes: Arc<StorageNodes>,
    mut puts: Puts,
    patience: Duration,
    permit: OwnedSemaphorePermit,
) {
    let all = async {
        while let Some((node, reply)) = puts.next().await {
            nodes.health().note(node, &reply);
        }
    };
    // Those that don't finish are repaired; the next put finds out how they are.
    let _ = timeout(patience, all).await;
    drop(permit);
}
