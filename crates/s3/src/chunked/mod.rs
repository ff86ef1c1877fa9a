//! Decodes `Content-Encoding: aws-chunked`, with or without signatures and trailers.
//!
//! Source: S3 API reference, "Signature Calculations for the Authorization Header: Transferring Payload in
//! Multiple Chunks", and "… Including Trailing Headers". S3's rule that all chunks but the last have at least
//! 8 KiB is not enforced: small chunks harm nobody here.

mod error;
mod header;

pub use error::ChunkedError;

use crate::auth::{ChunkSigner, TrailerMode};
use bytes::Bytes;
use header::ChunkHeader;
use sha2::{Digest as _, Sha256};

/// Longest chunk header, in bytes: 16 hex digits, a signature, and room for extensions.
const CHUNK_HEADER_BYTES_MAX: usize = 1024;
/// Longest trailer section, in bytes.
const TRAILER_BYTES_MAX: usize = 8 * 1024;
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// How a chunked body is protected.
#[derive(Clone, Debug)]
pub enum ChunkedMode {
    /// Every chunk is signed, and so are the trailers if there are any.
    Signed(ChunkSigner, TrailerMode),
    /// Nothing is signed; trailers may follow.
    Unsigned,
}

/// Trailing headers in the order sent: names in lower case, values trimmed.
pub type Trailers = Vec<(String, String)>;

/// A decoder that does no IO: hand it bytes as they arrive, take out payload.
///
/// Memory is bounded by a chunk header or trailer section: payload is passed on without being copied, *before*
/// its chunk's signature is known to be right. So nothing that comes out may take effect until
/// [`AwsChunkedDecoder::finish`] has succeeded.
#[derive(Debug)]
pub struct AwsChunkedDecoder {
    mode: ChunkedMode,
    state: State,
    /// Payload bytes still to come, according to `x-amz-decoded-content-length`.
    remaining: u64,
    /// An incomplete line.
    line: Vec<u8>,
    trailer_bytes: usize,
    trailers: Trailers,
}

#[derive(Debug)]
enum State {
    /// Before the line that begins a chunk.
    ChunkHeader,
    /// Within a chunk's data.
    Data { left: u64, hasher: Sha256, signature: Option<String> },
    /// Before the line end that ends a chunk's data.
    DataEnd,
    /// After the last chunk: trailers, up to an empty line.
    Trailers,
    /// After that empty line.
    Done,
    /// An error was returned.
    Failed,
}

impl AwsChunkedDecoder {
    /// A decoder of a body whose payload has exactly `decoded_length` bytes.
    pub fn new(mode: ChunkedMode, decoded_length: u64) -> AwsChunkedDecoder {
        AwsChunkedDecoder {
            mode,
            state: State::ChunkHeader,
            remaining: decoded_length,
            line: Vec::new(),
            trailer_bytes: 0,
            trailers: Vec::new(),
        }
    }

