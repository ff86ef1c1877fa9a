//! What a power cut does to fjall's journal, made by hand: whatever happens to bytes that were never synced, an opened store
//! holds an exact prefix of the commits that includes every synced one.
#![allow(clippy::unwrap_used, reason = "a failing test panics")]
#![allow(clippy::disallowed_methods, reason = "damages the engine's files behind its back")]

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use esker_kv::{Batch, Durability, Engine, FjallEngine, Keyspace, KvError, Options};

const SYNCED: u32 = 40;
const COMMITS: u32 = 80;
const SECTOR_BYTES: u64 = 512;
const PREALLOCATED_BYTES: u64 = 64 << 10;

fn copy_store(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_store(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn journal(store: &Path) -> PathBuf {
    store.join("0.jnl")
}

/// The journal is preallocated with zeros; its records end with a magic word that is not zero.
fn written_bytes(store: &Path) -> u64 {
    let bytes = std::fs::read(journal(store)).unwrap();
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
}

fn shrink(store: &Path, length: u64) {
    let file = std::fs::OpenOptions::new().write(true).open(journal(store)).unwrap();
    file.set_len(length).unwrap();
}

fn zero(store: &Path, from: u64, count: u64) {
    let mut file = std::fs::OpenOptions::new().write(true).open(journal(store)).unwrap();
    file.seek(SeekFrom::Start(from)).unwrap();
    file.write_all(&vec![0; usize::try_from(count).unwrap()]).unwrap();
}

/// Values from nothing to several sectors, without zero bytes.
fn value(n: u32) -> Bytes {
    vec![u8::try_from(n % 255 + 1).unwrap(); usize::try_from(n % 7 * 300).unwrap()].into()
}

fn commit(engine: &FjallEngine, spaces: &[Keyspace; 2], n: u32, durability: Durability) {
    let mut batch = Batch::new();
    for space in spaces {
        batch.put(space, n.to_be_bytes().to_vec(), value(n));
    }
    engine.commit(batch, durability).unwrap();
}

fn spaces(engine: &FjallEngine) -> [Keyspace; 2] {
    ["a", "b"].map(|name| engine.open_keyspace(name).unwrap())
}

/// How many commits the store holds, after checking that they are the first ones, in both keyspaces.
fn prefix(engine: &FjallEngine) -> u32 {
    let counts = spaces(engine).map(|space| {
        let is_there = |n: &u32| engine.get(&space, &n.to_be_bytes()).unwrap() == Some(value(*n));
        let count = (0..COMMITS).take_while(is_there).count();
        let total = engine
            .view()
            .unwrap()
            .range(&space, esker_kv::KeyRange::all(), esker_kv::Direction::Forward)
            .unwrap()
            .count();
        assert_eq!(count, total, "a gap in {space:?}");
        u32::try_from(count).unwrap()
    });
    assert_eq!(counts[0], counts[1], "the keyspaces differ");
    counts[0]
}

/// A store whose process is gone, with the journal's length when it was last synced.
fn crashed_store(dir: &Path) -> (PathBuf, u64) {
    let live = dir.join("live");
    let engine = FjallEngine::open(&live, &Options::default()).unwrap();
    let spaces = spaces(&engine);
    (0..SYNCED).for_each(|n| commit(&engine, &spaces, n, Durability::Buffered));
    engine.sync().unwrap();
    let synced_bytes = written_bytes(&live);
    (SYNCED..COMMITS).for_each(|n| commit(&engine, &spaces, n, Durability::Buffered));
    let crashed = dir.join("crashed");
    copy_store(&live, &crashed);
    // Most of the preallocation goes, because every test case copies the store.
    shrink(&crashed, written_bytes(&crashed) + PREALLOCATED_BYTES);
    (crashed, synced_bytes)
}

/// Opens a copy of the store after `damage`.
fn reopen_damaged(crashed: &Path, damage: impl FnOnce(&Path)) -> Result<FjallEngine, KvError> {
    let copy = crashed.with_file_name("copy");
    if copy.exists() {
        std::fs::remove_dir_all(&copy).unwrap();
    }
    copy_store(crashed, &copy);
    damage(&copy);
    FjallEngine::open(&copy, &Options::default())
}

#[test]
fn a_journal_cut_off_anywhere_after_the_sync_keeps_a_prefix() {
    let dir = tempfile::tempdir().unwrap();
    let (crashed, synced_bytes) = crashed_store(dir.path());
    let end = written_bytes(&crashed);
    assert_eq!(prefix(&reopen_damaged(&crashed, |_| {}).unwrap()), COMMITS);
    let mut shortest = COMMITS;
    for cut in (synced_bytes..end).step_by(977) {
        for damage in [shrink as fn(&Path, u64), |store, from| zero(store, from, written_bytes(store) - from)]
        {
            let engine = reopen_damaged(&crashed, |store| damage(store, cut)).unwrap();
            let found = prefix(&engine);
            assert!(found >= SYNCED, "cut at {cut}: {found}");
            shortest = shortest.min(found);
            // The store goes on from there, and the next recovery agrees.
            commit(&engine, &spaces(&engine), found, Durability::Synced);
            assert_eq!(prefix(&engine), found + 1);
        }
    }
    assert_eq!(shortest, SYNCED, "no cut hit the first commit after the sync");
}

#[test]
fn a_lost_sector_after_the_sync_leaves_a_prefix_or_a_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let (crashed, synced_bytes) = crashed_store(dir.path());
    let end = written_bytes(&crashed);
    let mut refused = 0;
    for from in (synced_bytes.next_multiple_of(SECTOR_BYTES)..end).step_by(1024) {
        match reopen_damaged(&crashed, |store| zero(store, from, SECTOR_BYTES)) {
            Ok(engine) => {
                let found = prefix(&engine);
                assert!((SYNCED..COMMITS).contains(&found), "sector at {from}: {found}");
            }
            Err(KvError::Corruption { .. }) => refused += 1,
            Err(error) => panic!("sector at {from}: {error}"),
        }
    }
    // Most losses look like the end of the journal; those inside one value do not, and are refused.
    assert!(refused > 0, "the test no longer reaches the refusal");
}
