//! An engine for tests that a power cut leaves as it was at its last sync.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use esker_kv::{
    Batch, Direction, Durability, Engine, KeyRange, Keyspace, KvError, MemoryEngine, Tombstones, View,
};

#[derive(Debug)]
pub(super) struct ForgetfulEngine {
    inner: Arc<dyn Engine>,
    synced: Mutex<Arc<dyn Engine>>,
}

impl ForgetfulEngine {
    pub(super) fn new(inner: Arc<dyn Engine>) -> ForgetfulEngine {
        let synced = Mutex::new(copy(inner.as_ref()));
        ForgetfulEngine { inner, synced }
    }

    pub(super) fn as_of_last_sync(&self) -> Arc<dyn Engine> {
        copy(self.synced.lock().unwrap().as_ref())
    }
}

/// What the engine holds at this moment, an exact prefix of its commits over all keyspaces.
pub(super) fn copy(engine: &dyn Engine) -> Arc<dyn Engine> {
    let view = engine.view().unwrap();
    let copy = MemoryEngine::new(Tombstones::Dropped);
    for name in engine.keyspaces().unwrap() {
        let (from, to) = (engine.open_keyspace(&name).unwrap(), copy.open_keyspace(&name).unwrap());
        let mut batch = Batch::new();
        for pair in view.range(&from, KeyRange::all(), Direction::Forward).unwrap() {
            let (key, value) = pair.unwrap();
            batch.put(&to, key, value);
        }
        copy.commit(batch, Durability::Synced).unwrap();
    }
    Arc::new(copy)
}

impl Engine for ForgetfulEngine {
    fn open_keyspace(&self, name: &str) -> Result<Keyspace, KvError> {
        self.inner.open_keyspace(name)
    }

    fn drop_keyspace(&self, name: &str) -> Result<(), KvError> {
        self.inner.drop_keyspace(name)
    }

    fn keyspaces(&self) -> Result<Vec<String>, KvError> {
        self.inner.keyspaces()
    }

    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), KvError> {
        self.inner.commit(batch, durability)?;
        if durability == Durability::Synced { self.sync() } else { Ok(()) }
    }

    fn sync(&self) -> Result<(), KvError> {
        let mut synced = self.synced.lock().unwrap();
        *synced = copy(self.inner.as_ref());
        Ok(())
    }

    fn get(&self, keyspace: &Keyspace, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        self.inner.get(keyspace, key)
    }

    fn view(&self) -> Result<Arc<dyn View>, KvError> {
        self.inner.view()
    }

    fn compact(&self, keyspace: &Keyspace) -> Result<(), KvError> {
        self.inner.compact(keyspace)
    }

    fn disk_bytes(&self) -> Result<u64, KvError> {
        self.inner.disk_bytes()
    }
}
