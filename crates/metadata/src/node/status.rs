//! What operators and tests can see of a replica.

use esker_types::NodeId;
use openraft::{RaftMetrics, ServerState};

use crate::types::TypeConfig;

/// What a replica is to its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It orders commands.
    Leader,
    /// It votes and follows.
    Follower,
    /// It stands for election.
    Candidate,
    /// It follows without a vote, or is no member yet.
    Learner,
    /// It has stopped.
    Stopped,
}

/// The state of a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupStatus {
    /// What it is.
    pub role: Role,
    /// The leader, as far as the replica knows.
    pub leader: Option<NodeId>,
    /// The Raft term.
    pub term: u64,
    /// The index of the last log entry.
    pub last_log_index: Option<u64>,
    /// The index of the last applied entry.
    pub applied_index: Option<u64>,
    /// The index of the last entry that the last snapshot covers.
    pub snapshot_index: Option<u64>,
    /// The index of the last entry that was purged from the log.
    pub purged_index: Option<u64>,
    /// The nodes that vote.
    pub voters: Vec<NodeId>,
}

impl GroupStatus {
    pub(crate) fn of(metrics: &RaftMetrics<TypeConfig>) -> GroupStatus {
        let role = match metrics.state {
            _ if metrics.running_state.is_err() => Role::Stopped,
            ServerState::Leader => Role::Leader,
            ServerState::Follower => Role::Follower,
            ServerState::Candidate => Role::Candidate,
            ServerState::Learner => Role::Learner,
            ServerState::Shutdown => Role::Stopped,
        };
        GroupStatus {
            role,
            leader: metrics.current_leader.map(NodeId),
            term: metrics.current_term,
            last_log_index: metrics.last_log_index,
            applied_index: metrics.last_applied.map(|id| id.index),
            snapshot_index: metrics.snapshot.map(|id| id.index),
            purged_index: metrics.purged.map(|id| id.index),
            voters: metrics.membership_config.voter_ids().map(NodeId).collect(),
        }
    }
}
