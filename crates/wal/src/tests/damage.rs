//! Rotten, missing and foreign files: refused if anything promised is gone, cut if it is a torn tail.

use super::*;
use proptest::prelude::*;

/// A log of two segments or more, closed.
fn written() -> (SimDisk, u64) {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    let mut index = 0;
    while segments(&disk).len() < 3 {
        index += 1;
        wal.append_synced_blocking(vec![entry(0, index, 900), vote(0, "v")]).unwrap();
    }
    drop(wal);
    (disk, index)
}

fn corruption(result: Result<(Wal, Recovery), WalError>) -> Option<(u64, u64)> {
    match result {
        Err(WalError::Corrupt { segment, offset, .. }) => Some((segment, offset)),
        Err(other) => panic!("{other}"),
        Ok(_) => None,
    }
}

#[test]
fn a_flipped_byte_anywhere_in_what_was_synced_is_refused_after_a_clean_shutdown() {
    let (disk, _) = written();
    for path in segments(&disk) {
        let bytes = read_all(&disk, &path);
        let mut at = 4096;
        let mut frames = Vec::new();
        while let Some(header) = crate::frame::FrameHeader::decode(&bytes[at..]) {
            frames.push((at, header));
            at += usize::try_from(header.frame_bytes()).unwrap();
        }
        let number = bytes[16];
        for (at, header) in frames.iter().filter(|(_, header)| header.records > 0) {
            for inside in [0, 9, 17, 30, 56, 60, 56 + usize::try_from(header.payload_bytes).unwrap() - 1] {
                let copy = disk.copy();
                copy.flip_bits(&path, (at + inside) as u64, 0x10).unwrap();
                let found = corruption(open(&copy));
                assert_eq!(
                    found,
                    Some((u64::from(number), *at as u64)),
                    "byte {inside} of the frame at {at}"
                );
            }
        }
    }
}

#[test]
fn the_refusal_says_where_and_what_to_do() {
    let (disk, _) = written();
    let path = segments(&disk)[0].clone();
    disk.flip_bits(&path, 4200, 1).unwrap();
    let message = open(&disk).unwrap_err().to_string();
    assert_eq!(
        message,
        "the log is damaged: a batch fails its checksum and later segments exist, in \
         /data/wal/0000000000000001.wal at offset 4096. It was written and synced before, so this is not a crash's \
         torn tail, and starting without it could undo votes and acknowledged writes. Keep the directory, check \
         the disk, and restore it from a backup, or remove this node from the cluster and let it join again with \
         an empty directory."
    );
    let before = read_all(&disk, &path);
    open(&disk).unwrap_err();
    assert_eq!(read_all(&disk, &path), before, "a refused log is left as it is");
}

#[test]
fn damage_at_or_after_the_last_synced_position_is_cut() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    wal.append_synced_blocking(vec![entry(0, 1, 100)]).unwrap();
    wal.append_synced_blocking(vec![entry(0, 2, 100)]).unwrap();
    // Not shut down: nothing tells that the second batch was synced.
    let image = disk.copy();
    let path = segments(&image)[0].clone();
    let first = crate::frame::FrameHeader::decode(&read_all(&image, &path)[4096..]).unwrap();
    let second = 4096 + first.frame_bytes();
    image.flip_bits(&path, second + 60, 1).unwrap();
    let (recovered, recovery) = open(&image).unwrap();
    assert_eq!(recovery.cut.map(|cut| cut.offset), Some(second));
    assert_eq!(recovery.groups[&0].entries, Some(1..=1));
    recovered.append_synced_blocking(vec![entry(0, 2, 500), entry(0, 3, 100)]).unwrap();
    drop(recovered);
    let (_, recovery) = open(&image).unwrap();
    assert_eq!((recovery.groups[&0].entries.clone(), recovery.cut), (Some(1..=3), None));
    // But with a third batch behind it, the second is known to have been synced.
    wal.append_synced_blocking(vec![entry(0, 3, 100)]).unwrap();
    let image = disk.copy();
    image.flip_bits(&path, second + 60, 1).unwrap();
    assert_eq!(corruption(open(&image)), Some((1, second)));
}

