//! Power cuts at any moment, of the disk and of the index together.
//!
//! An engine keeps an exact prefix of its commits, at least up to the last synced one. [`CrashEngine`] records them,
//! and [`CrashDisk`] takes an image before every change of the disk, under the same lock: so an image never shows
//! an index that is ahead of its disk.

use esker_env::{
    Allocation, DirEntry, Disk, DiskFile, DiskLock, DiskResult, DiskSpace, Metadata, OpenMode, Random,
    SeededRandom, SimDisk,
};
use esker_kv::{Batch, Durability, Engine, Keyspace, KvError, MemoryEngine, Op, View};
use std::io::IoSlice;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What was done to the engine.
#[derive(Debug, Clone)]
enum Event {
    Commit(Vec<Op>),
    Open(String),
    Drop(String),
}

#[derive(Debug, Default)]
struct Log {
    events: Vec<Event>,
    /// How many events are certain to survive.
    synced: usize,
    images: Vec<Image>,
    /// Take an image at one of this many chances; 0 is never.
    one_in: u64,
}

/// What a power cut left.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) disk: SimDisk,
    pub(crate) engine: Arc<dyn Engine>,
    /// What the probe said just before.
    pub(crate) promised: u64,
}

/// Decides when images are taken, and takes them.
#[derive(Debug, Clone)]
pub(crate) struct Crasher {
    disk: SimDisk,
    log: Arc<Mutex<Log>>,
    random: Arc<SeededRandom>,
    /// What had been acknowledged: read before an image is taken, so it never promises too much.
    pub(crate) acknowledged: Arc<std::sync::atomic::AtomicU64>,
}

impl Crasher {
    pub(crate) fn new(seed: u64) -> Crasher {
        Crasher {
            disk: SimDisk::new(),
            log: Arc::default(),
            random: Arc::new(SeededRandom::new(seed)),
            acknowledged: Arc::default(),
        }
    }

    pub(crate) fn disk(&self) -> CrashDisk {
        CrashDisk(self.clone())
    }

    pub(crate) fn engine(&self) -> Arc<dyn Engine> {
        Arc::new(CrashEngine { crasher: self.clone(), inner: MemoryEngine::default() })
    }

    /// From now on, takes an image at about one of `one_in` changes of the disk.
    pub(crate) fn arm(&self, one_in: u64) {
        self.log.lock().unwrap().one_in = one_in;
    }

    pub(crate) fn take_images(&self) -> Vec<Image> {
        std::mem::take(&mut self.log.lock().unwrap().images)
    }

    /// The power fails now.
    pub(crate) fn cut(&self) -> Image {
        let log = self.log.lock().unwrap();
        self.image(&log)
    }

    fn image(&self, log: &Log) -> Image {
        let promised = self.acknowledged.load(std::sync::atomic::Ordering::SeqCst);
        let disk = self.disk.power_cut(&*self.random);
        let unsynced = (log.events.len() - log.synced) as u64;
        let kept = log.synced + usize::try_from(self.random.below(unsynced + 1)).unwrap();
        Image { disk, engine: replay(&log.events[..kept]), promised }
    }

    fn probe(&self) {
        let mut log = self.log.lock().unwrap();
        if log.one_in > 0 && self.random.chance(1, log.one_in) {
            let image = self.image(&log);
            log.images.push(image);
        }
    }
}

fn replay(events: &[Event]) -> Arc<dyn Engine> {
    let engine = MemoryEngine::default();
    for event in events {
        match event {
            Event::Open(name) => drop(engine.open_keyspace(name).unwrap()),
            Event::Drop(name) => engine.drop_keyspace(name).unwrap(),
            Event::Commit(ops) => {
                let mut batch = Batch::new();
                for op in ops {
                    let keyspace = engine.open_keyspace(op.keyspace().name()).unwrap();
                    match op {
                        Op::Put { key, value, .. } => batch.put(&keyspace, key.clone(), value.clone()),
                        Op::Delete { key, .. } => batch.delete(&keyspace, key.clone()),
                    }
                }
                engine.commit(batch, Durability::Buffered).unwrap();
            }
        }
    }
    Arc::new(engine)
}

/// An engine that remembers its commits.
#[derive(Debug)]
struct CrashEngine {
    crasher: Crasher,
    inner: MemoryEngine,
}

