//! Identity and shape of stored data.

use crate::ids::{GroupId, ManifestId};
use std::fmt;
use uuid::Uuid;

/// An upload's bytes are cut in chunks of this many bytes; chunk *i* is the blob `(DataId, i)`.
///
/// Part of the stored format: blob names are derived from it, so it never changes for existing data.
pub const CHUNK_BYTES: u64 = 8 << 20;

/// The data of one upload or part: a UUIDv7 whose 12 bits after the version hold the owning Raft group, so
/// that a storage node can ask the right group about data that it does not know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataId(Uuid);

impl DataId {
    /// An id for data made at `millis` (since the epoch) for `group`; `entropy` supplies the low 62 bits.
    ///
    /// # Panics
    /// If the group does not fit 12 bits.
    pub fn new(millis: u64, group: GroupId, entropy: u64) -> DataId {
        assert!(group.0 < 1 << 12, "group ids fit 12 bits");
        let high = millis << 16 | 0x7000 | u64::from(group.0);
        DataId(Uuid::from_u64_pair(high, 0b10 << 62 | (entropy & (u64::MAX >> 2))))
    }

    /// The group that decides whether this data is referenced.
    pub fn group(&self) -> GroupId {
        GroupId((self.0.as_u64_pair().0 & 0xfff) as u16)
    }

    /// When the upload began, in milliseconds since the epoch by the gateway's clock. For diagnosis only: age
    /// never authorises deletion.
    pub fn millis(&self) -> u64 {
        self.0.as_u64_pair().0 >> 16
    }

    /// The manifest of a single upload has its data's bits.
    pub fn manifest(&self) -> ManifestId {
        ManifestId(self.0)
    }

    /// The 16 bytes, whose order is the id's order.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id with these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> DataId {
        DataId(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for DataId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for DataId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One chunk of one upload: what a storage node stores, replicates and deletes as a whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BlobId {
    /// The upload.
    pub data: DataId,
    /// The chunk's number, from 0.
    pub chunk: u32,
}

/// A run of bytes of one upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The upload.
    pub data: DataId,
    /// Where the run starts within the upload's bytes.
    pub offset: u64,
    /// Its length in bytes, at least 1.
    pub length: u64,
}

/// The blobs of an upload of `length` bytes, with each blob's length, in order.
pub fn blobs_of(data: DataId, length: u64) -> impl Iterator<Item = (BlobId, u64)> {
    let chunks = u32::try_from(length.div_ceil(CHUNK_BYTES)).unwrap_or(u32::MAX);
    (0..chunks).map(move |chunk| {
        let start = u64::from(chunk) * CHUNK_BYTES;
        (BlobId { data, chunk }, (length - start).min(CHUNK_BYTES))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_id_carries_its_group_and_time() {
        let id = DataId::new(1_700_000_000_123, GroupId(0xabc), u64::MAX);
        assert_eq!((id.group(), id.millis()), (GroupId(0xabc), 1_700_000_000_123));
        assert_eq!(id.to_string(), "018bcfe5-687b-7abc-bfff-ffffffffffff");
    }

    #[test]
    fn blobs_cover_the_upload_exactly() {
        let id = DataId::new(0, GroupId(0), 0);
        let lengths = |n| blobs_of(id, n).map(|(_, length)| length).collect::<Vec<_>>();
        assert_eq!(lengths(0), Vec::<u64>::new());
        assert_eq!(lengths(1), [1]);
        assert_eq!(lengths(CHUNK_BYTES), [CHUNK_BYTES]);
        assert_eq!(lengths(2 * CHUNK_BYTES + 5), [CHUNK_BYTES, CHUNK_BYTES, 5]);
    }
}
