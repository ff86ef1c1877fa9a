//! The log's settings.

use crate::error::WalError;
use crate::record::{RECORD_HEADER_BYTES, RECORD_PAYLOAD_BYTES_MAX};
use crate::segment::SEGMENT_HEADER_BYTES;

/// The log's settings.
#[derive(Debug, Clone)]
pub struct WalOptions {
    /// Whose log this is: cluster and node, in any encoding. A log with another identity isn't opened.
    pub identity: [u8; 32],
    /// The size of a segment file in bytes, from 16 KiB to 2 GiB. Default: 64 MiB. A log is opened whatever size
    /// its older segments have.
    pub segment_bytes: u64,
    /// How many empty segments are kept ready, at least 1. Default: 1.
    pub spare_segments: usize,
    /// How many bytes of records may wait for the disk before appends wait too; at least 64 KiB. Each record
    /// counts 64 bytes more than its payload, so that their number is bounded as well. Default: 32 MiB.
    pub queue_bytes_max: u64,
    /// How many bytes of recent entries are kept in memory, beyond those that wait for the disk. Default: 16 MiB.
    pub cache_bytes_max: u64,
}

impl WalOptions {
    /// The defaults, for the log of `identity`.
    pub fn new(identity: [u8; 32]) -> WalOptions {
        WalOptions {
            identity,
            segment_bytes: 64 << 20,
            spare_segments: 1,
            queue_bytes_max: 32 << 20,
            cache_bytes_max: 16 << 20,
        }
    }

    /// The longest payload of an entry, in bytes: 64 MiB, or what fits in three quarters of a segment.
    pub fn payload_bytes_max(&self) -> u64 {
        let fitting = (self.segment_bytes - SEGMENT_HEADER_BYTES) / 4 * 3 - RECORD_HEADER_BYTES as u64;
        fitting.min(RECORD_PAYLOAD_BYTES_MAX)
    }

    pub(crate) fn validate(&self) -> Result<(), WalError> {
        if !(16 << 10..=2 << 30).contains(&self.segment_bytes) || !self.segment_bytes.is_multiple_of(4096) {
            return Err(WalError::InvalidOptions(
                "segment_bytes must be a multiple of 4096 from 16 KiB to 2 GiB",
            ));
        }
        if self.spare_segments == 0 {
            return Err(WalError::InvalidOptions("spare_segments must be at least 1"));
        }
        if self.queue_bytes_max < 64 << 10 {
            return Err(WalError::InvalidOptions("queue_bytes_max must be at least 64 KiB"));
        }
        Ok(())
    }
}
