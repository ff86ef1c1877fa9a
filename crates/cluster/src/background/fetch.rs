//! Getting one blob from another node onto this one.
//!
//! Whoever copies for a move may leave out a blob that was listed only if it is sure that nobody will ever need it. That
//! no node has it now is not enough: the node that listed it may be lost, and a put that is still under way to a node
//! that is not fenced may yet succeed, with the lost one's replica counted. So the node that listed it must say itself
//! that it has it no more, which only a deletion does.

use super::upkeep::{PIECE_DEADLINE, Upkeep, within};
use crate::view::ClusterView;
use esker_rpc::{BlobBody, BlobInfo, BlobReader, BodyAborted, StorageError};
use esker_types::{ByteRange, Fence, NodeId};
use futures::StreamExt as _;
use std::sync::{Arc, Mutex, PoisonError};

/// What came of looking for a blob on all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    /// It is on this node's disk.
    Stored,
    /// No node has it, and all were asked.
    Gone,
    /// All nodes were asked, and what some of them have does not verify.
    Unreadable,
}

/// Why it is not known whether the blob can be had, or why it could not be stored.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("node {node} could not be asked: {error}")]
    Unreachable { node: NodeId, error: StorageError },
    #[error("the blob could not be stored here: {0}")]
    Local(StorageError),
    #[error("node {0}, which listed the blob, is lost")]
    SourceLost(NodeId),
    #[error("no replica verifies, and a put may still bring one that does")]
    Unsettled,
    #[error("there are no placements yet")]
    NoPlace,
}

/// Why one node did not give the blob.
enum Miss {
    NotThere,
    Damaged(StorageError),
    Unreachable(StorageError),
    Local(StorageError),
}

impl Upkeep {
    /// Fetches a blob from the first node that has it whole: from the one that listed it, if there is one, then from
    /// where it belongs, then from anywhere. Verified by the sender's checksums and by its length.
    pub(super) async fn fetch(
        &self,
        view: &ClusterView,
        info: BlobInfo,
        listed_by: Option<NodeId>,
    ) -> Result<Fetched, FetchError> {
        let fence = view.fence_of(info.blob).ok_or(FetchError::NoPlace)?;
        let mut fetched = Fetched::Gone;
        let lost = listed_by.filter(|source| view.present(*source).is_none());
        let mut unknown = lost.map(FetchError::SourceLost);
        for node in self.holders(view, info, listed_by) {
            match self.fetch_from(view, node, info, fence).await {
                Ok(()) => {
                    self.counters.pulled_blobs.add(1);
                    self.counters.pulled_bytes.add(info.length);
                    return Ok(Fetched::Stored);
                }
                Err(Miss::NotThere) => {}
                Err(Miss::Damaged(error)) => {
                    tracing::warn!(blob = ?info.blob, %node, %error, "a replica does not verify");
                    fetched = Fetched::Unreadable;
                }
                Err(Miss::Unreachable(error)) => unknown = Some(FetchError::Unreachable { node, error }),
                Err(Miss::Local(error)) => return Err(FetchError::Local(error)),
            }
        }
        if fetched == Fetched::Unreadable && may_come_late(view, info) {
            unknown.get_or_insert(FetchError::Unsettled);
        }
        unknown.map_or(Ok(fetched), Err)
    }

    /// The nodes that may have a blob, but for this one, each once.
    fn holders(&self, view: &ClusterView, info: BlobInfo, first: Option<NodeId>) -> Vec<NodeId> {
        let placed = view.placement_of(info.blob);
        let placed = placed.into_iter().flat_map(|state| state.replicas.iter().chain(&state.target));
        let mut holders = Vec::new();
        for node in first.iter().chain(placed).copied().chain(view.storage_nodes()) {
            if node != self.node && view.present(node).is_some() && !holders.contains(&node) {
                holders.push(node);
            }
        }
        holders
    }

    async fn fetch_from(
        &self,
        view: &ClusterView,
        node: NodeId,
        info: BlobInfo,
        fence: Fence,
    ) -> Result<(), Miss> {
        let storage = self.nodes.get(view, node).map_err(Miss::Unreachable)?;
        let range = ByteRange { first: 0, last: info.length.saturating_sub(1) };
        let reader = self.ask(node, storage.get(info.blob, range)).await.map_err(miss_of)?;
        self.pace.take(info.length).await;
        let failure = Arc::new(Mutex::new(None));
        let body = exactly(reader, info.length, Arc::clone(&failure));
        match self.local.put(info.blob, fence, body).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let failure = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
                let Some(failure) = failure else { return Err(Miss::Local(error)) };
                self.nodes.health().note(node, &Err::<(), _>(failure.clone()));
                Err(miss_of(failure))
            }
        }
    }
}

/// Whether a put that began before the blob's group moved may yet store it on one of the nodes that the group had: one
/// that has not refused such puts.
fn may_come_late(view: &ClusterView, info: BlobInfo) -> bool {
    let Some(state) = view.placement_of(info.blob).filter(|state| state.moves()) else { return false };
    state.replicas.iter().any(|node| view.present(*node).is_some() && !state.fenced.contains(node))
}

fn miss_of(error: StorageError) -> Miss {
    match error {
        StorageError::NotFound => Miss::NotThere,
        // A shorter blob than everybody else knows is no replica of it.
        StorageError::Corrupt(_) | StorageError::OutOfRange => Miss::Damaged(error),
        _ => Miss::Unreachable(error),
    }
}

/// The blob's bytes as a body that is whole or aborted, and never short. `failure` tells why it was aborted.
pub(super) fn exactly(
    reader: BlobReader,
    length: u64,
    failure: Arc<Mutex<Option<StorageError>>>,
) -> BlobBody {
    let pieces = futures::stream::unfold(Some((reader, length, failure)), |state| async {
        let (mut reader, left, failure) = state?;
        let next = within(PIECE_DEADLINE, async { reader.next().await.transpose() }).await;
        let error = match next {
            Ok(Some(piece)) => match left.checked_sub(piece.len() as u64) {
                Some(left) => return Some((Ok(piece), Some((reader, left, failure)))),
                None => StorageError::Corrupt("the blob is longer than it is said to be".to_owned()),
            },
            Ok(None) if left == 0 => return None,
            Ok(None) => StorageError::Corrupt("the blob is shorter than it is said to be".to_owned()),
            Err(error) => error,
        };
        *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        Some((Err(BodyAborted), None))
    });
    pieces.boxed()
}
