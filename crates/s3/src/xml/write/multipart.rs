//! Documents of multipart uploads and copies.

use super::common::STORAGE_CLASS;
use crate::xml::NAMESPACE;
use crate::xml::results::{
    CompleteMultipartUploadResult, CopyObjectResult, CopyPartResult, InitiateMultipartUploadResult,
    ListMultipartUploadsResult, ListPartsResult,
};
use crate::xml::writer::Writer;

impl InitiateMultipartUploadResult<'_> {
    /// The document.
    pub fn to_xml(&self) -> String {
        Writer::document("InitiateMultipartUploadResult", Some(NAMESPACE), |w| {
            w.text("Bucket", self.bucket.as_str());
            w.text("Key", self.key.as_str());
            w.plain("UploadId", self.upload);
        })
    }
}

impl CompleteMultipartUploadResult<'_> {
    /// The document.
    pub fn to_xml(&self) -> String {
        Writer::document("CompleteMultipartUploadResult", Some(NAMESPACE), |w| {
            w.text("Location", self.location);
            w.text("Bucket", self.bucket.as_str());
            w.text("Key", self.key.as_str());
            w.text("ETag", self.etag.quoted());
            w.object_checksum(self.checksum.as_ref());
        })
    }
}

impl CopyObjectResult {
    /// The document.
    pub fn to_xml(&self) -> String {
        Writer::document("CopyObjectResult", Some(NAMESPACE), |w| {
            w.time("LastModified", self.last_modified);
            w.text("ETag", self.etag.quoted());
            w.object_checksum(self.checksum.as_ref());
        })
    }
}

impl CopyPartResult {
    /// The document.
    pub fn to_xml(&self) -> String {
        Writer::document("CopyPartResult", Some(NAMESPACE), |w| {
            w.time("LastModified", self.last_modified);
            w.text("ETag", self.etag.quoted());
            w.part_checksum(self.checksum.as_ref());
        })
    }
}

impl ListPartsResult<'_> {
    /// The document.
    pub fn to_xml(&self) -> String {
        let request = self.request;
        Writer::document("ListPartsResult", Some(NAMESPACE), |w| {
            w.text("Bucket", request.bucket.as_str());
            w.text("Key", request.key.as_str());
            w.plain("UploadId", request.upload);
            w.owner("Initiator", &self.owner);
            w.owner("Owner", &self.owner);
            w.plain("StorageClass", STORAGE_CLASS);
            w.checksum_kind(self.checksum);
            w.plain("PartNumberMarker", request.part_number_marker);
            if let Some(next) = self.next {
                w.plain("NextPartNumberMarker", next);
            }
            w.plain("MaxParts", request.max_parts);
            w.plain("IsTruncated", self.next.is_some());
            for part in &self.parts {
                w.element("Part", |w| {
                    w.plain("PartNumber", part.number);
                    w.time("LastModified", part.last_modified);
                    w.text("ETag", part.etag.quoted());
                    w.plain("Size", part.size);
                    w.part_checksum(part.checksum.as_ref());
                });
            }
        })
    }
}

impl ListMultipartUploadsResult<'_> {
    /// The document.
    pub fn to_xml(&self) -> String {
        let request = self.request;
        let encoding = request.encoding;
        Writer::document("ListMultipartUploadsResult", Some(NAMESPACE), |w| {
            w.text("Bucket", request.bucket.as_str());
            w.list_parameters(&request.prefix, request.delimiter.as_deref(), encoding);
            let marker = request.marker.as_ref();
            w.encoded("KeyMarker", marker.map_or("", |marker| &marker.key), encoding);
            let upload = marker.and_then(|marker| marker.upload);
            w.text("UploadIdMarker", upload.map(|id| id.to_string()).unwrap_or_default());
            if let Some(next) = &self.next {
                w.encoded("NextKeyMarker", &next.key, encoding);
                if let Some(upload) = next.upload {
                    w.plain("NextUploadIdMarker", upload);
                }
            }
            w.plain("MaxUploads", request.max_uploads);
            w.plain("IsTruncated", self.next.is_some());
            for upload in &self.uploads {
                w.element("Upload", |w| {
                    w.encoded("Key", upload.key.as_str(), encoding);
                    w.plain("UploadId", upload.upload);
                    w.owner("Initiator", &upload.owner);
                    w.owner("Owner", &upload.owner);
                    w.plain("StorageClass", STORAGE_CLASS);
                    w.time("Initiated", upload.initiated);
                    w.checksum_kind(upload.checksum);
                });
            }
            w.common_prefixes(&self.common_prefixes, encoding);
        })
    }
}
