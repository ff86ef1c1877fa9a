//! CopyObject.

use crate::bytes;
use crate::support::{FakeStorage, World};
use esker_types::GroupId;

#[tokio::test]
async fn a_copy_inside_a_group_moves_no_data_and_keeps_what_it_copies() {
    let world = World::start().await;
    world.bucket("bucket", Some("Enabled")).await;
    world.bucket("other", None).await;
    let body = bytes(1 << 20);
    let put = world.put("/bucket/key", body.clone()).header("x-amz-meta-a", "b").send().await.expect(200);
    let version = put.header("x-amz-version-id").unwrap();
    let copy = world.request("PUT", "/other/copy").header("x-amz-copy-source", "/bucket/key");
    let copied = copy.send().await.expect(200);
    assert_eq!(copied.header("x-amz-copy-source-version-id"), Some(version));
    assert_eq!(copied.header("x-amz-version-id"), None, "the target's bucket is unversioned");
    assert_eq!(world.storage.blobs().len(), 1);
    let got = world.get("/other/copy").send().await.expect(200);
    assert!(got.body == body);
    assert_eq!((got.header("etag"), got.header("x-amz-meta-a")), (put.header("etag"), Some("b")));

    let replaced = world.request("PUT", "/bucket/key").header("x-amz-copy-source", "bucket/key");
    let replaced =
        replaced.header("x-amz-metadata-directive", "REPLACE").header("content-type", "text/plain");
    let shown = replaced.send().await.expect(200);
    assert!(shown.header("x-amz-version-id").is_some());
    let got = world.get("/bucket/key").send().await.expect(200);
    assert_eq!((got.header("content-type"), got.header("x-amz-meta-a")), (Some("text/plain"), None));
    assert!(got.body == body);
}

#[tokio::test]
async fn a_version_is_restored_by_copying_it_to_its_own_key() {
    let world = World::start().await;
    world.bucket("bucket", Some("Enabled")).await;
    let old = world.put("/bucket/key", "old").send().await.expect(200);
    let old = old.header("x-amz-version-id").unwrap();
    world.put("/bucket/key", "new").send().await.expect(200);
    let copy =
        |source: String| world.request("PUT", "/bucket/key").header("x-amz-copy-source", source).send();
    assert_eq!(copy("bucket/key".into()).await.error(), (400, "InvalidRequest"), "nothing would change");
    copy(format!("bucket/key?versionId={old}")).await.expect(200);
    assert_eq!(world.get("/bucket/key").send().await.text(), "old");
    // s3-rules 37: also with the id pasted into the key.
    world.put("/bucket/key", "newest").send().await.expect(200);
    copy(format!("bucket/key%3FversionId%3D{old}")).await.expect(200);
    assert_eq!(world.get("/bucket/key").send().await.text(), "old");
}

#[tokio::test]
async fn sources_that_are_not_objects_are_refused() {
    let world = World::start().await;
    world.bucket("bucket", Some("Enabled")).await;
    world.put("/bucket/key", "x").send().await.expect(200);
    let marker = world.request("DELETE", "/bucket/key").send().await.expect(204);
    let marker = marker.header("x-amz-version-id").unwrap();
    let copy = |source: String| world.request("PUT", "/bucket/copy").header("x-amz-copy-source", source);
    for (source, error) in [
        ("bucket/key".to_owned(), (404, "NoSuchKey")),
        (format!("bucket/key?versionId={marker}"), (400, "InvalidRequest")),
        ("bucket/none".to_owned(), (404, "NoSuchKey")),
        ("bucket/key?versionId=null".to_owned(), (404, "NoSuchVersion")),
        ("bucket/key?versionId=".to_owned(), (400, "InvalidArgument")),
        ("nobucket/key".to_owned(), (404, "NoSuchBucket")),
        ("bucket".to_owned(), (400, "InvalidArgument")),
    ] {
        assert_eq!(copy(source.clone()).send().await.error(), error, "{source}");
    }
    world.put("/bucket/key", "x").send().await.expect(200);
    let failed = copy("bucket/key".into()).header("x-amz-copy-source-if-none-match", "*").send().await;
    assert_eq!(failed.error(), (412, "PreconditionFailed"), "never 304");
    let failed = copy("bucket/key".into()).header("if-match", "*").send().await;
    assert_eq!(failed.error(), (404, "NoSuchKey"));
}

#[tokio::test]
async fn a_copy_across_groups_moves_the_bytes() {
    let storage = FakeStorage::new();
    let world = World::with(storage, |settings| settings.data_groups = vec![GroupId(1)]).await;
    let second = world.second().await;
    world.bucket("here", Some("Enabled")).await;
    second.bucket("there", None).await;
    for body in [bytes(1 << 20), bytes(10), Vec::new()] {
        let put = world.put("/here/key", body.clone()).header("x-amz-meta-a", "b").send().await.expect(200);
        let copy = world.request("PUT", "/there/copy").header("x-amz-copy-source", "here/key");
        let copied = copy.send().await.expect(200);
        assert_eq!(copied.header("x-amz-copy-source-version-id"), put.header("x-amz-version-id"));
        let got = world.get("/there/copy").send().await.expect(200);
        assert!(got.body == body);
        assert_eq!((got.header("etag"), got.header("x-amz-meta-a")), (put.header("etag"), Some("b")));
    }
    let groups: Vec<u16> = world.storage.blobs().iter().map(|(blob, _)| blob.data.group().0).collect();
    assert_eq!((groups.len(), groups.contains(&0), groups.contains(&1)), (2, true, true));
}

#[tokio::test]
async fn a_copy_that_asks_for_another_checksum_gets_it() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    world.put("/bucket/key", "123456789").send().await.expect(200);
    let copy = world.request("PUT", "/bucket/copy").header("x-amz-copy-source", "bucket/key");
    let copied = copy.header("x-amz-checksum-algorithm", "CRC32").send().await.expect(200);
    assert_eq!(copied.element("ChecksumCRC32"), Some("y/Q5Jg=="));
}