#[test]
fn every_prefix_of_the_last_segment_is_an_exact_prefix_of_the_log_or_refused() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    for index in 1..=6 {
        wal.append_synced_blocking(vec![entry(0, index, 100), entry(1, index, 50)]).unwrap();
    }
    let image = disk.copy();
    drop(wal);
    let path = segments(&image)[0].clone();
    let bytes = read_all(&image, &path);
    let mut ends = vec![4096];
    while let Some(header) = crate::frame::FrameHeader::decode(&bytes[*ends.last().unwrap()..]) {
        ends.push(ends.last().unwrap() + usize::try_from(header.frame_bytes()).unwrap());
    }
    assert_eq!(ends.len(), 7);
    let stop = *ends.last().unwrap();
    for len in (0..4096).step_by(97).chain(4096..=stop) {
        let copy = image.copy();
        overwrite(&copy, &path, &bytes[..len]);
        // The part of the header that is in use is all that a log needs of it.
        if len < 80 {
            assert_eq!(corruption(open(&copy)), Some((1, 0)), "length {len}");
            continue;
        }
        let (wal, recovery) = open(&copy).unwrap();
        let whole = ends.iter().filter(|&&end| end > 4096 && end <= len).count() as u64;
        assert_eq!(indexes(&wal, 0, 100), (1..=whole).collect::<Vec<_>>(), "length {len}");
        assert_eq!(indexes(&wal, 1, 50), (1..=whole).collect::<Vec<_>>(), "length {len}");
        assert_eq!(recovery.groups.is_empty(), whole == 0);
        wal.append_synced_blocking(vec![entry(0, whole + 1, 10)]).unwrap();
    }
}

#[test]
fn missing_segments_are_noticed_wherever_they_were() {
    let (disk, _) = written();
    let paths = segments(&disk);
    for (missing, at) in [(0, 2), (1, 3)] {
        let copy = disk.copy();
        copy.remove_file(&paths[missing]).unwrap();
        assert_eq!(corruption(open(&copy)), Some((at, 0)), "without segment {}", missing + 1);
    }
}

#[test]
fn a_shortened_segment_in_the_middle_is_refused() {
    let (disk, _) = written();
    let path = segments(&disk)[1].clone();
    let bytes = read_all(&disk, &path);
    for len in [4096, 5000, 10_000] {
        let copy = disk.copy();
        overwrite(&copy, &path, &bytes[..len]);
        assert_eq!(corruption(open(&copy)).map(|(segment, _)| segment), Some(2), "length {len}");
    }
}

#[test]
fn damaged_headers_other_owners_and_later_formats_are_told_apart() {
    let (disk, _) = written();
    let last = segments(&disk).last().unwrap().clone();
    let copy = disk.copy();
    copy.flip_bits(&last, 20, 1).unwrap();
    assert_eq!(corruption(open(&copy)), Some((3, 0)));
    let copy = disk.copy();
    copy.flip_bits(&last, 8, 2).unwrap();
    assert!(matches!(open(&copy), Err(WalError::UnsupportedFormat { version: 3, .. })));
    let other = WalOptions { identity: [1; 32], ..options() };
    assert!(matches!(open_with(&disk, &other), Err(WalError::Foreign { .. })));
    open(&disk).unwrap();
}

#[test]
fn an_entry_that_rots_while_the_log_is_open_is_an_error_and_not_an_entry() {
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    for index in 1..=10 {
        wal.append_synced_blocking(vec![entry(0, index, 900)]).unwrap();
    }
    let path = segments(&disk)[0].clone();
    disk.flip_bits(&path, 4096 + 56 + 24 + 5, 1).unwrap();
    assert!(matches!(wal.entries(0, 1..2, 1000), Err(WalError::Corrupt { segment: 1, offset: 4152, .. })));
    assert_eq!(wal.entries(0, 2..3, 1000).unwrap().len(), 1);
}

proptest! {
    #[test]
    fn whatever_happens_to_its_files_a_closed_log_is_whole_or_refused_unless_its_seal_is_hit_too(
        damages in prop::collection::vec((0..3_usize, 0..16_384_usize, prop::collection::vec(any::<u8>(), 1..600)), 1..4)
    ) {
        let (disk, last) = written();
        let paths = segments(&disk);
        // The last segment holds one batch, and the empty frame that tells that the batch was synced.
        let batch = crate::frame::FrameHeader::decode(&read_all(&disk, &paths[2])[4096..]).unwrap();
        let seal = 4096 + usize::try_from(batch.frame_bytes()).unwrap();
        let mut seal_is_hit = false;
        for (file, at, bytes) in &damages {
            let mut whole = read_all(&disk, &paths[*file]);
            let end = (at + bytes.len()).min(whole.len());
            whole[*at..end].copy_from_slice(&bytes[..end - at]);
            overwrite(&disk, &paths[*file], &whole);
            seal_is_hit |= *file == 2 && *at < seal + 56 && end > seal;
        }
        match open(&disk) {
            Ok((wal, _)) => {
                let found = indexes(&wal, 0, 900);
                let kept = if seal_is_hit { found.len() as u64 } else { last };
                prop_assert!(kept >= last - 1, "the segments before the last can't lose anything");
                prop_assert_eq!(found, (1..=kept).collect::<Vec<_>>());
            }
            Err(error) => {
                let refused = matches!(error, WalError::Corrupt { .. } | WalError::UnsupportedFormat { .. });
                prop_assert!(refused, "{error}");
            }
        }
    }
}
