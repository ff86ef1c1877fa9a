//! What is not implemented says so, and is never a silent success.

use crate::error::ErrorCode;
use crate::request::operation::Operation;
use crate::request::parse::tests::{UPLOAD, code, parse};

// s3-rules 13
#[test]
fn headers_that_change_a_writes_meaning_are_refused() {
    let tagging = ("x-amz-tagging", "a=b");
    for pair in [
        ("x-amz-acl", "public-read"),
        ("x-amz-grant-read", "id=1"),
        ("x-amz-server-side-encryption", "AES256"),
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
        ("x-amz-object-lock-mode", "COMPLIANCE"),
        ("x-amz-object-lock-legal-hold", "ON"),
        ("x-amz-website-redirect-location", "/x"),
        ("x-amz-write-offset-bytes", "5"),
        tagging,
    ] {
        let copy = ("x-amz-copy-source", "source/k");
        assert_eq!(code("PUT", "/bucket/k", &[pair]), ErrorCode::NotImplemented, "{pair:?}");
        assert_eq!(code("PUT", "/bucket/k", &[copy, pair]), ErrorCode::NotImplemented, "{pair:?}");
        assert_eq!(code("POST", "/bucket/k?uploads", &[pair]), ErrorCode::NotImplemented, "{pair:?}");
    }
    let glacier = ("x-amz-storage-class", "GLACIER");
    assert_eq!(code("PUT", "/bucket/k", &[glacier]), ErrorCode::InvalidStorageClass);
    for pair in [
        ("content-range", "bytes 0-1/2"),
        ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("if-unmodified-since", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ] {
        assert_eq!(code("PUT", "/bucket/k", &[pair]), ErrorCode::NotImplemented, "{pair:?}");
    }
    let accepted = [
        ("x-amz-acl", "private"),
        ("x-amz-storage-class", "STANDARD"),
        ("x-amz-tagging", ""),
        ("x-amz-request-payer", "requester"),
    ];
    assert!(parse("PUT", "/bucket/k", &accepted).is_ok());
}

// s3-rules 13
#[test]
fn headers_that_change_other_requests_are_refused() {
    let customer_key = [("x-amz-server-side-encryption-customer-key", "x")];
    for (method, target) in [("GET", "/bucket/k"), ("HEAD", "/bucket/k")] {
        assert_eq!(code(method, target, &customer_key), ErrorCode::NotImplemented);
    }
    for pair in [
        ("x-amz-acl", "public-read"),
        ("x-amz-grant-write", "id=1"),
        ("x-amz-bucket-object-lock-enabled", "true"),
        ("x-amz-object-ownership", "ObjectWriter"),
    ] {
        assert_eq!(code("PUT", "/bucket", &[pair]), ErrorCode::NotImplemented, "{pair:?}");
    }
    let enforced = [("x-amz-object-ownership", "BucketOwnerEnforced"), ("x-amz-acl", "private")];
    assert!(parse("PUT", "/bucket", &enforced).is_ok());
    for header in ["if-none-match", "if-unmodified-since", "x-amz-if-match-size"] {
        assert_eq!(code("DELETE", "/bucket/k", &[(header, "1")]), ErrorCode::NotImplemented, "{header}");
    }
    let part = format!("/bucket/k?partNumber=1&uploadId={UPLOAD}");
    assert_eq!(code("PUT", &part, &[("if-none-match", "*")]), ErrorCode::NotImplemented);
    assert_eq!(code("POST", "/bucket/k?uploads", &[("if-match", "*")]), ErrorCode::NotImplemented);
}

// s3-rules 13
#[test]
fn a_copy_of_a_range_is_never_a_copy_of_the_whole() {
    let range = [("x-amz-copy-source", "source/k"), ("x-amz-copy-source-range", "bytes=0-0")];
    assert_eq!(code("PUT", "/bucket/k", &range), ErrorCode::NotImplemented);
    assert!(parse("PUT", "/bucket/k", &range[..1]).is_ok());
    assert!(parse("PUT", &format!("/bucket/k?partNumber=1&uploadId={UPLOAD}"), &range).is_ok());
}

// s3-rules 13, RFC 9112 6.1
#[test]
fn a_body_in_a_coding_that_is_not_undone_is_refused() {
    for codings in ["gzip, chunked", "gzip,chunked", "deflate", "chunked, gzip"] {
        let header = [("transfer-encoding", codings)];
        assert_eq!(code("PUT", "/bucket/k", &header), ErrorCode::NotImplemented, "{codings}");
    }
    for codings in ["chunked", "Chunked", " chunked "] {
        assert!(parse("PUT", "/bucket/k", &[("transfer-encoding", codings)]).is_ok(), "{codings}");
    }
}

// s3-rules 13: a presigned URL may carry headers in its query
#[test]
fn a_header_in_a_presigned_query_counts() {
    let target = "/bucket/k?X-Amz-Signature=0&x-amz-acl=public-read";
    assert_eq!(code("PUT", target, &[]), ErrorCode::NotImplemented);
    let target = "/bucket/k?X-Amz-Signature=0&x-amz-meta-a=b";
    let Ok(Operation::PutObject(put)) = parse("PUT", target, &[]) else { panic!("a put") };
    assert_eq!(put.headers.user, [("a".to_owned(), "b".to_owned())]);
}
