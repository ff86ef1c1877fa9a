//! Segments come and go: rotation, purging, recycling, and full disks.

use super::*;

/// Appends entries of 900 bytes until the log has so many segments. Returns the next index.
fn fill(wal: &Wal, disk: &SimDisk, mut index: u64, count: usize) -> u64 {
    while segments(disk).len() < count {
        wal.append_synced_blocking(vec![entry(0, index, 900)]).unwrap();
        index += 1;
    }
    index
}

#[test]
fn purged_segments_are_recycled_or_removed_and_the_state_they_held_stays() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    wal.append_synced_blocking(vec![vote(0, "v0"), vote(9, "v9"), committed(0, "c"), entry(5, 1, 10)])
        .unwrap();
    wal.append_synced_blocking(vec![truncate(5, 1), purge(9, 30)]).unwrap();
    let next = fill(&wal, &disk, 1, 5);
    wal.append_synced_blocking(vec![purge(0, next - 2)]).unwrap();
    drop(wal);
    assert_eq!(segments(&disk).len(), 1);
    assert_eq!(spares(&disk).len(), 1);
    let (wal, recovery) = open(&disk).unwrap();
    let group = &recovery.groups[&0];
    assert_eq!(group.vote.as_deref(), Some(&b"v0"[..]));
    assert_eq!(group.committed.as_deref(), Some(&b"c"[..]));
    assert_eq!(group.purged, Some((next - 2, Bytes::from(format!("id {}", next - 2)))));
    assert_eq!(indexes(&wal, 0, 900), [next - 1]);
    assert_eq!(recovery.groups[&9].vote.as_deref(), Some(&b"v9"[..]));
    assert_eq!(recovery.groups[&9].purged.as_ref().map(|(index, _)| *index), Some(30));
    assert_eq!(recovery.groups.get(&5).and_then(|group| group.entries.clone()), None);
}

#[test]
fn frames_of_a_recycled_file_are_never_taken_for_new_ones() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    let mut next = 1;
    for round in 0..12 {
        next = fill(&wal, &disk, next, 3);
        wal.append_synced_blocking(vec![purge(0, next - 1)]).unwrap();
        wal.append_synced_blocking(vec![entry(0, next, 900)]).unwrap();
        next += 1;
        let left = disk.power_cut(&SeededRandom::new(round));
        let (recovered, recovery) = open(&left).unwrap();
        assert_eq!(recovery.groups[&0].entries, Some(next - 1..=next - 1));
        assert_eq!(indexes(&recovered, 0, 900), [next - 1]);
    }
    assert!(disk.counters().written_bytes > 10 * (16 << 10), "several lives of each file");
    assert!(segments(&disk).len() + spares(&disk).len() <= 4);
}

#[test]
fn old_segments_stay_until_the_head_that_repeats_their_votes_is_on_disk() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    wal.append_synced_blocking(vec![vote(0, "v"), entry(0, 1, 9000), purge(0, 1)]).unwrap();
    // A crash between making the second segment and writing to it leaves a header and nothing else.
    let crashed = disk.copy();
    wal.append_synced_blocking(vec![entry(0, 2, 9000)]).unwrap();
    let last = segments(&disk).last().unwrap().clone();
    let mut bytes = read_all(&disk, &last)[..4096].to_vec();
    bytes.resize(16 << 10, 0);
    drop(wal);
    let disk = crashed;
    disk.open(&last, OpenMode::CreateNew(esker_env::Permissions::Default)).unwrap();
    overwrite(&disk, &last, &bytes);
    let options = options();
    let (on_disk, random): (Arc<dyn Disk>, Arc<dyn Random>) =
        (Arc::new(disk.clone()), Arc::new(SeededRandom::new(1)));
    let recovered = crate::recovery::recover(&on_disk, &random, Path::new(DIR), &options).unwrap();
    let shared =
        crate::shared::Shared::new(recovered.index, recovered.files, DIR.into(), options.queue_bytes_max);
    let mut writer = crate::writer::Writer::new(
        Arc::new(shared),
        recovered.stream,
        recovered.pool,
        recovered.active,
        recovered.next_frame,
    );
    let before = segments(&disk);
    assert_eq!(before.len(), 2);
    writer.maintain().unwrap();
    assert_eq!(segments(&disk), before);
    drop(writer);
    let (wal, _) = open(&disk).unwrap();
    assert_eq!(wal.state(0).vote.as_deref(), Some(&b"v"[..]));
    wal.append_synced_blocking(vec![entry(0, 2, 10)]).unwrap();
    drop(wal);
    assert_eq!(segments(&disk), [last]);
    assert_eq!(open(&disk).unwrap().1.groups[&0].vote.as_deref(), Some(&b"v"[..]));
}

#[test]
fn one_group_that_never_purges_keeps_later_segments_of_others() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    wal.append_synced_blocking(vec![entry(1, 1, 10)]).unwrap();
    let next = fill(&wal, &disk, 1, 4);
    wal.append_synced_blocking(vec![purge(0, next - 1)]).unwrap();
    // Truncations in later segments must not be forgotten while earlier ones hold what they removed.
    assert_eq!(segments(&disk).len(), 4);
    wal.append_synced_blocking(vec![purge(1, 1)]).unwrap();
    drop(wal);
    assert_eq!(segments(&disk).len(), 1);
}

