//! openraft's state machine: applies committed entries to a group's rows.

mod apply;

use std::io;
use std::sync::Arc;

use esker_env::spawn_blocking;
use futures::{Stream, StreamExt};
use openraft::storage::{EntryResponder, RaftSnapshotBuilder, RaftStateMachine};
use openraft::{EntryPayload, OptionalSend};
use tokio::time::Instant;

use crate::rows::{GroupRows, RowsView};
use crate::snapshot::{SNAPSHOTS, SnapshotData};
use crate::types::{CommandBytes, LogId, Snapshot, SnapshotMeta, StoredMembership, TypeConfig};

/// Applies entries to the rows of one group.
#[derive(Clone, Debug)]
pub(crate) struct StateMachine {
    rows: Arc<GroupRows>,
}

/// Entries, and whom to tell their outcomes, that are applied as one batch.
type Chunk = Vec<EntryResponder<TypeConfig>>;

/// How long it took to apply a batch.
pub(crate) const APPLY_DURATION: &str = "esker_metadata_apply_duration_seconds";

/// The most entries of one batch.
const CHUNK_ENTRIES_MAX: usize = 512;
/// A batch takes no more commands once they have this many bytes.
const CHUNK_BYTES_MAX: usize = 4 * 1024 * 1024;

impl StateMachine {
    pub(crate) fn new(rows: Arc<GroupRows>) -> StateMachine {
        StateMachine { rows }
    }

    /// Runs blocking work of the state machine.
    async fn blocking<T, E>(
        &self,
        work: impl FnOnce(&Arc<GroupRows>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, io::Error>
    where
        T: Send + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        let rows = Arc::clone(&self.rows);
        spawn_blocking(move || work(&rows)).await.map_err(io::Error::other)?.map_err(io::Error::other)
    }
}

async fn next_chunk<S>(entries: &mut S) -> Result<Chunk, io::Error>
where
    S: Stream<Item = Result<EntryResponder<TypeConfig>, io::Error>> + Unpin,
{
    let mut chunk = Vec::new();
    let mut bytes = 0;
    while chunk.len() < CHUNK_ENTRIES_MAX && bytes < CHUNK_BYTES_MAX {
        let Some(entry) = entries.next().await else { break };
        let entry = entry?;
        if let EntryPayload::Normal(CommandBytes(command)) = &entry.0.payload {
            bytes += command.len();
        }
        chunk.push(entry);
    }
    Ok(chunk)
}

impl RaftStateMachine<TypeConfig> for StateMachine {
    type SnapshotData = SnapshotData;
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), io::Error> {
        let pointer = self.rows.pointer();
        Ok((pointer.applied, pointer.membership))
    }

    async fn apply<S>(&mut self, mut entries: S) -> Result<(), io::Error>
    where
        S: Stream<Item = Result<EntryResponder<TypeConfig>, io::Error>> + Unpin + OptionalSend,
    {
        loop {
            let chunk = next_chunk(&mut entries).await?;
            if chunk.is_empty() {
                return Ok(());
            }
            let begun = Instant::now();
            self.blocking(|rows| apply::apply(rows, chunk)).await?;
            metrics::histogram!(APPLY_DURATION).record(begun.elapsed().as_secs_f64());
        }
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        // The view is taken here, between two applies, so that it is as of the entry that openraft expects; an error
        // waits until the builder can report it.
        SnapshotBuilder { machine: self.clone(), view: Some(self.blocking(|rows| rows.view()).await) }
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        snapshot: SnapshotData,
    ) -> Result<(), io::Error> {
        let meta = meta.clone();
        self.blocking(move |rows| snapshot.install(rows, meta)).await?;
        metrics::counter!(SNAPSHOTS, "kind" => "installed").increment(1);
        Ok(())
    }

    /// The rows as they are: a snapshot is made when a follower needs one, never stored. Their last entry may be newer
    /// than that of the last snapshot built; it is applied, so it is committed.
    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, io::Error> {
        let view = self.blocking(|rows| rows.view()).await?;
        Ok(view.pointer.applied.is_some().then(|| snapshot_of(view)))
    }
}

fn snapshot_of(view: RowsView) -> Snapshot {
    Snapshot { meta: view.pointer.meta(), snapshot: SnapshotData::View(view) }
}

/// Makes applied rows durable, so that openraft may purge the log below them.
#[derive(Debug)]
pub(crate) struct SnapshotBuilder {
    machine: StateMachine,
    /// Taken by the build.
    view: Option<Result<RowsView, io::Error>>,
}

impl RaftSnapshotBuilder<TypeConfig> for SnapshotBuilder {
    type SnapshotData = SnapshotData;

    async fn build_snapshot(&mut self) -> Result<Snapshot, io::Error> {
        let view = match self.view.take() {
            Some(view) => view?,
            None => self.machine.blocking(|rows| rows.view()).await?,
        };
        self.machine.blocking(|rows| rows.engine().sync()).await?;
        metrics::counter!(SNAPSHOTS, "kind" => "built").increment(1);
        Ok(snapshot_of(view))
    }
}
