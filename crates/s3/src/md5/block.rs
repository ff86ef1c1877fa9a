//! One body at a time: RFC 1321, section 3.4.

pub(super) const BLOCK_BYTES: usize = 64;

/// The words A, B, C and D.
pub(super) type State = [u32; 4];

pub(super) const INITIAL: State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// The table T, by step.
#[rustfmt::skip]
pub(super) const T: [u32; 64] = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
    0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
    0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1, 0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
];

/// Runs the 64 steps: `$step!(function, step, word of the block, rotation)`, in the order and with the numbers of the RFC,
/// whose four functions are given.
macro_rules! steps {
    ($step:ident, $f:ident, $g:ident, $h:ident, $i:ident) => {
        steps!(@round $step, $f, 0, 1, 0, [7, 12, 17, 22]);
        steps!(@round $step, $g, 16, 5, 1, [5, 9, 14, 20]);
        steps!(@round $step, $h, 32, 3, 5, [4, 11, 16, 23]);
        steps!(@round $step, $i, 48, 7, 0, [6, 10, 15, 21]);
    };
    (@round $step:ident, $f:ident, $first:expr, $by:expr, $from:expr, $turns:tt) => {
        steps!(@four $step, $f, $first, $by, $from, $turns);
        steps!(@four $step, $f, $first + 4, $by, $from + 4 * $by, $turns);
        steps!(@four $step, $f, $first + 8, $by, $from + 8 * $by, $turns);
        steps!(@four $step, $f, $first + 12, $by, $from + 12 * $by, $turns);
    };
    (@four $step:ident, $f:ident, $first:expr, $by:expr, $from:expr, [$s0:expr, $s1:expr, $s2:expr, $s3:expr]) => {
        $step!($f, $first, ($from) % 16, $s0);
        $step!($f, $first + 1, ($from + $by) % 16, $s1);
        $step!($f, $first + 2, ($from + 2 * $by) % 16, $s2);
        $step!($f, $first + 3, ($from + 3 * $by) % 16, $s3);
    };
}
pub(super) use steps;

/// Takes blocks into a state.
pub(super) fn compress(state: &mut State, blocks: &[[u8; BLOCK_BYTES]]) {
    for block in blocks {
        let mut words = [0; 16];
        for (word, bytes) in words.iter_mut().zip(block.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        compress_one(state, &words);
    }
}

#[allow(clippy::many_single_char_names, reason = "the RFC's names")]
fn compress_one(state: &mut State, words: &[u32; 16]) {
    let f = |sum: u32, x: u32, y: u32, z: u32| sum.wrapping_add(z ^ (x & (y ^ z)));
    // A sum instead of the RFC's "or": its bits exclude each other, and the first half need not wait for x.
    let g = |sum: u32, x: u32, y: u32, z: u32| sum.wrapping_add(y & !z).wrapping_add(x & z);
    let h = |sum: u32, x: u32, y: u32, z: u32| sum.wrapping_add(x ^ (y ^ z));
    let i = |sum: u32, x: u32, y: u32, z: u32| sum.wrapping_add(y ^ (x | !z));
    let [mut a, mut b, mut c, mut d] = *state;
    macro_rules! step {
        ($f:ident, $step:expr, $word:expr, $turn:expr) => {
            let sum = $f(a.wrapping_add(words[$word]).wrapping_add(T[$step]), b, c, d);
            (a, d, c, b) = (d, c, b, b.wrapping_add(sum.rotate_left($turn)));
        };
    }
    steps!(step, f, g, h, i);
    for (word, add) in state.iter_mut().zip([a, b, c, d]) {
        *word = word.wrapping_add(add);
    }
}
