//! What nodes ask one another to form a cluster and to change it, and what operators ask of any node.

use async_trait::async_trait;
use esker_types::{ClusterId, NodeId, NodeInfo};
use std::num::NonZeroU8;

/// How far a node has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its data directory is new: it belongs to no cluster.
    Empty,
    /// It was told its cluster, whose first group has not formed as far as it knows.
    Adopted,
    /// It is a member of a cluster that was formed.
    Member,
}

/// What a node says of itself to whoever shows the cluster's secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The node.
    pub node: NodeId,
    /// Its cluster, if it belongs to one.
    pub cluster: Option<ClusterId>,
    /// How far it has come.
    pub stage: Stage,
    /// Where it says that others reach it.
    pub address: String,
    /// The peers that it was told to form a cluster with, sorted; empty if none.
    pub peers: Vec<String>,
}

/// A cluster to be formed: every node of it is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formation {
    /// Its id, chosen by the node that forms it.
    pub cluster: ClusterId,
    /// Its first members and their addresses, in order of the ids.
    pub members: Vec<(NodeId, String)>,
}

/// What is to change of the [settings](esker_types::ClusterSettings) that all nodes agree about. What is not given stays
/// as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SettingsChange {
    /// Replicas of each blob.
    pub replicas: Option<NonZeroU8>,
    /// Voters of each Raft group.
    pub voters: Option<NonZeroU8>,
}

/// Why a node did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// It can't be done as things are; the text says why and what to do.
    #[error("{0}")]
    Refused(String),
    /// There is no such node.
    #[error("there is no node {0}")]
    NoSuchNode(NodeId),
    /// Nobody could be reached who can do it. It may be done all the same.
    #[error("{0}")]
    Unavailable(String),
    /// The secret or the cluster is another one.
    #[error("access denied: {0}")]
    Denied(String),
}

/// A node, as other nodes and operators command it. All of it may be repeated.
#[async_trait]
pub trait Control: Send + Sync + 'static {
    /// Who the node is.
    async fn hello(&self) -> Result<Hello, ControlError>;

    /// Makes an empty node a member of a cluster that is being formed.
    async fn form(&self, formation: Formation) -> Result<(), ControlError>;

    /// Asks the cluster, through this member, to take a node in. Returns once it is registered.
    async fn join(&self, node: NodeId, info: NodeInfo) -> Result<(), ControlError>;

    /// Asks an empty node, which waits for it, to join the cluster of which `seed` is a member.
    async fn invite(&self, seed: String) -> Result<(), ControlError>;

    /// The state of the cluster as this node knows it: JSON, documented with `esker admin status --json`.
    async fn status(&self) -> Result<String, ControlError>;

    /// Begins to move a node's data and votes away.
    async fn drain(&self, node: NodeId) -> Result<(), ControlError>;

    /// Takes a drain back: the node stays, and gets its share of the data again.
    async fn undrain(&self, node: NodeId) -> Result<(), ControlError>;

    /// Removes a node that holds nothing any more.
    async fn remove(&self, node: NodeId) -> Result<(), ControlError>;

    /// Declares a node lost for good, so that others take its place: `new`, if it is given, must be a member.
    async fn replace(&self, old: NodeId, new: Option<NodeId>) -> Result<(), ControlError>;

    /// Changes what all nodes agree about.
    async fn change_settings(&self, change: SettingsChange) -> Result<(), ControlError>;
}
