//! Records: fragments of blobs, and tombstones.
//!
//! A fragment is its header, one checksum per 64 KiB block, the data, and zeros up to the alignment. Header and
//! checksums stay when the data is punched out, so that a scan can step over it.

use super::checksum::{block_checksum, block_checksums, crc32c};
use super::fields::{blob_at, blob_bytes, put, u8_at, u16_at, u32_at, u64_at};
use super::{ALIGN_BYTES, BLOCK_BYTES, FORMAT_VERSION, FRAGMENT_BYTES, FormatError};
use esker_types::{BlobId, CHUNK_BYTES};

/// The first bytes of every record.
pub const MAGIC: [u8; 4] = *b"EsRc";
/// Bytes of a record's header.
pub const HEADER_BYTES: usize = 72;
const CRC_AT: usize = HEADER_BYTES - 4;
/// Blocks of a whole fragment.
pub const BLOCKS_PER_FRAGMENT: u32 = 4;
const _: () = assert!(BLOCKS_PER_FRAGMENT as usize * BLOCK_BYTES == FRAGMENT_BYTES);
/// Fragments of the longest blob.
pub const FRAGMENTS_MAX: u64 = CHUNK_BYTES / FRAGMENT_BYTES as u64;

/// Whether more fragments follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FragmentKind {
    /// More follow, so this one has [`FRAGMENT_BYTES`].
    Inner,
    /// The blob ends with this one.
    Last,
}

/// A run of a blob's bytes: those from `number` × 256 KiB on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// The blob.
    pub blob: BlobId,
    /// The put that stored it: random, so that fragments of two attempts never mix.
    pub write: u64,
    /// The fragment's number, from 0.
    pub number: u16,
    /// Whether the blob ends here.
    pub kind: FragmentKind,
    /// Bytes of data.
    pub length: u32,
}

/// "This write of this blob is gone."
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tombstone {
    /// The blob.
    pub blob: BlobId,
    /// The write.
    pub write: u64,
    /// No segment of a higher number holds a fragment of the write.
    pub horizon: u64,
}

/// A record's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// A fragment of a blob.
    Fragment(Fragment),
    /// The end of a blob.
    Tombstone(Tombstone),
}

impl Fragment {
    /// The number of its first block within the blob.
    pub fn first_block(&self) -> u32 {
        u32::from(self.number) * BLOCKS_PER_FRAGMENT
    }

    /// The blob's length, which only the last fragment knows.
    pub fn blob_length(&self) -> Option<u64> {
        let before = u64::from(self.number) * FRAGMENT_BYTES as u64;
        (self.kind == FragmentKind::Last).then(|| before + u64::from(self.length))
    }

    /// The checksums that follow the header.
    pub fn encode_checksums(&self, data: &[u8]) -> Vec<u8> {
        let checksums = block_checksums(self.blob, self.write, self.first_block(), data);
        checksums.into_iter().flat_map(u32::to_le_bytes).collect()
    }

    /// Whether `data`, which starts with block `first` of the fragment, matches the fragment's checksums.
    pub fn verifies(&self, checksums: &[u8], first: usize, data: &[u8]) -> bool {
        let wanted = checksums.chunks_exact(4).skip(first);
        let mut blocks = data.chunks(BLOCK_BYTES).zip(wanted).zip(first..);
        let covered = checksums.len() / 4 >= first + data.len().div_ceil(BLOCK_BYTES);
        covered
            && blocks.all(|((block, wanted), index)| {
                let number = self.first_block() + u32::try_from(index).unwrap_or(u32::MAX);
                block_checksum(self.blob, self.write, number, block).to_le_bytes() == *wanted
            })
    }
}

/// Bytes of a fragment's block checksums.
pub fn checksum_bytes(data_bytes: u64) -> u64 {
    data_bytes.div_ceil(BLOCK_BYTES as u64) * 4
}

/// Bytes that a fragment takes in its segment.
pub fn fragment_bytes(data_bytes: u64) -> u64 {
    (HEADER_BYTES as u64 + checksum_bytes(data_bytes) + data_bytes).next_multiple_of(ALIGN_BYTES)
}

