//! The receiving side: writes rows into a keyspace that nothing refers to until they are installed.

use std::sync::Arc;

use bytes::Bytes;
use esker_env::spawn_blocking;
use esker_kv::{Batch, Durability, Keyspace};

use crate::rows::{GroupRows, RowsView};
use crate::snapshot::chunk::{Summary, read_rows};
use crate::snapshot::{ChunkReader, SnapshotError, SnapshotPart, Totals};
use crate::types::SnapshotMeta;

/// A keyspace that is dropped again unless it is installed.
#[derive(Debug)]
struct FreshKeyspace {
    rows: Arc<GroupRows>,
    generation: u64,
    /// Taken when it is installed.
    keyspace: Option<Keyspace>,
}

impl Drop for FreshKeyspace {
    fn drop(&mut self) {
        let Some(keyspace) = self.keyspace.take() else { return };
        let rows = Arc::clone(&self.rows);
        let remove = move || {
            if let Err(error) = rows.engine().drop_keyspace(keyspace.name()) {
                // The next start removes it.
                tracing::warn!(%error, keyspace = keyspace.name(), "could not drop an abandoned snapshot");
            }
        };
        match tokio::runtime::Handle::try_current() {
            Ok(_) => drop(spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

/// Writes the rows of one snapshot. Every method blocks.
#[derive(Debug)]
pub(crate) struct SnapshotReceiver {
    target: FreshKeyspace,
    keyspace: Keyspace,
    summary: Summary,
    last_key: Bytes,
}

impl SnapshotReceiver {
    pub(crate) fn new(rows: &Arc<GroupRows>) -> Result<SnapshotReceiver, SnapshotError> {
        let (generation, keyspace) = rows.fresh_keyspace()?;
        let target = FreshKeyspace { rows: Arc::clone(rows), generation, keyspace: Some(keyspace.clone()) };
        Ok(SnapshotReceiver { target, keyspace, summary: Summary::default(), last_key: Bytes::new() })
    }

    /// Verifies a chunk and writes its rows.
    pub(crate) fn chunk(&mut self, chunk: &Bytes) -> Result<(), SnapshotError> {
        let mut batch = Batch::new();
        for (key, value) in read_rows(chunk, &mut self.summary)? {
            // Row keys are never empty, so the first one is greater than the initial bound, too.
            if key <= self.last_key {
                return Err(SnapshotError::Damaged("its rows are out of order"));
            }
            self.last_key = key.clone();
            batch.put(&self.keyspace, key, value);
        }
        self.target.rows.engine().commit(batch, Durability::Buffered)?;
        Ok(())
    }

    /// All chunks are in. Their rows become durable when they are installed.
    pub(crate) fn finish(self, totals: Totals) -> Result<ReceivedRows, SnapshotError> {
        if self.summary.totals() != totals {
            return Err(SnapshotError::Incomplete);
        }
        Ok(ReceivedRows { target: self.target })
    }
}

/// The complete rows of a snapshot. They vanish if they are dropped rather than installed.
#[derive(Debug)]
pub(crate) struct ReceivedRows {
    target: FreshKeyspace,
}

impl ReceivedRows {
    /// Replaces the group's rows, durably and in one step.
    pub(crate) fn install(mut self, meta: SnapshotMeta) -> Result<(), SnapshotError> {
        if let Some(keyspace) = self.target.keyspace.take() {
            self.target.rows.switch(self.target.generation, keyspace, meta)?;
        }
        Ok(())
    }
}

/// Copies a view's rows as if they had come over the network.
pub(crate) fn copy(view: RowsView, rows: &Arc<GroupRows>) -> Result<ReceivedRows, SnapshotError> {
    let mut receiver = SnapshotReceiver::new(rows)?;
    for part in ChunkReader::new(view) {
        match part? {
            SnapshotPart::Chunk(chunk) => receiver.chunk(&chunk)?,
            SnapshotPart::Footer(totals) => return receiver.finish(totals),
        }
    }
    Err(SnapshotError::Incomplete)
}
