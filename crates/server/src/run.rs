//! Runs a node: opens what is on disk from the bottom up, serves, and closes it from the top down.

use crate::banner::{self, Ready};
use crate::probe::NodeProbe;
use crate::root::{self, RootError};
use crate::settings::{Settings, SettingsError};
use crate::stop::{self, Signals};
use crate::telemetry::{self, TelemetryError};
use esker_env::{Clock, Disk, OsDisk, OsRandom, Random, SystemClock};
use esker_gateway::{Gateway, Limits, Listeners, RootCredentials, SecretKey};
use esker_kv::{Engine, KvError};
use esker_metadata::{MetadataNode, Reconciler, ReconcilerSettings};
use esker_rpc::StorageError;
use esker_storage::{
    ClusterChoice, DataDir, DataDirError, IndexStart, OpenError, OpenReport, SegmentStore, StorageOptions,
};
use esker_types::GroupId;
use esker_wal::{Wal, WalError, WalOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long the node may take to become the leader of its own group.
const LEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the runtime's last tasks may take once the node has stopped.
const RUNTIME_TIMEOUT: Duration = Duration::from_secs(5);

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
    #[error("a task of the start was lost: {0}")]
    Task(#[from] tokio::task::JoinError),
    #[error("metadata failed, so the process must restart to know what the disk holds: {0}")]
    Failed(String),
}

/// Runs a node until it is told to stop.
pub(crate) fn server(settings: &Settings, index: IndexStart) -> Result<(), StartError> {
    telemetry::start_log(settings)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(StartError::Runtime)?;
    let result = runtime.block_on(run(settings, index));
    // A disk that hangs must not keep a process that has failed.
    runtime.shutdown_timeout(RUNTIME_TIMEOUT);
    result
}

/// What the operating system gives.
struct World {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// The node's own state, open.
struct Node {
    _dir: Arc<DataDir>,
    engine: Arc<dyn Engine>,
    metadata: MetadataNode,
    storage: Arc<SegmentStore>,
}

async fn run(settings: &Settings, index: IndexStart) -> Result<(), StartError> {
    let metrics = telemetry::start_metrics()?;
    let world =
        World { disk: Arc::new(OsDisk), clock: Arc::new(SystemClock::new()), random: Arc::new(OsRandom) };
    // Bound first: a second server on the same address is told so before it touches any data.
    let s3 = listen("address", &settings.address).await?;
    let console = listen("console_address", &settings.console_address).await?;
    let addresses = (local_address(&s3)?, local_address(&console)?);

    let node = open(settings, &world, index).await?;
    let (keys, source) =
        root::keys(settings.root_keys.clone(), &*world.disk, &settings.data_dir, &*world.random)?;
    let handle = node.metadata.handle().clone();
    let credentials = RootCredentials::new(keys.access_key.clone(), SecretKey::new(keys.secret_key.clone()));
    let gateway = Gateway::new(
        esker_gateway::Components {
            metadata: Arc::new(handle.clone()),
            storage: node.storage.clone(),
            credentials: Arc::new(credentials),
            clock: world.clock.clone(),
            random: world.random.clone(),
            probe: Arc::new(NodeProbe { metadata: handle.clone(), storage: node.storage.clone(), metrics }),
        },
        esker_gateway::Settings {
            region: settings.region.clone(),
            domains: settings.domains.clone(),
            data_groups: vec![GroupId::DIRECTORY],
            inline_bytes_max: settings.inline_bytes,
            limits: Limits { drain: settings.drain, ..Limits::default() },
        },
    );

    let stop = CancellationToken::new();
    let serving = tokio::spawn(gateway.run(Listeners { s3, console: Some(console) }, stop.clone()));
    let upkeep_stop = CancellationToken::new();
    let upkeep = start_upkeep(settings, &world, &node, &upkeep_stop);
    let key_file = root::path(&settings.data_dir);
    // Until here, a signal ends the process as a crash would, which is safe at any moment.
    let mut signals = Signals::new().map_err(StartError::Signals)?;
    banner::ready(&Ready {
        s3: addresses.0,
        console: addresses.1,
        region: &settings.region,
        keys: &keys,
        source,
        key_file: &key_file,
    });

    stop::wait(&mut signals, &handle).await?;
    stop.cancel();
    let drained = async {
        serving.await?;
        upkeep_stop.cancel();
        for task in upkeep {
            task.await?;
        }
        Ok::<(), StartError>(())
    };
    tokio::select! {
        drained = drained => drained?,
        cut_off = stop::wait(&mut signals, &handle) => return Err(cut_off.err().unwrap_or(StartError::CutOff)),
    }
    close(node).await
}

async fn listen(setting: &'static str, address: &str) -> Result<TcpListener, StartError> {
    let failed = |source| StartError::Listen { setting, address: address.to_owned(), source };
    TcpListener::bind(address).await.map_err(failed)
}

fn local_address(listener: &TcpListener) -> Result<std::net::SocketAddr, StartError> {
    let failed = |source| StartError::Listen { setting: "address", address: String::new(), source };
    listener.local_addr().map_err(failed)
}

async fn open(settings: &Settings, world: &World, index: IndexStart) -> Result<Node, StartError> {
    let (dir, engine, wal, storage) = {
        let (settings, disk, random) = (settings.clone(), world.disk.clone(), world.random.clone());
        let clock = world.clock.clone();
        tokio::task::spawn_blocking(move || open_disk(&settings, index, disk, clock, random)).await??
    };
    let identity = dir.identity();
    let mut metadata_settings =
        esker_metadata::Settings::new(Uuid::from_bytes(identity.cluster.0), identity.node);
    metadata_settings.runtime_threads = 2;
    // A node alone has no follower that could miss entries, and entries carry small objects: this bounds the log to a
    // few hundred megabytes. What it costs is a sync of the rows now and then.
    metadata_settings.entries_per_snapshot = 10_000;
    metadata_settings.entries_kept = 1_000;
    let space = world.disk.space(dir.path()).map_err(DataDirError::Disk)?;
    metadata_settings.disk_reserve_bytes = settings.free_space().bytes(space);
    let components =
        esker_metadata::Components { wal: Arc::new(wal), engine: engine.clone(), clock: world.clock.clone() };
    let metadata = MetadataNode::start(components, metadata_settings).await?;
    let led = metadata.handle().wait_for(GroupId::DIRECTORY, |status| status.leader.is_some());
    tokio::time::timeout(LEADER_TIMEOUT, led).await.map_err(|_| StartError::NoLeader)??;
    dir.mark_formed(&*world.disk)?;
    Ok(Node { _dir: dir, engine, metadata, storage: Arc::new(storage) })
}

type OpenDisk = (Arc<DataDir>, Arc<dyn Engine>, Wal, SegmentStore);

fn open_disk(
    settings: &Settings,
    index: IndexStart,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<OpenDisk, StartError> {
    let path: &Path = &settings.data_dir;
    let dir = Arc::new(DataDir::open_or_create(&*disk, path, ClusterChoice::FoundOrNew, &*random)?);
    // Before anything is made anew in the place of what may come back.
    if dir.is_formed(&*disk)? && !has_log(&*disk, &dir.wal())? {
        return Err(StartError::LogGone(dir.wal()));
    }
    let engine = esker_kv::open(settings.engine, &dir.kv(), &esker_kv::Options::default())?;

    let identity = dir.identity();
    let mut wal_identity = [0; 32];
    wal_identity[..16].copy_from_slice(&identity.cluster.0);
    wal_identity[16..24].copy_from_slice(&identity.node.0.to_be_bytes());
    let (wal, recovery) = Wal::open(&disk, &random, &dir.wal(), &WalOptions::new(wal_identity))?;
    if let Some(cut) = recovery.cut {
        tracing::info!(?cut, "cut the torn tail that a crash left of the log");
    }

    let components =
        esker_storage::Components { disk, engine: engine.clone(), dir: dir.clone(), random, clock };
    let options = StorageOptions { free_space: settings.free_space(), ..StorageOptions::default() };
    let (storage, report) = match SegmentStore::open(components, options, index) {
        Err(gone @ OpenError::SegmentsGone(_)) => return Err(StartError::SegmentsGone(gone)),
        opened => opened?,
    };
    tracing::info!(?report, "opened the segments");
    let OpenReport { missing_segments: missing, damaged_segments: damaged, .. } = report;
    if !missing.is_empty() || !damaged.is_empty() {
        tracing::error!(
            ?missing,
            ?damaged,
            "segments are missing or can't be read: reads of their data will fail"
        );
    }
    Ok((dir, engine, wal, storage))
}

/// Whether there is a segment of a log, readable or not.
fn has_log(disk: &dyn Disk, dir: &Path) -> Result<bool, DataDirError> {
    let entries = disk.list(dir).map_err(DataDirError::Disk)?;
    Ok(entries
        .iter()
        .any(|entry| Path::new(&entry.name).extension().is_some_and(|extension| extension == "wal")))
}

fn start_upkeep(
    settings: &Settings,
    world: &World,
    node: &Node,
    stop: &CancellationToken,
) -> Vec<tokio::task::JoinHandle<()>> {
    let reconciler = Reconciler::new(
        Arc::new(node.metadata.handle().clone()),
        node.storage.clone(),
        world.clock.clone(),
        world.random.clone(),
        ReconcilerSettings {
            groups: vec![GroupId::DIRECTORY],
            interval: settings.upkeep_interval,
            garbage_grace: settings.garbage_grace,
            orphan_age: settings.orphan_age,
        },
    );
    let token = stop.clone();
    let reconcile = tokio::spawn(async move { reconciler.run(token).await });
    let (storage, token) = (node.storage.clone(), stop.clone());
    let maintain = tokio::spawn(async move {
        let report = |blobs: &[esker_types::BlobId]| {
            tracing::error!(?blobs, "scrub found blobs that do not verify");
        };
        storage.run_maintenance(&token, report).await;
    });
    vec![reconcile, maintain]
}

async fn close(node: Node) -> Result<(), StartError> {
    let Node { _dir, engine, metadata, storage } = node;
    metadata.shutdown().await?;
    storage.close().await?;
    tokio::task::spawn_blocking(move || engine.sync()).await??;
    tracing::info!("stopped");
    Ok(())
}
