//! One file per family of S3 operations, named for them.

mod bucket;
mod commit;
mod copy_object;
mod copy_source;
mod delete_object;
mod delete_objects;
mod get_object;
mod list_object_versions;
mod list_objects;
mod multipart;
mod object_tagging;
mod put_object;
mod versioning;

use crate::core::Core;
use crate::data::{Pipeline, RequestBody};
use crate::reply::Reply;
use bytes::{Bytes, BytesMut};
use esker_s3::body::{BodyKind, BodyPlan, BodyReader};
use esker_s3::request::Operation;
use esker_s3::xml::results::Owner;
use esker_s3::{ErrorCode, S3Error};
use esker_types::BucketName;
use std::sync::Arc;

/// What every operation is given beside its input.
#[derive(Clone, Copy)]
pub(crate) struct OpContext<'a> {
    /// The gateway's parts.
    pub(crate) core: &'a Arc<Core>,
    /// The account that signed the request.
    pub(crate) account: &'a str,
}

/// A request's body, where the operation has one.
pub(crate) struct OpBody {
    pub(crate) body: RequestBody,
    pub(crate) plan: BodyPlan,
}

impl OpBody {
    /// All of a document. Its length is bounded by what the plan allows for its kind.
    async fn document(self, cx: OpContext<'_>) -> Result<Bytes, S3Error> {
        let mut pipeline = Pipeline::new(self.body, BodyReader::new(self.plan), &cx.core.digesters);
        let mut document = BytesMut::new();
        while let Some(piece) = pipeline.next().await? {
            document.extend_from_slice(&piece);
        }
        pipeline.summary()?;
        Ok(document.freeze())
    }
}

/// The kind of body that an operation has.
pub(crate) fn body_kind(operation: &Operation) -> Option<BodyKind> {
    match operation {
        Operation::PutObject(_) | Operation::UploadPart(_) => Some(BodyKind::Object),
        Operation::DeleteObjects(_) => Some(BodyKind::DeleteObjects),
        Operation::CompleteMultipartUpload(_) => Some(BodyKind::CompleteMultipartUpload),
        Operation::CreateBucket(_) | Operation::PutBucketVersioning(_) => Some(BodyKind::Document),
        _ => None,
    }
}

/// Carries out an operation. `body` is there if [`body_kind`] says so; otherwise it is drained when it drops.
pub(crate) async fn run(
    cx: OpContext<'_>,
    operation: Operation,
    body: Option<OpBody>,
    host: &str,
) -> Result<Reply, S3Error> {
    let body = || body.ok_or(S3Error::new(ErrorCode::InternalError));
    match operation {
        Operation::ListBuckets(input) => bucket::list(cx, &input).await,
        Operation::CreateBucket(input) => bucket::create(cx, &input.bucket, body()?).await,
        Operation::HeadBucket(input) => bucket::head(cx, &input.bucket).await,
        Operation::DeleteBucket(input) => bucket::delete(cx, &input.bucket).await,
        Operation::GetBucketLocation(input) => bucket::location(cx, &input.bucket).await,
        Operation::GetBucketVersioning(input) => versioning::get(cx, &input.bucket).await,
        Operation::PutBucketVersioning(input) => versioning::put(cx, &input.bucket, body()?).await,
        Operation::ListObjects(input) => list_objects::v1(cx, &input).await,
        Operation::ListObjectsV2(input) => list_objects::v2(cx, &input).await,
        Operation::ListObjectVersions(input) => list_object_versions::run(cx, &input).await,
        Operation::ListMultipartUploads(input) => multipart::list_uploads(cx, &input).await,
        Operation::DeleteObjects(input) => delete_objects::run(cx, &input.bucket, body()?).await,
        Operation::GetObject(input) => get_object::get(cx, &input.read).await,
        Operation::HeadObject(input) => get_object::head(cx, &input.read).await,
        Operation::PutObject(input) => put_object::run(cx, input, body()?).await,
        Operation::CopyObject(input) => copy_object::run(cx, input).await,
        Operation::DeleteObject(input) => delete_object::run(cx, &input).await,
        Operation::GetObjectTagging(input) => object_tagging::get(cx, &input).await,
        Operation::CreateMultipartUpload(input) => multipart::create(cx, &input).await,
        Operation::UploadPart(input) => multipart::upload_part(cx, &input, body()?).await,
        Operation::UploadPartCopy(input) => multipart::upload_part_copy(cx, &input).await,
        Operation::CompleteMultipartUpload(input) => multipart::complete(cx, &input, body()?, host).await,
        Operation::AbortMultipartUpload(input) => multipart::abort(cx, &input).await,
        Operation::ListParts(input) => multipart::list_parts(cx, &input).await,
    }
}

/// The operation's name, as metrics and logs call it.
pub(crate) fn name(operation: &Operation) -> &'static str {
    macro_rules! names {
        ($($name:ident)*) => {
            match operation { $(Operation::$name(_) => stringify!($name),)* }
        };
    }
    names! {
        ListBuckets CreateBucket HeadBucket DeleteBucket GetBucketLocation GetBucketVersioning
        PutBucketVersioning ListObjects ListObjectsV2 ListObjectVersions ListMultipartUploads DeleteObjects
        GetObject HeadObject PutObject CopyObject DeleteObject GetObjectTagging CreateMultipartUpload UploadPart
        UploadPartCopy CompleteMultipartUpload AbortMultipartUpload ListParts
    }
}

/// The bucket that an operation is about.
fn bucket_of(operation: &Operation) -> Option<&BucketName> {
    macro_rules! buckets {
        ($($name:ident)*) => {
            match operation {
                Operation::ListBuckets(_) => None,
                Operation::GetObject(input) => Some(&input.read.bucket),
                Operation::HeadObject(input) => Some(&input.read.bucket),
                $(Operation::$name(input) => Some(&input.bucket),)*
            }
        };
    }
    buckets! {
        CreateBucket HeadBucket DeleteBucket GetBucketLocation GetBucketVersioning PutBucketVersioning
        ListObjects ListObjectsV2 ListObjectVersions ListMultipartUploads DeleteObjects PutObject CopyObject
        DeleteObject GetObjectTagging CreateMultipartUpload UploadPart UploadPartCopy CompleteMultipartUpload
        AbortMultipartUpload ListParts
    }
}

/// Checks whom the client believes to own the buckets (`x-amz-expected-bucket-owner`,
/// `x-amz-source-expected-bucket-owner`).
pub(crate) async fn check_owners(
    cx: OpContext<'_>,
    request: &esker_s3::request::Request,
) -> Result<(), S3Error> {
    let source = match &request.operation {
        Operation::CopyObject(input) => Some(&input.source.bucket),
        Operation::UploadPartCopy(input) => Some(&input.source.bucket),
        _ => None,
    };
    let pairs = [
        (bucket_of(&request.operation), &request.expected_bucket_owner),
        (source, &request.expected_source_owner),
    ];
    for (bucket, expected) in pairs {
        let (Some(bucket), Some(expected)) = (bucket, expected) else { continue };
        // A bucket that is to be created has no owner yet.
        if matches!(request.operation, Operation::CreateBucket(_)) {
            continue;
        }
        let (_, summary) = cx.core.bucket(bucket).await?;
        if summary.owner != *expected {
            return Err(ErrorCode::AccessDenied.into());
        }
    }
    Ok(())
}

/// An account as owner.
fn owner(account: &str) -> Owner {
    Owner { id: account.to_owned(), display_name: account.to_owned() }
}
