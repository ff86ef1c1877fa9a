//! The cells of the versioning tables where a null version or a null marker meets another state of its bucket.

use e2e::bucket::{Bucket, Kind, STATES, State};
use e2e::digest::{etag, md5_base64};
use e2e::http::{Response, send};
use e2e::request::Request;
use e2e::sdk::assert_fails;
use e2e::server::Server;

const UNKNOWN: &str = "00000000-0000-8000-8000-000000000000";

fn null(kind: Kind) -> (String, Kind) {
    ("null".to_owned(), kind)
}

fn on_version(server: &Server, method: &str, bucket: &Bucket, id: &str) -> Response {
    send(server, Request::new(method, &format!("/{}/k", bucket.name)).query("versionId", id))
}

/// A suspended bucket whose key `k` has a null marker over a version, whose id is returned.
async fn with_null_marker(server: &Server) -> (Bucket, String) {
    let bucket = Bucket::create(server, State::Enabled).await;
    let below = bucket.put_id("k", b"below").await;
    bucket.suspend().await;
    bucket.delete("k").await;
    (bucket, below)
}

/// A bucket in `state`, last configured so, whose key `k` is a null version.
async fn with_null_version(server: &Server, state: State) -> Bucket {
    let bucket = Bucket::create(server, State::Unversioned).await;
    bucket.put("k", b"null").await;
    match state {
        State::Unversioned => {}
        State::Enabled => bucket.enable().await,
        State::Suspended => bucket.suspend().await,
    }
    bucket
}

#[tokio::test]
async fn versioning_enabled_write_and_delete_leave_a_null_marker_as_it_is() {
    let server = Server::shared();
    let (bucket, below) = with_null_marker(&server).await;
    bucket.enable().await;
    let written = bucket.put_id("k", b"above").await;
    let marker = bucket.delete_id("k").await;
    let expected =
        [(marker, Kind::Marker), (written, Kind::Version), null(Kind::Marker), (below, Kind::Version)];
    assert_eq!(bucket.history("k").await, expected);
}

#[tokio::test]
async fn versioning_suspended_write_keeps_versions_and_markers_that_have_ids() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let object = bucket.put_id("k", b"object").await;
    let marker = bucket.delete_id("k").await;
    bucket.suspend().await;
    assert_eq!(bucket.put("k", b"null").await, None);
    let expected = [null(Kind::Version), (marker, Kind::Marker), (object, Kind::Version)];
    assert_eq!(bucket.history("k").await, expected);
    assert_eq!(bucket.get("k").await.expect("there"), b"null");
}

#[tokio::test]
async fn versioning_suspended_write_and_delete_remove_a_null_version_that_is_not_the_newest() {
    let server = Server::shared();
    for delete in [false, true] {
        let bucket = with_null_version(&server, State::Enabled).await;
        let above = bucket.put_id("k", b"above").await;
        bucket.suspend().await;
        let kind = if delete {
            bucket.delete("k").await;
            Kind::Marker
        } else {
            bucket.put("k", b"new null").await;
            Kind::Version
        };
        assert_eq!(bucket.history("k").await, [null(kind), (above, Kind::Version)]);
    }
}

#[tokio::test]
async fn versioning_suspended_delete_adds_a_null_marker_over_a_version_that_has_an_id() {
    let server = Server::shared();
    let (bucket, below) = with_null_marker(&server).await;
    assert_eq!(bucket.history("k").await, [null(Kind::Marker), (below.clone(), Kind::Version)]);
    assert_eq!(bucket.get("k").await, None);
    assert_eq!(bucket.get_version("k", &below).await.expect("there"), b"below");
}

#[tokio::test]
async fn versioning_get_of_a_null_marker_by_id_is_method_not_allowed() {
    let server = Server::shared();
    let (bucket, _) = with_null_marker(&server).await;
    let get = on_version(&server, "GET", &bucket, "null").expect_error(405, "MethodNotAllowed");
    let head = on_version(&server, "HEAD", &bucket, "null").expect_status(405);
    for reply in [get, head] {
        assert_eq!(reply.header("allow"), Some("DELETE"));
        assert_eq!(reply.header("x-amz-delete-marker"), Some("true"));
        assert_eq!(reply.header("x-amz-version-id"), Some("null"));
        assert!(reply.header("last-modified").is_some());
    }
}

