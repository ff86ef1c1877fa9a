//! Scans.

use std::ops::Bound;

use bytes::Bytes;

use super::{Fixture, delete, keys, put, puts};
use crate::{Direction, Durability, KeyRange};

/// Every pair of bounds over keys on, between and beyond the stored ones, against a filter over the sorted list.
pub fn every_bound_in_both_directions(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let space = engine.open_keyspace("a").unwrap();
    let stored: Vec<Bytes> = [&b"b"[..], b"b\0", b"d", b"d\xff", b"f"].map(Bytes::from_static).to_vec();
    engine.commit(puts(&space, stored.iter().map(|key| (key.clone(), "v"))), Durability::Buffered).unwrap();
    let edges = [&b""[..], b"a", b"b", b"b\0", b"c", b"d", b"d\xff", b"f", b"g"].map(Bytes::from_static);
    let bounds = || {
        let edges =
            edges.iter().flat_map(|edge| [Bound::Included(edge.clone()), Bound::Excluded(edge.clone())]);
        edges.chain([Bound::Unbounded])
    };
    let view = engine.view().unwrap();
    for start in bounds() {
        for end in bounds() {
            let range = KeyRange { start: start.clone(), end };
            let mut expected: Vec<Bytes> = stored.iter().filter(|key| range.contains(key)).cloned().collect();
            let forward = keys(view.as_ref(), &space, range.clone(), Direction::Forward);
            assert_eq!(forward, expected, "{range:?}");
            let backward = keys(view.as_ref(), &space, range.clone(), Direction::Backward);
            expected.reverse();
            assert_eq!(backward, expected, "{range:?} backward");
        }
    }
}

/// A prefix of 0xff bytes has no successor, and still selects exactly its keys.
pub fn prefixes_with_0xff(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let space = engine.open_keyspace("a").unwrap();
    let neighbour = engine.open_keyspace("b").unwrap();
    let stored: Vec<Bytes> = [
        &b"a"[..],
        b"a\xfe",
        b"a\xff",
        b"a\xff\x01",
        b"a\xff\xff",
        b"b",
        b"\xfe",
        b"\xff",
        b"\xff\xff",
        b"\xff\xff\xff",
    ]
    .map(Bytes::from_static)
    .to_vec();
    for each in [&space, &neighbour] {
        engine.commit(puts(each, stored.iter().map(|key| (key.clone(), "v"))), Durability::Buffered).unwrap();
    }
    let view = engine.view().unwrap();
    for prefix in [&b""[..], b"a", b"a\xff", b"\xff", b"\xff\xff", b"\xff\xff\xff", b"\xff\xff\xff\xff", b"c"]
    {
        let expected: Vec<Bytes> = stored.iter().filter(|key| key.starts_with(prefix)).cloned().collect();
        let found = keys(view.as_ref(), &space, KeyRange::prefix(prefix), Direction::Forward);
        assert_eq!(found, expected, "{prefix:?}");
        let found = keys(view.as_ref(), &space, KeyRange::prefix(prefix), Direction::Backward);
        assert_eq!(found.into_iter().rev().collect::<Vec<_>>(), expected, "{prefix:?} backward");
    }
}

/// A start beyond the end selects nothing and is no error.
pub fn an_inverted_range_is_empty(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let space = engine.open_keyspace("a").unwrap();
    put(engine.as_ref(), &space, "m", "v");
    let view = engine.view().unwrap();
    for direction in [Direction::Forward, Direction::Backward] {
        assert!(keys(view.as_ref(), &space, KeyRange::from_to("z", "a"), direction).is_empty());
        assert!(keys(view.as_ref(), &space, KeyRange::from_to("m", "m"), direction).is_empty());
    }
}

/// Deleted keys do not show up, before and after compaction, whatever mixture of old and new rows is stored.
pub fn deleted_keys_are_not_scanned(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let space = engine.open_keyspace("a").unwrap();
    let key = |n: u32| Bytes::copy_from_slice(&n.to_be_bytes());
    engine.commit(puts(&space, (0..1000).map(|n| (key(n), key(n)))), Durability::Buffered).unwrap();
    engine.compact(&space).unwrap();
    for n in (0..1000).filter(|n| n % 10 != 0) {
        let mut batch = crate::Batch::new();
        batch.delete(&space, key(n));
        engine.commit(batch, Durability::Buffered).unwrap();
    }
    let expected: Vec<Bytes> = (0..1000).step_by(10).map(key).collect();
    for _ in 0..2 {
        let view = engine.view().unwrap();
        assert_eq!(keys(view.as_ref(), &space, KeyRange::all(), Direction::Forward), expected);
        let backward = keys(view.as_ref(), &space, KeyRange::all(), Direction::Backward);
        assert!(backward.iter().rev().eq(expected.iter()));
        drop(view);
        engine.compact(&space).unwrap();
    }
    delete(engine.as_ref(), &space, "not there");
    engine.compact(&space).unwrap();
}

/// An unbounded scan yields its own keyspace only.
pub fn a_scan_stops_at_its_keyspace(fixture: &dyn Fixture) {
    let engine = fixture.open();
    let spaces = ["a", "b", "c"].map(|name| engine.open_keyspace(name).unwrap());
    for space in &spaces {
        engine.commit(puts(space, [("\0", "low"), ("\u{7f}", "high")]), Durability::Buffered).unwrap();
    }
    let view = engine.view().unwrap();
    for space in &spaces {
        assert_eq!(keys(view.as_ref(), space, KeyRange::all(), Direction::Forward), ["\0", "\u{7f}"]);
        assert_eq!(keys(view.as_ref(), space, KeyRange::all(), Direction::Backward), ["\u{7f}", "\0"]);
    }
}
