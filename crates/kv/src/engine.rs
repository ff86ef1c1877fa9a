//! The trait that every storage engine implements, and what it promises.

use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;

use crate::{Batch, Direction, KeyRange, Keyspace, KvError};

/// What a commit survives once it has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A crash of this process loses at most the newest buffered commits; so may a power cut. What is left is always an
    /// exact prefix of the commits.
    Buffered,
    /// The commit, and with it every commit before it, is on stable storage (`fdatasync`) when the call returns.
    Synced,
}

/// A lazy scan: pairs in key order. After an error a scan yields nothing more.
pub type Pairs<'a> = Box<dyn Iterator<Item = Result<(Bytes, Bytes), KvError>> + Send + 'a>;

/// An ordered key-value store of named keyspaces with atomic commits over all of them.
///
/// Calls block on IO: async callers use a blocking thread. All methods may be called from many threads at once.
///
/// After a failed [`commit`](Self::commit) or [`sync`](Self::sync) the caller cannot know what reached the disk; the engine
/// then refuses further writes with [`KvError::Closed`] where it cannot prove that nothing was written.
pub trait Engine: Send + Sync + Debug + 'static {
    /// Opens the keyspace, creating it when it does not exist. Its existence is durable on return.
    ///
    /// # Errors
    /// [`KvError::InvalidName`], or a failed write.
    fn open_keyspace(&self, name: &str) -> Result<Keyspace, KvError>;

    /// Removes the keyspace and everything in it; durable on return. A missing keyspace is success.
    ///
    /// Handles to it stop working at once, open views keep reading it, and its disk space is returned once the last such
    /// view is gone.
    ///
    /// # Errors
    /// A failed write.
    fn drop_keyspace(&self, name: &str) -> Result<(), KvError>;

    /// The names of all keyspaces, sorted.
    ///
    /// # Errors
    /// A failed read.
    fn keyspaces(&self) -> Result<Vec<String>, KvError>;

    /// Applies the batch atomically over all its keyspaces. Commits become durable in the order in which they were
    /// applied. Readers may see a synced commit shortly before it is on disk.
    ///
    /// # Errors
    /// Nothing was written: [`KvError::UnknownKeyspace`], [`KvError::KeySize`], [`KvError::ValueSize`].
    /// Unknown what was written: [`KvError::Io`]. Reopening decides.
    fn commit(&self, batch: Batch, durability: Durability) -> Result<(), KvError>;

    /// Makes every commit that has returned durable.
    ///
    /// # Errors
    /// A failed write.
    fn sync(&self) -> Result<(), KvError>;

    /// The newest value of the key. Two calls may straddle a commit; take a [`view`](Self::view) to read several keys
    /// together.
    ///
    /// # Errors
    /// [`KvError::UnknownKeyspace`], or a failed read.
    fn get(&self, keyspace: &Keyspace, key: &[u8]) -> Result<Option<Bytes>, KvError>;

    /// A picture of all keyspaces as of one commit boundary, covering every commit that returned before the call.
    /// An open view makes the engine keep old values: keep views short.
    ///
    /// # Errors
    /// A failed read.
    fn view(&self) -> Result<Arc<dyn View>, KvError>;

    /// Rewrites the keyspace so that scans no longer step over deleted keys that no open view needs. Costs IO in
    /// proportion to the keyspace; other calls proceed meanwhile.
    ///
    /// # Errors
    /// [`KvError::UnknownKeyspace`], or failed IO.
    fn compact(&self, keyspace: &Keyspace) -> Result<(), KvError>;

    /// The storage taken by everything in the engine, in bytes: allocated disk blocks, or heap for the memory engine.
    ///
    /// # Errors
    /// A failed read.
    fn disk_bytes(&self) -> Result<u64, KvError>;
}

/// A picture of all keyspaces as of one commit boundary. It never changes, whatever is committed, dropped or compacted.
pub trait View: Send + Sync + Debug {
    /// The key's value in this view.
    ///
    /// # Errors
    /// [`KvError::UnknownKeyspace`] when the keyspace did not exist at the view's boundary, or a failed read.
    fn get(&self, keyspace: &Keyspace, key: &[u8]) -> Result<Option<Bytes>, KvError>;

    /// Scans the range in key order. Reads lazily and with bounded memory; opening a scan costs one seek.
    ///
    /// # Errors
    /// [`KvError::UnknownKeyspace`] when the keyspace did not exist at the view's boundary, or a failed read.
    fn range(&self, keyspace: &Keyspace, range: KeyRange, direction: Direction)
    -> Result<Pairs<'_>, KvError>;
}
