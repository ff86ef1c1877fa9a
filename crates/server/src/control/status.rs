//! The state of a cluster as `esker admin status --json` shows it.
//!
//! Fields are only ever added. Times are durations before the moment of the answer, in seconds; sizes are bytes.

use serde::{Deserialize, Serialize};

/// The format of [`Status`]; it grows only if a field changes its meaning.
pub(crate) const FORMAT: u32 = 1;

/// Everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) format: u32,
    /// The program's version on the node that answers.
    pub(crate) version: String,
    /// The cluster's id, 32 hexadecimal digits; none for a node that belongs to none yet.
    pub(crate) cluster: Option<String>,
    /// The node that answers.
    pub(crate) node: String,
    /// Whether nothing needs attention, as far as the node knows.
    pub(crate) healthy: bool,
    /// What needs attention, for people.
    pub(crate) problems: Vec<String>,
    pub(crate) settings: Option<Settings>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) groups: Vec<Group>,
    pub(crate) data: Data,
    /// What the node that answers does and has done by itself since its start.
    pub(crate) work: Work,
}

/// What all nodes agree about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) replicas: u8,
    pub(crate) voters: u8,
}

/// A node that ever joined.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Node {
    /// 16 hexadecimal digits.
    pub(crate) id: String,
    pub(crate) address: String,
    /// `active`, `draining`, `lost`, `removed`.
    pub(crate) state: String,
    pub(crate) roles: Vec<String>,
    pub(crate) zone: String,
    pub(crate) host: String,
    pub(crate) weight: u32,
    /// For how long it has not answered the node that tells this; none if that does not know.
    pub(crate) silent_seconds: Option<f64>,
    /// The placement groups that it has, or is to have.
    pub(crate) placement_groups: u64,
    /// What it has room for; none for nodes without the storage role, and while they don't answer.
    pub(crate) disk: Option<Disk>,
}

/// What a storage node says of its disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Disk {
    pub(crate) capacity_bytes: u64,
    pub(crate) free_bytes: u64,
    pub(crate) blobs: u64,
    pub(crate) live_bytes: u64,
    pub(crate) dead_bytes: u64,
    pub(crate) scrub: Scrub,
    /// Whether it failed, and takes no data any more.
    #[serde(default)]
    pub(crate) retired: bool,
}

/// What a storage node has read to see whether it is whole. Counted since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Scrub {
    pub(crate) blobs: u64,
    pub(crate) bytes: u64,
    /// Blobs that were found damaged; one that is not repaired may be counted again in each round.
    pub(crate) damaged: u64,
    /// Times that the last blob was reached.
    pub(crate) rounds: u64,
    /// How long ago the data was written that this round has come to, the oldest first; none between two rounds.
    pub(crate) reached_age_seconds: Option<u64>,
}

/// A Raft group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) group: u16,
    /// Whether it answers: it has a leader that a majority follows.
    pub(crate) quorum: bool,
    pub(crate) leader: Option<String>,
    pub(crate) term: u64,
    pub(crate) voters: Vec<String>,
    pub(crate) learners: Vec<String>,
    /// As the leader knows them; empty if another node answers.
    pub(crate) followers: Vec<Follower>,
    pub(crate) last_log_index: Option<u64>,
    pub(crate) applied_index: Option<u64>,
    pub(crate) snapshot_index: Option<u64>,
    /// Entries that the log holds on the node that answers.
    pub(crate) log_entries: u64,
    /// Replicas of data that are late, and recorded to be repaired; none if the group does not answer.
    pub(crate) repairs: Option<u64>,
    pub(crate) garbage_entries: Option<u64>,
    pub(crate) garbage_bytes: Option<u64>,
}

/// A node that follows the leader of a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Follower {
    pub(crate) node: String,
    /// Entries of the leader's log that it is not known to have.
    pub(crate) lag_entries: Option<u64>,
    /// When it last answered.
    pub(crate) silent_seconds: Option<f64>,
}

/// The data as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Data {
    /// 0 before data has its places.
    pub(crate) placement_groups: u64,
    /// Those that are on their way to other nodes.
    pub(crate) moving: u64,
    /// Those that are to move to other nodes, and wait for others that do.
    #[serde(default)]
    pub(crate) to_move: u64,
    /// Those that have fewer replicas on nodes that are not lost than they should.
    pub(crate) under_replicated: u64,
    /// Late replicas in all groups; none if a group does not answer.
    pub(crate) repairs: Option<u64>,
    pub(crate) garbage_entries: Option<u64>,
    pub(crate) garbage_bytes: Option<u64>,
}

/// What one node does by itself. Counted since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Work {
    pub(crate) pulled_blobs: u64,
    pub(crate) pulled_bytes: u64,
    pub(crate) unreadable_blobs: u64,
    pub(crate) repairs_done: u64,
    pub(crate) repairs_pending: u64,
    pub(crate) damage_repaired: u64,
    pub(crate) damage_pending: u64,
    pub(crate) orphans_deleted: u64,
    pub(crate) strays_deleted: u64,
    pub(crate) audits: u64,
}
