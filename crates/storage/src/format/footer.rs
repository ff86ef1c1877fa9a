//! The footer of a sealed segment: what it holds, so that an index is rebuilt without reading the data.

use super::checksum::crc32c;
use super::fields::{array, blob_at, blob_bytes, put, u8_at, u16_at, u32_at, u64_at};
use super::record::{KIND_INNER, KIND_LAST, KIND_TOMBSTONE, fragment};
use super::{FILE_HEADER_BYTES, FORMAT_VERSION, FormatError, FragmentKind, Record, Tombstone};

const MAGIC: [u8; 8] = *b"ESKEREND";
/// Bytes of one entry.
pub const ENTRY_BYTES: usize = 48;
/// Bytes of the trailer, which ends the file.
pub const TRAILER_BYTES: usize = 64;
const CRC_AT: usize = TRAILER_BYTES - 4;

/// A record, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The record.
    pub record: Record,
    /// Where it starts in its segment. A tombstone's entry doesn't store it: nobody reads a tombstone in place.
    pub offset: u64,
}

/// The last bytes of a sealed segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trailer {
    /// The segment's number.
    pub number: u64,
    /// The segment's salt.
    pub salt: u64,
    /// Where the records end and the entries start.
    pub data_end: u64,
    /// How many entries there are.
    pub count: u32,
    /// The checksum of the entries.
    pub entries_crc: u32,
}

fn encode_entry(entry: &Entry, bytes: &mut Vec<u8>) {
    let mut at = [0; ENTRY_BYTES];
    let (kind, blob, write, place) = match entry.record {
        Record::Fragment(fragment) => {
            put(&mut at, 2, &fragment.number.to_le_bytes());
            put(&mut at, 4, &fragment.length.to_le_bytes());
            let kind = if fragment.kind == FragmentKind::Last { KIND_LAST } else { KIND_INNER };
            (kind, fragment.blob, fragment.write, entry.offset)
        }
        Record::Tombstone(tombstone) => (KIND_TOMBSTONE, tombstone.blob, tombstone.write, tombstone.horizon),
    };
    put(&mut at, 0, &[kind]);
    put(&mut at, 8, &blob_bytes(blob));
    put(&mut at, 32, &write.to_le_bytes());
    put(&mut at, 40, &place.to_le_bytes());
    bytes.extend_from_slice(&at);
}

fn decode_entry(bytes: &[u8], data_end: u64) -> Result<Entry, FormatError> {
    let kind = u8_at(bytes, 0)?;
    let (blob, write, place) = (blob_at(bytes, 8)?, u64_at(bytes, 32)?, u64_at(bytes, 40)?);
    if kind == KIND_TOMBSTONE {
        let record = Record::Tombstone(Tombstone { blob, write, horizon: place });
        return Ok(Entry { record, offset: 0 });
    }
    let record = Record::Fragment(fragment(kind, blob, write, u16_at(bytes, 2)?, u32_at(bytes, 4)?)?);
    let end = place.checked_add(record.bytes());
    if place < FILE_HEADER_BYTES || end.is_none_or(|end| end > data_end) {
        return Err(FormatError::Field);
    }
    Ok(Entry { record, offset: place })
}

/// The footer of segment `number`, to be written at `data_end`.
pub fn encode_footer(number: u64, salt: u64, data_end: u64, entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * ENTRY_BYTES + TRAILER_BYTES);
    for entry in entries {
        encode_entry(entry, &mut bytes);
    }
    let mut trailer = [0; TRAILER_BYTES];
    put(&mut trailer, 0, &MAGIC);
    put(&mut trailer, 8, &[FORMAT_VERSION]);
    put(&mut trailer, 12, &u32::try_from(entries.len()).unwrap_or(u32::MAX).to_le_bytes());
    put(&mut trailer, 16, &number.to_le_bytes());
    put(&mut trailer, 24, &salt.to_le_bytes());
    put(&mut trailer, 32, &data_end.to_le_bytes());
    put(&mut trailer, 40, &crc32c(&bytes).to_le_bytes());
    let crc = crc32c(&trailer[..CRC_AT]);
    put(&mut trailer, CRC_AT, &crc.to_le_bytes());
    bytes.extend_from_slice(&trailer);
    bytes
}

impl Trailer {
    /// Reads the last [`TRAILER_BYTES`] of a file of `file_bytes`.
    pub fn decode(bytes: &[u8], file_bytes: u64) -> Result<Trailer, FormatError> {
        let bytes = bytes.get(..TRAILER_BYTES).ok_or(FormatError::Short)?;
        if array::<8>(bytes, 0)? != MAGIC {
            return Err(FormatError::Magic);
        }
        if crc32c(&bytes[..CRC_AT]) != u32_at(bytes, CRC_AT)? {
            return Err(FormatError::Checksum);
        }
        match u8_at(bytes, 8)? {
            FORMAT_VERSION => {}
            other => return Err(FormatError::Version(other)),
        }
        let trailer = Trailer {
            number: u64_at(bytes, 16)?,
            salt: u64_at(bytes, 24)?,
            data_end: u64_at(bytes, 32)?,
            count: u32_at(bytes, 12)?,
            entries_crc: u32_at(bytes, 40)?,
        };
        let end = trailer.data_end.checked_add(trailer.entries_bytes() + TRAILER_BYTES as u64);
        if end != Some(file_bytes) || trailer.data_end < FILE_HEADER_BYTES {
            return Err(FormatError::Misplaced);
        }
        Ok(trailer)
    }

    /// Bytes of the entries; at most the file's length, if the trailer was decoded.
    pub fn entries_bytes(&self) -> u64 {
        u64::from(self.count) * ENTRY_BYTES as u64
    }

    /// Reads the entries.
    pub fn decode_entries(&self, bytes: &[u8]) -> Result<Vec<Entry>, FormatError> {
        if bytes.len() as u64 != self.entries_bytes() {
            return Err(FormatError::Short);
        }
        if crc32c(bytes) != self.entries_crc {
            return Err(FormatError::Checksum);
        }
        bytes.chunks_exact(ENTRY_BYTES).map(|entry| decode_entry(entry, self.data_end)).collect()
    }
}
