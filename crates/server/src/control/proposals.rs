//! Commands about the cluster's nodes, as this process proposes them.

use esker_env::{Clock, Random};
use esker_index::command::CommandBody;
use esker_index::outcome::Refusal;
use esker_rpc::{ControlError, Metadata, MetadataError, Proposal};
use esker_types::{ClusterSettings, GroupId, NodeId, NodeInfo, NodeState, RequestId, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// How long a command about nodes may take: an election, and some more.
const DEADLINE: Duration = Duration::from_secs(10);

/// Proposes to the directory group.
#[derive(Clone)]
pub(crate) struct Proposals {
    pub(crate) metadata: Arc<dyn Metadata>,
    /// The group's time, as near as it is known.
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl Proposals {
    /// Commits a command.
    pub(crate) async fn propose(&self, body: CommandBody) -> Result<Result<(), Refusal>, MetadataError> {
        self.propose_within(body, DEADLINE).await
    }

    /// Commits a command, or gives up after a while.
    pub(crate) async fn propose_within(
        &self,
        body: CommandBody,
        limit: Duration,
    ) -> Result<Result<(), Refusal>, MetadataError> {
        let now = self.clock.now();
        let micros = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        let request = RequestId(self.random.uuid_v7(now.0 / 1000));
        let deadline = Timestamp(now.0.saturating_add(micros));
        let outcome = self.metadata.propose(GroupId::DIRECTORY, Proposal { request, deadline, body }).await?;
        Ok(outcome.map(drop))
    }

    /// Commits a node's registration for whoever asks on its behalf.
    pub(crate) async fn register(&self, node: NodeId, info: NodeInfo) -> Result<(), ControlError> {
        self.change(node, CommandBody::RegisterNode { node, info }).await
    }

    /// Commits a node's new state.
    pub(crate) async fn set_state(&self, node: NodeId, state: NodeState) -> Result<(), ControlError> {
        self.change(node, CommandBody::SetNodeState { node, state }).await
    }

    /// Commits what all nodes agree about from now on.
    pub(crate) async fn set_settings(&self, settings: ClusterSettings) -> Result<(), ControlError> {
        match self.propose(CommandBody::SetClusterSettings { settings }).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(refusal)) => Err(ControlError::Refused(refusal.to_string())),
            Err(error) => Err(ControlError::Unavailable(error.to_string())),
        }
    }

    async fn change(&self, node: NodeId, body: CommandBody) -> Result<(), ControlError> {
        match self.propose(body).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Refusal::NoSuchNode)) => Err(ControlError::NoSuchNode(node)),
            Ok(Err(Refusal::NodeGone)) => Err(gone(node)),
            Ok(Err(refusal)) => Err(ControlError::Refused(format!("node {node}: {refusal}"))),
            Err(error) => Err(ControlError::Unavailable(error.to_string())),
        }
    }
}

/// What a node is told that comes back after it was given up.
fn gone(node: NodeId) -> ControlError {
    ControlError::Refused(format!(
        "node {node} was declared lost or removed, and can't come back: start with an empty data directory"
    ))
}

/// What this node says of itself.
pub(crate) fn node_info(settings: &crate::settings::ClusterSettings, capacity_bytes: u64) -> NodeInfo {
    let gib = u32::try_from(capacity_bytes >> 30).unwrap_or(u32::MAX).max(1);
    NodeInfo {
        address: settings.endpoint.as_ref().map(|endpoint| endpoint.address.clone()).unwrap_or_default(),
        roles: settings.roles,
        zone: settings.zone.clone(),
        host: settings.host.clone().unwrap_or_else(host_name),
        weight: settings.weight.map_or(gib, std::num::NonZeroU32::get),
    }
}

fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    name.chars().filter(|c| !c.is_control() && !c.is_whitespace()).take(64).collect()
}
