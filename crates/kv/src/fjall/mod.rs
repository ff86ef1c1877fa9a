//! The default engine: [fjall](https://docs.rs/fjall), a log-structured merge tree with one journal for all keyspaces.
//!
//! # Why recovery yields an exact prefix of the commits
//! Every batch is one checksummed record in the one journal, written under the journal's lock in sequence order, and
//! recovery stops at the first incomplete record. Only tables could run ahead of the journal: a memtable that is written
//! out (with `fsync`) while the journal records behind it are still in the page cache would, after a power cut, show
//! writes of one keyspace whose batch is otherwise lost. fjall syncs the journal before it writes a memtable out, but a
//! second memtable that is sealed between the two steps goes out with the first, unsynced. So this adapter decides itself
//! when a memtable is sealed ([`memtables`]), syncs the journal before it seals one, and admits no commit in between.
//!
//! # Why a view is a commit boundary
//! In fjall, writing out a table or creating a keyspace advances the sequence number that new snapshots read at, past a
//! batch that is just being applied; a snapshot taken then sees half of that batch. So this adapter takes snapshots under
//! the same lock as commits. The device flush of a synced commit happens outside that lock and is shared.

mod error;
mod lease;
mod memtables;
mod recover;
mod view;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bytes::Bytes;
use fjall::{AbstractTree, PersistMode};

use crate::batch::Op;
use crate::group::GroupSync;
use crate::keyspace::check_name;
use crate::{Batch, Durability, Engine, Keyspace, KvError, Options, View, files, wait};
use error::{fjall_error, io_error};
use lease::SequenceLease;
use memtables::MemtablePolicy;
use recover::{create_options, open_database};
use view::FjallView;

/// The adapter's own rows. Not a name that a caller can use.
const HOME_KEYSPACE: &str = "#esker";
/// fjall stalls writers at four sealed memtables, holding our lock; we stop one earlier, outside it.
const SEALED_MEMTABLES_MAX: usize = 3;
/// fjall stalls writers at twenty level-zero runs, holding our lock; we stop earlier, outside it.
const LEVEL_ZERO_RUNS_MAX: usize = 18;

/// The open keyspaces by id. A view holds the map of its own time, and with it the keyspaces dropped since.
type Spaces = BTreeMap<u64, fjall::Keyspace>;

/// The engine over fjall. Dropping it closes the store without losing buffered commits.
pub struct FjallEngine {
    db: fjall::Database,
    path: PathBuf,
    policy: MemtablePolicy,
    home: fjall::Keyspace,
    spaces: RwLock<Arc<Spaces>>,
    /// Held while commits are applied, snapshots taken, memtables sealed and keyspaces made or dropped.
    order: Mutex<Ordered>,
    group: GroupSync,
}

/// What belongs to the lock that orders commits.
struct Ordered {
    /// Committed since the memtables were last looked at.
    unplanned_bytes: u64,
    lease: SequenceLease,
}

impl fmt::Debug for FjallEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FjallEngine").field("path", &self.path).finish_non_exhaustive()
    }
}

impl FjallEngine {
    /// Opens the store in the directory `path`, creating it when it does not exist.
    ///
    /// # Errors
    /// [`KvError::Locked`], [`KvError::Corruption`], [`KvError::Io`].
    pub fn open(path: &Path, options: &Options) -> Result<Self, KvError> {
        const DOING: &str = "open a fjall store";
        files::create_dir(path).map_err(|e| KvError::io(DOING, e))?;
        let db = open_database(path, options)?;
        let open = |name: &str| db.keyspace(name, create_options).map_err(|e| fjall_error(DOING, e));
        let home = open(HOME_KEYSPACE)?;
        let lease = SequenceLease::resume(&db, &home)?;
        let mut spaces = Spaces::new();
        for name in db.list_keyspace_names() {
            if &*name != HOME_KEYSPACE {
                let space = open(&name)?;
                spaces.insert(space.id(), space);
            }
        }
        let policy = MemtablePolicy { one: options.memtable_bytes, all: options.write_buffer_bytes };
        Ok(Self {
            db,
            path: path.to_owned(),
            policy,
            home,
            spaces: RwLock::new(Arc::new(spaces)),
            order: Mutex::new(Ordered { unplanned_bytes: 0, lease }),
            group: GroupSync::default(),
        })
    }

