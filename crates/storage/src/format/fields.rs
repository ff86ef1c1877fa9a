//! Reading and writing fields at fixed places of a byte array.

use super::FormatError;
use esker_types::{BlobId, DataId};

/// Bytes of a stored [`BlobId`].
pub const BLOB_ID_BYTES: usize = 20;

/// The `N` bytes at `at`.
pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], FormatError> {
    let part = bytes.get(at..).and_then(|rest| rest.first_chunk::<N>());
    part.copied().ok_or(FormatError::Short)
}

pub(crate) fn u8_at(bytes: &[u8], at: usize) -> Result<u8, FormatError> {
    bytes.get(at).copied().ok_or(FormatError::Short)
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Result<u16, FormatError> {
    array(bytes, at).map(u16::from_le_bytes)
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Result<u32, FormatError> {
    array(bytes, at).map(u32::from_le_bytes)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Result<u64, FormatError> {
    array(bytes, at).map(u64::from_le_bytes)
}

/// The blob id at `at`.
pub(crate) fn blob_at(bytes: &[u8], at: usize) -> Result<BlobId, FormatError> {
    let data = DataId::from_bytes(array(bytes, at)?);
    let chunk = u32::from_be_bytes(array(bytes, at + 16)?);
    Ok(BlobId { data, chunk })
}

/// A blob id's bytes, whose order is the ids' order.
pub(crate) fn blob_bytes(blob: BlobId) -> [u8; BLOB_ID_BYTES] {
    let mut bytes = [0; BLOB_ID_BYTES];
    bytes[..16].copy_from_slice(blob.data.as_bytes());
    bytes[16..].copy_from_slice(&blob.chunk.to_be_bytes());
    bytes
}

/// Copies `part` to `at`.
///
/// # Panics
/// If it doesn't fit: places are constants.
pub(crate) fn put(bytes: &mut [u8], at: usize, part: &[u8]) {
    bytes[at..at + part.len()].copy_from_slice(part);
}
