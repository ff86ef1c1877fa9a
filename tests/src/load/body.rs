//! What a value is as bytes: its number, then bytes that follow from it, so that any wrong byte is seen.

use crate::{digest, payload};
use esker_checker::Value;

/// Bytes of small objects, which the index itself keeps; of those that are one blob; and of large ones.
const LENGTHS: [usize; 8] = [64, 300, 64, 2_000, 300, 20_000, 40_000, 150_000];

/// The bytes of a value. Every one is different.
pub fn body(value: Value) -> Vec<u8> {
    let length = LENGTHS[usize::try_from(value.0 % 8).expect("it is below 8")];
    let mut bytes = payload::bytes(value.0, length);
    bytes[..8].copy_from_slice(&value.0.to_be_bytes());
    bytes
}

/// The value whose bytes these are; none if they are no value's.
pub(super) fn value_of(bytes: &[u8]) -> Option<Value> {
    let value = Value(u64::from_be_bytes(bytes.get(..8)?.try_into().ok()?));
    (body(value) == bytes).then_some(value)
}

/// The ETag of a value's bytes.
pub fn etag_of(value: Value) -> String {
    digest::etag(&body(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_known_by_its_bytes_and_by_nothing_else() {
        for value in (0..20).map(Value) {
            let mut bytes = body(value);
            assert_eq!(value_of(&bytes), Some(value));
            *bytes.last_mut().expect("it is not empty") ^= 1;
            assert_eq!(value_of(&bytes), None);
        }
        assert_eq!((value_of(b""), value_of(b"12345678")), (None, None));
    }
}
