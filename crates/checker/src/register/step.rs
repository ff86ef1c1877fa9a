//! An operation as a step of a key's life: what it needs the key to be, and what it makes of it.

use crate::history::{Action, Condition, Operation, ReadOutcome, Value, WriteOutcome};
use std::collections::BTreeSet;

/// What a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// It has no value.
    Absent,
    /// It has a value that no other operation names. All of these are alike, so that many courses are one.
    Unnamed,
    /// It has this value.
    Is(Value),
}

/// What a key must be for an operation to end as it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// Anything.
    Nothing,
    /// Just this.
    Exactly(State),
    /// Anything but this.
    Other(State),
    /// Nothing will do.
    Impossible,
}

impl Need {
    /// Whether a state will do.
    pub(super) fn is_met_by(self, state: State) -> bool {
        match self {
            Need::Nothing => true,
            Need::Exactly(needed) => state == needed,
            Need::Other(other) => state != other,
            Need::Impossible => false,
        }
    }
}

/// How an operation constrains the course of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// It only looks, at some moment before it returns.
    Looks,
    /// It makes this of the key, at some moment before it returns.
    Sets(State),
    /// It makes this of the key at some moment, or never.
    MaySet(State),
}

/// An operation that says something of its key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) need: Need,
    pub(super) kind: Kind,
}

impl Step {
    /// What each operation says; none for those that say nothing.
    pub(super) fn of_all(operations: &[Operation]) -> Vec<Option<Step>> {
        let named: BTreeSet<Value> = operations.iter().filter_map(named).collect();
        operations.iter().map(|operation| Step::of(operation, &named)).collect()
    }

    fn of(operation: &Operation, named: &BTreeSet<Value>) -> Option<Step> {
        let state = |value| if named.contains(&value) { State::Is(value) } else { State::Unnamed };
        match operation.action {
            Action::Put { value, condition, outcome } => write(state(value), condition, outcome),
            Action::Delete { condition, outcome } => write(State::Absent, condition, outcome),
            Action::Get { outcome } => {
                let seen = match outcome {
                    ReadOutcome::Found(value, _) => state(value),
                    ReadOutcome::NotFound => State::Absent,
                    ReadOutcome::Failed => return None,
                };
                Some(Step { need: Need::Exactly(seen), kind: Kind::Looks })
            }
        }
    }

    /// What it makes of the key, if it makes anything of it.
    pub(super) fn result(&self) -> Option<State> {
        match self.kind {
            Kind::Looks => None,
            Kind::Sets(state) | Kind::MaySet(state) => Some(state),
        }
    }

    /// Whether it is a write whose effect nobody sees if another one follows at once.
    pub(super) fn may_hide(&self) -> bool {
        self.need == Need::Nothing && self.kind != Kind::Looks
    }
}

/// The value that an operation depends on.
fn named(operation: &Operation) -> Option<Value> {
    match operation.action {
        Action::Get { outcome: ReadOutcome::Found(value, _) }
        | Action::Put { condition: Condition::IfMatch(value), .. }
        | Action::Delete { condition: Condition::IfMatch(value), .. } => Some(value),
        _ => None,
    }
}

fn write(result: State, condition: Condition, outcome: WriteOutcome) -> Option<Step> {
    let holds = match condition {
        Condition::Always => Need::Nothing,
        Condition::IfAbsent => Need::Exactly(State::Absent),
        Condition::IfMatch(value) => Need::Exactly(State::Is(value)),
    };
    let fails = match holds {
        Need::Exactly(state) => Need::Other(state),
        _ => Need::Impossible,
    };
    match outcome {
        WriteOutcome::Done(_) => Some(Step { need: holds, kind: Kind::Sets(result) }),
        WriteOutcome::Unknown => Some(Step { need: holds, kind: Kind::MaySet(result) }),
        WriteOutcome::Refused => Some(Step { need: fails, kind: Kind::Looks }),
        WriteOutcome::Failed => None,
    }
}
