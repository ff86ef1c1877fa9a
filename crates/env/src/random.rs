//! Where randomness comes from.

use std::fmt::Debug;
use std::sync::Mutex;
use uuid::Uuid;

/// A source of random bytes. `fill` is all that an implementation writes; the rest follows from it.
pub trait Random: Send + Sync + Debug {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// 64 random bits.
    fn u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// A number in `0..bound`, each equally likely up to one part in 2⁶⁴ / `bound`.
    ///
    /// # Panics
    /// If `bound` is 0: no number fits.
    fn below(&self, bound: u64) -> u64 {
        assert!(bound > 0, "no number is below 0");
        // The high half of a 64 × 64-bit product maps the full range onto 0..bound without a division.
        let product = u128::from(self.u64()) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or_default()
    }

    /// True `numerator` times out of `denominator`.
    fn chance(&self, numerator: u64, denominator: u64) -> bool {
        self.below(denominator) < numerator
    }

    /// A version 4 UUID (RFC 9562): 122 random bits.
    fn uuid_v4(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// A version 7 UUID (RFC 9562): `millis` since the Unix epoch (48 bits of it), then 74 random bits.
    fn uuid_v7(&self, millis: u64) -> Uuid {
        let mut bytes = [0; 10];
        self.fill(&mut bytes);
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }
}

/// The operating system's cryptographic generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    /// # Panics
    /// If the system has no random generator: every secret and identifier would be guessable.
    #[expect(clippy::disallowed_methods, reason = "this is the seam that the ban points to")]
    #[expect(clippy::expect_used, reason = "continuing without randomness would be worse")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system provides random bytes");
    }
}

/// The same bytes for the same seed: xoshiro256++ (Blackman and Vigna, 2019). Never for secrets.
#[derive(Debug)]
pub struct SeededRandom {
    state: Mutex<[u64; 4]>,
}

impl SeededRandom {
    /// The generator that `seed` names.
    pub fn new(seed: u64) -> SeededRandom {
        let mut mix = SplitMix(seed);
        SeededRandom { state: Mutex::new([mix.next(), mix.next(), mix.next(), mix.next()]) }
    }

    /// A generator of its own for one part of a test, so that what one part draws doesn't shift another's
    /// numbers.
    pub fn fork(&self) -> SeededRandom {
        SeededRandom::new(self.u64())
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            let word = next_word(&mut state).to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

fn next_word(s: &mut [u64; 4]) -> u64 {
    let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
    let shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = s[3].rotate_left(45);
    result
}

/// Spreads a seed over the state of the generator above, as its authors recommend.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_matches_its_published_reference() {
        // First outputs of xoshiro256++ from the state 1, 2, 3, 4 (the vector of the rand_xoshiro crate).
        let mut state = [1, 2, 3, 4];
        let words: Vec<u64> = (0..3).map(|_| next_word(&mut state)).collect();
        assert_eq!(words, [41943041, 58720359, 3588806011781223]);
    }

    #[test]
    fn equal_seeds_give_equal_bytes_and_others_do_not() {
        let bytes = |seed| {
            let mut bytes = [0; 37];
            SeededRandom::new(seed).fill(&mut bytes);
            bytes
        };
        assert_eq!(bytes(7), bytes(7));
        assert_ne!(bytes(7), bytes(8));
    }

    #[test]
    fn below_stays_in_range_and_reaches_every_value() {
        let random = SeededRandom::new(1);
        let mut seen = [0; 5];
        for _ in 0..1000 {
            seen[usize::try_from(random.below(5)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&count| count > 100), "{seen:?}");
    }

    #[test]
    fn version_7_ids_carry_their_time_and_differ_in_the_rest() {
        let (a, b) = (OsRandom.uuid_v7(0x0123_4567_89ab), OsRandom.uuid_v7(0x0123_4567_89ab));
        assert_eq!(a.as_bytes()[..6], [0x01, 0x23, 0x45, 0x67, 0x89, 0xab]);
        assert_eq!((a.get_version_num(), b.get_version_num()), (7, 7));
        assert_ne!(a, b);
        assert_eq!(OsRandom.uuid_v4().get_version_num(), 4);
    }
}
