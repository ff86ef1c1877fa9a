//! Reads of data: ranges, parts, response headers.

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use e2e::bucket::{Bucket, State};
use e2e::digest::crc32_base64;
use e2e::http::{Response, send};
use e2e::payload;
use e2e::request::Request;
use e2e::server::Server;

fn range(server: &Server, bucket: &Bucket, key: &str, range: &str) -> Response {
    send(server, Request::new("GET", &format!("/{}/{key}", bucket.name)).header("range", range))
}

#[tokio::test]
async fn reads_of_ranges_return_exactly_the_bytes_asked_for() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let body = payload::bytes(3, 200_001);
    bucket.put("k", &body).await;
    for (text, from, to) in [
        ("bytes=0-0", 0, 0),
        ("bytes=0-65535", 0, 65_535),
        ("bytes=65535-65536", 65_535, 65_536),
        ("bytes=131072-", 131_072, 200_000),
        ("bytes=-1", 200_000, 200_000),
        ("bytes=-999999", 0, 200_000),
        ("bytes=199999-999999", 199_999, 200_000),
    ] {
        let reply = range(&server, &bucket, "k", text).expect_status(206);
        assert_eq!(reply.body, body[from..=to], "{text}");
        let expected = format!("bytes {from}-{to}/200001");
        assert_eq!(reply.header("content-range"), Some(expected.as_str()));
        assert_eq!(reply.header("accept-ranges"), Some("bytes"));
    }
}

#[tokio::test]
async fn reads_of_ranges_across_chunks_of_a_large_object_are_exact() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let body = payload::bytes(4, (20 << 20) + 17);
    bucket.put("k", &body).await;
    for (from, to) in
        [(8 << 20, (8 << 20) + 1), ((8 << 20) - 1, 8 << 20), (1, (16 << 20) + 5), (20 << 20, (20 << 20) + 16)]
    {
        let reply = range(&server, &bucket, "k", &format!("bytes={from}-{to}")).expect_status(206);
        assert!(reply.body == body[from..=to], "bytes {from} to {to}");
    }
}

#[tokio::test]
async fn rule_4_unsatisfiable_ranges() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"12345").await;
    bucket.put("empty", b"").await;
    for (key, text, size) in [
        ("k", "bytes=5-", 5),
        ("k", "bytes=9-12", 5),
        ("k", "bytes=-0", 5),
        ("empty", "bytes=0-", 0),
        ("empty", "bytes=-1", 0),
    ] {
        let reply = range(&server, &bucket, key, text).expect_error(416, "InvalidRange");
        let expected = format!("bytes */{size}");
        assert_eq!(reply.header("content-range"), Some(expected.as_str()), "{text}");
    }
}

#[tokio::test]
async fn rule_4_malformed_and_multiple_ranges_return_the_whole() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"12345").await;
    for text in ["bytes=3-1", "bytes=a-b", "items=0-1", "bytes=0-1,3-4", "bytes", "bytes=-"] {
        let reply = range(&server, &bucket, "k", text).expect_status(200);
        assert_eq!(reply.body, b"12345", "{text}");
        assert_eq!(reply.header("content-range"), None, "{text}");
    }
}

#[tokio::test]
async fn rule_5_part_numbers() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let parts = [payload::bytes(1, 5 << 20), payload::bytes(2, 7)];
    upload(&bucket, "k", &parts).await;
    let get = |query: &str| send(&server, Request::new("GET", &format!("/{}/k?{query}", bucket.name)));
    for (number, part) in [(1, &parts[0]), (2, &parts[1])] {
        let reply = get(&format!("partNumber={number}")).expect_status(206);
        assert!(reply.body == *part, "part {number}");
        assert_eq!(reply.header("x-amz-mp-parts-count"), Some("2"));
    }
    get("partNumber=3").expect_error(400, "InvalidPart");
    for wrong in ["0", "10001", "x"] {
        get(&format!("partNumber={wrong}")).expect_error(400, "InvalidArgument");
    }
    let both = Request::new("GET", &format!("/{}/k?partNumber=1", bucket.name)).header("range", "bytes=0-1");
    assert_eq!(send(&server, both).status, 400);
}

async fn upload(bucket: &Bucket, key: &str, parts: &[Vec<u8>]) {
    let (client, name) = (&bucket.client, &bucket.name);
    let upload = client.create_multipart_upload().bucket(name).key(key).send().await.expect("Create");
    let upload = upload.upload_id.expect("an upload id");
    let mut done = CompletedMultipartUpload::builder();
    for (number, part) in (1..).zip(parts) {
        let call = client.upload_part().bucket(name).key(key).upload_id(&upload).part_number(number);
        let reply = call.body(part.clone().into()).send().await.expect("UploadPart");
        done = done.parts(CompletedPart::builder().part_number(number).set_e_tag(reply.e_tag).build());
    }
    let call = client.complete_multipart_upload().bucket(name).key(key).upload_id(upload);
    call.multipart_upload(done.build()).send().await.expect("Complete");
}

#[tokio::test]
async fn rule_6_default_content_type() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let target = format!("/{}/k", bucket.name);
    send(&server, Request::new("PUT", &target).body("x")).expect_status(200);
    let reply = send(&server, Request::new("GET", &target)).expect_status(200);
    assert_eq!(reply.header("content-type"), Some("binary/octet-stream"));
}

#[tokio::test]
async fn rule_6_checksums_are_returned_only_on_request_and_never_for_a_range() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let target = format!("/{}/k", bucket.name);
    let crc = crc32_base64(b"12345");
    let put = Request::new("PUT", &target).body("12345").header("x-amz-checksum-crc32", &crc);
    send(&server, put).expect_status(200);
    let plain = send(&server, Request::new("GET", &target)).expect_status(200);
    assert_eq!(plain.header("x-amz-checksum-crc32"), None);
    let asked = Request::new("GET", &target).header("x-amz-checksum-mode", "ENABLED");
    let reply = send(&server, asked.clone()).expect_status(200);
    assert_eq!(reply.header("x-amz-checksum-crc32"), Some(crc.as_str()));
    assert_eq!(reply.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    let ranged = send(&server, asked.header("range", "bytes=0-1")).expect_status(206);
    assert_eq!(ranged.header("x-amz-checksum-crc32"), None);
}

#[tokio::test]
async fn reads_override_response_headers_on_request() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"one").await;
    let request = Request::new("GET", &format!("/{}/k", bucket.name))
        .query("response-content-type", "text/x-test")
        .query("response-content-disposition", "attachment; filename=\"a.txt\"")
        .query("response-cache-control", "no-store");
    let reply = send(&server, request).expect_status(200);
    assert_eq!(reply.header("content-type"), Some("text/x-test"));
    assert_eq!(reply.header("content-disposition"), Some("attachment; filename=\"a.txt\""));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn rule_1_errors_of_head_have_status_and_headers_of_get_and_no_body() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("empty", b"").await;
    for (target, headers) in
        [("missing", ("x-none", "")), ("empty", ("range", "bytes=0-")), ("empty", ("if-match", "\"x\""))]
    {
        let request = |method: &str| {
            Request::new(method, &format!("/{}/{target}", bucket.name)).header(headers.0, headers.1)
        };
        let (get, head) = (send(&server, request("GET")), send(&server, request("HEAD")));
        assert_eq!(get.status, head.status, "{target} {headers:?}");
        assert!(head.body.is_empty());
        assert_eq!(get.header("content-range"), head.header("content-range"));
    }
}
