//! What the metadata layer does for the other roles.

use async_trait::async_trait;
use esker_index::command::CommandBody;
use esker_index::outcome::Outcome;
use esker_index::query::{Answer, Query};
use esker_types::{GroupId, RequestId, Timestamp};

/// A command before the leader dates it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The same in every retry, so that the command applies at most once.
    pub request: RequestId,
    /// The command is not applied after this time. At most
    /// [`Command::LIFETIME_MILLIS_MAX`](esker_index::command::Command::LIFETIME_MILLIS_MAX) from now.
    pub deadline: Timestamp,
    /// What to do.
    pub body: CommandBody,
}

/// Why the metadata layer gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// There is no leader with a quorum, or no room to queue. The command was not applied and will not be.
    #[error("the metadata layer is unavailable: {0}")]
    Unavailable(String),
    /// The answer did not come in time. The command may be applied, until its deadline.
    #[error("the outcome is unknown: {0}")]
    Unknown(String),
    /// The disk is too full to accept commands that add data.
    #[error("the metadata layer's disk is full")]
    Full,
    /// This node can't serve the group any more.
    #[error("the metadata layer failed: {0}")]
    Failed(String),
}

/// The replicated version index.
#[async_trait]
pub trait Metadata: Send + Sync + 'static {
    /// Commits a command and returns what applying it gave. Waits no longer than the proposal's deadline.
    async fn propose(&self, group: GroupId, proposal: Proposal) -> Result<Outcome, MetadataError>;

    /// Answers a query linearizably: from rows that hold every command that was acknowledged before the call.
    /// Bounded by the implementation's read deadline.
    async fn query(&self, group: GroupId, query: Query) -> Result<Answer, MetadataError>;

    /// Whether this process has the group's leader, as far as it knows: upkeep that one node does for all is done
    /// there.
    fn leads(&self, group: GroupId) -> bool;
}
