//! Writes: what headers mean, what is stored, what is refused before anything is.

use e2e::bucket::{Bucket, State};
use e2e::digest::{etag, md5_base64};
use e2e::http::{Response, send};
use e2e::request::Request;
use e2e::server::Server;

fn put(server: &Server, bucket: &Bucket, headers: &[(&str, &str)], body: &str) -> Response {
    let request = Request::new("PUT", &format!("/{}/k", bucket.name)).body(body);
    send(server, headers.iter().fold(request, |request, (name, value)| request.header(name, value)))
}

fn get(server: &Server, bucket: &Bucket) -> Response {
    send(server, Request::new("GET", &format!("/{}/k", bucket.name)))
}

#[tokio::test]
async fn rule_7_the_etag_is_the_quoted_md5() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let reply = put(&server, &bucket, &[], "12345").expect_status(200);
    assert_eq!(reply.header("etag"), Some(etag(b"12345").as_str()));
    assert_eq!(get(&server, &bucket).header("etag"), Some(etag(b"12345").as_str()));
}

#[tokio::test]
async fn writes_keep_all_object_headers() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let headers = [
        ("content-type", "text/x-test; charset=utf-8"),
        ("content-disposition", "attachment"),
        ("content-encoding", "gzip"),
        ("content-language", "de"),
        ("cache-control", "max-age=5"),
        ("expires", "Thu, 01 Jan 2099 00:00:00 GMT"),
        ("x-amz-meta-one", "1"),
        ("x-amz-meta-two", "a b"),
    ];
    put(&server, &bucket, &headers, "x").expect_status(200);
    let reply = get(&server, &bucket).expect_status(200);
    for (name, value) in headers {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn rule_9_names_of_user_metadata_are_lower_cased() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    put(&server, &bucket, &[("x-amz-meta-mixed", "Value")], "x").expect_status(200);
    let head = bucket.client.head_object().bucket(&bucket.name).key("k").send().await.expect("HEAD");
    let map = head.metadata().expect("metadata");
    assert_eq!(map.get("mixed").map(String::as_str), Some("Value"));
}

#[tokio::test]
async fn rule_9_too_much_user_metadata_is_refused() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let fits = "v".repeat(2048 - "one".len());
    put(&server, &bucket, &[("x-amz-meta-one", &fits)], "x").expect_status(200);
    let long = format!("{fits}v");
    put(&server, &bucket, &[("x-amz-meta-one", &long)], "y").expect_error(400, "MetadataTooLarge");
    assert_eq!(bucket.get("k").await.expect("there"), b"x");
}

#[tokio::test]
async fn rule_9_a_body_of_untold_length_is_refused_and_a_chunked_one_accepted() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let target = format!("/{}/k", bucket.name);
    let none = Request::new("PUT", &target).framing_as_written();
    send(&server, none).expect_error(411, "MissingContentLength");
    let chunked = Request::new("PUT", &target)
        .header("transfer-encoding", "chunked")
        .header("x-amz-content-sha256", e2e::sigv4::UNSIGNED)
        .framing_as_written()
        .body("3\r\none\r\n4;ext=1\r\ntwo!\r\n0\r\n\r\n");
    send(&server, chunked).expect_status(200);
    assert_eq!(bucket.get("k").await.expect("there"), b"onetwo!");
}

#[tokio::test]
async fn rule_9_a_key_has_at_most_1024_bytes() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let longest = "k".repeat(1024);
    bucket.put(&longest, b"x").await;
    assert!(bucket.get(&longest).await.is_some());
    for long in ["k".repeat(1025), "ä".repeat(513)] {
        let request = Request::new("PUT", &e2e::request::path_of(&bucket.name, &long)).body("x");
        send(&server, request).expect_error(400, "KeyTooLongError");
    }
}

#[tokio::test]
async fn rule_9_more_than_five_gibibytes_are_refused_before_they_are_sent() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let request = Request::new("PUT", &format!("/{}/k", bucket.name))
        .header("content-length", &((5_u64 << 30) + 1).to_string())
        .header("x-amz-content-sha256", e2e::sigv4::UNSIGNED);
    send(&server, request).expect_error(400, "EntityTooLarge");
    assert_eq!(bucket.rows().await, []);
}

#[tokio::test]
async fn rule_10_content_md5() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    put(&server, &bucket, &[("content-md5", &md5_base64(b"x"))], "x").expect_status(200);
    put(&server, &bucket, &[("content-md5", &md5_base64(b"other"))], "y").expect_error(400, "BadDigest");
    for malformed in ["x", "", "AAAA"] {
        put(&server, &bucket, &[("content-md5", malformed)], "y").expect_error(400, "InvalidDigest");
    }
    assert_eq!(bucket.get("k").await.expect("there"), b"x");
    assert_eq!(bucket.rows().await.len(), 1);
}

#[tokio::test]
async fn rule_11_content_encoding_is_stored_without_aws_chunked() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    for (sent, stored) in
        [("aws-chunked", None), ("aws-chunked,gzip", Some("gzip")), ("gzip, aws-chunked", Some("gzip"))]
    {
        put(&server, &bucket, &[("content-encoding", sent)], "x").expect_status(200);
        assert_eq!(get(&server, &bucket).header("content-encoding"), stored, "{sent}");
    }
}

#[tokio::test]
async fn rule_12_copy_sources_with_and_without_slash_and_encoded() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let key = "a dir/ü+%?versionId=x";
    bucket.put(key, b"one").await;
    let encoded = e2e::request::encode(key).replace("%2F", "/");
    for source in [format!("{}/{encoded}", bucket.name), format!("/{}/{encoded}", bucket.name)] {
        put(&server, &bucket, &[("x-amz-copy-source", &source)], "").expect_status(200);
        assert_eq!(bucket.get("k").await.expect("there"), b"one");
        bucket.delete("k").await;
    }
    for malformed in ["", "/", "only-a-bucket", "%zz/k"] {
        let reply = put(&server, &bucket, &[("x-amz-copy-source", malformed)], "");
        assert_eq!(reply.status, 400, "{malformed:?}: {}", reply.text());
    }
    assert_eq!(bucket.get("k").await, None, "nothing was written instead of a copy");
}

#[tokio::test]
async fn rule_13_default_values_are_accepted_and_others_refused_explicitly() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let defaults = [("x-amz-acl", "private"), ("x-amz-storage-class", "STANDARD")];
    put(&server, &bucket, &defaults, "x").expect_status(200);
    for header in
        [("x-amz-acl", "public-read"), ("x-amz-storage-class", "GLACIER"), ("x-amz-storage-class", "x")]
    {
        let reply = put(&server, &bucket, &[header], "y");
        assert!(matches!(reply.status, 400 | 501), "{header:?}: {}", reply.text());
        assert!(reply.element("Code").is_some());
    }
    let encrypted = put(&server, &bucket, &[("x-amz-server-side-encryption", "aws:kms")], "y");
    assert!(matches!(encrypted.status, 400 | 501), "never stored in the clear: {}", encrypted.text());
    assert_eq!(bucket.get("k").await.expect("there"), b"x");
}

#[tokio::test]
async fn rule_14_an_existing_object_has_an_empty_tag_set() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"x").await;
    let tags = send(&server, Request::new("GET", &format!("/{}/k?tagging", bucket.name))).expect_status(200);
    assert!(tags.text().contains("<TagSet"), "{}", tags.text());
    assert!(!tags.text().contains("<Tag>"), "{}", tags.text());
    let missing = Request::new("GET", &format!("/{}/missing?tagging", bucket.name));
    send(&server, missing).expect_error(404, "NoSuchKey");
}
