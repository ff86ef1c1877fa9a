//! Short ways to write histories down.

use esker_checker::{
    Action, CheckError, Condition, Entry, History, Listed, Listing, Moment, Operation, Pages, ReadOutcome,
    Value, WriteOutcome,
};
use esker_types::{Sequence, VersionUuid};

/// The version with a number; its id is made of it.
pub(crate) fn version(number: u64) -> VersionUuid {
    VersionUuid::new(Sequence(number), number)
}

pub(crate) fn put_with(value: u64, condition: Condition, outcome: WriteOutcome) -> Action {
    Action::Put { value: Value(value), condition, outcome }
}

/// A put that was acknowledged.
pub(crate) fn put(value: u64) -> Action {
    put_with(value, Condition::Always, WriteOutcome::Done(None))
}

/// A put that was acknowledged with a version.
pub(crate) fn put_as(value: u64, number: u64) -> Action {
    put_with(value, Condition::Always, WriteOutcome::Done(Some(version(number))))
}

pub(crate) fn put_unknown(value: u64) -> Action {
    put_with(value, Condition::Always, WriteOutcome::Unknown)
}

/// A put under `If-None-Match: *`.
pub(crate) fn create(value: u64, outcome: WriteOutcome) -> Action {
    put_with(value, Condition::IfAbsent, outcome)
}

/// A put under `If-Match`.
pub(crate) fn replace(old: u64, value: u64, outcome: WriteOutcome) -> Action {
    put_with(value, Condition::IfMatch(Value(old)), outcome)
}

pub(crate) fn delete_with(outcome: WriteOutcome) -> Action {
    Action::Delete { condition: Condition::Always, outcome }
}

pub(crate) fn delete() -> Action {
    delete_with(WriteOutcome::Done(None))
}

pub(crate) fn get(value: u64) -> Action {
    Action::Get { outcome: ReadOutcome::Found(Value(value), None) }
}

pub(crate) fn get_as(value: u64, number: u64) -> Action {
    Action::Get { outcome: ReadOutcome::Found(Value(value), Some(version(number))) }
}

pub(crate) fn get_nothing() -> Action {
    Action::Get { outcome: ReadOutcome::NotFound }
}

pub(crate) fn operation(key: &str, invoked: u64, returned: u64, action: Action) -> Operation {
    let (invoked, returned) = (Moment(invoked), Moment(returned));
    Operation { client: 1, key: key.to_owned(), invoked, returned, action }
}

/// A history of one key: when each operation begins, when it ends, and what it is.
pub(crate) fn of_key<const N: usize>(operations: [(u64, u64, Action); N]) -> History {
    of_keys(operations.map(|(invoked, returned, action)| ("k", invoked, returned, action)))
}

/// The same of several keys.
pub(crate) fn of_keys<const N: usize>(operations: [(&str, u64, u64, Action); N]) -> History {
    let mut history = History::default();
    history
        .extend(operations.map(|(key, invoked, returned, action)| operation(key, invoked, returned, action)));
    history
}

/// One after another, each beginning after the one before has ended.
pub(crate) fn in_turn<const N: usize>(actions: [Action; N]) -> History {
    let mut times = (0..).step_by(10);
    of_key(actions.map(|action| {
        let begin = times.next().unwrap();
        (begin, begin + 5, action)
    }))
}

/// A list, of a key, a number and a value each; no value is a delete marker.
pub(crate) fn listing(
    invoked: u64,
    returned: u64,
    pages: Pages,
    versions: &[(&str, u64, Option<u64>)],
) -> Listing {
    let listed = |(key, number, value): &(&str, u64, Option<u64>)| Listed {
        key: (*key).to_owned(),
        version: version(*number),
        entry: value.map_or(Entry::DeleteMarker, |value| Entry::Object(Value(value))),
    };
    let versions = versions.iter().map(listed).collect();
    Listing { invoked: Moment(invoked), returned: Moment(returned), pages, versions }
}

/// Says that the history is wrong, and returns how.
pub(crate) fn violation(checked: Result<(), CheckError>) -> String {
    match checked {
        Err(CheckError::Violated(violation)) => violation.to_string(),
        other => panic!("a violation should have been found: {other:?}"),
    }
}
