//! The second engine: [sled](https://docs.rs/sled) 0.34, a paged tree over a log.
//!
//! sled lacks three things that the trait promises, and this adapter supplies them:
//!
//! * *Atomic commits over keyspaces.* Every keyspace lives in the one default tree, behind an eight-byte prefix
//!   ([`layout`]), because sled applies a batch atomically within one tree only.
//! * *Views.* sled's scans see newer values. While a view is open, every commit first notes the values that it is about to
//!   replace ([`history`]); a view reads the tree first and then lets these notes overrule what it read.
//! * *Durability.* On Linux sled's `flush` asks for write-out (`sync_file_range`) but does not flush the device, and never
//!   syncs the files that hold large values. A synced commit does both afterwards ([`durable`]).
//!
//! One thing cannot be supplied from outside: when sled moves pages to reuse log space, it does so without a device flush.
//! A power cut at that moment can damage rows that were synced long ago. A killed process loses nothing that was synced.

mod durable;
mod error;
mod history;
mod layout;
mod view;

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use sled::{IVec, Tree};

use crate::batch::Op;
use crate::group::GroupSync;
use crate::keyspace::check_name;
use crate::{Batch, Durability, Engine, Keyspace, KvError, Options, View, files, wait};
use durable::Flusher;
use error::sled_error;
use history::{CommitNumber, History};
use layout::DirectoryRow;
use view::SledView;

/// How many rows of a dropped keyspace one batch removes: sled keeps a batch in memory and blocks readers meanwhile.
const RECLAIM_ROWS: usize = 1000;
/// sled writes buffered commits out at least this often, in milliseconds.
const FLUSH_EVERY_MS: u64 = 500;

/// The engine over sled. Dropping it writes buffered commits out.
#[derive(Debug)]
pub struct SledEngine {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    db: sled::Db,
    /// Held while commits are applied, views opened and keyspaces made or dropped. Taken before `history`.
    order: Mutex<()>,
    history: RwLock<History>,
    group: GroupSync,
    flusher: Flusher,
    /// Keeps other processes out. Last, so that it outlives `db`.
    _lock: File,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledEngine").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SledEngine {
    /// Opens the store in the directory `path`, creating it when it does not exist.
    ///
    /// # Errors
    /// [`KvError::Locked`], [`KvError::Corruption`], [`KvError::Io`].
    pub fn open(path: &Path, options: &Options) -> Result<Self, KvError> {
        const DOING: &str = "open a sled store";
        files::create_dir(path).map_err(|e| KvError::io(DOING, e))?;
        let config = sled::Config::new()
            .path(path)
            .cache_capacity(options.cache_bytes)
            .flush_every_ms(Some(FLUSH_EVERY_MS))
            .print_profile_on_drop(false);
        let lock = files::try_lock(&path.join("lock")).map_err(|e| KvError::io(DOING, e))?;
        let lock = lock.ok_or(KvError::Locked { doing: DOING.into() })?;
        let db = open_db(&config)?;
        files::sync(path).map_err(|e| KvError::io(DOING, e))?;
        let mut history = History::default();
        layout::load(&db, &mut history)?;
        let shared = Shared {
            path: path.to_owned(),
            flusher: Flusher::new(path),
            db,
            order: Mutex::new(()),
            history: RwLock::new(history),
            group: GroupSync::default(),
            _lock: lock,
        };
        shared.reclaim()?;
        Ok(Self { shared: Arc::new(shared) })
    }
}

/// Opens sled while we hold our own lock. sled's lock can then only be held by threads of a sled in this process that is
/// closing: they finish on their own, some time after it was dropped.
fn open_db(config: &sled::Config) -> Result<sled::Db, KvError> {
    loop {
        match config.open().map_err(|e| sled_error("open a sled store", e)) {
            Err(KvError::Locked { .. }) => wait::before_looking_again(),
            result => return result,
        }
    }
}

impl Shared {
    fn tree(&self) -> &Tree {
        &self.db
    }

