//! What a metadata node is given: values, and the parts of the process that it uses.

use std::sync::Arc;
use std::time::Duration;

use esker_env::Clock;
use esker_kv::Engine;
use esker_rpc::transport::{Incoming, Network};
use esker_types::{GroupId, NodeId};
use esker_wal::Wal;
use uuid::Uuid;

/// The parts that a node uses. The node is their only user while it runs, except for the clock and the network.
#[derive(Debug)]
pub struct Components {
    /// The log and the votes of all groups. Its segments must have room for entries of 5 MiB.
    pub wal: Arc<Wal>,
    /// The rows of all groups.
    pub engine: Arc<dyn Engine>,
    /// For proposal times and deadlines. It may be wrong; see [`MetadataHandle::group_clock`].
    ///
    /// [`MetadataHandle::group_clock`]: crate::MetadataHandle::group_clock
    pub clock: Arc<dyn Clock>,
    /// Other nodes; none for a node without peers.
    pub peers: Option<RaftPlane>,
}

/// How metadata nodes reach one another.
#[derive(Debug)]
pub struct RaftPlane {
    /// To other nodes. The metadata node keeps connections of its own, on its own runtime.
    pub network: Network,
    /// From other nodes: the connections of [`Plane::Raft`](esker_rpc::transport::Plane::Raft).
    pub incoming: Incoming,
}

/// Where a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// On threads of its own, so that no load on the process's other runtimes can delay heartbeats.
    Own {
        /// How many.
        threads: usize,
    },
    /// On the runtime that starts it, as in a simulation of many nodes.
    Current,
}

/// What a node does about groups that it finds empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formation {
    /// It makes itself their only voter.
    Alone,
    /// It waits: for [`initialize`](crate::MetadataHandle::initialize), or for a leader that adds it.
    Wait,
}

/// The settings of a node.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The cluster; only a name here. The transport refuses calls from others.
    pub cluster: Uuid,
    /// This node.
    pub node: NodeId,
    /// Where peers reach this node, `host:port`; used when this node forms a group alone. Empty if there are none.
    pub address: String,
    /// The groups that this node has replicas of.
    pub groups: Vec<GroupId>,
    /// What to do about empty groups.
    pub formation: Formation,
    /// The shortest time after which a follower that hears nothing stands for election.
    pub election_timeout_min: Duration,
    /// The longest such time.
    pub election_timeout_max: Duration,
    /// How often a leader sends heartbeats.
    pub heartbeat_interval: Duration,
    /// How many entries are logged before applied rows are synced and the log is purged.
    pub entries_per_snapshot: u64,
    /// How many applied entries the log keeps, so that a follower that was away for a while needs no snapshot.
    pub entries_kept: u64,
    /// The longest time without progress while a snapshot is sent.
    pub snapshot_idle_max: Duration,
    /// How long a query may take to become linearizable.
    pub read_timeout: Duration,
    /// When the disk that holds log and rows has less than this left, in bytes, commands that add data are refused;
    /// below an eighth of it, all commands are, since rows that can't be written end the replica.
    pub disk_reserve_bytes: u64,
    /// How many proposals may wait for their outcome; more are refused.
    pub proposals_max: usize,
    /// How many bytes they may have.
    pub proposals_bytes_max: usize,
    /// How often the members of each group, and the leader's clock, are looked at.
    pub membership_interval: Duration,
    /// Where openraft, the network and the log store run.
    pub runtime: Runtime,
}

impl Settings {
    /// The defaults: group 0, alone.
    pub fn new(cluster: Uuid, node: NodeId) -> Settings {
        Settings {
            cluster,
            node,
            address: String::new(),
            groups: vec![GroupId::DIRECTORY],
            formation: Formation::Alone,
            election_timeout_min: Duration::from_millis(500),
            election_timeout_max: Duration::from_millis(1000),
            heartbeat_interval: Duration::from_millis(150),
            entries_per_snapshot: 50_000,
            entries_kept: 100_000,
            snapshot_idle_max: Duration::from_secs(15),
            read_timeout: Duration::from_secs(5),
            disk_reserve_bytes: 0,
            proposals_max: 4096,
            proposals_bytes_max: 64 << 20,
            membership_interval: Duration::from_millis(300),
            runtime: Runtime::Own { threads: 2 },
        }
    }
}
