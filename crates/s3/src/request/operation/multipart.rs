//! Inputs of the multipart operations.

use crate::request::conditions::ReadConditions;
use crate::request::copy_source::CopySource;
use crate::request::object_headers::ObjectHeaders;
use esker_types::{
    BucketName, ByteRange, ChecksumAlgorithm, ChecksumType, ObjectChecksum, ObjectKey, UploadId,
    WriteCondition,
};

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
    pub source_range: Option<ByteRange>,
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
