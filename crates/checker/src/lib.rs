//! What clients of a bucket saw, and whether it can be true: a history of operations is checked against the promises of the
//! product. Each key is linearizable, and the bucket has one total order that agrees with time, with lists, and with what
//! was acknowledged.
//!
//! *Unknown is not absent*: an operation without an answer may have taken effect at any time since it began, may do so at
//! any later time, or never. A check that would take too long says so; it never passes for that.
//!
//! **Architecture Invariant:** nothing here knows how the product works, so that it can't share its mistakes.

mod history;
mod jsonl;
mod order;
mod register;
mod violation;

pub use history::{
    Action, Condition, Entry, History, Listed, Listing, Moment, Operation, Pages, ReadOutcome, Value,
    WriteOutcome,
};
pub use jsonl::LineError;
pub use order::check_order;
pub use register::check_register;
pub use violation::{CheckError, Violation};

/// All checks.
pub fn check(history: &History) -> Result<(), CheckError> {
    check_order(history)?;
    check_register(history)
}
