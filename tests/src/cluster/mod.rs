//! A cluster on this machine: real processes of the real binary, each with a directory and an address of its own.
//!
//! Tests start, stop, kill, pause, wipe and cut off its nodes; `cargo xtask cluster` keeps one running for developers.

mod loopback;
mod namespaces;
mod network;
mod node;
mod options;
mod status;

pub use namespaces::missing;
pub use network::Network;
pub use node::{Node, Reach};
pub use options::Options;
pub use status::{NodeStatus, Status};

use crate::program::{Finished, run};
use crate::sdk;
use crate::server::{esker, scratch_dir};
use crate::wait::eventually;
use network::Place;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long nodes may take to find one another, elect a leader and place data.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The variable that gives nodes and operators the cluster's secret.
pub const SECRET: &str = "ESKER_CLUSTER_SECRET";

/// A running cluster. Dropping it kills every node and removes what was made for it.
pub struct Cluster {
    /// Dropped before the network that they run in.
    nodes: Vec<Node>,
    options: Options,
    root: PathBuf,
    place: Place,
    _data: Option<TempDir>,
}

impl Cluster {
    /// Starts a cluster of this many nodes, and awaits that it is whole.
    pub fn of(nodes: usize) -> Cluster {
        Cluster::start(Options::nodes(nodes))
    }

    /// Starts a cluster, and awaits that it is whole.
    #[track_caller]
    pub fn start(options: Options) -> Cluster {
        let cluster = Cluster::launch(options).unwrap_or_else(|why| panic!("{why}"));
        cluster.await_healthy();
        cluster
    }

    /// Starts the processes of a cluster, and awaits nothing. The error tells what this machine lacks.
    pub fn launch(options: Options) -> Result<Cluster, String> {
        let place = Place::claim(options.network)?;
        let (root, data) = match &options.data {
            Some(root) => (root.clone(), None),
            None => {
                let data = scratch_dir();
                (data.path().to_owned(), Some(data))
            }
        };
        let mut cluster = Cluster { nodes: Vec::new(), options, root, place, _data: data };
        let peers: Vec<String> = (0..cluster.options.nodes).map(|index| cluster.address(index)).collect();
        let peers = peers.join(",");
        for _ in 0..cluster.options.nodes {
            let node = cluster.prepare(&["--peers", &peers])?;
            cluster.nodes.push(node);
        }
        cluster.nodes.iter_mut().for_each(Node::start);
        Ok(cluster)
    }

    /// Starts a node that knows of no others, and awaits that it serves.
    #[track_caller]
    pub fn alone() -> Cluster {
        let mut cluster = Cluster::launch(Options::nodes(0)).unwrap_or_else(|why| panic!("{why}"));
        let mut node = cluster.prepare(&[]).unwrap_or_else(|why| panic!("{why}"));
        node.set_reach(Reach::ByClients);
        node.start();
        cluster.nodes.push(node);
        cluster.await_ready();
        cluster
    }

    /// The nodes, in the order in which they were added.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// A node.
    pub fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    /// A node, to do something to it.
    pub fn node_mut(&mut self, index: usize) -> &mut Node {
        &mut self.nodes[index]
    }

    /// Starts one more node, which joins; returns its index. Awaits nothing.
    pub fn add(&mut self) -> usize {
        let seeds: Vec<String> = self.nodes.iter().map(Node::cluster_address).collect();
        self.add_with(&["--join", &seeds.join(",")])
    }

