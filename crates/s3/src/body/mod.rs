//! How a request's body arrives and what it must amount to, decided from the request's head.

mod reader;

pub use reader::{BodyReader, BodySummary};

use crate::auth::{Payload, TrailerMode};
use crate::checksum::ExpectedChecksum;
use crate::chunked::ChunkedMode;
use crate::error::{ErrorCode, S3Error};
use crate::request::headers::header_ascii;
use crate::request::hoisted::effective_headers;
use crate::request::target::RequestHead;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use esker_types::ChecksumAlgorithm;
use esker_types::limits::PUT_BYTES_MAX;
use http::HeaderMap;

/// What a body is for, which decides how long it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// The bytes of an object or part: up to 5 GiB, and its length is known or it is chunked (s3-rules 9).
    Object,
    /// The XML of DeleteObjects: up to 2 MiB (1000 keys of 1 KiB), with a digest (s3-rules 19).
    DeleteObjects,
    /// The XML of CompleteMultipartUpload: up to 4 MiB, which 10,000 parts with checksums fit.
    CompleteMultipartUpload,
    /// The XML of anything else: up to 64 KiB.
    Document,
}

impl BodyKind {
    /// The longest body of this kind, in bytes.
    pub const fn bytes_max(self) -> u64 {
        match self {
            BodyKind::Object => PUT_BYTES_MAX,
            BodyKind::DeleteObjects => 2 << 20,
            BodyKind::CompleteMultipartUpload => 4 << 20,
            BodyKind::Document => 64 << 10,
        }
    }

    /// The error for a longer one.
    fn too_long(self, proposed: Option<u64>) -> S3Error {
        let error = match self {
            BodyKind::Object => S3Error::new(ErrorCode::EntityTooLarge),
            _ => S3Error::new(ErrorCode::MaxMessageLengthExceeded),
        };
        let error = match proposed {
            Some(bytes) => error.with_extra("ProposedSize", bytes.to_string()),
            None => error,
        };
        error.with_extra("MaxSizeAllowed", self.bytes_max().to_string())
    }
}

/// How a body arrives and what it must amount to.
#[derive(Clone, Debug)]
pub struct BodyPlan {
    kind: BodyKind,
    framing: Framing,
    length: Option<u64>,
    md5: Option<[u8; 16]>,
    sha256: Option<[u8; 32]>,
    checksum: Option<ExpectedChecksum>,
    compute: Option<ChecksumAlgorithm>,
}

#[derive(Clone, Debug)]
enum Framing {
    Plain,
    Chunked(ChunkedMode),
}

impl BodyPlan {
    /// Reads the plan from a request's head; `payload` comes from its verified signature.
    ///
    /// # Errors
    /// `MissingContentLength`, `EntityTooLarge`, `MaxMessageLengthExceeded`, `InvalidDigest`, `InvalidRequest`.
    pub fn parse(head: &RequestHead<'_>, payload: Payload, kind: BodyKind) -> Result<BodyPlan, S3Error> {
        let headers = effective_headers(head)?;
        let checksum = match kind {
            // Here the checksum headers state the object's value, not the document's.
            BodyKind::CompleteMultipartUpload => None,
            BodyKind::Object | BodyKind::DeleteObjects | BodyKind::Document => {
                ExpectedChecksum::parse(&headers)?
            }
        };
        let (framing, sha256, trailer) = match payload {
            Payload::Unsigned => (Framing::Plain, None, TrailerMode::Absent),
            Payload::Sha256(digest) => (Framing::Plain, Some(digest), TrailerMode::Absent),
            Payload::StreamingSigned { signer, trailer } => {
                (Framing::Chunked(ChunkedMode::Signed(signer, trailer)), None, trailer)
            }
            Payload::StreamingUnsignedTrailer => {
                (Framing::Chunked(ChunkedMode::Unsigned), None, TrailerMode::Present)
            }
        };
        if trailer == TrailerMode::Absent && headers.contains_key("x-amz-trailer") {
            let message = "x-amz-trailer needs an x-amz-content-sha256 that announces trailers";
            return Err(S3Error::message(ErrorCode::InvalidRequest, message));
        }
        let length = match framing {
            Framing::Plain => plain_length(&headers, kind)?,
            Framing::Chunked(_) => Some(decoded_length(&headers)?),
        };
        if let Some(length) = length.filter(|length| *length > kind.bytes_max()) {
            return Err(kind.too_long(Some(length)));
        }
        let md5 = content_md5(&headers)?;
        if kind == BodyKind::DeleteObjects && md5.is_none() && checksum.is_none() {
            let message = "Missing required header for this request: Content-MD5 OR x-amz-checksum-*";
            return Err(S3Error::message(ErrorCode::InvalidRequest, message));
        }
        let compute = checksum.as_ref().map(ExpectedChecksum::algorithm);
        Ok(BodyPlan { kind, framing, length, md5, sha256, checksum, compute })
    }

