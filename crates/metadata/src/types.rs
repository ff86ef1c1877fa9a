//! The types that openraft is parameterised with.

use std::fmt;

use bytes::Bytes;
use esker_index::command::Command;
use esker_index::outcome::Outcome;
use openraft::alias::{EntryOf, LeaderIdOf, LogIdOf, SnapshotMetaOf, StoredMembershipOf, VoteOf};

use crate::machine::StateMachine;

/// Another metadata node, as the membership of a group names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Where its gRPC service listens: `host:port`. Empty for a node that has no peers.
    pub address: String,
}

/// An encoded [`Command`]. The log, the network and `apply` share these bytes; nothing re-encodes them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CommandBytes(pub(crate) Bytes);

impl CommandBytes {
    /// The longest encoded command, in bytes. It bounds log records, RPC messages and rows.
    pub(crate) const BYTES_MAX: usize = 4 * 1024 * 1024;

    pub(crate) fn encode(command: &Command) -> CommandBytes {
        CommandBytes(command.encode())
    }
}

impl fmt::Debug for CommandBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "command of {} bytes", self.0.len())
    }
}

impl fmt::Display for CommandBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The longest encoded log entry, in bytes: a command and what surrounds it. Memberships are far shorter.
pub(crate) const ENTRY_BYTES_MAX: u64 = CommandBytes::BYTES_MAX as u64 + 1024;

/// What applying a log entry gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// The entry was a command.
    Command(Outcome),
    /// The entry was openraft's own: blank, or a membership.
    Internal,
}

openraft::declare_raft_types!(
    /// Esker's choice of types.
    pub(crate) TypeConfig:
        D = CommandBytes,
        R = Applied,
        NodeId = u64,
        Node = Peer,
        AsyncRuntime = openraft_rt_tokio::TokioRuntime,
);

pub(crate) type Raft = openraft::Raft<TypeConfig, StateMachine>;
pub(crate) type Vote = VoteOf<TypeConfig>;
pub(crate) type LeaderId = LeaderIdOf<TypeConfig>;
pub(crate) type LogId = LogIdOf<TypeConfig>;
pub(crate) type Entry = EntryOf<TypeConfig>;
pub(crate) type Payload = openraft::alias::PayloadOf<TypeConfig>;
pub(crate) type Membership = openraft::Membership<u64, Peer>;
pub(crate) type StoredMembership = StoredMembershipOf<TypeConfig>;
pub(crate) type SnapshotMeta = SnapshotMetaOf<TypeConfig>;
pub(crate) type Snapshot = openraft::alias::SnapshotOf<TypeConfig, crate::snapshot::SnapshotData>;
