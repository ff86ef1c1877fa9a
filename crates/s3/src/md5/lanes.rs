//! Eight bodies at a time: the steps of `block`, each on eight words, one of each body.

use super::block::{BLOCK_BYTES, State, T, steps};
use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_and_si256, _mm256_andnot_si256, _mm256_or_si256, _mm256_set1_epi32,
    _mm256_setr_epi32, _mm256_slli_epi32, _mm256_srli_epi32, _mm256_xor_si256,
};

/// Bodies side by side.
pub(super) const LANES: usize = 8;

/// Takes blocks into eight states: of each input as many as the first has.
#[target_feature(enable = "avx2")]
pub(super) fn compress(states: &mut [State; LANES], inputs: [&[[u8; BLOCK_BYTES]]; LANES]) {
    let mut words = [0, 1, 2, 3].map(|word| gather(std::array::from_fn(|lane| states[lane][word])));
    for number in 0..inputs[0].len() {
        let blocks: [&[u8; BLOCK_BYTES]; LANES] = inputs.map(|input| &input[number]);
        let block: [__m256i; 16] = std::array::from_fn(|word| {
            gather(std::array::from_fn(|lane| u32::from_le_bytes(blocks[lane].as_chunks().0[word])))
        });
        compress_one(&mut words, &block);
    }
    for (number, word) in words.into_iter().enumerate() {
        for (state, value) in states.iter_mut().zip(scatter(word)) {
            state[number] = value;
        }
    }
}

/// One word of each lane.
#[target_feature(enable = "avx2")]
#[inline]
fn gather(words: [u32; LANES]) -> __m256i {
    let [a, b, c, d, e, f, g, h] = words.map(u32::cast_signed);
    _mm256_setr_epi32(a, b, c, d, e, f, g, h)
}

#[target_feature(enable = "avx2")]
#[inline]
fn scatter(word: __m256i) -> [u32; LANES] {
    use std::arch::x86_64::_mm256_extract_epi32 as extract;
    [
        extract::<0>(word),
        extract::<1>(word),
        extract::<2>(word),
        extract::<3>(word),
        extract::<4>(word),
        extract::<5>(word),
        extract::<6>(word),
        extract::<7>(word),
    ]
    .map(i32::cast_unsigned)
}

#[target_feature(enable = "avx2")]
#[inline]
#[allow(clippy::many_single_char_names, reason = "the RFC's names")]
fn compress_one(state: &mut [__m256i; 4], words: &[__m256i; 16]) {
    let ones = _mm256_set1_epi32(-1);
    let f = |x, y, z| _mm256_xor_si256(z, _mm256_and_si256(x, _mm256_xor_si256(y, z)));
    let g = |x, y, z| _mm256_or_si256(_mm256_and_si256(x, z), _mm256_andnot_si256(z, y));
    let h = |x, y, z| _mm256_xor_si256(x, _mm256_xor_si256(y, z));
    let i = |x, y, z| _mm256_xor_si256(y, _mm256_or_si256(x, _mm256_xor_si256(z, ones)));
    let [mut a, mut b, mut c, mut d] = *state;
    macro_rules! step {
        ($f:ident, $step:expr, $word:expr, $turn:expr) => {
            let constant = _mm256_set1_epi32(T[$step].cast_signed());
            let sum =
                _mm256_add_epi32(_mm256_add_epi32(a, _mm256_add_epi32(words[$word], constant)), $f(b, c, d));
            let turned =
                _mm256_or_si256(_mm256_slli_epi32::<$turn>(sum), _mm256_srli_epi32::<{ 32 - $turn }>(sum));
            (a, d, c, b) = (d, c, b, _mm256_add_epi32(b, turned));
        };
    }
    steps!(step, f, g, h, i);
    for (word, add) in state.iter_mut().zip([a, b, c, d]) {
        *word = _mm256_add_epi32(*word, add);
    }
}