#[tokio::test]
async fn versioning_get_of_version_null_works_in_every_state() {
    let server = Server::shared();
    for state in STATES {
        let bucket = with_null_version(&server, state).await;
        let reply = on_version(&server, "GET", &bucket, "null").expect_status(200);
        assert_eq!(reply.body, b"null", "{state:?}");
        let shown = (state != State::Unversioned).then_some("null");
        assert_eq!(reply.header("x-amz-version-id"), shown, "{state:?}");
    }
}

#[tokio::test]
async fn versioning_delete_of_a_null_marker_by_id_undeletes() {
    let server = Server::shared();
    for last in [State::Enabled, State::Suspended] {
        let (bucket, below) = with_null_marker(&server).await;
        if last == State::Enabled {
            bucket.enable().await;
        }
        let reply = on_version(&server, "DELETE", &bucket, "null").expect_status(204);
        assert_eq!(reply.header("x-amz-delete-marker"), Some("true"), "{last:?}");
        assert_eq!(reply.header("x-amz-version-id"), Some("null"), "{last:?}");
        assert_eq!(bucket.history("k").await, [(below, Kind::Version)], "{last:?}");
        assert_eq!(bucket.get("k").await.expect("undeleted"), b"below", "{last:?}");
    }
}

#[tokio::test]
async fn versioning_delete_of_an_unknown_version_names_it_and_no_marker() {
    let server = Server::shared();
    for state in STATES {
        let bucket = with_null_version(&server, state).await;
        let reply = on_version(&server, "DELETE", &bucket, UNKNOWN).expect_status(204);
        assert_eq!(reply.header("x-amz-version-id"), Some(UNKNOWN), "{state:?}");
        assert_eq!(reply.header("x-amz-delete-marker"), None, "{state:?}");
    }
}

#[tokio::test]
async fn versioning_delete_objects_by_id_is_the_same_in_every_state() {
    let server = Server::shared();
    for state in STATES {
        let bucket = with_null_version(&server, state).await;
        let entry = |id: &str| format!("<Object><Key>k</Key><VersionId>{id}</VersionId></Object>");
        let xml = format!("<Delete>{}{}</Delete>", entry(UNKNOWN), entry("null"));
        let request = Request::new("POST", &format!("/{}?delete", bucket.name)).body(xml.as_str());
        let reply = send(&server, request.header("content-md5", &md5_base64(xml.as_bytes())));
        let reply = reply.expect_status(200);
        assert_eq!(reply.elements("VersionId"), [UNKNOWN, "null"], "{state:?}");
        assert_eq!(reply.elements("DeleteMarker"), Vec::<String>::new(), "{state:?}");
        assert_eq!(bucket.rows().await, [], "{state:?}: gone for good, and no marker added");
    }
}

#[tokio::test]
async fn versioning_conditional_delete_leaves_nothing_behind_when_it_is_refused_in_any_state() {
    let server = Server::shared();
    for state in STATES {
        let bucket = Bucket::create(&server, state).await;
        let delete = |tag: Vec<u8>| {
            let call = bucket.client.delete_object().bucket(&bucket.name).key("k");
            call.if_match(etag(&tag)).send()
        };
        assert_fails(delete(b"one".to_vec()).await, 404, "NoSuchKey");
        assert_eq!(bucket.rows().await, [], "{state:?}: no marker over nothing");
        bucket.put("k", b"one").await;
        let before = bucket.rows().await;
        assert_fails(delete(b"other".to_vec()).await, 412, "PreconditionFailed");
        assert_eq!(bucket.rows().await, before, "{state:?}");
        delete(b"one".to_vec()).await.expect("the ETag that is there");
        assert_eq!(bucket.get("k").await, None, "{state:?}");
        assert_fails(delete(b"one".to_vec()).await, 404, "NoSuchKey");
    }
}
