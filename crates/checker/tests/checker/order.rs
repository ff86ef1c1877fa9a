//! Histories of buckets whose order can, and can't, be what they say.

use crate::support::*;
use esker_checker::{Action, Condition, History, Listing, Pages, WriteOutcome, check_order};

fn with_list(mut history: History, listing: Listing) -> History {
    history.list(listing);
    history
}

/// A list of one page at a late time.
fn last(versions: &[(&str, u64, Option<u64>)]) -> Listing {
    listing(900, 901, Pages::One, versions)
}

#[track_caller]
fn right(history: &History) {
    assert_eq!(check_order(history), Ok(()));
}

#[track_caller]
fn wrong(history: &History, what: &str) {
    let found = violation(check_order(history));
    assert!(found.contains(what), "{found}");
}

fn two_puts() -> History {
    of_keys([("a", 0, 1, put_as(1, 1)), ("b", 2, 3, put_as(2, 2))])
}

fn deleted(outcome: WriteOutcome) -> Action {
    delete_with(outcome)
}

#[test]
fn numbers_follow_time_across_keys() {
    right(&two_puts());
    right(&of_keys([("a", 0, 3, put_as(1, 2)), ("b", 2, 4, put_as(2, 1))]));
    wrong(&of_keys([("a", 0, 1, put_as(1, 2)), ("b", 2, 3, put_as(2, 1))]), "not that of time");
}

#[test]
fn a_number_is_given_once() {
    wrong(&of_keys([("a", 0, 9, put_as(1, 1)), ("b", 0, 9, put_as(2, 1))]), "given twice");
    let listed = last(&[("a", 1, Some(1)), ("b", 1, Some(2))]);
    let unknown = of_keys([("a", 0, 9, put_unknown(1)), ("b", 0, 9, put_unknown(2))]);
    wrong(&with_list(unknown, listed), "shows a number twice");
}

#[test]
fn lists_are_sorted_by_key_and_newest_first() {
    right(&with_list(two_puts(), last(&[("a", 1, Some(1)), ("b", 2, Some(2))])));
    wrong(&with_list(two_puts(), last(&[("b", 2, Some(2)), ("a", 1, Some(1))])), "wrong place");
    let one_key = of_key([(0, 1, put_as(1, 1)), (2, 3, put_as(2, 2))]);
    right(&with_list(one_key.clone(), last(&[("k", 2, Some(2)), ("k", 1, Some(1))])));
    wrong(&with_list(one_key, last(&[("k", 1, Some(1)), ("k", 2, Some(2))])), "wrong place");
}

#[test]
fn nothing_acknowledged_is_missing() {
    wrong(&with_list(two_puts(), last(&[("a", 1, Some(1))])), "lacks number 2, which was acknowledged");
    wrong(&with_list(of_key([(0, 1, put(1))]), last(&[])), "lacks what was acknowledged");
    let marker = of_key([(0, 1, put_as(1, 1)), (2, 3, deleted(WriteOutcome::Done(Some(version(2)))))]);
    right(&with_list(marker.clone(), last(&[("k", 2, None), ("k", 1, Some(1))])));
    wrong(&with_list(marker, last(&[("k", 1, Some(1))])), "lacks number 2");
    let read = of_key([(0, 1, put_unknown(1)), (2, 3, get_as(1, 1))]);
    wrong(&with_list(read, last(&[])), "lacks number 1, which was read");
}

#[test]
fn what_is_acknowledged_during_a_list_may_be_missing_but_not_before_what_is_shown() {
    let during = |list| with_list(two_puts(), list);
    right(&during(listing(1, 9, Pages::One, &[])));
    right(&during(listing(1, 9, Pages::One, &[("a", 1, Some(1))])));
    wrong(&during(listing(1, 9, Pages::One, &[("b", 2, Some(2))])), "shows a later number, but not 1");
    right(&during(listing(1, 9, Pages::Several, &[("b", 2, Some(2))])));
}

