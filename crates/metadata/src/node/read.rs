//! Linearizable reads: an index that covers every acknowledged command, then rows that include it.
//!
//! Reads share the way to an index: one request is in flight per replica, and the reads that come meanwhile wait for
//! the next one together. A read must not join the one in flight, which may be older than a command that was
//! acknowledged before the read.

use std::sync::{Arc, Weak};
use std::time::Duration;

use esker_rpc::metadata::MetadataError;
use openraft::errors::{LinearizableReadError, RaftError};
use openraft::{LinearizerOption, RaftMetrics, ReadPolicy, ServerState};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::node::{Group, NotDone, Trace, forward};
use crate::types::TypeConfig;

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
        if self.observe().look(decides_alone) {
            return Ok(());
        }
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

/// Whether the rows of this replica include every acknowledged command as they are: it is the leader and the only voter, and
/// has applied an entry of its own term, so everything that was acknowledged before that.
///
/// What it acknowledges itself is applied first. Another replica can acknowledge something only once this one has appended a
/// membership that names it, voted for it, and acknowledged its entries; openraft's core publishes its state between any two
/// of these, since each waits for a reply to the one before, so that whoever looks after the acknowledgement sees at
/// least the membership.
fn decides_alone(metrics: &RaftMetrics<TypeConfig>) -> bool {
    let is_only_voter = || {
        let mut voters = metrics.membership_config.voter_ids();
        (voters.next(), voters.next()) == (Some(metrics.id), None)
    };
    metrics.running_state.is_ok()
        && metrics.state == ServerState::Leader
        && metrics.last_applied.is_some_and(|id| id.leader_id.term == metrics.current_term)
        && is_only_voter()
}

fn stopped<E>(_: E) -> MetadataError {
    MetadataError::Failed("the replica stopped".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{LeaderId, LogId, Membership, Peer, StoredMembership};
    use openraft::vote::RaftLeaderId as _;
    use std::collections::{BTreeMap, BTreeSet};

    const NODE: u64 = 1;

    fn log_id(term: u64) -> LogId {
        LogId::new(LeaderId::new(term, NODE).to_committed(), 7)
    }

    /// What a leader of term 3 sees, with these memberships in effect.
    fn leader(configs: &[&[u64]]) -> RaftMetrics<TypeConfig> {
        let configs: Vec<BTreeSet<u64>> =
            configs.iter().map(|nodes| nodes.iter().copied().collect()).collect();
        let nodes: BTreeMap<u64, Peer> =
            configs.iter().flatten().map(|node| (*node, Peer { address: String::new() })).collect();
        let membership = Membership::new(configs, nodes).unwrap();
        let mut metrics = RaftMetrics::new_initial(NODE);
        metrics.state = ServerState::Leader;
        metrics.current_term = 3;
        metrics.last_applied = Some(log_id(3));
        metrics.membership_config = Arc::new(StoredMembership::new(Some(log_id(1)), membership));
        metrics
    }

    #[test]
    fn only_a_leader_that_is_the_only_voter_and_has_applied_its_term_decides_alone() {
        assert!(decides_alone(&leader(&[&[NODE]])));
        for others in [&[&[NODE, 2][..]][..], &[&[NODE], &[NODE, 2]], &[&[2]], &[]] {
            assert!(!decides_alone(&leader(others)), "{others:?}");
        }
        let with = |change: fn(&mut RaftMetrics<TypeConfig>)| {
            let mut metrics = leader(&[&[NODE]]);
            change(&mut metrics);
            decides_alone(&metrics)
        };
        assert!(!with(|metrics| metrics.state = ServerState::Candidate));
        assert!(!with(|metrics| metrics.last_applied = None));
        assert!(
            !with(|metrics| metrics.last_applied = Some(log_id(2))),
            "what it acknowledged before it stopped"
        );
        assert!(!with(|metrics| metrics.running_state = Err(openraft::errors::Fatal::Stopped)));
    }
}