    fn order(&self) -> MutexGuard<'_, Ordered> {
        // What the lock protects is in fjall, which poisons itself when it must.
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The order lock, for calls that use up sequence numbers.
    fn order_for_write(&self, doing: &'static str) -> Result<MutexGuard<'_, Ordered>, KvError> {
        self.group.check(doing)?;
        let mut order = self.order();
        order.lease.renew(&self.db, &self.home).inspect_err(|_| self.group.fail())?;
        Ok(order)
    }

    fn spaces(&self) -> Arc<Spaces> {
        Arc::clone(&self.spaces.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change_spaces(&self, change: impl FnOnce(&mut Spaces)) {
        let mut spaces = self.spaces.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut spaces));
    }

    fn space(&self, doing: &'static str, keyspace: &Keyspace) -> Result<fjall::Keyspace, KvError> {
        find(&self.spaces(), doing, keyspace).cloned()
    }

    /// Applies the batch and returns its number. Nothing is written unless every keyspace exists.
    fn apply(&self, ops: Vec<Op>, bytes: usize) -> Result<u64, KvError> {
        const DOING: &str = "commit";
        self.wait_for_room(&ops)?;
        let mut order = self.order_for_write(DOING)?;
        let spaces = self.spaces();
        let mut writes = self.db.batch().durability(Some(PersistMode::Buffer));
        for op in ops {
            let space = find(&spaces, DOING, op.keyspace())?;
            match op {
                Op::Put { key, value, .. } => writes.insert(space, key, value),
                Op::Delete { key, .. } => writes.remove(space, key),
            }
        }
        writes.commit().map_err(|e| fjall_error(DOING, e)).inspect_err(|_| self.group.fail())?;
        let number = self.group.applied_one();
        order.unplanned_bytes += bytes as u64;
        if order.unplanned_bytes >= MemtablePolicy::PLAN_EVERY_BYTES {
            order.unplanned_bytes = 0;
            self.seal_full_memtables(&spaces, &order)?;
        }
        Ok(number)
    }

    fn seal_full_memtables(&self, spaces: &Spaces, held: &MutexGuard<'_, Ordered>) -> Result<(), KvError> {
        let sizes: Vec<_> =
            spaces.iter().map(|(id, space)| (*id, space.tree.active_memtable().size())).collect();
        let is_flushing = spaces.values().any(|space| space.tree.sealed_memtable_count() > 0);
        let sealed_journals = self.db.journal_count().saturating_sub(1);
        for id in self.policy.plan(&sizes, sealed_journals, is_flushing) {
            if let Some(space) = spaces.get(&id) {
                self.seal(space, held)?;
            }
        }
        Ok(())
    }

    /// Hands the memtable over to be written out, after the journal behind it is durable. False if it was empty.
    fn seal(&self, space: &fjall::Keyspace, _held: &MutexGuard<'_, Ordered>) -> Result<bool, KvError> {
        self.sync_through(self.group.applied())?;
        space.rotate_memtable().map_err(|e| fjall_error("seal a memtable", e))
    }

    fn sync_through(&self, number: u64) -> Result<(), KvError> {
        let flush = || self.db.persist(PersistMode::SyncData).map_err(|e| fjall_error("sync", e));
        self.group.sync_through(number, flush)
    }

    /// Waits while fjall lags behind, so that the waiting does not happen under our lock and readers go on.
    fn wait_for_room(&self, ops: &[Op]) -> Result<(), KvError> {
        let spaces = self.spaces();
        let mut touched: Vec<u64> = ops.iter().map(|op| op.keyspace().id()).collect();
        touched.sort_unstable();
        touched.dedup();
        for space in touched.iter().filter_map(|id| spaces.get(id)) {
            self.wait_until("commit", || {
                space.tree.sealed_memtable_count() < SEALED_MEMTABLES_MAX
                    && space.tree.l0_run_count() < LEVEL_ZERO_RUNS_MAX
            })?;
        }
        Ok(())
    }

    fn wait_until(&self, doing: &'static str, is_reached: impl Fn() -> bool) -> Result<(), KvError> {
        while !is_reached() {
            // A crashed worker would let us wait for ever; it poisons the store, which this call reports.
            self.db.persist(PersistMode::Buffer).map_err(|e| fjall_error(doing, e))?;
            wait::before_looking_again();
        }
        Ok(())
    }

    /// Lets fjall notice that old views are closed. Sealing any memtable that is not empty does it.
    fn advance_collection(&self, held: &MutexGuard<'_, Ordered>) -> Result<(), KvError> {
        self.home.insert("tick", "").map_err(|e| fjall_error("compact", e))?;
        self.seal(&self.home, held).map(|_| ())
    }
}

impl Engine for FjallEngine {
    fn open_keyspace(&self, name: &str) -> Result<Keyspace, KvError> {
        const DOING: &str = "open a keyspace";
        check_name(name)?;
        let _order = self.order_for_write(DOING)?;
        if let Some((id, _)) = self.spaces().iter().find(|(_, space)| &**space.name() == name) {
            return Ok(Keyspace::new(*id, name));
        }
        let space = self.db.keyspace(name, create_options).map_err(|e| fjall_error(DOING, e))?;
        // fjall syncs the keyspace's own directory, but not the entry for it in the directory above.
        if let Some(parent) = space.path().parent() {
            files::sync(parent).map_err(|e| io_error(DOING, e))?;
        }
        let id = space.id();
        self.change_spaces(|spaces| {
            spaces.insert(id, space);
        });
        Ok(Keyspace::new(id, name))
    }

