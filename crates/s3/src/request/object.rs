//! The inputs of the operations on single objects, from query and headers.

use crate::error::{ErrorCode, S3Error};
use crate::request::conditions::{IfRange, ReadConditions, write_condition};
use crate::request::headers::{header_ascii, header_text};
use crate::request::object_headers::ObjectHeaders;
use crate::request::operation::{
    ChecksumMode, DeleteObject, GetObject, GetObjectTagging, HeadObject, PutObject, ReadObject, Selection,
};
use crate::request::parse::{Caller, Parts};
use crate::request::query::Query;
use crate::request::range::parse_range;
use crate::request::version::parse_version_id;
use esker_types::limits::PART_NUMBER_MAX;
use esker_types::{BucketName, ObjectKey, VersionId};
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Query parameters that replace headers of the reply.
const OVERRIDES: [(&str, HeaderName); 6] = [
    ("response-cache-control", header::CACHE_CONTROL),
    ("response-content-disposition", header::CONTENT_DISPOSITION),
    ("response-content-encoding", header::CONTENT_ENCODING),
    ("response-content-language", header::CONTENT_LANGUAGE),
    ("response-content-type", header::CONTENT_TYPE),
    ("response-expires", header::EXPIRES),
];

pub(super) fn get(bucket: BucketName, key: ObjectKey, parts: Parts<'_>) -> Result<GetObject, S3Error> {
    read(bucket, key, parts).map(|read| GetObject { read })
}

pub(super) fn head(bucket: BucketName, key: ObjectKey, parts: Parts<'_>) -> Result<HeadObject, S3Error> {
    read(bucket, key, parts).map(|read| HeadObject { read })
}

fn read(bucket: BucketName, key: ObjectKey, parts: Parts<'_>) -> Result<ReadObject, S3Error> {
    let checksum_mode = match header_ascii(parts.headers, "x-amz-checksum-mode") {
        None | Some("") => ChecksumMode::Disabled,
        Some(mode) if mode.eq_ignore_ascii_case("enabled") => ChecksumMode::Enabled,
        Some(_) => {
            let message = "Value for x-amz-checksum-mode header is invalid.";
            return Err(S3Error::message(ErrorCode::InvalidRequest, message));
        }
    };
    Ok(ReadObject {
        bucket,
        key,
        version: version(parts.query)?,
        selection: selection(parts)?,
        conditions: ReadConditions::of_read(parts.headers),
        checksum_mode,
        overrides: overrides(parts)?,
    })
}

fn selection(parts: Parts<'_>) -> Result<Selection, S3Error> {
    let range = header_text(parts.headers, "range");
    if let Some(number) = parts.query.get("partNumber") {
        if range.is_some() {
            // s3-rules 5
            let message = "Cannot specify both Range header and partNumber query parameter";
            return Err(S3Error::message(ErrorCode::InvalidRequest, message));
        }
        return part_number(number).map(Selection::Part);
    }
    Ok(match range.as_deref().and_then(parse_range) {
        None => Selection::Whole,
        Some(range) => {
            let if_range = header_text(parts.headers, "if-range").map(|text| IfRange::parse(&text));
            Selection::Range { range, if_range }
        }
    })
}

fn overrides(parts: Parts<'_>) -> Result<Vec<(HeaderName, HeaderValue)>, S3Error> {
    let mut overrides = Vec::new();
    for (parameter, header) in OVERRIDES {
        let Some(text) = parts.query.get(parameter) else { continue };
        if parts.caller == Caller::Anonymous {
            let message = "Request specific response headers cannot be used for anonymous GET requests.";
            return Err(S3Error::message(ErrorCode::InvalidRequest, message));
        }
        let value = HeaderValue::from_bytes(text.as_bytes())
            .map_err(|_| S3Error::invalid_argument(parameter, text, "Header value cannot be represented"))?;
        overrides.push((header, value));
    }
    Ok(overrides)
}

pub(super) fn put(bucket: BucketName, key: ObjectKey, parts: Parts<'_>) -> Result<PutObject, S3Error> {
    refuse_version(parts.query)?;
    let headers = ObjectHeaders::parse(parts.headers)?;
    Ok(PutObject { bucket, key, headers, condition: write_condition(parts.headers) })
}

pub(super) fn delete(bucket: BucketName, key: ObjectKey, parts: Parts<'_>) -> Result<DeleteObject, S3Error> {
    let if_match = ReadConditions::of_read(parts.headers).if_match;
    Ok(DeleteObject { bucket, key, version: version(parts.query)?, if_match })
}

pub(super) fn get_tagging(
    bucket: BucketName,
    key: ObjectKey,
    query: &Query,
) -> Result<GetObjectTagging, S3Error> {
    Ok(GetObjectTagging { bucket, key, version: version(query)? })
}

fn version(query: &Query) -> Result<Option<VersionId>, S3Error> {
    query.get("versionId").map(parse_version_id).transpose()
}

/// Versions are immutable: a write that names one was meant otherwise.
pub(super) fn refuse_version(query: &Query) -> Result<(), S3Error> {
    match query.get("versionId") {
        None => Ok(()),
        Some(id) => {
            Err(S3Error::invalid_argument("versionId", id, "This operation does not accept a version-id."))
        }
    }
}

/// Parses `partNumber` (s3-rules 15).
pub(crate) fn part_number(text: &str) -> Result<u16, S3Error> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.filter(|number| (1..=PART_NUMBER_MAX).contains(number)).ok_or_else(|| {
        let message = "Part number must be an integer between 1 and 10000, inclusive";
        S3Error::invalid_argument("partNumber", text, message)
    })
}

/// A header that holds a number of bytes.
pub(super) fn byte_count(headers: &HeaderMap, name: &'static str) -> Result<Option<u64>, S3Error> {
    let Some(text) = header_text(headers, name) else { return Ok(None) };
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.map(Some).ok_or_else(|| {
        S3Error::message(ErrorCode::InvalidRequest, format!("Value for {name} header is invalid."))
    })
}
