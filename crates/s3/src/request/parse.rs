//! From a request's head to one operation of the closed list.

use crate::error::{ErrorCode, S3Error};
use crate::request::hoisted::effective_headers;
use crate::request::operation::{
    CreateBucket, DeleteBucket, DeleteObjects, GetBucketLocation, GetBucketVersioning, HeadBucket, Operation,
    PutBucketVersioning,
};
use crate::request::query::Query;
use crate::request::target::{Hosting, RequestHead, Resource};
use crate::request::{copy, list_inputs, multipart, object, subresource, unsupported};
use esker_types::{BucketName, ObjectKey};
use http::{HeaderMap, HeaderValue, Method, header};

/// Whether a request was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// By a known access key.
    Signed,
    /// Not at all.
    Anonymous,
}

/// A request whose head has been understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked for.
    pub operation: Operation,
    /// The account that the client believes to own the bucket; another owner is 403 `AccessDenied`.
    pub expected_bucket_owner: Option<String>,
    /// The same for the source bucket of a copy.
    pub expected_source_owner: Option<String>,
}

/// What the inputs of operations are read from.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) query: &'a Query,
    pub(super) headers: &'a HeaderMap,
    pub(super) caller: Caller,
}

impl Request {
    /// Understands a request's head.
    ///
    /// # Errors
    /// `NotImplemented` for operations and headers of S3 that Esker does not have, `MethodNotAllowed` for what
    /// is no operation at all, and the errors of malformed names, parameters and headers.
    pub fn parse(head: &RequestHead<'_>, hosting: &Hosting, caller: Caller) -> Result<Request, S3Error> {
        let resource = hosting.resolve(head)?;
        let query = Query::parse(head.query)?;
        let headers = effective_headers(head)?;
        let parts = Parts { query: &query, headers: &headers, caller };
        let operation = match resource {
            Resource::Service => service(head.method, parts)?,
            Resource::Bucket(bucket) => in_bucket(head.method, bucket, parts)?,
            Resource::Object(bucket, key) => on_object(head.method, bucket, key, parts)?,
        };
        unsupported::refuse(&operation, &headers)?;
        let owner = |name: &str| crate::request::headers::header_text(&headers, name);
        Ok(Request {
            operation,
            expected_bucket_owner: owner("x-amz-expected-bucket-owner"),
            expected_source_owner: owner("x-amz-source-expected-bucket-owner"),
        })
    }
}

fn service(method: &Method, parts: Parts<'_>) -> Result<Operation, S3Error> {
    subresource::refuse_unimplemented(parts.query, &[])?;
    match *method {
        Method::GET => list_inputs::list_buckets(parts.query).map(Operation::ListBuckets),
        _ => Err(method_not_allowed(method, "SERVICE", "GET")),
    }
}

fn in_bucket(method: &Method, bucket: BucketName, parts: Parts<'_>) -> Result<Operation, S3Error> {
    let query = parts.query;
    let implemented: &[&str] = match *method {
        Method::GET => &["location", "versioning", "versions", "uploads"],
        Method::PUT => &["versioning"],
        Method::POST => &["delete"],
        _ => &[],
    };
    let named = subresource::refuse_unimplemented(query, implemented)?;
    Ok(match (method.as_str(), named) {
        ("GET", Some("location")) => Operation::GetBucketLocation(GetBucketLocation { bucket }),
        ("GET", Some("versioning")) => Operation::GetBucketVersioning(GetBucketVersioning { bucket }),
        ("GET", Some("versions")) => {
            Operation::ListObjectVersions(list_inputs::list_object_versions(bucket, query)?)
        }
        ("GET", Some("uploads")) => {
            Operation::ListMultipartUploads(list_inputs::list_multipart_uploads(bucket, query)?)
        }
        ("GET", _) => match query.get("list-type") {
            Some("2") => Operation::ListObjectsV2(list_inputs::list_objects_v2(bucket, query)?),
            None | Some("" | "1") => Operation::ListObjects(list_inputs::list_objects(bucket, query)?),
            Some(other) => {
                return Err(S3Error::invalid_argument("list-type", other, "Invalid list type specified"));
            }
        },
        ("PUT", Some("versioning")) => Operation::PutBucketVersioning(PutBucketVersioning { bucket }),
        ("PUT", _) => Operation::CreateBucket(CreateBucket { bucket }),
        ("HEAD", _) => Operation::HeadBucket(HeadBucket { bucket }),
        ("DELETE", _) => Operation::DeleteBucket(DeleteBucket { bucket }),
        ("POST", Some("delete")) => Operation::DeleteObjects(DeleteObjects { bucket }),
        ("POST", _) => return Err(post_without_subresource(parts.headers)),
        _ => return Err(method_not_allowed(method, "BUCKET", "GET, HEAD, PUT, DELETE, POST")),
    })
}

