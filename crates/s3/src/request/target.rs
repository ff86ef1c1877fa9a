//! Where a request points: host, bucket, key and query, from the raw request target.

use crate::encoding::{Plus, decode};
use crate::error::{ErrorCode, S3Error};
use crate::request::headers::header_ascii;
use esker_types::{BucketName, InvalidObjectKey, ObjectKey};
use http::uri::Uri;
use http::{HeaderMap, Method, header};

/// A request's head as it came over the wire: nothing is decoded or normalised.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The raw path, beginning with `/`.
    pub path: &'a str,
    /// The raw query without its `?`; empty if there is none.
    pub query: &'a str,
    /// The host that the client named, with its port: the `Host` header, or HTTP/2's `:authority`.
    pub host: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
}

impl<'a> RequestHead<'a> {
    /// The head of a request as an HTTP server hands it over.
    pub fn new(method: &'a Method, uri: &'a Uri, headers: &'a HeaderMap) -> RequestHead<'a> {
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        RequestHead {
            method,
            path: uri.path(),
            query: uri.query().unwrap_or(""),
            host: header_ascii(headers, header::HOST.as_str()).unwrap_or(authority),
            headers,
        }
    }
}

/// How host names map to buckets.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Hosting {
    /// In a request to `BUCKET.DOMAIN`, for one of these domains, the host names the bucket (virtual-host
    /// style). In every other request the path does. Lower case, without ports.
    pub domains: Vec<String>,
}

impl Hosting {
    /// The bucket that a host names, undecided whether it is valid.
    fn bucket_of(&self, host: &str) -> Option<String> {
        let name = without_port(host).to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        if self.domains.iter().any(|domain| domain == name) {
            return None;
        }
        let bucket = |domain: &String| name.strip_suffix(domain.as_str())?.strip_suffix('.');
        // The longest domain wins, so that `s3.example.com` is no bucket of `example.com`.
        self.domains.iter().filter_map(bucket).min_by_key(|bucket| bucket.len()).map(str::to_owned)
    }

    /// The bucket and key that a request names, percent-decoded and otherwise untouched: `..`, `//` and
    /// leading slashes are parts of keys.
    ///
    /// # Errors
    /// `InvalidURI`, `InvalidBucketName`, `KeyTooLongError`.
    pub fn resolve(&self, head: &RequestHead<'_>) -> Result<Resource, S3Error> {
        let path = head.path.strip_prefix('/').ok_or(ErrorCode::InvalidUri)?;
        let (bucket, key) = match self.bucket_of(head.host) {
            Some(bucket) => (bucket, path),
            None => {
                let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
                (decode(bucket, Plus::Literal).map_err(|_| ErrorCode::InvalidUri)?, key)
            }
        };
        if bucket.is_empty() {
            return if key.is_empty() {
                Ok(Resource::Service)
            } else {
                Err(ErrorCode::InvalidBucketName.into())
            };
        }
        let key = decode(key, Plus::Literal).map_err(|_| ErrorCode::InvalidUri)?;
        let bucket = BucketName::parse(&bucket)
            .map_err(|_| S3Error::new(ErrorCode::InvalidBucketName).with_extra("BucketName", bucket))?;
        if key.is_empty() {
            return Ok(Resource::Bucket(bucket));
        }
        Ok(Resource::Object(bucket, parse_key(key)?))
    }
}

/// What a request's path and host name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The service itself: the list of buckets.
    Service,
    /// A bucket.
    Bucket(BucketName),
    /// A key of a bucket.
    Object(BucketName, ObjectKey),
}

/// A key of a request.
///
/// # Errors
/// `KeyTooLongError` (s3-rules 9); `InvalidArgument` for the empty key.
pub(crate) fn parse_key(text: String) -> Result<ObjectKey, S3Error> {
    let size = text.len();
    ObjectKey::parse(text).map_err(|error| match error {
        InvalidObjectKey::Empty => S3Error::message(ErrorCode::InvalidArgument, "The key must not be empty"),
        InvalidObjectKey::TooLong => S3Error::new(ErrorCode::KeyTooLong)
            .with_extra("Size", size.to_string())
            .with_extra("MaxSizeAllowed", esker_types::limits::KEY_BYTES_MAX.to_string()),
    })
}

fn without_port(host: &str) -> &str {
    if host.starts_with('[') {
        return host.split_inclusive(']').next().unwrap_or(host);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
