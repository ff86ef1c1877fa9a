//! Writes in every bucket state: put, copy and completed multipart uploads have the same effect.

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use e2e::bucket::{Bucket, Kind, State};
use e2e::server::Server;

/// The operations that write an object.
#[derive(Clone, Copy, Debug)]
enum Way {
    Put,
    Copy,
    Complete,
}

const WAYS: [Way; 3] = [Way::Put, Way::Copy, Way::Complete];

/// Writes `body` to `key`; the version id of the reply.
async fn write(bucket: &Bucket, way: Way, key: &str, body: &[u8]) -> Option<String> {
    match way {
        Way::Put => bucket.put(key, body).await,
        Way::Copy => copy(bucket, key, body).await,
        Way::Complete => complete(bucket, key, body).await,
    }
}

async fn copy(bucket: &Bucket, key: &str, body: &[u8]) -> Option<String> {
    bucket.put("source", body).await;
    let call = bucket.client.copy_object().bucket(&bucket.name).key(key);
    let source = format!("{}/source", bucket.name);
    call.copy_source(source).send().await.expect("CopyObject").version_id
}

async fn complete(bucket: &Bucket, key: &str, body: &[u8]) -> Option<String> {
    let (client, name) = (&bucket.client, &bucket.name);
    let upload = client.create_multipart_upload().bucket(name).key(key).send().await.expect("Create");
    let upload = upload.upload_id.expect("an upload id");
    let part = client.upload_part().bucket(name).key(key).upload_id(&upload).part_number(1);
    let part = part.body(body.to_vec().into()).send().await.expect("UploadPart");
    let part = CompletedPart::builder().part_number(1).set_e_tag(part.e_tag).build();
    let call = client.complete_multipart_upload().bucket(name).key(key).upload_id(upload);
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    call.multipart_upload(parts).send().await.expect("Complete").version_id
}

#[tokio::test]
async fn versioning_unversioned_write_replaces_the_null_version() {
    let server = Server::shared();
    for way in WAYS {
        let bucket = Bucket::create(&server, State::Unversioned).await;
        assert_eq!(write(&bucket, way, "k", b"one").await, None, "{way:?}");
        assert_eq!(write(&bucket, way, "k", b"two").await, None, "{way:?}");
        assert_eq!(bucket.history("k").await, [("null".to_owned(), Kind::Version)], "{way:?}");
        assert_eq!(bucket.get("k").await.expect("there"), b"two", "{way:?}");
    }
}

#[tokio::test]
async fn versioning_enabled_write_adds_a_version_with_a_new_id() {
    let server = Server::shared();
    for way in WAYS {
        let bucket = Bucket::create(&server, State::Enabled).await;
        let one = write(&bucket, way, "k", b"one").await.expect("an id");
        let two = write(&bucket, way, "k", b"two").await.expect("an id");
        assert_ne!(one, two, "{way:?}");
        let expected = [(two.clone(), Kind::Version), (one.clone(), Kind::Version)];
        assert_eq!(bucket.history("k").await, expected, "{way:?}");
        assert_eq!(bucket.get("k").await.expect("there"), b"two", "{way:?}");
        assert_eq!(bucket.get_version("k", &one).await.expect("there"), b"one", "{way:?}");
    }
}

#[tokio::test]
async fn versioning_enabled_write_leaves_an_existing_null_version_as_it_is() {
    let server = Server::shared();
    for way in WAYS {
        let bucket = Bucket::create(&server, State::Unversioned).await;
        bucket.put("k", b"null one").await;
        bucket.enable().await;
        let two = write(&bucket, way, "k", b"two").await.expect("an id");
        let expected = [(two, Kind::Version), ("null".to_owned(), Kind::Version)];
        assert_eq!(bucket.history("k").await, expected, "{way:?}");
        assert_eq!(bucket.get_version("k", "null").await.expect("there"), b"null one", "{way:?}");
    }
}

#[tokio::test]
async fn versioning_suspended_write_replaces_an_older_null_object_and_keeps_the_rest() {
    let server = Server::shared();
    for way in WAYS {
        let bucket = Bucket::create(&server, State::Unversioned).await;
        bucket.put("k", b"null one").await;
        bucket.enable().await;
        let kept = bucket.put_id("k", b"kept").await;
        bucket.suspend().await;
        assert_eq!(write(&bucket, way, "k", b"null two").await, None, "{way:?}");
        let expected = [("null".to_owned(), Kind::Version), (kept.clone(), Kind::Version)];
        assert_eq!(bucket.history("k").await, expected, "{way:?}");
        assert_eq!(bucket.get("k").await.expect("there"), b"null two", "{way:?}");
        assert_eq!(bucket.get_version("k", &kept).await.expect("there"), b"kept", "{way:?}");
    }
}

#[tokio::test]
async fn versioning_suspended_write_replaces_a_null_delete_marker() {
    let server = Server::shared();
    for way in WAYS {
        let bucket = Bucket::create(&server, State::Enabled).await;
        let kept = bucket.put_id("k", b"kept").await;
        bucket.suspend().await;
        bucket.delete("k").await;
        assert_eq!(bucket.get("k").await, None, "{way:?}");
        assert_eq!(write(&bucket, way, "k", b"back").await, None, "{way:?}");
        let expected = [("null".to_owned(), Kind::Version), (kept, Kind::Version)];
        assert_eq!(bucket.history("k").await, expected, "{way:?}");
        assert_eq!(bucket.get("k").await.expect("there"), b"back", "{way:?}");
    }
}

#[tokio::test]
async fn versioning_state_change_is_obeyed_by_the_next_request() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    for round in 0..20 {
        let body = [round];
        assert!(bucket.put("k", &body).await.is_some(), "round {round}: enabled gives an id");
        bucket.suspend().await;
        assert!(bucket.put("k", &body).await.is_none(), "round {round}: suspended gives none");
        bucket.enable().await;
    }
    // Twenty versions with ids; each suspended write replaced the null version of the one before.
    let history = bucket.history("k").await;
    assert_eq!(history.len(), 21);
    assert_eq!(history[0].0, "null");
}

#[tokio::test]
async fn versioning_multipart_version_is_ordered_and_dated_at_complete() {
    let server = Server::shared();
    let bucket = Bucket::create(&server, State::Enabled).await;
    let (client, name) = (&bucket.client, &bucket.name);
    let upload = client.create_multipart_upload().bucket(name).key("k").send().await.expect("Create");
    let upload = upload.upload_id.expect("an upload id");
    let part = client.upload_part().bucket(name).key("k").upload_id(&upload).part_number(1);
    let part = part.body(b"late".to_vec().into()).send().await.expect("UploadPart");
    let between = bucket.put_id("k", b"between").await;
    let part = CompletedPart::builder().part_number(1).set_e_tag(part.e_tag).build();
    let call = client.complete_multipart_upload().bucket(name).key("k").upload_id(upload);
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    let late = call.multipart_upload(parts).send().await.expect("Complete").version_id.expect("an id");
    assert_eq!(bucket.history("k").await, [(late, Kind::Version), (between, Kind::Version)]);
    assert_eq!(bucket.get("k").await.expect("there"), b"late");
}
