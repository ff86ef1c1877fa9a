//! Reads of objects that were uploaded in parts, and of their copies; conditions of copies that fail.

use crate::multipart::{PART_BYTES, Upload};
use e2e::bucket::{Bucket, STATES, State};
use e2e::digest::{composite_crc32_base64, crc32_base64, etag, multipart_etag};
use e2e::http::{Response, send};
use e2e::payload;
use e2e::request::Request;
use e2e::server::Server;

fn read(server: &Server, method: &str, bucket: &Bucket, key: &str, headers: &[(&str, &str)]) -> Response {
    let request = Request::new(method, &format!("/{}/{key}", bucket.name));
    send(server, headers.iter().fold(request, |request, (name, value)| request.header(name, value)))
}

/// Uploads `k` in two parts with a composite CRC-32; returns the parts.
fn upload(server: &Server, bucket: &Bucket) -> [Vec<u8>; 2] {
    let parts = [payload::bytes(1, PART_BYTES), payload::bytes(2, 7)];
    let headers = [("x-amz-checksum-algorithm", "CRC32"), ("x-amz-checksum-type", "COMPOSITE")];
    let upload = Upload::create(server, bucket, "k", &headers);
    let tags = parts.each_ref().map(|part| etag(part));
    for (number, part) in ["1", "2"].iter().zip(&parts) {
        let request = upload.request("PUT").query("partNumber", number).body(part.clone());
        send(server, request.header("x-amz-checksum-crc32", &crc32_base64(part))).expect_status(200);
    }
    let part = |number: usize| {
        let crc = crc32_base64(&parts[number - 1]);
        let tag = &tags[number - 1];
        format!(
            "<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag><ChecksumCRC32>{crc}</ChecksumCRC32></Part>"
        )
    };
    let document = format!("<CompleteMultipartUpload>{}{}</CompleteMultipartUpload>", part(1), part(2));
    send(server, upload.request("POST").body(document)).expect_status(200);
    parts
}

#[tokio::test]
async fn rule_5_parts_are_read_by_head_and_get_alike() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let parts = upload(&server, &bucket);
    let size = parts[0].len() + parts[1].len();
    for (number, from, part) in [(1, 0, &parts[0]), (2, parts[0].len(), &parts[1])] {
        for method in ["GET", "HEAD"] {
            let reply = read(&server, method, &bucket, &format!("k?partNumber={number}"), &[]);
            let reply = reply.expect_status(206);
            let range = format!("bytes {from}-{}/{size}", from + part.len() - 1);
            assert_eq!(reply.header("content-range"), Some(range.as_str()), "{method} {number}");
            assert_eq!(reply.header("content-length"), Some(part.len().to_string().as_str()));
            assert_eq!(reply.header("x-amz-mp-parts-count"), Some("2"), "{method} {number}");
            assert!(method == "HEAD" || reply.body == *part, "{number}");
        }
    }
    assert_eq!(read(&server, "HEAD", &bucket, "k?partNumber=3", &[]).status, 400);
    let both = [("range", "bytes=0-1")];
    read(&server, "GET", &bucket, "k?partNumber=1", &both).expect_error(400, "InvalidRequest");
    assert_eq!(read(&server, "HEAD", &bucket, "k?partNumber=1", &both).status, 400);
    assert_eq!(read(&server, "GET", &bucket, "k", &[]).header("x-amz-mp-parts-count"), None);
}

#[tokio::test]
async fn rule_5_an_object_that_was_put_whole_is_its_own_only_part() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"12345").await;
    let reply = read(&server, "GET", &bucket, "k?partNumber=1", &[]).expect_status(206);
    assert_eq!(reply.body, b"12345");
    assert_eq!(reply.header("x-amz-mp-parts-count"), None, "it was not uploaded in parts");
    read(&server, "GET", &bucket, "k?partNumber=2", &[]).expect_error(400, "InvalidPart");
}

