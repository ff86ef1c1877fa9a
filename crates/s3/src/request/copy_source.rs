//! `x-amz-copy-source` and `x-amz-copy-source-range` (s3-rules 12).

use crate::encoding::{Plus, decode};
use crate::error::{ErrorCode, S3Error};
use crate::request::target::parse_key;
use crate::request::version::parse_version_id;
use esker_types::{BucketName, ByteRange, ObjectKey, VersionId};

/// What a copy reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopySource {
    /// The source bucket.
    pub bucket: BucketName,
    /// The source key.
    pub key: ObjectKey,
    /// The source version; `None`: the current one.
    pub version: Option<VersionId>,
}

const EXPECTED: &str = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey";

impl CopySource {
    /// Parses the header: `[/]bucket/key[?versionId=ID]`, percent-encoded. The version id is split off before
    /// decoding, so that a key may contain an encoded `?versionId=`.
    ///
    /// # Errors
    /// `InvalidArgument`, `InvalidBucketName`, `KeyTooLongError`.
    pub fn parse(text: &str) -> Result<CopySource, S3Error> {
        let invalid = || S3Error::invalid_argument("x-amz-copy-source", text, EXPECTED);
        let (path, version) = match text.split_once("?versionId=") {
            Some((path, id)) => (path, Some(parse_version_id(id)?)),
            None => (text, None),
        };
        if path.starts_with("arn:") {
            return Err(S3Error::not_implemented("A copy source named by an access point ARN"));
        }
        let decoded = decode(path, Plus::Literal).map_err(|_| invalid())?;
        let (bucket, key) =
            decoded.strip_prefix('/').unwrap_or(&decoded).split_once('/').ok_or_else(invalid)?;
        if bucket.is_empty() || key.is_empty() {
            return Err(invalid());
        }
        let bucket = BucketName::parse(bucket)?;
        Ok(CopySource { bucket, key: parse_key(key.to_owned())?, version })
    }
}

/// Parses `x-amz-copy-source-range`: exactly `bytes=FIRST-LAST`.
///
/// # Errors
/// `InvalidArgument` for any other syntax. That the range lies within the source is the caller's to check
/// (`InvalidRange`).
pub fn parse_source_range(text: &str) -> Result<ByteRange, S3Error> {
    let number = |digits: &str| -> Option<u64> {
        let all_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        all_digits.then(|| digits.parse().ok())?
    };
    text.strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
        .and_then(|(first, last)| Some(ByteRange { first: number(first)?, last: number(last)? }))
        .filter(|range| range.first <= range.last)
        .ok_or_else(|| {
            S3Error::invalid_argument(
                "x-amz-copy-source-range",
                text,
                "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last \
                 are the zero-based offsets of the first and last bytes to copy",
            )
        })
}

/// 416 for a source range that ends behind its source of `size` bytes.
pub fn check_source_range(range: ByteRange, size: u64) -> Result<(), S3Error> {
    if range.last < size {
        return Ok(());
    }
    let message = format!("Range specified is not valid for source object of size: {size}");
    Err(S3Error::message(ErrorCode::InvalidRange, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Result<(String, String, Option<VersionId>), ErrorCode> {
        CopySource::parse(text)
            .map(|source| (source.bucket.to_string(), source.key.to_string(), source.version))
            .map_err(|error| error.code)
    }

    // s3-rules 12
    #[test]
    fn the_leading_slash_is_optional_and_the_version_is_split_off_before_decoding() {
        let plain = |key: &str| Ok(("bucket".to_owned(), key.to_owned(), None));
        assert_eq!(source("bucket/key"), plain("key"));
        assert_eq!(source("/bucket/key"), plain("key"));
        assert_eq!(source("%2Fbucket%2Fa%2Fb"), plain("a/b"));
        assert_eq!(source("bucket//a//b/"), plain("/a//b/"));
        assert_eq!(source("bucket/a+b%2Bc%20d"), plain("a+b+c d"));
        assert_eq!(source("bucket/a%3FversionId%3Dnull"), plain("a?versionId=null"));
        assert_eq!(source("bucket/a?b"), plain("a?b"));
        assert_eq!(
            source("bucket/k?versionId=null"),
            Ok(("bucket".to_owned(), "k".to_owned(), Some(VersionId::Null)))
        );
    }

    // s3-rules 12
    #[test]
    fn malformed_sources_are_refused() {
        for text in ["", "/", "bucket", "/bucket", "bucket/", "/bucket/", "//key", "bucket/%", "bucket/%ff"] {
            assert_eq!(source(text), Err(ErrorCode::InvalidArgument), "{text}");
        }
        assert_eq!(source("bucket/k?versionId="), Err(ErrorCode::InvalidArgument));
        assert_eq!(source("bucket/k?versionId=x"), Err(ErrorCode::InvalidArgument));
        assert_eq!(source("Bad_Bucket/k"), Err(ErrorCode::InvalidBucketName));
        assert_eq!(source(&format!("bucket/{}", "k".repeat(1025))), Err(ErrorCode::KeyTooLong));
        assert_eq!(source("arn:aws:s3:us-east-1:1:accesspoint/a/object/k"), Err(ErrorCode::NotImplemented));
    }

    // s3-rules 12
    #[test]
    fn a_source_range_has_one_syntax() {
        assert_eq!(parse_source_range("bytes=0-0"), Ok(ByteRange { first: 0, last: 0 }));
        assert_eq!(parse_source_range("bytes=5-9"), Ok(ByteRange { first: 5, last: 9 }));
        for text in ["", "bytes=", "bytes=5-", "bytes=-5", "bytes=9-5", "5-9", "bytes=+1-2", "bytes=0-1,3-4"]
        {
            let error = parse_source_range(text).expect_err(text);
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{text}");
        }
        let range = ByteRange { first: 5, last: 9 };
        assert_eq!(check_source_range(range, 10), Ok(()));
        assert_eq!(check_source_range(range, 9).map_err(|e| e.code), Err(ErrorCode::InvalidRange));
    }
}
