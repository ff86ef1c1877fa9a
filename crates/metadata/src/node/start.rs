//! Starts and stops a metadata node.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use esker_kv::KvError;
use esker_types::GroupId;
use openraft::ConfigError;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::TcpIncoming;

use crate::log::LogStore;
use crate::machine::StateMachine;
use crate::network::{NetworkFactory, PeerPool, RaftService, Registry};
use crate::node::group::Parts;
use crate::node::{
    Components, Formation, Group, HistoryError, MetadataHandle, Settings, config, failure, history,
};
use crate::rows::{GroupRows, RowsFailure};
use crate::types::{ENTRY_BYTES_MAX, Peer, Raft, TypeConfig};

/// How long the runtime's tasks may take to end when the node stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings contradict themselves.
    #[error("invalid Raft settings: {0}")]
    Settings(#[from] Box<ConfigError>),
    /// The address can't be listened on.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The log can't hold the longest command.
    #[error(
        "the log takes entries of {bytes_max} bytes, and commands need {needed}: its segments are too small"
    )]
    SmallLog {
        /// What the log takes.
        bytes_max: u64,
        /// What it must take.
        needed: u64,
    },
    /// The runtime's threads can't be started.
    #[error("can't start the Raft runtime: {0}")]
    Runtime(io::Error),
    /// The log and the rows of a group contradict each other: one of them was lost, or is of another time.
    #[error("group {group} can't start: {source}")]
    History {
        /// The group's number.
        group: u16,
        /// What is wrong.
        source: HistoryError,
    },
    /// The rows, or the log, of a group can't be read.
    #[error("group {group}: {what}")]
    Group {
        /// The group's number.
        group: u16,
        /// Why.
        what: String,
    },
}

/// A running node. Dropping it stops it at once, as a crash would; [`shutdown`](Self::shutdown) is the polite way.
#[derive(Debug)]
pub struct MetadataNode {
    /// Taken when the node stops. It is apart from the process's other runtimes, so that no load on them can delay
    /// heartbeats.
    runtime: Option<Runtime>,
    groups: Registry,
    handle: MetadataHandle,
    local_address: Option<SocketAddr>,
    stop: CancellationToken,
    components: Components,
}

impl MetadataNode {
    /// Opens the groups and starts to take part in them.
    ///
    /// # Errors
    /// See [`StartError`]. Nothing keeps running then.
    pub async fn start(components: Components, settings: Settings) -> Result<MetadataNode, StartError> {
        let (bytes_max, needed) = (components.wal.payload_bytes_max(), ENTRY_BYTES_MAX);
        if bytes_max < needed {
            return Err(StartError::SmallLog { bytes_max, needed });
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(settings.runtime_threads)
            .thread_name("esker-raft")
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let started = start_groups(runtime.handle(), components.clone(), settings).await;
        match started {
            Ok(Started { groups, handle, local_address, stop }) => {
                Ok(MetadataNode { runtime: Some(runtime), groups, handle, local_address, stop, components })
            }
            Err(error) => {
                end(runtime).await;
                Err(error)
            }
        }
    }

    /// What the other roles use.
    pub fn handle(&self) -> &MetadataHandle {
        &self.handle
    }

    /// Where the gRPC service listens.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.local_address
    }

    /// Hands leadership over, stops taking part, syncs the rows, and ends the runtime. Proposals under way end without an outcome.
    ///
    /// # Errors
    /// The rows could not be synced; the log still has what they miss.
    pub async fn shutdown(mut self) -> Result<(), KvError> {
        for group in self.groups.all() {
            group.hand_over().await;
        }
        self.stop.cancel();
        for group in self.groups.all() {
            // The error would say that it has stopped.
            let _ = group.raft().shutdown().await;
        }
        self.groups.clear();
        if let Some(runtime) = self.runtime.take() {
            end(runtime).await;
        }
        let engine = Arc::clone(&self.components.engine);
        // The last handles to the log and the engine go with this value.
        let synced = tokio::task::spawn_blocking(move || engine.sync()).await;
        synced.unwrap_or_else(|_| Err(KvError::Closed { doing: "sync".into() }))
    }
}

#[cfg(test)]
impl MetadataNode {
    /// Stops at once, as a crash would, but returns only when nothing of the node runs any more.
    pub(crate) async fn kill(mut self) {
        self.stop.cancel();
        self.groups.clear();
        if let Some(runtime) = self.runtime.take() {
            end(runtime).await;
        }
    }
}

