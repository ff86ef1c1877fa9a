//! What the load is, as pure functions: the same seed gives the same load.

pub mod content;
pub mod keys;
pub mod kind;
pub mod mix;
pub mod schedule;
pub mod size;
pub mod workload;

pub use content::Content;
pub use keys::KeySpace;
pub use kind::Kind;
pub use mix::Mix;
pub use schedule::{Arrivals, Pace};
pub use size::Sizes;
pub use workload::Workload;

/// Why a text means nothing: it names the text and says what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}: {why}")]
pub struct Meaningless {
    text: String,
    what: &'static str,
    why: String,
}

impl Meaningless {
    fn new(text: &str, what: &'static str, why: impl Into<String>) -> Meaningless {
        Meaningless { text: text.to_owned(), what, why: why.into() }
    }
}

/// Spreads numbers that lie close together over all 64 bits: the finaliser of SplitMix64 (Steele, Lea, Flood, 2014).
pub(crate) fn spread(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The whole number next to a number that is not negative.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates, as is wanted")]
pub(crate) fn whole(number: f64) -> u64 {
    number.round() as u64
}
