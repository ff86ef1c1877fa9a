//! The simulated disk held to what it promises to keep, and shown to lose the rest.

use super::*;
use crate::disk::{Allocation, Disk as _, DiskFile, OpenMode, Permissions};
use crate::files::{read_file, write_atomically};
use proptest::prelude::*;
use std::collections::BTreeSet;

const NEW: OpenMode = OpenMode::CreateNew(Permissions::Default);

fn disk_with(path: &str) -> (SimDisk, Arc<dyn DiskFile>) {
    let disk = SimDisk::new();
    disk.create_dir_all(Path::new("/d")).unwrap();
    let file = disk.open(Path::new(path), NEW).unwrap();
    (disk, file)
}

fn contents(disk: &SimDisk, path: &str) -> Option<Vec<u8>> {
    read_file(disk, Path::new(path), 1 << 30).unwrap()
}

#[derive(Debug, Clone)]
enum Step {
    Write { offset: u64, len: usize },
    SetLen(u64),
    Punch { offset: u64, len: u64 },
    Reserve { offset: u64, len: u64 },
    Sync,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..10_000_u64, 1..6_000_usize).prop_map(|(offset, len)| Step::Write { offset, len }),
        1 => (0..10_000_u64).prop_map(Step::SetLen),
        1 => (0..10_000_u64, 0..9_000_u64).prop_map(|(offset, len)| Step::Punch { offset, len }),
        1 => (0..10_000_u64, 0..9_000_u64).prop_map(|(offset, len)| Step::Reserve { offset, len }),
        2 => Just(Step::Sync),
    ];
    prop::collection::vec(step, 1..30)
}

/// The same step on a plain vector of bytes.
fn model(bytes: &mut Vec<u8>, step: &Step, fill: u8) {
    match *step {
        Step::Write { offset, len } => {
            let (start, end) = (usize::try_from(offset).unwrap(), usize::try_from(offset).unwrap() + len);
            bytes.resize(bytes.len().max(end), 0);
            bytes[start..end].fill(fill);
        }
        Step::SetLen(len) => bytes.resize(usize::try_from(len).unwrap(), 0),
        Step::Punch { offset, len } => {
            let start = usize::try_from(offset).unwrap().min(bytes.len());
            let end = usize::try_from(offset + len).unwrap().min(bytes.len());
            bytes[start..end].fill(0);
        }
        Step::Reserve { .. } | Step::Sync => {}
    }
}

fn act(file: &dyn DiskFile, step: &Step, fill: u8) {
    match *step {
        Step::Write { offset, len } => file.write_at(&vec![fill; len], offset),
        Step::SetLen(len) => file.truncate(len),
        Step::Punch { offset, len } => file.punch_hole(offset, len),
        Step::Reserve { offset, len } => file.allocate(offset, len, Allocation::KeepLength),
        Step::Sync => file.sync_data(),
    }
    .unwrap();
}

proptest! {
    #[test]
    fn a_file_reads_like_a_vector_of_bytes(steps in steps()) {
        let (disk, file) = disk_with("/d/f");
        let mut bytes = Vec::new();
        for (step, fill) in steps.iter().zip(1..) {
            act(&*file, step, fill);
            model(&mut bytes, step, fill);
            prop_assert_eq!(contents(&disk, "/d/f").unwrap(), bytes.clone());
        }
    }

    #[test]
    fn every_sector_after_a_power_cut_holds_what_it_held_at_the_last_sync_or_since(
        steps in steps(), seed: u64
    ) {
        let (disk, file) = disk_with("/d/f");
        disk.sync_dir(Path::new("/d")).unwrap();
        let mut now = Vec::new();
        // For each byte, one bit for every value that it has had since the last sync. A missing byte is zero.
        let mut allowed = vec![1_u32; 20_000];
        let mut synced_last = false;
        for (step, fill) in steps.iter().zip(1..) {
            act(&*file, step, fill);
            model(&mut now, step, fill);
            synced_last = matches!(step, Step::Sync);
            for (at, allowed) in allowed.iter_mut().enumerate() {
                let bit = 1 << now.get(at).copied().unwrap_or(0);
                *allowed = if synced_last { bit } else { *allowed | bit };
            }
        }
        let left = contents(&disk.power_cut(&SeededRandom::new(seed)), "/d/f").unwrap();
        for (at, byte) in left.iter().enumerate() {
            // A cut length reads as zeros if a later write grows the file again.
            prop_assert!(allowed[at] & (1 << byte) != 0 || *byte == 0, "byte {at} is {byte}");
            prop_assert!(!synced_last || allowed[at] & (1 << byte) != 0, "synced byte {at} is {byte}");
        }
        if synced_last {
            prop_assert_eq!(left, now);
        }
    }
}

