//! One node: its stored form, how full it is, and how it is cut in two and joined.

use super::entries::{Entries, Flaw, Keys, Position, common_prefix, length_bytes, search, write_length};
use crate::rows::RowsError;
use bytes::{Buf, Bytes};

/// The format that is written.
const VERSION: u8 = 1;
/// Version, level, number of keys.
const HEADER_BYTES: usize = 4;
const CHILD_BYTES: usize = 8;

/// The load of a node that is full: its stored bytes, or [`KEY_LOAD`] for each key if that is more. So a
/// node has at most 16 KiB and 128 keys.
pub(super) const LOAD_MAX: usize = 16 << 10;
const KEY_LOAD: usize = 128;
/// A node with less is joined with its neighbour, unless it is the last of its level.
pub(super) const LOAD_MIN: usize = LOAD_MAX / 4;
/// Two nodes become one only if it has no more than this, else they share their keys evenly: neither the
/// next insert nor the next remove cuts or joins them again.
pub(super) const JOINED_LOAD_MAX: usize = LOAD_MAX / 4 * 3;

/// A node, unpacked in order to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// 0 for a leaf; a branch's children are one level below it.
    pub(super) level: u8,
    /// A leaf's keys, or a branch's separators, ascending: `keys[i]` is above every key under `children[i]`
    /// and not above any under `children[i + 1]`.
    pub(super) keys: Vec<Vec<u8>>,
    /// One more than the separators; none in a leaf.
    pub(super) children: Vec<u64>,
}

/// A node as stored, with its header checked.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    level: u8,
    count: usize,
    /// The children of a branch, then the keys.
    body: Bytes,
}

/// How much of a node that is too full stays in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Half: keys came in anywhere.
    Even,
    /// Two thirds: a key was added near its end. The rest is above [`LOAD_MIN`].
    Upper,
    /// Nine tenths: a key was added at the end of the whole tree, where a node may be nearly empty.
    Last,
}

impl Raw {
    /// Checks the header of a stored node, which must be of `level`; so paths end, whatever the rows hold.
    pub(super) fn parse(row_key: &[u8], mut raw: Bytes, level: u8) -> Result<Raw, RowsError> {
        let flaw = |what: Flaw| Err(RowsError::corrupt(row_key, what));
        if raw.len() < HEADER_BYTES || raw.len() > LOAD_MAX {
            return flaw("a live-key node's size is out of range");
        }
        if raw.get_u8() != VERSION {
            return flaw("a live-key node's format is unknown");
        }
        if raw.get_u8() != level {
            return flaw("a live-key node is not of the level that its parent says");
        }
        let count = usize::from(raw.get_u16());
        let children_bytes = if level == 0 { 0 } else { (count + 1) * CHILD_BYTES };
        if count == 0 || count * KEY_LOAD > LOAD_MAX || children_bytes > raw.len() {
            return flaw("a live-key node's number of keys is out of range");
        }
        Ok(Raw { level, count, body: raw })
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    fn children_bytes(&self) -> usize {
        if self.level == 0 { 0 } else { (self.count + 1) * CHILD_BYTES }
    }

    fn entries(&self) -> Entries<'_> {
        Entries::new(&self.body[self.children_bytes()..], self.count)
    }

    /// The keys, one after the other.
    pub(super) fn keys(&self) -> Keys<'_> {
        Keys::new(self.entries())
    }

    /// Looks for `key`; also gives the first stored key above it.
    pub(super) fn search(&self, key: &[u8]) -> Result<(Position, Option<Bytes>), Flaw> {
        search(self.entries(), key)
    }

    /// The number of a branch's child, `index <= count()`.
    pub(super) fn child(&self, index: usize) -> u64 {
        (&self.body[index * CHILD_BYTES..]).get_u64()
    }

    /// Unpacks the node, and checks that its keys are ascending and packed as [`Node::encode`] packs them.
    pub(super) fn unpack(&self) -> Result<Node, Flaw> {
        let mut keys = Vec::with_capacity(self.count + 1);
        let mut stored = self.keys();
        while let Some(key) = stored.next()? {
            keys.push(key.to_vec());
        }
        let children = if self.level == 0 { 0 } else { self.count + 1 };
        Ok(Node { level: self.level, keys, children: (0..children).map(|index| self.child(index)).collect() })
    }
}

