//! An engine in memory: the model that tests compare against, and the one that counts what scans cost.
//!
//! Every key holds a short chain of versions stamped with commit numbers. A view reads the newest version at or below its
//! own number, so commits never copy the map. Versions that no view can reach any more are pruned.

mod store;
mod view;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;

use crate::keyspace::check_name;
use crate::{Batch, Durability, Engine, Keyspace, KvError, View};
use store::Store;
use view::MemoryView;

/// What becomes of deleted keys that no view needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Tombstones {
    /// They disappear at once.
    #[default]
    Dropped,
    /// They stay until [`compact`](Engine::compact), and scans step over them, as in a log-structured engine between
    /// compactions. Tests use this to prove that a listing costs what its page holds.
    Kept,
}

/// The engine in memory. Nothing survives dropping it; `Synced` and `Buffered` mean the same.
#[derive(Debug, Default)]
pub struct MemoryEngine {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    store: RwLock<Store>,
    steps: AtomicU64,
}

impl MemoryEngine {
    /// An empty engine.
    #[must_use]
    pub fn new(tombstones: Tombstones) -> Self {
        Self {
            shared: Arc::new(Shared { store: RwLock::new(Store::new(tombstones)), steps: AtomicU64::new(0) }),
        }
    }

    /// How many stored keys all scans together have visited since the engine was made, deleted keys included.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.shared.steps.load(Ordering::Relaxed)
    }
}

impl Shared {
    // A writer that panicked can have left only a batch half applied, and batches are checked before the first change;
    // so a poisoned lock means a bug in this module, and the panic may travel on.
    fn read(&self) -> RwLockReadGuard<'_, Store> {
        self.store.read().expect("no writer panics while it holds the store")
    }

    fn write(&self) -> RwLockWriteGuard<'_, Store> {
        self.store.write().expect("no writer panics while it holds the store")
    }
}

impl Engine for MemoryEngine {
    fn open_keyspace(&self, name: &str) -> Result<Keyspace, KvError> {
        check_name(name)?;
        Ok(self.shared.write().open_keyspace(name))
    }

    fn drop_keyspace(&self, name: &str) -> Result<(), KvError> {
        self.shared.write().drop_keyspace(name);
        Ok(())
    }

    fn keyspaces(&self) -> Result<Vec<String>, KvError> {
        Ok(self.shared.read().names())
    }

    fn commit(&self, batch: Batch, _durability: Durability) -> Result<(), KvError> {
        let ops = batch.into_last_writes()?;
        self.shared.write().commit(ops)
    }

    fn sync(&self) -> Result<(), KvError> {
        Ok(())
    }

    fn get(&self, keyspace: &Keyspace, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        self.shared.read().get_newest(keyspace, key)
    }

    fn view(&self) -> Result<Arc<dyn View>, KvError> {
        Ok(Arc::new(MemoryView::open(Arc::clone(&self.shared))))
    }

    fn compact(&self, keyspace: &Keyspace) -> Result<(), KvError> {
        self.shared.write().compact(keyspace)
    }

    fn disk_bytes(&self) -> Result<u64, KvError> {
        Ok(self.shared.read().bytes())
    }
}
