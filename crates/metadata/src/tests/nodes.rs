//! Several nodes in one process, connected by real gRPC over the loopback.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use esker_env::{Random, SimDisk};
use esker_index::command::CommandBody;
use esker_kv::{MemoryEngine, Tombstones};
use esker_types::{NodeId, NodeInfo, NodeRoles, NodeState};
use futures::future::join_all;
use tempfile::TempDir;

use crate::tests::cuts::Cuts;
use crate::tests::forgetful::ForgetfulEngine;
use crate::tests::support::{
    CLUSTER, Client, GROUP, PATIENCE, Place, WrongClock, on_disk, open_wal, plane, with_peers,
};
use crate::{Components, Formation, MetadataNode, Peer, Settings};

pub(super) fn position(node: NodeId) -> usize {
    usize::try_from(node.0).unwrap() - 1
}

pub(super) fn node_id(at: usize) -> NodeId {
    NodeId(at as u64 + 1)
}

/// An address that no other node of this process has, with a port that is chosen when the node listens. A node that comes
/// back needs the same port: nobody's outgoing connection, which are all of 127.0.0.1, may have got it meanwhile.
fn own_address() -> SocketAddr {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let host = TAKEN.fetch_add(1, Ordering::Relaxed) + 2;
    let own =
        if cfg!(target_os = "linux") { Ipv4Addr::from_bits(0x7f00_0000 | host) } else { Ipv4Addr::LOCALHOST };
    SocketAddr::from((own, 0))
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
                clock: WrongClock::new(),
                peers: None,
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

/// Nodes 1 and up, each with a machine, a clock and an address of its own.
pub(super) struct Cluster {
    machines: Vec<Machine>,
    pub(super) clocks: Vec<Arc<WrongClock>>,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) cuts: Cuts,
    nodes: Vec<Option<(MetadataNode, Place)>>,
    machine: fn() -> Machine,
    adjust: fn(&mut Settings),
}

impl Cluster {
    /// Three empty nodes on real disks that form a group.
    pub(super) async fn form(adjust: fn(&mut Settings)) -> Cluster {
        Cluster::form_on(Machine::real, adjust).await
    }

    /// Three empty nodes that form a group.
    pub(super) async fn form_on(machine: fn() -> Machine, adjust: fn(&mut Settings)) -> Cluster {
        let mut cluster = Cluster::empty(machine, adjust);
        for _ in 0..3 {
            cluster.add(Formation::Wait).await;
        }
        let voters: BTreeMap<NodeId, Peer> = (0..3u64)
            .zip(&cluster.addresses)
            .map(|(at, address)| (NodeId(at + 1), Peer { address: address.to_string() }))
            .collect();
        cluster.client(0).0.initialize(GROUP, voters).await.unwrap();
        cluster.leader().await;
        cluster
    }

    /// One node that forms a group alone, and is registered.
    pub(super) async fn alone(adjust: fn(&mut Settings)) -> Cluster {
        let mut cluster = Cluster::empty(Machine::real, adjust);
        cluster.add(Formation::Alone).await;
        cluster.register(0).await;
        cluster
    }

    fn empty(machine: fn() -> Machine, adjust: fn(&mut Settings)) -> Cluster {
        Cluster {
            machines: Vec::new(),
            clocks: Vec::new(),
            addresses: Vec::new(),
            cuts: Cuts::default(),
            nodes: Vec::new(),
            machine,
            adjust,
        }
    }

    /// Starts one more node, which is empty.
    async fn add(&mut self, formation: Formation) -> usize {
        self.add_at(own_address(), formation).await
    }

    async fn add_at(&mut self, address: SocketAddr, formation: Formation) -> usize {
        let at = self.nodes.len();
        self.machines.push((self.machine)());
        self.clocks.push(WrongClock::new());
        self.addresses.push(address);
        self.nodes.push(None);
        self.start_as(at, formation).await;
        at
    }

    /// Starts one more node that waits for a leader to add it, and registers it.
    pub(super) async fn join(&mut self) -> usize {
        let at = self.add(Formation::Wait).await;
        self.register(at).await;
        at
    }

    /// Starts an empty node at an address that another one had.
    pub(super) async fn join_at(&mut self, address: SocketAddr) -> usize {
        let at = self.add_at(address, Formation::Wait).await;
        self.register(at).await;
        at
    }

    pub(super) async fn register(&self, at: usize) {
        let info = NodeInfo {
            address: self.addresses[at].to_string(),
            roles: NodeRoles::ALL,
            zone: String::new(),
            host: format!("host-{at}"),
            weight: 1,
        };
        let through = self.client(self.running().into_iter().find(|other| *other != at).unwrap_or(at));
        through.done(CommandBody::RegisterNode { node: node_id(at), info }).await;
    }

