//! The values of rows. Format version 1 of each; golden bytes are in `tests/formats.rs`.

mod bucket;
mod data;
mod group;
mod manifest;
mod upload;
mod version;

pub use bucket::{BucketPhase, BucketRecord, DirectoryEntry, DirectoryState};
pub use data::{DataRecord, GarbageItem, GarbageRecord};
pub use group::GroupRecord;
pub use manifest::{ManifestBody, ManifestRecord, PartSummary};
pub use upload::{CompletedRecord, PartPage, PartRecord, UploadChecksum, UploadRecord};
pub use version::{ObjectRecord, VersionBody, VersionRecord};

pub(crate) use bucket::{read_versioning, versioning_number};
pub(crate) use upload::{read_upload_checksum, write_upload_checksum};
pub(crate) use version::{read_version_id, version_id, write_version_id};

use crate::codec::{Malformed, Reader, Writer};
use bytes::Bytes;

/// A value that is stored in rows.
pub trait Record: Sized {
    /// What error messages call it.
    const NAME: &'static str;
    /// Writes all fields.
    fn write(&self, w: &mut Writer);
    /// Reads all fields.
    fn read(r: &mut Reader) -> Result<Self, Malformed>;

    /// The row's value.
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::versioned(1);
        self.write(&mut w);
        w.finish()
    }

    /// The record that a row's value holds.
    fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        let (mut r, _) = Reader::versioned(bytes, Self::NAME, 1)?;
        let record = Self::read(&mut r)?;
        r.finish()?;
        Ok(record)
    }
}
