//! The metrics of the log.

use esker_metric::Metric;

/// Moved by the writer, once for each batch.
pub(crate) const FSYNC_DURATION: &str = "esker_wal_fsync_duration_seconds";
pub(crate) const BATCH_RECORDS: &str = "esker_wal_batch_records";
pub(crate) const WRITTEN_BYTES: &str = "esker_wal_written_bytes_total";
/// Moved when segments come and go.
pub(crate) const SEGMENTS: &str = "esker_wal_segments";

/// The metrics of the log.
pub const METRICS: &[Metric] = &[
    Metric::seconds(FSYNC_DURATION, "How long an fdatasync of the log took; every write waits for one"),
    Metric::counts(BATCH_RECORDS, "Records that shared one fdatasync of the log"),
    Metric::counter(WRITTEN_BYTES, "Bytes that were written to the log"),
    Metric::gauge(SEGMENTS, "Segment files of the log that are in use"),
];
