//! Conditional requests: RFC 9110 section 13 with S3's precedence.

use crate::request::headers::header_text;
use crate::times::parse_http_date;
use esker_types::{ETag, ETagCondition, Timestamp, WriteCondition};
use http::HeaderMap;

/// The conditions of a read, or of a copy on its source. Dates are seconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ReadConditions {
    /// `If-Match`
    pub if_match: Option<ETagCondition>,
    /// `If-None-Match`
    pub if_none_match: Option<ETagCondition>,
    /// `If-Modified-Since`
    pub if_modified_since: Option<u64>,
    /// `If-Unmodified-Since`
    pub if_unmodified_since: Option<u64>,
}

/// What a read's conditions decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadVerdict {
    /// Answer as if there were no conditions.
    Proceed,
    /// 304
    NotModified,
    /// 412; names the header that failed.
    Failed(&'static str),
}

impl ReadConditions {
    /// The conditions of a GET or HEAD.
    pub fn of_read(headers: &HeaderMap) -> ReadConditions {
        ReadConditions::parse(headers, "")
    }

    /// The conditions of a copy on its source (`x-amz-copy-source-if-*`).
    pub fn of_copy_source(headers: &HeaderMap) -> ReadConditions {
        ReadConditions::parse(headers, "x-amz-copy-source-")
    }

    fn parse(headers: &HeaderMap, prefix: &str) -> ReadConditions {
        let text = |name: &str| header_text(headers, &format!("{prefix}{name}"));
        // RFC 9110 13.1.3: a recipient must ignore the field if its value is not a valid date.
        let date = |name: &str| text(name).and_then(|value| parse_http_date(value.trim()));
        ReadConditions {
            if_match: text("if-match").map(|value| parse_etags(&value, Comparison::Strong)),
            if_none_match: text("if-none-match").map(|value| parse_etags(&value, Comparison::Weak)),
            if_modified_since: date("if-modified-since"),
            if_unmodified_since: date("if-unmodified-since"),
        }
    }
}

/// The conditions of a write on the current object.
pub fn write_condition(headers: &HeaderMap) -> WriteCondition {
    let conditions = ReadConditions::of_read(headers);
    WriteCondition { if_match: conditions.if_match, if_none_match: conditions.if_none_match }
}

/// Decides a GET or HEAD in the order of RFC 9110 section 13.2.2: `If-Unmodified-Since` counts only without
/// `If-Match`, `If-Modified-Since` only without `If-None-Match`. Dates are compared in whole seconds
/// (s3-rules 3).
pub fn evaluate_read(conditions: &ReadConditions, etag: &ETag, last_modified: Timestamp) -> ReadVerdict {
    let modified = last_modified.seconds();
    match (&conditions.if_match, conditions.if_unmodified_since) {
        (Some(tags), _) if !tags.names(etag) => return ReadVerdict::Failed("If-Match"),
        (None, Some(date)) if modified > date => return ReadVerdict::Failed("If-Unmodified-Since"),
        _ => {}
    }
    match (&conditions.if_none_match, conditions.if_modified_since) {
        (Some(tags), _) if tags.names(etag) => ReadVerdict::NotModified,
        (None, Some(date)) if modified <= date => ReadVerdict::NotModified,
        _ => ReadVerdict::Proceed,
    }
}

/// Decides the conditions of a copy on its source: the same precedence, but a failure is always 412, never 304
/// (s3-rules 3). `Err` names the header that failed.
pub fn evaluate_copy_source(
    conditions: &ReadConditions,
    etag: &ETag,
    last_modified: Timestamp,
) -> Result<(), &'static str> {
    match evaluate_read(conditions, etag, last_modified) {
        ReadVerdict::Proceed => Ok(()),
        ReadVerdict::Failed("If-Match") => Err("x-amz-copy-source-If-Match"),
        ReadVerdict::Failed(_) => Err("x-amz-copy-source-If-Unmodified-Since"),
        ReadVerdict::NotModified if conditions.if_none_match.is_some() => {
            Err("x-amz-copy-source-If-None-Match")
        }
        ReadVerdict::NotModified => Err("x-amz-copy-source-If-Modified-Since"),
    }
}

/// `If-Range` (RFC 9110 section 13.1.5): the range counts only if the object is still this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfRange {
    /// The object has this tag. `None`: a weak or foreign tag, which no object has.
    ETag(Option<ETag>),
    /// The object was last modified in exactly this second.
    Date(u64),
}

impl IfRange {
    /// Parses the header. A text that is neither a tag nor a date holds for no object.
    pub fn parse(text: &str) -> IfRange {
        match parse_http_date(text.trim()) {
            Some(date) => IfRange::Date(date),
            None => IfRange::ETag(ETag::parse(text.trim()).ok()),
        }
    }

    /// Whether the range counts.
    pub fn holds(&self, etag: &ETag, last_modified: Timestamp) -> bool {
        match self {
            IfRange::ETag(tag) => tag.as_ref() == Some(etag),
            IfRange::Date(date) => last_modified.seconds() == *date,
        }
    }
}

/// The condition of an entry of DeleteObjects, which is written as `If-Match` is.
pub(crate) fn parse_if_match(text: &str) -> ETagCondition {
    parse_etags(text, Comparison::Strong)
}

/// How two tags are compared (RFC 9110 section 8.8.3.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    /// A weak tag matches nothing.
    Strong,
    /// A weak tag matches its strong twin.
    Weak,
}

fn parse_etags(text: &str, comparison: Comparison) -> ETagCondition {
    if matches!(text.trim(), "*" | "\"*\"") {
        return ETagCondition::Any;
    }
    let tags = text.split(',').map(str::trim).filter_map(|tag| match tag.strip_prefix("W/") {
        Some(_) if comparison == Comparison::Strong => None,
        Some(weak) => ETag::parse(weak).ok(),
        None => ETag::parse(tag).ok(),
    });
    ETagCondition::Tags(tags.collect())
}

#[cfg(test)]
#[path = "conditions_tests.rs"]
mod tests;
