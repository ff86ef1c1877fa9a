//! Each operation from its request head.

use super::*;
use crate::request::operation::{ChecksumMode, Selection};
use http::HeaderName;
use proptest::prelude::*;

pub(in crate::request) const UPLOAD: &str = "018bcfe5-687b-7abc-bfff-ffffffffffff";

fn parse_as(
    caller: Caller,
    method: &str,
    target: &str,
    pairs: &[(&'static str, &str)],
) -> Result<Operation, S3Error> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: HeaderMap = pairs
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::try_from(*value).expect("value")))
        .collect();
    let method = method.parse().expect("method");
    let head = RequestHead { method: &method, path, query, host: "localhost", headers: &headers };
    Request::parse(&head, &Hosting::default(), caller).map(|request| request.operation)
}

pub(in crate::request) fn parse(
    method: &str,
    target: &str,
    pairs: &[(&'static str, &str)],
) -> Result<Operation, S3Error> {
    parse_as(Caller::Signed, method, target, pairs)
}

fn name(method: &str, target: &str) -> Result<&'static str, ErrorCode> {
    parse(method, target, &[]).map(|operation| operation.name()).map_err(|error| error.code)
}

pub(in crate::request) fn code(method: &str, target: &str, pairs: &[(&'static str, &str)]) -> ErrorCode {
    parse(method, target, pairs).map(|operation| operation.name()).expect_err(target).code
}

#[test]
fn every_operation_has_its_method_and_target() {
    let upload = |rest: &str| format!("/bucket/k?uploadId={UPLOAD}{rest}");
    for (method, target, expected) in [
        ("GET", "/", "ListBuckets"),
        ("PUT", "/bucket", "CreateBucket"),
        ("PUT", "/bucket/", "CreateBucket"),
        ("HEAD", "/bucket", "HeadBucket"),
        ("DELETE", "/bucket", "DeleteBucket"),
        ("GET", "/bucket?location", "GetBucketLocation"),
        ("GET", "/bucket?versioning", "GetBucketVersioning"),
        ("PUT", "/bucket?versioning", "PutBucketVersioning"),
        ("GET", "/bucket", "ListObjects"),
        ("GET", "/bucket?list-type=2", "ListObjectsV2"),
        ("GET", "/bucket?versions", "ListObjectVersions"),
        ("GET", "/bucket?uploads", "ListMultipartUploads"),
        ("POST", "/bucket?delete", "DeleteObjects"),
        ("GET", "/bucket/k", "GetObject"),
        ("HEAD", "/bucket/k", "HeadObject"),
        ("PUT", "/bucket/k", "PutObject"),
        ("DELETE", "/bucket/k", "DeleteObject"),
        ("GET", "/bucket/k?tagging", "GetObjectTagging"),
        ("POST", "/bucket/k?uploads", "CreateMultipartUpload"),
        ("PUT", &upload("&partNumber=1"), "UploadPart"),
        ("POST", &upload(""), "CompleteMultipartUpload"),
        ("DELETE", &upload(""), "AbortMultipartUpload"),
        ("GET", &upload(""), "ListParts"),
    ] {
        assert_eq!(name(method, target), Ok(expected), "{method} {target}");
    }
    let source = ("x-amz-copy-source", "source/k");
    let copy = |target: &str| parse("PUT", target, &[source]).map(|operation| operation.name());
    assert_eq!(copy("/bucket/k"), Ok("CopyObject"));
    assert_eq!(copy(&upload("&partNumber=1")), Ok("UploadPartCopy"));
}

// s3-rules 33
#[test]
fn a_known_subresource_is_never_taken_for_the_plain_operation() {
    for subresource in subresource::KNOWN {
        for method in ["GET", "HEAD", "PUT", "POST", "DELETE"] {
            for path in ["/", "/bucket", "/bucket/k"] {
                let target = format!("{path}?{subresource}");
                let plain = match parse(method, &target, &[]) {
                    Err(_) => false,
                    Ok(operation) => name(method, path) == Ok(operation.name()),
                };
                assert!(!plain, "{method} {target}");
            }
        }
    }
    for (method, target) in [
        ("PUT", "/bucket/k?acl"),
        ("PUT", "/bucket/k?tagging"),
        ("PUT", "/bucket/k?retention"),
        ("DELETE", "/bucket?lifecycle"),
        ("DELETE", "/bucket/k?tagging"),
        ("HEAD", "/bucket/k?uploads"),
        ("DELETE", "/bucket?versions"),
        ("PUT", "/bucket/k?versions=1&versionId=null"),
        ("OPTIONS", "/bucket/k"),
    ] {
        assert_eq!(name(method, target), Err(ErrorCode::NotImplemented), "{method} {target}");
    }
    assert_eq!(name("GET", "/bucket?versions&uploads"), Err(ErrorCode::InvalidArgument));
}

// s3-rules 33
#[test]
fn unknown_parameters_are_ignored() {
    assert_eq!(name("GET", "/bucket/k?x-id=GetObject&foo=bar"), Ok("GetObject"));
    assert_eq!(name("PUT", "/bucket/k?x-id=PutObject"), Ok("PutObject"));
    assert_eq!(name("GET", "/bucket/k?ACL"), Ok("GetObject"), "names are case-sensitive");
}

#[test]
fn what_is_no_operation_is_not_allowed() {
    for (method, target) in [
        ("PUT", "/"),
        ("PATCH", "/bucket"),
        ("POST", "/bucket"),
        ("POST", "/bucket/k"),
        ("TRACE", "/bucket/k"),
    ] {
        let error = parse(method, target, &[]).expect_err(target);
        assert_eq!(error.code, ErrorCode::MethodNotAllowed, "{method} {target}");
        assert!(error.headers.iter().any(|(name, _)| name == header::ALLOW));
    }
    let form = [("content-type", "multipart/form-data; boundary=x")];
    assert_eq!(code("POST", "/bucket", &form), ErrorCode::NotImplemented);
}

// versioning.md, "Version ids"
#[test]
fn version_ids_are_checked_and_writes_take_none() {
    for target in ["/bucket/k?versionId=", "/bucket/k?versionId=x", "/bucket/k?versionId=NULL"] {
        for method in ["GET", "HEAD", "DELETE"] {
            assert_eq!(code(method, target, &[]), ErrorCode::InvalidArgument, "{method} {target}");
        }
    }
    // s3-rules 37: and no convenience for writes.
    assert_eq!(code("PUT", "/bucket/k?versionId=null", &[]), ErrorCode::InvalidArgument);
    assert_eq!(code("POST", "/bucket/k?uploads&versionId=null", &[]), ErrorCode::InvalidArgument);
    let Ok(Operation::PutObject(put)) = parse("PUT", "/bucket/k%3FversionId%3Dnull", &[]) else {
        panic!("a put")
    };
    assert_eq!(put.key.as_str(), "k?versionId=null");
}

// s3-rules 2, 4, 5, 6
#[test]
fn a_read_selects_the_whole_a_range_or_a_part() {
    let read = |target: &str, pairs: &[(&'static str, &str)]| match parse("GET", target, pairs) {
        Ok(Operation::GetObject(get)) => Ok(get.read),
        Ok(other) => panic!("{}", other.name()),
        Err(error) => Err(error.code),
    };
    let selection =
        |target: &str, pairs: &[(&'static str, &str)]| read(target, pairs).map(|read| read.selection);
    assert_eq!(selection("/bucket/k", &[]), Ok(Selection::Whole));
    assert_eq!(selection("/bucket/k", &[("range", "bytes=0-1,3-4")]), Ok(Selection::Whole));
    assert!(matches!(
        selection("/bucket/k", &[("range", "bytes=0-1")]),
        Ok(Selection::Range { if_range: None, .. })
    ));
    assert_eq!(selection("/bucket/k?partNumber=3", &[]), Ok(Selection::Part(3)));
    let both = selection("/bucket/k?partNumber=3", &[("range", "bytes=0-1")]);
    assert_eq!(both, Err(ErrorCode::InvalidRequest));
    for number in ["", "0", "10001", "x", "+1", "-1"] {
        let target = format!("/bucket/k?partNumber={number}");
        assert_eq!(selection(&target, &[]), Err(ErrorCode::InvalidArgument), "{number}");
    }
    let plain = read("/bucket/k?versionId=null", &[]).expect("valid");
    assert_eq!(
        (plain.version, plain.checksum_mode),
        (Some(esker_types::VersionId::Null), ChecksumMode::Disabled)
    );
    let enabled = read("/bucket/k", &[("x-amz-checksum-mode", "ENABLED")]).expect("valid");
    assert_eq!(enabled.checksum_mode, ChecksumMode::Enabled);
}

#[test]
fn only_signed_requests_override_reply_headers() {
    let target = "/bucket/k?response-content-type=text%2Fplain&response-expires=0";
    let Ok(Operation::GetObject(get)) = parse("GET", target, &[]) else { panic!("a get") };
    assert_eq!(get.read.overrides.len(), 2);
    let anonymous = parse_as(Caller::Anonymous, "GET", target, &[]).expect_err("anonymous");
    assert_eq!(anonymous.code, ErrorCode::InvalidRequest);
    assert_eq!(code("GET", "/bucket/k?response-content-type=a%0d%0ab", &[]), ErrorCode::InvalidArgument);
}

// versioning.md, "Copy"; s3-rules 12
#[test]
fn a_copy_onto_itself_must_change_or_restore_something() {
    let copy = |pairs: &[(&'static str, &str)]| {
        parse("PUT", "/bucket/k", pairs).map(|operation| operation.name()).map_err(|error| error.code)
    };
    assert_eq!(copy(&[("x-amz-copy-source", "bucket/k")]), Err(ErrorCode::InvalidRequest));
    assert_eq!(copy(&[("x-amz-copy-source", "bucket/k?versionId=null")]), Ok("CopyObject"));
    let replace = ("x-amz-metadata-directive", "REPLACE");
    assert_eq!(copy(&[("x-amz-copy-source", "bucket/k"), replace]), Ok("CopyObject"));
    let unknown = ("x-amz-metadata-directive", "MERGE");
    assert_eq!(copy(&[("x-amz-copy-source", "bucket/l"), unknown]), Err(ErrorCode::InvalidArgument));
    let unknown = ("x-amz-tagging-directive", "MERGE");
    assert_eq!(copy(&[("x-amz-copy-source", "bucket/l"), unknown]), Err(ErrorCode::InvalidArgument));
    assert_eq!(copy(&[("x-amz-copy-source", "")]), Err(ErrorCode::InvalidArgument));
}

// s3-rules 15
#[test]
fn part_numbers_and_upload_ids_are_checked() {
    let part =
        |number: &str, upload: &str| name("PUT", &format!("/bucket/k?partNumber={number}&uploadId={upload}"));
    assert_eq!(part("10000", UPLOAD), Ok("UploadPart"));
    for number in ["", "0", "10001", "1.5"] {
        assert_eq!(part(number, UPLOAD), Err(ErrorCode::InvalidArgument), "{number}");
    }
    assert_eq!(part("1", "unknown"), Err(ErrorCode::NoSuchUpload));
    assert_eq!(name("PUT", "/bucket/k?partNumber=1"), Err(ErrorCode::InvalidArgument));
    assert_eq!(name("PUT", &format!("/bucket/k?uploadId={UPLOAD}")), Err(ErrorCode::InvalidArgument));
    for method in ["GET", "POST", "DELETE"] {
        assert_eq!(name(method, "/bucket/k?uploadId="), Err(ErrorCode::NoSuchUpload), "{method}");
    }
}

// s3-rules 23, 25, 32
#[test]
fn list_parameters_are_checked() {
    for target in [
        "/?max-buckets=0",
        "/?max-buckets=10001",
        "/?continuation-token=x",
        "/bucket?max-keys=-1",
        "/bucket?max-keys=x",
        "/bucket?encoding-type=base64",
        "/bucket?list-type=3",
        "/bucket?list-type=2&continuation-token=",
        "/bucket?list-type=2&continuation-token=%20",
        "/bucket?versions&version-id-marker=null",
        "/bucket?versions&key-marker=k&version-id-marker=x",
        "/bucket?uploads&key-marker=k&upload-id-marker=x",
    ] {
        assert_eq!(code("GET", target, &[]), ErrorCode::InvalidArgument, "{target}");
    }
    let Ok(Operation::ListObjectVersions(list)) =
        parse("GET", "/bucket?versions&key-marker=k&version-id-marker=&delimiter=&max-keys=0", &[])
    else {
        panic!("a list")
    };
    let marker = list.marker.expect("a key marker");
    assert_eq!((marker.key.as_str(), marker.version, list.delimiter, list.max_keys), ("k", None, None, 0));
    let Ok(Operation::ListMultipartUploads(list)) = parse("GET", "/bucket?uploads&upload-id-marker=x", &[])
    else {
        panic!("a list")
    };
    assert_eq!(list.marker, None, "ignored without a key marker");
}

#[test]
fn expected_owners_are_reported() {
    let headers: HeaderMap = [
        (HeaderName::from_static("x-amz-expected-bucket-owner"), HeaderValue::from_static("1")),
        (HeaderName::from_static("x-amz-source-expected-bucket-owner"), HeaderValue::from_static("2")),
    ]
    .into_iter()
    .collect();
    let head = RequestHead { method: &Method::GET, path: "/bucket", query: "", host: "h", headers: &headers };
    let request = Request::parse(&head, &Hosting::default(), Caller::Signed).expect("valid");
    assert_eq!(request.expected_bucket_owner.as_deref(), Some("1"));
    assert_eq!(request.expected_source_owner.as_deref(), Some("2"));
}

proptest! {
    #[test]
    fn parsing_never_panics(
        method in prop::sample::select(vec!["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"]),
        path in "/(bucket/)?[ -~é]{0,30}",
        parameters in proptest::collection::vec(("[a-zA-Z-]{1,20}", "[ -~]{0,20}"), 0..4),
        known in prop::sample::select(subresource::KNOWN.to_vec()),
        headers in proptest::collection::vec((
            prop::sample::select(vec!["range", "if-match", "if-none-match", "if-modified-since", "x-amz-copy-source",
                "x-amz-copy-source-range", "x-amz-checksum-crc32", "x-amz-trailer", "x-amz-checksum-algorithm",
                "x-amz-mp-object-size", "x-amz-meta-a", "content-encoding", "content-md5", "if-range"]),
            any::<Vec<u8>>()), 0..4),
    ) {
        let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                map.append(name, value);
            }
        }
        let method = method.parse().expect("method");
        for query in [pairs.join("&"), format!("{known}&{}", pairs.join("&"))] {
            let head = RequestHead { method: &method, path: &path, query: &query, host: "h", headers: &map };
            let _ = Request::parse(&head, &Hosting::default(), Caller::Signed);
        }
    }
}
