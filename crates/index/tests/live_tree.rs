//! The live-key tree against a `BTreeSet`, over keys of every shape, and what a page of it costs.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test's helpers are tests")]

use bytes::Bytes;
use esker_index::codec::{Reader, Writer};
use esker_index::live::{Step, Tree};
use esker_index::rows::{MemoryRows, ReadRows, Rows, RowsError, Visit};
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::Bound;

const PREFIX: &[u8] = b"L/";

/// Counts what is read and written. A scan is refused: nothing but the check may do one.
#[derive(Clone, Default)]
struct Counted {
    rows: MemoryRows,
    gets: Cell<usize>,
    changes: usize,
}

impl ReadRows for Counted {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        self.gets.set(self.gets.get() + 1);
        self.rows.get(key)
    }

    fn scan(&self, _: &[u8], _: &[u8], _: &mut Visit<'_>) -> Result<(), RowsError> {
        panic!("the live-key tree scanned rows")
    }
}

impl Rows for Counted {
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.changes += 1;
        self.rows.put(key, value);
    }

    fn delete(&mut self, key: Vec<u8>) {
        self.changes += 1;
        self.rows.delete(key);
    }
}

/// A tree beside the set that it should equal.
#[derive(Default)]
struct Pair {
    tree: Tree,
    counted: Counted,
    set: BTreeSet<Vec<u8>>,
}

impl Pair {
    fn insert(&mut self, key: &[u8]) {
        self.begin();
        let added = self.tree.insert(&mut self.counted, PREFIX, key).unwrap();
        assert_eq!(added, self.set.insert(key.to_vec()));
        assert_eq!(added, self.counted.changes > 0, "rows change if and only if the key is new");
    }

    fn remove(&mut self, key: &[u8]) {
        self.begin();
        let removed = self.tree.remove(&mut self.counted, PREFIX, key).unwrap();
        assert_eq!(removed, self.set.remove(key));
        assert_eq!(removed, self.counted.changes > 0, "rows change if and only if the key was there");
    }

    fn begin(&mut self) {
        self.counted.changes = 0;
        self.counted.gets.set(0);
    }

    fn rows(&self) -> &MemoryRows {
        &self.counted.rows
    }

    fn check(&self) {
        self.tree.check(self.rows(), PREFIX).unwrap();
        assert_eq!(self.tree.len(), self.set.len() as u64);
    }

    /// Walks from `start`; the n-th key visited seeks to the n-th target, if there is one.
    fn check_walk(&self, start: Bound<&[u8]>, seeks: &[Option<Vec<u8>>], limit: usize) {
        let mut seen = Vec::new();
        let visit = &mut |key: &[u8]| {
            seen.push(key.to_vec());
            match seeks.get(seen.len() - 1) {
                _ if seen.len() == limit => Step::Stop,
                Some(Some(to)) => Step::Seek(to.clone()),
                _ => Step::Continue,
            }
        };
        self.tree.walk(&self.counted, PREFIX, start, visit).unwrap();
        let mut expected: Vec<Vec<u8>> = Vec::new();
        let mut next = self.set.range::<[u8], _>((start, Bound::Unbounded)).next();
        while let Some(key) = next {
            expected.push(key.clone());
            if expected.len() == limit {
                break;
            }
            let after = (Bound::Excluded(key.as_slice()), Bound::Unbounded);
            next = match seeks.get(expected.len() - 1) {
                Some(Some(to)) if to > key => self.set.range(to.clone()..).next(),
                _ => self.set.range::<[u8], _>(after).next(),
            };
        }
        assert_eq!(seen, expected);
    }
}

fn sorted_keys(count: u32) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(|n| format!("photos/2026/{:03}/{n:08}.jpg", n / 1000).into_bytes())
}

/// A fixed permutation of `0..count`, for counts that the (prime) factor does not divide.
fn shuffled(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(move |n| ((u64::from(n) * 2_654_435_761 + 12_345) % u64::from(count)) as u32)
}

/// 1024 bytes that share little with those of another number.
fn long_key(n: u32, fill: u8) -> Vec<u8> {
    let mut key = n.wrapping_mul(0x9E37_79B9).to_be_bytes().to_vec();
    key.resize(1024, fill);
    key
}

