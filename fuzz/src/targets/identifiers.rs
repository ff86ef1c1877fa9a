//! Names that clients and URLs carry: whatever parses must print as it was and parse again to the same.

use esker_types::{BucketName, VersionId};

/// Well-formed names.
pub const SEEDS: &[&[u8]] =
    &[b"null", b"ffffffff-ffff-8ffe-8123-456789abcdef", b"my.bucket-1", b"192.168.5.4", b"b--at-2026-01-01"];

/// Parses `data` as every kind of name.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(name) = BucketName::parse(text) {
        assert_eq!(name.as_str(), text);
        assert!((3..=63).contains(&text.len()));
    }
    if let Ok(id) = VersionId::parse(text) {
        assert_eq!(id.to_string(), text, "a version id has one text form");
    }
}
