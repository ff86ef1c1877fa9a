//! An engine whose rows outlive its process, but for what a power cut takes: the commits since some point, in their
//! order, that were not synced.

use bytes::Bytes;
use esker_env::Random;
use esker_kv::{
    Batch, Direction, Durability, Engine, KeyRange, Keyspace, KvError, MemoryEngine, Tombstones, View,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Commits that are kept apart; older ones have reached the disk by themselves.
const UNSYNCED_MAX: usize = 256;

/// The rows of one machine. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct SimEngine {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    rows: MemoryEngine,
    spaces: BTreeMap<String, Keyspace>,
    /// The rows as they were when they were synced and after each commit since; the first may be missing, if the
    /// engine is empty.
    pictures: Vec<Arc<dyn View>>,
}

impl SimEngine {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the machine finds when it starts again after a power cut: an engine of its own.
    ///
    /// # Panics
    /// Never: rows in memory can be read.
    pub fn power_cut(&self, random: &dyn Random) -> SimEngine {
        let state = self.lock();
        let survives = match state.pictures.len() {
            0 => return SimEngine::default(),
            // Often all or nothing of it.
            count => match random.below(4) {
                0 => 0,
                1 => count - 1,
                _ => usize::try_from(random.below(count as u64)).unwrap_or(0),
            },
        };
        let picture = &state.pictures[survives];
        let left = State { rows: MemoryEngine::new(Tombstones::Dropped), ..State::default() };
        let left = SimEngine { state: Arc::new(Mutex::new(left)) };
        for (name, space) in &state.spaces {
            let target = left.open_keyspace(name).expect("the name was good before");
            let mut batch = Batch::new();
            let range = KeyRange::from_to(Bytes::new(), Bytes::from_static(&[0xff; 64]));
            for pair in picture.range(space, range, Direction::Forward).into_iter().flatten() {
                let (key, value) = pair.expect("memory does not fail");
                batch.put(&target, key, value);
            }
            left.commit(batch, Durability::Synced).expect("memory does not fail");
        }
        left
    }

    /// The newest rows of the keyspaces whose names begin so, by name.
    pub fn spaces(&self, prefix: &str) -> Vec<(String, Keyspace, Arc<dyn View>)> {
        let state = self.lock();
        let Ok(view) = state.rows.view() else { return Vec::new() };
        let found = state.spaces.iter().filter(|(name, _)| name.starts_with(prefix));
        found.map(|(name, space)| (name.clone(), space.clone(), Arc::clone(&view))).collect()
    }
}

impl State {
    /// All that was committed so far is durable.
    fn synced(&mut self) -> Result<(), KvError> {
        self.pictures = vec![self.rows.view()?];
        Ok(())
    }
}

impl Engine for SimEngine {
    fn open_keyspace(&self, name: &str) -> Result<Keyspace, KvError> {
        let mut state = self.lock();
        let space = state.rows.open_keyspace(name)?;
        if state.spaces.insert(name.to_owned(), space.clone()).is_none() {
            state.synced()?;
        }
        Ok(space)
    }

    fn drop_keyspace(&self, name: &str) -> Result<(), KvError> {
        let mut state = self.lock();
        state.rows.drop_keyspace(name)?;
        state.spaces.remove(name);
        state.synced()
    }

    fn keyspaces(&self) -> Result<Vec<String>, KvError> {
        self.lock().rows.keyspaces()
    }

    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), KvError> {
        let mut state = self.lock();
        state.rows.commit(batch, durability)?;
        match durability {
            Durability::Synced => state.synced(),
            Durability::Buffered => {
                let picture = state.rows.view()?;
                state.pictures.push(picture);
                if state.pictures.len() > UNSYNCED_MAX {
                    state.pictures.remove(0);
                }
                Ok(())
            }
        }
    }

    fn sync(&self) -> Result<(), KvError> {
        self.lock().synced()
    }

    fn get(&self, keyspace: &Keyspace, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        self.lock().rows.get(keyspace, key)
    }

    fn view(&self) -> Result<Arc<dyn View>, KvError> {
        self.lock().rows.view()
    }

    fn compact(&self, keyspace: &Keyspace) -> Result<(), KvError> {
        self.lock().rows.compact(keyspace)
    }

    fn disk_bytes(&self) -> Result<u64, KvError> {
        self.lock().rows.disk_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_env::SeededRandom;

    #[test]
    fn a_power_cut_takes_only_what_was_not_synced_and_leaves_a_prefix() {
        let (mut fewest, mut most) = (usize::MAX, 0);
        for seed in 0..100 {
            let engine = SimEngine::default();
            let space = engine.open_keyspace("rows").unwrap();
            for number in 0..10_u8 {
                let mut batch = Batch::new();
                batch.put(&space, vec![number + 1], vec![number]);
                engine.commit(batch, Durability::Buffered).unwrap();
                if number == 4 {
                    engine.sync().unwrap();
                }
            }
            let left = engine.power_cut(&SeededRandom::new(seed));
            let space = left.open_keyspace("rows").unwrap();
            let there = |number: u8| left.get(&space, &[number + 1]).unwrap().is_some();
            let count = (0..10).take_while(|number| there(*number)).count();
            assert!((0..10).skip(count).all(|number| !there(number)), "a prefix");
            (fewest, most) = (fewest.min(count), most.max(count));
        }
        assert_eq!((fewest, most), (5, 10));
    }
}
