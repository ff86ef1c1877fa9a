//! The committer: one thread that makes writes durable, many with one fdatasync, and then changes the index.
//!
//! **Architecture Invariant:** only the committer changes the index. So a put, a delete and a move of the same blob
//! are ordered, and a tombstone's space is reserved after that of every copy of what it buries.

mod batch;
mod exclusive;
mod request;
mod thread;
mod write;

pub(crate) use request::{Move, PutOutcome, Request, Requests, Retraction};
pub(crate) use thread::Committer;
pub(crate) use write::{Phase, Write, WriteCount, WriteToken};
