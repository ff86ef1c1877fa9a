//! The inputs of the lists, from their query parameters.

use crate::error::S3Error;
use crate::request::list::{EncodingType, decode_token, page_size};
use crate::request::operation::{
    Continuation, ListBuckets, ListMultipartUploads, ListObjectVersions, ListObjects, ListObjectsV2,
    OwnerField, UploadsMarker, VersionsMarker,
};
use crate::request::query::Query;
use crate::request::version::parse_version_id;
use esker_types::limits::{LIST_BUCKETS_MAX, LIST_KEYS_MAX};
use esker_types::{BucketName, UploadId};

/// [`LIST_KEYS_MAX`] as page sizes are counted.
pub(super) const PAGE_MAX: u16 = 1000;
const _: () = assert!(LIST_KEYS_MAX == PAGE_MAX as usize);

pub(super) fn list_buckets(query: &Query) -> Result<ListBuckets, S3Error> {
    // s3-rules 32
    let max_buckets = match non_empty(query, "max-buckets") {
        None => None,
        Some(text) => {
            let size = text.parse::<u16>().ok().filter(|n| (1..=LIST_BUCKETS_MAX).contains(&usize::from(*n)));
            Some(size.ok_or_else(|| {
                let message = "Argument max-buckets must be an integer between 1 and 10000";
                S3Error::invalid_argument("max-buckets", text, message)
            })?)
        }
    };
    Ok(ListBuckets {
        prefix: text(query, "prefix"),
        max_buckets,
        resume_after: query.get("continuation-token").map(decode_token).transpose()?,
        bucket_region: non_empty(query, "bucket-region").map(str::to_owned),
    })
}

pub(super) fn list_objects(bucket: BucketName, query: &Query) -> Result<ListObjects, S3Error> {
    Ok(ListObjects {
        bucket,
        prefix: text(query, "prefix"),
        delimiter: non_empty(query, "delimiter").map(str::to_owned),
        max_keys: page_size("max-keys", query.get("max-keys"), PAGE_MAX)?,
        marker: non_empty(query, "marker").map(str::to_owned),
        encoding: EncodingType::parse(query.get("encoding-type"))?,
    })
}

pub(super) fn list_objects_v2(bucket: BucketName, query: &Query) -> Result<ListObjectsV2, S3Error> {
    let continuation = match query.get("continuation-token") {
        None => None,
        Some(token) => Some(Continuation { token: token.to_owned(), resume_after: decode_token(token)? }),
    };
    let owner = match query.get("fetch-owner") {
        Some(value) if value.eq_ignore_ascii_case("true") => OwnerField::Include,
        _ => OwnerField::Omit,
    };
    Ok(ListObjectsV2 {
        bucket,
        prefix: text(query, "prefix"),
        delimiter: non_empty(query, "delimiter").map(str::to_owned),
        max_keys: page_size("max-keys", query.get("max-keys"), PAGE_MAX)?,
        start_after: non_empty(query, "start-after").map(str::to_owned),
        continuation,
        owner,
        encoding: EncodingType::parse(query.get("encoding-type"))?,
    })
}

pub(super) fn list_object_versions(bucket: BucketName, query: &Query) -> Result<ListObjectVersions, S3Error> {
    // s3-rules 25: an empty version-id-marker counts as absent.
    let version = non_empty(query, "version-id-marker").map(parse_version_id).transpose()?;
    let marker = match (non_empty(query, "key-marker"), version) {
        (Some(key), version) => Some(VersionsMarker { key: key.to_owned(), version }),
        (None, None) => None,
        (None, Some(version)) => {
            let message = "A version-id marker cannot be specified without a key marker.";
            return Err(S3Error::invalid_argument("version-id-marker", version.to_string(), message));
        }
    };
    Ok(ListObjectVersions {
        bucket,
        prefix: text(query, "prefix"),
        delimiter: non_empty(query, "delimiter").map(str::to_owned),
        max_keys: page_size("max-keys", query.get("max-keys"), PAGE_MAX)?,
        marker,
        encoding: EncodingType::parse(query.get("encoding-type"))?,
    })
}

pub(super) fn list_multipart_uploads(
    bucket: BucketName,
    query: &Query,
) -> Result<ListMultipartUploads, S3Error> {
    // S3 ignores an upload-id-marker without a key-marker.
    let marker = match non_empty(query, "key-marker") {
        None => None,
        Some(key) => {
            let upload = non_empty(query, "upload-id-marker").map(parse_upload_marker).transpose()?;
            Some(UploadsMarker { key: key.to_owned(), upload })
        }
    };
    Ok(ListMultipartUploads {
        bucket,
        prefix: text(query, "prefix"),
        delimiter: non_empty(query, "delimiter").map(str::to_owned),
        max_uploads: page_size("max-uploads", query.get("max-uploads"), PAGE_MAX)?,
        marker,
        encoding: EncodingType::parse(query.get("encoding-type"))?,
    })
}

fn parse_upload_marker(text: &str) -> Result<UploadId, S3Error> {
    UploadId::parse(text)
        .ok_or_else(|| S3Error::invalid_argument("upload-id-marker", text, "Invalid uploadId marker"))
}

fn text(query: &Query, name: &str) -> String {
    query.get(name).unwrap_or_default().to_owned()
}

fn non_empty<'q>(query: &'q Query, name: &str) -> Option<&'q str> {
    query.get(name).filter(|value| !value.is_empty())
}
