//! The index row of a blob: which write stored it, how long it is, and where its fragments are.

use crate::format::FRAGMENT_BYTES;
use crate::format::record::{FRAGMENTS_MAX, fragment_bytes};
use esker_types::CHUNK_BYTES;

const VERSION: u8 = 1;

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Location {
    /// The segment's number.
    pub(crate) segment: u64,
    /// The offset of the record's header.
    pub(crate) offset: u64,
}

/// A blob's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BlobRow {
    /// The write that stored it.
    pub(crate) write: u64,
    /// Its length in bytes.
    pub(crate) length: u64,
    /// Its fragments, by number.
    pub(crate) places: Vec<Location>,
}

/// The row can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the index row is damaged")]
pub(crate) struct BadRow;

/// How many fragments a blob of this length has. An empty blob has one, so that it is in the segments too.
pub(crate) fn fragment_count(length: u64) -> u64 {
    length.div_ceil(FRAGMENT_BYTES as u64).max(1)
}

impl BlobRow {
    /// Bytes of data of fragment `number`.
    pub(crate) fn data_bytes(&self, number: usize) -> u64 {
        let before = number as u64 * FRAGMENT_BYTES as u64;
        self.length.saturating_sub(before).min(FRAGMENT_BYTES as u64)
    }

    /// Every fragment's place, and the bytes that its record takes.
    pub(crate) fn records(&self) -> impl Iterator<Item = (Location, u64)> + '_ {
        let bytes = |number| fragment_bytes(self.data_bytes(number));
        self.places.iter().enumerate().map(move |(number, place)| (*place, bytes(number)))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.write.to_le_bytes());
        put_varint(&mut bytes, self.length);
        for place in &self.places {
            put_varint(&mut bytes, place.segment);
            put_varint(&mut bytes, place.offset);
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<BlobRow, BadRow> {
        let (&version, mut rest) = bytes.split_first().ok_or(BadRow)?;
        if version != VERSION {
            return Err(BadRow);
        }
        let (write, after) = rest.split_first_chunk().ok_or(BadRow)?;
        rest = after;
        let length = take_varint(&mut rest)?;
        if length > CHUNK_BYTES || fragment_count(length) > FRAGMENTS_MAX {
            return Err(BadRow);
        }
        let mut places = Vec::new();
        for _ in 0..fragment_count(length) {
            let segment = take_varint(&mut rest)?;
            places.push(Location { segment, offset: take_varint(&mut rest)? });
        }
        if rest.is_empty() {
            Ok(BlobRow { write: u64::from_le_bytes(*write), length, places })
        } else {
            Err(BadRow)
        }
    }
}

/// LEB128.
#[expect(clippy::cast_possible_truncation, reason = "the low 7 bits are meant")]
fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn take_varint(bytes: &mut &[u8]) -> Result<u64, BadRow> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(BadRow)?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        if part << shift >> shift != part {
            return Err(BadRow);
        }
        value |= part << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(BadRow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_row_reads_as_it_was_written(write: u64, length in 0..=CHUNK_BYTES, segment: u64, offset: u64) {
            let count = usize::try_from(fragment_count(length)).unwrap();
            let row = BlobRow { write, length, places: vec![Location { segment, offset }; count] };
            let bytes = row.encode();
            prop_assert_eq!(BlobRow::decode(&bytes), Ok(row));
            for end in 0..bytes.len() {
                prop_assert_eq!(BlobRow::decode(&bytes[..end]), Err(BadRow));
            }
        }

        #[test]
        fn any_bytes_decode_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(row) = BlobRow::decode(&bytes) {
                prop_assert_eq!(BlobRow::decode(&row.encode()), Ok(row));
            }
        }
    }
}
