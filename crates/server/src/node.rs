//! A node: its roles, started from the bottom up and stopped from the top down.

use crate::access::Access;
use crate::control::{Member, Proposals, Report, Sources, node_info};
use crate::forming::Settled;
use crate::link::Others;
use crate::metadata;
use crate::newcomer::Newcomer;
use crate::open::{self, Opened, World};
use crate::register::Registrar;
use crate::settings::Settings;
use crate::start_error::StartError;
use crate::stop::{Ends, Given};
use crate::upkeep::{self, Upkeep};
use esker_cluster::background::Background;
use esker_cluster::{DamageSink, HealthOptions, OwnStorage, ReplicatedStore, StorageNodes, StoreOptions};
use esker_index::command::CommandBody;
use esker_kv::Engine;
use esker_metadata::{MetadataHandle, MetadataNode};
use esker_storage::{DataDirError, IndexStart, SegmentStore, Standing};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Reports of damaged replicas that may wait.
const DAMAGE_ROOM: usize = 1024;
/// Between two attempts to write down what a new cluster agrees on.
const PAUSE: Duration = Duration::from_millis(300);

/// A running node, but for its gateway.
pub(crate) struct Node {
    newcomer: Newcomer,
    engine: Option<Arc<dyn Engine>>,
    metadata: Option<MetadataNode>,
    access: Access,
    pub(crate) storage: Option<Arc<SegmentStore>>,
    pub(crate) blobs: Arc<ReplicatedStore>,
    upkeep: Upkeep,
    gone: watch::Receiver<Option<Given>>,
}

