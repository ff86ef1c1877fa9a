//! Starts and stops a metadata node.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use esker_kv::{Engine, KvError};
use esker_rpc::transport::{Guard, Network, Plane, Routes, serve};
use esker_types::GroupId;
use openraft::ConfigError;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clocks::{GroupTime, Samples};
use crate::log::LogStore;
use crate::machine::StateMachine;
use crate::membership;
use crate::network::{NetworkFactory, Peers, RaftService, Registry};
use crate::node::admission::Admission;
use crate::node::group::Parts;
use crate::node::{
    Components, Formation, Group, HistoryError, MetadataHandle, RaftPlane, Runtime, Settings, config,
    failure, history,
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
    runtime: OwnRuntime,
    groups: Registry,
    handle: MetadataHandle,
    stop: CancellationToken,
    engine: Arc<dyn Engine>,
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
        let runtime = match settings.runtime {
            Runtime::Own { threads } => OwnRuntime::of(threads)?,
            Runtime::Current => OwnRuntime(None),
        };
        let on = runtime.0.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone());
        let engine = Arc::clone(&components.engine);
        match start_groups(&on, components, settings).await {
            Ok(Started { groups, handle, stop }) => {
                Ok(MetadataNode { runtime, groups, handle, stop, engine })
            }
            Err(error) => {
                runtime.end().await;
                Err(error)
            }
        }
    }

    /// What the other roles use.
    pub fn handle(&self) -> &MetadataHandle {
        &self.handle
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
        std::mem::take(&mut self.runtime).end().await;
        let engine = Arc::clone(&self.engine);
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
        std::mem::take(&mut self.runtime).end().await;
    }
}

impl Drop for MetadataNode {
    fn drop(&mut self) {
        self.stop.cancel();
        self.groups.clear();
    }
}

/// Raft's own runtime; none if the node runs on the runtime of others. Dropping it stops its tasks at once, and may be
/// done where tasks run, as when a start is given up.
#[derive(Debug, Default)]
struct OwnRuntime(Option<tokio::runtime::Runtime>);

impl OwnRuntime {
    fn of(threads: usize) -> Result<OwnRuntime, StartError> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(threads).thread_name("esker-raft").enable_all().build();
        runtime.map(|runtime| OwnRuntime(Some(runtime))).map_err(StartError::Runtime)
    }

    /// Stops it, and waits for its tasks.
    async fn end(mut self) {
        let Some(runtime) = self.0.take() else { return };
        let ended = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(STOP_TIMEOUT));
        // It panics only if the drop of a task does; the node is gone then, too.
        let _ = ended.await;
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

struct Started {
    groups: Registry,
    handle: MetadataHandle,
    stop: CancellationToken,
}

async fn start_groups(
    runtime: &Handle,
    components: Components,
    settings: Settings,
) -> Result<Started, StartError> {
    let on = runtime.clone();
    let task = runtime.spawn(async move {
        let stop = CancellationToken::new();
        let groups = Registry::default();
        let Components { wal, engine, clock, peers } = components;
        let network = peers.map(|plane| listen(plane, &on, groups.clone(), stop.clone()));
        let peers = Peers::new(network);
        let (failure, failed) = watch::channel(None);
        let handle = MetadataHandle::new(groups.clone(), peers.clone(), Arc::clone(&clock), failed);
        let admission = Admission::new(&settings);
        let samples = Arc::new(Samples::default());
        let conditions = Arc::default();
        let parts = Parts { settings: Arc::new(settings), wal, clock, peers, samples, conditions, admission };
        for id in parts.settings.groups.clone() {
            let engine = Arc::clone(&engine);
            let rows = esker_env::spawn_blocking(move || GroupRows::open(engine, id)).await;
            let rows =
                rows.map_err(|error| broken(id, error))?.map_err(|error: RowsFailure| broken(id, error))?;
            let group = start_group(id, Arc::new(rows), parts.clone()).await?;
            tokio::spawn(failure::follow(Arc::clone(&group), failure.clone()));
            groups.insert(group);
        }
        keep_members(&groups, parts.settings.membership_interval);
        Ok(Started { groups, handle, stop })
    });
    task.await.unwrap_or_else(|error| Err(StartError::Runtime(io::Error::other(error))))
}

/// Starts to keep the members of all groups, if this node has the rows that say who they should be.
fn keep_members(groups: &Registry, interval: Duration) {
    let Some(directory) = groups.get(GroupId::DIRECTORY) else { return };
    for group in groups.all() {
        tokio::spawn(membership::keep(Arc::downgrade(&group), Arc::downgrade(&directory), interval));
    }
}

fn broken(group: GroupId, error: impl std::fmt::Display) -> StartError {
    StartError::Group { group: group.0, what: error.to_string() }
}

async fn start_group(id: GroupId, rows: Arc<GroupRows>, parts: Parts) -> Result<Arc<Group>, StartError> {
    let settings = Arc::clone(&parts.settings);
    let (own, clock, samples) = (settings.node, Arc::clone(&parts.clock), Arc::clone(&parts.samples));
    let time = Arc::new(GroupTime::new(own, clock, samples, Arc::clone(&rows)));
    let network = NetworkFactory {
        peers: parts.peers.clone(),
        group: id,
        node: settings.node,
        time: Arc::clone(&time),
        conditions: Arc::clone(&parts.conditions),
    };
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
        let alone = BTreeMap::from([(settings.node.0, Peer { address: settings.address.clone() })]);
        raft.initialize(alone).await.map_err(|error| broken(id, error))?;
    }
    Ok(Group::new(id, raft, rows, time, parts))
}

/// An only voter needs nobody's consent, so it need not wait for its election timer.
async fn elect_if_alone(raft: &Raft, node: u64) -> Result<(), openraft::errors::Fatal<TypeConfig>> {
    let voters: Vec<u64> = raft.voter_ids().collect();
    if voters == [node] {
        raft.trigger().elect(false).await?;
    }
    Ok(())
}

/// Serves other nodes until `stop`, and returns the way to them. Calls for groups that are not started yet are refused,
/// and come again.
fn listen(plane: RaftPlane, on: &Handle, groups: Registry, stop: CancellationToken) -> Network {
    let RaftPlane { network, incoming } = plane;
    let guard = Guard::new(network.identity().clone());
    let routes = Routes::new(RaftService::serve(groups));
    tokio::spawn(async move {
        if let Err(error) = serve(incoming, Plane::Raft, routes, guard, stop).await {
            tracing::error!(%error, "the metadata service stopped");
        }
    });
    network.on(on.clone())
}
