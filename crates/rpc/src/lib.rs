//! How the roles talk: a gateway asks the metadata layer and storage nodes through these traits, in domain types.
//! Inside one process the call is direct; adapters for other processes implement the same traits.

pub mod blobs;
pub mod control;
pub mod grpc;
pub mod metadata;
pub mod storage;
#[cfg(feature = "testing")]
pub mod testing;
pub mod transport;

pub use blobs::{BlobStore, StoredBlob};
pub use control::{Control, ControlError, Formation, Hello, SettingsChange, Stage};
pub use metadata::{Metadata, MetadataError, Proposal};
pub use storage::{
    BlobBody, BlobInfo, BlobPage, BlobReader, BodyAborted, DiskState, GroupFilter, STAT_MAX, Scrubbed,
    Storage, StorageError, StorageUsage,
};
