//! Histories as text: the lines that are kept, and what a violation says.

use crate::support::*;
use esker_checker::{Condition, History, Pages, Value, WriteOutcome, check_order, check_register};
use expect_test::expect;

fn history() -> History {
    let mut history = of_key([
        (1_000, 2_000, put_as(1, 1)),
        (1_500, 2_500, put_with(2, Condition::IfMatch(Value(1)), WriteOutcome::Unknown)),
        (3_000, 4_000, create(3, WriteOutcome::Refused)),
        (5_000, 6_000, delete()),
        (7_000, 8_000, get_as(1, 1)),
        (9_000, 9_500, get_nothing()),
    ]);
    history.list(listing(9_600, 9_700, Pages::Several, &[("k", 2, None), ("k", 1, Some(1))]));
    history
}

#[test]
fn a_history_is_the_same_when_it_is_read_back() {
    let text = history().to_json_lines();
    expect![[r#"
        {"operation":{"client":1,"key":"k","invoked":1000,"returned":2000,"action":"put","value":1,"condition":"always","outcome":{"done":"ffffffff-ffff-8ffe-8000-000000000001"}}}
        {"operation":{"client":1,"key":"k","invoked":1500,"returned":2500,"action":"put","value":2,"condition":{"if_match":1},"outcome":"unknown"}}
        {"operation":{"client":1,"key":"k","invoked":3000,"returned":4000,"action":"put","value":3,"condition":"if_absent","outcome":"refused"}}
        {"operation":{"client":1,"key":"k","invoked":5000,"returned":6000,"action":"delete","condition":"always","outcome":{"done":null}}}
        {"operation":{"client":1,"key":"k","invoked":7000,"returned":8000,"action":"get","outcome":{"found":[1,"ffffffff-ffff-8ffe-8000-000000000001"]}}}
        {"operation":{"client":1,"key":"k","invoked":9000,"returned":9500,"action":"get","outcome":"not_found"}}
        {"listing":{"invoked":9600,"returned":9700,"pages":"several","versions":[{"key":"k","version":"ffffffff-ffff-8ffd-8000-000000000002","entry":"delete_marker"},{"key":"k","version":"ffffffff-ffff-8ffe-8000-000000000001","entry":{"object":1}}]}}
    "#]].assert_eq(&text);
    assert_eq!(History::from_json_lines(&text).unwrap(), history());
    assert_eq!(History::from_json_lines(&format!("\n{text}\n\n")).unwrap(), history());
}

#[test]
fn lines_that_are_no_history_are_named() {
    let error = |text: &str| History::from_json_lines(text).unwrap_err().to_string();
    let line = history().to_json_lines().lines().next().unwrap().to_owned();
    assert!(error(&format!("{line}\nnonsense")).starts_with("line 2 is no operation and no list: "));
    assert!(error(&line.replace("2000", "200")).contains("ends before it begins"));
    assert!(
        error(&line.replace("ffffffff-ffff-8ffe", "ffffffff-ffff-1ffe"))
            .contains("no version has such an id")
    );
}

#[test]
fn a_violation_says_what_is_wrong_and_shows_it() {
    let found = violation(check_register(&history()));
    expect![[r#"
        no order of operations explains this: 0.000007 s to 0.000008 s, client 1, "k": get: v1, number 1
        when it ended, the key could have been: without a value
          0.000001 s to 0.000002 s, client 1, "k": put v1: done as number 1, version ffffffff-ffff-8ffe-8000-000000000001
          0.000001 s to 0.000002 s, client 1, "k": put v2 if it is v1: unknown
          0.000005 s to 0.000006 s, client 1, "k": delete: done
          0.000007 s to 0.000008 s, client 1, "k": get: v1, number 1"#]].assert_eq(&found);
    let found = violation(check_order(&of_keys([("a", 0, 1, put_as(1, 2)), ("b", 2, 3, put_as(2, 1))])));
    expect![[r#"
        the order is not that of time: the operation that had number 2 ended before the one began that had number 1
          0.000000 s to 0.000000 s, client 1, "a": put v1: done as number 2, version ffffffff-ffff-8ffd-8000-000000000002
          0.000000 s to 0.000000 s, client 1, "b": put v2: done as number 1, version ffffffff-ffff-8ffe-8000-000000000001"#]].assert_eq(&found);
}
