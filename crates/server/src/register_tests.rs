//! A node whose record changes without its doing, over a metadata layer in memory.

use crate::control::Proposals;
use crate::forming::Peers;
use crate::known::KnownNodes;
use crate::register::Registrar;
use crate::stop::Given;
use esker_cluster::{KeeperOptions, ViewHandle, ViewKeeper};
use esker_env::{Clock, Disk, SeededRandom, SimDisk, SystemClock};
use esker_rpc::testing::MemoryMetadata;
use esker_rpc::{Control, Metadata};
use esker_types::{ClusterId, NodeId, NodeInfo, NodeRoles, NodeState};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// No scenario takes this long; one that does fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(30);

/// Nobody can be called: the node proposes for itself.
struct Nobody;

impl Peers for Nobody {
    fn control(&self, _: &str) -> Result<Arc<dyn Control>, String> {
        Err("nobody is there".to_owned())
    }
}

fn info(address: &str) -> NodeInfo {
    NodeInfo {
        address: address.to_owned(),
        roles: NodeRoles::ALL,
        zone: String::new(),
        host: "host".to_owned(),
        weight: 1,
    }
}

struct World {
    proposals: Proposals,
    views: ViewHandle,
    stop: CancellationToken,
}

impl World {
    fn start() -> World {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let metadata: Arc<dyn Metadata> = Arc::new(MemoryMetadata::new(Arc::clone(&clock)));
        let options = KeeperOptions { interval: Duration::from_millis(20), ..KeeperOptions::default() };
        let (keeper, views) = ViewKeeper::new(Arc::clone(&metadata), options);
        let stop = CancellationToken::new();
        tokio::spawn(keeper.run(stop.clone()));
        World {
            proposals: Proposals { metadata, clock, random: Arc::new(SeededRandom::new(7)) },
            views,
            stop,
        }
    }

    fn registrar(&self, node: u64, address: &str) -> Registrar {
        let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
        disk.create_dir_all(Path::new("/d")).expect("a directory");
        let known = KnownNodes::open(disk, Path::new("/d"), Vec::new()).expect("nothing is known");
        Registrar {
            cluster: ClusterId::from_bytes([1; 16]),
            node: NodeId(node),
            info: info(address),
            proposals: self.proposals.clone(),
            views: self.views.clone(),
            peers: Arc::new(Nobody),
            known: Arc::new(known),
            replicas: None,
        }
    }

    /// Waits until a node's address is this one.
    async fn located(&self, node: u64, address: &str) {
        let mut views = self.views.subscribe();
        let there = |view: &Option<Arc<esker_cluster::ClusterView>>| {
            let record = view.as_ref().and_then(|view| view.node(NodeId(node)));
            record.is_some_and(|record| record.info.address == address)
        };
        let found = tokio::time::timeout(PATIENCE, views.wait_for(there)).await;
        found.expect("the address is known in time").expect("the keeper runs");
    }
}

#[tokio::test]
async fn a_node_whose_address_was_given_to_another_one_registers_again_while_it_runs() {
    let world = World::start();
    let registrar = Arc::new(world.registrar(1, "a:1"));
    registrar.register().await.expect("it registers");
    world.proposals.register(NodeId(2), info("b:1")).await.expect("another one does");
    let watching = Arc::clone(&registrar);
    let watch = tokio::spawn(async move { watching.watch().await });
    for _ in 0..3 {
        // It restarts with this node's address, by mistake, and then with its own.
        world.proposals.register(NodeId(2), info("a:1")).await.expect("it is accepted");
        world.located(2, "").await;
        world.located(1, "a:1").await;
        world.proposals.register(NodeId(2), info("b:1")).await.expect("it is accepted");
        world.located(2, "b:1").await;
    }
    world.proposals.set_state(NodeId(1), NodeState::Lost).await.expect("it is given up");
    let end = tokio::time::timeout(PATIENCE, watch).await.expect("it notices").expect("no panic");
    assert!(matches!(end, Given::Up(NodeState::Lost)), "{end:?}");
    world.stop.cancel();
}