impl Node {
    /// Starts the roles of a node that belongs to a cluster.
    pub(crate) async fn start(
        mut newcomer: Newcomer,
        settled: &Settled,
        settings: &Settings,
        world: &World,
        index: IndexStart,
    ) -> Result<Node, StartError> {
        let opened = {
            let (settings, world, dir) = (settings.clone(), world.clone(), newcomer.dir.clone());
            tokio::task::spawn_blocking(move || open::roles(&settings, index, &world, &dir)).await??
        };
        let Opened { engine, wal, storage } = opened;
        let incoming = newcomer.services.as_mut().and_then(|services| services.raft.take());
        let metadata = match (wal, &engine) {
            (Some(wal), Some(engine)) => {
                let (engine, network) = (engine.clone(), newcomer.network.clone());
                let parts = metadata::Parts { wal, engine, network, incoming };
                Some(metadata::start(settings, world, &newcomer.dir, settled, parts).await?)
            }
            _ => None,
        };
        let mut access = Access::start(&newcomer, settled, metadata.as_ref(), world);
        if let Some(storage) = &storage {
            newcomer.storage.open(storage.clone());
        }
        let registrar = Arc::new(registrar(&newcomer, settled, settings, world, &access)?);
        take_in(&newcomer, settled, settings, &registrar).await?;
        let (given, gone) = watch::channel(None);
        access.go_on(follow(registrar.clone(), given));

        let node = newcomer.dir.node();
        let own = storage.clone().map(|storage| OwnStorage { node, storage });
        let dial = Arc::new(Others(newcomer.network.clone()));
        let nodes = Arc::new(StorageNodes::new(own, dial, HealthOptions::default()));
        let (sink, damage) = DamageSink::channel(DAMAGE_ROOM);
        let options = StoreOptions::default();
        let blobs =
            Arc::new(ReplicatedStore::new(access.views.clone(), nodes.clone(), sink.clone(), options));
        let parts = upkeep::Parts {
            node,
            access: &access,
            nodes,
            storage: storage.clone(),
            blobs: blobs.clone(),
            sink,
            damage,
        };
        let upkeep = Upkeep::start(parts, settings, settled, world);
        let report = Report::new(Sources {
            cluster: settled.cluster,
            node,
            views: access.views.clone(),
            metadata: access.metadata.clone(),
            replicas: access.replicas.clone(),
            groups: upkeep::groups(),
            background: upkeep.background.clone(),
            clock: access.clock.clone(),
        });
        let proposals = registrar.proposals.clone();
        newcomer.control.become_member(Member { proposals, views: access.views.clone(), report });
        Ok(Node { newcomer, engine, metadata, access, storage, blobs, upkeep, gone })
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// What the node does in the background, and what it hears of other nodes by that.
    pub(crate) fn background(&self) -> Arc<Background> {
        self.upkeep.background.clone()
    }

    /// Whether the cluster knew the node before this start.
    pub(crate) fn origin(&self) -> esker_storage::Origin {
        self.newcomer.dir.origin()
    }

    /// What can end the node from within.
    pub(crate) fn ends(&self) -> Ends {
        let failure = self.access.replicas.as_ref().map(MetadataHandle::failure);
        Ends { failure, gone: self.gone.clone() }
    }

    /// Stops everything that is done in the background. The node still answers other nodes.
    pub(crate) async fn stop_upkeep(&self) {
        self.upkeep.stop().await;
    }

    /// Hands leadership over, leaves the network, and closes what is on disk.
    pub(crate) async fn close(self) -> Result<(), StartError> {
        let Node { newcomer, engine, metadata, access, storage, .. } = self;
        access.stop().await?;
        if let Some(metadata) = metadata {
            metadata.shutdown().await?;
        }
        if let Some(services) = newcomer.services {
            services.stop.cancel();
            services.serving.await?;
        }
        if let Some(storage) = storage {
            storage.close().await?;
        }
        if let Some(engine) = engine {
            tokio::task::spawn_blocking(move || engine.sync()).await??;
        }
        tracing::info!("stopped");
        Ok(())
    }
}

fn registrar(
    newcomer: &Newcomer,
    settled: &Settled,
    settings: &Settings,
    world: &World,
    access: &Access,
) -> Result<Registrar, StartError> {
    let space = world.disk.space(newcomer.dir.path()).map_err(DataDirError::Disk)?;
    Ok(Registrar {
        cluster: settled.cluster,
        node: newcomer.dir.node(),
        info: node_info(&settings.cluster, space.total_bytes),
        proposals: Proposals {
            metadata: access.metadata.clone(),
            clock: access.clock.clone(),
            random: world.random.clone(),
        },
        views: access.views.clone(),
        peers: Arc::new(Others(newcomer.network.clone())),
        known: newcomer.known.clone(),
        replicas: access.replicas.clone(),
    })
}

/// Waits until the cluster knows the node, if it does not yet; a member need not wait for the others.
async fn take_in(
    newcomer: &Newcomer,
    settled: &Settled,
    settings: &Settings,
    registrar: &Registrar,
) -> Result<(), StartError> {
    let alone = settings.cluster.endpoint.is_none();
    let member = matches!(newcomer.dir.standing(), Standing::Member(_));
    if member && !alone {
        return Ok(());
    }
    if settled.begins.is_some() {
        let agreed = CommandBody::SetClusterSettings { settings: settings.cluster.agreed };
        while let Err(error) = registrar.proposals.propose(agreed.clone()).await {
            tracing::info!(%error, "waiting for the cluster's first group");
            tokio::time::sleep(PAUSE).await;
        }
    }
    registrar.register().await?;
    newcomer.founding.mark_member().await.map_err(crate::forming::SettleError::from)?;
    Ok(())
}

/// Tells the cluster what changed about the node, and the node when the cluster has given it up.
async fn follow(registrar: Arc<Registrar>, given: watch::Sender<Option<Given>>) {
    let end = match registrar.register().await {
        Ok(()) => registrar.watch().await,
        Err(StartError::Gone(state)) => Given::Up(state),
        Err(error) => Given::Refusal(error.to_string()),
    };
    given.send_replace(Some(end));
    // Whoever holds the other end has the last word.
    given.closed().await;
}
