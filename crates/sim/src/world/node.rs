//! What runs on a machine: a node with all roles but the gateway's, wired as the server wires it.

use super::link::{KnownSeats, Others, network};
use super::machine::{DIR, Given, Machine, cluster};
use super::net;
use super::plan::Plan;
use crate::mutants::{Careless, Mutant, StaleReads, SweepHeld};
use crate::watch::Watched;
use esker_cluster::background::{Background, BackgroundComponents, BackgroundSettings, CoordinatorSettings};
use esker_cluster::{
    DamageSink, HealthOptions, KeeperOptions, OwnStorage, ReplicatedStore, StorageNodes, StoreOptions,
    ViewKeeper,
};
use esker_env::Clock as _;
use esker_index::command::CommandBody;
use esker_kv::Engine;
use esker_metadata::{
    Components, Formation, MetadataHandle, MetadataNode, Peer, RaftPlane, Reconciler, ReconcilerSettings,
    Runtime, Settings,
};
use esker_rpc::grpc::{with_metadata, with_storage};
use esker_rpc::transport::{Guard, Network, Plane, Routes, serve};
use esker_rpc::{BlobStore, Metadata, Proposal, Storage};
use esker_storage::{ClusterChoice, DataDir, IndexStart, SegmentStore, StorageOptions};
use esker_types::{GroupId, NodeInfo, NodeRoles, RequestId};
use esker_wal::{Wal, WalOptions};
use std::num::{NonZeroU16, NonZeroUsize};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const GROUP: GroupId = GroupId::DIRECTORY;
/// Segments just large enough for the longest entry.
const WAL_SEGMENT_BYTES: u64 = 8 << 20;
const SEGMENT_BYTES: u64 = 1 << 20;
/// Between two attempts to register.
const PAUSE: Duration = Duration::from_millis(300);
/// So often the rows are synced, in entries.
const ENTRIES_PER_SNAPSHOT: u64 = 100;
/// Longer than clients are patient, so that their uploads mostly succeed.
const ORPHAN_AGE: Duration = Duration::from_secs(20);
/// What of a disk is left to those who free space.
const DISK_RESERVE_BYTES: u64 = 1 << 20;

/// Runs a node until its machine stops. If the node ends by itself, its machine knows why.
pub async fn run(machine: Arc<Machine>, plan: Arc<Plan>) -> turmoil::Result {
    let why = match live(&machine, plan).await {
        Ok(why) => why,
        Err(error) => error.to_string(),
    };
    machine.failed(why);
    std::future::pending().await
}

/// Lives until something fails, and says what.
async fn live(machine: &Arc<Machine>, plan: Arc<Plan>) -> Result<String, Box<dyn std::error::Error>> {
    let given = machine.given();
    let (raft, data) = net::listen().await?;
    let dir = DataDir::open_or_create(
        &*given.disk,
        Path::new(DIR),
        ClusterChoice::Exactly(cluster()),
        &*given.random,
    )?;
    let dir = Arc::new(dir);
    let network = network(dir.node(), given.clock.clone())?;
    let engine: Arc<dyn Engine> = Arc::new(given.engine.clone());
    let storage = Arc::new(segments(&given, &dir, &engine)?);
    let wal = log(&given, &dir)?;

    let mut settings = Settings::new(cluster().0, dir.node());
    settings.address = machine.address();
    settings.formation = Formation::Wait;
    settings.runtime = Runtime::Current;
    settings.entries_per_snapshot = ENTRIES_PER_SNAPSHOT;
    settings.entries_kept = plan.scale.entries_kept;
    settings.disk_reserve_bytes = DISK_RESERVE_BYTES;
    let peers = Some(RaftPlane { network: network.clone(), incoming: raft });
    let components = Components { wal: Arc::new(wal), engine, clock: given.clock.clone(), peers };
    let metadata = MetadataNode::start(components, settings).await?;
    let handle = metadata.handle().clone();
    begin(machine, &plan, &handle).await?;

    let stop = CancellationToken::new();
    let clock = handle.group_clock();
    let mut served: Arc<dyn Metadata> = Arc::new(handle.clone());
    if plan.mutant == Some(Mutant::StaleReads) {
        served = Arc::new(StaleReads { metadata: served, machine: machine.clone() });
    }
    let routes = with_metadata(Routes::default(), served, clock.clone());
    let mut storage: Arc<dyn Storage> = storage;
    if let Some(mutant) = plan.mutant {
        storage = Arc::new(Careless { storage, mutant });
    }
    storage = Arc::new(Watched { storage, node: dir.node(), watch: plan.watch.clone() });
    let routes = with_storage(routes, storage.clone());
    let guard = Guard::new(network.identity().clone());
    tokio::spawn(serve(data, Plane::Data, routes, guard, stop.clone()));
    machine.runs(handle.clone());

    register(machine, &plan, &given, &network).await;
    dir.mark_member(&*given.disk)?;
    let own = OwnStorage { node: dir.node(), storage: storage.clone() };
    let _background = upkeep(&plan, &given, own, handle.clone(), network, &stop);
    let mut failure = handle.failure();
    let why = failure.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
    Ok(format!("a replica failed: {}", why.unwrap_or_default()))
}

