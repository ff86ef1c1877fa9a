//! The tree's structural invariants, for tests, simulations and tools.

use super::node::{LOAD_MIN, Raw};
use super::{LEVEL_MAX, Tree, fetch, row_key};
use crate::rows::ReadRows;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

struct Check<'a, R: ReadRows + ?Sized> {
    tree: &'a Tree,
    rows: &'a R,
    prefix: &'a [u8],
    keys: u64,
    nodes: BTreeSet<Vec<u8>>,
}

pub(super) fn check<R: ReadRows + ?Sized>(tree: &Tree, rows: &R, prefix: &[u8]) -> Result<(), String> {
    let mut check = Check { tree, rows, prefix, keys: 0, nodes: BTreeSet::new() };
    if let Some(root) = tree.root {
        if root.level > LEVEL_MAX {
            return Err(format!("the tree is {} levels high", root.level));
        }
        check.node(root.number, root.level, &[], None)?;
    }
    if check.keys != tree.len {
        return Err(format!("the tree counts {} keys and holds {}", tree.len, check.keys));
    }
    check.no_other_rows()
}

impl<R: ReadRows + ?Sized> Check<'_, R> {
    /// Checks the node and all below it; its keys must be in `lower..upper`, where no `upper` means that it
    /// is the last of its level.
    fn node(&mut self, number: u64, level: u8, lower: &[u8], upper: Option<&[u8]>) -> Result<(), String> {
        let describe = |what: &str| format!("node {number} of level {level}: {what}");
        let (row, bytes) = fetch(self.rows, self.prefix, number).map_err(|error| error.to_string())?;
        let raw = Raw::parse(&row, bytes.clone(), level).map_err(|error| error.to_string())?;
        let node = raw.unpack().map_err(describe)?;
        if number >= self.tree.next_node {
            return Err(describe("its number was never given"));
        }
        if !self.nodes.insert(row) {
            return Err(describe("it has two parents"));
        }
        if node.encode() != bytes {
            return Err(describe("its bytes are not canonical"));
        }
        let inside =
            |key: &Vec<u8>| key.as_slice() >= lower && upper.is_none_or(|upper| key.as_slice() < upper);
        if !node.keys.iter().all(inside) {
            return Err(describe("a key is outside of its parent's separators"));
        }
        if upper.is_some() && node.load() < LOAD_MIN {
            return Err(describe("it is too empty"));
        }
        if level == 0 {
            self.keys += node.keys.len() as u64;
            return Ok(());
        }
        for (index, child) in node.children.iter().enumerate() {
            let lower = if index == 0 { lower } else { &node.keys[index - 1] };
            let upper = node.keys.get(index).map(Vec::as_slice).or(upper);
            self.node(*child, level - 1, lower, upper)?;
        }
        Ok(())
    }

    fn no_other_rows(&self) -> Result<(), String> {
        let mut stray = None;
        let (start, mut end) = (row_key(self.prefix, 0), row_key(self.prefix, u64::MAX));
        end.push(0);
        let scan = self.rows.scan(&start, &end, &mut |key, _| {
            if self.nodes.contains(key) {
                return ControlFlow::Continue(());
            }
            stray = Some(key.escape_ascii().to_string());
            ControlFlow::Break(())
        });
        scan.map_err(|error| error.to_string())?;
        stray.map_or(Ok(()), |key| Err(format!("row {key} is no node of the tree")))
    }
}
