//! What is known of each sealed or damaged segment: its file, and how much of it is still part of a blob.

use crate::format::FormatError;
use crate::format::fields::{u8_at, u64_at};

const VERSION: u8 = 1;
const STATE_SEALED: u8 = 1;
const STATE_REMOVING: u8 = 2;

/// Where a segment is in its life. An open segment has no row: recovery reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SegmentState {
    /// Not sealed yet, or not wholly covered by the index.
    Open,
    /// Ends in a footer, and the index covers all of its records.
    Sealed,
    /// Nothing in it is needed; its file is being removed.
    Removing,
}

/// What is known of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) state: SegmentState,
    /// The file's salt: a row never speaks of another file of the same number.
    pub(crate) salt: u64,
    /// The sealed file's length.
    pub(crate) file_bytes: u64,
    /// Bytes of records that index rows point to.
    pub(crate) live_bytes: u64,
    /// Bytes of tombstones.
    pub(crate) tombstone_bytes: u64,
}

impl Usage {
    pub(crate) fn open(salt: u64) -> Usage {
        Usage { state: SegmentState::Open, salt, file_bytes: 0, live_bytes: 0, tombstone_bytes: 0 }
    }

    /// The row; an open segment has none.
    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        let state = match self.state {
            SegmentState::Open => return None,
            SegmentState::Sealed => STATE_SEALED,
            SegmentState::Removing => STATE_REMOVING,
        };
        let mut bytes = vec![VERSION, state];
        for field in [self.salt, self.file_bytes, self.live_bytes, self.tombstone_bytes] {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
        Some(bytes)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Usage, FormatError> {
        let state = match (u8_at(bytes, 0)?, u8_at(bytes, 1)?) {
            (VERSION, STATE_SEALED) => SegmentState::Sealed,
            (VERSION, STATE_REMOVING) => SegmentState::Removing,
            (VERSION, _) => return Err(FormatError::Field),
            (version, _) => return Err(FormatError::Version(version)),
        };
        Ok(Usage {
            state,
            salt: u64_at(bytes, 2)?,
            file_bytes: u64_at(bytes, 10)?,
            live_bytes: u64_at(bytes, 18)?,
            tombstone_bytes: u64_at(bytes, 26)?,
        })
    }
}
