//! A process before its roles start: it has a data directory and an id, can be asked who it is, and gets its cluster.

use crate::control::NodeControl;
use crate::doors::{LateClock, LateMetadata, LateStorage};
use crate::forming::{Founding, Invitations, Settled, settle};
use crate::known::KnownNodes;
use crate::link::{self, Offers, Others};
use crate::open::{self, World};
use crate::settings::{Beginning, Settings};
use crate::start_error::StartError;
use esker_rpc::transport::{Incoming, Listener, Network};
use esker_storage::DataDir;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const STARTING: &str = "the node is starting";

/// What a process has before it knows its cluster.
pub(crate) struct Newcomer {
    pub(crate) dir: Arc<DataDir>,
    pub(crate) founding: Arc<Founding>,
    pub(crate) known: Arc<KnownNodes>,
    pub(crate) network: Network,
    pub(crate) control: Arc<NodeControl>,
    pub(crate) metadata: Arc<LateMetadata>,
    pub(crate) clock: Arc<LateClock>,
    pub(crate) storage: Arc<LateStorage>,
    pub(crate) services: Option<Services>,
}

/// What serves other nodes.
pub(crate) struct Services {
    /// For the metadata role, which takes it.
    pub(crate) raft: Option<Incoming>,
    pub(crate) serving: JoinHandle<()>,
    pub(crate) stop: CancellationToken,
}

impl Newcomer {
    /// Locks the data directory and lets other nodes ask.
    pub(crate) async fn open(
        settings: &Settings,
        world: &World,
        listener: Option<Listener>,
    ) -> Result<Newcomer, StartError> {
        let (settings, inner) = (settings.clone(), world.clone());
        let opened =
            tokio::task::spawn_blocking(move || on_disk(&settings, &inner).map(|found| (found, settings)));
        let ((dir, founding, known), settings) = opened.await??;
        let endpoint = settings.cluster.endpoint.as_ref();
        let network = link::network(endpoint, dir.node(), world.clock.clone(), &*world.random);
        let others = Arc::new(Others(network.clone()));
        let control = Arc::new(NodeControl::new(founding.clone(), known.clone(), others));
        let metadata = Arc::new(LateMetadata::closed(STARTING));
        let storage = Arc::new(LateStorage::closed(STARTING));
        let clock = Arc::new(LateClock::own(world.clock.clone()));
        let services = listener.map(|listener| {
            let offers = Offers {
                control: control.clone(),
                metadata: metadata.clone(),
                clock: clock.clone(),
                storage: storage.clone(),
            };
            let stop = CancellationToken::new();
            let (raft, serving) = link::offer(listener, &network, offers, &stop);
            Services { raft: Some(raft), serving, stop }
        });
        Ok(Newcomer { dir, founding, known, network, control, metadata, clock, storage, services })
    }

    /// Waits until the node belongs to a cluster.
    pub(crate) async fn settle(&self, settings: &Settings, world: &World) -> Result<Settled, StartError> {
        let others = Others(self.network.clone());
        let beginning = &settings.cluster.beginning;
        let settled = settle(&self.founding, beginning, &others, &*world.random).await?;
        if let Err(other) = self.network.identity().cluster.set(settled.cluster) {
            unreachable!("the process belongs to {other}, and nobody else sets its cluster");
        }
        Ok(settled)
    }
}

type Found = (Arc<DataDir>, Arc<Founding>, Arc<KnownNodes>);

fn on_disk(settings: &Settings, world: &World) -> Result<Found, StartError> {
    let dir = open::data_dir(settings, world)?;
    let cluster = &settings.cluster;
    let address = cluster.endpoint.as_ref().map(|endpoint| endpoint.address.clone()).unwrap_or_default();
    let (peers, invitations) = match &cluster.beginning {
        Beginning::Peers(peers) => (peers.clone(), Invitations::Declined),
        Beginning::AwaitJoin => (Vec::new(), Invitations::Awaited),
        Beginning::Alone | Beginning::Join(_) => (Vec::new(), Invitations::Declined),
    };
    let founding = Founding::open(world.disk.clone(), dir.clone(), address, peers, invitations)?;
    let known = KnownNodes::open(world.disk.clone(), dir.path(), cluster.seeds())?;
    Ok((dir, Arc::new(founding), Arc::new(known)))
}
