//! The requests of the S3 operations that a load is made of.

use super::Payload;
use crate::report::escape;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use esker_s3::encoding::{encode, encode_path};
use esker_s3::xml::NAMESPACE;
use esker_s3::xml::read::Listed;
use http::header::RANGE;
use http::{HeaderName, HeaderValue, Method};
use md5::{Digest as _, Md5};

/// A request, before it is signed.
#[derive(Clone, Debug)]
pub struct Call {
    pub(super) method: Method,
    /// Path and query, encoded.
    pub(super) target: String,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) payload: Payload,
}

/// The methods that S3 knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are HTTP's")]
pub enum Verb {
    Get,
    Head,
    Put,
    Post,
    Delete,
}

impl Call {
    /// To an object; `query` is encoded.
    pub fn object(verb: Verb, bucket: &str, key: &str, query: &str) -> Call {
        let mark = if query.is_empty() { "" } else { "?" };
        Call::to(verb, format!("/{bucket}/{}{mark}{query}", encode_path(key)))
    }

    /// To a bucket; `query` is encoded.
    pub fn bucket(verb: Verb, bucket: &str, query: &str) -> Call {
        let mark = if query.is_empty() { "" } else { "?" };
        Call::to(verb, format!("/{bucket}{mark}{query}"))
    }

    fn to(verb: Verb, target: String) -> Call {
        let method = match verb {
            Verb::Get => Method::GET,
            Verb::Head => Method::HEAD,
            Verb::Put => Method::PUT,
            Verb::Post => Method::POST,
            Verb::Delete => Method::DELETE,
        };
        Call { method, target, headers: Vec::new(), payload: Payload::empty() }
    }

    /// With a body.
    #[must_use]
    pub fn payload(self, payload: Payload) -> Call {
        Call { payload, ..self }
    }

    /// To a version of an object.
    pub fn version(verb: Verb, bucket: &str, key: &str, version: &str) -> Call {
        Call::object(verb, bucket, key, &format!("versionId={}", encode(version)))
    }

    /// GetObject of `bytes` from `from` on; at least one.
    pub fn range(bucket: &str, key: &str, from: u64, bytes: u64) -> Call {
        let mut call = Call::object(Verb::Get, bucket, key, "");
        let range = format!("bytes={from}-{}", from + bytes.max(1) - 1);
        call.headers.extend(HeaderValue::from_str(&range).ok().map(|range| (RANGE, range)));
        call
    }

    /// PutBucketVersioning: on.
    pub fn enable_versioning(bucket: &str) -> Call {
        let body = format!(
            "<VersioningConfiguration xmlns=\"{NAMESPACE}\"><Status>Enabled</Status></VersioningConfiguration>"
        );
        Call::bucket(Verb::Put, bucket, "versioning").xml(body)
    }

    /// ListObjectsV2 of at most `keys` keys after one.
    pub fn list(bucket: &str, prefix: &str, after: &str, keys: u32) -> Call {
        let query =
            format!("list-type=2&max-keys={keys}&prefix={}&start-after={}", encode(prefix), encode(after));
        Call::bucket(Verb::Get, bucket, &query)
    }

    /// ListObjectVersions of at most `entries` entries after a key, and if a version is named, after that one of it.
    pub fn list_versions(
        bucket: &str,
        prefix: &str,
        after: Option<(&str, Option<&str>)>,
        entries: u32,
    ) -> Call {
        let mut query = format!("versions&max-keys={entries}&prefix={}", encode(prefix));
        if let Some((key, version)) = after {
            query.push_str(&format!("&key-marker={}", encode(key)));
            query.extend(version.map(|version| format!("&version-id-marker={}", encode(version))));
        }
        Call::bucket(Verb::Get, bucket, &query)
    }

    /// DeleteObjects, quietly; at most 1,000.
    pub fn delete_all(bucket: &str, entries: &[Listed]) -> Call {
        let mut body = format!("<Delete xmlns=\"{NAMESPACE}\"><Quiet>true</Quiet>");
        for Listed { key, version_id } in entries {
            let (key, version) = (escape(key), escape(version_id));
            body.push_str(&format!("<Object><Key>{key}</Key><VersionId>{version}</VersionId></Object>"));
        }
        body.push_str("</Delete>");
        Call::bucket(Verb::Post, bucket, "delete").xml(body)
    }

    /// CompleteMultipartUpload of parts 1, 2, … with these ETags.
    pub fn complete(bucket: &str, key: &str, upload: &str, etags: &[String]) -> Call {
        let mut body = format!("<CompleteMultipartUpload xmlns=\"{NAMESPACE}\">");
        for (etag, number) in etags.iter().zip(1..) {
            let etag = escape(etag);
            body.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"));
        }
        body.push_str("</CompleteMultipartUpload>");
        Call::object(Verb::Post, bucket, key, &format!("uploadId={}", encode(upload))).xml(body)
    }

    /// To an upload that is open; `query` goes before its id.
    pub fn upload(verb: Verb, bucket: &str, key: &str, query: &str, upload: &str) -> Call {
        Call::object(verb, bucket, key, &format!("{query}uploadId={}", encode(upload)))
    }

    /// A small document, with the digest that DeleteObjects demands.
    fn xml(mut self, body: String) -> Call {
        let digest = STANDARD.encode(Md5::digest(body.as_bytes()));
        let header = HeaderValue::from_str(&digest).ok();
        self.headers.extend(header.map(|digest| (HeaderName::from_static("content-md5"), digest)));
        self.payload(Payload::Bytes(Bytes::from(body)))
    }
}
