//! Routes that have become stale.

use crate::bytes;
use crate::support::World;

/// A bucket that the first gateway has cached, then deleted and created again through the second.
async fn recreated(versioning: Option<&str>) -> (World, World) {
    let world = World::start().await;
    let second = world.second().await;
    world.bucket("bucket", Some("Enabled")).await;
    world.request("HEAD", "/bucket").send().await.expect(200);
    second.request("DELETE", "/bucket").send().await.expect(204);
    second.bucket("bucket", versioning).await;
    (world, second)
}

#[tokio::test]
async fn every_operation_notices_that_a_bucket_was_replaced_through_another_gateway() {
    for size in [10, 1 << 20] {
        let (world, second) = recreated(None).await;
        let put = world.put("/bucket/key", bytes(size)).send().await.expect(200);
        assert_eq!(put.header("x-amz-version-id"), None, "the new incarnation is unversioned");
        assert!(second.get("/bucket/key").send().await.expect(200).body == bytes(size));
    }
    let (world, second) = recreated(None).await;
    second.put("/bucket/key", "x").send().await.expect(200);
    world.get("/bucket/key").send().await.expect(200);
    let (world, second) = recreated(None).await;
    second.put("/bucket/key", "x").send().await.expect(200);
    assert_eq!(world.get("/bucket").send().await.expect(200).elements("Key"), ["key"]);
    let (world, _) = recreated(None).await;
    world.request("DELETE", "/bucket/key").send().await.expect(204);
    let (world, _) = recreated(None).await;
    world.request("DELETE", "/bucket").send().await.expect(204);
    let (world, _) = recreated(None).await;
    world.request("POST", "/bucket/key?uploads=").send().await.expect(200);
    let (world, second) = recreated(None).await;
    let upload = second.request("POST", "/bucket/key?uploads=").send().await.expect(200);
    let id = upload.element("UploadId").unwrap();
    world.put(&format!("/bucket/key?partNumber=1&uploadId={id}"), "x").send().await.expect(200);
    let (world, second) = recreated(None).await;
    second.put("/bucket/key", "x").send().await.expect(200);
    let copy = world.request("PUT", "/bucket/copy").header("x-amz-copy-source", "bucket/key");
    copy.send().await.expect(200);
}

#[tokio::test]
async fn a_bucket_that_was_deleted_through_another_gateway_is_gone() {
    let world = World::start().await;
    let second = world.second().await;
    world.bucket("bucket", None).await;
    world.request("HEAD", "/bucket").send().await.expect(200);
    second.request("DELETE", "/bucket").send().await.expect(204);
    for body in [bytes(10), bytes(1 << 20)] {
        assert_eq!(world.put("/bucket/key", body).send().await.error(), (404, "NoSuchBucket"));
    }
    assert_eq!(world.get("/bucket/key").send().await.error(), (404, "NoSuchBucket"));
    assert!(world.storage.blobs().is_empty(), "a large body is refused before its bytes are taken");
}