    /// Starts one more node with these arguments about where it belongs; returns its index. Awaits nothing.
    pub fn add_with(&mut self, belongs: &[&str]) -> usize {
        let mut node = self.prepare(belongs).unwrap_or_else(|why| panic!("{why}"));
        node.start();
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Like [`add_with`](Self::add_with), but the node has another secret than the cluster.
    pub fn add_with_secret(&mut self, belongs: &[&str], secret: &str) -> usize {
        let mut node = self.prepare(belongs).unwrap_or_else(|why| panic!("{why}"));
        node.set_env(SECRET, secret);
        node.start();
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Starts a node that was wiped with other arguments about where it belongs than those that it was made with.
    pub fn rejoin(&mut self, index: usize) {
        let seeds = self.nodes.iter().enumerate().filter(|(other, _)| *other != index);
        let seeds: Vec<String> = seeds.map(|(_, node)| node.cluster_address()).collect();
        self.nodes[index].set_belongs(&["--join", &seeds.join(",")]);
        self.nodes[index].start();
    }

    fn prepare(&mut self, belongs: &[&str]) -> Result<Node, String> {
        let index = self.nodes.len();
        self.place.add(index)?;
        let mut node = Node::new(&format!("node-{}", index + 1), self.ip(index), &self.root);
        node.set_namespace(self.place.namespace(index));
        node.set_belongs(belongs);
        self.options.apply(index, &mut node);
        Ok(node)
    }

    fn ip(&self, index: usize) -> Ipv4Addr {
        self.place.ip(index)
    }

    fn address(&self, index: usize) -> String {
        Node::cluster_address_of(self.ip(index))
    }

    /// Awaits that every node that runs says that it is ready.
    #[track_caller]
    pub fn await_ready(&self) {
        for node in self.nodes.iter().filter(|node| node.is_running()) {
            node.await_ready(PATIENCE);
        }
    }

    /// Awaits that every node is ready, and that each of them says that nothing needs attention.
    #[track_caller]
    pub fn await_healthy(&self) {
        self.await_healthy_within(PATIENCE);
    }

    /// Like [`await_healthy`](Self::await_healthy), with so much time for all data to get where it belongs.
    #[track_caller]
    pub fn await_healthy_within(&self, patience: Duration) {
        self.await_ready();
        for index in 0..self.nodes.len() {
            self.await_status(index, "a cluster without problems", patience, |status| {
                let lacking: Vec<String> = self
                    .nodes
                    .iter()
                    .map(Node::cluster_address)
                    .filter(|address| status.active(address).is_none())
                    .collect();
                match (status.healthy(), lacking.is_empty()) {
                    (true, true) => Ok(()),
                    (_, false) => Err(format!("{lacking:?} are not active nodes: {status}")),
                    (false, true) => Err(format!("{:?}", status.problems())),
                }
            });
        }
    }

    /// Asks a node for the state of the cluster until `check` has no reason to wait any more.
    #[track_caller]
    pub fn await_status<T>(
        &self,
        index: usize,
        what: &str,
        patience: Duration,
        check: impl Fn(&Status) -> Result<T, String>,
    ) -> T {
        let answer = eventually(what, patience, || {
            self.nodes[index].failed_start()?;
            self.status(index).and_then(|status| check(&status))
        });
        answer.unwrap_or_else(|why| panic!("{}: {why}", self.nodes[index].name()))
    }

    /// The state of the cluster as a node tells it (`esker admin status --json`).
    pub fn status(&self, index: usize) -> Result<Status, String> {
        let told = self.admin(index, &["status", "--json"]);
        if told.code != Some(0) {
            return Err(format!("esker admin status: {:?}: {}", told.code, told.stderr.trim()));
        }
        Status::parse(&told.stdout)
    }

    /// Runs `esker admin ARGS` against a node, with the cluster's secret.
    pub fn admin(&self, index: usize, args: &[&str]) -> Finished {
        self.admin_with_secret(index, args, &self.options.secret)
    }

    /// Runs `esker admin ARGS` against a node, with this secret.
    pub fn admin_with_secret(&self, index: usize, args: &[&str], secret: &str) -> Finished {
        let mut command = esker();
        command.arg("admin").args(args).args(["--endpoint", &self.nodes[index].cluster_address()]);
        run(command.env(SECRET, secret))
    }

    /// Awaits that every node that runs takes a write to a bucket, and shows it.
    pub async fn await_served(&self, bucket: &str) {
        for index in (0..self.nodes.len()).filter(|index| self.nodes[*index].is_running()) {
            self.await_served_by(index, bucket).await;
        }
    }

    /// Awaits that a node takes a write to a bucket, and shows it. A failure is no news while others take over.
    pub async fn await_served_by(&self, index: usize, bucket: &str) {
        let client = sdk::client(&self.nodes[index]);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let key = format!("served by {}", self.nodes[index].name());
            let put = client.put_object().bucket(bucket).key(&key).body(key.clone().into_bytes().into());
            let failure = match put.send().await {
                Ok(_) => return,
                Err(error) => format!("{error:?}"),
            };
            assert!(Instant::now() < deadline, "{} does not serve: {failure}", self.nodes[index].name());
        }
    }

    /// What the nodes show one another.
    pub fn secret(&self) -> &str {
        &self.options.secret
    }

    /// Asks every node that runs to drain and exit, all at once, and awaits them.
    pub fn stop(&mut self) {
        let running = || self.nodes.iter().filter(|node| node.is_running());
        running().for_each(Node::terminate);
        for node in self.nodes.iter_mut().filter(|node| node.is_running()) {
            node.await_exit(PATIENCE);
        }
    }

    /// From now on nothing that node `from` sends reaches node `to`. Needs [`Network::Namespaces`].
    pub fn cut(&self, from: usize, to: usize) {
        self.place.cut(from, to);
    }

    /// Parts two nodes from one another, both ways.
    pub fn part(&self, one: usize, other: usize) {
        self.cut(one, other);
        self.cut(other, one);
    }

    /// Parts a node from all other nodes. Clients and the console still reach it.
    pub fn isolate(&self, index: usize) {
        (0..self.nodes.len()).filter(|other| *other != index).for_each(|other| self.part(index, other));
    }

    /// Ends all partitions.
    pub fn heal(&self) {
        (0..self.nodes.len()).for_each(|index| self.place.heal(index));
    }
}
