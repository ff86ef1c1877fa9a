//! What every job on this node's own data needs: the store, the other nodes, the metadata layer.

use super::counters::Counters;
use super::ledger::Ledger;
use super::pace::Pace;
use super::settings::BackgroundSettings;
use crate::keeper::ViewHandle;
use crate::nodes::StorageNodes;
use crate::view::ClusterView;
use esker_rpc::{BlobPage, GroupFilter, STAT_MAX, Storage, StorageError};
use esker_types::{BlobId, NodeId};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Longest wait for a node's answer that is not a stream.
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);
/// Longest wait for the next piece of a blob.
pub(super) const PIECE_DEADLINE: Duration = Duration::from_secs(10);

/// The surroundings of a node's jobs on its own data.
pub(super) struct Upkeep {
    /// This node.
    pub(super) node: NodeId,
    /// Its store.
    pub(super) local: Arc<dyn Storage>,
    pub(super) nodes: Arc<StorageNodes>,
    pub(super) views: ViewHandle,
    pub(super) ledger: Ledger,
    pub(super) pace: Pace,
    pub(super) counters: Arc<Counters>,
    pub(super) settings: Arc<BackgroundSettings>,
}

impl Upkeep {
    /// Asks a node; its silence is an answer too. What comes of it counts for the node's health.
    pub(super) async fn ask<T>(
        &self,
        node: NodeId,
        question: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        let answer = within(ANSWER_DEADLINE, question).await;
        self.nodes.health().note(node, &answer);
        answer
    }

    /// A page of a node's blobs of some groups.
    pub(super) async fn list(
        &self,
        view: &ClusterView,
        node: NodeId,
        filter: &GroupFilter,
        after: Option<BlobId>,
    ) -> Result<BlobPage, StorageError> {
        let storage = self.nodes.get(view, node)?;
        self.ask(node, storage.list(Some(filter), after, STAT_MAX)).await
    }

    /// The lengths of blobs on a node, of at most [`STAT_MAX`] blobs.
    pub(super) async fn stat(
        &self,
        view: &ClusterView,
        node: NodeId,
        blobs: &[BlobId],
    ) -> Result<Vec<Option<u64>>, StorageError> {
        let storage = self.nodes.get(view, node)?;
        let lengths = self.ask(node, storage.stat(blobs)).await?;
        if lengths.len() == blobs.len() {
            Ok(lengths)
        } else {
            Err(StorageError::Unavailable(format!("node {node} answered for other blobs than it was asked")))
        }
    }
}

/// An answer that does not come in time is an unavailable node's.
pub(super) async fn within<T>(
    limit: Duration,
    question: impl Future<Output = Result<T, StorageError>>,
) -> Result<T, StorageError> {
    let answer = timeout(limit, question).await;
    answer.unwrap_or_else(|_| Err(StorageError::Unavailable(format!("no answer within {limit:?}"))))
}