fn log(given: &Given, dir: &DataDir) -> Result<Wal, esker_wal::WalError> {
    let mut identity = [0; 32];
    identity[..8].copy_from_slice(&dir.node().0.to_be_bytes());
    let options = WalOptions { segment_bytes: WAL_SEGMENT_BYTES, ..WalOptions::new(identity) };
    Ok(Wal::open(&given.disk, &given.random, &dir.wal(), &options)?.0)
}

fn segments(
    given: &Given,
    dir: &Arc<DataDir>,
    engine: &Arc<dyn Engine>,
) -> Result<SegmentStore, esker_storage::OpenError> {
    let components = esker_storage::Components {
        disk: given.disk.clone(),
        engine: engine.clone(),
        dir: dir.clone(),
        random: given.random.clone(),
        clock: given.clock.clone(),
    };
    let options = StorageOptions {
        segment_bytes: SEGMENT_BYTES,
        allocate_bytes: SEGMENT_BYTES / 4,
        delete_reserve_bytes: 64 << 10,
        ..StorageOptions::default()
    };
    Ok(SegmentStore::open(components, options, IndexStart::Recover)?.0)
}

/// The first machine begins the group, unless it did before.
async fn begin(
    machine: &Machine,
    plan: &Plan,
    handle: &MetadataHandle,
) -> Result<(), esker_rpc::MetadataError> {
    if plan.first != machine.name || machine.node() != plan.founder {
        return Ok(());
    }
    let status = handle.status(GROUP)?;
    if status.last_log_index.is_some() || !status.voters.is_empty() {
        return Ok(());
    }
    let voters = plan.founders.iter().map(|(node, address)| (*node, Peer { address: address.clone() }));
    handle.initialize(GROUP, voters.collect()).await
}

/// Makes the cluster know the node, through whoever answers.
async fn register(machine: &Machine, plan: &Plan, given: &Given, network: &Network) {
    let metadata = plan.remote(network);
    let info = NodeInfo {
        address: machine.address(),
        roles: NodeRoles::ALL,
        zone: String::new(),
        host: machine.name.clone(),
        weight: 100,
    };
    let body = CommandBody::RegisterNode { node: machine.node(), info };
    loop {
        let proposal = Proposal {
            request: RequestId(given.random.uuid_v4()),
            deadline: metadata.clock().now().plus_millis(5_000),
            body: body.clone(),
        };
        match metadata.propose(GROUP, proposal).await {
            Ok(Ok(_)) => return,
            Ok(Err(refusal)) => tracing::info!(%refusal, "not registered"),
            Err(error) => tracing::debug!(%error, "not registered yet"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn upkeep(
    plan: &Plan,
    given: &Given,
    own: OwnStorage,
    handle: MetadataHandle,
    network: Network,
    stop: &CancellationToken,
) -> Background {
    let (clock, seats) = (handle.group_clock(), Arc::new(KnownSeats(handle.clone())));
    let metadata: Arc<dyn Metadata> = Arc::new(handle);
    let (keeper, views) = ViewKeeper::new(metadata.clone(), KeeperOptions::default());
    tokio::spawn(keeper.run(stop.clone()));
    let dial = Arc::new(Others { network, mutant: plan.mutant });
    let nodes = Arc::new(StorageNodes::new(Some(own), dial, HealthOptions::default()));
    let (sink, damage) = DamageSink::channel(1024);
    let blobs: Arc<dyn BlobStore> =
        Arc::new(ReplicatedStore::new(views.clone(), nodes.clone(), sink, StoreOptions::default()));
    let reconciler = Reconciler::new(
        metadata.clone(),
        blobs,
        clock.clone(),
        given.random.clone(),
        ReconcilerSettings {
            groups: vec![GROUP],
            interval: Duration::from_secs(1),
            garbage_grace: Duration::from_secs(1),
        },
    );
    tokio::spawn(reconciler.run(stop.clone()));
    let metadata = match plan.mutant {
        Some(Mutant::SweepHeld) => Arc::new(SweepHeld(metadata)),
        _ => metadata,
    };
    let components =
        BackgroundComponents { metadata, views, nodes, seats, clock, random: given.random.clone(), damage };
    Background::start(components, settings(plan), stop)
}

fn settings(plan: &Plan) -> BackgroundSettings {
    BackgroundSettings {
        repair_interval: Duration::from_secs(1),
        repair_retry: Duration::from_secs(3),
        stray_interval: Duration::from_secs(20),
        audit_interval: Duration::from_secs(600),
        orphan_age: ORPHAN_AGE,
        coordinator: CoordinatorSettings {
            placement_groups: NonZeroU16::new(16).expect("not zero"),
            nodes_expected: NonZeroUsize::new(plan.founders.len()).expect("there are machines"),
            lost_after: None,
            ..CoordinatorSettings::default()
        },
        ..BackgroundSettings::default()
    }
}
