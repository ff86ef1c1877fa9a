//! A cluster in one process: the real state machine, storage nodes in memory, time that passes when nobody works.

mod client;
mod disk;
mod index;
mod world;

pub use client::Client;
pub use disk::Disk;
pub use index::Index;
pub use world::{Options, World};

use esker_env::Clock;
use esker_types::{BlobId, Timestamp};
use std::time::Duration;
use tokio::time::Instant;

/// Shows the time of tokio's clock, which tests let stand still while anybody works.
#[derive(Debug)]
pub struct TokioClock {
    origin: Instant,
}

impl TokioClock {
    pub fn new() -> TokioClock {
        TokioClock { origin: Instant::now() }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let since = u64::try_from(self.monotonic().as_millis()).unwrap();
        Timestamp::from_millis(1_767_323_045_678 + since)
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// What a blob's bytes are: they follow from its name.
pub fn bytes_of(blob: BlobId, length: u64) -> bytes::Bytes {
    let seed = blob
        .data
        .as_bytes()
        .iter()
        .fold(blob.chunk, |hash, byte| hash.wrapping_mul(16_777_619) ^ u32::from(*byte));
    (0..length)
        .map(|at| (seed.wrapping_mul(31).wrapping_add(u32::try_from(at).unwrap()) >> 3).to_le_bytes()[0])
        .collect()
}
