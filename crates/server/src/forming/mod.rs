//! How a new node gets its cluster: it forms one with its peers, joins one, or is one by itself.
//!
//! The node with the smallest address of the list coordinates. It asks every peer who it is; only if all are empty
//! and were given the same list does it choose a cluster id, write its plan to disk, tell every peer, and begin the
//! first Raft group. Each step is durable before the next one, and repeated after a crash.
//!
//! **Architecture Invariant:** what to do next is decided by [`decide()`] and [`accept`] alone, which do no IO.

mod decide;
mod founding;
mod plan;
mod settle;

#[cfg(test)]
mod model;
#[cfg(test)]
mod settle_tests;

pub(crate) use decide::{Answer, Decision, Own, accept, decide};
pub(crate) use founding::{Founding, Invitations};
pub(crate) use plan::{Plan, PlanError, PlanStage};
pub(crate) use settle::{Peers, SettleError, Settled, ask, settle};
