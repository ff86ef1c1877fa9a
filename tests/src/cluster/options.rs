//! How a cluster is to be.

use super::{Network, Node};
use crate::server::{ACCESS_KEY, SECRET_KEY};
use std::path::PathBuf;

/// The secret of every cluster that a test starts, unless the test says otherwise.
const TEST_SECRET: &str = "a secret that only the tests' nodes know";

/// How to start a cluster.
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) nodes: usize,
    pub(super) network: Network,
    pub(super) data: Option<PathBuf>,
    pub(super) secret: String,
    zones: Vec<String>,
    args: Vec<String>,
    env: Vec<(String, String)>,
}

impl Options {
    /// A cluster of this many nodes, on loopback addresses, in a directory that goes with it.
    pub fn nodes(nodes: usize) -> Options {
        let (zones, args, env) = (Vec::new(), Vec::new(), Vec::new());
        Options {
            nodes,
            network: Network::Loopback,
            data: None,
            secret: TEST_SECRET.to_owned(),
            zones,
            args,
            env,
        }
    }

    /// Each node gets a network namespace, so that it can be cut off. Needs root; see [`missing`](super::missing).
    pub fn namespaces(self) -> Options {
        Options { network: Network::Namespaces, ..self }
    }

    /// On the addresses 127.0.0.1, 127.0.0.2, …: one such cluster at a time.
    pub fn fixed_addresses(self) -> Options {
        Options { network: Network::Fixed, ..self }
    }

    /// Keeps the nodes' directories in `data`, which outlives the cluster.
    pub fn data(self, data: PathBuf) -> Options {
        Options { data: Some(data), ..self }
    }

    /// The nodes' zones, in turn.
    pub fn zones(self, zones: &[&str]) -> Options {
        Options { zones: zones.iter().map(|zone| (*zone).to_owned()).collect(), ..self }
    }

    /// What the nodes show one another.
    pub fn secret(self, secret: &str) -> Options {
        Options { secret: secret.to_owned(), ..self }
    }

    /// Adds arguments of every node's `esker server`.
    pub fn args(mut self, args: &[&str]) -> Options {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// Adds an environment variable of every node.
    pub fn env(mut self, name: &str, value: &str) -> Options {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Tells a node what it needs to know.
    pub(super) fn apply(&self, index: usize, node: &mut Node) {
        let keys = [("ESKER_ROOT_ACCESS_KEY", ACCESS_KEY), ("ESKER_ROOT_SECRET_KEY", SECRET_KEY)];
        keys.iter().for_each(|(name, value)| node.set_env(name, value));
        node.set_env(super::SECRET, &self.secret);
        self.env.iter().for_each(|(name, value)| node.set_env(name, value));
        // All nodes are on one machine, and yet are to fail one by one.
        node.add_args(&[
            "--host".to_owned(),
            node.name().to_owned(),
            "--weight".to_owned(),
            "100".to_owned(),
        ]);
        if !self.zones.is_empty() {
            node.add_args(&["--zone".to_owned(), self.zones[index % self.zones.len()].clone()]);
        }
        node.add_args(&self.args);
    }
}