#[test]
fn power_cuts_keep_lose_and_tear_unsynced_writes() {
    let (disk, file) = disk_with("/d/f");
    disk.sync_dir(Path::new("/d")).unwrap();
    file.write_at(&[1; 2048], 0).unwrap();
    file.sync_data().unwrap();
    file.write_at(&[2; 1024], 0).unwrap();
    file.write_at(&[3; 1024], 1024).unwrap();
    let random = SeededRandom::new(1);
    let mut seen = BTreeSet::new();
    for _ in 0..500 {
        let left = contents(&disk.power_cut(&random), "/d/f").unwrap();
        assert_eq!(left.len(), 2048);
        assert!(left.chunks(512).all(|sector| sector.iter().all(|byte| *byte == sector[0])), "a sector tore");
        seen.insert([left[0], left[512], left[1024], left[1536]]);
    }
    for outcome in [[1, 1, 1, 1], [2, 2, 3, 3], [2, 2, 1, 1], [1, 1, 3, 3], [2, 1, 1, 1], [1, 2, 1, 3]] {
        assert!(seen.contains(&outcome), "never saw {outcome:?}");
    }
    assert_eq!(contents(&disk, "/d/f").unwrap()[0], 2, "the disk itself goes on");
}

#[test]
fn names_may_be_lost_until_their_directory_is_synced() {
    let (disk, file) = disk_with("/d/a");
    file.write_at(b"x", 0).unwrap();
    file.sync_data().unwrap();
    let random = SeededRandom::new(2);
    let found = |disk: &SimDisk| -> BTreeSet<(bool, bool)> {
        (0..100)
            .map(|_| disk.power_cut(&random))
            .map(|left| (contents(&left, "/d/a").is_some(), contents(&left, "/d/b").is_some()))
            .collect()
    };
    assert_eq!(found(&disk), BTreeSet::from([(false, false), (true, false)]), "a create may be lost");
    disk.sync_dir(Path::new("/d")).unwrap();
    assert_eq!(found(&disk), BTreeSet::from([(true, false)]));
    disk.rename(Path::new("/d/a"), Path::new("/d/b")).unwrap();
    assert_eq!(found(&disk), BTreeSet::from([(true, false), (false, true)]), "a rename is atomic");
    disk.sync_dir(Path::new("/d")).unwrap();
    disk.remove_file(Path::new("/d/b")).unwrap();
    assert_eq!(found(&disk), BTreeSet::from([(false, false), (false, true)]), "a remove may be lost");
    disk.sync_dir(Path::new("/d")).unwrap();
    assert_eq!(found(&disk), BTreeSet::from([(false, false)]));
}

#[test]
fn an_atomic_write_leaves_the_old_or_the_new_at_every_failing_step_and_power_cut() {
    let path = Path::new("/d/marker");
    let steps = [
        DiskOperation::Open,
        DiskOperation::Write,
        DiskOperation::Sync,
        DiskOperation::Rename,
        DiskOperation::SyncDir,
    ];
    let random = SeededRandom::new(3);
    for step in steps {
        let (disk, _) = disk_with("/d/other");
        write_atomically(&disk, path, b"old", Permissions::OwnerOnly).unwrap();
        disk.inject(Fault {
            operation: step,
            after: 0,
            kind: io::ErrorKind::Other,
            duration: FaultDuration::Once,
        });
        write_atomically(&disk, path, b"newer", Permissions::OwnerOnly).unwrap_err();
        for _ in 0..50 {
            let left = contents(&disk.power_cut(&random), "/d/marker").unwrap();
            assert!(left == b"old" || left == b"newer", "after a failed {step}: {left:?}");
        }
        write_atomically(&disk, path, b"newest", Permissions::OwnerOnly).unwrap();
        for _ in 0..50 {
            assert_eq!(contents(&disk.power_cut(&random), "/d/marker").unwrap(), b"newest");
        }
    }
}

#[test]
fn what_a_failed_sync_lost_does_not_come_back_with_the_next_one() {
    let mut lost = 0;
    for seed in 0..50 {
        let disk = SimDisk::seeded(seed);
        disk.create_dir_all(Path::new("/d")).unwrap();
        let file = disk.open(Path::new("/d/f"), NEW).unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        disk.inject(Fault {
            operation: DiskOperation::Sync,
            after: 0,
            kind: io::ErrorKind::Other,
            duration: FaultDuration::Once,
        });
        file.write_at(&[7; 4096], 0).unwrap();
        file.sync_data().unwrap_err();
        file.sync_data().unwrap();
        assert_eq!(contents(&disk, "/d/f").unwrap(), [7; 4096], "reads still show it");
        let left = contents(&disk.power_cut(&SeededRandom::new(seed)), "/d/f").unwrap();
        lost += usize::from(left != [7; 4096]);
    }
    assert!((10..50).contains(&lost), "{lost} of 50 lost something");
}

