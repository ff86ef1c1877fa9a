//! The table of GET and HEAD: what is there, how it was asked for, and what the reply says.

use e2e::bucket::{Bucket, State};
use e2e::http::{Response, send};
use e2e::request::Request;
use e2e::server::Server;

const UNKNOWN: &str = "00000000-0000-8000-8000-000000000000";

fn get(server: &Server, method: &str, bucket: &Bucket, key: &str, id: Option<&str>) -> Response {
    let request = Request::new(method, &format!("/{}/{key}", bucket.name));
    let request = match id {
        Some(id) => request.query("versionId", id),
        None => request,
    };
    send(server, request)
}

/// GET and HEAD; they must agree in status and in every header that says something about the version.
fn both(server: &Server, bucket: &Bucket, key: &str, id: Option<&str>) -> Response {
    let (get, head) = (get(server, "GET", bucket, key, id), get(server, "HEAD", bucket, key, id));
    assert_eq!(get.status, head.status);
    assert!(head.body.is_empty(), "rule 1: HEAD has no body");
    for name in ["x-amz-version-id", "x-amz-delete-marker", "etag", "last-modified", "allow", "content-type"]
    {
        // An error's GET has a body, so only there does the content type say XML.
        if name != "content-type" || get.status == 200 {
            assert_eq!(get.header(name), head.header(name), "rule 1: {name}");
        }
    }
    get
}

#[tokio::test]
async fn versioning_get_names_no_version_in_an_unversioned_bucket() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Unversioned).await;
    bucket.put("k", b"one").await;
    let reply = both(&server, &bucket, "k", None).expect_status(200);
    assert_eq!(reply.header("x-amz-version-id"), None);
    assert_eq!(reply.body, b"one");
}

#[tokio::test]
async fn versioning_get_names_null_and_ids_once_versioning_was_configured() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Unversioned).await;
    bucket.put("old", b"one").await;
    bucket.enable().await;
    let id = bucket.put_id("new", b"two").await;
    for suspended in [false, true] {
        if suspended {
            bucket.suspend().await;
        }
        let old = both(&server, &bucket, "old", None).expect_status(200);
        assert_eq!(old.header("x-amz-version-id"), Some("null"));
        let new = both(&server, &bucket, "new", None).expect_status(200);
        assert_eq!(new.header("x-amz-version-id"), Some(id.as_str()));
    }
}

#[tokio::test]
async fn versioning_get_of_a_deleted_key_is_no_such_key_and_names_the_marker() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"one").await;
    let marker = bucket.delete_id("k").await;
    let reply = both(&server, &bucket, "k", None).expect_error(404, "NoSuchKey");
    assert_eq!(reply.header("x-amz-delete-marker"), Some("true"));
    assert_eq!(reply.header("x-amz-version-id"), Some(marker.as_str()));
}

#[tokio::test]
async fn versioning_get_of_a_key_deleted_while_suspended_names_the_null_marker() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Suspended).await;
    bucket.delete("k").await;
    let reply = both(&server, &bucket, "k", None).expect_error(404, "NoSuchKey");
    assert_eq!(reply.header("x-amz-delete-marker"), Some("true"));
    assert_eq!(reply.header("x-amz-version-id"), Some("null"));
}

#[tokio::test]
async fn versioning_get_of_nothing_is_no_such_key_and_no_such_version() {
    let server = Server::shared();
    for state in e2e::bucket::STATES {
        let bucket = Bucket::create(&server, state).await;
        let reply = both(&server, &bucket, "k", None).expect_error(404, "NoSuchKey");
        assert_eq!(reply.header("x-amz-delete-marker"), None);
        both(&server, &bucket, "k", Some(UNKNOWN)).expect_error(404, "NoSuchVersion");
        both(&server, &bucket, "k", Some("null")).expect_error(404, "NoSuchVersion");
    }
}

#[tokio::test]
async fn versioning_get_by_id_reads_old_versions_also_below_a_marker() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let one = bucket.put_id("k", b"one").await;
    bucket.put_id("k", b"two").await;
    bucket.delete_id("k").await;
    let reply = both(&server, &bucket, "k", Some(&one)).expect_status(200);
    assert_eq!(reply.body, b"one");
    assert_eq!(reply.header("x-amz-version-id"), Some(one.as_str()));
}

#[tokio::test]
async fn versioning_get_of_a_marker_by_id_is_method_not_allowed() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let marker = bucket.delete_id("k").await;
    let reply = both(&server, &bucket, "k", Some(&marker)).expect_error(405, "MethodNotAllowed");
    assert_eq!(reply.header("allow"), Some("DELETE"));
    assert_eq!(reply.header("x-amz-delete-marker"), Some("true"));
    assert!(reply.header("last-modified").is_some_and(|date| date.ends_with(" GMT")));
    assert_eq!(reply.header("x-amz-version-id"), Some(marker.as_str()), "rule 1");
}

#[tokio::test]
async fn rule_2_version_null_can_be_read_in_an_unversioned_bucket() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Unversioned).await;
    bucket.put("k", b"one").await;
    let reply = both(&server, &bucket, "k", Some("null")).expect_status(200);
    assert_eq!(reply.body, b"one");
}

#[tokio::test]
async fn versioning_old_versions_keep_their_metadata() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let put = |content_type: &'static str, note: &'static str| {
        let call =
            bucket.client.put_object().bucket(&bucket.name).key("k").body(note.as_bytes().to_vec().into());
        call.content_type(content_type).metadata("Note", note).send()
    };
    let one = put("text/plain", "one").await.expect("PutObject").version_id.expect("an id");
    put("text/html", "two").await.expect("PutObject");
    let reply = both(&server, &bucket, "k", Some(&one)).expect_status(200);
    assert_eq!(reply.header("content-type"), Some("text/plain"));
    assert_eq!(reply.header("x-amz-meta-note"), Some("one"));
    let reply = both(&server, &bucket, "k", None).expect_status(200);
    assert_eq!(reply.header("x-amz-meta-note"), Some("two"));
}