#[test]
fn lists_show_only_what_was_attempted() {
    wrong(
        &with_list(two_puts(), last(&[("a", 3, Some(3)), ("a", 1, Some(1)), ("b", 2, Some(2))])),
        "nobody wrote",
    );
    let failed = of_key([(0, 1, put_with(1, Condition::Always, WriteOutcome::Failed))]);
    wrong(&with_list(failed, last(&[("k", 1, Some(1))])), "did not happen so");
    let refused = of_key([(0, 1, put_as(9, 1)), (2, 3, create(1, WriteOutcome::Refused))]);
    wrong(&with_list(refused, last(&[("k", 2, Some(1)), ("k", 1, Some(9))])), "did not happen so");
    wrong(&with_list(of_key([(0, 1, put_as(1, 1))]), last(&[("k", 1, None)])), "did not happen so");
    wrong(&with_list(of_key([(0, 1, put_as(1, 1))]), last(&[("k", 2, Some(1))])), "did not happen so");
    wrong(
        &with_list(of_key([(8, 9, put_as(1, 1))]), listing(0, 1, Pages::One, &[("k", 1, Some(1))])),
        "did not happen",
    );
}

#[test]
fn an_unknown_write_is_listed_once_at_most() {
    let unknown = || of_key([(0, 1, put_unknown(1)), (2, 3, deleted(WriteOutcome::Unknown))]);
    right(&with_list(unknown(), last(&[])));
    right(&with_list(unknown(), last(&[("k", 2, None), ("k", 1, Some(1))])));
    right(&with_list(unknown(), last(&[("k", 2, Some(1)), ("k", 1, None)])));
    wrong(&with_list(unknown(), last(&[("k", 2, Some(1)), ("k", 1, Some(1))])), "not so often");
    wrong(&with_list(unknown(), last(&[("k", 2, None), ("k", 1, None)])), "not so often");
}

#[test]
fn an_unknown_write_is_not_before_what_had_ended_when_it_began() {
    let history = of_keys([("a", 0, 1, put_as(1, 2)), ("b", 5, 6, put_unknown(2))]);
    right(&with_list(history.clone(), last(&[("a", 2, Some(1)), ("b", 3, Some(2))])));
    wrong(&with_list(history, last(&[("a", 2, Some(1)), ("b", 1, Some(2))])), "not that of time");
}

#[test]
fn what_was_listed_stays_and_stays_the_same() {
    let unknown = || of_keys([("a", 0, 1, put_unknown(1)), ("b", 0, 1, put_unknown(2))]);
    let twice = |second| {
        with_list(with_list(unknown(), listing(5, 6, Pages::One, &[("a", 1, Some(1))])), last(second))
    };
    right(&twice(&[("a", 1, Some(1)), ("b", 2, Some(2))]));
    wrong(&twice(&[]), "lacks number 1, which was listed");
    wrong(&twice(&[("b", 1, Some(2))]), "given twice");
    let either = of_key([(0, 1, put_unknown(1)), (0, 1, delete_with(WriteOutcome::Unknown))]);
    let first = with_list(either, listing(5, 6, Pages::One, &[("k", 1, None)]));
    wrong(&with_list(first, last(&[("k", 1, Some(1))])), "before as another");
}

#[test]
fn reads_show_what_was_written_and_never_go_back() {
    let puts = [(0, 1, put_as(1, 1)), (2, 9, put_as(2, 2))];
    let reads = |first: Action, second: Action| {
        let [a, b] = puts;
        of_key([a, b, (3, 4, first), (5, 6, second)])
    };
    right(&reads(get_as(1, 1), get_as(2, 2)));
    right(&reads(get_as(2, 2), get_as(2, 2)));
    wrong(&reads(get_as(2, 2), get_as(1, 1)), "not that of time");
    wrong(&reads(get_as(1, 2), get_as(2, 2)), "version of another write");
    wrong(&of_key([(0, 1, get_as(1, 1)), (2, 3, put_as(1, 1))]), "not that of time");
    wrong(
        &of_keys([("a", 0, 9, put_as(1, 2)), ("a", 1, 2, get_as(1, 2)), ("b", 3, 4, put_as(2, 1))]),
        "not that of time",
    );
    let other_keys = [
        ("a", 0, 1, put_as(1, 1)),
        ("b", 2, 3, put_as(2, 2)),
        ("b", 4, 5, get_as(2, 2)),
        ("a", 6, 7, get_as(1, 1)),
    ];
    right(&of_keys(other_keys));
}