    fn order(&self) -> MutexGuard<'_, ()> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // The history's methods leave it consistent at every point where they could panic, so a poisoned lock is usable.
    fn history(&self) -> RwLockReadGuard<'_, History> {
        self.history.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn history_mut(&self) -> RwLockWriteGuard<'_, History> {
        self.history.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, doing: &'static str, stored_key: &[u8]) -> Result<Option<Bytes>, KvError> {
        let value = self.tree().get(stored_key).map_err(|e| sled_error(doing, e))?;
        Ok(value.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn write(&self, doing: &'static str, batch: sled::Batch) -> Result<u64, KvError> {
        self.group.check(doing)?;
        self.tree()
            .apply_batch(batch)
            .map_err(|e| sled_error(doing, e))
            .inspect_err(|_| self.group.fail())?;
        Ok(self.group.applied_one())
    }

    fn sync_through(&self, number: u64) -> Result<(), KvError> {
        self.group.sync_through(number, || self.flusher.flush(self.tree()))
    }

    fn apply(&self, ops: Vec<Op>) -> Result<u64, KvError> {
        const DOING: &str = "commit";
        let _order = self.order();
        let mut batch = sled::Batch::default();
        let mut replaced = Vec::new();
        let has_views = {
            let history = self.history();
            for op in &ops {
                history.check(DOING, op.keyspace(), CommitNumber::MAX)?;
            }
            history.has_views()
        };
        for op in ops {
            let stored_key = layout::stored_key(op.keyspace().id(), op.key());
            if has_views {
                replaced.push((stored_key.clone(), self.read(DOING, &stored_key)?));
            }
            match op {
                Op::Put { value, .. } => batch.insert(stored_key.as_ref(), value.as_ref()),
                Op::Delete { .. } => batch.remove(stored_key.as_ref()),
            }
        }
        // The notes come first: a view that meets a new value must find the note that overrules it.
        self.history_mut().commit(replaced);
        self.write(DOING, batch)
    }

    /// Deletes the rows of dropped keyspaces that no view reads any more.
    fn reclaim(&self) -> Result<(), KvError> {
        const DOING: &str = "delete a dropped keyspace's rows";
        let dead = self.history_mut().take_dead_spaces();
        for id in dead {
            loop {
                let rows = self.tree().range::<Bytes, _>(layout::all_rows(id)).keys().take(RECLAIM_ROWS);
                let keys = rows.collect::<Result<Vec<IVec>, _>>().map_err(|e| sled_error(DOING, e))?;
                let mut batch = sled::Batch::default();
                let is_last = keys.is_empty();
                keys.into_iter().for_each(|key| batch.remove(key));
                if is_last {
                    batch.remove(DirectoryRow::Dropped(id).key().as_ref());
                }
                self.write(DOING, batch)?;
                if is_last {
                    break;
                }
            }
        }
        Ok(())
    }

    fn close_view(&self, at: CommitNumber) {
        self.history_mut().close_view(at);
        if let Err(error) = self.reclaim() {
            // Nobody waits for it here; the next open starts over.
            tracing::warn!(%error, "space of a dropped keyspace is not freed yet");
        }
    }
}

impl Engine for SledEngine {
    fn open_keyspace(&self, name: &str) -> Result<Keyspace, KvError> {
        const DOING: &str = "open a keyspace";
        check_name(name)?;
        let shared = &self.shared;
        let _order = shared.order();
        if let Some(keyspace) = shared.history().live(name) {
            return Ok(keyspace);
        }
        let id = shared.history().next_id();
        let mut batch = sled::Batch::default();
        batch.insert(DirectoryRow::Name(name).key().as_ref(), &id.to_be_bytes());
        batch.insert(DirectoryRow::NextId.key().as_ref(), &(id + 1).to_be_bytes());
        let number = shared.write(DOING, batch)?;
        shared.sync_through(number)?;
        Ok(shared.history_mut().create(id, name))
    }

    fn drop_keyspace(&self, name: &str) -> Result<(), KvError> {
        const DOING: &str = "drop a keyspace";
        let shared = &self.shared;
        {
            let _order = shared.order();
            let Some(keyspace) = shared.history().live(name) else { return Ok(()) };
            let mut batch = sled::Batch::default();
            batch.remove(DirectoryRow::Name(name).key().as_ref());
            batch.insert(DirectoryRow::Dropped(keyspace.id()).key().as_ref(), &[]);
            let number = shared.write(DOING, batch)?;
            shared.sync_through(number)?;
            shared.history_mut().drop_space(keyspace.id());
        }
        shared.reclaim()
    }

    fn keyspaces(&self) -> Result<Vec<String>, KvError> {
        Ok(self.shared.history().names())
    }

    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), KvError> {
        let shared = &self.shared;
        let ops = batch.into_last_writes()?;
        let number = if ops.is_empty() { shared.group.applied() } else { shared.apply(ops)? };
        match durability {
            Durability::Buffered => Ok(()),
            Durability::Synced => shared.sync_through(number),
        }
    }

    fn sync(&self) -> Result<(), KvError> {
        self.shared.sync_through(self.shared.group.applied())
    }

    fn get(&self, keyspace: &Keyspace, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        self.shared.history().check("get", keyspace, CommitNumber::MAX)?;
        self.shared.read("get", &layout::stored_key(keyspace.id(), key))
    }

    fn view(&self) -> Result<Arc<dyn View>, KvError> {
        let _order = self.shared.order();
        let at = self.shared.history_mut().open_view();
        Ok(Arc::new(SledView::new(Arc::clone(&self.shared), at)))
    }

    fn compact(&self, keyspace: &Keyspace) -> Result<(), KvError> {
        // sled removes keys in place: there are no tombstones to step over.
        self.shared.history().check("compact", keyspace, CommitNumber::MAX)
    }

    fn disk_bytes(&self) -> Result<u64, KvError> {
        files::allocated_bytes(&self.shared.path).map_err(|e| KvError::io("measure the store", e))
    }
}
