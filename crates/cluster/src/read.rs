//! Reading one blob from any replica that verifies.

use crate::damage::DamageSink;
use crate::keeper::ViewHandle;
use crate::nodes::StorageNodes;
use crate::pace::Pace;
use crate::reading::Reading;
use crate::store::no_view;
use esker_rpc::{BlobReader, StorageError};
use esker_types::{BlobId, ByteRange};
use futures::StreamExt as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Reads that asked a second replica because the first was slow.
pub(crate) const READS_HEDGED_TOTAL: &str = "esker_cluster_reads_hedged_total";
/// Replicas that could not give a reader what it asked for.
pub(crate) const REPLICAS_FAILED_TOTAL: &str = "esker_cluster_replica_reads_failed_total";

/// How patient readers are.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    /// A replica that gives nothing for so long is slow, however long answers usually take: another one is asked too,
    /// and the first to answer goes on.
    pub hedge_min: Duration,
    /// A replica that gives nothing for so long is slow, even if answers usually take longer.
    pub hedge_max: Duration,
    /// How many replicas may be asked in vain at a time, so that a slow cluster is not made slower.
    pub hedges_max: usize,
    /// Replicas that give nothing for so long are given up.
    pub stall: Duration,
}

impl Default for ReadOptions {
    fn default() -> ReadOptions {
        ReadOptions {
            hedge_min: Duration::from_millis(100),
            hedge_max: Duration::from_secs(2),
            hedges_max: 32,
            stall: Duration::from_secs(10),
        }
    }
}

/// What reads work with.
pub(crate) struct ReadParts {
    pub(crate) views: ViewHandle,
    pub(crate) nodes: Arc<StorageNodes>,
    pub(crate) damage: DamageSink,
    pub(crate) options: ReadOptions,
    pub(crate) pace: Pace,
    pub(crate) hedges: Arc<Semaphore>,
}

/// Opens blobs.
pub(crate) struct Readers(Arc<ReadParts>);

impl Readers {
    pub(crate) fn new(
        views: ViewHandle,
        nodes: Arc<StorageNodes>,
        damage: DamageSink,
        options: ReadOptions,
    ) -> Readers {
        let hedges = Arc::new(Semaphore::new(options.hedges_max));
        Readers(Arc::new(ReadParts { views, nodes, damage, options, pace: Pace::new(), hedges }))
    }

    /// Reads a range. The first piece is there when this returns.
    pub(crate) async fn get(&self, blob: BlobId, range: ByteRange) -> Result<BlobReader, StorageError> {
        if range.first > range.last {
            return Err(StorageError::OutOfRange);
        }
        let view = self.0.views.placed().await.map_err(no_view)?;
        let mut reading = Reading::new(Arc::clone(&self.0), view, blob, range);
        let first = reading.next().await.transpose();
        let rest = futures::stream::unfold(Some(reading), |state| async move {
            let mut reading = state?;
            match reading.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(reading))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        match first {
            Some(Err(error)) => Err(error),
            first => Ok(futures::stream::iter(first).chain(rest).boxed()),
        }
    }
}
