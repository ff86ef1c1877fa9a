//! Finishes what others began: garbage whose data is to be deleted, data that nobody committed, buckets whose
//! creation or deletion stopped half-way.
//!
//! Every job here is a row of the replicated state before it is work, so that a crash at any point only delays it:
//! each step may be done twice, by this node or another. Data is deleted only after the group's own answer, read
//! linearizably or committed; never because of its age, nor of what a storage node believes.

mod buckets;
mod garbage;
mod orphans;

use esker_env::{Clock, Random};
use esker_index::command::CommandBody;
use esker_index::outcome::Outcome;
use esker_rpc::{Metadata, MetadataError, Proposal, Storage, StorageError};
use esker_types::{BlobId, GroupId, RequestId};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Bytes of data that were deleted after their last user went.
pub const GARBAGE_RECLAIMED_BYTES_TOTAL: &str = "esker_metadata_garbage_reclaimed_bytes_total";
/// Blobs that were deleted because nobody had committed them.
pub const ORPHANS_DELETED_TOTAL: &str = "esker_metadata_orphans_deleted_total";

/// How long one of the reconciler's commands may wait to be applied, in milliseconds.
const DEADLINE_MILLIS: u64 = 30_000;

/// What the reconciler is told.
#[derive(Clone, Debug)]
pub struct ReconcilerSettings {
    /// The groups that it works for.
    pub groups: Vec<GroupId>,
    /// How often it looks for work.
    pub interval: Duration,
    /// How long deleted data stays for those who read it. The state machine enforces a minimum of its own.
    pub garbage_grace: Duration,
    /// How old an upload is before its data is looked into; longer than any upload takes.
    pub orphan_age: Duration,
}

/// The background work of a node that keeps versions and their data in step.
pub struct Reconciler {
    metadata: Arc<dyn Metadata>,
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    settings: ReconcilerSettings,
}

impl fmt::Debug for Reconciler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconciler").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Why a job stopped early. It is taken up again at the next round.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Interrupted {
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("an answer of another kind than the question")]
    OtherAnswer,
}

impl Reconciler {
    /// A reconciler that does nothing yet.
    pub fn new(
        metadata: Arc<dyn Metadata>,
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        settings: ReconcilerSettings,
    ) -> Reconciler {
        Reconciler { metadata, storage, clock, random, settings }
    }

    /// Works until `stop`. Failures are logged and tried again at the next round.
    pub async fn run(self, stop: CancellationToken) {
        let mut rounds = tokio::time::interval(self.settings.interval);
        rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut last_sweep: Option<Duration> = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = rounds.tick() => {}
            }
            let sweep =
                last_sweep.is_none_or(|at| self.clock.monotonic() - at >= self.settings.orphan_age / 2);
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.round(sweep) => {}
            }
            if sweep {
                last_sweep = Some(self.clock.monotonic());
            }
        }
    }

    /// One round of all jobs.
    async fn round(&self, sweep: bool) {
        for group in &self.settings.groups {
            report("buckets", buckets::finish(self, *group).await);
            report("garbage", garbage::collect(self, *group).await);
        }
        if sweep {
            report("orphans", orphans::sweep(self).await);
        }
    }

    async fn propose(&self, group: GroupId, body: CommandBody) -> Result<Outcome, Interrupted> {
        let now = self.clock.now();
        let proposal = Proposal {
            request: RequestId(self.random.uuid_v4()),
            deadline: now.plus_millis(DEADLINE_MILLIS),
            body,
        };
        Ok(self.metadata.propose(group, proposal).await?)
    }

    async fn delete(&self, blobs: &[BlobId]) -> Result<(), Interrupted> {
        Ok(self.storage.delete(blobs).await?)
    }
}

fn report(job: &'static str, outcome: Result<(), Interrupted>) {
    if let Err(error) = outcome {
        tracing::warn!(job, %error, "upkeep goes on at the next round");
    }
}
