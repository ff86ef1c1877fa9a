//! What CompleteMultipartUpload refuses, and that a refusal costs the client nothing.

use crate::multipart::{PART_BYTES, Upload};
use e2e::bucket::{Bucket, State};
use e2e::digest::etag;
use e2e::http::send;
use e2e::payload;
use e2e::request::Request;
use e2e::server::Server;

#[tokio::test]
async fn rule_15_part_numbers_are_1_to_10000() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    for number in [0, 10_001, u16::MAX] {
        upload.part(number, b"x").expect_error(400, "InvalidArgument");
    }
    for number in ["-1", "x", "1.0", "99999999999"] {
        let request = upload.request("PUT").query("partNumber", number).body("x");
        send(&server, request).expect_error(400, "InvalidArgument");
    }
    upload.part(1, b"x").expect_status(200);
    upload.part(10_000, b"x").expect_status(200);
}

#[tokio::test]
async fn rule_15_unknown_uploads_and_other_keys_uploads_are_no_such_upload() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    for (key, id) in
        [("k", "00000000-0000-0000-0000-000000000000"), ("k", "nonsense"), ("other", upload.id())]
    {
        for (method, part) in [("PUT", Some("1")), ("GET", None), ("DELETE", None)] {
            let request = Request::new(method, &format!("/{}/{key}", bucket.name)).query("uploadId", id);
            let request =
                part.into_iter().fold(request, |request, number| request.query("partNumber", number));
            send(&server, request).expect_error(404, "NoSuchUpload");
        }
    }
    let other = Bucket::create(&server, State::Enabled).await;
    let request = Request::new("GET", &format!("/{}/k", other.name)).query("uploadId", upload.id());
    send(&server, request).expect_error(404, "NoSuchUpload");
}

#[tokio::test]
async fn rule_16_what_complete_refuses_and_rule_17_that_the_upload_survives() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    let (large, small) = (payload::bytes(1, PART_BYTES), payload::bytes(2, 100));
    upload.part(1, &large).expect_status(200);
    upload.part(2, &small).expect_status(200);
    upload.part(3, &small).expect_status(200);
    let (large_tag, small_tag) = (etag(&large), etag(&small));
    let (large_tag, small_tag) = (large_tag.as_str(), small_tag.as_str());

    upload.complete(&[]).expect_error(400, "MalformedXML");
    upload.complete(&[(4, small_tag)]).expect_error(400, "InvalidPart");
    upload.complete(&[(1, small_tag)]).expect_error(400, "InvalidPart");
    upload.complete(&[(1, large_tag), (2, small_tag), (3, small_tag)]).expect_error(400, "EntityTooSmall");
    upload.complete(&[(2, small_tag), (1, large_tag)]).expect_error(400, "InvalidPartOrder");
    upload.complete(&[(1, large_tag), (1, large_tag)]).expect_error(400, "InvalidPartOrder");
    let wrong_size = upload.complete_request(&[(1, large_tag)]).header("x-amz-mp-object-size", "5");
    send(&server, wrong_size).expect_error(400, "InvalidRequest");
    let malformed = upload.request("POST").body("<CompleteMultipartUpload>");
    send(&server, malformed).expect_error(400, "MalformedXML");
    assert_eq!(bucket.rows().await, []);

    let parts = send(&server, upload.request("GET")).expect_status(200);
    assert_eq!(parts.elements("PartNumber"), ["1", "2", "3"]);
    let size = (large.len() + small.len()).to_string();
    let right =
        upload.complete_request(&[(1, large_tag), (3, small_tag)]).header("x-amz-mp-object-size", &size);
    send(&server, right).expect_status(200);
    assert!(bucket.get("k").await.expect("there") == [large.clone(), small.clone()].concat());
}

#[tokio::test]
async fn rule_16_etags_may_be_unquoted() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    for form in ["{}", "\"{}\"", "&quot;{}&quot;", "&#34;{}&#34;"] {
        let upload = Upload::create(&server, &bucket, "k", &[]);
        upload.part(1, b"x").expect_status(200);
        let tag = form.replace("{}", etag(b"x").trim_matches('"'));
        upload.complete(&[(1, &tag)]).expect_status(200);
    }
}

#[tokio::test]
async fn rule_17_a_failed_condition_leaves_the_upload_and_its_parts() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let there = bucket.put_id("k", b"there").await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    upload.part(1, b"x").expect_status(200);
    let tag = etag(b"x");
    let request = upload.complete_request(&[(1, &tag)]).header("if-none-match", "*");
    send(&server, request).expect_error(412, "PreconditionFailed");
    assert_eq!(bucket.history("k").await.len(), 1);
    bucket.delete_version("k", &there).await;
    let request = upload.complete_request(&[(1, &tag)]).header("if-none-match", "*");
    send(&server, request).expect_status(200);
    assert_eq!(bucket.get("k").await.expect("there"), b"x");
}

#[tokio::test]
async fn multipart_parts_with_wrong_digests_are_refused_and_not_listed() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    let part = |name: &str, value: &str| {
        send(&server, upload.request("PUT").query("partNumber", "1").body("x").header(name, value))
    };
    part("content-md5", &e2e::digest::md5_base64(b"other")).expect_error(400, "BadDigest");
    part("x-amz-checksum-crc32", &e2e::digest::crc32_base64(b"other")).expect_error(400, "BadDigest");
    let hash = e2e::digest::sha256_hex(b"other");
    part("x-amz-content-sha256", &hash).expect_error(400, "XAmzContentSHA256Mismatch");
    let parts = send(&server, upload.request("GET")).expect_status(200);
    assert_eq!(parts.elements("PartNumber"), Vec::<String>::new());
}
