//! Names that clients and URLs carry: whatever parses must print as it was, or at least parse again to the same.

use bytes::Bytes;
use esker_index::codec::{Reader, Writer};
use esker_s3::request::list::{decode_token, encode_token};
use esker_types::{BucketName, ETag, ObjectKey, UploadId, VersionId};

/// Well-formed names.
pub fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "null",
        "ffffffff-ffff-8ffe-8123-456789abcdef",
        "my.bucket-1",
        "192.168.5.4",
        "b--at-2026-01-01",
        "d41d8cd98f00b204e9800998ecf8427e",
        "\"d41d8cd98f00b204e9800998ecf8427e-10000\"",
        "photos/ü 1.jpg",
        "AWEvYiBj",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

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
    if let Some(id) = UploadId::parse(text) {
        assert_eq!(id.to_string(), text, "an upload id has one text form");
    }
    if let Ok(key) = ObjectKey::parse(text) {
        assert_eq!(key.as_str(), text);
        assert!((1..=1024).contains(&text.len()));
    }
    if let Ok(tag) = ETag::parse(text) {
        entity_tag(text, &tag);
    }
    if let Ok(marker) = decode_token(text) {
        assert_eq!(encode_token(&marker), text, "a continuation token has one text form");
    }
}

/// A tag that a client names in a condition is compared after it has been through a command's encoding.
fn entity_tag(text: &str, tag: &ETag) {
    let unquoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    assert_eq!(tag.to_string(), unquoted.to_ascii_lowercase(), "a tag has one text form");
    assert_eq!(ETag::parse(&tag.quoted()).as_ref(), Ok(tag));
    let mut writer = Writer::versioned(1);
    writer.etag(tag);
    let (mut reader, _) = Reader::versioned(Bytes::from(writer.finish()), "tag", 1).expect("version 1");
    assert_eq!(reader.etag().as_ref(), Ok(tag), "the stored form of {tag} is that of another tag");
}
