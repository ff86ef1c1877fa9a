//! Deletes in every bucket state, of keys and of versions.

use e2e::bucket::{Bucket, Kind, STATES, State};
use e2e::http::send;
use e2e::request::Request;
use e2e::server::Server;

#[tokio::test]
async fn versioning_unversioned_delete_removes_the_null_version_for_good() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Unversioned).await;
    bucket.put("k", b"one").await;
    let reply = bucket.delete("k").await;
    assert_eq!((reply.delete_marker, reply.version_id), (None, None));
    assert_eq!(bucket.rows().await, []);
    assert_eq!(bucket.get("k").await, None);
}

#[tokio::test]
async fn versioning_unversioned_delete_of_nothing_succeeds() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Unversioned).await;
    let response = send(&server, Request::new("DELETE", &format!("/{}/nothing", bucket.name)));
    assert_eq!(response.status, 204);
    assert_eq!(response.header("x-amz-delete-marker"), None);
    assert_eq!(response.header("x-amz-version-id"), None);
    assert_eq!(bucket.rows().await, []);
}

#[tokio::test]
async fn versioning_enabled_delete_adds_a_marker_over_an_object() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let object = bucket.put_id("k", b"one").await;
    let reply = bucket.delete("k").await;
    assert_eq!(reply.delete_marker, Some(true));
    let marker = reply.version_id.expect("the marker's id");
    assert_ne!(marker, object);
    let expected = [(marker, Kind::Marker), (object.clone(), Kind::Version)];
    assert_eq!(bucket.history("k").await, expected);
    assert_eq!(bucket.get("k").await, None);
    assert_eq!(bucket.get_version("k", &object).await.expect("there"), b"one");
}

#[tokio::test]
async fn versioning_enabled_delete_adds_a_marker_over_nothing_and_over_a_marker() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let first = bucket.delete_id("k").await;
    let second = bucket.delete_id("k").await;
    assert_eq!(bucket.history("k").await, [(second, Kind::Marker), (first, Kind::Marker)]);
}

#[tokio::test]
async fn versioning_enabled_delete_keeps_the_null_version() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Unversioned).await;
    bucket.put("k", b"null one").await;
    bucket.enable().await;
    let marker = bucket.delete_id("k").await;
    let expected = [(marker, Kind::Marker), ("null".to_owned(), Kind::Version)];
    assert_eq!(bucket.history("k").await, expected);
    assert_eq!(bucket.get_version("k", "null").await.expect("there"), b"null one");
}

#[tokio::test]
async fn versioning_suspended_delete_replaces_the_null_object_by_a_null_marker() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let kept = bucket.put_id("k", b"kept").await;
    bucket.suspend().await;
    bucket.put("k", b"gone for good").await;
    let reply = bucket.delete("k").await;
    assert_eq!((reply.delete_marker, reply.version_id.as_deref()), (Some(true), Some("null")));
    let expected = [("null".to_owned(), Kind::Marker), (kept.clone(), Kind::Version)];
    assert_eq!(bucket.history("k").await, expected);
    assert_eq!(bucket.get_version("k", &kept).await.expect("there"), b"kept");
}

#[tokio::test]
async fn versioning_suspended_delete_over_nothing_and_over_a_null_marker_leaves_one_null_marker() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Suspended).await;
    for _ in 0..2 {
        let reply = bucket.delete("k").await;
        assert_eq!((reply.delete_marker, reply.version_id.as_deref()), (Some(true), Some("null")));
        assert_eq!(bucket.history("k").await, [("null".to_owned(), Kind::Marker)]);
    }
}

#[tokio::test]
async fn versioning_delete_of_a_marker_undeletes() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put_id("k", b"one").await;
    let below = bucket.delete_id("k").await;
    let above = bucket.delete_id("k").await;
    let reply = bucket.delete_version("k", &above).await;
    assert_eq!((reply.delete_marker, reply.version_id.as_ref()), (Some(true), Some(&above)));
    assert_eq!(bucket.get("k").await, None, "a marker is still below");
    bucket.delete_version("k", &below).await;
    assert_eq!(bucket.get("k").await.expect("undeleted"), b"one");
}

#[tokio::test]
async fn versioning_delete_of_the_newest_version_makes_the_one_below_current() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put_id("k", b"one").await;
    let two = bucket.put_id("k", b"two").await;
    let reply = bucket.delete_version("k", &two).await;
    assert_eq!((reply.delete_marker, reply.version_id.as_ref()), (None, Some(&two)));
    assert_eq!(bucket.get("k").await.expect("there"), b"one");
    assert_eq!(bucket.get_version("k", &two).await, None);
    assert!(bucket.rows().await[0].latest);
}

#[tokio::test]
async fn versioning_delete_of_an_older_version_leaves_the_current_one() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let one = bucket.put_id("k", b"one").await;
    let two = bucket.put_id("k", b"two").await;
    bucket.delete_version("k", &one).await;
    assert_eq!(bucket.history("k").await, [(two, Kind::Version)]);
    assert_eq!(bucket.get("k").await.expect("there"), b"two");
}

#[tokio::test]
async fn versioning_delete_by_id_is_the_same_in_every_state() {
    let server = Server::shared();
    for last in [State::Enabled, State::Suspended] {
        let bucket = Bucket::create(&server, State::Enabled).await;
        let one = bucket.put_id("k", b"one").await;
        let marker = bucket.delete_id("k").await;
        if last == State::Suspended {
            bucket.suspend().await;
        }
        assert_eq!(bucket.delete_version("k", &marker).await.delete_marker, Some(true), "{last:?}");
        assert_eq!(bucket.delete_version("k", &one).await.delete_marker, None, "{last:?}");
        assert_eq!(bucket.rows().await, [], "{last:?}");
    }
}

#[tokio::test]
async fn versioning_delete_of_version_null_removes_it_in_every_state() {
    let server = Server::shared();
    for state in STATES {
        let bucket = Bucket::create(&server, State::Unversioned).await;
        bucket.put("k", b"null").await;
        match state {
            State::Unversioned => {}
            State::Enabled => bucket.enable().await,
            State::Suspended => bucket.suspend().await,
        }
        let reply = bucket.delete_version("k", "null").await;
        assert_eq!(reply.version_id.as_deref(), Some("null"), "{state:?}");
        assert_eq!(reply.delete_marker, None, "{state:?}");
        assert_eq!(bucket.rows().await, [], "{state:?}: no marker was added");
    }
}

#[tokio::test]
async fn versioning_delete_of_an_unknown_version_succeeds_and_changes_nothing() {
    let server = Server::shared();
    for state in STATES {
        let bucket = Bucket::create(&server, state).await;
        bucket.put("k", b"one").await;
        let before = bucket.rows().await;
        let target = format!("/{}/k?versionId=00000000-0000-8000-8000-000000000000", bucket.name);
        send(&server, Request::new("DELETE", &target)).expect_status(204);
        assert_eq!(bucket.rows().await, before, "{state:?}");
    }
}
