//! Histories of single keys that can, and that can't, be true.

use crate::support::*;
use esker_checker::{CheckError, History, check_register};
use esker_checker::{ReadOutcome, WriteOutcome};

const DONE: WriteOutcome = WriteOutcome::Done(None);
const REFUSED: WriteOutcome = WriteOutcome::Refused;
const FAILED: WriteOutcome = WriteOutcome::Failed;
const UNKNOWN: WriteOutcome = WriteOutcome::Unknown;

#[track_caller]
fn right(history: &History) {
    assert_eq!(check_register(history), Ok(()));
}

#[track_caller]
fn wrong(history: &History) {
    let found = violation(check_register(history));
    assert!(found.starts_with("no order of operations explains this: "), "{found}");
}

#[test]
fn one_after_another_each_read_sees_the_last_write() {
    right(&in_turn([get_nothing(), put(1), get(1), put(2), get(2), delete(), get_nothing(), put(3), get(3)]));
    wrong(&in_turn([get(1)]));
}

#[test]
fn a_lost_update_is_found() {
    wrong(&in_turn([put(1), put(2), get(1)]));
    wrong(&in_turn([put(1), get_nothing()]));
    wrong(&in_turn([put(1), replace(1, 2, DONE), replace(1, 3, DONE)]));
}

#[test]
fn a_stale_read_is_found_even_if_a_later_one_is_right() {
    wrong(&in_turn([put(1), put(2), get(2), get(1), get(2)]));
    let going_back = [(0, 1, put(1)), (10, 90, put(2)), (20, 30, get(2)), (40, 50, get(1))];
    wrong(&of_key(going_back));
}

#[test]
fn a_read_during_a_write_may_see_either() {
    for seen in [1, 2] {
        right(&of_key([(0, 1, put(1)), (10, 30, put(2)), (15, 25, get(seen))]));
    }
    right(&of_key([(0, 1, put(1)), (10, 50, put(2)), (15, 20, get(1)), (30, 40, get(2))]));
    right(&of_key([(0, 10, put(1)), (10, 20, get_nothing())]));
}

#[test]
fn writes_at_the_same_time_have_some_order() {
    let both = |last| [(0, 50, put(1)), (5, 45, put(2)), (10, 40, put(3)), (60, 70, get(last))];
    [1, 2, 3].into_iter().for_each(|last| right(&of_key(both(last))));
    let seen_twice = [
        (0, 50, put(1)),
        (5, 45, put(2)),
        (6, 7, get(1)),
        (8, 9, get(2)),
        (10, 11, get(1)),
        (60, 70, get(2)),
    ];
    wrong(&of_key(seen_twice));
}

#[test]
fn a_write_that_overlaps_a_chain_of_others_may_be_hidden_anywhere_in_it() {
    right(&of_key([
        (0, 100, put(9)),
        (10, 20, put(1)),
        (30, 40, put(2)),
        (50, 60, get(2)),
        (110, 120, get(2)),
    ]));
    let last = [(0, 100, put(9)), (10, 20, put(1)), (30, 40, get(1)), (110, 120, get(9))];
    right(&of_key(last));
    let nowhere = [(0, 5, put(1)), (10, 100, put(9)), (20, 30, get(1)), (40, 50, get(1)), (110, 120, get(1))];
    wrong(&of_key(nowhere));
}

#[test]
fn one_of_many_creates_wins() {
    right(&of_key([(0, 9, create(1, REFUSED)), (1, 8, create(2, DONE)), (2, 7, create(3, REFUSED))]));
    wrong(&of_key([(0, 9, create(1, DONE)), (1, 8, create(2, DONE)), (2, 7, create(3, REFUSED))]));
    wrong(&of_key([(0, 9, create(1, REFUSED)), (1, 8, create(2, REFUSED))]));
    right(&of_key([(0, 9, create(1, DONE)), (1, 8, delete()), (2, 7, create(3, DONE)), (10, 11, get(3))]));
    wrong(&of_key([(0, 9, create(1, DONE)), (1, 8, create(3, DONE)), (20, 30, delete())]));
}

#[test]
fn a_replacement_needs_what_it_names() {
    right(&in_turn([put(1), replace(1, 2, DONE), get(2), replace(1, 3, REFUSED), get(2)]));
    wrong(&in_turn([put(1), replace(1, 2, REFUSED)]));
    wrong(&in_turn([put(1), delete(), replace(1, 2, DONE)]));
    right(&of_key([
        (0, 50, put(1)),
        (0, 50, replace(1, 2, DONE)),
        (0, 50, replace(2, 3, DONE)),
        (60, 61, get(3)),
    ]));
    wrong(&of_key([(0, 50, put(1)), (0, 50, replace(1, 2, DONE)), (0, 50, replace(1, 3, DONE))]));
    wrong(&in_turn([put_with(1, esker_checker::Condition::Always, REFUSED)]));
}

