//! `key?versionId=ID` as a key: which operations understand it, and which take it as it is.

use e2e::bucket::{Bucket, Kind, STATES, State};
use e2e::http::{Response, send};
use e2e::request::{Request, path_of};
use e2e::server::Server;

use crate::multipart::Upload;

#[tokio::test]
async fn rule_37_every_operation_that_reads_understands_it() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let one = bucket.put_id("k", b"one").await;
    bucket.put("k", b"two").await;
    let pasted = path_of(&bucket.name, &format!("k?versionId={one}"));
    for method in ["GET", "HEAD"] {
        let reply = send(&server, Request::new(method, &pasted)).expect_status(200);
        assert_eq!(reply.header("x-amz-version-id"), Some(one.as_str()), "{method}");
    }
    let tags = send(&server, Request::new("GET", &format!("{pasted}?tagging"))).expect_status(200);
    assert_eq!(tags.header("x-amz-version-id"), Some(one.as_str()));

    let copy = Request::new("PUT", &path_of(&bucket.name, "copy")).header("x-amz-copy-source", &pasted);
    let copy = send(&server, copy).expect_status(200);
    assert_eq!(copy.header("x-amz-copy-source-version-id"), Some(one.as_str()));
    assert_eq!(bucket.get("copy").await.expect("there"), b"one");

    let upload = Upload::create(&server, &bucket, "parts", &[]);
    let part = upload.request("PUT").query("partNumber", "1").header("x-amz-copy-source", &pasted);
    let part = send(&server, part).expect_status(200);
    assert_eq!(part.header("x-amz-copy-source-version-id"), Some(one.as_str()));
    upload.complete(&[(1, &e2e::digest::etag(b"one"))]).expect_status(200);
    assert_eq!(bucket.get("parts").await.expect("there"), b"one");
}

#[tokio::test]
async fn rule_37_markers_and_unknown_ids_answer_as_if_they_had_been_named() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"one").await;
    let marker = bucket.delete_id("k").await;
    let get =
        |id: &str| send(&server, Request::new("GET", &path_of(&bucket.name, &format!("k?versionId={id}"))));
    let reply: Response = get(&marker).expect_error(405, "MethodNotAllowed");
    assert_eq!(reply.header("x-amz-version-id"), Some(marker.as_str()));
    get("00000000-0000-8000-8000-000000000000").expect_error(404, "NoSuchVersion");
    get("not-an-id").expect_error(404, "NoSuchKey");
}

#[tokio::test]
async fn rule_37_a_literal_key_is_the_source_of_copies_even_if_it_is_deleted() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let one = bucket.put_id("k", b"one").await;
    let literal = format!("k?versionId={one}");
    let copy = || {
        let request = Request::new("PUT", &path_of(&bucket.name, "copy"));
        send(&server, request.header("x-amz-copy-source", &path_of(&bucket.name, &literal)))
    };
    bucket.put(&literal, b"literal").await;
    copy().expect_status(200);
    assert_eq!(bucket.get("copy").await.expect("there"), b"literal");
    bucket.delete(&literal).await;
    copy().expect_error(404, "NoSuchKey");
}

#[tokio::test]
async fn rule_37_no_write_or_delete_understands_it_in_any_state() {
    let server = Server::shared();
    for state in STATES {
        let bucket = Bucket::create(&server, state).await;
        let id = bucket.put("k", b"one").await.unwrap_or_else(|| "null".to_owned());
        let literal = format!("k?versionId={id}");
        let before = bucket.history("k").await;
        bucket.delete(&literal).await;
        let xml = format!("<Delete><Object><Key>{literal}</Key></Object></Delete>");
        let request = Request::new("POST", &format!("/{}?delete", bucket.name)).body(xml.as_str());
        let request = request.header("content-md5", &e2e::digest::md5_base64(xml.as_bytes()));
        send(&server, request).expect_status(200);
        assert_eq!(bucket.history("k").await, before, "{state:?}: deletes take the key as it is");

        bucket.put(&literal, b"put").await;
        assert_eq!(bucket.history(&literal).await[0].1, Kind::Version, "{state:?}");
        let upload = Upload::create(&server, &bucket, &literal, &[]);
        upload.part(1, b"parts").expect_status(200);
        upload.complete(&[(1, &e2e::digest::etag(b"parts"))]).expect_status(200);
        assert_eq!(bucket.get(&literal).await.expect("there"), b"parts", "{state:?}");
        assert_eq!(bucket.history("k").await, before, "{state:?}: writes take the key as it is");
    }
}
