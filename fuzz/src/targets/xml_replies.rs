//! The documents that the server writes: whatever characters a client put into keys, prefixes and markers, a
//! client that reads the reply finds them again.
//!
//! Input is text; its lines are keys.

use crate::leaves::{leaves, texts};
use esker_s3::encoding::{Plus, decode};
use esker_s3::request::EncodingType;
use esker_s3::request::list::decode_token;
use esker_s3::request::operation::{ListObjectVersions, ListObjectsV2, OwnerField, VersionsMarker};
use esker_s3::xml::results::{
    DeleteMarkerEffect, DeleteOutcome, DeleteResult, InitiateMultipartUploadResult, ListObjectsV2Result,
    ListVersionsResult, ObjectEntry, Owner, VersionEntry, VersionKind,
};
use esker_s3::xml::write::error_document;
use esker_s3::{ErrorCode, S3Error};
use esker_types::{BucketName, ETag, ObjectKey, Timestamp, UploadId, VersionId};

/// Keys that XML and URLs have trouble with.
pub fn seeds() -> Vec<Vec<u8>> {
    [
        "photos/1.jpg\nphotos/2.jpg",
        "<a&b>\"'\n]]>\n&amp;\n%2F+ *~",
        "\r\n\t\n\u{1}\0\u{7f}\n\u{fffe}\u{ffff}é😀 ",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// Writes the lines of `data` in every document that carries keys.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let keys: Vec<ObjectKey> = text.split('\n').filter_map(|line| ObjectKey::parse(line).ok()).collect();
    for encoding in [EncodingType::Plain, EncodingType::Url] {
        objects(&keys, text, encoding);
        versions(&keys, text, encoding);
    }
    deletes(&keys);
    if let Some(key) = keys.first() {
        let upload = UploadId::from_bytes([1; 16]);
        let document = InitiateMultipartUploadResult { bucket: &bucket(), key, upload }.to_xml();
        assert_eq!(texts(&leaves(&document), "Key"), [key.as_str()]);
    }
    let error =
        S3Error::message(ErrorCode::InvalidArgument, text.to_owned()).with_extra("ArgumentValue", text);
    let leaves = leaves(&error_document(&error, text, "id"));
    for name in ["Message", "ArgumentValue", "Resource"] {
        assert_eq!(texts(&leaves, name), [text], "{name}");
    }
}

fn bucket() -> BucketName {
    BucketName::parse("my-bucket").expect("a name")
}

fn owner() -> Owner {
    Owner { id: "id".to_owned(), display_name: "<root>".to_owned() }
}

/// What a client takes a text of a list for.
fn read(text: &str, encoding: EncodingType) -> String {
    match encoding {
        EncodingType::Plain => text.to_owned(),
        EncodingType::Url => decode(text, Plus::Literal).expect("percent-encoded"),
    }
}

fn are(found: Vec<&str>, keys: &[ObjectKey], encoding: EncodingType) {
    let found: Vec<String> = found.into_iter().map(|text| read(text, encoding)).collect();
    assert!(
        found.iter().map(String::as_str).eq(keys.iter().map(ObjectKey::as_str)),
        "{found:?}, not {keys:?}"
    );
}

fn objects(keys: &[ObjectKey], text: &str, encoding: EncodingType) {
    let request = ListObjectsV2 {
        bucket: bucket(),
        prefix: text.to_owned(),
        delimiter: Some("/".to_owned()),
        max_keys: 1000,
        start_after: Some(text.to_owned()),
        continuation: None,
        owner: OwnerField::Include,
        encoding,
    };
    let entry = |key: &ObjectKey| ObjectEntry {
        key: key.clone(),
        last_modified: Timestamp(0),
        etag: ETag::of_body([1; 16]),
        checksum: None,
        size: 1,
        owner: Some(owner()),
    };
    let next = keys.last().map(|key| key.as_str().to_owned());
    let result = ListObjectsV2Result {
        request: &request,
        contents: keys.iter().map(entry).collect(),
        common_prefixes: vec![text.to_owned()],
        next: next.clone(),
    };
    let leaves = leaves(&result.to_xml());
    are(texts(&leaves, "Key"), keys, encoding);
    let prefixes: Vec<String> = texts(&leaves, "Prefix").iter().map(|text| read(text, encoding)).collect();
    assert_eq!(prefixes, [text, text]);
    let token = texts(&leaves, "NextContinuationToken").first().map(|token| decode_token(token));
    assert_eq!(token, next.map(Ok), "the token resumes after the last key");
}

fn versions(keys: &[ObjectKey], text: &str, encoding: EncodingType) {
    let marker = keys.first().map(|key| VersionsMarker { key: key.as_str().to_owned(), version: None });
    let request = ListObjectVersions {
        bucket: bucket(),
        prefix: text.to_owned(),
        delimiter: None,
        max_keys: 1000,
        marker: marker.clone(),
        encoding,
    };
    let entry = |key: &ObjectKey| VersionEntry {
        key: key.clone(),
        version: VersionId::Null,
        is_latest: true,
        last_modified: Timestamp(0),
        owner: owner(),
        kind: VersionKind::DeleteMarker,
    };
    let result = ListVersionsResult {
        request: &request,
        versions: keys.iter().map(entry).collect(),
        common_prefixes: Vec::new(),
        next: marker,
    };
    let leaves = leaves(&result.to_xml());
    are(texts(&leaves, "Key"), keys, encoding);
    are(texts(&leaves, "NextKeyMarker"), &keys[..keys.len().min(1)], encoding);
}

fn deletes(keys: &[ObjectKey]) {
    let key = |key: &ObjectKey| key.as_str().to_owned();
    let outcome = |(at, of): (usize, &ObjectKey)| match at % 2 {
        0 => DeleteOutcome::Deleted {
            key: key(of),
            version: None,
            marker: DeleteMarkerEffect::Added(VersionId::Null),
        },
        _ => DeleteOutcome::Failed {
            key: key(of),
            version: Some(key(of)),
            error: S3Error::message(ErrorCode::AccessDenied, key(of)),
        },
    };
    let outcomes = keys.iter().enumerate().map(outcome).collect();
    let leaves = leaves(&DeleteResult { outcomes }.to_xml());
    are(texts(&leaves, "Key"), keys, EncodingType::Plain);
    let failed: Vec<ObjectKey> = keys.iter().skip(1).step_by(2).cloned().collect();
    are(texts(&leaves, "Message"), &failed, EncodingType::Plain);
}
