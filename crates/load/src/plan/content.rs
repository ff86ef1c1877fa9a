//! What objects hold: bytes that follow from the seed, the key and the size, so that they can be verified by who
//! remembers nothing.

use super::spread;
use bytes::Bytes;
use esker_env::{Random as _, SeededRandom};

/// The length of the pattern that all contents are cut from, the largest prime below 2²⁰. Were it a multiple of a
/// block's size, a block in another's place would look right.
pub const PERIOD: usize = 1_048_573;

/// Contents of objects. An object holds the pattern from some place on, over and over.
#[derive(Clone, Debug)]
pub struct Content {
    seed: u64,
    pattern: Bytes,
}

/// A place in the pattern: what comes next in an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(usize);

impl Content {
    /// The contents that a seed names.
    pub fn new(seed: u64) -> Content {
        let mut pattern = vec![0; PERIOD];
        SeededRandom::new(seed).fill(&mut pattern);
        Content { seed, pattern: pattern.into() }
    }

    /// Where in the pattern the object's byte `offset` stands.
    pub fn place(&self, key: &str, size: u64, offset: u64) -> Place {
        let start = spread(self.seed ^ hash(key.as_bytes()) ^ spread(size)) % PERIOD as u64;
        let place = (start + offset % PERIOD as u64) % PERIOD as u64;
        Place(usize::try_from(place).unwrap_or_default())
    }

    /// The next at most `bytes` bytes, without a copy; the place moves on. Empty only if `bytes` is 0.
    pub fn next(&self, place: &mut Place, bytes: u64) -> Bytes {
        let rest = PERIOD - place.0;
        let count = usize::try_from(bytes).map_or(rest, |bytes| bytes.min(rest));
        let slice = self.pattern.slice(place.0..place.0 + count);
        place.0 = (place.0 + count) % PERIOD;
        slice
    }

    /// Whether these are the bytes that come next; the place moves on.
    #[must_use]
    pub fn accepts(&self, place: &mut Place, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let expected = self.next(place, bytes.len() as u64);
            let (now, later) = bytes.split_at(expected.len());
            if now != expected {
                return false;
            }
            bytes = later;
        }
        true
    }
}

/// FNV-1a (Fowler, Noll, Vo).
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static CONTENT: LazyLock<Content> = LazyLock::new(|| Content::new(42));

    fn bytes(key: &str, size: u64, offset: u64, count: u64) -> Vec<u8> {
        let mut place = CONTENT.place(key, size, offset);
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < count {
            bytes.extend_from_slice(&CONTENT.next(&mut place, count - bytes.len() as u64));
        }
        bytes
    }

    #[test]
    fn keys_sizes_and_seeds_differ_in_their_first_bytes() {
        let first = bytes("a", 100, 0, 16);
        assert_ne!(first, bytes("b", 100, 0, 16));
        assert_ne!(first, bytes("a", 101, 0, 16));
        let mut place = Content::new(43).place("a", 100, 0);
        assert_ne!(first, Content::new(43).next(&mut place, 16));
    }

    proptest! {
        #[test]
        fn a_range_is_a_part_of_the_whole(size in 1u64..3_000_000, from: u64, count: u64) {
            let from = from % size;
            let count = (count % (size - from)).min(2_000_000);
            let whole = bytes("k", size, 0, size);
            let part = bytes("k", size, from, count);
            let from = usize::try_from(from).unwrap();
            prop_assert_eq!(&whole[from..from + part.len()], &part[..]);
        }

        #[test]
        fn what_was_sent_is_accepted_in_any_pieces_and_nothing_else(
            size in 1u64..2_500_000, cut: u64, flip: u64,
        ) {
            let mut sent = bytes("k", size, 0, size);
            let cut = usize::try_from(cut % size).unwrap();
            let mut place = CONTENT.place("k", size, 0);
            prop_assert!(CONTENT.accepts(&mut place, &sent[..cut]) && CONTENT.accepts(&mut place, &sent[cut..]));
            let flip = usize::try_from(flip % size).unwrap();
            sent[flip] ^= 1;
            prop_assert!(!CONTENT.accepts(&mut CONTENT.place("k", size, 0), &sent));
        }

        #[test]
        fn blocks_that_changed_places_are_noticed(block in 1usize..5, size_log in 12u32..20) {
            let block_bytes = 1usize << size_log;
            let whole = bytes("k", 8 << 20, 0, 8 << 20);
            let mut swapped = whole[..block_bytes].to_vec();
            swapped.copy_from_slice(&whole[block * block_bytes..(block + 1) * block_bytes]);
            prop_assert!(!CONTENT.accepts(&mut CONTENT.place("k", 8 << 20, 0), &swapped));
        }
    }
}