#[test]
fn a_full_disk_shows_before_an_append_meets_it_and_purging_frees_it() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    assert!(!wal.is_low());
    assert!(wal.free_bytes() > 16 << 10);
    let next = fill(&wal, &disk, 1, 2);
    wal.append_synced_blocking(Vec::new()).unwrap();
    assert_eq!(spares(&disk).len(), 1);
    disk.limit_free_space(0);
    let mut next = fill(&wal, &disk, next, 3);
    wal.append_synced_blocking(Vec::new()).unwrap();
    assert!(wal.is_low(), "no spare could be made");
    while wal.free_bytes() > 4000 {
        wal.append_synced_blocking(vec![entry(0, next, 900)]).unwrap();
        next += 1;
    }
    // What admission lets through: a vote, and the purge that frees a segment.
    wal.append_synced_blocking(vec![vote(0, "v"), purge(0, next - 1)]).unwrap();
    wal.append_synced_blocking(Vec::new()).unwrap();
    assert!(!wal.is_low());
    wal.append_synced_blocking(vec![entry(0, next, 900)]).unwrap();
    assert!(wal.failure().is_none());
    let (_, recovery) = open(&disk.power_cut(&SeededRandom::new(3))).unwrap();
    assert_eq!(recovery.groups[&0].entries, Some(next..=next));
}

#[test]
fn a_log_with_room_is_not_low_between_a_new_segment_and_its_spare() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    for index in 1..2_000 {
        wal.append_synced_blocking(vec![entry(0, index, 3_000)]).unwrap();
        assert!(!wal.is_low(), "entry {index}");
    }
    assert!(segments(&disk).len() > 100);
}

#[test]
fn appending_on_past_every_warning_fails_the_log_and_loses_nothing() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    disk.limit_free_space(0);
    let mut acknowledged = 0;
    let error = loop {
        match wal.append_synced_blocking(vec![entry(0, acknowledged + 1, 900)]) {
            Ok(()) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.to_string(), "the log failed earlier and takes no more records: the log's disk is full");
    assert!(acknowledged > 20, "{acknowledged}");
    drop(wal);
    let (wal, recovery) = open(&disk.power_cut(&SeededRandom::new(5))).unwrap();
    assert_eq!(recovery.groups[&0].entries, Some(1..=acknowledged));
    assert!(wal.is_low());
    wal.append_synced_blocking(vec![purge(0, acknowledged)]).unwrap();
}

#[test]
fn a_log_opens_with_another_segment_size_and_appends_longer_than_a_segment() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    let long: Vec<Record> = (1..=100).map(|index| entry(0, index, 900)).collect();
    wal.append_synced_blocking(long).unwrap();
    assert!(segments(&disk).len() > 5);
    drop(wal);
    let (wal, _) = open_with(&disk, &WalOptions { segment_bytes: 64 << 10, ..options() }).unwrap();
    wal.append_synced_blocking((101..=200).map(|index| entry(0, index, 900)).collect()).unwrap();
    drop(wal);
    let (wal, _) = open(&disk).unwrap();
    assert_eq!(indexes(&wal, 0, 900), (1..=200).collect::<Vec<_>>());
}

#[test]
fn a_real_disk_takes_rotation_purging_recycling_and_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let (disk, random): (Arc<dyn Disk>, Arc<dyn Random>) =
        (Arc::new(esker_env::OsDisk), Arc::new(esker_env::OsRandom));
    let open = || Wal::open(&disk, &random, directory.path(), &options()).unwrap();
    let (mut wal, _) = open();
    wal.append_synced_blocking(vec![vote(0, "v")]).unwrap();
    for round in 0..3_u64 {
        let (first, last) = (round * 60 + 1, round * 60 + 60);
        for index in first..=last {
            wal.append_synced_blocking(vec![entry(0, index, 900)]).unwrap();
        }
        wal.append_synced_blocking(vec![purge(0, last - 10)]).unwrap();
        drop(wal);
        let (next, recovery) = open();
        assert_eq!(recovery.cut, None);
        assert_eq!(recovery.groups[&0].vote.as_deref(), Some(&b"v"[..]));
        assert_eq!(indexes(&next, 0, 900), (last - 9..=last).collect::<Vec<_>>());
        wal = next;
    }
    let files = disk.list(directory.path()).unwrap();
    assert!(files.len() <= 4, "180 entries went through {} files", files.len());
}

#[test]
fn invalid_options_are_refused() {
    let disk = SimDisk::new();
    for options in [
        WalOptions { segment_bytes: 4096, ..options() },
        WalOptions { segment_bytes: 20_000, ..options() },
        WalOptions { spare_segments: 0, ..options() },
        WalOptions { queue_bytes_max: 1, ..options() },
    ] {
        assert!(matches!(open_with(&disk, &options), Err(WalError::InvalidOptions(_))), "{options:?}");
    }
}