    fn drop_keyspace(&self, name: &str) -> Result<(), KvError> {
        const DOING: &str = "drop a keyspace";
        let _order = self.order_for_write(DOING)?;
        let found = self.spaces().iter().find(|(_, s)| &**s.name() == name).map(|(id, s)| (*id, s.clone()));
        let Some((id, space)) = found else { return Ok(()) };
        // The drop is durable at once, so everything before it must be, too.
        self.sync_through(self.group.applied())?;
        self.change_spaces(|spaces| {
            spaces.remove(&id);
        });
        self.db.delete_keyspace(space).map_err(|e| fjall_error(DOING, e)).inspect_err(|_| self.group.fail())
    }

    fn keyspaces(&self) -> Result<Vec<String>, KvError> {
        let mut names: Vec<_> = self.spaces().values().map(|space| space.name().to_string()).collect();
        names.sort();
        Ok(names)
    }

    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), KvError> {
        let bytes = batch.approximate_bytes();
        let ops = batch.into_last_writes()?;
        let number = if ops.is_empty() { self.group.applied() } else { self.apply(ops, bytes)? };
        match durability {
            Durability::Buffered => Ok(()),
            Durability::Synced => self.sync_through(number),
        }
    }

    fn sync(&self) -> Result<(), KvError> {
        self.sync_through(self.group.applied())
    }

    fn get(&self, keyspace: &Keyspace, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        let space = self.space("get", keyspace)?;
        if key.is_empty() {
            return Ok(None);
        }
        Ok(space.get(key).map_err(|e| fjall_error("get", e))?.map(Bytes::from))
    }

    fn view(&self) -> Result<Arc<dyn View>, KvError> {
        let _order = self.order();
        Ok(Arc::new(FjallView::new(self.db.snapshot(), self.spaces())))
    }

    fn compact(&self, keyspace: &Keyspace) -> Result<(), KvError> {
        const DOING: &str = "compact";
        let space = self.space(DOING, keyspace)?;
        {
            let order = self.order_for_write(DOING)?;
            self.seal(&space, &order)?;
            self.advance_collection(&order)?;
        }
        self.wait_until(DOING, || space.tree.sealed_memtable_count() == 0)?;
        space.major_compact().map_err(|e| fjall_error(DOING, e))
    }

    fn disk_bytes(&self) -> Result<u64, KvError> {
        files::allocated_bytes(&self.path).map_err(|e| KvError::io("measure the store", e))
    }
}

/// The keyspace behind the handle.
fn find<'a>(
    spaces: &'a Spaces,
    doing: &'static str,
    keyspace: &Keyspace,
) -> Result<&'a fjall::Keyspace, KvError> {
    let found = spaces.get(&keyspace.id()).filter(|space| &**space.name() == keyspace.name());
    found.ok_or_else(|| KvError::unknown(doing, keyspace))
}
