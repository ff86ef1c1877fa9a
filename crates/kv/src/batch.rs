//! A list of changes that an engine applies together or not at all.

use std::collections::HashMap;

use bytes::Bytes;

use crate::{Keyspace, KvError};

/// One change to one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sets the key's value.
    Put {
        /// Where the key lives.
        keyspace: Keyspace,
        /// The key.
        key: Bytes,
        /// Its new value.
        value: Bytes,
    },
    /// Removes the key, if it is there.
    Delete {
        /// Where the key lives.
        keyspace: Keyspace,
        /// The key.
        key: Bytes,
    },
}

impl Op {
    /// The keyspace that the change goes to.
    #[must_use]
    pub fn keyspace(&self) -> &Keyspace {
        match self {
            Self::Put { keyspace, .. } | Self::Delete { keyspace, .. } => keyspace,
        }
    }

    /// The key that changes.
    #[must_use]
    pub fn key(&self) -> &Bytes {
        match self {
            Self::Put { key, .. } | Self::Delete { key, .. } => key,
        }
    }

    fn value_bytes(&self) -> usize {
        match self {
            Self::Put { value, .. } => value.len(),
            Self::Delete { .. } => 0,
        }
    }
}

/// Changes over any number of keyspaces that [`Engine::commit`](crate::Engine::commit) applies atomically, in order: of
/// several changes to one key, the last one wins.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    ops: Vec<Op>,
    bytes: usize,
}

impl Batch {
    /// The longest key, in bytes (fjall stores the length in two bytes; sled's adapter prefixes eight bytes).
    pub const KEY_BYTES_MAX: usize = 60 * 1024;
    /// The longest value, in bytes. Object data belongs in volume files; rows are small.
    pub const VALUE_BYTES_MAX: usize = 64 * 1024 * 1024;
    /// What one change costs beside its key and value, roughly.
    const OP_OVERHEAD_BYTES: usize = 32;

    /// A batch without changes. Committing it does nothing, except to sync when that is asked for.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends "set `key` to `value`".
    pub fn put(&mut self, keyspace: &Keyspace, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.push(Op::Put { keyspace: keyspace.clone(), key: key.into(), value: value.into() });
    }

    /// Appends "remove `key`".
    pub fn delete(&mut self, keyspace: &Keyspace, key: impl Into<Bytes>) {
        self.push(Op::Delete { keyspace: keyspace.clone(), key: key.into() });
    }

    /// Appends every change of `other`, after those already here.
    pub fn append(&mut self, other: Batch) {
        self.bytes += other.bytes;
        self.ops.extend(other.ops);
    }

    fn push(&mut self, op: Op) {
        self.bytes += Self::OP_OVERHEAD_BYTES + op.key().len() + op.value_bytes();
        self.ops.push(op);
    }

    /// The changes in the order in which they were appended.
    #[must_use]
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// The number of changes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// Whether there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// Roughly what the batch costs in memory and in the engine's journal, in bytes.
    #[must_use]
    pub fn approximate_bytes(&self) -> usize {
        self.bytes
    }

    /// The changes that remain when for every key only the last one is kept; sizes are checked.
    ///
    /// Engines that stamp a whole batch with one sequence number (fjall) cannot order two changes to one key.
    pub(crate) fn into_last_writes(self) -> Result<Vec<Op>, KvError> {
        for op in &self.ops {
            let key_bytes = op.key().len();
            if key_bytes == 0 || key_bytes > Self::KEY_BYTES_MAX {
                return Err(KvError::KeySize { bytes: key_bytes });
            }
            if op.value_bytes() > Self::VALUE_BYTES_MAX {
                return Err(KvError::ValueSize { bytes: op.value_bytes() });
            }
        }
        if self.ops.len() < 2 {
            return Ok(self.ops);
        }
        let mut last = HashMap::with_capacity(self.ops.len());
        for (position, op) in self.ops.iter().enumerate() {
            last.insert((op.keyspace().id(), op.key().clone()), position);
        }
        if last.len() == self.ops.len() {
            return Ok(self.ops);
        }
        let is_last = |position: usize, op: &Op| {
            last.get(&(op.keyspace().id(), op.key().clone())).is_some_and(|kept| *kept == position)
        };
        Ok(self.ops.into_iter().enumerate().filter(|(p, op)| is_last(*p, op)).map(|(_, op)| op).collect())
    }
}
