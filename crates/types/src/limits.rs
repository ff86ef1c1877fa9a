//! Limits of the S3 protocol that clients rely on.
//!
//! Source: "Amazon S3 multipart upload limits" and "Naming Amazon S3 objects" in the S3 user guide.

/// Longest object key, in bytes of UTF-8.
pub const KEY_BYTES_MAX: usize = 1024;
/// Largest body of one PutObject or UploadPart, in bytes (5 GiB).
pub const PUT_BYTES_MAX: u64 = 5 << 30;
/// Smallest part that is not the last one of its upload, in bytes (5 MiB).
pub const PART_BYTES_MIN: u64 = 5 << 20;
/// Highest part number; the lowest is 1.
pub const PART_NUMBER_MAX: u16 = 10_000;
/// Largest object, in bytes (10,000 parts of 5 GiB; S3's own limit is 50 TB as of 2025).
pub const OBJECT_BYTES_MAX: u64 = PART_NUMBER_MAX as u64 * PUT_BYTES_MAX;
/// Largest sum of the lengths of user metadata names and values, in bytes.
pub const USER_METADATA_BYTES_MAX: usize = 2 * 1024;
/// Most entries that one page of a list holds.
pub const LIST_KEYS_MAX: usize = 1000;
/// Most entries that one DeleteObjects request names.
pub const DELETE_OBJECTS_MAX: usize = 1000;
/// Most buckets that one page of ListBuckets holds.
pub const LIST_BUCKETS_MAX: usize = 10_000;
