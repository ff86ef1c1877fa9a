//! Golden texts of multipart results.

use super::tests::{bucket, check, etag, key, owner, time};
use crate::request::list::EncodingType;
use crate::request::operation::{ListMultipartUploads, ListParts, UploadsMarker};
use crate::xml::results::*;
use esker_types::{Checksum, ChecksumAlgorithm, ChecksumType, ETag, ObjectChecksum, UploadId};
use expect_test::expect;

fn upload() -> UploadId {
    UploadId::parse("018bcfe5-687b-7abc-bfff-ffffffffffff").expect("id")
}

fn crc(composite_of: Option<u16>) -> ObjectChecksum {
    let value = Checksum::new(ChecksumAlgorithm::Crc32, [0, 1, 2, 0xff]).expect("4 bytes");
    ObjectChecksum { value, composite_of }
}

#[test]
fn initiate_multipart_upload() {
    let result = InitiateMultipartUploadResult { bucket: &bucket(), key: &key("a & b\r"), upload: upload() };
    check(
        &result.to_xml(),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <InitiateMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Bucket>bucket</Bucket>
        <Key>a &amp; b&#13;</Key>
        <UploadId>018bcfe5-687b-7abc-bfff-ffffffffffff</UploadId>
        </InitiateMultipartUploadResult>"#]],
    );
}

// s3-rules 6
#[test]
fn complete_multipart_upload() {
    let result = CompleteMultipartUploadResult {
        location: "http://localhost:9000/bucket/a%20b",
        bucket: &bucket(),
        key: &key("a b"),
        etag: ETag::of_parts([0xab; 16], 2),
        checksum: Some(crc(Some(2))),
    };
    check(
        &result.to_xml(),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <CompleteMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Location>http://localhost:9000/bucket/a%20b</Location>
        <Bucket>bucket</Bucket>
        <Key>a b</Key>
        <ETag>&quot;abababababababababababababababab-2&quot;</ETag>
        <ChecksumCRC32>AAEC/w==-2</ChecksumCRC32>
        <ChecksumType>COMPOSITE</ChecksumType>
        </CompleteMultipartUploadResult>"#]],
    );
}

#[test]
fn copies() {
    let object = CopyObjectResult { etag: etag(), last_modified: time(), checksum: Some(crc(None)) };
    check(
        &object.to_xml(),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <CopyObjectResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <LastModified>1994-11-06T08:49:37.120Z</LastModified>
        <ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag>
        <ChecksumCRC32>AAEC/w==</ChecksumCRC32>
        <ChecksumType>FULL_OBJECT</ChecksumType>
        </CopyObjectResult>"#]],
    );
    let part = CopyPartResult { etag: etag(), last_modified: time(), checksum: Some(crc(None).value) };
    check(
        &part.to_xml(),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <CopyPartResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <LastModified>1994-11-06T08:49:37.120Z</LastModified>
        <ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag>
        <ChecksumCRC32>AAEC/w==</ChecksumCRC32>
        </CopyPartResult>"#]],
    );
}

#[test]
fn parts() {
    let request =
        ListParts { bucket: bucket(), key: key("k"), upload: upload(), max_parts: 1, part_number_marker: 1 };
    let part = PartEntry {
        number: 2,
        last_modified: time(),
        etag: etag(),
        size: 5 << 20,
        checksum: Some(crc(None).value),
    };
    let kind = ChecksumKind { algorithm: ChecksumAlgorithm::Crc32, checksum_type: ChecksumType::Composite };
    let result = ListPartsResult {
        request: &request,
        owner: owner(),
        checksum: Some(kind),
        parts: vec![part],
        next: Some(2),
    };
    check(
        &result.to_xml(),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Bucket>bucket</Bucket>
        <Key>k</Key>
        <UploadId>018bcfe5-687b-7abc-bfff-ffffffffffff</UploadId>
        <Initiator>
        <ID>id&amp;1</ID>
        <DisplayName>root</DisplayName>
        </Initiator>
        <Owner>
        <ID>id&amp;1</ID>
        <DisplayName>root</DisplayName>
        </Owner>
        <StorageClass>STANDARD</StorageClass>
        <ChecksumAlgorithm>CRC32</ChecksumAlgorithm>
        <ChecksumType>COMPOSITE</ChecksumType>
        <PartNumberMarker>1</PartNumberMarker>
        <NextPartNumberMarker>2</NextPartNumberMarker>
        <MaxParts>1</MaxParts>
        <IsTruncated>true</IsTruncated>
        <Part>
        <PartNumber>2</PartNumber>
        <LastModified>1994-11-06T08:49:37.120Z</LastModified>
        <ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag>
        <Size>5242880</Size>
        <ChecksumCRC32>AAEC/w==</ChecksumCRC32>
        </Part>
        </ListPartsResult>"#]],
    );
}

// s3-rules 24
#[test]
fn uploads() {
    let request = ListMultipartUploads {
        bucket: bucket(),
        prefix: "a b".to_owned(),
        delimiter: Some("/".to_owned()),
        max_uploads: 2,
        marker: Some(UploadsMarker { key: "a a".to_owned(), upload: None }),
        encoding: EncodingType::Url,
    };
    let entry = UploadEntry {
        key: key("a b+c"),
        upload: upload(),
        owner: owner(),
        initiated: time(),
        checksum: None,
    };
    let result = ListMultipartUploadsResult {
        request: &request,
        uploads: vec![entry],
        common_prefixes: vec!["a b/".to_owned()],
        next: Some(UploadsMarker { key: "a b+c".to_owned(), upload: Some(upload()) }),
    };
    check(
        &result.to_xml(),
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Bucket>bucket</Bucket>
        <Prefix>a%20b</Prefix>
        <Delimiter>/</Delimiter>
        <EncodingType>url</EncodingType>
        <KeyMarker>a%20a</KeyMarker>
        <UploadIdMarker>
        </UploadIdMarker>
        <NextKeyMarker>a%20b%2Bc</NextKeyMarker>
        <NextUploadIdMarker>018bcfe5-687b-7abc-bfff-ffffffffffff</NextUploadIdMarker>
        <MaxUploads>2</MaxUploads>
        <IsTruncated>true</IsTruncated>
        <Upload>
        <Key>a%20b%2Bc</Key>
        <UploadId>018bcfe5-687b-7abc-bfff-ffffffffffff</UploadId>
        <Initiator>
        <ID>id&amp;1</ID>
        <DisplayName>root</DisplayName>
        </Initiator>
        <Owner>
        <ID>id&amp;1</ID>
        <DisplayName>root</DisplayName>
        </Owner>
        <StorageClass>STANDARD</StorageClass>
        <Initiated>1994-11-06T08:49:37.120Z</Initiated>
        </Upload>
        <CommonPrefixes>
        <Prefix>a%20b/</Prefix>
        </CommonPrefixes>
        </ListMultipartUploadsResult>"#]],
    );
}
