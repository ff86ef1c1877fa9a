//! Inserting and removing: down to the leaf, change it, and up again as far as nodes became too full or too
//! empty.

use super::entries::Position;
use super::node::{Cut, JOINED_LOAD_MAX, LOAD_MAX, LOAD_MIN, Node, Raw};
use super::{LEVEL_MAX, Root, Tree, fetch, row_key};
use crate::rows::{ReadRows, Rows, RowsError};

/// The way from the root to the leaf where a key is or belongs.
pub(super) struct Path {
    branches: Vec<Branch>,
    leaf: u64,
    raw: Raw,
    /// Where in the leaf.
    pub(super) position: Position,
}

struct Branch {
    number: u64,
    raw: Raw,
    /// Which child the way takes.
    child: usize,
}

/// What an operation may do to nodes that are not full enough.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Underfull {
    /// A key was added: they are at the end of their level, and about to be filled.
    Leave,
    /// A key was removed.
    Join,
}

impl Path {
    /// `None` if the tree is empty.
    pub(super) fn find<R: ReadRows + ?Sized>(
        tree: &Tree,
        rows: &R,
        prefix: &[u8],
        key: &[u8],
    ) -> Result<Option<Path>, RowsError> {
        let Some(root) = tree.root else { return Ok(None) };
        let mut branches = Vec::with_capacity(usize::from(root.level));
        let (mut number, mut level) = (root.number, root.level);
        loop {
            let (row, raw) = fetch(rows, prefix, number)?;
            let raw = Raw::parse(&row, raw, level)?;
            let (position, _) = raw.search(key).map_err(|flaw| RowsError::corrupt(&row, flaw))?;
            if level == 0 {
                return Ok(Some(Path { branches, leaf: number, raw, position }));
            }
            let child = position.index + usize::from(position.exact);
            let next = raw.child(child);
            branches.push(Branch { number, raw, child });
            (number, level) = (next, level - 1);
        }
    }
}

pub(super) fn insert<R: Rows + ?Sized>(
    tree: &mut Tree,
    rows: &mut R,
    prefix: &[u8],
    key: &[u8],
) -> Result<bool, RowsError> {
    assert!(key.len() <= esker_types::limits::KEY_BYTES_MAX, "an object key has at most 1024 bytes");
    let Some(path) = Path::find(tree, rows, prefix, key)? else {
        let number = tree.allocate();
        let leaf = Node { level: 0, keys: vec![key.to_vec()], children: Vec::new() };
        rows.put(row_key(prefix, number), leaf.encode());
        (tree.root, tree.len) = (Some(Root { number, level: 0 }), 1);
        return Ok(true);
    };
    if path.position.exact {
        return Ok(false);
    }
    let mut leaf = unpack(&path.raw, prefix, path.leaf)?;
    let cut = cut_after_insert(path.position.index, leaf.keys.len(), &path.branches);
    leaf.keys.insert(path.position.index, key.to_vec());
    tree.len += 1;
    let mut climb = Climb { tree, rows, prefix, branches: path.branches, underfull: Underfull::Leave };
    climb.settle(path.leaf, leaf, cut)?;
    Ok(true)
}

pub(super) fn remove<R: Rows + ?Sized>(
    tree: &mut Tree,
    rows: &mut R,
    prefix: &[u8],
    key: &[u8],
) -> Result<bool, RowsError> {
    let Some(path) = Path::find(tree, rows, prefix, key)? else { return Ok(false) };
    if !path.position.exact {
        return Ok(false);
    }
    let mut leaf = unpack(&path.raw, prefix, path.leaf)?;
    leaf.keys.remove(path.position.index);
    tree.len = tree.len.checked_sub(1).ok_or_else(|| {
        RowsError::corrupt(&row_key(prefix, path.leaf), "the live-key tree has more keys than it counts")
    })?;
    let mut climb = Climb { tree, rows, prefix, branches: path.branches, underfull: Underfull::Join };
    climb.settle(path.leaf, leaf, Cut::Even)?;
    Ok(true)
}

fn unpack(raw: &Raw, prefix: &[u8], number: u64) -> Result<Node, RowsError> {
    raw.unpack().map_err(|flaw| RowsError::corrupt(&row_key(prefix, number), flaw))
}

/// How to cut a node of `count` keys, to which one was added at `index`; `above` are the branches above it.
///
/// Keys that ascend, as dates and counters do, are followed by more: at the end of the tree, or before some
/// key that is greater and was there first. So what they fill is left fuller than half.
fn cut_after_insert(index: usize, count: usize, above: &[Branch]) -> Cut {
    if index == count && above.iter().all(|branch| branch.child == branch.raw.count()) {
        Cut::Last
    } else if index * 4 >= count * 3 {
        Cut::Upper
    } else {
        Cut::Even
    }
}

