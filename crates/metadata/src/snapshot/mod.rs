//! Snapshots: a group's rows on their way to another replica.
//!
//! A snapshot is never a file. The sender reads a consistent view row by row; the receiver writes the rows into a
//! keyspace of their own, which becomes the group's keyspace when openraft installs it. Neither holds more than a
//! chunk or two in memory.

mod chunk;
mod receive;
mod send;

pub(crate) use receive::{ReceivedRows, SnapshotReceiver};
pub(crate) use send::{ChunkReader, SnapshotPart};

use std::sync::Arc;

use crate::rows::{GroupRows, RowsFailure, RowsView};
use crate::types::SnapshotMeta;

/// Snapshots that were built, sent or installed, by `kind`.
pub(crate) const SNAPSHOTS: &str = "esker_metadata_snapshots_total";

/// What openraft hands around as a snapshot.
#[derive(Debug)]
pub(crate) enum SnapshotData {
    /// Rows of this node, to be sent.
    View(RowsView),
    /// Rows of another node, complete and verified, to be installed.
    Received(ReceivedRows),
}

impl SnapshotData {
    /// Replaces the group's rows. Blocks.
    pub(crate) fn install(self, rows: &Arc<GroupRows>, meta: SnapshotMeta) -> Result<(), SnapshotError> {
        match self {
            SnapshotData::Received(received) => received.install(meta),
            // Only openraft's own tests install a view; it goes the same way as one from the network.
            SnapshotData::View(view) => receive::copy(view, rows)?.install(meta),
        }
    }
}

/// A snapshot that can't be used. The sender starts again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SnapshotError {
    #[error("a snapshot chunk is damaged: {0}")]
    Damaged(&'static str),
    #[error("the snapshot's rows are not those that its footer describes")]
    Incomplete,
    #[error(transparent)]
    Rows(#[from] RowsFailure),
}

impl From<esker_kv::KvError> for SnapshotError {
    fn from(error: esker_kv::KvError) -> SnapshotError {
        SnapshotError::Rows(error.into())
    }
}

/// What a footer says of all rows together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    /// How many rows there are.
    pub(crate) rows: u64,
    /// Their [`state_hash`](esker_index::state_hash).
    pub(crate) state_hash: u64,
}
