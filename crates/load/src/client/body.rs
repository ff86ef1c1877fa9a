//! Bodies of requests: slices of the pattern, or a few bytes.

use crate::plan::Content;
use crate::plan::content::Place;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use sha2::{Digest as _, Sha256};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body to send.
#[derive(Clone, Debug)]
pub enum Payload {
    /// These bytes.
    Bytes(Bytes),
    /// A part of an object's content.
    Content {
        /// The contents.
        content: Content,
        /// Where the part begins.
        place: Place,
        /// Its length in bytes.
        bytes: u64,
    },
}

impl Payload {
    /// No body.
    pub fn empty() -> Payload {
        Payload::Bytes(Bytes::new())
    }

    /// What is left to send, in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Payload::Bytes(bytes) => bytes.len() as u64,
            Payload::Content { bytes, .. } => *bytes,
        }
    }

    /// Whether nothing is left to send.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its SHA-256 in hex.
    pub(super) fn sha256(&self) -> String {
        let mut rest = self.clone();
        let mut hasher = Sha256::new();
        while let Some(bytes) = rest.next() {
            hasher.update(&bytes);
        }
        hex::encode(hasher.finalize())
    }

    fn next(&mut self) -> Option<Bytes> {
        if self.is_empty() {
            return None;
        }
        match self {
            Payload::Bytes(bytes) => Some(std::mem::take(bytes)),
            Payload::Content { content, place, bytes } => {
                let next = content.next(place, *bytes);
                *bytes -= next.len() as u64;
                Some(next)
            }
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.next().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len())
    }
}
