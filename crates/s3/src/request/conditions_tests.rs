//! Conditions on reads and copy sources, in the precedence of RFC 9110.

use super::*;
use http::{HeaderName, HeaderValue};

const OLD: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const NEW: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
const MINE: &str = "\"d41d8cd98f00b204e9800998ecf8427e\"";
const OTHER: &str = "\"00000000000000000000000000000000\"";

fn conditions(pairs: &[(&str, &str)]) -> ReadConditions {
    ReadConditions::of_read(&headers(pairs))
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            (HeaderName::try_from(*name).expect("name"), HeaderValue::try_from(*value).expect("value"))
        })
        .collect()
}

fn etag() -> ETag {
    ETag::parse(MINE).expect("tag")
}

/// The last half of second 37: dates must be compared truncated.
const MODIFIED: Timestamp = Timestamp(784_111_777_500_000);

fn verdict(pairs: &[(&str, &str)]) -> ReadVerdict {
    evaluate_read(&conditions(pairs), &etag(), MODIFIED)
}

#[test]
fn each_condition_alone() {
    use ReadVerdict::{Failed, NotModified, Proceed};
    for (header, value, expected) in [
        ("if-match", MINE, Proceed),
        ("if-match", "*", Proceed),
        ("if-match", OTHER, Failed("If-Match")),
        ("if-match", "\"not ours\"", Failed("If-Match")),
        ("if-none-match", MINE, NotModified),
        ("if-none-match", "*", NotModified),
        ("if-none-match", OTHER, Proceed),
        ("if-modified-since", OLD, Proceed),
        ("if-modified-since", SAME, NotModified),
        ("if-modified-since", NEW, NotModified),
        ("if-unmodified-since", OLD, Failed("If-Unmodified-Since")),
        ("if-unmodified-since", SAME, Proceed),
        ("if-unmodified-since", NEW, Proceed),
        ("if-modified-since", "not a date", Proceed),
        ("if-unmodified-since", "not a date", Proceed),
    ] {
        assert_eq!(verdict(&[(header, value)]), expected, "{header}: {value}");
    }
}

// RFC 9110 section 13.2.2; S3 API reference, GetObject, "Notes on conditional requests"
#[test]
fn tags_take_precedence_over_dates() {
    assert_eq!(verdict(&[("if-match", MINE), ("if-unmodified-since", OLD)]), ReadVerdict::Proceed);
    assert_eq!(verdict(&[("if-none-match", MINE), ("if-modified-since", OLD)]), ReadVerdict::NotModified);
    assert_eq!(verdict(&[("if-none-match", OTHER), ("if-modified-since", NEW)]), ReadVerdict::Proceed);
    assert_eq!(verdict(&[("if-match", OTHER), ("if-none-match", MINE)]), ReadVerdict::Failed("If-Match"));
    assert_eq!(verdict(&[("if-match", MINE), ("if-none-match", MINE)]), ReadVerdict::NotModified);
}

#[test]
fn tags_may_be_lists_weak_or_unquoted() {
    let list = format!("{OTHER}, {MINE}");
    assert_eq!(verdict(&[("if-match", &list)]), ReadVerdict::Proceed);
    let bare = MINE.trim_matches('"');
    assert_eq!(verdict(&[("if-match", bare)]), ReadVerdict::Proceed);
    let weak = format!("W/{MINE}");
    assert_eq!(verdict(&[("if-none-match", &weak)]), ReadVerdict::NotModified);
    assert_eq!(verdict(&[("if-match", &weak)]), ReadVerdict::Failed("If-Match"));
}

// s3-rules 3
#[test]
fn a_failed_condition_on_a_copy_source_is_never_not_modified() {
    for (name, value, failed) in [
        ("x-amz-copy-source-if-match", OTHER, "x-amz-copy-source-If-Match"),
        ("x-amz-copy-source-if-none-match", MINE, "x-amz-copy-source-If-None-Match"),
        ("x-amz-copy-source-if-modified-since", SAME, "x-amz-copy-source-If-Modified-Since"),
        ("x-amz-copy-source-if-unmodified-since", OLD, "x-amz-copy-source-If-Unmodified-Since"),
    ] {
        let conditions = ReadConditions::of_copy_source(&headers(&[(name, value)]));
        assert_eq!(evaluate_copy_source(&conditions, &etag(), MODIFIED), Err(failed));
    }
    let plain = ReadConditions::of_copy_source(&headers(&[("if-match", OTHER)]));
    assert_eq!(evaluate_copy_source(&plain, &etag(), MODIFIED), Ok(()), "If-Match is about the destination");
}

// s3-rules 8
#[test]
fn writes_accept_any_and_tags_on_both_sides() {
    let condition = write_condition(&headers(&[("if-match", "*"), ("if-none-match", MINE)]));
    assert_eq!(condition.if_match, Some(ETagCondition::Any));
    assert_eq!(condition.if_none_match, Some(ETagCondition::Tags(vec![etag()])));
    assert!(write_condition(&headers(&[])).is_none());
}

#[test]
fn a_range_counts_only_for_the_object_that_if_range_names() {
    assert!(IfRange::parse(MINE).holds(&etag(), MODIFIED));
    assert!(IfRange::parse(SAME).holds(&etag(), MODIFIED));
    for stale in [OTHER, OLD, NEW, "W/\"d41d8cd98f00b204e9800998ecf8427e\"", "x", ""] {
        assert!(!IfRange::parse(stale).holds(&etag(), MODIFIED), "{stale}");
    }
}
