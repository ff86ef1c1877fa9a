//! What the other roles hold of a metadata node.

use std::sync::Arc;

use async_trait::async_trait;
use esker_env::Clock;
use esker_index::command::Command;
use esker_index::outcome::Outcome;
use esker_index::query::{Answer, Query};
use esker_rpc::metadata::{Metadata, MetadataError, Proposal};
use esker_types::{GroupId, NodeId, Timestamp};
use tokio::sync::watch;

use crate::network::{Peers, Registry};
use crate::node::{Group, GroupStatus, Role, telemetry};
use crate::rows::{RowsFailure, RowsView};

/// Proposes to and queries the groups of a node, from any runtime. Cheap to clone.
#[derive(Clone, Debug)]
pub struct MetadataHandle {
    groups: Registry,
    peers: Peers,
    clock: Arc<dyn Clock>,
    failure: watch::Receiver<Option<String>>,
}

impl MetadataHandle {
    pub(super) fn new(
        groups: Registry,
        peers: Peers,
        clock: Arc<dyn Clock>,
        failure: watch::Receiver<Option<String>>,
    ) -> MetadataHandle {
        MetadataHandle { groups, peers, clock, failure }
    }

    pub(crate) fn group(&self, group: GroupId) -> Result<Arc<Group>, MetadataError> {
        let missing = || MetadataError::Failed(format!("this node has no replica of group {}", group.0));
        self.groups.get(group).ok_or_else(missing)
    }

    /// Becomes `Some` when a replica has failed for good. The process must then exit: what the disk holds is only
    /// known again after a restart.
    pub fn failure(&self) -> watch::Receiver<Option<String>> {
        self.failure.clone()
    }

    /// The state of this node's replica.
    ///
    /// # Errors
    /// `Failed` if there is none.
    pub fn status(&self, group: GroupId) -> Result<GroupStatus, MetadataError> {
        Ok(self.group(group)?.observe().look(GroupStatus::of))
    }

    /// The time of the group that has the directory, and so of the cluster: this node's clock, corrected by the
    /// leader's. Deadlines and ages are to be measured by it, since the leader judges them. Between two corrections it
    /// moves on with the monotonic clock; a correction may set it back by as much as it was wrong.
    pub fn group_clock(&self) -> Arc<dyn Clock> {
        match self.groups.get(GroupId::DIRECTORY) {
            Some(group) => Arc::clone(group.time()) as Arc<dyn Clock>,
            None => Arc::clone(&self.clock),
        }
    }

    /// Tells where another node is. The topology says so, too, but can't be read while too many nodes have moved.
    pub fn learn_address(&self, node: NodeId, address: &str) {
        self.peers.learn(node, address);
    }

    /// Waits until the state of this node's replica is as wanted. Bounded by the caller.
    ///
    /// # Errors
    /// `Failed` if there is no replica, or it stops.
    pub async fn wait_for(
        &self,
        group: GroupId,
        mut wanted: impl FnMut(&GroupStatus) -> bool,
    ) -> Result<GroupStatus, MetadataError> {
        let mut observer = self.group(group)?.observe();
        let reached = observer.wait(|metrics| Some(GroupStatus::of(metrics)).filter(&mut wanted)).await;
        reached.map_err(|_| MetadataError::Failed("the replica stopped".to_owned()))
    }

    /// The index of the last applied entry and the hash of the rows that it led to. Equal indexes must have equal
    /// hashes on all nodes. Reads every row.
    ///
    /// # Errors
    /// `Failed` if the rows can't be read.
    pub async fn state_hash(&self, group: GroupId) -> Result<(Option<u64>, u64), MetadataError> {
        self.read(group, |view| {
            let hash = esker_index::state_hash(view)?;
            Ok((view.pointer.applied.map(|id| id.index), hash))
        })
        .await
    }

    /// Syncs the applied rows and purges the log below them, as happens by itself now and then.
    ///
    /// # Errors
    /// `Failed` if the replica has stopped.
    pub async fn snapshot(&self, group: GroupId) -> Result<(), MetadataError> {
        let triggered = self.group(group)?.raft().trigger().snapshot().await;
        triggered.map_err(|error| MetadataError::Failed(error.to_string()))
    }

    /// Reads one view of the group's rows on a blocking thread of the caller's runtime, so that slow reads never hold
    /// up the threads that apply commands.
    async fn read<T: Send + 'static>(
        &self,
        group: GroupId,
        read: impl FnOnce(&RowsView) -> Result<T, RowsFailure> + Send + 'static,
    ) -> Result<T, MetadataError> {
        let rows = Arc::clone(self.group(group)?.rows());
        let done = esker_env::spawn_blocking(move || read(&rows.view()?)).await;
        let failed = |error: &dyn std::error::Error| MetadataError::Failed(error.to_string());
        done.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
    }
}

#[async_trait]
impl Metadata for MetadataHandle {
    async fn propose(&self, group: GroupId, proposal: Proposal) -> Result<Outcome, MetadataError> {
        let group = self.group(group)?;
        let Proposal { request, deadline, body } = proposal;
        // The leader sets the time.
        let command = Command { request, deadline, proposed_at: Timestamp(0), body };
        let _place = group.admit(command.encode().len())?;
        let timer = telemetry::Timer::start(&group, telemetry::PROPOSAL_DURATION);
        timer.finish(group.propose(&command).await)
    }

    async fn query(&self, group: GroupId, query: Query) -> Result<Answer, MetadataError> {
        let replica = self.group(group)?;
        let timer = telemetry::Timer::start(&replica, telemetry::QUERY_DURATION);
        let answer = async {
            replica.catch_up().await?;
            self.read(group, move |view| Ok(esker_index::answer(view, &query)?)).await
        };
        timer.finish(answer.await)
    }

    fn leads(&self, group: GroupId) -> bool {
        self.status(group).is_ok_and(|status| status.role == Role::Leader)
    }
}
