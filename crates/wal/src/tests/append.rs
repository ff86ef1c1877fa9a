//! Appending and reading, without accidents.

use super::*;
use crate::Refusal;
use esker_env::{DiskOperation, Fault, FaultDuration};
use std::io::ErrorKind;
use std::sync::Barrier;
use std::sync::mpsc::channel;

#[test]
fn what_was_appended_is_found_again_after_a_clean_shutdown() {
    let disk = SimDisk::new();
    let (wal, recovery) = open(&disk).unwrap();
    assert_eq!(recovery, Recovery { groups: Default::default(), segments: 1, cut: None });
    wal.append_synced_blocking(vec![vote(0, "v1"), entry(0, 1, 100), entry(0, 2, 100), vote(7, "x")])
        .unwrap();
    wal.append_synced_blocking(vec![truncate(0, 2), entry(0, 2, 100), entry(0, 3, 0), vote(0, "v2")])
        .unwrap();
    wal.append_synced_blocking(vec![purge(0, 1), committed(0, "c"), entry(7, 90, 10)]).unwrap();
    let before = (wal.state(0), wal.state(7));
    drop(wal);
    let (wal, recovery) = open(&disk).unwrap();
    assert_eq!(recovery.cut, None);
    assert_eq!((recovery.groups[&0].clone(), recovery.groups[&7].clone()), before);
    let state = wal.state(0);
    assert_eq!(state.vote.as_deref(), Some(&b"v2"[..]));
    assert_eq!(state.committed.as_deref(), Some(&b"c"[..]));
    assert_eq!(state.purged, Some((1, Bytes::from("id 1"))));
    assert_eq!(state.entries, Some(2..=3));
    assert_eq!(wal.entries(0, 2..3, 1000).unwrap(), [(2, payload(0, 2, 100))]);
    assert_eq!(wal.entries(0, 0..100, 1000).unwrap().len(), 2);
    assert_eq!(wal.entries(7, 90..91, 0).unwrap(), [(90, payload(7, 90, 10))]);
    assert_eq!(wal.entries(3, 0..100, 1000).unwrap(), []);
}

#[test]
fn entries_are_readable_before_they_are_durable_and_completions_come_in_order() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    let (tell, told) = channel();
    for index in 1..=50 {
        let tell = tell.clone();
        let done = Box::new(move |result: Result<(), WalError>| tell.send((index, result.is_ok())).unwrap());
        wal.append_blocking(vec![entry(1, index, 300)], Durability::Synced, done).unwrap();
        assert_eq!(wal.entries(1, index..index + 1, 0).unwrap(), [(index, payload(1, index, 300))]);
    }
    drop(tell);
    assert_eq!(told.iter().collect::<Vec<_>>(), (1..=50).map(|index| (index, true)).collect::<Vec<_>>());
    // The cache holds 2,000 bytes: most of these come from disk, across several segments.
    assert_eq!(indexes(&wal, 1, 300), (1..=50).collect::<Vec<_>>());
    assert!(segments(&disk).len() > 1 || disk.counters().reads > 0);
}

#[test]
fn reads_return_at_least_one_entry_and_stop_at_their_limit() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    for index in 5..40 {
        wal.append_synced_blocking(vec![entry(1, index, 500), entry(2, index, 700)]).unwrap();
    }
    let found = |range, bytes_max| -> Vec<u64> {
        wal.entries(1, range, bytes_max).unwrap().into_iter().map(|(index, _)| index).collect()
    };
    assert_eq!(found(0..100, 0), [5]);
    assert_eq!(found(6..100, 1000), [6, 7]);
    assert_eq!(found(6..100, 1499), [6, 7]);
    assert_eq!(found(38..100, 10_000), [38, 39]);
    assert_eq!(found(3..6, 10_000), [5]);
    assert_eq!(found(40..100, 10_000), []);
    assert_eq!(indexes(&wal, 2, 700), (5..40).collect::<Vec<_>>());
}

