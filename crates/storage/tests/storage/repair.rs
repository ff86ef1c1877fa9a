//! Damage is found and can be repaired: wherever a byte is changed, what isn't whole any more is reported, isn't
//! claimed, and is whole again once it is put again.

use crate::support::{World, replica, runtime};
use esker_env::{Disk, OpenMode, Random as _, SeededRandom, SimDisk};
use esker_rpc::{Storage, StorageError};
use esker_storage::contract::{FENCE, blob, body, content, list, read_all};
use esker_storage::{OpenReport, Round, SegmentStore, Throttle};
use esker_types::BlobId;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Lengths such that records of every kind are close to each other, and one blob has several fragments.
const LENGTHS: [u64; 7] = [100, 3000, 66_000, 270_000, 0, 1, 600_000];

async fn put(store: &SegmentStore, number: u64, length: u64) -> Result<u64, StorageError> {
    store.put(blob(number), FENCE, body(content(number, length), 50_000)).await
}

/// How the store of a damaged file was left.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Left {
    /// Closed: every segment has its footer.
    Closed,
    /// Killed: the last segment is open.
    Killed,
}

fn filled(left: Left) -> (World, SimDisk) {
    let (mut world, disk) = World::simulated();
    world.options.segment_bytes = 400_000;
    runtime().block_on(async {
        let (store, _) = world.open();
        for (number, length) in (0..).zip(LENGTHS) {
            assert_eq!(put(&store, number, length).await, Ok(length));
        }
        if left == Left::Closed {
            store.close().await.unwrap();
        }
    });
    (world, disk)
}

/// The blobs that read as they were written. None ever reads as anything else.
async fn whole(store: &SegmentStore) -> BTreeSet<BlobId> {
    let mut whole = BTreeSet::new();
    for (number, length) in (0..).zip(LENGTHS) {
        match read_all(store, blob(number), length).await {
            Ok(bytes) => {
                assert!(bytes == content(number, length), "blob {number} reads as something else");
                whole.insert(blob(number));
            }
            Err(StorageError::Corrupt(_) | StorageError::NotFound) => {}
            Err(other) => panic!("blob {number}: {other}"),
        }
    }
    whole
}

/// A whole round of scrubbing.
async fn scrub(store: &SegmentStore) -> BTreeSet<BlobId> {
    let mut corrupt = BTreeSet::new();
    loop {
        let report = store.scrub_step(1 << 20, Throttle::Unlimited).await.unwrap();
        corrupt.extend(report.corrupt);
        if report.round == Round::Finished {
            return corrupt;
        }
    }
}

fn all() -> BTreeSet<BlobId> {
    (0..LENGTHS.len() as u64).map(blob).collect()
}

/// Holds a damaged store to its duties; returns how many blobs it lost, and what opening said.
async fn check(world: &World, case: &str) -> (usize, OpenReport) {
    let (store, report) = world.open();
    let reported = scrub(&store).await;
    let whole_ones = whole(&store).await;
    let listed: BTreeSet<_> = list(&store).await.unwrap().into_iter().map(|info| info.blob).collect();
    let asked: Vec<_> = all().into_iter().collect();
    let stat = store.stat(&asked).await.unwrap();
    let claimed: BTreeSet<_> =
        asked.iter().zip(&stat).filter(|(_, length)| length.is_some()).map(|(blob, _)| *blob).collect();
    for lost in all().difference(&whole_ones) {
        let noticed = report.bad_fragments + report.skipped_bytes > 0 || !report.damaged_segments.is_empty();
        assert!(reported.contains(lost) || !listed.contains(lost) && noticed, "{case}: {lost:?}, {report:?}");
    }
    assert!(claimed.is_subset(&whole_ones), "{case}: what can't be read is claimed");
    assert!(claimed.is_disjoint(&reported), "{case}: what was reported is claimed");
    assert_eq!(
        claimed.union(&reported).copied().chain(all().difference(&listed).copied()).collect::<BTreeSet<_>>(),
        all(),
        "{case}: every blob is there, reported or missing"
    );
    // Repair: whatever isn't claimed is put again.
    for (number, length) in (0..).zip(LENGTHS) {
        if !claimed.contains(&blob(number)) {
            assert_eq!(put(&store, number, length).await, Ok(length), "{case}: blob {number}");
        }
    }
    assert_eq!(whole(&store).await, all(), "{case}");
    assert_eq!(scrub(&store).await, BTreeSet::new(), "{case}: scrubbed after the repair");
    let stat = store.stat(&asked).await.unwrap();
    assert_eq!(stat, LENGTHS.map(Some), "{case}: all is claimed again");
    store.close().await.unwrap();
    drop(store);
    let (store, _) = world.without_index().open();
    assert_eq!(whole(&store).await, all(), "{case}: rebuilt after the repair");
    assert_eq!(scrub(&store).await, BTreeSet::new(), "{case}: scrubbed after the rebuild");
    (all().len() - whole_ones.len(), report)
}

fn length_of(disk: &SimDisk, file: &Path) -> u64 {
    disk.metadata(file).unwrap().unwrap().len
}

/// Offsets to damage: everywhere in the structures, and now and then in the data.
fn offsets(length: u64, random: &SeededRandom) -> Vec<u64> {
    let mut offsets: Vec<u64> = (0..64).step_by(5).collect();
    offsets.extend((2048..2112).step_by(9));
    offsets.extend((4096..4096 + 80).step_by(3));
    offsets.extend((length.saturating_sub(200)..length).step_by(7));
    offsets.extend((0..60).map(|_| random.below(length)));
    offsets.retain(|offset| *offset < length);
    offsets
}

