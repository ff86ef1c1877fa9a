//! Histories of a bucket that keeps its promises, seen by clients at random times.

use crate::support::{listing, operation, version};
use esker_checker::{
    Action, Condition, Entry, History, Listing, Operation, Pages, ReadOutcome, Value, WriteOutcome, check,
    check_order, check_register,
};
use esker_types::placement::mix;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Random numbers from a seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number less than `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0) % end
    }
}

/// How a history is to be.
pub(crate) struct Shape {
    pub(crate) operations: usize,
    pub(crate) clients: u64,
    pub(crate) keys: u64,
    /// Of a hundred operations, so many have no answer.
    pub(crate) unknown_percent: u64,
    /// Lists at random times, and one more at the end if there are any.
    pub(crate) lists: usize,
}

/// An operation before it happens: when the client begins and ends, and when it happens, if it does.
struct Planned {
    key: String,
    invoked: u64,
    returned: u64,
    happens: Option<u64>,
    answered: bool,
    wish: Wish,
}

enum Wish {
    Write(Option<Value>, Condition),
    Read,
}

/// Real operations of a real bucket; what is acknowledged has its version.
pub(crate) fn true_history(random: &mut Random, shape: &Shape) -> History {
    let mut planned = plan(random, shape);
    planned.sort_by_key(|operation| operation.happens.unwrap_or(u64::MAX));
    let end = planned.iter().map(|operation| operation.happens.unwrap_or(0).max(operation.returned)).max();
    let mut bucket = Bucket::default();
    let mut history = History::default();
    let mut list_at: Vec<u64> = (0..shape.lists).map(|_| random.below(end.unwrap_or(0) + 1)).collect();
    list_at.sort_unstable();
    for operation in planned {
        while let Some(at) =
            list_at.first().copied().filter(|at| operation.happens.is_none_or(|now| *at < now))
        {
            list_at.remove(0);
            history.list(bucket.list(at.saturating_sub(random.below(9)), at + random.below(9)));
        }
        history.push(bucket.happen(operation));
    }
    if shape.lists > 0 {
        let end = end.unwrap_or(0) + 10;
        history.list(bucket.list(end, end + 1));
    }
    history
}

fn plan(random: &mut Random, shape: &Shape) -> Vec<Planned> {
    let mut clocks = vec![0; usize::try_from(shape.clients).unwrap()];
    let mut made = Vec::new();
    let plan = |n: usize| {
        let clock = &mut clocks[usize::try_from(random.below(shape.clients)).unwrap()];
        let invoked = *clock + random.below(8);
        let returned = invoked + 1 + random.below(20);
        *clock = returned;
        let answered = random.below(100) >= shape.unknown_percent;
        let happens = match (answered, random.below(3)) {
            (true, _) => Some(invoked + random.below(returned - invoked + 1)),
            (false, 0) => None,
            (false, 1) => Some(invoked + random.below(30)),
            (false, _) => Some(invoked + random.below(3000)),
        };
        let known = made.get(usize::try_from(random.below(made.len() as u64 + 1)).unwrap()).copied();
        let wish = match random.below(10) {
            0..5 => Wish::Read,
            5 => Wish::Write(None, Condition::Always),
            6 => Wish::Write(Some(Value(n as u64)), Condition::IfAbsent),
            7 => Wish::Write(Some(Value(n as u64)), known.map_or(Condition::Always, Condition::IfMatch)),
            _ => Wish::Write(Some(Value(n as u64)), Condition::Always),
        };
        if matches!(wish, Wish::Write(Some(_), _)) {
            made.push(Value(n as u64));
        }
        let key = format!("key {}", random.below(shape.keys));
        Planned { key, invoked, returned, happens, answered, wish }
    };
    (0..shape.operations).map(plan).collect()
}

/// The bucket: its keys, and all versions in order.
#[derive(Default)]
struct Bucket {
    keys: BTreeMap<String, (Option<Value>, u64)>,
    versions: Vec<(String, Option<Value>)>,
}

impl Bucket {
    fn happen(&mut self, planned: Planned) -> Operation {
        let Planned { key, invoked, returned, happens, answered, wish } = planned;
        let (now, number) = self.keys.get(&key).copied().unwrap_or_default();
        let action = match wish {
            Wish::Read if !answered => Action::Get { outcome: ReadOutcome::Failed },
            Wish::Read => {
                let found = now.map(|value| ReadOutcome::Found(value, Some(version(number))));
                Action::Get { outcome: found.unwrap_or(ReadOutcome::NotFound) }
            }
            Wish::Write(result, condition) => {
                let holds = match condition {
                    Condition::Always => true,
                    Condition::IfAbsent => now.is_none(),
                    Condition::IfMatch(value) => now == Some(value),
                };
                let mut outcome = WriteOutcome::Refused;
                if happens.is_some() && holds {
                    self.versions.push((key.clone(), result));
                    let number = self.versions.len() as u64;
                    self.keys.insert(key.clone(), (result, number));
                    outcome = WriteOutcome::Done(Some(version(number)));
                }
                if !answered {
                    outcome = WriteOutcome::Unknown;
                }
                match result {
                    Some(value) => Action::Put { value, condition, outcome },
                    None => Action::Delete { condition, outcome },
                }
            }
        };
        operation(&key, invoked, returned, action)
    }

    fn list(&self, invoked: u64, returned: u64) -> Listing {
        let mut listed: Vec<(&str, u64, Option<u64>)> = (1..)
            .zip(&self.versions)
            .map(|(number, (key, value))| (key.as_str(), number, value.map(|value| value.0)))
            .collect();
        listed.sort_by_key(|(key, number, _)| (*key, std::cmp::Reverse(*number)));
        listing(invoked, returned, Pages::One, &listed)
    }
}

fn shape(operations: usize, clients: u64, keys: u64) -> Shape {
    Shape { operations, clients, keys, unknown_percent: 5, lists: 5 }
}

/// The history with its parts changed.
fn rebuilt(history: &History, change: impl Fn(&mut Operation), list: impl Fn(&mut Listing)) -> History {
    let mut changed = History::default();
    changed.extend(history.operations().cloned().map(|mut operation| {
        change(&mut operation);
        operation
    }));
    for listing in history.listings() {
        let mut listing = listing.clone();
        list(&mut listing);
        changed.list(listing);
    }
    changed
}

/// A read's answer replaced by a value that was written only later.
fn with_a_read_of_the_future(history: &History) -> Option<History> {
    let first = history.operations().find(|operation| matches!(operation.action, Action::Get { .. }))?;
    let later = history.operations().find_map(|operation| match operation.action {
        Action::Put { value, .. } if operation.key == first.key && operation.invoked > first.returned => {
            Some(value)
        }
        _ => None,
    })?;
    let first = first.clone();
    let change = |operation: &mut Operation| {
        if *operation == first {
            operation.action = Action::Get { outcome: ReadOutcome::Found(later, None) };
        }
    };
    Some(rebuilt(history, change, |_| {}))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_truth_passes(seed: u64, operations in 0usize..400, clients in 1u64..12, keys in 1u64..5) {
        let history = true_history(&mut Random(seed), &shape(operations, clients, keys));
        prop_assert_eq!(check(&history), Ok(()), "{}", history.to_json_lines());
    }

    #[test]
    fn a_read_of_the_future_is_found(seed: u64, clients in 1u64..12) {
        let history = true_history(&mut Random(seed), &shape(200, clients, 2));
        let changed = with_a_read_of_the_future(&history);
        prop_assume!(changed.is_some());
        prop_assert!(check_register(&changed.unwrap()).is_err());
    }

    #[test]
    fn what_is_missing_from_the_last_list_is_found(seed: u64, clients in 1u64..12, at: prop::sample::Index) {
        let history = true_history(&mut Random(seed), &shape(100, clients, 3));
        let last = history.listings().last().unwrap();
        prop_assume!(!last.versions.is_empty());
        let at = at.index(last.versions.len());
        let read_or_acknowledged = |operation: &Operation| match operation.action {
            Action::Put { outcome: WriteOutcome::Done(version), .. } => version,
            Action::Delete { outcome: WriteOutcome::Done(version), .. } => version,
            Action::Get { outcome: ReadOutcome::Found(_, version) } => version,
            _ => None,
        };
        let missing = last.versions[at].version;
        prop_assume!(history.operations().any(|operation| read_or_acknowledged(operation) == Some(missing)));
        let invoked = last.invoked;
        let changed = rebuilt(&history, |_| {}, |listing| {
            if listing.invoked == invoked {
                drop(listing.versions.remove(at));
            }
        });
        prop_assert!(check_order(&changed).is_err());
    }

    #[test]
    fn a_listed_value_that_nobody_wrote_is_found(seed: u64, at: prop::sample::Index) {
        let history = true_history(&mut Random(seed), &shape(100, 4, 3));
        prop_assume!(!history.listings().last().unwrap().versions.is_empty());
        let changed = rebuilt(&history, |_| {}, |listing| {
            if !listing.versions.is_empty() {
                let at = at.index(listing.versions.len());
                listing.versions[at].entry = Entry::Object(Value(1_000_000));
            }
        });
        prop_assert!(check_order(&changed).is_err());
    }

    #[test]
    fn two_numbers_exchanged_against_time_are_found(seed: u64, at: prop::sample::Index) {
        let history = true_history(&mut Random(seed), &Shape { lists: 0, ..shape(150, 4, 3) });
        let done: Vec<_> = history.operations().filter_map(|operation| match operation.action {
            Action::Put { outcome: WriteOutcome::Done(Some(version)), .. } => Some((operation.clone(), version)),
            _ => None,
        }).collect();
        prop_assume!(!done.is_empty());
        let (a, a_version) = &done[at.index(done.len())];
        let b = done.iter().find(|(b, _)| b.invoked > a.returned);
        prop_assume!(b.is_some());
        let (b, b_version) = b.unwrap();
        let exchange = |operation: &mut Operation| {
            let this = operation.clone();
            if let Action::Put { outcome, .. } = &mut operation.action {
                if this == *a {
                    *outcome = WriteOutcome::Done(Some(*b_version));
                } else if this == *b {
                    *outcome = WriteOutcome::Done(Some(*a_version));
                }
            }
        };
        let exchanged = rebuilt(&history, exchange, |_| {});
        prop_assert!(check_order(&exchanged).is_err());
    }
}

#[test]
fn ten_thousand_operations_of_one_key_are_not_too_hard() {
    for unknown_percent in [0, 1, 2] {
        let shape = Shape { operations: 10_000, clients: 8, keys: 1, unknown_percent, lists: 3 };
        let history = true_history(&mut Random(7), &shape);
        assert_eq!(check(&history), Ok(()));
    }
}
