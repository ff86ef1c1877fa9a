//! Power cuts: what was acknowledged survives, and what survives is a prefix of what was appended.

use super::model::{Choice, Model, choices};
use super::*;
use proptest::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Opens what a power cut left, and finds how many appends survived: a prefix of at least `acknowledged`.
fn survived(left: &SimDisk, history: &[Vec<Record>], acknowledged: usize) -> Result<(Wal, usize), String> {
    let (wal, _) = open(left).map_err(|error| error.to_string())?;
    let mut model = Model::default();
    let mut first_difference = None;
    for count in 0..=history.len() {
        if count >= acknowledged {
            match model.compare(&wal) {
                // States can repeat, so the longest prefix isn't needed: any that fits will do.
                Ok(()) => return Ok((wal, count)),
                Err(error) => first_difference.get_or_insert(error),
            };
        }
        for record in history.get(count).into_iter().flatten() {
            model.apply(record);
        }
    }
    Err(format!("no prefix of at least {acknowledged} appends fits: {first_difference:?}"))
}

/// Appends `choices` after `history` and cuts the power after each, while the writer runs. Returns what each cut
/// left, how many appends were acknowledged before it, and how many were made.
fn run_and_cut(
    wal: Wal,
    disk: &SimDisk,
    model: &mut Model,
    history: &mut Vec<Vec<Record>>,
    choices: &[Choice],
    random: &SeededRandom,
) -> Vec<(SimDisk, usize, usize)> {
    let acknowledged = Arc::new(AtomicUsize::new(history.len()));
    let mut images = Vec::new();
    for choice in choices {
        let records = model.records(choice);
        history.push(records.clone());
        let (count, submitted) = (acknowledged.clone(), history.len());
        let done = Box::new(move |result: Result<(), WalError>| {
            result.unwrap();
            count.store(submitted, Ordering::SeqCst);
        });
        wal.append_blocking(records, Durability::Synced, done).unwrap();
        // What is acknowledged before the cut must survive it; more may have been by the time of the cut.
        let promised = acknowledged.load(Ordering::SeqCst);
        images.push((disk.power_cut(random), promised, history.len()));
        if random.chance(1, 4) {
            wal.append_synced_blocking(Vec::new()).unwrap();
        }
    }
    drop(wal);
    images.push((disk.power_cut(random), history.len(), history.len()));
    images
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(u32::try_from(esker_env::sim::rounds(24)).unwrap()))]
    #[test]
    fn acknowledged_appends_survive_repeated_power_cuts_as_an_exact_prefix(
        rounds in prop::collection::vec(choices(1..25), 1..4), seed: u64
    ) {
        let random = SeededRandom::new(seed);
        let mut disk = SimDisk::new();
        let mut model = Model::default();
        let mut history: Vec<Vec<Record>> = Vec::new();
        for choices in &rounds {
            let (wal, _) = open(&disk).unwrap();
            let images = run_and_cut(wal, &disk, &mut model, &mut history, choices, &random);
            let last = usize::try_from(random.below(images.len() as u64)).unwrap();
            let mut next = None;
            for (at, (left, promised, submitted)) in images.into_iter().enumerate() {
                let kept = left.copy();
                let (wal, count) = survived(&left, &history[..submitted], promised).map_err(TestCaseError::fail)?;
                drop(wal);
                // Opening again finds the same, and so does another power cut right after opening.
                let again = survived(&left.power_cut(&random), &history[..submitted], promised);
                prop_assert_eq!(again.map_err(TestCaseError::fail)?.1, count);
                if at == last {
                    next = Some((kept, count));
                }
            }
            // Go on from one of the images, with what it kept.
            let (left, count) = next.unwrap();
            disk = left;
            history.truncate(count);
            model = Model::default();
            history.iter().flatten().for_each(|record| model.apply(record));
        }
    }
}

#[test]
fn a_batch_in_flight_survives_whole_or_not_at_all() {
    let random = SeededRandom::new(11);
    let mut outcomes = [0, 0];
    for seed in 0..esker_env::sim::rounds(300) {
        let disk = SimDisk::seeded(seed);
        let (wal, _) = open(&disk).unwrap();
        wal.append_synced_blocking(vec![entry(0, 1, 100)]).unwrap();
        // The write happens and the sync doesn't: what a power cut between the two leaves.
        disk.inject(esker_env::Fault {
            operation: esker_env::DiskOperation::Sync,
            after: 0,
            kind: std::io::ErrorKind::Other,
            duration: esker_env::FaultDuration::Once,
        });
        let batch = (2..=6).map(|index| entry(0, index, 700)).chain([vote(0, "v")]).collect();
        wal.append_synced_blocking(batch).unwrap_err();
        drop(wal);
        let left = disk.power_cut(&random);
        let (wal, _) = open(&left).unwrap();
        let whole = wal.state(0).vote.is_some();
        assert_eq!(wal.state(0).entries, Some(if whole { 1..=6 } else { 1..=1 }));
        outcomes[usize::from(whole)] += 1;
    }
    assert!(outcomes.iter().all(|&count| count > 0), "{outcomes:?}");
}

#[test]
fn remains_of_a_lost_batch_never_come_back() {
    // Two frames in flight are not possible, so one is forged: the second survives a cut, the first doesn't.
    let disk = SimDisk::new();
    let (wal, _) = open(&disk).unwrap();
    wal.append_synced_blocking(vec![entry(0, 1, 100)]).unwrap();
    let path = segments(&disk)[0].clone();
    let end_of_first = end_of_log(&read_all(&disk, &path));
    wal.append_synced_blocking(vec![entry(0, 2, 100)]).unwrap();
    let mut bytes = read_all(&disk, &path);
    let end_of_second = end_of_log(&bytes);
    // The third frame, stating that only the first was synced.
    let second = crate::frame::FrameHeader::decode(&bytes[end_of_first..]).unwrap();
    let mut payload = Vec::new();
    crate::record::encode_record(&entry(0, 3, 100), &mut payload);
    let third = crate::frame::FrameHeader {
        number: second.number + 1,
        payload_bytes: u32::try_from(payload.len()).unwrap(),
        records: 1,
        payload_crc: crate::bytes::crc32c(&payload),
        ..second
    };
    drop(wal);
    bytes[end_of_second..end_of_second + 56].copy_from_slice(&third.encode());
    bytes[end_of_second + 56..end_of_second + 56 + payload.len()].copy_from_slice(&payload);
    bytes[end_of_first] ^= 0xff;
    overwrite(&disk, &path, &bytes);
    let (wal, recovery) = open(&disk).unwrap();
    assert_eq!(recovery.cut.map(|cut| cut.offset), Some(end_of_first as u64));
    assert_eq!(recovery.groups[&0].entries, Some(1..=1));
    // The same append again ends exactly where the forged frame began.
    wal.append_synced_blocking(vec![entry(0, 2, 100)]).unwrap();
    let left = disk.power_cut(&SeededRandom::new(0));
    assert_eq!(open(&left).unwrap().1.groups[&0].entries, Some(1..=2));
}

/// Where the last whole frame of a segment ends.
fn end_of_log(bytes: &[u8]) -> usize {
    let mut at = 4096;
    while let Some(header) = crate::frame::FrameHeader::decode(&bytes[at..]) {
        at += usize::try_from(header.frame_bytes()).unwrap();
    }
    at
}
