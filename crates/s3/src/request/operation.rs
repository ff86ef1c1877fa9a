//! The closed list of what a client can ask for, with one input struct per operation.
//!
//! A request that is none of these never becomes an `Operation`: parsing answers it with an error.

use crate::request::conditions::{IfRange, ReadConditions};
use crate::request::copy_source::CopySource;
use crate::request::list::EncodingType;
use crate::request::object_headers::ObjectHeaders;
use esker_types::{
    BucketName, ChecksumAlgorithm, ChecksumType, ETagCondition, ObjectChecksum, ObjectKey, RangeSpec,
    UploadId, VersionId, WriteCondition,
};
use http::{HeaderName, HeaderValue};

/// One S3 operation and everything that the request's head says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is named for its input struct, which is documented")]
pub enum Operation {
    ListBuckets(ListBuckets),
    CreateBucket(CreateBucket),
    HeadBucket(HeadBucket),
    DeleteBucket(DeleteBucket),
    GetBucketLocation(GetBucketLocation),
    GetBucketVersioning(GetBucketVersioning),
    PutBucketVersioning(PutBucketVersioning),
    ListObjects(ListObjects),
    ListObjectsV2(ListObjectsV2),
    ListObjectVersions(ListObjectVersions),
    ListMultipartUploads(ListMultipartUploads),
    DeleteObjects(DeleteObjects),
    GetObject(GetObject),
    HeadObject(HeadObject),
    PutObject(PutObject),
    CopyObject(CopyObject),
    DeleteObject(DeleteObject),
    GetObjectTagging(GetObjectTagging),
    CreateMultipartUpload(CreateMultipartUpload),
    UploadPart(UploadPart),
    UploadPartCopy(UploadPartCopy),
    CompleteMultipartUpload(CompleteMultipartUpload),
    AbortMultipartUpload(AbortMultipartUpload),
    ListParts(ListParts),
}

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

/// `PUT /bucket`; the body is `xml::read::create_bucket_configuration`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateBucket {
    /// The bucket.
    pub bucket: BucketName,
}

/// `HEAD /bucket`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadBucket {
    /// The bucket.
    pub bucket: BucketName,
}

/// `DELETE /bucket`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteBucket {
    /// The bucket.
    pub bucket: BucketName,
}

/// `GET /bucket?location`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetBucketLocation {
    /// The bucket.
    pub bucket: BucketName,
}

/// `GET /bucket?versioning`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetBucketVersioning {
    /// The bucket.
    pub bucket: BucketName,
}

/// `PUT /bucket?versioning`; the body is `xml::read::versioning_configuration`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutBucketVersioning {
    /// The bucket.
    pub bucket: BucketName,
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

/// `POST /bucket?delete`; the body is `xml::read::delete_objects`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteObjects {
    /// The bucket.
    pub bucket: BucketName,
}

/// `GET /bucket/key`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetObject {
    /// What both GET and HEAD say.
    pub read: ReadObject,
}

/// `HEAD /bucket/key`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadObject {
    /// What both GET and HEAD say.
    pub read: ReadObject,
}

/// What GET and HEAD of an object have in common: everything but the reply's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadObject {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// The version; `None`: the current one.
    pub version: Option<VersionId>,
    /// Which of the object's bytes.
    pub selection: Selection,
    /// RFC 9110 conditions, see `evaluate_read`.
    pub conditions: ReadConditions,
    /// Whether the reply carries checksums (never on a ranged reply, s3-rules 6).
    pub checksum_mode: ChecksumMode,
    /// Headers of the reply that the client wants replaced (`response-*`). Only in signed requests.
    pub overrides: Vec<(HeaderName, HeaderValue)>,
}

/// Which bytes of an object are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All.
    Whole,
    /// One range: 206, or 416 if it is not satisfiable. Whole if `if_range` is given and does not hold.
    Range {
        /// The range.
        range: RangeSpec,
        /// The condition under which it counts.
        if_range: Option<IfRange>,
    },
    /// One part of a multipart object, 1–10000 (1 is the whole of any other object): 206.
    Part(u16),
}

/// Whether a client wants the stored checksum (`x-amz-checksum-mode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumMode {
    /// It does.
    Enabled,
    /// It did not ask.
    Disabled,
}

/// `PUT /bucket/key`; `BodyPlan` says how the body arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutObject {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// What to store beside the bytes.
    pub headers: ObjectHeaders,
    /// Decided inside `apply`.
    pub condition: WriteCondition,
}

