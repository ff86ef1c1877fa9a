//! What the reply documents say, in domain types. `to_xml` of each is in `xml::write`.

pub use super::delete_result::{DeleteMarkerEffect, DeleteOutcome, DeleteResult};

use crate::request::operation::{
    ListMultipartUploads, ListObjectVersions, ListObjects, ListObjectsV2, ListParts, UploadsMarker,
    VersionsMarker,
};
use esker_types::{
    BucketName, Checksum, ChecksumAlgorithm, ChecksumType, ETag, ObjectChecksum, ObjectKey, Timestamp,
    UploadId, VersionId, VersioningState,
};

/// Who owns a bucket, object or upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The opaque id.
    pub id: String,
    /// The name shown to people.
    pub display_name: String,
}

/// `ListAllMyBucketsResult`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListBucketsResult {
    /// The caller.
    pub owner: Owner,
    /// The buckets of this page, in order.
    pub buckets: Vec<BucketEntry>,
    /// The last bucket of this page, if there are more.
    pub next: Option<BucketName>,
    /// The prefix that the client gave, if any.
    pub prefix: String,
}

/// One bucket of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketEntry {
    /// The name.
    pub name: BucketName,
    /// When it was created.
    pub created: Timestamp,
    /// Its region.
    pub region: String,
}

/// `LocationConstraint` (s3-rules 30: the location of us-east-1 is empty).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocationResult<'a> {
    /// The server's region.
    pub region: &'a str,
}

/// `VersioningConfiguration` (s3-rules 22)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersioningResult {
    /// The bucket's state.
    pub state: VersioningState,
}

/// What lists say about an object's checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChecksumKind {
    /// The algorithm.
    pub algorithm: ChecksumAlgorithm,
    /// What it was computed over.
    pub checksum_type: ChecksumType,
}

/// One object of a list of current versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectEntry {
    /// The key.
    pub key: ObjectKey,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Its tag.
    pub etag: ETag,
    /// Its checksum.
    pub checksum: Option<ChecksumKind>,
    /// Its length in bytes.
    pub size: u64,
    /// Its owner; `None` leaves the element out.
    pub owner: Option<Owner>,
}

/// `ListBucketResult` of ListObjects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListObjectsResult<'a> {
    /// What was asked, to be echoed.
    pub request: &'a ListObjects,
    /// The keys of this page.
    pub contents: Vec<ObjectEntry>,
    /// The common prefixes of this page.
    pub common_prefixes: Vec<String>,
    /// The last key or common prefix of this page, if there are more. Written only with a delimiter
    /// (s3-rules 27); `IsTruncated` says whether it is there.
    pub next: Option<String>,
}

/// `ListBucketResult` of ListObjectsV2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListObjectsV2Result<'a> {
    /// What was asked, to be echoed.
    pub request: &'a ListObjectsV2,
    /// The keys of this page.
    pub contents: Vec<ObjectEntry>,
    /// The common prefixes of this page.
    pub common_prefixes: Vec<String>,
    /// The last key or common prefix of this page, if there are more; written as a token.
    pub next: Option<String>,
}

/// `ListVersionsResult`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListVersionsResult<'a> {
    /// What was asked, to be echoed.
    pub request: &'a ListObjectVersions,
    /// Versions and delete markers in one order.
    pub versions: Vec<VersionEntry>,
    /// The common prefixes of this page.
    pub common_prefixes: Vec<String>,
    /// Where the next page resumes, if there are more. `version: None` after a common prefix (s3-rules 25).
    pub next: Option<VersionsMarker>,
}

/// One version or delete marker of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionEntry {
    /// The key.
    pub key: ObjectKey,
    /// The version.
    pub version: VersionId,
    /// Whether it is the key's current version.
    pub is_latest: bool,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Its owner (s3-rules 27: always there).
    pub owner: Owner,
    /// What distinguishes an object from a delete marker.
    pub kind: VersionKind,
}

/// An object or a delete marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionKind {
    /// An object.
    Object {
        /// Its tag.
        etag: ETag,
        /// Its length in bytes.
        size: u64,
        /// Its checksum.
        checksum: Option<ChecksumKind>,
    },
    /// A delete marker.
    DeleteMarker,
}

/// `InitiateMultipartUploadResult`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitiateMultipartUploadResult<'a> {
    /// The bucket.
    pub bucket: &'a BucketName,
    /// The key.
    pub key: &'a ObjectKey,
    /// The new upload.
    pub upload: UploadId,
}

/// `CompleteMultipartUploadResult`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompleteMultipartUploadResult<'a> {
    /// The object's URL.
    pub location: &'a str,
    /// The bucket.
    pub bucket: &'a BucketName,
    /// The key.
    pub key: &'a ObjectKey,
    /// The new object's tag.
    pub etag: ETag,
    /// The new object's checksum.
    pub checksum: Option<ObjectChecksum>,
}

/// `CopyObjectResult`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyObjectResult {
    /// The copy's tag.
    pub etag: ETag,
    /// When the copy was made.
    pub last_modified: Timestamp,
    /// The copy's checksum.
    pub checksum: Option<ObjectChecksum>,
}

/// `CopyPartResult`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyPartResult {
    /// The part's tag.
    pub etag: ETag,
    /// When the copy was made.
    pub last_modified: Timestamp,
    /// The part's checksum.
    pub checksum: Option<Checksum>,
}

/// `ListPartsResult`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPartsResult<'a> {
    /// What was asked, to be echoed.
    pub request: &'a ListParts,
    /// Who started the upload and owns the object to be.
    pub owner: Owner,
    /// The checksum that the upload was created with.
    pub checksum: Option<ChecksumKind>,
    /// The parts of this page, by number.
    pub parts: Vec<PartEntry>,
    /// The last part number of this page, if there are more.
    pub next: Option<u16>,
}

/// One part of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartEntry {
    /// Its number, 1–10000.
    pub number: u16,
    /// When it was uploaded.
    pub last_modified: Timestamp,
    /// Its tag.
    pub etag: ETag,
    /// Its length in bytes.
    pub size: u64,
    /// Its checksum.
    pub checksum: Option<Checksum>,
}

/// `ListMultipartUploadsResult`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListMultipartUploadsResult<'a> {
    /// What was asked, to be echoed.
    pub request: &'a ListMultipartUploads,
    /// The uploads of this page, by key, then by id.
    pub uploads: Vec<UploadEntry>,
    /// The common prefixes of this page.
    pub common_prefixes: Vec<String>,
    /// Where the next page resumes, if there are more. `upload: None` after a common prefix.
    pub next: Option<UploadsMarker>,
}

/// One multipart upload in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadEntry {
    /// The key.
    pub key: ObjectKey,
    /// The upload.
    pub upload: UploadId,
    /// Who started it.
    pub owner: Owner,
    /// When it was started.
    pub initiated: Timestamp,
    /// The checksum that it was created with.
    pub checksum: Option<ChecksumKind>,
}
