//! The S3 protocol as pure functions: request heads to operations, signatures, body framing, checksums, XML.
//!
//! **Architecture Invariant:** no async, no clock, no randomness, no IO. The caller hands in the time, the secret
//! keys and the bytes; everything here can be tested with golden texts and fuzzed.

pub mod auth;
pub mod body;
pub mod checksum;
pub mod chunked;
pub mod encoding;
pub mod error;
pub mod request;
pub mod times;
pub mod xml;

pub use error::{ErrorCode, S3Error};
