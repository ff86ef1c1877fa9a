//! The values of rows, with their format versions; golden bytes are in `tests/formats.rs`.

mod bucket;
mod cluster;
mod data;
mod group;
mod manifest;
mod upload;
mod version;

pub use bucket::{BucketPhase, BucketRecord, DirectoryEntry, DirectoryState};
pub use cluster::{NodeRecord, PlacementState, RepairRecord, TopologyRecord};
pub use data::{DataRecord, GarbageItem, GarbageRecord};
pub use group::GroupRecord;
pub use manifest::{ManifestBody, ManifestRecord, PartSummary};
pub use upload::{CompletedRecord, PartPage, PartRecord, UploadChecksum, UploadRecord};
pub use version::{ObjectRecord, VersionBody, VersionRecord};

pub(crate) use bucket::{read_versioning, versioning_number};
pub(crate) use cluster::{
    node_state_number, read_fence, read_node_info, read_node_state, read_nodes, read_settings, write_fence,
    write_node_info, write_nodes, write_settings,
};
pub(crate) use upload::{read_upload_checksum, write_upload_checksum};
pub(crate) use version::{read_version_id, version_id, write_version_id};

use crate::codec::{Malformed, Reader, Writer};
use bytes::Bytes;

/// A value that is stored in rows.
pub trait Record: Sized {
    /// What error messages call it.
    const NAME: &'static str;
    /// The format version that is written.
    const VERSION: u8 = 1;
    /// Writes all fields.
    fn write(&self, w: &mut Writer);
    /// Reads all fields, of the version that is written.
    fn read(r: &mut Reader) -> Result<Self, Malformed>;
    /// Reads all fields of an older version.
    fn read_old(r: &mut Reader, _version: u8) -> Result<Self, Malformed> {
        Err(r.malformed())
    }

    /// The row's value.
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::versioned(Self::VERSION);
        self.write(&mut w);
        w.finish()
    }

    /// The record that a row's value holds.
    fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        let (mut r, version) = Reader::versioned(bytes, Self::NAME, Self::VERSION)?;
        let record =
            if version == Self::VERSION { Self::read(&mut r)? } else { Self::read_old(&mut r, version)? };
        r.finish()?;
        Ok(record)
    }
}
