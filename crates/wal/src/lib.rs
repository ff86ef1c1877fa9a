//! The log under Raft: segmented, checksummed, one sync per batch, shared by all Raft groups of a node.
//!
//! Callers on any thread hand in records; one writer thread gathers all that wait, writes them as one frame,
//! syncs once, and then completes them in order. What Raft means by the records is its caller's business; that
//! entries have no gaps, and that votes, committed ids and purges are found again, is the log's.
//!
//! Reading order: [`record`] (what is stored), `frame` and `segment` (the bytes), `bounds` (which records may
//! follow), `writer` (the only code that writes), `recovery` (what a crash left).
//!
//! **Architecture Invariant:** a failed write or sync is never retried and never acknowledged. The log is
//! poisoned, and its process exits, because only a fresh read tells what the disk holds.

mod bounds;
mod bytes;
mod cache;
mod error;
mod frame;
mod gate;
mod index;
mod options;
mod reader;
pub mod record;
mod recovery;
mod scan;
mod segment;
mod segments;
mod shared;
mod stream;
mod telemetry;
#[cfg(test)]
mod tests;
mod wal;
mod writer;

pub use bounds::Refusal;
pub use error::WalError;
pub use index::GroupState;
pub use options::WalOptions;
pub use record::Record;
pub use recovery::{Cut, Recovery};
pub use scan::decode_segment;
pub use shared::{Completion, Durability, WalCounters};
pub use telemetry::METRICS;
pub use wal::Wal;
