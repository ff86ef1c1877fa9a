//! Who takes part in a group: forming it, adding nodes, choosing voters, handing leadership over.

use std::collections::{BTreeMap, BTreeSet};

use esker_rpc::metadata::MetadataError;
use esker_types::{GroupId, NodeId};
use openraft::ServerState;
use openraft::errors::{ClientWriteError, Fatal, RaftError};

use crate::membership::silence;
use crate::node::{Group, MetadataHandle};
use crate::types::{Peer, TypeConfig};

impl MetadataHandle {
    /// Forms a group of these voters. Every one of them must be empty and may be asked to, with the same voters.
    ///
    /// # Errors
    /// `Failed` if this replica has a log already, or is not among the voters.
    pub async fn initialize(
        &self,
        group: GroupId,
        voters: BTreeMap<NodeId, Peer>,
    ) -> Result<(), MetadataError> {
        let voters: BTreeMap<u64, Peer> = voters.into_iter().map(|(node, peer)| (node.0, peer)).collect();
        let formed = self.group(group)?.raft().initialize(voters).await;
        formed.map_err(|error| MetadataError::Failed(error.to_string()))
    }

    /// Adds a node that follows without a vote, and waits until it has nearly caught up. Only the leader can.
    ///
    /// # Errors
    /// `Unavailable` if this replica does not lead, or another change is under way.
    pub async fn add_learner(&self, group: GroupId, node: NodeId, peer: Peer) -> Result<(), MetadataError> {
        let added = self.group(group)?.raft().add_learner(node.0, peer, true).await;
        added.map(drop).map_err(refused)
    }

    /// Makes these nodes, which must follow already, the group's voters; former voters that are not among them leave
    /// the group. Only the leader can.
    ///
    /// # Errors
    /// `Unavailable` if this replica does not lead, or another change is under way; `Failed` if a node is unknown.
    pub async fn set_voters(&self, group: GroupId, voters: BTreeSet<NodeId>) -> Result<(), MetadataError> {
        let voters: BTreeSet<u64> = voters.into_iter().map(|node| node.0).collect();
        let changed = self.group(group)?.raft().change_membership(voters, false).await;
        changed.map(drop).map_err(refused)
    }
}

fn refused(error: RaftError<TypeConfig, ClientWriteError<TypeConfig>>) -> MetadataError {
    use openraft::errors::ChangeMembershipError as E;
    match error {
        RaftError::Fatal(Fatal::Stopped) => MetadataError::Unavailable("the node is stopping".to_owned()),
        RaftError::APIError(
            ClientWriteError::ForwardToLeader(_) | ClientWriteError::ChangeMembershipError(E::InProgress(_)),
        ) => MetadataError::Unavailable(error.to_string()),
        RaftError::APIError(ClientWriteError::LogEntryDiscarded(_)) => {
            MetadataError::Unknown(error.to_string())
        }
        other => MetadataError::Failed(other.to_string()),
    }
}

impl Group {
    /// If this replica leads, asks the follower that lacks least to lead, and waits until it does or an election would
    /// have begun. A node that stops this way leaves no gap of an election timeout.
    pub(super) async fn hand_over(&self) {
        if let Some(successor) = self.best_follower(|_| true) {
            self.hand_over_to(successor).await;
        }
    }

    /// If this replica leads, the voter that lacks least among those that are there and `able`.
    pub(crate) fn best_follower(&self, able: impl Fn(NodeId) -> bool) -> Option<NodeId> {
        let own = self.node();
        let silence_max = self.silence_max();
        self.observe().look(|metrics| {
            let matched = metrics.replication.as_ref().filter(|_| metrics.state == ServerState::Leader)?;
            let voters = metrics.membership_config.voter_ids().map(NodeId);
            let there = |node: &NodeId| silence(*node, metrics).is_some_and(|silence| silence <= silence_max);
            let followers = voters.filter(|node| *node != own && able(*node) && there(node));
            followers.max_by_key(|node| matched.get(&node.0).copied().flatten().map(|id| id.index))
        })
    }

    /// Asks a voter to lead, and waits until somebody else does or an election would have begun.
    pub(crate) async fn hand_over_to(&self, successor: NodeId) {
        let own = self.node().0;
        let mut observer = self.observe();
        if self.raft().trigger().transfer_leader(successor.0).await.is_err() {
            return;
        }
        let handed_over =
            observer.wait(|metrics| metrics.current_leader.filter(|leader| *leader != own).map(drop));
        // If nobody takes over, an election will follow.
        let _ = tokio::time::timeout(self.parts.settings.election_timeout_max, handed_over).await;
    }
}
