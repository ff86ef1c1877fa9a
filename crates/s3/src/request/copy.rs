//! The input of CopyObject.

use crate::checksum::header::algorithm;
use crate::error::{ErrorCode, S3Error};
use crate::request::conditions::{ReadConditions, write_condition};
use crate::request::copy_source::CopySource;
use crate::request::headers::{header_ascii, header_text};
use crate::request::object::refuse_version;
use crate::request::object_headers::ObjectHeaders;
use crate::request::operation::{CopyObject, MetadataDirective};
use crate::request::parse::Parts;
use esker_types::{BucketName, ObjectKey};
use http::HeaderMap;

const SELF_COPY: &str = "This copy request is illegal because it is trying to copy an object to itself without \
    changing the object's metadata, storage class, website redirect location or encryption attributes.";

pub(super) fn copy_object(
    bucket: BucketName,
    key: ObjectKey,
    parts: Parts<'_>,
) -> Result<CopyObject, S3Error> {
    refuse_version(parts.query)?;
    let source = source(parts.headers)?;
    let metadata = match directive(parts.headers, "x-amz-metadata-directive")? {
        Directive::Copy => MetadataDirective::Copy,
        Directive::Replace => MetadataDirective::Replace(ObjectHeaders::parse(parts.headers)?),
    };
    // There are no tags yet, so that copying them and replacing them by none are the same.
    directive(parts.headers, "x-amz-tagging-directive")?;
    let to_itself = source.bucket == bucket && source.key == key;
    // versioning.md, "Copy": naming a version is how it is restored.
    if to_itself && source.version.is_none() && metadata == MetadataDirective::Copy {
        return Err(S3Error::message(ErrorCode::InvalidRequest, SELF_COPY));
    }
    Ok(CopyObject {
        bucket,
        key,
        source,
        source_conditions: ReadConditions::of_copy_source(parts.headers),
        condition: write_condition(parts.headers),
        metadata,
        checksum_algorithm: algorithm(parts.headers, "x-amz-checksum-algorithm")?,
    })
}

/// Parses `x-amz-copy-source`.
pub(super) fn source(headers: &HeaderMap) -> Result<CopySource, S3Error> {
    let raw = headers.get("x-amz-copy-source").map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    // Some clients send the key as UTF-8 without encoding it.
    let text = String::from_utf8(raw).map_err(|_| {
        let latin1 = header_text(headers, "x-amz-copy-source").unwrap_or_default();
        S3Error::invalid_argument("x-amz-copy-source", latin1, "The copy source is not UTF-8")
    })?;
    CopySource::parse(text.trim())
}

#[derive(Clone, Copy)]
enum Directive {
    Copy,
    Replace,
}

fn directive(headers: &HeaderMap, name: &'static str) -> Result<Directive, S3Error> {
    match header_ascii(headers, name) {
        None | Some("" | "COPY") => Ok(Directive::Copy),
        Some("REPLACE") => Ok(Directive::Replace),
        Some(other) => {
            let what = if name == "x-amz-tagging-directive" { "tagging" } else { "metadata" };
            Err(S3Error::invalid_argument(name, other, format!("Unknown {what} directive.")))
        }
    }
}
