//! Buckets and keys from request targets, in both styles.

use super::*;
use proptest::prelude::*;

fn hosting() -> Hosting {
    Hosting { domains: vec!["example.com".to_owned(), "s3.example.com".to_owned()] }
}

fn resolve(host: &str, path: &str) -> Result<(Option<String>, Option<String>), ErrorCode> {
    let headers = HeaderMap::new();
    let head = RequestHead { method: &Method::GET, path, query: "", host, headers: &headers };
    match hosting().resolve(&head) {
        Ok(Resource::Service) => Ok((None, None)),
        Ok(Resource::Bucket(bucket)) => Ok((Some(bucket.to_string()), None)),
        Ok(Resource::Object(bucket, key)) => Ok((Some(bucket.to_string()), Some(key.to_string()))),
        Err(error) => Err(error.code),
    }
}

fn object(bucket: &str, key: &str) -> Result<(Option<String>, Option<String>), ErrorCode> {
    Ok((Some(bucket.to_owned()), Some(key.to_owned())))
}

#[test]
fn the_host_names_the_bucket_below_a_domain_and_the_path_elsewhere() {
    assert_eq!(resolve("localhost:9000", "/bucket/key"), object("bucket", "key"));
    assert_eq!(resolve("127.0.0.1:9000", "/bucket/key"), object("bucket", "key"));
    assert_eq!(resolve("[::1]:9000", "/bucket/key"), object("bucket", "key"));
    assert_eq!(resolve("", "/bucket/key"), object("bucket", "key"));
    assert_eq!(resolve("example.com", "/bucket/key"), object("bucket", "key"));
    assert_eq!(resolve("bucket.example.com", "/a/key"), object("bucket", "a/key"));
    assert_eq!(resolve("Bucket.S3.Example.COM:443", "/key"), object("bucket", "key"));
    assert_eq!(resolve("a.b.s3.example.com.", "/key"), object("a.b", "key"));
    assert_eq!(resolve("s3.example.com", "/"), Ok((None, None)));
    assert_eq!(resolve("bucketexample.com", "/x-y/k"), object("x-y", "k"));
    assert_eq!(resolve("a_b.example.com", "/k"), Err(ErrorCode::InvalidBucketName));
}

#[test]
fn keys_are_decoded_once_and_never_normalised() {
    for (path, key) in [
        ("/bucket//", "/"),
        ("/bucket//a", "/a"),
        ("/bucket/a//b", "a//b"),
        ("/bucket/./../b/..", "./../b/.."),
        ("/bucket/%2e%2E/%2F", "..//"),
        ("/bucket/a+b%2Bc%20d", "a+b+c d"),
        ("/bucket/%2541", "%41"),
        ("/bucket/%C3%A9%00%0d", "é\0\r"),
        ("/bucket/a%3Fb", "a?b"),
        ("/bucket/ ", " "),
    ] {
        assert_eq!(resolve("h", path), object("bucket", key), "{path}");
    }
    assert_eq!(resolve("h", "/bucket/"), Ok((Some("bucket".to_owned()), None)));
    assert_eq!(resolve("h", "/bucket"), Ok((Some("bucket".to_owned()), None)));
}

// s3-rules 9
#[test]
fn a_key_has_at_most_1024_bytes() {
    assert_eq!(resolve("h", &format!("/bucket/{}", "k".repeat(1024))).map(|_| ()), Ok(()));
    assert_eq!(resolve("h", &format!("/bucket/{}", "k".repeat(1025))), Err(ErrorCode::KeyTooLong));
    assert_eq!(resolve("h", &format!("/bucket/{}", "%C3%A9".repeat(513))), Err(ErrorCode::KeyTooLong));
}

// s3-rules 28
#[test]
fn malformed_targets_are_refused() {
    for path in ["", "*", "bucket/key", "/bucket/%", "/bucket/%4", "/bucket/%zz", "/bucket/%ff", "/%zz/k"] {
        assert_eq!(resolve("h", path), Err(ErrorCode::InvalidUri), "{path}");
    }
    for path in ["//key", "/ab/key", "/Bucket/key", "/a..b/key", "/bucket--at-2026/key", "/192.168.1.1"] {
        assert_eq!(resolve("h", path), Err(ErrorCode::InvalidBucketName), "{path}");
    }
}

proptest! {
    #[test]
    fn every_key_survives_its_encoding(key in ".{1,100}") {
        let path = format!("/bucket/{}", crate::encoding::encode_path(&key));
        prop_assert_eq!(resolve("h", &path), object("bucket", &key));
    }

    #[test]
    fn resolving_never_panics(host in any::<String>(), path in any::<String>()) {
        let _ = resolve(&host, &path);
    }
}
