//! What the log stores: records, and their bytes.
//!
//! A record is 24 bytes and its payload, all numbers little-endian:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | CRC-32C of all that follows, payload included |
//! | 4 | 4 | payload length |
//! | 8 | 1 | kind |
//! | 9 | 1 | zero |
//! | 10 | 2 | group |
//! | 12 | 4 | zero |
//! | 16 | 8 | index; zero for a vote and a committed id |
//! | 24 | … | payload |

use crate::bytes::{crc32c, u16_at, u32_at, u64_at};
use bytes::Bytes;

/// The length of a record's header.
pub(crate) const RECORD_HEADER_BYTES: usize = 24;

/// The longest payload of an entry that any log may hold.
pub const RECORD_PAYLOAD_BYTES_MAX: u64 = 64 << 20;

/// The longest payload of a vote, a committed id or a purged id. They are repeated at the head of each segment.
pub const STATE_PAYLOAD_BYTES_MAX: u64 = 4 << 10;

/// One step in the life of a group's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// The entry after the group's last one.
    Entry {
        /// The Raft group.
        group: u16,
        /// The entry's index: one more than the last, or any if the group never had an entry.
        index: u64,
        /// The entry, opaque.
        payload: Bytes,
    },
    /// Removes the entries from `from_index` (inclusive) on, because a leader overruled them.
    Truncate {
        /// The Raft group.
        group: u16,
        /// The first index to remove.
        from_index: u64,
    },
    /// Removes the entries up to `upto_index` (inclusive), because a snapshot covers them. It may lie beyond the
    /// last entry; the next entry then follows it.
    Purge {
        /// The Raft group.
        group: u16,
        /// The last index to remove.
        upto_index: u64,
        /// The id of the last purged entry, opaque.
        payload: Bytes,
    },
    /// The group's vote, which replaces the one before.
    Vote {
        /// The Raft group.
        group: u16,
        /// The vote, opaque.
        payload: Bytes,
    },
    /// The id of the last entry known to be committed, which replaces the one before.
    Committed {
        /// The Raft group.
        group: u16,
        /// The id, opaque.
        payload: Bytes,
    },
}

impl Record {
    /// The Raft group that the record belongs to.
    pub fn group(&self) -> u16 {
        match *self {
            Record::Entry { group, .. }
            | Record::Truncate { group, .. }
            | Record::Purge { group, .. }
            | Record::Vote { group, .. }
            | Record::Committed { group, .. } => group,
        }
    }

    /// The opaque part.
    pub fn payload(&self) -> &[u8] {
        match self {
            Record::Entry { payload, .. }
            | Record::Purge { payload, .. }
            | Record::Vote { payload, .. }
            | Record::Committed { payload, .. } => payload,
            Record::Truncate { .. } => &[],
        }
    }

    /// Its length on disk.
    pub(crate) fn encoded_len(&self) -> u64 {
        (RECORD_HEADER_BYTES + self.payload().len()) as u64
    }
}

/// What a frame holds: the callers' records, and the writer's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    Record(Record),
    /// At the head of a segment: the entries that the group has in the segments before.
    Span {
        group: u16,
        first: u64,
        last: u64,
    },
}

const ENTRY: u8 = 1;
const TRUNCATE: u8 = 2;
const PURGE: u8 = 3;
const VOTE: u8 = 4;
const COMMITTED: u8 = 5;
const SPAN: u8 = 6;

/// Appends the record's bytes to `out`.
pub(crate) fn encode_record(record: &Record, out: &mut Vec<u8>) {
    let (kind, index) = match *record {
        Record::Entry { index, .. } => (ENTRY, index),
        Record::Truncate { from_index, .. } => (TRUNCATE, from_index),
        Record::Purge { upto_index, .. } => (PURGE, upto_index),
        Record::Vote { .. } => (VOTE, 0),
        Record::Committed { .. } => (COMMITTED, 0),
    };
    encode(kind, record.group(), index, record.payload(), out);
}

/// Appends a span's bytes to `out`.
pub(crate) fn encode_span(group: u16, first: u64, last: u64, out: &mut Vec<u8>) {
    encode(SPAN, group, first, &last.to_le_bytes(), out);
}

fn encode(kind: u8, group: u16, index: u64, payload: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    // Longer payloads are refused before they get here.
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&[kind, 0]);
    out.extend_from_slice(&group.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&index.to_le_bytes());
    out.extend_from_slice(payload);
    let crc = crc32c(&out[start + 4..]);
    out[start..start + 4].copy_from_slice(&crc.to_le_bytes());
}

/// Takes the first record off `bytes`. `None` if it is cut short, fails its CRC, or is of no known kind. An
/// entry's payload shares the bytes.
pub(crate) fn decode(bytes: &mut Bytes) -> Option<Item> {
    let len = usize::try_from(u32_at(bytes, 4)?).ok()?;
    let end = RECORD_HEADER_BYTES.checked_add(len)?;
    let whole = bytes.get(..end)?;
    if u32_at(whole, 0)? != crc32c(&whole[4..]) || whole[9] != 0 || u32_at(whole, 12)? != 0 {
        return None;
    }
    let (kind, group, index) = (whole[8], u16_at(whole, 10)?, u64_at(whole, 16)?);
    let payload = match kind {
        ENTRY => bytes.slice(RECORD_HEADER_BYTES..end),
        // The others are short and kept for long; a share of a large buffer would keep all of it.
        _ => Bytes::copy_from_slice(&whole[RECORD_HEADER_BYTES..]),
    };
    let item = match kind {
        ENTRY => Item::Record(Record::Entry { group, index, payload }),
        TRUNCATE if payload.is_empty() => Item::Record(Record::Truncate { group, from_index: index }),
        PURGE => Item::Record(Record::Purge { group, upto_index: index, payload }),
        VOTE if index == 0 => Item::Record(Record::Vote { group, payload }),
        COMMITTED if index == 0 => Item::Record(Record::Committed { group, payload }),
        SPAN if len == 8 => Item::Span { group, first: index, last: u64_at(&payload, 0)? },
        _ => return None,
    };
    bytes::Buf::advance(bytes, end);
    Some(item)
}
