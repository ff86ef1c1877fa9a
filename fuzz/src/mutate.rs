//! Mutations of input: the usual small damages, drawn from a seed so that a failure can be repeated.

/// A source of mutations (xorshift64*).
pub struct Mutator {
    state: u64,
}

/// Longest input, in bytes; longer ones cost time and find little.
const LENGTH_MAX: usize = 1 << 16;

/// Texts with a meaning somewhere in the protocols.
const TOKENS: [&[u8]; 20] = [
    b"<",
    b">",
    b"</",
    b"&amp;",
    b"&#13;",
    b"<![CDATA[",
    b"<!DOCTYPE",
    b"%2F",
    b"%",
    b"%00",
    b"?versionId=",
    b"null",
    b"-1",
    b"18446744073709551616",
    b"bytes=",
    b";chunk-signature=",
    b"\r\n",
    b"\xff\xfe",
    b"\"",
    b"/../",
];

impl Mutator {
    /// Mutations of `seed`.
    pub fn new(seed: u64) -> Mutator {
        Mutator { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    /// A number below `bound`, or 0 if that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let draw = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(draw).unwrap_or(usize::MAX) % bound.max(1)
    }

    /// One input of `corpus`, damaged one to eight times.
    pub fn input(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = corpus.get(self.below(corpus.len())).cloned().unwrap_or_default();
        for _ in 0..=self.below(8) {
            self.damage(&mut input, corpus);
        }
        input.truncate(LENGTH_MAX);
        input
    }

    fn damage(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let end = at + self.below(input.len() - at + 1);
        match self.below(7) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.below(256).to_le_bytes()[0],
            2 => drop(input.drain(at..end)),
            3 => drop(input.splice(at..at, input[at..end].to_vec())),
            4 => {
                let token = TOKENS[self.below(TOKENS.len())];
                drop(input.splice(at..at, token.iter().copied()));
            }
            5 => {
                let other = corpus.get(self.below(corpus.len())).cloned().unwrap_or_default();
                let from = self.below(other.len() + 1);
                drop(input.splice(at..end, other[from..].iter().copied()));
            }
            _ => input.insert(at, self.below(256).to_le_bytes()[0]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_damages_alike_and_another_differently() {
        let corpus = [b"some input".to_vec(), b"other".to_vec()];
        let inputs = |seed| {
            let mut mutator = Mutator::new(seed);
            (0..100).map(|_| mutator.input(&corpus)).collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
    }
}
