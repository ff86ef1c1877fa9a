//! The metrics of a storage node.

use esker_metric::Metric;
use esker_rpc::{DiskState, StorageUsage};

pub(crate) const SEGMENTS: &str = "esker_storage_segments";
pub(crate) const LIVE_BYTES: &str = "esker_storage_live_bytes";
pub(crate) const DEAD_BYTES: &str = "esker_storage_dead_bytes";
pub(crate) const PUTS: &str = "esker_storage_puts_total";
pub(crate) const PUT_BYTES: &str = "esker_storage_put_bytes_total";
pub(crate) const DELETES: &str = "esker_storage_deletes_total";
pub(crate) const READ_BYTES: &str = "esker_storage_read_bytes_total";
pub(crate) const REFUSED_FULL: &str = "esker_storage_refused_full_total";
pub(crate) const FSYNC_SECONDS: &str = "esker_storage_fsync_duration_seconds";
pub(crate) const BATCH_REQUESTS: &str = "esker_storage_commit_batch_requests";
pub(crate) const SCRUB_BYTES: &str = "esker_storage_scrub_bytes_total";
pub(crate) const SCRUB_CORRUPT: &str = "esker_storage_scrub_corrupt_total";
pub(crate) const SCRUB_ROUNDS: &str = "esker_storage_scrub_rounds_total";
pub(crate) const CORRUPT: &str = "esker_storage_corrupt_total";
pub(crate) const COMPACTED_BYTES: &str = "esker_storage_compacted_bytes_total";
pub(crate) const PUNCHED_BYTES: &str = "esker_storage_punched_bytes_total";
pub(crate) const RETIRED: &str = "esker_storage_retired";
const BLOBS: &str = "esker_storage_blobs";
const CAPACITY_BYTES: &str = "esker_storage_capacity_bytes";
const FREE_BYTES: &str = "esker_storage_free_bytes";

/// The metrics of a storage node.
pub const METRICS: &[Metric] = &[
    Metric::gauge(CAPACITY_BYTES, "Size of the file system that the data directory is on"),
    Metric::gauge(FREE_BYTES, "What is free on it"),
    Metric::gauge(
        RETIRED,
        "1 once a write could not be made durable: the disk takes no data until the node starts again",
    ),
    Metric::gauge(BLOBS, "Blobs that are stored"),
    Metric::gauge(SEGMENTS, "Segment files"),
    Metric::gauge(LIVE_BYTES, "Bytes of records that are part of a blob"),
    Metric::gauge(DEAD_BYTES, "Bytes of sealed segment files that are not, and that compaction gives back"),
    Metric::counter(PUTS, "Blobs stored"),
    Metric::counter(PUT_BYTES, "Bytes of blobs stored"),
    Metric::counter(DELETES, "Blobs that were asked to be deleted"),
    Metric::counter(READ_BYTES, "Bytes that were read and verified for clients and other nodes"),
    Metric::counter(REFUSED_FULL, "Puts that were refused because too little space is left"),
    Metric::seconds(FSYNC_SECONDS, "How long an fdatasync of a segment took"),
    Metric::counts(BATCH_REQUESTS, "Requests that shared one commit, and so their fdatasyncs"),
    Metric::counter(SCRUB_BYTES, "Bytes that scrubbing read"),
    Metric::counter(SCRUB_CORRUPT, "Blobs that scrubbing found damaged"),
    Metric::counter(SCRUB_ROUNDS, "Times that scrubbing came to the last blob"),
    Metric::counter(CORRUPT, "Times that a read or scrubbing met a blob that does not verify"),
    Metric::counter(COMPACTED_BYTES, "Bytes that compaction copied"),
    Metric::counter(PUNCHED_BYTES, "Bytes given back to the file system by punching holes"),
];

/// Shows what other nodes are told, which they ask for every other second.
#[expect(clippy::cast_precision_loss, reason = "gauges are floating point")]
pub(crate) fn show(usage: &StorageUsage) {
    metrics::gauge!(CAPACITY_BYTES).set(usage.capacity_bytes as f64);
    metrics::gauge!(FREE_BYTES).set(usage.free_bytes as f64);
    metrics::gauge!(BLOBS).set(usage.blobs as f64);
    metrics::gauge!(RETIRED).set(if usage.disk == DiskState::Retired { 1.0 } else { 0.0 });
}
