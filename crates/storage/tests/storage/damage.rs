//! A flipped bit anywhere costs at most the blob that it is in, and is never returned as data.

use crate::support::{World, replica, runtime};
use esker_env::{Random as _, SeededRandom, SimDisk};
use esker_rpc::{Storage, StorageError};
use esker_storage::contract::{FENCE, blob, body, content, read_all};
use esker_storage::{Round, SegmentStore, Throttle};
use std::sync::Arc;

/// Lengths such that records of every kind are close to each other.
const LENGTHS: [u64; 6] = [100, 3000, 66_000, 270_000, 0, 1];

fn filled() -> (World, SimDisk) {
    let (mut world, disk) = World::simulated();
    world.options.segment_bytes = 200_000;
    runtime().block_on(async {
        let (store, _) = world.open();
        for (number, length) in (0..).zip(LENGTHS) {
            assert_eq!(
                store.put(blob(number), FENCE, body(content(number, length), 50_000)).await,
                Ok(length)
            );
        }
        store.put(blob(50), FENCE, body(content(50, 500), 50)).await.unwrap();
        store.delete(&[blob(50)]).await.unwrap();
        store.close().await.unwrap();
    });
    (world, disk)
}

/// How many blobs are lost; every other one must read right.
async fn lost(store: &SegmentStore) -> u64 {
    let mut lost = 0;
    for (number, length) in (0..).zip(LENGTHS) {
        match read_all(store, blob(number), length).await {
            Ok(bytes) => assert!(bytes == content(number, length), "blob {number} reads as something else"),
            Err(StorageError::Corrupt(_) | StorageError::NotFound) => lost += 1,
            Err(other) => panic!("blob {number}: {other}"),
        }
    }
    lost
}

#[test]
fn a_flipped_bit_anywhere_in_a_segment_costs_at_most_one_blob() {
    let (world, disk) = filled();
    let random = SeededRandom::new(3);
    let files = world.segment_files();
    assert!(files.len() >= 2);
    let mut costs = [0, 0];
    for case in 0..400 {
        let file = &files[case % files.len()];
        let copy = disk.copy();
        let len = esker_env::Disk::metadata(&copy, file).unwrap().unwrap().len;
        // Half of them where the structure is dense: in the first records and in the footer.
        let offset = match case / files.len() % 4 {
            0 => random.below(len.min(4096 + 500)),
            1 => len - 1 - random.below(len.min(600)),
            _ => random.below(len),
        };
        copy.flip_bits(file, offset, 1 << random.below(8)).unwrap();
        let damaged = World { disk: Arc::new(copy), ..world.clone() };
        runtime().block_on(async {
            // With the index as it is, and from the segments alone.
            let (store, _) = World { engine: replica(&*world.engine), ..damaged.clone() }.open();
            let with_index = lost(&store).await;
            drop(store);
            let (store, report) = damaged.without_index().open();
            let rebuilt = lost(&store).await;
            assert!(
                with_index <= 1 && rebuilt <= 1,
                "{with_index} and {rebuilt} lost by {offset} in {file:?}"
            );
            let gone = store.get(blob(50), esker_types::ByteRange { first: 0, last: 9 }).await;
            assert_eq!(gone.err(), Some(StorageError::NotFound), "{report:?}");
            costs[usize::try_from(rebuilt.max(with_index)).unwrap()] += 1;
        });
    }
    assert!(costs[0] > 50 && costs[1] > 100, "{costs:?}: the flips must hit both slack and data");
}

#[test]
fn scrubbing_reports_damaged_blobs_and_remembers_where_it_was() {
    let (world, disk) = filled();
    let bytes = content(3, LENGTHS[3]);
    damage(&world, &disk, &bytes[100_000..100_032]);
    let rounds = runtime().block_on(async {
        let mut corrupt = Vec::new();
        let mut steps = 0;
        loop {
            // A new store at every step: the position survives.
            let (store, _) = world.open();
            let report = store.scrub_step(1, Throttle::Unlimited).await.unwrap();
            let told = store.usage().await.unwrap().scrubbed;
            assert_eq!((told.blobs, told.bytes), (report.blobs, report.bytes));
            assert_eq!(
                (told.damaged, told.rounds),
                (report.corrupt.len() as u64, u64::from(report.round == Round::Finished))
            );
            assert_eq!(told.reached_millis.is_some(), report.round == Round::Ongoing);
            store.close().await.unwrap();
            steps += 1;
            corrupt.extend(report.corrupt);
            if report.round == Round::Finished {
                break;
            }
        }
        assert_eq!(corrupt, [blob(3)]);
        steps
    });
    assert!(rounds > 3, "{rounds}");
}

/// Flips a bit of every place where `bytes` are.
fn damage(world: &World, disk: &SimDisk, bytes: &[u8]) {
    let mut hits = 0;
    for path in world.segment_files() {
        let found = esker_env::read_file(disk, &path, 1 << 30).unwrap().unwrap();
        for at in (0..found.len()).filter(|at| found[*at..].starts_with(bytes)) {
            disk.flip_bits(&path, at as u64, 0x10).unwrap();
            hits += 1;
        }
    }
    assert!(hits > 0);
}

#[test]
fn storing_a_damaged_blob_again_heals_it() {
    let (world, disk) = filled();
    let bytes = content(2, LENGTHS[2]);
    damage(&world, &disk, &bytes[1000..1032]);
    runtime().block_on(async {
        let (store, _) = world.open();
        let broken = read_all(&store, blob(2), LENGTHS[2]).await;
        assert!(matches!(broken, Err(StorageError::Corrupt(_))), "{broken:?}");
        assert_eq!(store.put(blob(2), FENCE, body(bytes.clone(), 1000)).await, Ok(LENGTHS[2]));
        assert_eq!(lost(&store).await, 0);
        store.delete(&[blob(2)]).await.unwrap();
        drop(store);
        let (store, _) = world.rebuild();
        assert_eq!(read_all(&store, blob(2), LENGTHS[2]).await, Err(StorageError::NotFound));
    });
}

#[test]
fn compaction_never_makes_damage_look_whole() {
    let (world, disk) = filled();
    damage(&world, &disk, &content(3, LENGTHS[3])[200_000..200_032]);
    runtime().block_on(async {
        let (store, _) = world.open();
        for facts in store.segment_facts().await.unwrap() {
            assert!(store.compact_segment(facts.number, Throttle::Unlimited).await.unwrap().removed);
        }
        assert_eq!(lost(&store).await, 1);
        let broken = read_all(&store, blob(3), LENGTHS[3]).await;
        assert!(matches!(broken, Err(StorageError::Corrupt(_))), "{broken:?}");
    });
}