fn every_flip_is_repaired(left: Left) {
    let (world, disk) = filled(left);
    let random = SeededRandom::new(8);
    let (mut harmless, mut harmful) = (0, 0);
    for file in world.segment_files() {
        for offset in offsets(length_of(&disk, &file), &random) {
            let copy = disk.copy();
            copy.flip_bits(&file, offset, 1 << random.below(8)).unwrap();
            runtime().block_on(async {
                let case = format!("{offset} of {file:?}, {left:?}");
                let (lost, _) = check(&on(&world, &copy), &format!("{case}, with the index")).await;
                let without = on(&world, &copy).without_index();
                let (lost_too, _) = check(&without, &format!("{case}, without it")).await;
                assert!(lost <= 1 && lost_too <= 1, "{case}: {lost} and {lost_too} blobs lost by one byte");
                if lost + lost_too == 0 { harmless += 1 } else { harmful += 1 }
            });
        }
    }
    assert!(harmless > 30 && harmful > 60, "{harmless} and {harmful}");
}

/// The world with copies of its index and of this disk.
fn on(world: &World, disk: &SimDisk) -> World {
    World { disk: Arc::new(disk.copy()), engine: replica(&*world.engine), ..world.clone() }
}

#[test]
fn a_byte_changed_anywhere_in_a_closed_store_is_found_and_repaired() {
    every_flip_is_repaired(Left::Closed);
}

#[test]
fn a_byte_changed_anywhere_in_a_killed_store_is_found_and_repaired() {
    every_flip_is_repaired(Left::Killed);
}

fn overwrite(disk: &SimDisk, file: &Path, from: u64, to: u64) {
    let open = disk.open(file, OpenMode::ReadWrite).unwrap();
    let garbage: Vec<u8> = (from..to).map(|at| u8::try_from(at % 251).unwrap()).collect();
    open.write_at(&garbage, from).unwrap();
    open.sync_data().unwrap();
}

/// One disk for each segment file, with that file broken.
fn broken(world: &World, disk: &SimDisk, breaks: impl Fn(&SimDisk, &Path)) -> Vec<SimDisk> {
    let break_one = |file: PathBuf| {
        let copy = disk.copy();
        breaks(&copy, &file);
        copy
    };
    world.segment_files().into_iter().map(break_one).collect()
}

#[test]
fn a_segment_without_a_readable_header_is_listed_and_its_blobs_are_stored_again() {
    for left in [Left::Closed, Left::Killed] {
        let (world, disk) = filled(left);
        let mut listed = [0, 0];
        // Both copies of the header, and the trailer.
        for broken in broken(&world, &disk, |disk, file| {
            overwrite(disk, file, 0, 4096);
            let length = length_of(disk, file);
            overwrite(disk, file, length - 64, length);
        }) {
            runtime().block_on(async {
                let with_index = on(&world, &broken);
                let without = on(&world, &broken).without_index();
                for (world, listed) in [with_index, without].iter().zip(&mut listed) {
                    let (_, report) = check(world, &format!("{left:?}, a header")).await;
                    *listed += report.damaged_segments.len();
                }
            });
        }
        // The index knows the salts of sealed segments, and so their headers.
        let open = usize::from(left == Left::Killed);
        assert_eq!(listed, [open, world.segment_files().len()], "{left:?}");
    }
}

#[test]
fn a_segment_that_vanished_or_was_cut_is_repaired() {
    for left in [Left::Closed, Left::Killed] {
        let (world, disk) = filled(left);
        let gone = broken(&world, &disk, |disk, file| disk.remove_file(file).unwrap());
        let cut = broken(&world, &disk, |disk, file| {
            let open = disk.open(file, OpenMode::ReadWrite).unwrap();
            open.truncate(length_of(disk, file) / 2).unwrap();
        });
        for broken in gone.into_iter().chain(cut) {
            runtime().block_on(repair_what_is_missing(&on(&world, &broken)));
        }
    }
}

#[test]
fn blobs_of_a_lost_segment_are_not_claimed_even_before_anything_is_read() {
    // The open segment of a killed store: the index has rows that point to it, and nothing else about it.
    let (world, disk) = filled(Left::Killed);
    let last = world.segment_files().pop().unwrap();
    disk.remove_file(&last).unwrap();
    runtime().block_on(async {
        let (store, report) = world.open();
        assert_eq!(report.rebuilt, None, "the index is trusted");
        let asked: Vec<_> = all().into_iter().collect();
        let claimed = store.stat(&asked).await.unwrap();
        assert!(claimed.contains(&None) && claimed.contains(&Some(100)), "{claimed:?}");
        for ((number, length), claimed) in (0..).zip(LENGTHS).zip(claimed) {
            let bytes = read_all(&store, blob(number), length).await;
            assert_eq!(bytes.is_ok(), claimed.is_some() || length == 0, "blob {number}");
        }
    });
}

/// As the repairer does: what isn't claimed, and what scrubbing reports, is put again.
async fn repair_what_is_missing(world: &World) {
    let (store, _) = world.open();
    scrub(&store).await;
    let asked: Vec<_> = all().into_iter().collect();
    let claimed = store.stat(&asked).await.unwrap();
    let whole_ones = whole(&store).await;
    for ((number, length), claimed) in (0..).zip(LENGTHS).zip(claimed) {
        assert!(claimed.is_none() || whole_ones.contains(&blob(number)), "blob {number} is claimed");
        if claimed.is_none() {
            assert_eq!(put(&store, number, length).await, Ok(length));
        }
    }
    assert_eq!(whole(&store).await, all());
    drop(store);
    let (store, _) = world.open();
    assert_eq!(whole(&store).await, all());
    assert_eq!(scrub(&store).await, BTreeSet::new());
}
