//! Replies: their bodies, and the headers that all of them carry.

use bytes::Bytes;
use esker_types::{ObjectChecksum, Timestamp, VersionId};
use http_body::{Body, Frame, SizeHint};
use hyper::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::sync::mpsc;

/// `x-amz-version-id`
pub(crate) const VERSION_ID: HeaderName = HeaderName::from_static("x-amz-version-id");
/// `x-amz-delete-marker`
pub(crate) const DELETE_MARKER: HeaderName = HeaderName::from_static("x-amz-delete-marker");
/// `x-amz-copy-source-version-id`
pub(crate) const COPY_SOURCE_VERSION_ID: HeaderName = HeaderName::from_static("x-amz-copy-source-version-id");
/// `x-amz-checksum-type`
pub(crate) const CHECKSUM_TYPE: HeaderName = HeaderName::from_static("x-amz-checksum-type");
/// `x-amz-mp-parts-count`
pub(crate) const PARTS_COUNT: HeaderName = HeaderName::from_static("x-amz-mp-parts-count");
/// `x-amz-bucket-region`
pub(crate) const BUCKET_REGION: HeaderName = HeaderName::from_static("x-amz-bucket-region");
/// `x-amz-request-id`
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");

/// A reply.
pub(crate) type Reply = Response<ReplyBody>;

/// The object could not be read to its end; the connection is cut, so that the client does not take what it has
/// for all there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the object could not be read to its end")]
pub(crate) struct ReadAborted;

/// A reply's body.
#[derive(Debug)]
pub(crate) enum ReplyBody {
    /// No bytes.
    Empty,
    /// All bytes at hand; `None` once they were sent.
    Full(Option<Bytes>),
    /// Bytes that are read while they are sent: exactly `remaining` more, or an error.
    Stream {
        /// Where they come from.
        pieces: mpsc::Receiver<Result<Bytes, ReadAborted>>,
        /// How many are still to come.
        remaining: u64,
    },
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = ReadAborted;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReadAborted>>> {
        match self.get_mut() {
            ReplyBody::Empty => Poll::Ready(None),
            ReplyBody::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            ReplyBody::Stream { remaining: 0, .. } => Poll::Ready(None),
            ReplyBody::Stream { pieces, remaining } => {
                let piece = ready!(pieces.poll_recv(cx)).unwrap_or(Err(ReadAborted));
                let piece = piece.and_then(|piece| {
                    *remaining = remaining.checked_sub(piece.len() as u64).ok_or(ReadAborted)?;
                    Ok(Frame::data(piece))
                });
                Poll::Ready(Some(piece))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, ReplyBody::Empty | ReplyBody::Full(None) | ReplyBody::Stream { remaining: 0, .. })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            ReplyBody::Empty | ReplyBody::Full(None) => 0,
            ReplyBody::Full(Some(bytes)) => bytes.len() as u64,
            ReplyBody::Stream { remaining, .. } => *remaining,
        })
    }
}

/// A reply of this status without a body.
pub(crate) fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(ReplyBody::Empty);
    *reply.status_mut() = status;
    reply
}

/// 200 with an XML document.
pub(crate) fn xml(document: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(ReplyBody::Full(Some(document.into())));
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    reply
}

/// A reply of this status with a line of plain text, for the console.
pub(crate) fn text(status: StatusCode, text: impl Into<Bytes>) -> Reply {
    full(status, "text/plain; charset=utf-8", text)
}

/// A reply of this status with a line of JSON, for the console. It is of the moment, so nobody may keep it.
pub(crate) fn json(status: StatusCode, json: impl Into<Bytes>) -> Reply {
    let mut reply = full(status, "application/json", json);
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// 200 with metrics as Prometheus reads them.
pub(crate) fn metrics_text(text: impl Into<Bytes>) -> Reply {
    full(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text)
}

fn full(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(ReplyBody::Full(Some(body.into())));
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// Adding headers of types that always are valid header values.
pub(crate) trait ReplyExt: Sized {
    /// Adds a header whose text we made, so that it is known to be visible ASCII.
    fn with(self, name: HeaderName, value: impl AsRef<str>) -> Self;

    /// Adds `x-amz-version-id` if there is an id to show.
    fn with_version(self, version: Option<VersionId>) -> Self;

    /// Adds the checksum and its type if there is one.
    fn with_checksum(self, checksum: Option<&ObjectChecksum>) -> Self;
}

impl ReplyExt for Reply {
    fn with(mut self, name: HeaderName, value: impl AsRef<str>) -> Reply {
        self.headers_mut().insert(name, ascii(value.as_ref()));
        self
    }

    fn with_version(self, version: Option<VersionId>) -> Reply {
        match version {
            Some(version) => self.with(VERSION_ID, version.to_string()),
            None => self,
        }
    }

    fn with_checksum(self, checksum: Option<&ObjectChecksum>) -> Reply {
        let Some(checksum) = checksum else { return self };
        let name = esker_s3::checksum::header_name(checksum.value.algorithm());
        self.with(HeaderName::from_static(name), esker_s3::checksum::object_to_text(checksum))
            .with(CHECKSUM_TYPE, checksum.checksum_type().name())
    }
}

/// A header value of a text that we made.
pub(crate) fn ascii(text: &str) -> HeaderValue {
    let value = HeaderValue::from_str(text);
    debug_assert!(value.is_ok(), "{text:?} is no header value");
    value.unwrap_or(HeaderValue::from_static(""))
}

/// A time as headers write it.
pub(crate) fn http_date(time: Timestamp) -> HeaderValue {
    ascii(&esker_s3::times::format_http_date(time))
}
