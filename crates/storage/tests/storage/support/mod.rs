//! What the tests share: a store over a simulated disk, and ways to look at it.

pub(crate) mod crash;

use esker_env::{Clock, Disk, ManualClock, Random, SeededRandom, SimDisk};
use esker_kv::{Batch, Direction, Durability, Engine, KeyRange, MemoryEngine};
use esker_storage::{
    ClusterChoice, ClusterId, Components, DataDir, FreeSpace, Identity, IndexStart, OpenReport, SegmentStore,
    StorageOptions,
};
use esker_types::{NodeId, Timestamp};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An identity for golden bytes.
pub(crate) fn identity() -> Identity {
    Identity { cluster: ClusterId::from_bytes(*b"cluster 01234567"), node: NodeId(7) }
}

/// Options with segments small enough that a few blobs fill several.
pub(crate) fn small_segments() -> StorageOptions {
    StorageOptions {
        segment_bytes: 300_000,
        allocate_bytes: 64 << 10,
        delete_reserve_bytes: 4096,
        free_space: FreeSpace::Bytes(0),
        buffer_bytes: 2 << 20,
        ..StorageOptions::default()
    }
}

/// A disk, an engine, and what else survives a restart.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) engine: Arc<dyn Engine>,
    /// The data directory.
    pub(crate) root: PathBuf,
    /// Where its segments are.
    pub(crate) dir: PathBuf,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: StorageOptions,
}

impl World {
    pub(crate) fn new(disk: impl Disk + 'static) -> World {
        World::at(disk, Path::new("/data"))
    }

    pub(crate) fn at(disk: impl Disk + 'static, root: &Path) -> World {
        World {
            disk: Arc::new(disk),
            engine: Arc::new(MemoryEngine::default()),
            root: root.to_owned(),
            dir: root.join("segments"),
            random: Arc::new(SeededRandom::new(1)),
            clock: Arc::new(ManualClock::new(Timestamp(0))),
            options: small_segments(),
        }
    }

    pub(crate) fn simulated() -> (World, SimDisk) {
        let disk = SimDisk::new();
        (World::new(disk.clone()), disk)
    }

    /// The same, without an index.
    pub(crate) fn without_index(&self) -> World {
        World { engine: Arc::new(MemoryEngine::default()), ..self.clone() }
    }

    pub(crate) fn data_dir(&self) -> DataDir {
        let cluster = ClusterChoice::FoundOrNew;
        DataDir::open_or_create(&*self.disk, &self.root, cluster, &*self.random).unwrap()
    }

    pub(crate) fn components(&self) -> Components {
        Components {
            disk: self.disk.clone(),
            engine: self.engine.clone(),
            dir: Arc::new(self.data_dir()),
            random: self.random.clone(),
            clock: self.clock.clone(),
        }
    }

    pub(crate) fn open(&self) -> (SegmentStore, OpenReport) {
        SegmentStore::open(self.components(), self.options.clone(), IndexStart::Recover).unwrap()
    }

    pub(crate) fn rebuild(&self) -> (SegmentStore, OpenReport) {
        SegmentStore::open(self.components(), self.options.clone(), IndexStart::Rebuild).unwrap()
    }

    /// The segment files, by name.
    pub(crate) fn segment_files(&self) -> Vec<PathBuf> {
        let entries = self.disk.list(&self.dir).unwrap();
        entries.into_iter().map(|entry| self.dir.join(entry.name)).collect()
    }
}

/// A copy of the index, so that each case starts from the same.
pub(crate) fn replica(engine: &dyn Engine) -> Arc<dyn Engine> {
    let copy = MemoryEngine::default();
    let view = engine.view().unwrap();
    for name in engine.keyspaces().unwrap() {
        let from = engine.open_keyspace(&name).unwrap();
        let to = Engine::open_keyspace(&copy, &name).unwrap();
        let mut batch = Batch::new();
        for pair in view.range(&from, KeyRange::all(), Direction::Forward).unwrap() {
            let (key, value) = pair.unwrap();
            batch.put(&to, key, value);
        }
        Engine::commit(&copy, batch, Durability::Buffered).unwrap();
    }
    Arc::new(copy)
}

/// A runtime with more than one thread, as a server has.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}
