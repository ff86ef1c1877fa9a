//! Inputs of the operations on one object.

use crate::request::conditions::{IfRange, ReadConditions};
use crate::request::copy_source::CopySource;
use crate::request::object_headers::ObjectHeaders;
use esker_types::{
    BucketName, ChecksumAlgorithm, ETagCondition, ObjectKey, RangeSpec, VersionId, WriteCondition,
};
use http::{HeaderName, HeaderValue};

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
