//! `ListVersionsResult`.

use super::common::STORAGE_CLASS;
use crate::request::list::EncodingType;
use crate::xml::NAMESPACE;
use crate::xml::results::{ListVersionsResult, VersionEntry, VersionKind};
use crate::xml::writer::Writer;

impl ListVersionsResult<'_> {
    /// The document: versions and delete markers interleaved in the order given.
    pub fn to_xml(&self) -> String {
        let request = self.request;
        let encoding = request.encoding;
        Writer::document("ListVersionsResult", Some(NAMESPACE), |w| {
            w.text("Name", request.bucket.as_str());
            w.list_parameters(&request.prefix, request.delimiter.as_deref(), encoding);
            let marker = request.marker.as_ref();
            w.encoded("KeyMarker", marker.map_or("", |marker| &marker.key), encoding);
            let version = marker.and_then(|marker| marker.version);
            w.text("VersionIdMarker", version.map(|id| id.to_string()).unwrap_or_default());
            if let Some(next) = &self.next {
                w.encoded("NextKeyMarker", &next.key, encoding);
                // s3-rules 25: there is none after a common prefix, and never an empty one.
                if let Some(version) = next.version {
                    w.plain("NextVersionIdMarker", version);
                }
            }
            w.plain("MaxKeys", request.max_keys);
            w.plain("IsTruncated", self.next.is_some());
            for entry in &self.versions {
                version_entry(w, entry, encoding);
            }
            w.common_prefixes(&self.common_prefixes, encoding);
        })
    }
}

fn version_entry(w: &mut Writer, entry: &VersionEntry, encoding: EncodingType) {
    let name = match entry.kind {
        VersionKind::Object { .. } => "Version",
        VersionKind::DeleteMarker => "DeleteMarker",
    };
    w.element(name, |w| {
        w.encoded("Key", entry.key.as_str(), encoding);
        w.plain("VersionId", entry.version);
        w.plain("IsLatest", entry.is_latest);
        w.time("LastModified", entry.last_modified);
        if let VersionKind::Object { etag, size, checksum } = &entry.kind {
            w.text("ETag", etag.quoted());
            w.checksum_kind(*checksum);
            w.plain("Size", size);
            w.plain("StorageClass", STORAGE_CLASS);
        }
        w.owner("Owner", &entry.owner);
    });
}
