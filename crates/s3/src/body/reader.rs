//! Takes a body apart as it arrives and checks what it amounts to.

use super::{BodyKind, BodyPlan, Framing};
use crate::checksum::{self, ChecksumState, ExpectedChecksum, header_name};
use crate::chunked::{AwsChunkedDecoder, Trailers};
use crate::error::{ErrorCode, S3Error};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use esker_types::{Checksum, ChecksumAlgorithm, ETag};
use sha2::{Digest as _, Sha256};

/// Decodes and checks one body. It does no IO: hand it bytes as they arrive, take out payload.
///
/// The MD5 of the payload is the caller's to compute, who can do that for several bodies at once
/// ([`crate::md5::update_all`]).
///
/// What comes out is not known to be what the client meant until [`BodyReader::finish`] has succeeded, so until
/// then it may be written, but not take effect.
#[derive(Debug)]
pub struct BodyReader {
    kind: BodyKind,
    decoder: Option<AwsChunkedDecoder>,
    length: Option<u64>,
    received: u64,
    sha256: Option<Sha256>,
    checksum: Option<ChecksumState>,
    expected: Expected,
}

#[derive(Debug)]
struct Expected {
    md5: Option<[u8; 16]>,
    sha256: Option<[u8; 32]>,
    checksum: Option<ExpectedChecksum>,
}

/// What a complete and correct body amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodySummary {
    /// Its length in bytes.
    pub size: u64,
    /// Its MD5.
    pub md5: [u8; 16],
    /// The checksum that the client stated, or that the plan says to compute.
    pub checksum: Option<Checksum>,
}

impl BodySummary {
    /// The ETag of an object or part with this body.
    pub fn etag(&self) -> ETag {
        ETag::of_body(self.md5)
    }
}

impl BodyReader {
    /// A reader that has seen nothing yet.
    pub fn new(plan: BodyPlan) -> BodyReader {
        let length = plan.length;
        let decoder = match plan.framing {
            Framing::Plain => None,
            Framing::Chunked(mode) => Some(AwsChunkedDecoder::new(mode, length.unwrap_or(0))),
        };
        BodyReader {
            kind: plan.kind,
            decoder,
            length,
            received: 0,
            sha256: plan.sha256.map(|_| Sha256::new()),
            checksum: plan.compute.map(ChecksumState::new),
            expected: Expected { md5: plan.md5, sha256: plan.sha256, checksum: plan.checksum },
        }
    }

    /// Takes bytes off the front of `input` and returns the next piece of payload, never empty and not copied;
    /// `None` once `input` is used up.
    ///
    /// # Errors
    /// The body is too long, or its framing or a chunk's signature is wrong.
    pub fn decode(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, S3Error> {
        let piece = match &mut self.decoder {
            Some(decoder) => decoder.decode(input)?,
            None => Some(std::mem::take(input)).filter(|piece| !piece.is_empty()),
        };
        let Some(piece) = piece else { return Ok(None) };
        self.received = self.received.saturating_add(piece.len() as u64);
        if self.received > self.kind.bytes_max() {
            return Err(self.kind.too_long(None));
        }
        if self.length.is_some_and(|length| self.received > length) {
            return Err(incomplete(self.length, self.received));
        }
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(&piece);
        }
        if let Some(checksum) = &mut self.checksum {
            checksum.update(&piece);
        }
        Ok(Some(piece))
    }

    /// Ends the body and checks its length, digests and trailers (s3-rules 10). `md5` is that of the payload.
    ///
    /// # Errors
    /// `IncompleteBody`, `XAmzContentSHA256Mismatch`, `BadDigest`, `MalformedTrailerError`, `InvalidRequest`,
    /// `SignatureDoesNotMatch`.
    pub fn finish(self, md5: [u8; 16]) -> Result<BodySummary, S3Error> {
        if self.received > self.kind.bytes_max() {
            return Err(self.kind.too_long(None));
        }
        let trailers = match self.decoder {
            Some(decoder) => decoder.finish()?,
            None => Trailers::new(),
        };
        if self.length.is_some_and(|length| self.received != length) {
            return Err(incomplete(self.length, self.received));
        }
        if let (Some(expected), Some(sha256)) = (self.expected.sha256, self.sha256) {
            check_sha256(expected, sha256.finalize().into())?;
        }
        check_md5(self.expected.md5, md5)?;
        let checksum = self.checksum.map(ChecksumState::finish);
        let stated = stated_checksum(self.expected.checksum, &trailers)?;
        check_checksum(stated.as_ref(), checksum.as_ref())?;
        Ok(BodySummary { size: self.received, md5, checksum })
    }
}

fn incomplete(length: Option<u64>, received: u64) -> S3Error {
    S3Error::new(ErrorCode::IncompleteBody)
        .with_extra("NumberBytesExpected", length.unwrap_or(0).to_string())
        .with_extra("NumberBytesProvided", received.to_string())
}

fn check_sha256(expected: [u8; 32], computed: [u8; 32]) -> Result<(), S3Error> {
    if expected == computed {
        return Ok(());
    }
    Err(S3Error::new(ErrorCode::XAmzContentSha256Mismatch)
        .with_extra("ClientComputedContentSHA256", hex::encode(expected))
        .with_extra("S3ComputedContentSHA256", hex::encode(computed)))
}

fn check_md5(expected: Option<[u8; 16]>, computed: [u8; 16]) -> Result<(), S3Error> {
    match expected {
        Some(expected) if expected != computed => Err(S3Error::message(
            ErrorCode::BadDigest,
            "The Content-MD5 you specified did not match what we received.",
        )
        .with_extra("ExpectedDigest", BASE64_STANDARD.encode(expected))
        .with_extra("CalculatedDigest", BASE64_STANDARD.encode(computed))),
        _ => Ok(()),
    }
}

/// The value that the client stated, from the header or from the trailer that it announced.
fn stated_checksum(
    expected: Option<ExpectedChecksum>,
    trailers: &Trailers,
) -> Result<Option<Checksum>, S3Error> {
    let announced = match expected {
        Some(ExpectedChecksum::Trailer(algorithm)) => Some(algorithm),
        _ => None,
    };
    let allowed = |name: &str| announced.is_some_and(|algorithm| header_name(algorithm) == name);
    if trailers.iter().any(|(name, _)| !allowed(name)) {
        return Err(ErrorCode::MalformedTrailer.into());
    }
    match expected {
        None => Ok(None),
        Some(ExpectedChecksum::Value(value)) => Ok(Some(value)),
        Some(ExpectedChecksum::Trailer(algorithm)) => trailer_checksum(algorithm, trailers).map(Some),
    }
}

fn trailer_checksum(algorithm: ChecksumAlgorithm, trailers: &Trailers) -> Result<Checksum, S3Error> {
    let (name, text) = trailers.first().ok_or(ErrorCode::MalformedTrailer)?;
    checksum::parse(algorithm, text).ok_or_else(|| {
        S3Error::message(ErrorCode::InvalidRequest, format!("Value for {name} trailing header is invalid."))
    })
}

fn check_checksum(stated: Option<&Checksum>, computed: Option<&Checksum>) -> Result<(), S3Error> {
    match (stated, computed) {
        (Some(stated), computed) if Some(stated) != computed => {
            let name = stated.algorithm().name();
            let message = format!("The {name} you specified did not match the calculated checksum.");
            Err(S3Error::message(ErrorCode::BadDigest, message))
        }
        _ => Ok(()),
    }
}
