//! The keys of a node as they are stored: front-coded, each as the number of bytes that it shares with the
//! one before and the bytes that follow. Searched as they lie, without being unpacked.
//!
//! Front coding is monotone, which keeps splits simple: a key more never costs more than its own bytes, and
//! a key less never makes a node larger. (A prefix common to all keys has neither property.)

use bytes::Bytes;
use esker_types::limits::KEY_BYTES_MAX;

/// What is wrong with a node's bytes.
pub(super) type Flaw = &'static str;

/// Takes front-coded entries off a node's bytes.
#[derive(Debug)]
pub(super) struct Entries<'a> {
    rest: &'a [u8],
    left: usize,
    previous_bytes: usize,
}

/// One stored entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    /// How many leading bytes it has from the key before.
    pub(super) shared: usize,
    /// The bytes after those.
    pub(super) suffix: &'a [u8],
}

/// Where a key is, or would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// How many keys of the node are smaller.
    pub(super) index: usize,
    /// Whether the key itself is there, at `index`.
    pub(super) exact: bool,
}

impl<'a> Entries<'a> {
    /// `count` entries at the front of `rest`.
    pub(super) fn new(rest: &'a [u8], count: usize) -> Entries<'a> {
        Entries { rest, left: count, previous_bytes: 0 }
    }

    /// The next entry; its lengths are checked, the order is not.
    pub(super) fn next(&mut self) -> Result<Option<Entry<'a>>, Flaw> {
        if self.left == 0 {
            return if self.rest.is_empty() { Ok(None) } else { Err("bytes after the last key") };
        }
        self.left -= 1;
        let (shared, rest) = read_length(self.rest)?;
        let (bytes, rest) = read_length(rest)?;
        if shared > self.previous_bytes || shared + bytes > KEY_BYTES_MAX || bytes > rest.len() {
            return Err("a key's length is out of range");
        }
        let (suffix, rest) = rest.split_at(bytes);
        (self.rest, self.previous_bytes) = (rest, shared + bytes);
        Ok(Some(Entry { shared, suffix }))
    }
}

/// Takes whole keys off a node's bytes, and checks that they ascend and share as much as they can.
#[derive(Debug)]
pub(super) struct Keys<'a> {
    entries: Entries<'a>,
    /// The key before the next one.
    key: Vec<u8>,
    is_first: bool,
}

impl<'a> Keys<'a> {
    pub(super) fn new(entries: Entries<'a>) -> Keys<'a> {
        Keys { entries, key: Vec::new(), is_first: true }
    }

    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Flaw> {
        let Some(entry) = self.entries.next()? else { return Ok(None) };
        let ascends = match (self.key.get(entry.shared), entry.suffix.first()) {
            (Some(old), Some(new)) => old < new,
            (None, Some(_)) => true,
            // Only the first key may be empty.
            (_, None) => self.is_first,
        };
        if !ascends {
            return Err("keys are not in ascending order");
        }
        self.is_first = false;
        self.key.truncate(entry.shared);
        self.key.extend(entry.suffix);
        Ok(Some(&self.key))
    }
}

/// Looks for `key`; also gives the first stored key above it, if there is one.
///
/// `matched` is how many bytes the stored key before shares with `key`. An entry that shares more with its
/// predecessor than that lies on the same side of `key`; one that shares less differs where the predecessor
/// still matched, so it is greater.
pub(super) fn search(mut entries: Entries<'_>, key: &[u8]) -> Result<(Position, Option<Bytes>), Flaw> {
    let mut position = Position { index: 0, exact: false };
    let mut matched = 0;
    while let Some(entry) = entries.next()? {
        if entry.shared > matched {
            position.index += 1;
            continue;
        }
        let rest = &key[entry.shared..];
        if entry.shared < matched || entry.suffix > rest {
            let above = [&key[..entry.shared], entry.suffix].concat();
            if above.as_slice() <= key {
                return Err("keys are not in ascending order");
            }
            return Ok((position, Some(above.into())));
        }
        if entry.suffix == rest {
            if position.exact {
                return Err("a key is there twice");
            }
            // One more entry is read, for the key above.
            position.exact = true;
            matched = key.len();
            continue;
        }
        if position.exact {
            return Err("keys are not in ascending order");
        }
        position.index += 1;
        matched = entry.shared + common_prefix(entry.suffix, rest);
    }
    Ok((position, None))
}

/// How many leading bytes two keys share.
pub(super) fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    const BLOCK: usize = 32;
    let blocks = a.chunks_exact(BLOCK).zip(b.chunks_exact(BLOCK)).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[blocks * BLOCK..], &b[blocks * BLOCK..]);
    blocks * BLOCK + a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// The stored bytes of a length: one below 128, else two.
pub(super) fn length_bytes(length: usize) -> usize {
    if length < 0x80 { 1 } else { 2 }
}

/// Appends a length below 2^14: seven bits, and a second byte if the first one's top bit is set.
pub(super) fn write_length(out: &mut Vec<u8>, length: usize) {
    let byte = |part: usize| u8::try_from(part).expect("a key's length fits 14 bits");
    match byte(length >> 7) {
        0 => out.push(byte(length)),
        high => out.extend([byte(length & 0x7f) | 0x80, high]),
    }
}

fn read_length(bytes: &[u8]) -> Result<(usize, &[u8]), Flaw> {
    match bytes {
        [low, rest @ ..] if *low < 0x80 => Ok((usize::from(*low), rest)),
        [low, high @ 1..0x80, rest @ ..] => Ok((usize::from(low & 0x7f) | usize::from(*high) << 7, rest)),
        _ => Err("a length is cut short or not in its shortest form"),
    }
}
