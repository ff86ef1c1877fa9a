//! Golden texts of list results.

use super::tests::{bucket, check, etag, key, owner, time};
use crate::request::list::EncodingType;
use crate::request::operation::{
    Continuation, ListObjectVersions, ListObjects, ListObjectsV2, OwnerField, VersionsMarker,
};
use crate::xml::results::*;
use esker_types::{ChecksumAlgorithm, ChecksumType, Sequence, Timestamp, VersionId, VersionUuid};
use expect_test::expect;

fn entry(text: &str, owner: Option<Owner>) -> ObjectEntry {
    let checksum =
        ChecksumKind { algorithm: ChecksumAlgorithm::Crc64Nvme, checksum_type: ChecksumType::FullObject };
    ObjectEntry {
        key: key(text),
        last_modified: time(),
        etag: etag(),
        checksum: Some(checksum),
        size: 7,
        owner,
    }
}

fn version_one() -> ListObjects {
    ListObjects {
        bucket: bucket(),
        prefix: "a&".to_owned(),
        delimiter: None,
        max_keys: 1000,
        marker: None,
        encoding: EncodingType::Plain,
    }
}

#[test]
fn objects() {
    let request = version_one();
    let result = ListObjectsResult {
        request: &request,
        contents: vec![entry(" <&\r> ", Some(owner()))],
        common_prefixes: vec![],
        next: None,
    };
    check(
        &result.to_xml(),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Name>bucket</Name>
        <Prefix>a&amp;</Prefix>
        <Marker>
        </Marker>
        <MaxKeys>1000</MaxKeys>
        <IsTruncated>false</IsTruncated>
        <Contents>
        <Key> &lt;&amp;&#13;&gt; </Key>
        <LastModified>1994-11-06T08:49:37.120Z</LastModified>
        <ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag>
        <ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>
        <ChecksumType>FULL_OBJECT</ChecksumType>
        <Size>7</Size>
        <Owner>
        <ID>id&amp;1</ID>
        <DisplayName>root</DisplayName>
        </Owner>
        <StorageClass>STANDARD</StorageClass>
        </Contents>
        </ListBucketResult>"#]],
    );
}

// s3-rules 27
#[test]
fn next_marker_comes_only_with_a_delimiter() {
    let document = |delimiter: Option<&str>| {
        let request = ListObjects { delimiter: delimiter.map(str::to_owned), ..version_one() };
        let contents = vec![entry("a&b", None)];
        let next = Some("a&b".to_owned());
        ListObjectsResult { request: &request, contents, common_prefixes: vec![], next }.to_xml()
    };
    assert!(document(Some("/")).contains("<NextMarker>a&amp;b</NextMarker>"));
    assert!(!document(None).contains("NextMarker"));
    assert!(document(None).contains("<IsTruncated>true</IsTruncated>"));
}

// s3-rules 24, 27
#[test]
fn objects_v2_url_encoded() {
    let request = ListObjectsV2 {
        bucket: bucket(),
        prefix: "a b".to_owned(),
        delimiter: Some("+".to_owned()),
        max_keys: 2,
        start_after: Some("a b\u{1}".to_owned()),
        continuation: Some(Continuation { token: "AWE+/=".to_owned(), resume_after: "a".to_owned() }),
        owner: OwnerField::Omit,
        encoding: EncodingType::Url,
    };
    let result = ListObjectsV2Result {
        request: &request,
        contents: vec![entry("a b/c\u{1}", None)],
        common_prefixes: vec!["a b+".to_owned()],
        next: Some("a b/c".to_owned()),
    };
    check(
        &result.to_xml(),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Name>bucket</Name>
        <Prefix>a%20b</Prefix>
        <Delimiter>%2B</Delimiter>
        <EncodingType>url</EncodingType>
        <StartAfter>a%20b%01</StartAfter>
        <ContinuationToken>AWE+/=</ContinuationToken>
        <NextContinuationToken>AWEgYi9j</NextContinuationToken>
        <KeyCount>2</KeyCount>
        <MaxKeys>2</MaxKeys>
        <IsTruncated>true</IsTruncated>
        <Contents>
        <Key>a%20b/c%01</Key>
        <LastModified>1994-11-06T08:49:37.120Z</LastModified>
        <ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag>
        <ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>
        <ChecksumType>FULL_OBJECT</ChecksumType>
        <Size>7</Size>
        <StorageClass>STANDARD</StorageClass>
        </Contents>
        <CommonPrefixes>
        <Prefix>a%20b%2B</Prefix>
        </CommonPrefixes>
        </ListBucketResult>"#]],
    );
}

