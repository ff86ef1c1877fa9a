//! How the roles talk: a gateway asks the metadata layer and storage nodes through these traits, in domain types.
//! Inside one process the call is direct; adapters for other processes implement the same traits.

pub mod metadata;
pub mod storage;

pub use metadata::{Metadata, MetadataError, Proposal};
pub use storage::{BlobBody, BlobInfo, BlobReader, BodyAborted, Storage, StorageError};
