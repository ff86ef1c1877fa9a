//! Random histories against `BTreeMap`s.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Fixture, scan};
use crate::{Batch, Direction, Durability, Engine, KeyRange, Keyspace, View};

const SPACES: [&str; 3] = ["a", "b", "c"];
type Map = BTreeMap<Bytes, Bytes>;

#[derive(Clone, Debug)]
enum Step {
    /// Keyspace, key and new value, or `None` to delete.
    Commit(Vec<(usize, Bytes, Option<Fill>)>, Durability),
    OpenView,
    CloseView(usize),
    /// Checks one view, or the present when there is none.
    Scan(usize, usize, KeyRange, Direction),
    Compact(usize),
    Recreate(usize),
    Reopen,
}

fn key() -> impl Strategy<Value = Bytes> {
    // Few letters, so that keys collide and share prefixes.
    vec(prop_oneof![Just(0u8), Just(b'a'), Just(b'b'), Just(255u8)], 1..5).prop_map(Bytes::from)
}

/// A value that prints shortly: one byte, repeated.
#[derive(Clone, Copy, Debug)]
struct Fill {
    byte: u8,
    count: usize,
}

impl Fill {
    fn bytes(self) -> Bytes {
        vec![self.byte; self.count].into()
    }
}

fn value() -> impl Strategy<Value = Fill> {
    let count = prop_oneof![8 => 0usize..40, 1 => 1000usize..40_000];
    (any::<u8>(), count).prop_map(|(byte, count)| Fill { byte, count })
}

fn bound() -> impl Strategy<Value = Bound<Bytes>> {
    prop_oneof![key().prop_map(Bound::Included), key().prop_map(Bound::Excluded), Just(Bound::Unbounded)]
}

fn range() -> impl Strategy<Value = KeyRange> {
    prop_oneof![
        (bound(), bound()).prop_map(|(start, end)| KeyRange { start, end }),
        key().prop_map(KeyRange::prefix),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let space = 0..SPACES.len();
    let change = (space.clone(), key(), prop_oneof![3 => value().prop_map(Some), 2 => Just(None)]);
    let durability = prop_oneof![9 => Just(Durability::Buffered), 1 => Just(Durability::Synced)];
    let direction = prop_oneof![Just(Direction::Forward), Just(Direction::Backward)];
    prop_oneof![
        12 => (vec(change, 0..12), durability).prop_map(|(changes, durability)| Step::Commit(changes, durability)),
        2 => Just(Step::OpenView),
        1 => any::<usize>().prop_map(Step::CloseView),
        6 => (any::<usize>(), space.clone(), range(), direction).prop_map(|(v, s, r, d)| Step::Scan(v, s, r, d)),
        1 => space.clone().prop_map(Step::Compact),
        1 => space.prop_map(Step::Recreate),
        1 => Just(Step::Reopen),
    ]
}

/// A view with the handles and the rows of its time.
struct Picture {
    view: Arc<dyn View>,
    spaces: Vec<Keyspace>,
    maps: Vec<Map>,
}

/// The engine with what it should hold.
struct Model {
    engine: Arc<dyn Engine>,
    spaces: Vec<Keyspace>,
    maps: Vec<Map>,
    views: Vec<Picture>,
}

impl Model {
    fn open(engine: Arc<dyn Engine>, maps: Vec<Map>) -> Self {
        let spaces = SPACES.iter().map(|name| engine.open_keyspace(name).unwrap()).collect();
        Self { engine, spaces, maps, views: Vec::new() }
    }

    fn apply(mut self, step: Step, fixture: &dyn Fixture) -> Self {
        match step {
            Step::Commit(changes, durability) => {
                let mut batch = Batch::new();
                for (space, key, value) in changes {
                    match value {
                        Some(value) => {
                            let value = value.bytes();
                            batch.put(&self.spaces[space], key.clone(), value.clone());
                            self.maps[space].insert(key, value);
                        }
                        None => {
                            batch.delete(&self.spaces[space], key.clone());
                            self.maps[space].remove(&key);
                        }
                    }
                }
                self.engine.commit(batch, durability).unwrap();
            }
            Step::OpenView => {
                let view = self.engine.view().unwrap();
                self.views.push(Picture { view, spaces: self.spaces.clone(), maps: self.maps.clone() });
            }
            Step::CloseView(n) if !self.views.is_empty() => drop(self.views.remove(n % self.views.len())),
            Step::CloseView(_) => {}
            Step::Scan(n, space, range, direction) => self.check(n, space, &range, direction),
            Step::Compact(space) => self.engine.compact(&self.spaces[space]).unwrap(),
            Step::Recreate(space) => {
                self.engine.drop_keyspace(SPACES[space]).unwrap();
                self.spaces[space] = self.engine.open_keyspace(SPACES[space]).unwrap();
                self.maps[space].clear();
            }
            Step::Reopen if fixture.survives_reopen() => {
                let Self { engine, maps, views, .. } = self;
                drop(views);
                drop(engine);
                return Self::open(fixture.open(), maps);
            }
            Step::Reopen => {}
        }
        self
    }

    fn check(&self, n: usize, space: usize, range: &KeyRange, direction: Direction) {
        let (view, handle, map) = if self.views.is_empty() {
            (self.engine.view().unwrap(), &self.spaces[space], &self.maps[space])
        } else {
            let Picture { view, spaces, maps } = &self.views[n % self.views.len()];
            (Arc::clone(view), &spaces[space], &maps[space])
        };
        let mut expected: Vec<_> =
            map.iter().filter(|(key, _)| range.contains(key)).map(|(k, v)| (k.clone(), v.clone())).collect();
        if direction == Direction::Backward {
            expected.reverse();
        }
        assert_eq!(
            scan(view.as_ref(), handle, range.clone(), direction),
            expected,
            "{handle:?} {range:?} {direction:?}"
        );
        for (key, value) in expected {
            assert_eq!(view.get(handle, &key).unwrap(), Some(value));
        }
    }

    fn check_all(self) {
        for space in 0..SPACES.len() {
            for (key, value) in &self.maps[space] {
                assert_eq!(self.engine.get(&self.spaces[space], key).unwrap().as_ref(), Some(value));
            }
            for n in 0..self.views.len() {
                self.check(n, space, &KeyRange::all(), Direction::Forward);
            }
        }
        let present = Self { views: Vec::new(), ..self };
        for (space, name) in SPACES.iter().enumerate() {
            present.check(0, space, &KeyRange::all(), Direction::Backward);
            present.engine.drop_keyspace(name).unwrap();
        }
    }
}

/// Random commits, views, scans, compactions, drops and reopenings agree with ordered maps at every step.
pub fn random_commits_match_a_map(fixture: &dyn Fixture) {
    let config = Config { cases: 24, max_shrink_iters: 400, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&vec(step(), 1..80), |steps| {
        // A failed case leaves rows behind, and shrinking starts from a clean store again.
        let engine = fixture.open();
        SPACES.iter().for_each(|name| engine.drop_keyspace(name).unwrap());
        let mut model = Model::open(engine, vec![Map::new(); SPACES.len()]);
        for step in steps {
            model = model.apply(step, fixture);
        }
        model.check_all();
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
