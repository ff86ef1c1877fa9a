//! Starting again after a kill, a lost index, or a lost segment.

use crate::support::{World, runtime};
use esker_env::{Disk, OpenMode};
use esker_rpc::{Storage, StorageError};
use esker_storage::contract::{FENCE, blob, body, content, list, read_all};
use esker_storage::format::{FileHeader, Fragment, FragmentKind, Record, record::HEADER_BYTES};
use esker_storage::{
    ClusterId, DataDir, Identity, IndexStart, OpenError, RebuildReason, SegmentStore, Throttle,
};
use esker_types::NodeId;
use std::sync::Arc;

async fn put(store: &SegmentStore, number: u64, length: u64) {
    assert_eq!(store.put(blob(number), FENCE, body(content(number, length), 100_000)).await, Ok(length));
}

async fn holds(store: &SegmentStore, number: u64, length: u64) -> bool {
    read_all(store, blob(number), length).await.as_deref() == Ok(&content(number, length)[..])
}

#[test]
fn a_first_start_is_empty_and_a_second_one_trusts_the_index() {
    let (world, _) = World::simulated();
    runtime().block_on(async {
        let (store, report) = world.open();
        assert_eq!((report.rebuilt, report.segments), (Some(RebuildReason::Missing), 0));
        put(&store, 1, 400_000).await;
        store.close().await.unwrap();
        assert_eq!(store.close().await, Err(StorageError::Failed("the store is closed".into())));
        let late = store.put(blob(2), FENCE, body(content(2, 5), 5)).await;
        assert_eq!(late, Err(StorageError::Failed("the store is closed".into())));
        drop(store);
        let (store, report) = world.open();
        assert_eq!((report.rebuilt, report.scanned, report.blobs_added), (None, 0, 0));
        assert!(holds(&store, 1, 400_000).await);
    });
}

#[test]
fn a_killed_store_scans_only_the_segments_that_were_open() {
    let (world, _) = World::simulated();
    runtime().block_on(async {
        let (store, _) = world.open();
        for number in 0..10 {
            put(&store, number, 200_000).await;
        }
        drop(store);
        let (store, report) = world.open();
        assert_eq!(report.rebuilt, None);
        assert!(report.segments >= 5 && report.scanned <= 2, "{report:?}");
        for number in 0..10 {
            assert!(holds(&store, number, 200_000).await);
        }
    });
}

#[test]
fn a_rebuild_reads_footers_and_not_data() {
    let (world, disk) = World::simulated();
    runtime().block_on(async {
        let (store, _) = world.open();
        for number in 0..20 {
            put(&store, number, 200_000).await;
        }
        store.delete(&[blob(3)]).await.unwrap();
        store.close().await.unwrap();
    });
    let before = disk.counters().reads;
    let (store, report) = world.rebuild();
    assert_eq!((report.scanned, report.blobs_added, report.bad_fragments), (0, 19, 0));
    let reads = disk.counters().reads - before;
    // Each segment's header, trailer and entries, and the marker.
    assert!(reads <= 3 * report.segments + 1, "{reads} reads for {} segments", report.segments);
    let missing = runtime().block_on(read_all(&store, blob(3), 200_000));
    assert_eq!(missing, Err(StorageError::NotFound));
}

#[test]
fn segments_that_vanished_lose_their_blobs_and_no_others() {
    let (world, disk) = World::simulated();
    runtime().block_on(async {
        let (store, _) = world.open();
        for number in 0..6 {
            put(&store, number, 200_000).await;
        }
        store.close().await.unwrap();
        drop(store);
        esker_env::Disk::remove_file(&disk, &world.segment_files()[2]).unwrap();
        let (store, report) = world.open();
        assert_eq!(report.rebuilt, Some(RebuildReason::SegmentsDiffer));
        assert_eq!((report.missing_segments, report.blobs_added), (vec![2], 5));
        let mut lost = 0;
        for number in 0..6 {
            lost += u64::from(!holds(&store, number, 200_000).await);
        }
        assert_eq!(lost, 1);
    });
}

#[test]
fn segments_of_another_node_or_under_another_name_are_refused() {
    let (world, _) = World::simulated();
    let own = world.data_dir().identity();
    for (identity, number) in [
        (Identity { cluster: ClusterId::from_bytes([0; 16]), ..own }, 3),
        (Identity { node: NodeId(own.node.0 + 1), ..own }, 3),
        (own, 4),
    ] {
        let path = world.dir.join("000000000003.seg");
        let image = FileHeader { identity, number, salt: 1 }.encode();
        let open = OpenMode::OpenOrCreate(esker_env::Permissions::Default);
        world.disk.open(&path, open).unwrap().write_at(&image, 0).unwrap();
        let refused =
            SegmentStore::open(world.components(), world.options.clone(), IndexStart::Recover).unwrap_err();
        assert!(matches!(&refused, OpenError::Foreign(at) if *at == path), "{refused}");
    }
}

