//! Inputs of the operations on a bucket as a whole.

use esker_types::BucketName;

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

/// `POST /bucket?delete`; the body is `xml::read::delete_objects`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteObjects {
    /// The bucket.
    pub bucket: BucketName,
}
