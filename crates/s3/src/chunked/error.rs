//! What can be wrong with a chunked body.

use crate::error::{ErrorCode, S3Error};

/// Why a chunked body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkedError {
    /// It ended before its last chunk or trailer, or with less payload than announced.
    #[error("the request body terminated unexpectedly")]
    Incomplete,
    /// It carries more payload than `x-amz-decoded-content-length` says.
    #[error("the request body is longer than x-amz-decoded-content-length says")]
    TooMuchData,
    /// Bytes follow its end.
    #[error("data follows the end of the chunked request body")]
    TrailingData,
    /// A chunk's header or end is malformed.
    #[error("the request body contains a malformed chunk")]
    MalformedChunk,
    /// A chunk's size is no number.
    #[error("the request body contains a chunk whose size is not valid")]
    InvalidChunkSize,
    /// A chunk has no signature, although the request says that it has.
    #[error("the request body contains a chunk without a signature")]
    UnsignedChunk,
    /// The trailers have no signature, although the request says that they have.
    #[error("the request body's trailers have no signature")]
    UnsignedTrailer,
    /// The signature of a chunk or of the trailers is wrong.
    #[error("the signature of a chunk of the request body does not match")]
    SignatureMismatch,
    /// A trailer is malformed, given twice, or not allowed.
    #[error("the request body contains a malformed trailer")]
    MalformedTrailer,
    /// The trailers are longer than anyone needs.
    #[error("the request body's trailers are too long")]
    TrailersTooLong,
    /// The decoder was used again after an error.
    #[error("the request body was refused before")]
    AlreadyFailed,
}

impl From<ChunkedError> for S3Error {
    fn from(error: ChunkedError) -> S3Error {
        let code = match error {
            // S3 has no code of its own for a chunk that it cannot parse; what it can parse ends there.
            ChunkedError::Incomplete
            | ChunkedError::TooMuchData
            | ChunkedError::TrailingData
            | ChunkedError::MalformedChunk
            | ChunkedError::InvalidChunkSize
            | ChunkedError::AlreadyFailed => ErrorCode::IncompleteBody,
            ChunkedError::UnsignedChunk | ChunkedError::UnsignedTrailer | ChunkedError::SignatureMismatch => {
                ErrorCode::SignatureDoesNotMatch
            }
            ChunkedError::MalformedTrailer | ChunkedError::TrailersTooLong => ErrorCode::MalformedTrailer,
        };
        let mut message = error.to_string();
        message[..1].make_ascii_uppercase();
        S3Error::message(code, message)
    }
}