impl Node {
    /// The stored form.
    pub(super) fn encode(&self) -> Vec<u8> {
        let count = u16::try_from(self.keys.len()).expect("a node has at most 128 keys");
        let mut out = Vec::with_capacity(LOAD_MAX / 4);
        out.extend([VERSION, self.level]);
        out.extend(count.to_be_bytes());
        self.children.iter().for_each(|child| out.extend(child.to_be_bytes()));
        let mut previous: &[u8] = &[];
        for key in &self.keys {
            let shared = common_prefix(previous, key);
            write_length(&mut out, shared);
            write_length(&mut out, key.len() - shared);
            out.extend(&key[shared..]);
            previous = key;
        }
        out
    }

    /// How full it is, of [`LOAD_MAX`].
    pub(super) fn load(&self) -> usize {
        let mut previous: &[u8] = &[];
        let mut bytes = self.fixed_bytes();
        for key in &self.keys {
            bytes += self.key_bytes(common_prefix(previous, key), key);
            previous = key;
        }
        load_of(self.keys.len(), bytes)
    }

    /// Cuts a node in two, and gives the separator between them and the upper one. Of a branch the separator
    /// is taken out, of a leaf it is the shortest text that separates.
    pub(super) fn cut(&mut self, cut: Cut) -> (Vec<u8>, Node) {
        let at = self.cut_index(cut);
        let mut upper = Node { level: self.level, keys: self.keys.split_off(at), children: Vec::new() };
        let separator = if self.level == 0 {
            let below = &self.keys[at - 1];
            let above = &upper.keys[0];
            above[..=common_prefix(below, above)].to_vec()
        } else {
            upper.children = self.children.split_off(at + 1);
            upper.keys.remove(0)
        };
        (separator, upper)
    }

    /// Appends the next node of the same level; `separator` is their parent's.
    pub(super) fn join(&mut self, separator: Vec<u8>, upper: Node) {
        if self.level > 0 {
            self.keys.push(separator);
        }
        self.keys.extend(upper.keys);
        self.children.extend(upper.children);
    }

    /// How many keys stay below: of the cuts whose halves both fit, the one nearest to the wanted share.
    fn cut_index(&self, cut: Cut) -> usize {
        let percent = match cut {
            Cut::Even => 50,
            Cut::Upper => 66,
            Cut::Last => 90,
        };
        let costs = self.key_costs();
        let total: usize = costs.iter().map(|(cost, _)| cost).sum();
        // A branch's separator belongs to neither half, and both halves keep a key.
        let taken = usize::from(self.level > 0);
        let fixed = HEADER_BYTES + taken * CHILD_BYTES;
        let mut below = costs[0].0;
        let mut best = None;
        for at in 1..self.keys.len() - taken {
            // The first key of the upper half is stored whole.
            let first = at + taken;
            let above = total - below - taken * costs[at].0 + costs[first].1;
            let lower = load_of(at, fixed + below);
            let upper = load_of(self.keys.len() - first, fixed + above);
            let distance = (lower * (100 - percent)).abs_diff(upper * percent);
            if lower <= LOAD_MAX && upper <= LOAD_MAX && best.is_none_or(|(least, _)| distance < least) {
                best = Some((distance, at));
            }
            below += costs[at].0;
        }
        // No node to be cut is over twice the maximum, and no key over a sixteenth of it.
        best.expect("a node that is too full can be cut in two that are not").1
    }

    /// For each key: what it costs, and how much more it would if it came first.
    fn key_costs(&self) -> Vec<(usize, usize)> {
        let mut previous: &[u8] = &[];
        let cost = |key| {
            let cost = self.key_bytes(common_prefix(previous, key), key);
            previous = key;
            (cost, self.key_bytes(0, key) - cost)
        };
        self.keys.iter().map(Vec::as_slice).map(cost).collect()
    }

    fn key_bytes(&self, shared: usize, key: &[u8]) -> usize {
        let suffix = key.len() - shared;
        let child = if self.level == 0 { 0 } else { CHILD_BYTES };
        length_bytes(shared) + length_bytes(suffix) + suffix + child
    }

    fn fixed_bytes(&self) -> usize {
        HEADER_BYTES + if self.level == 0 { 0 } else { CHILD_BYTES }
    }
}

fn load_of(keys: usize, bytes: usize) -> usize {
    bytes.max(keys * KEY_LOAD)
}
