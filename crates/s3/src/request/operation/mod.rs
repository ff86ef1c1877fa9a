//! The closed list of what a client can ask for, with one input struct per operation.
//!
//! A request that is none of these never becomes an `Operation`: parsing answers it with an error.

mod buckets;
mod lists;
mod multipart;
mod objects;

pub use buckets::*;
pub use lists::*;
pub use multipart::*;
pub use objects::*;

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
