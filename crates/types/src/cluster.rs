//! What a cluster knows of its nodes.

use std::num::NonZeroU8;

/// What a node does for the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeRole {
    /// Speaks S3.
    Gateway,
    /// Has replicas of the version index.
    Metadata,
    /// Keeps data.
    Storage,
}

/// A set of roles, not empty.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeRoles(u8);

impl NodeRoles {
    /// Every role, the default of a node.
    pub const ALL: NodeRoles = NodeRoles(0b111);

    /// A set of roles; none if there is no role in it.
    pub fn new(roles: impl IntoIterator<Item = NodeRole>) -> Option<NodeRoles> {
        let bits = roles.into_iter().fold(0, |bits, role| bits | 1 << role as u8);
        (bits != 0).then_some(NodeRoles(bits))
    }

    /// Whether a role is among them.
    pub fn has(self, role: NodeRole) -> bool {
        self.0 & (1 << role as u8) != 0
    }

    /// The roles, in order.
    pub fn iter(self) -> impl Iterator<Item = NodeRole> {
        [NodeRole::Gateway, NodeRole::Metadata, NodeRole::Storage]
            .into_iter()
            .filter(move |role| self.has(*role))
    }

    /// One bit for each role, as it is stored.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// What [`bits`](Self::bits) gave.
    pub fn from_bits(bits: u8) -> Option<NodeRoles> {
        (bits != 0 && bits & !NodeRoles::ALL.0 == 0).then_some(NodeRoles(bits))
    }
}

impl std::fmt::Debug for NodeRoles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// What a node tells the cluster when it joins, and again when it starts with other settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// Where other nodes reach it: `host:port`. Empty for a node that has no peers.
    pub address: String,
    /// What it does.
    pub roles: NodeRoles,
    /// Its data centre, room or rack; empty if the operator names none.
    pub zone: String,
    /// Its machine; nodes of one machine share its fate.
    pub host: String,
    /// Its share of the data, relative to the other nodes'; at least 1. By convention its capacity in GiB.
    pub weight: u32,
}

/// A node's standing in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeState {
    /// It takes part.
    Active,
    /// Its data and votes are being moved to other nodes; it takes part until they are.
    Draining,
    /// It is gone for good, with its data: nobody waits for it, and what it held is rebuilt elsewhere. Final, but
    /// for `Removed`.
    Lost,
    /// It is no part of the cluster any more, and nothing refers to it. Final: its id never comes back.
    Removed,
}

/// Settings that all nodes must agree about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterSettings {
    /// Replicas of each blob, as far as there are storage nodes.
    pub replicas: NonZeroU8,
    /// Voters of each Raft group, as far as there are metadata nodes; odd.
    pub voters: NonZeroU8,
}

impl Default for ClusterSettings {
    /// Three of each.
    fn default() -> ClusterSettings {
        let three = NonZeroU8::MIN.saturating_add(2);
        ClusterSettings { replicas: three, voters: three }
    }
}
