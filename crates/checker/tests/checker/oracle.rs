//! The check of a key compared with another one, which searches all orders: stateright's.

use crate::generated::{Random, Shape, true_history};
use esker_checker::{
    Action, Condition, History, Moment, Operation, ReadOutcome, Value, WriteOutcome, check_register,
};
use proptest::prelude::*;
use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

/// A key that is used by one client at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key(Option<Value>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Op {
    Write(Option<Value>, Condition),
    Read,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Ret {
    Done,
    Refused,
    Read(Option<Value>),
}

impl SequentialSpec for Key {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        match op {
            Op::Read => Ret::Read(self.0),
            Op::Write(result, condition) => {
                let holds = match condition {
                    Condition::Always => true,
                    Condition::IfAbsent => self.0.is_none(),
                    Condition::IfMatch(value) => self.0 == Some(*value),
                };
                if holds {
                    self.0 = *result;
                    Ret::Done
                } else {
                    Ret::Refused
                }
            }
        }
    }
}

/// What an operation is to the other check; it has no answer if it is unknown, and says nothing if it failed.
fn translated(operation: &Operation) -> Option<(Op, Option<Ret>)> {
    let write = |result, condition, outcome| {
        let ret = match outcome {
            WriteOutcome::Done(_) => Some(Ret::Done),
            WriteOutcome::Refused => Some(Ret::Refused),
            WriteOutcome::Unknown => None,
            WriteOutcome::Failed => return None,
        };
        Some((Op::Write(result, condition), ret))
    };
    match operation.action {
        Action::Put { value, condition, outcome } => write(Some(value), condition, outcome),
        Action::Delete { condition, outcome } => write(None, condition, outcome),
        Action::Get { outcome: ReadOutcome::Found(value, _) } => {
            Some((Op::Read, Some(Ret::Read(Some(value)))))
        }
        Action::Get { outcome: ReadOutcome::NotFound } => Some((Op::Read, Some(Ret::Read(None)))),
        Action::Get { outcome: ReadOutcome::Failed } => None,
    }
}

/// Whether the other check passes the operations of one key. Each is a client of its own.
fn passes(history: &History) -> bool {
    let translated: Vec<_> =
        history.operations().filter_map(|operation| Some((operation, translated(operation)?))).collect();
    let mut events: Vec<(Moment, u8, usize)> = Vec::new();
    for (client, (operation, (_, ret))) in translated.iter().enumerate() {
        events.push((operation.invoked, 0, client));
        if ret.is_some() {
            events.push((operation.returned, 1, client));
        }
    }
    events.sort_unstable();
    let mut tester = LinearizabilityTester::new(Key(None));
    for (_, edge, client) in events {
        let (op, ret) = translated[client].1.clone();
        match edge {
            0 => tester.on_invoke(client, op).unwrap(),
            _ => tester.on_return(client, ret.unwrap()).unwrap(),
        };
    }
    tester.is_consistent()
}

/// Operations without any sense, each between two moments of its own.
fn nonsense(seed: u64, count: u64) -> History {
    let mut random = Random(seed);
    let mut moments: Vec<u64> = (0..2 * count).collect();
    (1..moments.len()).rev().for_each(|at| moments.swap(at, random.below(at as u64 + 1).try_into().unwrap()));
    let operation = |(n, pair): (u64, &[u64])| {
        let (invoked, returned) = (Moment(pair[0].min(pair[1])), Moment(pair[0].max(pair[1])));
        let action = action(&mut random, Value(n), count);
        Operation { client: 0, key: "k".to_owned(), invoked, returned, action }
    };
    let mut history = History::default();
    history.extend((0..).zip(moments.chunks(2)).map(operation).collect::<Vec<_>>());
    history
}

fn action(random: &mut Random, value: Value, values: u64) -> Action {
    let any = Value(random.below(values));
    let condition = [Condition::Always, Condition::Always, Condition::IfAbsent, Condition::IfMatch(any)];
    let condition = condition[usize::try_from(random.below(4)).unwrap()];
    let outcome = match (random.below(8), condition) {
        (0..3, _) => WriteOutcome::Unknown,
        (3, Condition::IfAbsent | Condition::IfMatch(_)) => WriteOutcome::Refused,
        (4, _) => WriteOutcome::Failed,
        _ => WriteOutcome::Done(None),
    };
    match random.below(6) {
        0..3 => Action::Put { value, condition, outcome },
        3 => Action::Delete { condition, outcome },
        4 if random.below(2) == 0 => Action::Get { outcome: ReadOutcome::NotFound },
        4 => Action::Delete { condition: Condition::Always, outcome: WriteOutcome::Done(None) },
        _ => Action::Get { outcome: ReadOutcome::Found(any, None) },
    }
}

/// One answer of a history changed.
fn changed(history: &History, random: &mut Random) -> History {
    let mut operations: Vec<Operation> = history.operations().cloned().collect();
    if operations.is_empty() {
        return history.clone();
    }
    let at = usize::try_from(random.below(operations.len() as u64)).unwrap();
    let any = Value(random.below(operations.len() as u64 + 1));
    match &mut operations[at].action {
        Action::Get { outcome } => {
            *outcome =
                [ReadOutcome::NotFound, ReadOutcome::Found(any, None)][usize::from(random.below(3) > 0)];
        }
        Action::Put { outcome, .. } | Action::Delete { outcome, .. } => {
            *outcome = match outcome {
                WriteOutcome::Done(_) => WriteOutcome::Refused,
                _ => WriteOutcome::Done(None),
            };
        }
    }
    let mut changed = History::default();
    changed.extend(operations);
    changed
}

fn agree(history: &History) -> Result<(), TestCaseError> {
    let checked = check_register(history);
    let expected = passes(history);
    prop_assert_eq!(checked.is_ok(), expected, "{:?}\n{}", checked, history.to_json_lines());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn both_checks_agree_about_nonsense(seed: u64, count in 1u64..8) {
        agree(&nonsense(seed, count))?;
    }

    #[test]
    fn both_checks_agree_about_truths_and_half_truths(seed: u64, count in 1usize..10, clients in 1u64..8) {
        let shape = Shape { operations: count, clients, keys: 1, unknown_percent: 25, lists: 0 };
        let history = true_history(&mut Random(seed), &shape);
        agree(&history)?;
        agree(&changed(&history, &mut Random(seed ^ 1)))?;
    }
}
