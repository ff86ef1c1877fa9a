//! Three nodes in one process, connected by real gRPC over the loopback.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use esker_env::{Random, SimDisk, SystemClock};
use esker_kv::{MemoryEngine, Tombstones};
use esker_types::NodeId;
use futures::future::join_all;
use tempfile::TempDir;

use crate::tests::forgetful::ForgetfulEngine;
use crate::tests::support::{Client, GROUP, PATIENCE, on_disk, open_wal, with_peers};
use crate::{Components, MetadataNode, Peer, Settings};

fn position(node: NodeId) -> usize {
    usize::try_from(node.0).unwrap() - 1
}

/// What a node keeps its log and its rows on.
pub(super) enum Machine {
    /// A directory of the real disk, and the default engine.
    Real(TempDir),
    /// A disk and an engine that can lose power.
    Simulated(SimDisk, Arc<ForgetfulEngine>),
}

impl Machine {
    pub(super) fn real() -> Machine {
        Machine::Real(tempfile::tempdir().unwrap())
    }

    pub(super) fn simulated() -> Machine {
        let engine = ForgetfulEngine::new(Arc::new(MemoryEngine::new(Tombstones::Dropped)));
        Machine::Simulated(SimDisk::new(), Arc::new(engine))
    }

    fn components(&self) -> Components {
        match self {
            Machine::Real(dir) => on_disk(dir.path()),
            Machine::Simulated(disk, engine) => Components {
                wal: open_wal(disk.clone(), Path::new("/wal")),
                engine: engine.clone(),
                clock: Arc::new(SystemClock::new()),
            },
        }
    }

    /// What is left of it if the power fails now.
    fn power_cut(&self, random: &dyn Random) -> Machine {
        match self {
            Machine::Real(_) => panic!("a real machine can't be cut off"),
            Machine::Simulated(disk, engine) => {
                let engine = ForgetfulEngine::new(engine.as_of_last_sync());
                Machine::Simulated(disk.power_cut(random), Arc::new(engine))
            }
        }
    }
}

/// Nodes 1 to 3, each with a machine and an address of its own.
pub(super) struct Cluster {
    machines: Vec<Machine>,
    pub(super) addresses: Vec<SocketAddr>,
    nodes: Vec<Option<MetadataNode>>,
    adjust: fn(&mut Settings),
}

impl Cluster {
    /// Three empty nodes on real disks that form a group.
    pub(super) async fn form(adjust: fn(&mut Settings)) -> Cluster {
        Cluster::form_on(Machine::real, adjust).await
    }

    /// Three empty nodes that form a group.
    pub(super) async fn form_on(machine: fn() -> Machine, adjust: fn(&mut Settings)) -> Cluster {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let machines = (0..3).map(|_| machine()).collect();
        let mut cluster =
            Cluster { machines, addresses: vec![any; 3], nodes: vec![None, None, None], adjust };
        for at in 0..3 {
            cluster.start(at).await;
            cluster.addresses[at] = cluster.node(at).local_address().unwrap();
        }
        let voters: BTreeMap<NodeId, Peer> = (0..3u64)
            .zip(&cluster.addresses)
            .map(|(at, address)| (NodeId(at + 1), Peer { address: address.to_string() }))
            .collect();
        cluster.client(0).0.initialize(GROUP, voters).await.unwrap();
        cluster.leader().await;
        cluster
    }

    fn node(&self, at: usize) -> &MetadataNode {
        self.nodes[at].as_ref().expect("the node runs")
    }

    pub(super) fn client(&self, at: usize) -> Client {
        Client::of(self.node(at))
    }

    pub(super) async fn start(&mut self, at: usize) {
        let mut settings = with_peers(at as u64 + 1, self.addresses[at]);
        (self.adjust)(&mut settings);
        let components = self.machines[at].components();
        self.nodes[at] = Some(MetadataNode::start(components, settings).await.unwrap());
    }

    pub(super) async fn kill(&mut self, at: usize) {
        self.nodes[at].take().expect("the node runs").kill().await;
    }

    /// Cuts the power of all nodes, and starts them again with what that left.
    pub(super) async fn power_cut(&mut self, random: &dyn Random) {
        let left = self.machines.iter().map(|machine| machine.power_cut(random)).collect();
        for at in self.running() {
            self.kill(at).await;
        }
        self.machines = left;
        for at in 0..3 {
            self.start(at).await;
        }
    }

    pub(super) fn running(&self) -> Vec<usize> {
        (0..3).filter(|at| self.nodes[*at].is_some()).collect()
    }

    /// The position of the node that all running nodes follow.
    pub(super) async fn leader(&self) -> usize {
        let running = self.running();
        let mut led_by = None;
        for &at in &running {
            let client = self.client(at);
            let led = client.0.wait_for(GROUP, |status| {
                let leader = status.leader.map(position);
                leader.is_some_and(|leader| running.contains(&leader))
            });
            let status = tokio::time::timeout(PATIENCE, led).await.expect("a leader is elected").unwrap();
            led_by = status.leader;
        }
        position(led_by.unwrap())
    }

    pub(super) async fn follower(&self) -> usize {
        let leader = self.leader().await;
        self.running().into_iter().find(|at| *at != leader).unwrap()
    }

    /// Waits until all running nodes have applied the same entries, and checks that they have the same rows.
    pub(super) async fn assert_equal_states(&self) {
        let clients: Vec<Client> = self.running().into_iter().map(|at| self.client(at)).collect();
        let newest = clients.iter().map(Client::applied).max().unwrap();
        join_all(clients.iter().map(|client| client.wait_applied(newest))).await;
        let states = join_all(clients.iter().map(|client| client.0.state_hash(GROUP))).await;
        let states: Vec<_> = states.into_iter().map(Result::unwrap).collect();
        assert!(states.windows(2).all(|pair| pair[0] == pair[1]), "{states:?}");
    }

    pub(super) async fn shutdown(mut self) {
        for node in &mut self.nodes {
            if let Some(node) = node.take() {
                node.shutdown().await.unwrap();
            }
        }
    }
}