#[test]
fn a_value_that_failed_is_never_read() {
    right(&in_turn([put(1), put_with(2, esker_checker::Condition::Always, FAILED), get(1)]));
    wrong(&in_turn([put(1), put_with(2, esker_checker::Condition::Always, FAILED), get(2)]));
    wrong(&in_turn([put(1), create(2, REFUSED), get(2)]));
}

#[test]
fn a_deleted_value_does_not_come_back() {
    wrong(&in_turn([put(1), delete(), get(1)]));
    wrong(&in_turn([put(1), delete(), get_nothing(), get(1)]));
    wrong(&in_turn([put(1), delete(), create(2, REFUSED)]));
}

#[test]
fn what_is_unknown_may_have_happened_or_not_or_may_happen_later() {
    right(&in_turn([put(1), put_unknown(2), get(1)]));
    right(&in_turn([put(1), put_unknown(2), get(2)]));
    right(&in_turn([put(1), put_unknown(2), get(1), put(3), get(3), get(2), get(2)]));
    right(&in_turn([put(1), delete_with(UNKNOWN), get(1), get_nothing()]));
    right(&in_turn([put_unknown(1), create(2, REFUSED), get(1)]));
    right(&in_turn([put_unknown(1), create(2, DONE), get(1)]));
    right(&in_turn([put(1), put_unknown(2), replace(2, 3, UNKNOWN), get(1), get(3)]));
}

#[test]
fn what_is_unknown_happens_once_at_most_and_not_before_it_began() {
    wrong(&in_turn([put(1), put_unknown(2), get(2), put(3), get(2)]));
    wrong(&in_turn([put(1), put_unknown(2), get(2), get(1)]));
    wrong(&in_turn([get(1), put_unknown(1)]));
    wrong(&in_turn([put(1), replace(2, 3, UNKNOWN), get(3)]));
    wrong(&in_turn([put(1), put_unknown(2), replace(2, 3, UNKNOWN), get(3), get(2)]));
    wrong(&in_turn([put(1), delete_with(UNKNOWN), get_nothing(), put(2), get_nothing()]));
}

#[test]
fn reads_that_failed_say_nothing() {
    let failed = esker_checker::Action::Get { outcome: ReadOutcome::Failed };
    right(&in_turn([put(1), failed, get(1)]));
}

#[test]
fn keys_are_checked_by_themselves() {
    let history = |read| of_keys([("a", 0, 1, put(1)), ("b", 2, 3, put(2)), ("a", 4, 5, get(read))]);
    right(&history(1));
    wrong(&history(2));
}

/// A thousand clients at once, and as many unknown: no order of them all is looked for.
#[test]
fn many_at_the_same_time_are_not_too_hard() {
    let mut history = History::default();
    for n in 1..=1000 {
        history.push(operation("puts", n, 5000 + n, put(n)));
        history.push(operation("unknown", n, 5000 + n, put_unknown(n)));
        history.push(operation("creates", n, 5000 + n, create(n, if n == 500 { DONE } else { REFUSED })));
    }
    for key in ["puts", "unknown", "creates"] {
        history.push(operation(key, 9000, 9001, get(500)));
    }
    right(&history);
    let mut worse = history.clone();
    worse.push(operation("creates", 100, 5000, create(1001, DONE)));
    wrong(&worse);
    let mut worse = history.clone();
    worse.push(operation("puts", 9002, 9003, get(501)));
    wrong(&worse);
    let mut fine = history;
    fine.push(operation("unknown", 9002, 9003, get(501)));
    right(&fine);
}

/// Deciding this takes as long as trying all orders of conditional writes; it is given up, and does not pass.
#[test]
fn what_is_too_hard_is_said_to_be() {
    let mut history = History::default();
    for n in 0..40 {
        history.push(operation("k", n, 1000 + n, delete()));
        history.push(operation("k", n, 1000 + n, create(100 + n, DONE)));
        history.push(operation("k", n, 1000 + n, get(100 + n)));
    }
    let checked = check_register(&history);
    assert!(matches!(checked, Err(CheckError::TooHard { .. })), "{checked:?}");
}