    pub(super) async fn set_state(&self, at: usize, state: NodeState) {
        let through = self.client(self.running().into_iter().find(|other| *other != at).unwrap_or(at));
        through.done(CommandBody::SetNodeState { node: node_id(at), state }).await;
    }

    /// Waits until the members of the group are as wanted, by the positions of its voters and learners, as each of
    /// these sees it.
    pub(super) async fn wait_members(&self, voters: &[usize], learners: &[usize]) {
        let ids = |at: &[usize]| at.iter().copied().map(node_id).collect::<Vec<_>>();
        let (voters_wanted, learners_wanted) = (ids(voters), ids(learners));
        for at in voters.iter().chain(learners).copied().filter(|at| self.nodes[*at].is_some()) {
            let client = self.client(at);
            let reached = client.0.wait_for(GROUP, |status| {
                status.voters == voters_wanted
                    && status.learners == learners_wanted
                    && status.leader.is_some()
            });
            let reached = tokio::time::timeout(PATIENCE, reached).await;
            assert!(reached.is_ok(), "node at {at}: {:?}", client.0.status(GROUP));
        }
    }

    fn node(&self, at: usize) -> &MetadataNode {
        &self.nodes[at].as_ref().expect("the node runs").0
    }

    pub(super) fn client(&self, at: usize) -> Client {
        Client::of(self.node(at))
    }

    pub(super) fn disk(&self, at: usize) -> &SimDisk {
        match &self.machines[at] {
            Machine::Simulated(disk, _) => disk,
            Machine::Real(_) => panic!("the disk is a real one"),
        }
    }

    pub(super) async fn start(&mut self, at: usize) {
        self.start_as(at, Formation::Wait).await;
    }

    async fn start_as(&mut self, at: usize, formation: Formation) {
        let id = node_id(at);
        let (place, peers) = plane(CLUSTER, id.0, self.addresses[at], self.cuts.of(id)).await;
        self.addresses[at] = place.address;
        self.cuts.locate(id, place.address);
        let mut settings = Settings { formation, ..with_peers(id.0, place.address) };
        (self.adjust)(&mut settings);
        let components = Components {
            peers: Some(peers),
            clock: self.clocks[at].clone(),
            ..self.machines[at].components()
        };
        self.nodes[at] = Some((MetadataNode::start(components, settings).await.unwrap(), place));
    }

    pub(super) async fn kill(&mut self, at: usize) {
        let (node, _place) = self.nodes[at].take().expect("the node runs");
        node.kill().await;
    }

    /// Starts a node that was killed at another address, which nobody is told.
    pub(super) async fn start_elsewhere(&mut self, at: usize) {
        self.addresses[at] = own_address();
        self.start(at).await;
    }

    /// Cuts the power of all nodes, and starts them again with what that left.
    pub(super) async fn power_cut(&mut self, random: &dyn Random) {
        let left = self.machines.iter().map(|machine| machine.power_cut(random)).collect();
        for at in self.running() {
            self.kill(at).await;
        }
        self.machines = left;
        for at in 0..self.machines.len() {
            self.start(at).await;
        }
    }

    pub(super) fn running(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|at| self.nodes[*at].is_some()).collect()
    }

    /// The position of the node that all running nodes follow.
    pub(super) async fn leader(&self) -> usize {
        self.leader_of(&self.running()).await
    }

    /// The position of the node among these that all of them follow.
    pub(super) async fn leader_of(&self, nodes: &[usize]) -> usize {
        let mut led_by = None;
        for &at in nodes {
            let client = self.client(at);
            let led = client.0.wait_for(GROUP, |status| {
                let leader = status.leader.map(position);
                leader.is_some_and(|leader| nodes.contains(&leader))
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
        let settled = async {
            loop {
                let newest = clients.iter().map(Client::applied).max().unwrap();
                join_all(clients.iter().map(|client| client.wait_applied(newest))).await;
                let states = join_all(clients.iter().map(|client| client.0.state_hash(GROUP))).await;
                let states: Vec<_> = states.into_iter().map(Result::unwrap).collect();
                // An entry that nobody waits for, such as a membership, may be on its way.
                if states.windows(2).all(|pair| pair[0].0 == pair[1].0) {
                    return states;
                }
            }
        };
        let states = tokio::time::timeout(PATIENCE, settled).await.expect("the nodes settle");
        assert!(states.windows(2).all(|pair| pair[0] == pair[1]), "{states:?}");
    }

    pub(super) async fn shutdown(mut self) {
        for node in &mut self.nodes {
            if let Some((node, _place)) = node.take() {
                node.shutdown().await.unwrap();
            }
        }
    }
}
