//! Asking the metadata layer, with retries that keep a command's effect exact.
//!
//! Every command runs in a task of its own: it is settled even if the client goes away half-way. A retry
//! carries the same request id, so it is applied at most once whatever became of the earlier tries.
//!
//! A full disk is answered with 507 `InsufficientStorage`, not with 503: admission opens again only when
//! somebody deletes something or adds a disk, and SDKs answer a 503 by sending the whole body again, three to
//! five times, to a cluster that has no room for it, and by then telling their user to reduce the request rate.

use crate::data::Pending;
use crate::reach::Reaches;
use esker_env::{Clock, Random};
use esker_index::command::CommandBody;
use esker_index::outcome::{Done, Outcome, Refusal};
use esker_index::query::{Answer, Query};
use esker_rpc::{Metadata, MetadataError, Proposal};
use esker_s3::{ErrorCode, S3Error};
use esker_types::{DataId, GroupId, RequestId};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// How long after it was made a command may still be applied, in milliseconds. A client whose write may have been
/// applied waits as long, so that nothing is applied after it was answered: it should be little more than an election
/// and the retries after it take.
const LIFETIME_MILLIS: u64 = 10_000;
/// The first pause before a retry; each further one is twice as long, up to the second number.
const PAUSE: (Duration, Duration) = (Duration::from_millis(25), Duration::from_secs(1));

/// Why a command did not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProposeError {
    /// It was applied, and refused. Data that it named is settled.
    Refused(Refusal),
    /// It was not applied and will not be. Data that it named is not settled.
    NotApplied(ErrorCode),
    /// Nobody knows whether it was applied.
    Unknown,
}

/// The metadata layer as operations use it.
pub(crate) struct MetadataClient {
    metadata: Arc<dyn Metadata>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    tasks: TaskTracker,
    reaches: Reaches,
    /// How long a command that was certainly not applied is tried again.
    patience: Duration,
}

impl MetadataClient {
    pub(crate) fn new(
        metadata: Arc<dyn Metadata>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        tasks: TaskTracker,
        patience: Duration,
    ) -> Arc<MetadataClient> {
        let reaches = Reaches::new(Arc::clone(&metadata), patience);
        Arc::new(MetadataClient { metadata, clock, random, tasks, reaches, patience })
    }

    /// Answers a query linearizably.
    pub(crate) async fn query(&self, group: GroupId, query: Query) -> Result<Answer, S3Error> {
        let reach = self.reaches.of(group);
        let asked = async {
            let mut retry = Retry::new();
            loop {
                match self.metadata.query(group, query.clone()).await {
                    Err(MetadataError::Unavailable(_) | MetadataError::Unknown(_)) => retry.pause().await,
                    settled => return settled,
                }
            }
        };
        match reach.patiently(asked).await {
            Ok(Ok(answer)) => {
                reach.heard();
                return Ok(answer);
            }
            Ok(Err(error)) => tracing::info!(%error, ?group, "a query failed"),
            // The silence itself is told once.
            Err(out_of_reach) => tracing::debug!(%out_of_reach, ?group, "a query was given up"),
        }
        Err(ErrorCode::ServiceUnavailable.into())
    }

    /// Commits a command. It goes on when the returned future is dropped. `pending` is the stored data that the
    /// command names: it is given up if, and only if, the command certainly was not applied.
    pub(crate) async fn propose(
        self: &Arc<Self>,
        group: GroupId,
        body: CommandBody,
        pending: Option<Pending>,
    ) -> Result<Done, ProposeError> {
        let this = Arc::clone(self);
        let task = async move {
            let settled = this.settle(group, body).await;
            match &settled {
                Err(ProposeError::NotApplied(_)) => drop(pending),
                // The outcome settled the data; or it may yet, and giving it up is not ours to decide.
                Ok(_) | Err(ProposeError::Refused(_) | ProposeError::Unknown) => {
                    if let Some(pending) = pending {
                        pending.settled();
                    }
                }
            }
            settled
        };
        // The task panics only if the metadata layer does; then nobody knows.
        self.tasks.spawn(task.in_current_span()).await.unwrap_or(Err(ProposeError::Unknown))
    }

