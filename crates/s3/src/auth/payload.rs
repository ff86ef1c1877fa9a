//! What a signature says about the request's body (`x-amz-content-sha256`).

use super::signing::ChunkSigner;
use crate::error::S3Error;

/// What the verified signature says about the body.
#[derive(Clone, Debug)]
pub enum Payload {
    /// Nothing: the body is not signed.
    Unsigned,
    /// The body's SHA-256.
    Sha256([u8; 32]),
    /// `aws-chunked`, every chunk signed.
    StreamingSigned {
        /// Verifies the chunks; seeded with the request's signature.
        signer: ChunkSigner,
        /// Whether signed trailers follow.
        trailer: TrailerMode,
    },
    /// `aws-chunked`, not signed, with trailers.
    StreamingUnsignedTrailer,
}

/// Whether trailers follow a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrailerMode {
    /// The body ends with its last chunk.
    Absent,
    /// Trailers follow the last chunk.
    Present,
}

/// The header's text and meaning, before the signature is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClaimedPayload {
    pub(super) text: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unsigned,
    Sha256([u8; 32]),
    Signed(TrailerMode),
    UnsignedTrailer,
}

impl ClaimedPayload {
    /// Parses `x-amz-content-sha256`.
    pub(super) fn parse(text: &str) -> Result<ClaimedPayload, S3Error> {
        let kind = match text {
            "UNSIGNED-PAYLOAD" => Kind::Unsigned,
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => Kind::Signed(TrailerMode::Absent),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Kind::Signed(TrailerMode::Present),
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Kind::UnsignedTrailer,
            _ if text.starts_with("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD") => {
                return Err(S3Error::not_implemented("Signature version 4a"));
            }
            hash => {
                let mut digest = [0; 32];
                hex::decode_to_slice(hash, &mut digest).map_err(|_| {
                    S3Error::invalid_argument(
                        "x-amz-content-sha256",
                        text,
                        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
                         STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a \
                         valid sha256 value.",
                    )
                })?;
                Kind::Sha256(digest)
            }
        };
        Ok(ClaimedPayload { text: text.to_owned(), kind })
    }

    /// What it means once the request's signature is known to be right.
    pub(super) fn with_signer(&self, signer: impl FnOnce() -> ChunkSigner) -> Payload {
        match self.kind {
            Kind::Unsigned => Payload::Unsigned,
            Kind::Sha256(digest) => Payload::Sha256(digest),
            Kind::Signed(trailer) => Payload::StreamingSigned { signer: signer(), trailer },
            Kind::UnsignedTrailer => Payload::StreamingUnsignedTrailer,
        }
    }
}