#[test]
fn many_appenders_share_few_syncs() {
    let disk = SimDisk::new();
    let (wal, _) = open_with(&disk, &WalOptions { segment_bytes: 1 << 20, ..options() }).unwrap();
    // The first append's completion holds the writer, from before the others begin until all are queued.
    let barrier = Arc::new(Barrier::new(2));
    let held = barrier.clone();
    let before = disk.counters().syncs;
    let hold = move |_| {
        held.wait();
        held.wait();
    };
    wal.append_blocking(vec![vote(0, "v")], Durability::Synced, Box::new(hold)).unwrap();
    barrier.wait();
    let (tell, told) = channel();
    std::thread::scope(|scope| {
        for group in 1..=16 {
            let (wal, tell) = (&wal, tell.clone());
            scope.spawn(move || {
                for index in 1..=20 {
                    let tell = tell.clone();
                    let done =
                        Box::new(move |result: Result<(), WalError>| tell.send(result.is_ok()).unwrap());
                    wal.append_blocking(vec![entry(group, index, 20)], Durability::Synced, done).unwrap();
                }
            });
        }
    });
    barrier.wait();
    drop(tell);
    assert_eq!(told.iter().filter(|&ok| ok).count(), 320);
    assert_eq!(disk.counters().syncs - before, 2, "one for the first append, one for the other 320");
}

#[test]
fn full_queues_make_appenders_wait_and_then_go_on() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    std::thread::scope(|scope| {
        for group in 0..4 {
            let wal = &wal;
            scope.spawn(move || {
                for index in 1..=60 {
                    wal.append_blocking(
                        vec![entry(group, index, 2000)],
                        Durability::Synced,
                        Box::new(|_| ()),
                    )
                    .unwrap();
                }
            });
        }
    });
    drop(wal);
    let (wal, _) = open(&disk).unwrap();
    for group in 0..4 {
        assert_eq!(indexes(&wal, group, 2000), (1..=60).collect::<Vec<_>>());
    }
}

#[test]
fn records_that_nobody_waits_for_cost_no_sync_ride_along_and_are_written_on_close() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    let syncs = disk.counters().syncs;
    let (tell, told) = channel();
    let done = Box::new(move |result: Result<(), WalError>| tell.send(result.is_ok()).unwrap());
    wal.append_blocking(vec![committed(0, "c1")], Durability::NotNeeded, done).unwrap();
    assert!(told.recv().unwrap());
    assert_eq!(disk.counters().syncs, syncs);
    wal.append_synced_blocking(vec![entry(0, 1, 10)]).unwrap();
    assert_eq!(disk.counters().syncs, syncs + 1);
    let left = disk.power_cut(&SeededRandom::new(1));
    assert_eq!(open(&left).unwrap().1.groups[&0].committed.as_deref(), Some(&b"c1"[..]));
    wal.append_blocking(vec![committed(0, "c2")], Durability::NotNeeded, Box::new(|_| ())).unwrap();
    drop(wal);
    let left = disk.power_cut(&SeededRandom::new(1));
    assert_eq!(open(&left).unwrap().1.groups[&0].committed.as_deref(), Some(&b"c2"[..]));
}

#[test]
fn a_queue_full_of_records_that_nobody_waits_for_is_written_by_itself() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    for index in 1..=1000 {
        wal.append_blocking(vec![entry(0, index, 400)], Durability::NotNeeded, Box::new(|_| ())).unwrap();
    }
    assert!(wal.counters().batches > 0);
    assert_eq!(indexes(&wal, 0, 400), (1..=1000).collect::<Vec<_>>());
}

#[test]
fn an_append_without_records_waits_for_all_before_it() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    wal.append_blocking(vec![entry(0, 1, 10)], Durability::NotNeeded, Box::new(|_| ())).unwrap();
    wal.append_synced_blocking(Vec::new()).unwrap();
    let left = disk.power_cut(&SeededRandom::new(4));
    assert_eq!(open(&left).unwrap().1.groups[&0].entries, Some(1..=1));
}

