//! Replacing blobs that were found damaged or missing on this node, by a reader or by scrubbing.
//!
//! Reports are only hints, and are lost when the process ends: what a report names is looked at again, and what is not
//! repaired is found again by scrubbing, by reading, or by comparing with the peers.

use super::fetch::Fetched;
use super::upkeep::{PIECE_DEADLINE, Upkeep, within};
use crate::damage::Damage;
use crate::view::ClusterView;
use esker_rpc::{BlobInfo, StorageError};
use esker_types::{BlobId, ByteRange};
use futures::StreamExt as _;
use std::collections::BTreeSet;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Most blobs that wait to be looked into. Further reports are dropped.
const PENDING_MAX: usize = 10_000;

/// What came of looking into a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looked {
    /// Nothing is wrong any more, or nothing can be done.
    Settled,
    /// To be tried again.
    Later,
}

/// Works until it is dropped. Reports about other nodes are theirs to find.
pub(super) async fn run(upkeep: &Upkeep, mut reports: mpsc::Receiver<Damage>) {
    let mut pending: BTreeSet<BlobId> = BTreeSet::new();
    loop {
        if pending.is_empty() {
            match reports.recv().await {
                Some(report) => note(upkeep, &mut pending, report),
                // Nobody is left to report anything.
                None => return,
            }
        } else {
            // What could not be repaired waits; a new report brings the next try forward.
            let wait = timeout(upkeep.settings.repair_retry, reports.recv());
            match wait.await {
                Ok(Some(report)) => note(upkeep, &mut pending, report),
                Ok(None) => tokio::time::sleep(upkeep.settings.repair_retry).await,
                Err(_) => {}
            }
        }
        while let Ok(report) = reports.try_recv() {
            note(upkeep, &mut pending, report);
        }
        let mut left = BTreeSet::new();
        for blob in std::mem::take(&mut pending) {
            if upkeep.look_into(blob).await == Looked::Later {
                left.insert(blob);
            }
        }
        pending = left;
        upkeep.counters.damage_pending.set(pending.len() as u64);
    }
}

fn note(upkeep: &Upkeep, pending: &mut BTreeSet<BlobId>, Damage { node, blob }: Damage) {
    if node == upkeep.node && pending.len() < PENDING_MAX {
        pending.insert(blob);
        upkeep.counters.damage_pending.set(pending.len() as u64);
    }
}

impl Upkeep {
    async fn look_into(&self, blob: BlobId) -> Looked {
        let Some((view, _)) = self.view_with_places() else { return Looked::Later };
        let belongs = view
            .placement_of(blob)
            .is_some_and(|state| state.replicas.contains(&self.node) || state.target.contains(&self.node));
        if !belongs {
            return Looked::Settled;
        }
        let length = match self.length_of(&view, blob).await {
            Ok(Some(length)) => length,
            // Nobody has it, and all were asked: it was deleted, or it is lost, which reading it tells.
            Ok(None) => return Looked::Settled,
            Err(error) => {
                tracing::info!(?blob, %error, "a damaged blob is looked into later");
                return Looked::Later;
            }
        };
        if self.verifies(blob, length).await {
            return Looked::Settled;
        }
        let info = BlobInfo { blob, length };
        match self.fetch(&view, info, None).await {
            Ok(Fetched::Stored) => {
                tracing::info!(?blob, "replaced a damaged blob by another node's replica");
                self.counters.damage_repaired.add(1);
                Looked::Settled
            }
            Ok(Fetched::Gone) => {
                tracing::error!(?blob, "a damaged blob has no other replica: its data is lost");
                self.counters.unreadable.add(1);
                Looked::Settled
            }
            Ok(Fetched::Unreadable) => {
                self.note_unreadable(info);
                Looked::Settled
            }
            Err(error) => {
                tracing::info!(?blob, %error, "a damaged blob is replaced later");
                Looked::Later
            }
        }
    }

    /// How long the blob is, as the nodes say that it belongs on: this one's word counts only if there is no other.
    async fn length_of(&self, view: &ClusterView, blob: BlobId) -> Result<Option<u64>, StorageError> {
        let mut silent = None;
        for node in view.storage_nodes().into_iter().filter(|node| *node != self.node) {
            match self.stat(view, node, &[blob]).await {
                Ok(lengths) => {
                    if let Some(length) = lengths.into_iter().flatten().next() {
                        return Ok(Some(length));
                    }
                }
                Err(error) => silent = Some(error),
            }
        }
        match silent {
            Some(error) => Err(error),
            None => Ok(self.local.stat(&[blob]).await?.into_iter().flatten().next()),
        }
    }

    /// Whether this node's replica is whole.
    async fn verifies(&self, blob: BlobId, length: u64) -> bool {
        let range = ByteRange { first: 0, last: length.saturating_sub(1) };
        let Ok(mut reader) = self.local.get(blob, range).await else { return false };
        let mut left = length;
        loop {
            match within(PIECE_DEADLINE, async { reader.next().await.transpose() }).await {
                Ok(Some(piece)) => left = left.saturating_sub(piece.len() as u64),
                Ok(None) => return left == 0,
                Err(_) => return false,
            }
        }
    }
}
