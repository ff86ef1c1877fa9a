//! The version index: a pure, synchronous, deterministic state machine over ordered rows.
//!
//! [`apply`] executes commands, [`answer`] answers queries, and [`invariants::check`] names what must always hold.
//!
//! **Architecture Invariant:** no clock, no randomness, no IO, no async. Equal rows and equal commands give equal
//! rows, on every replica and in every version that speaks the same formats.

mod answer;
mod apply;
pub mod codec;
pub mod command;
pub mod hash;
pub mod invariants;
pub mod keys;
pub mod live;
pub mod outcome;
pub mod query;
pub mod records;
pub mod rows;
mod store;

pub use answer::answer;
pub use apply::apply;
pub use hash::state_hash;
