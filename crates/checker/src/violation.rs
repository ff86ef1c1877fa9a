//! What is wrong with a history, in words.

use crate::history::{Action, Condition, Entry, Listed, Moment, Operation, ReadOutcome, Value, WriteOutcome};
use std::fmt;

/// Why a history did not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// It can't be true of a product that keeps its promises.
    #[error("{0}")]
    Violated(Box<Violation>),
    /// Whether it can be true was not found out: too many operations of unknown outcome, or too many at the same time.
    #[error("key {key:?} could not be checked: {possibilities} possible courses of events at {at}")]
    TooHard {
        /// The key.
        key: String,
        /// When it became too much.
        at: Moment,
        /// How much.
        possibilities: usize,
    },
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What is wrong, in a sentence.
    pub what: String,
    /// The operations that show it, in order of time.
    pub operations: Vec<Operation>,
}

impl Violation {
    pub(crate) fn new<'a>(what: String, operations: impl IntoIterator<Item = &'a Operation>) -> Violation {
        let mut operations: Vec<Operation> = operations.into_iter().cloned().collect();
        operations.sort_by_key(|operation| (operation.invoked, operation.returned, operation.client));
        operations.dedup();
        Violation { what, operations }
    }
}

impl From<Violation> for CheckError {
    fn from(violation: Violation) -> CheckError {
        CheckError::Violated(Box::new(violation))
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.operations.iter().try_for_each(|operation| write!(f, "\n  {operation}"))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06} s", self.0 / 1_000_000_000, self.0 % 1_000_000_000 / 1_000)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Operation { client, key, invoked, returned, action } = self;
        write!(f, "{invoked} to {returned}, client {client}, {key:?}: {action}")
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Put { value, condition, outcome } => write!(f, "put {value}{condition}: {outcome}"),
            Action::Delete { condition, outcome } => write!(f, "delete{condition}: {outcome}"),
            Action::Get { outcome } => write!(f, "get: {outcome}"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Always => Ok(()),
            Condition::IfAbsent => f.write_str(" if absent"),
            Condition::IfMatch(value) => write!(f, " if it is {value}"),
        }
    }
}

impl fmt::Display for WriteOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteOutcome::Done(Some(version)) => {
                write!(f, "done as number {}, version {version}", version.sequence().0)
            }
            WriteOutcome::Done(None) => f.write_str("done"),
            WriteOutcome::Refused => f.write_str("refused by its condition"),
            WriteOutcome::Failed => f.write_str("failed"),
            WriteOutcome::Unknown => f.write_str("unknown"),
        }
    }
}

impl fmt::Display for ReadOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadOutcome::Found(value, Some(version)) => {
                write!(f, "{value}, number {}", version.sequence().0)
            }
            ReadOutcome::Found(value, None) => write!(f, "{value}"),
            ReadOutcome::NotFound => f.write_str("not found"),
            ReadOutcome::Failed => f.write_str("failed"),
        }
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Listed { key, version, entry } = self;
        match entry {
            Entry::Object(value) => write!(f, "{value} of {key:?} as number {}", version.sequence().0),
            Entry::DeleteMarker => write!(f, "a delete marker of {key:?} as number {}", version.sequence().0),
        }
    }
}