#[test]
fn a_full_disk_refuses_new_blocks_but_takes_writes_to_reserved_ones() {
    let (disk, file) = disk_with("/d/f");
    file.allocate(0, 8192, Allocation::GrowLength).unwrap();
    disk.limit_free_space(4096);
    file.write_at(&[1; 8192], 0).unwrap();
    let error = file.write_at(&[1; 8192], 8192).unwrap_err();
    assert!(error.is_full());
    assert_eq!(error.to_string(), "can't write /d/f: no storage space");
    assert_eq!(file.len().unwrap(), 12_288, "the part that fitted is written");
    assert_eq!(disk.space(Path::new("/d")).unwrap().available_bytes, 0);
    assert!(file.allocate(0, 16_384, Allocation::KeepLength).unwrap_err().is_full());
    file.punch_hole(100, 8192).unwrap();
    assert_eq!(disk.counters().punched_bytes, 4096, "only whole blocks are freed");
    assert_eq!(disk.space(Path::new("/d")).unwrap().available_bytes, 4096);
    disk.remove_file(Path::new("/d/f")).unwrap();
    assert_eq!(disk.space(Path::new("/d")).unwrap().available_bytes, 4096, "an open file keeps its space");
    drop(file);
    assert_eq!(disk.space(Path::new("/d")).unwrap().available_bytes, 12_288);
}

#[test]
fn faults_strike_after_their_count_and_for_their_duration() {
    let (disk, file) = disk_with("/d/f");
    let fault =
        |duration| Fault { operation: DiskOperation::Write, after: 2, kind: io::ErrorKind::Other, duration };
    let outcomes = |duration| {
        disk.inject(fault(duration));
        let outcomes: Vec<bool> = (0..5).map(|_| file.write_at(b"x", 0).is_ok()).collect();
        disk.clear_faults();
        outcomes
    };
    assert_eq!(outcomes(FaultDuration::Once), [true, true, false, true, true]);
    assert_eq!(outcomes(FaultDuration::Forever), [true, true, false, false, false]);
}

#[test]
fn flipped_bits_are_read_and_survive_a_power_cut() {
    let (disk, file) = disk_with("/d/f");
    file.write_at(&[0; 10], 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    disk.flip_bits(Path::new("/d/f"), 3, 0x81).unwrap();
    assert_eq!(contents(&disk, "/d/f").unwrap()[3], 0x81);
    assert_eq!(contents(&disk.power_cut(&SeededRandom::new(0)), "/d/f").unwrap()[3], 0x81);
    disk.flip_bits(Path::new("/d/none"), 0, 1).unwrap_err();
}

#[test]
fn a_fault_of_a_directory_spares_the_others() {
    let (disk, file) = disk_with("/d/f");
    disk.create_dir_all(Path::new("/e")).unwrap();
    let other = disk.open(Path::new("/e/f"), NEW).unwrap();
    let (operation, kind) = (DiskOperation::Write, io::ErrorKind::Other);
    disk.inject_under(Path::new("/e"), Fault { operation, after: 0, kind, duration: FaultDuration::Forever });
    file.write_at(b"x", 0).unwrap();
    other.write_at(b"x", 0).unwrap_err();
    disk.clear_faults();
    other.write_at(b"x", 0).unwrap();
}

#[test]
fn what_a_killed_process_did_not_sync_is_there_until_the_power_fails() {
    let mut lost = 0;
    for seed in 0..50 {
        let (disk, file) = disk_with("/d/f");
        disk.sync_dir(Path::new("/d")).unwrap();
        file.write_at(b"written", 0).unwrap();
        let next = disk.after_kill();
        file.write_at(b"another", 0).unwrap();
        assert_eq!(contents(&next, "/d/f").unwrap(), b"written", "the old process is gone");
        let left = contents(&next.power_cut(&SeededRandom::new(seed)), "/d/f").unwrap();
        lost += usize::from(left != b"written");
        next.open(Path::new("/d/f"), OpenMode::ReadWrite).unwrap().sync_data().unwrap();
        assert_eq!(contents(&next.power_cut(&SeededRandom::new(seed)), "/d/f").unwrap(), b"written");
    }
    assert!((10..50).contains(&lost), "{lost} of 50 lost something");
}
