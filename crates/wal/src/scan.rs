//! Reading frames: one after the other from the start of a segment, and any that lie beyond a damaged one.

use crate::bytes::crc32c;
use crate::error::WalError;
use crate::frame::{FRAME_ALIGNMENT, FRAME_HEADER_BYTES, FRAME_MAGIC, FrameHeader, LogPosition};
use crate::record::{Item, RECORD_HEADER_BYTES, Record, decode};
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use bytes::Bytes;
use esker_env::DiskFile;

/// What lies at an offset of a segment.
#[derive(Debug)]
pub(crate) enum Frame {
    /// A whole frame, with the offset of each item in the segment.
    Valid(FrameHeader, Vec<(u64, Item)>),
    /// Not the frame that should follow.
    Invalid,
    /// A frame whose checksums hold and whose records mean nothing to this version.
    Unreadable,
}

/// Reads a segment forwards in large pieces.
pub(crate) struct Window<'a> {
    file: &'a dyn DiskFile,
    file_bytes: u64,
    start: u64,
    bytes: Bytes,
}

/// How much is read at once.
const WINDOW_BYTES: u64 = 1 << 20;

/// [`FRAME_ALIGNMENT`], as an index.
const FRAME_STEP: usize = 8;
const _: () = assert!(FRAME_STEP as u64 == FRAME_ALIGNMENT, "one number, two types");

impl Window<'_> {
    pub(crate) fn new(file: &dyn DiskFile) -> Result<Window<'_>, WalError> {
        Ok(Window { file, file_bytes: file.len()?, start: 0, bytes: Bytes::new() })
    }

    pub(crate) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// The `len` bytes at `offset`, or `None` if the file ends before.
    pub(crate) fn get(&mut self, offset: u64, len: u64) -> Result<Option<Bytes>, WalError> {
        let Some(end) = offset.checked_add(len).filter(|&end| end <= self.file_bytes) else {
            return Ok(None);
        };
        if offset < self.start || end > self.start + self.bytes.len() as u64 {
            let wanted = len.max(WINDOW_BYTES.min(self.file_bytes - offset));
            let mut bytes = vec![0; usize::try_from(wanted).unwrap_or(usize::MAX)];
            self.file.read_exact_at(&mut bytes, offset)?;
            self.start = offset;
            self.bytes = bytes.into();
        }
        let from = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        Ok(Some(self.bytes.slice(from..from + usize::try_from(len).unwrap_or(usize::MAX))))
    }

    /// Reads the frame at `offset`, which must have this salt and number.
    pub(crate) fn frame(&mut self, offset: u64, salt: u64, number: u64) -> Result<Frame, WalError> {
        let Some(header) = self.get(offset, FRAME_HEADER_BYTES as u64)? else {
            return Ok(Frame::Invalid);
        };
        let Some(header) = FrameHeader::decode(&header) else {
            return Ok(Frame::Invalid);
        };
        // The length is checked against the file before anything of that length is read.
        match self.get(offset, header.frame_bytes())? {
            Some(frame) => Ok(check_frame(&frame, header, offset, salt, number)),
            None => Ok(Frame::Invalid),
        }
    }

    /// Looks at everything from `offset` on for frames of this life of the file. Returns the farthest position
    /// that any of them says was synced, and the end of the last thing that looks like a frame's header.
    pub(crate) fn survivors(&mut self, offset: u64, salt: u64) -> Result<Survivors, WalError> {
        let mut found = Survivors { synced: None, end: offset };
        let mut start = offset.next_multiple_of(FRAME_ALIGNMENT);
        loop {
            let len = WINDOW_BYTES.min(self.file_bytes.saturating_sub(start));
            let Some(bytes) = self.get(start, len)?.filter(|bytes| bytes.len() >= FRAME_HEADER_BYTES) else {
                return Ok(found);
            };
            let mut at = 0;
            while let Some(header) = bytes.get(at..at + FRAME_HEADER_BYTES) {
                if header[..4] == FRAME_MAGIC && header[8..16] == salt.to_le_bytes() {
                    found.end = start + (at + FRAME_HEADER_BYTES) as u64;
                    let synced = FrameHeader::decode(header).map(|header| header.synced);
                    found.synced = found.synced.max(synced);
                }
                at += FRAME_STEP;
            }
            start += at as u64;
        }
    }
}

/// What lies beyond an invalid frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Survivors {
    /// The farthest position that a frame says was synced.
    pub(crate) synced: Option<LogPosition>,
    /// The end of the last header, or where the search began.
    pub(crate) end: u64,
}

fn check_frame(frame: &Bytes, header: FrameHeader, offset: u64, salt: u64, number: u64) -> Frame {
    if header.salt != salt || header.number != number {
        return Frame::Invalid;
    }
    let Some(payload_bytes) = usize::try_from(header.payload_bytes).ok() else {
        return Frame::Invalid;
    };
    let mut rest = frame.slice(FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + payload_bytes);
    if crc32c(&rest) != header.payload_crc {
        return Frame::Invalid;
    }
    let mut items = Vec::new();
    while !rest.is_empty() {
        let at = offset + (FRAME_HEADER_BYTES + payload_bytes - rest.len()) as u64;
        match decode(&mut rest) {
            Some(item) => items.push((at, item)),
            None => return Frame::Unreadable,
        }
    }
    if items.len() as u64 != u64::from(header.records) {
        return Frame::Unreadable;
    }
    Frame::Valid(header, items)
}

/// Decodes a segment from memory: the records of its whole frames, up to the first that isn't. Never panics,
/// whatever the bytes are, and allocates no more than in proportion to them. For inspection and for fuzzing.
pub fn decode_segment(segment: &[u8]) -> Option<Vec<Record>> {
    let header = SegmentHeader::decode(segment).ok()?;
    let bytes = Bytes::copy_from_slice(segment);
    let mut records = Vec::new();
    let (mut offset, mut number) = (SEGMENT_HEADER_BYTES, header.first_frame);
    while let Some(rest) = bytes.get(usize::try_from(offset).ok()?..) {
        let Some(frame) = FrameHeader::decode(rest) else { break };
        let Ok(len) = usize::try_from(frame.frame_bytes()) else { break };
        if len > rest.len() {
            break;
        }
        match check_frame(&bytes.slice_ref(&rest[..len]), frame, offset, header.salt, number) {
            Frame::Valid(_, items) => records.extend(items.into_iter().filter_map(|(_, item)| match item {
                Item::Record(record) => Some(record),
                Item::Span { .. } => None,
            })),
            Frame::Invalid | Frame::Unreadable => break,
        }
        offset += frame.frame_bytes();
        number = number.wrapping_add(1);
    }
    Some(records)
}

/// The length of a record with so long a payload.
pub(crate) fn record_bytes(payload_bytes: u32) -> u64 {
    RECORD_HEADER_BYTES as u64 + u64::from(payload_bytes)
}
