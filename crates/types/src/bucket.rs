//! Bucket names and the versioning state of a bucket.

use std::fmt;
use std::net::Ipv4Addr;

/// A valid bucket name: 3 to 63 bytes of `[a-z0-9.-]`.
///
/// Source: S3 user guide, "General purpose bucket naming rules".
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketName(String);

/// The text is not a bucket name that S3 allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the specified bucket is not valid")]
pub struct InvalidBucketName;

/// Suffixes and prefixes that have, or are kept for, a meaning of their own.
const RESERVED_PREFIXES: [&str; 2] = ["xn--", "sthree-"];
const RESERVED_SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
/// `name--at-TIME` is kept for read-only views of a bucket as of a time.
const RESERVED_INFIX: &str = "--at-";

impl BucketName {
    /// Parses a name.
    pub fn parse(text: &str) -> Result<BucketName, InvalidBucketName> {
        let bytes = text.as_bytes();
        let alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let valid = (3..=63).contains(&bytes.len())
            && bytes.iter().all(|b| alphanumeric(b) || matches!(b, b'.' | b'-'))
            && bytes.first().is_some_and(alphanumeric)
            && bytes.last().is_some_and(alphanumeric)
            && !["..", ".-", "-."].iter().any(|pair| text.contains(pair))
            && text.parse::<Ipv4Addr>().is_err()
            && !RESERVED_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
            && !RESERVED_SUFFIXES.iter().any(|suffix| text.ends_with(suffix))
            && !text.contains(RESERVED_INFIX);
        if valid { Ok(BucketName(text.to_owned())) } else { Err(InvalidBucketName) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// Whether a bucket keeps versions. A bucket never returns to [`VersioningState::Unversioned`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum VersioningState {
    /// Versioning was never configured: each key has at most the null version.
    #[default]
    Unversioned,
    /// Every write adds a version.
    Enabled,
    /// Writes replace the null version; older versions stay.
    Suspended,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_names_that_s3_accepts() {
        for name in ["abc", "my-bucket", "my.bucket.1", "0ab", &"a".repeat(63), "1.2.3.4.5", "a--b"] {
            assert_eq!(BucketName::parse(name).expect(name).as_str(), name);
        }
    }

    #[test]
    fn refuses_names_that_s3_refuses() {
        let long = "a".repeat(64);
        for name in [
            "",
            "ab",
            &long,
            "Abc",
            "a_b",
            "-abc",
            "abc-",
            ".abc",
            "abc.",
            "a..b",
            "a.-b",
            "a-.b",
            "192.168.5.4",
            "bücket",
            "a b",
            "xn--abc",
            "abc-s3alias",
            "b--at-2026-01-01",
        ] {
            assert_eq!(BucketName::parse(name), Err(InvalidBucketName), "{name:?}");
        }
    }
}
