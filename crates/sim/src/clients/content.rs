//! What clients write: bytes that follow from a number, so that a reader knows what to find.

use bytes::Bytes;
use esker_checker::Value;
use esker_types::ETag;
use esker_types::placement::mix;

/// Objects of at most so many bytes are kept in the index, as gateways do.
pub const INLINE_BYTES_MAX: u64 = 1024;

/// The tag of what a value stands for; each has its own.
pub fn tag(value: Value) -> ETag {
    let mut md5 = [0x51; 16];
    md5[..8].copy_from_slice(&value.0.to_be_bytes());
    ETag::of_body(md5)
}

/// The value whose tag this is.
pub fn value_of(tag: &ETag) -> Value {
    let mut number = [0; 8];
    number.copy_from_slice(&tag.md5()[..8]);
    Value(u64::from_be_bytes(number))
}

/// How many bytes a value has: none to a few fragments.
pub fn length(value: Value) -> u64 {
    let random = mix(value.0);
    match random % 8 {
        0 => 0,
        1..=3 => random / 8 % INLINE_BYTES_MAX + 1,
        4..=6 => INLINE_BYTES_MAX + 1 + random / 8 % (16 << 10),
        _ => (200 << 10) + random / 8 % (200 << 10),
    }
}

/// The bytes of a value.
pub fn bytes(value: Value) -> Bytes {
    let mut state = value.0;
    let words = length(value).div_ceil(8);
    let mut all: Vec<u8> = (0..words)
        .flat_map(|_| {
            state = mix(state);
            state.to_le_bytes()
        })
        .collect();
    all.truncate(usize::try_from(length(value)).unwrap_or(usize::MAX));
    Bytes::from(all)
}
