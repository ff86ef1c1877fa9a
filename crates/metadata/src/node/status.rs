//! What operators and tests can see of a replica.

use std::time::Duration;

use esker_types::NodeId;
use openraft::{RaftMetrics, ServerState};

use crate::membership::silence;
use crate::types::{Peer, TypeConfig};

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
    /// The index of the last entry that is known here to be committed.
    pub committed_index: Option<u64>,
    /// The index of the last applied entry.
    pub applied_index: Option<u64>,
    /// The index of the last entry that the last snapshot covers.
    pub snapshot_index: Option<u64>,
    /// The index of the last entry that was purged from the log.
    pub purged_index: Option<u64>,
    /// The nodes that vote.
    pub voters: Vec<NodeId>,
    /// The nodes that have a replica and no vote.
    pub learners: Vec<NodeId>,
    /// What the leader knows of each member, itself included, in order of their ids; empty elsewhere.
    pub members: Vec<MemberStatus>,
}

/// A member of a group as its leader knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberStatus {
    /// The node.
    pub node: NodeId,
    /// Where the group's membership says that it is.
    pub address: String,
    /// The last log entry that it is known to have.
    pub matched_index: Option<u64>,
    /// How many entries it lacks.
    pub lag: u64,
    /// How long ago it was heard of; none if never by this leader. Zero for the leader itself.
    pub silence: Option<Duration>,
}

impl GroupStatus {
    /// How many entries the log holds.
    pub fn log_entries(&self) -> u64 {
        let end = self.last_log_index.map_or(0, |last| last + 1);
        end.saturating_sub(self.purged_index.map_or(0, |purged| purged + 1))
    }
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
            committed_index: metrics.local_committed.map(|id| id.index),
            applied_index: metrics.last_applied.map(|id| id.index),
            snapshot_index: metrics.snapshot.map(|id| id.index),
            purged_index: metrics.purged.map(|id| id.index),
            voters: metrics.membership_config.voter_ids().map(NodeId).collect(),
            learners: metrics.membership_config.membership().learner_ids().map(NodeId).collect(),
            members: members(metrics).unwrap_or_default(),
        }
    }
}

fn members(metrics: &RaftMetrics<TypeConfig>) -> Option<Vec<MemberStatus>> {
    let matched = metrics.replication.as_ref()?;
    let last = metrics.last_log_index.unwrap_or(0);
    let member = |(id, peer): (&u64, &Peer)| {
        let own = *id == metrics.id;
        let reached = matched.get(id).copied().flatten().map(|id| id.index);
        let matched_index = if own { metrics.last_log_index } else { reached };
        MemberStatus {
            node: NodeId(*id),
            address: peer.address.clone(),
            matched_index,
            lag: last.saturating_sub(matched_index.unwrap_or(0)),
            silence: if own { Some(Duration::ZERO) } else { silence(NodeId(*id), metrics) },
        }
    };
    Some(metrics.membership_config.membership().nodes().map(member).collect())
}
