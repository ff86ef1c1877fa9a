//! Single keys.

use bytes::Bytes;

use super::{Fixture, delete, put, puts, rows};
use crate::{Batch, Durability, KvError};

/// What was put is what is got.
pub fn a_value_is_read_back(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let space = engine.open_keyspace("a").unwrap();
    put(engine.as_ref(), &space, "key", "value");
    assert_eq!(engine.get(&space, b"key").unwrap(), Some("value".into()));
    assert_eq!(engine.view().unwrap().get(&space, b"key").unwrap(), Some("value".into()));
}

/// Of several commits to one key, the last one counts.
pub fn the_last_write_wins(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let space = engine.open_keyspace("a").unwrap();
    for value in ["1", "2", "3"] {
        put(engine.as_ref(), &space, "key", value);
    }
    assert_eq!(engine.get(&space, b"key").unwrap(), Some("3".into()));
    assert_eq!(rows(engine.as_ref(), &space), [("key".into(), "3".into())]);
}

/// A deleted key reads as absent, and can be put again.
pub fn a_deleted_key_is_gone(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let space = engine.open_keyspace("a").unwrap();
    put(engine.as_ref(), &space, "key", "1");
    delete(engine.as_ref(), &space, "key");
    assert_eq!(engine.get(&space, b"key").unwrap(), None);
    delete(engine.as_ref(), &space, "never there");
    put(engine.as_ref(), &space, "key", "2");
    assert_eq!(rows(engine.as_ref(), &space), [("key".into(), "2".into())]);
}

/// An absent key, also the empty one, which no batch can put, is no error.
pub fn a_missing_key_is_none(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let space = engine.open_keyspace("a").unwrap();
    put(engine.as_ref(), &space, "key", "value");
    for key in ["", "ke", "key\0", "z"] {
        assert_eq!(engine.get(&space, key.as_bytes()).unwrap(), None, "{key:?}");
        assert_eq!(engine.view().unwrap().get(&space, key.as_bytes()).unwrap(), None, "{key:?}");
    }
}

/// Values from nothing to megabytes, and the longest key.
pub fn empty_and_large_values_are_kept(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let space = engine.open_keyspace("a").unwrap();
    let long_key = Bytes::from(vec![7; Batch::KEY_BYTES_MAX]);
    let large: Bytes = (0u32..1 << 18).flat_map(u32::to_le_bytes).collect();
    assert_eq!(large.len(), 1 << 20);
    let pairs = [
        (Bytes::from_static(&[0]), Bytes::new()),
        (Bytes::from_static(&[0, 0]), Bytes::from_static(&[0; 3])),
        (long_key, Bytes::from_static(b"long key")),
        (Bytes::from_static(&[255]), large),
    ];
    engine.commit(puts(&space, pairs.clone()), Durability::Synced).unwrap();
    assert!(rows(engine.as_ref(), &space) == pairs, "pairs differ");
    for (key, value) in pairs {
        assert!(engine.get(&space, &key).unwrap() == Some(value), "value differs");
    }
}

/// Keys and values that some engine could not store are refused by every engine, and nothing of the batch is applied.
pub fn unusable_sizes_are_refused(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let space = engine.open_keyspace("a").unwrap();
    let commit = |key: Bytes, value: Bytes| {
        let batch = puts(&space, [(Bytes::from_static(b"good"), Bytes::new()), (key, value)]);
        engine.commit(batch, Durability::Buffered)
    };
    assert!(matches!(commit(Bytes::new(), Bytes::new()), Err(KvError::KeySize { bytes: 0 })));
    let long_key = Bytes::from(vec![1; Batch::KEY_BYTES_MAX + 1]);
    assert!(matches!(commit(long_key, Bytes::new()), Err(KvError::KeySize { .. })));
    let long_value = Bytes::from(vec![1; Batch::VALUE_BYTES_MAX + 1]);
    assert!(matches!(commit("k".into(), long_value), Err(KvError::ValueSize { .. })));
    assert_eq!(rows(engine.as_ref(), &space), []);
}

/// Changes to one key inside a batch apply in order.
pub fn the_last_change_in_a_batch_wins(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let space = engine.open_keyspace("a").unwrap();
    let other = engine.open_keyspace("b").unwrap();
    let mut batch = Batch::new();
    batch.put(&space, "put-delete", "x");
    batch.delete(&space, "put-delete");
    batch.delete(&space, "delete-put");
    batch.put(&space, "delete-put", "y");
    batch.put(&space, "put-put", "old");
    batch.put(&other, "put-put", "elsewhere");
    batch.put(&space, "put-put", "new");
    engine.commit(batch, Durability::Buffered).unwrap();
    assert_eq!(
        rows(engine.as_ref(), &space),
        [("delete-put".into(), "y".into()), ("put-put".into(), "new".into())]
    );
    assert_eq!(rows(engine.as_ref(), &other), [("put-put".into(), "elsewhere".into())]);
}

/// An empty batch is no error at either durability.
pub fn an_empty_batch_changes_nothing(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let space = engine.open_keyspace("a").unwrap();
    engine.commit(Batch::new(), Durability::Buffered).unwrap();
    put(engine.as_ref(), &space, "key", "value");
    engine.commit(Batch::new(), Durability::Synced).unwrap();
    engine.sync().unwrap();
    assert_eq!(rows(engine.as_ref(), &space), [("key".into(), "value".into())]);
}
