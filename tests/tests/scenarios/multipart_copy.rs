//! UploadPartCopy: parts made of ranges of other objects and versions.

use crate::multipart::{PART_BYTES, Upload};
use e2e::bucket::{Bucket, State};
use e2e::http::{Response, send};
use e2e::payload;
use e2e::request::Request;
use e2e::server::Server;

fn part_copy(
    server: &Server,
    upload: &Upload<'_>,
    number: u16,
    source: &str,
    range: Option<&str>,
) -> Response {
    let request = upload.request("PUT").query("partNumber", &number.to_string());
    let request = request.header("x-amz-copy-source", source);
    let request =
        range.into_iter().fold(request, |request, range| request.header("x-amz-copy-source-range", range));
    send(server, request)
}

#[tokio::test]
async fn multipart_copy_of_ranges_and_wholes() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let body = payload::bytes(1, 2 * PART_BYTES + 100);
    let old = bucket.put_id("source", &body).await;
    bucket.put("source", b"newer").await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    let versioned = format!("{}/source?versionId={old}", bucket.name);
    let range = format!("bytes=17-{}", 17 + PART_BYTES);
    let first = part_copy(&server, &upload, 1, &versioned, Some(&range)).expect_status(200);
    assert_eq!(first.header("x-amz-copy-source-version-id"), Some(old.as_str()));
    let second = part_copy(&server, &upload, 2, &format!("/{}/source", bucket.name), None).expect_status(200);
    let tags: Vec<String> =
        [first, second].iter().map(|reply| reply.element("ETag").expect("ETag")).collect();
    // A source that is gone before Complete: the part must have its data.
    bucket.delete_version("source", &old).await;
    upload.complete(&[(1, &tags[0]), (2, &tags[1])]).expect_status(200);
    let expected = [&body[17..=17 + PART_BYTES], b"newer"].concat();
    assert!(bucket.get("k").await.expect("there") == expected);
}

#[tokio::test]
async fn rule_12_ranges_of_part_copies() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("source", b"12345").await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    let source = format!("{}/source", bucket.name);
    for range in ["bytes=-3", "bytes=1-", "bytes=3-1", "1-3", "bytes=a-b", "bytes=0-1,3-4", ""] {
        part_copy(&server, &upload, 1, &source, Some(range)).expect_error(400, "InvalidArgument");
    }
    for range in ["bytes=0-5", "bytes=5-5", "bytes=9-12"] {
        let reply = part_copy(&server, &upload, 1, &source, Some(range));
        assert_eq!(reply.failure().1, "InvalidRange", "{range}: {}", reply.text());
    }
    part_copy(&server, &upload, 1, &source, Some("bytes=0-4")).expect_status(200);
}

#[tokio::test]
async fn multipart_copy_of_what_is_not_there() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("deleted", b"x").await;
    let marker = bucket.delete_id("deleted").await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    let copy = |source: String| part_copy(&server, &upload, 1, &source, None);
    copy(format!("{}/missing", bucket.name)).expect_error(404, "NoSuchKey");
    copy(format!("{}/deleted", bucket.name)).expect_error(404, "NoSuchKey");
    copy(format!("{}/deleted?versionId={marker}", bucket.name)).expect_error(400, "InvalidRequest");
    copy("no-such-bucket-here/k".to_owned()).expect_error(404, "NoSuchBucket");
    let parts = send(&server, upload.request("GET")).expect_status(200);
    assert_eq!(parts.elements("PartNumber"), Vec::<String>::new());
}

#[tokio::test]
async fn multipart_copy_source_conditions() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("source", b"12345").await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    let copy = |tag: &str| {
        let request: Request = upload.request("PUT").query("partNumber", "1");
        let request = request.header("x-amz-copy-source", &format!("{}/source", bucket.name));
        send(&server, request.header("x-amz-copy-source-if-match", tag))
    };
    copy(&e2e::digest::etag(b"other")).expect_error(412, "PreconditionFailed");
    copy(&e2e::digest::etag(b"12345")).expect_status(200);
}
