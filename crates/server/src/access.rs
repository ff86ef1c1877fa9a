//! A node's way to the metadata layer: its own replicas, or those of other nodes.

use crate::directory::Directory;
use crate::forming::Settled;
use crate::link::Others;
use crate::metadata;
use crate::newcomer::Newcomer;
use crate::open::World;
use crate::upkeep::groups;
use esker_cluster::background::Seats;
use esker_cluster::{KeeperOptions, ViewHandle, ViewKeeper};
use esker_env::Clock;
use esker_metadata::{MetadataHandle, MetadataNode};
use esker_rpc::Metadata;
use esker_rpc::grpc::RemoteMetadata;
use esker_types::NodeId;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The metadata layer, here or elsewhere, and the cluster's topology as it tells it.
pub(crate) struct Access {
    pub(crate) metadata: Arc<dyn Metadata>,
    /// This node's own replicas; none without the metadata role.
    pub(crate) replicas: Option<MetadataHandle>,
    /// The cluster's time, as near as it is known here.
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) views: ViewHandle,
    /// What goes on as long as the node does.
    tasks: Vec<JoinHandle<()>>,
    stop: CancellationToken,
}

/// The members of the Raft groups as this node's replicas know them.
pub(crate) struct KnownSeats(Option<MetadataHandle>);

impl Seats for KnownSeats {
    fn names(&self, node: NodeId) -> bool {
        let Some(replicas) = &self.0 else { return true };
        groups().into_iter().any(|group| match replicas.status(group) {
            Ok(status) => status.voters.contains(&node) || status.learners.contains(&node),
            Err(_) => true,
        })
    }
}

impl Access {
    pub(crate) fn start(
        newcomer: &Newcomer,
        settled: &Settled,
        own: Option<&MetadataNode>,
        world: &World,
    ) -> Access {
        match own {
            Some(own) => Access::here(newcomer, own.handle().clone(), world),
            None => Access::elsewhere(newcomer, settled),
        }
    }

    fn here(newcomer: &Newcomer, replicas: MetadataHandle, world: &World) -> Access {
        let (metadata, clock) = (Arc::new(replicas.clone()), replicas.group_clock());
        // Nodes without replicas may ask this one from now on.
        newcomer.clock.open(clock.clone());
        newcomer.metadata.open(metadata.clone());
        let mut access = Access::over(metadata, clock);
        let (dir, disk) = (newcomer.dir.clone(), world.disk.clone());
        access.go_on(metadata::remember_begin(replicas.clone(), dir, disk));
        access.replicas = Some(replicas);
        access
    }

    fn elsewhere(newcomer: &Newcomer, settled: &Settled) -> Access {
        let (members, known) = watch::channel(Vec::new());
        let metadata = Arc::new(RemoteMetadata::new(newcomer.network.clone(), known));
        let clock = metadata.clock();
        let mut access = Access::over(metadata, clock);
        let directory = Directory {
            cluster: settled.cluster,
            node: newcomer.dir.node(),
            peers: Arc::new(Others(newcomer.network.clone())),
            known: newcomer.known.clone(),
            views: access.views.clone(),
            members,
        };
        access.go_on(directory.follow());
        access
    }

    fn over(metadata: Arc<dyn Metadata>, clock: Arc<dyn Clock>) -> Access {
        let stop = CancellationToken::new();
        let (keeper, views) = ViewKeeper::new(metadata.clone(), KeeperOptions::default());
        let tasks = vec![tokio::spawn(keeper.run(stop.clone()))];
        Access { metadata, replicas: None, clock, views, tasks, stop }
    }

    /// The members of the Raft groups.
    pub(crate) fn seats(&self) -> KnownSeats {
        KnownSeats(self.replicas.clone())
    }

    /// Runs a task until the node stops.
    pub(crate) fn go_on(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.push(tokio::spawn(async move {
            stop.run_until_cancelled(task).await;
        }));
    }

    /// Stops what goes on.
    pub(crate) async fn stop(self) -> Result<(), tokio::task::JoinError> {
        self.stop.cancel();
        for task in self.tasks {
            task.await?;
        }
        Ok(())
    }
}
