//! MD5 (RFC 1321), of several bodies side by side.
//!
//! The ETag of a body is its MD5, and no part of storing a large object costs as much. One MD5 can't be made faster: each
//! of its steps waits for the one before. But eight of them take as long as one where the processor has AVX2, each in a lane
//! of the same registers, so bodies that are uploaded at once are digested together ([`update_all`]). No maintained library
//! does that; what a library does (one body after another) is slower than [`Md5`] too, and is what the tests compare with.

mod block;
#[cfg(target_arch = "x86_64")]
mod lanes;

use block::{BLOCK_BYTES, State};
use std::fmt;

/// An MD5 under way.
#[derive(Clone)]
pub struct Md5 {
    state: State,
    /// The last bytes, `length % BLOCK_BYTES` of them, which fill no block yet.
    rest: [u8; BLOCK_BYTES],
    /// Bytes taken in.
    length: u64,
}

impl Default for Md5 {
    fn default() -> Md5 {
        Md5 { state: block::INITIAL, rest: [0; BLOCK_BYTES], length: 0 }
    }
}

impl fmt::Debug for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Md5").field("length", &self.length).finish_non_exhaustive()
    }
}

impl Md5 {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> [u8; 16] {
        let mut md5 = Md5::default();
        md5.update(bytes);
        md5.finish()
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let (blocks, rest) = self.fill(bytes).as_chunks();
        block::compress(&mut self.state, blocks);
        self.took(blocks, rest);
    }

    /// The digest.
    pub fn finish(mut self) -> [u8; 16] {
        let bits = self.length.wrapping_mul(8);
        let filled = self.filled();
        // A one bit, zeros, and the length fill the last block, or the last two.
        let zeros = if filled < 56 { 55 - filled } else { 119 - filled };
        self.update(&[0x80]);
        self.update(&[0; BLOCK_BYTES][..zeros]);
        self.update(&bits.to_le_bytes());
        let mut digest = [0; 16];
        for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(self.state) {
            *bytes = word.to_le_bytes();
        }
        digest
    }

    fn filled(&self) -> usize {
        usize::try_from(self.length % BLOCK_BYTES as u64).expect("less than a block")
    }

    /// Completes a block that was begun, and returns the bytes that were not needed for it: all of them if none was.
    fn fill<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let filled = self.filled();
        if filled == 0 {
            return bytes;
        }
        let (head, bytes) = bytes.split_at(bytes.len().min(BLOCK_BYTES - filled));
        self.rest[filled..filled + head.len()].copy_from_slice(head);
        self.length += head.len() as u64;
        if self.filled() == 0 {
            block::compress(&mut self.state, &[self.rest]);
        }
        bytes
    }

    /// Accounts for blocks that are in the state by now, and keeps the bytes behind them.
    fn took(&mut self, blocks: &[[u8; BLOCK_BYTES]], rest: &[u8]) {
        self.length += blocks.as_flattened().len() as u64;
        if !rest.is_empty() {
            self.rest[..rest.len()].copy_from_slice(rest);
            self.length += rest.len() as u64;
        }
    }
}

/// Bytes that an MD5 is to take in.
#[derive(Debug)]
pub struct Feed<'a> {
    /// The MD5.
    pub md5: &'a mut Md5,
    /// What comes next.
    pub bytes: &'a [u8],
}

/// Does [`Md5::update`] for all of them, side by side where the processor can. Best with as many bytes each.
pub fn update_all(feeds: &mut [Feed<'_>]) {
    #[cfg(target_arch = "x86_64")]
    if feeds.len() > 1 && std::arch::is_x86_feature_detected!("avx2") {
        for feeds in feeds.chunks_mut(lanes::LANES) {
            update_lanes(feeds);
        }
        return;
    }
    for Feed { md5, bytes } in feeds {
        md5.update(bytes);
    }
}

/// At most as many feeds as there are lanes. As long as two of them have whole blocks they share the registers.
#[cfg(target_arch = "x86_64")]
fn update_lanes(feeds: &mut [Feed<'_>]) {
    for Feed { md5, bytes } in &mut *feeds {
        *bytes = md5.fill(bytes);
    }
    loop {
        let blocks = |feed: &Feed<'_>| feed.bytes.len() / BLOCK_BYTES;
        let busy = feeds.iter().map(blocks).filter(|count| *count > 0);
        let Some(common) = busy.clone().min() else { break };
        if busy.count() == 1 {
            break;
        }
        let mut states = [block::INITIAL; lanes::LANES];
        let mut inputs: [&[[u8; BLOCK_BYTES]]; lanes::LANES] = [&[]; lanes::LANES];
        for ((feed, state), input) in feeds.iter().zip(&mut states).zip(&mut inputs) {
            *state = feed.md5.state;
            *input = feed.bytes.as_chunks().0;
        }
        // Lanes without blocks digest what another has, in vain.
        let filler = inputs.iter().copied().max_by_key(|input| input.len()).unwrap_or_default();
        let padded = inputs.map(|input| if input.is_empty() { filler } else { input });
        #[allow(unsafe_code, reason = "a function for a processor's feature can only be called so")]
        // SAFETY: the caller has found that the processor has AVX2, which is all that the function asks for.
        unsafe {
            lanes::compress(&mut states, padded.map(|input| &input[..common]));
        }
        for ((feed, state), input) in feeds.iter_mut().zip(states).zip(inputs) {
            if !input.is_empty() {
                feed.md5.state = state;
                feed.md5.took(&input[..common], &[]);
                feed.bytes = &feed.bytes[common * BLOCK_BYTES..];
            }
        }
    }
    for Feed { md5, bytes } in feeds {
        md5.update(bytes);
    }
}

#[cfg(test)]
mod tests;