impl CrashEngine {
    fn record(
        &self,
        event: Event,
        durability: Durability,
        act: impl FnOnce() -> Result<(), KvError>,
    ) -> Result<(), KvError> {
        let mut log = self.crasher.log.lock().unwrap();
        act()?;
        log.events.push(event);
        if durability == Durability::Synced {
            log.synced = log.events.len();
        }
        Ok(())
    }
}

impl Engine for CrashEngine {
    fn open_keyspace(&self, name: &str) -> Result<Keyspace, KvError> {
        self.record(Event::Open(name.into()), Durability::Synced, || Ok(()))?;
        self.inner.open_keyspace(name)
    }

    fn drop_keyspace(&self, name: &str) -> Result<(), KvError> {
        self.record(Event::Drop(name.into()), Durability::Synced, || self.inner.drop_keyspace(name))
    }

    fn keyspaces(&self) -> Result<Vec<String>, KvError> {
        self.inner.keyspaces()
    }

    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), KvError> {
        self.crasher.probe();
        let event = Event::Commit(batch.ops().to_vec());
        self.record(event, durability, || self.inner.commit(batch, durability))
    }

    fn sync(&self) -> Result<(), KvError> {
        let mut log = self.crasher.log.lock().unwrap();
        log.synced = log.events.len();
        Ok(())
    }

    fn get(&self, keyspace: &Keyspace, key: &[u8]) -> Result<Option<bytes::Bytes>, KvError> {
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

/// A disk that may lose power before any change.
#[derive(Debug, Clone)]
pub(crate) struct CrashDisk(Crasher);

impl Disk for CrashDisk {
    fn create_dir_all(&self, dir: &Path) -> DiskResult<()> {
        self.0.disk.create_dir_all(dir)
    }

    fn list(&self, dir: &Path) -> DiskResult<Vec<DirEntry>> {
        self.0.disk.list(dir)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> DiskResult<Arc<dyn DiskFile>> {
        self.0.probe();
        Ok(Arc::new(CrashFile(self.0.clone(), self.0.disk.open(path, mode)?)))
    }

    fn metadata(&self, path: &Path) -> DiskResult<Option<Metadata>> {
        self.0.disk.metadata(path)
    }

    fn remove_file(&self, path: &Path) -> DiskResult<()> {
        self.0.probe();
        self.0.disk.remove_file(path)
    }

    fn remove_dir_all(&self, dir: &Path) -> DiskResult<()> {
        self.0.disk.remove_dir_all(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> DiskResult<()> {
        self.0.probe();
        self.0.disk.rename(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> DiskResult<()> {
        self.0.probe();
        self.0.disk.sync_dir(dir)
    }

    fn space(&self, path: &Path) -> DiskResult<DiskSpace> {
        self.0.disk.space(path)
    }

    fn try_lock(&self, path: &Path) -> DiskResult<Option<DiskLock>> {
        self.0.disk.try_lock(path)
    }
}

#[derive(Debug)]
struct CrashFile(Crasher, Arc<dyn DiskFile>);

impl DiskFile for CrashFile {
    fn path(&self) -> &Path {
        self.1.path()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> DiskResult<usize> {
        self.1.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> DiskResult<()> {
        self.0.probe();
        self.1.write_at(bytes, offset)
    }

    fn write_vectored_at(&self, parts: &[IoSlice<'_>], offset: u64) -> DiskResult<()> {
        self.0.probe();
        self.1.write_vectored_at(parts, offset)
    }

    fn len(&self) -> DiskResult<u64> {
        self.1.len()
    }

    fn allocated_bytes(&self) -> DiskResult<u64> {
        self.1.allocated_bytes()
    }

    fn truncate(&self, len: u64) -> DiskResult<()> {
        self.0.probe();
        self.1.truncate(len)
    }

    fn allocate(&self, offset: u64, len: u64, allocation: Allocation) -> DiskResult<()> {
        self.0.probe();
        self.1.allocate(offset, len, allocation)
    }

    fn punch_hole(&self, offset: u64, len: u64) -> DiskResult<()> {
        self.0.probe();
        self.1.punch_hole(offset, len)
    }

    fn sync_data(&self) -> DiskResult<()> {
        self.0.probe();
        self.1.sync_data()
    }
}
