//! A segment file: its name and its header.
//!
//! The header takes the first 4096 bytes; frames follow. It is synced before the file gets its name, so a named
//! segment with a damaged header is damage, never a crash. All numbers are little-endian; the rest is zeros, or
//! what a recycled file held.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `ESKERWAL` |
//! | 8 | 4 | format version, 1 |
//! | 12 | 4 | CRC-32C of bytes 16 to 80 |
//! | 16 | 8 | segment number |
//! | 24 | 8 | salt: random for each life of the file, so that frames of an earlier life are never taken for this one's |
//! | 32 | 8 | number of the first frame |
//! | 40 | 8 | offset at which the segment before ended; 0 for the first of a log |
//! | 48 | 32 | identity of the log's owner |

use crate::bytes::{array, crc32c, u32_at, u64_at};
use std::ffi::OsStr;

/// Where the first frame starts.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = 4096;

/// The part of the header that is in use.
pub(crate) const SEGMENT_HEADER_USED: usize = 80;

/// The format that this version writes, and the only one it reads.
pub(crate) const FORMAT_VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"ESKERWAL";

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) number: u64,
    pub(crate) salt: u64,
    pub(crate) first_frame: u64,
    pub(crate) previous_end: u64,
    pub(crate) identity: [u8; 32],
}

/// Why a header can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadHeader {
    Damaged,
    Version(u32),
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER_USED] {
        let mut out = [0; SEGMENT_HEADER_USED];
        out[..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        out[16..24].copy_from_slice(&self.number.to_le_bytes());
        out[24..32].copy_from_slice(&self.salt.to_le_bytes());
        out[32..40].copy_from_slice(&self.first_frame.to_le_bytes());
        out[40..48].copy_from_slice(&self.previous_end.to_le_bytes());
        out[48..80].copy_from_slice(&self.identity);
        let crc = crc32c(&out[16..]);
        out[12..16].copy_from_slice(&crc.to_le_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<SegmentHeader, BadHeader> {
        let bytes = bytes.get(..SEGMENT_HEADER_USED).ok_or(BadHeader::Damaged)?;
        if bytes[..8] != MAGIC {
            return Err(BadHeader::Damaged);
        }
        match u32_at(bytes, 8) {
            Some(FORMAT_VERSION) => {}
            version => return Err(BadHeader::Version(version.unwrap_or_default())),
        }
        if u32_at(bytes, 12) != Some(crc32c(&bytes[16..])) {
            return Err(BadHeader::Damaged);
        }
        let fields = || {
            Some(SegmentHeader {
                number: u64_at(bytes, 16)?,
                salt: u64_at(bytes, 24)?,
                first_frame: u64_at(bytes, 32)?,
                previous_end: u64_at(bytes, 40)?,
                identity: array(bytes, 48)?,
            })
        };
        fields().ok_or(BadHeader::Damaged)
    }
}

/// What a file in the log's directory is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileRole {
    Segment(u64),
    Spare(u64),
    Unknown,
}

pub(crate) fn segment_name(number: u64) -> String {
    format!("{number:016x}.wal")
}

pub(crate) fn spare_name(number: u64) -> String {
    format!("{number:016x}.spare")
}

pub(crate) fn role_of(name: &OsStr) -> FileRole {
    let parse = |stem: &str| u64::from_str_radix(stem, 16).ok();
    let Some((stem, extension)) = name.to_str().and_then(|name| name.split_once('.')) else {
        return FileRole::Unknown;
    };
    let Some(number) = parse(stem) else {
        return FileRole::Unknown;
    };
    match extension {
        "wal" if segment_name(number).as_str() == name => FileRole::Segment(number),
        "spare" if spare_name(number).as_str() == name => FileRole::Spare(number),
        _ => FileRole::Unknown,
    }
}
