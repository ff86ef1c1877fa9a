//! What can be set, and what a store is built from.

use crate::datadir::DataDir;
use esker_env::{Clock, Disk, DiskSpace, Random};
use esker_kv::Engine;
use std::sync::Arc;
use std::time::Duration;

const MIB: u64 = 1 << 20;

/// Settings of one store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageOptions {
    /// A segment file is sealed when the next record would make it longer than this, in bytes. One record
    /// always fits, however small this is.
    pub segment_bytes: u64,
    /// How much a segment file grows at a time, in bytes. Admission of new data is decided at each step.
    pub allocate_bytes: u64,
    /// Bytes at the end of the open segment that only tombstones may use, so that a full disk can be emptied.
    pub delete_reserve_bytes: u64,
    /// New data is refused when the disk would have less than this left.
    pub free_space: FreeSpace,
    /// The memory for data on its way to the disk, for all puts together, in bytes. A put that gets none waits
    /// before it reads its body.
    pub buffer_bytes: u64,
    /// How many reads of the disk run at once.
    pub reads_max: usize,
    /// How many sealed segment files stay open.
    pub open_files_max: usize,
    /// A put whose body takes longer than this is given up: it would keep its segment from being sealed.
    pub put_time_max: Duration,
    /// How much the background maintenance may read and write per second, in bytes.
    pub maintenance_bytes_per_second: u64,
    /// How often maintenance looks for work.
    pub maintenance_interval: Duration,
    /// How long after a round of scrubbing the next one starts.
    pub scrub_interval: Duration,
}

/// The watermark below which new data is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreeSpace {
    /// 2 % of the disk, at most 256 MiB.
    Proportional,
    /// This many bytes.
    Bytes(u64),
}

impl FreeSpace {
    /// The watermark on a disk with this space, in bytes.
    pub fn bytes(self, space: DiskSpace) -> u64 {
        match self {
            FreeSpace::Proportional => (space.total_bytes / 50).min(256 * MIB),
            FreeSpace::Bytes(bytes) => bytes,
        }
    }
}

impl Default for StorageOptions {
    fn default() -> StorageOptions {
        StorageOptions {
            segment_bytes: 256 * MIB,
            allocate_bytes: 16 * MIB,
            delete_reserve_bytes: MIB,
            free_space: FreeSpace::Proportional,
            buffer_bytes: 32 * MIB,
            reads_max: 64,
            open_files_max: 128,
            put_time_max: Duration::from_secs(600),
            maintenance_bytes_per_second: 16 * MIB,
            maintenance_interval: Duration::from_secs(30),
            scrub_interval: Duration::from_secs(7 * 24 * 3600),
        }
    }
}

/// What a store is built from.
#[derive(Debug, Clone)]
pub struct Components {
    /// The disk that holds the segments.
    pub disk: Arc<dyn Disk>,
    /// Where the index is kept, in keyspaces whose names start with `storage.`.
    pub engine: Arc<dyn Engine>,
    /// The data directory, on that disk. Its lock is held until nothing writes to the segments any more.
    pub dir: Arc<DataDir>,
    /// For salts and write ids.
    pub random: Arc<dyn Random>,
    /// For durations in metrics.
    pub clock: Arc<dyn Clock>,
}

/// What to do with the index on opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexStart {
    /// Bring it up to date from the segments that it doesn't cover. It is rebuilt if it doesn't fit them.
    Recover,
    /// Drop it and rebuild it from all segments.
    Rebuild,
}