    /// Gives up stored data that will not be committed, in the background. If this fails, an orphan sweep
    /// finds the data.
    pub(crate) fn discard(self: &Arc<Self>, group: GroupId, data: Vec<(DataId, u64)>) {
        let this = Arc::clone(self);
        let task = async move {
            if let Err(error) = this.settle(group, CommandBody::Discard { data }).await {
                tracing::info!(?error, "data was not discarded; a sweep will find it");
            }
        };
        // None while the process ends, when there is nothing left to run the task.
        if tokio::runtime::Handle::try_current().is_ok() {
            self.tasks.spawn(task.in_current_span());
        }
    }

    /// Proposes until the outcome is known, or will not be known any more.
    async fn settle(&self, group: GroupId, body: CommandBody) -> Result<Done, ProposeError> {
        let reach = self.reaches.of(group);
        match reach.to_the_end(self.tries(group, body)).await {
            Ok(settled) => {
                match settled {
                    // That it is late needs nobody else to see.
                    Err(ProposeError::Refused(Refusal::Expired)) => {}
                    Ok(_) | Err(ProposeError::Refused(_)) => reach.heard(),
                    Err(ProposeError::NotApplied(_) | ProposeError::Unknown) => {}
                }
                settled
            }
            Err(out_of_reach) => {
                tracing::debug!(%out_of_reach, ?group, "a command was not proposed");
                Err(ProposeError::NotApplied(ErrorCode::ServiceUnavailable))
            }
        }
    }

    async fn tries(&self, group: GroupId, body: CommandBody) -> Result<Done, ProposeError> {
        let proposal = Proposal {
            request: RequestId(self.random.uuid_v4()),
            deadline: self.clock.now().plus_millis(LIFETIME_MILLIS),
            body,
        };
        let lifetime = Duration::from_millis(LIFETIME_MILLIS);
        let mut retry = Retry::new();
        let mut uncertain = false;
        loop {
            let error = match self.metadata.propose(group, proposal.clone()).await {
                Ok(outcome) => return judge(outcome, uncertain),
                Err(error) => error,
            };
            // Once a try may have been applied, no later failure proves that it was not.
            uncertain |= matches!(error, MetadataError::Unknown(_));
            let (patience, failure) = match error {
                _ if uncertain => (lifetime, ProposeError::Unknown),
                MetadataError::Full => {
                    (Duration::ZERO, ProposeError::NotApplied(ErrorCode::InsufficientStorage))
                }
                MetadataError::Failed(_) => {
                    (Duration::ZERO, ProposeError::NotApplied(ErrorCode::InternalError))
                }
                _ => (self.patience, ProposeError::NotApplied(ErrorCode::ServiceUnavailable)),
            };
            if !retry.pause_within(patience).await {
                tracing::info!(%error, ?group, request = %proposal.request, "a command failed");
                return Err(failure);
            }
        }
    }
}

/// What an outcome means, given whether an earlier try of the same command may have been applied.
fn judge(outcome: Outcome, uncertain: bool) -> Result<Done, ProposeError> {
    match outcome {
        Ok(done) => Ok(done),
        // Outcomes are kept until the deadline, so a late retry can't tell what became of the first try.
        Err(Refusal::Expired) if uncertain => Err(ProposeError::Unknown),
        Err(refusal) => Err(ProposeError::Refused(refusal)),
    }
}

/// Pauses between tries of one request.
struct Retry {
    began: Instant,
    pause: Duration,
}

impl Retry {
    fn new() -> Retry {
        Retry { began: Instant::now(), pause: PAUSE.0 }
    }

    /// Waits before the next try; false if that would be more than `patience` after the first.
    async fn pause_within(&mut self, patience: Duration) -> bool {
        if self.began.elapsed() + self.pause > patience {
            return false;
        }
        self.pause().await;
        true
    }

    /// Waits before the next try. What is waited for, an election or a free queue, can't be awaited through the trait.
    async fn pause(&mut self) {
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE.1);
    }
}
