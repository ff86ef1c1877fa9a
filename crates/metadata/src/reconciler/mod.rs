//! Finishes what others began: garbage whose data is to be deleted, buckets whose creation or deletion stopped
//! half-way. Every node runs it; it works only for the groups whose leader is here.
//!
//! Every job here is a row of the replicated state before it is work, so that a crash at any point only delays it:
//! each step may be done twice, by this node or another. Data is deleted only after the group's own answer, read
//! linearizably or committed; never because of its age, nor of what a storage node believes.

mod batches;
mod buckets;
mod garbage;

#[cfg(test)]
mod tests;

use esker_env::{Clock, Random};
use esker_index::command::CommandBody;
use esker_index::outcome::{Outcome, Refusal};
use esker_rpc::{BlobStore, Metadata, MetadataError, Proposal, StorageError};
use esker_types::{BlobId, GroupId, RequestId};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Bytes of data that were deleted after their last user went.
pub(crate) const GARBAGE_RECLAIMED_BYTES: &str = "esker_metadata_garbage_reclaimed_bytes_total";

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
}

/// The background work of a node that keeps versions and their data in step.
pub struct Reconciler {
    metadata: Arc<dyn Metadata>,
    blobs: Arc<dyn BlobStore>,
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
    #[error("the group refused: {0}")]
    Refused(Refusal),
    #[error("an answer of another kind than the question")]
    OtherAnswer,
}

impl Reconciler {
    /// A reconciler that does nothing yet. `clock` is the group's, as [`MetadataHandle::group_clock`] gives it: a wrong
    /// clock of this node must not make garbage older than it is.
    ///
    /// [`MetadataHandle::group_clock`]: crate::MetadataHandle::group_clock
    pub fn new(
        metadata: Arc<dyn Metadata>,
        blobs: Arc<dyn BlobStore>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        settings: ReconcilerSettings,
    ) -> Reconciler {
        Reconciler { metadata, blobs, clock, random, settings }
    }

    /// Works until `stop`. Failures are logged and tried again at the next round.
    pub async fn run(self, stop: CancellationToken) {
        let mut resume = BTreeMap::new();
        let mut rounds = tokio::time::interval(self.settings.interval);
        rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = rounds.tick() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.round(&mut resume) => {}
            }
        }
    }

    /// One round of all jobs. A group that this node stops leading meanwhile takes harmless repetitions.
    async fn round(&self, resume: &mut BTreeMap<GroupId, garbage::Resume>) {
        for group in &self.settings.groups {
            if self.metadata.leads(*group) {
                report("buckets", buckets::finish(self, *group).await);
                let resume = resume.entry(*group).or_default();
                report("garbage", garbage::collect(self, *group, resume).await);
            }
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
        Ok(self.blobs.delete(blobs).await?)
    }
}

fn report(job: &'static str, outcome: Result<(), Interrupted>) {
    if let Err(error) = outcome {
        tracing::warn!(job, %error, "upkeep goes on at the next round");
    }
}
