//! What a node does in the background: repairs, moves, collection, compaction, scrubbing.

use crate::access::Access;
use crate::forming::Settled;
use crate::open::World;
use crate::settings::Settings;
use esker_cluster::background::{Background, BackgroundComponents, BackgroundSettings, CoordinatorSettings};
use esker_cluster::{Damage, DamageSink, ReplicatedStore, StorageNodes};
use esker_metadata::{Reconciler, ReconcilerSettings};
use esker_storage::SegmentStore;
use esker_types::{BlobId, GroupId, NodeId, NodeRole};
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The Raft groups that own data.
pub(crate) fn groups() -> Vec<GroupId> {
    vec![GroupId::DIRECTORY]
}

/// What the background work is done with.
pub(crate) struct Parts<'a> {
    pub(crate) node: NodeId,
    pub(crate) access: &'a Access,
    pub(crate) nodes: Arc<StorageNodes>,
    /// None without the storage role.
    pub(crate) storage: Option<Arc<SegmentStore>>,
    pub(crate) blobs: Arc<ReplicatedStore>,
    pub(crate) sink: DamageSink,
    pub(crate) damage: mpsc::Receiver<Damage>,
}

/// The background work of a node.
pub(crate) struct Upkeep {
    pub(crate) background: Arc<Background>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Upkeep {
    pub(crate) fn start(parts: Parts<'_>, settings: &Settings, settled: &Settled, world: &World) -> Upkeep {
        let Parts { node, access, nodes, storage, blobs, sink, damage } = parts;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let reconciler = Reconciler::new(
            access.metadata.clone(),
            blobs,
            access.clock.clone(),
            world.random.clone(),
            ReconcilerSettings {
                groups: groups(),
                interval: settings.upkeep_interval,
                garbage_grace: settings.garbage_grace,
            },
        );
        let token = stop.clone();
        tasks.spawn(async move { reconciler.run(token).await });
        if let Some(storage) = storage {
            let token = stop.clone();
            tasks.spawn(async move {
                let report = |blobs: &[BlobId]| {
                    tracing::error!(?blobs, "found blobs that do not verify");
                    blobs.iter().for_each(|blob| sink.report(Damage { node, blob: *blob }));
                };
                storage.run_maintenance(&token, report).await;
            });
        }
        tasks.close();
        let components = BackgroundComponents {
            metadata: access.metadata.clone(),
            views: access.views.clone(),
            nodes,
            seats: Arc::new(access.seats()),
            clock: access.clock.clone(),
            random: world.random.clone(),
            damage,
        };
        let background = Background::start(components, chosen(settings, settled), &stop);
        Upkeep { background: Arc::new(background), tasks, stop }
    }

    /// Stops all of it, and waits.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
        self.background.stopped().await;
    }
}

fn chosen(settings: &Settings, settled: &Settled) -> BackgroundSettings {
    let cluster = &settings.cluster;
    let expected = match &settled.begins {
        Some(members) if cluster.roles.has(NodeRole::Storage) => NonZeroUsize::new(members.len()),
        // Those that form the cluster keep no data: storage nodes come by themselves.
        Some(_) => Some(NonZeroUsize::from(cluster.agreed.replicas)),
        None => None,
    };
    let coordinator = CoordinatorSettings {
        nodes_expected: expected.unwrap_or(NonZeroUsize::MIN),
        lost_after: cluster.lost_after,
        ..CoordinatorSettings::default()
    };
    BackgroundSettings {
        groups: groups(),
        move_bytes_per_second: NonZeroU64::new(cluster.move_bytes_per_second).unwrap_or(NonZeroU64::MIN),
        orphan_age: settings.orphan_age,
        coordinator,
        ..BackgroundSettings::default()
    }
}