/// One of a group of keys that share 1020 bytes, which other groups do not: separators between leaves are
/// long and have nothing in common.
fn grouped_key(group: u32, member: u32) -> Vec<u8> {
    let mut key = long_key(group, b'g');
    key[1020..].copy_from_slice(&member.to_be_bytes());
    key
}

/// Keys of one of several shapes; each shape has few enough values that removes often meet a key.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(0u8..3, 0..6),
        (0u32..2000).prop_map(|n| format!("a/{n:05}").into_bytes()),
        (0u32..400).prop_map(|n| format!("{}{n:03}", "x".repeat(1000)).into_bytes()),
        (0u32..300).prop_map(|n| long_key(n, b'z')),
        (0u32..60, 0u32..9).prop_map(|(group, member)| grouped_key(group, member)),
        Just(vec![0xff; 1024]),
        Just(vec![0; 1024]),
    ]
}

#[derive(Clone, Debug)]
enum Op {
    Insert(Vec<u8>),
    Remove(Vec<u8>),
    /// Removes the n-th key and those after it, so many.
    RemoveRun(usize, usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        40 => key().prop_map(Op::Insert),
        10 => key().prop_map(Op::Remove),
        1 => (any::<usize>(), 0usize..40).prop_map(|(at, count)| Op::RemoveRun(at, count)),
    ]
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![Just(Bound::Unbounded), key().prop_map(Bound::Included), key().prop_map(Bound::Excluded)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_tree_equals_a_set(
        ops in proptest::collection::vec(op(), 1..1500),
        walks in proptest::collection::vec(
            (bound(), proptest::collection::vec(proptest::option::of(key()), 0..8), 1usize..2000), 1..12),
    ) {
        let mut pair = Pair::default();
        for (n, op) in ops.iter().enumerate() {
            match op {
                Op::Insert(key) => pair.insert(key),
                Op::Remove(key) => pair.remove(key),
                Op::RemoveRun(at, count) => {
                    let at = at % pair.set.len().max(1);
                    let run: Vec<_> = pair.set.iter().skip(at).take(*count).cloned().collect();
                    run.iter().for_each(|key| pair.remove(key));
                }
            }
            if n % 100 == 0 {
                pair.check();
            }
        }
        pair.check();
        for (start, seeks, limit) in &walks {
            pair.check_walk(start.as_ref().map(Vec::as_slice), seeks, *limit);
        }
        for key in pair.set.clone() {
            assert!(pair.tree.contains(pair.rows(), PREFIX, &key).unwrap());
            pair.remove(&key);
        }
        pair.check();
        assert_eq!(*pair.rows(), MemoryRows::default(), "an empty tree has no rows");
    }

    #[test]
    fn corrupt_nodes_are_errors(
        flips in proptest::collection::vec((any::<u16>(), any::<u16>(), any::<u8>()), 1..6),
        keys in proptest::collection::vec(key(), 1..4),
    ) {
        let mut pair = Pair::default();
        sorted_keys(3000).for_each(|key| pair.insert(&key));
        let rows: Vec<_> = pair.rows().iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
        for (row, at, byte) in flips {
            let (key, mut value) = rows[usize::from(row) % rows.len()].clone();
            let at = usize::from(at) % (value.len() + 1);
            if at < value.len() { value[at] = byte } else { value.truncate(usize::from(byte)) }
            pair.counted.rows.put(key, value);
        }
        let mut last: Option<Vec<u8>> = None;
        let walked = pair.tree.walk(pair.rows(), PREFIX, Bound::Unbounded, &mut |key| {
            assert!(last.as_deref().is_none_or(|last| last < key), "a walk went back");
            last = Some(key.to_vec());
            Step::Continue
        });
        assert!(matches!(walked, Ok(()) | Err(RowsError::Corrupt { .. })));
        let _ = pair.tree.check(pair.rows(), PREFIX);
        for key in keys.into_iter().chain(sorted_keys(3000).step_by(500)) {
            let _ = pair.tree.contains(pair.rows(), PREFIX, &key);
            let (mut tree, mut rows) = (pair.tree, pair.rows().clone());
            let _ = tree.remove(&mut rows, PREFIX, &key);
            let (mut tree, mut rows) = (pair.tree, pair.rows().clone());
            let _ = tree.insert(&mut rows, PREFIX, &key);
        }
    }
}

#[test]
fn a_tree_of_long_separators_shrinks_to_nothing() {
    let key = |n: u32| grouped_key(n / 100, n % 100);
    let mut pair = Pair::default();
    shuffled(40_000).for_each(|n| pair.insert(&key(n)));
    pair.check();
    let of_level = |level: u8| pair.rows().iter().filter(|(_, value)| value[1] == level).count();
    let levels: Vec<_> = (0..5).map(of_level).collect();
    assert!(levels[2] >= 2, "the tree must have branches of branches to cut and join: {levels:?}");
    for (done, n) in shuffled(40_000).map(|n| n ^ 1).enumerate() {
        pair.remove(&key(n));
        if done % 4_000 == 0 {
            pair.check();
        }
    }
    assert_eq!((pair.tree.len(), pair.rows()), (0, &MemoryRows::default()));
}

#[test]
fn an_operation_touches_a_few_rows_of_any_tree() {
    let key = |n: u32| format!("k/{n:07}").into_bytes();
    let mut pair = Pair::default();
    let mut most = (0, 0);
    let mut count = |pair: &Pair| {
        most = (most.0.max(pair.counted.gets.get()), most.1.max(pair.counted.changes));
    };
    for n in shuffled(50_000) {
        pair.insert(&key(n));
        count(&pair);
    }
    let levels = pair.rows().iter().map(|(_, value)| usize::from(value[1])).max().unwrap() + 1;
    for n in shuffled(50_000) {
        pair.remove(&key(n));
        count(&pair);
    }
    // A node and a sibling of each level, and a new root.
    assert!(most.0 <= 2 * levels && most.1 <= 2 * levels + 1, "{most:?} rows read, changed");
}

#[test]
fn keys_inserted_in_order_fill_their_leaves() {
    let fill = |pair: &Pair| pair.tree.len() as usize / pair.rows().iter().count();
    let mut pair = Pair::default();
    sorted_keys(50_000).for_each(|key| pair.insert(&key));
    pair.check();
    assert!(fill(&pair) >= 110, "at the tree's end: {} keys a row", fill(&pair));

    let mut pair = Pair::default();
    pair.insert(b"zzz");
    sorted_keys(50_000).for_each(|key| pair.insert(&key));
    pair.check();
    assert!(fill(&pair) >= 80, "in the middle: {} keys a row", fill(&pair));
}

#[test]
fn a_page_costs_the_same_whatever_was_removed_before() {
    let page_cost = |removed: u32| {
        let mut pair = Pair::default();
        sorted_keys(removed + 2_000).for_each(|key| pair.insert(&key));
        sorted_keys(removed + 2_000).skip(500).take(removed as usize).for_each(|key| pair.remove(&key));
        pair.check();
        pair.begin();
        let mut keys = 0;
        let visit = &mut |_: &[u8]| {
            keys += 1;
            if keys == 1000 { Step::Stop } else { Step::Continue }
        };
        pair.tree.walk(&pair.counted, PREFIX, Bound::Unbounded, visit).unwrap();
        assert_eq!(keys, 1000);
        pair.counted.gets.get()
    };
    let (few, many) = (page_cost(1_000), page_cost(200_000));
    assert!(few.abs_diff(many) <= 4, "{few} rows were read after few removes, {many} after many");
    assert!(many <= 16, "{many} rows were read");
}

#[test]
fn a_jump_reads_at_most_a_row_for_each_level() {
    let mut pair = Pair::default();
    sorted_keys(100_000).for_each(|key| pair.insert(&key));
    pair.begin();
    let mut folders = 0;
    let visit = &mut |key: &[u8]| {
        folders += 1;
        // The folder's end, as a listing with a delimiter jumps over it.
        Step::Seek([&key[..15], b"0"].concat())
    };
    pair.tree.walk(&pair.counted, PREFIX, Bound::Unbounded, visit).unwrap();
    assert_eq!(folders, 100);
    assert!(pair.counted.gets.get() <= 2 * folders + 3, "{} rows were read", pair.counted.gets.get());
}

#[test]
fn the_stored_node_is_golden() {
    let (mut tree, mut rows) = (Tree::new(), MemoryRows::default());
    for key in ["photos/b", "photos/a", "", "videos", "photos/a/1"] {
        assert!(tree.insert(&mut rows, b"", key.as_bytes()).unwrap());
    }
    let stored: Vec<_> = rows.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
    let leaf = b"\x01\x00\x00\x05\
        \x00\x00\
        \x00\x08photos/a\
        \x08\x02/1\
        \x07\x01b\
        \x00\x06videos";
    assert_eq!(stored, [(vec![0; 8], leaf.to_vec())]);
    let mut w = Writer::versioned(1);
    tree.write(&mut w);
    let bytes = w.finish();
    assert_eq!(bytes, b"\x01\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x05");
    let (mut r, _) = Reader::versioned(bytes.into(), "tree", 1).unwrap();
    assert_eq!(Tree::read(&mut r).unwrap(), tree);
    r.finish().unwrap();
}

#[test]
fn the_stored_branch_and_a_long_key_are_golden() {
    let (mut tree, mut rows) = (Tree::new(), MemoryRows::default());
    for n in 0..40u32 {
        tree.insert(&mut rows, b"p", &[format!("{n:02}/").as_bytes(), &[b'x'; 500]].concat()).unwrap();
    }
    tree.check(&rows, b"p").unwrap();
    let row = |number: u64| rows.get(&[b"p", &number.to_be_bytes()[..]].concat()).unwrap().unwrap();
    // Node 2 is the root above the leaves 0 and 1; the separator is the shortest.
    let branch = b"\x01\x01\x00\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x013";
    assert_eq!(row(2).escape_ascii().to_string(), branch.escape_ascii().to_string());
    // 503 is 0x77 and three times 128.
    assert_eq!(
        row(1)[..12].escape_ascii().to_string(),
        b"\x01\x00\x00\x0a\x00\xf7\x0330/xx".escape_ascii().to_string()
    );
}

#[test]
fn a_cycle_or_a_shared_child_is_an_error_and_not_a_loop() {
    let mut pair = Pair::default();
    sorted_keys(20_000).for_each(|key| pair.insert(&key));
    let branches: Vec<_> =
        pair.rows().iter().filter(|(_, v)| v[1] > 0).map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
    assert!(!branches.is_empty());
    for (key, value) in branches {
        for child in [&key[PREFIX.len()..], &value[4..12]] {
            let mut rows = pair.rows().clone();
            let mut value = value.clone();
            value[12..20].copy_from_slice(child);
            rows.put(key.clone(), value);
            let mut keys = 0;
            let walked = pair.tree.walk(&rows, PREFIX, Bound::Unbounded, &mut |_| {
                keys += 1;
                Step::Continue
            });
            assert!(keys < 20_000);
            assert!(matches!(walked, Ok(()) | Err(RowsError::Corrupt { .. })));
            assert!(pair.tree.check(&rows, PREFIX).is_err());
        }
    }
}

#[test]
fn siblings_out_of_order_are_an_error_when_they_are_joined() {
    let mut pair = Pair::default();
    sorted_keys(1000).for_each(|key| pair.insert(&key));
    let row = |number: u64| [PREFIX, &number.to_be_bytes()].concat();
    let (first, second) = (pair.rows().get(&row(0)).unwrap(), pair.rows().get(&row(1)).unwrap());
    pair.counted.rows.put(row(0), second.unwrap().to_vec());
    pair.counted.rows.put(row(1), first.unwrap().to_vec());
    let mut errors = 0;
    for key in sorted_keys(1000) {
        match pair.tree.remove(&mut pair.counted, PREFIX, &key) {
            Ok(_) => {}
            Err(RowsError::Corrupt { .. }) => errors += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(errors > 0);
}

#[test]
fn a_missing_row_is_an_error() {
    let mut pair = Pair::default();
    sorted_keys(1000).for_each(|key| pair.insert(&key));
    pair.counted.rows.delete([PREFIX, &0u64.to_be_bytes()].concat());
    let walked = pair.tree.walk(pair.rows(), PREFIX, Bound::Unbounded, &mut |_| Step::Continue);
    assert!(matches!(walked, Err(RowsError::Corrupt { .. })));
    assert!(pair.tree.contains(pair.rows(), PREFIX, b"a").is_err());
}