#[test]
fn what_a_crash_leaves_of_a_new_segment_is_removed() {
    let (world, disk) = World::simulated();
    drop(world.data_dir());
    let path = world.dir.join("000000000005.seg");
    let new = OpenMode::CreateNew(esker_env::Permissions::Default);
    esker_env::Disk::open(&disk, &path, new).unwrap().write_at(&[0; 512], 0).unwrap();
    let (_, report) = world.open();
    assert_eq!(report.segments, 0);
    assert!(!world.segment_files().contains(&path));
}

/// Two complete writes of one blob: what a crash leaves of a put that was tried twice.
#[test]
fn a_blob_that_was_stored_twice_ends_with_one_delete() {
    let (world, disk) = World::simulated();
    let id = blob(1);
    let identity = world.data_dir().identity();
    let bytes = content(1, 100);
    for number in 0..2_u64 {
        let header = FileHeader { identity, number, salt: 40 + number };
        let fragment =
            Fragment { blob: id, write: 70 + number, number: 0, kind: FragmentKind::Last, length: 100 };
        let record = Record::Fragment(fragment);
        let mut image = header.encode();
        image.extend_from_slice(&record.encode(header.salt, 4096));
        image.extend_from_slice(&fragment.encode_checksums(&bytes));
        image.extend_from_slice(&bytes);
        assert_eq!(image.len(), 4096 + HEADER_BYTES + 4 + 100);
        let path = world.dir.join(format!("{number:012}.seg"));
        let new = OpenMode::CreateNew(esker_env::Permissions::Default);
        esker_env::Disk::open(&disk, &path, new).unwrap().write_at(&image, 0).unwrap();
    }
    runtime().block_on(async {
        let (store, report) = world.open();
        assert_eq!((report.blobs_added, report.duplicates, report.scanned), (1, 1, 2));
        assert!(holds(&store, 1, 100).await);
        store.delete(&[id]).await.unwrap();
        drop(store);
        let (store, report) = world.rebuild();
        assert_eq!((report.blobs_added, report.duplicates), (0, 0));
        assert_eq!(list(&store).await, Ok(vec![]));
    });
}

#[test]
fn two_stores_cannot_share_a_directory() {
    let (world, _) = World::simulated();
    let (store, _) = world.open();
    let cluster = esker_storage::ClusterChoice::FoundOrNew;
    let second = DataDir::open_or_create(&*world.disk, &world.root, cluster, &*world.random);
    assert!(matches!(second, Err(esker_storage::DataDirError::Locked(_))), "{second:?}");
    drop(store);
    drop(world.open());
}

#[test]
fn a_reader_survives_deletion_and_compaction_or_ends_with_a_clean_error() {
    let (world, _) = World::simulated();
    runtime().block_on(async {
        let store = Arc::new(world.open().0);
        let length = 2_000_000;
        put(&store, 1, length).await;
        put(&store, 2, length).await;
        put(&store, 3, 300_000).await;
        let range = esker_types::ByteRange::whole(length).unwrap();
        let mut moved = store.get(blob(1), range).await.unwrap();
        let mut deleted = store.get(blob(2), range).await.unwrap();
        for facts in store.segment_facts().await.unwrap() {
            assert!(store.compact_segment(facts.number, Throttle::Unlimited).await.unwrap().removed);
        }
        store.delete(&[blob(2)]).await.unwrap();
        let mut bytes = Vec::new();
        while let Some(piece) = futures::StreamExt::next(&mut moved).await {
            bytes.extend_from_slice(&piece.unwrap());
        }
        assert!(bytes == content(1, length), "moved while it was read");
        let mut last = None;
        while let Some(piece) = futures::StreamExt::next(&mut deleted).await {
            last = Some(piece);
        }
        assert_eq!(last, Some(Err(StorageError::NotFound)));
    });
}

#[test]
fn a_store_whose_segments_are_all_gone_does_not_start_as_an_empty_one() {
    let (world, disk) = World::simulated();
    runtime().block_on(async {
        let (store, _) = world.open();
        put(&store, 1, 1000).await;
        drop(store);
        let kept = disk.power_cut(&esker_env::SeededRandom::new(1));
        for path in world.segment_files() {
            disk.remove_file(&path).unwrap();
        }
        for _ in 0..2 {
            let gone = SegmentStore::open(world.components(), world.options.clone(), IndexStart::Recover);
            assert!(matches!(gone, Err(OpenError::SegmentsGone(_))), "{gone:?}");
            assert_eq!(world.segment_files().len(), 0, "nothing takes the place of what may come back");
        }
        // They come back: nothing was lost.
        let back = World { disk: Arc::new(kept), ..world.clone() };
        let (store, _) = back.open();
        assert!(holds(&store, 1, 1000).await);
        drop(store);
        // They don't: the operator says so.
        let (store, report) = world.rebuild();
        assert_eq!((report.rebuilt, report.segments), (Some(RebuildReason::Asked), 0));
        assert_eq!(list(&store).await, Ok(Vec::new()));
        drop(store);
        world.open();
    });
}
