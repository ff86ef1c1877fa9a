//! The live-key index: the ordered set of a bucket's keys whose newest version is an object.
//!
//! ListObjectsV2 walks it, so that a page costs what it holds. A plain row per live key would not do: an
//! LSM engine leaves a tombstone where a row was, and a scan over 200,000 deleted keys steps over 200,000
//! tombstones. So the set is a B+tree whose nodes are rows, and a node is reached by a point read of its
//! number only, never by a scan: what was deleted is not on the way of any listing.
//!
//! A node's row is the caller's prefix and the node's number (u64, big-endian). Numbers are never reused.
//!
//! **Architecture Invariant:** the tree can be made again from the version rows, and says nothing that they
//! do not say. It is changed in the same batch as they are.

mod check;
mod edit;
mod entries;
mod node;
mod walk;

use crate::codec::{Malformed, Reader, Writer};
use crate::rows::{ReadRows, Rows, RowsError};
use bytes::Bytes;
use std::ops::Bound;

pub use walk::Step;

/// No tree is higher: that many levels hold more keys than a `u64` counts.
const LEVEL_MAX: u8 = 63;

/// More keys or nodes than this were never added to any tree, so counting on does not overflow.
const COUNT_MAX: u64 = u64::MAX >> 1;

/// One tree, a small value that its owner stores beside what it indexes.
///
/// The rows and this value change together: after an error, or if the rows' changes are dropped, the value
/// from before the call must be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tree {
    root: Option<Root>,
    next_node: u64,
    len: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Root {
    number: u64,
    /// 0 if the root is a leaf.
    level: u8,
}

impl Tree {
    /// An empty set, which has no rows.
    pub fn new() -> Tree {
        Tree::default()
    }

    /// How many keys there are.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a key. `false`: it was there, and nothing was written.
    ///
    /// # Panics
    /// If the key is longer than [`esker_types::limits::KEY_BYTES_MAX`].
    pub fn insert<R: Rows + ?Sized>(
        &mut self,
        rows: &mut R,
        prefix: &[u8],
        key: &[u8],
    ) -> Result<bool, RowsError> {
        edit::insert(self, rows, prefix, key)
    }

    /// Removes a key. `false`: it was not there, and nothing was written.
    pub fn remove<R: Rows + ?Sized>(
        &mut self,
        rows: &mut R,
        prefix: &[u8],
        key: &[u8],
    ) -> Result<bool, RowsError> {
        edit::remove(self, rows, prefix, key)
    }

    /// Whether the key is there.
    pub fn contains<R: ReadRows + ?Sized>(
        &self,
        rows: &R,
        prefix: &[u8],
        key: &[u8],
    ) -> Result<bool, RowsError> {
        let Some(path) = edit::Path::find(self, rows, prefix, key)? else { return Ok(false) };
        Ok(path.position.exact)
    }

    /// Visits the keys from `start` on in ascending order, until `visit` says stop.
    ///
    /// Reads one row per leaf visited, and at most one per level for each jump.
    pub fn walk<R: ReadRows + ?Sized>(
        &self,
        rows: &R,
        prefix: &[u8],
        start: Bound<&[u8]>,
        visit: &mut dyn FnMut(&[u8]) -> Step,
    ) -> Result<(), RowsError> {
        walk::walk(self, rows, prefix, start, visit)
    }

    /// Checks every structural invariant: order, separators, fill, one depth, the count, canonical encoding,
    /// and that the rows under `prefix` are this tree's nodes and nothing else. Reads the whole tree.
    pub fn check<R: ReadRows + ?Sized>(&self, rows: &R, prefix: &[u8]) -> Result<(), String> {
        check::check(self, rows, prefix)
    }

    /// Appends this value to a row that its owner writes (and versions).
    pub fn write(&self, w: &mut Writer) {
        w.option(self.root, |w, root| {
            w.u64(root.number).u8(root.level);
        });
        w.u64(self.next_node).u64(self.len);
    }

    /// Takes back what [`Tree::write`] wrote.
    pub fn read(r: &mut Reader) -> Result<Tree, Malformed> {
        let root = r.option(|r| Ok(Root { number: r.u64()?, level: r.u8()? }))?;
        let (next_node, len) = (r.u64()?, r.u64()?);
        let sane = match root {
            None => len == 0,
            Some(root) => len > 0 && root.number < next_node && root.level <= LEVEL_MAX,
        };
        if sane && len <= COUNT_MAX && next_node <= COUNT_MAX {
            Ok(Tree { root, next_node, len })
        } else {
            Err(r.malformed())
        }
    }

    fn allocate(&mut self) -> u64 {
        let number = self.next_node;
        self.next_node += 1;
        number
    }
}

/// The key of a node's row.
fn row_key(prefix: &[u8], number: u64) -> Vec<u8> {
    [prefix, &number.to_be_bytes()].concat()
}

/// A node's row, which must exist.
fn fetch<R: ReadRows + ?Sized>(rows: &R, prefix: &[u8], number: u64) -> Result<(Vec<u8>, Bytes), RowsError> {
    let key = row_key(prefix, number);
    match rows.get(&key)? {
        Some(raw) => Ok((key, raw)),
        None => Err(RowsError::corrupt(&key, "a node of the live-key tree is missing")),
    }
}
