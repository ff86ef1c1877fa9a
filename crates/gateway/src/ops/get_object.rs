//! GetObject and HeadObject: one decision about status, headers and bytes, and for GET the bytes too.

use super::OpContext;
use crate::data::{ObjectReader, read_error};
use crate::lookup::{FoundObject, Wanted};
use crate::reply::{PARTS_COUNT, Reply, ReplyExt as _, empty, http_date};
use esker_index::query::Detail;
use esker_rpc::StorageError;
use esker_s3::request::operation::{ChecksumMode, ReadObject, Selection};
use esker_s3::request::{ObjectHeaders, ReadVerdict, evaluate_read};
use esker_s3::{ErrorCode, S3Error};
use esker_types::ByteRange;
use hyper::http::{HeaderMap, HeaderValue, StatusCode, header};

/// A client may take one piece for so many idle limits: it must take some byte within each, and a piece of
/// 256 KiB within all of them, which is 450 bytes a second by default.
const PIECE_IDLES: u32 = 10;

/// What a read replies.
struct ReadPlan {
    /// Status and headers.
    reply: Reply,
    /// The bytes; `None` if there are none.
    range: Option<ByteRange>,
}

pub(super) async fn head(cx: OpContext<'_>, read: &ReadObject) -> Result<Reply, S3Error> {
    let detail = match read.selection {
        Selection::Part(_) => Detail::Manifest,
        Selection::Whole | Selection::Range { .. } => Detail::Record,
    };
    let object = cx.core.find(wanted(read, detail)).await?.for_read(&read.key)?;
    Ok(plan(read, &object)?.reply)
}

pub(super) async fn get(cx: OpContext<'_>, read: &ReadObject) -> Result<Reply, S3Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        let mut object = cx.core.find(wanted(read, Detail::Manifest)).await?.for_read(&read.key)?;
        let ReadPlan { mut reply, range } = plan(read, &object)?;
        let Some(range) = range else { return Ok(reply) };
        let Some(manifest) = object.manifest.take() else {
            tracing::error!(key = %object.key, "an object of bytes has no manifest");
            return Err(ErrorCode::InternalError.into());
        };
        match ObjectReader::open(&cx.core.storage, manifest, range).await {
            Ok(reader) => {
                let patience = cx.core.settings.limits.idle * PIECE_IDLES;
                *reply.body_mut() = reader.into_body(range.length(), patience);
                return Ok(reply);
            }
            // To ask at once again helps nobody; the client will.
            Err(error @ StorageError::Unavailable(_)) => {
                tracing::info!(key = %object.key, version = %object.version, %error, "an object can't be read now");
                return Err(read_error(&error));
            }
            // The version may have been replaced, and its data deleted, since it was looked up.
            Err(error) if tries == 1 => tracing::info!(%error, "an object's data moved; looking it up again"),
            Err(error) => {
                tracing::error!(key = %object.key, version = %object.version, %error, "an object cannot be read");
                return Err(read_error(&error));
            }
        }
    }
}

fn wanted(read: &ReadObject, detail: Detail) -> Wanted<'_> {
    Wanted { bucket: &read.bucket, key: &read.key, version: read.version, detail }
}

/// Decides conditions (RFC 9110 section 13.2.2), then the range, then the headers.
fn plan(read: &ReadObject, object: &FoundObject) -> Result<ReadPlan, S3Error> {
    let record = &object.record;
    match evaluate_read(&read.conditions, &record.etag, object.last_modified) {
        ReadVerdict::Proceed => {}
        ReadVerdict::Failed(condition) => return Err(S3Error::precondition_failed(condition)),
        ReadVerdict::NotModified => {
            let mut reply = identified(StatusCode::NOT_MODIFIED, object);
            // RFC 9110 section 15.4.5: what a cache would update.
            let stored = stored_headers(object);
            for name in [header::CACHE_CONTROL, header::EXPIRES] {
                if let Some(value) = stored.get(&name) {
                    reply.headers_mut().insert(name, value.clone());
                }
            }
            return Ok(ReadPlan { reply, range: None });
        }
    }
    let (status, range) = select(read, object)?;
    let mut reply = identified(status, object);
    reply.headers_mut().extend(stored_headers(object));
    let length = range.map_or(0, |range| range.length());
    reply = reply.with(header::ACCEPT_RANGES, "bytes").with(header::CONTENT_LENGTH, length.to_string());
    if status == StatusCode::PARTIAL_CONTENT
        && let Some(range) = range
    {
        let text = format!("bytes {}-{}/{}", range.first, range.last, record.size);
        reply = reply.with(header::CONTENT_RANGE, text);
    }
    match (&read.selection, record.parts) {
        (Selection::Part(_), Some(parts)) => reply = reply.with(PARTS_COUNT, parts.to_string()),
        // s3-rules 6: SDKs would compare the checksum of the whole with the bytes of a range.
        (Selection::Whole, _) if read.checksum_mode == ChecksumMode::Enabled => {
            reply = reply.with_checksum(record.checksum.as_ref());
        }
        _ => {}
    }
    for (name, value) in &read.overrides {
        reply.headers_mut().insert(name, value.clone());
    }
    Ok(ReadPlan { reply, range })
}

/// The headers that name the version.
fn identified(status: StatusCode, object: &FoundObject) -> Reply {
    let mut reply =
        empty(status).with(header::ETAG, object.record.etag.quoted()).with_version(object.shown_version);
    reply.headers_mut().insert(header::LAST_MODIFIED, http_date(object.last_modified));
    reply
}

fn stored_headers(object: &FoundObject) -> HeaderMap<HeaderValue> {
    ObjectHeaders::from_pairs(object.record.headers.iter().cloned()).reply_headers().into_iter().collect()
}

/// The status and the bytes that the request selects.
fn select(read: &ReadObject, object: &FoundObject) -> Result<(StatusCode, Option<ByteRange>), S3Error> {
    let size = object.record.size;
    let whole = (StatusCode::OK, ByteRange::whole(size));
    match &read.selection {
        Selection::Whole => Ok(whole),
        Selection::Range { if_range: Some(condition), .. }
            if !condition.holds(&object.record.etag, object.last_modified) =>
        {
            Ok(whole)
        }
        Selection::Range { range, .. } => match range.resolve(size) {
            Some(range) => Ok((StatusCode::PARTIAL_CONTENT, Some(range))),
            None => Err(S3Error::invalid_range(size)),
        },
        Selection::Part(number) => select_part(*number, object),
    }
}

/// The bytes of the n-th part, as S3 counts them: by place, whatever the numbers that they were uploaded with.
/// An object that was not uploaded in parts is its own only part.
fn select_part(number: u16, object: &FoundObject) -> Result<(StatusCode, Option<ByteRange>), S3Error> {
    let size = object.record.size;
    let sizes: Vec<u64> = match (&object.manifest, object.record.parts) {
        (Some(manifest), Some(_)) => manifest.parts.iter().map(|part| part.size).collect(),
        _ => vec![size],
    };
    let at = usize::from(number).checked_sub(1).filter(|at| *at < sizes.len());
    let Some(at) = at else {
        let message = "The requested partnumber is not satisfiable";
        return Err(S3Error::message(ErrorCode::InvalidPart, message)
            .with_extra("ActualPartCount", sizes.len().to_string())
            .with_extra("PartNumberRequested", number.to_string()));
    };
    let first: u64 = sizes[..at].iter().sum();
    let range = ByteRange::whole(sizes[at])
        .map(|range| ByteRange { first: first + range.first, last: first + range.last });
    Ok((StatusCode::PARTIAL_CONTENT, range))
}
