//! Each key is one linearizable register: every operation seems to happen at one moment between its beginning and its end.
//!
//! The check goes through the events in order of time and keeps every course of them that is still possible ("just-in-time
//! linearization", Lowe 2017). It is exact: `tests/checker/oracle.rs` compares it with a simple search of all orders.

mod course;
mod search;
mod step;

use crate::history::{History, Moment, Operation};
use crate::violation::{CheckError, Violation};
use course::{Course, Number};
use search::Search;
use std::collections::BTreeSet;
use step::{State, Step};

/// Most operations that a violation shows, those that matter most first.
const SHOWN_MAX: usize = 16;

/// Checks that each key's operations can have happened one after another, each between its beginning and its end, the key
/// being without a value at first. An operation that begins at the moment that another one ends may have happened before
/// it.
pub fn check_register(history: &History) -> Result<(), CheckError> {
    history.operations.iter().try_for_each(|(key, operations)| check_key(key, operations))
}

/// What happens at a moment; beginnings come before ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Edge {
    Begins,
    Ends,
}

fn check_key(key: &str, operations: &[Operation]) -> Result<(), CheckError> {
    let told = Step::of_all(operations);
    let telling: Vec<(&Operation, Step)> =
        operations.iter().zip(told).filter_map(|(operation, step)| Some((operation, step?))).collect();
    let steps: Vec<Step> = telling.iter().map(|(_, step)| *step).collect();
    let mut courses = vec![Course::start()];
    let mut search = Search::default();
    for (at, edge, number) in events(&telling) {
        match edge {
            Edge::Begins => courses.iter_mut().for_each(|course| course.begin(&steps, number)),
            Edge::Ends => {
                let before = std::mem::take(&mut courses);
                let states: BTreeSet<State> = before.iter().map(|course| course.state).collect();
                let ended = before.into_iter().try_for_each(|course| course.end(&steps, number, &mut search));
                courses = ended.and_then(|()| search.take()).map_err(|too_much| CheckError::TooHard {
                    key: key.to_owned(),
                    at,
                    possibilities: too_much.courses,
                })?;
                if courses.is_empty() {
                    return Err(violation(&telling, number, &states).into());
                }
            }
        }
    }
    Ok(())
}

/// What happens when. Writes of unknown outcome never end.
fn events(telling: &[(&Operation, Step)]) -> Vec<(Moment, Edge, Number)> {
    let mut events = Vec::with_capacity(2 * telling.len());
    for (number, (operation, step)) in (0..).zip(telling) {
        events.push((operation.invoked, Edge::Begins, number));
        if !matches!(step.kind, step::Kind::MaySet(_)) {
            events.push((operation.returned, Edge::Ends, number));
        }
    }
    events.sort_unstable();
    events
}

/// What is wrong, and the operations by which one sees it: the one that has no place, those that wrote what it saw or what
/// the key could be, and others at the same time.
fn violation(telling: &[(&Operation, Step)], number: Number, states: &BTreeSet<State>) -> Violation {
    let (operation, step) = telling[number as usize];
    let could_be: Vec<String> = states.iter().map(|state| shown(*state)).collect();
    let what = format!(
        "no order of operations explains this: {operation}\nwhen it ended, the key could have been: {}",
        could_be.join(", ")
    );
    let begun = |other: &Operation| other.invoked <= operation.returned;
    let rank = |(other, other_step): &(&Operation, Step)| match other_step.result() {
        _ if std::ptr::eq(*other, operation) => 0,
        Some(result) if step.need == step::Need::Exactly(result) => 1,
        Some(result) if begun(other) && states.contains(&result) => 2,
        _ if begun(other) && other.returned >= operation.invoked => 3,
        Some(_) if begun(other) => 4,
        _ => 5,
    };
    let mut shown: Vec<&(&Operation, Step)> = telling.iter().filter(|telling| rank(telling) < 5).collect();
    // Of the same rank, the latest matter most.
    shown.sort_by_key(|telling| (rank(telling), std::cmp::Reverse(telling.0.invoked)));
    Violation::new(what, shown.into_iter().take(SHOWN_MAX).map(|(operation, _)| *operation))
}

fn shown(state: State) -> String {
    match state {
        State::Absent => "without a value".to_owned(),
        State::Unnamed => "a value that nobody read".to_owned(),
        State::Is(value) => value.to_string(),
    }
}
