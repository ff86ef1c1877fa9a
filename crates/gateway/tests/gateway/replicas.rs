//! What the gateway does with storage nodes that are late, away, or have left a blob's placement.

use crate::bytes;
use crate::support::{FakeStorage, World};
use esker_index::command::{CommandBody, NewData, StoredData};
use esker_rpc::StorageError;
use esker_types::{GroupId, PlacementEpoch};

/// A body of three blobs.
const SIZE: usize = (16 << 20) + 1;

/// The late nodes of every command that committed stored data so far.
fn committed_late(world: &World) -> Vec<Vec<u64>> {
    let stored = |body: CommandBody| match body {
        CommandBody::PutObject { object, .. } => match object.data {
            NewData::Stored(stored) => Some(stored),
            _ => None,
        },
        CommandBody::PutPart { data, .. } => data,
        _ => None,
    };
    let late = |stored: StoredData| stored.late.into_iter().map(|node| node.0).collect();
    world.metadata.applied().into_iter().filter_map(|(_, body)| stored(body)).map(late).collect()
}

#[tokio::test]
async fn nodes_that_were_late_with_any_blob_are_named_once_in_the_commit() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    world.storage.find_late([vec![9, 7], vec![], vec![7, 3]]);
    world.put("/bucket/key", bytes(SIZE)).send().await.expect(200);
    world.put("/bucket/key", bytes(SIZE)).send().await.expect(200);
    assert_eq!(committed_late(&world), [vec![3, 7, 9], vec![]]);
}

#[tokio::test]
async fn nodes_that_were_late_with_a_part_or_a_copied_part_are_named_in_its_commit() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    world.put("/bucket/source", bytes(SIZE)).send().await.expect(200);
    let begun = world.request("POST", "/bucket/key?uploads=").send().await.expect(200);
    let part = |number: u16| {
        format!("/bucket/key?partNumber={number}&uploadId={}", begun.element("UploadId").unwrap())
    };
    world.storage.find_late([vec![], vec![5], vec![4]]);
    world.put(&part(1), bytes(SIZE)).send().await.expect(200);
    world.storage.find_late([vec![6], vec![], vec![8]]);
    let copy = world.request("PUT", &part(2)).header("x-amz-copy-source", "bucket/source");
    copy.send().await.expect(200);
    assert_eq!(committed_late(&world), [vec![], vec![4, 5], vec![6, 8]]);
}

#[tokio::test]
async fn nodes_that_were_late_with_a_copy_across_groups_are_named_in_its_commit() {
    let storage = FakeStorage::new();
    let world = World::with(storage, |settings| settings.data_groups = vec![GroupId(1)]).await;
    let second = world.second().await;
    world.bucket("here", None).await;
    second.bucket("there", None).await;
    world.put("/here/key", bytes(SIZE)).send().await.expect(200);
    world.storage.find_late([vec![2]]);
    let copy = world.request("PUT", "/there/copy").header("x-amz-copy-source", "here/key");
    copy.send().await.expect(200);
    assert_eq!(committed_late(&world), [vec![], vec![2]]);
}

#[tokio::test]
async fn what_cannot_be_stored_now_is_503_leaves_nothing_behind_and_may_be_sent_again() {
    for error in [
        StorageError::Unavailable("injected".to_owned()),
        StorageError::Stale(PlacementEpoch(3)),
        StorageError::Failed("injected".to_owned()),
    ] {
        let world = World::start().await;
        world.bucket("bucket", None).await;
        world.storage.refuse(Some(error));
        let refused = world.put("/bucket/key", bytes(SIZE)).send().await;
        assert_eq!(refused.error(), (503, "ServiceUnavailable"));
        let given_up = |body: &CommandBody| matches!(body, CommandBody::Discard { .. });
        world.metadata.until(given_up).await;
        assert_eq!(world.get("/bucket/key").send().await.status, 404);
        world.storage.refuse(None);
        world.put("/bucket/key", bytes(SIZE)).send().await.expect(200);
    }
}

#[tokio::test]
async fn what_cannot_be_read_while_nodes_are_away_is_503() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    world.put("/bucket/key", bytes(SIZE)).send().await.expect(200);
    let away = || StorageError::Unavailable("injected".to_owned());
    world.storage.fail_reads([away()]);
    assert_eq!(world.get("/bucket/key").send().await.error(), (503, "ServiceUnavailable"));
    world.get("/bucket/key").send().await.expect(200);
    // The next blob of an object is opened before it is needed, so only one of this copy's reads fails.
    world.storage.fail_reads([away()]);
    let copy = world.request("PUT", "/bucket/copy").header("x-amz-copy-source", "bucket/key");
    let failed = copy.header("x-amz-checksum-algorithm", "SHA256").send().await;
    assert_eq!(failed.error(), (503, "ServiceUnavailable"));
}

#[tokio::test]
async fn what_is_damaged_everywhere_is_500_after_a_second_look() {
    let world = World::start().await;
    world.bucket("bucket", None).await;
    world.put("/bucket/key", bytes(1 << 20)).send().await.expect(200);
    let corrupt = || StorageError::Corrupt("injected".to_owned());
    world.storage.fail_reads([corrupt()]);
    world.get("/bucket/key").send().await.expect(200);
    world.storage.fail_reads([StorageError::NotFound, corrupt()]);
    assert_eq!(world.get("/bucket/key").send().await.error(), (500, "InternalError"));
}