    /// How many bytes of payload will come, if the client said so.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The algorithm of the checksum that the client states.
    pub fn stated_algorithm(&self) -> Option<ChecksumAlgorithm> {
        self.checksum.as_ref().map(ExpectedChecksum::algorithm)
    }

    /// Computes a checksum of this algorithm if the client states none, as S3 does with CRC-64/NVME.
    #[must_use]
    pub fn or_compute(mut self, algorithm: ChecksumAlgorithm) -> BodyPlan {
        self.compute = self.compute.or(Some(algorithm));
        self
    }

    /// For a part of an upload whose parts have checksums of this algorithm: computes it, whether or not the
    /// client states it.
    ///
    /// # Errors
    /// `InvalidRequest` if the client states another one.
    pub fn require_algorithm(self, algorithm: ChecksumAlgorithm) -> Result<BodyPlan, S3Error> {
        match self.stated_algorithm() {
            Some(stated) if stated != algorithm => {
                let name = |algorithm: ChecksumAlgorithm| algorithm.name().to_ascii_lowercase();
                let message = format!(
                    "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                    name(algorithm),
                    name(stated)
                );
                Err(S3Error::message(ErrorCode::InvalidRequest, message))
            }
            _ => Ok(self.or_compute(algorithm)),
        }
    }
}

/// The length of a body that is not `aws-chunked`; `None` with `Transfer-Encoding: chunked`, or for a document
/// without any framing, which then is empty or ends with its stream.
fn plain_length(headers: &HeaderMap, kind: BodyKind) -> Result<Option<u64>, S3Error> {
    if headers.contains_key("x-amz-decoded-content-length") {
        // Otherwise the framing of a chunked body would be stored as if it were data.
        let message = "x-amz-decoded-content-length needs a streaming x-amz-content-sha256";
        return Err(S3Error::message(ErrorCode::InvalidRequest, message));
    }
    if let Some(length) = number(headers, "content-length")? {
        return Ok(Some(length));
    }
    let encoding = header_ascii(headers, "transfer-encoding").unwrap_or_default().to_ascii_lowercase();
    if kind == BodyKind::Object && !encoding.ends_with("chunked") {
        return Err(ErrorCode::MissingContentLength.into());
    }
    Ok(None)
}

fn decoded_length(headers: &HeaderMap) -> Result<u64, S3Error> {
    number(headers, "x-amz-decoded-content-length")?.ok_or_else(|| {
        let message = "You must provide the x-amz-decoded-content-length HTTP header.";
        S3Error::message(ErrorCode::MissingContentLength, message)
    })
}

fn number(headers: &HeaderMap, name: &'static str) -> Result<Option<u64>, S3Error> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // More digits than fit is more bytes than anyone may send.
    let number = digits.then(|| text.parse().unwrap_or(u64::MAX));
    number.map(Some).ok_or_else(|| S3Error::invalid_argument(name, text, "Not a number of bytes"))
}

fn content_md5(headers: &HeaderMap) -> Result<Option<[u8; 16]>, S3Error> {
    let Some(value) = headers.get("content-md5") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let digest = BASE64_STANDARD.decode(text).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    // s3-rules 10
    digest.map(Some).ok_or_else(|| S3Error::new(ErrorCode::InvalidDigest).with_extra("Content-MD5", text))
}

#[cfg(test)]
mod tests;
