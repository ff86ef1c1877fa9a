//! What an orderly close keeps. Crashes need a process to kill: see `tests/crash.rs`.

use bytes::Bytes;

use super::{Fixture, delete, put, puts, rows};
use crate::{Durability, KvError};

/// A second opener is told that the store is taken, and the first one is not disturbed.
pub fn a_store_opens_once(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let space = engine.open_keyspace("a").unwrap();
    if fixture.survives_reopen() {
        assert!(matches!(fixture.try_open(), Err(KvError::Locked { .. })));
    }
    put(engine.as_ref(), &space, "key", "value");
    drop(engine);
    fixture.open();
}

/// Synced commits are there after closing and opening.
pub fn synced_commits_survive(fixture: &dyn Fixture) {
    {
        let engine = fixture.open();
        let space = engine.open_keyspace("a").unwrap();
        put(engine.as_ref(), &space, "gone", "x");
        delete(engine.as_ref(), &space, "gone");
        engine.commit(puts(&space, [("key", "value")]), Durability::Synced).unwrap();
    }
    if fixture.survives_reopen() {
        let engine = fixture.open();
        assert_eq!(engine.keyspaces().unwrap(), ["a"]);
        let space = engine.open_keyspace("a").unwrap();
        assert_eq!(rows(engine.as_ref(), &space), [("key".into(), "value".into())]);
    }
}

/// An orderly close loses nothing, over many reopenings, with compaction in between.
pub fn buffered_commits_survive_an_orderly_close(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let mut engine = Some(engine);
    for round in 0..6u8 {
        if fixture.survives_reopen() {
            engine = None;
        }
        let open = engine.take().unwrap_or_else(|| fixture.open());
        let one = open.open_keyspace("a").unwrap();
        let two = open.open_keyspace("b").unwrap();
        let expected: Vec<_> = (0..round).map(|n| (Bytes::from(vec![n]), Bytes::from(vec![n]))).collect();
        assert_eq!(rows(open.as_ref(), &one), expected);
        assert_eq!(rows(open.as_ref(), &two), expected);
        for space in [&one, &two] {
            open.commit(puts(space, [(vec![round], vec![round])]), Durability::Buffered).unwrap();
        }
        if round % 2 == 1 {
            open.compact(&one).unwrap();
        }
        engine = Some(open);
    }
}

/// A dropped keyspace stays dropped, and its successor keeps its own rows only.
pub fn drops_survive(fixture: &dyn Fixture) {
    {
        let engine = fixture.open();
        for name in ["a", "b"] {
            let space = engine.open_keyspace(name).unwrap();
            put(engine.as_ref(), &space, "key", "old");
            engine.drop_keyspace(name).unwrap();
        }
        let successor = engine.open_keyspace("b").unwrap();
        put(engine.as_ref(), &successor, "other", "new");
    }
    if fixture.survives_reopen() {
        for _ in 0..2 {
            let engine = fixture.open();
            assert_eq!(engine.keyspaces().unwrap(), ["b"]);
            let space = engine.open_keyspace("b").unwrap();
            assert_eq!(rows(engine.as_ref(), &space), [("other".into(), "new".into())]);
        }
    }
}

/// Values of a megabyte are whole after reopening.
pub fn large_values_survive(fixture: &dyn Fixture) {
    let pairs: Vec<_> =
        (0..4u8).map(|n| (Bytes::from(vec![n]), Bytes::from(vec![n; (1 << 20) + usize::from(n)]))).collect();
    {
        let engine = fixture.open();
        let space = engine.open_keyspace("a").unwrap();
        engine.commit(puts(&space, pairs.clone()), Durability::Synced).unwrap();
    }
    if fixture.survives_reopen() {
        let engine = fixture.open();
        let space = engine.open_keyspace("a").unwrap();
        assert!(rows(engine.as_ref(), &space) == pairs, "large values differ");
    }
}