    /// Takes bytes off the front of `input` and returns the next piece of payload, never empty; `None` once
    /// `input` is used up.
    ///
    /// # Errors
    /// The body is malformed, too long, or its signature wrong. The decoder is of no use afterwards.
    pub fn decode(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, ChunkedError> {
        let result = self.step(input);
        if result.is_err() {
            self.state = State::Failed;
        }
        result
    }

    /// Ends the body and returns its trailers.
    ///
    /// # Errors
    /// The body ended early.
    pub fn finish(self) -> Result<Trailers, ChunkedError> {
        match self.state {
            State::Done => Ok(self.trailers),
            State::Failed => Err(ChunkedError::AlreadyFailed),
            _ => Err(ChunkedError::Incomplete),
        }
    }

    fn step(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, ChunkedError> {
        while !input.is_empty() {
            match &mut self.state {
                State::Data { left, hasher, .. } if *left > 0 => {
                    let take = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                    let piece = input.split_to(take);
                    if matches!(self.mode, ChunkedMode::Signed(..)) {
                        hasher.update(&piece);
                    }
                    *left -= take as u64;
                    if *left == 0 {
                        self.end_data()?;
                    }
                    return Ok(Some(piece));
                }
                State::Data { .. } => self.end_data()?,
                State::ChunkHeader => {
                    if let Some(line) = self.take_line(input, CHUNK_HEADER_BYTES_MAX)? {
                        self.begin_chunk(&line)?;
                    }
                }
                State::DataEnd => {
                    if let Some(line) = self.take_line(input, 2)? {
                        if !line.is_empty() {
                            return Err(ChunkedError::MalformedChunk);
                        }
                        self.state = State::ChunkHeader;
                    }
                }
                State::Trailers => {
                    let limit = TRAILER_BYTES_MAX - self.trailer_bytes;
                    if let Some(line) = self.take_line(input, limit)? {
                        self.take_trailer(&line)?;
                    }
                }
                State::Done => return Err(ChunkedError::TrailingData),
                State::Failed => return Err(ChunkedError::AlreadyFailed),
            }
        }
        Ok(None)
    }

    /// The next line without its CRLF, once all of it has arrived. `limit` counts the CRLF.
    fn take_line(&mut self, input: &mut Bytes, limit: usize) -> Result<Option<Vec<u8>>, ChunkedError> {
        let end = input.iter().position(|byte| *byte == b'\n').map_or(input.len(), |at| at + 1);
        if self.line.len() + end > limit {
            return Err(match self.state {
                State::Trailers => ChunkedError::TrailersTooLong,
                _ => ChunkedError::MalformedChunk,
            });
        }
        self.line.extend_from_slice(&input.split_to(end));
        if !self.line.ends_with(b"\r\n") {
            return Ok(None);
        }
        let mut line = std::mem::take(&mut self.line);
        if matches!(self.state, State::Trailers) {
            self.trailer_bytes += line.len();
        }
        line.truncate(line.len() - 2);
        Ok(Some(line))
    }

    fn begin_chunk(&mut self, line: &[u8]) -> Result<(), ChunkedError> {
        let ChunkHeader { size, signature } = ChunkHeader::parse(line)?;
        if matches!(self.mode, ChunkedMode::Signed(..)) && signature.is_none() {
            return Err(ChunkedError::UnsignedChunk);
        }
        self.remaining = self.remaining.checked_sub(size).ok_or(ChunkedError::TooMuchData)?;
        if size > 0 {
            self.state = State::Data { left: size, hasher: Sha256::new(), signature };
            return Ok(());
        }
        if self.remaining > 0 {
            return Err(ChunkedError::Incomplete);
        }
        self.accept_chunk(Sha256::new(), signature)?;
        self.state = State::Trailers;
        Ok(())
    }

    fn end_data(&mut self) -> Result<(), ChunkedError> {
        if let State::Data { hasher, signature, .. } = std::mem::replace(&mut self.state, State::DataEnd) {
            self.accept_chunk(hasher, signature)?;
        }
        Ok(())
    }

    fn accept_chunk(&mut self, hasher: Sha256, signature: Option<String>) -> Result<(), ChunkedError> {
        let ChunkedMode::Signed(signer, _) = &mut self.mode else { return Ok(()) };
        let signature = signature.ok_or(ChunkedError::UnsignedChunk)?;
        if signer.accept_chunk(hasher.finalize().into(), &signature) {
            Ok(())
        } else {
            Err(ChunkedError::SignatureMismatch)
        }
    }

    fn take_trailer(&mut self, line: &[u8]) -> Result<(), ChunkedError> {
        if line.is_empty() {
            return self.end_trailers();
        }
        let text = std::str::from_utf8(line).map_err(|_| ChunkedError::MalformedTrailer)?;
        let (name, value) = text.split_once(':').ok_or(ChunkedError::MalformedTrailer)?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
        if matches!(self.mode, ChunkedMode::Signed(_, TrailerMode::Absent)) || name.is_empty() {
            return Err(ChunkedError::MalformedTrailer);
        }
        if self.trailers.iter().any(|(n, _)| *n == name) {
            return Err(ChunkedError::MalformedTrailer);
        }
        self.trailers.push((name, value));
        Ok(())
    }

    fn end_trailers(&mut self) -> Result<(), ChunkedError> {
        self.state = State::Done;
        let ChunkedMode::Signed(signer, TrailerMode::Present) = &mut self.mode else { return Ok(()) };
        let at = self.trailers.iter().position(|(name, _)| name == TRAILER_SIGNATURE);
        let (_, signature) = self.trailers.remove(at.ok_or(ChunkedError::UnsignedTrailer)?);
        let canonical: String =
            self.trailers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        if signer.accept_trailer(canonical.as_bytes(), &signature) {
            Ok(())
        } else {
            Err(ChunkedError::SignatureMismatch)
        }
    }
}

#[cfg(test)]
mod tests;
