//! Headers that would change what a request means, if Esker had what they ask for. Ignoring one would report
//! success for something that was not done, so each gets an explicit error (s3-rules 13).

use crate::error::{ErrorCode, S3Error};
use crate::request::headers::header_text;
use crate::request::operation::Operation;
use http::HeaderMap;

/// Refused on every operation: encryption with keys of the client's.
const ANYWHERE: [&str; 2] =
    ["x-amz-server-side-encryption-customer-", "x-amz-copy-source-server-side-encryption-customer-"];
/// Refused on what creates an object, by prefix.
const ON_WRITES: [&str; 6] = [
    "x-amz-server-side-encryption",
    "x-amz-object-lock-",
    "x-amz-website-redirect-location",
    "x-amz-grant-",
    "x-amz-write-offset-bytes",
    // RFC 9110 14.5: a server that takes no partial PUT must not store the part as the whole.
    "content-range",
];
/// Values that ask for what is the case anyway; any other value is refused.
const ON_WRITES_WITH_VALUE: [(&str, &[&str]); 4] = [
    ("x-amz-acl", &["private"]),
    ("x-amz-tagging", &[]),
    ("x-amz-object-annotation-directive", &["COPY"]),
    ("x-amz-storage-class", &["STANDARD"]),
];
/// The same for CreateBucket.
const ON_CREATE_BUCKET: [(&str, &[&str]); 4] = [
    ("x-amz-acl", &["private"]),
    ("x-amz-bucket-object-lock-enabled", &["false"]),
    ("x-amz-object-ownership", &["BucketOwnerEnforced"]),
    ("x-amz-bucket-namespace", &["global"]),
];
const DATES: [&str; 2] = ["if-modified-since", "if-unmodified-since"];
const TAGS: [&str; 2] = ["if-match", "if-none-match"];

/// Refuses what the operation's input does not already account for.
pub(super) fn refuse(operation: &Operation, headers: &HeaderMap) -> Result<(), S3Error> {
    refuse_prefixes(headers, &ANYWHERE)?;
    refuse_transfer_codings(headers)?;
    match operation {
        Operation::PutObject(_) => {
            refuse_on_writes(headers)?;
            refuse_names(headers, &DATES)
        }
        Operation::CopyObject(_) => {
            refuse_on_writes(headers)?;
            refuse_names(headers, &DATES)?;
            // Only UploadPartCopy copies a part; the whole would be more than was asked for.
            refuse_names(headers, &["x-amz-copy-source-range"])
        }
        Operation::CreateMultipartUpload(_) => {
            refuse_on_writes(headers)?;
            refuse_names(headers, &DATES)?;
            refuse_names(headers, &TAGS)
        }
        Operation::UploadPart(_) | Operation::UploadPartCopy(_) => {
            refuse_names(headers, &["content-range"])?;
            refuse_names(headers, &DATES)?;
            refuse_names(headers, &TAGS)
        }
        Operation::CompleteMultipartUpload(_) => refuse_names(headers, &DATES),
        Operation::DeleteObject(_) => {
            refuse_names(headers, &DATES)?;
            refuse_names(
                headers,
                &["if-none-match", "x-amz-if-match-last-modified-time", "x-amz-if-match-size"],
            )
        }
        Operation::CreateBucket(_) => {
            refuse_prefixes(headers, &["x-amz-grant-"])?;
            refuse_values(headers, &ON_CREATE_BUCKET)
        }
        _ => Ok(()),
    }
}

fn refuse_on_writes(headers: &HeaderMap) -> Result<(), S3Error> {
    refuse_prefixes(headers, &ON_WRITES)?;
    refuse_values(headers, &ON_WRITES_WITH_VALUE)
}

/// RFC 9112 6.1: a body in a coding that is not undone here must not be stored as if it were plain.
fn refuse_transfer_codings(headers: &HeaderMap) -> Result<(), S3Error> {
    match header_text(headers, "transfer-encoding") {
        Some(codings) if !codings.trim().eq_ignore_ascii_case("chunked") => {
            Err(not_implemented("transfer-encoding"))
        }
        _ => Ok(()),
    }
}

fn refuse_prefixes(headers: &HeaderMap, prefixes: &[&str]) -> Result<(), S3Error> {
    let refused = |name: &&http::HeaderName| prefixes.iter().any(|prefix| name.as_str().starts_with(prefix));
    headers.keys().find(refused).map_or(Ok(()), |name| Err(not_implemented(name.as_str())))
}

fn refuse_names(headers: &HeaderMap, names: &[&str]) -> Result<(), S3Error> {
    names.iter().find(|name| headers.contains_key(**name)).map_or(Ok(()), |name| Err(not_implemented(name)))
}

fn refuse_values(headers: &HeaderMap, accepted: &[(&str, &[&str])]) -> Result<(), S3Error> {
    for (name, values) in accepted {
        let Some(value) = header_text(headers, name) else { continue };
        if value.is_empty() || values.iter().any(|accepted| accepted.eq_ignore_ascii_case(&value)) {
            continue;
        }
        if *name == "x-amz-storage-class" {
            return Err(
                S3Error::new(ErrorCode::InvalidStorageClass).with_extra("StorageClassRequested", value)
            );
        }
        return Err(not_implemented(name));
    }
    Ok(())
}

fn not_implemented(name: &str) -> S3Error {
    S3Error::new(ErrorCode::NotImplemented).with_extra("Header", name)
}

#[cfg(test)]
#[path = "unsupported_tests.rs"]
mod tests;
