//! Making, dropping and telling apart keyspaces.

use bytes::Bytes;

use super::{Fixture, put, puts, rows};
use crate::{Batch, Durability, Keyspace, KvError};

/// Names come back sorted; names that some engine could not store are refused by every engine.
pub fn names_are_sorted_and_checked(fixture: &dyn Fixture) {
    let engine = fixture.open();
    for name in ["m", "b", "z.9_-Z", "a"] {
        engine.open_keyspace(name).unwrap();
    }
    assert_eq!(engine.keyspaces().unwrap(), ["a", "b", "m", "z.9_-Z"]);
    let long = "x".repeat(Keyspace::NAME_BYTES_MAX + 1);
    for name in ["", "a/b", "ü", "#esker", "a b", &long] {
        assert!(matches!(engine.open_keyspace(name), Err(KvError::InvalidName { .. })), "{name:?}");
    }
    engine.open_keyspace(&long[1..]).unwrap();
}

/// Two handles to one name read and write the same rows.
pub fn opening_twice_is_the_same_keyspace(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let one = engine.open_keyspace("a").unwrap();
    let two = engine.open_keyspace("a").unwrap();
    assert_eq!(one, two);
    put(engine.as_ref(), &one, "key", "value");
    assert_eq!(engine.get(&two, b"key").unwrap(), Some("value".into()));
}

/// A key in one keyspace says nothing about another.
pub fn keys_do_not_leak_across(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let one = engine.open_keyspace("a").unwrap();
    let two = engine.open_keyspace("ab").unwrap();
    put(engine.as_ref(), &one, "bkey", "value");
    assert_eq!(engine.get(&two, b"key").unwrap(), None);
    assert_eq!(rows(engine.as_ref(), &two), []);
}

/// A batch reaches every keyspace that it names.
pub fn a_batch_over_several_keyspaces(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let one = engine.open_keyspace("a").unwrap();
    let two = engine.open_keyspace("b").unwrap();
    put(engine.as_ref(), &two, "gone", "x");
    let mut batch = Batch::new();
    batch.put(&one, "key", "1");
    batch.delete(&two, "gone");
    batch.put(&two, "key", "2");
    engine.commit(batch, Durability::Synced).unwrap();
    assert_eq!(rows(engine.as_ref(), &one), [("key".into(), "1".into())]);
    assert_eq!(rows(engine.as_ref(), &two), [("key".into(), "2".into())]);
}

/// Dropping is idempotent, and a new keyspace of the same name starts empty.
pub fn a_dropped_keyspace_recreated_is_empty(fixture: &dyn Fixture) {
    let engine = fixture.open();
    engine.drop_keyspace("a").unwrap();
    for _ in 0..3 {
        let space = engine.open_keyspace("a").unwrap();
        assert_eq!(rows(engine.as_ref(), &space), []);
        put(engine.as_ref(), &space, "key", "value");
        engine.drop_keyspace("a").unwrap();
        engine.drop_keyspace("a").unwrap();
        assert!(engine.keyspaces().unwrap().is_empty());
    }
}

/// A handle to a dropped keyspace gets an error, not the rows of its successor.
pub fn handles_to_a_dropped_keyspace_are_refused(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let old = engine.open_keyspace("a").unwrap();
    engine.drop_keyspace("a").unwrap();
    for _ in 0..2 {
        let is_unknown =
            |error: KvError| matches!(error, KvError::UnknownKeyspace { name, .. } if name == "a");
        assert!(is_unknown(engine.get(&old, b"key").unwrap_err()));
        assert!(is_unknown(engine.compact(&old).unwrap_err()));
        assert!(is_unknown(engine.commit(puts(&old, [("key", "v")]), Durability::Buffered).unwrap_err()));
        assert!(is_unknown(engine.view().unwrap().get(&old, b"key").unwrap_err()));
        engine.open_keyspace("a").unwrap();
    }
}

/// A batch with one unknown keyspace leaves the others alone.
pub fn a_refused_batch_changes_nothing(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let good = engine.open_keyspace("good").unwrap();
    let dropped = engine.open_keyspace("dropped").unwrap();
    engine.drop_keyspace("dropped").unwrap();
    let mut batch = Batch::new();
    batch.put(&good, "key", "value");
    batch.put(&dropped, "key", "value");
    assert!(engine.commit(batch, Durability::Synced).is_err());
    assert_eq!(rows(engine.as_ref(), &good), []);
    put(engine.as_ref(), &good, "key", "the engine still works");
}

/// Dropping a keyspace gives its space back: making and dropping one forever needs no more than a few of them.
pub fn dropping_frees_space(fixture: &dyn Fixture) {
    const ROUND_BYTES: u64 = 4 << 20;
    let engine = fixture.open();
    for round in 0..8u8 {
        let space = engine.open_keyspace("a").unwrap();
        for n in 0..64u8 {
            let value = Bytes::from(vec![round ^ n; 64 << 10]);
            engine.commit(puts(&space, [(vec![n], value)]), Durability::Buffered).unwrap();
        }
        engine.compact(&space).unwrap();
        engine.drop_keyspace("a").unwrap();
    }
    // fjall keeps one journal of up to 64 MB; sled's log shrinks as it is cleaned.
    assert!(engine.disk_bytes().unwrap() < 16 * ROUND_BYTES, "{} bytes", engine.disk_bytes().unwrap());
}