fn versions_request() -> ListObjectVersions {
    ListObjectVersions {
        bucket: bucket(),
        prefix: String::new(),
        delimiter: None,
        max_keys: 3,
        marker: None,
        encoding: EncodingType::Plain,
    }
}

fn id(sequence: u64) -> VersionId {
    VersionId::Id(VersionUuid::new(Sequence(sequence), 0))
}

// versioning.md, "Lists" and "Order" 3: one order, fractions that differ
#[test]
fn versions_and_delete_markers_are_interleaved() {
    let request = versions_request();
    let version = |version, micros: u64, is_latest, kind| VersionEntry {
        key: key("k"),
        version,
        is_latest,
        last_modified: Timestamp(784_111_777_120_000 + micros),
        owner: owner(),
        kind,
    };
    let object = || VersionKind::Object { etag: etag(), size: 7, checksum: None };
    let result = ListVersionsResult {
        request: &request,
        versions: vec![
            version(id(3), 2, true, object()),
            version(id(2), 1, false, VersionKind::DeleteMarker),
            version(VersionId::Null, 0, false, object()),
        ],
        common_prefixes: vec![],
        next: Some(VersionsMarker { key: "k".to_owned(), version: Some(id(1)) }),
    };
    check(
        &result.to_xml(),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Name>bucket</Name>
        <Prefix>
        </Prefix>
        <KeyMarker>
        </KeyMarker>
        <VersionIdMarker>
        </VersionIdMarker>
        <NextKeyMarker>k</NextKeyMarker>
        <NextVersionIdMarker>ffffffff-ffff-8ffe-8000-000000000000</NextVersionIdMarker>
        <MaxKeys>3</MaxKeys>
        <IsTruncated>true</IsTruncated>
        <Version>
        <Key>k</Key>
        <VersionId>ffffffff-ffff-8ffc-8000-000000000000</VersionId>
        <IsLatest>true</IsLatest>
        <LastModified>1994-11-06T08:49:37.120002Z</LastModified>
        <ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag>
        <Size>7</Size>
        <StorageClass>STANDARD</StorageClass>
        <Owner>
        <ID>id&amp;1</ID>
        <DisplayName>root</DisplayName>
        </Owner>
        </Version>
        <DeleteMarker>
        <Key>k</Key>
        <VersionId>ffffffff-ffff-8ffd-8000-000000000000</VersionId>
        <IsLatest>false</IsLatest>
        <LastModified>1994-11-06T08:49:37.120001Z</LastModified>
        <Owner>
        <ID>id&amp;1</ID>
        <DisplayName>root</DisplayName>
        </Owner>
        </DeleteMarker>
        <Version>
        <Key>k</Key>
        <VersionId>null</VersionId>
        <IsLatest>false</IsLatest>
        <LastModified>1994-11-06T08:49:37.120Z</LastModified>
        <ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag>
        <Size>7</Size>
        <StorageClass>STANDARD</StorageClass>
        <Owner>
        <ID>id&amp;1</ID>
        <DisplayName>root</DisplayName>
        </Owner>
        </Version>
        </ListVersionsResult>"#]],
    );
}

// s3-rules 25, 26
#[test]
fn a_page_that_ends_in_a_common_prefix_has_no_version_marker() {
    let marker = VersionsMarker { key: "a\tb".to_owned(), version: Some(VersionId::Null) };
    let request = ListObjectVersions {
        delimiter: Some("/".to_owned()),
        marker: Some(marker),
        encoding: EncodingType::Url,
        ..versions_request()
    };
    let result = ListVersionsResult {
        request: &request,
        versions: vec![],
        common_prefixes: vec!["b c/".to_owned()],
        next: Some(VersionsMarker { key: "b c/".to_owned(), version: None }),
    };
    check(
        &result.to_xml(),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Name>bucket</Name>
        <Prefix>
        </Prefix>
        <Delimiter>/</Delimiter>
        <EncodingType>url</EncodingType>
        <KeyMarker>a%09b</KeyMarker>
        <VersionIdMarker>null</VersionIdMarker>
        <NextKeyMarker>b%20c/</NextKeyMarker>
        <MaxKeys>3</MaxKeys>
        <IsTruncated>true</IsTruncated>
        <CommonPrefixes>
        <Prefix>b%20c/</Prefix>
        </CommonPrefixes>
        </ListVersionsResult>"#]],
    );
}
