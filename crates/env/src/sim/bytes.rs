//! The bytes of a simulated file: sparse, and cheap to copy, so that a power cut can be tried hundreds of times.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The block size of the simulated file system: space is given out and taken back in these.
pub(super) const BLOCK_BYTES: u64 = BLOCK_LEN as u64;
const BLOCK_LEN: usize = 4096;

type Block = Arc<[u8; BLOCK_LEN]>;

/// A sparse array of bytes. Copies share their blocks until one of them changes.
#[derive(Debug, Clone, Default)]
pub(super) struct SparseBytes {
    len: u64,
    blocks: BTreeMap<u64, Block>,
}

impl SparseBytes {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn allocated_bytes(&self) -> u64 {
        self.blocks.len() as u64 * BLOCK_BYTES
    }

    /// The bytes of new blocks that filling the range needs.
    pub(super) fn missing_bytes(&self, offset: u64, len: u64) -> u64 {
        if len == 0 {
            return 0;
        }
        let wanted = offset / BLOCK_BYTES..(offset + len).div_ceil(BLOCK_BYTES);
        let present = self.blocks.range(wanted.clone()).count() as u64;
        (wanted.end - wanted.start - present) * BLOCK_BYTES
    }

    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        let available = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = buffer.len().min(available);
        for (block, within, part) in pieces(offset, count) {
            match self.blocks.get(&block) {
                Some(bytes) => buffer[part].copy_from_slice(&bytes[within]),
                None => buffer[part].fill(0),
            }
        }
        count
    }

    /// Writes, growing as needed.
    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) {
        for (block, within, part) in pieces(offset, bytes.len()) {
            self.block_mut(block)[within].copy_from_slice(&bytes[part]);
        }
        self.len = self.len.max(offset + bytes.len() as u64);
    }

    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.len {
            self.blocks.split_off(&len.div_ceil(BLOCK_BYTES));
            self.zero_within_block(len, BLOCK_BYTES - len % BLOCK_BYTES);
        }
        self.len = len;
    }

    /// Gives the range blocks of its own, without changing what it reads as.
    pub(super) fn reserve(&mut self, offset: u64, len: u64) {
        let zeros: Block = Arc::new([0; BLOCK_LEN]);
        for block in offset / BLOCK_BYTES..(offset + len).div_ceil(BLOCK_BYTES) {
            self.blocks.entry(block).or_insert_with(|| zeros.clone());
        }
    }

    /// Zeros the range and frees its whole blocks. Returns how many bytes were freed.
    pub(super) fn punch(&mut self, offset: u64, len: u64) -> u64 {
        let end = offset + len;
        let whole = offset.div_ceil(BLOCK_BYTES)..end / BLOCK_BYTES;
        if whole.start > whole.end {
            // The range lies within one block.
            self.zero_within_block(offset, len);
            return 0;
        }
        self.zero_within_block(offset, whole.start * BLOCK_BYTES - offset);
        self.zero_within_block(whole.end * BLOCK_BYTES, end - whole.end * BLOCK_BYTES);
        let freed: Vec<u64> = self.blocks.range(whole).map(|(&block, _)| block).collect();
        for block in &freed {
            self.blocks.remove(block);
        }
        freed.len() as u64 * BLOCK_BYTES
    }

    /// Inverts the bits of `mask` in one byte, if it exists.
    pub(super) fn flip(&mut self, offset: u64, mask: u8) {
        let mut byte = [0];
        if self.read(&mut byte, offset) == 1 {
            self.write(&[byte[0] ^ mask], offset);
        }
    }

    fn zero_within_block(&mut self, offset: u64, len: u64) {
        if len > 0 && self.blocks.contains_key(&(offset / BLOCK_BYTES)) {
            let start = index(offset % BLOCK_BYTES);
            self.block_mut(offset / BLOCK_BYTES)[start..start + index(len)].fill(0);
        }
    }

    fn block_mut(&mut self, block: u64) -> &mut [u8; BLOCK_LEN] {
        let bytes = self.blocks.entry(block).or_insert_with(|| Arc::new([0; BLOCK_LEN]));
        Arc::make_mut(bytes)
    }
}

/// A number below the block size, as an index.
fn index(small: u64) -> usize {
    usize::try_from(small).unwrap_or(usize::MAX)
}

/// The blocks that `len` bytes at `offset` touch: block number, range within it, range of the buffer.
fn pieces(offset: u64, len: usize) -> impl Iterator<Item = (u64, Range<usize>, Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == len {
            return None;
        }
        let at = offset + done as u64;
        let start = index(at % BLOCK_BYTES);
        let count = (index(BLOCK_BYTES) - start).min(len - done);
        let part = done..done + count;
        done += count;
        Some((at / BLOCK_BYTES, start..start + count, part))
    })
}
