//! Why a node did not start, or stopped by itself.

use crate::forming::{PlanError, SettleError};
use crate::known::KnownError;
use crate::root::RootError;
use crate::settings::SettingsError;
use crate::telemetry::TelemetryError;
use esker_env::DiskError;
use esker_kv::KvError;
use esker_rpc::StorageError;
use esker_storage::{DataDirError, OpenError};
use esker_types::NodeState;
use esker_wal::WalError;
use std::path::PathBuf;
use std::time::Duration;

/// How long a node without peers may take to become the leader of its own group.
pub(crate) const LEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a node did not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    #[error("can't start the runtime")]
    Runtime(#[source] std::io::Error),
    #[error("can't listen on {address} ({setting})")]
    Listen { setting: &'static str, address: String, source: std::io::Error },
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(
        "{source}. The process is of user {user} and group {group}, who may not use {}: give them what is there \
         (chown -R {user}:{group}), or run the process as the user that it belongs to (in a container, --user)",
        data_dir.display()
    )]
    NotPermitted { data_dir: PathBuf, user: u32, group: u32, source: DiskError },
    #[error(transparent)]
    Settle(#[from] SettleError),
    #[error("the plan of the cluster: {0}")]
    Plan(#[from] PlanError),
    #[error("the addresses of other nodes: {0}")]
    Known(#[from] KnownError),
    #[error("root keys: {0}")]
    Root(#[from] RootError),
    #[error("the index: {0}")]
    Engine(#[from] KvError),
    #[error("the log: {0}")]
    Wal(#[from] WalError),
    #[error(
        "the log in {} is gone, and with it votes and acknowledged writes. If it is on a disk of its own, mount that; \
         otherwise restore the whole data directory from one backup, or start with an empty one. Nothing was changed",
        .0.display()
    )]
    LogGone(PathBuf),
    #[error(
        "the node has {what}, but not the {role} role any more: drain it first (esker admin node drain), remove it, and \
         start anew with an empty data directory"
    )]
    RoleDropped { role: &'static str, what: &'static str },
    #[error("the segments: {0}")]
    Segments(#[from] OpenError),
    #[error("the segments: {0}. To start without them, give --rebuild-blob-index once")]
    SegmentsGone(OpenError),
    #[error("can't wait for signals: {0}")]
    Signals(#[source] std::io::Error),
    #[error("told to stop again, so the requests under way were cut off")]
    CutOff,
    #[error("the segments can't be closed: {0}")]
    Close(#[from] StorageError),
    #[error("metadata: {0}")]
    Metadata(#[from] esker_metadata::StartError),
    #[error("metadata: {0}")]
    Group(#[from] esker_rpc::MetadataError),
    #[error("metadata: the group has no leader after {} seconds", LEADER_TIMEOUT.as_secs())]
    NoLeader,
    #[error("the cluster refuses this node: {0}")]
    Refused(String),
    #[error(
        "this node was {}: other nodes have taken its place, and it can't come back. To use the machine again, start \
         with an empty data directory: it joins as a new node",
        match .0 { NodeState::Removed => "removed from the cluster", _ => "declared lost" }
    )]
    Gone(NodeState),
    #[error("a task of the start was lost: {0}")]
    Task(#[from] tokio::task::JoinError),
    #[error("metadata failed, so the process must restart to know what the disk holds: {0}")]
    Failed(String),
}
