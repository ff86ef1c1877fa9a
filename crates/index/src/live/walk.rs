//! Walking the keys in order, with jumps.

use super::entries::Flaw;
use super::node::Raw;
use super::{Tree, fetch, row_key};
use crate::rows::{ReadRows, RowsError};
use bytes::Bytes;
use std::ops::Bound;

/// What to do after a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Go on to the next key.
    Continue,
    /// Go on to the first key that is not below this one. A walk never goes back: if this is not above the
    /// key just visited, it means the same as `Continue`.
    Seek(Vec<u8>),
    /// Visit no more keys.
    Stop,
}

/// The branches on the way to the leaf visited, kept so that a step to the next leaf, or a jump within the
/// same branch, does not read them again.
struct Walk<'a, R: ReadRows + ?Sized> {
    tree: &'a Tree,
    rows: &'a R,
    prefix: &'a [u8],
    path: Vec<(u64, Raw)>,
}

pub(super) fn walk<R: ReadRows + ?Sized>(
    tree: &Tree,
    rows: &R,
    prefix: &[u8],
    start: Bound<&[u8]>,
    visit: &mut dyn FnMut(&[u8]) -> Step,
) -> Result<(), RowsError> {
    let mut walk = Walk { tree, rows, prefix, path: Vec::new() };
    let mut target = match start {
        Bound::Unbounded => Bytes::new(),
        Bound::Included(key) => Bytes::copy_from_slice(key),
        // The least key above `key`.
        Bound::Excluded(key) => [key, &[0]].concat().into(),
    };
    while let Some(found) = walk.descend(&target)? {
        let next = visit_leaf(&found, target, visit)
            .map_err(|flaw| RowsError::corrupt(&row_key(prefix, found.number), flaw))?;
        match next {
            Next::Leaf(key) => target = key,
            Next::Stop => break,
        }
    }
    Ok(())
}

/// A leaf.
struct Found {
    number: u64,
    leaf: Raw,
    /// The separator above it; the last leaf has none.
    end: Option<Bytes>,
}

impl<R: ReadRows + ?Sized> Walk<'_, R> {
    /// The leaf where `target` belongs. Each separator found is above `target`, so a walk from separator to
    /// separator ends.
    fn descend(&mut self, target: &[u8]) -> Result<Option<Found>, RowsError> {
        let Some(root) = self.tree.root else { return Ok(None) };
        let (mut number, mut end) = (root.number, None);
        for level in (0..=root.level).rev() {
            let raw = self.node(number, level, usize::from(root.level - level))?;
            if level == 0 {
                return Ok(Some(Found { number, leaf: raw, end }));
            }
            let (position, above) =
                raw.search(target).map_err(|flaw| RowsError::corrupt(&row_key(self.prefix, number), flaw))?;
            end = above.or(end);
            number = raw.child(position.index + usize::from(position.exact));
        }
        Ok(None)
    }

    fn node(&mut self, number: u64, level: u8, depth: usize) -> Result<Raw, RowsError> {
        if let Some((known, raw)) = self.path.get(depth)
            && *known == number
        {
            return Ok(raw.clone());
        }
        self.path.truncate(depth);
        let (row, raw) = fetch(self.rows, self.prefix, number)?;
        let raw = Raw::parse(&row, raw, level)?;
        self.path.push((number, raw.clone()));
        Ok(raw)
    }
}

enum Next {
    /// Go on in the leaf where this key belongs.
    Leaf(Bytes),
    Stop,
}

/// Visits a leaf's keys that are not below `target`. All must be below the leaf's end, so that no key is ever
/// visited twice.
fn visit_leaf(found: &Found, mut target: Bytes, visit: &mut dyn FnMut(&[u8]) -> Step) -> Result<Next, Flaw> {
    let end = found.end.as_ref();
    let mut keys = found.leaf.keys();
    while let Some(key) = keys.next()? {
        if end.is_some_and(|end| key >= end.as_ref()) {
            return Err("a key is above the leaf's separator");
        }
        if key < target.as_ref() {
            continue;
        }
        match visit(key) {
            Step::Continue => {}
            Step::Stop => return Ok(Next::Stop),
            Step::Seek(to) if end.is_some_and(|end| to.as_slice() >= end.as_ref()) => {
                return Ok(Next::Leaf(to.into()));
            }
            Step::Seek(to) => target = to.into(),
        }
    }
    Ok(end.map_or(Next::Stop, |end| Next::Leaf(end.clone())))
}
