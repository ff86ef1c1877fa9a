//! A batch of records as one frame: written by one write, made durable by one sync, valid as a whole.
//!
//! A frame starts at a multiple of 8 bytes: 56 bytes of header, the records, zeros up to the next multiple of 8.
//! All numbers are little-endian.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `EWF1` |
//! | 4 | 4 | CRC-32C of header bytes 8 to 56 |
//! | 8 | 8 | salt of the segment |
//! | 16 | 8 | frame number: one more than the frame before it, across segments |
//! | 24 | 8 | segment of the position up to which everything was synced when this frame was written |
//! | 32 | 8 | offset of that position |
//! | 40 | 4 | length of the records in bytes |
//! | 44 | 4 | number of records |
//! | 48 | 4 | CRC-32C of the records |
//! | 52 | 4 | zero |

use crate::bytes::{crc32c, u32_at, u64_at};

/// The length of a frame's header.
pub(crate) const FRAME_HEADER_BYTES: usize = 56;

/// Frames start at multiples of this.
pub(crate) const FRAME_ALIGNMENT: u64 = 8;

/// The first four bytes of a frame.
pub(crate) const FRAME_MAGIC: [u8; 4] = *b"EWF1";

/// A place in the log. The order is that of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LogPosition {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

/// What a frame says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) salt: u64,
    pub(crate) number: u64,
    /// Everything before this was synced when the frame was written.
    pub(crate) synced: LogPosition,
    pub(crate) payload_bytes: u32,
    pub(crate) records: u32,
    pub(crate) payload_crc: u32,
}

impl FrameHeader {
    pub(crate) fn encode(&self) -> [u8; FRAME_HEADER_BYTES] {
        let mut out = [0; FRAME_HEADER_BYTES];
        out[..4].copy_from_slice(&FRAME_MAGIC);
        out[8..16].copy_from_slice(&self.salt.to_le_bytes());
        out[16..24].copy_from_slice(&self.number.to_le_bytes());
        out[24..32].copy_from_slice(&self.synced.segment.to_le_bytes());
        out[32..40].copy_from_slice(&self.synced.offset.to_le_bytes());
        out[40..44].copy_from_slice(&self.payload_bytes.to_le_bytes());
        out[44..48].copy_from_slice(&self.records.to_le_bytes());
        out[48..52].copy_from_slice(&self.payload_crc.to_le_bytes());
        let crc = crc32c(&out[8..]);
        out[4..8].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// The header at the start of `bytes`, if it is whole and unharmed.
    pub(crate) fn decode(bytes: &[u8]) -> Option<FrameHeader> {
        let bytes = bytes.get(..FRAME_HEADER_BYTES)?;
        if bytes[..4] != FRAME_MAGIC || u32_at(bytes, 4)? != crc32c(&bytes[8..]) || u32_at(bytes, 52)? != 0 {
            return None;
        }
        Some(FrameHeader {
            salt: u64_at(bytes, 8)?,
            number: u64_at(bytes, 16)?,
            synced: LogPosition { segment: u64_at(bytes, 24)?, offset: u64_at(bytes, 32)? },
            payload_bytes: u32_at(bytes, 40)?,
            records: u32_at(bytes, 44)?,
            payload_crc: u32_at(bytes, 48)?,
        })
    }

    /// The length of the whole frame, padding included.
    pub(crate) fn frame_bytes(&self) -> u64 {
        frame_bytes(u64::from(self.payload_bytes))
    }
}

/// The length of a frame with so many bytes of records.
pub(crate) fn frame_bytes(payload_bytes: u64) -> u64 {
    (FRAME_HEADER_BYTES as u64 + payload_bytes).next_multiple_of(FRAME_ALIGNMENT)
}
