//! The bytes of a snapshot chunk: a format version, rows (key length, key, value length, value; lengths are u32, big
//! endian) in ascending order of their keys, and the CRC-32C of all that.

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, checksum};
use esker_index::hash::Fnv;

use crate::snapshot::{SnapshotError, Totals};

const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 4;

/// A chunk takes no more rows once it has this many bytes.
pub(crate) const CHUNK_BYTES: usize = 512 * 1024;

/// Sums up rows, on both sides of a transfer.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    rows: u64,
    hash: Fnv,
}

impl Summary {
    fn add(&mut self, key: &[u8], value: &[u8]) {
        self.rows += 1;
        self.hash.update(key);
        self.hash.update(value);
    }

    pub(crate) fn totals(&self) -> Totals {
        Totals { rows: self.rows, state_hash: self.hash.finish() }
    }
}

/// A chunk under construction.
#[derive(Debug)]
pub(crate) struct ChunkWriter(Vec<u8>);

impl ChunkWriter {
    pub(crate) fn new() -> ChunkWriter {
        ChunkWriter(vec![VERSION])
    }

    pub(crate) fn push(
        &mut self,
        key: &[u8],
        value: &[u8],
        summary: &mut Summary,
    ) -> Result<(), SnapshotError> {
        for field in [key, value] {
            let length =
                u32::try_from(field.len()).map_err(|_| SnapshotError::Damaged("a row is too long"))?;
            self.0.extend_from_slice(&length.to_be_bytes());
            self.0.extend_from_slice(field);
        }
        summary.add(key, value);
        Ok(())
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= CHUNK_BYTES
    }

    pub(crate) fn finish(mut self) -> Bytes {
        let crc = crc32c(&self.0);
        self.0.extend_from_slice(&crc.to_be_bytes());
        self.0.into()
    }
}

/// Verifies a chunk's bytes and hands out its rows.
pub(crate) fn read_rows(chunk: &Bytes, summary: &mut Summary) -> Result<Vec<(Bytes, Bytes)>, SnapshotError> {
    let body_end = chunk
        .len()
        .checked_sub(CHECKSUM_BYTES)
        .filter(|end| *end >= 1)
        .ok_or(SnapshotError::Damaged("it is too short"))?;
    let body = chunk.slice(..body_end);
    if chunk[body_end..] != crc32c(&body).to_be_bytes() {
        return Err(SnapshotError::Damaged("its checksum is wrong"));
    }
    if body[0] != VERSION {
        return Err(SnapshotError::Damaged("its format is unknown"));
    }
    let mut rows = Vec::new();
    let mut at = 1;
    while at < body.len() {
        let key = field(&body, &mut at)?;
        let value = field(&body, &mut at)?;
        summary.add(&key, &value);
        rows.push((key, value));
    }
    Ok(rows)
}

fn field(body: &Bytes, at: &mut usize) -> Result<Bytes, SnapshotError> {
    let truncated = SnapshotError::Damaged("a row is cut off");
    let Some(length) = body.get(*at..).and_then(|rest| rest.first_chunk::<4>()) else {
        return Err(truncated);
    };
    let start = *at + 4;
    let end = usize::try_from(u32::from_be_bytes(*length)).ok().and_then(|length| start.checked_add(length));
    match end.filter(|end| *end <= body.len()) {
        Some(end) => {
            *at = end;
            Ok(body.slice(start..end))
        }
        None => Err(truncated),
    }
}

fn crc32c(bytes: &[u8]) -> u32 {
    // A 32-bit checksum in the low half of the library's 64-bit result.
    u32::try_from(checksum(CrcAlgorithm::Crc32Iscsi, bytes)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_bytes_of_a_chunk_are_fixed() {
        let mut summary = Summary::default();
        let mut chunk = ChunkWriter::new();
        chunk.push(b"k", b"value", &mut summary).unwrap();
        assert_eq!(chunk.finish().as_ref(), b"\x01\0\0\0\x01k\0\0\0\x05valueg\xe2\x89\xa3");
        assert_eq!(summary.totals(), Totals { rows: 1, state_hash: 15_943_710_859_651_165_613 });
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(rows: Vec<(Vec<u8>, Vec<u8>)>) {
            let (mut sent, mut received) = (Summary::default(), Summary::default());
            let mut chunk = ChunkWriter::new();
            for (key, value) in &rows {
                chunk.push(key, value, &mut sent).unwrap();
            }
            let read = read_rows(&chunk.finish(), &mut received).unwrap();
            let read: Vec<_> = read.into_iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
            prop_assert_eq!(read, rows);
            prop_assert_eq!(sent.totals(), received.totals());
        }

        #[test]
        fn a_flipped_bit_is_noticed(rows: Vec<(Vec<u8>, Vec<u8>)>, bit: prop::sample::Index) {
            let mut chunk = ChunkWriter::new();
            for (key, value) in &rows {
                chunk.push(key, value, &mut Summary::default()).unwrap();
            }
            let mut bytes = chunk.finish().to_vec();
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(read_rows(&bytes.into(), &mut Summary::default()).is_err());
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes: Vec<u8>) {
            let _ = read_rows(&bytes.into(), &mut Summary::default());
        }
    }
}
