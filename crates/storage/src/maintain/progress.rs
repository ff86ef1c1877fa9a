//! What scrubbing has come to, for those who look at a node: kept in memory, since it is asked for every other second.

use super::{Round, ScrubReport};
use esker_rpc::Scrubbed;
use esker_types::BlobId;
use std::sync::{Mutex, PoisonError};

/// What was read since the store was opened.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<Scrubbed>);

impl Progress {
    /// Takes in a page: what was read of it, and where the next one begins, if the round goes on.
    pub(super) fn note(&self, page: &ScrubReport, position: Option<BlobId>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.blobs += page.blobs;
        all.bytes += page.bytes;
        all.damaged += page.corrupt.len() as u64;
        all.rounds += u64::from(page.round == Round::Finished);
        all.reached_millis = position.map(|blob| blob.data.millis());
    }

    /// All of it.
    pub(crate) fn get(&self) -> Scrubbed {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
