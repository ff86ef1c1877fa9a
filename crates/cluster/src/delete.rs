//! Deleting blobs everywhere.
//!
//! Every node that may have one of them must confirm. What some confirmed while another was away is remembered, so
//! that they don't do it again each round; to forget it costs only that. A replica that comes to be after its node has
//! confirmed (a late put, a copy that a move had begun) is found by the sweep for data that nobody holds.

use crate::nodes::StorageNodes;
use crate::view::ClusterView;
use esker_durability::{Deletion, DeletionDecision};
use esker_rpc::StorageError;
use esker_types::{BlobId, NodeId};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// Most blobs of one request to a node.
const BATCH_BLOBS: usize = 1000;
/// How long a node may take for one batch.
const BATCH_DEADLINE: Duration = Duration::from_secs(30);
/// Most confirmations that are remembered.
const REMEMBERED_MAX: usize = 100_000;

/// Deletes blobs on all nodes.
pub(crate) struct Deleter {
    nodes: Arc<StorageNodes>,
    confirmed: Mutex<Confirmed>,
}

/// Which nodes confirmed that they don't have a blob, of blobs that other nodes have not confirmed.
#[derive(Default)]
struct Confirmed {
    by_blob: HashMap<BlobId, Vec<NodeId>>,
    count: usize,
}

impl Deleter {
    pub(crate) fn new(nodes: Arc<StorageNodes>) -> Deleter {
        Deleter { nodes, confirmed: Mutex::default() }
    }

    /// Deletes blobs on every node of the view that may have one.
    pub(crate) async fn delete(&self, view: &ClusterView, blobs: &[BlobId]) -> Result<(), StorageError> {
        let nodes = view.storage_nodes();
        if nodes.is_empty() {
            return Err(StorageError::Unavailable("there is no storage node".to_owned()));
        }
        let data: BTreeSet<_> = blobs.iter().map(|blob| blob.data).collect();
        let mut deletions: Vec<Deletion> =
            data.into_iter().map(|data| Deletion::new(data, nodes.iter().copied())).collect();
        let mut answers: FuturesUnordered<_> = nodes
            .iter()
            .map(|node| {
                let due = self.confirmed().due(*node, blobs);
                async move { (*node, self.delete_on(view, *node, &due).await) }
            })
            .collect();
        let mut errors = BTreeMap::new();
        let mut incomplete = false;
        while let Some((node, answer)) = answers.next().await {
            for deletion in &mut deletions {
                let decision = match &answer {
                    Ok(()) => deletion.on_deleted(node),
                    Err(_) => deletion.on_failed(node),
                };
                incomplete |= decision == DeletionDecision::Incomplete;
            }
            if let Err(error) = answer {
                errors.insert(node, error);
            }
        }
        if !incomplete {
            self.confirmed().forget(blobs);
            return Ok(());
        }
        let nodes: Vec<String> = errors.iter().map(|(node, error)| format!("{node}: {error}")).collect();
        Err(StorageError::Unavailable(format!("not deleted everywhere ({})", nodes.join("; "))))
    }

    /// Deletes blobs on one node, and remembers what it confirms.
    async fn delete_on(
        &self,
        view: &ClusterView,
        node: NodeId,
        blobs: &[BlobId],
    ) -> Result<(), StorageError> {
        let storage = self.nodes.get(view, node)?;
        if !blobs.is_empty() && !self.nodes.health().is_well(node) {
            // Waiting for it each time would hold up what the others can do.
            return Err(StorageError::Unavailable("it failed a moment ago".to_owned()));
        }
        for batch in blobs.chunks(BATCH_BLOBS) {
            let late = || StorageError::Unavailable("no answer in time".to_owned());
            let answer = timeout(BATCH_DEADLINE, storage.delete(batch)).await;
            let answer = answer.unwrap_or_else(|_| Err(late()));
            self.nodes.health().note(node, &answer);
            answer?;
            self.confirmed().add(node, batch);
        }
        Ok(())
    }

    fn confirmed(&self) -> MutexGuard<'_, Confirmed> {
        self.confirmed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Confirmed {
    /// Those that the node has not confirmed.
    fn due(&self, node: NodeId, blobs: &[BlobId]) -> Vec<BlobId> {
        let confirmed = |blob: &BlobId| self.by_blob.get(blob).is_some_and(|nodes| nodes.contains(&node));
        blobs.iter().filter(|blob| !confirmed(blob)).copied().collect()
    }

    fn add(&mut self, node: NodeId, blobs: &[BlobId]) {
        if self.count + blobs.len() > REMEMBERED_MAX {
            // Whatever of it is still of use is found out again.
            *self = Confirmed::default();
        }
        self.count += blobs.len();
        for blob in blobs {
            self.by_blob.entry(*blob).or_default().push(node);
        }
    }

    fn forget(&mut self, blobs: &[BlobId]) {
        for blob in blobs {
            self.count -= self.by_blob.remove(blob).map_or(0, |nodes| nodes.len());
        }
    }
}
