//! A storage node: immutable blobs in append-only segment files, with an index that the files can rebuild.
//!
//! * [`format`](mod@format): the bytes of a segment; [`scan`](mod@scan) reads them without trusting any.
//! * `log`: where the next record goes. `commit`: the one thread that makes records durable and changes the index.
//! * `put`, `get`: the two streams. `index`: the rows. `fence`: the states of placement groups that puts are held
//!   to. `recover`: opening after anything. [`maintain`]: compaction
//!   and scrubbing. [`datadir`]: the marker and the lock of a node's data directory.
//!
//! **Architecture Invariant:** the set of blobs is a function of the records in the segments, whatever their order.
//! The index only makes it fast.
//!
//! **Architecture Invariant:** bytes are returned only if their checksum, which covers the blob's name and the
//! block's number, verifies.

mod commit;
mod core;
pub mod datadir;
mod fence;
mod files;
pub mod format;
mod get;
mod index;
mod log;
pub mod maintain;
mod marker;
mod options;
mod put;
mod recover;
pub mod scan;
mod store;
mod suspects;
mod telemetry;
mod usage;

#[cfg(feature = "testing")]
pub use esker_rpc::testing::storage_contract as contract;

pub use datadir::{ClusterChoice, DataDir, DataDirError, Identity, Origin, Standing};
pub use esker_types::ClusterId;
pub use maintain::{CompactReport, Round, ScrubReport, SegmentFacts, Throttle};
pub use marker::MarkerError;
pub use options::{Components, FreeSpace, IndexStart, StorageOptions};
pub use recover::{OpenError, OpenReport, RebuildReason};
pub use scan::decode_records;
pub use store::SegmentStore;
pub use telemetry::METRICS;
