//! The bytes of the fence file: the latest state of each placement group that the node has acknowledged.
//!
//! ```text
//! 0   magic "ESKERFNC", format version, 3 zeros, count (u32)
//! 16  count × (group u16, epoch u64), by group
//! end CRC-32C of everything before
//! ```

use super::checksum::crc32c;
use super::fields::{array, u8_at, u16_at, u32_at, u64_at};
use super::{FORMAT_VERSION, FormatError};
use esker_types::{PlacementEpoch, PlacementGroup};
use std::collections::BTreeMap;

const MAGIC: [u8; 8] = *b"ESKERFNC";
const HEAD_BYTES: usize = 16;
const ENTRY_BYTES: usize = 10;
const CRC_BYTES: usize = 4;

/// The longest fence file: one entry for every group that there can be.
pub const FENCE_FILE_BYTES_MAX: u64 = (HEAD_BYTES + (1 << 16) * ENTRY_BYTES + CRC_BYTES) as u64;

/// Acknowledged epochs by group.
pub type FenceTable = BTreeMap<PlacementGroup, PlacementEpoch>;

/// The file's bytes.
pub fn encode_fences(table: &FenceTable) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES + table.len() * ENTRY_BYTES + CRC_BYTES);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&[FORMAT_VERSION, 0, 0, 0]);
    bytes.extend_from_slice(&u32::try_from(table.len()).unwrap_or(u32::MAX).to_le_bytes());
    for (group, epoch) in table {
        bytes.extend_from_slice(&group.0.to_le_bytes());
        bytes.extend_from_slice(&epoch.0.to_le_bytes());
    }
    bytes.extend_from_slice(&crc32c(&bytes).to_le_bytes());
    bytes
}

/// Reads what [`encode_fences`] wrote.
pub fn decode_fences(bytes: &[u8]) -> Result<FenceTable, FormatError> {
    if array::<8>(bytes, 0)? != MAGIC {
        return Err(FormatError::Magic);
    }
    let (body, crc) = bytes.split_last_chunk::<CRC_BYTES>().ok_or(FormatError::Short)?;
    if crc32c(body) != u32::from_le_bytes(*crc) {
        return Err(FormatError::Checksum);
    }
    match u8_at(body, 8)? {
        FORMAT_VERSION => {}
        other => return Err(FormatError::Version(other)),
    }
    let entries = body.get(HEAD_BYTES..).ok_or(FormatError::Short)?;
    let count = usize::try_from(u32_at(body, 12)?).unwrap_or(usize::MAX);
    if entries.len() != count.saturating_mul(ENTRY_BYTES) {
        return Err(FormatError::Field);
    }
    let mut table = FenceTable::new();
    for entry in entries.chunks_exact(ENTRY_BYTES) {
        let (group, epoch) = (PlacementGroup(u16_at(entry, 0)?), PlacementEpoch(u64_at(entry, 2)?));
        if table.last_key_value().is_some_and(|(last, _)| *last >= group) {
            return Err(FormatError::Field);
        }
        table.insert(group, epoch);
    }
    Ok(table)
}
