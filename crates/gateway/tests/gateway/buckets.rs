//! Buckets: making them, finding them, deleting them.

use crate::bytes;
use crate::support::{Fault, World};
use esker_index::command::CommandBody;

#[tokio::test]
async fn a_bucket_is_created_once_and_keeps_what_it_holds() {
    let world = World::start().await;
    let created = world.put("/bucket", "").send().await.expect(200);
    assert_eq!(created.header("location"), Some("/bucket"));
    world.put("/bucket/key", "x").send().await.expect(200);
    assert_eq!(world.put("/bucket", "").send().await.error(), (409, "BucketAlreadyOwnedByYou"));
    world.get("/bucket/key").send().await.expect(200);
    let head = world.request("HEAD", "/bucket").send().await.expect(200);
    assert_eq!(head.header("x-amz-bucket-region"), Some("us-east-1"));
    let missing = world.request("HEAD", "/nobucket").send().await.expect(404);
    assert!(missing.body.is_empty(), "s3-rules 1");
    let location = world.get("/bucket?location=").send().await.expect(200);
    assert_eq!(location.element("LocationConstraint"), None, "s3-rules 30: us-east-1 is empty");
    let state = world.get("/bucket?versioning=").send().await.expect(200);
    assert_eq!(state.element("Status"), None, "s3-rules 22");
}

#[tokio::test]
async fn names_locations_and_states_that_are_wrong_are_refused() {
    let world = World::start().await;
    for name in ["Bucket", "b", "b..b", "192.168.0.1", "b--at-2026"] {
        assert_eq!(
            world.put(&format!("/{name}"), "").send().await.error(),
            (400, "InvalidBucketName"),
            "{name}"
        );
    }
    let located = |region: &str| {
        let body = format!(
            "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
        );
        world.put("/bucket", body).send()
    };
    assert_eq!(located("mars-1").await.error(), (400, "IllegalLocationConstraintException"));
    located("us-east-1").await.expect(200);
    let state = |body: &'static str| world.put("/bucket?versioning=", body).send();
    assert_eq!(
        state("<VersioningConfiguration><Status>On</Status></VersioningConfiguration>").await.error(),
        (400, "MalformedXML")
    );
    let missing = state("<VersioningConfiguration/>").await;
    assert_eq!(missing.error(), (400, "IllegalVersioningConfigurationException"));
    world.versioning("bucket", "Suspended").await;
    world.versioning("bucket", "Suspended").await;
    assert_eq!(world.get("/bucket?versioning=").send().await.element("Status"), Some("Suspended"));
}

#[tokio::test]
async fn a_creation_that_stopped_half_way_is_finished_by_the_next() {
    let world = World::start().await;
    // The name is taken in the first step; then either the opening or the showing fails.
    for (steps, name) in [(1, "/opening"), (2, "/showing")] {
        world.metadata.after(steps, Fault::Full);
        assert_eq!(world.put(name, "").send().await.error(), (507, "InsufficientStorage"));
        assert_eq!(world.request("HEAD", name).send().await.status, 404, "a half-made bucket is not visible");
        world.put(name, "").send().await.expect(200);
        world.request("HEAD", name).send().await.expect(200);
    }
}

#[tokio::test]
async fn only_an_empty_bucket_can_be_deleted_and_then_its_name_is_free() {
    let world = World::start().await;
    world.bucket("bucket", Some("Enabled")).await;
    let marker = world.request("DELETE", "/bucket/key").send().await.expect(204);
    let delete = || world.request("DELETE", "/bucket").send();
    assert_eq!(delete().await.error(), (409, "BucketNotEmpty"), "a marker counts");
    let id = marker.header("x-amz-version-id").unwrap();
    world.request("DELETE", &format!("/bucket/key?versionId={id}")).send().await.expect(204);

    // s3-rules 31: an open upload does not block, and its data is not forgotten.
    let upload = world.request("POST", "/bucket/key?uploads=").send().await.expect(200);
    let upload = upload.element("UploadId").unwrap().to_owned();
    world.put(&format!("/bucket/key?partNumber=1&uploadId={upload}"), bytes(10)).send().await.expect(200);
    delete().await.expect(204);
    assert_eq!(delete().await.error(), (404, "NoSuchBucket"));
    assert_eq!(world.get("/bucket").send().await.error(), (404, "NoSuchBucket"));
    world.metadata.until(|body| matches!(body, CommandBody::PurgeBucket { .. })).await;

    world.bucket("bucket", None).await;
    assert_eq!(world.get("/bucket?versioning=").send().await.element("Status"), None, "a new incarnation");
    assert_eq!(world.get("/bucket?uploads=").send().await.elements("UploadId").len(), 0);
}

#[tokio::test]
async fn a_deletion_that_stopped_half_way_does_not_keep_the_name() {
    let world = World::start().await;
    world.bucket("bucket", Some("Enabled")).await;
    world.metadata.after(1, Fault::Full);
    world.request("DELETE", "/bucket").send().await.expect(204);
    assert_eq!(world.get("/bucket").send().await.error(), (404, "NoSuchBucket"), "sealed is gone");
    world.bucket("bucket", None).await;
    world.request("HEAD", "/bucket").send().await.expect(200);
}

// s3-rules 32
#[tokio::test]
async fn buckets_are_listed_in_pages() {
    let world = World::start().await;
    for name in ["alpha", "beta", "beta-2", "gamma"] {
        world.bucket(name, None).await;
    }
    let all = world.get("/").send().await.expect(200);
    assert_eq!(all.elements("Name"), ["alpha", "beta", "beta-2", "gamma"]);
    assert_eq!(all.element("ContinuationToken"), None);
    let page = world.get("/?max-buckets=1&prefix=beta").send().await.expect(200);
    assert_eq!(page.elements("Name"), ["beta"]);
    let token = page.element("ContinuationToken").unwrap();
    let page = world.get(&format!("/?continuation-token={token}&prefix=beta")).send().await.expect(200);
    assert_eq!((page.elements("Name"), page.element("ContinuationToken")), (vec!["beta-2"], None));
    for bad in ["0", "10001", "x"] {
        assert_eq!(world.get(&format!("/?max-buckets={bad}")).send().await.error(), (400, "InvalidArgument"));
    }
}

#[tokio::test]
async fn an_expected_owner_that_is_another_is_refused() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let head =
        |owner: &str| world.request("HEAD", "/bucket").header("x-amz-expected-bucket-owner", owner).send();
    head("root").await.expect(200);
    head("somebody").await.expect(403);
}
