//! Where the nodes of a cluster live: each has an address of its own, so that all use the same ports.

use super::loopback::Loopback;
use super::namespaces::Namespaces;
use std::net::Ipv4Addr;

/// The kind of network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Addresses 127.x.y.1, 127.x.y.2, … that no other cluster of this fixture has.
    Loopback,
    /// Addresses 127.0.0.1, 127.0.0.2, …
    Fixed,
    /// A network namespace for each node; partitions are possible.
    Namespaces,
}

/// A network that was claimed for one cluster.
pub(super) enum Place {
    Loopback(Loopback),
    Namespaces(Namespaces),
}

impl Place {
    /// A network that nobody else uses. The error tells what this machine lacks.
    pub(super) fn claim(network: Network) -> Result<Place, String> {
        match network {
            Network::Loopback => Loopback::claim().map(Place::Loopback),
            Network::Fixed => Ok(Place::Loopback(Loopback::fixed())),
            Network::Namespaces => Namespaces::claim().map(Place::Namespaces),
        }
    }

    /// Makes room for a node.
    pub(super) fn add(&mut self, index: usize) -> Result<(), String> {
        match self {
            Place::Loopback(_) => Ok(()),
            Place::Namespaces(namespaces) => namespaces.add(index),
        }
    }

    /// The address of a node.
    pub(super) fn ip(&self, index: usize) -> Ipv4Addr {
        match self {
            Place::Loopback(loopback) => loopback.ip(index),
            Place::Namespaces(namespaces) => namespaces.ip(index),
        }
    }

    /// The network namespace of a node, if it has one of its own.
    pub(super) fn namespace(&self, index: usize) -> Option<String> {
        match self {
            Place::Loopback(_) => None,
            Place::Namespaces(namespaces) => Some(namespaces.name(index)),
        }
    }

    pub(super) fn cut(&self, from: usize, to: usize) {
        self.namespaces().cut(from, to);
    }

    pub(super) fn heal(&self, index: usize) {
        self.namespaces().heal(index);
    }

    fn namespaces(&self) -> &Namespaces {
        match self {
            Place::Namespaces(namespaces) => namespaces,
            Place::Loopback(_) => panic!("only nodes in namespaces can be parted (Options::namespaces)"),
        }
    }
}
