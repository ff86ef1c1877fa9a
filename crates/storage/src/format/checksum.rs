//! CRC-32C, the only checksum on disk.

use super::BLOCK_BYTES;
use super::fields::blob_bytes;
use crc_fast::{CrcAlgorithm, Digest};
use esker_types::BlobId;

/// A CRC-32 in the low half of the 64 bits that the library returns for every width.
#[expect(clippy::cast_possible_truncation, reason = "CRC-32C has 32 bits")]
fn low(crc: u64) -> u32 {
    crc as u32
}

/// The CRC-32C of `bytes`.
pub fn crc32c(bytes: &[u8]) -> u32 {
    low(crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, bytes))
}

/// The checksum of block `number` of a blob. It covers the blob's id, the id of the write that stored it and the
/// block's number, so that no other block verifies in its place, not even an older one of the same blob.
pub fn block_checksum(blob: BlobId, write: u64, number: u32, bytes: &[u8]) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    digest.update(&blob_bytes(blob));
    digest.update(&write.to_le_bytes());
    digest.update(&number.to_le_bytes());
    digest.update(bytes);
    low(digest.finalize())
}

/// The checksums of all blocks of `bytes`, the first of which is block `first` of its blob.
pub fn block_checksums(blob: BlobId, write: u64, first: u32, bytes: &[u8]) -> Vec<u32> {
    let blocks = bytes.chunks(BLOCK_BYTES).zip(first..);
    blocks.map(|(block, number)| block_checksum(blob, write, number, block)).collect()
}
