//! The memory engine's step counter, on which the index's cost tests rely.
#![allow(clippy::unwrap_used, reason = "a failing test panics")]

use esker_kv::{Batch, Direction, Durability, Engine, KeyRange, Keyspace, MemoryEngine, Tombstones};

/// A hundred keys of which all but every tenth are deleted.
fn mostly_deleted(engine: &MemoryEngine) -> Keyspace {
    let space = engine.open_keyspace("a").unwrap();
    let mut puts = Batch::new();
    let mut deletes = Batch::new();
    for n in 0..100u8 {
        puts.put(&space, vec![n], "v");
        if n % 10 != 0 {
            deletes.delete(&space, vec![n]);
        }
    }
    engine.commit(puts, Durability::Buffered).unwrap();
    engine.commit(deletes, Durability::Buffered).unwrap();
    space
}

fn steps_of(
    engine: &MemoryEngine,
    space: &Keyspace,
    range: KeyRange,
    direction: Direction,
    take: usize,
) -> u64 {
    let before = engine.steps();
    let view = engine.view().unwrap();
    let found = view.range(space, range, direction).unwrap().take(take).count();
    assert_eq!(found, take);
    engine.steps() - before
}

#[test]
fn a_scan_counts_the_tombstones_that_it_steps_over() {
    let engine = MemoryEngine::new(Tombstones::Kept);
    let space = mostly_deleted(&engine);
    assert_eq!(steps_of(&engine, &space, KeyRange::all(), Direction::Forward, 1), 1);
    assert_eq!(steps_of(&engine, &space, KeyRange::all(), Direction::Forward, 3), 21);
    assert_eq!(steps_of(&engine, &space, KeyRange::all(), Direction::Backward, 1), 10);
    assert_eq!(steps_of(&engine, &space, KeyRange::after(vec![0]), Direction::Forward, 1), 10);
}

#[test]
fn compaction_ends_the_cost_of_tombstones() {
    let engine = MemoryEngine::new(Tombstones::Kept);
    let space = mostly_deleted(&engine);
    engine.compact(&space).unwrap();
    assert_eq!(steps_of(&engine, &space, KeyRange::all(), Direction::Forward, 3), 3);
}

#[test]
fn dropped_tombstones_cost_nothing_once_no_view_needs_them() {
    let engine = MemoryEngine::new(Tombstones::Dropped);
    let space = engine.open_keyspace("a").unwrap();
    let early = engine.view().unwrap();
    let space = {
        drop(space);
        mostly_deleted(&engine)
    };
    assert_eq!(steps_of(&engine, &space, KeyRange::all(), Direction::Forward, 2), 11);
    drop(early);
    assert_eq!(steps_of(&engine, &space, KeyRange::all(), Direction::Forward, 2), 2);
}
