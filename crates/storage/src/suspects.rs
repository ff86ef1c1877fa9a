//! Blobs that were found damaged, by a read or by scrubbing, and weren't stored again yet. The node doesn't claim to
//! have them, so that they are fetched from another replica.
//!
//! Kept in memory: after a restart, a read or the next round of scrubbing finds them again.

use esker_types::BlobId;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// How many are remembered. A disk with more is no place to repair one blob after the other.
const BLOBS_MAX: usize = 10_000;

/// The damaged blobs of one store.
#[derive(Debug, Default)]
pub(crate) struct Suspects {
    sets: Mutex<Sets>,
    found: Notify,
}

#[derive(Debug, Default)]
struct Sets {
    all: BTreeSet<BlobId>,
    /// Those that nobody was told of yet.
    untold: BTreeSet<BlobId>,
}

impl Suspects {
    /// A blob doesn't verify.
    pub(crate) fn add(&self, blob: BlobId) {
        let Sets { all, untold } = &mut *self.lock();
        for set in [all, untold] {
            if set.len() < BLOBS_MAX {
                set.insert(blob);
            }
        }
        self.found.notify_one();
    }

    /// A blob is whole again, or gone.
    pub(crate) fn clear(&self, blob: BlobId) {
        let mut sets = self.lock();
        sets.all.remove(&blob);
        sets.untold.remove(&blob);
    }

    /// Whether a blob was found damaged.
    pub(crate) fn holds(&self, blob: BlobId) -> bool {
        self.lock().all.contains(&blob)
    }

    /// Those that were found since the last call.
    pub(crate) fn take_untold(&self) -> Vec<BlobId> {
        std::mem::take(&mut self.lock().untold).into_iter().collect()
    }

    /// Waits for one to be found.
    pub(crate) async fn found(&self) {
        self.found.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Sets> {
        // No holder leaves the sets half changed.
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
