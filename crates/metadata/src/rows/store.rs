//! One group's rows in the engine. Every method blocks: async callers use a blocking thread.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use esker_index::codec::Malformed;
use esker_index::keys;
use esker_index::records::{GroupRecord, Record};
use esker_index::rows::RowsError;
use esker_kv::{Batch, Durability, Engine, Keyspace, KvError};
use esker_types::{GroupId, Timestamp};
use tokio::sync::watch;

use crate::codec::{Encoded, encode_option};
use crate::rows::pointer::{MARK, Mark, POINTERS, keyspace_name, keyspace_prefix};
use crate::rows::{Pointer, RowsView};
use crate::types::SnapshotMeta;

/// The state machine can't go on; its node must stop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowsFailure {
    #[error("the rows of a group: {0}")]
    Engine(#[from] KvError),
    #[error("the rows of a group: {0}")]
    Index(#[from] RowsError),
    #[error("the rows of a group: {0}")]
    Malformed(#[from] Malformed),
    #[error(
        "the rows of a group are not the result of log entry {}, as the engine's row about them says: the engine lost \
         what was written to one of its keyspaces",
        entry(*pointer)
    )]
    Torn { pointer: Option<u64> },
    #[error("log entry {index} was to be applied, but not the one before it")]
    Gap { index: u64 },
}

/// The rows of one group's replica on this node.
#[derive(Debug)]
pub(crate) struct GroupRows {
    engine: Arc<dyn Engine>,
    group: GroupId,
    pointers: Keyspace,
    current: RwLock<Current>,
    /// The next generation to be received; unique while this value lives, so that two receptions never share a
    /// keyspace.
    next_generation: AtomicU64,
    /// The number of log entries that are applied: one more than the last one's index.
    applied_entries: watch::Sender<u64>,
    /// The group's logical time, in microseconds.
    time: AtomicU64,
}

#[derive(Debug)]
struct Current {
    keyspace: Keyspace,
    pointer: Pointer,
}

impl GroupRows {
    /// Opens the group's rows, and removes what interrupted installs left. What it finds is durable on return: a
    /// process that was killed may have left rows that only the kernel knows, and the log may be purged below them.
    pub(crate) fn open(engine: Arc<dyn Engine>, group: GroupId) -> Result<GroupRows, RowsFailure> {
        let pointers = engine.open_keyspace(POINTERS)?;
        let pointer = match engine.get(&pointers, &Pointer::key(group))? {
            Some(bytes) => Pointer::decode(bytes)?,
            None => Pointer::default(),
        };
        let name = keyspace_name(group, pointer.generation);
        for leftover in engine.keyspaces()? {
            if leftover.starts_with(&keyspace_prefix(group)) && leftover != name {
                engine.drop_keyspace(&leftover)?;
            }
        }
        let keyspace = engine.open_keyspace(&name)?;
        if pointer.mark == Mark::Present
            && engine.get(&keyspace, MARK)? != Some(encode_option(pointer.applied.as_ref()))
        {
            return Err(RowsFailure::Torn { pointer: pointer.applied.map(|id| id.index) });
        }
        engine.sync()?;
        let next_generation = AtomicU64::new(pointer.generation + 1);
        let applied_entries = watch::Sender::new(applied_entries(&pointer));
        let time = AtomicU64::new(time_of(engine.get(&keyspace, &keys::group())?)?.0);
        let current = RwLock::new(Current { keyspace, pointer });
        Ok(GroupRows { engine, group, pointers, current, next_generation, applied_entries, time })
    }

    pub(crate) fn group(&self) -> GroupId {
        self.group
    }

    pub(crate) fn engine(&self) -> &dyn Engine {
        self.engine.as_ref()
    }

    /// The group's logical time: that of the last command that was applied.
    pub(crate) fn time(&self) -> Timestamp {
        Timestamp(self.time.load(Ordering::Relaxed))
    }

    /// The last applied log entry and membership.
    pub(crate) fn pointer(&self) -> Pointer {
        self.current.read().unwrap_or_else(PoisonError::into_inner).pointer.clone()
    }

    /// The number of log entries that [`view`](Self::view) includes, as it grows.
    pub(crate) fn watch_applied(&self) -> watch::Receiver<u64> {
        self.applied_entries.subscribe()
    }

    /// The rows as of the last applied log entry.
    pub(crate) fn view(&self) -> Result<RowsView, RowsFailure> {
        // Commits happen under the write lock, so the view is exactly what the pointer says.
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let view = self.engine.view()?;
        Ok(RowsView { view, keyspace: current.keyspace.clone(), pointer: current.pointer.clone() })
    }

    /// Commits row changes with the log entry that they result from, without syncing them.
    pub(crate) fn commit(
        &self,
        changes: BTreeMap<Vec<u8>, Option<Bytes>>,
        meta: SnapshotMeta,
    ) -> Result<(), RowsFailure> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let pointer = Pointer {
            generation: current.pointer.generation,
            applied: meta.last_log_id,
            membership: meta.last_membership,
            mark: Mark::Present,
        };
        let time = time_of(changes.get(&keys::group()).cloned().flatten())?;
        let mut batch = Batch::new();
        for (key, change) in changes {
            match change {
                Some(value) => batch.put(&current.keyspace, key, value),
                None => batch.delete(&current.keyspace, key),
            }
        }
        batch.put(&current.keyspace, MARK, encode_option(pointer.applied.as_ref()));
        batch.put(&self.pointers, Pointer::key(self.group), pointer.encode());
        self.engine.commit(batch, Durability::Buffered)?;
        self.time.fetch_max(time.0, Ordering::Relaxed);
        self.applied_entries.send_replace(applied_entries(&pointer));
        current.pointer = pointer;
        Ok(())
    }

    /// A fresh keyspace for rows that are about to be received.
    pub(crate) fn fresh_keyspace(&self) -> Result<(u64, Keyspace), RowsFailure> {
        let generation = self.next_generation.fetch_add(1, Ordering::Relaxed);
        Ok((generation, self.engine.open_keyspace(&keyspace_name(self.group, generation))?))
    }

    /// Makes received rows the group's rows, durably and in one step, and drops the old ones.
    pub(crate) fn switch(
        &self,
        generation: u64,
        keyspace: Keyspace,
        meta: SnapshotMeta,
    ) -> Result<(), RowsFailure> {
        let SnapshotMeta { last_log_id: applied, last_membership: membership } = meta;
        let pointer = Pointer { generation, applied, membership, mark: Mark::Present };
        let time = time_of(self.engine.get(&keyspace, &keys::group())?)?;
        let mut batch = Batch::new();
        batch.put(&keyspace, MARK, encode_option(pointer.applied.as_ref()));
        batch.put(&self.pointers, Pointer::key(self.group), pointer.encode());
        let old = {
            let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
            self.engine.commit(batch, Durability::Synced)?;
            self.time.fetch_max(time.0, Ordering::Relaxed);
            self.applied_entries.send_replace(applied_entries(&pointer));
            std::mem::replace(&mut *current, Current { keyspace, pointer })
        };
        self.engine.drop_keyspace(old.keyspace.name())?;
        Ok(())
    }
}

fn entry(index: Option<u64>) -> String {
    index.map_or_else(|| "0".to_owned(), |index| index.to_string())
}

/// The logical time in a group's own row, if there is one.
fn time_of(row: Option<Bytes>) -> Result<Timestamp, Malformed> {
    Ok(row.map(GroupRecord::decode).transpose()?.map_or(Timestamp(0), |record| record.time))
}

fn applied_entries(pointer: &Pointer) -> u64 {
    pointer.applied.map_or(0, |id| id.index + 1)
}