#[tokio::test]
async fn rule_6_composite_checksums_end_in_the_number_of_parts_and_ranges_have_none() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let parts = upload(&server, &bucket);
    let expected = composite_crc32_base64(&[&parts[0], &parts[1]]);
    assert!(expected.ends_with("-2"));
    let asked = ("x-amz-checksum-mode", "ENABLED");
    for method in ["GET", "HEAD"] {
        let whole = read(&server, method, &bucket, "k", &[asked]).expect_status(200);
        assert_eq!(whole.header("x-amz-checksum-crc32"), Some(expected.as_str()), "{method}");
        assert_eq!(whole.header("x-amz-checksum-type"), Some("COMPOSITE"), "{method}");
        let unasked = read(&server, method, &bucket, "k", &[]).expect_status(200);
        assert_eq!(unasked.header("x-amz-checksum-crc32"), None, "{method}");
        for ranged in [
            read(&server, method, &bucket, "k", &[asked, ("range", "bytes=0-")]),
            read(&server, method, &bucket, "k?partNumber=1", &[asked]),
        ] {
            let ranged = ranged.expect_status(206);
            let named = |(name, _): &(String, String)| name.starts_with("x-amz-checksum-crc");
            assert!(!ranged.headers.iter().any(named), "{method} {:?}", ranged.headers);
        }
    }
}

#[tokio::test]
async fn rule_7_a_copy_keeps_etag_parts_and_checksum_of_an_object_in_parts() {
    let server = Server::shared();
    for state in STATES {
        let bucket = Bucket::create(&server, state).await;
        let parts = upload(&server, &bucket);
        let tag = multipart_etag(&[&parts[0], &parts[1]]);
        let copy = [("x-amz-copy-source", format!("{}/k", bucket.name))];
        let copy = copy.each_ref().map(|(name, value)| (*name, value.as_str()));
        let reply = read(&server, "PUT", &bucket, "copy", &copy).expect_status(200);
        let shown = reply.element("ETag").expect("ETag").replace("&quot;", "\"");
        assert_eq!(shown, tag, "{state:?}");
        let asked = [("x-amz-checksum-mode", "ENABLED")];
        let head = read(&server, "HEAD", &bucket, "copy", &asked).expect_status(200);
        assert_eq!(head.header("etag"), Some(tag.as_str()), "{state:?}");
        let checksum = composite_crc32_base64(&[&parts[0], &parts[1]]);
        assert_eq!(head.header("x-amz-checksum-crc32"), Some(checksum.as_str()), "{state:?}");
        let second = read(&server, "GET", &bucket, "copy?partNumber=2", &[]).expect_status(206);
        assert_eq!(second.body, parts[1], "{state:?}");
        assert_eq!(second.header("x-amz-mp-parts-count"), Some("2"), "{state:?}");
    }
}

#[tokio::test]
async fn rule_3_conditions_of_copies_fail_as_412_for_objects_and_for_parts() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"one").await;
    let upload = Upload::create(&server, &bucket, "parts", &[]);
    let source = format!("{}/k", bucket.name);
    let (this, other) = (etag(b"one"), etag(b"two"));
    let long_ago = "Sat, 01 Jan 2000 00:00:00 GMT";
    let far_ahead = "Thu, 01 Jan 2099 00:00:00 GMT";
    for (condition, fails, holds) in [
        ("x-amz-copy-source-if-match", other.as_str(), this.as_str()),
        ("x-amz-copy-source-if-none-match", &this, &other),
        ("x-amz-copy-source-if-modified-since", far_ahead, long_ago),
        ("x-amz-copy-source-if-unmodified-since", long_ago, far_ahead),
    ] {
        let object = Request::new("PUT", &format!("/{}/copy", bucket.name));
        let part = upload.request("PUT").query("partNumber", "1");
        for request in [object, part] {
            let request = request.header("x-amz-copy-source", &source);
            let reply = send(&server, request.clone().header(condition, fails));
            assert_eq!(reply.failure(), (412, "PreconditionFailed".to_owned()), "{condition}");
            assert_eq!(send(&server, request.header(condition, holds)).status, 200, "{condition}");
        }
    }
}