#[test]
fn records_that_do_not_continue_the_log_are_refused_whole() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    wal.append_synced_blocking(vec![entry(0, 5, 1), entry(0, 6, 1), purge(0, 5)]).unwrap();
    let refuse = |records: Vec<Record>| match wal.append_synced_blocking(records) {
        Err(WalError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let gap = |index| Refusal::Gap { group: 0, expected: 7, index };
    assert_eq!(refuse(vec![entry(0, 8, 1)]), gap(8));
    assert_eq!(refuse(vec![entry(0, 6, 1)]), gap(6));
    assert_eq!(
        refuse(vec![vote(0, "lost"), entry(0, 7, 1), entry(0, 9, 1)]),
        Refusal::Gap { group: 0, expected: 8, index: 9 }
    );
    assert_eq!(refuse(vec![truncate(0, 5)]), Refusal::TruncatesPurged { group: 0, from_index: 5, purged: 5 });
    assert_eq!(refuse(vec![purge(0, 4)]), Refusal::PurgesLess { group: 0, upto_index: 4, purged: 5 });
    assert_eq!(refuse(vec![entry(1, u64::MAX, 1)]), Refusal::IndexTooLarge { group: 1 });
    let bytes_max = wal.payload_bytes_max();
    let too_long = usize::try_from(bytes_max).unwrap() + 1;
    assert_eq!(refuse(vec![entry(0, 7, too_long)]), Refusal::TooLarge { bytes: bytes_max + 1, bytes_max });
    let long_vote = Record::Vote { group: 0, payload: vec![0; 4097].into() };
    assert_eq!(refuse(vec![long_vote]), Refusal::TooLarge { bytes: 4097, bytes_max: 4096 });
    assert_eq!(wal.state(0).vote, None, "nothing of a refused append counts");
    wal.append_synced_blocking(vec![entry(0, 7, too_long - 1)]).unwrap();
    // A purge beyond the end, as after a snapshot, moves the log on.
    wal.append_synced_blocking(vec![purge(0, 50), entry(0, 51, 1)]).unwrap();
    assert_eq!(wal.state(0).entries, Some(51..=51));
}

#[test]
fn a_failed_write_or_sync_poisons_the_log_for_good() {
    for (operation, seed) in [(DiskOperation::Write, 1), (DiskOperation::Sync, 2), (DiskOperation::Sync, 3)] {
        let disk = SimDisk::seeded(seed);
        let (wal, _) = open(&disk).unwrap();
        wal.append_synced_blocking(vec![entry(0, 1, 10)]).unwrap();
        disk.inject(Fault { operation, after: 0, kind: ErrorKind::Other, duration: FaultDuration::Once });
        let error = wal.append_synced_blocking(vec![entry(0, 2, 10)]).unwrap_err();
        assert!(matches!(error, WalError::Poisoned(_)), "{error}");
        let again = wal.append_synced_blocking(vec![entry(0, 3, 10)]).unwrap_err();
        assert!(matches!(again, WalError::Poisoned(_)), "{again}");
        assert!(wal.failure().is_some());
        let writes = disk.counters().writes;
        drop(wal);
        assert_eq!(disk.counters().writes, writes, "nothing is written after a failure");
        for seed in 0..20 {
            let left = disk.power_cut(&SeededRandom::new(seed));
            let entries = open(&left).unwrap().1.groups[&0].entries.clone().unwrap();
            assert!(entries == (1..=1) || entries == (1..=2), "{entries:?}");
        }
    }
}

#[test]
fn what_a_failed_sync_left_in_memory_is_written_anew_by_the_process_that_follows() {
    for seed in 0..40 {
        let disk = SimDisk::seeded(seed);
        let (wal, _) = open(&disk).unwrap();
        wal.append_synced_blocking(vec![entry(0, 1, 900)]).unwrap();
        disk.inject(Fault {
            operation: DiskOperation::Sync,
            after: 0,
            kind: ErrorKind::Other,
            duration: FaultDuration::Once,
        });
        wal.append_synced_blocking(vec![entry(0, 2, 900)]).unwrap_err();
        drop(wal);
        // The machine stays up, so the process finds entry 2 in the page cache, and reports it.
        let (wal, recovery) = open(&disk).unwrap();
        assert_eq!(recovery.groups[&0].entries, Some(1..=2));
        let left = disk.power_cut(&SeededRandom::new(seed));
        drop(wal);
        let (wal, recovery) = open(&left).unwrap();
        assert_eq!(recovery.groups[&0].entries, Some(1..=2), "it was reported, so it must last");
        assert_eq!(indexes(&wal, 0, 900), [1, 2]);
    }
}

#[test]
fn async_appends_wait_for_their_turn_and_their_sync() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    let wal = Arc::new(wal);
    runtime.block_on(async {
        let tasks: Vec<_> = (0..8)
            .map(|group| {
                let wal = wal.clone();
                tokio::spawn(async move {
                    for index in 1..=20 {
                        wal.append_synced(vec![entry(group, index, 3000)]).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let left = disk.power_cut(&SeededRandom::new(9));
    let (recovered, _) = open(&left).unwrap();
    for group in 0..8 {
        assert_eq!(indexes(&recovered, group, 3000), (1..=20).collect::<Vec<_>>());
    }
}
