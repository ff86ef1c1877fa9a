//! Inputs of the lists.

use crate::request::list::EncodingType;
use esker_types::{BucketName, UploadId, VersionId};

/// `GET /`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListBuckets {
    /// Only buckets whose names start so; empty means all.
    pub prefix: String,
    /// At most so many, 1–10000. `None`: the client did not ask for pages.
    pub max_buckets: Option<u16>,
    /// Resume after this bucket name (decoded from the continuation token).
    pub resume_after: Option<String>,
    /// Only buckets of this region.
    pub bucket_region: Option<String>,
}

/// `GET /bucket`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListObjects {
    /// The bucket.
    pub bucket: BucketName,
    /// Only keys that start so; empty means all.
    pub prefix: String,
    /// Roll keys up to common prefixes at this text, never empty.
    pub delimiter: Option<String>,
    /// At most so many entries, 0–1000.
    pub max_keys: u16,
    /// Resume after this key or common prefix.
    pub marker: Option<String>,
    /// How the reply writes keys.
    pub encoding: EncodingType,
}

/// `GET /bucket?list-type=2`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListObjectsV2 {
    /// The bucket.
    pub bucket: BucketName,
    /// Only keys that start so; empty means all.
    pub prefix: String,
    /// Roll keys up to common prefixes at this text, never empty.
    pub delimiter: Option<String>,
    /// At most so many entries, 0–1000.
    pub max_keys: u16,
    /// Where the first page starts; ignored once there is a continuation token.
    pub start_after: Option<String>,
    /// The token as sent, for the reply to echo, and the key or common prefix to resume after.
    pub continuation: Option<Continuation>,
    /// Whether entries name their owner.
    pub owner: OwnerField,
    /// How the reply writes keys.
    pub encoding: EncodingType,
}

impl ListObjectsV2 {
    /// The key or common prefix to resume after.
    pub fn resume_after(&self) -> Option<&str> {
        match &self.continuation {
            Some(continuation) => Some(&continuation.resume_after),
            None => self.start_after.as_deref(),
        }
    }
}

/// A continuation token and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continuation {
    /// The opaque text that the client sent.
    pub token: String,
    /// The key or common prefix to resume after.
    pub resume_after: String,
}

/// Whether a list's entries carry `<Owner>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerField {
    /// They do.
    Include,
    /// They do not.
    Omit,
}

/// `GET /bucket?versions`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListObjectVersions {
    /// The bucket.
    pub bucket: BucketName,
    /// Only keys that start so; empty means all.
    pub prefix: String,
    /// Roll keys up to common prefixes at this text, never empty.
    pub delimiter: Option<String>,
    /// At most so many entries, 0–1000.
    pub max_keys: u16,
    /// Where to resume.
    pub marker: Option<VersionsMarker>,
    /// How the reply writes keys.
    pub encoding: EncodingType,
}

/// Where a list of versions resumes: after all of `key` (or of this common prefix), or, with `version`,
/// right after that version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionsMarker {
    /// The key or common prefix, never empty.
    pub key: String,
    /// The version; may be the hidden sequence id of a null version (s3-rules 26).
    pub version: Option<VersionId>,
}

/// `GET /bucket?uploads`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListMultipartUploads {
    /// The bucket.
    pub bucket: BucketName,
    /// Only keys that start so; empty means all.
    pub prefix: String,
    /// Roll keys up to common prefixes at this text, never empty.
    pub delimiter: Option<String>,
    /// At most so many entries, 0–1000.
    pub max_uploads: u16,
    /// Where to resume.
    pub marker: Option<UploadsMarker>,
    /// How the reply writes keys.
    pub encoding: EncodingType,
}

/// Where a list of uploads resumes: after all uploads of `key` (or of this common prefix), or, with `upload`,
/// right after that upload of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadsMarker {
    /// The key or common prefix, never empty.
    pub key: String,
    /// The upload.
    pub upload: Option<UploadId>,
}