fn on_object(
    method: &Method,
    bucket: BucketName,
    key: ObjectKey,
    parts: Parts<'_>,
) -> Result<Operation, S3Error> {
    let query = parts.query;
    let implemented: &[&str] = match *method {
        Method::GET => &["tagging", "uploadId"],
        Method::PUT | Method::DELETE => &["uploadId"],
        Method::POST => &["uploads", "uploadId"],
        _ => &[],
    };
    let named = subresource::refuse_unimplemented(query, implemented)?;
    let is_copy = parts.headers.contains_key("x-amz-copy-source");
    Ok(match (method.as_str(), named) {
        ("GET", Some("tagging")) => Operation::GetObjectTagging(object::get_tagging(bucket, key, query)?),
        ("GET", Some("uploadId")) => Operation::ListParts(multipart::list_parts(bucket, key, query)?),
        ("GET", _) => Operation::GetObject(object::get(bucket, key, parts)?),
        ("HEAD", _) => Operation::HeadObject(object::head(bucket, key, parts)?),
        ("PUT", Some("uploadId")) if is_copy => {
            Operation::UploadPartCopy(multipart::upload_part_copy(bucket, key, parts)?)
        }
        ("PUT", Some("uploadId")) => Operation::UploadPart(multipart::upload_part(bucket, key, query)?),
        ("PUT", _) if query.has("partNumber") => {
            return Err(S3Error::message(ErrorCode::InvalidArgument, "This operation needs an uploadId"));
        }
        ("PUT", _) if is_copy => Operation::CopyObject(copy::copy_object(bucket, key, parts)?),
        ("PUT", _) => Operation::PutObject(object::put(bucket, key, parts)?),
        ("DELETE", Some("uploadId")) => {
            Operation::AbortMultipartUpload(multipart::abort(bucket, key, query)?)
        }
        ("DELETE", _) => Operation::DeleteObject(object::delete(bucket, key, parts)?),
        ("POST", Some("uploads")) => Operation::CreateMultipartUpload(multipart::create(bucket, key, parts)?),
        ("POST", Some("uploadId")) => {
            Operation::CompleteMultipartUpload(multipart::complete(bucket, key, parts)?)
        }
        ("POST", _) => return Err(post_without_subresource(parts.headers)),
        _ => return Err(method_not_allowed(method, "OBJECT", "GET, HEAD, PUT, DELETE, POST")),
    })
}

/// A form upload is a POST to the bucket whose body is a form.
fn post_without_subresource(headers: &HeaderMap) -> S3Error {
    let form = crate::request::headers::header_ascii(headers, "content-type")
        .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data"));
    if form {
        return S3Error::not_implemented("Uploading with an HTML form");
    }
    method_not_allowed(&Method::POST, "OBJECT", "GET, HEAD, PUT, DELETE")
}

fn method_not_allowed(method: &Method, resource: &'static str, allow: &'static str) -> S3Error {
    if *method == Method::OPTIONS {
        return S3Error::not_implemented("CORS");
    }
    S3Error::new(ErrorCode::MethodNotAllowed)
        .with_extra("Method", method.as_str())
        .with_extra("ResourceType", resource)
        .with_header(header::ALLOW, HeaderValue::from_static(allow))
}

#[cfg(test)]
#[path = "parse_tests.rs"]
pub(super) mod tests;