impl Drop for MetadataNode {
    fn drop(&mut self) {
        self.stop.cancel();
        self.groups.clear();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Waits for the runtime's tasks; a runtime must not be dropped where tasks run.
async fn end(runtime: Runtime) {
    let ended = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(STOP_TIMEOUT));
    // It panics only if the drop of a task does; the node is gone then, too.
    let _ = ended.await;
}

struct Started {
    groups: Registry,
    handle: MetadataHandle,
    local_address: Option<SocketAddr>,
    stop: CancellationToken,
}

async fn start_groups(
    runtime: &Handle,
    components: Components,
    settings: Settings,
) -> Result<Started, StartError> {
    let inner = runtime.clone();
    let task = runtime.spawn(async move {
        let stop = CancellationToken::new();
        let groups = Registry::default();
        let mut settings = settings;
        let local_address = match settings.listen {
            Some(address) => Some(listen(address, &settings, groups.clone(), stop.clone()).await?),
            None => None,
        };
        if settings.address.is_none() {
            settings.address = local_address.map(|address| address.to_string());
        }
        let (failure, failed) = watch::channel(None);
        let pool = PeerPool::new(settings.cluster, inner);
        let proposals_max = settings.proposals_max;
        let Components { wal, engine, clock } = components;
        let parts = Parts { settings: Arc::new(settings), wal, clock, pool };
        for id in parts.settings.groups.clone() {
            let engine = Arc::clone(&engine);
            let rows = tokio::task::spawn_blocking(move || GroupRows::open(engine, id)).await;
            let rows =
                rows.map_err(|error| broken(id, error))?.map_err(|error: RowsFailure| broken(id, error))?;
            let group = start_group(id, Arc::new(rows), parts.clone()).await?;
            tokio::spawn(failure::follow(Arc::clone(&group), failure.clone()));
            groups.insert(group);
        }
        let handle = MetadataHandle::new(groups.clone(), proposals_max, failed);
        Ok(Started { groups, handle, local_address, stop })
    });
    task.await.unwrap_or_else(|error| Err(StartError::Runtime(io::Error::other(error))))
}

fn broken(group: GroupId, error: impl std::fmt::Display) -> StartError {
    StartError::Group { group: group.0, what: error.to_string() }
}

async fn start_group(id: GroupId, rows: Arc<GroupRows>, parts: Parts) -> Result<Arc<Group>, StartError> {
    let settings = Arc::clone(&parts.settings);
    let network = NetworkFactory { pool: parts.pool.clone(), group: id, node: settings.node };
    history::check(settings.node, &parts.wal.state(id.0), &rows.pointer())
        .map_err(|source| StartError::History { group: id.0, source })?;
    let log = LogStore::new(Arc::clone(&parts.wal), id);
    let machine = StateMachine::new(Arc::clone(&rows));
    let raft = Raft::new(settings.node.0, config::config(&settings)?, network, log, machine).await;
    let raft = raft.map_err(|error| broken(id, error))?;
    let formed = raft.is_initialized().await.map_err(|error| broken(id, error))?;
    if formed {
        elect_if_alone(&raft, settings.node.0).await.map_err(|error| broken(id, error))?;
    } else if settings.formation == Formation::Alone {
        let address = settings.address.clone().unwrap_or_default();
        let alone = BTreeMap::from([(settings.node.0, Peer { address })]);
        raft.initialize(alone).await.map_err(|error| broken(id, error))?;
    }
    Ok(Group::new(id, raft, rows, parts))
}

/// An only voter needs nobody's consent, so it need not wait for its election timer.
async fn elect_if_alone(raft: &Raft, node: u64) -> Result<(), openraft::errors::Fatal<TypeConfig>> {
    let voters: Vec<u64> = raft.voter_ids().collect();
    if voters == [node] {
        raft.trigger().elect(false).await?;
    }
    Ok(())
}

/// Serves other nodes until `stop`. Calls for groups that are not started yet are refused, and come again.
async fn listen(
    address: SocketAddr,
    settings: &Settings,
    groups: Registry,
    stop: CancellationToken,
) -> Result<SocketAddr, StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let service = RaftService::serve(settings.cluster, settings.node, groups);
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(async move {
        if let Err(error) = server.serve_with_incoming_shutdown(incoming, stop.cancelled_owned()).await {
            tracing::error!(%error, "the metadata service stopped");
        }
    });
    Ok(local)
}
