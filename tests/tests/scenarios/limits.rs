//! Limits hold for every operation that could pass them, not for PutObject only.

use e2e::bucket::{Bucket, State};
use e2e::http::{connect, send};
use e2e::request::{Request, path_of};
use e2e::server::Server;
use e2e::sigv4::{Signer, UNSIGNED};
use std::io::{Read as _, Write as _};

use crate::multipart::Upload;

#[tokio::test]
async fn rule_9_a_part_has_at_most_five_gibibytes() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    let request = upload.request("PUT").query("partNumber", "1").header("x-amz-content-sha256", UNSIGNED);
    let request = request.header("content-length", &((5_u64 << 30) + 1).to_string());
    send(&server, request).expect_error(400, "EntityTooLarge");
    let parts = send(&server, upload.request("GET")).expect_status(200);
    assert_eq!(parts.elements("PartNumber"), Vec::<String>::new());
}

#[tokio::test]
async fn rule_9_a_long_key_is_refused_by_every_operation_that_names_one() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"x").await;
    let long = path_of(&bucket.name, &"k".repeat(1025));
    for (method, query) in [
        ("GET", ""),
        ("DELETE", ""),
        ("PUT", ""),
        ("POST", "?uploads"),
        ("GET", "?tagging"),
        ("DELETE", "?versionId=null"),
    ] {
        let reply = send(&server, Request::new(method, &format!("{long}{query}")));
        assert_eq!(reply.failure(), (400, "KeyTooLongError".to_owned()), "{method} {query}");
    }
    assert_eq!(send(&server, Request::new("HEAD", &long)).status, 400);
    let copy = Request::new("PUT", &path_of(&bucket.name, "copy")).header("x-amz-copy-source", &long);
    send(&server, copy).expect_error(400, "KeyTooLongError");
    assert_eq!(bucket.rows().await.len(), 1);
}

#[tokio::test]
async fn rule_9_user_metadata_is_limited_in_copies_and_uploads_too() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"x").await;
    let fits = "v".repeat(2048 - "one".len());
    let long = format!("{fits}v");
    let copy = |value: &str| {
        let request = Request::new("PUT", &format!("/{}/copy", bucket.name));
        let request = request.header("x-amz-copy-source", &format!("{}/k", bucket.name));
        let request = request.header("x-amz-metadata-directive", "REPLACE");
        send(&server, request.header("x-amz-meta-one", value))
    };
    let create = |value: &str| {
        let request = Request::new("POST", &format!("/{}/k?uploads", bucket.name));
        send(&server, request.header("x-amz-meta-one", value))
    };
    copy(&long).expect_error(400, "MetadataTooLarge");
    assert_eq!(bucket.get("copy").await, None);
    copy(&fits).expect_status(200);
    create(&long).expect_error(400, "MetadataTooLarge");
    create(&fits).expect_status(200);
}

#[tokio::test]
async fn rule_9_names_of_user_metadata_come_back_in_lower_case_on_the_wire() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let mut put = Signer::root(&server).sign(
        Request::new("PUT", &format!("/{}/k", bucket.name)).header("x-amz-meta-mixed", "Value").body("x"),
    );
    for (name, _) in &mut put.headers {
        // Signed in lower case, as signatures have it, and sent otherwise.
        if name == "x-amz-meta-mixed" {
            *name = "X-Amz-Meta-MiXed".to_owned();
        }
    }
    e2e::http::send_unsigned(&server, &put).expect_status(200);
    let get = Signer::root(&server).sign(Request::new("GET", &format!("/{}/k", bucket.name)));
    let mut stream = connect(server.s3());
    stream.write_all(&get.bytes()).expect("the server reads");
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).expect("the server closes, as it was asked to");
    let reply = String::from_utf8_lossy(&reply).into_owned();
    assert!(reply.contains("\r\nx-amz-meta-mixed: Value\r\n"), "{reply}");
}

#[tokio::test]
async fn rule_11_uploads_and_copies_store_encodings_without_aws_chunked() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("source", b"x").await;
    for (sent, stored) in [("aws-chunked", None), ("aws-chunked, gzip", Some("gzip"))] {
        let upload = Upload::create(&server, &bucket, "upload", &[("content-encoding", sent)]);
        upload.part(1, b"x").expect_status(200);
        upload.complete(&[(1, &e2e::digest::etag(b"x"))]).expect_status(200);
        let copy = Request::new("PUT", &format!("/{}/copy", bucket.name)).header("content-encoding", sent);
        let copy = copy.header("x-amz-metadata-directive", "REPLACE");
        let copy = copy.header("x-amz-copy-source", &format!("{}/source", bucket.name));
        send(&server, copy).expect_status(200);
        for key in ["upload", "copy"] {
            let head = send(&server, Request::new("HEAD", &format!("/{}/{key}", bucket.name)));
            assert_eq!(head.expect_status(200).header("content-encoding"), stored, "{key} {sent}");
        }
    }
}

#[tokio::test]
async fn rule_23_every_list_caps_its_page_and_zero_is_an_empty_page() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("a", b"").await;
    bucket.put("b", b"").await;
    for list in ["versions", "list-type=2", "prefix="] {
        let page = |size: &str| {
            let request = Request::new("GET", &format!("/{}?{list}", bucket.name));
            send(&server, request.query("max-keys", size)).expect_status(200)
        };
        for (size, shown, keys) in [("5000", "1000", 2), ("1000", "1000", 2), ("0", "0", 0)] {
            let page = page(size);
            assert_eq!(page.element("MaxKeys").as_deref(), Some(shown), "{list} {size}");
            assert_eq!(page.elements("Key").len(), keys, "{list} {size}");
            assert_eq!(page.element("IsTruncated").as_deref(), Some("false"), "{list} {size}");
        }
    }
}

#[tokio::test]
async fn rule_28_reserved_names_are_refused_by_every_operation() {
    let server = Server::shared();
    for name in [
        "xn--abc",
        "sthree-abc",
        "abc-s3alias",
        "abc--ol-s3",
        "abc.mrap",
        "abc--x-s3",
        "abc--table-s3",
        "abc--at-20260101t000000z",
        "a--at-b",
        "abc-.d",
    ] {
        for method in ["PUT", "GET", "DELETE"] {
            let reply = send(&server, Request::new(method, &format!("/{name}")));
            assert_eq!(reply.failure(), (400, "InvalidBucketName".to_owned()), "{method} {name}");
        }
        let put = Request::new("PUT", &format!("/{name}/k")).body("x");
        send(&server, put).expect_error(400, "InvalidBucketName");
    }
}