impl Record {
    /// Bytes that the record takes in its segment.
    pub fn bytes(&self) -> u64 {
        match self {
            Record::Fragment(fragment) => fragment_bytes(fragment.length.into()),
            Record::Tombstone(_) => HEADER_BYTES as u64,
        }
    }

    /// The header of a record at `offset` of the segment with this salt.
    pub fn encode(&self, salt: u64, offset: u64) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        put(&mut bytes, 0, &MAGIC);
        put(&mut bytes, 4, &[FORMAT_VERSION]);
        let (kind, blob, write) = match self {
            Record::Fragment(fragment) => {
                put(&mut bytes, 6, &fragment.number.to_le_bytes());
                put(&mut bytes, 8, &fragment.length.to_le_bytes());
                let kind = if fragment.kind == FragmentKind::Last { KIND_LAST } else { KIND_INNER };
                (kind, fragment.blob, fragment.write)
            }
            Record::Tombstone(tombstone) => {
                put(&mut bytes, 56, &tombstone.horizon.to_le_bytes());
                (KIND_TOMBSTONE, tombstone.blob, tombstone.write)
            }
        };
        put(&mut bytes, 5, &[kind]);
        put(&mut bytes, 12, &blob_bytes(blob));
        put(&mut bytes, 32, &write.to_le_bytes());
        put(&mut bytes, 40, &salt.to_le_bytes());
        put(&mut bytes, 48, &offset.to_le_bytes());
        let crc = crc32c(&bytes[..CRC_AT]);
        put(&mut bytes, CRC_AT, &crc.to_le_bytes());
        bytes
    }

    /// Reads a header that was written at `offset` of the segment with this salt.
    pub fn decode(bytes: &[u8], salt: u64, offset: u64) -> Result<Record, FormatError> {
        let bytes = bytes.get(..HEADER_BYTES).ok_or(FormatError::Short)?;
        if bytes[..4] != MAGIC {
            return Err(FormatError::Magic);
        }
        if crc32c(&bytes[..CRC_AT]) != u32_at(bytes, CRC_AT)? {
            return Err(FormatError::Checksum);
        }
        match u8_at(bytes, 4)? {
            FORMAT_VERSION => {}
            other => return Err(FormatError::Version(other)),
        }
        if (u64_at(bytes, 40)?, u64_at(bytes, 48)?) != (salt, offset) {
            return Err(FormatError::Misplaced);
        }
        let (blob, write) = (blob_at(bytes, 12)?, u64_at(bytes, 32)?);
        let kind = u8_at(bytes, 5)?;
        if kind == KIND_TOMBSTONE {
            return Ok(Record::Tombstone(Tombstone { blob, write, horizon: u64_at(bytes, 56)? }));
        }
        fragment(kind, blob, write, u16_at(bytes, 6)?, u32_at(bytes, 8)?).map(Record::Fragment)
    }
}

pub(super) const KIND_INNER: u8 = 1;
pub(super) const KIND_LAST: u8 = 2;
pub(super) const KIND_TOMBSTONE: u8 = 3;

/// A fragment from its stored fields, which are bounded here before anything is sized by them.
pub(super) fn fragment(
    kind: u8,
    blob: BlobId,
    write: u64,
    number: u16,
    length: u32,
) -> Result<Fragment, FormatError> {
    let kind = match kind {
        KIND_INNER => FragmentKind::Inner,
        KIND_LAST => FragmentKind::Last,
        _ => return Err(FormatError::Field),
    };
    let whole = length as usize == FRAGMENT_BYTES;
    let fits = match kind {
        FragmentKind::Inner => whole,
        // Only an empty blob has an empty fragment.
        FragmentKind::Last => length as usize <= FRAGMENT_BYTES && (length > 0 || number == 0),
    };
    if !fits || u64::from(number) >= FRAGMENTS_MAX {
        return Err(FormatError::Field);
    }
    Ok(Fragment { blob, write, number, kind, length })
}
