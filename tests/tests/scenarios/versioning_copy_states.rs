//! Copies from and to null versions, and version ids that are wrong wherever one can be named.

use e2e::bucket::{Bucket, Kind, STATES, State};
use e2e::http::{Response, send};
use e2e::payload;
use e2e::request::Request;
use e2e::server::Server;

use crate::multipart::Upload;

/// Copies `source`, a key and perhaps a version, to `key` within the bucket.
fn copy(server: &Server, bucket: &Bucket, source: &str, key: &str, headers: &[(&str, &str)]) -> Response {
    let request = Request::new("PUT", &format!("/{}/{key}", bucket.name));
    let request = request.header("x-amz-copy-source", &format!("{}/{source}", bucket.name));
    send(server, headers.iter().fold(request, |request, (name, value)| request.header(name, value)))
}

async fn configure(bucket: &Bucket, state: State) {
    match state {
        State::Unversioned => {}
        State::Enabled => bucket.enable().await,
        State::Suspended => bucket.suspend().await,
    }
}

#[tokio::test]
async fn versioning_copy_of_a_null_version_onto_its_key_keeps_the_data() {
    let server = Server::shared();
    let body = payload::bytes(5, 3 << 20);
    for state in STATES {
        let bucket = Bucket::create(&server, State::Unversioned).await;
        bucket.put("k", &body).await;
        configure(&bucket, state).await;
        copy(&server, &bucket, "k", "k", &[]).expect_error(400, "InvalidRequest");
        // The source is removed in the very commit that makes the copy, unless the bucket keeps versions.
        copy(&server, &bucket, "k?versionId=null", "k", &[]).expect_status(200);
        let replace = [("x-amz-metadata-directive", "REPLACE"), ("x-amz-meta-a", "b")];
        copy(&server, &bucket, "k", "k", &replace).expect_status(200);
        assert!(bucket.get("k").await.expect("there") == body, "{state:?}");
        let versions = if state == State::Enabled { 3 } else { 1 };
        assert_eq!(bucket.history("k").await.len(), versions, "{state:?}");
    }
}

#[tokio::test]
async fn versioning_copy_names_the_null_version_of_its_source() {
    let server = Server::shared();
    for state in STATES {
        let bucket = Bucket::create(&server, State::Unversioned).await;
        bucket.put("k", b"null").await;
        configure(&bucket, state).await;
        let shown = (state != State::Unversioned).then_some("null");
        for source in ["k", "k?versionId=null"] {
            let reply = copy(&server, &bucket, source, "copy", &[]).expect_status(200);
            assert_eq!(reply.header("x-amz-copy-source-version-id"), shown, "{state:?} {source}");
            let named = reply.header("x-amz-version-id").is_some();
            assert_eq!(named, state == State::Enabled, "{state:?} {source}");
        }
        let upload = Upload::create(&server, &bucket, "part", &[]);
        let request = upload.request("PUT").query("partNumber", "1");
        let part = send(&server, request.header("x-amz-copy-source", &format!("{}/k", bucket.name)));
        assert_eq!(part.expect_status(200).header("x-amz-copy-source-version-id"), shown, "{state:?}");
    }
}

#[tokio::test]
async fn versioning_copy_conditions_hold_below_a_marker_and_leave_no_version() {
    let server = Server::shared();
    let tag = e2e::digest::etag(b"one");
    for state in [State::Enabled, State::Suspended] {
        let bucket = Bucket::create(&server, state).await;
        bucket.put("source", b"one").await;
        bucket.put("k", b"one").await;
        bucket.delete("k").await;
        let before = bucket.history("k").await;
        copy(&server, &bucket, "source", "k", &[("if-match", &tag)]).expect_error(404, "NoSuchKey");
        assert_eq!(bucket.history("k").await, before, "{state:?}");
        copy(&server, &bucket, "source", "k", &[("if-none-match", "*")]).expect_status(200);
        assert_eq!(bucket.history("k").await[0].1, Kind::Version, "{state:?}");
    }
}

#[tokio::test]
async fn versioning_malformed_version_ids_are_refused_wherever_one_can_be_named() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"one").await;
    let upload = Upload::create(&server, &bucket, "k", &[]);
    for id in ["x", "NULL", "FFFFFFFF-FFFF-8FFE-8123-456789ABCDEF", ""] {
        copy(&server, &bucket, &format!("k?versionId={id}"), "copy", &[])
            .expect_error(400, "InvalidArgument");
        let part = upload.request("PUT").query("partNumber", "1");
        let part = part.header("x-amz-copy-source", &format!("{}/k?versionId={id}", bucket.name));
        send(&server, part).expect_error(400, "InvalidArgument");
        let tags = Request::new("GET", &format!("/{}/k?tagging", bucket.name)).query("versionId", id);
        send(&server, tags).expect_error(400, "InvalidArgument");
        if !id.is_empty() {
            let list = Request::new("GET", &format!("/{}?versions", bucket.name)).query("key-marker", "k");
            send(&server, list.query("version-id-marker", id)).expect_error(400, "InvalidArgument");
        }
    }
    assert_eq!(bucket.get("copy").await, None);
}