/// `PUT /bucket/key` with `x-amz-copy-source`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyObject {
    /// The destination bucket.
    pub bucket: BucketName,
    /// The destination key.
    pub key: ObjectKey,
    /// What to copy.
    pub source: CopySource,
    /// Conditions on the source, see `evaluate_copy_source`.
    pub source_conditions: ReadConditions,
    /// Conditions on the destination.
    pub condition: WriteCondition,
    /// Where the copy's headers come from.
    pub metadata: MetadataDirective,
    /// The checksum algorithm that the client wants the copy to have.
    pub checksum_algorithm: Option<ChecksumAlgorithm>,
}

/// Where a copy's headers and metadata come from (`x-amz-metadata-directive`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataDirective {
    /// From the source.
    Copy,
    /// From this request.
    Replace(ObjectHeaders),
}

/// `DELETE /bucket/key`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteObject {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// The version to remove for good; `None`: a delete without version id.
    pub version: Option<VersionId>,
    /// `If-Match`, evaluated against the named version if there is one (s3-rules 8).
    pub if_match: Option<ETagCondition>,
}

/// `GET /bucket/key?tagging`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetObjectTagging {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// The version; `None`: the current one.
    pub version: Option<VersionId>,
}

/// `POST /bucket/key?uploads`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateMultipartUpload {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// What to store beside the object's bytes.
    pub headers: ObjectHeaders,
    /// The checksum that parts and object will have.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
}

/// `PUT /bucket/key?partNumber=N&uploadId=ID`; `BodyPlan` says how the body arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadPart {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// The upload.
    pub upload: UploadId,
    /// The part's number, 1–10000.
    pub part_number: u16,
}

/// `PUT /bucket/key?partNumber=N&uploadId=ID` with `x-amz-copy-source`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadPartCopy {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// The upload.
    pub upload: UploadId,
    /// The part's number, 1–10000.
    pub part_number: u16,
    /// What to copy.
    pub source: CopySource,
    /// Conditions on the source, see `evaluate_copy_source`.
    pub source_conditions: ReadConditions,
    /// Which bytes of it, always `first-last`; past the end is `InvalidRange` (s3-rules 12).
    pub source_range: Option<esker_types::ByteRange>,
}

/// `POST /bucket/key?uploadId=ID`; the body is `xml::read::complete_multipart_upload`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompleteMultipartUpload {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// The upload.
    pub upload: UploadId,
    /// Decided inside `apply`, after a replay has been recognised.
    pub condition: WriteCondition,
    /// What the client believes the object's size to be, in bytes; a mismatch is `InvalidRequest`.
    pub object_size: Option<u64>,
    /// What the client believes the object's checksum to be; a mismatch is `BadDigest`.
    pub checksum: Option<ObjectChecksum>,
    /// What the client believes the checksum's type to be.
    pub checksum_type: Option<ChecksumType>,
}

/// `DELETE /bucket/key?uploadId=ID`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbortMultipartUpload {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// The upload.
    pub upload: UploadId,
}

/// `GET /bucket/key?uploadId=ID`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListParts {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// The upload.
    pub upload: UploadId,
    /// At most so many parts, 0–1000.
    pub max_parts: u16,
    /// Only parts with a higher number; 0 means all.
    pub part_number_marker: u16,
}

impl Operation {
    /// The operation's name in the S3 API reference, for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Operation::ListBuckets(_) => "ListBuckets",
            Operation::CreateBucket(_) => "CreateBucket",
            Operation::HeadBucket(_) => "HeadBucket",
            Operation::DeleteBucket(_) => "DeleteBucket",
            Operation::GetBucketLocation(_) => "GetBucketLocation",
            Operation::GetBucketVersioning(_) => "GetBucketVersioning",
            Operation::PutBucketVersioning(_) => "PutBucketVersioning",
            Operation::ListObjects(_) => "ListObjects",
            Operation::ListObjectsV2(_) => "ListObjectsV2",
            Operation::ListObjectVersions(_) => "ListObjectVersions",
            Operation::ListMultipartUploads(_) => "ListMultipartUploads",
            Operation::DeleteObjects(_) => "DeleteObjects",
            Operation::GetObject(_) => "GetObject",
            Operation::HeadObject(_) => "HeadObject",
            Operation::PutObject(_) => "PutObject",
            Operation::CopyObject(_) => "CopyObject",
            Operation::DeleteObject(_) => "DeleteObject",
            Operation::GetObjectTagging(_) => "GetObjectTagging",
            Operation::CreateMultipartUpload(_) => "CreateMultipartUpload",
            Operation::UploadPart(_) => "UploadPart",
            Operation::UploadPartCopy(_) => "UploadPartCopy",
            Operation::CompleteMultipartUpload(_) => "CompleteMultipartUpload",
            Operation::AbortMultipartUpload(_) => "AbortMultipartUpload",
            Operation::ListParts(_) => "ListParts",
        }
    }
}
