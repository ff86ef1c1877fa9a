//! Linearizable reads: an index that covers every acknowledged command, then rows that include it.
//!
//! Reads share the way to an index: one request is in flight per replica, and the reads that come meanwhile wait for
//! the next one together. A read must not join the one in flight, which may be older than a command that was
//! acknowledged before the read.

use std::sync::{Arc, Weak};
use std::time::Duration;

use esker_rpc::metadata::MetadataError;
use openraft::errors::{LinearizableReadError, RaftError};
use openraft::{LinearizerOption, ReadPolicy};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::node::{Group, NotDone, Trace, forward};

/// How many reads may wait for an index.
const READS_MAX: usize = 16 * 1024;
/// The leader may take so long for an index before it is asked again, or another one: a question that hangs at a node
/// that was cut off holds up all reads that come after it.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(2);

type Waiting = oneshot::Sender<Result<u64, MetadataError>>;

/// The reads that wait for an index.
#[derive(Debug)]
pub(crate) struct ReadQueue {
    waiting: mpsc::Sender<Waiting>,
}

impl ReadQueue {
    /// Starts the task that serves the queue; it ends with the group.
    pub(super) fn start(group: Weak<Group>) -> ReadQueue {
        let (waiting, queue) = mpsc::channel(READS_MAX);
        tokio::spawn(serve(group, queue));
        ReadQueue { waiting }
    }

    /// An index at or after every command that was acknowledged before the call.
    async fn index(&self) -> Result<u64, MetadataError> {
        let (waiting, index) = oneshot::channel();
        if self.waiting.try_send(waiting).is_err() {
            return Err(MetadataError::Unavailable("too many reads wait".to_owned()));
        }
        index.await.unwrap_or_else(|_| Err(MetadataError::Failed("the node is stopping".to_owned())))
    }
}

async fn serve(group: Weak<Group>, mut queue: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, READS_MAX).await > 0 {
        let Some(group) = group.upgrade() else { return };
        let index = group.find_read_index().await;
        for waiting in batch.drain(..) {
            // A read that timed out has gone.
            let _ = waiting.send(index.clone());
        }
    }
}

impl Group {
    /// The read index, if this replica leads.
    pub(crate) async fn read_index_here(&self) -> Result<u64, NotDone> {
        let option = LinearizerOption::from(ReadPolicy::ReadIndex).with_wait_timeout(self.read_timeout());
        match self.raft().get_read_linearizer(option).await {
            Ok(linearizer) => Ok(linearizer.read_log_id().index()),
            Err(RaftError::APIError(LinearizableReadError::ForwardToLeader(_))) => {
                Err(NotDone::NotLeader(Trace::None))
            }
            Err(RaftError::APIError(LinearizableReadError::QuorumNotEnough(error))) => {
                Err(NotDone::Failed(MetadataError::Unavailable(error.to_string())))
            }
            Err(RaftError::Fatal(error)) => Err(NotDone::fatal(&error)),
        }
    }

    fn read_timeout(&self) -> Duration {
        self.parts.settings.read_timeout
    }

    /// The read index from wherever the leader is.
    async fn find_read_index(&self) -> Result<u64, MetadataError> {
        let deadline = Instant::now() + self.read_timeout();
        let mut observer = self.observe();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(MetadataError::Unavailable("no leader confirmed a read in time".to_owned()));
            }
            let attempt = match self.leader() {
                Some((leader, peer)) if leader != self.node() => {
                    let call = forward::read_index(self, leader, &peer, left.min(ATTEMPT_LIMIT));
                    self.while_leading(leader, call).await
                }
                _ => self.read_index_here().await,
            };
            match attempt {
                Ok(index) => return Ok(index),
                Err(NotDone::Failed(error)) => return Err(error),
                Err(NotDone::NotLeader(_)) => forward::pause(&mut observer, left).await.map_err(stopped)?,
            }
        }
    }

    /// Waits until the rows of this replica include every command that was acknowledged before the call.
    pub(crate) async fn catch_up(self: &Arc<Group>) -> Result<(), MetadataError> {
        let late = |_| MetadataError::Unavailable("the read took too long".to_owned());
        let caught_up = async {
            let index = self.reads().index().await?;
            let mut applied = self.rows().watch_applied();
            let reached = applied.wait_for(|entries| *entries > index).await;
            reached.map(|_| ()).map_err(stopped)
        };
        // Twice: a read may wait for the request in flight before its own starts.
        tokio::time::timeout(self.read_timeout() * 2, caught_up).await.map_err(late)?
    }
}

fn stopped<E>(_: E) -> MetadataError {
    MetadataError::Failed("the replica stopped".to_owned())
}
