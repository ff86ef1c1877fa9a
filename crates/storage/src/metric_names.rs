//! Names of the metrics that this crate moves.

/// Gauge: segment files.
pub const SEGMENTS: &str = "esker_storage_segments";
/// Gauge: bytes of records that are part of a blob.
pub const LIVE_BYTES: &str = "esker_storage_live_bytes";
/// Gauge: bytes of sealed segment files that are not.
pub const DEAD_BYTES: &str = "esker_storage_dead_bytes";
/// Counter: blobs stored.
pub const PUTS: &str = "esker_storage_puts_total";
/// Counter: bytes of blobs stored.
pub const PUT_BYTES: &str = "esker_storage_put_bytes_total";
/// Counter: blobs deleted.
pub const DELETES: &str = "esker_storage_deletes_total";
/// Counter: bytes read and verified for clients.
pub const READ_BYTES: &str = "esker_storage_read_bytes_total";
/// Counter: puts that were refused because the disk was too full.
pub const REFUSED_FULL: &str = "esker_storage_refused_full_total";
/// Histogram: how long an fdatasync took.
pub const FSYNC_SECONDS: &str = "esker_storage_fsync_duration_seconds";
/// Histogram: how many requests shared one group commit.
pub const BATCH_SIZE: &str = "esker_storage_commit_batch_size";
/// Counter: bytes that scrubbing read.
pub const SCRUB_BYTES: &str = "esker_storage_scrub_bytes_total";
/// Counter: blobs that scrubbing found damaged.
pub const SCRUB_CORRUPT: &str = "esker_storage_scrub_corrupt_total";
/// Counter: times that scrubbing came to the last blob.
pub const SCRUB_ROUNDS: &str = "esker_storage_scrub_rounds_total";
/// Counter: reads and scrubs that met a blob that doesn't verify.
pub const CORRUPT: &str = "esker_storage_corrupt_total";
/// Counter: bytes that compaction copied.
pub const COMPACTED_BYTES: &str = "esker_storage_compacted_bytes_total";
/// Counter: bytes handed back to the file system by punching holes.
pub const PUNCHED_BYTES: &str = "esker_storage_punched_bytes_total";
/// Gauge: 1 once the disk is retired after a failed fdatasync.
pub const RETIRED: &str = "esker_storage_retired";