/// The way up after a change.
struct Climb<'a, R: Rows + ?Sized> {
    tree: &'a mut Tree,
    rows: &'a mut R,
    prefix: &'a [u8],
    branches: Vec<Branch>,
    underfull: Underfull,
}

impl<R: Rows + ?Sized> Climb<'_, R> {
    /// Writes a changed node, and its parents as far as they change with it. `cut` is for the case that the
    /// node is too full.
    fn settle(&mut self, mut number: u64, mut node: Node, mut cut: Cut) -> Result<(), RowsError> {
        loop {
            let load = node.load();
            let parent = self.branches.pop();
            let Some(parent) = parent else { return self.settle_root(number, node, cut) };
            if load > LOAD_MAX {
                let mut above = unpack(&parent.raw, self.prefix, parent.number)?;
                let next_cut = match self.underfull {
                    Underfull::Leave => cut_after_insert(parent.child, above.keys.len(), &self.branches),
                    Underfull::Join => Cut::Even,
                };
                let (separator, upper) = self.cut(number, node, cut);
                above.keys.insert(parent.child, separator);
                above.children.insert(parent.child + 1, upper);
                (number, node, cut) = (parent.number, above, next_cut);
            } else if load < LOAD_MIN && self.underfull == Underfull::Join {
                let mut above = unpack(&parent.raw, self.prefix, parent.number)?;
                self.join(number, node, &parent, &mut above)?;
                (number, node, cut) = (parent.number, above, Cut::Even);
            } else {
                self.put(number, &node);
                return Ok(());
            }
        }
    }

    /// The root may be as empty as it likes, but a branch has two children and a leaf a key.
    fn settle_root(&mut self, number: u64, node: Node, cut: Cut) -> Result<(), RowsError> {
        if node.load() > LOAD_MAX {
            let level = node.level + 1;
            if level > LEVEL_MAX {
                return Err(RowsError::corrupt(
                    &row_key(self.prefix, number),
                    "the live-key tree is too high",
                ));
            }
            let (separator, upper) = self.cut(number, node, cut);
            let root = self.tree.allocate();
            self.put(root, &Node { level, keys: vec![separator], children: vec![number, upper] });
            self.tree.root = Some(Root { number: root, level });
        } else if node.keys.is_empty() {
            self.rows.delete(row_key(self.prefix, number));
            self.tree.root =
                node.children.first().map(|child| Root { number: *child, level: node.level - 1 });
        } else {
            self.put(number, &node);
        }
        Ok(())
    }

    /// Cuts and writes a node that is too full; gives its separator and number of the upper half.
    fn cut(&mut self, number: u64, mut node: Node, cut: Cut) -> (Vec<u8>, u64) {
        let (separator, upper) = node.cut(cut);
        let upper_number = self.tree.allocate();
        self.put(number, &node);
        self.put(upper_number, &upper);
        (separator, upper_number)
    }

    /// Joins an underfull node with the one before it (the first with the one after it), or shares their keys
    /// evenly. `above` is their parent, which is changed but not yet written.
    fn join(&mut self, number: u64, node: Node, parent: &Branch, above: &mut Node) -> Result<(), RowsError> {
        let at = parent.child.saturating_sub(1);
        let sibling = above.children[if parent.child == 0 { 1 } else { at }];
        let (row, raw) = fetch(self.rows, self.prefix, sibling)?;
        let other = unpack(&Raw::parse(&row, raw, node.level)?, self.prefix, sibling)?;
        let (lower_number, mut lower, upper_number, upper) = match parent.child {
            0 => (number, node, sibling, other),
            _ => (sibling, other, number, node),
        };
        let separator = above.keys[at].clone();
        let apart = lower.keys.last().is_none_or(|key| *key < separator)
            && upper.keys.first().is_none_or(|key| separator <= *key);
        if !apart {
            return Err(RowsError::corrupt(&row, "keys are outside of their parent's separators"));
        }
        lower.join(separator, upper);
        if lower.load() <= JOINED_LOAD_MAX {
            above.keys.remove(at);
            above.children.remove(at + 1);
            self.rows.delete(row_key(self.prefix, upper_number));
        } else {
            let (separator, upper) = lower.cut(Cut::Even);
            above.keys[at] = separator;
            self.put(upper_number, &upper);
        }
        self.put(lower_number, &lower);
        Ok(())
    }

    fn put(&mut self, number: u64, node: &Node) {
        self.rows.put(row_key(self.prefix, number), node.encode());
    }
}
