//! How keyspaces share one tree: every stored key starts with its keyspace's id (eight bytes, big-endian).
//!
//! Id zero is the directory: `n` + name holds a keyspace's id, `d` + id marks a dropped keyspace whose rows are still being
//! deleted, `i` holds the next id, `v` the version of this layout.

use std::ops::Bound;

use bytes::{BufMut, Bytes, BytesMut};
use sled::Tree;

use super::error::sled_error;
use super::history::History;
use crate::KvError;

const DIRECTORY_ID: u64 = 0;
const FIRST_ID: u64 = 1;
const LAYOUT_VERSION: u8 = 1;

/// A row of the directory.
pub(super) enum DirectoryRow<'a> {
    /// A keyspace's name; the value is its id.
    Name(&'a str),
    /// A dropped keyspace's id; the value is empty.
    Dropped(u64),
    /// The id that the next keyspace gets.
    NextId,
    /// The version of this layout.
    Version,
}

impl DirectoryRow<'_> {
    pub(super) fn key(&self) -> Bytes {
        let (tag, rest) = match self {
            Self::Name(name) => (b'n', Bytes::copy_from_slice(name.as_bytes())),
            Self::Dropped(id) => (b'd', Bytes::copy_from_slice(&id.to_be_bytes())),
            Self::NextId => (b'i', Bytes::new()),
            Self::Version => (b'v', Bytes::new()),
        };
        let mut row = BytesMut::with_capacity(1 + rest.len());
        row.put_u8(tag);
        row.put(rest);
        stored_key(DIRECTORY_ID, &row)
    }
}

/// The key in the tree of `key` in the keyspace `id`.
pub(super) fn stored_key(id: u64, key: &[u8]) -> Bytes {
    let mut stored = BytesMut::with_capacity(size_of::<u64>() + key.len());
    stored.put_u64(id);
    stored.put_slice(key);
    stored.freeze()
}

/// The keyspace's own key again.
pub(super) fn own_key(mut stored: Bytes) -> Bytes {
    stored.split_off(size_of::<u64>().min(stored.len()))
}

/// Every stored key of the keyspace. Ids start at one and count up, so the next id exists.
pub(super) fn all_rows(id: u64) -> (Bound<Bytes>, Bound<Bytes>) {
    (Bound::Included(stored_key(id, b"")), Bound::Excluded(stored_key(id + 1, b"")))
}

/// Reads the directory, writing it first when the store is new.
pub(super) fn load(tree: &Tree, history: &mut History) -> Result<(), KvError> {
    const DOING: &str = "read the keyspace directory";
    let damaged = |what: &str| KvError::corruption(DOING, what);
    match tree.get(DirectoryRow::Version.key()).map_err(|e| sled_error(DOING, e))? {
        Some(version) if version.as_ref() == [LAYOUT_VERSION] => {}
        Some(_) => return Err(damaged("the layout version is unknown")),
        None => {
            let mut batch = sled::Batch::default();
            batch.insert(DirectoryRow::Version.key().as_ref(), &[LAYOUT_VERSION]);
            batch.insert(DirectoryRow::NextId.key().as_ref(), &FIRST_ID.to_be_bytes());
            tree.apply_batch(batch).map_err(|e| sled_error(DOING, e))?;
        }
    }
    for row in tree.range::<Bytes, _>(all_rows(DIRECTORY_ID)) {
        let (stored, value) = row.map_err(|e| sled_error(DOING, e))?;
        let key = own_key(Bytes::copy_from_slice(&stored));
        let number = |bytes: &[u8]| {
            bytes.try_into().map(u64::from_be_bytes).map_err(|_| damaged("an id has a wrong length"))
        };
        match key.split_first() {
            Some((b'n', name)) => {
                let name = std::str::from_utf8(name).map_err(|_| damaged("a name is not UTF-8"))?;
                history.create(number(&value)?, name);
            }
            Some((b'd', id)) => history.restore_dropped(number(id)?),
            Some((b'i', [])) => history.set_next_id(number(&value)?),
            Some((b'v', [])) => {}
            _ => return Err(damaged("a row is unknown")),
        }
    }
    Ok(())
}
