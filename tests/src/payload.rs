//! Bytes for test objects: different for every seed, cheap, and reproducible, so that nothing need be kept.

/// A stream of pseudo-random bytes (xorshift64*), the same for the same seed.
#[derive(Clone)]
pub struct Payload {
    state: u64,
}

impl Payload {
    /// The stream of `seed`.
    pub fn new(seed: u64) -> Payload {
        Payload { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    /// Fills `buffer` with the next bytes. A stream is the same however it is cut, if the cuts are multiples
    /// of eight bytes.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        for word in buffer.chunks_mut(8) {
            let bytes = self.next_word().to_le_bytes();
            word.copy_from_slice(&bytes[..word.len()]);
        }
    }

    /// The next 64 bits.
    pub fn next_word(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// The first `length` bytes of the stream of `seed`.
pub fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut buffer = vec![0; length];
    Payload::new(seed).fill(&mut buffer);
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_does_not_depend_on_how_it_is_cut() {
        let mut cut = Payload::new(7);
        let (mut first, mut second) = ([0; 16], [0; 11]);
        cut.fill(&mut first);
        cut.fill(&mut second);
        assert_eq!([&first[..], &second[..]].concat(), bytes(7, 27));
        assert_ne!(bytes(7, 27), bytes(8, 27));
    }
}
