//! Copies: restoring versions, sources that are deleted, and data that outlives its first owner.

use aws_sdk_s3::types::MetadataDirective;
use e2e::bucket::{Bucket, Kind, State};
use e2e::payload;
use e2e::sdk::assert_fails;
use e2e::server::Server;

fn source(bucket: &Bucket, key: &str, id: &str) -> String {
    format!("{}/{key}?versionId={id}", bucket.name)
}

#[tokio::test]
async fn versioning_restore_copies_an_old_version_onto_its_key() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let one = bucket.put_id("k", b"one").await;
    let two = bucket.put_id("k", b"two").await;
    let call = bucket.client.copy_object().bucket(&bucket.name).key("k");
    let reply = call.copy_source(source(&bucket, "k", &one)).send().await.expect("CopyObject");
    let three = reply.version_id.expect("x-amz-version-id");
    assert_eq!(reply.copy_source_version_id.as_ref(), Some(&one));
    let expected = [(three, Kind::Version), (two, Kind::Version), (one, Kind::Version)];
    assert_eq!(bucket.history("k").await, expected);
    assert_eq!(bucket.get("k").await.expect("there"), b"one");
}

#[tokio::test]
async fn versioning_restore_works_below_a_delete_marker() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let one = bucket.put_id("k", b"one").await;
    bucket.delete_id("k").await;
    let call = bucket.client.copy_object().bucket(&bucket.name).key("k");
    call.copy_source(source(&bucket, "k", &one)).send().await.expect("CopyObject");
    assert_eq!(bucket.get("k").await.expect("there"), b"one");
}

#[tokio::test]
async fn versioning_copy_of_a_marker_by_id_is_refused() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"one").await;
    let marker = bucket.delete_id("k").await;
    let call = bucket.client.copy_object().bucket(&bucket.name).key("other");
    assert_fails(call.copy_source(source(&bucket, "k", &marker)).send().await, 400, "InvalidRequest");
    assert_eq!(bucket.get("other").await, None);
}

#[tokio::test]
async fn versioning_copy_of_a_deleted_key_is_no_such_key() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    bucket.put("k", b"one").await;
    bucket.delete("k").await;
    for key in ["k", "never"] {
        let call = bucket.client.copy_object().bucket(&bucket.name).key("other");
        let call = call.copy_source(format!("{}/{key}", bucket.name));
        assert_fails(call.send().await, 404, "NoSuchKey");
    }
    let call = bucket.client.copy_object().bucket(&bucket.name).key("other");
    let unknown = source(&bucket, "k", "00000000-0000-8000-8000-000000000000");
    assert_fails(call.copy_source(unknown).send().await, 404, "NoSuchVersion");
}

#[tokio::test]
async fn versioning_copy_of_a_key_to_itself_needs_a_change() {
    let server = Server::shared();
    for state in [State::Unversioned, State::Enabled] {
        let bucket = Bucket::create(&server, state).await;
        bucket.put("k", b"one").await;
        let copy = || {
            let call = bucket.client.copy_object().bucket(&bucket.name).key("k");
            call.copy_source(format!("{}/k", bucket.name))
        };
        assert_fails(copy().send().await, 400, "InvalidRequest");
        assert_eq!(bucket.rows().await.len(), 1, "{state:?}");
        // Rule 12: replacing the metadata is a change.
        let call = copy().metadata_directive(MetadataDirective::Replace).metadata("a", "b");
        call.send().await.expect("CopyObject with REPLACE");
        let head = bucket.client.head_object().bucket(&bucket.name).key("k").send().await.expect("HEAD");
        assert_eq!(head.metadata().and_then(|map| map.get("a")).map(String::as_str), Some("b"), "{state:?}");
        assert_eq!(bucket.get("k").await.expect("there"), b"one", "{state:?}");
    }
}

#[tokio::test]
async fn versioning_copy_source_version_is_named_only_where_versions_are() {
    let server = Server::shared();
    let (from, to) =
        (Bucket::create(&server, State::Enabled).await, Bucket::create(&server, State::Unversioned).await);
    let id = from.put_id("k", b"one").await;
    let call = to.client.copy_object().bucket(&to.name).key("copy");
    let reply = call.copy_source(format!("/{}/k", from.name)).send().await.expect("a leading slash is fine");
    assert_eq!(reply.copy_source_version_id, Some(id));
    assert_eq!(reply.version_id, None);
    assert_eq!(to.get("copy").await.expect("there"), b"one");
}

#[tokio::test]
async fn versioning_copy_outlives_its_source_and_its_copies() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let body = payload::bytes(1, 3 << 20);
    let mut id = bucket.put_id("0", &body).await;
    for hop in 1..4 {
        let (from, to) = ((hop - 1).to_string(), hop.to_string());
        let call = bucket.client.copy_object().bucket(&bucket.name).key(&to);
        let reply = call.copy_source(source(&bucket, &from, &id)).send().await.expect("CopyObject");
        bucket.delete_version(&from, &id).await;
        id = reply.version_id.expect("an id");
        assert_eq!(bucket.get(&to).await.as_deref(), Some(body.as_slice()), "hop {hop}");
    }
}

#[tokio::test]
async fn rule_7_a_copy_keeps_etag_and_metadata() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let put = bucket.client.put_object().bucket(&bucket.name).key("k").body(b"one".to_vec().into());
    let put = put.content_type("text/plain").metadata("a", "b").send().await.expect("PutObject");
    let call = bucket.client.copy_object().bucket(&bucket.name).key("copy");
    let reply = call.copy_source(format!("{}/k", bucket.name)).send().await.expect("CopyObject");
    assert_eq!(reply.copy_object_result.and_then(|result| result.e_tag), put.e_tag);
    let head = bucket.client.head_object().bucket(&bucket.name).key("copy").send().await.expect("HEAD");
    assert_eq!(head.content_type(), Some("text/plain"));
    assert_eq!(head.metadata().and_then(|map| map.get("a")).map(String::as_str), Some("b"));
}
