//! [`Metadata`](crate::Metadata) between processes: for nodes without replicas of the version index.

mod client;
mod clock;
mod convert;
mod rounds;
mod server;

pub use client::{Members, RemoteMetadata};
pub use clock::RemoteClock;
pub use server::with_metadata;

/// The largest message, in bytes: a command or an answer with the bytes of small objects in it.
const MESSAGE_BYTES_MAX: usize = 16 << 20;
