//! Runs a node: opens what is on disk from the bottom up, serves, and closes it from the top down.

use crate::banner::{self, Ready};
use crate::probe::NodeProbe;
use crate::root::{self, RootError};
use crate::settings::{Settings, SettingsError};
use crate::telemetry::{self, TelemetryError};
use esker_env::{Clock, Disk, OsDisk, OsRandom, Random, SystemClock};
use esker_gateway::{Gateway, Limits, Listeners, RootCredentials, SecretKey};
use esker_kv::{Engine, KvError};
use esker_metadata::{MetadataNode, Reconciler, ReconcilerSettings};
use esker_rpc::StorageError;
use esker_storage::{
    ClusterChoice, DataDir, DataDirError, IndexStart, OpenError, SegmentStore, StorageOptions,
};
use esker_types::GroupId;
use esker_wal::{Wal, WalError, WalOptions};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long the node may take to become the leader of its own group.
const LEADER_TIMEOUT: Duration = Duration::from_secs(30);

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
    #[error("the segments: {0}")]
    Segments(#[from] OpenError),
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
pub(crate) fn server(settings: &Settings) -> Result<(), StartError> {
    telemetry::start_log(settings)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(StartError::Runtime)?;
    runtime.block_on(run(settings))
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

async fn run(settings: &Settings) -> Result<(), StartError> {
    let metrics = telemetry::start_metrics()?;
    let world =
        World { disk: Arc::new(OsDisk), clock: Arc::new(SystemClock::new()), random: Arc::new(OsRandom) };
    // Bound first: a second server on the same address is told so before it touches any data.
    let s3 = listen("address", &settings.address).await?;
    let console = listen("console_address", &settings.console_address).await?;
    let addresses = (local_address(&s3)?, local_address(&console)?);

    let node = open(settings, &world).await?;
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
    banner::ready(&Ready {
        s3: addresses.0,
        console: addresses.1,
        region: &settings.region,
        keys: &keys,
        source,
        key_file: &key_file,
    });

    let failure = wait_for_end(&handle).await;
    stop.cancel();
    serving.await?;
    upkeep_stop.cancel();
    for task in upkeep {
        task.await?;
    }
    close(node, failure).await
}

async fn listen(setting: &'static str, address: &str) -> Result<TcpListener, StartError> {
    let failed = |source| StartError::Listen { setting, address: address.to_owned(), source };
    TcpListener::bind(address).await.map_err(failed)
}

fn local_address(listener: &TcpListener) -> Result<std::net::SocketAddr, StartError> {
    let failed = |source| StartError::Listen { setting: "address", address: String::new(), source };
    listener.local_addr().map_err(failed)
}

async fn open(settings: &Settings, world: &World) -> Result<Node, StartError> {
    let (dir, engine, wal, storage) = {
        let (settings, disk, random) = (settings.clone(), world.disk.clone(), world.random.clone());
        let clock = world.clock.clone();
        tokio::task::spawn_blocking(move || open_disk(&settings, disk, clock, random)).await??
    };
    let identity = dir.identity();
    let mut metadata_settings =
        esker_metadata::Settings::new(Uuid::from_bytes(identity.cluster.0), identity.node);
    metadata_settings.runtime_threads = 2;
    let components =
        esker_metadata::Components { wal: Arc::new(wal), engine: engine.clone(), clock: world.clock.clone() };
    let metadata = MetadataNode::start(components, metadata_settings).await?;
    let led = metadata.handle().wait_for(GroupId::DIRECTORY, |status| status.leader.is_some());
    tokio::time::timeout(LEADER_TIMEOUT, led).await.map_err(|_| StartError::NoLeader)??;
    Ok(Node { _dir: dir, engine, metadata, storage: Arc::new(storage) })
}

type OpenDisk = (Arc<DataDir>, Arc<dyn Engine>, Wal, SegmentStore);

fn open_disk(
    settings: &Settings,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<OpenDisk, StartError> {
    let path: &Path = &settings.data_dir;
    let dir = Arc::new(DataDir::open_or_create(&*disk, path, ClusterChoice::FoundOrNew, &*random)?);
    let engine = esker_kv::open(settings.engine, &dir.kv(), &esker_kv::Options::default())?;

    let identity = dir.identity();
    let mut wal_identity = [0; 32];
    wal_identity[..16].copy_from_slice(&identity.cluster.0);
    wal_identity[16..24].copy_from_slice(&identity.node.0.to_be_bytes());
    let (wal, recovery) = Wal::open(&disk, &random, &dir.wal(), &WalOptions::new(wal_identity))?;
    if let Some(cut) = recovery.cut {
        tracing::info!(?cut, "cut the torn tail that a crash left of the log");
    }

    let free_space = match settings.disk_reserve_bytes {
        Some(bytes) => esker_storage::FreeSpace::Bytes(bytes),
        None => esker_storage::FreeSpace::Proportional,
    };
    let components =
        esker_storage::Components { disk, engine: engine.clone(), dir: dir.clone(), random, clock };
    let options = StorageOptions { free_space, ..StorageOptions::default() };
    let (storage, report) = SegmentStore::open(components, options, IndexStart::Recover)?;
    tracing::info!(?report, "opened the segments");
    Ok((dir, engine, wal, storage))
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

/// Waits for a signal or for the node's own failure, and returns the failure.
async fn wait_for_end(handle: &esker_metadata::MetadataHandle) -> Option<String> {
    let mut failure = handle.failure();
    let failed = async {
        match failure.wait_for(Option::is_some).await {
            Ok(failed) => failed.clone(),
            Err(_) => Some("the replica is gone".to_owned()),
        }
    };
    let mut terminated = match signal(SignalKind::terminate()) {
        Ok(signals) => signals,
        Err(error) => return Some(format!("can't wait for signals: {error}")),
    };
    tokio::select! {
        failed = failed => failed,
        _ = terminated.recv() => {
            tracing::info!("SIGTERM: finishing the requests under way");
            None
        }
        _ = tokio::signal::ctrl_c() => {
            tracing::info!("interrupted: finishing the requests under way");
            None
        }
    }
}

async fn close(node: Node, failure: Option<String>) -> Result<(), StartError> {
    let Node { _dir, engine, metadata, storage } = node;
    if let Some(failure) = failure {
        return Err(StartError::Failed(failure));
    }
    metadata.shutdown().await?;
    storage.close().await?;
    tokio::task::spawn_blocking(move || engine.sync()).await??;
    tracing::info!("stopped");
    Ok(())
}
