//! The metadata role: hosts the version index of `esker_index` in Raft groups.
//!
//! A [`MetadataNode`] runs this node's replicas. The log and the votes of all groups are in the node's write-ahead
//! log (`esker_wal`); each group's rows are in a keyspace of the node's engine (`esker_kv`); nodes talk gRPC
//! (`proto/raft.proto`). Its [`MetadataHandle`] implements [`esker_rpc::metadata::Metadata`].
//!
//! **Architecture Invariant:** openraft's types stay in this crate, and so do the generated types of `raft.proto`.
//!
//! **Architecture Invariant:** rows are written without syncing them, always in one batch with the row that names the
//! last applied log entry. The log is purged only below an applied entry whose rows were synced.

mod clocks;
mod codec;
mod log;
mod machine;
mod membership;
mod network;
mod node;
mod reconciler;
mod rows;
mod snapshot;
mod types;

#[cfg(test)]
mod tests;

pub use node::{
    Components, Formation, GroupStatus, HistoryError, METRICS, MemberStatus, MetadataHandle, MetadataNode,
    RaftPlane, Role, Runtime, Settings, StartError,
};
pub use reconciler::{Reconciler, ReconcilerSettings};
pub use types::Peer;

/// The generated code of `proto/raft.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]
mod proto {
    tonic::include_proto!("esker.raft.v1");
}
