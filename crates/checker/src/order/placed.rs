//! The writes whose place in the order is known.

use crate::history::{Action, Entry, History, Operation, Value, WriteOutcome};
use crate::violation::Violation;
use esker_types::VersionUuid;
use std::collections::BTreeMap;

/// A write and the version that it made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed<'a> {
    pub(super) version: VersionUuid,
    pub(super) operation: &'a Operation,
}

impl Placed<'_> {
    /// Whether its client was told that it is done.
    pub(super) fn is_acknowledged(&self) -> bool {
        matches!(outcome(self.operation), Some(WriteOutcome::Done(_)))
    }

    /// Whether it wrote this.
    pub(super) fn wrote(&self, key: &str, read: Value) -> bool {
        self.operation.key == key
            && matches!(self.operation.action, Action::Put { value, .. } if value == read)
    }
}

/// What a client was told of a write.
pub(super) fn outcome(operation: &Operation) -> Option<WriteOutcome> {
    match operation.action {
        Action::Put { outcome, .. } | Action::Delete { outcome, .. } => Some(outcome),
        Action::Get { .. } => None,
    }
}

/// The writes whose version was told, and the puts whose value was listed with a version, in the order of their numbers.
/// Fails if two have the same.
pub(super) fn placed(history: &History) -> Result<Vec<Placed<'_>>, Violation> {
    let listed: BTreeMap<(&str, Value), VersionUuid> = history
        .listings
        .iter()
        .flat_map(|listing| &listing.versions)
        .filter_map(|listed| match listed.entry {
            Entry::Object(value) => Some(((listed.key.as_str(), value), listed.version)),
            Entry::DeleteMarker => None,
        })
        .collect();
    let version = |operation: &Operation| match (outcome(operation)?, operation.action) {
        (WriteOutcome::Done(Some(version)), _) => Some(version),
        (WriteOutcome::Done(None) | WriteOutcome::Unknown, Action::Put { value, .. }) => {
            listed.get(&(operation.key.as_str(), value)).copied()
        }
        _ => None,
    };
    let mut placed: Vec<Placed<'_>> = history
        .operations()
        .filter_map(|operation| Some(Placed { version: version(operation)?, operation }))
        .collect();
    placed.sort_by_key(|write| (write.version.sequence(), write.version));
    match placed.windows(2).find(|pair| pair[0].version.sequence() == pair[1].version.sequence()) {
        None => Ok(placed),
        Some(pair) => {
            let what = format!("number {} was given twice", pair[0].version.sequence().0);
            Err(Violation::new(what, [pair[0].operation, pair[1].operation]))
        }
    }
}
