//! `ListBucketResult` in its two forms.

use super::common::STORAGE_CLASS;
use crate::request::list::{EncodingType, encode_token};
use crate::xml::NAMESPACE;
use crate::xml::results::{ListObjectsResult, ListObjectsV2Result, ObjectEntry};
use crate::xml::writer::Writer;

impl ListObjectsResult<'_> {
    /// The document.
    pub fn to_xml(&self) -> String {
        let request = self.request;
        let encoding = request.encoding;
        Writer::document("ListBucketResult", Some(NAMESPACE), |w| {
            w.text("Name", request.bucket.as_str());
            w.list_parameters(&request.prefix, request.delimiter.as_deref(), encoding);
            w.encoded("Marker", request.marker.as_deref().unwrap_or_default(), encoding);
            // s3-rules 27: without a delimiter, the last key is the marker.
            if let (Some(next), Some(_)) = (&self.next, &request.delimiter) {
                w.encoded("NextMarker", next, encoding);
            }
            w.plain("MaxKeys", request.max_keys);
            w.plain("IsTruncated", self.next.is_some());
            contents(w, &self.contents, encoding);
            w.common_prefixes(&self.common_prefixes, encoding);
        })
    }
}

impl ListObjectsV2Result<'_> {
    /// The document.
    pub fn to_xml(&self) -> String {
        let request = self.request;
        let encoding = request.encoding;
        Writer::document("ListBucketResult", Some(NAMESPACE), |w| {
            w.text("Name", request.bucket.as_str());
            w.list_parameters(&request.prefix, request.delimiter.as_deref(), encoding);
            if let Some(start_after) = &request.start_after {
                w.encoded("StartAfter", start_after, encoding);
            }
            // s3-rules 24: tokens are never encoded.
            if let Some(continuation) = &request.continuation {
                w.text("ContinuationToken", &continuation.token);
            }
            if let Some(next) = &self.next {
                w.plain("NextContinuationToken", encode_token(next));
            }
            w.plain("KeyCount", self.contents.len() + self.common_prefixes.len());
            w.plain("MaxKeys", request.max_keys);
            w.plain("IsTruncated", self.next.is_some());
            contents(w, &self.contents, encoding);
            w.common_prefixes(&self.common_prefixes, encoding);
        })
    }
}

fn contents(w: &mut Writer, entries: &[ObjectEntry], encoding: EncodingType) {
    for entry in entries {
        w.element("Contents", |w| {
            w.encoded("Key", entry.key.as_str(), encoding);
            w.time("LastModified", entry.last_modified);
            w.text("ETag", entry.etag.quoted());
            w.checksum_kind(entry.checksum);
            w.plain("Size", entry.size);
            if let Some(owner) = &entry.owner {
                w.owner("Owner", owner);
            }
            w.plain("StorageClass", STORAGE_CLASS);
        });
    }
}
