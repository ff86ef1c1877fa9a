//! Golden texts of results and errors, and what their tests share.

use super::*;
use crate::error::{ErrorCode, S3Error};
use crate::xml::results::*;
use esker_types::*;
use expect_test::{Expect, expect};

/// One element per line, so that the golden texts can be read.
#[allow(clippy::needless_pass_by_value, reason = "every caller has just made it")]
pub(super) fn check(document: &str, expected: Expect) {
    expected.assert_eq(&document.replace("><", ">\n<"));
}

pub(super) fn owner() -> Owner {
    Owner { id: "id&1".to_owned(), display_name: "root".to_owned() }
}

pub(super) fn bucket() -> BucketName {
    BucketName::parse("bucket").expect("name")
}

pub(super) fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).expect("key")
}

pub(super) fn etag() -> ETag {
    ETag::parse("d41d8cd98f00b204e9800998ecf8427e").expect("tag")
}

pub(super) fn time() -> Timestamp {
    Timestamp::from_millis(784_111_777_120)
}

fn version() -> VersionId {
    VersionId::parse("ffffffff-ffff-8ffe-8123-456789abcdef").expect("id")
}

// s3-rules 32
#[test]
fn buckets() {
    let entry = BucketEntry { name: bucket(), created: time(), region: "eu-west-1".to_owned() };
    let last = ListBucketsResult { owner: owner(), buckets: vec![entry], next: None, prefix: String::new() };
    let more = ListBucketsResult { next: Some(bucket()), prefix: "b".to_owned(), ..last.clone() };
    check(
        &last.to_xml(),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Owner>
        <ID>id&amp;1</ID>
        <DisplayName>root</DisplayName>
        </Owner>
        <Buckets>
        <Bucket>
        <Name>bucket</Name>
        <CreationDate>1994-11-06T08:49:37.120Z</CreationDate>
        <BucketRegion>eu-west-1</BucketRegion>
        </Bucket>
        </Buckets>
        </ListAllMyBucketsResult>"#]],
    );
    check(
        &more.to_xml(),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Owner>
        <ID>id&amp;1</ID>
        <DisplayName>root</DisplayName>
        </Owner>
        <Buckets>
        <Bucket>
        <Name>bucket</Name>
        <CreationDate>1994-11-06T08:49:37.120Z</CreationDate>
        <BucketRegion>eu-west-1</BucketRegion>
        </Bucket>
        </Buckets>
        <Prefix>b</Prefix>
        <ContinuationToken>AWJ1Y2tldA</ContinuationToken>
        </ListAllMyBucketsResult>"#]],
    );
}

// s3-rules 30
#[test]
fn location() {
    check(
        &LocationResult { region: "us-east-1" }.to_xml(),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        </LocationConstraint>"#]],
    );
    check(
        &LocationResult { region: "eu-west-1" }.to_xml(),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">eu-west-1</LocationConstraint>"#]],
    );
}

// s3-rules 22
#[test]
fn versioning() {
    let document = |state| VersioningResult { state }.to_xml();
    check(
        &document(VersioningState::Unversioned),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        </VersioningConfiguration>"#]],
    );
    check(
        &document(VersioningState::Enabled),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Status>Enabled</Status>
        </VersioningConfiguration>"#]],
    );
    check(
        &document(VersioningState::Suspended),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Status>Suspended</Status>
        </VersioningConfiguration>"#]],
    );
}

// s3-rules 14
#[test]
fn tags() {
    check(
        &tagging(&[]),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <TagSet>
        </TagSet>
        </Tagging>"#]],
    );
    check(
        &tagging(&[("a".to_owned(), "<b>".to_owned())]),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <TagSet>
        <Tag>
        <Key>a</Key>
        <Value>&lt;b&gt;</Value>
        </Tag>
        </TagSet>
        </Tagging>"#]],
    );
}

// s3-rules 20
#[test]
fn deletions() {
    let deleted =
        |key: &str, version, marker| DeleteOutcome::Deleted { key: key.to_owned(), version, marker };
    let outcomes = vec![
        deleted("unversioned", None, DeleteMarkerEffect::None),
        deleted("new marker", None, DeleteMarkerEffect::Added(version())),
        deleted("null marker", None, DeleteMarkerEffect::Added(VersionId::Null)),
        deleted("deleted marker", Some(version()), DeleteMarkerEffect::Removed(version())),
        deleted("deleted object", Some(version()), DeleteMarkerEffect::None),
        DeleteOutcome::Failed {
            key: "failed\r".to_owned(),
            version: Some("x".to_owned()),
            error: S3Error::invalid_argument("versionId", "x", "Invalid version id specified"),
        },
    ];
    check(
        &DeleteResult { outcomes }.to_xml(),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Deleted>
        <Key>unversioned</Key>
        </Deleted>
        <Deleted>
        <Key>new marker</Key>
        <DeleteMarker>true</DeleteMarker>
        <DeleteMarkerVersionId>ffffffff-ffff-8ffe-8123-456789abcdef</DeleteMarkerVersionId>
        </Deleted>
        <Deleted>
        <Key>null marker</Key>
        <DeleteMarker>true</DeleteMarker>
        <DeleteMarkerVersionId>null</DeleteMarkerVersionId>
        </Deleted>
        <Deleted>
        <Key>deleted marker</Key>
        <VersionId>ffffffff-ffff-8ffe-8123-456789abcdef</VersionId>
        <DeleteMarker>true</DeleteMarker>
        <DeleteMarkerVersionId>ffffffff-ffff-8ffe-8123-456789abcdef</DeleteMarkerVersionId>
        </Deleted>
        <Deleted>
        <Key>deleted object</Key>
        <VersionId>ffffffff-ffff-8ffe-8123-456789abcdef</VersionId>
        </Deleted>
        <Error>
        <Key>failed&#13;</Key>
        <VersionId>x</VersionId>
        <Code>InvalidArgument</Code>
        <Message>Invalid version id specified</Message>
        </Error>
        </DeleteResult>"#]],
    );
}

#[test]
fn errors() {
    let error = S3Error::new(ErrorCode::AuthorizationHeaderMalformed).with_extra("Region", "eu-west-1");
    let document = error_document(&error, "/bucket/a%20b&c", "4442587FB7D0A2F9");
    check(
        &document,
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <Error>
        <Code>AuthorizationHeaderMalformed</Code>
        <Message>The authorization header that you provided is not valid.</Message>
        <Region>eu-west-1</Region>
        <Resource>/bucket/a%20b&amp;c</Resource>
        <RequestId>4442587FB7D0A2F9</RequestId>
        </Error>"#]],
    );
    // s3-rules 18
    assert_eq!(format!("{DECLARATION}  {}", after_declaration(&document)).replace("  ", ""), document);
}
