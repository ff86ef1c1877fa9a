//! Views: one commit boundary, for ever.

use bytes::Bytes;

use super::{Fixture, delete, keys, put, puts, rows, scan};
use crate::{Batch, Direction, Durability, KeyRange, KvError};

/// Overwrites, deletes and inserts after the view do not show in it.
pub fn later_commits_are_not_seen(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let one = engine.open_keyspace("a").unwrap();
    let two = engine.open_keyspace("b").unwrap();
    engine.commit(puts(&one, [("change", "old"), ("delete", "old")]), Durability::Buffered).unwrap();
    let view = engine.view().unwrap();
    put(engine.as_ref(), &one, "change", "new");
    delete(engine.as_ref(), &one, "delete");
    put(engine.as_ref(), &one, "insert", "new");
    put(engine.as_ref(), &two, "insert", "new");
    let before = [("change".into(), "old".into()), ("delete".into(), "old".into())];
    assert_eq!(scan(view.as_ref(), &one, KeyRange::all(), Direction::Forward), before);
    let mut backward = scan(view.as_ref(), &one, KeyRange::all(), Direction::Backward);
    backward.reverse();
    assert_eq!(backward, before);
    assert_eq!(view.get(&one, b"change").unwrap(), Some("old".into()));
    assert_eq!(view.get(&one, b"delete").unwrap(), Some("old".into()));
    assert_eq!(view.get(&one, b"insert").unwrap(), None);
    assert_eq!(view.get(&two, b"insert").unwrap(), None);
    assert_eq!(
        rows(engine.as_ref(), &one),
        [("change".into(), "new".into()), ("insert".into(), "new".into())]
    );
}

/// A scan that is under way stays at its boundary while rows ahead of and behind it change.
pub fn open_scans_do_not_see_later_commits(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let space = engine.open_keyspace("a").unwrap();
    let key = |n: u16| Bytes::copy_from_slice(&n.to_be_bytes());
    let before: Vec<_> = (0..600).map(|n| (key(2 * n), Bytes::from("old"))).collect();
    engine.commit(puts(&space, before.clone()), Durability::Buffered).unwrap();
    let view = engine.view().unwrap();
    for direction in [Direction::Forward, Direction::Backward] {
        let mut pairs = view.range(&space, KeyRange::all(), direction).unwrap();
        let mut found: Vec<_> = pairs.by_ref().take(100).collect::<Result<_, _>>().unwrap();
        for n in 0..600 {
            let mut batch = Batch::new();
            batch.put(&space, key(2 * n + 1), "new");
            match n % 3 {
                0 => batch.put(&space, key(2 * n), "new"),
                1 => batch.delete(&space, key(2 * n)),
                _ => {}
            }
            engine.commit(batch, Durability::Buffered).unwrap();
            if n % 100 == 0 {
                engine.compact(&space).unwrap();
                found.extend(pairs.by_ref().take(20).collect::<Result<Vec<_>, _>>().unwrap());
            }
        }
        found.extend(pairs.collect::<Result<Vec<_>, _>>().unwrap());
        if direction == Direction::Backward {
            found.reverse();
        }
        assert_eq!(found, before, "{direction:?}");
    }
}

/// Views of many ages, closed out of order, each keep their own picture.
pub fn views_of_different_ages(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let space = engine.open_keyspace("a").unwrap();
    let mut views = Vec::new();
    for n in 0..40u8 {
        let mut batch = Batch::new();
        batch.put(&space, "counter", vec![n]);
        batch.put(&space, vec![n], vec![n]);
        if n >= 5 {
            batch.delete(&space, vec![n - 5]);
        }
        engine.commit(batch, Durability::Buffered).unwrap();
        views.push((n, engine.view().unwrap()));
        if n % 7 == 6 {
            views.remove(views.len() / 2);
            views.remove(0);
            engine.compact(&space).unwrap();
        }
    }
    for (n, view) in &views {
        assert_eq!(view.get(&space, b"counter").unwrap(), Some(vec![*n].into()));
        let mut expected: Vec<Bytes> = (n.saturating_sub(4)..=*n).map(|m| vec![m].into()).collect();
        expected.push("counter".into());
        assert_eq!(keys(view.as_ref(), &space, KeyRange::all(), Direction::Forward), expected, "view {n}");
    }
}

/// A view keeps reading a keyspace that is dropped, and a new one of the same name does not disturb it.
pub fn a_view_outlives_a_dropped_keyspace(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let space = engine.open_keyspace("a").unwrap();
    put(engine.as_ref(), &space, "key", "old");
    let view = engine.view().unwrap();
    let mut pairs = view.range(&space, KeyRange::all(), Direction::Forward).unwrap();
    engine.drop_keyspace("a").unwrap();
    let successor = engine.open_keyspace("a").unwrap();
    put(engine.as_ref(), &successor, "key", "new");
    assert_eq!(pairs.next().unwrap().unwrap(), ("key".into(), "old".into()));
    assert!(pairs.next().is_none());
    drop(pairs);
    assert_eq!(view.get(&space, b"key").unwrap(), Some("old".into()));
    drop(view);
    assert_eq!(rows(engine.as_ref(), &successor), [("key".into(), "new".into())]);
}

/// A keyspace made after the view is unknown to it.
pub fn a_view_does_not_know_later_keyspaces(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let view = engine.view().unwrap();
    let space = engine.open_keyspace("a").unwrap();
    put(engine.as_ref(), &space, "key", "value");
    assert!(matches!(view.get(&space, b"key"), Err(KvError::UnknownKeyspace { .. })));
    let scan = view.range(&space, KeyRange::all(), Direction::Forward);
    assert!(matches!(scan.err(), Some(KvError::UnknownKeyspace { .. })));
}

/// Compaction drops nothing that a view still reads.
pub fn compaction_keeps_what_a_view_reads(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let space = engine.open_keyspace("a").unwrap();
    let key = |n: u16| Bytes::copy_from_slice(&n.to_be_bytes());
    let before: Vec<_> = (0..300).map(|n| (key(n), key(n))).collect();
    engine.commit(puts(&space, before.clone()), Durability::Buffered).unwrap();
    let view = engine.view().unwrap();
    let mut batch = Batch::new();
    (0..300).for_each(|n| batch.delete(&space, key(n)));
    engine.commit(batch, Durability::Buffered).unwrap();
    engine.compact(&space).unwrap();
    assert_eq!(scan(view.as_ref(), &space, KeyRange::all(), Direction::Forward), before);
    assert_eq!(view.get(&space, &key(7)).unwrap(), Some(key(7)));
    drop(view);
    engine.compact(&space).unwrap();
    assert_eq!(rows(engine.as_ref(), &space), []);
}
