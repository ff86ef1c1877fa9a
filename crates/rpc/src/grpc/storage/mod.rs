//! [`Storage`](crate::Storage) between processes.

mod client;
mod convert;
mod get;
mod piece;
mod put;
mod server;

pub use client::RemoteStorage;
pub use server::with_storage;

use std::time::Duration;

/// Without progress for so long, a client gives a stream up. Waiting for the bytes of a put does not count, nor does
/// waiting for the reader of a get: both have limits of their own.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// A server gives a stream up when the other side is silent, or takes nothing, for so long. It is longer than
/// any limit of a client: it only ends what a client that lost its mind has left.
const ABANDONED_LIMIT: Duration = Duration::from_secs(15 * 60);

/// The largest message, in bytes: a piece, or a page of a list.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Most blobs in one list or one deletion; more are several calls.
const BLOBS_MAX: usize = 10_000;
