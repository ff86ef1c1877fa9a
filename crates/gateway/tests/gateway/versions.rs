//! The tables of versioning.md: what each operation replies in each state of a bucket.

use crate::support::{Reply, World};

const ID: &str = "x-amz-version-id";
const MARKER: &str = "x-amz-delete-marker";

fn id(reply: &Reply) -> String {
    reply.header(ID).unwrap().to_owned()
}

#[tokio::test]
async fn a_write_shows_its_id_only_while_versioning_is_enabled() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let write = || async { world.put("/bucket/key", "x").send().await.expect(200) };
    assert_eq!(write().await.header(ID), None);
    world.versioning("bucket", "Enabled").await;
    let (first, second) = (id(&write().await), id(&write().await));
    assert!(second < first, "newer ids sort first");
    world.versioning("bucket", "Suspended").await;
    assert_eq!(write().await.header(ID), None);
}

#[tokio::test]
async fn a_delete_without_version_id_does_what_the_state_says() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    let delete = || async { world.request("DELETE", "/bucket/key").send().await.expect(204) };
    world.put("/bucket/key", "x").send().await.expect(200);
    let unversioned = delete().await;
    assert_eq!((unversioned.header(ID), unversioned.header(MARKER)), (None, None));
    assert_eq!(delete().await.header(MARKER), None, "nothing there is fine");
    assert!(unversioned.body.is_empty());

    world.versioning("bucket", "Enabled").await;
    let (first, second) = (delete().await, delete().await);
    assert_eq!((first.header(MARKER), second.header(MARKER)), (Some("true"), Some("true")));
    assert_ne!(id(&first), id(&second), "markers stack, also over a key that does not exist");

    world.versioning("bucket", "Suspended").await;
    let suspended = delete().await;
    assert_eq!((suspended.header(ID), suspended.header(MARKER)), (Some("null"), Some("true")));
}

#[tokio::test]
async fn a_delete_with_version_id_removes_for_good_and_deleting_a_marker_undeletes() {
    let world = World::start().await;
    world.bucket("bucket", Some("Enabled")).await;
    let object = id(&world.put("/bucket/key", "x").send().await.expect(200));
    let marker = id(&world.request("DELETE", "/bucket/key").send().await.expect(204));
    world.get("/bucket/key").send().await.expect(404);

    let removed =
        world.request("DELETE", &format!("/bucket/key?versionId={marker}")).send().await.expect(204);
    assert_eq!((removed.header(ID), removed.header(MARKER)), (Some(marker.as_str()), Some("true")));
    world.get("/bucket/key").send().await.expect(200);

    let target = format!("/bucket/key?versionId={object}");
    let removed = world.request("DELETE", &target).send().await.expect(204);
    assert_eq!((removed.header(ID), removed.header(MARKER)), (Some(object.as_str()), None));
    world.request("DELETE", &target).send().await.expect(204);
    assert_eq!(world.get("/bucket/key").send().await.error(), (404, "NoSuchKey"));
}

#[tokio::test]
async fn reads_name_versions_and_markers_as_the_table_says() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    world.put("/bucket/key", "null version").send().await.expect(200);
    assert_eq!(world.get("/bucket/key").send().await.expect(200).header(ID), None);
    let null = world.get("/bucket/key?versionId=null").send().await.expect(200);
    assert_eq!(null.header(ID), None, "s3-rules 2: named or not, an unversioned bucket shows no ids");

    world.versioning("bucket", "Enabled").await;
    assert_eq!(world.get("/bucket/key").send().await.expect(200).header(ID), Some("null"));
    let version = id(&world.put("/bucket/key", "second").send().await.expect(200));
    let current = world.get("/bucket/key").send().await.expect(200);
    assert_eq!((current.header(ID), current.text()), (Some(version.as_str()), "second"));
    let old = world.get("/bucket/key?versionId=null").send().await.expect(200);
    assert_eq!((old.header(ID), old.text()), (Some("null"), "null version"));

    let marker = id(&world.request("DELETE", "/bucket/key").send().await.expect(204));
    for method in ["GET", "HEAD"] {
        let current = world.request(method, "/bucket/key").send().await.expect(404);
        assert_eq!((current.header(ID), current.header(MARKER)), (Some(marker.as_str()), Some("true")));
        let named =
            world.request(method, &format!("/bucket/key?versionId={marker}")).send().await.expect(405);
        assert_eq!((named.header("allow"), named.header(MARKER)), (Some("DELETE"), Some("true")));
        assert_eq!(named.header(ID), Some(marker.as_str()), "s3-rules 1");
        assert_eq!(named.header("last-modified"), Some("Fri, 02 Jan 2026 03:04:05 GMT"));
        assert_eq!(named.body.is_empty(), method == "HEAD", "s3-rules 1");
    }
    assert_eq!(world.get("/bucket/key").send().await.error(), (404, "NoSuchKey"));
    assert_eq!(
        world.get(&format!("/bucket/key?versionId={marker}")).send().await.error(),
        (405, "MethodNotAllowed")
    );
    world.get(&format!("/bucket/key?versionId={version}")).send().await.expect(200);
    let unknown = "/bucket/key?versionId=ffffffff-ffff-8ffe-8123-456789abcdef";
    assert_eq!(world.get(unknown).send().await.error(), (404, "NoSuchVersion"));
    for bad in ["", "x", "NULL"] {
        let target = format!("/bucket/key?versionId={bad}");
        assert_eq!(world.get(&target).send().await.error(), (400, "InvalidArgument"), "{bad}");
    }
}

// s3-rules 37
#[tokio::test]
async fn a_version_id_pasted_into_the_key_is_understood_for_reads_only() {
    let world = World::start().await;
    world.bucket("bucket", Some("Enabled")).await;
    let old = id(&world.put("/bucket/key", "old").send().await.expect(200));
    world.put("/bucket/key", "new").send().await.expect(200);
    let pasted = format!("/bucket/key%3FversionId%3D{old}");
    assert_eq!(world.get(&pasted).send().await.expect(200).text(), "old");
    assert_eq!(world.request("HEAD", &pasted).send().await.expect(200).header(ID), Some(old.as_str()));
    world.get(&format!("{pasted}?tagging=")).send().await.expect(200);

    // A write takes the key as it is, and from then on reads do too.
    world.put(&pasted, "literal").send().await.expect(200);
    assert_eq!(world.get(&pasted).send().await.expect(200).text(), "literal");
    world.request("DELETE", &pasted).send().await.expect(204);
    world.get(&pasted).send().await.expect(404);
    assert_eq!(world.get("/bucket/key").send().await.expect(200).text(), "new", "no delete went astray");
}

#[tokio::test]
async fn versions_of_a_key_are_dated_in_their_order_even_within_one_millisecond() {
    let world = World::start().await;
    world.bucket("bucket", Some("Enabled")).await;
    for n in 0..5 {
        world.put("/bucket/key", n.to_string()).send().await.expect(200);
    }
    let list = world.get("/bucket?versions=").send().await.expect(200);
    let dates = list.elements("LastModified");
    assert_eq!(dates.len(), 5);
    assert!(
        dates.is_sorted_by(|newer, older| newer.trim_end_matches('Z') > older.trim_end_matches('Z')),
        "{dates:?}"
    );
    assert_eq!(list.elements("IsLatest"), ["true", "false", "false", "false", "false"]);
}
