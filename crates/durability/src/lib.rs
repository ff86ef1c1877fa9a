//! The rules that keep versions and their data together, as pure decisions: where data goes, when it is
//! durable, and when it may be deleted.
//!
//! The ordering rule is owned here. Writing: 1. the blob is durable on its write quorum, 2. the version is
//! committed in Raft, 3. the client is acknowledged. Deleting goes the other way: the version is gone in Raft,
//! the data is listed as garbage in Raft, it is deleted on every replica, the garbage entry is removed. A crash
//! between any two steps leaves at worst data that nothing refers to, which is found and collected; never a
//! version that points at nothing.
//!
//! `tests/protocol` holds the whole protocol as one state machine, checks it in every reachable state, and
//! takes away each rule in turn to see that it is needed; `tests/moves` does the same for moves of placement groups.
//!
//! **Architecture Invariant:** nothing here does IO, waits, or knows the time: callers report events and carry
//! out decisions.

pub mod garbage;
pub mod orphan;
pub mod placement;
pub mod plan;
pub mod read;
pub mod session;

pub use garbage::{Deletion, DeletionDecision};
pub use orphan::{Activity, StoredData, candidates};
pub use placement::{Placement, PlacementError, ReplicaSet};
pub use plan::{Change, Domain, PlanNode, Reason, Standing, batch, first_placement, plan};
pub use read::{Health, read_order};
pub use session::{PutDecision, PutEvent, PutSession};
